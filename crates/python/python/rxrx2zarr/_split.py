"""Parts of a dataset for training and for testing."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from rxrx2zarr._errors import UsageError
from rxrx2zarr.order import Positions, mixed

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset

# The experiments that RxRx1-WILDS validates on; it tests on the others of the published test
# part (p-lambda/wilds, wilds/datasets/rxrx1_dataset.py: 40,612, 9,854, 34,432 and 40,612 sites).
_WILDS_VALIDATION = ("HEPG2-8", "HUVEC-17", "RPE-8", "U2OS-4")

Values: TypeAlias = Mapping[str, Sequence[str]]
"""Values of columns, as texts."""

# Named splits of profiles: the values that each part has, and those that it does not have.
_SPLITS: dict[tuple[str, str], dict[str, tuple[Values, Values]]] = {
    ("rxrx1", "wilds"): {
        "train": ({"dataset": ["train"], "site_number": ["1"]}, {}),
        "val": ({"dataset": ["test"], "experiment": _WILDS_VALIDATION}, {}),
        "test": ({"dataset": ["test"]}, {"experiment": _WILDS_VALIDATION}),
        "id_test": ({"dataset": ["train"], "site_number": ["2"]}, {}),
    }
}

_PARTS = ("train", "val", "test")


def named_split(dataset: "Dataset", name: str) -> dict[str, Positions]:
    """Return the parts of a split that the dataset or its profile states."""
    parts: dict[str, Positions]
    rules = _SPLITS.get((dataset.profile or "", name))
    published = dataset.attributes.get("split")
    if rules is not None:
        parts = {part: _chosen(dataset, *clauses) for part, clauses in rules.items()}
    elif name == "published" and published is not None:
        column = published["column"]
        parts = {part: _chosen(dataset, {column: [part]}, {}) for part in published["parts"]}
    else:
        known = [split for profile, split in _SPLITS if profile == dataset.profile]
        known += ["published"] if published is not None else []
        has = f"it has {', '.join(known)}" if known else "give group and fractions"
        raise UsageError(f"the dataset has no split {name!r}: {has}")
    _warn_of_shared_wells(dataset, parts)
    return parts


def grouped_split(
    dataset: "Dataset", group: str, fractions: Mapping[str, float] | Sequence[float], seed: int
) -> dict[str, Positions]:
    """Return parts of about these fractions, none of which shares a group with another."""
    wanted = _fractions(fractions)
    values = dataset.class_numbers(group)
    _, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) < len(wanted):
        raise UsageError(f"{len(counts)} groups of {group} are too few for {len(wanted)} parts")
    left = {part: fraction * len(values) for part, fraction in wanted.items()}
    spare = len(values) - sum(left.values())
    chosen: dict[str, list[int]] = {part: [] for part in wanted}
    # The largest groups first, in random order among equals, each to the part that lacks most.
    order = np.lexsort((mixed(seed, 0, f"split {group}", np.arange(len(counts))), -counts))
    for place, number in enumerate(order):
        empty = [part for part in wanted if not chosen[part]]
        must = len(order) - place <= len(empty)
        part = max(empty if must else wanted, key=lambda part: left[part])
        if not must and left[part] < spare:
            spare -= int(counts[number])
            continue
        left[part] -= int(counts[number])
        chosen[part].append(int(number))
    parts = {part: np.flatnonzero(np.isin(numbers, groups)) for part, groups in chosen.items()}
    _warn_of_shared_wells(dataset, parts)
    return parts


def _fractions(fractions: Mapping[str, float] | Sequence[float]) -> dict[str, float]:
    if not isinstance(fractions, Mapping):
        if not 2 <= len(fractions) <= len(_PARTS):
            raise UsageError("fractions without names are two or three: train, val and test")
        names = ("train", "test") if len(fractions) == 2 else _PARTS
        fractions = dict(zip(names, fractions, strict=True))
    wanted = {part: float(fraction) for part, fraction in fractions.items()}
    if not wanted or min(wanted.values()) <= 0 or sum(wanted.values()) > 1 + 1e-9:
        raise UsageError(f"fractions must be above 0 and add up to at most 1, not {fractions}")
    return wanted


def _chosen(dataset: "Dataset", has: Values, has_not: Values) -> Positions:
    """Return the sites with these values, and without those."""
    chosen = np.ones(len(dataset), np.bool_)
    for values, wanted in ((has, True), (has_not, False)):
        for column, texts in values.items():
            if column not in dataset.metadata.columns:
                raise UsageError(f"the split needs a column {column}, which the dataset lacks")
            found = dataset.metadata.column(column).tolist()
            plain = _without_zeros if column == "experiment" else str
            chosen &= np.array([(plain(value) in texts) is wanted for value in found], np.bool_)
    return np.flatnonzero(chosen)


def _without_zeros(experiment: str) -> str:
    """Return ``HEPG2-8`` for ``HEPG2-08``: tables spell both."""
    name, dash, number = experiment.rpartition("-")
    return f"{name}-{int(number)}" if dash and number.isdecimal() else experiment


def _warn_of_shared_wells(dataset: "Dataset", parts: Mapping[str, Positions]) -> None:
    names = list(parts)
    wells = {part: np.unique(dataset.wells[sites]) for part, sites in parts.items()}
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            shared = np.intersect1d(wells[one], wells[other], assume_unique=True)
            if len(shared):
                site = int(np.flatnonzero(dataset.wells == shared[0])[0])
                warnings.warn(
                    f"{len(shared)} wells have sites in {one} and in {other}, such as the well of"
                    f" {dataset.site_ids([site])[0]}: these parts are not independent",
                    stacklevel=4,
                )
