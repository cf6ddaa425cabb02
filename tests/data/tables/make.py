"""Writes the same table as people save it: pandas 3.1 with openpyxl 3.1, odfpy 1.4, pyarrow 26.

    python make.py FOLDER

Tests of rxrx-metadata read the files. Each must give the four rows of `frame()`.
"""

import datetime
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def frame():
    return pd.DataFrame(
        {
            "experiment": ["HUVEC-01", "HUVEC-01", "HUVEC-10", "HUVEC-10"],
            "plate": [1, 1, 2, 2],
            "well": ["B02", "AF48", "C03", "C03"],
            "site": [1, 1, 1, 2],
            "sirna_id": [1138, np.nan, 7, 0],  # a float for pandas, because of the blank
            "dose": [0.5, 1.0, np.nan, 2e-3],
            "note": ["x, y", 'a "quote"', None, "µ & ß"],
            "control": [True, False, False, True],
            "day": [datetime.date(2019, 6, day) for day in (1, 2, 3, 4)],
        }
    )


def embeddings():
    ids = ["HUVEC-10_2_C03_2", "HUVEC-01_1_B02_1", "HUVEC-10_2_C03_1"]
    return ids, np.array([[1.5, -2.0, 0.25], [0.1, 0.2, 0.3], [7, 8, 9]], "float32")


def main(folder):
    folder.mkdir(exist_ok=True)
    table = frame()
    table.to_csv(folder / "index.csv")
    table.to_csv(folder / "semicolon-utf16.csv", sep=";", index=False, encoding="utf-16")
    table.to_csv(folder / "tab-bom.tsv", sep="\t", index=False, encoding="utf-8-sig")
    with pd.ExcelWriter(folder / "table.xlsx") as book:
        pd.DataFrame({"other": [1]}).to_excel(book, sheet_name="Notes", index=False)
        table.to_excel(book, sheet_name="Sites #1", index=False)
    table.to_excel(folder / "table.ods", index=False, engine="odf")
    table.to_parquet(folder / "snappy.parquet")
    for codec in ("none", "gzip", "lz4", "zstd"):
        table.to_parquet(folder / f"{codec}.parquet", compression=codec)

    ids, vectors = embeddings()
    ids = pa.array(ids)
    flat = pa.array(vectors.reshape(-1))
    fixed = pa.FixedSizeListArray.from_arrays(flat, 3)
    lists = pa.array([list(map(float, vector)) for vector in vectors])
    pq.write_table(pa.table({"site_id": ids, "embedding": fixed}), folder / "fixed.parquet")
    pq.write_table(pa.table({"embedding": lists, "site_id": ids}), folder / "lists.parquet")
    numbers = {f"f{column}": vectors[:, column] for column in range(3)}
    pd.DataFrame({"site_id": ids.to_pylist(), **numbers}).to_parquet(folder / "numbers.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
