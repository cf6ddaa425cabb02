"""Images and tables in a bucket or on a web server are read once, with the same result."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.plan import Fault, RequestHead
from faults.proxy import Exchange, FaultProxy
from faults.runs import Finished, Run, local_objects, pack, s3_environment
from servers.bucket import Bucket
from servers.file_server import Request, serve
from servers.object_stores import SeaweedFS, files_below

SURPLUS = 1.07
"""Most bytes fetched for each byte of input: headers, and 8 of 192 images, are read before."""
LARGE = 100_000
"""Least bytes of a response that contains several images."""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    """The conversion of the local folder."""
    return datasets.dataset("full-planes")


@pytest.fixture(scope="module")
def archive(local: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a zip archive of all files of the folder, including the table."""
    return pack(local.source.root, tmp_path_factory.mktemp("archive") / "rxrx1.zip", ".")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS, local: Dataset, archive: Path) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "read")
    bucket.make()
    bucket.put_tree(local.source.root, "folder")
    bucket.put_tree(archive.parent, "archives")
    return bucket


def put(bucket: Bucket, key: str, file: Path) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=file.read_bytes())


def converted(folder: Path, endpoint: str, source: str, *options: str | Path) -> Finished:
    arguments = ("convert", source, folder / "out", *options)
    return Run(folder / "cwd", s3_environment(endpoint), *arguments).finish()


def assert_same(folder: Path, local: Dataset) -> None:
    assert local_objects(folder / "out") == local_objects(local.root)


def gets(exchanges: list[Exchange], path: str) -> list[Exchange]:
    """Returns the GET requests for a path and everything below it."""
    return [one for one in exchanges if one.method == "GET" and one.path.startswith(path)]


def test_an_archive_on_a_web_server_is_read_once_in_large_parts(
    local: Dataset, archive: Path, tmp_path: Path
) -> None:
    requests: list[Request] = []
    with serve(archive.parent, requests) as address:
        done = converted(tmp_path, address, f"{address}/{archive.name}")
    assert done.code == COMPLETE, done.err
    assert_same(tmp_path, local)
    assert done.disk <= 2 * sum(map(len, local_objects(local.root).values()))
    assert sum(one.sent for one in requests) <= SURPLUS * archive.stat().st_size
    images = local.source.present.sum()
    assert sum(one.sent > LARGE for one in requests) <= images / 20


def test_an_archive_in_a_bucket_is_read_once(
    bucket: Bucket, s3_proxy: FaultProxy, local: Dataset, archive: Path, tmp_path: Path
) -> None:
    with s3_proxy.watched() as seen:
        done = converted(tmp_path, s3_proxy.endpoint, "s3://read/archives/rxrx1.zip")
    assert done.code == COMPLETE, done.err
    assert_same(tmp_path, local)
    parts = gets(seen, "/read/archives/")
    assert all(one.range for one in parts)
    assert sum(one.received for one in parts) <= SURPLUS * archive.stat().st_size


@pytest.mark.parametrize("scheme", ["s3", "http"])
def test_a_folder_in_a_bucket_is_read_once(
    scheme: str, bucket: Bucket, s3_proxy: FaultProxy, local: Dataset, tmp_path: Path
) -> None:
    address = {"s3": "s3:/", "http": s3_proxy.endpoint}[scheme]
    with s3_proxy.watched() as seen:
        done = converted(tmp_path, s3_proxy.endpoint, f"{address}/read/folder/")
    assert done.code == COMPLETE, done.err
    assert_same(tmp_path, local)
    size = sum(path.stat().st_size for _, path in files_below(local.source.root))
    read = sum(one.received for one in gets(seen, "/read/folder/"))
    assert size <= read <= SURPLUS * size


