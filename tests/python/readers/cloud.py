"""The array readers of a public dataset in a bucket, without credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import obstore.store
import tensorstore
import xarray
import zarr
from numpy.typing import NDArray
from zarr.storage import ObjectStore

from readers.arrays import Index
from servers.object_stores import AZURE_ACCOUNT, REGION, azure_address, azure_connection

Settings = Mapping[str, Any]
PLAIN_HTTP = {"allow_http": True}


@dataclass(frozen=True)
class Location:
    """The location of a dataset in a bucket, as each library needs it."""

    store: Callable[[str], obstore.store.ObjectStore]
    """Returns an obstore store of the objects below a path of the dataset."""
    url: str
    options: Settings
    """Options of fsspec for the URL."""
    kvstore: Settings | None
    """tensorstore's key-value store of the array; None if tensorstore has no driver."""
    environment: Mapping[str, str]
    """Variables that rxrx2zarr needs for the URL."""


def at_s3(endpoint: str, bucket: str, prefix: str) -> Location:
    def store(path: str) -> obstore.store.ObjectStore:
        return obstore.store.S3Store(
            bucket,
            prefix=f"{prefix}/{path}",
            endpoint=endpoint,
            region=REGION,
            skip_signature=True,
            client_options=PLAIN_HTTP,
        )

    kvstore = {
        "driver": "s3",
        "bucket": bucket,
        "path": f"{prefix}/images.zarr/images/",
        "endpoint": endpoint,
        "aws_region": REGION,
        "aws_credentials": {"type": "anonymous"},
    }
    options = {"anon": True, "endpoint_url": endpoint}
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_SKIP_SIGNATURE": "true",
    }
    return Location(store, f"s3://{bucket}/{prefix}", options, kvstore, environment)


def at_azure(endpoint: str, container: str, prefix: str) -> Location:
    def store(path: str) -> obstore.store.ObjectStore:
        return obstore.store.AzureStore(
            container,
            prefix=f"{prefix}/{path}",
            account_name=AZURE_ACCOUNT,
            endpoint=azure_address(endpoint),
            skip_signature=True,
            client_options=PLAIN_HTTP,
        )

    # adlfs finds an emulator only by a connection string, which contains a key.
    options = {"connection_string": azure_connection(endpoint)}
    environment = {"AZURE_STORAGE_CONNECTION_STRING": azure_connection(endpoint)}
    return Location(store, f"abfs://{container}/{prefix}", options, None, environment)


def at_gcs(endpoint: str, bucket: str, prefix: str) -> Location:
    def store(path: str) -> obstore.store.ObjectStore:
        return obstore.store.GCSStore(
            bucket,
            prefix=f"{prefix}/{path}",
            base_url=endpoint,
            skip_signature=True,
            client_options=PLAIN_HTTP,
        )

    kvstore = {"driver": "gcs", "bucket": bucket, "path": f"{prefix}/images.zarr/images/"}
    options = {"token": "anon", "endpoint_url": endpoint}
    environment = {"STORAGE_EMULATOR_HOST": endpoint}
    return Location(store, f"gs://{bucket}/{prefix}", options, kvstore, environment)


Read = Callable[[Index], NDArray[np.generic]]
"""Reads a part of `images`; a reader may cache the index of a shard between calls."""


def zarr_by_obstore(location: Location, **how: object) -> Read:
    store = ObjectStore(location.store("images.zarr/images"), read_only=True)
    array = zarr.open_array(store, mode="r", **how)
    return lambda index: np.asarray(array[index])


def zarr_by_fsspec(location: Location, **how: object) -> Read:
    url = f"{location.url}/images.zarr/images"
    array = zarr.open_array(url, mode="r", storage_options=dict(location.options), **how)
    return lambda index: np.asarray(array[index])


def xarray_by_obstore(location: Location, **how: object) -> Read:
    store = ObjectStore(location.store("images.zarr"), read_only=True)
    dataset = xarray.open_zarr(store, chunks=None, **how)
    return lambda index: dataset.images[index].to_numpy()


def xarray_by_fsspec(location: Location, **how: object) -> Read:
    dataset = xarray.open_zarr(
        f"{location.url}/images.zarr", chunks=None, storage_options=dict(location.options), **how
    )
    return lambda index: dataset.images[index].to_numpy()


def by_tensorstore(location: Location) -> Read:
    assert location.kvstore is not None
    # With a cache pool tensorstore keeps shard indexes; "open" means no check for changes.
    context = tensorstore.Context({"cache_pool": {"total_bytes_limit": 1 << 24}})
    spec = {"driver": "zarr3", "kvstore": dict(location.kvstore), "recheck_cached_data": "open"}
    array = tensorstore.open(spec, open=True, read=True, context=context).result()
    return lambda index: array[index].read().result()


CLOUD_READERS: dict[str, Callable[[Location], Read]] = {
    "zarr-obstore": zarr_by_obstore,
    "zarr-fsspec": zarr_by_fsspec,
    "xarray-obstore": xarray_by_obstore,
    "xarray-fsspec": xarray_by_fsspec,
    "tensorstore": by_tensorstore,
}
