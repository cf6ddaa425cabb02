"""`rxrx2zarr serve`: who gets the dataset, which bytes, and who gets nothing."""

from __future__ import annotations

import hashlib
import shutil
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import zarr

from conftest import Datasets
from converter import COMPLETE, FAILED, Dataset, run
from readers.httpfs import httpfs
from servers.bucket import Bucket
from servers.file_server import serve_with
from servers.object_stores import ACCESS_KEY, REGION, SECRET_KEY, SeaweedFS
from servers.serve import Served, serving

ORIGIN = "https://page.example"
TABLE = "/planes.parquet"


@pytest.fixture(scope="module")
def dataset(datasets: Datasets) -> Dataset:
    return datasets.dataset("sample")


@pytest.fixture(scope="module")
def served(dataset: Dataset) -> Iterator[Served]:
    with serving(dataset.root, "--cors", ORIGIN, "--allowed-host", "hub.example.org") as server:
        yield server


def cookie_of(served: Served) -> str:
    """Opens the printed address, and returns the cookie that it gives."""
    query = urllib.parse.urlsplit(served.url).query
    answer = served.ask(f"/?{query}")
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return f"{morsel.key}={morsel.value}"


def test_the_printed_address_gives_a_cookie_and_leads_to_one_without_the_token(
    served: Served,
) -> None:
    query = urllib.parse.urlsplit(served.url).query
    assert query == f"access={served.token}"
    answer = served.ask(f"/?{query}")
    assert answer.status == 303
    assert answer.headers["location"] == "./"
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "")
    # Whoever sees the cookie cannot tell the token.
    assert morsel.value != served.token
    assert served.ask("/README.md", Cookie=f"{morsel.key}={morsel.value}").status == 200


def test_whoever_has_no_token_gets_nothing(served: Served) -> None:
    for answer in (
        served.ask("/"),
        served.ask("/README.md"),
        served.ask("/no-such-object"),
        served.ask(f"/?access={served.token[:-1]}"),
        served.ask("/README.md", Authorization="Bearer no"),
        served.ask("/README.md", Authorization=f"Basic {served.token}"),
        served.ask("/README.md", Cookie=f"rxrx2zarr-{served.port}={served.token}"),
    ):
        assert answer.status == 403
        assert "rxrx2zarr serve printed" in answer.text


def test_the_host_must_be_this_machine_or_allowed(served: Served) -> None:
    for host in (f"localhost:{served.port}", "127.0.0.1", "[::1]", "HUB.example.org"):
        assert served.get("/README.md", Host=host).status == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", ""):
        answer = served.get("/README.md", Host=host)
        assert answer.status == 403, host
        assert "--allowed-host" in answer.text


def test_a_page_of_another_server_is_refused(served: Served) -> None:
    cookie = cookie_of(served)
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{served.port + 1}"):
        answer = served.ask("/README.md", Cookie=cookie, Origin=origin)
        assert answer.status == 403, origin
        assert "access-control-allow-origin" not in answer.headers
    own = served.ask("/README.md", Cookie=cookie, Origin=f"http://127.0.0.1:{served.port}")
    assert own.status == 200
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["cross-origin-resource-policy"] == "same-origin"
    # A picture or a script of a page of another port of this host, which has the cookie.
    embedded = {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"}
    assert served.ask("/README.md", Cookie=cookie, **embedded).status == 403


def test_an_origin_that_is_named_may_ask_with_the_token(served: Served) -> None:
    asked = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "range"}
    before = served.ask("/README.md", "OPTIONS", Origin=ORIGIN, **asked)
    assert (before.status, before.content) == (204, b"")
    assert "Range" in before.headers["access-control-allow-headers"]
    answer = served.get("/README.md", Origin=ORIGIN, Range="bytes=0-3")
    assert answer.status == 206
    for response in (before, answer):
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in response.headers
    assert "Content-Range" in answer.headers["access-control-expose-headers"]
    assert served.ask("/README.md", Origin=ORIGIN).status == 403
    foreign = served.ask("/README.md", "OPTIONS", Origin="https://evil.example", **asked)
    assert foreign.status == 403


