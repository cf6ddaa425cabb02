"""Inputs and datasets, each made when a test first needs it and then kept."""

from __future__ import annotations

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
