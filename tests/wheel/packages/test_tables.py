"""Tables in other packages, which share the memory, and what else needs one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rxrx2zarr
from PIL import Image

from conftest import Made
from images import Input


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, input8: Input) -> Path:
    """Returns a dataset with embeddings."""
    root = tmp_path_factory.mktemp("embedded")
    vectors = root / "vectors.csv"
    rows = [f"{site_id},{row},{row / 2}" for row, site_id in enumerate(input8.site_ids)]
    vectors.write_text("\n".join(["site_id,a,b", *rows]) + "\n", encoding="utf-8")
    rxrx2zarr.convert(input8.root, root / "dataset", embeddings=vectors)
    return root / "dataset"


def test_pixels_are_those_that_pillow_decodes(made16: Made, made8: Made) -> None:
    for made in (made8, made16):
        ds = rxrx2zarr.open(made.root)
        for site, channel in ((0, "w1"), (4, "w3")):
            experiment, plate, well, number = made.input.site_ids[site].split("_")
            folder = made.input.root / "images" / experiment / f"Plate{plate}"
            with Image.open(folder / f"{well}_s{number}_{channel}.png") as image:
                assert np.array_equal(ds.read([site], [channel])[0, 0], np.asarray(image))


@pytest.mark.parametrize("name", ["metadata", "planes", "channel_stats", "embeddings"])
def test_tables_are_those_of_the_files(embedded: Path, name: str) -> None:
    table = getattr(rxrx2zarr.open(embedded), name)
    expected = pq.read_table(embedded / f"{name}.parquet")
    arrow = table.to_pyarrow()
    assert arrow.column_names == expected.column_names == list(table.columns)
    assert arrow.cast(expected.schema).to_pylist() == expected.to_pylist()
    assert pa.schema(table).names == expected.column_names
    assert table.to_polars().rows() == pl.DataFrame(expected).rows()
    pd.testing.assert_frame_equal(table.to_pandas(), arrow.to_pandas())


def test_embeddings_are_lists_of_fixed_size(embedded: Path) -> None:
    column = rxrx2zarr.open(embedded).embeddings.to_pyarrow()["embedding"]
    assert pa.types.is_fixed_size_list(column.type)
    flat = column.combine_chunks().flatten().to_numpy()
    assert flat.reshape(-1, 2)[6].tolist() == [6, 3]


def test_tables_outlive_their_dataset(embedded: Path) -> None:
    arrow = pa.table(rxrx2zarr.open(embedded).metadata)
    assert arrow["site_index"].to_pylist() == list(range(12))


def test_tqdm_draws_progress(
    input8: Input, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rxrx2zarr.convert(input8.root, tmp_path / "out", progress=rxrx2zarr.ProgressBar())
    assert "12/12" in capsys.readouterr().err
