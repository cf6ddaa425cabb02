"""The results of the commands, as frozen dataclasses.

Each field has the name, the unit and the meaning of the JSON in ``docs/json.md``. Lists are
tuples. A field that is null or absent there is None.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class PlaneCounts:
    """Numbers of planes of a dataset."""

    ok: int
    """Planes that were decoded and stored (unit: planes)."""

    missing: int
    """Planes without an image; their pixels are 0 (unit: planes)."""

    unreadable: int
    """Planes whose image the system could not read, while it could read others; their pixels are 0
    (unit: planes).
    """

    corrupt: int
    """Planes whose image could not be used; their pixels are 0 (unit: planes)."""


@dataclass(frozen=True, kw_only=True)
class RefusedImages:
    """Images that could not be used, for one cause."""

    cause: str
    """Name of the cause."""

    count: int
    """Number of images (unit: images)."""

    examples: tuple[str, ...]
    """The first images, at most 5."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The result of :func:`convert`."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    sites: int
    """Sites of the dataset (unit: sites)."""

    sites_before: int
    """Those of them that an earlier run converted (unit: sites)."""

    shards: int
    """Shards of the dataset (unit: shards)."""

    planes: PlaneCounts
    """Numbers of planes."""

    source_bytes: int
    """Size of the image files that were read (unit: bytes)."""

    stored_bytes: int
    """Size of all shards (unit: bytes)."""

    overview_bytes: int
    """Size of all overviews (unit: bytes)."""

    refused: tuple[RefusedImages, ...]
    """Images that could not be used, by cause; may be empty."""

    described_otherwise: tuple[str, ...]
    """How a dataset that was complete before is described otherwise than it would be now; it stays
    as it is; may be empty.
    """

    seconds: float
    """Duration of the conversion, without planning (unit: seconds)."""


@dataclass(frozen=True, kw_only=True)
class PlanPlanes:
    """Numbers of planes of a plan."""

    present: int
    """Planes with an image (unit: planes)."""

    missing: int
    """Planes without an image (unit: planes)."""


@dataclass(frozen=True, kw_only=True)
class ChosenProfile:
    """The profile of a data set."""

    name: str | None = None
    """Its name; None if there is none."""

    by: str
    """`evidence`, `option` (`--profile`) or `description` (`rxrx2zarr.json`)."""

    reasons: tuple[str, ...]
    """What agrees with the profile; without one, why none is recognised; may be empty."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A published split of the sites."""

    column: str
    """Column of the metadata table that tells it."""

    parts: tuple[str, ...]
    """Values of the column that are parts of the split."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A display window, in units of the pixels."""

    start: int
    """Value that is displayed black (unit: pixel value)."""

    end: int
    """Value that is displayed at full brightness (unit: pixel value)."""

    min: int
    """Least possible value (unit: pixel value)."""

    max: int
    """Greatest possible value (unit: pixel value)."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel of the images."""

    name: str
    """Name along the dimension `channel`."""

    stain: str
    """Dye; empty if unknown."""

    structure: str
    """Structure that the dye shows; empty if unknown."""

    structure_ids: tuple[str, ...] | None = None
    """Terms of the Gene Ontology for the structure; None if unknown."""

    color: str
    """Display colour, `RRGGBB` in hexadecimal digits."""

    window: Window
    """Display window, as in OMERO."""

    window_from: str | None = None
    """`given` by the profile or `rxrx2zarr.json`, or `data`; a window of the data is found by
    `convert`, and is the range of the data type here; None in datasets of earlier versions.
    """

    excitation_nm: float | None = None
    """Wavelength of the light that excites the dye (unit: nanometres); None if unknown."""

    emission_nm: float | None = None
    """Wavelength of the light that the dye emits (unit: nanometres); None if unknown."""


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """Rules that tell groups of rows."""

    train: tuple[str, ...] | None = None
    """Clauses that tell the rows to train on; None if unknown."""

    negative_controls: tuple[str, ...] | None = None
    """Clauses that tell the negative controls; None if unknown."""


