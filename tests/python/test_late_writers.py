"""A writer into a bucket that was away, or lost its lease, changes nothing that is sealed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Delay, Hold, slow_shards
from faults.proxy import Exchange, FaultProxy
from faults.runs import Run, s3_environment
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS

AWAY = 63
"""Seconds after which a lease has expired that was not renewed."""
OPTIONS = ("--shard-sites", "4")
SHARDS = 6
"""Of 24 sites, with these options."""
SLEPT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* CLOCK_MONOTONIC as a machine shows it that slept for the seconds in the file $SLEPT. */
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(id, t);
    if (id == CLOCK_MONOTONIC && getenv("SLEPT")) {
        FILE *file = fopen(getenv("SLEPT"), "r");
        long seconds = 0;
        if (file) {
            if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
            fclose(file);
        }
        t->tv_sec -= seconds;
    }
    return answer;
}
"""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "late")
    bucket.make()
    return bucket


def writes_shards(seen: list[Exchange]) -> bool:
    return any(one.fault == Delay(600) for one in seen)


@pytest.mark.parametrize("command", ["convert", "publish"])
def test_a_run_whose_lease_was_taken_stops_and_writes_nothing_more(
    command: str, bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = slow_shards
    name = f"taken-{command}"
    url = f"s3://{bucket.name}/{name}"
    source = local.source.root if command == "convert" else local.root
    options = OPTIONS if command == "convert" else ()
    first = Run(
        tmp_path / "first", s3_environment(s3_proxy.endpoint), command, source, url, *options
    )
    s3_proxy.wait_until(writes_shards, first.ended)
    # Another process takes the lease and gives it back: the first one must not use it again.
    lease = f"{name}.rxrx2zarr/claims/lease.json"
    record = json.loads(bucket.get(lease))
    assert len(record["nonce"]) == 32
    record |= {"host": "elsewhere", "pid": 1, "nonce": "0" * 32, "released": True}
    taken = json.dumps(record).encode()
    bucket.client.put_object(Bucket=bucket.name, Key=lease, Body=taken)
    before = set(bucket.keys(f"{name}/"))
    done = first.finish()
    assert done.code == FAILED
    assert "process 1 on elsewhere has taken over" in done.err, done.err
    assert set(bucket.keys(f"{name}/")) == before
    # It did not release the lease of another process.
    assert bucket.get(lease) == taken


@pytest.mark.parametrize("held", ["images.zarr/zarr.json", "images.zarr/images/c/0/0/0/0"])
def test_a_put_that_arrives_late_does_not_change_a_sealed_dataset(
    held: str, bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    name = f"held-{held.count('/')}"
    url = f"s3://{bucket.name}/{name}"
    hold = Hold(threading.Event())
    path = f"/{bucket.name}/{name}/{held}"
    s3_proxy.plan = lambda head: hold if (head.method, head.target) == ("PUT", path) else None

    def held_back() -> list[Exchange]:
        return [one for one in s3_proxy.exchanges if one.fault == hold]

    convert = ("convert", local.source.root, url, *OPTIONS)
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert)
    s3_proxy.wait_until(lambda _: bool(held_back()), first.ended)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{name}.rxrx2zarr/claims/lease.json")
    done = first.finish()
    assert done.code == FAILED
    assert "was removed while it was in use" in done.err, done.err
    direct = s3_environment(bucket.endpoint)
    other = (*convert, "--overwrite", "--codec", "zstd")
    second = Run(tmp_path / "second", direct, *other).finish()
    assert second.code == COMPLETE, second.err
    sealed = bucket.tree(name)
    assert len(held_back()) == 1
    hold.released.set()
    s3_proxy.wait_until(lambda _: held_back()[0].status is not None)
    assert held_back()[0].status == 412
    assert bucket.tree(name) == sealed
    verified = Run(tmp_path / "verify", direct, "verify", url).finish()
    assert verified.code == COMPLETE, verified.out + verified.err


def compiled(folder: Path) -> Path:
    """Compiles a clock that stands still."""
    source, library = folder / "slept.c", folder / "slept.so"
    source.write_text(SLEPT, encoding="utf-8")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", source, "-o", library, "-ldl"],
        check=True,
        capture_output=True,
    )
    return library


@pytest.mark.full  # waits for a minute
@pytest.mark.parametrize("clock", ["stopped", "asleep"])
def test_a_writer_that_slept_changes_nothing_of_a_sealed_dataset(
    clock: str, bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    """`asleep`: the monotonic clock did not count, as in a machine that was suspended."""
    s3_proxy.plan = lambda head: Delay(0.5) if "/images/c/" in head.target else None
    name = f"slept-{clock}"
    url = f"s3://{bucket.name}/{name}"
    seconds = tmp_path / "seconds"
    environment = s3_environment(s3_proxy.endpoint)
    if clock == "asleep":
        environment |= {"LD_PRELOAD": str(compiled(tmp_path)), "SLEPT": str(seconds)}
    convert = ("convert", local.source.root, url, "--shard-sites", "1", "--jobs", "1")
    first = Run(tmp_path / "first", environment, *convert)
    shards = f"{name}/images.zarr/images/c/"
    while len(bucket.keys(shards)) < 3:
        assert not first.ended()
        time.sleep(0.05)
    first.process.send_signal(signal.SIGSTOP)
    direct = s3_environment(bucket.endpoint)
    begun = time.monotonic()
    other = ("convert", local.source.root, url, *OPTIONS, "--overwrite", "--codec", "zstd")
    second = Run(tmp_path / "second", direct, *other).finish()
    assert second.code == COMPLETE, second.err
    assert time.monotonic() - begun > 60
    sealed = bucket.tree(name)
    seconds.write_text(str(AWAY), encoding="utf-8")
    first.process.send_signal(signal.SIGCONT)
    done = first.finish()
    assert done.code == FAILED
    assert "nothing is sealed" in done.err, done.err
    assert bucket.tree(name) == sealed
    # The second run has fewer shards: those of the first one that it lacks stay, because a
    # removal could arrive late.
    verified = json.loads(Run(tmp_path / "verify", direct, "verify", url, "--json").finish().out)
    assert set(verified["findings"]) <= {"extra"}, verified
    extra = {int(key.split("/")[3]) for key in verified["by_object"]}
    assert all(shard >= SHARDS for shard in extra), verified
