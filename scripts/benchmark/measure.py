"""Runs a program and says how long it took and how much memory it had at its peak.

This module and its importer must stay small: Linux counts a parent's memory at
the time of the fork as the child's own peak.
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

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str | Path], pooled: bool = False) -> Measured:
    """Runs `command` to its end; any exit code but 0 ends the benchmark.

    The peak is the largest resident set of the process. For a pool of processes
    it is the largest sum of their proportional sets, sampled, so that pages they
    share count once.
    """
    words = [str(word) for word in command]
    with TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=output)
        pool = PoolMemory(process.pid) if pooled else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = pool.stop() if pool else usage.ru_maxrss * 1024
        output.seek(0)
        text = output.read().decode()
    if process.returncode != 0:
        sys.exit(f"error: exit code {process.returncode} from {' '.join(words)}\n{text}")
    return Measured(seconds, peak, text)


class PoolMemory:
    """Samples the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()

    def sample(self) -> None:
        while not self.done.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(proportional_bytes, family(self.pid))))

    def stop(self) -> int:
        self.done.set()
        self.thread.join()
        return self.peak


def family(pid: int) -> list[int]:
    """A process and its children; pools have no grandchildren."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # it ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
