"""The small pictures of all planes that a dataset holds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rxrx2zarr._errors import UsageError

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset


class Overview:
    """The images at about 64 x 64 pixels: the mean of each square of pixels.

    :attr:`Dataset.overview` has it. A read takes one small object for each shard of the sites.
    """

    def __init__(self, dataset: "Dataset", shape: Sequence[int]) -> None:
        self.dataset = dataset
        """The dataset that holds it."""
        sites, channels, height, width = shape
        self.shape = (sites, channels, height, width)
        """Shape: (site, channel, overview_y, overview_x)."""

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Type of a pixel: that of the images."""
        return self.dataset.dtype

    def __len__(self) -> int:
        """Number of sites."""
        return self.shape[0]

    def __getitem__(
        self, site: "SupportsIndex | str | slice | Sequence[int] | NDArray[Any]"
    ) -> NDArray[Any]:
        """Read one site (channel, y, x), or some (site, channel, y, x), as the dataset does.

        Raises the errors of :meth:`Dataset.read`.
        """
        if isinstance(site, str):
            site = self.dataset.site_index(site)
        if isinstance(site, slice):
            return self.read(range(*site.indices(len(self))))
        if isinstance(site, SupportsIndex) and not isinstance(site, np.ndarray):
            one: NDArray[Any] = self.read([site.__index__()])[0]
            return one
        return self.read(site)

    def read(self, sites: ArrayLike, channels: Sequence[int | str] | None = None) -> NDArray[Any]:
        """Read some sites (site, channel, overview_y, overview_x); see :meth:`Dataset.read`.

        Raises its errors.
        """
        positions = self.dataset.site_positions(sites)
        chosen = self.dataset.channel_positions(channels)
        out = np.empty((len(positions), len(chosen), *self.shape[2:]), self.dtype)
        self.dataset.read_overview(positions, chosen, out)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all sites, for numpy."""
        if copy is False:
            raise UsageError("an overview is read into new memory")
        return self.read(range(len(self))).astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        """Return the shape and the dataset."""
        axes = "x".join(str(length) for length in self.shape)
        return f"<rxrx2zarr.Overview {axes} of {self.dataset!r}>"
