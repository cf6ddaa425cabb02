"""Reads one site with one range request, without a Zarr library.

    python scripts/examples/read_one_site.py DATASET SITE_ID

DATASET is a folder or an address: http://…, s3://bucket/… (with s3fs). The table has
the byte range, the shape and the type; the last four bytes are a CRC-32C.
Needs duckdb, fsspec, numcodecs, numpy (aiohttp for http).
"""

import json
import sys
from datetime import UTC, datetime

import duckdb
import fsspec
import numcodecs.blosc
import numpy as np

root, site_id = sys.argv[1:]
table = f"{root}/metadata.parquet"
files, _ = fsspec.url_to_fs(root)
if "://" in root:
    if "http" in files.protocol:  # fsspec has no modification time for HTTP, and DuckDB asks for it
        files.modified = lambda _: datetime.fromtimestamp(0, UTC)
    duckdb.register_filesystem(files)
query = f"""SELECT object, byte_offset, byte_length FROM '{table}' WHERE site_id = $id"""
shard, offset, length = duckdb.execute(query, {"id": site_id}).fetchone()
layout = dict(duckdb.execute(f"SELECT key, value FROM parquet_kv_metadata('{table}')").fetchall())
data = files.cat_file(f"{root}/{shard}", start=offset, end=offset + length)
planes = np.frombuffer(numcodecs.blosc.decompress(data[:-4]), layout[b"data_type"].decode())
planes = planes.reshape(json.loads(layout[b"chunk_shape"])[1:])  # (channel, y, x)
print(f"{site_id}: {length} bytes of {shard} from {offset}")
print(f"{planes.shape} {planes.dtype}, mean {planes.mean():.3f}")
