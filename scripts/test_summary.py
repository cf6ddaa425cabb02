"""Prints the end of a test run: what was skipped, and the ten slowest tests.

    python scripts/test_summary.py FOLDER

FOLDER holds what scripts/test wrote: rust.xml and python.xml (JUnit), and skipped.tsv,
a line for each skipped section. A Rust test that skips prints "skipped: REASON".
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SLOWEST = 10
RUST_SKIP = re.compile(r"^skipped: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Test:
    name: str
    seconds: float
    skipped: str | None
    """The reason, or None if the test ran."""


def read_junit(path: Path) -> Iterator[Test]:
    for case in ET.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        yield Test(name, float(case.get("time", 0)), skip_reason(case))


def skip_reason(case: ET.Element) -> str | None:
    skipped = case.find("skipped")
    if skipped is not None:
        return skipped.get("message") if skipped.get("type") == "pytest.skip" else None
    output = "\n".join(case.findtext(part) or "" for part in ("system-out", "system-err"))
    found = RUST_SKIP.search(output)
    return found[1] if found else None


def skipped_sections(path: Path) -> Iterator[tuple[str, str]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, reason = line.split("\t")
            yield name, reason


def main(folder: Path) -> None:
    tests = [test for path in sorted(folder.glob("*.xml")) for test in read_junit(path)]
    skips = defaultdict(list)
    for name, reason in skipped_sections(folder / "skipped.tsv"):
        skips[reason].append(name)
    for test in tests:
        if test.skipped is not None:
            skips[test.skipped].append(test.name)
    print(f"\n== skipped: {sum(map(len, skips.values()))}")
    for reason, names in skips.items():
        print(reason)
        for name in names:
            print(f"    {name}")
    ran = sorted((test for test in tests if test.skipped is None), key=lambda test: -test.seconds)
    print(f"\n== slowest of {len(ran)} tests")
    for test in ran[:SLOWEST]:
        print(f"{test.seconds:8.1f} s  {test.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
