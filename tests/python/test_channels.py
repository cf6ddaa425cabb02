"""channels.parquet says what the root says of each channel, and joins the other tables."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from conftest import DEFAULT_CODEC, Datasets
from converter import Dataset, convert, run

TEXTS = ("stain", "structure", "color", "window_from")


def described(dataset: Dataset) -> list[dict[str, object]]:
    """The rows as the root describes the channels; what is not known is null."""
    root = json.loads((dataset.zarr / "zarr.json").read_bytes())
    rows = []
    for index, channel in enumerate(json.loads(root["attributes"]["channels"])):
        row = {"channel_index": index, "channel": channel["name"]}
        row |= {name: channel[name] or None for name in TEXTS}
        row |= {f"window_{end}": channel["window"][end] for end in ("start", "end")}
        row |= {name: channel.get(name) for name in ("excitation_nm", "emission_nm")}
        rows.append(row)
    return rows


def test_rows_are_the_channels_of_the_root(dataset: Dataset) -> None:
    rows = pq.read_table(dataset.root / "channels.parquet").to_pylist()
    assert rows == described(dataset)
    assert [row["channel"] for row in rows] == dataset.source.channels


def test_sql_tells_the_stain_of_a_plane(datasets: Datasets) -> None:
    dataset = datasets.dataset("sample")
    found = duckdb.sql(f"""
        SELECT stain, count(*), sum(sum) / sum(pixels) FROM '{dataset.planes_table}'
        JOIN '{dataset.root}/channels.parquet' USING (channel)
        GROUP BY stain, channel_index ORDER BY channel_index""").fetchall()
    means = dataset.source.pixels.mean(axis=(0, 2, 3)).tolist()
    assert [row[0] for row in found][:3] == ["Hoechst", "Concanavalin A", "Phalloidin"]
    assert [row[1] for row in found] == [len(dataset.source.rows)] * 6
    assert [round(row[2], 6) for row in found] == [round(mean, 6) for mean in means]


def test_wavelengths_are_those_that_the_owner_states(datasets: Datasets, tmp_path: Path) -> None:
    source = datasets.source("sample")
    profile = tmp_path / "profile.toml"
    profile.write_text(
        'name = "screen"\ntitle = "Screen"\n[[channels]]\nname = "w2"\nstain = "DAPI"\n'
        "excitation_nm = 358\nemission_nm = 461.5\n"
    )
    options = ["--profile", str(profile)]
    dataset = convert(source, tmp_path / "out", DEFAULT_CODEC, *options)
    rows = pq.read_table(dataset.root / "channels.parquet").to_pylist()
    known = [(row["channel"], row["excitation_nm"], row["emission_nm"]) for row in rows]
    assert known[:3] == [("w1", None, None), ("w2", 358.0, 461.5), ("w3", None, None)]
    assert rows == described(dataset)
    verified = run("verify", dataset.root)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    profile.write_text(profile.read_text().replace("461.5", "-1"))
    refused = run("plan", source.root, *options)
    assert "the emission_nm -1 (expected nanometres, a number above 0)" in refused.stderr
