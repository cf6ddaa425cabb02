"""`clean` gives up uploads in parts that dead runs have left in a bucket."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import Datasets
from converter import COMPLETE, Dataset
from faults.plan import Deny, Fault, RequestHead
from faults.proxy import FaultProxy
from faults.runs import Run, local_objects, s3_environment
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS

PATIENCE = 300
"""Seconds in which uploads must become older than a lease lasts, which is a minute."""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "uploads")
    bucket.make()
    return bucket


def begin(bucket: Bucket, key: str) -> str:
    """Begins an upload, and sends one part of it."""
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    bucket.client.upload_part(
        Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=b"part"
    )
    return upload


def uploads(bucket: Bucket) -> set[str]:
    listed = bucket.client.list_multipart_uploads(Bucket=bucket.name)
    return {upload["UploadId"] for upload in listed.get("Uploads", [])}


def cleaned(endpoint: str, url: str, folder: Path, *options: str) -> dict:
    done = Run(folder, s3_environment(endpoint), "clean", url, "--json", *options).finish()
    assert done.code == COMPLETE, done.err
    return json.loads(done.out)


def test_uploads_of_dead_runs_are_given_up_and_no_others(
    local: Dataset, bucket: Bucket, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/data/set"
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "publish", environment, "publish", local.root, url).finish()
    assert done.code == COMPLETE, done.err
    ours = {
        begin(bucket, key)
        for key in (
            "data/set/images.zarr/images/c/0/0/0/0",
            "data/set.rxrx2zarr/run-0/images.zarr/images/c/0/0/0/0",
            "data/set/planes.parquet",
            "data/set.rxrx2zarr/run-0/a name+with=signs%20",
        )
    }
    others = {
        begin(bucket, key)
        for key in (
            "data/set2/images.zarr/images/c/0/0/0/0",
            "data/other",
            "data/set/images.zarr/nuclei/c/0/0/0",
            "data/set/notes.zip",
        )
    }
    young = cleaned(bucket.endpoint, url, tmp_path / "young")
    assert young["unfinished_uploads"] + young["young_uploads"] == len(ours)
    deadline = time.monotonic() + PATIENCE
    count = 0
    while cleaned(bucket.endpoint, url, tmp_path / f"dry-{count}", "--dry-run")["young_uploads"]:
        assert time.monotonic() < deadline
        time.sleep(5)
        count += 1
    cleaned(bucket.endpoint, url, tmp_path / "old")
    assert uploads(bucket) == others
    assert bucket.dataset("data/set").keys() == local_objects(local.root).keys()


@pytest.mark.parametrize("status", [403, 501])
def test_a_store_that_does_not_list_uploads_is_named(
    status: int, local: Dataset, bucket: Bucket, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    def refuse(head: RequestHead) -> Fault | None:
        query = parse_qs(urlsplit(head.target).query, keep_blank_values=True)
        is_list = head.method == "GET" and "uploads" in query
        return Deny(status, "AccessDenied", "no list of uploads") if is_list else None

    url = f"s3://{bucket.name}/refused-{status}"
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "publish", environment, "publish", local.root, url).finish()
    assert done.code == COMPLETE, done.err
    s3_proxy.plan = refuse
    with s3_proxy.watched() as seen:
        told = cleaned(s3_proxy.endpoint, url, tmp_path / "cleaned")
    assert told["unfinished_uploads"] is None
    assert any("uploads" in one.head.target for one in seen if one.status == status)
    text = Run(tmp_path / "text", s3_environment(s3_proxy.endpoint), "clean", url).finish()
    assert "does not list uploads" in text.out
