"""Fixtures: sources and datasets, each made when a test first needs it and then kept."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from converter import CODECS, COMPLETE, DEFAULT_CODEC, Dataset, convert, run
from faults.proxy import FaultProxy
from full_size import make_full_size
from servers.object_stores import SeaweedFS, seaweedfs
from source import GOLDEN, REAL_SAMPLE, Source, read_source, table_row, write_tree

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"


def make_sample(root: Path) -> Source:
    """Makes a sample with `rxrx2zarr sample`, with small planes to save time."""
    done = run("sample", root, "--sites", "24", "--seed", "7", "--size", "160")
    assert done.returncode == COMPLETE, done.stderr
    return read_source(root)


def make_full_planes(root: Path) -> Source:
    """Makes a sample whose planes are as large as those of RxRx1."""
    done = run("sample", root, "--sites", "32", "--seed", "11")
    assert done.returncode == COMPLETE, done.stderr
    return read_source(root)


def open_real_sample(_root: Path) -> Source:
    """Reads original RxRx1 files: site 1 of each well has six channels, site 2 has four."""
    if not REAL_SAMPLE.is_dir():
        pytest.skip(f"{REAL_SAMPLE} does not exist (RXRX1_SAMPLE)")
    return read_source(REAL_SAMPLE)


def open_golden(_root: Path) -> Source:
    """Reads synthetic files of many kinds of PNG; the last site has four of six channels."""
    return read_source(GOLDEN / "grey8")


def make_sixteen_bit(root: Path) -> Source:
    """Makes 16-bit planes of three channels, and a table with blanks and additional columns."""
    random = np.random.default_rng(16)

    def draw(_row: int, channel: int) -> NDArray[np.uint16]:
        plane = random.normal(2000 * channel, 700, (33, 33)).clip(0, 65535).astype(np.uint16)
        plane[:2, :2] = [[0, 1], [256, 65535]]
        return plane

    write_tree(root, rows_with_blanks(), 3, draw)
    return read_source(root)


def rows_with_blanks() -> list[dict[str, str]]:
    """Returns nine rows, not in array order; AA02 comes after Z02, and B10 after B09."""
    wells = ["AA02", "Z02", "B10", "B09", "B02", "C02", "C03", "C04", "C05"]
    rows = [table_row("U2OS-03", 1 + index % 2, well, 1) for index, well in enumerate(wells)]
    for index, row in enumerate(rows):
        blank = index % 3 == 0
        row["sirna"] = "" if blank else row["sirna"]
        row["sirna_id"] = "" if blank else row["sirna_id"]
        row["passage"] = "" if index == 4 else str(index - 3)
        row["dose"] = "" if index == 5 else str(index / 8)
        row["note"] = ["", 'a "quoted", text', "µ-plate ångström"][index % 3]
    return rows


def make_oblong(root: Path) -> Source:
    """Makes planes that are not square, and a number of sites that fills no chunk and no shard."""
    random = np.random.default_rng(13)
    rows = [table_row("HUVEC-01", 1, f"B{2 + index // 2:02}", 1 + index % 2) for index in range(13)]

    def draw(_row: int, channel: int) -> NDArray[np.uint8]:
        return random.poisson(7 * channel, (40, 56)).clip(0, 255).astype(np.uint8)

    write_tree(root, rows, 6, draw)
    return read_source(root)


def make_noisy(root: Path) -> Source:
    """Makes planes that no codec makes smaller: the shard is so large that it is sent in parts."""
    random = np.random.default_rng(18)
    rows = [table_row("HUVEC-01", 1, f"B{2 + index:02}", 1) for index in range(7)]

    def draw(_row: int, _channel: int) -> NDArray[np.uint8]:
        return random.integers(0, 256, (512, 512), np.uint8)

    write_tree(root, rows, 6, draw)
    return read_source(root)


@dataclass(frozen=True)
class Recipe:
    """How a source is made and with which options it is converted."""

    make: Callable[[Path], Source]
    options: tuple[str, ...] = ()


RECIPES = {
    "sample": Recipe(make_sample),
    "real": Recipe(open_real_sample, ("--allow-missing",)),
    "golden": Recipe(open_golden, ("--allow-missing",)),
    "sixteen-bit": Recipe(make_sixteen_bit),
    "oblong": Recipe(
        make_oblong,
        ("--chunk-sites", "2", "--chunk-channels", "3", "--shard-sites", "4"),
    ),
    "tiled": Recipe(
        make_oblong,
        ("--chunk-channels", "1", "--tile", "24", "--shard-sites", "4"),
    ),
}


# For tests that ask for them by name. A test that takes any dataset does not get these:
# they take long to decode, or they are like one of the others.
LARGE = {
    "full-planes": Recipe(make_full_planes),
    "noisy": Recipe(make_noisy),
    "sharded": Recipe(make_sample, ("--shard-sites", "4")),
    "planes": Recipe(make_oblong, ("--chunk-channels", "1", "--shard-sites", "4")),
}


@dataclass
class Datasets:
    """Makes sources and datasets on demand and keeps them for the session."""

    folder: Path
    sources: dict[str, Source] = field(default_factory=dict)
    converted: dict[tuple[str, str], Dataset] = field(default_factory=dict)

    def source(self, name: str) -> Source:
        if name not in self.sources:
            self.sources[name] = (RECIPES | LARGE)[name].make(self.folder / name)
        return self.sources[name]

    def dataset(self, name: str, codec: str = DEFAULT_CODEC) -> Dataset:
        if (name, codec) not in self.converted:
            source = self.source(name)
            output = self.folder / f"{name}-{codec}"
            self.converted[name, codec] = convert(
                source, output, codec, *(RECIPES | LARGE)[name].options
            )
        return self.converted[name, codec]


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Datasets:
    return Datasets(tmp_path_factory.mktemp("datasets"))


def load_example(script: Path) -> ModuleType:
    """Imports an example as a module that worker processes can import by its name."""
    if str(script.parent) not in sys.path:
        sys.path.insert(0, str(script.parent))
    return importlib.import_module(script.stem)


@pytest.fixture(scope="session")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a dataset with 125,510 sites; see full_size.py."""
    return make_full_size(tmp_path_factory.mktemp("full-size"))


@pytest.fixture(scope="session", params=list(RECIPES))
def dataset(request: pytest.FixtureRequest, datasets: Datasets) -> Dataset:
    """Returns each source, converted with the default codec."""
    return datasets.dataset(request.param)


@pytest.fixture(
    scope="session", params=[(name, codec) for name in RECIPES for codec in CODECS], ids="-".join
)
def coded_dataset(request: pytest.FixtureRequest, datasets: Datasets) -> Dataset:
    """Returns each source, converted with each codec."""
    name, codec = request.param
    return datasets.dataset(name, codec)


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """Runs one S3 server for all tests that do not kill it; each test has its own buckets."""
    with seaweedfs(tmp_path_factory.mktemp("seaweed")).running() as server:
        yield server


@pytest.fixture
def s3_proxy(seaweed: SeaweedFS) -> Iterator[FaultProxy]:
    """Runs a proxy between a test and the S3 server; the test may set its `plan`."""
    with FaultProxy(seaweed.port).running() as proxy:
        yield proxy
