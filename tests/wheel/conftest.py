"""Inputs and datasets, each made when a test first needs it and then kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rxrx2zarr

from images import Input, make_input


@dataclass(frozen=True)
class Made:
    """A dataset, and the input that it was made from."""

    root: Path
    input: Input


@pytest.fixture(scope="session")
def input8(tmp_path_factory: pytest.TempPathFactory) -> Input:
    return make_input(tmp_path_factory.mktemp("input8"), 12, np.uint8)


@pytest.fixture(scope="session")
def made8(tmp_path_factory: pytest.TempPathFactory, input8: Input) -> Made:
    root = tmp_path_factory.mktemp("made8") / "dataset"
    rxrx2zarr.convert(input8.root, root, shard_sites=4)
    return Made(root, input8)


@pytest.fixture(scope="session")
def made16(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("made16")
    source = make_input(root / "input", 5, np.uint16)
    rxrx2zarr.convert(source.root, root / "dataset", shard_sites=2, chunk_channels=2, codec="zstd")
    return Made(root / "dataset", source)


@pytest.fixture(scope="session")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A dataset without the plane w2 of site 2, and with a damaged plane w1 of site 7."""
    root = tmp_path_factory.mktemp("lacking")
    source = make_input(root / "input", 12, np.uint8)
    (root / "input/images/HUVEC-01/Plate1/B04_s1_w2.png").unlink()
    (root / "input/images/U2OS-04/Plate1/B09_s1_w1.png").write_bytes(b"no image")
    source.pixels[2, 1] = source.pixels[7, 0] = 0
    rxrx2zarr.convert(source.root, root / "dataset", shard_sites=4, allow_missing=True)
    return Made(root / "dataset", source)


@pytest.fixture(scope="session")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A dataset with four wells of three sites, and one of one site."""
    root = tmp_path_factory.mktemp("paired")
    source = make_input(root / "input", 13, np.uint8, sites_of_well=3)
    rxrx2zarr.convert(source.root, root / "dataset", shard_sites=4)
    return Made(root / "dataset", source)


@pytest.fixture(scope="session")
def sample() -> Path:
    """The folder of the real images."""
    if "RXRX1_SAMPLE" not in os.environ:
        pytest.skip("RXRX1_SAMPLE does not name the folder of the real images")
    return Path(os.environ["RXRX1_SAMPLE"])
