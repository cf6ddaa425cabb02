"""An open dataset."""

import functools
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from rxrx2zarr import _memory, _native
from rxrx2zarr._commands import StrPath
from rxrx2zarr._errors import Error, UsageError
from rxrx2zarr._table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Pixels: TypeAlias = NDArray[np.unsignedinteger[Any]]

_MOST_THREADS = 16


class Dataset:
    """A complete dataset, open for reading. :func:`rxrx2zarr.open` makes it.

    Threads may share it. It can be pickled: it is opened again by its address, with the
    options of its store, so that a pickle holds the secrets that these have. A dataset that
    is replaced while it is open gives the pixels of the one that was opened, or raises an
    error.

    A process that was forked can read a dataset from a disk. For a remote one, start
    processes with ``spawn`` or ``forkserver``.
    """

    def __init__(self, location: StrPath, store_options: Mapping[str, str]) -> None:
        self._options = dict(store_options)
        options = [f"{key}={value}" for key, value in store_options.items()]
        self._native = _native.NativeDataset(os.fspath(location), options)
        self._is_remote = self._native.is_remote()
        self._location = os.fspath(location)
        if not self._is_remote:
            self._location = str(Path.cwd() / self._location)
        self._process = os.getpid()

    @property
    def name(self) -> str:
        """The name that the dataset gives itself."""
        return self._native.title()

    @property
    def format_version(self) -> int:
        """Number of the format of the dataset."""
        return self._native.format_version()

    @functools.cached_property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the images: (site, channel, y, x)."""
        sites, channels, height, width = self._native.shape()
        return sites, channels, height, width

    @functools.cached_property
    def dtype(self) -> "np.dtype[Any]":
        """Type of a pixel: uint8 or uint16."""
        import numpy as np

        return np.dtype(np.uint8 if self._native.sample_bytes() == 1 else np.uint16)

    @functools.cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the array."""
        return tuple(self._native.channels())

    def __len__(self) -> int:
        """Number of sites."""
        return self.shape[0]

    def __getitem__(
        self, site: "SupportsIndex | str | slice | Sequence[int] | NDArray[Any]"
    ) -> "Pixels":
        """Read one site, or some.

        A position or a ``site_id`` gives an array (channel, y, x). A slice, a sequence of
        positions or a mask gives an array (site, channel, y, x), as :meth:`read` does.
        Pixels of a plane without an image are 0.

        Raises IndexError for a position that is not there, and :class:`UsageError` for an
        unknown ``site_id``.
        """
        import numpy as np

        if isinstance(site, str):
            site = self.site_index(site)
        if isinstance(site, slice):
            return self.read(range(*site.indices(len(self))))
        if isinstance(site, SupportsIndex) and not isinstance(site, np.ndarray):
            pixels: Pixels = self.read([operator.index(site)], threads=1)[0]
            return pixels
        return self.read(site)

    def __iter__(self) -> "Iterator[Pixels]":
        """Read one site after the other, each (channel, y, x)."""
        return (self[site] for site in range(len(self)))

    def read(
        self,
        sites: "ArrayLike",
        channels: Sequence[int | str] | None = None,
        out: "Pixels | None" = None,
        threads: int | None = None,
    ) -> "Pixels":
        """Read some sites into an array (site, channel, y, x).

        Args:
            sites: Positions in any order, also more than once; negative ones count from the
                end. Or a mask: a bool for each site.
            channels: Names or positions of channels, in any order; None reads all.
            out: Array that is filled and returned; it must have the shape and the type of
                the result, be contiguous in C order and writeable. After an error its
                content is unspecified.
            threads: Most threads that decode; None takes one for each core, at most 16. From
                an object store 32 requests are under way, however few threads decode.

        Chunks that are neighbours in a shard are read by one request, and each chunk is
        decoded once. The memory of a large result is used again when nothing refers to it any
        more. Other threads of Python run meanwhile. Pixels of a plane without an image are 0:
        ``planes`` says which these are.

        Raises IndexError for a position that is not there, TypeError or ValueError for
        other arguments that are wrong, and :class:`Error` if an object is missing or
        damaged or the store fails.
        """
        import numpy as np

        self._demand_process()
        positions = self._positions(sites)
        chosen = self._channel_positions(channels)
        shape = (len(positions), len(chosen), *self.shape[2:])
        if out is None:
            out = _memory.empty(shape, self.dtype)
        else:
            self._check_out(out, shape)
        threads = _default_threads() if threads is None else _positive("threads", threads)
        pixels = out.reshape(-1).view(np.uint8)
        self._native.read(positions.tolist(), chosen, threads, pixels)
        return out

    def site_index(self, site_id: str) -> int:
        """Return the position of a site by its ``site_id``, such as ``HUVEC-01_1_B02_1``.

        Raises :class:`UsageError` if there is none.
        """
        self._demand_process()
        return self._native.site_index(site_id)

    def where(
        self, include: str | Sequence[str] = (), exclude: str | Sequence[str] = ()
    ) -> "NDArray[np.int64]":
        """Return the positions of the sites that clauses choose, ascending.

        A clause is ``COLUMN=PATTERN``, or a pattern for the experiment, with the wildcards
        ``*``, ``?``, ``[ab]`` and ``{a,b}``; it is the grammar of ``convert``. A site is
        chosen if no clause of ``exclude`` fits it and, for each column that ``include``
        names, at least one clause does. Columns have the names of the metadata table from
        which the dataset was made.

        Raises :class:`UsageError` if a clause names an unknown column or fits no site.
        """
        import numpy as np

        self._demand_process()
        clauses = [
            [texts] if isinstance(texts, str) else list(texts) for texts in (include, exclude)
        ]
        return np.array(self._native.select(*clauses), dtype=np.int64)

    @functools.cached_property
    def metadata(self) -> Table:
        """One row for each site; row *i* is about ``ds[i]``."""
        return self._table("metadata")

    @functools.cached_property
    def planes(self) -> Table:
        """One row for each plane: status, cause, hash and statistics of its pixels."""
        return self._table("planes")

    @functools.cached_property
    def channel_stats(self) -> Table:
        """Mean and standard deviation of each channel, in units of the pixels.

        One row for each channel of the dataset, of each experiment, of each plate, of its
        negative controls and of the rows to train on.
        """
        return self._table("channel_stats")

    @functools.cached_property
    def embeddings(self) -> Table:
        """One vector for each site. Raises :class:`Error` if the dataset has none."""
        return self._table("embeddings")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address: the copy opens the dataset again."""
        return Dataset, (self._location, self._options)

    def __repr__(self) -> str:
        """Return address, shape, type and channels, without secrets."""
        axes = "x".join(str(length) for length in self.shape)
        channels = " ".join(self.channels)
        return f"<rxrx2zarr.Dataset {self._native.name()}: {axes} {self.dtype}, {channels}>"

    def _table(self, name: str) -> Table:
        self._demand_process()
        native = self._native.table(name)
        if native is None:
            raise Error(f"{self._native.name()} has no {name}")
        return Table(name, native)

    def _demand_process(self) -> None:
        if self._is_remote and os.getpid() != self._process:
            raise UsageError(
                "a dataset in a store cannot be read after a fork: start processes with"
                " `spawn` or `forkserver`, or open it in each process"
            )

    def _positions(self, sites: "ArrayLike") -> "NDArray[np.int64]":
        import numpy as np

        given = np.asarray(sites)
        length = len(self)
        if given.ndim != 1:
            raise ValueError(f"sites must have one dimension, not {given.ndim}")
        if given.dtype == np.bool_:
            if given.shape != (length,):
                raise ValueError(f"a mask of sites must have {length} values, not {len(given)}")
            return np.flatnonzero(given)
        if given.size == 0:
            return np.empty(0, np.int64)
        if not np.issubdtype(given.dtype, np.integer):
            raise TypeError(f"sites must be whole numbers or a mask, not {given.dtype}")
        wrong = (given < -length) | (given >= length)
        if wrong.any():
            raise IndexError(f"there is no site {given[wrong][0]}: the dataset has {length}")
        positions = given.astype(np.int64)
        return np.where(positions < 0, positions + length, positions)

    def _channel_positions(self, channels: Sequence[int | str] | None) -> list[int]:
        count = self.shape[1]
        if channels is None:
            return list(range(count))
        if isinstance(channels, str):
            raise TypeError(f"channels must be a sequence, such as [{channels!r}]")
        positions = []
        for channel in channels:
            if isinstance(channel, str):
                positions.append(self._native.channel_index(channel))
            elif -count <= channel < count:
                positions.append(int(channel) % count)
            else:
                raise IndexError(f"there is no channel {channel}: the dataset has {count}")
        return positions

    def _check_out(self, out: "Pixels", shape: tuple[int, ...]) -> None:
        if out.dtype != self.dtype:
            raise TypeError(f"out must have the type {self.dtype}, not {out.dtype}")
        if out.shape != shape:
            raise ValueError(f"out must have the shape {shape}, not {out.shape}")
        if not out.flags.c_contiguous or not out.flags.writeable:
            raise ValueError("out must be contiguous in C order, and writeable")


def open(location: StrPath, **store_options: str) -> Dataset:
    """Open a complete dataset for reading.

    Args:
        location: A folder, or an address: ``s3://``, ``gs://``, ``az://``, ``http(s)://``.
        store_options: Options of the object store, such as ``endpoint`` and ``region``: the
            ones of ``--store-option``.

    Raises :class:`InputError` if there is no complete dataset that this version reads,
    :class:`StoreError` if the store cannot be reached, and :class:`UsageError` for an
    address or an option that is wrong.
    """
    return Dataset(location, store_options)


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return int(value)


def _default_threads() -> int:
    """Return the number of cores that this process may use, at most 16."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    return min(cores, _MOST_THREADS)
