"""A dataset as an ``xarray.Dataset``, whose pixels this package reads."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rxrx2zarr._optional import imported

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset

# Columns that place the bytes: nobody labels pixels with them.
_PLACES = ("site_index", "object", "byte_offset", "byte_length")


def to_xarray(dataset: "Dataset") -> Any:
    """Return the images, lazy, with the columns of the metadata as coordinates."""
    xarray = imported("xarray", "to_xarray")
    array: Any = imported("xarray.backends", "to_xarray").BackendArray
    indexing = imported("xarray.core.indexing", "to_xarray")

    class Images(array):  # type: ignore[misc]
        """Pixels (site, channel, y, x) that are read when they are used."""

        shape = dataset.shape
        dtype = dataset.dtype

        def __getitem__(self, key: Any) -> NDArray[Any]:
            """Read what an index of xarray asks for."""
            found: NDArray[Any] = indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.OUTER, self._read
            )
            return found

        def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
            lists = [np.arange(length)[part] for part, length in zip(key, self.shape, strict=True)]
            sites, channels, rows, columns = (np.atleast_1d(part) for part in lists)
            pixels = dataset.read(sites, channels.tolist())
            pixels = pixels[:, :, rows][:, :, :, columns]
            scalars = tuple(axis for axis, part in enumerate(lists) if np.ndim(part) == 0)
            return pixels.squeeze(scalars)

    images = xarray.Variable(("site", "channel", "y", "x"), indexing.LazilyIndexedArray(Images()))
    coordinates: dict[str, Any] = {
        "site": dataset.metadata.column("site_id").astype(str),
        "channel": list(dataset.channels),
        "present": (("site", "channel"), dataset.good_planes),
    }
    for name in dataset.metadata.columns:
        if name not in (*_PLACES, "site_id", "site"):
            values = dataset.metadata.column(name)
            if np.ma.isMaskedArray(values):
                values = np.ma.filled(values.astype(np.float64), np.nan)
            coordinates[name] = ("site", values)
    return xarray.Dataset({"images": images}, coords=coordinates, attrs={"title": dataset.name})
