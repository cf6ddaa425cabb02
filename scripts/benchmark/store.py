"""What a bucket costs, to write to and to read from. `scripts/bench --store s3` starts it.

The server runs on the same machine, and takes processor time from everybody.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import measure
import report
import tree
from driver import CODECS, HERE, PYTHON, REPOSITORY, SAMPLE_SITES, machine, say
from report import Result

# The benchmark starts the same servers as the tests.
sys.path.insert(0, str(REPOSITORY / "tests" / "python"))

from servers.bucket import Bucket
from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, SeaweedFS, seaweedfs
from servers.process import program

READERS = (
    *("zarr-obstore", "zarr-fsspec", "xarray-obstore", "xarray-fsspec", "tensorstore"),
    *("byte range", "six PNGs, OpenCV"),
)
DATASET = "rxrx1"
PNGS = "png"

NOTES = """\
Seconds are medians of runs in which all ways took turns, with the fastest and the slowest in
brackets; `×` compares with the first line of its block. The page cache is warm. SeaweedFS runs
on the same machine; it is started anew, and empty, for every run. Disk is what lies in the
scratch folder at the end of a way, beside what it began with; memory is the largest resident
set of any of its programs."""


@dataclass(frozen=True)
class Settings:
    scratch: Path
    ours: Path
    """The program."""
    jobs: int
    runs: int
    codec: str
    sites: int

    @property
    def tree(self) -> Path:
        return self.scratch / "tree"

    @property
    def archive(self) -> Path:
        return self.scratch / "images.zip"

    @property
    def work(self) -> Path:
        """What a way writes to the disk."""
        return self.scratch / "work"

    @property
    def table(self) -> Path:
        return self.tree / "metadata.csv"

    def convert(self, source: Path, output: Path | str) -> list[str | Path]:
        settings = ("--codec", self.codec, "--jobs", str(self.jobs), "--quiet")
        return [self.ours, "convert", source, output, "--metadata", self.table, *settings]


Command = Sequence[str | Path]


@dataclass
class Way:
    """Commands, one after the other, that leave a dataset on the disk or in the bucket."""

    name: str
    commands: Sequence[Command]
    seconds: list[float] = field(default_factory=list)
    memory: int = 0
    disk: int = 0


def to_the_bucket(settings: Settings) -> list[Way]:
    output = settings.work / "dataset"
    bucket = f"s3://{DATASET}/{DATASET}"
    rclone = [program("rclone"), "copy", output, f":s3:{DATASET}/{DATASET}", *rclone_options()]
    return [
        Way("convert to the bucket", [settings.convert(settings.tree, bucket)]),
        Way(
            "convert to disk, `rclone copy`",
            [settings.convert(settings.tree, output), rclone],
        ),
        Way(
            "convert to disk, `rxrx2zarr publish`",
            [settings.convert(settings.tree, output), [settings.ours, "publish", output, bucket]],
        ),
        Way("convert the zip to the bucket", [settings.convert(settings.archive, bucket)]),
    ]


def rclone_options() -> list[str]:
    """As quick as it gets: one list, in place of a question for each file; many at once."""
    return ["--s3-provider=Other", "--s3-env-auth", "--fast-list", "--transfers=16"]


def from_the_archive(settings: Settings) -> list[Way]:
    output, unzipped = settings.work / "dataset", settings.work / "unzipped"
    unzip = ["unzip", "-q", settings.archive, "-d", unzipped]
    return [
        Way("convert the folder", [settings.convert(settings.tree, output)]),
        Way("convert the zip", [settings.convert(settings.archive, output)]),
        Way("unzip, convert", [unzip, settings.convert(unzipped, output)]),
    ]


def take_turns(settings: Settings, blocks: Sequence[Sequence[Way]]) -> None:
    for run in range(1, settings.runs + 1):
        for way in (way for block in blocks for way in block):
            say(f"run {run} of {settings.runs}: {way.name}")
            with_server(settings, lambda _, way=way: go(settings, way))


def go(settings: Settings, way: Way) -> None:
    os.sync()
    measured = [measure.run(command) for command in way.commands]
    way.seconds.append(sum(one.seconds for one in measured))
    way.memory = max(way.memory, *(one.peak_bytes for one in measured))
    way.disk = tree.stored_bytes(settings.work)


def with_server(settings: Settings, do: Callable[[SeaweedFS], None]) -> None:
    """Does something while there is a server with an empty bucket."""
    folder = settings.scratch / "server"
    folder.mkdir()
    settings.work.mkdir()
    try:
        with seaweedfs(folder).running() as server:
            os.environ.update(
                AWS_ACCESS_KEY_ID=ACCESS_KEY,
                AWS_SECRET_ACCESS_KEY=SECRET_KEY,
                AWS_REGION=REGION,
                AWS_ENDPOINT_URL=server.endpoint,
                RCLONE_CONFIG=os.devnull,
                RCLONE_S3_ENDPOINT=server.endpoint,
            )
            Bucket(server.endpoint, DATASET).make()
            do(server)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(settings.work)


def read_all(settings: Settings) -> list[Result]:
    """Each reader of the bucket, of what lies there as a dataset and as PNGs."""
    results = [Result(name, settings.codec, []) for name in READERS]

    def read(server: SeaweedFS) -> None:
        bucket = Bucket(server.endpoint, DATASET)
        bucket.make_public()
        measure.run(settings.convert(settings.tree, f"s3://{DATASET}/{DATASET}"))
        bucket.put_tree(settings.tree, PNGS)
        for run in range(1, settings.runs + 1):
            for result in results:
                say(f"run {run} of {settings.runs}: reads by {result.name}")
                where = (settings.tree, server.endpoint, settings.codec)
                command = [*PYTHON, HERE / "store_reads.py", result.name, *where]
                output = measure.run(command).output
                result.rates.append(json.loads(output)["sites_per_second"])

    with_server(settings, read)
    return results


def ways_table(settings: Settings, ways: Sequence[Way]) -> str:
    first = median(ways[0].seconds)
    rows = [
        [
            way.name,
            f"{median(way.seconds):.1f} ({min(way.seconds):.1f}–{max(way.seconds):.1f})",
            f"{median(way.seconds) / first:.2f} ×",
            f"{settings.sites / median(way.seconds):.0f}",
            f"{way.disk / 2**20:.0f} MiB",
            f"{way.memory / 2**20:.0f} MiB",
        ]
        for way in ways
    ]
    return report.table(["", "seconds", "time", "sites/s", "disk", "memory"], rows)


def reads_table(results: Sequence[Result]) -> str:
    pngs = results[-1].rate
    rows = [
        [result.name, report.rate_cell(result), f"{result.rate / pngs:.1f} ×"] for result in results
    ]
    return report.table(["", "sites/s", "of six PNGs"], rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --store s3",
        description="Converts into a bucket and from an archive, and reads from the bucket; "
        "prints Markdown.",
    )
    add = parser.add_argument
    add("store", choices=["s3"], help=argparse.SUPPRESS)
    add("--png", type=Path, help="folder of PNGs to link; default: what `rxrx2zarr sample` makes")
    add("--sites", type=int, default=616, help="sites in the tree; default: 616, a full plate")
    add("--jobs", type=int, default=os.cpu_count(), help="threads; default: all cores")
    add("--runs", type=int, default=3, help="runs of each way; default: 3")
    add("--codec", choices=CODECS, default=CODECS[0], help=f"default: {CODECS[0]}")
    add("--program", type=Path, help="default: what cargo builds")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/store")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "store").resolve()
    if scratch.exists():
        sys.exit(f"error: {scratch} exists; remove it, or choose another --dir")
    ours = chosen.program or target / "release" / "rxrx2zarr"
    settings = Settings(scratch, ours, chosen.jobs, chosen.runs, chosen.codec, chosen.sites)
    if chosen.program is None:
        build = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
        subprocess.run(build, cwd=REPOSITORY, check=True)
    scratch.mkdir(parents=True)
    try:
        bench(settings, chosen.png)
    finally:
        shutil.rmtree(scratch)


def bench(settings: Settings, png: Path | None) -> None:
    if png is None:
        png = settings.scratch / "sample"
        sample = ("sample", png, "--sites", str(SAMPLE_SITES), "--quiet")
        measure.run([settings.ours, *sample])
    tree.build(png.resolve(), settings.tree, settings.sites)
    archived = shutil.make_archive(
        str(settings.archive.with_suffix("")), "zip", settings.tree, "images"
    )
    say(f"made {archived}")
    blocks = (to_the_bucket(settings), from_the_archive(settings))
    take_turns(settings, blocks)
    results = read_all(settings)
    print(f"{settings.sites} sites, {tree.stored_bytes(settings.tree / 'images') / 1e6:.0f} MB,")
    print(f"{settings.codec}, {settings.jobs} of {os.cpu_count()} cores, {machine()}.\n")
    for block in blocks:
        print(ways_table(settings, block), end="\n\n")
    print(NOTES, end="\n\n")
    print("Single sites in random order from the bucket, one thread, without credentials:\n")
    print(reads_table(results))


if __name__ == "__main__":
    main()
