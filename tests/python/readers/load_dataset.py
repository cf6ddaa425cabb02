"""Loads each configuration of a folder with `datasets` of Hugging Face.

Takes a folder and configurations as JSON. Prints {configuration: [rows, columns]}; the first is
also loaded by default.
"""

from __future__ import annotations

import json
import sys
import tempfile

import datasets

if __name__ == "__main__":
    folder, configurations = json.load(sys.stdin)
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for name in [None, *configurations]:
            loaded = datasets.load_dataset(folder, name, cache_dir=cache)
            found[name or "default"] = [
                {split: len(rows) for split, rows in loaded.items()},
                loaded["train"].column_names,
            ]
    json.dump(found, sys.stdout)
