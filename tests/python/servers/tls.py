"""TLS in front of a server, with a private certificate authority, and a proxy of HTTPS."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from servers.process import LOOPBACK

Attend = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PIECE = 1 << 16


@dataclass(frozen=True)
class Authority:
    """A certificate authority that only its own file makes trusted."""

    certificate: Path
    chain: Path
    """Certificate and key of a server at 127.0.0.1."""


def make_authority(folder: Path) -> Authority:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "private authority")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    is_authority = x509.BasicConstraints(ca=True, path_length=0)
    root = builder(root_name, root_key).add_extension(is_authority, critical=True)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    server = builder(name, key).add_extension(address, critical=False)
    pem = serialization.Encoding.PEM
    authority = Authority(folder / "authority.pem", folder / "server.pem")
    authority.certificate.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signed = server.sign(root_key, hashes.SHA256()).public_bytes(pem)
    authority.chain.write_bytes(signed + private)
    return authority


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """Passes all bytes between a client and a server."""
    from_server, to_server = await asyncio.open_connection(host, port)
    await asyncio.gather(pipe(reader, to_server), pipe(from_server, writer))


@contextmanager
def listening(attend: Attend, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Listens on a free port of this machine while the block runs; yields the port."""
    started, stopped = threading.Event(), asyncio.Event()
    found: list[tuple[asyncio.AbstractEventLoop, int]] = []

    async def serve() -> None:
        server = await asyncio.start_server(attend, LOOPBACK, 0, ssl=context)
        found.append((asyncio.get_running_loop(), server.sockets[0].getsockname()[1]))
        started.set()
        await stopped.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait()
    loop, port = found[0]
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


@contextmanager
def tls_in_front_of(port: int, authority: Authority) -> Iterator[str]:
    """Yields the `https` address of the server at `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.chain)

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await join(reader, writer, LOOPBACK, port)

    with listening(attend, context) as front:
        yield f"https://{LOOPBACK}:{front}"


@contextmanager
def https_proxy(targets: list[str]) -> Iterator[str]:
    """Yields the address of a proxy, which adds each host that it connects to to `targets`."""

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n")[0].split(" ")
        assert method == "CONNECT", head
        targets.append(target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = target.rpartition(":")
        await join(reader, writer, host, int(port))

    with listening(attend) as port:
        yield f"http://{LOOPBACK}:{port}"
