"""Rows of a table as JSON knows them. Needs no package, so that any Python can import it."""

from __future__ import annotations

import math


def without_nan(value: object) -> object:
    if isinstance(value, list):
        return [without_nan(number) for number in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def rows_of(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Returns the rows with None in place of each NaN, which JSON does not know."""
    return [{name: without_nan(value) for name, value in row.items()} for row in rows]
