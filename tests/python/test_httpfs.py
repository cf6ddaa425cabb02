"""DuckDB's httpfs reads the tables over HTTP and S3, and only the parts that a query needs."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import Datasets
from faults.proxy import FaultProxy
from readers.byte_range import decode
from readers.httpfs import httpfs, no_secret, secret
from servers.bucket import Bucket
from servers.file_server import Request, serve
from servers.object_stores import SeaweedFS

TABLES = ("metadata", "planes")
TABLES_URL = "s3://tables"


def row_group_bytes(table: Path, index: int) -> int:
    group = pq.ParquetFile(table).metadata.row_group(index)
    return sum(group.column(i).total_compressed_size for i in range(group.num_columns))


def ask_for(root: str, table: str, site: int) -> str:
    return f"SELECT * FROM '{root}/{table}.parquet' WHERE site_index = {site}"


@pytest.mark.parametrize("table", TABLES)
def test_http_reads_only_the_row_group_that_it_needs(full_size: Path, table: str) -> None:
    path = full_size / f"{table}.parquet"
    requests: list[Request] = []
    site = 60_000
    with serve(full_size, requests) as address:
        rows = httpfs(ask_for(address, table, site))
    expected = pq.read_table(path, filters=[("site_index", "==", site)])
    assert [row[:2] for row in rows] == [list(row.values())[:2] for row in expected.to_pylist()]
    size, sent = path.stat().st_size, sum(request.sent for request in requests)
    print(f"{table}: {sent} of {size} bytes in {len(requests)} requests for {len(rows)} rows")
    file = pq.ParquetFile(path)
    largest = max(row_group_bytes(path, i) for i in range(file.num_row_groups))
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little")
    # httpfs fetches the end of the file before it knows where the footer begins.
    assert sent <= largest + footer + 2 * 65_536
    assert sent < size / 2
    assert {Path(request.path).name for request in requests} == {path.name}


def test_http_finds_a_site_by_its_name_and_its_bytes(full_size: Path) -> None:
    local = pq.read_table(full_size / "metadata.parquet")
    row = local.slice(100_000, 1).to_pylist()[0]
    with serve(full_size) as address:
        query = f"""SELECT object, byte_offset, byte_length FROM '{address}/metadata.parquet'
                    WHERE site_id = '{row["site_id"]}'"""
        assert httpfs(query) == [[row["object"], row["byte_offset"], row["byte_length"]]]


def test_http_joins_all_tables(full_size: Path) -> None:
    with serve(full_size) as address:
        (found,) = httpfs(f"""
            SELECT count(*), bool_and(abs(s.mean - p.mean) < 10)
            FROM '{address}/planes.parquet' p JOIN '{address}/metadata.parquet' USING (site_index)
            JOIN '{address}/channel_stats.parquet' s USING (experiment, plate, channel)
            WHERE p.status = 'ok'""")
    assert found == [1512, True]


@pytest.fixture(scope="module")
def bucket(full_size: Path, seaweed: SeaweedFS) -> Bucket:
    """Makes the private bucket `s3://tables` with the tables of the dataset."""
    bucket = Bucket(seaweed.endpoint, "tables")
    bucket.make()
    for table in TABLES:
        key = f"{table}.parquet"
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=(full_size / key).read_bytes())
    return bucket


@pytest.fixture(scope="module")
def public(datasets: Datasets, seaweed: SeaweedFS) -> Bucket:
    """Makes the public dataset `s3://public/rxrx1`."""
    bucket = Bucket(seaweed.endpoint, "public")
    bucket.make()
    bucket.make_public()
    bucket.put_tree(datasets.dataset("sharded").root, "rxrx1")
    return bucket


@pytest.mark.parametrize("table", TABLES)
def test_s3_reads_the_tables(full_size: Path, bucket: Bucket, table: str) -> None:
    local = pq.read_table(full_size / f"{table}.parquet")
    count = f"SELECT count(*) FROM '{TABLES_URL}/{table}.parquet'"
    assert httpfs(secret(bucket), count) == [[len(local)]]
    site = 125_509
    rows = httpfs(secret(bucket), ask_for(TABLES_URL, table, site))
    expected = local.filter(local["site_index"].to_numpy() == site)
    assert [row[:2] for row in rows] == [list(row.values())[:2] for row in expected.to_pylist()]
    assert rows


def test_s3_refuses_a_wrong_key(bucket: Bucket) -> None:
    with pytest.raises(AssertionError, match=r"403|Forbidden|Authentication"):
        httpfs(secret(bucket, "guessed"), f"SELECT count(*) FROM '{TABLES_URL}/metadata.parquet'")


def test_a_query_and_one_range_request_read_a_public_site(
    datasets: Datasets, public: Bucket, s3_proxy: FaultProxy
) -> None:
    dataset = datasets.dataset("sharded")
    site = 6
    query = f"""SELECT object, byte_offset, byte_length FROM 's3://public/rxrx1/metadata.parquet'
                WHERE site_id = '{dataset.source.site_ids[site]}'"""
    ((shard, offset, length),) = httpfs(no_secret(public), query)
    request = urllib.request.Request(
        f"{s3_proxy.endpoint}/public/rxrx1/{shard}",
        headers={"Range": f"bytes={offset}-{offset + length - 1}"},
    )
    with urllib.request.urlopen(request) as answer:
        data = answer.read()
    pixels = dataset.source.pixels
    sample = decode(data, dataset.codec, pixels.dtype).reshape(pixels.shape[1:])
    np.testing.assert_array_equal(sample, pixels[site])
    assert [(one.status, one.received) for one in s3_proxy.exchanges] == [(206, length)]


@pytest.mark.parametrize("table", TABLES)
def test_everybody_can_read_the_tables(datasets: Datasets, public: Bucket, table: str) -> None:
    dataset = datasets.dataset("sharded")
    local = pq.read_table(dataset.root / f"{table}.parquet")
    query = f"SELECT count(*), sum(site_index) FROM 's3://public/rxrx1/{table}.parquet'"
    expected = [len(local), sum(local["site_index"].to_pylist())]
    assert [list(map(int, row)) for row in httpfs(no_secret(public), query)] == [expected]
