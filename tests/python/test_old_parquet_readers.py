"""Parquet readers of 2025 read the same tables as the newest one."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from conftest import DEFAULT_CODEC, Datasets
from converter import Dataset, convert
from readers.other_python import asked
from readers.plain_rows import rows_of, select, sorted_rows
from source import read_source
from test_embeddings import write_embeddings

TABLES = ["metadata", "planes", "channels", "channel_stats", "embeddings"]
READERS = {"polars", "pyarrow", "datafusion"}


@pytest.fixture(scope="module")
def embedded(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset with a missing plane, and with two sites that have no embedding."""
    folder = tmp_path_factory.mktemp("embedded")
    whole = datasets.source("sample")
    shutil.copytree(whole.root, folder / "source")
    (folder / "source" / whole.files[(5, 2)].relative_to(whole.root)).unlink()
    source = read_source(folder / "source")
    _, table = write_embeddings(source, folder / "embeddings.csv", frozenset({0, 7}))
    options = ["--embeddings", str(table)]
    return convert(source, folder / "dataset", DEFAULT_CODEC, "--allow-missing", *options)


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


OK, BAD = ["status", "=", "ok"], ["status", "<>", "ok"]
QUERIES = [
    # Which table; which rows; grouped by what; of what. `$site_id` and the like are values of
    # the dataset. Sums are of whole numbers, so that every reader finds the same.
    ("metadata", [["complete", "=", True]], ["dataset", "cell_type"], [["count", "site_id"]]),
    (
        "metadata",
        [["sirna_id", ">=", 5], ["plate", "<>", 3]],
        ["experiment", "plate"],
        [["max", "sirna_id"], ["min", "site_number"], ["count", "well"]],
    ),
    (
        "metadata",
        [["site_id", "=", "$site_id"]],
        ["site_index", "object", "byte_offset", "byte_length"],
        [["count", "well_id"]],
    ),
    (
        "planes",
        [OK],
        ["channel"],
        [["sum", "sum"], ["sum", "pixels"], ["max", "max"], ["sum", "source_bytes"]],
    ),
    ("planes", [OK, ["mean", ">", 4.5], ["channel", "=", "w1"]], ["status"], [["max", "focus"]]),
    ("planes", [BAD], ["status", "cause"], [["count", "site_index"], ["count", "pixels"]]),
    ("planes", [["xxh3_128", "=", "$xxh3_128"]], ["source"], [["min", "std"], ["max", "p999"]]),
    (
        "channel_stats",
        [["scope", "=", "plate_controls"]],
        ["experiment", "channel"],
        [["min", "mean"], ["max", "std"], ["sum", "planes"], ["sum", "pixels"]],
    ),
    (
        "channels",
        [["window_end", ">", 60]],
        ["channel", "stain", "structure", "color"],
        [["max", "window_end"], ["count", "emission_nm"]],
    ),
    ("embeddings", [["has_embedding", "=", False]], ["site_id"], [["max", "site_index"]]),
]


@pytest.fixture(scope="module")
def queries(embedded: Dataset) -> list[dict]:
    site_id = pq.read_table(embedded.metadata_table)["site_id"].to_pylist()[11]
    hashes = pq.read_table(embedded.planes_table)["xxh3_128"].drop_null().to_pylist()
    values = {"$site_id": site_id, "$xxh3_128": hashes[17]}
    made = []
    for table, where, by, of in QUERIES:
        chosen = [[name, sign, values.get(str(value), value)] for name, sign, value in where]
        path = str(embedded.root / f"{table}.parquet")
        made.append({"path": path, "where": chosen, "by": by, "of": of})
    return made


def test_old_readers_answer_queries_as_duckdb_does(queries: list[dict]) -> None:
    found = asked("OLD_PARQUET_PYTHON", "old_parquet_query.py", queries)
    for query, answers in zip(queries, found, strict=True):
        rows = duckdb.sql(select(query, f"'{query['path']}'")).fetchall()
        assert rows, query
        assert answers == dict.fromkeys(READERS, sorted_rows(rows)), query


def test_ascending_numbers_are_stored_as_differences(embedded: Dataset) -> None:
    """fastparquet reads no other differences than those of numbers of up to 32 bits."""
    numbers = ["site_index", "byte_offset", "byte_length"]
    expected = dict.fromkeys(numbers, "DELTA_BINARY_PACKED")
    found = set()
    for name in ("metadata", "planes", "embeddings"):
        group = pq.ParquetFile(embedded.root / f"{name}.parquet").metadata.row_group(0)
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in expected:
                found.add(column.path_in_schema)
                assert expected[column.path_in_schema] in column.encodings, name
            assert "DELTA_BYTE_ARRAY" not in column.encodings, name
    assert found == set(expected)
