"""`byte_offset` and `byte_length` suffice to read a site: no Zarr library, no shard index."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import Datasets
from converter import CODECS, Dataset
from readers.byte_range import CRC, decode, without_crc

INDEX_ENTRY = struct.Struct("<QQ")


def byte_ranges(dataset: Dataset) -> Iterator[tuple[int, Path, int, int]]:
    """Yields (site, shard object, offset, length) of every site."""
    for row in pq.read_table(dataset.metadata_table).to_pylist():
        yield (
            row["site_index"],
            dataset.root / row["object"],
            row["byte_offset"],
            row["byte_length"],
        )


def read_range(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as shard:
        shard.seek(offset)
        data = shard.read(length)
    assert len(data) == length
    return data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("source_name", ["sample", "real", "golden", "sixteen-bit"])
def test_every_site_is_read_with_a_file_handle(
    datasets: Datasets, source_name: str, codec: str
) -> None:
    dataset = datasets.dataset(source_name, codec)
    pixels = dataset.source.pixels
    for site, shard, offset, length in byte_ranges(dataset):
        data = read_range(shard, offset, length)
        decoded = decode(data, codec, pixels.dtype).reshape(pixels.shape[1:])
        np.testing.assert_array_equal(decoded, pixels[site], err_msg=str(site))


def shard_index(shard: Path, entries: int) -> list[tuple[int, int]]:
    """Returns (offset, length) of each chunk, from the index at the end of a shard."""
    stored = shard.read_bytes()[-(entries * INDEX_ENTRY.size + CRC.size) :]
    return list(INDEX_ENTRY.iter_unpack(without_crc(stored)))


def test_a_range_spans_all_chunks_of_its_site(datasets: Datasets) -> None:
    """A chunk has two sites and three of six channels; a shard has two rows of chunks."""
    dataset = datasets.dataset("oblong")
    pixels = dataset.source.pixels
    for site, shard, offset, length in byte_ranges(dataset):
        entries = shard_index(shard, entries=4)
        row = site % 4 // 2
        chunks = entries[2 * row : 2 * row + 2]
        assert offset == min(start for start, _ in chunks)
        assert length == sum(size for _, size in chunks)
        for half, (start, size) in enumerate(chunks):
            decoded = decode(read_range(shard, start, size), dataset.codec, pixels.dtype)
            planes = decoded.reshape(2, 3, *pixels.shape[2:])[site % 2]
            np.testing.assert_array_equal(planes, pixels[site, 3 * half : 3 * half + 3])
