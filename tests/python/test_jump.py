"""JUMP: TIFFs in somebody else's public bucket, whose addresses are in the tables.

The form is that of cellpainting-gallery: one table of paths a plate (`load_data.csv`), images as
a microscope of Perkin Elmer exports them, and other files beside them. Nobody may write there.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr
from numpy.typing import NDArray
from PIL import Image

from faults.runs import Finished, Run
from servers.bucket import Bucket
from servers.object_stores import REGION, SeaweedFS

PREFIX = "cpg0000-jump-pilot/source_4/images/2020_11_04_CPJUMP1/images"
PLATES = ("BR00116991", "BR00116992")
WELLS = (("A01", "r01c01"), ("P24", "r16c24"))
SITES = (1, 2)
CHANNELS = {"DNA": 5, "ER": 4, "RNA": 3, "AGP": 2, "Mito": 1}
SHAPE = (24, 20)


def draw(*seed: int) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(1, 40_000, SHAPE, np.uint16)


def expected() -> NDArray[np.uint16]:
    """The array (site, channel, y, x)."""
    sites = [(p, w, s) for p in range(len(PLATES)) for w in range(len(WELLS)) for s in SITES]
    return np.stack([[draw(*site, channel) for channel in CHANNELS.values()] for site in sites])


def folder(plate: str) -> str:
    return f"{plate}__2020-11-05T19_51_35-Measurement1/Images"


@pytest.fixture(scope="module")
def gallery(seaweed: SeaweedFS) -> Bucket:
    """The public bucket of another owner."""
    bucket = Bucket(seaweed.endpoint, "cellpainting-gallery")
    bucket.make()
    for p, plate in enumerate(PLATES):
        for w, (_, place) in enumerate(WELLS):
            for site in SITES:
                for channel in CHANNELS.values():
                    file = io.BytesIO()
                    pixels = draw(p, w, site, channel)
                    Image.fromarray(pixels).save(file, "TIFF", compression="tiff_lzw")
                    name = f"{place}f{site:02}p01-ch{channel}sk1fk1fl1.tiff"
                    key = f"{PREFIX}/{folder(plate)}/{name}"
                    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=file.getvalue())
        for other in ("Index.idx.xml", "thumbnail.tiff"):
            key = f"{PREFIX}/{folder(plate)}/{other}"
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"not an image of a plane")
    bucket.make_public()
    return bucket


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A table of addresses for each plate, with the columns of the published ones."""
    paths = []
    for plate in PLATES:
        lines = []
        for well, place in WELLS:
            for site in SITES:
                line: dict[str, object] = {
                    "Metadata_Source": "source_4",
                    "Metadata_Plate": plate,
                    "Metadata_Well": well,
                    "Metadata_Site": site,
                }
                for name, channel in CHANNELS.items():
                    file = f"{place}f{site:02}p01-ch{channel}sk1fk1fl1.tiff"
                    line[f"URL_Orig{name}"] = (
                        f"s3://cellpainting-gallery/{PREFIX}/{folder(plate)}/{file}"
                    )
                lines.append(line)
        path = tmp_path_factory.mktemp("load_data") / f"{plate}.csv"
        with path.open("w", newline="", encoding="utf-8") as text:
            writer = csv.DictWriter(text, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        paths.append(path)
    return paths


@pytest.fixture
def options(tables: list[Path]) -> Iterator[list[str]]:
    options = ["--experiment", "CPJUMP1", "--store-option", "skip_signature=true"]
    for table in tables:
        options += ["--metadata", str(table)]
    for name in CHANNELS:
        options += ["--path-column", f"{name}=URL_Orig{name}"]
    return options


def run(bucket: Bucket, tmp_path: Path, *arguments: str | Path) -> Finished:
    """Runs the program with an endpoint and no credentials."""
    environment = {
        "AWS_ENDPOINT_URL": bucket.endpoint,
        "AWS_REGION": REGION,
        "AWS_ALLOW_HTTP": "true",
    }
    return Run(tmp_path / f"cwd-{arguments[0]}", environment, *arguments).finish()


def test_jump_is_converted_from_a_public_bucket_without_credentials(
    gallery: Bucket, options: list[str], tmp_path: Path
) -> None:
    before = gallery.keys()
    output = tmp_path / "out"
    planned = run(gallery, tmp_path, "plan", *options, "--json")
    assert planned.code == 0, planned.err
    told = json.loads(planned.out)
    assert told["shape"] == [8, 5, *SHAPE]
    # Whose data it is and how it was stained is not known from the names of channels.
    assert told["profile"]["name"] is None
    done = run(gallery, tmp_path, "convert", *options, output)
    assert done.code == 0, done.err

    group = zarr.open_group(output / "images.zarr", mode="r")
    assert (group["images"][:] == expected()).all()
    assert group["images"].dtype == np.uint16
    assert group["channel"][:].tolist() == list(CHANNELS)
    assert set(group["stain"][:].tolist()) == {""}
    rows = pq.read_table(output / "metadata.parquet").to_pylist()
    assert [(row["plate"], row["well"]) for row in rows[:3]] == [
        ("BR00116991", "A01"),
        ("BR00116991", "A01"),
        ("BR00116991", "P24"),
    ]
    assert rows[0]["Metadata_Source"] == "source_4"
    assert not any(name.startswith("URL_") for name in rows[0])
    sources = pq.read_table(output / "planes.parquet")["source"].to_pylist()
    assert sources[0] == f"{folder('BR00116991')}/r01c01f01p01-ch5sk1fk1fl1.tiff"
    # A window of 16-bit images comes from the data, or they would look black.
    root = json.loads((output / "images.zarr" / "zarr.json").read_text())["attributes"]
    assert not {"license", "citation", "creator"} & root.keys(), root.keys()
    windows = [(c["window"]["start"], c["window"]["end"]) for c in json.loads(root["channels"])]
    assert all(0 <= start < end < 65535 for start, end in windows), windows

    tables = [text for text in options if text.endswith(".csv")]
    metadata = [text for table in tables for text in ("--metadata", table)]
    source = ["--source", f"s3://{gallery.name}/{PREFIX}"]
    store = ["--store-option", "skip_signature=true"]
    checked = run(gallery, tmp_path, "verify", output, *source, *metadata, *store)
    assert checked.code == 0, checked.out + checked.err
    assert gallery.keys() == before


def test_the_bucket_takes_nothing_from_strangers(
    gallery: Bucket, options: list[str], tmp_path: Path
) -> None:
    refused = run(gallery, tmp_path, "convert", *options, f"s3://{gallery.name}/ours")
    assert refused.code == 1
    assert "ours" in refused.err, refused.err
    assert not gallery.keys("ours")
