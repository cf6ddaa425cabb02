"""mlcroissant accepts croissant.json and loads its records; sizes and hashes are correct."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import warnings
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from conftest import Datasets
from converter import COMPLETE, Dataset, run


@pytest.fixture
def description(dataset: Dataset) -> dict:
    return json.loads((dataset.root / "croissant.json").read_text(encoding="utf-8"))


def test_mlcroissant_validates_it(dataset: Dataset) -> None:
    path = dataset.root / "croissant.json"
    command = [sys.executable, "-m", "mlcroissant.scripts.validate", "--jsonld", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Done." in output, output
    assert "error" not in output.lower(), output


def test_it_has_version_1_1_a_licence_and_a_citation(description: dict) -> None:
    assert description["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    # Of the golden images nothing is known, so nothing is claimed.
    is_unknown = description["name"] == "Unnamed microscopy images"
    assert ("license" in description, "citeAs" in description) == (not is_unknown, not is_unknown)


def test_it_says_what_validators_recommend(dataset: Dataset, description: dict) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", description["version"])
    assert description["name"] in description["keywords"]
    assert "datePublished" not in description, "nobody gave a date"
    root = json.loads((dataset.zarr / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    for channel in json.loads(root["channels"]):
        assert not channel["stain"] or channel["stain"] in description["keywords"]


def test_a_version_and_a_date_are_those_that_were_given(datasets: Datasets, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(datasets.source("sample").root, source)
    said = json.loads((source / "rxrx2zarr.json").read_text(encoding="utf-8"))
    said |= {"version": "2.1.0", "date_published": "2026-11-28", "intended_use": "Tests only."}
    (source / "rxrx2zarr.json").write_text(json.dumps(said), encoding="utf-8")
    done = run("convert", source, tmp_path / "dataset")
    assert done.returncode == COMPLETE, done.stderr
    path = tmp_path / "dataset" / "croissant.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    assert (description["version"], description["datePublished"]) == ("2.1.0", "2026-11-28")
    card = (tmp_path / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "## Intended use\n\nTests only.\n" in card
    command = [sys.executable, "-m", "mlcroissant.scripts.validate", "--jsonld", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    for recommended in ("version", "datePublished"):
        assert recommended not in output, output


def test_splits_are_parts_of_a_column(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    document = json.loads((dataset.root / "croissant.json").read_text(encoding="utf-8"))
    sets = {one["@id"]: one for one in document["recordSet"]}
    parts = [record["splits/name"] for record in sets["splits"]["data"]]
    assert parts == ["train", "test"]
    (field,) = [one for one in sets["sites"]["field"] if "references" in one]
    assert field["references"] == {"field": {"@id": "splits/name"}}
    values = {row["dataset"] for row in dataset.source.rows}
    assert field["source"]["extract"]["column"] == "dataset"
    assert values <= set(parts)


@pytest.mark.parametrize("name", ["image-shards", "overview", "labels", "zarr-metadata"])
def test_sets_of_files_are_there(dataset: Dataset, description: dict, name: str) -> None:
    (found,) = [part for part in description["distribution"] if part["@id"] == name]
    patterns = found["includes"] if isinstance(found["includes"], list) else [found["includes"]]
    for pattern in patterns:
        assert list(dataset.root.glob(pattern)), pattern


def test_sizes_and_hashes_are_correct(dataset: Dataset, description: dict) -> None:
    files = [part for part in description["distribution"] if part["@type"] == "cr:FileObject"]
    tables = [part for part in files if part["contentUrl"].endswith(".parquet")]
    assert {part["contentUrl"] for part in tables} == {
        path.name for path in dataset.root.glob("*.parquet")
    }
    for part in tables:
        content = (dataset.root / part["contentUrl"]).read_bytes()
        assert part["sha256"] == hashlib.sha256(content).hexdigest(), part["contentUrl"]
        assert int(part["contentSize"].removesuffix(" B")) == len(content), part["contentUrl"]


@pytest.mark.parametrize(
    ("records", "table"),
    [
        ("sites", "metadata"),
        ("planes", "planes"),
        ("channels", "channels"),
        ("channel_stats", "channel_stats"),
    ],
)
def test_records_load_as_they_are_in_the_tables(dataset: Dataset, records: str, table: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlcroissant causes warnings in its own code
        import mlcroissant

        loaded = mlcroissant.Dataset(str(dataset.root / "croissant.json")).records(records)
        first = list(islice(loaded, 5))
    expected = pq.read_table(dataset.root / f"{table}.parquet").to_pylist()[:5]
    assert len(first) == len(expected)
    for record, row in zip(first, expected, strict=True):
        values = {name.removeprefix(f"{records}/"): value for name, value in record.items()}
        assert set(values) == set(row)
        for name, value in row.items():
            if isinstance(value, str):
                assert values[name] == value.encode(), name
            elif value is not None:
                assert values[name] == pytest.approx(value), name
