"""Datasets in an S3 server, which `scripts/servers` installs."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr

from conftest import Made
from servers.bucket import Bucket
from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, seaweedfs


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yields the options of a store with the bucket `wheel`."""
    if "SERVERS" not in os.environ:
        pytest.skip("SERVERS does not name the folder of scripts/servers")
    server = seaweedfs(tmp_path_factory.mktemp("seaweedfs"))
    with server.running():
        options = {
            "endpoint": server.endpoint,
            "allow_http": "true",
            "region": REGION,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
        }
        Bucket(server.endpoint, "wheel").make()
        yield options


def test_a_dataset_is_published_and_read(made8: Made, store: dict[str, str]) -> None:
    seen: list[rxrx2zarr.Progress] = []
    url = "s3://wheel/published"
    would = rxrx2zarr.publish(made8.root, url, dry_run=True, store_option=store)
    done = rxrx2zarr.publish(made8.root, url, verify=True, store_option=store, progress=seen.append)
    assert (done.exit_code, done.uploaded, done.kept) == (0, would.uploaded, 0)
    assert done.verified == done.objects
    assert {progress.unit for progress in seen} == {"objects"}
    assert seen[-1].done == seen[-1].total
    assert rxrx2zarr.publish(made8.root, url, store_option=store).kept == done.objects

    report = rxrx2zarr.verify(url, no_download=True, store_option=store)
    assert (report.clean, report.proven) == (True, report.objects)
    ds = rxrx2zarr.open(url, **store)
    assert np.array_equal(ds.read(range(12), threads=4), made8.input.pixels)
    assert SECRET_KEY not in repr(ds)
    copy = pickle.loads(pickle.dumps(ds))
    assert len(copy.planes) == 36


def test_a_bucket_is_converted_to(made8: Made, store: dict[str, str]) -> None:
    url = "s3://wheel/converted"
    result = rxrx2zarr.convert(made8.input.root, url, shard_sites=4, store_option=store)
    assert (result.exit_code, result.sites) == (0, 12)
    assert np.array_equal(rxrx2zarr.open(url, **store)[3], made8.input.pixels[3])
    wrong = store | {"secret_access_key": "wrong-secret"}
    with pytest.raises(rxrx2zarr.StoreError) as raised:
        rxrx2zarr.open(url, **wrong)
    assert "wrong-secret" not in str(raised.value)
    with pytest.raises(rxrx2zarr.OutputError):
        rxrx2zarr.convert(made8.input.root, url, codec="zstd", store_option=store)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_bucket_is_cached_and_may_vanish(
    made8: Made, store: dict[str, str], tmp_path: Path
) -> None:
    """Also in processes that are forked: they make connections of their own."""
    bucket = Bucket(store["endpoint"], "vanishing")
    bucket.make()
    url = "s3://vanishing/dataset"
    rxrx2zarr.publish(made8.root, url, store_option=store)
    ds = rxrx2zarr.open(url, cache=tmp_path, cache_limit="50MB", **store)
    assert np.array_equal(ds.read(range(8)), made8.input.pixels[:8])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        read = pool.starmap_async(read_site, [(ds, site) for site in (3, 9, 3, 9)]).get(60)
    assert all(np.array_equal(read[place], made8.input.pixels[s]) for place, s in enumerate((3, 9)))
    other = rxrx2zarr.open(url, retry_timeout="0", **store)
    assert np.array_equal(other[0], made8.input.pixels[0])
    for key in sorted(bucket.keys()):
        bucket.client.delete_object(Bucket=bucket.name, Key=key)
    bucket.client.delete_bucket(Bucket=bucket.name)
    # What was read is in the cache; what was not is an error.
    assert np.array_equal(ds.read([7, 0]), made8.input.pixels[[7, 0]])
    with pytest.raises(rxrx2zarr.Error):
        other.read([9])
    with pytest.raises(rxrx2zarr.Error):
        rxrx2zarr.open(url, retry_timeout="0", **store)


def read_site(ds: rxrx2zarr.Dataset, site: int) -> np.ndarray:
    return np.asarray(ds[site])
