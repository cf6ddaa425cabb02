"""How a dataset and its sites show themselves in a notebook."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rxrx2zarr._png import coloured, image_tag, smaller

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset

# Pixels of a side of a thumbnail, and sites that a dataset shows.
_SIDE = 128
_SITES = 6


class Site(np.ndarray[Any, "np.dtype[np.unsignedinteger[Any]]"]):
    """Pixels of a site (channel, y, x): an array that shows a thumbnail in a notebook."""

    _channels: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, pixels: NDArray[Any], channels: list[dict[str, Any]]) -> "Site":
        """Return ``pixels`` as a site whose channels have these descriptions."""
        site = pixels.view(cls)
        site._channels = channels
        return site

    def __array_finalize__(self, made_from: Any) -> None:
        """Forget the channels: a part, or a result, may have others."""
        self._channels = None

    def _repr_html_(self) -> str | None:
        """Show the channels in their colours, mixed and one by one."""
        if self._channels is None or self.ndim != 3 or self.shape[0] != len(self._channels):
            return None
        return site_html(np.asarray(self), self._channels)


def site_html(pixels: NDArray[Any], channels: list[dict[str, Any]]) -> str:
    """Return a site as HTML: all channels mixed, and each of them."""
    planes = smaller(pixels, _SIDE)
    tags = [image_tag(coloured(planes, channels), "all channels")]
    for plane, channel in zip(planes, channels, strict=True):
        title = escape(" ".join(filter(None, (channel["name"], channel["stain"]))), quote=True)
        tags.append(image_tag(coloured(plane[None], [channel]), title))
    shape = "&times;".join(map(str, pixels.shape))
    return f"<div>{' '.join(tags)}<br>{shape} {pixels.dtype}</div>"


def dataset_html(dataset: "Dataset") -> str:
    """Return a dataset as HTML: what it is, and some sites that are spread over it."""
    channels = dataset.attributes["channels"]
    planes = dataset.attributes["planes"]
    lacking = sum(planes.values()) - planes["ok"]
    rows = {
        "name": dataset.name,
        "shape": " x ".join(map(str, dataset.shape)) + f" (site, channel, y, x), {dataset.dtype}",
        "channels": ", ".join(
            " ".join(filter(None, (channel["name"], channel["stain"]))) for channel in channels
        ),
        "planes without an image": str(lacking),
        "licence": dataset.attributes.get("license", "unknown"),
    }
    table = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    count = min(_SITES, len(dataset))
    sites = [place * len(dataset) // count for place in range(count)]
    pictures = zip(dataset.thumbnails(sites), dataset.site_ids(sites), strict=True)
    tags = (image_tag(coloured(planes, channels), escape(name)) for planes, name in pictures)
    return f"<div><table>{table}</table>{' '.join(tags)}</div>"
