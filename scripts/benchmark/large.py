"""Whether memory stays bounded with large images. `scripts/bench large` starts it.

Makes sites of six planes of 2048 x 2048 pixels of 16 bits, as large as those of RxRx3, with
cells and shot noise. A few sites are made, the others are hard links of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import zarr
from PIL import Image

import measure
import report
from driver import REPOSITORY, machine, say

SIDE = 2048
CHANNELS = 6
MADE = 4
"""Sites that are made."""
MEMORY = 1 << 30
"""The default of --memory."""
OVERHEAD = 128 << 20
"""What a process may have beside that: the program, the table, what the allocator keeps."""
GRACE = 5.0
FORMER_LAYOUT = ("--chunk-channels", str(CHANNELS), "--shard-sites", "64")
"""The layout for all sizes of images, before bytes decided it."""


def plane(site: int, channel: int, side: int = SIDE) -> np.ndarray:
    """Cells on a dim background, with the noise of photons and of the camera."""
    random = np.random.default_rng([site, channel])
    light = np.ones((side, side), np.float32)
    radius = (9, 26, 22, 18, 24, 28)[channel % 6]
    y, x = np.mgrid[-3 * radius : 3 * radius + 1, -3 * radius : 3 * radius + 1]
    cell = np.exp(-(x**2 + y**2) / radius**2).astype(np.float32)
    for _ in range(max(4, side * side // 6000)):
        top, left = random.integers(0, side - len(cell), 2)
        light[top : top + len(cell), left : left + len(cell)] += cell * random.gamma(3, 0.7)
    electrons = 330 * light
    noise = np.sqrt(electrons + 1) * random.standard_normal(light.shape, np.float32)
    return np.clip(110 + 8 * (electrons + noise), 0, 65535).astype(np.uint16)


def tree(folder: Path, sites: int, side: int = SIDE) -> None:
    """Makes a tree of so many sites and its table."""
    rows = ["experiment,plate,well,site"]
    for site in range(sites):
        plate, well = 1 + site // 1320, site % 1320
        name = f"{chr(ord('A') + well // 48 % 26)}{well % 48 + 1:02}"
        rows.append(f"large-1,{plate},{name},1")
        for channel in range(CHANNELS):
            path = folder / f"large-1/Plate{plate}/{name}_s1_w{channel + 1}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            source = folder / f"made/{site % MADE}_{channel}.png"
            if not source.exists():
                source.parent.mkdir(exist_ok=True)
                image = Image.fromarray(plane(site, channel, side))
                image.save(source, compress_level=1)
            path.hardlink_to(source)
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    shutil.rmtree(folder / "made")


def plane_seconds(dataset: Path) -> float:
    """The least processor time in which zarr-python reads one plane of an open dataset."""
    images = zarr.open_array(dataset / "images.zarr/images", mode="r")
    times = []
    for site in range(8):
        began = time.process_time()
        images[site, 3]
        times.append(time.process_time() - began)
    return min(times)


def interrupted(command: list[str], after: float) -> float:
    """Seconds from Ctrl-C to the end of the process."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(after)
    if process.poll() is not None:
        sys.exit("error: the conversion ended before it could be interrupted")
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    if (code := process.wait()) != 130:
        sys.exit(f"error: exit code {code} after Ctrl-C, expected 130")
    return time.perf_counter() - began


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench large",
        description="Converts and verifies large images; prints memory and times as Markdown.",
    )
    add = parser.add_argument
    add("--sites", type=int, default=128, help="default: 128 (40 MB of output each)")
    add("--jobs", type=int, nargs="+", default=[2, 8, 16], help="default: 2 8 16")
    add("--program", type=Path, help="default: built from this repository")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/large")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    scratch = (chosen.dir or target / "large").resolve()
    program = chosen.program
    if program is None:
        build = ("cargo", "build", "--release", "--locked", "--package", "rxrx2zarr")
        subprocess.run(build, cwd=REPOSITORY, check=True)
        program = target / "release/rxrx2zarr"
    scratch.mkdir(parents=True)
    try:
        measure_all(chosen, program.resolve(), scratch)
    finally:
        shutil.rmtree(scratch)


def measure_all(chosen: argparse.Namespace, program: Path, scratch: Path) -> None:
    say(f"making {chosen.sites} sites")
    images, output = scratch / "images", scratch / "output"
    tree(images, chosen.sites)
    convert = [str(program), "convert", str(images), str(output), "--quiet"]
    rows, too_much = [], []
    for jobs in chosen.jobs:
        for words in (convert, [str(program), "verify", str(output), "--quiet"]):
            say(f"{words[1]}, {jobs} jobs")
            measured = measure.run([*words, "--jobs", str(jobs)])
            rows.append([words[1], f"{jobs}", *cells(chosen.sites, measured)])
            if measured.peak_bytes > MEMORY + OVERHEAD:
                too_much.append(f"{words[1]} with {jobs} jobs")
        if jobs != chosen.jobs[-1]:
            shutil.rmtree(output)
    print(f"{chosen.sites} sites of {SIDE} x {SIDE} x 16 bit, {machine()}:\n")
    print(report.table(["command", "jobs", "s", "sites/s", "peak MiB"], rows))

    now = plane_seconds(output)
    shutil.rmtree(output)
    few = scratch / "few"
    tree(few, 8)
    former = [str(program), "convert", str(few), str(output), "--quiet", *FORMER_LAYOUT]
    subprocess.run(former, check=True)
    then = plane_seconds(output)
    shutil.rmtree(output)
    print(
        f"\nOne plane by zarr-python: {now * 1000:.0f} ms of processor time; "
        f"with all channels in a chunk {then * 1000:.0f} ms, {then / now:.1f} times as long."
    )
    seconds = interrupted(convert, after=4.0)
    print(f"Ctrl-C: ended after {seconds:.1f} s.")
    if too_much:
        sys.exit(f"error: more than {(MEMORY + OVERHEAD) >> 20} MiB: {', '.join(too_much)}")
    if seconds > GRACE + 2:
        sys.exit(f"error: Ctrl-C took {seconds:.1f} s")


def cells(sites: int, measured: measure.Measured) -> list[str]:
    return [
        f"{measured.seconds:.0f}",
        f"{sites / measured.seconds:.1f}",
        f"{measured.peak_bytes / 2**20:.0f}",
    ]


if __name__ == "__main__":
    main()
