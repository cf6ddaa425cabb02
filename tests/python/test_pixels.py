"""Every plane equals what Pillow reads from its PNG, with each reader and its codecs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import RECIPES, Datasets
from converter import Dataset
from readers.arrays import EVERYTHING, READERS, WITHOUT_PLUG_INS, open_tensorstore
from source import Source

CLAIMED = [(name, codec) for name, reader in READERS.items() for codec in reader.codecs]


def differing_planes(pixels: NDArray[np.generic], source: Source) -> list[tuple[str, str]]:
    """Returns the planes, by site_id and channel, whose pixels differ from the source."""
    assert pixels.shape == source.pixels.shape
    assert pixels.dtype == source.pixels.dtype
    wrong = np.argwhere((pixels != source.pixels).any(axis=(2, 3)))
    return [(source.site_ids[site], source.channels[channel]) for site, channel in wrong]


@pytest.mark.parametrize("source_name", RECIPES)
@pytest.mark.parametrize(("reader", "codec"), CLAIMED)
def test_every_plane_equals_pillow(
    datasets: Datasets, source_name: str, reader: str, codec: str
) -> None:
    dataset = datasets.dataset(source_name, codec)
    pixels = READERS[reader].read(dataset.zarr, EVERYTHING)
    assert differing_planes(pixels, dataset.source) == []


@pytest.mark.parametrize("source_name", RECIPES)
@pytest.mark.parametrize(("reader", "codec"), CLAIMED)
def test_one_plane_can_be_read_alone(
    datasets: Datasets, source_name: str, reader: str, codec: str
) -> None:
    dataset = datasets.dataset(source_name, codec)
    site, channel = np.argwhere(dataset.source.present)[-1].tolist()
    plane = READERS[reader].read(dataset.zarr, (site, channel))
    np.testing.assert_array_equal(plane, dataset.source.pixels[site, channel])
    assert plane.any()


@pytest.mark.parametrize(
    ("reader", "refusal"),
    [("tensorstore", "numcodecs.delta"), ("zarrs", "UnsupportedMetadataError")],
)
def test_readers_without_delta_zstd_refuse_it(
    datasets: Datasets, reader: str, refusal: str
) -> None:
    dataset = datasets.dataset("sample", "delta-zstd")
    with pytest.raises(Exception) as raised:
        READERS[reader].read(dataset.zarr, EVERYTHING)
    assert refusal in repr(raised.value)


@pytest.mark.parametrize("codec", WITHOUT_PLUG_INS)
def test_layout_of_shards_and_chunks(datasets: Datasets, codec: str) -> None:
    def layout(dataset: Dataset) -> tuple[tuple[int, ...], tuple[int, ...]]:
        shape = open_tensorstore(dataset.zarr).chunk_layout
        return tuple(shape.read_chunk.shape), tuple(shape.write_chunk.shape)

    assert layout(datasets.dataset("sample", codec)) == ((1, 6, 160, 160), (64, 6, 160, 160))
    assert layout(datasets.dataset("oblong", codec)) == ((2, 3, 40, 56), (4, 6, 40, 56))
    assert layout(datasets.dataset("tiled", codec)) == ((1, 1, 24, 24), (4, 6, 48, 72))
