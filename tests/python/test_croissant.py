"""mlcroissant accepts croissant.json and loads its records; sizes and hashes are correct."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import warnings
from itertools import islice

import pyarrow.parquet as pq
import pytest

from converter import Dataset


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
