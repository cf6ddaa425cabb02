"""`byte_offset` and `byte_length` suffice to read a site: no Zarr library, no shard index."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Datasets, load_example
from converter import CODECS, DEFAULT_CODEC, Dataset
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


@pytest.mark.parametrize("codec", CODECS)
def test_a_plane_with_a_chunk_of_its_own_is_read_by_its_row(datasets: Datasets, codec: str) -> None:
    dataset = datasets.dataset("planes", codec)
    pixels = dataset.source.pixels
    rows = pq.read_table(dataset.root / "planes.parquet").to_pylist()
    assert len(rows) == 13 * 6
    for number, row in enumerate(rows):
        data = read_range(dataset.root / row["object"], row["byte_offset"], row["byte_length"])
        plane = decode(data, codec, pixels.dtype).reshape(pixels.shape[2:])
        np.testing.assert_array_equal(plane, pixels[divmod(number, 6)], err_msg=str(number))


def test_the_range_of_a_plane_spans_its_tiles(datasets: Datasets) -> None:
    """A plane of 40 x 56 has 2 x 3 tiles of 24 x 24, padded with zeros."""
    dataset = datasets.dataset("tiled")
    pixels = dataset.source.pixels
    rows = pq.read_table(dataset.root / "planes.parquet").to_pylist()
    for number, row in enumerate(rows):
        shard = dataset.root / row["object"]
        tiles = shard_index(shard, entries=4 * 6 * 6)[number % 24 * 6 :][:6]
        assert (row["byte_offset"], row["byte_length"]) == (
            tiles[0][0],
            sum(tile[1] for tile in tiles),
        )
        plane = np.zeros((48, 72), pixels.dtype)
        for tile, (offset, length) in enumerate(tiles):
            data = read_range(shard, offset, length)
            y, x = tile // 3 * 24, tile % 3 * 24
            plane[y : y + 24, x : x + 24] = decode(data, DEFAULT_CODEC, pixels.dtype).reshape(
                24, 24
            )
        np.testing.assert_array_equal(plane[:40, :56], pixels[divmod(number, 6)])
        assert not plane[40:].any()
        assert not plane[:, 56:].any()


@pytest.mark.parametrize("source_name", ["oblong", "planes", "tiled"])
def test_every_layout_conforms_to_the_document(datasets: Datasets, source_name: str) -> None:
    check = load_example(Path(__file__).parents[1] / "data" / "check_dataset.py").check
    check(datasets.dataset(source_name).root)


def test_the_checker_compares_the_places_of_planes(datasets: Datasets, tmp_path: Path) -> None:
    check = load_example(Path(__file__).parents[1] / "data" / "check_dataset.py").check
    copy = shutil.copytree(datasets.dataset("planes").root, tmp_path / "copy")
    table = pq.read_table(copy / "planes.parquet")
    lengths = table["byte_length"].to_pylist()
    lengths[9] += 1
    at = table.schema.get_field_index("byte_length")
    wrong = table.set_column(at, table.schema.field(at), pa.array(lengths, pa.int64()))
    pq.write_table(wrong, copy / "planes.parquet")
    sums = (copy / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256((copy / "planes.parquet").read_bytes()).hexdigest()
    sums = [f"{digest}  {line[66:]}" if line.endswith("planes.parquet") else line for line in sums]
    (copy / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    with pytest.raises(Exception, match="place of a plane"):
        check(copy)
