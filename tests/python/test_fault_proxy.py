"""The proxy passes everything on unchanged, and injects the planned faults."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from faults.plan import (
    Delay,
    Fault,
    FlakyNetwork,
    LoseAnswer,
    LoseRequest,
    Plan,
    Refuse,
    RequestHead,
    Trickle,
    no_faults,
)
from faults.proxy import FaultProxy

BODY = random.Random(5).randbytes(300_000)
BROKEN = (ConnectionError, http.client.HTTPException)


class ObjectHandler(BaseHTTPRequestHandler):
    """Stores the body of a PUT by its path; lists the PUT requests that it finished."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    puts: list[str]

    def do_PUT(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):
                return
        self.objects[self.path] = body
        self.puts.append(self.headers["Host"])
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(self.objects[self.path])

    def do_HEAD(self) -> None:
        self.answer(self.objects[self.path])

    def answer(self, body: bytes) -> None:
        is_chunked = self.path.startswith("/chunked")
        self.send_response(200)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing, to keep pytest's output readable."""


class Client:
    def __init__(self, proxy: FaultProxy) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)

    def ask(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None
    ) -> tuple[int, bytes]:
        headers = {"Host": "a.name.that.was.signed"}
        self.connection.request(
            method, path, body, headers, encode_chunked=not isinstance(body, bytes)
        )
        answer = self.connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def object_server() -> Iterator[tuple[int, type[ObjectHandler]]]:
    handler = type("HandlerOfOneTest", (ObjectHandler,), {"objects": {}, "puts": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # lost connections are expected
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield server.server_port, handler
        finally:
            server.shutdown()


@contextmanager
def setting(plan: Plan = no_faults) -> Iterator[tuple[FaultProxy, Client, type[ObjectHandler]]]:
    with object_server() as (port, handler), FaultProxy(port, plan).running() as proxy:
        client = Client(proxy)
        try:
            yield proxy, client, handler
        finally:
            client.connection.close()


def first(fault: Fault) -> Plan:
    return lambda head: fault if head.number == 0 else None


@pytest.mark.parametrize("path", ["/plain?and=query", "/chunked"])
@pytest.mark.parametrize("plan", [no_faults, first(Delay(0.01)), lambda _head: Trickle(10_000)])
def test_messages_pass_unchanged(path: str, plan: Plan) -> None:
    with setting(plan) as (proxy, client, handler):
        assert client.ask("PUT", path, BODY) == (200, b"")
        assert client.ask("PUT", path + "2", iter([BODY, BODY])) == (200, b"")
        assert client.ask("HEAD", path) == (200, b"")
        assert client.ask("GET", path) == (200, BODY)
        assert client.ask("GET", path + "2") == (200, BODY + BODY)
        assert handler.puts == ["a.name.that.was.signed"] * 2
    assert [seen.method for seen in proxy.exchanges] == ["PUT", "PUT", "HEAD", "GET", "GET"]
    assert [seen.status for seen in proxy.exchanges] == [200] * 5
    assert proxy.exchanges[0].sent == len(BODY)
    assert proxy.exchanges[3].received >= len(BODY)
    assert proxy.exchanges[0].path == path.partition("?")[0]


@pytest.mark.parametrize("status", [503, 429, 500])
def test_a_refused_request_never_reaches_the_server(status: int) -> None:
    with setting(first(Refuse(status))) as (proxy, client, handler):
        answer, body = client.ask("PUT", "/a", BODY)
        assert answer == status
        assert b"<Error><Code>" in body
        assert not handler.puts
        # The connection stays open.
        assert client.ask("PUT", "/a", BODY) == (200, b"")
    assert [seen.sent for seen in proxy.exchanges] == [0, len(BODY)]


def test_a_lost_request_is_not_carried_out() -> None:
    with setting(first(LoseRequest(0.5))) as (proxy, client, handler):
        with pytest.raises(BROKEN):
            client.ask("PUT", "/a", BODY)
        client.connection.close()
        assert client.ask("PUT", "/b", BODY) == (200, b"")
        assert set(handler.objects) == {"/b"}
    assert proxy.exchanges[0].sent == len(BODY) // 2
    assert proxy.exchanges[0].status is None


def test_a_request_whose_answer_is_lost_is_carried_out() -> None:
    with setting(first(LoseAnswer())) as (proxy, client, handler):
        with pytest.raises(BROKEN):
            client.ask("PUT", "/a", BODY)
        assert handler.objects == {"/a": BODY}
    assert proxy.exchanges[0].status is None


@pytest.mark.parametrize("reset", [True, False])
def test_an_answer_is_cut_off_in_its_body(reset: bool) -> None:
    plan = lambda head: LoseAnswer(0.5, reset) if head.method == "GET" else None  # noqa: E731
    with setting(plan) as (proxy, client, _):
        client.ask("PUT", "/a", BODY)
        with pytest.raises(BROKEN):
            client.ask("GET", "/a")
    assert proxy.exchanges[1].received == len(BODY) // 2


def test_a_connection_without_a_server_is_reset_and_a_new_server_is_found() -> None:
    with object_server() as (port, _):
        pass
    with FaultProxy(port).running() as proxy:
        client = Client(proxy)
        with pytest.raises(BROKEN):
            client.ask("GET", "/a")
        client.connection.close()
        with object_server() as (proxy.server_port, handler):
            handler.objects["/a"] = b"here again"
            assert client.ask("GET", "/a") == (200, b"here again")
        with object_server() as (proxy.server_port, handler):
            handler.objects["/a"] = b"and again"
            client.connection.close()
            assert client.ask("GET", "/a") == (200, b"and again")
        client.connection.close()


def test_wait_until_returns_after_a_request() -> None:
    with setting(first(Delay(0.05))) as (proxy, client, _):
        thread = threading.Thread(target=client.ask, args=("PUT", "/late", BODY))
        thread.start()
        proxy.wait_until(lambda seen: any(one.path == "/late" for one in seen))
        proxy.wait_until(lambda seen: seen[0].status == 200)
        thread.join()


def test_a_seed_decides_the_faults_of_a_flaky_network() -> None:
    def faults(seed: int) -> list[Fault | None]:
        network = FlakyNetwork(seed)
        return [network(RequestHead(number, "GET", "/", {})) for number in range(1000)]

    assert faults(1) == faults(1)
    assert faults(1) != faults(2)
    kinds = {type(fault) for fault in faults(1)}
    assert kinds == {type(None), Refuse, LoseRequest, LoseAnswer, Delay, Trickle}
    assert 100 < sum(fault is not None for fault in faults(1)) < 400
