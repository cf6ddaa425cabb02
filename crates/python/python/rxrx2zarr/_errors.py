"""The exceptions of the package. ``docs/json.md`` describes their kinds."""

from collections.abc import Sequence


class Error(Exception):
    """A command failed, or a dataset cannot be opened or read.

    The text is the one that the command line prints: the error and its causes. Examples of
    the problems that it counts are notes of the exception (``__notes__``).
    """

    kind = "defect"
    """The kind of the error in ``docs/json.md``."""

    def __init__(
        self,
        message: str,
        causes: Sequence[str] = (),
        notes: Sequence[str] = (),
        exit_code: int = 1,
    ) -> None:
        super().__init__(message, tuple(causes), tuple(notes), exit_code)
        self.message = message
        """The error without its causes."""
        self.causes = tuple(causes)
        """The causes of the error, the nearest first."""
        self.exit_code = exit_code
        """The exit code of the same command on the command line."""
        for note in notes:
            self.add_note(note)

    def __str__(self) -> str:
        return ": ".join((self.message, *self.causes))


class UsageError(Error, ValueError):
    """The arguments are wrong."""

    kind = "usage"


class InputError(Error):
    """INPUT, a table, or the dataset that is read cannot be used as it is."""

    kind = "input"


class OutputError(Error):
    """OUTPUT or the address cannot be used.

    It holds something else, another process writes it, or its unfinished work is damaged.
    """

    kind = "output"


class StoreError(Error):
    """A file system or an object store failed. The same call may succeed later."""

    kind = "store"


class Defect(Error):
    """The package has an error; please report it."""

    kind = "defect"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a conversion. Nothing is lost: the same call continues.

    It is no :class:`Error`, so that ``except Exception`` does not swallow Ctrl-C.
    """

    kind = "interrupted"

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message, exit_code)
        self.message = message
        """How far the conversion was."""
        self.exit_code = exit_code
        """The exit code of the same command on the command line."""

    def __str__(self) -> str:
        return self.message


_CLASSES: tuple[type[Error], ...] = (UsageError, InputError, OutputError, StoreError, Defect)


def exception(
    kind: str, message: str, causes: Sequence[str], notes: Sequence[str], exit_code: int
) -> Error | Interrupted:
    """Return the exception for a failure that the native module reports."""
    if kind == Interrupted.kind:
        return Interrupted(": ".join((message, *causes)), exit_code)
    known = {known.kind: known for known in _CLASSES}
    return known.get(kind, Defect)(message, causes, notes, exit_code)
