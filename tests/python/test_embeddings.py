"""`--embeddings` writes a table in array order; DuckDB and pyarrow compare its vectors."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from conftest import Datasets
from converter import COMPLETE, DEFAULT_CODEC, convert, run
from source import Source

LENGTH = 128


def write_embeddings(
    source: Source, path: Path, without: frozenset[int] = frozenset()
) -> tuple[NDArray[np.float32], Path]:
    """Writes a vector for each site that is not in `without`, not in array order."""
    vectors = np.random.default_rng(128).normal(size=(len(source.rows), LENGTH)).astype(np.float32)
    lines = [
        ",".join([source.site_ids[site], *(repr(float(value)) for value in vectors[site])])
        for site in reversed(range(len(vectors)))
        if site not in without
    ]
    header = ",".join(["site_id", *(f"feature_{number}" for number in range(LENGTH))])
    opened = gzip.open if path.suffix == ".gz" else Path.open
    with opened(path, "wt") as table:
        table.write("\n".join([header, *lines]) + "\n")
    return vectors, path


def test_embeddings_lie_in_array_order(datasets: Datasets, tmp_path: Path) -> None:
    source = datasets.source("sample")
    without = frozenset({3, 20})
    vectors, table = write_embeddings(source, tmp_path / "embeddings.csv.gz", without)
    options = ("--embeddings", str(table))
    dataset = convert(source, tmp_path / "dataset", DEFAULT_CODEC, *options)
    stored = pq.read_table(dataset.root / "embeddings.parquet")
    kind = stored.schema.field("embedding").type
    assert (kind.list_size, kind.value_type) == (LENGTH, pa.float32())
    assert stored["site_index"].to_pylist() == list(range(len(source.rows)))
    assert stored["site_id"].to_pylist() == source.site_ids
    assert stored["embedding"].null_count == 0
    present = stored["has_embedding"].to_pylist()
    assert present == [site not in without for site in range(len(source.rows))]
    for site, embedding in enumerate(stored["embedding"].to_pylist()):
        if site in without:
            assert np.isnan(embedding).all()
        else:
            np.testing.assert_array_equal(np.float32(embedding), vectors[site])


def test_duckdb_compares_embeddings(datasets: Datasets, tmp_path: Path) -> None:
    source = datasets.source("sample")
    vectors, table = write_embeddings(source, tmp_path / "embeddings.csv")
    dataset = convert(source, tmp_path / "dataset", DEFAULT_CODEC, "--embeddings", str(table))
    rows = duckdb.execute(f"""
        SELECT a.site_index, b.site_index, array_cosine_similarity(
            a.embedding::FLOAT[{LENGTH}], b.embedding::FLOAT[{LENGTH}])
        FROM '{dataset.root}/embeddings.parquet' a, '{dataset.root}/embeddings.parquet' b
        ORDER BY ALL""").fetchall()
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose([row[2] for row in rows], (units @ units.T).ravel(), atol=1e-5)


def test_sites_without_embedding_and_unknown_sites_are_reported(
    datasets: Datasets, tmp_path: Path
) -> None:
    source = datasets.source("sample")
    _, table = write_embeddings(source, tmp_path / "embeddings.csv", frozenset({0}))
    with table.open("a") as more:
        more.write(",".join(["HUVEC-99_1_B02_1", *["0.5"] * LENGTH]) + "\n")
    done = run("convert", source.root, tmp_path / "dataset", "--embeddings", table)
    assert done.returncode == COMPLETE, done.stderr
    assert source.site_ids[0] in done.stderr
    assert "HUVEC-99_1_B02_1" in done.stderr
