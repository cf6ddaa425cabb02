"""Checks that a contestant did the work: its pixels are the PNGs', its layout is ours.

    python check.py TREE OUTPUT [--ours ARRAY]

Pillow, which no contestant uses, decodes the PNGs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray
from PIL import Image

import tree

CHECKED_SITES = 8
COMPARED_OPTIONS = ("cname", "clevel", "shuffle", "typesize", "blocksize", "level")


def site_pixels(output: Path, site: int, files: list[Path]) -> NDArray[np.generic]:
    """(channel, y, x) of one site, from an array of all or from a store a site."""
    if (output / "zarr.json").exists():
        return np.asarray(zarr.open_array(output, mode="r")[site])
    store = output.joinpath(*files[0].parts[-3:-1], files[0].name.replace("_w1.png", ".zarr"))
    return np.moveaxis(np.asarray(zarr.open_array(store, mode="r")[:]), -1, 0)


def check_pixels(root: Path, output: Path) -> None:
    sites = tree.read_sites(root)
    chosen = random.Random(1).sample(range(len(sites)), min(CHECKED_SITES, len(sites)))
    for site in {0, len(sites) - 1, *chosen}:
        expected = [np.asarray(Image.open(path)) for path in sites[site]]
        if not np.array_equal(site_pixels(output, site, sites[site]), expected):
            sys.exit(f"error: {output}: site {site} is not what its PNGs hold")


def layout(array: Path) -> object:
    """What makes two arrays cost the same: shard and chunk shape, codecs and their options."""
    metadata = json.loads((array / "zarr.json").read_text())
    (sharding,) = metadata["codecs"]
    configuration = sharding["configuration"]
    codecs = [
        (codec["name"], {k: v for k, v in options(codec).items() if k in COMPARED_OPTIONS})
        for codec in configuration["codecs"]
    ]
    shard = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    return metadata["data_type"], shard, configuration["chunk_shape"], codecs


def options(codec: dict[str, dict[str, object]]) -> dict[str, object]:
    return codec.get("configuration") or {}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tree", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--ours", type=Path)
    arguments = parser.parse_args()
    check_pixels(arguments.tree, arguments.output)
    if arguments.ours:
        theirs, ours = layout(arguments.output), layout(arguments.ours)
        if theirs != ours:
            sys.exit(f"error: layouts differ, so do not compare:\n{theirs}\n{ours}")


if __name__ == "__main__":
    main()
