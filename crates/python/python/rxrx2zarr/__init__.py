"""Convert microscopy images like RxRx1 into sharded Zarr with Parquet tables, and read them.

    import rxrx2zarr

    rxrx2zarr.convert("rxrx1-images.zip", "rxrx1-zarr", metadata="rxrx1-metadata.zip")
    ds = rxrx2zarr.open("rxrx1-zarr")
    pixels = ds.read([5, 3, 5], channels=["w1", "w3"])   # (site, channel, y, x)
    train = ds.where(include=["dataset=train"])

:mod:`rxrx2zarr.torch` feeds PyTorch, :mod:`rxrx2zarr.order` makes the order of samples,
:mod:`rxrx2zarr.job` and :mod:`rxrx2zarr.dask` convert on many machines.

The command ``rxrx2zarr`` is the same program.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rxrx2zarr._classes import Classes
from rxrx2zarr._commands import clean, convert, info, plan, publish, verify
from rxrx2zarr._dataset import Crops, Dataset, open
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
    Cleaned,
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

if TYPE_CHECKING:
    from rxrx2zarr import job, order
    from rxrx2zarr._display import Site
    from rxrx2zarr._normalized import Normalized
    from rxrx2zarr._overview import Overview
    from rxrx2zarr._plate import Plate
    from rxrx2zarr._statistics import Scales

__all__ = [
    "ChangedObjects",
    "Channel",
    "CheckedObjects",
    "ChosenProfile",
    "Classes",
    "Cleaned",
    "CodecSize",
    "ColumnText",
    "Converted",
    "Crops",
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
    "Normalized",
    "ObjectFindings",
    "ObjectNumbers",
    "OutputError",
    "Overview",
    "Plan",
    "PlanPlanes",
    "PlaneCounts",
    "Plate",
    "Problem",
    "Progress",
    "ProgressBar",
    "Projection",
    "Published",
    "RefusedImages",
    "RowRules",
    "Scales",
    "Settings",
    "Site",
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
    "clean",
    "convert",
    "info",
    "job",
    "open",
    "order",
    "plan",
    "publish",
    "verify",
]

# Classes that need numpy, and modules, are imported when they are first used: the command starts
# as fast as without them.
_LATER = {
    "Normalized": "rxrx2zarr._normalized",
    "Overview": "rxrx2zarr._overview",
    "Plate": "rxrx2zarr._plate",
    "Scales": "rxrx2zarr._statistics",
    "Site": "rxrx2zarr._display",
    "job": "rxrx2zarr.job",
    "order": "rxrx2zarr.order",
}

# Messages, pickles and help name the package, not the file in it.
for _name in set(__all__) - {"__version__", *_LATER}:
    globals()[_name].__module__ = __name__


def __getattr__(name: str) -> Any:
    """Import what is not imported at the start."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LATER[name])
    if _LATER[name] == f"{__name__}.{name}":
        return module
    found = getattr(module, name)
    found.__module__ = __name__
    globals()[name] = found
    return found
