"""Convert microscopy images like RxRx1 into sharded Zarr with Parquet tables, and read them.

    import rxrx2zarr

    rxrx2zarr.convert("rxrx1-images.zip", "rxrx1-zarr", metadata="rxrx1-metadata.zip")
    ds = rxrx2zarr.open("rxrx1-zarr")
    pixels = ds.read([5, 3, 5], channels=["w1", "w3"])   # (site, channel, y, x)
    train = ds.where(include=["dataset=train"])

The command ``rxrx2zarr`` is the same program.
"""

from rxrx2zarr._commands import convert, info, plan, publish, verify
from rxrx2zarr._dataset import Dataset, open
from rxrx2zarr._errors import (
    Defect,
    Error,
    InputError,
    Interrupted,
    OutputError,
    StoreError,
    UsageError,
)
from rxrx2zarr._native import __version__
from rxrx2zarr._progress import Progress, ProgressBar
from rxrx2zarr._results import (
    ChangedObjects,
    Channel,
    CheckedObjects,
    ChosenProfile,
    CodecSize,
    ColumnText,
    Converted,
    Description,
    EmbeddingsDigest,
    Finding,
    ImageNames,
    Info,
    LeftOver,
    Memory,
    ObjectFindings,
    ObjectNumbers,
    Plan,
    PlaneCounts,
    PlanPlanes,
    Problem,
    Projection,
    Published,
    RefusedImages,
    RowRules,
    Settings,
    SiteSpan,
    SomeObjects,
    Space,
    Split,
    Unfinished,
    Verified,
    VerifiedByStore,
    Window,
)
from rxrx2zarr._table import Table

__all__ = [
    "ChangedObjects",
    "Channel",
    "CheckedObjects",
    "ChosenProfile",
    "CodecSize",
    "ColumnText",
    "Converted",
    "Dataset",
    "Defect",
    "Description",
    "EmbeddingsDigest",
    "Error",
    "Finding",
    "ImageNames",
    "Info",
    "InputError",
    "Interrupted",
    "LeftOver",
    "Memory",
    "ObjectFindings",
    "ObjectNumbers",
    "OutputError",
    "Plan",
    "PlanPlanes",
    "PlaneCounts",
    "Problem",
    "Progress",
    "ProgressBar",
    "Projection",
    "Published",
    "RefusedImages",
    "RowRules",
    "Settings",
    "SiteSpan",
    "SomeObjects",
    "Space",
    "Split",
    "StoreError",
    "Table",
    "Unfinished",
    "UsageError",
    "Verified",
    "VerifiedByStore",
    "Window",
    "__version__",
    "convert",
    "info",
    "open",
    "plan",
    "publish",
    "verify",
]

# Messages, pickles and help name the package, not the file in it.
for _name in set(__all__) - {"__version__"}:
    globals()[_name].__module__ = __name__