@dataclass(frozen=True, kw_only=True)
class ColumnText:
    """What a column of the table means."""

    long_name: str
    """A few words."""

    description: str
    """A sentence."""

    units: str | None = None
    """Unit of the values; None if there is none."""

    ids: Mapping[str, str] | None = None
    """Terms of an ontology by the value that they stand for; None if there are none."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a dataset says of itself."""

    name: str
    """Name of the dataset."""

    license: str | None = None
    """Licence of the images, an SPDX identifier if there is one; None if unknown."""

    license_text: str | None = None
    """What the licence says or where its text is, if it has no SPDX identifier; None if there is
    none.
    """

    citation: str | None = None
    """Publication to cite; None if unknown."""

    bibtex: str | None = None
    """The citation as a BibTeX entry; None if there is none."""

    url: str | None = None
    """Address at which the dataset is published; None if unknown."""

    creator: str | None = None
    """Author of the dataset; None if unknown."""

    about: str | None = None
    """What the images show and how they were made; None if unknown."""

    intended_use: str | None = None
    """What the dataset is for, and what it is not for; None if unknown."""

    version: str | None = None
    """Version of the dataset; None if nobody gave one."""

    date_published: str | None = None
    """Day on which the dataset was published; None if nobody gave one."""

    split: Split | None = None
    """The published split; None if there is none."""

    profile: str | None = None
    """Name of the profile that the description follows; None if there is none."""

    channels: tuple[Channel, ...]
    """The channels, in the order of the array."""

    rows: RowRules | None = None
    """Rules that tell groups of rows, for `channel_stats.parquet`; None if it would be empty."""

    columns: Mapping[str, ColumnText] | None = None
    """Texts of columns of the table, by the name of the column; None if none is described."""


@dataclass(frozen=True, kw_only=True)
class CodecSize:
    """The size with one codec."""

    codec: str
    """Its name."""

    stored_bytes: int
    """Shards with this codec, estimated (unit: bytes)."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Sizes to expect."""

    source_bytes: int
    """Image files, estimated from a sample of them (unit: bytes)."""

    raw_bytes: int
    """Decoded pixels, exact (unit: bytes)."""

    stored_bytes: int
    """Shards with the codec that is chosen, estimated from images that were encoded (unit:
    bytes)."""

    overview_bytes: int
    """All overviews at most (unit: bytes)."""

    sampled_planes: int
    """Images that were encoded, of 3 to 32 sites; if it is 0, none could be, and images like those
    of RxRx1 are assumed (unit: planes).
    """

    codecs: tuple[CodecSize, ...]
    """The codecs, the smallest first; empty if no image was encoded."""


@dataclass(frozen=True, kw_only=True)
class ObjectNumbers:
    """Numbers of objects, and of files on a disk."""

    objects: int
    """Objects (unit: objects)."""

    files: int
    """Inodes on a disk, with the journal of the run (unit: files and folders)."""

    largest_folder: str
    """The folder with the most entries, relative to OUTPUT."""

    largest_folder_entries: int
    """Its entries (unit: entries)."""

    many_objects: bool
    """True from 100,001 objects on: they are slow to list, copy and remove."""

    large_folder: bool
    """True from 10,001 entries on: many file systems are slow then."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of a conversion."""

    limit_bytes: int
    """Most for pixels and buffers: `--memory`, or its default (unit: bytes)."""

    table_bytes: int | None = None
    """The table and the lists of images, which come on top (unit: bytes); None if the system does
    not tell it.
    """


