"""The commands of the program as functions.

Each keyword argument is the option of the command line of the same name: ``only_present=True``
is ``--only-present``, ``include=["HUVEC-*", "dataset=train"]`` is ``--include 'HUVEC-*'
--include dataset=train``. None leaves an option at its default. ``rxrx2zarr COMMAND --help``
describes all of them.

Warnings and messages of a command go to the logger ``rxrx2zarr``. Other threads of Python run
meanwhile.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, overload

from rxrx2zarr import _native
from rxrx2zarr._progress import ProgressCallback, Sink
from rxrx2zarr._results import (
    Cleaned,
    Converted,
    Info,
    Plan,
    Published,
    Unfinished,
    Verified,
    VerifiedByStore,
    decoded,
)

StrPath: TypeAlias = str | os.PathLike[str]
"""A path or an address."""

StrPaths: TypeAlias = StrPath | Sequence[StrPath]
"""One path or address, or several."""

Texts: TypeAlias = str | Sequence[str]
"""One text, or several."""

Option: TypeAlias = (
    StrPaths | Texts | Mapping[str, str] | Mapping[str, StrPath] | bool | int | float | None
)

# Commands that a signal stops after what they have begun.
_STOPPED = ("convert", "job run")

# Options whose values are one text with commas.
_JOINED = ("channels", "on")


def plan(
    inputs: StrPaths = (),
    *,
    output: StrPath | None = None,
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
    memory: int | str | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> Plan:
    """Tell what :func:`convert` would do, and every problem of the input; write nothing.

    Args:
        inputs: Folders, archives, Parquet files or addresses that are read as one.
        output: Folder or address to convert to: the result tells whether there is room.
        metadata: Metadata tables; ``"none"`` takes the rows from the names of the images.
        path_column: Columns of the table with the paths of a channel, by the channel.

    The ``exit_code`` of the result is 1 if :func:`convert` would refuse the input, or if the
    dataset does not fit.

    Raises :class:`Error`, by the kinds in ``docs/json.md``.
    """
    options = options_of(locals(), positional=("inputs",))
    fields = run("plan", options, paths_of(inputs), None)
    return decoded(Plan, fields)


def convert(
    inputs: StrPaths,
    output: StrPath,
    *,
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
    memory: int | str | None = None,
    grace: int | None = None,
    allow_missing: bool = False,
    strict: bool = False,
    overwrite: bool = False,
    retry_bad: bool = False,
    recheck: bool = False,
    ignore_space: bool = False,
    lock: str | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> Converted:
    """Convert images and their metadata table into a dataset.

    The same call continues a conversion that was interrupted, and does nothing if the
    dataset is complete.

    Args:
        inputs: Folders, archives, Parquet files or addresses that are read as one; ``()`` if
            ``path_column`` names columns with absolute paths.
        output: Folder or address of the dataset.
        metadata: Metadata tables; ``"none"`` takes the rows from the names of the images.
        path_column: Columns of the table with the paths of a channel, by the channel.
        progress: Function that receives each :class:`Progress`, on this thread. If it raises
            an exception, the conversion stops as after Ctrl-C, and the exception goes on.

    The ``exit_code`` of the result is 3 if images are missing or could not be used: ``planes``
    and ``refused`` tell how many.

    Raises :class:`Interrupted` after Ctrl-C: shards that can end within ``grace`` seconds (5)
    are finished, and nothing is lost. Raises :class:`Error`, by the kinds in
    ``docs/json.md``; then nothing is sealed.
    """
    options = options_of(locals(), positional=("inputs", "output", "progress"))
    paths = [*paths_of(inputs), output]
    return decoded(Converted, run("convert", options, paths, progress))


@overload
def verify(
    dataset: StrPath,
    *,
    source: StrPaths | None = None,
    metadata: StrPaths | None = None,
    join: StrPath | None = None,
    on: Texts | None = None,
    platemap: StrPath | None = None,
    profile: str | None = None,
    no_download: Literal[False] = False,
    independent: bool = False,
    jobs: int | None = None,
    memory: int | str | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> Verified: ...
@overload
def verify(
    dataset: StrPath,
    *,
    no_download: Literal[True],
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> VerifiedByStore: ...
def verify(
    dataset: StrPath,
    *,
    source: StrPaths | None = None,
    metadata: StrPaths | None = None,
    join: StrPath | None = None,
    on: Texts | None = None,
    platemap: StrPath | None = None,
    profile: str | None = None,
    no_download: bool = False,
    independent: bool = False,
    jobs: int | None = None,
    memory: int | str | None = None,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> Verified | VerifiedByStore:
    """Read a whole dataset and tell everything that is not as it was written.

    Args:
        dataset: Folder or address of the dataset.
        source: Inputs that it was made from: every pixel is compared with its image.
        metadata: Metadata tables of the source.
        no_download: Compare only the sizes and checksums that the object store has.
        independent: Decode every chunk a second time, with a plain and slow decoder; by
            default one chunk of each shard.
        progress: Function that receives each :class:`Progress`, on this thread.

    ``clean`` of the result tells whether all is as recorded; damage raises no exception.

    Raises :class:`Error`, by the kinds in ``docs/json.md``, if the dataset cannot be
    verified. After Ctrl-C, work that has begun ends in the background.
    """
    options = options_of(locals(), positional=("dataset", "progress"))
    fields = run("verify", options, [dataset], progress)
    return decoded(VerifiedByStore, fields) if no_download else decoded(Verified, fields)


def info(
    dataset: StrPath,
    *,
    all: bool = False,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> Info | Unfinished:
    """Tell what is in a dataset, and whether all of its objects are there.

    Args:
        dataset: Folder or address of the dataset.
        all: Ask for every shard where the server gives no list.

    Returns :class:`Unfinished` for a conversion that has not ended. The ``exit_code`` is 0
    only for a complete dataset of which no object is missing.

    Raises :class:`Error`, by the kinds in ``docs/json.md``.
    """
    options = options_of(locals(), positional=("dataset",))
    fields = run("info", options, [dataset], None)
    return decoded(Unfinished, fields) if "sealed" in fields else decoded(Info, fields)


def publish(
    dataset: StrPath,
    url: StrPath,
    *,
    dry_run: bool = False,
    verify: bool = False,
    overwrite: bool = False,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
    progress: ProgressCallback | None = None,
) -> Published:
    """Copy a complete dataset to an object store, the root metadata last.

    The same call continues an upload that was interrupted.

    Args:
        dataset: Folder or address of the dataset.
        url: Address of the copy: ``s3://``, ``gs://``, ``az://`` or ``http(s)://``.
        dry_run: Tell what would be uploaded, and upload nothing.
        verify: Read all objects back after the upload, and compare them.
        overwrite: Replace another dataset at ``url``, once all new objects are there.
        progress: Function that receives each :class:`Progress`, on this thread.

    Raises :class:`Error`, by the kinds in ``docs/json.md``; then nothing is sealed. After
    Ctrl-C, the upload goes on in the background until the process ends.
    """
    options = options_of(locals(), positional=("dataset", "url", "progress"))
    return decoded(Published, run("publish", options, [dataset, url], progress))


def clean(
    output: StrPath,
    *,
    dry_run: bool = False,
    abandon: bool = False,
    store_option: Mapping[str, str] | None = None,
    max_bandwidth: str | None = None,
) -> Cleaned:
    """Remove what runs that have ended left; never touch a complete dataset.

    Args:
        output: Folder or address of the dataset, finished or not.
        dry_run: Tell what would be removed, and remove nothing.
        abandon: Give up the unfinished run, or the dataset that is built to replace the one at
            ``output``.

    Raises :class:`Error`, by the kinds in ``docs/json.md``; nothing is removed while a run is at
    work.
    """
    options = options_of(locals(), positional=("output",))
    return decoded(Cleaned, run("clean", options, [output], None))


def options_of(arguments: Mapping[str, Any], positional: Sequence[str]) -> dict[str, Option]:
    """Return the arguments of a function that are options of the command line."""
    return {name: value for name, value in arguments.items() if name not in positional}


def run(
    command: str,
    options: Mapping[str, Option],
    paths: Sequence[StrPath],
    progress: ProgressCallback | None,
) -> dict[str, Any]:
    """Run a command, and return the fields of its JSON with its exit code."""
    line = ["rxrx2zarr", *command.split(), "--json"]
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        line += [option if text is None else f"{option}={text}" for text in _values(name, value)]
    # Whatever they look like, they are no options.
    line += ["--", *(os.fspath(path) for path in paths)]
    text, exit_code = _native.call(line, Sink(progress), command in _STOPPED)
    fields: dict[str, Any] = json.loads(text)
    return {**fields, "exit_code": exit_code}


def _values(name: str, value: Option) -> list[str | None]:
    """Return the texts of an option, once for each time that it is given; None for a flag."""
    if value is None or value is False:
        return []
    if value is True:
        return [None]
    if isinstance(value, Mapping):
        return [f"{key}={os.fspath(part)}" for key, part in value.items()]
    if isinstance(value, int | float):
        return [str(value)]
    texts = [os.fspath(path) for path in paths_of(value)]
    return [",".join(texts)] if name in _JOINED and texts else list(texts)


def paths_of(paths: StrPaths) -> list[StrPath]:
    """Return one path, or several, as a list."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
