"""``python -m rxrx2zarr`` is the command ``rxrx2zarr``."""

import sys

from rxrx2zarr._program import main

if __name__ == "__main__":
    sys.argv[0] = "rxrx2zarr"
    sys.exit(main())