@dataclass(frozen=True, kw_only=True)
class Space:
    """Room on the file system of OUTPUT."""

    needed_bytes: int
    """What is left to convert needs, estimated: shards, labels, tables and journal (unit:
    bytes)."""

    needed_files: int
    """Inodes that it needs (unit: files and folders)."""

    free_bytes: int | None = None
    """Free for this user (unit: bytes); None if it is unknown, or OUTPUT is in an object store."""

    free_files: int | None = None
    """Free for this user (unit: inodes); None if it is unknown or has no limit."""

    fits: bool
    """False if `convert` would refuse to begin without `--ignore-space`."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One kind of problem of an input."""

    kind: str
    """`images_without_row`, `rows_without_images`, `incomplete_sites`, `short_stacks`,
    `duplicate_planes`, `unrecognised_files`, `names_in_other_case`, `unreadable_names`,
    `unsafe_names`, `mixed_shapes`, `stray_shapes`, `unreadable_headers`, `unnamed_columns`,
    `renamed_columns`, `experiments_without_images`, `absent_channels`, `wells_not_in_platemap`,
    `platemap_wells_unused`, `rows_not_joined`, `joined_rows_unused`, `images_not_chosen`,
    `embeddings_without_site`, `sites_without_embedding` or `described_channels`.
    """

    count: int
    """Number of occurrences (unit: sites, planes, files or rows, by kind)."""

    missing_planes: int
    """Planes of the array that have no image because of it (unit: planes)."""

    examples: tuple[str, ...]
    """The first occurrences, at most 20."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The result of :func:`plan`."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    input: str
    """INPUT, as given; several are joined by ` and `."""

    metadata: str | None = None
    """The first metadata table that was read; None the rows come from the names of the images."""

    tables: tuple[str, ...]
    """The metadata tables that were read."""

    shape: tuple[int, ...]
    """Shape of the image array: (site, channel, y, x)."""

    chunk_shape: tuple[int, ...]
    """Shape of a chunk, in the same order."""

    shard_shape: tuple[int, ...]
    """Shape of a shard, in the same order."""

    data_type: str
    """Zarr data type of a pixel: `uint8` or `uint16`."""

    codec: str
    """Name of the codec."""

    channels: tuple[str, ...]
    """Names of the channels, in the order of the array."""

    units: int
    """Number of units; each writes one shard (unit: units)."""

    planes: PlanPlanes
    """Numbers of planes."""

    profile: ChosenProfile
    """The profile of the data set; see converting.md."""

    description: Description
    """What the dataset will say of itself."""

    projection: Projection
    """Sizes to expect."""

    objects: ObjectNumbers
    """Objects of the dataset, and how they lie in folders of a disk."""

    memory: Memory
    """Memory of a conversion."""

    space: Space | None = None
    """Room on the file system of OUTPUT; None without `--output`."""

    problems: tuple[Problem, ...]
    """Problems of the input, at most one of each kind; may be empty."""


@dataclass(frozen=True, kw_only=True)
class SiteSpan:
    """Consecutive sites."""

    site_index: int
    """Position of the first site in the array, from 0."""

    count: int
    """Number of sites (unit: sites)."""

    first: str | None = None
    """`site_id` of the first site; None if the tables cannot be used."""

    last: str | None = None
    """`site_id` of the last site; None if the tables cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it was recorded."""

    object: str
    """Key of the object."""

    sites: SiteSpan | None = None
    """Consecutive sites; None if it is not about certain sites."""

    channel: str | None = None
    """Name of the channel; None if it is not about one channel."""

    kind: str
    """Kind of the finding."""

    text: str
    """What is wrong, in English."""


@dataclass(frozen=True, kw_only=True)
class ObjectFindings:
    """Findings about one object."""

    count: int
    """Number of findings (unit: findings)."""

    examples: tuple[Finding, ...]
    """The first findings by site, at most 20."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The result of :func:`verify`."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    clean: bool
    """Whether everything is as it was recorded; then the exit code is 0."""

    objects: int
    """Objects of the dataset (unit: objects)."""

    bytes: int
    """Their size (unit: bytes)."""

    sites: int
    """Sites of the array; 0 if the root metadata cannot be used (unit: sites)."""

    planes: int
    """Planes that were decoded (unit: planes)."""

    compared: int | None = None
    """Planes whose pixels were compared with their image (unit: planes); None without
    `--source`."""

    card_edited: bool
    """Whether somebody has edited `README.md` since it was written, which is no finding."""

    findings: Mapping[str, int]
    """Number of findings by kind: `damaged`, `missing`, `extra`, `mismatch`, `unlike-source`;
    kinds without a finding have no key.
    """

    sites_touched: int
    """Sites that any finding is about (unit: sites)."""

    by_object: Mapping[str, ObjectFindings]
    """Findings by key of the object; may be empty."""

    seconds: float
    """Duration of the verification (unit: seconds)."""


@dataclass(frozen=True, kw_only=True)
class SomeObjects:
    """Objects of a dataset, with the first of them."""

    count: int
    """How many (unit: objects)."""

    examples: tuple[str, ...]
    """The first ten."""


@dataclass(frozen=True, kw_only=True)
class ChangedObjects:
    """Objects that are not as recorded."""

    count: int
    """How many (unit: objects)."""

    examples: Mapping[str, str]
    """What differs, by key, of the first ten."""


