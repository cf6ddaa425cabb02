"""Reads Parquet files with each reader of its Python environment.

Takes a list of paths as JSON. Prints for each file the rows by the name of the reader, and the
largest mean by the statistics.
"""

from __future__ import annotations

import json
import sys

import datafusion
import polars
import pyarrow.parquet
from plain_rows import rows_of

READERS = {
    "polars": lambda path: polars.read_parquet(path).to_dicts(),
    "pyarrow": lambda path: pyarrow.parquet.read_table(path).to_pylist(),
    "datafusion": lambda path: datafusion.SessionContext().read_parquet(path).to_pylist(),
}


def largest_mean(path: str) -> float | None:
    """Returns the largest mean by the statistics of the file, if it has any that count."""
    file = pyarrow.parquet.ParquetFile(path).metadata
    names = [file.schema.column(column).name for column in range(file.num_columns)]
    if "mean" not in names:
        return None
    column = names.index("mean")
    groups = [file.row_group(group).column(column) for group in range(file.num_row_groups)]
    statistics = [group.statistics for group in groups]
    return max(found.max for found in statistics if found is not None and found.has_min_max)


if __name__ == "__main__":
    answers = [
        {name: rows_of(read(path)) for name, read in READERS.items()} | {"max": largest_mean(path)}
        for path in json.load(sys.stdin)
    ]
    json.dump(answers, sys.stdout)
