"""pyarrow and DuckDB read both tables: types, blanks, order, joins, layout and indexes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from PIL import Image

from conftest import Datasets
from converter import Dataset, convert
from source import Source, assemble, plane_path, table_row, write_table

ARROW_TYPES = {int: pa.int32(), float: pa.float64(), str: pa.string()}
DUCKDB_TYPES = {int: "INTEGER", float: "DOUBLE", str: "VARCHAR"}
ADDED_AFTER = {"object": pa.string(), "byte_offset": pa.int64(), "byte_length": pa.int64()}
PLANE_COLUMNS = [
    *("site_index", "channel", "source", "source_bytes", "status", "error", "cause"),
    *("xxh3_128", "pixels"),
    *("mean", "std", "min", "max", "p001", "p01", "p50", "p99", "p999"),
    *("saturated", "focus", "sum", "sum_of_squares"),
]
ROW_GROUP_ROWS = range(8_000, 16_385)


def column_kinds(source: Source) -> dict[str, type]:
    """Returns the CSV's columns in their order, each with the type of its values.

    They have the names that they have in the dataset.
    """
    return {
        stored(name): next((type(value) for value in source.column(name) if value is not None), str)
        for name in source.columns
    }


def stored(column: str) -> str:
    """Returns the name in the dataset of a column of the CSV."""
    return {"site": "site_number"}.get(column, column)


def parquet_files(dataset: Dataset) -> list[pq.ParquetFile]:
    return [pq.ParquetFile(dataset.metadata_table), pq.ParquetFile(dataset.planes_table)]


def test_pyarrow_reads_the_metadata(dataset: Dataset) -> None:
    table = pq.read_table(dataset.metadata_table)
    kinds = column_kinds(dataset.source).items()
    expected = {"site_index": pa.int32()} | {name: ARROW_TYPES[kind] for name, kind in kinds}
    expected |= ADDED_AFTER | {"complete": pa.bool_()}
    types = {field.name: field.type for field in table.schema}
    assert list(types) == list(expected)
    assert types == expected


def test_metadata_rows_are_the_sites_in_array_order(dataset: Dataset) -> None:
    table = pq.read_table(dataset.metadata_table)
    source = dataset.source
    assert table["site_index"].to_pylist() == list(range(len(source.rows)))
    for column in source.columns:
        assert table[stored(column)].to_pylist() == source.column(column), column
    assert table["complete"].to_pylist() == source.present.all(axis=1).tolist()


def test_pyarrow_reads_the_planes(dataset: Dataset) -> None:
    table = pq.read_table(dataset.planes_table)
    source = dataset.source
    images = zarr.open_array(dataset.zarr / "images", mode="r")
    places = ["object", "byte_offset", "byte_length"] if images.chunks[:2] == (1, 1) else []
    assert table.column_names == [*PLANE_COLUMNS, *places]
    for column in ("mean", "std", "p01", "p50", "p99", "saturated"):
        assert table.schema.field(column).type == pa.float64(), column
    keys = zip(table["site_index"].to_pylist(), table["channel"].to_pylist(), strict=True)
    sites = range(len(source.rows))
    assert list(keys) == [(site, name) for site in sites for name in source.channels]
    expected = ["ok" if present else "missing" for present in source.present.flat]
    assert table["status"].to_pylist() == expected
    assert table["error"].null_count == len(table)
    height, width = source.pixels.shape[2:]
    pixels = [height * width if present else None for present in source.present.flat]
    assert table["pixels"].to_pylist() == pixels


def test_planes_name_their_files(dataset: Dataset) -> None:
    source = dataset.source
    planes = pq.read_table(dataset.planes_table).to_pylist()
    for plane, key in zip(planes, np.ndindex(source.present.shape), strict=True):
        if plane["status"] == "ok":
            path = source.root / plane["source"]
            assert path == source.files[key]
            assert plane["source_bytes"] == path.stat().st_size


def test_duckdb_reads_both_tables(dataset: Dataset) -> None:
    described = duckdb.execute(f"DESCRIBE FROM '{dataset.metadata_table}'").fetchall()
    types = {row[0]: row[1] for row in described}
    for name, kind in column_kinds(dataset.source).items():
        assert types[name] == DUCKDB_TYPES[kind], name
    assert types["complete"] == "BOOLEAN"
    rows = duckdb.execute(f"SELECT site_id FROM '{dataset.metadata_table}'").fetchall()
    assert [site_id for (site_id,) in rows] == dataset.source.site_ids
    statuses = duckdb.execute(f"SELECT status, count(*) FROM '{dataset.planes_table}' GROUP BY ALL")
    present = int(dataset.source.present.sum())
    counts = {"ok": present, "missing": dataset.source.present.size - present}
    assert dict(statuses.fetchall()) == {status: n for status, n in counts.items() if n}


def test_duckdb_sees_blanks_as_null(datasets: Datasets) -> None:
    dataset = datasets.dataset("sixteen-bit")
    blanks = duckdb.execute(
        f"SELECT site_id FROM '{dataset.metadata_table}' WHERE sirna IS NULL AND sirna_id IS NULL"
    ).fetchall()
    expected = [row["site_id"] for row in dataset.source.rows if not row["sirna_id"]]
    assert [site_id for (site_id,) in blanks] == expected
    assert len(expected) == 3


def test_duckdb_joins_sites_with_their_planes(dataset: Dataset) -> None:
    joined = duckdb.execute(
        f"SELECT site_id, channel, mean FROM '{dataset.metadata_table}' "
        f"JOIN '{dataset.planes_table}' USING (site_index) ORDER BY site_index, channel"
    ).fetchall()
    source = dataset.source
    expected = [(site_id, channel) for site_id in source.site_ids for channel in source.channels]
    assert [row[:2] for row in joined] == expected
    means = source.pixels.mean(axis=(2, 3))[source.present]
    assert [row[2] for row in joined if row[2] is not None] == pytest.approx(means.tolist())


def test_pyarrow_joins_sites_with_their_planes(dataset: Dataset) -> None:
    sites = pq.read_table(dataset.metadata_table, columns=["site_index", "site_id"])
    planes = pq.read_table(dataset.planes_table, columns=["site_index", "channel"])
    joined = planes.join(sites, "site_index").to_pylist()
    assert len(joined) == dataset.source.present.size
    assert all(row["site_id"] == dataset.source.site_ids[row["site_index"]] for row in joined)


def test_tables_name_the_array_that_they_belong_to(dataset: Dataset) -> None:
    for table in (dataset.metadata_table, dataset.planes_table):
        entries = duckdb.execute(f"SELECT value FROM parquet_kv_metadata('{table}')").fetchall()
        assert any(b"images.zarr/images" in value for (value,) in entries), table.name


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Makes so many sites that both tables need more than one row group.

    All files are hard links to one plane of 4 x 4 pixels.
    """
    root = tmp_path_factory.mktemp("large")
    rows = [
        table_row(f"HEPG2-{1 + index // 2464:02}", 1 + index // 616 % 4, well, 1 + index % 2)
        for index in range(20_000)
        for well in [f"{chr(ord('B') + index // 44 % 14)}{2 + index // 2 % 22:02}"]
    ]
    plane = np.arange(16, dtype=np.uint8).reshape(4, 4)
    Image.fromarray(plane).save(root / "plane.png")
    for row in rows:
        path = root / "input" / "images" / plane_path(row, 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(root / "plane.png")
    write_table(root / "input" / "metadata.csv", rows)
    keys = [(site, 0) for site in range(len(rows))]
    source = assemble(root / "input", rows, dict.fromkeys(keys, path), dict.fromkeys(keys, plane))
    return convert(source, root / "output", "zstd", "--shard-sites", "2000")


def test_row_groups_have_a_size_that_queries_can_skip(large: Dataset) -> None:
    for file in parquet_files(large):
        groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        assert sum(groups) == len(large.source.rows)
        assert len(groups) > 1
        assert all(rows in ROW_GROUP_ROWS for rows in groups[:-1]), groups


def test_columns_are_compressed_and_carry_statistics_and_page_indexes(large: Dataset) -> None:
    for file in parquet_files(large):
        group = file.metadata.row_group(0)
        for index in range(group.num_columns):
            column = group.column(index)
            name = column.path_in_schema
            assert column.compression == "ZSTD", name
            assert column.is_stats_set, name
            assert column.has_offset_index, name
            assert column.has_column_index, name


def test_repeated_text_is_a_dictionary(large: Dataset) -> None:
    group = parquet_files(large)[0].metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    for name in ("cell_type", "dataset", "experiment", "well", "well_type", "sirna", "object"):
        assert columns[name].has_dictionary_page, name


def test_files_declare_their_order(large: Dataset) -> None:
    for file in parquet_files(large):
        for index in range(file.num_row_groups):
            sorting = file.metadata.row_group(index).sorting_columns
            assert sorting, "no sorting columns"
            assert sorting[0] == pq.SortingColumn(0)
    indexes = pq.read_table(large.metadata_table)["site_index"].to_pylist()
    assert indexes == list(range(len(large.source.rows)))


@pytest.mark.parametrize("column", ["site_id", "well_id"])
def test_bloom_filters_exclude_absent_values(large: Dataset, column: str) -> None:
    def excluded(value: str) -> list[bool]:
        probe = f"parquet_bloom_probe('{large.metadata_table}', '{column}', '{value}')"
        return [
            row[0]
            for row in duckdb.execute(f"SELECT bloom_filter_excludes FROM {probe}").fetchall()
        ]

    first, last = large.source.rows[0][column], large.source.rows[-1][column]
    assert excluded(first)[0] is False
    assert excluded(last)[-1] is False
    # A value between minimum and maximum, which statistics cannot exclude.
    assert all(excluded("HEPG2-03_2_Q99" + last[14:]))


def test_a_site_is_found_by_its_name(large: Dataset) -> None:
    row = large.source.rows[12_345]
    query = f"SELECT site_index, object FROM '{large.metadata_table}' WHERE site_id = $id"
    found = duckdb.execute(query, {"id": row["site_id"]}).fetchall()
    assert found == [(12_345, "images.zarr/images/c/6/0/0/0")]


def test_shards_are_objects_of_the_dataset(dataset: Dataset) -> None:
    shards = set(pq.read_table(dataset.metadata_table)["object"].to_pylist())
    stored = {str(path.relative_to(dataset.root)) for path in shard_files(dataset.root)}
    assert shards == stored


def shard_files(root: Path) -> list[Path]:
    return [path for path in (root / "images.zarr" / "images" / "c").rglob("*") if path.is_file()]
