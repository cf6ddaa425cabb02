"""Draws one plate as one picture: each well at its position, in the colours of the stains.

    python scripts/examples/plate_montage.py DATASET PICTURE.png [EXPERIMENT PLATE] [--channels w1]

xarray finds the plate by its labels and loads one well at a time. Colours and windows
come from the attribute `channels` of the dataset; a window is widened if the plate is brighter. The
default is the first plate. A missing plane adds no light, and a well without an image
stays grey.

Needs xarray, zarr, numpy, pillow.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xarray
from PIL import Image, ImageColor, ImageDraw

THUMBNAIL = 96  # pixels along the longer side of a well
MARGIN = 28
EMPTY = (48, 48, 48)


def pictures(planes: np.ndarray, channels: list[dict]) -> np.ndarray:
    """Converts planes (site, channel, y, x) to pictures, uint8 (site, y, x, 3), on one scale.

    Each channel adds light of its colour; at most 1 % of the values are saturated.
    """
    light = np.zeros((len(planes), *planes.shape[2:], 3), np.float32)
    for channel, attributes in enumerate(channels):
        window, plane = attributes["window"], planes[:, channel]
        end = max(window["end"], np.percentile(plane, 99))
        shade = ((plane - window["start"]) / (end - window["start"])).clip(0, 1)
        light += shade[..., None] * np.float32(ImageColor.getrgb("#" + attributes["color"]))
    return (light * (255 / max(255, np.percentile(light, 99)))).clip(0, 255).astype(np.uint8)


def shrunk(planes: np.ndarray, size: int) -> np.ndarray:
    """Averages squares of (channel, y, x) so that the longer side has about `size` pixels."""
    factor = max(1, max(planes.shape[1:]) // size)
    return np.stack([Image.fromarray(plane).reduce(factor) for plane in planes.astype("f4")])


def position(well: str) -> tuple[int, int]:
    """Returns row and column from 0: `B02` is (1, 1), `AA01` is (26, 0)."""
    letters = well.rstrip("0123456789")
    row = 0
    for letter in letters:
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(well[len(letters) :]) - 1


def montage(plate: xarray.Dataset, names: list[str]) -> Image.Image:
    """Draws the first site of every well, and the names of rows and columns."""
    index = [plate.indexes["channel"].get_loc(name) for name in names]
    seen = np.flatnonzero(plate.present.values.any(axis=1))
    if not len(seen):
        raise SystemExit("no well of that plate has an image")
    wells = np.array([position(well) for well in plate.well.values])
    rows, columns = (np.unique(numbers) for numbers in wells.T)  # only where there is a well
    planes = [shrunk(plate.images[site].to_numpy()[index], THUMBNAIL) for site in seen]
    described = json.loads(plate.attrs["channels"])
    channels = [described[channel] for channel in index]
    height, width = (side + 2 for side in planes[0].shape[1:])

    canvas = Image.new("RGB", (MARGIN + len(columns) * width, MARGIN + len(rows) * height), EMPTY)
    thumbnails = pictures(np.stack(planes), channels)
    for (row, column), thumbnail in zip(wells[seen], thumbnails, strict=True):
        x, y = np.searchsorted(columns, column), np.searchsorted(rows, row)
        corner = (MARGIN + int(x) * width, MARGIN + int(y) * height)
        canvas.paste(Image.fromarray(thumbnail), corner)
    draw = ImageDraw.Draw(canvas)
    for y, row in enumerate(rows):
        draw.text((MARGIN // 2, MARGIN + y * height + height // 2), row_name(row), anchor="mm")
    for x, column in enumerate(columns):
        draw.text((MARGIN + x * width + width // 2, MARGIN // 2), f"{column + 1:02}", anchor="mm")
    return canvas


def row_name(row: int) -> str:
    return row_name(row // 26 - 1) + chr(ord("A") + row % 26) if row >= 0 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("experiment", nargs="?")
    parser.add_argument("plate", nargs="?")
    parser.add_argument("--channels", nargs="+", metavar="NAME", help="default: all")
    arguments = parser.parse_args()
    ds = xarray.open_zarr(arguments.dataset / "images.zarr", chunks=None)  # without Dask
    experiment = arguments.experiment or ds.experiment[0].item()
    on_plate = ds.experiment == experiment
    if not on_plate.any():
        raise SystemExit(f"{arguments.dataset}: no experiment {experiment}")
    plates = ds.plate.astype(str)  # a number, or a text
    name = arguments.plate or plates[on_plate][0].item()
    chosen = on_plate & (plates == name) & (ds.site_number == 1)
    if not chosen.any():
        raise SystemExit(f"{arguments.dataset}: no plate {name} of {experiment}")
    plate = ds.isel(site=np.flatnonzero(chosen))
    montage(plate, arguments.channels or ds.channel.values.tolist()).save(arguments.picture)
    print(f"{arguments.picture}: {experiment} plate {name}, {plate.sizes['site']} wells")


if __name__ == "__main__":
    main()
