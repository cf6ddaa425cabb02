"""What the program draws on a terminal: read by a terminal emulator, at several widths."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from converter import COMPLETE, run
from servers.file_server import serve

ROWS = 14
SIGINT_CODE = 130
Action = Callable[["Terminal"], None]


class Terminal:
    """The program on a terminal of so many columns. Keeps every screen that it shows."""

    def __init__(self, *arguments: str | Path, columns: int, term: str = "xterm-256color") -> None:
        self.screen = pyte.Screen(columns, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.controller, terminal = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen(
            [os.environ["RXRX2ZARR"], *map(str, arguments)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=os.environ | {"TERM": term},
            start_new_session=True,
        )
        os.close(terminal)
        self.screens: list[str] = []

    def resize(self, columns: int) -> None:
        size = struct.pack("HHHH", ROWS, columns, 0, 0)
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, size)
        self.screen.resize(ROWS, columns)

    def shown(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def read_until(self, seen: Callable[[str], bool], seconds: float = 120) -> bool:
        """Reads until a screen is seen, or the program ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self.controller], [], [], 0.1)
            if ready:
                try:
                    data = os.read(self.controller, 1 << 16)
                except OSError:  # the program has closed the terminal
                    data = b""
                if not data:
                    return False
                self.stream.feed(data)
                shown = self.shown()
                self.screens.append(shown)
                if seen(shown):
                    return True
        pytest.fail(f"after {seconds} s the terminal shows:\n{self.shown()}")

    def finish(self) -> int:
        self.read_until(lambda _: False, 300)
        code = self.process.wait(timeout=60)
        self.close()
        return code

    def close(self) -> None:
        """Ends the program if a test has failed before it did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=60)
        if self.controller >= 0:
            os.close(self.controller)
            self.controller = -1


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a zip archive of 160 sites."""
    folder = tmp_path_factory.mktemp("terminal")
    done = run("sample", folder / "rxrx1", "--sites", "160", "--seed", "6", "--size", "64")
    assert done.returncode == COMPLETE, done.stderr
    served = folder / "served"
    served.mkdir()
    shutil.make_archive(str(served / "rxrx1"), "zip", folder / "rxrx1")
    shutil.copy(folder / "rxrx1" / "metadata.csv", served)
    with serve(served) as address:
        yield address


SLOWLY = ("--shard-sites", "8", "--jobs", "1", "--max-bandwidth", "700kB")
"""A run of 1.2 MB takes some seconds, however fast the machine is."""


@pytest.fixture
def convert(archive: str, tmp_path: Path) -> Iterator[Callable[[int], Terminal]]:
    """Begins a slow conversion into `output` on a terminal of so many columns."""
    begun: list[Terminal] = []

    def begin(columns: int) -> Terminal:
        begun.append(Terminal(*arguments(archive, tmp_path), *SLOWLY, columns=columns))
        return begun[-1]

    yield begin
    for terminal in begun:
        terminal.close()


def arguments(archive: str, folder: Path) -> tuple[str | Path, ...]:
    table = ("--metadata", f"{archive}/metadata.csv")
    return ("convert", f"{archive}/rxrx1.zip", folder / "output", *table)


COUNTED = re.compile(r"^ *(?P<verb>converting)? *\d+ %.* (?P<done>[\d,]+)/160")


def lines_of_progress(terminal: Terminal) -> list[str]:
    lines = [line for screen in terminal.screens for line in screen.splitlines()]
    return [line for line in lines if COUNTED.match(line)]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_line_fits(convert: Callable[[int], Terminal], columns: int) -> None:
    terminal = convert(columns)
    assert terminal.finish() == COMPLETE
    lines = lines_of_progress(terminal)
    assert lines, terminal.screens
    for line in lines:
        assert len(line) < columns, line
    # One line is replaced by the next one: nothing of it stays.
    assert all(len(COUNTED.findall(screen)) <= 1 for screen in terminal.screens)
    last = terminal.shown()
    assert "%" not in last, last
    assert "rxrx2zarr verify" in last.replace("\n", ""), last
    with_bar = [line for line in lines if "[" in line]
    assert bool(with_bar) == (columns > 60) or columns == 40, lines[-1]
    if columns == 120:
        assert any("sites" in line and "left" in line for line in lines), lines[-1]


def test_a_resize_is_followed(convert: Callable[[int], Terminal]) -> None:
    terminal = convert(120)
    assert terminal.read_until(lambda shown: COUNTED.match(shown) is not None)
    terminal.resize(44)
    terminal.screens.clear()
    assert terminal.finish() == COMPLETE
    # The line that was there before may be cut off; each later one fits.
    for screen in terminal.screens[3:]:
        assert all(len(line) <= 44 for line in screen.splitlines()), screen
    assert "%" not in terminal.shown()


def test_the_first_signal_is_answered_and_the_second_ends(
    convert: Callable[[int], Terminal], archive: str, tmp_path: Path
) -> None:
    terminal = convert(100)
    assert terminal.read_until(lambda shown: COUNTED.match(shown) is not None)
    # So that the run does not end before the second signal, it is asked to stop while stopped.
    terminal.process.send_signal(signal.SIGSTOP)
    terminal.process.send_signal(signal.SIGINT)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read_until(lambda shown: "stopping:" in shown)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish() == SIGINT_CODE
    last = terminal.shown()
    assert "the same command continues" in last.replace("\n", " "), last
    assert not re.search(r"^stopping +\d+ %", last, re.MULTILINE), f"a bar stays:\n{last}"
    done = run(*arguments(archive, tmp_path), "--shard-sites", "8")
    assert done.returncode == COMPLETE, done.stderr


def test_a_host_that_does_not_answer_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        terminal = Terminal("info", f"http://{host}/bucket/x", columns=100)
        assert terminal.read_until(lambda shown: f"waiting for {host} for" in shown, 60)
        terminal.process.send_signal(signal.SIGINT)
        terminal.finish()


def test_a_dumb_terminal_gets_lines(archive: str, tmp_path: Path) -> None:
    options = (*SLOWLY, "--progress", "bar")
    terminal = Terminal(*arguments(archive, tmp_path), *options, columns=80, term="dumb")
    assert terminal.finish() == COMPLETE
    assert not any("\r" in screen or "[=" in screen for screen in terminal.screens)


def test_programs_get_lines_of_json(archive: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (*arguments(archive, tmp_path), *SLOWLY)
    done = run("--progress", "json", *command, "--log-file", log)
    assert done.returncode == COMPLETE, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    for line in lines:
        reading = json.loads(line)
        assert reading["event"] == "progress"
        assert reading["done"] <= 160
        assert reading["stage"] in ("planning", "starting", "converting", "sealing")
    first, *_, last = log.read_text().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ rxrx2zarr --progress json convert", first)
    assert last.endswith("ended with exit code 0")
