"""`publish` copies a dataset into a bucket: every object once, and no damaged dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import FlakyNetwork
from faults.proxy import Exchange, FaultProxy
from faults.runs import Run, damaged_copy, local_objects, s3_environment
from readers.cloud import CLOUD_READERS, at_s3
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS

ROOT = "images.zarr/zarr.json"


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "published")
    bucket.make()
    bucket.make_public()
    return bucket


def uploads(exchanges: list[Exchange], prefix: str) -> list[str]:
    """Returns the objects of the dataset whose upload was confirmed, in order."""
    base = f"/published/{prefix}/"
    return [
        one.path.removeprefix(base)
        for one in exchanges
        if one.method == "PUT" and one.status == 200 and one.path.startswith(base)
    ]


def test_publish_copies_every_object_and_the_root_last(
    local: Dataset, bucket: Bucket, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/whole"
    done = Run(
        tmp_path / "cwd", s3_environment(s3_proxy.endpoint), "publish", local.root, url
    ).finish()
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("whole") == local_objects(local.root)
    order = uploads(s3_proxy.exchanges, "whole")
    assert order[-1] == ROOT
    last_chunk = max(i for i, key in enumerate(order) if "/c/" in key)
    first_table = min(i for i, key in enumerate(order) if key.endswith(".parquet"))
    assert last_chunk < first_table
    assert url in done.out
    read = CLOUD_READERS["zarr-obstore"](at_s3(bucket.endpoint, bucket.name, "whole"))
    assert (read((2,)) == local.source.pixels[2]).all()


def test_an_interrupted_publish_is_repeated_without_uploading_twice(
    local: Dataset, bucket: Bucket, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    publish = ("publish", local.root, f"s3://{bucket.name}/repeated")
    first = Run(tmp_path / "first", s3_environment(s3_proxy.endpoint), *publish)
    s3_proxy.wait_until(lambda seen: len(uploads(seen, "repeated")) >= 5, first.ended)
    first.kill()
    # An upload that was on its way may still arrive, after the second run has listed the
    # bucket, and is then repeated. Those confirmed by now are not.
    confirmed = set(uploads(s3_proxy.exchanges, "repeated"))
    with s3_proxy.watched() as second:
        again = Run(tmp_path / "again", s3_environment(s3_proxy.endpoint), *publish).finish()
    assert again.code == COMPLETE, again.err
    assert bucket.dataset("repeated") == local_objects(local.root)
    uploaded = uploads(second, "repeated")
    # The root comes after a marker in its place.
    assert uploaded.pop() == ROOT
    assert len(uploaded) == len(set(uploaded))
    assert confirmed.isdisjoint(uploaded)
    with s3_proxy.watched() as third:
        done = Run(tmp_path / "third", s3_environment(s3_proxy.endpoint), *publish).finish()
    assert done.code == COMPLETE, done.err
    assert uploads(third, "repeated") == []


def test_objects_that_differ_are_uploaded_again(
    local: Dataset, bucket: Bucket, tmp_path: Path
) -> None:
    publish = ("publish", local.root, f"s3://{bucket.name}/differs", "--verify")
    assert (
        Run(tmp_path / "first", s3_environment(bucket.endpoint), *publish).finish().code == COMPLETE
    )
    key = "differs/metadata.parquet"
    whole = bucket.get(key)
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=whole[:-1] + b"?")
    done = Run(tmp_path / "again", s3_environment(bucket.endpoint), *publish).finish()
    assert done.code == COMPLETE, done.err
    assert bucket.get(key) == whole


def test_publish_works_over_a_flaky_network(
    local: Dataset, bucket: Bucket, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = FlakyNetwork(seed=8)
    url = f"s3://{bucket.name}/flaky"
    done = Run(
        tmp_path / "cwd", s3_environment(s3_proxy.endpoint), "publish", local.root, url
    ).finish()
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("flaky") == local_objects(local.root)


def test_a_dry_run_uploads_nothing(
    local: Dataset, bucket: Bucket, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/dry"
    done = Run(
        tmp_path / "cwd", s3_environment(s3_proxy.endpoint), "publish", local.root, url, "--dry-run"
    ).finish()
    assert done.code == COMPLETE, done.err
    assert {one.method for one in s3_proxy.exchanges} <= {"GET", "HEAD"}
    assert bucket.keys("dry") == []
    assert str(len(local_objects(local.root))) in done.out


@pytest.mark.parametrize("victim", [ROOT, "images.zarr/images/c/1/0/0/0", "planes.parquet"])
def test_a_damaged_dataset_is_refused(
    victim: str, local: Dataset, bucket: Bucket, tmp_path: Path
) -> None:
    damaged = damaged_copy(local.root, tmp_path / "damaged", victim)
    url = f"s3://{bucket.name}/refused"
    done = Run(tmp_path / "cwd", s3_environment(bucket.endpoint), "publish", damaged, url).finish()
    assert done.code == FAILED
    assert victim in done.err
    stored = bucket.keys("refused")
    # Who goes on with a publication puts a marker in place of the root, which no reader opens.
    if f"refused/{ROOT}" in stored:
        assert b"zarr_format" not in bucket.get(f"refused/{ROOT}")
    assert f"refused/{victim}" not in stored
    (damaged / ROOT).unlink()
    done = Run(
        tmp_path / "unsealed", s3_environment(bucket.endpoint), "publish", damaged, url
    ).finish()
    assert done.code == FAILED
    assert bucket.keys("refused") == stored
