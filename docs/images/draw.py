"""Draws the picture of the README: the first site of each cell type, all its channels.

    python docs/images/draw.py DATASET PICTURE.jpg

Each row is one site and each column one channel of the array `images`, in grey from the
darkest to the brightest half per cent of the plane; the last column shows three channels
in colour. The picture in the repository is made of synthetic images:

    rxrx2zarr sample SAMPLE --sites 48 --seed 3 --size 256
    rxrx2zarr convert SAMPLE DATASET
    python docs/images/draw.py DATASET docs/images/sample.jpg

Needs xarray, zarr, numpy, pillow.
"""

import sys
from pathlib import Path

import numpy as np
import xarray
from PIL import Image, ImageDraw, ImageFont

SIDE, GAP, MARGIN, HEADER = 128, 4, 128, 22
COLOURED = ["w3", "w4", "w1"]  # as red, green and blue


def shade(plane: np.ndarray) -> np.ndarray:
    """A plane (y, x) as grey values of 8 bits."""
    low, high = np.percentile(plane, [0.5, 99.5])
    return ((plane - low) / max(1, high - low) * 255).clip(0, 255).astype(np.uint8)


def tiles(site: xarray.DataArray) -> list[Image.Image]:
    """The channels of one site, and three of them in colour."""
    grey = [shade(plane) for plane in site.to_numpy()]
    index = [site.indexes["channel"].get_loc(name) for name in COLOURED]
    colour = np.stack([grey[channel] for channel in index], axis=-1)
    return [
        Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.LANCZOS).convert("RGB")
        for pixels in [*grey, colour]
    ]


def main() -> None:
    dataset, picture = map(Path, sys.argv[1:])
    ds = xarray.open_zarr(dataset / "images.zarr", chunks=None)
    _, first = np.unique(ds.cell_type.values.astype("U32"), return_index=True)
    heads = [
        f"{name} {stain}".split(" ")
        for name, stain in zip(ds.channel.values, ds.stain.values, strict=True)
    ]
    columns = [" ".join(words[:2]) for words in heads] + [" ".join(COLOURED)]

    step = SIDE + GAP
    size = (MARGIN + len(columns) * step, HEADER + len(first) * step)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=13)
    for column, head in enumerate(columns):
        draw.text((MARGIN + column * step + SIDE // 2, 10), head, "black", font, anchor="mm")
    for row, index in enumerate(sorted(first)):
        top = HEADER + row * step
        site = ds.images[index]
        label = f"{site.cell_type.item()}\n{site.site.item()}"
        draw.text((0, top + SIDE // 2 - 16), label, "black", font)
        for column, tile in enumerate(tiles(site)):
            canvas.paste(tile, (MARGIN + column * step, top))
    canvas.save(picture, quality=80, optimize=True)
    print(f"{picture}: {canvas.width} x {canvas.height}")


if __name__ == "__main__":
    main()
