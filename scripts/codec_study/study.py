"""Converts some sites with each codec and reads them back with each reader.

`scripts/codecs` starts it. Prints a Markdown table. In each reader the codecs take
turns site by site, and each site counts with the least CPU time of all threads that
reading it took, so that what else the machine does matters little.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import imagecodecs
import numcodecs.blosc
import numpy as np
import tensorstore
import zarr
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmark"))

import tree

ROUNDS = 5
CODECS = ("blosc-zstd", "zstd", "blosc-lz4", "delta-zstd")

Pixels = NDArray[np.uint8]
ReadSite = Callable[[int], Pixels]
"""Row -> (channel, y, x)."""


@dataclass(frozen=True)
class Reading:
    """What a reader made of the dataset of a codec."""

    megabytes_per_second: float | None
    error: str | None = None

    @property
    def cell(self) -> str:
        return "–" if self.megabytes_per_second is None else f"{self.megabytes_per_second:.0f}"


def open_zarr_python(array: Path) -> ReadSite:
    opened = zarr.open_array(array, mode="r")
    return lambda site: np.asarray(opened[site])


def open_zarrs(array: Path) -> ReadSite:
    """zarr-python with the pipeline of zarrs; `strict` forbids it to fall back to Python."""
    pipeline = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True}
    with zarr.config.set(pipeline):
        opened = zarr.open_array(array, mode="r")
    return lambda site: np.asarray(opened[site])


def open_tensorstore(array: Path) -> ReadSite:
    """With a small cache, without which it would read the shard's index for every site."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(array)},
        "context": {"cache_pool": {"total_bytes_limit": 1 << 20}},
        "recheck_cached_data": "open",
    }
    store = tensorstore.open(spec, read=True).result()
    return lambda site: store[site].read().result()


READERS: dict[str, Callable[[Path], ReadSite]] = {
    "zarr-python": open_zarr_python,
    "zarrs (Python)": open_zarrs,
    "tensorstore": open_tensorstore,
}


def read_with(reader: str, arrays: Sequence[Path], expected: Pixels) -> list[Reading]:
    """One reading an array."""
    opened: list[ReadSite | str] = [try_to_open(READERS[reader], path, expected) for path in arrays]
    fastest = np.full((len(arrays), len(expected)), np.inf)
    for _ in range(ROUNDS):
        for site in range(len(expected)):
            for row, read in enumerate(opened):
                if not isinstance(read, str):
                    began = time.process_time()
                    read(site)
                    fastest[row, site] = min(fastest[row, site], time.process_time() - began)
    return [
        Reading(None, read)
        if isinstance(read, str)
        else Reading(expected.nbytes / 1e6 / fastest[row].sum())
        for row, read in enumerate(opened)
    ]


def try_to_open(
    reader: Callable[[Path], ReadSite], array: Path, expected: Pixels
) -> ReadSite | str:
    """The reader, or why it does not read the array."""
    try:
        read = reader(array)
        wrong = [
            site for site, pixels in enumerate(expected) if not np.array_equal(read(site), pixels)
        ]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if wrong:
        sys.exit(f"error: {array}: other pixels than the PNGs at sites {wrong}")
    return read


def read_with_zarrita(script: Path, arrays: Sequence[Path], expected: Pixels) -> list[Reading]:
    command = ["node", script, str(len(expected)), str(ROUNDS), *arrays]
    answers = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    digest = hashlib.sha256(expected.tobytes()).hexdigest()
    for array, answer in zip(arrays, answers, strict=True):
        if answer.get("sha256", digest) != digest:
            sys.exit(f"error: zarrita.js reads other pixels than the PNGs from {array}")
    return [
        Reading(None, answer["error"])
        if "error" in answer
        else Reading(expected.nbytes / 1e6 / answer["seconds"])
        for answer in answers
    ]


def encoding_rates(study: str) -> dict[str, str]:
    rows = {
        codec: re.search(rf"^\| rxrx2zarr {codec} \| .+ \| (\d+) \| \d+ \|$", study, re.MULTILINE)
        for codec in CODECS
    }
    return {codec: row[1] if row else "" for codec, row in rows.items()}


def jpeg_xl(expected: Pixels, png_bytes: int) -> str:
    """A first look: planes one by one, in one thread."""
    rows = ["| lossless JPEG XL | size / PNG | encode MB/s | decode MB/s |", "|---|---:|---:|---:|"]
    planes = expected.reshape(-1, *expected.shape[2:])
    for effort in (1, 2, 3):
        stored, spent = 0, [0.0, 0.0]
        for plane in planes:
            began = time.process_time()
            encoded = imagecodecs.jpegxl_encode(plane, lossless=True, effort=effort, numthreads=1)
            between = time.process_time()
            decoded = imagecodecs.jpegxl_decode(encoded, numthreads=1)
            spent = [spent[0] + between - began, spent[1] + time.process_time() - between]
            if not np.array_equal(decoded, plane):
                sys.exit("error: JPEG XL is not lossless")
            stored += len(encoded)
        rates = [f"{expected.nbytes / 1e6 / seconds:.0f}" for seconds in spent]
        rows.append(f"| effort {effort} | {stored / png_bytes:.2f} | {' | '.join(rates)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--sites", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--zarrita", type=Path, required=True)
    parser.add_argument("--encoding", type=Path, required=True)
    arguments = parser.parse_args()
    numcodecs.blosc.set_nthreads(1)
    cv2.setNumThreads(1)
    warnings.filterwarnings("ignore", "Numcodecs codecs are not in the Zarr version 3")

    source = arguments.scratch / "tree"
    tree.build(arguments.png, source, arguments.sites)
    paths = tree.read_sites(source)
    png_bytes = sum(path.stat().st_size for site in paths for path in site)
    expected = np.stack(
        [[cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in site] for site in paths]
    )

    arrays = []
    for codec in CODECS:
        dataset = arguments.scratch / codec
        command = [arguments.binary, "convert", "--quiet", "--codec", codec, source, dataset]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        arrays.append(dataset / "images.zarr" / "images")
    readings = {reader: read_with(reader, arrays, expected) for reader in READERS}
    readings["zarrita.js"] = read_with_zarrita(arguments.zarrita, arrays, expected)

    encoding = encoding_rates(arguments.encoding.read_text())
    print(f"| codec | size / PNG | encode | {' | '.join(readings)} |")
    print(f"|---|{'---:|' * (2 + len(readings))}")
    for row, (codec, array) in enumerate(zip(CODECS, arrays, strict=True)):
        size = tree.stored_bytes(array) / png_bytes
        cells = [one[row].cell for one in readings.values()]
        print(f"| `{codec}` | {size:.2f} | {encoding[codec]} | {' | '.join(cells)} |")
    for reader, row in readings.items():
        for codec, reading in zip(CODECS, row, strict=True):
            if reading.error:
                print(f"{reader}, {codec}: {reading.error.splitlines()[0]}", file=sys.stderr)
    print(f"\n{jpeg_xl(expected, png_bytes)}")


if __name__ == "__main__":
    main()
