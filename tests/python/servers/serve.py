"""`rxrx2zarr serve`, started and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from servers.process import LOOPBACK

SECONDS_TO_END = 120


@dataclass(frozen=True)
class Answer:
    """A response: status, headers with names in lower case, content."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass(frozen=True)
class Served:
    """A dataset that the program serves, with what it printed as JSON."""

    process: subprocess.Popen[str]
    address: str
    url: str
    token: str
    ssh: str | None

    @classmethod
    def start(cls, dataset: str | Path, *options: str) -> Self:
        # It heeds SIGHUP even if the tests were started with nohup.
        program = ["env", "--default-signal=HUP", os.environ["RXRX2ZARR"]]
        command = [*program, "serve", str(dataset), "--json", *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        # The program prints one line when it listens; it ends without one if it cannot.
        line = process.stdout.readline()
        if not line.startswith("{"):
            process.kill()
            raise AssertionError(process.communicate())
        printed = json.loads(line)
        return cls(process, *(printed[name] for name in ("address", "url", "token", "ssh")))

    @property
    def port(self) -> int:
        return int(self.address.rstrip("/").rpartition(":")[2])

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Sends one request as it is. `_` in the name of a header stands for `-`."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=SECONDS_TO_END)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Sends one request with the token."""
        return self.ask(path, method, **self.bearer, **headers)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ends the server; returns its exit code and what it printed on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=SECONDS_TO_END)
        return self.process.returncode, errors


@contextmanager
def serving(dataset: str | Path, *options: str) -> Iterator[Served]:
    """Serves a dataset while the block runs."""
    served = Served.start(dataset, *options)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()
