"""Converts the sample in the folder rxrx1, and reads it back: does an installed wheel work?

rxrx2zarr sample rxrx1 --sites 6 --size 64
python scripts/check_wheel.py
"""

from __future__ import annotations

import rxrx2zarr


def main() -> None:
    converted = rxrx2zarr.convert("rxrx1", "rxrx1-zarr")
    ds = rxrx2zarr.open("rxrx1-zarr")
    pixels = ds.read(range(len(ds)))
    if not rxrx2zarr.verify("rxrx1-zarr", source="rxrx1").clean or not pixels.any():
        raise SystemExit("error: the dataset is not as its images")
    print(f"rxrx2zarr {rxrx2zarr.__version__}: {converted.sites} sites, {pixels.shape}")


if __name__ == "__main__":
    main()
