"""Answers queries about Parquet files with each reader of its Python environment.

Takes a list of queries as JSON, each with the members `path`, `where` (lists of column,
operator and value), `by` (columns) and `of` (lists of function and column). Prints for each
query the sorted rows by the name of the reader.
"""

from __future__ import annotations

import json
import operator
import sys

import datafusion
import polars
import pyarrow.compute as pc
import pyarrow.dataset as ds
from plain_rows import select, sorted_rows

OPERATORS = {"=": operator.eq, "<>": operator.ne, ">": operator.gt, ">=": operator.ge}


def condition(where: list, column: object) -> object:
    """The conjunction of the conditions, with `column` to name a column."""
    conditions = [OPERATORS[sign](column(name), value) for name, sign, value in where]
    first, *others = conditions
    for other in others:
        first = first & other
    return first


def by_polars(query: dict) -> list[list]:
    frame = polars.scan_parquet(query["path"]).filter(condition(query["where"], polars.col))
    made = [getattr(polars.col(name), function)() for function, name in query["of"]]
    made = [value.alias(str(number)) for number, value in enumerate(made)]
    names = [*query["by"], *map(str, range(len(made)))]
    return frame.group_by(query["by"]).agg(made).select(names).collect().rows()


def by_pyarrow(query: dict) -> list[list]:
    table = ds.dataset(query["path"]).to_table(filter=condition(query["where"], pc.field))
    made = [(name, function) for function, name in query["of"]]
    table = table.group_by(query["by"]).aggregate(made)
    names = [*query["by"], *(f"{name}_{function}" for name, function in made)]
    return [list(row.values()) for row in table.select(names).to_pylist()]


def by_datafusion(query: dict) -> list[list]:
    context = datafusion.SessionContext()
    context.register_parquet("file", query["path"])
    rows = context.sql(select(query, "file")).to_pylist()
    return [list(row.values()) for row in rows]


READERS = {"polars": by_polars, "pyarrow": by_pyarrow, "datafusion": by_datafusion}


if __name__ == "__main__":
    answers = [
        {name: sorted_rows(read(query)) for name, read in READERS.items()}
        for query in json.load(sys.stdin)
    ]
    json.dump(answers, sys.stdout)
