"""DuckDB's httpfs reads the tables over HTTP and S3, and of them only what a query needs."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from range_server import Request, serve

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
GRPC = 10_000
"""Every server of SeaweedFS has a second port, this much higher."""
SECONDS_TO_START = 60
TABLES = ("metadata", "planes")
PLACE = "s3://tables"


def httpfs(*statements: str) -> list[list[object]]:
    """The rows of the last statement, from the DuckDB in the environment with httpfs."""
    script = Path(__file__).with_name("httpfs_query.py")
    done = subprocess.run(
        [os.environ["HTTPFS_PYTHON"], script],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
        query = f"""SELECT shard, "offset", length FROM '{address}/metadata.parquet'
                    WHERE site_id = '{row["site_id"]}'"""
        assert httpfs(query) == [[row["shard"], row["offset"], row["length"]]]


def test_http_joins_all_tables(full_size: Path) -> None:
    with serve(full_size) as address:
        (found,) = httpfs(f"""
            SELECT count(*), bool_and(abs(s.mean - p.mean) < 10)
            FROM '{address}/planes.parquet' p JOIN '{address}/metadata.parquet' USING (site_index)
            JOIN '{address}/channel_stats.parquet' s USING (experiment, plate, channel)
            WHERE p.status = 'ok'""")
    assert found == [1512, True]


@dataclass(frozen=True)
class Bucket:
    """`s3://tables` at a SeaweedFS of its own, with the tables of the dataset in it."""

    s3: int
    filer: int

    def secret(self, key: str = KEYS["AWS_SECRET_ACCESS_KEY"]) -> str:
        return f"""CREATE SECRET (TYPE s3, KEY_ID '{KEYS["AWS_ACCESS_KEY_ID"]}', SECRET '{key}',
            ENDPOINT '127.0.0.1:{self.s3}', URL_STYLE 'path', USE_SSL false)"""

    def put(self, path: Path) -> None:
        """Writes a file by SeaweedFS's filer, which asks for no signature."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.filer}/buckets/tables/{path.name}",
            data=path.read_bytes(),
            method="PUT",
            headers={"Content-Type": "application/octet-stream"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 201


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, nor those `GRPC` higher."""
    candidates = random.SystemRandom().sample(range(12_000, 32_000), 1000)
    found = (port for port in candidates if is_free(port) and is_free(port + GRPC))
    return list(itertools.islice(found, count))


@pytest.fixture(scope="module")
def bucket(full_size: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    folder = tmp_path_factory.mktemp("seaweed")
    weed = Path(os.environ["HTTPFS_PYTHON"]).with_name("weed")
    command = [weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += ["-master.telemetry=false", "-bucket=tables", "-admin.ui=false", "-webdav=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    servers = ("s3", "filer", "master", "volume", "admin")
    ports = dict(zip(servers, free_ports(len(servers)), strict=True))
    command += [f"-{server}.port={port}" for server, port in ports.items()]
    running = Bucket(ports["s3"], ports["filer"])
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            list(map(str, command)), env=os.environ | KEYS, cwd=folder, stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{running.s3}/healthz", server, folder / "log")
            for table in TABLES:
                running.put(full_size / f"{table}.parquet")
            yield running
        finally:
            server.terminate()
            server.wait(30)


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(10 * SECONDS_TO_START):
        try:
            with urllib.request.urlopen(address):
                return
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, log.read_text()[-2000:]
            time.sleep(0.1)
    raise TimeoutError(log.read_text()[-2000:])


@pytest.mark.parametrize("table", TABLES)
def test_s3_reads_the_tables(full_size: Path, bucket: Bucket, table: str) -> None:
    local = pq.read_table(full_size / f"{table}.parquet")
    count = f"SELECT count(*) FROM '{PLACE}/{table}.parquet'"
    assert httpfs(bucket.secret(), count) == [[len(local)]]
    site = 125_509
    rows = httpfs(bucket.secret(), ask_for(PLACE, table, site))
    expected = local.filter(local["site_index"].to_numpy() == site)
    assert [row[:2] for row in rows] == [list(row.values())[:2] for row in expected.to_pylist()]
    assert rows


def test_s3_wants_the_right_key(bucket: Bucket) -> None:
    with pytest.raises(AssertionError, match=r"403|Forbidden|Authentication"):
        httpfs(bucket.secret("guessed"), f"SELECT count(*) FROM '{PLACE}/metadata.parquet'")