@dataclass(frozen=True, kw_only=True)
class VerifiedByStore:
    """The result of :func:`verify` with ``no_download=True``."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    clean: bool
    """Whether every object is shown to be as recorded and none is extra; then the exit code is
    0."""

    objects: int
    """Objects that the dataset should have (unit: objects)."""

    bytes: int
    """Size of those that are there (unit: bytes)."""

    proven: int
    """Objects that a checksum shows to be as recorded (unit: objects)."""

    kinds: Mapping[str, int]
    """Number of objects that each kind of checksum shows to be as recorded; format.md lists the
    kinds. `read` is the root metadata, which is read. An object can have several kinds.
    """

    recorded: bool
    """Whether the dataset has `store-checksums.json`."""

    without_proof: SomeObjects
    """Objects that are there, and of which no checksum could be compared."""

    changed: ChangedObjects
    """Objects that are not as recorded."""

    missing: SomeObjects
    """Objects that are not there."""

    extra: SomeObjects | None = None
    """Objects that are no part of the dataset; None where the store gives no list."""

    seconds: float
    """Duration (unit: seconds)."""


@dataclass(frozen=True, kw_only=True)
class ImageNames:
    """How the images were named."""

    pattern: str | None = None
    """The pattern of paths; None if there was none."""

    channels: tuple[str, ...] | None = None
    """The texts of the channels, in their order; None if not given."""

    z: int | str | None = None
    """The depth that was chosen; `max` where one plane was made of all; None if not given."""

    t: int | None = None
    """The time that was chosen; None if not given."""

    experiment: str | None = None
    """The experiment of all images; None if not given."""

    path_columns: tuple[str, ...] | None = None
    """The options `CHANNEL=COLUMN`; None if there were none."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a conversion."""

    codec: str
    """Name of the codec."""

    chunk_sites: int
    """Sites in a chunk (unit: sites)."""

    chunk_channels: int
    """Channels in a chunk (unit: channels)."""

    shard_sites: int
    """Sites in a shard (unit: sites)."""

    tile: int | None = None
    """Length of a tile along y and along x (unit: pixels); None where planes are not cut."""

    controls: tuple[str, ...] | None = None
    """Values of `--controls`; None if not given."""

    only_present: bool | None = None
    """Whether sites without any image were left out; None where false."""

    image_decoder: str | None = None
    """Name and version of the decoder of the images; None where every decoder gives the same
    pixels.
    """

    pixel_size: float | None = None
    """Side of a pixel in the specimen: `--pixel-size`, or what `rxrx2zarr.json` in INPUT or the
    profile says (unit: micrometres); None if unknown.
    """

    names: ImageNames | None = None
    """How the images were named; None for the names of RxRx1."""

    include: tuple[str, ...]
    """Values of `--include`; empty for all rows."""

    exclude: tuple[str, ...]
    """Values of `--exclude`."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingsDigest:
    """The embeddings of a dataset."""

    length: int
    """Length of a vector (unit: numbers)."""

    sha256: str
    """SHA-256 of the vectors, in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class CheckedObjects:
    """The objects that were looked for."""

    listed: bool
    """Whether the store gave a list; if not, the objects were asked for one by one."""

    objects: int
    """How many were looked for: without a list the small objects and 64 shards, all with `--all`;
    the others count as recorded (unit: objects).
    """

    of: int
    """How many the dataset should have (unit: objects)."""


