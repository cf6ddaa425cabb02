"""A conversion in parts, on many machines.

    from rxrx2zarr import job

    job.init("rxrx1", "rxrx1-zarr", parts=200)
    job.run("rxrx1-zarr", 3)              # on any machine that sees both
    job.status("rxrx1-zarr").missing
    job.seal("rxrx1-zarr")

Arguments are those of ``rxrx2zarr job``, as for :func:`rxrx2zarr.convert`.
:func:`rxrx2zarr.dask.convert` does all of it on a Dask cluster.
"""

from collections.abc import Mapping, Sequence

from rxrx2zarr._commands import StrPath, StrPaths, Texts, options_of, paths_of
from rxrx2zarr._commands import run as _run
from rxrx2zarr._job_results import (
    FailedPart,
    FinishedPart,
    FinishedParts,
    JobStatus,
    PartStatus,
    PlannedJob,
    PlannedPart,
    Sealed,
    Worker,
)
from rxrx2zarr._progress import ProgressCallback
from rxrx2zarr._results import decoded

__all__ = [
    "FailedPart",
    "FinishedPart",
    "FinishedParts",
    "JobStatus",
    "PartStatus",
    "PlannedJob",
    "PlannedPart",
    "Sealed",
    "Worker",
    "init",
    "run",
    "seal",
    "status",
]


def init(
    inputs: StrPaths,
    output: StrPath,
    *,
    parts: int,
    metadata: StrPaths | None = None,
    join: StrPath | None = None,
    on: Texts | None = None,
    platemap: StrPath | None = None,
    pattern: str | None = None,
    channels: Texts | None = None,
    z: int | str | None = None,
    t: int | None = None,
    experiment: str | None = None,
    path_column: Mapping[str, str] | None = None,
    embeddings: StrPath | None = None,
    include: Texts = (),
    exclude: Texts = (),
    controls: Texts = (),
    only_present: bool = False,
    pixel_size: float | None = None,
    chunk_sites: int | None = None,
    chunk_channels: int | None = None,
    tile: int | None = None,
    shard_sites: int | None = None,
    codec: str | None = None,
    profile: str | None = None,
    dataset_name: str | None = None,
    license: str | None = None,
    citation: str | None = None,
    jobs: int | None = None,
    allow_missing: bool = False,
    ignore_space: bool = False,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> PlannedJob:
    """Plan a conversion once, store the plan beside OUTPUT, and cut it into parts.

    Args:
        inputs: Folders, archives, Parquet files or addresses that are read as one.
        output: Folder or address of the dataset.
        parts: Number of parts, each the work of one worker; never more than shards.

    The other arguments are those of :func:`rxrx2zarr.convert` that decide what is stored. The
    same call again keeps the job and what is done.

    Raises :class:`rxrx2zarr.Error`, by the kinds in ``docs/json.md``.
    """
    options = options_of(locals(), positional=("inputs", "output"))
    return decoded(PlannedJob, _run("job init", options, [*paths_of(inputs), output], None))


def run(
    output: StrPath,
    part: int | str | Sequence[int] | None = None,
    *,
    input: StrPaths | None = None,
    jobs: int | None = None,
    memory: int | str | None = None,
    grace: int | None = None,
    strict: bool = False,
    scratch: StrPath | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> FinishedParts:
    """Convert what is not done of some parts.

    Args:
        output: Folder or address of the dataset.
        part: Parts, from 0: ``3``, ``[3, 7]`` or ``"3,7-9"``; None takes the number of the task
            of an array job from the environment.
        input: INPUT, where it has another name here than for :func:`init`.
        scratch: Folder of a local disk, in which shards are made before they are copied to OUTPUT.
        progress: Function that receives each :class:`rxrx2zarr.Progress`, on this thread.

    Raises :class:`rxrx2zarr.Interrupted` after Ctrl-C, and :class:`rxrx2zarr.Error`, by the
    kinds in ``docs/json.md``. The same call again continues.
    """
    options = options_of(locals(), positional=("output", "part", "progress"))
    paths: list[StrPath] = [output]
    if part is not None:
        parts = [part] if isinstance(part, int | str) else part
        paths.append(",".join(str(number) for number in parts))
    return decoded(FinishedParts, _run("job run", options, paths, progress))


def status(
    output: StrPath,
    *,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> JobStatus:
    """Tell how far the parts of a job are, and which are missing.

    Raises :class:`rxrx2zarr.Error`, by the kinds in ``docs/json.md``, if there is no job.
    """
    options = options_of(locals(), positional=("output",))
    return decoded(JobStatus, _run("job status", options, [output], None))


def seal(
    output: StrPath,
    *,
    jobs: int | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> Sealed:
    """Seal the dataset of a job, if every part is done.

    Args:
        output: Folder or address of the dataset.
        progress: Function that receives each :class:`rxrx2zarr.Progress`, on this thread.

    The ``exit_code`` of the result is 3 if images are missing or could not be used.

    Raises :class:`rxrx2zarr.Error`, by the kinds in ``docs/json.md``, if workers run or parts
    are missing; then nothing is sealed.
    """
    options = options_of(locals(), positional=("output", "progress"))
    return decoded(Sealed, _run("job seal", options, [output], progress))
