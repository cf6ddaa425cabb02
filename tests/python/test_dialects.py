"""Services that refuse or ignore a part of S3 get the objects of a local run all the same."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.dialects import (
    ENCRYPTION,
    backblaze_b2,
    cloudflare_r2,
    encrypted_only,
    garage,
    google_xml,
    minio,
    without_sha256,
)
from faults.plan import Deny, Fault, Plan, RequestHead, no_faults
from faults.proxy import Exchange, FaultProxy
from faults.runs import Finished, Run, killed_and_resumed, local_objects, s3_environment
from faults.tally import Tally
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS

ROUNDS = max(1, int(os.environ.get("RXRX2ZARR_ROUNDS", "3")) // 10)
"""Rounds for each dialect."""
SEED = int(os.environ.get("RXRX2ZARR_SEED", "5"))
KILLED = "conversion into a service with a part of S3, killed"
NOT_EXCLUSIVE = "no conditional writes"
CHECKSUM_HEADERS = {
    "sha256": "x-amz-checksum-sha256",
    "crc64nvme": "x-amz-checksum-crc64nvme",
    "md5": "content-md5",
}
DIALECTS: list[tuple[Plan, str, bool]] = [
    (cloudflare_r2, "md5", True),
    (backblaze_b2, "md5", False),
    (google_xml, "md5", False),
    (minio, "sha256", True),
    (garage, "sha256", False),
    (without_sha256, "crc64nvme", True),
    (no_faults, "sha256", True),
]
"""Each dialect, the checksum of its uploads, and whether it has conditional writes."""
WITHOUT_CONDITIONS = [plan for plan, _, has_conditions in DIALECTS if not has_conditions]


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Collects results, and writes them at the end for `scripts/torture`."""
    tally = Tally()
    yield tally
    tally.write()


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    """A dataset whose shard is so large that it is sent in parts."""
    return datasets.dataset("noisy")


@pytest.fixture(scope="module")
def small(datasets: Datasets) -> Dataset:
    """A dataset with several small shards."""
    return datasets.dataset("sharded")


SMALL = ("--shard-sites", "4")
"""The settings of the dataset `sharded`."""


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "dialects")
    bucket.make()
    return bucket


def assert_same(bucket: Bucket, prefix: str, local: Dataset) -> None:
    expected = local_objects(local.root)
    stored = bucket.dataset(prefix)
    assert stored.keys() == expected.keys()
    assert [key for key in expected if stored[key] != expected[key]] == []


def assert_replaced(bucket: Bucket, prefix: str, local: Dataset) -> None:
    """Checks objects that took the place of others: their metadata name the switch."""
    expected = local_objects(local.root)
    stored = bucket.dataset(prefix)
    differ = {key for key in expected if stored[key] != expected[key]}
    assert differ == {key for key in expected if key.endswith("zarr.json")} | {"SHA256SUMS"}
    root = json.loads(stored["images.zarr/zarr.json"])
    assert set(root["attributes"].pop("switch")) == {"run", "holder"}
    for array in root["consolidated_metadata"]["metadata"].values():
        del array["attributes"]["switch"]
    assert root == json.loads(expected["images.zarr/zarr.json"])


def run(folder: Path, proxy: FaultProxy, *command: str | Path) -> Finished:
    return Run(folder, s3_environment(proxy.endpoint), *command).finish()


def uploads(exchanges: list[Exchange]) -> list[Exchange]:
    """Returns the puts of objects and parts that the server carried out."""
    return [one for one in exchanges if one.method == "PUT" and one.status == 200]


