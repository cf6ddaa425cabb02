"""`sha256sum -c SHA256SUMS` accepts a dataset, and refuses a changed one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import Datasets
from converter import Dataset


def sha256sum(root: Path) -> subprocess.CompletedProcess[str]:
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_checksums_are_correct(coded_dataset: Dataset) -> None:
    done = sha256sum(coded_dataset.root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_checksums_cover_every_file(coded_dataset: Dataset) -> None:
    lines = (coded_dataset.root / "SHA256SUMS").read_text().splitlines()
    listed = [line.split("  ", 1)[1].removeprefix("./") for line in lines]
    root = coded_dataset.root
    stored = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    # People edit the card, so the root has its checksum.
    assert sorted(listed) == sorted(stored - {"SHA256SUMS", "README.md"})
    root_metadata = json.loads((coded_dataset.zarr / "zarr.json").read_text(encoding="utf-8"))
    card = (root / "README.md").read_bytes()
    assert root_metadata["attributes"]["card_sha256"] == hashlib.sha256(card).hexdigest()


@pytest.mark.parametrize("victim", ["metadata.parquet", "images.zarr/images/c/0/0/0/0"])
def test_one_changed_bit_is_detected(datasets: Datasets, tmp_path: Path, victim: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(datasets.dataset("sample").root, copy)
    content = bytearray((copy / victim).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / victim).write_bytes(content)
    done = sha256sum(copy)
    assert done.returncode != 0
    assert f"{victim}: FAILED" in done.stdout


def test_the_dataset_has_the_files_of_the_format(datasets: Datasets) -> None:
    root = datasets.dataset("sample").root
    expected = {"images.zarr", "metadata.parquet", "planes.parquet", "README.md", "SHA256SUMS"}
    assert expected <= {path.name for path in root.iterdir()}
    assert not root.with_name(root.name + ".rxrx2zarr").exists(), "the journal is left over"
