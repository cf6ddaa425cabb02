"""The tables of a benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

OURS = "rxrx2zarr"
OTHER = "rxrx2zarr, the other one"
"""A second program of ours, for a comparison of two versions."""
FLOOR = "read+inflate"


@dataclass(frozen=True)
class Result:
    """One contestant's runs."""

    name: str
    codec: str
    rates: Sequence[float]
    """Sites a second, run by run."""
    stored_bytes: int | None = None
    peak_bytes: Sequence[int] = ()
    pooled: bool = False

    @property
    def rate(self) -> float:
        return median(self.rates)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def conversions(results: Sequence[Result], png_bytes: int) -> str:
    """One line a contestant; ratios are of medians."""
    floor = next(result.rate for result in results if result.name == FLOOR)
    header = ["", "codec", "sites/s", "of the best peer", "of the floor", "stored / PNG", "memory"]
    rows = [
        [
            f"**{result.name}**" if result.name == OURS else result.name,
            result.codec,
            rate_cell(result),
            peer_cell(result, results),
            f"{result.rate / floor:.2f}",
            "" if result.stored_bytes is None else f"{result.stored_bytes / png_bytes:.2f}",
            memory_cell(result),
        ]
        for result in results
    ]
    return table(header, rows)


def rate_cell(result: Result) -> str:
    """The median, and the slowest and fastest run where there are several."""
    if len(result.rates) == 1:
        return f"{result.rate:.0f}"
    return f"{result.rate:.0f} ({min(result.rates):.0f}–{max(result.rates):.0f})"


def peer_cell(result: Result, results: Sequence[Result]) -> str:
    """How many times as fast as the fastest other contestant of the same codec."""
    peers = [
        peer.rate
        for peer in results
        if peer.codec == result.codec and peer.name not in (OURS, OTHER)
    ]
    return f"{result.rate / max(peers):.2f} ×" if result.codec and peers else ""


def memory_cell(result: Result) -> str:
    if not result.peak_bytes:
        return ""
    mark = "*" if result.pooled else ""
    return f"{max(result.peak_bytes) / 2**20:.0f} MiB{mark}"


def reads(results: Sequence[Result]) -> str:
    """Single-site reads; the first line is what the others are compared with."""
    pngs = results[0].rate
    rows = [
        [result.name, result.codec, rate_cell(result), f"{result.rate / pngs:.1f} ×"]
        for result in results
    ]
    return table(["", "codec", "sites/s", "of six PNGs"], rows)
