"""Images as people have them: tars, Parquet files, TIFF, JPEG 2000, odd PNGs, several INPUTs.

The pixels are compared with what Pillow, NumPy and pyarrow say.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from numpy.typing import NDArray
from PIL import Image

from converter import COMPLETE, FAILED, run
from servers.file_server import Request, serve

pytestmark = pytest.mark.quick

WELLS = ("B02", "C11", "AA03")
CHANNELS = (1, 2, 3)
PLATES = (1, 2)
Encode = Callable[[NDArray[np.generic]], bytes]


def pixels(site: int, channel: int, depth: str = "uint8") -> NDArray[np.generic]:
    """A plane of (24, 20) pixels, another one for each site and channel."""
    generator = np.random.default_rng(100 * site + channel)
    most = np.iinfo(depth).max
    values = generator.gamma(2.0, most / 20, (24, 20))
    return np.clip(values, 0, most).astype(depth)


def encode(image_format: str, **options: object) -> Encode:
    """Encodes by Pillow."""

    def of(plane: NDArray[np.generic]) -> bytes:
        file = io.BytesIO()
        Image.fromarray(plane).save(file, image_format, **options)
        return file.getvalue()

    return of


PNG = encode("PNG")


def sites() -> list[tuple[int, str]]:
    """(plate, well) of each site, in array order."""
    return [(plate, well) for plate in PLATES for well in WELLS]


def write_table(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["experiment,plate,well,site", *(f"HUVEC-01,{p},{w},1" for p, w in sites())]
    path = folder / "metadata.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def expected(depth: str = "uint8") -> NDArray[np.generic]:
    """The array (site, channel, y, x)."""
    count = range(len(sites()))
    return np.stack([[pixels(site, channel, depth) for channel in CHANNELS] for site in count])


def write_tree(root: Path, make: Encode, end: str = "png", depth: str = "uint8") -> Path:
    write_table(root)
    for site, (plate, well) in enumerate(sites()):
        folder = root / "images" / "HUVEC-01" / f"Plate{plate}"
        folder.mkdir(parents=True, exist_ok=True)
        for channel in CHANNELS:
            file = folder / f"{well}_s1_w{channel}.{end}"
            file.write_bytes(make(pixels(site, channel, depth)))
    return root


def array(dataset: Path) -> NDArray[np.generic]:
    return zarr.open_array(dataset / "images.zarr" / "images", mode="r")[:]


def converted(output: Path, *inputs: str | Path, code: int = COMPLETE) -> NDArray[np.generic]:
    """Converts, verifies against the source, and returns the pixels."""
    done = run("convert", *inputs, output, "--jobs", "2")
    assert done.returncode == code, done.stderr
    files = [argument for argument in inputs if Path(argument).exists()]
    options = [argument for argument in inputs if argument not in files]
    table = [str(files.pop())] if "--metadata" in options else []
    sources = [text for file in files for text in ("--source", str(file))]
    checked = run("verify", output, *sources, *(["--metadata", *table] if table else []))
    assert checked.returncode == COMPLETE, checked.stdout + checked.stderr
    return array(output)


def write_tars(tree: Path, root: Path, tar_format: int) -> Path:
    """Packs each plate as RxRx3 is published: bare names in EXP/PlateN.tar."""
    write_table(root)
    for folder in sorted((tree / "images" / "HUVEC-01").iterdir()):
        path = root / "images" / "HUVEC-01" / f"{folder.name}.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w", format=tar_format) as tar:
            for file in sorted(folder.iterdir(), reverse=True):
                tar.add(file, arcname=file.name)
    return root


@pytest.mark.parametrize(
    "tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
def test_tars_give_the_same_bytes_as_the_tree(tmp_path: Path, tar_format: int) -> None:
    tree = write_tree(tmp_path / "tree", PNG)
    tars = write_tars(tree, tmp_path / "tars", tar_format)
    assert (converted(tmp_path / "a", tree) == expected()).all()
    assert (converted(tmp_path / "b", tars) == expected()).all()
    a, b = tmp_path / "a", tmp_path / "b"
    names = sorted(path.relative_to(a) for path in a.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(b) for path in b.rglob("*") if path.is_file())
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    with tarfile.open(tmp_path / "whole.tar", "w", format=tar_format) as tar:
        tar.add(tree, arcname=".")
    assert (converted(tmp_path / "c", tmp_path / "whole.tar") == expected()).all()
    sources = pq.read_table(tmp_path / "c" / "planes.parquet")["source"].to_pylist()
    assert sources == pq.read_table(a / "planes.parquet")["source"].to_pylist()


def test_a_tar_that_is_cut_or_packed_is_refused_with_the_remedy(tmp_path: Path) -> None:
    tars = write_tars(write_tree(tmp_path / "tree", PNG), tmp_path / "tars", tarfile.GNU_FORMAT)
    packed = tmp_path / "plates.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(tars, arcname=".")
    done = run("plan", packed)
    assert done.returncode == FAILED
    assert "unpack it (`tar -xf" in done.stderr
    plate = tars / "images" / "HUVEC-01" / "Plate2.tar"
    plate.write_bytes(plate.read_bytes()[:5000])
    done = run("plan", tars)
    assert done.returncode == FAILED
    assert "Plate2.tar is cut off" in done.stderr


def test_several_inputs_are_read_as_one(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", PNG)
    one, two = tmp_path / "one", tmp_path / "two"
    for root, plate in ((one, 1), (two, 2)):
        shutil.copytree(
            tree / "images" / "HUVEC-01" / f"Plate{plate}", root / f"HUVEC-01/Plate{plate}"
        )
    table = tree / "metadata.csv"
    assert (converted(tmp_path / "out", one, two, "--metadata", table) == expected()).all()
    done = run("plan", one, two, one, "--metadata", table)
    assert done.returncode == FAILED
    assert f"both {one} and {one} hold HUVEC-01/Plate1/AA03_s1_w1.png" in done.stderr
    done = run("plan", one, two, "--metadata", table, "--json")
    assert json.loads(done.stdout)["planes"] == {"present": 18, "missing": 0}


def test_several_inputs_with_names_of_another_microscope_are_read_as_one(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    for root, plate in zip(roots, PLATES, strict=True):
        (root / f"p{plate}").mkdir(parents=True)
        for place, well in enumerate(WELLS):
            site = (plate - 1) * len(WELLS) + place
            for channel in CHANNELS:
                file = root / f"p{plate}" / f"{well}-f1-{channel}.png"
                file.write_bytes(PNG(pixels(site, channel)))
    options = ("--pattern", "p{plate}/{well}-f{site}-{channel}.png")
    table = write_table(tmp_path / "table")
    # The tables lie beside the images of the first INPUT only.
    shutil.copy(table, roots[0])
    named = ("--experiment", "HUVEC-01")
    assert (converted(tmp_path / "out", *roots, *options, *named) == expected()).all()
    shutil.copytree(roots[1] / "p2", roots[0] / "p2")
    done = run("plan", *roots, *options, *named)
    assert done.returncode == FAILED
    assert f"both {roots[0]} and {roots[1]} hold p2/AA03-f1-1.png" in done.stderr


@pytest.mark.parametrize("depth", ["uint8", "uint16"])
@pytest.mark.parametrize("packing", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_tiff_gives_the_pixels_that_pillow_wrote(
    tmp_path: Path, depth: str, packing: str | None
) -> None:
    tree = write_tree(tmp_path / "in", encode("TIFF", compression=packing), "tif", depth)
    found = converted(tmp_path / "out", tree)
    assert found.dtype == depth
    assert (found == expected(depth)).all()
    planes = pq.read_table(tmp_path / "out" / "planes.parquet")
    means = expected(depth).mean(axis=(2, 3)).ravel()
    np.testing.assert_allclose(planes["mean"].to_numpy(), means, rtol=1e-12)


def test_a_tiff_with_pages_is_refused_by_name(tmp_path: Path) -> None:
    pages = [Image.fromarray(pixels(0, page)) for page in (1, 2)]

    def stack(_plane: NDArray[np.generic]) -> bytes:
        file = io.BytesIO()
        pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
        return file.getvalue()

    done = run("plan", write_tree(tmp_path / "in", stack, "tiff"))
    assert done.returncode == FAILED
    assert "a TIFF with several pages: if they are the channels" in done.stderr


def write_shards(root: Path, make: Encode, name: str, **options: object) -> Path:
    """Writes the planes in the form of RxRx3-core or of another data set at Hugging Face."""
    rows = []
    for site, (plate, well) in enumerate(sites()):
        for channel in CHANNELS:
            image = make(pixels(site, channel))
            rows.append((f"HUVEC-01/Plate{plate}/{well}_s1_", channel, image))
    binary = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    if name == "jp2":
        keys = [f"{key}{channel}" for key, channel, _ in rows]
        images = pa.array([{"bytes": image, "path": None} for *_, image in rows], binary)
        table = pa.table({"__key__": keys, "jp2": images})
    else:
        images = [{"bytes": image, "path": f"{key}w{channel}.png"} for key, channel, image in rows]
        table = pa.table({"image": pa.array(images, binary), "label": range(len(rows))})
    write_table(root)
    (root / "data").mkdir()
    half = len(rows) // 2 - 1  # a well spans two files
    for number, part in enumerate((table[:half], table[half:])):
        pq.write_table(part, root / "data" / f"train-{number}.parquet", row_group_size=5, **options)
    pq.write_table(pa.table({"well_id": ["x"]}), root / "embeddings.parquet")
    return root


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "lz4", "zstd"])
def test_images_in_parquet_files_give_their_pixels(tmp_path: Path, codec: str) -> None:
    root = write_shards(tmp_path / "in", PNG, "image", compression=codec)
    assert (converted(tmp_path / "out", root) == expected()).all()


def test_rxrx3_core_gives_the_pixels_of_openjpeg(tmp_path: Path) -> None:
    lossless = encode("JPEG2000", irreversible=False)
    root = write_shards(tmp_path / "in", lossless, "jp2")
    assert (converted(tmp_path / "out", root) == expected()).all()
    root = json.loads((tmp_path / "out" / "images.zarr" / "zarr.json").read_text())
    settings = json.loads(root["attributes"]["settings"])
    assert settings["image_decoder"].startswith("hayro-jpeg2000 0.5.0")

    # Lossy: the decoders may differ by 1.
    lossy = encode("JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[4])
    root = write_shards(tmp_path / "lossy", lossy, "jp2")
    found = converted(tmp_path / "lossy-out", root).astype(int)
    for site in range(len(sites())):
        for number, channel in enumerate(CHANNELS):
            theirs = np.asarray(Image.open(io.BytesIO(lossy(pixels(site, channel))))).astype(int)
            assert np.abs(found[site, number] - theirs).max() <= 1


def test_small_samples_of_an_optimised_png_give_the_same_array(tmp_path: Path) -> None:
    def levels(plane: NDArray[np.generic], step: int) -> NDArray[np.uint8]:
        return (plane // step * step).astype(np.uint8) if step > 1 else plane.astype(np.uint8)

    def few_bits(bits: int, step: int) -> Encode:
        def of(plane: NDArray[np.generic]) -> bytes:
            samples = levels(plane, step) // step
            packed = np.packbits(
                np.unpackbits(samples[..., None], axis=2)[..., 8 - bits :].reshape(24, -1), axis=1
            )
            rows = b"".join(b"\0" + row.tobytes() for row in packed)
            header = struct.pack(">IIBBBBB", 20, 24, bits, 0, 0, 0, 0)
            return png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))

        return of

    for bits, step in ((1, 255), (2, 85), (4, 17)):
        small = write_tree(tmp_path / f"small{bits}", few_bits(bits, step))
        found = converted(tmp_path / f"out{bits}", small)
        assert (found == levels(expected(), step)).all(), bits
        # Pillow knows 1 bit as true and false.
        file = next(small.rglob("C11_s1_w2.png"))
        theirs = np.asarray(Image.open(file).convert("L"))
        assert set(np.unique(theirs)) <= set(range(0, 256, step))


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in chunks:
        crc = struct.pack(">I", zlib.crc32(name + data))
        parts += [struct.pack(">I", len(data)), name, data, crc]
    return b"".join(parts)


def test_odd_pngs_whose_pixels_are_proven_are_kept_and_counted(tmp_path: Path) -> None:
    def rows_of(plane: NDArray[np.generic]) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in plane))

    def odd(plane: NDArray[np.generic], kind: int) -> bytes:
        header = (b"IHDR", struct.pack(">IIBBBBB", 20, 24, 8, 0, 0, 0, 0))
        data, end = (b"IDAT", rows_of(plane)), (b"IEND", b"")
        if kind == 0:
            return png(header, data, end) + bytes(512)
        if kind == 1:
            return png(header, (b"IDAT", data[1] + bytes(3)), end)
        if kind == 2:
            return png(header, (b"tEXt", b"a\0b"), data, end).replace(b"a\0b", b"a\0c")
        return png(header, data, (b"tRNS", b"\0\1"), end)

    number = iter(range(1000))
    tree = write_tree(tmp_path / "in", lambda plane: odd(plane, next(number) % 4))
    done = run("convert", tree, tmp_path / "out")
    assert done.returncode == COMPLETE, done.stderr
    assert (array(tmp_path / "out") == expected()).all()
    for count, said in (
        (5, "bytes behind IEND"),
        (5, "behind the end of the zlib stream"),
        (4, "a wrong CRC of a chunk that has no pixels"),
        (4, "a transparency chunk (tRNS) where none may be"),
    ):
        lines = [line for line in done.stderr.splitlines() if said in line]
        assert len(lines) == 1 and lines[0].strip().startswith(f"{count} images have"), done.stderr
    assert run("verify", tmp_path / "out", "--source", tree).returncode == COMPLETE


def test_coloured_images_are_refused_by_plan_whatever_their_names(tmp_path: Path) -> None:
    def colour(plane: NDArray[np.generic]) -> bytes:
        return PNG(np.dstack([plane, plane, 255 - plane]))

    tree = write_tree(tmp_path / "in", colour)
    done = run("plan", tree)
    assert done.returncode == FAILED
    assert "the 18 images that were looked at are 8-bit RGB images" in done.stderr
    assert "rxrx1-images.zip" in done.stderr
    # As WILDS names them.
    wilds = tmp_path / "wilds"
    write_table(wilds)
    for file in tree.rglob("*_w1.png"):
        to = wilds / file.relative_to(tree)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to.with_name(file.name.replace("_w1", "")))
    done = run("plan", wilds)
    assert done.returncode == FAILED
    assert "the 6 images that were looked at are 8-bit RGB images" in done.stderr


def test_images_that_all_fail_alike_end_plan_before_anything_is_written(tmp_path: Path) -> None:
    def damaged(plane: NDArray[np.generic]) -> bytes:
        file = bytearray(PNG(plane))
        file[-20] ^= 1
        return bytes(file)

    tree = write_tree(tmp_path / "in", damaged)
    done = run("convert", tree, tmp_path / "out")
    assert done.returncode == FAILED
    assert "all of the 8 images that were decoded as a sample fail alike" in done.stderr
    assert not (tmp_path / "out").exists()


def test_messages_say_what_was_seen_and_what_to_do(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "in", PNG)
    more = (tree / "metadata.csv").read_text() + "RPE-01,1,B02,1\n"
    (tree / "metadata.csv").write_text(more)
    done = run("plan", tree)
    assert "--include HUVEC-1 selects them" in done.stdout
    assert "--only-present" in done.stdout
    done = run("convert", tree, tmp_path / "out", "--only-present")
    assert done.returncode == COMPLETE, done.stderr
    assert (array(tmp_path / "out") == expected()).all()
    assert run("verify", tmp_path / "out", "--source", tree).returncode == COMPLETE

    for file in tree.rglob("*_w2.png"):
        file.unlink()
    done = run("plan", tree, "--only-present")
    assert "w2; there are w1 w3" in done.stdout

    for file in list(tree.rglob("*.png")):
        file.rename(file.with_suffix(".PNG"))
    done = run("plan", tree)
    assert done.returncode == FAILED
    assert "some names differ only in upper and lower case" in done.stderr


def test_a_run_whose_first_64_images_all_fail_ends(tmp_path: Path) -> None:
    """The plan decodes eight of them, spread over all: some are good, so it goes on."""
    root = tmp_path / "in"
    folder = root / "E-1" / "Plate1"
    folder.mkdir(parents=True)
    names = [f"{row}{column:02}" for row in "BCDEFGHIJ" for column in range(2, 24)]
    lines = ["experiment,plate,well,site", *(f"E-1,1,{name},1" for name in names)]
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    good = PNG(pixels(0, 1))
    bad = bytearray(good)
    bad[-20] ^= 1
    for number, name in enumerate(names):
        (folder / f"{name}_s1_w1.png").write_bytes(bytes(bad) if number < 100 else good)
    done = run("convert", root, tmp_path / "out", "--jobs", "1")
    assert done.returncode == FAILED
    assert "the first 64 images all fail alike" in done.stderr
    assert not (tmp_path / "out" / "images.zarr" / "zarr.json").exists()


def test_a_tar_on_a_web_server_is_read_by_its_headers_and_each_image_once(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    names = [f"B{column:02}" for column in range(1, 41)]
    plate = tmp_path / "web" / "E-1" / "Plate1.tar"
    plate.parent.mkdir(parents=True)
    planes = [generator.integers(0, 65536, (600, 600)).astype("uint16") for _ in names]
    with tarfile.open(plate, "w") as tar:
        for name, plane in zip(names, planes, strict=True):
            member = tarfile.TarInfo(f"{name}_s1_w1.png")
            content = PNG(plane)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    table = tmp_path / "metadata.csv"
    lines = ["experiment,plate,well,site", *(f"E-1,1,{name},1" for name in names)]
    table.write_text("\n".join(lines) + "\n")
    requests: list[Request] = []
    with serve(plate.parent, requests) as address:
        # The folder of the tar is the experiment: the server needs it in the address.
        done = run("convert", f"{address}/Plate1.tar", tmp_path / "x", "--metadata", table)
    assert done.returncode == FAILED
    assert "none of the" in done.stderr or "no image named" in done.stderr, done.stderr
    requests.clear()
    with serve(plate.parent.parent, requests) as address:
        done = run("convert", f"{address}/E-1/Plate1.tar", tmp_path / "out", "--metadata", table)
    assert done.returncode == COMPLETE, done.stderr
    assert (array(tmp_path / "out")[:, 0] == np.stack(planes)).all()
    # The plan decodes 8 of the 40 images.
    assert sum(one.sent for one in requests) <= 1.25 * plate.stat().st_size
