"""The training example reads by the package where it is installed."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import pytest
import rxrx2zarr

from conftest import Made

SCRIPTS = Path(__file__).parents[3] / "scripts" / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example as a module that spawned processes import by its name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    sys.modules.pop("torch_dataset", None)
    return importlib.import_module("torch_dataset")


class Indexed(Protocol):
    """What the example's `Sites` is."""

    def __getitem__(self, index: int) -> tuple[np.ndarray, int, int]: ...


def pixels_of(sites: Indexed, index: int) -> bytes:
    return sites[index][0].tobytes()


@pytest.mark.parametrize("name", ["made8", "made16"])
def test_batches_are_those_of_the_package(
    request: pytest.FixtureRequest, example: ModuleType, name: str
) -> None:
    """Also of chunks that are not one site, which the byte ranges refuse."""
    made: Made = request.getfixturevalue(name)
    sites = example.Sites(made.root, label="-1")
    assert isinstance(sites.reader, rxrx2zarr.Dataset)
    order = [3, 0, 4, 3]
    pixels, plates, _labels = sites.batch(order)
    np.testing.assert_array_equal(pixels, made.input.pixels[order])
    experiments = [site_id.split("_")[0] for site_id in made.input.site_ids]
    numbers = {experiment: number for number, experiment in enumerate(sorted(set(experiments)))}
    assert plates.tolist() == [numbers[experiments[site]] for site in order]


def test_spawned_workers_read_by_the_package(example: ModuleType, made8: Made) -> None:
    sites = example.Sites(made8.root, label="-1")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(pixels_of, [sites] * len(sites), range(len(sites))))
    assert found == [site.tobytes() for site in made8.input.pixels]
