"""Times conversions, floors and reads on one tree, in one go. `scripts/bench` starts it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import measure
import report
import tree
from report import Result

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
CODECS = ("blosc-zstd", "zstd", "blosc-lz4", "delta-zstd")
TENSORSTORE_CODECS = CODECS[:3]
SAMPLE_SITES = 24
# zarr-python 3.1 warns of `numcodecs.delta` whenever it is opened.
PYTHON = (sys.executable, "-W", "ignore:Numcodecs codecs")
FLOORS = (
    *("cargo", "bench", "--quiet", "--locked", "--manifest-path", REPOSITORY / "Cargo.toml"),
    *("--package", "rxrx-decoder", "--bench", "floors"),
)
PACKAGES = ("tensorstore", "zarr", "numcodecs", "numpy", "opencv-python-headless")

NOTES = """\
Sites a second are medians of runs in which all contestants took turns, with the slowest
and the fastest in brackets. The page cache is warm, and what was written is synced in
between. `rxrx2zarr` is timed from start to exit, and also writes both tables, statistics,
hashes and SHA256SUMS; the peers write pixels only, and their imports are not counted.
"Of the best peer" compares within a codec; a store a site is Recursion's recipe (Zarr 2,
uint16). The floor is `read+inflate`, with libdeflate. Memory is the largest resident set
or, with *, the largest sum of the proportional sets of a pool of processes."""


@dataclass(frozen=True)
class Settings:
    scratch: Path
    binaries: Path
    jobs: int
    runs: int
    codecs: tuple[str, ...]
    sites: int
    other: Path | None
    """A second rxrx2zarr, to compare two versions."""

    @property
    def tree(self) -> Path:
        return self.scratch / "tree"

    def dataset(self, codec: str) -> Path:
        """Our output, which stays for the reads."""
        return self.scratch / f"ours-{codec}"


@dataclass(frozen=True)
class Contestant:
    """Something that converts the tree."""

    name: str
    codec: str
    command: Sequence[str | Path]
    output: Path
    array: Path
    """Where a check finds the array, or the folder of stores."""
    ours: Path | None = None
    """Our array of the same codec, whose layout it must have."""
    pooled: bool = False


@dataclass
class Tally:
    """What the runs of one contestant came to."""

    rates: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    stored_bytes: int | None = None


def contestants(settings: Settings) -> list[Contestant]:
    """Ours first, so that the peers' layout can be compared with it."""
    found: list[Contestant] = []
    for codec in settings.codecs:
        found.append(ours(settings, codec))
        if settings.other:
            found.append(other(settings, settings.other, codec))
        if codec in TENSORSTORE_CODECS:
            found.append(peer(settings, "tensorstore", "tensorstore + OpenCV", codec, pooled=False))
        found.append(peer(settings, "zarr-python", "zarr-python + OpenCV", codec, pooled=True))
    found.append(recipe(settings))
    return found


def ours(settings: Settings, codec: str) -> Contestant:
    output = settings.dataset(codec)
    command = conversion(settings, settings.binaries / "rxrx2zarr", codec, output)
    return Contestant(report.OURS, codec, command, output, output / "images.zarr" / "images")


def other(settings: Settings, program: Path, codec: str) -> Contestant:
    output = settings.scratch / "other"
    command = conversion(settings, program, codec, output)
    array = output / "images.zarr" / "images"
    like = settings.dataset(codec) / "images.zarr" / "images"
    return Contestant(report.OTHER, codec, command, output, array, like)


def conversion(settings: Settings, program: Path, codec: str, output: Path) -> list[str | Path]:
    return [
        *(program, "convert", settings.tree, output, "--quiet"),
        *("--codec", codec, "--jobs", str(settings.jobs)),
    ]


def peer(settings: Settings, key: str, name: str, codec: str, pooled: bool) -> Contestant:
    output = settings.scratch / "peer"
    like = settings.dataset(codec) / "images.zarr" / "images"
    command = peer_command(settings, key, codec, output)
    return Contestant(name, codec, command, output, output, like, pooled)


def recipe(settings: Settings) -> Contestant:
    output = settings.scratch / "peer"
    command = peer_command(settings, "store-per-site", "", output)
    return Contestant("store a site + OpenCV", "", command, output, output, pooled=True)


def peer_command(settings: Settings, key: str, codec: str, output: Path) -> list[str | Path]:
    return [
        *(*PYTHON, HERE / "peers.py", key, settings.tree, output),
        *("--codec", codec, "--jobs", str(settings.jobs)),
    ]


def run_all(settings: Settings) -> list[Result]:
    floors: defaultdict[str, Tally] = defaultdict(Tally)
    field_of = contestants(settings)
    tallies = [Tally() for _ in field_of]
    for run in range(1, settings.runs + 1):
        measure_floors(settings, floors)
        for contestant, tally in zip(field_of, tallies, strict=True):
            say(f"run {run} of {settings.runs}: convert by {contestant.name} {contestant.codec}")
            measure_contestant(settings, contestant, tally, check=run == 1)
    results = [Result(name, "", tally.rates) for name, tally in floors.items()]
    for contestant, tally in zip(field_of, tallies, strict=True):
        measured = (tally.rates, tally.stored_bytes, tally.peak_bytes)
        results.append(Result(contestant.name, contestant.codec, *measured, contestant.pooled))
    return results


def measure_floors(settings: Settings, floors: dict[str, Tally]) -> None:
    say("floors")
    command = [*FLOORS, "--", settings.tree, "--jobs", str(settings.jobs), "--json"]
    for line in measure.run(command).output.splitlines():
        stage = json.loads(line)
        if stage["files"] != settings.sites * tree.CHANNELS:
            sys.exit(f"error: the floors read {stage['files']} files of another tree")
        floors[stage["stage"]].rates.append(settings.sites / stage["seconds"])


