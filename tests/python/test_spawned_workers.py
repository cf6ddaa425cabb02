"""Worker processes read the shards of labels and images, with zarr 3.0 and with the newest zarr."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import zarr

from readers.other_python import asked

NAMES = ["site", "experiment", "plate", "sirna_id", "present", "images", "stain", "window_end"]


@pytest.mark.parametrize("environment", ["OLD_ZARR_PYTHON", "NEW_ZARR_PYTHON"])
def test_spawned_workers_read_all_sites(
    full_size: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setenv("NEW_ZARR_PYTHON", sys.executable)
    question = [str(full_size / "images.zarr"), NAMES]
    here, pickled, opened, version = asked(environment, "spawned_labels.py", question)
    is_old = environment == "OLD_ZARR_PYTHON"
    assert version.startswith("3.0.") == is_old
    assert pickled == here
    assert opened == here
    group = zarr.open_group(full_size / "images.zarr", mode="r")
    expected = [str(group[name][:].tolist()) for name in NAMES if name != "images"]
    found = [
        json.loads(told)[1] for name, told in zip(NAMES, here, strict=True) if name != "images"
    ]
    assert found == expected
