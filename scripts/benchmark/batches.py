"""Times readers of random batches, all in turns. `scripts/bench --readers` starts it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean

import report
import tree
from driver import CODECS, PYTHON, TENSORSTORE_CODECS, machine, say, warm
from readers import BATCH, CODEC_ALONE, OTHERS, OURS, OURS_OUT, STORED
from readers_formats import MDS, MDS_PNG, WEBDATASET
from report import Result

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PACKAGES = (
    *("tensorstore", "zarr", "zarrs", "numcodecs", "mosaicml-streaming", "webdataset"),
    *("opencv-python-headless", "numpy"),
)
PROCESSOR = "sites_per_processor_second"
PROCESSES = 8
PROCESS_THREADS = 2
START_SECONDS = 15.0
"""In which several processes open the dataset and read one batch."""

NOTES = f"""\
Batches of {BATCH} random sites of one plate into an array (site, channel, y, x), in sites a
second: medians of runs in which all readers took turns, with the slowest and the fastest in
brackets. The page cache is warm; start and imports are not counted. `out=` reads into an array
that is used again; all others make a new one for each batch. "{CODEC_ALONE}" is numcodecs in a
loop over chunks in memory, into memory that is used again, without checksums. webdataset reads
samples in the order in which they are stored."""


@dataclass(frozen=True)
class Settings:
    scratch: Path
    codecs: tuple[str, ...]
    threads: tuple[int, ...]
    runs: int
    seconds: float
    sites: int
    unit: str
    """The name of the rate that is taken."""

    @property
    def tree(self) -> Path:
        return self.scratch / "tree"

    def dataset(self, codec: str) -> Path:
        return self.scratch / f"ours-{codec}"


@dataclass(frozen=True)
class Contestant:
    reader: str
    codec: str
    """Empty for readers of other formats."""
    threads: int


def contestants(settings: Settings) -> list[Contestant]:
    found = []
    for threads in settings.threads:
        for codec in settings.codecs:
            for reader in STORED:
                if reader == "tensorstore" and codec not in TENSORSTORE_CODECS:
                    continue
                found.append(Contestant(reader, codec, threads))
        found.extend(Contestant(reader, "", threads) for reader in OTHERS)
    return found


def command(settings: Settings, contestant: Contestant, *more: str) -> list[str]:
    codec = contestant.codec or settings.codecs[0]
    words = [
        *(*PYTHON, HERE / "readers.py", contestant.reader, settings.tree),
        *(settings.dataset(codec), codec, "--threads", contestant.threads),
        *("--seconds", settings.seconds, *more),
    ]
    return [str(word) for word in words]


def rate_of(settings: Settings, output: str) -> float:
    rate: float = json.loads(output)[settings.unit]
    return rate


def run_all(settings: Settings) -> dict[Contestant, list[float]]:
    rates: dict[Contestant, list[float]] = {each: [] for each in contestants(settings)}
    broken: set[Contestant] = set()
    for run in range(1, settings.runs + 1):
        for contestant, found in rates.items():
            if contestant in broken:
                continue
            name = f"{contestant.reader} {contestant.codec}, {contestant.threads} threads"
            say(f"run {run} of {settings.runs}: {name}")
            done = subprocess.run(
                command(settings, contestant), text=True, stdout=subprocess.PIPE, check=False
            )
            if done.returncode != 0:
                if contestant.reader in (OURS, OURS_OUT):
                    sys.exit(f"error: {name} failed")
                say(f"{name} failed, and is left out")
                broken.add(contestant)
                continue
            found.append(rate_of(settings, done.stdout))
    return {contestant: found for contestant, found in rates.items() if found}


def several_processes(settings: Settings) -> tuple[list[float], list[float]]:
    """Sites a second of one process with all threads, and of several together."""
    cores = os.cpu_count() or 1
    alone: list[float] = []
    together: list[float] = []
    for run in range(1, settings.runs + 1):
        say(f"run {run} of {settings.runs}: one process, then {PROCESSES}")
        whole = Contestant(OURS_OUT, settings.codecs[0], cores)
        done = subprocess.run(
            command(settings, whole), text=True, stdout=subprocess.PIPE, check=True
        )
        alone.append(rate_of(settings, done.stdout))
        part = Contestant(OURS_OUT, settings.codecs[0], PROCESS_THREADS)
        begin = ("--start-at", str(time.time() + START_SECONDS))
        processes = [
            subprocess.Popen(command(settings, part, *begin), text=True, stdout=subprocess.PIPE)
            for _ in range(PROCESSES)
        ]
        outputs = [process.communicate()[0] for process in processes]
        if any(process.returncode for process in processes):
            sys.exit("error: a process failed")
        rates = [rate_of(settings, output) for output in outputs]
        # A second of processor time is one of any process.
        together.append(mean(rates) if settings.unit == PROCESSOR else sum(rates))
    return alone, together


def table(rates: dict[Contestant, list[float]]) -> str:
    """One line a reader and codec, one column for each number of threads."""
    threads = sorted({contestant.threads for contestant in rates})
    lines = list(dict.fromkeys((each.reader, each.codec) for each in rates))
    lines.sort(key=lambda line: line[1])
    header = ["", "codec"]
    for count in threads:
        header += [f"{count} thread{'s' if count > 1 else ''}", "ours / this"]
    rows = []
    for reader, codec in lines:
        row = [f"**{reader}**" if reader in (OURS, OURS_OUT) else reader, codec]
        for count in threads:
            found = rates.get(Contestant(reader, codec, count))
            result = Result(reader, codec, found) if found else None
            ours = rates.get(Contestant(OURS, codec or next(iter(CODECS)), count))
            ratio = ""
            if result and ours and reader not in (OURS, OURS_OUT):
                ratio = f"{Result(OURS, codec, ours).rate / result.rate:.2f} ×"
            row += [report.rate_cell(result) if result else "", ratio]
        rows.append(row)
    return report.table(header, rows)


def prepare(settings: Settings, png: Path, program: Path) -> None:
    tree.build(png.resolve(), settings.tree, settings.sites)
    for codec in settings.codecs:
        say(f"convert to {codec}")
        output = settings.dataset(codec)
        convert = [program, "convert", settings.tree, output, "--codec", codec, "--quiet"]
        subprocess.run([str(word) for word in convert], check=True)
    say("write MDS and WebDataset")
    formats = [*PYTHON, str(HERE / "readers_formats.py"), str(settings.tree)]
    subprocess.run(formats, check=True)
    written = [settings.scratch / name for name in (MDS, MDS_PNG, WEBDATASET)]
    for folder in (*written, *map(settings.dataset, settings.codecs), settings.tree):
        warm(folder)


def install(wheel: Path | None) -> None:
    """Installs the wheel that is measured; builds it unless it is given."""
    if wheel is None:
        folder = REPOSITORY / "target" / "bench-wheel"
        build = [str(REPOSITORY / "scripts" / "wheel"), str(folder), "--native"]
        wheel = Path(subprocess.check_output(build, text=True).split()[-1])
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)


def version_of(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench --readers",
        description="Times readers of random batches, all in turns; prints Markdown.",
    )
    add = parser.add_argument
    add("--png", type=Path, required=True, help="folder of PNGs to link; real images")
    add("--wheel", type=Path, help="wheel that is measured; default: built with --native")
    add("--sites", type=int, default=616, help="sites in the tree; default: 616, a full plate")
    add("--threads", type=int, nargs="+", default=(1, 2), help="default: 1 2")
    add("--runs", type=int, default=3, help="runs of each reader; default: 3")
    add("--seconds", type=float, default=2.0, help="seconds of each run; default: 2")
    add("--processor-time", action="store_true", help="for a busy machine: sites a second of it")
    add("--codecs", nargs="+", choices=CODECS, default=CODECS, help="default: all")
    add("--dir", type=Path, help="scratch folder, made and removed; default: target/bench")
    add("--keep", action="store_true", help="leave the scratch folder")
    add("--json", type=Path, help="also write every figure to this file")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    settings = Settings(
        scratch=(chosen.dir or target / "bench").resolve(),
        codecs=tuple(chosen.codecs),
        threads=tuple(chosen.threads),
        runs=chosen.runs,
        seconds=chosen.seconds,
        sites=chosen.sites,
        unit=PROCESSOR if chosen.processor_time else "sites_per_second",
    )
    if settings.scratch.exists():
        sys.exit(f"error: {settings.scratch} exists; remove it, or choose another --dir")
    install(chosen.wheel)
    settings.scratch.mkdir(parents=True)
    try:
        prepare(settings, chosen.png, Path(sys.executable).with_name("rxrx2zarr"))
        rates = run_all(settings)
        alone, together = several_processes(settings)
    finally:
        if not chosen.keep:
            shutil.rmtree(settings.scratch)
    print(f"{settings.sites} sites, {os.cpu_count()} cores, {machine()}, {settings.runs} runs.")
    print(", ".join(map(version_of, PACKAGES)), end=".\n\n")
    print(table(rates), end="\n\n")
    print(NOTES, end="\n\n")
    if chosen.processor_time:
        print("Seconds are those of the processor, all threads together.\n")
    of_one, of_all = Result("", "", alone), Result("", "", together)
    print(
        f"{PROCESSES} processes of {PROCESS_THREADS} threads together: "
        f"{report.rate_cell(of_all)} sites/s, {of_all.rate / of_one.rate:.2f} of one process "
        f"with {os.cpu_count()} threads ({report.rate_cell(of_one)})."
    )
    if chosen.json:
        figures = {
            "machine": machine(),
            "rates": [{**asdict(each), "rates": found} for each, found in rates.items()],
            "one_process": alone,
            "several_processes": together,
        }
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
