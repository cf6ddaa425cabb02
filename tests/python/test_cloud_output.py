"""Conversions into Azure Blob Storage, and into a server of Google Cloud Storage's API."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from azure.storage.blob import BlobServiceClient

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Delay
from faults.proxy import FaultProxy
from faults.runs import Run, killed_and_resumed, local_objects
from servers.bucket import STORE_CHECKSUMS
from servers.google import GcsServer, gcs_server
from servers.object_stores import AZURE_ACCOUNT, AZURE_KEY, azure_address, azure_connection, azurite

TOKEN = "a-token"
PART = 8 << 20
"""Larger objects are uploaded in parts of so many bytes."""


@dataclass(frozen=True)
class Cloud:
    """A bucket: how to address it, and what it contains."""

    port: int
    scheme: str
    environment: Callable[[str], Mapping[str, str]]
    """Returns the variables that a user sets for an endpoint."""
    tree: Callable[[], dict[str, bytes]]
    """Returns all objects."""

    def url(self, prefix: str) -> str:
        return f"{self.scheme}://written/{prefix}"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with azurite(tmp_path_factory.mktemp("azurite")).running() as server:
        connection = azure_connection(server.endpoint)
        with BlobServiceClient.from_connection_string(connection) as service:
            container = service.create_container("written")

            def tree() -> dict[str, bytes]:
                names = [blob.name for blob in container.list_blobs()]
                return {name: container.download_blob(name).readall() for name in names}

            yield Cloud(
                server.port,
                "az",
                lambda endpoint: {"AZURE_STORAGE_CONNECTION_STRING": azure_connection(endpoint)},
                tree,
            )


@pytest.fixture(scope="module")
def google() -> Iterator[GcsServer]:
    with gcs_server("written", TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def gcs(google: GcsServer) -> Cloud:
    return Cloud(
        google.port,
        "gs",
        lambda endpoint: {
            "GOOGLE_BASE_URL": endpoint,
            "GOOGLE_BEARER_TOKEN": TOKEN,
            "GOOGLE_ALLOW_HTTP": "true",
        },
        lambda: {key: one.content for key, one in google.objects.items()},
    )


@pytest.fixture(params=["azure", "gcs"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    return request.getfixturevalue(request.param)


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[FaultProxy]:
    with FaultProxy(cloud.port).running() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    """The same conversion to a disk."""
    return datasets.dataset("noisy")


def below(tree: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    """Returns the objects of one dataset, and the remains of its journal and its leases.

    The checksums of the store and the state, which stay, are not among them.
    """
    stays = {f"{prefix}/{STORE_CHECKSUMS}", f"{prefix}.rxrx2zarr/state.json"}
    return {
        key.removeprefix(f"{prefix}/"): content
        for key, content in tree.items()
        if key.startswith(prefix) and key not in stays
    }


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_conversion_resumes_to_the_same_objects(
    seed: int, cloud: Cloud, proxy: FaultProxy, local: Dataset, tmp_path: Path
) -> None:
    moments = random.Random(seed).choices(range(1, 25), k=3)
    convert = ("convert", local.source.root, cloud.url(f"killed-{seed}"))
    environment = cloud.environment(proxy.endpoint)
    done = killed_and_resumed(tmp_path, proxy, environment, convert, moments)
    assert done.code == COMPLETE, f"{moments}: {done.err}"
    assert below(cloud.tree(), f"killed-{seed}") == local_objects(local.root)


def test_verify_and_info_work_on_a_dataset_in_a_bucket(
    cloud: Cloud, proxy: FaultProxy, local: Dataset, tmp_path: Path
) -> None:
    url = cloud.url("whole")
    environment = cloud.environment(proxy.endpoint)
    convert = ("convert", local.source.root, url)
    done = Run(tmp_path / "convert", environment, *convert).finish()
    assert done.code == COMPLETE, done.err
    verify = ("verify", url, "--source", local.source.root)
    verified = Run(tmp_path / "verify", environment, *verify).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
    info = Run(tmp_path / "info", environment, "info", url, "--json").finish()
    assert info.code == COMPLETE, info.err
    assert json.loads(info.out)["shape"] == list(local.source.pixels.shape)
    told = Run(tmp_path / "told", environment, "verify", url, "--no-download", "--json").finish()
    assert told.code == COMPLETE, told.out + told.err
    report = json.loads(told.out)
    assert report["proven"] == report["objects"]
    # A large object is put in parts, of which no store has an MD5 of the whole.
    large = sum(len(one) > PART for one in local_objects(local.root).values())
    small = report["objects"] - large - 1
    kinds = {
        "az": {"etag": report["objects"] - 1, "md5": small},
        "gs": {"etag-md5": report["objects"] - 1, "md5": report["objects"] - 1},
    }
    assert report["kinds"] == kinds[cloud.scheme] | {"read": 1}
    with proxy.watched() as seen:
        again = Run(tmp_path / "again", environment, *convert).finish()
    assert again.code == COMPLETE, again.err
    assert {one.method for one in seen} <= {"GET", "HEAD"}


def test_azure_accepts_an_account_and_its_key(azure: Cloud, local: Dataset, tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{azure.port}"
    account = {
        "AZURE_STORAGE_ACCOUNT_NAME": AZURE_ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY,
        "AZURE_STORAGE_ENDPOINT": azure_address(endpoint),
    }
    convert = ("convert", local.source.root, azure.url("by-key"))
    done = Run(tmp_path / "cwd", account, *convert).finish()
    assert done.code == COMPLETE, done.err
    assert below(azure.tree(), "by-key") == local_objects(local.root)


def test_a_second_writer_is_refused(
    cloud: Cloud, proxy: FaultProxy, local: Dataset, tmp_path: Path
) -> None:
    """Only create-only puts keep the second writer out."""
    # Slashes are percent-encoded in names of objects at Google.
    proxy.plan = lambda head: Delay(600) if "/images/c/" in unquote(head.target) else None
    convert = ("convert", local.source.root, cloud.url("contested"))
    environment = cloud.environment(proxy.endpoint)
    first = Run(tmp_path / "first", environment, *convert)
    proxy.wait_until(lambda seen: any(one.fault for one in seen), first.ended)
    direct = cloud.environment(f"http://127.0.0.1:{cloud.port}")
    second = Run(tmp_path / "second", direct, *convert).finish()
    assert second.code == FAILED
    assert str(first.pid) in second.err
    first.kill()
    successor = Run(tmp_path / "successor", direct, *convert).finish()
    assert successor.code == COMPLETE, successor.err
    assert below(cloud.tree(), "contested") == local_objects(local.root)


def test_requests_to_google_follow_its_documentation(
    google: GcsServer, gcs: Cloud, local: Dataset, tmp_path: Path
) -> None:
    before = len(google.requests)
    environment = gcs.environment(f"http://127.0.0.1:{gcs.port}")
    convert = ("convert", local.source.root, gcs.url("requests"))
    done = Run(tmp_path / "cwd", environment, *convert).finish()
    assert done.code == COMPLETE, done.err
    requests = google.requests[before:]
    claims = [one for one in requests if one.method == "PUT" and "/claims/" in one.key]
    assert claims[0].headers["x-goog-if-generation-match"] == "0"
    # After the first renewal the program tests whether a second create-only put fails, and
    # one in place of the version that was renewed.
    assert [one.status for one in claims[:4]] == [200, 200, 412, 412]
    conditions = [one.headers["x-goog-if-generation-match"] for one in claims[:4]]
    assert conditions[2] == "0"
    assert conditions[1] == conditions[3] != "0"
    writes = [one for one in requests if one.method not in ("GET", "HEAD")]
    written = [one for one in writes if one.key.startswith("requests/")]
    assert written[-1].key == "requests/images.zarr/zarr.json"
    for key, content in local_objects(local.root).items():
        of_object = [one for one in written if one.key == f"requests/{key}"]
        calls = [(one.method, *sorted(one.query)) for one in of_object]
        if len(content) > PART:
            assert calls[0] == ("POST", "uploads")
            assert calls[-1] == ("POST", "uploadId")
            parts = [one for one in of_object if one.method == "PUT"]
            sizes = {int(one.query["partNumber"]): one.headers["content-length"] for one in parts}
            whole, rest = divmod(len(content), PART)
            expected = [PART] * whole + [rest] * bool(rest)
            assert sizes == {n + 1: str(size) for n, size in enumerate(expected)}
        else:
            assert calls == [("PUT",)]
        assert google.objects[f"requests/{key}"].kind == content_type(key)


def content_type(key: str) -> str:
    match key.rpartition(".")[2]:
        case "SHA256SUMS":
            return "text/plain; charset=utf-8"
        case "html":
            return "text/html; charset=utf-8"
        case "json":
            return "application/json"
        case "md":
            return "text/markdown; charset=utf-8"
        case "parquet":
            return "application/vnd.apache.parquet"
        case _:
            return "application/octet-stream"
