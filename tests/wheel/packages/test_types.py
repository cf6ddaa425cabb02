"""The types of the package, as mypy sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import rxrx2zarr

GOOD = """
import numpy as np
import rxrx2zarr

def show(progress: rxrx2zarr.Progress) -> None:
    print(progress.done / progress.total)

result: rxrx2zarr.Converted = rxrx2zarr.convert(
    "in", "out", metadata=["a.csv"], include="HUVEC-*", jobs=2, progress=show
)
missing: int = result.planes.missing
clean: bool = rxrx2zarr.verify("out", source="in").clean
proven: int = rxrx2zarr.verify("out", no_download=True).proven
info = rxrx2zarr.info("out")
units: int = info.units_done if isinstance(info, rxrx2zarr.Unfinished) else info.format_version
ds = rxrx2zarr.open("s3://bucket/x", region="eu-central-1")
batch = ds.read(np.array([3, 1]), channels=["w1", 2], threads=4)
mean: float = float(batch.mean() + ds[0].mean() + ds["id"].mean() + ds[1:3].mean())
names: tuple[str, ...] = ds.metadata.columns
sites: list[int] = ds.where(include=["dataset=train"]).tolist()
try:
    rxrx2zarr.publish("out", "s3://bucket/x", dry_run=True)
except rxrx2zarr.StoreError as error:
    print(error.causes, error.exit_code)
"""
BAD = """
import rxrx2zarr

rxrx2zarr.convert("in", "out", colour="red")
rxrx2zarr.convert("in", "out", jobs="many")
rxrx2zarr.plan("in").colour
rxrx2zarr.open("out").read([0], channels=1)
rxrx2zarr.verify("out", no_download=True).compared
"""


def mypy(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"--cache-dir={tmp_path_factory.getbasetemp() / 'mypy'}"


def test_the_package_has_types(cache: str) -> None:
    found = mypy(cache, "-p", rxrx2zarr.__name__)
    assert found.returncode == 0, found.stdout


def test_a_caller_is_checked(tmp_path: Path, cache: str) -> None:
    (good := tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (bad := tmp_path / "bad.py").write_text(BAD, encoding="utf-8")
    found = mypy(cache, good)
    assert found.returncode == 0, found.stdout
    found = mypy(cache, bad)
    lines = {line.split(":")[1] for line in found.stdout.splitlines() if ": error:" in line}
    assert lines == {"4", "5", "6", "7", "8"}, found.stdout
