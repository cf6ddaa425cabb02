"""Runs the SQL statements of a JSON array from stdin, and prints the rows of the last one."""

import importlib.util
import json
import sys
from pathlib import Path

import duckdb

package = Path(importlib.util.find_spec("duckdb_extension_httpfs").origin).parent
(extension,) = package.rglob("httpfs.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"LOAD '{extension}'")
for statement in json.load(sys.stdin):
    rows = connection.execute(statement).fetchall()
print(json.dumps(rows))
