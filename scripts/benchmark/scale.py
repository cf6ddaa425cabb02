"""Whether memory stays flat however many sites there are. `scripts/bench scale` starts it."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import report
import tree
from driver import CODECS, REPOSITORY, machine, say

SAMPLE_SECONDS = 0.2
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""When, as shares of the whole time, the table says how much memory is in use."""
STORED_OVER_PNG = {"blosc-zstd": 1.55, "zstd": 1.6, "blosc-lz4": 1.9, "delta-zstd": 1.2}
"""A little more than each codec stores."""


@dataclass(frozen=True)
class Run:
    sites: int
    seconds: float
    resident: list[int]
    """Bytes in use, sampled at equal times."""
    peak: int
    """As the system keeps it for the program alone, last seen a sample before its end:
    what is reported at the end counts the memory of this script, too, which linked
    the tree and started it."""


def convert(command: list[str | Path], sites: int) -> Run:
    began = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    resident: list[int] = []
    peak = 0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            status = status_bytes(process.pid)
            if now := status.get("VmRSS"):
                resident.append(now)
                peak = status["VmHWM"]

    sampler = threading.Thread(target=sample)
    sampler.start()
    _, status = os.waitpid(process.pid, 0)
    seconds = time.perf_counter() - began
    done.set()
    sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"error: exit code {process.returncode} from the conversion of {sites} sites")
    return Run(sites, seconds, resident, peak)


def status_bytes(pid: int) -> dict[str, int]:
    """What the system says of a process in kilobytes, in bytes; nothing once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines if line.endswith(" kB")]
    return {name.rstrip(":"): int(number) * 1024 for name, number, _ in words}


def during(run: Run, share: float) -> str:
    """The most since the share before: single samples hit valleys."""
    start = max((earlier for earlier in SHARES if earlier < share), default=0.0)
    count = len(run.resident)
    samples = run.resident[int(start * count) : max(1, int(share * count))]
    return f"{max(samples, default=0) / 2**20:.0f}"


def rows(runs: list[Run]) -> list[list[str]]:
    return [
        [
            f"{run.sites}",
            f"{run.sites / run.seconds:.0f}",
            *(during(run, share) for share in SHARES),
            f"{run.peak / 2**20:.0f}",
            f"{run.peak / runs[0].peak:.2f}",
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
        return convert([program, "convert", images, output, *options], sites)
    finally:
        shutil.rmtree(images)
        shutil.rmtree(output, ignore_errors=True)


if __name__ == "__main__":
    main()
