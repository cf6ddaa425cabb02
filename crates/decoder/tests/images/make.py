"""Makes the images of `formats.rs`: TIFF and JPEG 2000 of one formula.

    python make.py    # Pillow 13.0 with OpenJPEG 2.5.4 and libtiff; tifffile 2026 or later

The pixels are those of `sample` below, which `formats.rs` repeats. Of the lossy JPEG 2000
files, digests of what our decoder makes of them are in `formats.rs`; `lossy.txt` has the sums of
the rows that OpenJPEG makes of them.
"""

import io
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

FOLDER = Path(__file__).parent
HEIGHT, WIDTH = 45, 70


def sample(bits: int) -> np.ndarray:
    """A smooth slope with a fine pattern, in (y, x)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.uint32)
    values = (y * 37 + x * 11 + (y * x) % 13) % 251
    return (
        values.astype(np.uint8) if bits == 8 else (values * 257 + x).astype(np.uint16)
    )


def write(name: str, data: np.ndarray, **more: object) -> None:
    tifffile.imwrite(FOLDER / f"{name}.tif", data, metadata=None, **more)


def main() -> None:
    for bits in (8, 16):
        pixels = sample(bits)
        for name, compression in [
            ("none", None),
            ("lzw", "tiff_lzw"),
            ("deflate", "tiff_adobe_deflate"),
        ]:
            Image.fromarray(pixels).save(
                FOLDER / f"{name}-{bits}.tif", compression=compression
            )
        Image.fromarray(pixels).save(
            FOLDER / f"predictor-{bits}.tif", compression="tiff_lzw", tiffinfo={317: 2}
        )
        write(f"tiles-{bits}", pixels, tile=(16, 32))
        write(f"tiles-deflate-{bits}", pixels, tile=(32, 16), compression="zlib")
        write(f"strips-{bits}", pixels, rowsperstrip=7, byteorder=">")
        write(f"big-{bits}", pixels, bigtiff=True, compression="zlib", predictor=True)
        if bits == 8:
            Image.fromarray(pixels).save(FOLDER / "lossless-8.jp2", irreversible=False)
            Image.fromarray(pixels).save(
                FOLDER / "codestream-8.j2k", irreversible=False, no_jp2=True
            )
        else:
            Image.fromarray(pixels).save(FOLDER / "lossless-16.jp2", irreversible=False)
    pixels = sample(8)
    write("x-pages", np.stack([pixels, pixels]), photometric="minisblack")
    for name, bits, more in [
        ("pages-8", 8, {"compression": "zlib", "rowsperstrip": 10}),
        ("pages-16", 16, {"byteorder": ">", "rowsperstrip": 7}),
        (
            "pages-big-16",
            16,
            {"bigtiff": True, "compression": "zlib", "predictor": True},
        ),
        ("pages-tiles-16", 16, {"tile": (16, 32), "compression": "zlib"}),
    ]:
        write(
            name,
            np.stack([sample(bits), sample(bits) // 2, sample(bits)[::-1]]),
            photometric="minisblack",
            **more,
        )
    write("x-rgb", np.dstack([pixels] * 3), photometric="rgb")
    write("x-float", pixels.astype(np.float32))
    write("x-signed", pixels.astype(np.int16))
    write("x-inverted", pixels, photometric="miniswhite")
    write("x-bits32", pixels.astype(np.uint32))
    Image.fromarray(pixels).save(FOLDER / "x-packbits.tif", compression="packbits")
    Image.fromarray(np.dstack([pixels] * 3)).save(
        FOLDER / "x-rgb.jp2", irreversible=False
    )

    generator = np.random.default_rng(7)
    theirs = []
    for number in range(20):
        y, x = np.mgrid[0:96, 0:80]
        picture = np.full((96, 80), 8.0)
        for _ in range(12):
            cy, cx, r = (
                generator.uniform(0, 96),
                generator.uniform(0, 80),
                generator.uniform(2, 14),
            )
            picture += generator.uniform(20, 140) * np.exp(
                -((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r)
            )
        picture = np.clip(
            picture + generator.normal(0, 3, picture.shape), 0, 255
        ).astype(np.uint8)
        name = f"lossy-{number:02}.jp2"
        Image.fromarray(picture).save(
            FOLDER / name,
            irreversible=True,
            quality_mode="rates",
            quality_layers=[6 + number % 5 * 4],
        )
        with Image.open(io.BytesIO((FOLDER / name).read_bytes())) as image:
            theirs.append(" ".join(map(str, np.asarray(image).astype(int).sum(axis=1))))
    (FOLDER / "lossy.txt").write_text("\n".join(theirs) + "\n")


if __name__ == "__main__":
    main()
