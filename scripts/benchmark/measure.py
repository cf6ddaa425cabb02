"""Runs a program and says how long it took and how much memory it had at its peak.

The peak that the system reports at the end of a child counts the memory of its parent
at the time of the fork, too; so it is asked while the program runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

SAMPLE_SECONDS = 0.05
POOL_SAMPLE_SECONDS = 0.1
"""Adding up the pages of several processes takes its time."""


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_bytes: int
    resident: list[int]
    """Bytes in use, sampled at equal times."""
    output: str


def run(command: Sequence[str | Path], pooled: bool = False) -> Measured:
    """Runs `command` to its end; any exit code but 0 ends the benchmark.

    The peak is the largest resident set of the process, as last seen before its end.
    For a pool of processes it is the largest sum of their proportional sets, sampled,
    so that pages they share count once.
    """
    words = [str(word) for word in command]
    with TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=output)
        memory = (PoolMemory if pooled else OwnMemory)(process.pid)
        _, status = os.waitpid(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        memory.stop()
        output.seek(0)
        text = output.read().decode()
    if process.returncode != 0:
        sys.exit(f"error: exit code {process.returncode} from {' '.join(words)}\n{text}")
    return Measured(seconds, memory.peak, memory.resident, text)


class OwnMemory:
    """Samples the memory of a process until it is stopped."""

    every = SAMPLE_SECONDS

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak = 0
        self.resident: list[int] = []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self) -> None:
        while not self.done.wait(self.every):
            self.sample()

    def sample(self) -> None:
        status = kilobytes(Path(f"/proc/{self.pid}/status"))
        if "VmRSS" in status:
            self.resident.append(status["VmRSS"])
            self.peak = status["VmHWM"]

    def stop(self) -> None:
        self.done.set()
        self.thread.join()


class PoolMemory(OwnMemory):
    """Samples the memory of a process and its children until it is stopped."""

    every = POOL_SAMPLE_SECONDS

    def sample(self) -> None:
        rollups = [kilobytes(Path(f"/proc/{pid}/smaps_rollup")) for pid in family(self.pid)]
        self.resident.append(sum(rollup.get("Pss", 0) for rollup in rollups))
        self.peak = max(self.resident)


def family(pid: int) -> list[int]:
    """A process and its children; pools have no grandchildren."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def kilobytes(path: Path) -> dict[str, int]:
    """What a file of the system gives in kilobytes, in bytes; nothing once the process ended."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines if line.endswith(" kB")]
    return {name.rstrip(":"): int(number) * 1024 for name, number, _ in words}
