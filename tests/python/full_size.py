"""A dataset with as many sites as RxRx1 and few pixels.

One site in 500 has planes of 8 x 8 pixels; the other planes are missing. Labels, tables
and requests, which depend on the number of sites, are as in the whole dataset.
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import duckdb
import numpy as np
from PIL import Image

from converter import SEALED_WITH_GAPS, run
from source import REAL_SAMPLE, plane_path, table_row, write_table

SITES = 125_510
SHARD_SITES = 64
REAL_TABLE = REAL_SAMPLE.parent / "rxrx1-metadata-125510.csv.gz"


def write_rows(folder: Path) -> list[dict[str, str]]:
    """Writes the table of RxRx1 if this machine has it, otherwise a table of the same length."""
    if REAL_TABLE.is_file():
        shutil.copy(REAL_TABLE, folder / "metadata.csv.gz")
        with gzip.open(REAL_TABLE, "rt") as table:
            names, *lines = (line.rstrip("\n").split(",") for line in table)
        return [dict(zip(names, line, strict=True)) for line in lines]
    rows = []
    for index in range(SITES):
        plate, position = divmod(index, 616)
        well = f"{chr(ord('B') + position // 44)}{2 + position // 2 % 22:02}"
        row = table_row(f"RPE-{1 + plate // 4:02}", 1 + plate % 4, well, 1 + position % 2)
        row["sirna_id"] = str(position % 308)
        if position % 308 >= 277:
            row["well_type"] = "positive_control" if position % 308 < 307 else "negative_control"
        rows.append(row)
    write_table(folder / "metadata.csv", rows)
    return rows


def make_full_size(folder: Path) -> Path:
    """Makes the dataset and returns its folder."""
    source = folder / "source"
    source.mkdir(parents=True)
    random = np.random.default_rng(125_510)
    for row in write_rows(source)[::500]:
        for channel in range(1, 7):
            path = source / "images" / plane_path(row, channel)
            path.parent.mkdir(parents=True, exist_ok=True)
            plane = random.poisson(7 * channel, (8, 8)).astype(np.uint8)
            Image.fromarray(plane).save(path)
    output = folder / "dataset"
    done = run("convert", source, output, "--allow-missing", "--shard-sites", str(SHARD_SITES))
    assert done.returncode == SEALED_WITH_GAPS, done.stderr
    return output


def fill_planes(dataset: Path, output: Path) -> Path:
    """Writes the tables as if no plane were missing, with random statistics."""
    output.mkdir()
    duckdb.execute(f"""
        COPY (SELECT * REPLACE (true AS complete) FROM '{dataset}/metadata.parquet')
        TO '{output}/metadata.parquet' (ROW_GROUP_SIZE 16384, COMPRESSION zstd)""")
    duckdb.execute("SELECT setseed(0.5)")
    duckdb.execute(f"""
        COPY (SELECT * REPLACE (
                  'ok' AS status, 5 + 10 * random() AS mean, 3 + random() AS std,
                  (40 + 100 * random()) AS p99, greatest(0, random() - 0.9) / 100 AS saturated,
                  50 + 100 * random() AS focus)
              FROM '{dataset}/planes.parquet')
        TO '{output}/planes.parquet' (ROW_GROUP_SIZE 16384, COMPRESSION zstd)""")
    duckdb.execute(f"""
        COPY (SELECT * REPLACE (coalesce(mean, 10) AS mean, coalesce(std, 3) AS std)
              FROM '{dataset}/channel_stats.parquet')
        TO '{output}/channel_stats.parquet'""")
    return output
