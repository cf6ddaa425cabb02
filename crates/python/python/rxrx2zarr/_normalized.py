"""A dataset as normalised float32."""

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from rxrx2zarr._arguments import Crop
    from rxrx2zarr._dataset import Dataset
    from rxrx2zarr._statistics import Scales


class Normalized:
    """A dataset whose pixels are float32, less the mean of their group, by the deviation.

    :meth:`Dataset.normalized` makes it. Planes without an image are 0.
    """

    def __init__(self, dataset: "Dataset", scales: "Scales") -> None:
        self.dataset = dataset
        """The dataset that is normalised."""
        self.scales = scales
        """Mean and standard deviation of each group."""

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.dataset)

    def __getitem__(self, site: SupportsIndex | str) -> NDArray[np.float32]:
        """Read one site (channel, y, x), by its position or its ``site_id``."""
        index = self.dataset.site_index(site) if isinstance(site, str) else operator.index(site)
        read: NDArray[np.float32] = self.read([index], threads=1)[0]
        return read

    def read(
        self,
        sites: ArrayLike,
        channels: Sequence[int | str] | None = None,
        crop: "Crop | None" = None,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Read some sites (site, channel, y, x); see :meth:`Dataset.read`.

        Raises its errors, and :class:`UsageError` if the group of a site has no statistics.
        """
        positions = self.dataset.site_positions(sites)
        chosen = self.dataset.channel_positions(channels)
        self.scales.demand(positions)
        pixels: NDArray[Any] = self.dataset.read(positions, chosen, crop, threads=threads)
        normalized = self.scales.apply(pixels, positions, chosen)
        normalized[~self.dataset.good_planes[positions][:, chosen]] = 0
        return normalized

    def __repr__(self) -> str:
        """Return the dataset and the scope."""
        return f"<rxrx2zarr.Normalized by {self.scales.scope}: {self.dataset!r}>"
