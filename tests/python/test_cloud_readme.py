"""The commands and snippets of docs/object-stores.md work on a server of each cloud's kind.

Not tested are the lines that make a bucket public with the cloud's own tool.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from conftest import Datasets
from converter import Dataset
from documents import blocks_below
from faults.runs import pack, s3_environment
from readers.httpfs import httpfs, no_secret
from servers.bucket import EXPOSED_HEADERS, Bucket
from servers.google import gcs_server
from servers.object_stores import (
    AZURE_ACCOUNT,
    SeaweedFS,
    azure_address,
    azure_connection,
    azurite,
    fake_gcs,
    seed_gcs,
)

PAGE = "docs/object-stores.md"
TOKEN = "a-token"


def blocks(heading: str, language: str, page: str = PAGE) -> list[str]:
    """Returns the code blocks below a heading."""
    return [block.code for block in blocks_below(page, heading, language)]


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def folder(local: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a user's folder: the input, its archives, a converted dataset, and the program."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "bin").mkdir()
    (folder / "bin" / "rxrx2zarr").symlink_to(os.environ["RXRX2ZARR"])
    (folder / "rxrx1").symlink_to(local.source.root)
    shutil.copytree(local.root, folder / "rxrx1-zarr")
    pack(local.source.root / "images", folder / "rxrx1-images.zip", "rxrx1/images")
    table, archive = local.source.root / "metadata.csv", folder / "rxrx1-metadata.zip"
    pack(table, archive, "rxrx1", zipfile.ZIP_DEFLATED)
    return folder


def run_program(
    heading: str, folder: Path, environment: Mapping[str, str], page: str = PAGE
) -> None:
    """Runs each console line that calls the program."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for block in blocks(heading, "console", page):
        lines = [line.removeprefix("$ ") for line in block.splitlines()]
        ours = [line for line in lines if line.startswith("rxrx2zarr ")]
        assert len(ours) >= 2
        for line in ours:
            done = subprocess.run(
                shlex.split(line, comments=True),
                cwd=folder,
                env=os.environ | environment | {"PATH": path},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def run_python(heading: str, environment: Mapping[str, str], account: str = "") -> int:
    """Runs the Python and returns the number of sites of the dataset that it opens."""
    (code,) = blocks(heading, "python")
    code = code.replace("my-account", account)
    done = subprocess.run(
        [sys.executable, "-c", code + "\nds.images[2].load(); print(ds.sizes['site'])"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def assert_counts(heading: str, local: Dataset, *first: str, **hosts: str) -> None:
    """Checks that the SQL counts all sites; `hosts` replace those of the clouds."""
    (query,) = blocks(heading, "sql")
    for cloud, real in hosts.items():
        assert CLOUD_HOSTS[cloud] in query
        query = query.replace(CLOUD_HOSTS[cloud], real)
    rows = httpfs(*first, query)
    assert sum(int(row[-1]) for row in rows) == len(local.source.rows)


CLOUD_HOSTS = {
    "google": "https://storage.googleapis.com",
    "azure": "https://my-account.blob.core.windows.net",
}


def test_s3(local: Dataset, folder: Path, seaweed: SeaweedFS) -> None:
    heading = "Amazon S3, and servers that speak it"
    bucket = Bucket(seaweed.endpoint, "my-bucket")
    bucket.make()
    run_program(heading, folder, s3_environment(seaweed.endpoint))
    run_program("Copying and publishing", folder, s3_environment(seaweed.endpoint), "README.md")
    policy, cors = blocks(heading, "json")
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=policy)
    bucket.client.put_bucket_cors(Bucket=bucket.name, CORSConfiguration=json.loads(cors))
    anybody = {"AWS_ENDPOINT_URL": seaweed.endpoint, "AWS_ALLOW_HTTP": "true"}
    assert run_python(heading, anybody) == len(local.source.rows)
    assert_counts(heading, local, no_secret(bucket))
    page = urllib.request.Request(
        f"{bucket.address}/rxrx1/images.zarr/zarr.json", headers={"Origin": "https://any.example"}
    )
    with urllib.request.urlopen(page) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://any.example")
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        assert all(name.lower() in exposed for name in EXPOSED_HEADERS)


def test_google(local: Dataset, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    heading = "Google Cloud Storage"
    with gcs_server("my-bucket", TOKEN) as server:
        written = {
            "GOOGLE_BASE_URL": f"http://127.0.0.1:{server.port}",
            "GOOGLE_BEARER_TOKEN": TOKEN,
            "GOOGLE_ALLOW_HTTP": "true",
        }
        run_program(heading, folder, written)
    with fake_gcs(tmp_path_factory.mktemp("gcs")).running() as emulator:
        seed_gcs(emulator.endpoint, "my-bucket", "rxrx1", local.root)
        anybody = {"GOOGLE_BASE_URL": emulator.endpoint, "GOOGLE_ALLOW_HTTP": "true"}
        assert run_python(heading, anybody) == len(local.source.rows)
        assert_counts(heading, local, google=emulator.endpoint)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Runs Azurite with a public container; yields the endpoint."""
    with azurite(tmp_path_factory.mktemp("azurite")).running() as server:
        connection = azure_connection(server.endpoint)
        with BlobServiceClient.from_connection_string(connection) as service:
            service.create_container("my-container", public_access="container")
        yield server.endpoint


def test_azure(local: Dataset, folder: Path, azure: str) -> None:
    heading = "Azure Blob Storage"
    run_program(heading, folder, {"AZURE_STORAGE_CONNECTION_STRING": azure_connection(azure)})
    anybody = {"AZURE_ENDPOINT": azure_address(azure), "AZURE_ALLOW_HTTP": "true"}
    assert run_python(heading, anybody, AZURE_ACCOUNT) == len(local.source.rows)
    assert_counts(heading, local, azure=azure_address(azure))
