"""channel_stats.parquet: means and deviations of each scope equal NumPy's."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from converter import Dataset

SCOPES = {
    "dataset": ((), {}),
    "experiment": (("experiment",), {}),
    "plate": (("experiment", "plate"), {}),
    "plate_controls": (("experiment", "plate"), {"well_type": "negative_control"}),
    "train": ((), {"dataset": "train"}),
}
"""For each scope the columns that make its groups, and the values that its rows have."""


def expected_groups(dataset: Dataset) -> list[tuple[str, str | None, int | None, list[int]]]:
    """Returns (scope, experiment, plate, sites) in the order of the table."""
    source, groups = dataset.source, []
    root = json.loads((dataset.zarr / "zarr.json").read_bytes())
    rules = json.loads(root["attributes"].get("rows", "{}"))
    # Small planes are not recognised as those of RxRx1, and have no profile.
    has_profile = "profile" in root["attributes"]
    assert set(rules) == ({"train", "negative_controls"} if has_profile else set())
    for scope, (columns, values) in SCOPES.items():
        if values and not has_profile:
            continue
        keys = [tuple(row[column] for column in columns) for row in source.rows]
        belongs = [all(row[name] == values[name] for name in values) for row in source.rows]
        for key in dict.fromkeys(keys):
            experiment, plate = (*key, None, None)[:2]
            same = [site for site, other in enumerate(keys) if other == key]
            sites = [site for site in same if belongs[site]]
            groups.append((scope, experiment, plate and int(plate), sites))
    return groups


def test_every_group_and_channel_has_a_row(dataset: Dataset) -> None:
    rows = pq.read_table(dataset.root / "channel_stats.parquet").to_pylist()
    expected = [
        (scope, experiment, plate, channel)
        for scope, experiment, plate, _ in expected_groups(dataset)
        for channel in dataset.source.channels
    ]
    keys = [(row["scope"], row["experiment"], row["plate"], row["channel"]) for row in rows]
    assert keys == expected


def test_mean_and_deviation_equal_numpy(dataset: Dataset) -> None:
    source = dataset.source
    rows = iter(pq.read_table(dataset.root / "channel_stats.parquet").to_pylist())
    for *group, sites in expected_groups(dataset):
        for channel in range(source.pixels.shape[1]):
            row = next(rows)
            there = [site for site in sites if source.present[site, channel]]
            pixels = source.pixels[there, channel]
            assert (row["planes"], row["pixels"]) == (len(there), pixels.size), group
            if there:
                # Two passes in float64: first the mean, then the squared differences from it.
                mean = pixels.mean(dtype=np.float64)
                std = np.sqrt(np.square(pixels - mean).mean())
                assert row["mean"] == pytest.approx(mean, rel=1e-9), group
                assert row["std"] == pytest.approx(std, rel=1e-9), group
            else:
                assert row["mean"] is row["std"] is None, group
    assert next(rows, None) is None


def test_sums_of_planes_are_exact(dataset: Dataset) -> None:
    planes = pq.read_table(dataset.planes_table)
    source = dataset.source
    wide = source.pixels.astype(np.uint64)
    for name, sums in (("sum", wide), ("sum_of_squares", wide * wide)):
        expected = [
            int(sums[key].sum()) if source.present[key] else None
            for key in np.ndindex(source.present.shape)
        ]
        assert planes[name].to_pylist() == expected, name
