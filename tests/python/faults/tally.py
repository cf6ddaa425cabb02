"""The results of tests that inject faults, for the table of `scripts/torture`."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tally:
    """Counts rounds and faults by the name of what was done."""

    rounds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def begin(self, name: str) -> None:
        """Counts a round, as lost until it has passed."""
        self.rounds[name] += 1
        self.lost[name] += 1

    def passed(self, name: str, faults: int) -> None:
        """Counts the faults of a round that ended with the right objects."""
        self.lost[name] -= 1
        self.faults[name] += faults

    def write(self) -> None:
        """Adds a line for each name to the file that RXRX2ZARR_RESULTS names.

        The columns are those of tests/tally.rs. The tests do not tell lost data from
        faults that the program did not report, so that column is "-".
        """
        if "RXRX2ZARR_RESULTS" not in os.environ:
            return
        with Path(os.environ["RXRX2ZARR_RESULTS"]).open("a", encoding="utf-8") as file:
            for name, rounds in self.rounds.items():
                lost = self.lost[name]
                outcome = "failed" if lost else "passed"
                print(name, rounds, self.faults[name], lost, "-", outcome, sep="\t", file=file)
