"""The servers behave as the other tests assume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import botocore.exceptions
import pytest

from faults.plan import FlakyNetwork
from faults.proxy import FaultProxy
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS, rclone_s3, seaweedfs

WRITERS = 16
T = TypeVar("T")


@pytest.fixture
def own_seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with seaweedfs(tmp_path_factory.mktemp("own-seaweed")).running() as server:
        yield server


def winners(bucket: Bucket) -> int:
    """Lets many writers create the same object; returns how many are told that they did."""

    def create(number: int) -> bool:
        try:
            bucket.client.put_object(
                Bucket=bucket.name, Key="one", Body=str(number).encode(), IfNoneMatch="*"
            )
        except botocore.exceptions.ClientError as refusal:
            status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status in (409, 412), refusal
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        return sum(pool.map(create, range(WRITERS)))


def test_seaweedfs_lets_one_writer_create_an_object(seaweed: SeaweedFS) -> None:
    bucket = Bucket(seaweed.endpoint, "create-only")
    bucket.make()
    assert winners(bucket) == 1


def test_rclone_lets_every_writer_create_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with rclone_s3(tmp_path_factory.mktemp("rclone")).running() as server:
        bucket = Bucket(server.endpoint, "create-only")
        bucket.make()
        assert winners(bucket) == WRITERS


def test_seaweedfs_keeps_its_objects_when_it_is_killed(own_seaweed: SeaweedFS) -> None:
    bucket = Bucket(own_seaweed.endpoint, "kept")
    bucket.make()
    bucket.client.put_object(Bucket="kept", Key="a/b", Body=b"x" * 1_000_000)
    own_seaweed.restart()
    assert bucket.tree("a") == {"b": b"x" * 1_000_000}


def retried(do: Callable[..., T], *arguments: object, **options: object) -> T:
    """Retries what botocore does not retry: 429, and responses cut off in their body."""
    for _ in range(1000):
        try:
            return do(*arguments, **options)
        except (botocore.exceptions.ClientError, botocore.exceptions.HTTPClientError):
            pass
    raise TimeoutError


def test_signed_requests_pass_the_proxy_over_a_flaky_network(
    seaweed: SeaweedFS, s3_proxy: FaultProxy
) -> None:
    Bucket(seaweed.endpoint, "flaky").make()
    s3_proxy.plan = FlakyNetwork(seed=2)
    bucket = Bucket(s3_proxy.endpoint, "flaky")
    objects = {f"{number}": bytes([number]) * 50_000 for number in range(60)}
    for key, value in objects.items():
        retried(bucket.client.put_object, Bucket="flaky", Key=f"many/{key}", Body=value)
    assert {key: retried(bucket.get, f"many/{key}") for key in objects} == objects
    assert sum(one.fault is not None for one in s3_proxy.exchanges) > 10
