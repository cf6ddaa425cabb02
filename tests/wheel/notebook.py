"""Runs the cells of a notebook, without Jupyter."""

from __future__ import annotations

import ast
import json
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "docs/notebooks/first_hour.ipynb"


def run_notebook(notebook: Path, with_torch: bool) -> list[object]:
    """Runs all cells in the folder of the process, and returns what they show.

    As a notebook does, it asks the value of a last expression for its HTML. Cells with the tag
    torch run only `with_torch`.
    """
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    space: dict[str, object] = {}
    shown: list[object] = []
    for cell in document["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert not cell["outputs"], "the notebook is committed without outputs"
        if "torch" in cell["metadata"].get("tags", []) and not with_torch:
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), space)
            html = getattr(value, "_repr_html_", None)
            shown.append(html() if html else value)
    return shown