def test_tables_are_read_from_addresses_too(bucket: Bucket, local: Dataset, tmp_path: Path) -> None:
    ids = local.source.site_ids
    rows = "".join(f"{site},{number},0.5\n" for number, site in enumerate(ids))
    (tmp_path / "embeddings.csv").write_text(f"site_id,a,b\n{rows}")
    put(bucket, "tables/embeddings.csv", tmp_path / "embeddings.csv")
    with zipfile.ZipFile(tmp_path / "meta.zip", "w", zipfile.ZIP_DEFLATED) as written:
        written.write(local.source.root / "metadata.csv", "rxrx1/metadata.csv")
    put(bucket, "tables/meta.zip", tmp_path / "meta.zip")
    tables = {}
    for name, place, images in [
        ("here", f"{tmp_path}", f"{local.source.root}/images"),
        ("there", "s3://read/tables", "s3://read/folder/images"),
    ]:
        options = ("--metadata", f"{place}/meta.zip", "--embeddings", f"{place}/embeddings.csv")
        done = converted(tmp_path / name, bucket.endpoint, images, *options)
        assert done.code == COMPLETE, done.err
        objects = local_objects(tmp_path / name / "out")
        tables[name] = objects["metadata.parquet"], objects["embeddings.parquet"]
    assert tables["here"] == tables["there"]


@pytest.mark.parametrize("place", ["archives/rxrx1.zip", "folder"])
def test_plan_and_verify_accept_addresses(
    place: str, bucket: Bucket, local: Dataset, tmp_path: Path
) -> None:
    address, environment = f"s3://read/{place}", s3_environment(bucket.endpoint)
    planned = Run(tmp_path / "plan", environment, "plan", address, "--json").finish()
    assert planned.code == COMPLETE, planned.err
    plan = json.loads(planned.out)
    assert plan["input"] == address
    assert plan["shape"][:2] == [len(local.source.site_ids), len(local.source.channels)]
    verified = Run(
        tmp_path / "verify", environment, "verify", local.root, "--source", address, "--json"
    ).finish()
    assert verified.code == COMPLETE, verified.out + verified.err
    assert json.loads(verified.out)["compared"] == local.source.present.sum()


def test_an_archive_that_is_replaced_during_the_run_is_an_error(
    bucket: Bucket, s3_proxy: FaultProxy, archive: Path, tmp_path: Path
) -> None:
    def replace_at_the_first_image(head: RequestHead) -> Fault | None:
        first, _, last = head.headers.get("range", "bytes=0-0")[len("bytes=") :].partition("-")
        is_large = head.target.startswith("/read/changing/") and int(last) - int(first) > LARGE
        if is_large and not replaced:
            replaced.append(head)
            put(bucket, "changing/rxrx1.zip", archive)
        return None

    replaced: list[RequestHead] = []
    with zipfile.ZipFile(archive) as original, zipfile.ZipFile(tmp_path / "x.zip", "w") as other:
        for entry in reversed(original.infolist()):
            other.writestr(entry, original.read(entry))
    put(bucket, "changing/rxrx1.zip", tmp_path / "x.zip")
    s3_proxy.plan = replace_at_the_first_image
    done = converted(tmp_path, s3_proxy.endpoint, "s3://read/changing/rxrx1.zip")
    assert replaced
    assert done.code == FAILED
    assert "replaced" in done.err
    assert not (tmp_path / "out" / "images.zarr" / "zarr.json").exists()


@contextmanager
def whole_files_only(root: Path) -> Iterator[int]:
    """Runs a web server that ignores ranges; yields its port."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def test_a_server_without_ranges_is_refused_before_the_file_is_fetched(
    archive: Path, tmp_path: Path
) -> None:
    with whole_files_only(archive.parent) as port, FaultProxy(port).running() as proxy:
        done = converted(tmp_path, proxy.endpoint, f"{proxy.endpoint}/{archive.name}")
    assert done.code == FAILED
    assert "whole files only" in done.err
    assert sum(one.received for one in proxy.exchanges) < archive.stat().st_size


@pytest.mark.parametrize("place", ["archives/none.zip", "nothing"])
def test_a_missing_input_is_an_error_that_names_it(
    place: str, bucket: Bucket, tmp_path: Path
) -> None:
    done = converted(tmp_path, bucket.endpoint, f"s3://read/{place}")
    assert done.code == FAILED
    assert f"there is nothing at s3://read/{place}" in done.err
