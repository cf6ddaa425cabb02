"""Finds the sites whose embeddings are nearest to that of one site, and draws them in a row.

    python scripts/examples/nearest_neighbours.py DATASET SITE_ID PICTURE.png [--count 8]

DuckDB compares the vectors of embeddings.parquet; the dataset must have been converted
with --embeddings. Cells on one plate look alike whatever their treatment, so the nearest
sites of raw embeddings are often other wells of the same plate.

Needs duckdb, xarray, zarr, numpy, pillow.
"""

import argparse
import json
from pathlib import Path

import duckdb
import numpy as np
import xarray
from PIL import Image, ImageDraw

from plate_montage import MOST, pictures, shown_colours, shrunk

# DuckDB reads a list of any length from Parquet; the cast gives it a fixed length.
NEIGHBOURS = """
    WITH vectors AS (SELECT site_index, site_id, embedding::FLOAT[{length}] AS vector
                     FROM '{root}/embeddings.parquet' WHERE embedding IS NOT NULL)
    SELECT site_index, v.site_id, s.sirna,
           array_cosine_similarity(v.vector, chosen.vector) AS similarity
    FROM vectors v JOIN '{root}/metadata.parquet' s USING (site_index),
         (SELECT vector FROM vectors WHERE site_id = $site_id) chosen
    ORDER BY similarity DESC, site_index
    LIMIT $count + 1"""


def neighbours(root: Path, site_id: str, count: int) -> list[tuple[int, str, str, float]]:
    """Returns (site_index, site_id, sirna, similarity), the site itself first."""
    table = f"'{root}/embeddings.parquet'"
    (length,) = duckdb.execute(f"SELECT max(len(embedding)) FROM {table}").fetchone()
    query = NEIGHBOURS.format(root=root, length=length)
    found = duckdb.execute(query, {"site_id": site_id, "count": count}).fetchall()
    if not found:
        raise SystemExit(f"{root / 'embeddings.parquet'}: no embedding of {site_id}")
    return found


def strip(root: Path, found: list[tuple[int, str, str, float]], size: int = 256) -> Image.Image:
    """Draws the sites from left to right, each above its name, siRNA and similarity."""
    ds = xarray.open_zarr(root / "images.zarr", chunks=None)
    images = ds.images.isel(site=[index for index, *_ in found]).to_numpy()
    images = np.stack([shrunk(planes[:MOST], size) for planes in images])
    channels = json.loads(ds.attrs["channels"])[:MOST]
    tiles = np.pad(
        pictures(images, channels, shown_colours(channels)), ((0, 0), (0, 32), (0, 4), (0, 0))
    )
    canvas = Image.fromarray(np.concatenate(tiles, axis=1))
    draw = ImageDraw.Draw(canvas)
    for column, (_, site_id, sirna, similarity) in enumerate(found):
        corner = (column * canvas.width // len(found) + 2, canvas.height - 30)
        draw.text(corner, f"{site_id}\n{sirna} {similarity:.3f}")
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("site_id")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--count", type=int, default=8)
    arguments = parser.parse_args()
    found = neighbours(arguments.dataset, arguments.site_id, arguments.count)
    for _, site_id, sirna, similarity in found:
        print(f"{similarity:.4f}  {site_id}  {sirna}")
    strip(arguments.dataset, found).save(arguments.picture)


if __name__ == "__main__":
    main()