def test_every_object_is_sent_whole_and_in_parts(dataset: Dataset, served: Served) -> None:
    for path in (path for path in dataset.root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        key = "/" + path.relative_to(dataset.root).as_posix()
        whole = served.get(key)
        assert (whole.status, whole.content) == (200, content), key
        assert whole.headers["accept-ranges"] == "bytes"
        head = served.get(key, "HEAD")
        assert (head.status, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers[name] == whole.headers[name]
        size = len(content)
        for header, chosen in (
            ("bytes=0-0", slice(0, 1)),
            (f"bytes={size // 2}-", slice(size // 2, None)),
            ("bytes=-5", slice(max(0, size - 5), None)),
            (f"bytes=1-{size + 100}", slice(1, None)),
        ):
            part = served.get(key, Range=header)
            assert (part.status, part.content) == (206, content[chosen]), (key, header)
            first = range(size)[chosen].start
            span = f"bytes {first}-{first + len(part.content) - 1}/{size}"
            assert part.headers["content-range"] == span


def test_content_types_are_those_of_the_objects(served: Served) -> None:
    for key, expected in (
        ("/images.zarr/zarr.json", "application/json"),
        (TABLE, "application/vnd.apache.parquet"),
        ("/README.md", "text/markdown; charset=utf-8"),
        ("/images.zarr/images/c/0/0/0/0", "application/octet-stream"),
    ):
        answer = served.get(key, "HEAD")
        assert answer.headers["content-type"] == expected
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_range_that_is_not_there_and_versions(dataset: Dataset, served: Served) -> None:
    size = dataset.planes_table.stat().st_size
    answer = served.get(TABLE, Range=f"bytes={size}-")
    assert (answer.status, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{size}"
    # Several ranges are answered with the whole object, as the standard allows.
    assert served.get(TABLE, Range="bytes=0-1,3-4").status == 200
    tag = served.get(TABLE, "HEAD").headers["etag"]
    known = served.get(TABLE, If_None_Match=tag)
    assert (known.status, known.content) == (304, b"")
    assert served.get(TABLE, If_Match='"other"').status == 412
    assert served.get(TABLE, Range="bytes=0-1", If_Range='"other"').status == 200


def test_only_reading_is_answered(dataset: Dataset, served: Served) -> None:
    before = digest(dataset.root)
    for method in ("PUT", "POST", "DELETE", "PATCH", "PROPFIND"):
        answer = served.get("/README.md", method)
        assert answer.status == 405, method
        assert answer.headers["allow"] == "GET, HEAD"
    assert digest(dataset.root) == before


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    text = b"".join(str(path).encode() + path.read_bytes() for path in files)
    return hashlib.sha256(text).hexdigest()


def test_nothing_outside_of_the_dataset_is_read(dataset: Dataset, tmp_path: Path) -> None:
    root = tmp_path / "rxrx1"
    shutil.copytree(dataset.root, root)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (root / "out.txt").symlink_to(secret)
    (root / "above").symlink_to(tmp_path)
    (root / "in.md").symlink_to(root / "README.md")
    (tmp_path / "rxrx1-beside").mkdir()
    (tmp_path / "rxrx1-beside" / "secret.txt").write_text("secret")
    (root / "beside").symlink_to(tmp_path / "rxrx1-beside")
    with serving(root) as served:
        for path in (
            "/out.txt",
            "/above/secret.txt",
            "/beside/secret.txt",
            "/../secret.txt",
            "/images.zarr/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e%2fsecret.txt",
            "/..%5csecret.txt",
            f"/{secret}",
            f"/{urllib.parse.quote(str(secret), safe='')}",
            "//" + str(secret).lstrip("/"),
            "/images.zarr",
            "/images.zarr/",
            "/a%00b",
            "/" + "a" * 5_000,
        ):
            answer = served.get(path)
            assert answer.status == 404, path
            assert b"secret" not in answer.content
        assert served.get("/in.md").content == (root / "README.md").read_bytes()
        # The folder itself may be reached by a link.
        linked = tmp_path / "linked"
        linked.symlink_to(root)
        with serving(linked) as through_link:
            assert through_link.get("/README.md").status == 200


def test_a_dataset_without_a_page_says_so(dataset: Dataset, tmp_path: Path) -> None:
    root = tmp_path / "rxrx1"
    shutil.copytree(dataset.root, root)
    (root / "index.html").unlink(missing_ok=True)
    with serving(root) as served:
        answer = served.get("/")
        assert answer.status == 200
        assert "no page" in answer.text
        (root / "index.html").write_text("<!doctype html><title>a page</title>")
        for path in ("/", "/index.html"):
            page = served.get(path)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert "a page" in page.text
            policy = page.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "eval" not in policy


def test_zarr_reads_pixels_with_the_token(dataset: Dataset, served: Served) -> None:
    options = {"headers": served.bearer}
    group = zarr.open_group(f"{served.address}images.zarr", mode="r", storage_options=options)
    np.testing.assert_array_equal(group["images"][5], dataset.source.pixels[5])


def test_duckdb_reads_tables_with_the_token(dataset: Dataset, served: Served) -> None:
    rows = httpfs(
        f"CREATE SECRET (TYPE http, BEARER_TOKEN '{served.token}')",
        f"SELECT count(*) FROM '{served.address}metadata.parquet'",
    )
    assert rows == [[len(dataset.source.rows)]]


class ProxyHandler(BaseHTTPRequestHandler):
    """Serves another server below a path, as jupyter-server-proxy does: the prefix is taken off,
    the headers stay, and no address in a response is changed."""

    upstream: Served
    prefix = "/user/me/proxy/8000"

    def do_GET(self) -> None:
        assert self.path.startswith(self.prefix)
        headers = {name.replace("-", "_"): value for name, value in self.headers.items()}
        answer = self.upstream.ask(self.path.removeprefix(self.prefix), **headers)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, to keep pytest's output readable."""


def test_it_works_below_a_path_of_a_proxy(dataset: Dataset) -> None:
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with serving(dataset.root) as served:
        handler = type("Handler", (ProxyHandler,), {"upstream": served})
        with serve_with(handler) as address:
            base = f"{address}{ProxyHandler.prefix}/"
            with opener.open(f"{base}?access={served.token}") as answer:
                assert answer.url == base
            (cookie,) = jar
            assert cookie.path == ProxyHandler.prefix
            with opener.open(f"{base}images.zarr/zarr.json") as answer:
                assert answer.read() == (dataset.zarr / "zarr.json").read_bytes()


def test_a_bucket_is_served_without_its_credentials(
    dataset: Dataset, seaweed: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(seaweed.endpoint, "served")
    bucket.make()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_REGION", REGION)
    endpoint = ("--store-option", f"endpoint={seaweed.endpoint}")
    done = run("publish", dataset.root, "s3://served/rxrx1", *endpoint)
    assert done.returncode == COMPLETE, done.stderr
    with serving("s3://served/rxrx1", *endpoint) as served:
        shard = "/images.zarr/images/c/0/0/0/0"
        expected = (dataset.root / shard[1:]).read_bytes()
        whole = served.get(shard)
        assert whole.content == expected
        for header, chosen in (("bytes=100-299", slice(100, 300)), ("bytes=-64", slice(-64, None))):
            part = served.get(shard, Range=header)
            assert (part.status, part.content) == (206, expected[chosen])
        assert served.get(shard, If_None_Match=whole.headers["etag"]).status == 304
        assert served.get("/no-such-object").status == 404
        for answer in (whole, served.get("/"), served.get("/../other/x")):
            sent = str(answer.headers)
            assert SECRET_KEY not in sent
            assert ACCESS_KEY not in sent


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGUSR1, 138)],
)
def test_a_signal_ends_it(dataset: Dataset, number: signal.Signals, code: int) -> None:
    with serving(dataset.root) as served:
        # An open connection does not keep it.
        assert served.get("/README.md").status == 200
        assert served.end(number) == (code, "")


def test_what_cannot_be_served_is_told(dataset: Dataset, served: Served, tmp_path: Path) -> None:
    done = run("serve", tmp_path)
    assert done.returncode == FAILED
    taken = run("serve", dataset.root, "--port", str(served.port))
    assert taken.returncode == FAILED
    assert "choose another --port" in taken.stderr


def test_an_address_for_all_machines_keeps_the_token(dataset: Dataset) -> None:
    with serving(dataset.root, "--bind", "0.0.0.0") as served:
        assert served.ssh is None
        assert served.ask("/README.md").status == 403
        assert served.get("/README.md").status == 200
        assert served.get("/README.md", Host="10.1.2.3").status == 403


def test_the_ssh_line_names_the_port(served: Served) -> None:
    assert served.ssh.startswith(f"ssh -L {served.port}:127.0.0.1:{served.port} ")
