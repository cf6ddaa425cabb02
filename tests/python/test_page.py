"""The page `index.html` of a dataset in Chromium: what it shows equals the arrays, at little cost.

Pictures of all views are kept in the folder PAGE_PICTURES, if that is set.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from conftest import Datasets
from converter import COMPLETE, run
from servers.file_server import Request, serve
from source import table_row, write_tree

PLATE_READY = "canvas[data-ready=true]"
SITE_READY = "#site-canvas[data-ready]"
IDLE = "document.querySelector('#traffic')?.dataset.pending === '0'"
PIXELS = """(() => {
  const canvas = document.querySelector('#site-canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let text = '';
  for (let at = 0; at < data.length; at += 32768) {
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  }
  return btoa(text);
})()"""

PICKED = "[...document.querySelectorAll('.pick-list h2')].map((e) => e.innerText.slice(2))"
EXECUTED = """[
  typeof window.hacked,
  document.images.length,
  document.scripts.length,
  document.querySelectorAll('[onerror], a[href^=javascript]').length,
]"""

REQUESTS_OF_A_PLATE = 60
BYTES_OF_A_PLATE = 8_000_000


@dataclass(frozen=True)
class Seen:
    """What a browser saw."""

    values: list[Any]
    errors: list[str]
    requests: list[str]


Drive = Callable[..., Seen]


@pytest.fixture(scope="session")
def drive() -> Drive:
    folder, chromium = os.environ.get("PAGE"), shutil.which("chromium")
    if not folder or not chromium:
        pytest.skip("needs PAGE, the folder of scripts/page, and Chromium on the PATH")
    node = Path(os.environ["SERVERS"], "venv", "bin", "node")

    def run_steps(*steps: Mapping[str, object], java_script: bool = True) -> Seen:
        done = subprocess.run(
            [node, "drive.mjs", chromium],
            input=json.dumps({"steps": steps, "javaScript": java_script}),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Seen(**json.loads(done.stdout))

    return run_steps


def step(action: str, **details: object) -> dict[str, object]:
    return {"do": action, **details}


def picture(name: str, whole: bool = False) -> list[dict[str, object]]:
    """Returns the steps that keep a picture of the page."""
    folder = os.environ.get("PAGE_PICTURES")
    if not folder:
        return []
    Path(folder).mkdir(parents=True, exist_ok=True)
    return [step("picture", path=str(Path(folder).resolve() / f"{name}.png"), all=whole)]


@contextmanager
def served(root: Path, folder: Path) -> Iterator[tuple[str, list[Request]]]:
    """Serves a dataset behind a prefix; yields the address of its folder, and the requests."""
    (folder / "a prefix").mkdir(parents=True)
    (folder / "a prefix" / "data").symlink_to(root)
    requests: list[Request] = []
    with serve(folder, requests) as address:
        yield f"{address}/a%20prefix/data/index.html", requests


def looks(dataset: Path) -> list[dict[str, Any]]:
    attributes = json.loads((dataset / "images.zarr" / "zarr.json").read_text())["attributes"]
    return json.loads(attributes["channels"])


def composite(planes: NDArray[np.generic], shown: Sequence[dict[str, Any]]) -> NDArray[np.uint8]:
    """Computes what docs/looking.md says a canvas shows."""
    total = np.zeros((*planes.shape[1:], 3), np.int64)
    for plane, look in zip(planes.astype(np.float64), shown, strict=True):
        start, end = look["window"]["start"], look["window"]["end"]
        level = np.floor(255 * (plane - start) / (end - start) + 0.5).clip(0, 255)
        text = look["color"] if len(shown) > 1 else "FFFFFF"
        colour = np.array([int(text[at : at + 2], 16) for at in (0, 2, 4)])
        total += np.floor(level[:, :, None] * colour / 255 + 0.5).astype(np.int64)
    return total.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["sample", "real"])
def test_all_views_open_without_an_error(
    datasets: Datasets, drive: Drive, name: str, tmp_path: Path
) -> None:
    dataset = datasets.dataset(name)
    column, value = "well_type", dataset.source.rows[-1]["well_type"]
    with served(dataset.root, tmp_path) as (address, _requests):
        seen = drive(
            step("open", address=address),
            step("wait", selector=PLATE_READY),
            *picture(f"{name}-plates"),
            # The first well, by a click, lies right of the letters and below the numbers.
            step("click", selector=PLATE_READY, at=[30, 30]),
            step("wait", selector=SITE_READY),
            step("until", code=IDLE),
            *picture(f"{name}-site"),
            step("hash", fragment=f"view=compare&by={column}&value={value}"),
            step("wait", selector=".compare-row canvas[data-drawn]"),
            step("until", code=IDLE),
            *picture(f"{name}-compare"),
            step("hash", fragment="view=quality&qs=focus"),
            step("wait", selector=".drift .point"),
            step("wait", selector=".map rect"),
            step("wait", selector=".flat canvas"),
            step("until", code=IDLE),
            *picture(f"{name}-quality", whole=True),
            step("hash", fragment=f"view=table&filter={column}~is~{value}&count=experiment"),
            step("wait", selector="table.rows canvas[data-drawn]"),
            step("until", code=IDLE),
            step("evaluate", code="document.querySelector('#rows').textContent"),
            *picture(f"{name}-table"),
            step("hash", fragment="view=picks&picks=0:first,3&theme=dark"),
            step("wait", selector=".pick-list canvas[data-drawn]"),
            step("until", code=IDLE),
            *picture(f"{name}-picks-dark"),
            step("hash", fragment="view=about"),
            step("wait", selector=".about .facts"),
            *picture(f"{name}-about"),
            step("hash", fragment="view=plates&frame=well_type&theme=dark"),
            step("wait", selector=PLATE_READY),
            *picture(f"{name}-plates-dark"),
        )
    assert seen.errors == []
    fitting = sum(row[column] == value for row in dataset.source.rows)
    assert seen.values[0].replace("\u2009", "").startswith(f"{fitting} ")
    prefix = address.removesuffix("index.html")
    assert {url for url in seen.requests if not url.startswith((prefix, "data:"))} == set()


@pytest.mark.parametrize(
    ("name", "codec", "site"),
    [
        ("sample", "blosc-zstd", 5),
        ("sample", "delta-zstd", 5),
        ("sixteen-bit", "blosc-lz4", 2),
        ("sixteen-bit", "delta-zstd", 3),
        ("oblong", "blosc-zstd", 11),
        ("tiled", "zstd", 11),
        ("real", "blosc-zstd", 4),
    ],
)
def test_pixels_of_a_site_and_of_its_figure_are_those_of_the_array(
    datasets: Datasets, drive: Drive, name: str, codec: str, site: int, tmp_path: Path
) -> None:
    dataset = datasets.dataset(name, codec)
    pixels = dataset.source.pixels[site]
    channels = looks(dataset.root)
    plain = [channel["color"].upper() == "FFFFFF" for channel in channels]
    figure = tmp_path / "figure.png"
    with served(dataset.root, tmp_path) as (address, _requests):
        grey = f"#view=site&site={site}&on=w2&w2.window=3-90"
        seen = drive(
            step("open", address=f"{address}#view=site&site={site}"),
            step("wait", selector=SITE_READY),
            step("evaluate", code=PIXELS),
            step("download", selector="text=Save figure", path=str(figure)),
            step("open", address="about:blank"),
            step("open", address=f"{address}{grey}"),
            step("wait", selector=SITE_READY),
            step("evaluate", code=PIXELS),
        )
    assert seen.errors == []
    shape = (*pixels.shape[1:], 4)
    first, _name, second = seen.values
    shown = np.frombuffer(base64.b64decode(first), np.uint8).reshape(shape)[:, :, :3]
    if all(plain):
        # Nothing is known of the channels: the page chooses colours.
        for channel, colour in zip(channels, ["1F6BFF", "2AFF1F", "FF2A3C"], strict=False):
            channel["color"] = colour
    expected = composite(pixels[:3], channels[:3])
    assert np.array_equal(shown, expected)
    grey_shown = np.frombuffer(base64.b64decode(second), np.uint8).reshape(shape)[:, :, :3]
    window = {"color": "FFFFFF", "window": {"start": 3, "end": 90}}
    assert np.array_equal(grey_shown, composite(pixels[1:2], [window]))

    height, width = pixels.shape[1:]
    saved = np.asarray(Image.open(figure).convert("RGB"))
    text = max(13, round(min(height, width) / 32))
    top, left = round(24 + 2.2 * text), 24
    assert np.array_equal(saved[top : top + height, left : left + width], expected)


def make_full_plate(folder: Path) -> Path:
    """Makes and converts a plate of 308 wells with two sites, as RxRx1 has them, of planes that
    are as large as their overviews and as hard to compress as those of real images."""
    random = np.random.default_rng(616)
    wells = [f"{row}{column:02}" for row in "BCDEFGHIJKLMNO" for column in range(2, 24)]
    rows = [table_row("HUVEC-01", 1, well, site) for well in wells for site in (1, 2)]

    def draw(_row: int, channel: int) -> NDArray[np.uint8]:
        # 20 levels, evenly: 4.3 bits a pixel. Real overviews have 5.
        noise = random.integers(0, 32, (64, 64))
        return (noise + 5 * channel).astype(np.uint8)

    write_tree(folder / "source", rows, 6, draw)
    done = run("convert", folder / "source", folder / "dataset")
    assert done.returncode == COMPLETE, done.stderr
    return folder / "dataset"


def test_a_plate_takes_few_requests_and_bytes(drive: Drive, tmp_path: Path) -> None:
    dataset = make_full_plate(tmp_path / "plate")
    with served(dataset, tmp_path) as (address, requests):
        seen = drive(
            step("open", address=address),
            step("wait", selector=PLATE_READY),
            step("until", code=IDLE),
            *picture("full-plate"),
        )
    assert seen.errors == []
    sent = sum(request.sent for request in requests)
    overview = [request for request in requests if "/overview/c/" in request.path]
    assert len({request.path for request in overview}) == 10  # units of 64 sites
    # Each unit: its index, the first channel, and the two others together, or all at once where
    # the index comes late.
    assert 20 <= len(overview) <= 30
    assert len(requests) <= REQUESTS_OF_A_PLATE
    assert sent <= BYTES_OF_A_PLATE
    # Pixels at full size are not touched.
    assert not [request for request in requests if "/images/c/" in request.path]


def test_picks_survive_the_round_trip(datasets: Datasets, drive: Drive, tmp_path: Path) -> None:
    dataset = datasets.dataset("sample")
    saved = tmp_path / "picks.csv"
    note = 'blurred, "maybe"'
    ids = dataset.source.site_ids
    changed = tmp_path / "changed.csv"
    changed.write_text(f"site_id,note\n{ids[7]},from a file\nnobody,\n")
    with served(dataset.root, tmp_path) as (address, _requests):
        seen = drive(
            step("open", address=address),
            step("wait", selector=PLATE_READY),
            # By the keyboard alone: the first site of the plate, and the one right of it.
            step("focus", selector=PLATE_READY),
            step("press", key="ArrowRight"),
            step("press", key="p"),
            step("press", key="ArrowRight"),
            step("press", key="p"),
            step("click", selector="nav >> text=Picks"),
            step("wait", selector=".pick-list li:nth-child(2)"),
            step("fill", selector=".pick-list li:nth-child(2) input", text=note),
            step("download", selector="text=Download picks.csv", path=str(saved)),
            step("open", address="about:blank"),
            step("open", address=f"{address}#view=picks"),
            step("wait", selector="input[type=file]"),
            step("upload", selector="input[type=file]", path=str(saved)),
            step("wait", selector=".pick-list li:nth-child(2)"),
            step("upload", selector="input[type=file]", path=str(changed)),
            step("wait", selector=".failure"),
            step("wait", selector=".pick-list li:nth-child(3)"),
            step(
                "evaluate",
                code=PICKED,
            ),
            step(
                "evaluate",
                code="[...document.querySelectorAll('.pick-list input')].map((e) => e.value)",
            ),
            step("evaluate", code="document.querySelector('.failure').innerText"),
        )
    assert seen.errors == []
    with saved.open(newline="") as table:
        rows = list(csv.reader(table))
    assert rows == [["site_id", "note"], [ids[0], ""], [ids[1], note]]
    _name, names, notes, failure = seen.values
    assert names == [ids[0], ids[1], ids[7]]
    assert notes == ["", note, "from a file"]
    assert "nobody" in failure


HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{constructor}}'


def test_nothing_of_a_hostile_dataset_is_executed(drive: Drive, tmp_path: Path) -> None:
    rows = [table_row("HUVEC-01", 1, f"B{2 + index:02}", 1) for index in range(12)]
    for index, row in enumerate(rows):
        row["sirna"] = HOSTILE
        row["constructor"] = f"{HOSTILE}{index % 3}"
        row[f"x{HOSTILE}"] = "javascript:window.hacked=1"
        row["site_id"] = f"../../{index}{HOSTILE}'--"
        if index % 2:
            row["well_type"] = "negative_control"
    random = np.random.default_rng(5)
    source = tmp_path / "source"
    write_tree(source, rows, 3, lambda _row, _channel: random.integers(0, 99, (16, 16), np.uint8))
    described = {
        "name": HOSTILE,
        "creator": HOSTILE,
        "license": HOSTILE,
        "citation": HOSTILE,
        "url": "javascript:window.hacked=1",
    }
    (source / "rxrx2zarr.json").write_text(json.dumps(described))
    done = run("convert", source, tmp_path / "hostile", "--controls", "well_type=negative_control")
    assert done.returncode == COMPLETE, done.stderr
    views = [
        "view=plates&frame=sirna",
        "view=plates&frame=constructor",
        "view=site&site=3",
        "view=compare&by=sirna&value=" + "%22%3E%3Cimg%20src%3Dx%3E",
        "view=compare&by=well_type&value=treatment&group=experiment",
        "view=quality",
        "view=table&count=sirna",
        "view=picks&picks=3:%253Cimg%2520src%253Dx%253E,5",
        "view=about",
        "view=%3Cscript%3E&plate=../../x&on=%3Cimg%3E&site=../1",
    ]
    with served(tmp_path / "hostile", tmp_path) as (address, _requests):
        steps = []
        for at, view in enumerate(views):
            steps += [
                step("open", address="about:blank"),
                step("open", address=f"{address}#{view}"),
                step("wait", selector="main .view"),
                step("until", code=IDLE),
                step(
                    "evaluate",
                    code=EXECUTED,
                ),
                *picture(f"hostile-{at}"),
            ]
        seen = drive(*steps)
    assert seen.errors == []
    assert seen.values == [["undefined", 0, 1, 0]] * len(views)
    prefix = urlsplit(address).path.removesuffix("index.html")
    paths = {urlsplit(url).path for url in seen.requests if url.startswith("http")}
    assert {path for path in paths if not path.startswith(prefix) or ".." in path} == set()


def test_a_dataset_without_overview_and_plates_is_shown(
    datasets: Datasets, drive: Drive, tmp_path: Path
) -> None:
    dataset = tmp_path / "older"
    shutil.copytree(datasets.dataset("sample").root, dataset)
    root = dataset / "images.zarr" / "zarr.json"
    metadata = json.loads(root.read_text())
    metadata["consolidated_metadata"]["metadata"].pop("overview", None)
    root.write_text(json.dumps(metadata))
    shutil.rmtree(dataset / "images.zarr" / "overview", ignore_errors=True)
    (dataset / "plates.parquet").unlink(missing_ok=True)
    with served(dataset, tmp_path) as (address, _requests):
        seen = drive(
            step("open", address=address),
            step("wait", selector=".plate canvas"),
            step("until", code=IDLE),
            step("evaluate", code="document.querySelector('.notice').innerText"),
            *picture("no-overview"),
            step("hash", fragment="view=quality"),
            step("wait", selector=".drift .point"),
            step("until", code=IDLE),
        )
    # plates.parquet is asked for, and is not there.
    assert [error for error in seen.errors if "404" not in error] == []
    assert "overview" in seen.values[0]


def test_without_javascript_or_a_server_the_page_says_what_to_do(
    datasets: Datasets, drive: Drive, tmp_path: Path
) -> None:
    dataset = datasets.dataset("sample")
    text = step("evaluate", code="document.body.innerText")
    seen = drive(
        step("open", address=(dataset.root / "index.html").as_uri()),
        step("wait", selector="main.plain"),
        text,
        *picture("from-a-folder"),
    )
    assert seen.errors == []
    assert "rxrx2zarr serve" in seen.values[0]
    with served(dataset.root, tmp_path) as (address, _requests):
        seen = drive(step("open", address=address), text, *picture("no-script"), java_script=False)
    assert "needs JavaScript" in seen.values[0]
