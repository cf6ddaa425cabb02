"""Progress of a command, and what it says beside its result."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rxrx2zarr._optional import imported

logger = logging.getLogger("rxrx2zarr")
"""Receives the warnings and messages that the command line prints on standard error."""


@dataclass(frozen=True)
class Progress:
    """How far a command is.

    It is sent at the start of each step, after each chunk or object, and when a conversion
    seals the dataset or stops. A conversion and a verification have one step; a publication
    compares what is there, uploads, and reads back.
    """

    kind: str
    """``started``, ``advanced``, ``stored`` (a shard is stored and durable), ``stopping`` or
    ``sealing``."""

    done: int
    """Sites or objects of the step that are done."""

    total: int
    """Sites or objects in all of the step."""

    unit: str
    """``sites``, or ``objects`` while a dataset is published."""

    bytes: int
    """Bytes that were read so far; bytes of the objects that are done for ``objects``."""

    name: str | None = None
    """Key of the object that is done or stored."""


ProgressCallback = Callable[[Progress], object]
"""A function that receives the progress, on the thread that called the command."""


class Sink:
    """Receives what the native module says: texts for the log, and progress."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress
        self._done = self._total = self._bytes = 0
        self._unit = "sites"

    def __call__(self, kind: str, text: str | None, numbers: Mapping[str, int]) -> None:
        if kind == "warning":
            logger.warning("%s", text)
        elif kind == "message":
            logger.info("%s", text)
        elif self._progress is not None:
            self._progress(self._counted(kind, text, numbers))

    def _counted(self, kind: str, name: str | None, numbers: Mapping[str, int]) -> Progress:
        if kind in ("started", "checking", "uploading"):
            self._unit = "sites" if kind == "started" else "objects"
            self._done, self._total, self._bytes = 0, numbers[self._unit], 0
            kind = "started"
        elif kind in ("sites", "object"):
            self._done += numbers.get("sites", 1)
            self._bytes += numbers["bytes"]
            # The root metadata are put after the others were read back.
            self._total = max(self._total, self._done)
            kind = "advanced"
        return Progress(kind, self._done, self._total, self._unit, self._bytes, name)


class ProgressBar:
    """Draws progress with tqdm, in a terminal or a notebook: ``progress=ProgressBar()``.

    Raises ImportError if tqdm is not installed.
    """

    def __init__(self) -> None:
        self._tqdm: Callable[..., Any] = imported("tqdm.auto", "ProgressBar").tqdm
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        """Draw one step."""
        if progress.kind == "started":
            self.close()
            self._bar = self._tqdm(total=progress.total, unit=f" {progress.unit}")
        if self._bar is not None:
            self._bar.update(progress.done - self._bar.n)
            if progress.done == progress.total:
                self.close()

    def close(self) -> None:
        """End the bar, for a command that failed."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
