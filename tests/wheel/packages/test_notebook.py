"""The notebook of the first hour runs as it stands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from notebook import NOTEBOOK, run_notebook


def test_the_first_hour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    shown = run_notebook(NOTEBOOK, with_torch=False)
    pictures = [value for value in shown if isinstance(value, str) and "<img" in value]
    assert len(pictures) == 3
