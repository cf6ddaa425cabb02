"""Samples for training: which sites they are, and their pixels and columns as numpy arrays."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rxrx2zarr._dataset import Dataset
from rxrx2zarr._errors import UsageError
from rxrx2zarr.order import Positions, mixed

logger = logging.getLogger("rxrx2zarr")

Missing: TypeAlias = Literal["skip", "mask", "raise"]
"""What happens to sites with a plane that is not there or not good."""

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Values of columns by their names, one for each sample."""


class Samples:
    """Samples of a dataset; :class:`rxrx2zarr.torch.SiteDataset` describes the arguments."""

    def __init__(
        self,
        dataset: Dataset,
        sites: ArrayLike | None,
        *,
        channels: Sequence[int | str] | None,
        columns: Sequence[str],
        missing: Missing,
        crop: int | tuple[int, int] | None,
        flip: bool,
        training: bool,
        views: int,
        scope: str | None,
        seed: int,
    ) -> None:
        if missing not in ("skip", "mask", "raise"):
            raise UsageError(f'missing must be "skip", "mask" or "raise", not {missing!r}')
        if views < 1:
            raise UsageError(f"views must be at least 1, not {views}")
        self.dataset = dataset
        self.channels = dataset.channel_positions(channels)
        self.size = _size(crop, dataset.shape[2:])
        self.has_windows = crop is not None or flip
        self.flip = flip
        self.training = training
        self.views = views
        self.seed = seed
        chosen = dataset.site_positions(range(len(dataset)) if sites is None else sites)
        self.present = dataset.good_planes[:, self.channels] if missing == "mask" else None
        good: NDArray[np.bool_] = np.all(dataset.good_planes[:, self.channels], axis=1)
        lacking = chosen[~good[chosen]]
        if missing == "raise" and len(lacking):
            first = dataset.site_ids(lacking[:3])
            raise UsageError(
                f"{len(lacking)} of {len(chosen)} sites have planes that are missing or could not"
                f' be used, such as {", ".join(first)}: choose others, or use missing="skip"'
            )
        self.skipped = len(lacking) if missing == "skip" else 0
        if self.skipped:
            chosen = chosen[good[chosen]]
            logger.warning(
                "%d of %d sites are skipped: planes are missing or could not be used",
                self.skipped,
                len(chosen) + self.skipped,
            )
        self.sites, self._wells = _grouped(dataset, chosen, views)
        if not len(self.sites):
            raise UsageError("there is no sample left")
        self.columns: Columns = {name: dataset.class_numbers(name) for name in columns}
        self.scales = None if scope is None else dataset.scales(scope)
        if self.scales is not None:
            self.scales.demand(chosen)
            self.columns["group"] = self.scales.groups

    def __len__(self) -> int:
        return len(self.sites)

    @property
    def shards(self) -> Positions:
        """Number of the shard of each sample."""
        return self.sites // self.dataset.shard_sites

    def groups(self, column: str) -> Positions:
        """Return the number of the value that each sample has in a column."""
        values = self.dataset.class_numbers(column)[self.sites]
        _, numbers = np.unique(values, return_inverse=True)
        return numbers.astype(np.int64)

    def shape(self, count: int) -> tuple[int, ...]:
        """Return the shape of the pixels of a batch."""
        views = () if self.views == 1 else (self.views,)
        return (count, *views, len(self.channels), *self.size)

    def view_sites(self, samples: Positions, epoch: int) -> Positions:
        """Return the sites of samples in an epoch: an array (sample, view)."""
        if self._wells is None:
            return self.sites[samples][:, None]
        chosen = np.empty((len(samples), self.views), np.int64)
        for place, sample in enumerate(samples):
            sites = self._wells[sample]
            if self.training:
                sites = sites[np.argsort(mixed(self.seed, epoch, "view", sites), kind="stable")]
            chosen[place] = sites[: self.views]
        return chosen

    def read(
        self,
        samples: ArrayLike,
        epoch: int,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> tuple[NDArray[Any], Columns]:
        """Read samples: their pixels, of :meth:`shape`, and their columns."""
        samples = np.asarray(samples, np.int64)
        if len(samples) and not (-len(self) <= samples.min() and samples.max() < len(self)):
            raise IndexError(f"there are {len(self)} samples")
        sites = self.view_sites(samples % len(self), epoch)
        shape = self.shape(len(samples))
        pixels = np.empty(shape, self.dataset.dtype) if out is None else out
        flat = pixels.reshape(-1, len(self.channels), *self.size)
        every = sites.reshape(-1)
        if self.has_windows:
            origins, mirrored = self._windows(sites, epoch)
            self.dataset.read_windows(
                every, origins, mirrored, self.channels, flat, threads=threads
            )
        else:
            self.dataset.read(every, self.channels, out=flat, threads=threads)
        columns: Columns = {name: values[sites[:, 0]] for name, values in self.columns.items()}
        columns["site_index"] = sites[:, 0] if self.views == 1 else sites
        if self.present is not None:
            columns["present"] = self.present[columns["site_index"]]
        return pixels, columns

    def _windows(self, sites: Positions, epoch: int) -> tuple[Positions, NDArray[np.bool_]]:
        """Return first row and column of each window, and whether they are reversed."""
        room = np.array(self.dataset.shape[2:]) - self.size
        views = np.broadcast_to(np.arange(sites.shape[1]), sites.shape)
        numbers = (sites * self.views + views).reshape(-1)
        if not self.training:
            origins = np.broadcast_to(room // 2, (len(numbers), 2))
            return origins.astype(np.int64), np.zeros((len(numbers), 2), np.bool_)
        draws = [mixed(self.seed, epoch, use, numbers) for use in ("row", "column", "flip")]
        origins = np.column_stack(
            [draw % np.uint64(most + 1) for draw, most in zip(draws, room, strict=False)]
        )
        bits = np.column_stack([draws[2] & np.uint64(1), draws[2] & np.uint64(2)]) > 0
        return origins.astype(np.int64), bits & self.flip


def _size(crop: int | tuple[int, int] | None, plane: Sequence[int]) -> tuple[int, int]:
    height, width = (crop, crop) if isinstance(crop, int) else crop or plane
    if not (1 <= height <= plane[0] and 1 <= width <= plane[1]):
        raise UsageError(
            f"a crop of {height}x{width} does not lie in planes of {plane[0]}x{plane[1]}"
        )
    return height, width


def _grouped(
    dataset: Dataset, sites: Positions, views: int
) -> tuple[Positions, Mapping[int, Positions] | None]:
    """Return one site of each sample, and all sites of its well where there are views."""
    if views == 1:
        return sites, None
    wells = dataset.wells[sites]
    order = np.argsort(wells, kind="stable")
    runs = np.split(sites[order], np.flatnonzero(np.diff(wells[order])) + 1)
    kept = [run for run in runs if len(run) >= views]
    if len(runs) > len(kept):
        logger.warning(
            "%d of %d wells are skipped: they have fewer than %d sites",
            len(runs) - len(kept),
            len(runs),
            views,
        )
    first = np.array([run[0] for run in kept], np.int64)
    return first, dict(enumerate(kept))
