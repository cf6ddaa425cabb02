"""What came of tests with random faults, as tests/end_to_end/torture.rs has it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Rounds by what was done in them."""

    begun: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    """Rounds that ended well."""

    def begin(self, what: str) -> None:
        self.begun[what] += 1

    def kept(self, what: str, faults: int) -> None:
        """Nothing was lost in this round."""
        self.whole[what] += 1
        self.faults[what] += faults

    def print(self) -> None:
        """A line for each, which `scripts/torture` looks for."""
        for what, rounds in self.begun.items():
            lost = rounds - self.whole[what]
            print(f"\ntorture | {what} | {rounds} | {self.faults[what]} | {lost} | 0")
