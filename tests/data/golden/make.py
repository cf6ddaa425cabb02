"""Makes the golden images: small synthetic PNG files that decoders must read, or refuse.

    python make.py FOLDER

Writes into FOLDER:

    grey8/ grey16/   trees like that of RxRx1 (metadata.csv, images/…); each file holds
                     the pixels of one plane in another kind of PNG
    refused/         x-….png, files that no decoder may accept as a grey image
    checksums.txt    a line for each file of the trees: XXH3 (128 bits) of its pixels in
                     rows, 16-bit samples little-endian; its path

Needs xxhash. The PNG files are written here, without a PNG library, so that their
pixels are known from this file alone. Another zlib may compress them differently.
"""

from __future__ import annotations

import csv
import struct
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import xxhash

HEIGHT, WIDTH = 24, 40
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
NO_FILTER, SUB, UP, AVERAGE, PAETH = range(5)
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
PASSES = (*ADAM7, (0, 1, 1, 2))
"""First column, first row, step of columns, step of rows of each pass."""

Rows = Sequence[Sequence[int]]
"""Samples (y, x)."""


def draw(seed: int, maximum: int) -> Rows:
    """Draws three bright spots on a noisy background, with whole numbers only."""
    state = seed * 2_654_435_761 % 2**32

    def noise() -> int:
        nonlocal state
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        return state >> 24

    spots = [(noise() % HEIGHT, noise() % WIDTH) for _ in range(3)]

    def sample(y: int, x: int) -> int:
        nearest = min((y - cy) ** 2 + (x - cx) ** 2 for cy, cx in spots)
        return min(maximum, maximum // (2 + nearest // 6) + noise() * maximum // 4096)

    rows = [[sample(y, x) for x in range(WIDTH)] for y in range(HEIGHT)]
    rows[0][:2] = [0, maximum]
    return rows


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def header(depth: int, colour: int, interlaced: bool = False) -> bytes:
    fields = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced)
    return chunk(b"IHDR", fields)


