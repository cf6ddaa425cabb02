"""Runs the program under test."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from source import Source

CODECS = ("blosc-zstd", "zstd", "blosc-lz4", "delta-zstd")
DEFAULT_CODEC = "blosc-zstd"

COMPLETE = 0
FAILED = 1
SEALED_WITH_GAPS = 3


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A sealed dataset and the source that it was made from."""

    root: Path
    codec: str
    source: Source

    @property
    def zarr(self) -> Path:
        return self.root / "images.zarr"

    @property
    def metadata_table(self) -> Path:
        return self.root / "metadata.parquet"

    @property
    def planes_table(self) -> Path:
        return self.root / "planes.parquet"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the binary that RXRX2ZARR names; the caller checks the exit code."""
    command = [os.environ["RXRX2ZARR"], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def convert(source: Source, output: Path, codec: str, *options: str) -> Dataset:
    """Converts `source`, and checks the exit code: complete, or sealed with missing planes."""
    expected = COMPLETE if source.present.all() else SEALED_WITH_GAPS
    done = run("convert", source.root, output, "--codec", codec, *options)
    assert done.returncode == expected, f"exit code {done.returncode}\n{done.stderr}"
    return Dataset(output, codec, source)
