"""Draws one plate as one picture: each well at its position, at most three channels in colour.

    python scripts/examples/plate_montage.py DATASET PICTURE.png [EXPERIMENT PLATE] [--channels w1]

The pictures are those of the array `overview`, of about 64 x 64 pixels, so that a plate takes
few requests. One channel is grey. Two or three are red, green and blue, or the colours of the
dataset if each is another one of these; the default are the first three. Windows come from the
attribute `channels` of the dataset; a window is widened if the plate is brighter. Negative
controls have a white frame, where the dataset says which rows they are. A missing plane adds no
light, and a well without an image stays grey. A scale bar is drawn where the size of a pixel is
known. The default is the first plate.

Needs xarray, zarr, numpy, pillow.
"""

import argparse
import fnmatch
import json
import math
from pathlib import Path

import numpy as np
import xarray
from PIL import Image, ImageColor, ImageDraw

THUMBNAIL = 96  # pixels along the longer side of a well, about
MARGIN = 28
TITLE = 44  # pixels above the names of the columns
EMPTY = (48, 48, 48)
GREY = "FFFFFF"
PRIMARY = ("FF0000", "00FF00", "0000FF")
MOST = 3  # channels that an eye can tell apart in one picture


def shown_colours(channels: list[dict]) -> list[str]:
    """Returns the colours of one to three channels: grey for one, else far apart."""
    if len(channels) == 1:
        return [GREY]
    own = [channel["color"].upper() for channel in channels]
    # Colours that share no component do not mix.
    parts = [[part > 64 for part in ImageColor.getrgb("#" + color)] for color in own]
    return own if max(map(sum, zip(*parts, strict=True))) < 2 else list(PRIMARY[: len(own)])


def pictures(planes: np.ndarray, channels: list[dict], colours: list[str]) -> np.ndarray:
    """Converts planes (site, channel, y, x) to pictures, uint8 (site, y, x, 3), on one scale.

    Each channel adds light of its colour; at most 1 % of the values are saturated.
    """
    light = np.zeros((len(planes), *planes.shape[2:], 3), np.float32)
    for channel, (attributes, colour) in enumerate(zip(channels, colours, strict=True)):
        window, plane = attributes["window"], planes[:, channel]
        end = max(window["end"], np.percentile(plane, 99))
        shade = ((plane - window["start"]) / (end - window["start"])).clip(0, 1)
        light += shade[..., None] * np.float32(ImageColor.getrgb("#" + colour))
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


def negative_controls(plate: xarray.Dataset) -> np.ndarray:
    """Returns which sites are negative controls, by the attribute `rows` of the dataset.

    At least one clause of each column must fit. (Clauses about experiments are left out: all
    sites are of one.)
    """
    clauses = json.loads(plate.attrs.get("rows", "{}")).get("negative_controls", [])
    fits: dict[str, np.ndarray] = {}
    for clause in clauses:
        column, _, pattern = clause.partition("=")
        column = {"site": "site_number"}.get(column.strip(), column.strip())
        if column not in plate.coords or column == "experiment":
            continue
        cells = [str(cell) for cell in plate[column].values]
        found = [fnmatch.fnmatchcase(cell, pattern.strip()) for cell in cells]
        fits[column] = fits.get(column, False) | np.array(found, bool)
    every = list(fits.values())
    return np.all(every, axis=0) if every else np.zeros(plate.sizes["site"], bool)


def pixel_size(plate: xarray.Dataset) -> float | None:
    """Returns the side of a pixel of `overview` in micrometres; None if it is not known."""
    size = json.loads(plate.attrs["settings"]).get("pixel_size")
    factor = math.ceil(max(plate.sizes["y"], plate.sizes["x"]) / 64)
    return None if size is None else float(size) * max(1, factor)


