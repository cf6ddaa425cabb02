"""The snippets of a dataset's own README work."""

from __future__ import annotations

import re

import duckdb
import pytest

from converter import Dataset


def code_blocks(dataset: Dataset, language: str) -> list[str]:
    text = (dataset.root / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks, f"no {language} in the README"
    return blocks


def test_python_can_be_pasted(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset.root)
    opened = []
    for block in code_blocks(dataset, "python"):
        names: dict[str, object] = {}
        exec(block, names)
        opened += [names["ds"].sizes["site"]] if "ds" in names else []
    assert opened
    assert set(opened) == {len(dataset.source.rows)}


def test_sql_can_be_pasted(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset.root)
    for block in code_blocks(dataset, "sql"):
        for statement in duckdb.extract_statements(block):
            assert duckdb.execute(statement.query).fetchall()
