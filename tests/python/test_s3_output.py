"""A conversion straight into a bucket: as on a disk, whatever happens on the way."""

from __future__ import annotations

import os
import random
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Workshop
from converter import COMPLETE, FAILED, Dataset
from fault_proxy import Exchange, FaultProxy
from faults import Asked, Delay, Fault, Plan, Weather
from remote_runs import MEBIBYTE, Finished, Run, local_objects, pack, writes_to_buckets
from s3 import Bucket
from servers import SeaweedFS, rclone_s3, seaweedfs

pytestmark = writes_to_buckets
ROUNDS = int(os.environ.get("RXRX2ZARR_ROUNDS", "3"))
SEED = int(os.environ.get("RXRX2ZARR_SEED", "5"))
OPTIONS = ("--shard-sites", "4")
"""The settings of the workshop's dataset `sharded`."""


@pytest.fixture(scope="module")
def local(workshop: Workshop) -> Dataset:
    """The same conversion to a disk, not interrupted."""
    return workshop.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "written")
    bucket.make()
    return bucket


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A server that a test may kill."""
    with seaweedfs(tmp_path_factory.mktemp("mortal")).running() as server:
        yield server


def assert_same(bucket: Bucket, prefix: str, local: Dataset) -> None:
    """The objects are those of the local run, and nothing is left beside them."""
    expected = local_objects(local.root)
    assert set(bucket.keys(prefix)) == {f"{prefix}/{key}" for key in expected}
    stored = bucket.tree(prefix)
    assert [key for key in expected if stored[key] != expected[key]] == []


def puts(exchanges: list[Exchange]) -> int:
    return sum(one.method == "PUT" for one in exchanges)


def test_an_archive_goes_straight_to_a_bucket(
    workshop: Workshop, bucket: Bucket, tmp_path: Path
) -> None:
    source = workshop.source("life-size")
    images = pack(source.root / "images", tmp_path / "images.zip", "rxrx1/images")
    table = source.root / "metadata.csv"
    metadata = pack(table, tmp_path / "metadata.zip", "rxrx1", zipfile.ZIP_DEFLATED)
    url = f"s3://{bucket.name}/from-archive"
    converted = Run(
        tmp_path / "cwd", bucket.endpoint, "convert", images, url, "--metadata", metadata
    ).finish()
    assert converted.code == COMPLETE, converted.err
    assert not list((tmp_path / "cwd").iterdir())
    assert converted.disk <= 64 * MEBIBYTE
    assert converted.memory <= 600 * MEBIBYTE
    verified = Run(
        tmp_path / "verify",
        bucket.endpoint,
        "verify",
        url,
        "--source",
        images,
        "--metadata",
        metadata,
    ).finish()
    assert verified.code == COMPLETE, verified.out + verified.err


def test_the_objects_are_the_files_of_a_local_run(
    bucket: Bucket, local: Dataset, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/plain"
    done = Run(
        tmp_path / "cwd", bucket.endpoint, "convert", local.source.root, url, *OPTIONS
    ).finish()
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "plain", local)


def killed_and_resumed(
    folder: Path, proxy: FaultProxy, source: Path, url: str, moments: list[int]
) -> Finished:
    """Kills the run when it has sent so many requests, and lets the last one finish."""
    for attempt, moment in enumerate(moments):
        goal = len(proxy.exchanges) + moment
        run = Run(folder / str(attempt), proxy.endpoint, "convert", source, url, *OPTIONS)
        proxy.wait_until(lambda seen, goal=goal: len(seen) >= goal, run.ended)
        run.kill()
    return Run(folder / "last", proxy.endpoint, "convert", source, url, *OPTIONS).finish()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_any_moment_it_ends_with_the_same_objects(
    number: int, bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    moments = random.Random(SEED + number).choices(range(1, 20), k=3)
    url = f"s3://{bucket.name}/killed-{number}"
    done = killed_and_resumed(tmp_path, s3_proxy, local.source.root, url, moments)
    assert done.code == COMPLETE, f"{moments}: {done.err}"
    assert_same(bucket, f"killed-{number}", local)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_in_bad_weather_and_with_a_server_that_dies_it_ends_with_the_same_objects(
    number: int, mortal: SeaweedFS, local: Dataset, tmp_path: Path
) -> None:
    bucket = Bucket(mortal.endpoint, f"weather-{number}")
    bucket.make()
    url = f"s3://{bucket.name}/rxrx1"
    choice = random.Random(SEED + number)
    with FaultProxy(mortal.port, Weather(SEED + number)).running() as proxy:
        run = Run(tmp_path / "0", proxy.endpoint, "convert", local.source.root, url, *OPTIONS)
        goal = choice.randrange(5, 15)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        mortal.restart()
        goal = len(proxy.exchanges) + choice.randrange(1, 10)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        run.kill()
        done = killed_and_resumed(tmp_path / "again", proxy, local.source.root, url, [])
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "rxrx1", local)


def slow_shards(asked: Asked) -> Fault | None:
    """Keeps a conversion busy until it is killed."""
    is_shard = asked.method == "PUT" and "/images/c/" in asked.target
    return Delay(600) if is_shard else None


def is_claimed(seen: list[Exchange]) -> bool:
    return any(one.fault == Delay(600) for one in seen)


def test_a_second_machine_is_refused_until_the_first_is_dead(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    plan: Plan = slow_shards
    s3_proxy.plan = plan
    url = f"s3://{bucket.name}/contested"
    convert = ("convert", local.source.root, url, *OPTIONS)
    first = Run(tmp_path / "first", s3_proxy.endpoint, *convert)
    s3_proxy.wait_until(is_claimed, first.ended)
    second = Run(tmp_path / "second", bucket.endpoint, *convert).finish()
    assert second.code == FAILED
    assert socket.gethostname() in second.err
    assert str(first.pid) in second.err
    first.kill()
    heir = Run(tmp_path / "heir", bucket.endpoint, *convert).finish()
    assert heir.code == COMPLETE, heir.err
    assert_same(bucket, "contested", local)


def test_a_server_that_lets_two_writers_in_is_refused(
    local: Dataset, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with rclone_s3(tmp_path_factory.mktemp("rclone")).running() as server:
        bucket = Bucket(server.endpoint, "unsafe")
        bucket.make()
        url = f"s3://{bucket.name}/rxrx1"
        done = Run(tmp_path / "cwd", server.endpoint, "convert", local.source.root, url).finish()
        assert done.code == FAILED
        assert "If-None-Match" in done.err
        assert bucket.keys("rxrx1/") == []
