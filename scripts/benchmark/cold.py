"""What it costs when no image is in the page cache. `scripts/bench cold` starts it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import measure
import report
import tree
from driver import CODECS, REPOSITORY, machine, say
from report import Result

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def copy_links(folder: Path) -> None:
    """Gives every file blocks of its own: links share their pages."""
    for path in sorted(folder.rglob("*.png")):
        alone = path.with_suffix(".alone")
        shutil.copyfile(path, alone)
        alone.replace(path)
    os.sync()


def forget(folder: Path) -> str:
    """Drops the folder from the page cache; says what else went with it."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        DROP_CACHES.write_text("3\n")
    except OSError:
        return "pages were dropped, but not the names of files: that takes root"
    return "pages and the names of files were dropped"


def measure_way(chosen: argparse.Namespace, scratch: Path, command: list[str | Path]) -> float:
    """Sites a second of one conversion."""
    shutil.rmtree(scratch / "output", ignore_errors=True)
    os.sync()
    return chosen.sites / measure.run(command).seconds


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench cold",
        description="Converts a tree that is in the page cache and one that is not; "
        "prints Markdown.",
    )
    add = parser.add_argument
    add("--png", type=Path, required=True, help="folder of PNGs to copy")
    add("--sites", type=int, default=616, help="default: 616")
    add("--jobs", type=int, nargs="+", default=[1, 2], help="threads; default: 1 and 2")
    add("--runs", type=int, default=3, help="runs of each; default: 3")
    add("--codec", choices=CODECS, default=CODECS[0], help=f"default: {CODECS[0]}")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/cold")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "cold").resolve()
    if scratch.exists():
        sys.exit(f"error: {scratch} exists; remove it, or choose another --dir")
    build = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
    subprocess.run(build, cwd=REPOSITORY, check=True)
    scratch.mkdir(parents=True)
    try:
        bench(chosen, target, scratch)
    finally:
        shutil.rmtree(scratch)


def bench(chosen: argparse.Namespace, target: Path, scratch: Path) -> None:
    images = scratch / "tree"
    say(f"copying {chosen.sites} sites")
    tree.build(chosen.png.resolve(), images, chosen.sites)
    copy_links(images)
    rates: dict[tuple[int, str], list[float]] = {
        (jobs, cache): [] for jobs in chosen.jobs for cache in ("warm", "cold")
    }
    dropped = ""
    for number in range(1, chosen.runs + 1):
        for (jobs, cache), found in rates.items():
            say(f"run {number} of {chosen.runs}: {jobs} threads, {cache}")
            if cache == "cold":
                dropped = forget(images)
            else:
                for path in images.rglob("*.png"):
                    path.read_bytes()
            program = target / "release" / "rxrx2zarr"
            options = ("--quiet", "--codec", chosen.codec, "--jobs", str(jobs))
            command = [program, "convert", images, scratch / "output", *options]
            found.append(measure_way(chosen, scratch, command))
    print(f"{chosen.sites} sites, each file on its own blocks, {chosen.codec}, {machine()};")
    print(f"cold: {dropped}.\n")
    lines = [
        [
            str(jobs),
            report.rate_cell(warm := Result("", "", rates[jobs, "warm"])),
            report.rate_cell(cold := Result("", "", rates[jobs, "cold"])),
            f"{cold.rate / warm.rate:.2f}",
        ]
        for jobs in chosen.jobs
    ]
    print(report.table(["threads", "warm, sites/s", "cold, sites/s", "cold / warm"], lines))


if __name__ == "__main__":
    main()
