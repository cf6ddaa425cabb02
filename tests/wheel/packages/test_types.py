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
from rxrx2zarr import dask, job
from rxrx2zarr.order import BatchOrder, RankPlan
from rxrx2zarr.torch import SiteDataset, SiteLoader

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
crops = ds.crops([0, 0], [3, 4], [5.5, 6], 32, channels=["w1"])
inside: int = int(crops.mask.sum()) + crops.pixels.shape[0]
part = ds.read([0], crop=(256, 256)).mean() + ds.read([0], crop=(0, 0, 9, 9)).mean()
plate: rxrx2zarr.Plate = ds.plate("HUVEC-01", 1)
wells: list[str] = list(plate.wells)
parts: dict[str, np.ndarray] = {**ds.split("wilds"), **ds.split(group="well", fractions=[0.9, 0.1])}
floats: np.float32 = ds.normalized("plate_controls").read(parts["train"], ["w1"])[0, 0, 0, 0]
names = ds.classes["experiment"]
doses: np.ndarray = ds.metadata.column("dose")
cached = rxrx2zarr.open("s3://bucket/x", cache="/scratch", cache_limit="200GB", region="x")
order = BatchOrder(np.arange(9), 3, shuffle="shard", window=2)
plan = RankPlan(order, rank=1, ranks=2)
steps: list[int] = [len(batch) for batch in plan.start()]
plan.load_state_dict(plan.state_dict())
planned: job.PlannedJob = job.init("in", "out", parts=3, codec="zstd")
left: tuple[int, ...] = job.status("out").missing
sealed: job.Sealed = dask.convert(object(), "in", "out", parts=3, codec="zstd")
train = SiteDataset(ds, parts["train"], columns=["sirna_id"], missing="mask", crop=256, flip=True)
loader = SiteLoader(train, 64, shuffle="shard", batch_by="experiment", normalize=True)
for pixels, columns in loader:
    print(pixels.shape, columns["sirna_id"])
loader.load_state_dict(loader.state_dict())
try:
    rxrx2zarr.publish("out", "s3://bucket/x", dry_run=True)
except rxrx2zarr.StoreError as error:
    print(error.causes, error.exit_code)
"""
BAD = """
import rxrx2zarr
from rxrx2zarr import job, order, torch

rxrx2zarr.convert("in", "out", colour="red")
rxrx2zarr.convert("in", "out", jobs="many")
rxrx2zarr.plan("in").colour
rxrx2zarr.open("out").read([0], channels=1)
rxrx2zarr.verify("out", no_download=True).compared
rxrx2zarr.open("out").crops([0], [0], [0], "large")
rxrx2zarr.open("out").split(fractions=0.5)
torch.SiteDataset("out", missing="ignore")
torch.SiteLoader(torch.SiteDataset("out"), shuffle="plate")
order.BatchOrder([1], "many")
job.run("out", 1.5)
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
    assert lines == {str(line) for line in range(5, 16)}, found.stdout
