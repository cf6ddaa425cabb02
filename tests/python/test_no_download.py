"""`verify --no-download` compares what an S3 server says of its objects with what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset, run
from faults.proxy import FaultProxy
from faults.runs import Run, local_objects, s3_environment
from servers.bucket import STORE_CHECKSUMS, Bucket
from servers.object_stores import SeaweedFS

WRONG_USAGE = 2
ROOT = "images.zarr/zarr.json"
SHARD = "images.zarr/images/c/1/0/0/0"
NOTHING = {"count": 0, "examples": []}
CARD = "README.md"
"""People edit it, so that no list has its checksum."""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "recorded")
    bucket.make()
    return bucket


@pytest.fixture
def published(
    request: pytest.FixtureRequest, local: Dataset, bucket: Bucket, tmp_path: Path
) -> str:
    """Publishes the dataset at a prefix of its own; returns the prefix."""
    prefix = request.node.name
    url = f"s3://{bucket.name}/{prefix}"
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "publish", environment, "publish", local.root, url).finish()
    assert done.code == COMPLETE, done.err
    return prefix


def told(endpoint: str, url: str, folder: Path, *options: str) -> tuple[int, dict]:
    verify = ("verify", url, "--no-download", "--json", *options)
    done = Run(folder, s3_environment(endpoint), *verify).finish()
    assert done.out, done.err
    return done.code, json.loads(done.out)


def test_a_whole_dataset_is_shown_to_be_as_recorded(
    local: Dataset, bucket: Bucket, published: str, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/{published}"
    with s3_proxy.watched() as seen:
        code, report = told(s3_proxy.endpoint, url, tmp_path / "told")
    assert code == COMPLETE
    objects = local_objects(local.root)
    del objects[CARD]
    count = len(objects)
    assert (report["objects"], report["proven"]) == (count, count)
    assert report["bytes"] == sum(map(len, objects.values()))
    assert report["kinds"] == {"etag-md5": count - 1, "sha256": count - 1, "read": 1}
    assert report["clean"]
    assert report["recorded"]
    assert [report[kind] for kind in ("missing", "extra", "without_proof")] == [NOTHING] * 3
    read = {one.path.rpartition(f"/{published}/")[2] for one in seen if one.method == "GET"}
    assert read & set(objects) == {ROOT, "SHA256SUMS"}
    text = Run(
        tmp_path / "text", s3_environment(bucket.endpoint), "verify", url, "--no-download"
    ).finish()
    assert "all is as recorded" in text.out


def test_the_record_is_that_of_the_store_and_no_other_store_gets_it(
    local: Dataset, bucket: Bucket, published: str, tmp_path: Path
) -> None:
    record = json.loads(bucket.get(f"{published}/{STORE_CHECKSUMS}"))
    assert record["version"] == 1
    assert set(record["objects"]) == set(local_objects(local.root)) - {ROOT, CARD}
    for key, one in record["objects"].items():
        head = bucket.client.head_object(
            Bucket=bucket.name, Key=f"{published}/{key}", ChecksumMode="ENABLED"
        )
        assert one["bytes"] == head["ContentLength"]
        assert one["checksums"] == {
            "etag-md5": head["ETag"].strip('"'),
            "sha256": head["ChecksumSHA256"],
        }
    # A copy of all files, as other tools make it, is a whole dataset on a disk.
    copy = tmp_path / "copy"
    for key, content in bucket.tree(published).items():
        (copy / key).parent.mkdir(parents=True, exist_ok=True)
        (copy / key).write_bytes(content)
    (copy / STORE_CHECKSUMS).write_text('{"version": 1, "objects": {}}')
    done = run("verify", copy)
    assert done.returncode == COMPLETE, done.stdout + done.stderr
    url = f"s3://{bucket.name}/{published}-again"
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "again", environment, "publish", copy, url, "--verify").finish()
    assert done.code == COMPLETE, done.err
    again = json.loads(bucket.get(f"{published}-again/{STORE_CHECKSUMS}"))
    assert again == record
    assert told(bucket.endpoint, url, tmp_path / "told")[0] == COMPLETE


def test_parts_have_a_checksum_of_their_own_kind(
    datasets: Datasets, bucket: Bucket, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/converted"
    source = datasets.source("noisy").root
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "convert", environment, "convert", source, url).finish()
    assert done.code == COMPLETE, done.err
    code, report = told(bucket.endpoint, url, tmp_path / "told")
    assert code == COMPLETE
    kinds = report["kinds"]
    assert kinds["etag-md5-parts"] == kinds["sha256-parts"] == 1
    assert kinds["etag-md5"] == kinds["sha256"] == report["objects"] - 2


def test_a_replaced_object_is_named(bucket: Bucket, published: str, tmp_path: Path) -> None:
    key = f"{published}/{SHARD}"
    content = bytearray(bucket.get(key))
    content[0] ^= 1
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=bytes(content))
    url = f"s3://{bucket.name}/{published}"
    code, report = told(bucket.endpoint, url, tmp_path / "told")
    assert code == FAILED
    assert report["changed"]["count"] == 1
    assert "etag-md5" in report["changed"]["examples"][SHARD]
    assert not report["clean"]
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=bytes(content)[:-1])
    code, report = told(bucket.endpoint, url, tmp_path / "shorter")
    assert "bytes" in report["changed"]["examples"][SHARD]
    text = Run(
        tmp_path / "text", s3_environment(bucket.endpoint), "verify", url, "--no-download"
    ).finish()
    assert SHARD in text.out
    assert "1 changed" in text.out


def test_a_removed_and_an_added_object_are_named(
    bucket: Bucket, published: str, tmp_path: Path
) -> None:
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{published}/{SHARD}")
    bucket.client.put_object(Bucket=bucket.name, Key=f"{published}/notes.txt", Body=b"mine")
    url = f"s3://{bucket.name}/{published}"
    code, report = told(bucket.endpoint, url, tmp_path / "told")
    assert code == FAILED
    assert report["missing"] == {"count": 1, "examples": [SHARD]}
    assert report["extra"] == {"count": 1, "examples": ["notes.txt"]}
    assert report["changed"]["count"] == 0


def test_an_object_without_a_record_is_named(
    bucket: Bucket, published: str, tmp_path: Path
) -> None:
    # Another tool has put it, without a SHA-256.
    content = bucket.get(f"{published}/{SHARD}")
    bucket.client.put_object(Bucket=bucket.name, Key=f"{published}/{SHARD}", Body=content)
    record = json.loads(bucket.get(f"{published}/{STORE_CHECKSUMS}"))
    del record["objects"][SHARD], record["objects"]["planes.parquet"]
    key = f"{published}/{STORE_CHECKSUMS}"
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=json.dumps(record).encode())
    url = f"s3://{bucket.name}/{published}"
    code, report = told(bucket.endpoint, url, tmp_path / "told")
    assert code == FAILED
    # The store has the SHA-256 of the other object, which SHA256SUMS states.
    assert report["without_proof"] == {"count": 1, "examples": [SHARD]}
    assert report["changed"]["count"] == 0
    assert report["proven"] == report["objects"] - 1
    # Without any record, the SHA-256 of the store is a proof of what SHA256SUMS names.
    bucket.client.delete_object(Bucket=bucket.name, Key=key)
    code, report = told(bucket.endpoint, url, tmp_path / "none")
    assert (code, report["recorded"]) == (FAILED, False)
    assert report["without_proof"] == {"count": 2, "examples": [SHARD, "SHA256SUMS"]}


def test_publishing_again_renews_the_record(
    local: Dataset, bucket: Bucket, published: str, tmp_path: Path
) -> None:
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{published}/{STORE_CHECKSUMS}")
    url = f"s3://{bucket.name}/{published}"
    environment = s3_environment(bucket.endpoint)
    done = Run(tmp_path / "again", environment, "publish", local.root, url).finish()
    assert done.code == COMPLETE, done.err
    code, report = told(bucket.endpoint, url, tmp_path / "told")
    assert (code, report["recorded"]) == (COMPLETE, True)


def test_a_disk_has_no_checksums_of_its_own(local: Dataset) -> None:
    assert not (local.root / STORE_CHECKSUMS).exists()
    done = run("verify", local.root, "--no-download")
    assert done.returncode == WRONG_USAGE
    assert "without --no-download" in done.stderr
