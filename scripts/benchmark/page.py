"""The page of a dataset over a slow line. `scripts/bench page` starts it."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

import report
from driver import REPOSITORY, machine, say
from slow_server import Line, serve

sys.path.insert(0, str(REPOSITORY / "tests" / "python"))

LATENCY_S = 0.05
BYTES_PER_S = 20e6 / 8
PLATE = ("HUVEC-01", "1")
GROUP_ROWS = 16_384
PAGE_ROWS = 2_048
# Columns that the program stores without a dictionary.
PLAIN = {"site_index", "site_id", "byte_offset", "byte_length", "source", "source_bytes"}
PLAIN |= {"xxh3_128", "sum", "sum_of_squares", "mean", "std", "focus"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench page",
        description="Times the page in Chromium on a dataset with the rows of RxRx1, of which one "
        "plate has images and all planes have statistics, over a line of 20 Mbit/s with 50 ms of "
        "latency, and on one with more rows. Prints seconds as Markdown. Needs Chromium.",
    )
    add = parser.add_argument
    add("--rows", type=int, default=2_200_000, help="of the large dataset; 0 for none")
    add("--program", type=Path, help="default: a release build")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/page-bench")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "page-bench").resolve()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: there is no chromium on the PATH")
    if scratch.exists():
        sys.exit(f"error: {scratch} exists; remove it, or choose another --dir")
    program = chosen.program or build(target)
    scratch.mkdir(parents=True)
    try:
        say("making a dataset with the rows of RxRx1")
        dataset = make_dataset(scratch, program.resolve())
        rows = [measured("RxRx1", dataset, Path(os.environ["PAGE"]), chromium)]
        if chosen.rows:
            say(f"making one with {chosen.rows} rows")
            enlarge(dataset, chosen.rows)
            rows.append(
                measured(f"{chosen.rows} rows", dataset, Path(os.environ["PAGE"]), chromium)
            )
        names = list(rows[0])
        print(f"20 Mbit/s, 50 ms, {machine()}\n")
        print(report.table(names, [[row[name] for name in names] for row in rows]))
    finally:
        shutil.rmtree(scratch)


def build(target: Path) -> Path:
    command = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return target / "release" / "rxrx2zarr"


def make_dataset(scratch: Path, program: Path) -> Path:
    """Makes a dataset with the rows of RxRx1. One plate has images, as large as overviews are and
    as hard to compress; planes.parquet is as if all plates had them."""
    from full_size import write_rows
    from source import plane_path

    source = scratch / "source"
    source.mkdir()
    random = np.random.default_rng(616)
    rows = write_rows(source)
    plate = [row for row in rows if (row["experiment"], row["plate"]) == PLATE] or rows[:616]
    for row in plate:
        for channel in range(1, 7):
            path = source / "images" / plane_path(row, channel)
            path.parent.mkdir(parents=True, exist_ok=True)
            plane = random.integers(0, 32, (64, 64)) + 5 * channel
            Image.fromarray(plane.astype(np.uint8)).save(path)
    dataset = scratch / "dataset"
    command = [program, "convert", source, dataset, "--allow-missing", "--ignore-space"]
    done = subprocess.run(
        [*command, "--controls", "well_type=negative_control"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 3:
        sys.exit(f"error: exit code {done.returncode}\n{done.stderr}")
    shutil.rmtree(source)
    fill_planes(dataset / "planes.parquet")
    return dataset


def fill_planes(path: Path) -> None:
    table = pq.read_table(path)
    count = table.num_rows
    random = np.random.default_rng(2)
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if field.name == "status":
            column = pa.array(["ok"] * count)
        elif pa.types.is_float64(field.type):
            column = pa.array(random.random(count) * 50 + 5)
        elif field.name in ("min", "max", "pixels"):
            column = pa.array(random.integers(0, 255, count).astype(np.int32))
        elif field.name in ("sum", "sum_of_squares"):
            column = pa.array(random.integers(0, 10**7, count))
        elif field.name == "xxh3_128":
            column = pa.array([random.bytes(16).hex() for _ in range(count)])
        columns[field.name] = column
    write(path, pa.table(columns), count)


def write(path: Path, table: pa.Table, rows: int, planes: int = 1) -> None:
    """Writes a table as the program does."""
    groups = math.ceil(rows / planes / GROUP_ROWS)
    pq.write_table(
        table,
        path,
        compression="zstd",
        row_group_size=math.ceil(rows / planes / groups) * planes,
        write_page_index=True,
        max_rows_per_page=PAGE_ROWS,
        use_dictionary=[name for name in table.column_names if name not in PLAIN],
    )


def enlarge(dataset: Path, rows: int) -> None:
    """Repeats the rows of the tables, with other names of experiments, up to `rows` sites."""
    sites = pq.read_table(dataset / "metadata.parquet")
    channels = pq.read_table(dataset / "channels.parquet").num_rows
    plates = pq.read_table(dataset / "plates.parquet")
    planes = coarse(pq.read_table(dataset / "planes.parquet"))
    times = math.ceil(rows / sites.num_rows)
    repeated(dataset / "metadata.parquet", sites, times, sites.num_rows, 1)
    repeated(dataset / "plates.parquet", plates, times, sites.num_rows, None)
    repeated(dataset / "planes.parquet", planes, times, sites.num_rows, channels)
    root = dataset / "images.zarr" / "zarr.json"
    metadata = json.loads(root.read_text())
    for name in ("images", "overview"):
        metadata["consolidated_metadata"]["metadata"][name]["shape"][0] = times * sites.num_rows
    root.write_text(json.dumps(metadata))


def coarse(planes: pa.Table) -> pa.Table:
    """Makes statistics that need little room on the disk: the size of the footer and the number
    of pages, which count here, stay as they are."""
    for at, field in enumerate(planes.schema):
        column = planes[field.name]
        if pa.types.is_float64(field.type):
            column = pa.array(np.round(column.to_numpy()))
        elif field.name == "xxh3_128":
            column = pa.array([f"{number % 4096:032x}" for number in range(planes.num_rows)])
        elif field.name in ("sum", "sum_of_squares"):
            column = pa.array(column.to_numpy() % 100)
        planes = planes.set_column(at, field, column)
    return planes


def repeated(path: Path, table: pa.Table, times: int, sites: int, planes: int | None) -> None:
    rows = 1 if planes is None else planes
    groups = math.ceil(times * sites / GROUP_ROWS)
    size = table.num_rows * times if planes is None else math.ceil(times * sites / groups) * rows
    writer = pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        write_page_index=True,
        max_rows_per_page=PAGE_ROWS,
        use_dictionary=[name for name in table.column_names if name not in PLAIN],
    )
    with writer:
        waiting: list[pa.Table] = []
        for turn in range(times):
            waiting.append(turned(table, turn, sites))
            whole = pa.concat_tables(waiting)
            while whole.num_rows >= size:
                writer.write_table(whole.slice(0, size), row_group_size=size)
                whole = whole.slice(size)
            waiting = [whole]
        if waiting[0].num_rows:
            writer.write_table(waiting[0], row_group_size=size)


def turned(table: pa.Table, turn: int, sites: int) -> pa.Table:
    """Gives the rows of a repetition other names and numbers."""
    if turn == 0:
        return table
    for at, name in enumerate(table.column_names):
        column = table[name]
        if name in ("site_index", "first_site"):
            table = table.set_column(
                at, table.field(at), pa.array(column.to_numpy() + np.int32(turn * sites))
            )
        elif name in ("experiment", "site_id", "well_id"):
            texts = [f"R{turn}-{text}" for text in column.to_pylist()]
            table = table.set_column(at, table.field(at), pa.array(texts))
    return table


def measured(name: str, dataset: Path, page: Path, chromium: str) -> dict[str, str]:
    line = Line(LATENCY_S, BYTES_PER_S)
    plate = "/".join(PLATE)
    with serve(dataset, line) as address:
        script = page / "page_times.mjs"
        shutil.copy(Path(__file__).with_name("page_times.mjs"), script)
        command = ["node", script, chromium, f"{address}/index.html", plate, "sirna_id", "1108"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {done.stderr}")
    found = json.loads(done.stdout)
    counted = ("requests", "megabytes")
    row = {"dataset": name}
    for key, value in found.items():
        digits = 0 if key.startswith(counted) else 1
        row[key.replace("_", " ")] = f"{value:.{digits}f}"
    return row


if __name__ == "__main__":
    main()
