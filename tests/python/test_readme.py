"""The card of a dataset: its snippets work, `datasets` reads its YAML, and people may edit it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from conftest import Datasets
from converter import CODECS, COMPLETE, Dataset, run
from documents import ROOT
from readers.other_python import asked


def card(dataset: Dataset) -> str:
    return (dataset.root / "README.md").read_text(encoding="utf-8")


def front_matter(dataset: Dataset) -> dict:
    _, block, _ = card(dataset).split("---\n", maxsplit=2)
    return yaml.safe_load(block)


def code_blocks(dataset: Dataset, language: str) -> list[str]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", card(dataset), re.DOTALL | re.MULTILINE)
    assert blocks, f"no {language} in the README"
    return blocks


def test_python_can_be_pasted(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset.root)
    opened = []
    for block in code_blocks(dataset, "python"):
        if "import datasets" in block:
            continue  # It demands other packages: the test with `load_dataset` runs it.
        names: dict[str, object] = {}
        exec(block, names)
        opened += [names["ds"].sizes["site"]] if "ds" in names else []
    assert opened
    assert set(opened) == {len(dataset.source.rows)}


def test_sql_can_be_pasted(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset.root)
    for block in code_blocks(dataset, "sql"):
        for statement in duckdb.extract_statements(block):
            assert duckdb.execute(statement.query).fetchall()


@pytest.mark.parametrize(
    ("name", "codec"), [("sixteen-bit", CODECS[0]), *[("sample", codec) for codec in CODECS]]
)
def test_a_byte_range_decodes_to_pixels_twice(
    datasets: Datasets, name: str, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = datasets.dataset(name, codec)
    monkeypatch.chdir(dataset.root)
    (block,) = [block for block in code_blocks(dataset, "python") if "byte_offset" in block]
    names: dict[str, object] = {}
    for _ in range(2):
        exec(block, names)
        np.testing.assert_array_equal(names["pixels"], dataset.source.pixels[0])
        assert duckdb.sql("SELECT count(*) FROM 'metadata.parquet'").fetchall()


def test_datasets_of_hugging_face_reads_each_table(dataset: Dataset) -> None:
    if "TABLES_PYTHON" not in os.environ:
        pytest.skip("TABLES_PYTHON names no Python with the readers of the group tables")
    configurations = front_matter(dataset)["configs"]
    tables = {one["config_name"]: one["data_files"] for one in configurations}
    assert set(tables.values()) == {path.name for path in dataset.root.glob("*.parquet")}
    found = asked("TABLES_PYTHON", "load_dataset.py", [str(dataset.root), list(tables)])
    stored = {name: pq.read_table(dataset.root / table) for name, table in tables.items()}
    stored["default"] = stored["sites"]
    expected = {
        name: [{"train": table.num_rows}, table.column_names] for name, table in stored.items()
    }
    assert found == expected


def test_the_card_says_what_the_set_is(datasets: Datasets) -> None:
    dataset = datasets.dataset("sixteen-bit")
    text = card(dataset)
    assert re.search(r"\| `sirna_id` \| 3 \|", text), "blanks are not counted"
    assert "| `passage` | 1 |" in text
    matter = front_matter(dataset)
    assert matter["size_categories"] == ["n<1K"]
    real = datasets.dataset("sample")
    root = json.loads((real.zarr / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    assert front_matter(real)["license"] == root["license"].lower()
    assert front_matter(real)["pretty_name"] == root["title"]


def test_least_versions_are_stated_where_a_reader_looks(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    root = json.loads((dataset.zarr / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    versions = json.loads(root["reader_versions"])
    assert {"zarr", "xarray", "tensorstore", "pyarrow", "polars", "duckdb", "zarrita"} == set(
        versions
    )
    info = run("info", dataset.root).stdout
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/reading.md")]
    for name, least in versions.items():
        assert f"| {name} | {least} |" in card(dataset), name
        assert f"{name} {least}" in info, name
        for page in pages:
            assert f"{name} {least}" in page, name


@pytest.fixture
def edited(datasets: Datasets, tmp_path: Path) -> Path:
    """A dataset whose card somebody has edited."""
    source = datasets.source("sample")
    output = tmp_path / "dataset"
    done = run("convert", source.root, output)
    assert done.returncode == COMPLETE, done.stderr
    path = output / "README.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n## Open it", "\nMine.\n\n## Open it"), encoding="utf-8")
    return output


def test_an_edited_card_is_no_damage_and_stays(datasets: Datasets, edited: Path) -> None:
    done = run("verify", edited)
    assert done.returncode == COMPLETE, done.stdout
    assert "README.md was edited" in done.stdout
    assert "README.md" not in (edited / "SHA256SUMS").read_text(encoding="utf-8")
    assert run("info", edited).returncode == COMPLETE
    text = (edited / "README.md").read_text(encoding="utf-8")
    again = ("--overwrite", "--codec", "zstd", "--dataset-name", "Another name")
    done = run("convert", datasets.source("sample").root, edited, *again)
    assert done.returncode == COMPLETE, done.stderr
    assert (edited / "README.md").read_text(encoding="utf-8") == text
    assert "README.md was edited, so it stays" in done.stderr
    assert "- Mine." in done.stderr
    assert "+ # Another name" in done.stderr


def test_a_card_that_nobody_has_edited_is_replaced(datasets: Datasets, tmp_path: Path) -> None:
    source, output = datasets.source("sample"), tmp_path / "dataset"
    for name in ("First name", "Second name"):
        done = run("convert", source.root, output, "--overwrite", "--dataset-name", name)
        assert done.returncode == COMPLETE, done.stderr
        assert f"\n# {name}\n" in (output / "README.md").read_text(encoding="utf-8")
        assert "was edited" not in done.stderr
