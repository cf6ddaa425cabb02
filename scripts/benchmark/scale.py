"""Whether memory stays flat however many sites there are. `scripts/bench scale` starts it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import measure
import report
import tree
from driver import CODECS, REPOSITORY, machine, say
from measure import Measured

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""When, as shares of the whole time, the table says how much memory is in use."""
STORED_OVER_PNG = {"blosc-zstd": 1.55, "zstd": 1.6, "blosc-lz4": 1.9, "delta-zstd": 1.2}
"""A little more than each codec stores."""


@dataclass(frozen=True)
class Run:
    sites: int
    measured: Measured


def during(run: Run, share: float) -> str:
    """The most since the share before: single samples hit valleys."""
    start = max((earlier for earlier in SHARES if earlier < share), default=0.0)
    resident = run.measured.resident
    count = len(resident)
    samples = resident[int(start * count) : max(1, int(share * count))]
    return f"{max(samples, default=0) / 2**20:.0f}"


def rows(runs: list[Run]) -> list[list[str]]:
    return [
        [
            f"{run.sites}",
            f"{run.sites / run.measured.seconds:.0f}",
            *(during(run, share) for share in SHARES),
            f"{run.measured.peak_bytes / 2**20:.0f}",
            f"{run.measured.peak_bytes / runs[0].measured.peak_bytes:.2f}",
        ]
        for run in runs
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench scale",
        description="Converts few sites and many; prints memory in use over time as Markdown.",
    )
    add = parser.add_argument
    add("--png", type=Path, required=True, help="folder of PNGs to link")
    add("--sites", type=int, nargs="+", default=[616, 20_000], help="default: 616 20000")
    add("--jobs", type=int, default=2, help="threads; default: 2")
    add("--codec", choices=CODECS, default=CODECS[0], help=f"default: {CODECS[0]}")
    add("--leave", type=float, default=15.0, help="GB of disk to leave free; default: 15")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/scale")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "scale").resolve()
    if scratch.exists():
        sys.exit(f"error: {scratch} exists; remove it, or choose another --dir")
    build = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
    subprocess.run(build, cwd=REPOSITORY, check=True)
    scratch.mkdir(parents=True)
    try:
        runs = [run(chosen, target, scratch, sites) for sites in chosen.sites]
    finally:
        shutil.rmtree(scratch)
    print(f"{chosen.codec}, {chosen.jobs} threads, {machine()}; MiB in use at most:\n")
    during_cells = (f"to {share:.0%} of the time" for share in SHARES)
    header = ["sites", "sites/s", *during_cells, "peak", "over the first"]
    print(report.table(header, rows(runs)))


def run(chosen: argparse.Namespace, target: Path, scratch: Path, sites: int) -> Run:
    images, output = scratch / "tree", scratch / "output"
    say(f"linking {sites} sites")
    tree.build(chosen.png.resolve(), images, sites)
    stored = STORED_OVER_PNG[chosen.codec] * tree.stored_bytes(images / "images")
    needed = stored + chosen.leave * 1e9
    if (free := shutil.disk_usage(scratch).free) < needed:
        sys.exit(
            f"error: {needed / 1e9:.0f} GB needed on the disk of {scratch}, {free / 1e9:.0f} free; "
            "take fewer --sites, or another --dir"
        )
    say(f"converting {sites} sites")
    program = target / "release" / "rxrx2zarr"
    options = ("--quiet", "--codec", chosen.codec, "--jobs", str(chosen.jobs))
    try:
        return Run(sites, measure.run([program, "convert", images, output, *options]))
    finally:
        shutil.rmtree(images)
        shutil.rmtree(output, ignore_errors=True)


if __name__ == "__main__":
    main()
