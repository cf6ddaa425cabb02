"""What the program draws on a terminal: read by a terminal emulator, at several widths."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest

from converter import COMPLETE, run

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
        os.close(self.controller)
        return code


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard for each site: a disk flushes them, so that a run takes some seconds."""
    root = tmp_path_factory.mktemp("terminal") / "rxrx1"
    done = run("sample", root, "--sites", "160", "--seed", "6", "--size", "64")
    assert done.returncode == COMPLETE, done.stderr
    return root


def convert(tree: Path, output: Path, columns: int) -> Terminal:
    arguments = ("convert", tree, output, "--shard-sites", "1", "--jobs", "1")
    return Terminal(*arguments, columns=columns)


COUNTED = re.compile(r"^ *(?P<verb>converting)? *\d+ %.* (?P<done>[\d,]+)/160")


def lines_of_progress(terminal: Terminal) -> list[str]:
    lines = [line for screen in terminal.screens for line in screen.splitlines()]
    return [line for line in lines if COUNTED.match(line)]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_line_fits(tree: Path, tmp_path: Path, columns: int) -> None:
    terminal = convert(tree, tmp_path / "output", columns)
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


def test_a_resize_is_followed(tree: Path, tmp_path: Path) -> None:
    terminal = convert(tree, tmp_path / "output", 120)
    assert terminal.read_until(lambda shown: COUNTED.match(shown) is not None)
    terminal.resize(44)
    terminal.screens.clear()
    assert terminal.finish() == COMPLETE
    # The line that was there before may be cut off; each later one fits.
    for screen in terminal.screens[3:]:
        assert all(len(line) <= 44 for line in screen.splitlines()), screen
    assert "%" not in terminal.shown()


def test_the_first_signal_is_answered_and_the_second_ends(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    terminal = convert(tree, output, 100)
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
    assert run("convert", tree, output, "--shard-sites", "1").returncode == COMPLETE


def test_a_host_that_does_not_answer_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        terminal = Terminal("info", f"http://{host}/bucket/x", columns=100)
        assert terminal.read_until(lambda shown: f"waiting for {host} for" in shown, 60)
        terminal.process.send_signal(signal.SIGINT)
        terminal.finish()


def test_a_dumb_terminal_gets_lines(tree: Path, tmp_path: Path) -> None:
    arguments = ("convert", tree, tmp_path / "output", "--progress", "bar")
    terminal = Terminal(*arguments, columns=80, term="dumb")
    assert terminal.finish() == COMPLETE
    assert not any("\r" in screen or "[=" in screen for screen in terminal.screens)


def test_programs_get_lines_of_json(tree: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ("convert", tree, tmp_path / "output", "--shard-sites", "1", "--jobs", "1")
    done = run("--progress", "json", *arguments, "--log-file", log)
    assert done.returncode == COMPLETE, done.stderr
    for line in done.stderr.splitlines():
        reading = json.loads(line)
        assert reading["event"] == "progress"
        assert reading["done"] <= 160
        assert reading["stage"] in ("planning", "starting", "converting", "sealing")
    first, *_, last = log.read_text().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ rxrx2zarr --progress json convert", first)
    assert last.endswith("ended with exit code 0")
