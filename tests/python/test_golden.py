"""The golden images in tests/data/golden are read exactly, or refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import xxhash
import zarr

from converter import COMPLETE, SEALED_WITH_GAPS, run
from source import GOLDEN, read_plane, table_row, write_table

pytestmark = pytest.mark.quick

REFUSED = sorted((GOLDEN / "refused").iterdir())


def checksums(tree: str) -> dict[str, str]:
    """Returns the hash of the pixels of each path below the tree."""
    lines = (GOLDEN / "checksums.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("  ") for line in lines]
    return {
        path.removeprefix(f"{tree}/"): digest
        for digest, path in pairs
        if path.startswith(f"{tree}/")
    }


@pytest.mark.parametrize(("tree", "code"), [("grey8", SEALED_WITH_GAPS), ("grey16", COMPLETE)])
def test_every_golden_image_is_read_exactly(tree: str, code: int, tmp_path: Path) -> None:
    done = run("convert", GOLDEN / tree, tmp_path / "out", "--allow-missing")
    assert done.returncode == code, done.stderr
    planes = pq.read_table(tmp_path / "out" / "planes.parquet").to_pylist()
    recorded = {row["source"]: row["xxh3_128"] for row in planes if row["status"] == "ok"}
    expected = checksums(tree)
    assert recorded == expected
    images = zarr.open_array(tmp_path / "out" / "images.zarr" / "images", mode="r")
    pixels = images[:].reshape(-1, *images.shape[2:])
    read = [xxhash.xxh3_128_hexdigest(plane.tobytes()) for plane in pixels]
    assert read[: len(expected)] == list(expected.values())


def test_every_refused_image_is_an_error(tmp_path: Path) -> None:
    """The first site has a readable image; each other site has one that must be refused."""
    good = GOLDEN / "grey8" / "images" / "HUVEC-01" / "Plate1" / "B02_s1_w1.png"
    files = {f"B{2 + index:02}": path for index, path in enumerate([good, *REFUSED])}
    folder = tmp_path / "in" / "images" / "HUVEC-01" / "Plate1"
    folder.mkdir(parents=True)
    for well, path in files.items():
        (folder / f"{well}_s1_w1.png").write_bytes(path.read_bytes())
    rows = [table_row("HUVEC-01", 1, well, 1) for well in files]
    write_table(tmp_path / "in" / "metadata.csv", rows)
    done = run("convert", tmp_path / "in", tmp_path / "out")
    assert done.returncode == SEALED_WITH_GAPS, done.stderr
    planes = pq.read_table(tmp_path / "out" / "planes.parquet").to_pylist()
    statuses = {
        path.stem: plane["status"] for path, plane in zip(files.values(), planes, strict=True)
    }
    assert statuses == {good.stem: "ok"} | {path.stem: "corrupt" for path in REFUSED}
    assert all(plane["error"] for plane in planes[1:])


def test_the_images_are_those_of_the_script(tmp_path: Path) -> None:
    """Another zlib may compress differently, so pixels are compared, not files."""
    subprocess.run([sys.executable, GOLDEN / "make.py", tmp_path], check=True)
    for name in ("checksums.txt", "grey8/metadata.csv", "grey16/metadata.csv"):
        assert (tmp_path / name).read_text() == (GOLDEN / name).read_text(), name
    made, kept = (
        {path.relative_to(root) for path in root.rglob("*.png")} for root in (tmp_path, GOLDEN)
    )
    assert made == kept
    for path in made:
        if path.parts[0] != "refused":
            assert (read_plane(tmp_path / path) == read_plane(GOLDEN / path)).all(), path
