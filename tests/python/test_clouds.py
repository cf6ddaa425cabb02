"""Everybody can open a public dataset in S3, Azure and Google Cloud Storage.

`publish` fills the buckets in S3 and Azure. fake-gcs-server does not accept the requests
with which `object_store` writes, so its bucket is filled through another API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import adlfs.spec
import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr.core.sync
from azure.storage.blob import BlobServiceClient

from conftest import Datasets
from converter import COMPLETE, Dataset
from faults.proxy import FaultProxy
from faults.runs import Run, s3_environment
from readers.cloud import (
    CLOUD_READERS,
    Location,
    at_azure,
    at_gcs,
    at_s3,
    xarray_by_fsspec,
    xarray_by_obstore,
    zarr_by_fsspec,
    zarr_by_obstore,
)
from servers.bucket import Bucket
from servers.object_stores import SeaweedFS, azure_connection, azurite, fake_gcs, seed_gcs

PREFIX = "some/where/rxrx1"
SITES_A_SHARD = 4


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def stored(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def s3_bucket(
    seaweed: SeaweedFS, stored: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "readers")
    bucket.make()
    bucket.make_public()
    folder = tmp_path_factory.mktemp("publish") / "s3"
    publish(stored, f"s3://readers/{PREFIX}", s3_environment(seaweed.endpoint), folder)
    return bucket


def publish(stored: Dataset, url: str, environment: Mapping[str, str], folder: Path) -> None:
    done = Run(folder, environment, "publish", stored.root, url).finish()
    assert done.code == COMPLETE, done.err


@pytest.fixture(scope="module")
def s3_location(s3_bucket: Bucket) -> Location:
    return at_s3(s3_bucket.endpoint, s3_bucket.name, PREFIX)


@pytest.fixture(scope="module")
def azure_location(
    stored: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
    module_patch: pytest.MonkeyPatch,
) -> Iterator[Location]:
    # adlfs closes its connections when the interpreter ends, after the server has stopped.
    module_patch.setattr(adlfs.spec, "weakref", SimpleNamespace(finalize=lambda *_: None))
    with azurite(tmp_path_factory.mktemp("azurite")).running() as server:
        with BlobServiceClient.from_connection_string(azure_connection(server.endpoint)) as service:
            service.create_container("readers", public_access="container")
        location = at_azure(server.endpoint, "readers", PREFIX)
        folder = tmp_path_factory.mktemp("publish") / "azure"
        publish(stored, location.url, location.environment, folder)
        yield location
        for files in adlfs.AzureBlobFileSystem._cache.values():
            zarr.core.sync.sync(adlfs.spec.close_service_client(files))


@pytest.fixture(scope="module")
def gcs_location(
    stored: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
    module_patch: pytest.MonkeyPatch,
) -> Iterator[Location]:
    with fake_gcs(tmp_path_factory.mktemp("gcs")).running() as server:
        # Otherwise gcsfs asks a gRPC service of Google for the kind of bucket, without end.
        module_patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        module_patch.setenv("TENSORSTORE_GCS_HTTP_URL", server.endpoint)
        seed_gcs(server.endpoint, "readers", PREFIX, stored.root)
        yield at_gcs(server.endpoint, "readers", PREFIX)


@pytest.mark.parametrize(
    ("cloud", "reader"),
    [
        (cloud, reader)
        for cloud in ("s3", "azure", "gcs")
        for reader in CLOUD_READERS
        if (cloud, reader) != ("azure", "tensorstore")  # which has no driver for Azure
    ],
)
def test_every_reader_reads_the_pixels(
    cloud: str, reader: str, stored: Dataset, request: pytest.FixtureRequest
) -> None:
    if cloud == "azure" and reader.endswith("fsspec"):
        request.applymarker(
            pytest.mark.xfail(strict=True, reason="adlfs cannot read the end of an object")
        )
    location: Location = request.getfixturevalue(f"{cloud}_location")
    read = CLOUD_READERS[reader](location)
    pixels = stored.source.pixels
    for site in (0, 5, len(pixels) - 1):
        np.testing.assert_array_equal(read((site,)), pixels[site])
    np.testing.assert_array_equal(read((slice(2, 7),)), pixels[2:7])


@pytest.mark.parametrize("cloud", ["s3", "azure", "gcs"])
def test_verify_and_info_work_on_a_dataset_in_a_bucket(
    cloud: str, stored: Dataset, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    location: Location = request.getfixturevalue(f"{cloud}_location")
    verify = ("verify", location.url, "--source", stored.source.root)
    verified = Run(tmp_path / "verify", location.environment, *verify).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
    info = Run(tmp_path / "info", location.environment, "info", location.url, "--json").finish()
    assert info.code == COMPLETE, info.err
    assert json.loads(info.out)["shape"] == list(stored.source.pixels.shape)


REQUESTS = dict.fromkeys(CLOUD_READERS, 2) | {"tensorstore": 1}
"""Requests for one more site of a shard; zarr-python reads the shard index each time."""


@pytest.mark.parametrize("reader", CLOUD_READERS)
def test_a_site_is_one_range_request_for_its_chunk(
    reader: str, stored: Dataset, s3_bucket: Bucket, s3_proxy: FaultProxy
) -> None:
    row = pq.read_table(stored.metadata_table).to_pylist()[SITES_A_SHARD + 2]
    read = CLOUD_READERS[reader](at_s3(s3_proxy.endpoint, s3_bucket.name, PREFIX))
    read((SITES_A_SHARD,))
    with s3_proxy.watched() as seen:
        read((SITES_A_SHARD + 2,))
    last = row["byte_offset"] + row["byte_length"] - 1
    chunk = [one for one in seen if one.range == f"bytes={row['byte_offset']}-{last}"]
    assert [(one.path, one.status, one.received) for one in chunk] == [
        (f"/{s3_bucket.name}/{PREFIX}/{row['object']}", 206, row["byte_length"])
    ]
    assert len(seen) == REQUESTS[reader], [(one.method, one.path, one.range) for one in seen]


@pytest.mark.parametrize(
    "open_images", [zarr_by_obstore, zarr_by_fsspec, xarray_by_obstore, xarray_by_fsspec]
)
def test_readers_ask_for_no_object_that_does_not_exist(
    open_images: object, stored: Dataset, seaweed: SeaweedFS, s3_proxy: FaultProxy
) -> None:
    """Without the right to list, S3 answers "forbidden" for an object that does not exist.
    Readers that are told the Zarr format need not probe for others, and all chunks exist."""
    bucket = Bucket(seaweed.endpoint, f"objects-only-{open_images.__name__.replace('_', '-')}")
    bucket.make()
    bucket.allow_all({"s3:GetObject": "/*"})
    bucket.put_tree(stored.root, PREFIX)
    read = open_images(at_s3(s3_proxy.endpoint, bucket.name, PREFIX), zarr_format=3)
    np.testing.assert_array_equal(read((3,)), stored.source.pixels[3])
    assert {one.status for one in s3_proxy.exchanges} <= {200, 206}
