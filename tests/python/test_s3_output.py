"""Conversions into a bucket give the objects of a local run, whatever faults happen."""

from __future__ import annotations

import os
import random
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Delay, FlakyNetwork, Plan, slow_shards
from faults.proxy import Exchange, FaultProxy
from faults.runs import (
    MEBIBYTE,
    Run,
    killed_and_resumed,
    local_objects,
    pack,
    s3_environment,
)
from faults.tally import Tally
from servers.bucket import STORE_CHECKSUMS, Bucket
from servers.object_stores import SeaweedFS, rclone_s3, seaweedfs

ROUNDS = int(os.environ.get("RXRX2ZARR_ROUNDS", "3"))
SEED = int(os.environ.get("RXRX2ZARR_SEED", "5"))
LEASE_SECONDS = 60
"""A lease that its holder does not renew expires after so many seconds."""
OPTIONS = ("--shard-sites", "4")
"""The settings of the dataset `sharded`."""


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Collects results, and writes them at the end for `scripts/torture`."""
    tally = Tally()
    yield tally
    tally.write()


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    """The same conversion to a disk, not interrupted."""
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "written")
    bucket.make()
    return bucket


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A server that a test may kill."""
    with seaweedfs(tmp_path_factory.mktemp("restartable")).running() as server:
        yield server


def assert_same(bucket: Bucket, prefix: str, local: Dataset) -> None:
    """Checks that the bucket has the objects of the local run, and no others."""
    expected = local_objects(local.root)
    keys = {*expected, STORE_CHECKSUMS}
    assert set(bucket.keys(f"{prefix}/")) == {f"{prefix}/{key}" for key in keys}
    stored = bucket.tree(prefix)
    assert [key for key in expected if stored[key] != expected[key]] == []


def puts(exchanges: list[Exchange]) -> int:
    return sum(one.method == "PUT" for one in exchanges)


def test_an_archive_is_converted_into_a_bucket_without_using_the_disk(
    datasets: Datasets, bucket: Bucket, tmp_path: Path
) -> None:
    source = datasets.source("full-planes")
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
def test_a_conversion_killed_at_any_moment_resumes_to_the_same_objects(
    number: int,
    bucket: Bucket,
    local: Dataset,
    s3_proxy: FaultProxy,
    tally: Tally,
    tmp_path: Path,
) -> None:
    tally.begin("conversion into a bucket killed")
    moments = random.Random(SEED + number).choices(range(1, 20), k=3)
    url = f"s3://{bucket.name}/killed-{number}"
    command = ("convert", local.source.root, url, *OPTIONS)
    environment = s3_environment(s3_proxy.endpoint)
    done = killed_and_resumed(tmp_path, s3_proxy, environment, command, moments)
    assert done.code == COMPLETE, f"{moments}: {done.err}"
    assert_same(bucket, f"killed-{number}", local)
    tally.passed("conversion into a bucket killed", len(moments))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_flaky_network_and_a_killed_server_do_not_change_the_objects(
    number: int, restartable: SeaweedFS, local: Dataset, tally: Tally, tmp_path: Path
) -> None:
    tally.begin("conversion over a flaky network, server killed")
    bucket = Bucket(restartable.endpoint, f"flaky-{number}")
    bucket.make()
    url = f"s3://{bucket.name}/rxrx1"
    choice = random.Random(SEED + number)
    command = ("convert", local.source.root, url, *OPTIONS)
    with FaultProxy(restartable.port, FlakyNetwork(SEED + number)).running() as proxy:
        environment = s3_environment(proxy.endpoint)
        run = Run(tmp_path / "0", environment, *command)
        goal = choice.randrange(5, 15)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        restartable.restart()
        goal = len(proxy.exchanges) + choice.randrange(1, 10)
        proxy.wait_until(lambda seen: len(seen) >= goal, run.ended)
        run.kill()
        done = Run(tmp_path / "again", environment, *command).finish()
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "rxrx1", local)
    faults = sum(one.fault is not None for one in proxy.exchanges)
    tally.passed("conversion over a flaky network, server killed", faults + 2)


