"""Packages that need not be installed."""

import importlib
from typing import Any


def imported(package: str, user: str) -> Any:
    """Import a package, or raise ImportError that says who needs it and how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        name = package.split(".")[0]
        raise ImportError(f"{user} needs {name}: pip install {name}", name=name) from error
