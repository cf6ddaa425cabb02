"""Trees of PNG files with their table, read without the converter.

Tests compare datasets with a `Source`: its rows are sorted here, in Python, and its
pixels are decoded by Pillow.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
"""Small synthetic images; see the README there."""
REAL_SAMPLE = Path(
    os.environ.get("RXRX1_SAMPLE", Path(__file__).parents[3] / "shared" / "data" / "rxrx1-sample")
)
"""Original RxRx1 files, which their licence keeps out of the repository."""

Row = Mapping[str, str]
DrawPlane = Callable[[int, int], NDArray[np.generic]]
"""(row, channel counted from 1) -> pixels (y, x)."""


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """A PNG tree, its table in array order, and its pixels."""

    root: Path
    rows: Sequence[Row]
    pixels: NDArray[np.generic]
    """(site, channel, y, x); 0 where there is no readable image."""
    present: NDArray[np.bool_]
    """(site, channel)."""
    files: Mapping[tuple[int, int], Path]
    """(site, channel counted from 0) -> the PNG, readable or not; absent where there is none."""

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0])

    @property
    def channels(self) -> list[str]:
        return [f"w{number}" for number in range(1, self.pixels.shape[1] + 1)]

    @property
    def site_ids(self) -> list[str]:
        return [row["site_id"] for row in self.rows]

    def column(self, name: str) -> list[int | float | str | None]:
        """Returns a column in array order, with one type for all values; blanks are None."""
        texts = [row[name] for row in self.rows]
        kind = column_type(texts)
        return [kind(text) if text else None for text in texts]


def column_type(texts: Sequence[str]) -> type[int] | type[float] | type[str]:
    """Returns the narrowest of integer, float and text that holds every value that is not blank."""
    for kind in (int, float):
        try:
            [kind(text) for text in texts if text]
        except ValueError:
            continue
        return kind
    return str


def array_order(row: Row) -> tuple[str, int, int, str, int, int]:
    """Returns the sort key of a row: experiment, plate, well (row letters, then column), site."""
    letters = row["well"].rstrip("0123456789")
    column = int(row["well"][len(letters) :])
    return (row["experiment"], int(row["plate"]), len(letters), letters, column, int(row["site"]))


def plane_path(row: Row, channel: int) -> Path:
    """Returns the path of a plane below the folder of images; `channel` counts from 1."""
    name = f"{row['well']}_s{row['site']}_w{channel}.png"
    return Path(row["experiment"], f"Plate{row['plate']}", name)


def read_source(root: Path, damaged: frozenset[Path] = frozenset()) -> Source:
    """Reads a tree; the planes in `damaged` (paths below `images`) count as unreadable."""
    with (root / "metadata.csv").open(newline="", encoding="utf-8") as table:
        rows = sorted(csv.DictReader(table), key=array_order)
    files: dict[tuple[int, int], Path] = {}
    planes: dict[tuple[int, int], NDArray[np.generic]] = {}
    for site, row in enumerate(rows):
        for channel in range(9):
            relative = plane_path(row, channel + 1)
            path = root / "images" / relative
            if path.exists():
                files[site, channel] = path
                if relative not in damaged:
                    planes[site, channel] = read_plane(path)
    return assemble(root, rows, files, planes)


def read_plane(path: Path) -> NDArray[np.generic]:
    """Reads a PNG whose pixels are grey in effect."""
    with Image.open(path) as image:
        is_grey = image.mode in ("L", "I;16")
        return np.asarray(image if is_grey else image.convert("L"))


def assemble(
    root: Path,
    rows: Sequence[Row],
    files: Mapping[tuple[int, int], Path],
    planes: Mapping[tuple[int, int], NDArray[np.generic]],
) -> Source:
    channels = 1 + max(channel for _, channel in files)
    first = next(iter(planes.values()))
    pixels = np.zeros((len(rows), channels, *first.shape), first.dtype)
    present = np.zeros((len(rows), channels), bool)
    for key, plane in planes.items():
        pixels[key] = plane
        present[key] = True
    return Source(root, rows, pixels, present, files)


def write_tree(root: Path, rows: Sequence[Row], channels: int, draw: DrawPlane) -> None:
    """Writes a PNG for every row and channel, and `metadata.csv` with the rows as given."""
    for index, row in enumerate(rows):
        for channel in range(1, channels + 1):
            path = root / "images" / plane_path(row, channel)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw(index, channel)).save(path)
    write_table(root / "metadata.csv", rows)


def write_table(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table_row(experiment: str, plate: int, well: str, site: int) -> dict[str, str]:
    """Returns a row with the columns of the real table."""
    well_id = f"{experiment}_{plate}_{well}"
    return {
        "site_id": f"{well_id}_{site}",
        "well_id": well_id,
        "cell_type": experiment.split("-")[0],
        "dataset": "train",
        "experiment": experiment,
        "plate": str(plate),
        "well": well,
        "site": str(site),
        "well_type": "treatment",
        "sirna": f"s{4000 + plate}",
        "sirna_id": str(100 + plate),
    }
