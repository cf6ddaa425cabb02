"""A conversion straight into a bucket: as on a disk, whatever happens on the way."""

from __future__ import annotations

import os
import random
import re
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Workshop
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Asked, Delay, Fault, Plan, Weather
from faults.proxy import Exchange, FaultProxy
from faults.runs import (
    MEBIBYTE,
    Run,
    killed_and_resumed,
    local_objects,
    pack,
    s3_environment,
)
from faults.tally import Books
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS, rclone_s3, seaweedfs

ROUNDS = int(os.environ.get("RXRX2ZARR_ROUNDS", "3"))
SEED = int(os.environ.get("RXRX2ZARR_SEED", "5"))
LIFE_OF_A_CLAIM = 60
"""Seconds without a sign of life."""
OPTIONS = ("--shard-sites", "4")
"""The settings of the workshop's dataset `sharded`."""


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """Printed at the end, for `scripts/torture`."""
    books = Books()
    yield books
    books.print()


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
        tmp_path / "cwd",
        s3_environment(bucket.endpoint),
        "convert",
        images,
        url,
        "--metadata",
        metadata,
    ).finish()
    assert converted.code == COMPLETE, converted.err
    assert not list((tmp_path / "cwd").iterdir())
    assert converted.disk <= 64 * MEBIBYTE
    assert 0 < converted.memory <= 600 * MEBIBYTE
    verified = Run(
        tmp_path / "verify",
        s3_environment(bucket.endpoint),
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
        tmp_path / "cwd",
        s3_environment(bucket.endpoint),
        "convert",
        local.source.root,
        url,
        *OPTIONS,
    ).finish()
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "plain", local)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_any_moment_it_ends_with_the_same_objects(
    number: int,
    bucket: Bucket,
    local: Dataset,
    s3_proxy: FaultProxy,
    books: Books,
    tmp_path: Path,
) -> None:
    books.begin("conversion into a bucket killed")
    moments = random.Random(SEED + number).choices(range(1, 20), k=3)
    url = f"s3://{bucket.name}/killed-{number}"
    command = ("convert", local.source.root, url, *OPTIONS)
    environment = s3_environment(s3_proxy.endpoint)
    done = killed_and_resumed(tmp_path, s3_proxy, environment, command, moments)
    assert done.code == COMPLETE, f"{moments}: {done.err}"
    assert_same(bucket, f"killed-{number}", local)
    books.kept("conversion into a bucket killed", len(moments))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_in_bad_weather_and_with_a_server_that_dies_it_ends_with_the_same_objects(
    number: int, mortal: SeaweedFS, local: Dataset, books: Books, tmp_path: Path
) -> None:
    books.begin("the same in bad weather, and the server killed")
    bucket = Bucket(mortal.endpoint, f"weather-{number}")
    bucket.make()
    url = f"s3://{bucket.name}/rxrx1"
    choice = random.Random(SEED + number)
    command = ("convert", local.source.root, url, *OPTIONS)
    with FaultProxy(mortal.port, Weather(SEED + number)).running() as proxy:
        environment = s3_environment(proxy.endpoint)
        run = Run(tmp_path / "0", environment, *command)
        goal = choice.randrange(5, 15)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        mortal.restart()
        goal = len(proxy.exchanges) + choice.randrange(1, 10)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        run.kill()
        done = Run(tmp_path / "again", environment, *command).finish()
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "rxrx1", local)
    faults = sum(one.fault is not None for one in proxy.exchanges)
    books.kept("the same in bad weather, and the server killed", faults + 2)


def test_in_bad_weather_it_is_verified(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    bucket.put_tree(local.root, "whole")
    s3_proxy.plan = Weather(SEED)
    verify = ("verify", f"s3://{bucket.name}/whole", "--source", local.source.root)
    verified = Run(tmp_path / "cwd", s3_environment(s3_proxy.endpoint), *verify).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
    assert sum(one.fault is not None for one in s3_proxy.exchanges) > 2


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
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert)
    s3_proxy.wait_until(is_claimed, first.ended)
    second = Run(tmp_path / "second", s3_environment(bucket.endpoint), *convert).finish()
    assert second.code == FAILED
    assert socket.gethostname() in second.err
    assert str(first.pid) in second.err
    first.kill()
    heir = Run(tmp_path / "heir", s3_environment(bucket.endpoint), *convert).finish()
    assert heir.code == COMPLETE, heir.err
    assert_same(bucket, "contested", local)


@pytest.mark.skipif(ROUNDS < 10, reason="takes a minute: for scripts/torture")
def test_what_another_machine_left_is_taken_over_a_minute_after_its_death(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = slow_shards
    url = f"s3://{bucket.name}/inherited"
    convert = ("convert", local.source.root, url, *OPTIONS)
    # Processes of another namespace are as good as on another machine.
    elsewhere = ("unshare", "--user", "--pid", "--fork", "--kill-child")
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert, under=elsewhere)
    s3_proxy.wait_until(is_claimed, first.ended)
    first.kill()
    early = Run(tmp_path / "early", s3_environment(bucket.endpoint), *convert).finish()
    assert early.code == FAILED
    left = re.search(r"try again in (\d+) s", early.err)
    assert left is not None, early.err
    assert 1 < int(left[1]) <= LIFE_OF_A_CLAIM + 1
    time.sleep(int(left[1]))
    heir = Run(tmp_path / "heir", s3_environment(bucket.endpoint), *convert).finish()
    assert heir.code == COMPLETE, heir.err
    assert_same(bucket, "inherited", local)


def test_a_server_that_lets_two_writers_in_is_refused(
    local: Dataset, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with rclone_s3(tmp_path_factory.mktemp("rclone")).running() as server:
        bucket = Bucket(server.endpoint, "unsafe")
        bucket.make()
        url = f"s3://{bucket.name}/rxrx1"
        convert = ("convert", local.source.root, url, *OPTIONS)
        done = Run(tmp_path / "refused", s3_environment(server.endpoint), *convert).finish()
        assert done.code == FAILED
        assert "If-None-Match" in done.err
        assert bucket.keys("rxrx1") == []
        option = re.search(r"--store-option (\w+=\w+)", done.err)
        assert option is not None, done.err
        insisting = (*convert, "--store-option", option[1])
        done = Run(tmp_path / "insisting", s3_environment(server.endpoint), *insisting).finish()
        assert done.code == COMPLETE, done.err
        assert "warning" in done.err
        assert_same(bucket, "rxrx1", local)
