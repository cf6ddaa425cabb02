"""A server program on this machine: started, waited for, killed, started again, always stopped."""

from __future__ import annotations

import itertools
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"
SECONDS_TO_START = 60
PORTS = range(12_000, 32_000)
"""Below those that the system gives to outgoing connections."""


def program(name: str) -> Path:
    """A program that `scripts/servers` installed."""
    return Path(os.environ["SERVERS"], "venv", "bin", name)


def installed_file(pattern: str) -> Path:
    """A file that a wheel of `scripts/servers` brought, below its site-packages."""
    (found,) = Path(os.environ["SERVERS"], "venv", "lib").glob(f"python3*/site-packages/{pattern}")
    return found


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, or a port would look taken while old connections to it fade out.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int, offsets: Sequence[int] = (0,)) -> list[int]:
    """Ports that nobody has, nor those that lie `offsets` higher."""
    candidates = random.SystemRandom().sample(PORTS, 1000)
    found = (port for port in candidates if all(is_free(port + offset) for offset in offsets))
    return list(itertools.islice(found, count))


def answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


@dataclass(eq=False)
class Server:
    """One process that listens on `port`; its log and what it stores lie in `folder`."""

    folder: Path
    port: int
    command: Sequence[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    litter: Sequence[Path] = ()
    """Files outside `folder` that it leaves behind when it is killed."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        """Starts the program and returns once it is ready for requests."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command],
                env=os.environ | self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.is_ready():
            text = self.log.read_text(errors="replace")[-2000:]
            assert self.process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.05)

    def is_ready(self) -> bool:
        return answers(self.port)

    def kill(self) -> None:
        """Ends the program at once, as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """Kills the program and starts it again on the same port with the same data."""
        self.kill()
        self.start()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Runs the server while the block runs."""
        try:
            self.start()
            yield self
        finally:
            self.kill()  # nobody wants what it stores, and a gentle stop can take seconds
            for path in self.litter:
                path.unlink(missing_ok=True)
