"""Parquet readers of 2025 read the same tables as the newest one."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import DEFAULT_CODEC, Datasets
from converter import Dataset, convert
from readers.other_python import asked
from readers.plain_rows import rows_of
from test_embeddings import write_embeddings

TABLES = ["metadata", "planes", "channel_stats", "embeddings"]
READERS = {"polars", "pyarrow", "datafusion"}


@pytest.fixture(scope="module")
def embedded(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset with bad planes, and with two sites that have no embedding."""
    folder = tmp_path_factory.mktemp("embedded")
    source = datasets.source("sample")
    _, table = write_embeddings(source, folder / "embeddings.csv", frozenset({0, 7}))
    return convert(source, folder / "dataset", DEFAULT_CODEC, "--embeddings", str(table))


@pytest.fixture(scope="module")
def answers(embedded: Dataset) -> dict[str, dict]:
    """What the old readers find in each table."""
    paths = [str(embedded.root / f"{name}.parquet") for name in TABLES]
    found = asked("OLD_PARQUET_PYTHON", "old_parquet_read.py", paths)
    return dict(zip(TABLES, found, strict=True))


@pytest.mark.parametrize("table", TABLES)
def test_old_readers_find_the_same_rows(
    embedded: Dataset, answers: dict[str, dict], table: str
) -> None:
    rows = rows_of(pq.read_table(embedded.root / f"{table}.parquet").to_pylist())
    assert rows
    found = {name: answers[table][name] for name in READERS}
    assert found == dict.fromkeys(READERS, rows)


def test_old_readers_use_the_statistics_of_floats(
    embedded: Dataset, answers: dict[str, dict]
) -> None:
    """With another order of floats than the one that their type defines, they do not."""
    means = pq.read_table(embedded.planes_table)["mean"].to_pylist()
    assert answers["planes"]["max"] == max(mean for mean in means if mean is not None)
    assert largest_in_statistics(embedded.planes_table) == answers["planes"]["max"]


def largest_in_statistics(path: Path) -> float:
    file = pq.ParquetFile(path)
    column = file.schema_arrow.get_field_index("mean")
    groups = range(file.metadata.num_row_groups)
    return max(file.metadata.row_group(group).column(column).statistics.max for group in groups)


def test_ascending_numbers_are_stored_as_differences(embedded: Dataset) -> None:
    for name in ("metadata", "planes", "embeddings"):
        group = pq.ParquetFile(embedded.root / f"{name}.parquet").metadata.row_group(0)
        columns = {column.path_in_schema: column for column in map(group.column, range(3))}
        assert "DELTA_BINARY_PACKED" in columns["site_index"].encodings, name