def packed(samples: Sequence[int], depth: int) -> bytes:
    """Packs samples of 1 to 16 bits, the first one into the highest bits."""
    bits = "".join(format(sample, f"0{depth}b") for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def predicted(kind: int, left: int, up: int, corner: int) -> int:
    """The prediction of a byte, as in https://www.w3.org/TR/png-3/#9Filter-types"""
    if kind == PAETH:
        estimate = left + up - corner
        return min((left, up, corner), key=lambda byte: abs(estimate - byte))
    return {NO_FILTER: 0, SUB: left, UP: up, AVERAGE: (left + up) // 2}[kind]


def filtered(lines: Sequence[bytes], step: int, kinds: Sequence[int]) -> bytes:
    """Filters the lines with each of `kinds` in turn; a pixel has `step` bytes."""
    stream = b""
    above = bytes(len(lines[0]))
    for number, line in enumerate(lines):
        kind = kinds[number % len(kinds)]
        stream += bytes([kind])
        for i, byte in enumerate(line):
            left = line[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            stream += bytes([(byte - predicted(kind, left, above[i], corner)) % 256])
        above = line
    return stream


def deflated(stream: bytes, level: int = 9, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
    return compressor.compress(stream) + compressor.flush()


def assembled(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND", b"")


def grey(
    rows: Rows,
    depth: int = 8,
    kinds: Sequence[int] = (PAETH,),
    level: int = 9,
    strategy: int = zlib.Z_DEFAULT_STRATEGY,
) -> bytes:
    lines = [packed(row, depth) for row in rows]
    data = deflated(filtered(lines, max(1, depth // 8), kinds), level, strategy)
    return assembled(header(depth, GREY), chunk(b"IDAT", data))


def coloured(rows: Rows, colour: int, pixel: Callable[[int], Sequence[int]]) -> bytes:
    """Stores 8-bit pixels of several samples, as `pixel` makes them from a grey value."""
    lines = [bytes(sample for value in row for sample in pixel(value)) for row in rows]
    data = deflated(filtered(lines, len(pixel(0)), (PAETH, SUB)))
    return assembled(header(8, colour), chunk(b"IDAT", data))


def palette(rows: Rows) -> bytes:
    """Stores each value as an index into a palette of greys in reversed order."""
    lines = [bytes(255 - value for value in row) for row in rows]
    colours = bytes(255 - index for index in range(256) for _ in range(3))
    data = deflated(filtered(lines, 1, (NO_FILTER,)))
    return assembled(header(8, PALETTE), chunk(b"PLTE", colours), chunk(b"IDAT", data))


def interlaced(rows: Rows, depth: int) -> bytes:
    stream = b""
    for x, y, step_x, step_y in PASSES:
        lines = [packed(row[x::step_x], depth) for row in rows[y::step_y]]
        stream += filtered(lines, max(1, depth // 8), (SUB, UP, PAETH))
    return assembled(header(depth, GREY, interlaced=True), chunk(b"IDAT", deflated(stream)))


def interlaced_colour(rows: Rows) -> bytes:
    stream = b""
    for x, y, step_x, step_y in PASSES:
        lines = [bytes(v for v in row[x::step_x] for _ in range(3)) for row in rows[y::step_y]]
        stream += filtered(lines, 3, (PAETH,))
    return assembled(header(8, RGB, interlaced=True), chunk(b"IDAT", deflated(stream)))


def in_small_chunks(rows: Rows) -> bytes:
    data = deflated(filtered([bytes(row) for row in rows], 1, (UP,)))
    parts = [chunk(b"IDAT", data[i : i + 100]) for i in range(0, len(data), 100)]
    return assembled(header(8, GREY), *parts)


def with_other_chunks(rows: Rows) -> bytes:
    data = deflated(filtered([bytes(row) for row in rows], 1, (AVERAGE,)))
    before = chunk(b"gAMA", struct.pack(">I", 45_455)), chunk(b"pHYs", bytes(9))
    after = chunk(b"tEXt", b"Comment\0synthetic")
    return assembled(header(8, GREY), *before, chunk(b"IDAT", data), after)


def with_empty_chunks(rows: Rows) -> bytes:
    data = deflated(filtered([bytes(row) for row in rows], 1, (SUB,)))
    parts = (chunk(b"IDAT", part) for part in (b"", data[:50], b"", data[50:], b""))
    return assembled(header(8, GREY), *parts)


def with_unused_transparency(rows: Rows) -> bytes:
    used = {value for row in rows for value in row}
    unused = next(value for value in range(256) if value not in used)
    data = deflated(filtered([bytes(row) for row in rows], 1, (PAETH,)))
    transparent = chunk(b"tRNS", struct.pack(">H", unused))
    return assembled(header(8, GREY), transparent, chunk(b"IDAT", data))


def in_small_blocks(rows: Rows) -> bytes:
    """Ends a deflate block after every row; the window has 512 bytes."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 9)
    lines = filtered([bytes(row) for row in rows], 1, (PAETH, UP))
    data = b""
    for i in range(0, len(lines), 1 + WIDTH):
        data += compressor.compress(lines[i : i + 1 + WIDTH]) + compressor.flush(zlib.Z_FULL_FLUSH)
    return assembled(header(8, GREY), chunk(b"IDAT", data + compressor.flush()))


Kind = tuple[int, Callable[[Rows], bytes]]
"""Bits of a sample, and how its rows become a file."""

GREY8: Mapping[str, Kind] = {
    "filter none": (8, lambda rows: grey(rows, kinds=(NO_FILTER,))),
    "filter sub": (8, lambda rows: grey(rows, kinds=(SUB,))),
    "filter up": (8, lambda rows: grey(rows, kinds=(UP,))),
    "filter average": (8, lambda rows: grey(rows, kinds=(AVERAGE,))),
    "filter paeth": (8, lambda rows: grey(rows, kinds=(PAETH,))),
    "all filters": (8, lambda rows: grey(rows, kinds=(PAETH, UP, SUB, AVERAGE, NO_FILTER))),
    "stored": (8, lambda rows: grey(rows, level=0)),
    "fastest": (8, lambda rows: grey(rows, level=1)),
    "fixed Huffman code": (8, lambda rows: grey(rows, strategy=zlib.Z_FIXED)),
    "no matches": (8, lambda rows: grey(rows, strategy=zlib.Z_HUFFMAN_ONLY)),
    "run lengths": (8, lambda rows: grey(rows, strategy=zlib.Z_RLE)),
    "interlaced": (8, lambda rows: interlaced(rows, 8)),
    "palette of greys": (8, palette),
    "colour, all greys": (8, lambda rows: coloured(rows, RGB, lambda v: (v, v, v))),
    "grey, opaque": (8, lambda rows: coloured(rows, GREY_ALPHA, lambda v: (v, 255))),
    "colour, opaque": (8, lambda rows: coloured(rows, RGB_ALPHA, lambda v: (v, v, v, 255))),
    "many IDAT chunks": (8, in_small_chunks),
    "other chunks": (8, with_other_chunks),
    "empty IDAT chunks": (8, with_empty_chunks),
    "transparency that no pixel has": (8, with_unused_transparency),
    "many deflate blocks": (8, in_small_blocks),
    "interlaced, colour": (8, interlaced_colour),
}
GREY16: Mapping[str, Kind] = {
    "all filters": (16, lambda rows: grey(rows, 16, (PAETH, UP, SUB, AVERAGE, NO_FILTER))),
    "stored": (16, lambda rows: grey(rows, 16, level=0)),
    "interlaced": (16, lambda rows: interlaced(rows, 16)),
}


def refused() -> dict[str, bytes]:
    rows = draw(99, 255)
    lines = [bytes(row) for row in rows]
    good = grey(rows)
    end = len(good) - 12  # of IEND
    data = deflated(filtered(lines, 1, (PAETH,)))

    def with_data(stream: bytes) -> bytes:
        return assembled(header(8, GREY), chunk(b"IDAT", stream))

    return {
        "x-empty": b"",
        "x-not-a-png": b"not an image\n" * 50,
        "x-cut-in-the-pixels": good[: len(good) // 2],
        "x-without-pixels": assembled(header(8, GREY)),
        "x-chunk-checksum": good[: end - 1] + bytes([good[end - 1] ^ 1]) + good[end:],
        "x-zlib-checksum": with_data(data[:-1] + bytes([data[-1] ^ 1])),
        "x-a-row-too-few": with_data(deflated(filtered(lines[:-1], 1, (PAETH,)))),
        "x-filter-of-type-5": with_data(deflated(b"\x05" + filtered(lines, 1, (PAETH,))[1:])),
        "x-deflate-block-of-type-3": with_data(data[:2] + b"\x07" + data[3:]),
        "x-unknown-critical-chunk": assembled(
            header(8, GREY), chunk(b"ABCD", b""), chunk(b"IDAT", data)
        ),
        "x-colours": coloured(rows, RGB, lambda v: (v, v, 255 - v)),
        "x-transparent": coloured(rows, GREY_ALPHA, lambda v: (v, 128)),
    }


def write_tree(root: Path, kinds: Mapping[str, Kind]) -> list[str]:
    """Writes sites of up to six planes, and returns the lines of the checksums."""
    checksums, table = [], []
    for number, (depth, encode) in enumerate(kinds.values()):
        site, channel = divmod(number, 6)
        row = site_row(site)
        if channel == 0:
            table.append(row)
        name = f"{row['well']}_s{row['site']}_w{channel + 1}.png"
        path = root / "images" / row["experiment"] / f"Plate{row['plate']}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = draw(number, 2**depth - 1)
        path.write_bytes(encode(rows))
        size = "H" if depth == 16 else "B"
        samples = b"".join(struct.pack(f"<{WIDTH}{size}", *line) for line in rows)
        relative = path.relative_to(root.parent).as_posix()
        checksums.append(f"{xxhash.xxh3_128_hexdigest(samples)}  {relative}")
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    return checksums


def site_row(site: int) -> dict[str, str]:
    experiment, plate, well = f"HUVEC-{1 + site // 2:02}", 1 + site % 2, f"B{2 + site:02}"
    well_id = f"{experiment}_{plate}_{well}"
    return {
        "site_id": f"{well_id}_1",
        "well_id": well_id,
        "cell_type": "HUVEC",
        "dataset": "train",
        "experiment": experiment,
        "plate": str(plate),
        "well": well,
        "site": "1",
        "well_type": "treatment",
        "sirna": f"s{4000 + site}",
        "sirna_id": str(site),
    }


def main(folder: Path) -> None:
    checksums = write_tree(folder / "grey8", GREY8) + write_tree(folder / "grey16", GREY16)
    (folder / "checksums.txt").write_text("\n".join(checksums) + "\n", encoding="utf-8")
    (folder / "refused").mkdir(exist_ok=True)
    for name, content in refused().items():
        (folder / "refused" / f"{name}.png").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
