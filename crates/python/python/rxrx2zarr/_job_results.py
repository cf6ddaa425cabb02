"""The results of :mod:`rxrx2zarr.job`, as frozen dataclasses; see ``docs/json.md``."""

from dataclasses import dataclass

from rxrx2zarr._results import PlaneCounts, RefusedImages


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """A part of a job, as it was planned."""

    part: int
    """Its number, from 0."""

    units: int
    """Its units (shards) (unit: units)."""

    sites: int
    """Their sites (unit: sites)."""

    images: int
    """Planes of these sites that have an image (unit: planes)."""

    raw_bytes: int
    """Decoded pixels (unit: bytes)."""

    source_bytes: int
    """Image files, estimated from a sample of them (unit: bytes)."""


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """The result of :func:`rxrx2zarr.job.init`."""

    exit_code: int
    """The exit code of the command."""

    sealed: bool
    """Whether OUTPUT is a complete dataset of the same input and settings; then there are no
    parts.
    """

    existed: bool
    """Whether the same job, or that dataset, was there before."""

    described_otherwise: tuple[str, ...]
    """How a complete dataset is described otherwise than it would be now; it stays as it is; may
    be empty.
    """

    parts: tuple[PlannedPart, ...]
    """The parts."""


@dataclass(frozen=True, kw_only=True)
class FinishedPart:
    """A part of a job that was run."""

    part: int
    """Its number, from 0."""

    parts: int
    """Parts of the job; 0 if the dataset is sealed (unit: parts)."""

    sealed: bool
    """Whether the dataset is complete already, so that nothing was done."""

    units: int
    """Its units (shards); 0 if there is no such part (unit: units)."""

    units_before: int
    """Those of them that were done before (unit: units)."""

    sites: int
    """Their sites (unit: sites)."""

    planes: PlaneCounts
    """Numbers of planes."""

    source_bytes: int
    """Size of the image files that were read for these units (unit: bytes)."""

    stored_bytes: int
    """Size of their shards (unit: bytes)."""

    changed_images: int
    """Images with another size or version than when the job was planned, as far as the plan has
    them (unit: images).
    """


@dataclass(frozen=True, kw_only=True)
class FinishedParts:
    """The result of :func:`rxrx2zarr.job.run`."""

    exit_code: int
    """The exit code of the command: 0, whatever images are bad."""

    parts: tuple[FinishedPart, ...]
    """The parts that were named, or the one of the task."""

    seconds: float
    """Duration (unit: seconds)."""


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """How far a part is."""

    part: int
    """Its number, from 0."""

    units: int
    """Its units (unit: units)."""

    units_done: int
    """Those that are done (unit: units)."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker that runs at this moment."""

    process: str
    """Process and host."""

    work: str
    """Its work, such as `part 3`."""


@dataclass(frozen=True, kw_only=True)
class FailedPart:
    """A part whose last worker failed."""

    part: int
    """Its number, from 0."""

    process: str
    """Process and host of the worker."""

    error: str
    """The error."""


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """The result of :func:`rxrx2zarr.job.status`."""

    exit_code: int
    """The exit code of the command."""

    sealed: bool
    """Whether the dataset is complete; then the other fields are empty."""

    units: int
    """Units (shards) of all parts (unit: units)."""

    units_done: int
    """Those that are stored and recorded (unit: units)."""

    planes: PlaneCounts
    """Numbers of planes of these units."""

    source_bytes: int
    """Size of the image files that were read for these units (unit: bytes)."""

    stored_bytes: int
    """Size of their shards (unit: bytes)."""

    sites: int
    """Sites of all parts (unit: sites)."""

    sites_done: int
    """Sites of the units that are done (unit: sites)."""

    sites_per_second: float | None = None
    """Sites that all workers together stored a second in the last 15 minutes; None if no worker
    runs, or it is too early to tell.
    """

    seconds_left: float | None = None
    """Time until all parts are done at that rate (unit: seconds)."""

    missing_parts: str
    """Parts with units that are not done, as Slurm takes them (`3,7-9`); empty if there are
    none.
    """

    parts: tuple[PartStatus, ...]
    """The parts."""

    workers: tuple[Worker, ...]
    """The workers that run at this moment."""

    failed: tuple[FailedPart, ...]
    """Parts that are not done, whose last worker failed."""

    alone: str | None = None
    """Process that plans, seals or converts at this moment; None if there is none."""

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the parts with units that are not done."""
        return tuple(part.part for part in self.parts if part.units_done < part.units)


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """The result of :func:`rxrx2zarr.job.seal`."""

    exit_code: int
    """The exit code of the command: 3 if images are missing or could not be used."""

    existed: bool
    """Whether the dataset was complete before."""

    sites: int
    """Sites of the dataset (unit: sites)."""

    sites_before: int
    """The same: all of them were converted before (unit: sites)."""

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
    """Images that could not be used, by cause; empty if the dataset was complete before."""

    described_otherwise: tuple[str, ...]
    """Always empty."""

    seconds: float
    """Duration (unit: seconds)."""
