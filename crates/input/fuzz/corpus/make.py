"""Writes the first corpora of the targets `tar` and `shard`.

python make.py    # pyarrow 26
"""

import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent


def tar(name: str, tar_format: int, members: list[tuple[str, bytes, bytes]]) -> None:
    bytes_ = io.BytesIO()
    with tarfile.open(fileobj=bytes_, mode="w", format=tar_format, bufsize=512) as archive:
        for path, kind, content in members:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = kind, "B02_s1_w1.png"
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    # The last record of 10 KiB need not be full.
    (FOLDER / "tar" / name).write_bytes(bytes_.getvalue().rstrip(b"\0") + bytes(1536))


def shard(name: str, table: pa.Table, **options: object) -> None:
    pq.write_table(table, FOLDER / "shard" / name, **options)


def main() -> None:
    for folder in ("tar", "shard"):
        (FOLDER / folder).mkdir(exist_ok=True)
    file, link = tarfile.REGTYPE, tarfile.SYMTYPE
    plate = [(f"B0{at}_s1_w1.png", file, bytes([at]) * 70 * at) for at in range(1, 5)]
    long = "folder/" * 40 + "E-1/Plate2/B02_s1_w1.png"
    for name, tar_format in [("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
        tar(f"{name}-plate", tar_format, plate)
        tar(f"{name}-long", tar_format, [(long, file, b"long"), *plate[:1]])
        tar(
            f"{name}-others",
            tar_format,
            [("B02_s1_w1.png", link, b""), ("d", tarfile.DIRTYPE, b"")],
        )
    tar("ustar-plate", tarfile.USTAR_FORMAT, plate)
    tar("unsafe", tarfile.USTAR_FORMAT, [("../B02_s1_w1.png", file, b"x"), *plate[:1]])
    whole = (FOLDER / "tar" / "gnu-plate").read_bytes()
    (FOLDER / "tar" / "cut").write_bytes(whole[:1700])
    (FOLDER / "tar" / "two").write_bytes(whole + whole)

    keys = [f"compound-001/Plate1/AA0{at}_s1_{at}" for at in range(1, 7)]
    images = [bytes([at]) * 30 * at for at in range(1, 7)]
    struct = pa.array(
        [{"bytes": image, "path": None} for image in images],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    core = pa.table({"__key__": keys, "jp2": struct})
    for codec in ("none", "snappy", "gzip", "lz4", "zstd"):
        shard(f"core-{codec}", core, compression=codec, row_group_size=4)
    paths = [f"E/Plate1/B0{at}_s1_w1.png" for at in range(1, 7)]
    shard("plain", pa.table({"png": pa.array(images, pa.binary()), "file_name": paths}))
    shard("table", pa.table({"well_id": keys}))
    whole = (FOLDER / "shard" / "plain").read_bytes()
    (FOLDER / "shard" / "cut").write_bytes(whole[:-9])


if __name__ == "__main__":
    main()
