"""One plate as one picture: its wells where they lie on the plate, in the stains' colours.

    python scripts/examples/plate_montage.py DATASET PICTURE.png [EXPERIMENT PLATE] [--channels w1 w2]

xarray finds the plate by its labels and loads one well at a time; colours and
windows come from the attributes of the dataset. Without EXPERIMENT and PLATE, it is
the first plate. A plane that is not `present` stays out of the mix, and a well
without an image remains grey.

Needs xarray, zarr, numpy, pillow.
"""

import argparse
from pathlib import Path

import numpy as np
import xarray
from PIL import Image, ImageColor, ImageDraw

THUMBNAIL = 96  # pixels along the longer side of a well
MARGIN = 28
EMPTY = (48, 48, 48)


def composite(planes: np.ndarray, channels: list[dict]) -> np.ndarray:
    """Planes (channel, y, x) as one picture, uint8 (y, x, 3): each lights up in its colour."""
    picture = np.zeros((*planes.shape[1:], 3))
    for plane, channel in zip(planes, channels, strict=True):
        window = channel["window"]
        light = (plane - window["start"]) / (window["end"] - window["start"])
        colour = ImageColor.getrgb("#" + channel["color"])
        picture += light.clip(0, 1)[..., None] * colour
    return picture.clip(0, 255).astype(np.uint8)


def shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """Means over squares (…, y, x), so that the longer side has about `size` pixels."""
    *others, height, width = images.shape
    factor = max(1, max(height, width) // size)
    trimmed = images[..., : height // factor * factor, : width // factor * factor]
    squares = (*others, height // factor, factor, width // factor, factor)
    return trimmed.reshape(squares).mean(axis=(-3, -1))


def place(well: str) -> tuple[int, int]:
    """`B02` lies in row 1, column 1, and `AA01` in row 26, column 0."""
    letters = well.rstrip("0123456789")
    row = 0
    for letter in letters:
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(well[len(letters) :]) - 1


def montage(plate: xarray.Dataset, channels: list[dict]) -> Image.Image:
    """The first site of every well of `plate`, with the plate's rows and columns named."""
    wells = {place(well): site for site, well in enumerate(plate.well.values)}
    present = plate.present.values
    top, left = np.min(list(wells), axis=0)
    rows, columns = np.max(list(wells), axis=0) - (top, left) + 1
    height, width = shrunk(np.empty(plate.images.shape[-2:]), THUMBNAIL).shape
    size = (MARGIN + columns * (width + 2), MARGIN + rows * (height + 2))
    canvas = Image.new("RGB", tuple(map(int, size)), EMPTY)
    for (row, column), site in wells.items():
        if present[site].any():  # a missing plane is all 0, and adds no light
            planes = shrunk(plate.images[site].to_numpy(), THUMBNAIL)
            corner = (MARGIN + (column - left) * (width + 2), MARGIN + (row - top) * (height + 2))
            canvas.paste(Image.fromarray(composite(planes, channels)), tuple(map(int, corner)))
    draw = ImageDraw.Draw(canvas)
    for row in range(rows):
        middle = MARGIN + row * (height + 2) + height // 2
        draw.text((MARGIN // 2, middle), row_name(top + row), anchor="mm")
    for column in range(columns):
        middle = MARGIN + column * (width + 2) + width // 2
        draw.text((middle, MARGIN // 2), f"{left + column + 1:02}", anchor="mm")
    return canvas


def row_name(row: int) -> str:
    return row_name(row // 26 - 1) + chr(ord("A") + row % 26) if row >= 0 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("experiment", nargs="?")
    parser.add_argument("plate", nargs="?", type=int)
    parser.add_argument("--channels", nargs="+", metavar="NAME", help="all unless told otherwise")
    arguments = parser.parse_args()
    ds = xarray.open_zarr(arguments.dataset / "images.zarr", chunks=None)  # without Dask
    experiment = arguments.experiment or ds.experiment[0].item()
    on_plate = ds.experiment == experiment
    number = arguments.plate or ds.plate[on_plate][0].item()
    chosen = on_plate & (ds.plate == number) & (ds.site_number == 1)
    if not chosen.any():
        raise SystemExit(f"{arguments.dataset}: no plate {number} of {experiment}")
    names = arguments.channels or ds.channel.values.tolist()
    plate = ds.isel(site=chosen).sel(channel=names)
    channels = {channel["name"]: channel for channel in ds.attrs["channels"]}
    montage(plate, [channels[name] for name in names]).save(arguments.picture)
    print(f"{arguments.picture}: {experiment} plate {number}, {plate.sizes['site']} wells")


if __name__ == "__main__":
    main()