def test_verify_works_over_a_flaky_network(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    bucket.put_tree(local.root, "whole")
    s3_proxy.plan = FlakyNetwork(SEED)
    verify = ("verify", f"s3://{bucket.name}/whole", "--source", local.source.root)
    verified = Run(tmp_path / "cwd", s3_environment(s3_proxy.endpoint), *verify).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
    assert sum(one.fault is not None for one in s3_proxy.exchanges) > 2


def has_lease(seen: list[Exchange]) -> bool:
    return any(one.fault == Delay(600) for one in seen)


def test_a_second_writer_is_refused_while_the_first_one_runs(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    plan: Plan = slow_shards
    s3_proxy.plan = plan
    url = f"s3://{bucket.name}/contested"
    convert = ("convert", local.source.root, url, *OPTIONS)
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert)
    s3_proxy.wait_until(has_lease, first.ended)
    second = Run(tmp_path / "second", s3_environment(bucket.endpoint), *convert).finish()
    assert second.code == FAILED
    assert socket.gethostname() in second.err
    assert str(first.pid) in second.err
    first.kill()
    successor = Run(tmp_path / "successor", s3_environment(bucket.endpoint), *convert).finish()
    assert successor.code == COMPLETE, successor.err
    assert_same(bucket, "contested", local)


HIDDEN = (
    "mount -t proc -o hidepid=invisible proc /proc && "
    'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@"'
)
"""Runs a command as another user, to whom `/proc` shows its own processes only."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount /proc")
def test_a_run_that_proc_does_not_show_is_not_taken_for_dead(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = slow_shards
    url = f"s3://{bucket.name}/hidden"
    convert = ("convert", local.source.root, url, *OPTIONS)
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert)
    s3_proxy.wait_until(has_lease, first.ended)
    elsewhere = ("unshare", "--mount", "sh", "-c", HIDDEN)
    # The other user may not read the folders of the tests.
    bucket.put_tree(local.root, "seen")
    other = ("publish", f"s3://{bucket.name}/seen", url, "--overwrite")
    second = Run(
        tmp_path / "second", s3_environment(bucket.endpoint), *other, under=elsewhere
    ).finish()
    assert second.code == FAILED
    assert f"being written by process {first.pid} on" in second.err, second.err
    first.kill()


@pytest.mark.full  # waits for a minute
def test_a_dead_machine_s_lease_expires_after_a_minute(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = slow_shards
    url = f"s3://{bucket.name}/inherited"
    convert = ("convert", local.source.root, url, *OPTIONS)
    # A process in another PID namespace looks like one on another machine.
    elsewhere = ("unshare", "--user", "--pid", "--fork", "--kill-child")
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert, under=elsewhere)
    s3_proxy.wait_until(has_lease, first.ended)
    first.kill()
    begun = time.monotonic()
    successor = Run(tmp_path / "successor", s3_environment(bucket.endpoint), *convert).finish()
    assert successor.code == COMPLETE, successor.err
    assert "waiting for up to a minute" in successor.err
    # It watched for all of the time, by its own clock.
    assert time.monotonic() - begun > LEASE_SECONDS
    assert_same(bucket, "inherited", local)


def test_a_server_that_ignores_conditions_is_written_with_a_warning_and_nothing_is_replaced(
    local: Dataset, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with rclone_s3(tmp_path_factory.mktemp("rclone")).running() as server:
        bucket = Bucket(server.endpoint, "unsafe")
        bucket.make()
        url = f"s3://{bucket.name}/rxrx1"
        convert = ("convert", local.source.root, url, *OPTIONS)
        environment = s3_environment(server.endpoint)
        done = Run(tmp_path / "found", environment, *convert).finish()
        assert done.code == COMPLETE, done.err
        assert "warning: the store has no conditional writes" in done.err
        assert_same(bucket, "rxrx1", local)
        other = (*convert, "--overwrite", "--codec", "zstd")
        refused = Run(tmp_path / "refused", environment, *other).finish()
        assert refused.code == FAILED
        assert "If-None-Match" in refused.err
        assert_same(bucket, "rxrx1", local)
        # A user who knows it saves the look.
        said = ("convert", local.source.root, f"{url}-2", *OPTIONS)
        said = (*said, "--store-option", "conditional_put=disabled")
        done = Run(tmp_path / "said", environment, *said).finish()
        assert done.code == COMPLETE, done.err
        assert "warning: the store has no conditional writes" in done.err
        assert_same(bucket, "rxrx1-2", local)
