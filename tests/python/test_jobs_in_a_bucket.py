"""Conversions in parts into a bucket: workers that are killed, that sleep, and that race."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.runs import local_objects, s3_environment
from servers.bucket import STORE_CHECKSUMS, Bucket
from servers.object_stores import SeaweedFS
from source import Source

PARTS = 3
OPTIONS = ("--shard-sites", "4", "--parts", str(PARTS))
"""The settings of the dataset `sharded`, and six shards."""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "jobs")
    bucket.make()
    return bucket


SLOW = "10kB"
"""A worker that moves so many bytes a second takes several seconds for each shard."""


class Job:
    """A job whose output is a prefix of a bucket."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self.bucket = bucket
        self.name = name
        self.environment = {**os.environ, **s3_environment(bucket.endpoint)}
        self.output = f"s3://{bucket.name}/{name}"

    def command(self, step: str, *words: str | Path) -> list[str]:
        output = [] if step == "init" else [self.output]
        return [os.environ["RXRX2ZARR"], "job", step, *output, *map(str, words)]

    def run(self, step: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(step, *words),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, step: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(step, *words),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begin(self, source: Source) -> None:
        done = self.run("init", source.root, self.output, *OPTIONS)
        assert done.returncode == COMPLETE, done.stderr

    def status(self) -> dict:
        done = self.run("status", "--json")
        assert done.returncode == COMPLETE, done.stderr
        return json.loads(done.stdout)

    def wait_for_a_worker(self, units: int = 0) -> None:
        """Waits until a worker runs, and so many units are done."""
        end = time.monotonic() + 120
        while not (told := self.status())["workers"] or told["units_done"] < units:
            assert time.monotonic() < end, "no worker was seen"

    def seal(self) -> None:
        done = self.run("seal")
        assert done.returncode == COMPLETE, done.stderr

    def is_that_of(self, local: Dataset) -> None:
        """Demands the objects of a local conversion, and nothing of the job beside them."""
        expected = local_objects(local.root)
        keys = {*expected, STORE_CHECKSUMS}
        assert set(self.bucket.keys(f"{self.name}/")) == {f"{self.name}/{key}" for key in keys}
        stored = self.bucket.tree(self.name)
        assert [key for key in expected if stored[key] != expected[key]] == []
        beside = self.bucket.keys(f"{self.name}.rxrx2zarr/")
        left = {key.removeprefix(f"{self.name}.rxrx2zarr/") for key in beside}
        assert left <= {"state.json", "claims/lease.json"}


@pytest.fixture
def job(bucket: Bucket, request: pytest.FixtureRequest) -> Iterator[Job]:
    yield Job(bucket, request.node.name)


def test_parts(job: Job, local: Dataset) -> None:
    job.begin(local.source)
    done = job.run("run", "2,0")
    assert done.returncode == COMPLETE, done.stderr
    assert job.status()["missing_parts"] == "1"
    done = job.run("seal")
    assert done.returncode == FAILED
    assert "run these parts again: 1" in done.stderr
    # Four at once: one of the part that is missing, three of parts that are done.
    workers = [job.start("run", part) for part in ("1", "1", "0", "2")]
    for worker in workers:
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == COMPLETE, errors
    job.seal()
    job.is_that_of(local)
    for step, words in (("run", ("1",)), ("seal", ())):
        done = job.run(step, *words)
        assert done.returncode == COMPLETE, done.stderr
        assert "complete already" in done.stdout
    job.is_that_of(local)


def test_killed_workers(job: Job, local: Dataset) -> None:
    job.begin(local.source)
    for part in range(PARTS):
        # So slow that it is seen at work on any machine.
        worker = job.start("run", str(part), "--jobs", "1", "--max-bandwidth", SLOW)
        job.wait_for_a_worker()
        worker.kill()
        worker.communicate()
        done = job.run("run", str(part))
        assert done.returncode == COMPLETE, done.stderr
    job.seal()
    job.is_that_of(local)


@pytest.mark.full
def test_a_worker_that_sleeps_for_longer_than_its_lease(job: Job, local: Dataset) -> None:
    """It wakes when the dataset is sealed, and changes nothing."""
    job.begin(local.source)
    worker = job.start("run", "1", "--jobs", "1", "--max-bandwidth", SLOW)
    job.wait_for_a_worker(units=1)
    worker.send_signal(signal.SIGSTOP)
    done = job.run("run", "0-2")
    assert done.returncode == COMPLETE, done.stderr
    job.seal()  # waits until the lease of the worker has expired
    worker.send_signal(signal.SIGCONT)
    told, errors = worker.communicate(timeout=240)
    # It has lost its lease, and finds the dataset complete.
    assert worker.returncode == COMPLETE, errors
    assert "is complete already" in told, told
    # A record that it had sent before can have arrived since.
    command = [os.environ["RXRX2ZARR"], "clean", job.output]
    done = subprocess.run(
        command, env=job.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == COMPLETE, done.stderr
    job.is_that_of(local)


def test_a_repaired_image_needs_the_output_alone(
    job: Job, datasets: Datasets, tmp_path: Path
) -> None:
    """A worker replaces no bytes of another one: a conversion that holds the output alone does."""
    tree = tmp_path / "tree"
    subprocess.run(["cp", "-r", datasets.source("sample").root, tree], check=True)
    image = next(tree.rglob("*_s1_w2.png"))
    good = image.read_bytes()
    image.write_bytes(b"no image")
    done = job.run("init", tree, job.output, *OPTIONS)
    assert done.returncode == COMPLETE, done.stderr
    assert job.run("run", "0-2").returncode == COMPLETE
    image.write_bytes(good)
    done = job.run("run", "0-2")
    assert done.returncode == FAILED
    assert "another worker has stored other bytes there" in done.stderr, done.stderr
    done = subprocess.run(
        [os.environ["RXRX2ZARR"], "convert", tree, job.output, "--shard-sites", "4"],
        env=job.environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == COMPLETE, done.stderr
    job.is_that_of(datasets.dataset("sharded"))