def by_dialect(plans: list[Plan]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("plan", plans, ids=lambda plan: plan.__name__)


@pytest.mark.parametrize(
    ("plan", "checksum", "has_conditions"),
    DIALECTS,
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_conversion_finds_out_what_the_service_knows(
    plan: Plan,
    checksum: str,
    has_conditions: bool,
    bucket: Bucket,
    local: Dataset,
    s3_proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    s3_proxy.plan = plan
    name = plan.__name__
    done = run(
        tmp_path / "cwd", s3_proxy, "convert", local.source.root, f"s3://{bucket.name}/{name}"
    )
    assert done.code == COMPLETE, done.err
    assert_same(bucket, name, local)
    assert done.err.count("refuses SHA-256") == (checksum != "sha256"), done.err
    assert (f"checksum={checksum}" in done.err) == (checksum != "sha256")
    assert (NOT_EXCLUSIVE in done.err) == (not has_conditions), done.err
    sent = uploads(s3_proxy.exchanges)
    assert any("partNumber=2" in one.head.target for one in sent)
    header = CHECKSUM_HEADERS[checksum]
    assert [one.head.target for one in sent if header not in one.head.headers] == []


@pytest.mark.parametrize("number", range(ROUNDS))
@by_dialect([plan for plan, _, _ in DIALECTS])
def test_a_conversion_killed_at_any_moment_resumes_to_the_same_objects(
    plan: Plan,
    number: int,
    bucket: Bucket,
    small: Dataset,
    s3_proxy: FaultProxy,
    tally: Tally,
    tmp_path: Path,
) -> None:
    tally.begin(KILLED)
    s3_proxy.plan = plan
    prefix = f"continued-{plan.__name__}-{number}"
    choice = random.Random(f"{SEED} {number} {plan.__name__}")
    moments = choice.choices(range(1, 40), k=3)
    convert = ("convert", small.source.root, f"s3://{bucket.name}/{prefix}", *SMALL)
    environment = s3_environment(s3_proxy.endpoint)
    done = killed_and_resumed(tmp_path, s3_proxy, environment, convert, moments)
    assert done.code == COMPLETE, f"{moments}: {done.err}"
    assert_same(bucket, prefix, small)
    tally.passed(KILLED, len(moments))


@by_dialect(WITHOUT_CONDITIONS)
def test_without_conditions_nothing_complete_is_replaced(
    plan: Plan, bucket: Bucket, small: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = plan
    prefix = f"kept-{plan.__name__}"
    bucket.put_tree(small.root, prefix)
    url = f"s3://{bucket.name}/{prefix}"
    same = run(tmp_path / "same", s3_proxy, "convert", small.source.root, url, *SMALL)
    assert same.code == COMPLETE, same.err
    for number, option in enumerate([("--overwrite", "--codec", "zstd"), ("--retry-bad",)]):
        settings = ("convert", small.source.root, url, *option)
        refused = run(tmp_path / f"refused-{number}", s3_proxy, *settings)
        assert refused.code == FAILED
        assert NOT_EXCLUSIVE in refused.err
        assert "under another name" in refused.err
    assert_same(bucket, prefix, small)


@by_dialect([*WITHOUT_CONDITIONS, cloudflare_r2])
def test_a_publication_continues_and_replaces_only_with_conditions(
    plan: Plan, bucket: Bucket, small: Dataset, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = plan
    prefix = f"published-{plan.__name__}"
    publish = ("publish", small.root, f"s3://{bucket.name}/{prefix}")
    environment = s3_environment(s3_proxy.endpoint)
    done = killed_and_resumed(tmp_path, s3_proxy, environment, publish, [15])
    assert done.code == COMPLETE, done.err
    assert_same(bucket, prefix, small)
    other = ("publish", local.root, f"s3://{bucket.name}/{prefix}", "--overwrite")
    replaced = run(tmp_path / "other", s3_proxy, *other)
    if plan in WITHOUT_CONDITIONS:
        assert replaced.code == FAILED
        assert NOT_EXCLUSIVE in replaced.err
        assert_same(bucket, prefix, small)
    else:
        assert replaced.code == COMPLETE, replaced.err
        assert_replaced(bucket, prefix, local)


@pytest.mark.parametrize("checksum", ["none", "md5", "crc64nvme", "sha256"])
def test_the_user_chooses_the_checksum(
    checksum: str, bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    prefix = f"chosen-{checksum}"
    command = ("publish", local.root, f"s3://{bucket.name}/{prefix}")
    done = run(tmp_path / "cwd", s3_proxy, *command, "--store-option", f"checksum={checksum}")
    assert done.code == COMPLETE, done.err
    assert_same(bucket, prefix, local)
    for one in uploads(s3_proxy.exchanges):
        names = {name for name in CHECKSUM_HEADERS.values() if name in one.head.headers}
        assert names == {CHECKSUM_HEADERS[checksum]} - {None} if checksum != "none" else not names


def test_a_checksum_that_the_service_refuses_is_named(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = cloudflare_r2
    command = ("publish", local.root, f"s3://{bucket.name}/refused")
    done = run(tmp_path / "cwd", s3_proxy, *command, "--store-option", "checksum=sha256")
    assert done.code == FAILED
    assert "--store-option checksum=none" in done.err
    unknown = run(tmp_path / "unknown", s3_proxy, *command, "--store-option", "checksum=sha1")
    assert "use none, md5, crc64nvme or sha256" in unknown.err


def test_a_bucket_that_demands_encryption_gets_its_headers(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    s3_proxy.plan = encrypted_only
    url = f"s3://{bucket.name}/encrypted"
    convert = ("convert", local.source.root, url)
    denied = run(tmp_path / "denied", s3_proxy, *convert)
    assert denied.code == FAILED
    assert "AccessDenied" in denied.err
    options = ("server_side_encryption=aws:kms", "sse_kms_key_id=arn:aws:kms:eu-west-3:1:key/2")
    settings = [word for option in options for word in ("--store-option", option)]
    done = run(tmp_path / "cwd", s3_proxy, *convert, *settings)
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "encrypted", local)
    begun = [one for one in s3_proxy.exchanges if "uploads" in one.head.target]
    assert any(one.head.headers.keys() >= ENCRYPTION for one in begun)


def test_storage_class_and_payer_are_sent_with_parts_too(
    bucket: Bucket, local: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    url = f"s3://{bucket.name}/classed"
    options = ("storage_class=STANDARD_IA", "request_payer=true")
    settings = [word for option in options for word in ("--store-option", option)]
    done = run(tmp_path / "cwd", s3_proxy, "convert", local.source.root, url, *settings)
    assert done.code == COMPLETE, done.err
    assert_same(bucket, "classed", local)
    for one in s3_proxy.exchanges:
        assert one.head.headers.get("x-amz-request-payer") == "requester", one.head
        is_part = "partNumber" in one.head.target or "uploadId" in one.head.target
        makes_object = one.method in {"PUT", "POST"} and not is_part
        is_data = f"/{bucket.name}/classed/" in one.head.target
        expected = "STANDARD_IA" if makes_object and is_data else None
        assert one.head.headers.get("x-amz-storage-class") == expected, one.head
    archived = ("--store-option", "storage_class=DEEP_ARCHIVE")
    refused = run(tmp_path / "no", s3_proxy, "convert", local.source.root, f"{url}-2", *archived)
    assert refused.code == FAILED
    assert "DEEP_ARCHIVE" in refused.err
    assert bucket.keys("classed-2") == []


def test_an_object_in_an_archive_is_named_with_the_remedy(
    bucket: Bucket, small: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    bucket.put_tree(small.root, "archived")
    victim = "images.zarr/images/c/0/0/0/0"

    def archive(head: RequestHead) -> Fault | None:
        text = "The operation is not valid for the object's storage class"
        is_read = head.method == "GET" and head.target.startswith(
            f"/{bucket.name}/archived/{victim}"
        )
        return Deny(403, "InvalidObjectState", text) if is_read else None

    s3_proxy.plan = archive
    done = run(tmp_path / "cwd", s3_proxy, "verify", f"s3://{bucket.name}/archived")
    assert done.code == FAILED
    said = done.out + done.err
    assert victim in said
    assert "restore" in said
    assert "credentials" not in said


def test_objects_have_their_content_type_and_what_may_be_replaced_is_not_cached(
    bucket: Bucket, small: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    done = run(tmp_path / "cwd", s3_proxy, "publish", small.root, f"s3://{bucket.name}/typed")
    assert done.code == COMPLETE, done.err
    types = {
        r".*\.json": "application/json",
        r".*\.md": "text/markdown; charset=utf-8",
        r".*\.parquet": "application/vnd.apache.parquet",
        r".*\.html": "text/html; charset=utf-8",
        r".*\.txt|SHA256SUMS": "text/plain; charset=utf-8",
        r".*/c/.*": "application/octet-stream",
    }
    for key in local_objects(small.root):
        head = bucket.client.head_object(Bucket=bucket.name, Key=f"typed/{key}")
        (expected,) = (kind for pattern, kind in types.items() if re.fullmatch(pattern, key))
        assert head["ContentType"] == expected, key
        is_chunk = "/c/" in key
        assert head.get("CacheControl") == (None if is_chunk else "no-cache"), key


def test_a_limit_of_bandwidth_slows_a_publication_down(
    bucket: Bucket, small: Dataset, s3_proxy: FaultProxy, tmp_path: Path
) -> None:
    size = sum(map(len, local_objects(small.root).values()))
    limit = size // 4
    publish = ("publish", small.root, f"s3://{bucket.name}/slow", "--max-bandwidth")
    refused = run(tmp_path / "no", s3_proxy, *publish, "fast")
    assert "50MB" in refused.err
    begun = time.monotonic()
    done = run(tmp_path / "cwd", s3_proxy, *publish, f"{limit / 1000}kB")
    assert done.code == COMPLETE, done.err
    # The last piece passes after the time of all others.
    assert time.monotonic() - begun > 3
    assert_same(bucket, "slow", small)
