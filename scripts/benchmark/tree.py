"""The input that all contestants share: a tree of hard links to a few PNG files."""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
import sys
from collections import defaultdict
from pathlib import Path

CHANNELS = 6
WELLS = [f"{row}{column:02}" for row in "BCDEFGHIJKLMNO" for column in range(2, 24)]
SITES_PER_PLATE = 2 * len(WELLS)
PLATES = 4
COLUMNS = [
    *("site_id", "well_id", "cell_type", "dataset", "experiment", "plate"),
    *("well", "site", "well_type", "sirna", "sirna_id"),
]


def build(png: Path, tree: Path, sites: int) -> None:
    """Fills `tree` with `sites` sites: whole plates of 616, in array order.

    Each channel is linked to the files of the same channel below `png`, in turn.
    """
    sources = files_by_channel(png)
    linked = 0
    rows = [site_row(index) for index in range(sites)]
    for index, row in enumerate(rows):
        for channel, path in enumerate(planes_of(tree, row), start=1):
            candidates = sources[channel]
            path.parent.mkdir(parents=True, exist_ok=True)
            linked += link(candidates[index % len(candidates)], path)
    if linked < sites * CHANNELS:
        print(f"{png} is on another file system: files were copied", file=sys.stderr)
    with (tree / "metadata.csv").open("w", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def files_by_channel(png: Path) -> dict[int, list[Path]]:
    found: defaultdict[int, list[Path]] = defaultdict(list)
    for path in sorted(png.rglob("*.png")):
        if match := re.search(r"_w(\d)\.png$", path.name):
            found[int(match[1])].append(path)
    if lacking := [f"w{n}" for n in range(1, CHANNELS + 1) if n not in found]:
        sys.exit(f"error: no files of channel {', '.join(lacking)} below {png}")
    return found


def link(source: Path, path: Path) -> bool:
    """Links, or copies where that cannot be done; says whether it linked."""
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        shutil.copyfile(source, path)
        return False
    return True


def site_row(index: int) -> dict[str, str]:
    plate, within = divmod(index, SITES_PER_PLATE)
    experiment = f"HUVEC-{1 + plate // PLATES:02}"
    well, site = WELLS[within // 2], 1 + within % 2
    well_id = f"{experiment}_{1 + plate % PLATES}_{well}"
    values = [
        *(f"{well_id}_{site}", well_id, "HUVEC", "train", experiment, str(1 + plate % PLATES)),
        *(well, str(site), "treatment", f"s{1000 + within // 2}", str(within // 2)),
    ]
    return dict(zip(COLUMNS, values, strict=True))


def planes_of(tree: Path, row: dict[str, str]) -> list[Path]:
    folder = tree / "images" / row["experiment"] / f"Plate{row['plate']}"
    stem = f"{row['well']}_s{row['site']}"
    return [folder / f"{stem}_w{channel}.png" for channel in range(1, CHANNELS + 1)]


def read_sites(tree: Path) -> list[list[Path]]:
    """The six files of each site, in array order."""
    with (tree / "metadata.csv").open(newline="") as table:
        return [planes_of(tree, row) for row in csv.DictReader(table)]


def stored_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
