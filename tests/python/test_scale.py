"""docs/scale.md states what large data sets take, as scripts/scale computes it."""

from __future__ import annotations

import subprocess
import sys

from documents import ROOT


def test_the_tables_are_those_of_the_script() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "scale"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    tables = done.stdout.strip().split("\n\n")
    assert len(tables) == 3
    page = (ROOT / "docs" / "scale.md").read_text()
    for table in tables:
        assert table in page, "run scripts/scale, and put its tables into docs/scale.md"
