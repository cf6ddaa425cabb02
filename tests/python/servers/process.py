"""Starts, restarts and kills a server program on this machine."""

from __future__ import annotations

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
"""Ports below the range that the system uses for outgoing connections."""


def program(name: str) -> Path:
    """Returns the path of a program that `scripts/servers` installed."""
    return Path(os.environ["SERVERS"], "venv", "bin", name)


def installed_file(pattern: str) -> Path:
    """Returns the path of a file in the site-packages that `scripts/servers` installed."""
    (found,) = Path(os.environ["SERVERS"], "venv", "lib").glob(f"python3*/site-packages/{pattern}")
    return found


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do. Without it, a port with closed connections seems to be in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int, offsets: Sequence[int] = (0,)) -> list[int]:
    """Returns free ports for which the ports higher by `offsets` are free too. All of them are
    different."""
    found: list[int] = []
    taken: set[int] = set()
    for port in random.SystemRandom().sample(PORTS, 1000):
        wanted = {port + offset for offset in offsets}
        if len(found) < count and not wanted & taken and all(map(is_free, wanted)):
            found.append(port)
            taken |= wanted
    return found


def answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


@dataclass(eq=False)
class Server:
    """A process that listens on `port`; `folder` contains its log and its data."""

    folder: Path
    port: int
    command: Sequence[str | Path]
    environment: dict[str, str] = field(default_factory=dict)
    litter: Sequence[Path] = ()
    """Files outside `folder` that the process leaves behind when it is killed."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        """Starts the program and waits until it accepts requests."""
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
        """Kills the program, as a power failure would."""
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
            self.kill()  # its data are not needed, and a regular stop can take seconds
            for path in self.litter:
                path.unlink(missing_ok=True)