def measure_contestant(
    settings: Settings, contestant: Contestant, tally: Tally, check: bool
) -> None:
    shutil.rmtree(contestant.output, ignore_errors=True)
    os.sync()
    measured = measure.run(contestant.command, contestant.pooled)
    own_time = contestant.name not in (report.OURS, report.OTHER)
    seconds = json.loads(measured.output)["seconds"] if own_time else measured.seconds
    tally.rates.append(settings.sites / seconds)
    tally.peak_bytes.append(measured.peak_bytes)
    tally.stored_bytes = tree.stored_bytes(contestant.output)
    if check:
        like = ["--ours", contestant.ours] if contestant.ours else []
        command = [*PYTHON, HERE / "check.py", settings.tree, contestant.array, *like]
        measure.run(command)


def read_all(settings: Settings) -> list[Result]:
    """Each way to read, of our output in each codec, against the PNGs."""
    trials = [("six PNGs, OpenCV", settings.codecs[0], "")]
    for codec in settings.codecs:
        trials.append(("zarr-python", codec, codec))
        if codec in TENSORSTORE_CODECS:
            trials.append(("tensorstore", codec, codec))
        trials.append(("byte range", codec, codec))
    rates: list[list[float]] = [[] for _ in trials]
    for codec in settings.codecs:
        warm(settings.dataset(codec))
    for run in range(1, settings.runs + 1):
        for (method, codec, label), found in zip(trials, rates, strict=True):
            say(f"run {run} of {settings.runs}: reads by {method} {label}")
            where = [settings.tree, settings.dataset(codec), codec]
            command = [*PYTHON, HERE / "reads.py", method, *where]
            found.append(json.loads(measure.run(command).output)["sites_per_second"])
    return [
        Result(method, label, found)
        for (method, _, label), found in zip(trials, rates, strict=True)
    ]


def warm(folder: Path) -> None:
    """Into the page cache: rxrx2zarr writes shards past it, as the peers do not."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass


def build() -> None:
    """Builds what is measured; cargo finds the target folder as `main` does."""
    package = ["cargo", "build", "--release", "--locked", "--package", "rxrx2zarr"]
    for command in (package, [*FLOORS, "--no-run"]):
        subprocess.run(command, cwd=REPOSITORY, check=True)


def prepare(settings: Settings, png: Path | None) -> str:
    """Makes the tree; says what its files are."""
    if png is None:
        png = settings.scratch / "sample"
        sites = str(SAMPLE_SITES)
        command = [settings.binaries / "rxrx2zarr", "sample", png, "--sites", sites, "--quiet"]
        measure.run(command)
        origin = f"the files of `rxrx2zarr sample --sites {sites}`"
    else:
        origin = f"the files in `{png}`"
    tree.build(png.resolve(), settings.tree, settings.sites)
    return origin


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), "")
    return model or platform.machine()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Times rxrx2zarr, its peers and its floors on one tree; prints Markdown.",
    )
    add = parser.add_argument
    add("--png", type=Path, help="folder of PNGs to link; default: what `rxrx2zarr sample` makes")
    add("--sites", type=int, default=616, help="sites in the tree; default: 616, a full plate")
    add("--jobs", type=int, default=os.cpu_count(), help="threads or processes; default: all cores")
    add("--runs", type=int, default=3, help="runs of each contestant; default: 3")
    add("--codecs", nargs="+", choices=CODECS, default=CODECS, help="default: all")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/bench")
    add("--against", type=Path, help="another rxrx2zarr, such as an older one, to compare with")
    add("--keep", action="store_true", help="leave the scratch folder")
    add("--json", type=Path, help="also write every figure to this file")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    settings = Settings(
        scratch=(chosen.dir or target / "bench").resolve(),
        binaries=target / "release",
        jobs=chosen.jobs,
        runs=chosen.runs,
        codecs=tuple(chosen.codecs),
        sites=chosen.sites,
        other=chosen.against,
    )
    if settings.scratch.exists():
        sys.exit(f"error: {settings.scratch} exists; remove it, or choose another --dir")
    build()
    settings.scratch.mkdir(parents=True)
    try:
        bench(settings, chosen.png, chosen.json)
    finally:
        if not chosen.keep:
            shutil.rmtree(settings.scratch)


def bench(settings: Settings, png: Path | None, json_file: Path | None) -> None:
    origin = prepare(settings, png)
    png_bytes = tree.stored_bytes(settings.tree / "images")
    results = run_all(settings)
    reads = read_all(settings)
    kilobytes = png_bytes / settings.sites / tree.CHANNELS / 1000
    packages = {name: version(name) for name in PACKAGES}
    print(f"{settings.sites} sites, linked to {origin}, {kilobytes:.0f} kB a file.")
    print(f"{settings.jobs} of {os.cpu_count()} cores, {machine()}, {settings.runs} runs.")
    print(", ".join(f"{name} {number}" for name, number in packages.items()), end=".\n\n")
    print(report.conversions(results, png_bytes), end="\n\n")
    print(NOTES, end="\n\n")
    print("Single sites in random order, one thread:\n")
    print(report.reads(reads))
    if json_file:
        figures = {
            "machine": machine(),
            "jobs": settings.jobs,
            "packages": packages,
            "png_bytes": png_bytes,
            "conversions": [asdict(result) for result in results],
            "reads": [asdict(result) for result in reads],
        }
        json_file.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
