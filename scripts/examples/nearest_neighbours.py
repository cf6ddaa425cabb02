"""The sites whose embeddings lie nearest to that of one site, as a list and as a picture strip.

    python scripts/examples/nearest_neighbours.py DATASET SITE_ID PICTURE.png [--count 8]

DuckDB compares the fixed-size lists of embeddings.parquet; the dataset must have
been converted with --embeddings. Cells on one plate look alike whatever was done to
them, so that other wells of the same plate come out on top in raw embeddings.

Needs duckdb, xarray, zarr, numpy, pillow.
"""

import argparse
from pathlib import Path

import duckdb
import numpy as np
import xarray
from PIL import Image, ImageDraw
from plate_montage import composite, shrunk

NEIGHBOURS = """
    WITH asked AS (SELECT embedding FROM embeddings WHERE site_id = $site_id)
    SELECT e.site_index, e.site_id, s.sirna,
           array_cosine_similarity(e.embedding, asked.embedding) AS similarity
    FROM embeddings e JOIN sites s USING (site_index), asked
    WHERE e.embedding IS NOT NULL
    ORDER BY similarity DESC, site_index
    LIMIT $count + 1"""


def neighbours(root: Path, site_id: str, count: int) -> list[tuple[int, str, str, float]]:
    """(site_index, site_id, sirna, similarity), beginning with the site itself."""
    with duckdb.connect() as connection:
        for view, table in (("sites", "metadata"), ("embeddings", "embeddings")):
            path = root / f"{table}.parquet"
            connection.execute(f"CREATE VIEW {view} AS FROM '{path}'")
        found = connection.execute(NEIGHBOURS, {"site_id": site_id, "count": count}).fetchall()
    if not found:
        raise SystemExit(f"{root / 'embeddings.parquet'}: no embedding of {site_id}")
    return found


def strip(root: Path, found: list[tuple[int, str, str, float]], size: int = 256) -> Image.Image:
    """The sites from left to right, each with its name, siRNA and similarity below."""
    ds = xarray.open_zarr(root / "images.zarr", chunks=None)
    images = shrunk(ds.images.isel(site=[index for index, *_ in found]).to_numpy(), size)
    pictures = [composite(planes, ds.attrs["channels"]) for planes in images]
    pictures = [np.pad(picture, ((0, 32), (0, 4), (0, 0))) for picture in pictures]
    canvas = Image.fromarray(np.concatenate(pictures, axis=1))
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
