"""The Python of docs/python.md runs as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from documents import Block, read_page

BLOCKS = [
    block
    for block in read_page("docs/python.md").blocks
    # tests/wheel/with_torch runs the others.
    if block.language == "python" and "rxrx2zarr.torch" not in block.code
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the sample of the program and its dataset."""
    folder = tmp_path_factory.mktemp("page")
    program = Path(sys.executable).with_name("rxrx2zarr")
    for arguments in ("sample rxrx1 --sites 24 --size 64", "convert rxrx1 rxrx1-zarr"):
        subprocess.run([program, *arguments.split()], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_python_can_be_pasted(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(block.code, {})
