"""The same sites as MDS and as WebDataset.

python readers_formats.py TREE
"""

from __future__ import annotations

import importlib
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np

import tree

MDS = "mds"
MDS_PNG = "mds-png"
WEBDATASET = "webdataset"
SITES_A_SHARD = 64


def write_mds(root: Path) -> None:
    """Samples of raw pixels, not compressed: what is fastest to read, 1.9 times the PNGs."""
    import cv2

    streaming = importlib.import_module("streaming")
    sites = tree.read_sites(root)
    first = cv2.imread(str(sites[0][0]), cv2.IMREAD_UNCHANGED)
    shape = ",".join(map(str, (len(sites[0]), *first.shape)))
    columns = {"pixels": f"ndarray:{first.dtype}:{shape}"}
    with streaming.MDSWriter(out=str(root.parent / MDS), columns=columns) as writer:
        for paths in sites:
            planes = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
            writer.write({"pixels": np.stack(planes)})
    columns = {f"w{channel + 1}": "bytes" for channel in range(len(sites[0]))}
    with streaming.MDSWriter(out=str(root.parent / MDS_PNG), columns=columns) as writer:
        for paths in sites:
            files = {f"w{number}": path.read_bytes() for number, path in enumerate(paths, start=1)}
            writer.write(files)


def write_webdataset(root: Path) -> None:
    """Tars of six PNGs a site."""
    folder = root.parent / WEBDATASET
    folder.mkdir()
    sites = tree.read_sites(root)
    for begin in range(0, len(sites), SITES_A_SHARD):
        with tarfile.open(folder / f"{begin // SITES_A_SHARD:05}.tar", "w") as shard:
            for site, paths in enumerate(sites[begin : begin + SITES_A_SHARD], start=begin):
                for number, path in enumerate(paths, start=1):
                    content = path.read_bytes()
                    member = tarfile.TarInfo(f"{site:07}.w{number}.png")
                    member.size = len(content)
                    shard.addfile(member, BytesIO(content))


if __name__ == "__main__":
    write_mds(Path(sys.argv[1]))
    write_webdataset(Path(sys.argv[1]))
