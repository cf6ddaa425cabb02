"""A conversion on a Dask cluster.

    from distributed import Client
    from rxrx2zarr import dask

    with Client("tcp://scheduler:8786") as client:
        dask.convert(client, "/data/rxrx1", "/data/rxrx1-zarr", parts=200)

All workers need this package, and must see INPUT and OUTPUT under the same names: a shared file
system with locks, or addresses.
"""

import os
from pathlib import Path
from typing import Any

from rxrx2zarr import job
from rxrx2zarr._commands import StrPath, StrPaths, paths_of
from rxrx2zarr._optional import imported
from rxrx2zarr._progress import Progress, ProgressCallback

__all__ = ["convert"]

# How often a part runs again whose worker was lost, or whose store failed.
_RETRIES = 5


def convert(
    client: Any,
    inputs: StrPaths,
    output: StrPath,
    *,
    parts: int | None = None,
    threads: int = 1,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> job.Sealed:
    """Convert on the workers of a Dask cluster: plan, run all parts, seal.

    The same call continues a conversion that was interrupted, also on another cluster.

    Args:
        client: A ``distributed.Client``.
        inputs: Folders, archives, Parquet files or addresses that are read as one.
        output: Folder or address of the dataset. A relative path is one of this process.
        parts: Number of parts; None makes four for each thread of the cluster. A conversion
            that was begun keeps its parts.
        threads: Threads that decode and encode a part. Dask runs as many parts on a worker as
            it has threads.
        progress: Function that receives each :class:`rxrx2zarr.Progress`, in units of shards.
        options: Arguments of :func:`rxrx2zarr.job.init`, such as ``codec``; ``store_option``
            and ``max_bandwidth`` also hold for the parts and the seal.

    Raises ImportError if distributed is not installed, and the errors of
    :mod:`rxrx2zarr.job`; then nothing is sealed.
    """
    distributed = imported("distributed", "rxrx2zarr.dask")
    output = _absolute(output)
    inputs = [_absolute(path) for path in paths_of(inputs)]
    if parts is None:
        parts = 4 * max(sum(client.nthreads().values()), 1)
    store = {name: options[name] for name in ("store_option", "max_bandwidth") if name in options}
    planned = job.init(inputs, output, parts=parts, **options)
    if not planned.sealed:
        status = job.status(output, **store)
        done, total = status.units_done, status.units
        _tell(progress, "started", done, total, status.stored_bytes)
        run = [(output, part, threads, store) for part in status.missing]
        futures = client.map(_run_part, run, pure=False, retries=_RETRIES)
        stored = status.stored_bytes
        try:
            for future in distributed.as_completed(futures):
                units, stored_bytes = future.result()
                done, stored = done + units, stored + stored_bytes
                _tell(progress, "advanced", min(done, total), total, stored)
        except BaseException:
            client.cancel(futures)
            raise
        _tell(progress, "sealing", total, total, stored)
    return job.seal(output, **store)


def _run_part(work: tuple[StrPath, int, int, dict[str, Any]]) -> tuple[int, int]:
    """Run a part on a worker; return the units that it did, and the bytes of its shards."""
    output, part, threads, store = work
    finished = job.run(output, part, jobs=threads, **store).parts
    units = sum(part.units - part.units_before for part in finished)
    return units, sum(part.stored_bytes for part in finished)


def _tell(progress: ProgressCallback | None, kind: str, done: int, total: int, stored: int) -> None:
    if progress is not None:
        progress(Progress(kind, done, total, "shards", stored))


def _absolute(path: StrPath) -> str:
    text = os.fspath(path)
    return text if "://" in text else str(Path.cwd() / text)
