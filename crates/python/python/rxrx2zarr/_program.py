"""The command ``rxrx2zarr``."""

import signal
import sys

from rxrx2zarr import _native


def main() -> int:
    """Run the program with the arguments of the command line, and return the exit code."""
    # As a program of its own has them: the commands decide what a signal does.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    return _native.run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
