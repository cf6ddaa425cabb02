"""Conversions in parts of each kind of INPUT give the bytes of one conversion."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from converter import COMPLETE, FAILED, run
from faults.runs import s3_environment
from servers.bucket import Bucket
from servers.file_server import FileHandler, Request, serve, serve_with
from servers.object_stores import SeaweedFS
from test_inputs import PNG, write_shards, write_tars, write_tree
from test_stacks import PAGES, STACKS, WELLS, pages, write_stacks

PARTS = 3


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def plates(root: Path) -> Path:
    return write_tree(root / "tree", PNG)


def tars(root: Path) -> Path:
    return write_tars(plates(root), root / "tars", tarfile.PAX_FORMAT)


def one_tar(root: Path) -> Path:
    with tarfile.open(root / "whole.tar", "w") as tar:
        tar.add(plates(root), arcname=".")
    return root / "whole.tar"


def one_zip(root: Path) -> Path:
    tree = plates(root)
    with zipfile.ZipFile(root / "whole.zip", "w") as packed:
        for path in sorted(tree.rglob("*")):
            packed.write(path, path.relative_to(tree))
    return root / "whole.zip"


def shards(root: Path) -> Path:
    return write_shards(root / "shards", PNG, "image")


def stacks(root: Path) -> Path:
    return write_stacks(root / "stacks", "png", "uint16")


def paged(root: Path) -> Path:
    (root / "paged" / "P1").mkdir(parents=True)
    for number, well in enumerate(WELLS):
        (root / "paged" / "P1" / f"{well}_f1.tif").write_bytes(pages(number, "uint8"))
    return root / "paged"


def stacks_in_a_tar(root: Path) -> Path:
    with tarfile.open(root / "stacks.tar", "w") as tar:
        tar.add(stacks(root), arcname=".")
    return root / "stacks.tar"


MAX = (*STACKS, "--z", "max")


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (plates, ()),
        (tars, ()),
        (one_tar, ()),
        (one_zip, ()),
        (stacks, MAX),
        (paged, PAGES),
        (stacks_in_a_tar, MAX),
    ],
)
def test_parts_of_any_input(
    tmp_path: Path, make: Callable[[Path], Path], options: tuple[str, ...]
) -> None:
    source = make(tmp_path)
    settings = (*options, "--shard-sites", "1")
    done = run("convert", source, tmp_path / "whole", *settings)
    assert done.returncode == COMPLETE, done.stderr
    job(tmp_path / "out", source, *settings)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def job(output: Path, source: Path, *settings: str) -> None:
    done = run("job", "init", source, output, *settings, "--parts", str(PARTS))
    assert done.returncode == COMPLETE, done.stderr
    for part in reversed(range(PARTS)):
        done = run("job", "run", output, str(part))
        assert done.returncode == COMPLETE, done.stderr
        assert "changed" not in done.stdout
    sealed = run("job", "seal", output)
    assert sealed.returncode == COMPLETE, sealed.stderr


def test_parts_of_images_in_parquet(tmp_path: Path) -> None:
    source = shards(tmp_path)
    done = run("convert", source, tmp_path / "whole", "--shard-sites", "1")
    assert done.returncode == COMPLETE, done.stderr
    job(tmp_path / "out", source, "--shard-sites", "1")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_worker_reads_no_headers_of_tars(tmp_path: Path) -> None:
    """The plan holds where each image is: of a tar on a web server only images are read."""
    names = [f"B{column:02}" for column in range(1, 25)]
    table = tmp_path / "metadata.csv"
    rows = [f"E-1,{plate},{name},1" for plate in (1, 2) for name in names]
    table.write_text("\n".join(["experiment,plate,well,site", *rows]) + "\n")
    web = tmp_path / "web" / "E-1"
    web.mkdir(parents=True)
    content = {}
    for plate in (1, 2):
        with tarfile.open(web / f"Plate{plate}.tar", "w") as tar:
            for number, name in enumerate(names):
                image = plane(24 * plate + number)
                content[plate] = content.get(plate, 0) + len(image)
                member = tarfile.TarInfo(f"{name}_s1_w1.png")
                member.size = len(image)
                tar.addfile(member, io.BytesIO(image))
    requests: list[Request] = []
    with serve(tmp_path / "web", requests) as address:
        inputs = [f"{address}/E-1/Plate{plate}.tar" for plate in (1, 2)]
        settings = ("--metadata", table, "--shard-sites", "12", "--parts", "4")
        done = run("job", "init", *inputs, tmp_path / "out", *settings)
        assert done.returncode == COMPLETE, done.stderr
        for part in range(4):
            requests.clear()
            done = run("job", "run", tmp_path / "out", str(part))
            assert done.returncode == COMPLETE, done.stderr
            plate = 1 + part // 2
            # Only its own tar: it is found, and its images are read once.
            assert {one.path for one in requests} == {f"/E-1/Plate{plate}.tar"}
            sent = sum(one.sent for one in requests if one.method == "GET")
            assert sent <= 1.1 * content[plate] / 2 + 2048, requests
    sealed = run("job", "seal", tmp_path / "out")
    assert sealed.returncode == COMPLETE, sealed.stderr
    done = run(
        "convert", web.parent, tmp_path / "whole", "--metadata", table, "--shard-sites", "12"
    )
    assert done.returncode == COMPLETE, done.stderr
    for path, bytes_ in files(tmp_path / "whole" / "images.zarr" / "images").items():
        assert (tmp_path / "out" / "images.zarr" / "images" / path).read_bytes() == bytes_


def plane(seed: int) -> bytes:
    return PNG(np.random.default_rng(seed).integers(0, 65536, (200, 200)).astype("uint16"))


def test_a_tar_that_was_packed_anew_is_read_as_it_is_now(tmp_path: Path) -> None:
    source = tars(tmp_path)
    whole = run("convert", source, tmp_path / "whole", "--shard-sites", "1")
    assert whole.returncode == COMPLETE, whole.stderr
    settings = ("--shard-sites", "1", "--parts", "2")
    done = run("job", "init", source, tmp_path / "out", *settings)
    assert done.returncode == COMPLETE, done.stderr
    # The same images in another order.
    for path in source.rglob("*.tar"):
        with tarfile.open(path) as tar:
            members = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]
        with tarfile.open(path, "w") as tar:
            for member, content in reversed(members):
                tar.addfile(member, io.BytesIO(content))
    done = run("job", "run", tmp_path / "out", "0-1")
    assert done.returncode == COMPLETE, done.stderr
    assert "another size or time" in done.stderr
    assert run("job", "seal", tmp_path / "out").returncode == COMPLETE
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_images_that_changed_since_the_plan_are_told(tmp_path: Path) -> None:
    source = plates(tmp_path)
    settings = ("--shard-sites", "1", "--parts", "2")
    assert run("job", "init", source, tmp_path / "out", *settings).returncode == COMPLETE
    image = sorted(source.rglob("*_w2.png"))[0]
    image.write_bytes(sorted(source.rglob("*_w1.png"))[-1].read_bytes())
    done = run("job", "run", tmp_path / "out", "0-1", "--json")
    assert done.returncode == COMPLETE, done.stderr
    changed = [part["changed_images"] for part in json.loads(done.stdout)["parts"]]
    assert changed == [1, 0]
    assert str(image.relative_to(source)) in done.stderr


def test_another_input_is_refused_by_the_sizes_of_its_images(tmp_path: Path) -> None:
    source = plates(tmp_path)
    settings = ("--shard-sites", "1", "--parts", "2")
    assert run("job", "init", source, tmp_path / "out", *settings).returncode == COMPLETE
    other = write_tree(tmp_path / "other", lambda pixels: PNG(pixels) + b"a longer file")
    done = run("job", "run", tmp_path / "out", "0", "--input", other)
    assert done.returncode == FAILED
    assert "have another size in" in done.stderr, done.stderr
    # The failure is told until the part is done.
    told = json.loads(run("job", "status", tmp_path / "out", "--json").stdout)
    assert [failed["part"] for failed in told["failed"]] == [0]
    assert "have another size in" in told["failed"][0]["error"]
    assert "failed" in run("job", "status", tmp_path / "out").stdout
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", source, copy], check=True)
    done = run("job", "run", tmp_path / "out", "0-1", "--input", copy)
    assert done.returncode == COMPLETE, done.stderr
    # Times of a copy are other ones: that is no change.
    assert "another size or time" not in done.stderr
    told = json.loads(run("job", "status", tmp_path / "out", "--json").stdout)
    assert told["failed"] == []
    assert told["sites_done"] == told["sites"]


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS) -> Iterator[Bucket]:
    bucket = Bucket(seaweed.endpoint, "job-inputs")
    bucket.make()
    yield bucket


@pytest.mark.parametrize("make", [plates, tars])
def test_parts_of_a_bucket(
    tmp_path: Path, bucket: Bucket, make: Callable[[Path], Path], request: pytest.FixtureRequest
) -> None:
    source = make(tmp_path)
    whole = run("convert", source, tmp_path / "whole", "--shard-sites", "1")
    assert whole.returncode == COMPLETE, whole.stderr
    name = request.node.name.replace("[", "-").removesuffix("]")
    bucket.put_tree(source, name)
    environment = {**os.environ, **s3_environment(bucket.endpoint)}
    output = tmp_path / "out"

    def step(*words: str | Path) -> None:
        command = [os.environ["RXRX2ZARR"], "job", *map(str, words)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == COMPLETE, done.stderr

    address = f"s3://{bucket.name}/{name}"
    step("init", address, output, "--shard-sites", "1", "--parts", "2")
    # Twice: what is done is compared with the objects that are there.
    for part in (1, 0, 1):
        step("run", output, str(part))
    step("seal", output)
    images = files(tmp_path / "whole" / "images.zarr")
    assert files(output / "images.zarr").keys() == images.keys()
    shards_of = {key for key in images if key.startswith("images/c/")}
    for key in shards_of:
        assert (output / "images.zarr" / key).read_bytes() == images[key], key


LATENCY = 0.05
"""Seconds that the server takes for each answer."""


class SlowHandler(FileHandler):
    """Answers late, and notes the most requests that wait at a time."""

    lock = threading.Lock()
    waiting = 0
    most = 0

    def answer(self, with_body: bool) -> None:
        kind = SlowHandler
        with kind.lock:
            kind.waiting += 1
            kind.most = max(kind.most, kind.waiting)
        time.sleep(LATENCY)
        with kind.lock:
            kind.waiting -= 1
        super().answer(with_body)


@pytest.mark.full
def test_200_tars_at_a_slow_server_are_read_side_by_side(tmp_path: Path) -> None:
    tars_, wells, parts = 200, 6, 10
    web = tmp_path / "web" / "E-1"
    web.mkdir(parents=True)
    rows = []
    for plate in range(1, tars_ + 1):
        with tarfile.open(web / f"Plate{plate}.tar", "w") as tar:
            for well in range(1, wells + 1):
                image = plane(1000 * plate + well)
                member = tarfile.TarInfo(f"B{well:02}_s1_w1.png")
                member.size = len(image)
                tar.addfile(member, io.BytesIO(image))
                rows.append(f"E-1,{plate},B{well:02},1")
    table = tmp_path / "metadata.csv"
    table.write_text("\n".join(["experiment,plate,well,site", *rows]) + "\n")
    requests: list[Request] = []
    handler = partial(SlowHandler, directory=str(tmp_path / "web"), requests=requests)
    with serve_with(handler) as address:
        inputs = [f"{address}/E-1/Plate{plate}.tar" for plate in range(1, tars_ + 1)]
        settings = ("--metadata", table, "--shard-sites", str(wells), "--parts", str(parts))
        done = run("job", "init", *inputs, tmp_path / "out", *settings)
        assert done.returncode == COMPLETE, done.stderr
        per_tar = Counter(one.path for one in requests)
        # Each is found, its kind, its headers and its end are read, and its images are looked at.
        assert max(per_tar.values()) <= 6 + wells, per_tar.most_common(3)
        assert SlowHandler.most >= 8, "the tars were read one after the other"
        planned = len(requests)
        requests.clear()
        for part in range(parts):
            done = run("job", "run", tmp_path / "out", str(part))
            assert done.returncode == COMPLETE, done.stderr
        worked = Counter(one.path for one in requests)
        # Each is found, and its images are read by a few requests: no header again.
        assert set(worked) == set(per_tar)
        assert max(worked.values()) <= 2 + wells, worked.most_common(3)
        print(f"{planned} requests to plan, {len(requests)} to convert")
    sealed = run("job", "seal", tmp_path / "out")
    assert sealed.returncode == COMPLETE, sealed.stderr