def montage(plate: xarray.Dataset, names: list[str], title: str) -> Image.Image:
    """Draws the first site of every well, the names of rows and columns, and a title."""
    index = [plate.indexes["channel"].get_loc(name) for name in names]
    seen = np.flatnonzero(plate.present.values.any(axis=1))
    if not len(seen):
        raise SystemExit("no well of that plate has an image")
    wells = np.array([position(well) for well in plate.well.values])
    rows, columns = (np.unique(numbers) for numbers in wells.T)  # only where there is a well
    # One request for each shard, whatever the number of wells.
    planes = plate.overview.to_numpy()[seen][:, index].astype("f4")
    described = json.loads(plate.attrs["channels"])
    channels = [described[channel] for channel in index]
    colours = shown_colours(channels)
    enlarged = max(1, round(THUMBNAIL / max(planes.shape[2:])))
    thumbnails = pictures(planes, channels, colours).repeat(enlarged, 1).repeat(enlarged, 2)
    height, width = (side + 4 for side in thumbnails.shape[1:3])

    top = TITLE + MARGIN
    size = (MARGIN + len(columns) * width, top + len(rows) * height + MARGIN)
    canvas = Image.new("RGB", (max(size[0], 360), size[1]), EMPTY)
    draw = ImageDraw.Draw(canvas)
    controls = negative_controls(plate)
    for site, thumbnail in zip(seen, thumbnails, strict=True):
        row, column = wells[site]
        x, y = np.searchsorted(columns, column), np.searchsorted(rows, row)
        corner = (MARGIN + int(x) * width + 2, top + int(y) * height + 2)
        canvas.paste(Image.fromarray(thumbnail), corner)
        if controls[site]:
            end = (corner[0] + width - 4, corner[1] + height - 4)
            draw.rectangle((corner[0] - 1, corner[1] - 1, *end), outline="white")
    for y, row in enumerate(rows):
        draw.text((MARGIN // 2, top + y * height + height // 2), row_name(row), anchor="mm")
    for x, column in enumerate(columns):
        place = (MARGIN + x * width + width // 2, TITLE + MARGIN // 2)
        draw.text(place, f"{column + 1:02}", anchor="mm")
    draw_legend(draw, title, channels, colours)
    draw_foot(draw, size[1] - MARGIN, enlarged, pixel_size(plate), bool(controls.any()))
    return canvas


def draw_legend(
    draw: ImageDraw.ImageDraw, title: str, channels: list[dict], colours: list[str]
) -> None:
    """Writes the title, and each channel with its stain in its colour and its window."""
    draw.text((MARGIN, 6), title)
    x = MARGIN
    for channel, colour in zip(channels, colours, strict=True):
        window = channel["window"]
        text = f"{channel['name']} {channel['stain']} {window['start']}-{window['end']}"
        draw.text((x, 24), text, fill="#" + colour)
        x += int(draw.textlength(text)) + 16


def draw_foot(
    draw: ImageDraw.ImageDraw, top: int, enlarged: int, size: float | None, has_controls: bool
) -> None:
    """Draws the scale bar where the size of a pixel is known, and says what frames mean."""
    x = MARGIN
    if size is not None:
        most = 64 * size
        length = next(n for n in (500, 200, 100, 50, 20, 10, 5, 2, 1, 0) if n <= most / 2)
        bar = round(length / size) * enlarged
        draw.rectangle((x, top + 12, x + bar, top + 15), fill="white")
        text = f"{length} µm"
        draw.text((x + bar + 6, top + 7), text)
        x += bar + 22 + int(draw.textlength(text))
    if has_controls:
        draw.text((x, top + 7), "framed: negative controls")


def row_name(row: int) -> str:
    return row_name(row // 26 - 1) + chr(ord("A") + row % 26) if row >= 0 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("experiment", nargs="?")
    parser.add_argument("plate", nargs="?")
    parser.add_argument("--channels", nargs="+", metavar="NAME", help="one to three")
    arguments = parser.parse_args()
    ds = xarray.open_zarr(arguments.dataset / "images.zarr", chunks=None)  # without Dask
    if "overview" not in ds:
        raise SystemExit(f"{arguments.dataset}: no overviews, convert again")
    names = arguments.channels or ds.channel.values.tolist()[:MOST]
    if len(names) > MOST:
        raise SystemExit(f"{len(names)} channels: give at most {MOST}, colours mix otherwise")
    unknown = [name for name in names if name not in ds.channel.values]
    if unknown:
        raise SystemExit(f"{arguments.dataset}: no channel {unknown[0]}")
    experiment = arguments.experiment or ds.experiment[0].item()
    on_plate = ds.experiment == experiment
    if not on_plate.any():
        raise SystemExit(f"{arguments.dataset}: no experiment {experiment}")
    plates = ds.plate.astype(str)  # a number, or a text
    name = arguments.plate or plates[on_plate][0].item()
    of_plate = on_plate & (plates == name)
    if not of_plate.any():
        raise SystemExit(f"{arguments.dataset}: no plate {name} of {experiment}")
    # The first site of each well.
    sites = np.flatnonzero(of_plate)
    _, firsts = np.unique(ds.well.values[sites], return_index=True)
    plate = ds.isel(site=sites[np.sort(firsts)])
    title = f"{ds.attrs['title']}: {experiment}, plate {name}"
    montage(plate, names, title).save(arguments.picture)
    print(f"{arguments.picture}: {experiment} plate {name}, {plate.sizes['site']} wells")


if __name__ == "__main__":
    main()
