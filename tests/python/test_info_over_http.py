"""`info` and `verify` find what a copy behind a plain web server lacks, though the server gives no
list."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from converter import COMPLETE, FAILED, run
from servers.bucket import Bucket
from servers.file_server import Request, serve, serve_with
from servers.object_stores import SeaweedFS

SAMPLED = 64
"""Number of shards that `info` asks for without `--all`."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converts 72 sites, one in each shard."""
    folder = tmp_path_factory.mktemp("many-shards")
    done = run("sample", folder / "input", "--sites", "72", "--seed", "3", "--size", "32")
    assert done.returncode == COMPLETE, done.stderr
    done = run("convert", folder / "input", folder / "rxrx1", "--shard-sites", "1")
    assert done.returncode == COMPLETE, done.stderr
    return folder / "rxrx1"


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    """Returns a copy that a test may damage; the folder above it is served."""
    shutil.copytree(dataset, tmp_path / "served" / "rxrx1")
    return tmp_path / "served" / "rxrx1"


def shard(number: int) -> str:
    return f"images.zarr/images/c/{number}/0/0/0"


def info(address: str, *options: str) -> tuple[int, dict]:
    done = run("info", f"{address}/rxrx1", "--json", *options)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def heads(requests: list[Request]) -> list[str]:
    return [one.path.removeprefix("/rxrx1/") for one in requests if one.method == "HEAD"]


def test_small_objects_and_64_shards_are_asked_for(copy: Path) -> None:
    requests: list[Request] = []
    with serve(copy.parent, requests) as address:
        code, found = info(address)
        text = run("info", f"{address}/rxrx1").stdout
    assert code == COMPLETE
    keys = [path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()]
    of_units = ("images.zarr/images/c/", "images.zarr/overview/c/")
    small = [key for key in keys if not key.startswith(of_units)]
    # Of each unit that is asked for, the shard and the overviews.
    asked = len(small) + 2 * SAMPLED
    assert found["checked"] == {"listed": False, "objects": asked, "of": len(keys)}
    assert set(heads(requests)) > set(small)
    sampled = {key for key in heads(requests) if key not in small}
    assert len(sampled) == 2 * SAMPLED
    assert {shard(0), shard(71)} < sampled
    # What is not asked for counts as it is recorded; overviews that are not, with their mean.
    assert found["objects"] == len(keys)
    size = sum((copy / key).stat().st_size for key in keys)
    assert found["bytes"] == pytest.approx(size, rel=0.01)
    assert f"{asked} of {len(keys)} objects, one by one" in text
    assert "--all" in text


def test_all_asks_for_every_shard(copy: Path) -> None:
    requests: list[Request] = []
    with serve(copy.parent, requests) as address:
        assert info(address)[0] == COMPLETE
        asked = set(heads(requests))
        not_asked = next(number for number in range(72) if shard(number) not in asked)
        (copy / shard(not_asked)).unlink()
        assert info(address)[0] == COMPLETE
        code, found = info(address, "--all")
        assert code == FAILED
        assert found["missing_objects"] == {"count": 1, "examples": [shard(not_asked)]}
        assert found["checked"]["objects"] == found["checked"]["of"]
        assert "NOT WHOLE" in run("info", f"{address}/rxrx1", "--all").stdout


@pytest.mark.parametrize("key", [shard(0), shard(71), "planes.parquet", "images.zarr/well/c/0"])
def test_a_missing_object_is_named(copy: Path, key: str) -> None:
    (copy / key).unlink()
    with serve(copy.parent) as address:
        code, found = info(address)
    assert code == FAILED
    assert found["missing_objects"] == {"count": 1, "examples": [key]}


def test_a_truncated_shard_is_named(copy: Path) -> None:
    path = copy / shard(71)
    path.write_bytes(path.read_bytes()[:-1])
    with serve(copy.parent) as address:
        code, found = info(address)
    assert code == FAILED
    assert found["resized_shards"] == {"count": 1, "examples": [shard(71)]}


def test_a_lost_list_of_checksums_is_named(copy: Path) -> None:
    (copy / "SHA256SUMS").unlink()
    with serve(copy.parent) as address:
        code, found = info(address)
    assert code == FAILED
    assert found["missing_objects"]["examples"] == ["SHA256SUMS"]


@contextmanager
def with_index_pages(root: Path) -> Iterator[str]:
    """Serves `root` with pages that list folders for people."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing."""

    with serve_with(partial(Handler, directory=str(root))) as address:
        yield address


def test_an_index_page_is_no_list(copy: Path) -> None:
    with with_index_pages(copy.parent) as address:
        code, found = info(address)
        assert (code, found["checked"]["listed"]) == (COMPLETE, False)
        (copy / shard(0)).unlink()
        code, found = info(address)
    assert code == FAILED
    assert found["missing_objects"]["examples"] == [shard(0)]


def test_a_folder_without_a_root_is_no_dataset(copy: Path) -> None:
    (copy / "images.zarr" / "zarr.json").unlink()
    with serve(copy.parent) as address:
        code, found = info(address)
    assert code == FAILED
    assert "is not a complete dataset" in found["error"]["message"]


def test_on_a_disk_the_list_tells_of_all(copy: Path) -> None:
    done = run("info", copy, "--json")
    checked = json.loads(done.stdout)["checked"]
    assert checked["listed"]
    assert checked["objects"] == checked["of"]


def test_a_bucket_that_may_not_be_listed_is_asked_object_by_object(
    seaweed: SeaweedFS, copy: Path
) -> None:
    bucket = Bucket(seaweed.endpoint, "not-listed")
    bucket.make()
    # S3 answers "forbidden" for an object that does not exist then.
    bucket.allow_all({"s3:GetObject": "/*"})
    bucket.put_tree(copy, "rxrx1")
    code, found = info(bucket.address)
    assert (code, found["checked"]["listed"]) == (COMPLETE, False)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"rxrx1/{shard(0)}")
    code, found = info(bucket.address)
    assert code == FAILED
    assert found["missing_objects"] == {"count": 1, "examples": [shard(0)]}
    # Who may list it finds all.
    bucket.make_public()
    code, found = info(bucket.address)
    assert (code, found["checked"]["listed"]) == (FAILED, True)


def verify(address: str) -> tuple[int, dict]:
    done = run("verify", f"{address}/rxrx1", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("server", [serve, with_index_pages], ids=["nginx", "http.server"])
def test_verify_reads_all_without_a_list(copy: Path, server: Callable) -> None:
    keys = [path for path in copy.rglob("*") if path.is_file()]
    with server(copy.parent) as address:
        code, found = verify(address)
        assert (code, found["clean"], found["objects"]) == (COMPLETE, True, len(keys))
        path = copy / shard(5)
        stored = bytearray(path.read_bytes())
        stored[0] ^= 1
        path.write_bytes(stored)
        (copy / shard(7)).unlink()
        (copy / "images.zarr/well/c/0").unlink()
        code, found = verify(address)
    assert code == FAILED
    assert set(found["by_object"]) == {shard(5), shard(7), "images.zarr/well/c/0"}


def test_the_lines_of_info_open_it(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    with serve(copy.parent) as address:
        text = run("info", f"{address}/rxrx1").stdout
        python = text.split("Python")[1].split("DuckDB")[0].splitlines()[1:]
        names: dict[str, object] = {}
        exec("\n".join(line.strip() for line in python), names)
    assert names["ds"].sizes["site"] == 72
    assert f"'{address}/rxrx1/metadata.parquet'" in text
