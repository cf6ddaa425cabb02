"""Private certificate authorities, proxies and signed addresses are as on people's networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset
from faults.runs import Run, local_objects, pack, s3_environment
from servers.bucket import Bucket
from servers.file_server import Request, serve
from servers.object_stores import SeaweedFS
from servers.tls import Authority, https_proxy, make_authority, tls_in_front_of

WRONG_USAGE = 2
NO_PROXIES = {"HTTPS_PROXY": "", "HTTP_PROXY": "", "NO_PROXY": ""}
OPTIONS = ("--shard-sites", "4")
"""The settings of the dataset `sharded`."""


@pytest.fixture(scope="module")
def local(datasets: Datasets) -> Dataset:
    return datasets.dataset("sharded")


@pytest.fixture(scope="module")
def archive(local: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a zip archive of all files of the source."""
    return pack(local.source.root, tmp_path_factory.mktemp("archive") / "rxrx1.zip", ".")


@pytest.fixture(scope="module")
def bucket(seaweed: SeaweedFS, archive: Path) -> Bucket:
    bucket = Bucket(seaweed.endpoint, "connections")
    bucket.make()
    bucket.put_tree(archive.parent, "archives")
    return bucket


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def endpoint(seaweed: SeaweedFS, authority: Authority) -> Iterator[str]:
    with tls_in_front_of(seaweed.port, authority) as address:
        yield address


def test_the_certificates_of_ssl_cert_file_are_trusted_and_no_others(
    endpoint: str, authority: Authority, bucket: Bucket, local: Dataset, tmp_path: Path
) -> None:
    environment = s3_environment(endpoint) | NO_PROXIES
    publish = ("publish", local.root, f"s3://{bucket.name}/private")
    refused = Run(tmp_path / "refused", environment, *publish).finish()
    assert refused.code == FAILED
    assert "certificate" in refused.err
    environment["SSL_CERT_FILE"] = str(authority.certificate)
    done = Run(tmp_path / "cwd", environment, *publish).finish()
    assert done.code == COMPLETE, done.err
    assert bucket.dataset("private") == local_objects(local.root)


def test_a_store_is_reached_through_the_proxy_of_the_environment(
    endpoint: str, authority: Authority, bucket: Bucket, local: Dataset, tmp_path: Path
) -> None:
    targets: list[str] = []
    with https_proxy(targets) as proxy:
        environment = s3_environment(endpoint) | NO_PROXIES | {"HTTPS_PROXY": proxy}
        environment["SSL_CERT_FILE"] = str(authority.certificate)
        publish = ("publish", local.root, f"s3://{bucket.name}/proxied")
        done = Run(tmp_path / "cwd", environment, *publish).finish()
        assert done.code == COMPLETE, done.err
        assert bucket.dataset("proxied") == local_objects(local.root)
        assert set(targets) == {endpoint.removeprefix("https://")}
        targets.clear()
        environment["NO_PROXY"] = "127.0.0.1"
        info = ("info", f"s3://{bucket.name}/proxied")
        done = Run(tmp_path / "direct", environment, *info).finish()
        assert done.code == COMPLETE, done.err
        assert targets == []


def test_a_file_on_a_web_server_is_read_through_the_proxy_of_the_environment(
    archive: Path, local: Dataset, tmp_path: Path
) -> None:
    # A proxy is asked for a whole address. This one looks for a file of that name.
    folder = tmp_path / "files" / "http:" / "images.invalid"
    folder.mkdir(parents=True)
    (folder / archive.name).write_bytes(archive.read_bytes())
    requests: list[Request] = []
    with serve(tmp_path / "files", requests) as proxy:
        environment = NO_PROXIES | {"HTTP_PROXY": proxy}
        address = f"http://images.invalid/{archive.name}"
        convert = ("convert", address, tmp_path / "out", *OPTIONS)
        done = Run(tmp_path / "cwd", environment, *convert).finish()
    assert done.code == COMPLETE, done.err
    assert local_objects(tmp_path / "out") == local_objects(local.root)
    assert {one.path for one in requests} == {address}


def test_a_presigned_address_is_an_input_and_its_signature_is_nowhere(
    bucket: Bucket, local: Dataset, tmp_path: Path
) -> None:
    parameters = {"Bucket": bucket.name, "Key": "archives/rxrx1.zip"}
    signed = bucket.client.generate_presigned_url("get_object", parameters, ExpiresIn=600)
    secret = signed.partition("?")[2]
    assert "Signature" in secret
    # No credentials: the signature is enough.
    convert = ("convert", signed, tmp_path / "out", *OPTIONS)
    done = Run(tmp_path / "cwd", NO_PROXIES, *convert).finish()
    assert done.code == COMPLETE, done.err
    objects = local_objects(tmp_path / "out")
    assert objects == local_objects(local.root)
    signature = signed.rpartition("Signature=")[2].partition("&")[0].encode()
    assert not any(signature in content for content in objects.values())
    guessed = signed.replace("Signature=", "Signature=0")
    refused = Run(tmp_path / "no", NO_PROXIES, "plan", guessed).finish()
    assert refused.code == FAILED
    assert "403" in refused.err or "refuses" in refused.err
    assert "Signature" not in refused.out + refused.err
    output = ("convert", local.source.root, f"{bucket.address}/out?x=1")
    refused = Run(tmp_path / "output", s3_environment(bucket.endpoint), *output).finish()
    assert refused.code == WRONG_USAGE
    assert "names one file" in refused.err
