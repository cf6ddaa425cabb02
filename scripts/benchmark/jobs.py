"""A conversion in parts against one of one process. `scripts/bench jobs` starts it."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import report
import tree
from driver import CODECS, REPOSITORY, machine, say, warm


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench jobs",
        description="Converts a tree by one process and by workers with one thread each, in turns; "
        "plan and seal count. Prints seconds as Markdown.",
    )
    add = parser.add_argument
    add("--png", type=Path, required=True, help="folder of PNGs to link")
    add("--sites", type=int, default=8 * tree.SITES_PER_PLATE, help="default: eight plates")
    add("--workers", type=int, default=2, help="processes, and threads of the one; default: 2")
    add("--runs", type=int, default=3, help="runs of each; default: 3")
    add("--codec", choices=CODECS, default=CODECS[0], help=f"default: {CODECS[0]}")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/jobs")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "jobs").resolve()
    if scratch.exists():
        sys.exit(f"error: {scratch} exists; remove it, or choose another --dir")
    build = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
    subprocess.run(build, cwd=REPOSITORY, check=True)
    scratch.mkdir(parents=True)
    try:
        print(compare(chosen, target / "release" / "rxrx2zarr", scratch))
    finally:
        shutil.rmtree(scratch)


def compare(chosen: argparse.Namespace, program: Path, scratch: Path) -> str:
    images = scratch / "tree"
    say(f"linking {chosen.sites} sites")
    tree.build(chosen.png.resolve(), images, chosen.sites)
    warm(images)
    workers, options = str(chosen.workers), ("--codec", chosen.codec)
    in_parts = REPOSITORY / "scripts" / "cluster" / "xargs"
    ways: dict[str, list[str | Path]] = {
        "one process": [program, "convert", images, scratch / "one", *options, "--jobs", workers],
        "in parts": [in_parts, workers, images, scratch / "parts", *options],
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(chosen.runs):
        for way, command in ways.items():
            say(f"run {number + 1}: {way}")
            seconds[way].append(timed(command, program))
        same = subprocess.run(["diff", "-rq", scratch / "one", scratch / "parts"], check=False)
        if same.returncode != 0:
            sys.exit("error: the two datasets differ")
        for output in ("one", "parts"):
            shutil.rmtree(scratch / output)
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    rows = [
        [
            way,
            " ".join(f"{time:.1f}" for time in times),
            f"{chosen.sites / medians[way]:.0f}",
            f"{medians['one process'] / medians[way]:.3f}",
        ]
        for way, times in seconds.items()
    ]
    title = f"{chosen.sites} sites, {chosen.codec}, {chosen.workers} workers, {machine()}\n\n"
    return title + report.table(["way", "seconds", "sites/s", "speed"], rows)


def timed(command: list[str | Path], program: Path) -> float:
    began = time.perf_counter()
    environment = {**os.environ, "RXRX2ZARR": str(program)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: exit code {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
