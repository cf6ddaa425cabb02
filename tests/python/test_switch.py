"""A dataset in a bucket that another one replaces: what readers find at each step, and what
requests do that arrive late.

Anonymous readers and the run use the same server; the run goes through a proxy that holds each
of its requests to the dataset until the test has looked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, Dataset
from faults.plan import Hold, RequestHead
from faults.proxy import Exchange, FaultProxy
from faults.runs import Run, s3_environment
from readers.cloud import CLOUD_READERS, at_s3
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS

OPTIONS = ("--shard-sites", "4")
OTHER = ("--shard-sites", "4", "--codec", "zstd", "--overwrite")
ROOT = "images.zarr/zarr.json"
IMAGES = "images.zarr/images/zarr.json"
SHARD = "images.zarr/images/c/1/0/0/0"
COPY = "x-amz-copy-source"


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "switched")
    bucket.make()
    bucket.make_public()
    return bucket


def make(bucket: Bucket, name: str, local: Dataset, folder: Path) -> str:
    """Converts to the bucket, and returns the address."""
    url = f"s3://{bucket.name}/{name}"
    convert = ("convert", local.source.root, url, *OPTIONS)
    done = Run(folder / f"make-{name}", s3_environment(bucket.endpoint), *convert).finish()
    assert done.code == COMPLETE, done.err
    return url


def key_of(bucket: Bucket, name: str, target: str) -> str | None:
    """The key of a request to the dataset."""
    path = target.partition("?")[0]
    prefix = f"/{bucket.name}/{name}/"
    return path[len(prefix) :] if path.startswith(prefix) else None


class HeldRequests:
    """Holds each request that writes to the dataset; one of them may be picked by `chosen`."""

    def __init__(self, key: Callable[[str], str | None]) -> None:
        self.key = key
        self.is_open = False

    def __call__(self, head: RequestHead) -> Hold | None:
        if head.method != "PUT" or self.key(head.target) is None:
            return None
        event = threading.Event()
        if self.is_open:
            event.set()
        return Hold(event)


def held(proxy: FaultProxy) -> list[Exchange]:
    return [one for one in proxy.exchanges if isinstance(one.fault, Hold)]


def release(one: Exchange) -> None:
    assert isinstance(one.fault, Hold)
    one.fault.released.set()


def next_held(proxy: FaultProxy, seen: int, ended: Callable[[], bool]) -> Exchange | None:
    """Waits for another request to the dataset; None if the run has ended."""
    proxy.wait_until(lambda _: len(held(proxy)) > seen, ended, seconds=120)
    return held(proxy)[seen] if len(held(proxy)) > seen else None


def opens(reader: str, bucket: Bucket, name: str) -> bool:
    """Whether a reader that begins now opens the dataset, or its image array."""
    try:
        read = CLOUD_READERS[reader](at_s3(bucket.endpoint, bucket.name, name))
        read((0,))
    except Exception:  # each library has its own errors
        return False
    return True


def test_no_reader_opens_a_dataset_whose_objects_are_being_exchanged(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    name = "exchanged"
    url = make(bucket, name, local, tmp_path)
    readers = ["zarr-obstore", "xarray-obstore", "tensorstore"]
    assert all(opens(reader, bucket, name) for reader in readers)
    s3_proxy.plan = HeldRequests(lambda target: key_of(bucket, name, target))
    convert = ("convert", local.source.root, url, *OTHER)
    run = Run(tmp_path / "run", s3_environment(s3_proxy.endpoint), *convert)
    steps: list[tuple[str, bool]] = []
    seen = 0
    while (one := next_held(s3_proxy, seen, run.ended)) is not None:
        key = key_of(bucket, name, one.head.target)
        assert key is not None
        is_copy = COPY in one.head.headers
        if is_copy and "images/c/" in key:
            # Old and new shards lie side by side.
            assert [reader for reader in readers if opens(reader, bucket, name)] == []
            assert "x-amz-copy-source-if-match" in one.head.headers
            assert "if-match" in one.head.headers or "if-none-match" in one.head.headers
        if steps and key == ROOT:
            # The root is put last. Until then the group does not open.
            assert not opens("xarray-obstore", bucket, name)
        steps.append((key, is_copy))
        release(one)
        seen += 1
    done = run.finish()
    assert done.code == COMPLETE, done.err
    assert "takes the place of the former one" in done.err
    assert steps[0] == (ROOT, False)
    assert steps[-1] == (ROOT, False)
    copied = {key for key, is_copy in steps if is_copy}
    assert {SHARD, "metadata.parquet"} <= copied
    assert ROOT not in copied
    assert all(opens(reader, bucket, name) for reader in readers)
    verified = Run(
        tmp_path / "verify",
        s3_environment(bucket.endpoint),
        "verify",
        url,
        "--source",
        local.source.root,
    ).finish()
    assert verified.code == COMPLETE, verified.out + verified.err


@pytest.mark.parametrize("back", [False, True], ids=["same", "back"])
@pytest.mark.parametrize(
    ("key", "number"),
    [(ROOT, 0), (IMAGES, 0), (SHARD, 0), (IMAGES, 1), (ROOT, 1)],
    ids=["root-marker", "array-marker", "copy", "array", "root"],
)
def test_a_request_of_a_switch_that_arrives_late_changes_nothing(
    key: str,
    number: int,
    back: bool,
    bucket: Bucket,
    local: Dataset,
    s3_proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    """The process dies while its request is on the way. The same command, or one that makes the
    former dataset again, finishes; then the request arrives."""
    name = f"late-{key.count('/')}-{number}-{back}"
    url = make(bucket, name, local, tmp_path)
    plan = HeldRequests(lambda target: key_of(bucket, name, target))
    s3_proxy.plan = plan
    convert = ("convert", local.source.root, url, *OTHER)
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *convert)
    seen = 0
    found = 0
    while True:
        late = next_held(s3_proxy, seen, first.ended)
        assert late is not None, first.finish().err
        seen += 1
        is_copy = COPY in late.head.headers
        # The first copies ask whether the server checks conditions.
        is_real = not is_copy or late.head.headers["x-amz-copy-source-if-match"].strip('"').strip(
            "0"
        )
        if key_of(bucket, name, late.head.target) == key and is_real:
            if found == number:
                break
            found += 1
        release(late)
    first.kill()
    for other in held(s3_proxy)[seen:]:
        release(other)
    plan.is_open = True
    direct = s3_environment(bucket.endpoint)
    again = (*convert[:3], *OPTIONS, "--overwrite") if back else convert
    second = Run(tmp_path / "second", direct, *again).finish()
    assert second.code == COMPLETE, second.err
    sealed = bucket.tree(name)
    release(late)
    s3_proxy.wait_until(lambda _: late.status is not None)
    assert late.status == 412
    assert bucket.tree(name) == sealed
    source = ("--source", local.source.root)
    verified = Run(tmp_path / "verify", direct, "verify", url, *source).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
