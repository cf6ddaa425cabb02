"""The commands and snippets of README and docs/ run as they stand, and every link resolves.

A block that does not run here is named in RUN_ELSEWHERE, a command in NOT_RUN, each with
the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pytest
from PIL import Image

from conftest import Datasets
from converter import Dataset
from documents import ROOT, Block, anchor, blocks_below, page_names, read_page
from faults.runs import pack
from servers.file_server import serve

RUN_ELSEWHERE = {
    ("README.md", "Copying and publishing"): "needs a bucket: test_cloud_readme.py",
    ("docs/reading.md", "VirtualiZarr and Icechunk"): "has a Python of its own: test_icechunk.py",
    ("docs/python.md", "Commands"): "needs the wheel: tests/wheel",
    ("docs/python.md", "Pixels"): "needs the wheel: tests/wheel",
    ("docs/python.md", "Tables"): "needs the wheel: tests/wheel",
    ("docs/python.md", "Parts of it"): "needs the wheel: tests/wheel",
    ("docs/python.md", "Splits"): "needs the wheel: tests/wheel",
    ("docs/python.md", "Training"): "needs the wheel: tests/wheel",
    ("docs/python.md", "On many machines"): "needs the wheel: tests/wheel",
    ("docs/object-stores.md", "Amazon S3, and servers that speak it"): "test_cloud_readme.py",
    ("docs/object-stores.md", "Google Cloud Storage"): "test_cloud_readme.py",
    ("docs/object-stores.md", "Azure Blob Storage"): "test_cloud_readme.py",
}
NOT_RUN = {
    "cargo": "builds the program under test",
    "curl": "downloads 47 GB",
    "scripts/test": "is what runs this test",
    "scripts/bench": "measures for minutes",
    "scripts/wheel": "builds for minutes",
    "pip": "installs what scripts/wheel builds",
}
LANGUAGES = {"console", "json", "python", "sql", "text", "toml"}
SERVED = "https://example.org/rxrx1-zarr"
BYTES_AT_MOST = {"README.md": 9_000, "CONTRIBUTING.md": 4_000}

BLOCKS = [block for name in page_names() for block in read_page(name).blocks]


def commands(block: Block) -> list[str]:
    """The commands of a console block that run here."""
    lines = block.code.splitlines()
    assert all(line.startswith("$ ") for line in lines), block
    return [line[2:] for line in lines if line.split()[1] not in NOT_RUN]


def runnable(language: str) -> list[pytest.param]:
    """The blocks that run here, one test each."""
    chosen = [
        block
        for block in BLOCKS
        if block.language == language
        and (block.page, block.heading) not in RUN_ELSEWHERE
        and (language != "console" or commands(block))
    ]
    assert chosen
    return [pytest.param(block, id=str(block)) for block in chosen]


@pytest.fixture(scope="module")
def sample(datasets: Datasets) -> Dataset:
    return datasets.dataset("sample")


@pytest.fixture
def folder(sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader of the documents would be: beside the input and what was made of it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "rxrx2zarr").symlink_to(os.environ["RXRX2ZARR"])
    (tmp_path / "rxrx1").symlink_to(sample.source.root)
    for name in ("rxrx1-zarr", "dataset"):
        shutil.copytree(sample.root, tmp_path / name)
    pack(sample.source.root / "images", tmp_path / "rxrx1-images.zip", "rxrx1/images")
    table = sample.source.root / "metadata.csv"
    pack(table, tmp_path / "rxrx1-metadata.zip", "rxrx1", zipfile.ZIP_DEFLATED)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def converts_anew(code: str) -> bool:
    return any("convert" in line and "--retry-bad" not in line for line in code.splitlines())


@pytest.mark.parametrize("block", runnable("console"))
def test_commands_can_be_pasted(block: Block, folder: Path) -> None:
    if converts_anew(block.code):
        shutil.rmtree(folder / "rxrx1-zarr")
    for command in commands(block):
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{block}: {command}\n{done.stdout}{done.stderr}"


def run_python(block: Block, sample: Dataset) -> dict[str, object]:
    """The names that the block leaves behind."""
    names: dict[str, object] = {}
    with serve(sample.root) as address:
        exec(block.code.replace(SERVED, address), names)
    return names


@pytest.mark.parametrize("block", runnable("python"))
@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # by mlcroissant
def test_python_can_be_pasted(block: Block, sample: Dataset) -> None:
    names = run_python(block, sample)
    if "ds" in names:
        assert names["ds"].sizes["site"] == len(sample.source.rows)


@pytest.mark.parametrize("block", runnable("sql"))
@pytest.mark.usefixtures("folder")
def test_sql_can_be_pasted(block: Block) -> None:
    for statement in duckdb.extract_statements(block.code):
        assert duckdb.execute(statement.query).fetchall(), statement.query


def test_one_plane_is_read_with_nothing_but_http(sample: Dataset) -> None:
    heading = "One plane with nothing but HTTP"
    by_table, by_index = blocks_below("docs/reading.md", heading, "python")
    first = sample.source.site_ids.index("HUVEC-01_1_B02_1")
    np.testing.assert_array_equal(
        run_python(by_table, sample)["planes"], sample.source.pixels[first]
    )
    np.testing.assert_array_equal(run_python(by_index, sample)["plane"], sample.source.pixels[3, 0])


def test_every_exception_is_of_a_block_or_command_that_is_there() -> None:
    assert set(RUN_ELSEWHERE) <= {(block.page, block.heading) for block in BLOCKS}
    lines = [
        line for block in BLOCKS if block.language == "console" for line in block.code.splitlines()
    ]
    assert set(NOT_RUN) <= {line.split()[1] for line in lines}


def test_every_block_names_its_language() -> None:
    assert {str(block): block.language for block in BLOCKS if block.language not in LANGUAGES} == {}


@pytest.mark.parametrize("name", page_names())
def test_every_link_resolves(name: str) -> None:
    for link in read_page(name).links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f"{name}: {link}"
        if fragment:
            page = read_page(str(target.resolve().relative_to(ROOT)))
            assert fragment in map(anchor, page.headings), f"{name}: {link}"


def test_the_readme_links_every_document() -> None:
    linked = set(read_page("README.md").links)
    assert set(page_names()) - {"README.md"} <= linked


@pytest.mark.parametrize("name", BYTES_AT_MOST)
def test_the_front_pages_stay_short(name: str) -> None:
    assert (ROOT / name).stat().st_size <= BYTES_AT_MOST[name]


def test_the_picture_is_what_its_script_draws(sample: Dataset, tmp_path: Path) -> None:
    picture = tmp_path / "sample.jpg"
    script = ROOT / "docs" / "images" / "draw.py"
    subprocess.run([sys.executable, script, sample.root, picture], check=True, timeout=120)
    committed = ROOT / "docs" / "images" / "sample.jpg"
    assert committed.stat().st_size < 150_000
    drawn, shown = (np.asarray(Image.open(path)).astype(float) for path in (picture, committed))
    assert drawn.shape[1] == shown.shape[1], "another number of channels"
    for image in (drawn, shown):
        assert image.std() > 15, "an empty picture"