@dataclass(frozen=True, kw_only=True)
class LeftOver:
    """What runs that have ended left."""

    objects: int
    """Objects that no run uses (unit: objects)."""

    bytes: int
    """Their size (unit: bytes)."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """The result of :func:`info` for a complete dataset."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    name: str
    """Name of the dataset."""

    license: str | None = None
    """Licence of the images, an SPDX identifier if there is one; None if unknown."""

    license_text: str | None = None
    """What the licence says or where its text is, if it has no SPDX identifier; None if there is
    none.
    """

    citation: str | None = None
    """Publication to cite; None if unknown."""

    bibtex: str | None = None
    """The citation as a BibTeX entry; None if there is none."""

    url: str | None = None
    """Address at which the dataset is published; None if unknown."""

    creator: str | None = None
    """Author of the dataset; None if unknown."""

    about: str | None = None
    """What the images show and how they were made; None if unknown."""

    intended_use: str | None = None
    """What the dataset is for, and what it is not for; None if unknown."""

    version: str | None = None
    """Version of the dataset; None if nobody gave one."""

    date_published: str | None = None
    """Day on which the dataset was published; None if nobody gave one."""

    split: Split | None = None
    """The published split; None if there is none."""

    profile: str | None = None
    """Name of the profile that the description follows; None if there is none."""

    channels: tuple[Channel, ...]
    """The channels, in the order of the array."""

    rows: RowRules | None = None
    """Rules that tell groups of rows, for `channel_stats.parquet`; None if it would be empty."""

    columns: Mapping[str, ColumnText] | None = None
    """Texts of columns of the table, by the name of the column; None if none is described."""

    generator: str
    """Program and version that wrote the dataset."""

    settings: Settings
    """Settings of the conversion."""

    planes: PlaneCounts
    """Numbers of planes."""

    format_version: int
    """Version of the format."""

    encoder_revision: int | None = None
    """Revision of the encoders; equal settings and revisions give equal bytes; None in datasets of
    format 3.
    """

    format_draft: bool | None = None
    """Whether the format may still change; None where false."""

    reader_versions: Mapping[str, str] | None = None
    """Least versions of the programs that read the dataset; None in datasets of earlier
    programs."""

    card_sha256: str | None = None
    """SHA-256 of `README.md` as it was written; None where `SHA256SUMS` lists `README.md`."""

    metadata_sha256: str
    """SHA-256 of the metadata columns, in hexadecimal digits."""

    embeddings: EmbeddingsDigest | None = None
    """The embeddings; None if there are none."""

    shape: tuple[int, ...]
    """Shape of the image array: (site, channel, y, x)."""

    dimensions: tuple[str, ...]
    """Names of the axes."""

    data_type: str
    """Zarr data type of a pixel: `uint8` or `uint16`."""

    chunk_shape: tuple[int, ...]
    """Shape of a chunk."""

    shard_shape: tuple[int, ...]
    """Shape of a shard."""

    overview_shape: tuple[int, ...] | None = None
    """Shape of the array of overviews; None in older datasets, which have none."""

    labels: tuple[str, ...]
    """Names of the arrays beside `images` and `overview`."""

    tables: tuple[str, ...]
    """Keys of the Parquet tables."""

    objects: int
    """Stored objects (unit: objects)."""

    bytes: int
    """Their size (unit: bytes)."""

    image_bytes: int
    """Size of the shards (unit: bytes)."""

    overview_bytes: int
    """Size of the overviews (unit: bytes)."""

    raw_bytes: int
    """Size of the decoded pixels (unit: bytes)."""

    checked: CheckedObjects
    """The objects that were looked for."""

    missing_objects: SomeObjects
    """Objects that `SHA256SUMS` names and that are not there."""

    resized_shards: SomeObjects
    """Shards whose size is not the one that `metadata.parquet` and the index give."""

    left_over: LeftOver | None = None
    """What runs that have ended left; `clean` removes it; None where the store gives no list, or
    the folder beside the dataset cannot be read.
    """


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """The result of :func:`info` for a dataset that is not complete."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    sealed: bool
    """Always false; the object of a complete dataset does not have this field."""

    units_done: int
    """Units (shards) that are stored and recorded (unit: units)."""

    units: int
    """Units in all (unit: units)."""

    shape: tuple[int, ...]
    """Shape of the image array: (site, channel, y, x)."""

    settings: Settings
    """Settings of the conversion, with the fields that `info` has."""

    parts: int | None = None
    """Parts of a job (unit: parts); None for a conversion of one process."""

    running: str | None = None
    """Process and host that are converting; None if no process is converting."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The result of :func:`publish`."""

    exit_code: int
    """The exit code of the command; it need not be 0."""

    objects: int
    """Objects of the dataset (unit: objects)."""

    bytes: int
    """Their size (unit: bytes)."""

    uploaded: int
    """Objects that were uploaded (unit: objects)."""

    uploaded_bytes: int
    """Their size (unit: bytes)."""

    upload_requests: int
    """Requests that this takes if none has to be repeated (unit: requests)."""

    kept: int
    """Objects that were at URL already (unit: objects)."""

    left_behind: int
    """Objects of a former dataset that this one lacks; they stay in the store (unit: objects)."""

    verified: int | None = None
    """Objects that were read back and compared (unit: objects); None without `--verify`."""

    seconds: float
    """Duration (unit: seconds)."""


def decoded(kind: type[Result], fields: Mapping[str, Any]) -> Result:
    """Return an instance of the dataclass ``kind``; fields that it does not have are dropped."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], fields[name]) for name in names if name in fields})


def _value(hint: Any, value: Any) -> Any:
    """Return a value of JSON as the type that an annotation asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if value is None:
        return None
    if origin is types.UnionType:
        return _value(arguments[0], value)
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in value)
    if origin is Mapping:
        return {key: _value(arguments[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return decoded(typing.cast(type[Any], hint), value)
    return float(value) if hint is float else value
