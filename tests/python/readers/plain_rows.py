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


def select(query: dict, source: str) -> str:
    """Writes a query (see `old_parquet_query.py`) as SQL."""
    columns = [f'"{name}"' for name in query["by"]]
    made = [f'{function}("{name}") AS "{n}"' for n, (function, name) in enumerate(query["of"])]
    tests = [
        f'"{name}" {sign} ' + (f"'{value}'" if isinstance(value, str) else str(value))
        for name, sign, value in query["where"]
    ]
    where, by = " AND ".join(tests), ", ".join(columns)
    return f"SELECT {', '.join(columns + made)} FROM {source} WHERE {where} GROUP BY {by}"


def sorted_rows(rows: list) -> list[list[object]]:
    """Returns the rows as lists, in an order that does not depend on the reader."""
    return sorted(([*row] for row in rows), key=repr)
