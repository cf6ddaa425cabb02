"""An open dataset."""

import functools
import json
import operator
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, TypeAlias

from rxrx2zarr import _memory, _native
from rxrx2zarr._arguments import Crop, bytes_of, check_out, crop_of, default_threads, positive
from rxrx2zarr._classes import Classes
from rxrx2zarr._commands import StrPath
from rxrx2zarr._errors import Error, UsageError
from rxrx2zarr._table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from rxrx2zarr._normalized import Normalized
    from rxrx2zarr._overview import Overview
    from rxrx2zarr._plate import Plate
    from rxrx2zarr._statistics import Scales

    Pixels: TypeAlias = NDArray[np.unsignedinteger[Any]]
    Positions: TypeAlias = NDArray[np.int64]


# What was opened before a fork. It is kept, because to close it would disturb the process that
# opened it.
_OF_OTHER_PROCESSES: list[object] = []


class Crops(NamedTuple):
    """Square parts of sites around given points."""

    pixels: "Pixels"
    """Axes: (crop, channel, y, x). 0 beyond the edges of a site."""

    mask: "NDArray[np.bool_]"
    """Axes: (crop, y, x). Whether a pixel lies in its site."""


class Dataset:
    """A complete dataset, open for reading. :func:`rxrx2zarr.open` makes it.

    Threads may share it. It can be pickled: it is opened again by its address, with the
    options of its store, so that a pickle holds the secrets that these have. A dataset that
    is replaced while it is open gives the pixels of the one that was opened, or raises an
    error.

    A process that was forked can read it, too: a remote dataset is opened again there, because
    connections cannot be shared.
    """

    def __init__(
        self,
        location: StrPath,
        store_options: Mapping[str, str],
        cache: StrPath | None = None,
        cache_limit: int | str | None = None,
    ) -> None:
        self._options = dict(store_options)
        self._cache = None if cache is None else str(Path.cwd() / os.fspath(cache))
        self._cache_limit = None if cache_limit is None else bytes_of(cache_limit)
        self._location = os.fspath(location)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_remote = False
        self._opened = self._open()
        self._is_remote = self._opened.is_remote()
        if not self._is_remote:
            self._location = str(Path.cwd() / self._location)

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

    @functools.cached_property
    def profile(self) -> str | None:
        """Name of the profile that the dataset follows, such as ``rxrx1``."""
        return self.attributes.get("profile")

    @functools.cached_property
    def attributes(self) -> dict[str, Any]:
        """What the root metadata say: name, licence, channels with stains and windows, rules,
        settings. Keys are those of ``docs/format.md``.
        """
        found: dict[str, Any] = json.loads(self._native.attributes())
        return found

    @functools.cached_property
    def shard_sites(self) -> int:
        """Sites that one stored object holds."""
        return self._native.shard_sites()

    @property
    def has_cache(self) -> bool:
        """Whether what is read of a store is kept on a disk."""
        return self._is_remote and self._cache is not None

    def cache_shard(self, shard: int) -> bool:
        """Fetch what the cache does not have of a shard, by large requests.

        Args:
            shard: Number of the shard: site ``i`` is in shard ``i // ds.shard_sites``.

        Returns whether the cache has all of it then. Without a cache, or where that is full, it
        does not.

        Raises IndexError if there is no such shard, and :class:`Error` if the store fails.
        """
        codes, keys = self.metadata.codes("object")
        if not 0 <= shard * self.shard_sites < len(self):
            raise IndexError(f"there is no shard {shard}")
        return self._native.fetch(keys[codes[shard * self.shard_sites]])

    @functools.cached_property
    def classes(self) -> Classes:
        """Texts of each column of texts, by the number that a loader gives them.

        ``ds.classes["experiment"][3]`` is the experiment of class 3. The numbers are those of
        the whole dataset, whichever sites are chosen.
        """
        return Classes(self.metadata)

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
            from rxrx2zarr._display import Site

            pixels = self.read([operator.index(site)], threads=1)[0]
            return Site.of(pixels, self.attributes["channels"])
        return self.read(site)

    def __iter__(self) -> "Iterator[Pixels]":
        """Read one site after the other, each (channel, y, x)."""
        return (self[site] for site in range(len(self)))

    def read(
        self,
        sites: "ArrayLike",
        channels: Sequence[int | str] | None = None,
        crop: Crop | None = None,
        out: "Pixels | None" = None,
        threads: int | None = None,
    ) -> "Pixels":
        """Read some sites into an array (site, channel, y, x).

        Args:
            sites: Positions in any order, also more than once; negative ones count from the
                end. Or a mask: a bool for each site.
            channels: Names or positions of channels, in any order; None reads all.
            crop: Part of each plane: (height, width) in its middle, or (y, x, height, width),
                in pixels; None reads all.
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

        positions = self.site_positions(sites)
        chosen = self.channel_positions(channels)
        origin, size = crop_of(crop, self.shape[2:])
        shape = (len(positions), len(chosen), *size)
        if out is None:
            out = _memory.empty(shape, self.dtype)
        else:
            check_out(out, shape, self.dtype)
        if crop is None:
            threads = default_threads() if threads is None else positive("threads", threads)
            pixels = out.reshape(-1).view(np.uint8)
            self._native.read(positions.tolist(), chosen, threads, pixels)
        else:
            origins = np.broadcast_to(np.array(origin, np.int64), (len(positions), 2))
            mirrored = np.zeros((len(positions), 2), np.bool_)
            self.read_windows(positions, origins, mirrored, chosen, out, threads=threads)
        return out

    def crops(
        self,
        site_index: "ArrayLike",
        y: "ArrayLike",
        x: "ArrayLike",
        size: int,
        channels: Sequence[int | str] | None = None,
        threads: int | None = None,
    ) -> Crops:
        """Read squares around points, such as the centres of cells.

        Args:
            site_index: Position of the site of each point; the same one may be there often.
            y, x: Row and column of each point, in pixels; fractions are rounded down. Row
                ``y - size // 2`` is the first of its square.
            size: Height and width of each square, in pixels.
            channels: Names or positions of channels; None reads all.
            threads: As for :meth:`read`.

        Returns pixels (crop, channel, y, x) and a mask (crop, y, x): pixels beyond the edges
        of a site are 0, and False in the mask. Each site is decoded once.

        Raises the errors of :meth:`read`.
        """
        import numpy as np

        positions = self.site_positions(site_index)
        chosen = self.channel_positions(channels)
        size = positive("size", size)
        points = [np.floor(np.asarray(axis, np.float64)).astype(np.int64) for axis in (y, x)]
        if any(axis.shape != positions.shape for axis in points):
            raise ValueError("site_index, y and x must have the same length")
        origins = np.column_stack(points) - size // 2
        pixels = np.empty((len(positions), len(chosen), size, size), self.dtype)
        mirrored = np.zeros(origins.shape, np.bool_)
        self.read_windows(positions, origins, mirrored, chosen, pixels, threads=threads)
        rows, columns = (
            (start[:, None] + np.arange(size) >= 0) & (start[:, None] + np.arange(size) < length)
            for start, length in zip(origins.T, self.shape[2:], strict=True)
        )
        return Crops(pixels, rows[:, :, None] & columns[:, None, :])

    def read_windows(
        self,
        positions: "Positions",
        origins: "Positions",
        mirrored: "NDArray[np.bool_]",
        channels: Sequence[int],
        out: "Pixels",
        threads: int | None = None,
    ) -> None:
        """Read windows of sites, for loaders: nothing is checked but what would be unsafe.

        Args:
            positions: Site of each window.
            origins: First row and column (window, 2) in the site; a window may lie beyond its
                edges, where pixels are 0.
            mirrored: Whether rows, and columns, are reversed (window, 2).
            channels: Positions of channels.
            out: Array (window, channel, y, x) that is filled.
            threads: As for :meth:`read`.
        """
        import numpy as np

        threads = default_threads() if threads is None else positive("threads", threads)
        self._native.read_windows(
            positions.tolist(),
            np.ascontiguousarray(origins, np.int64).reshape(-1),
            np.ascontiguousarray(mirrored, np.bool_).reshape(-1),
            list(channels),
            list(out.shape[2:]),
            threads,
            out.reshape(-1).view(np.uint8),
        )

    def site_index(self, site_id: str) -> int:
        """Return the position of a site by its ``site_id``, such as ``HUVEC-01_1_B02_1``.

        Raises :class:`UsageError` if there is none.
        """
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

    @functools.cached_property
    def overview(self) -> "Overview":
        """The images at about 64 x 64 pixels, for looking at many sites.

        Raises :class:`Error` if the dataset has none: those of format 3.
        """
        from rxrx2zarr._overview import Overview

        shape = self._native.overview_shape()
        if shape is None:
            raise Error(f"{self._native.name()} has no overview")
        return Overview(self, shape)

    def read_overview(self, positions: "Positions", channels: Sequence[int], out: "Pixels") -> None:
        """Read overviews into ``out``, for :class:`Overview`: nothing is checked."""
        import numpy as np

        self._native.read_overview(
            positions.tolist(), list(channels), default_threads(), out.reshape(-1).view(np.uint8)
        )

    def plate(self, experiment: str, plate: int | str) -> "Plate":
        """Return the sites of a plate: ``ds.plate("HUVEC-01", 1)``.

        Raises :class:`UsageError` if there is no such plate.
        """
        from rxrx2zarr._plate import plate_of

        return plate_of(self, experiment, plate)

    def split(
        self,
        name: str | None = None,
        *,
        group: str | None = None,
        fractions: Mapping[str, float] | Sequence[float] | None = None,
        seed: int = 0,
    ) -> "dict[str, Positions]":
        """Return the sites of each part of a split, by the name of the part.

        Args:
            name: ``"published"``: the split that the dataset states; ``"wilds"``: that of
                RxRx1-WILDS, ``train``, ``val``, ``test`` and ``id_test``. Without a name,
                ``group`` and ``fractions`` make one.
            group: Column of the metadata: sites with the same value are in the same part.
            fractions: Fraction of the sites in each part, by its name; or two or three
                numbers, for ``train``, ``val`` and ``test``. They add up to at most 1.
            seed: Seed of the choice. The same seed gives the same parts on every machine.

        Warns (UserWarning) if sites of one well are in two parts: they show the same cells
        treated alike, so that a model would be tested on what it was trained on.

        Raises :class:`UsageError` if the dataset has no such split or column.
        """
        from rxrx2zarr._split import grouped_split, named_split

        if name is not None and (group is not None or fractions is not None):
            raise UsageError("give the name of a split, or group and fractions")
        if name is not None:
            return named_split(self, name)
        if group is None or fractions is None:
            raise UsageError("a split needs a name, or group and fractions")
        return grouped_split(self, group, fractions, seed)

    def normalized(self, scope: str = "plate") -> "Normalized":
        """Return the dataset as float32, less the mean of its group, by the deviation.

        Args:
            scope: Group whose statistics are taken: ``plate``, ``plate_controls`` (negative
                controls of the plate), ``experiment``, ``dataset`` or ``train``.

        Raises :class:`UsageError` if the dataset has no such statistics.
        """
        from rxrx2zarr._normalized import Normalized

        return Normalized(self, self.scales(scope))

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset``: lazy ``images``, and the metadata as coordinates.

        Pixels are read by this package when they are used. Raises ImportError if xarray is
        not installed.
        """
        from rxrx2zarr._xarray import to_xarray

        return to_xarray(self)

    def thumbnails(
        self, sites: "ArrayLike", size: int = 128, channels: Sequence[int | str] | None = None
    ) -> "Pixels":
        """Return small pictures of sites: an array (site, channel, y, x).

        Args:
            sites: As for :meth:`read`.
            size: Most pixels of a side. Each is the mean of a square of pixels. Up to the size
                of the overview, only that is read.
            channels: As for :meth:`read`.

        Raises the errors of :meth:`read`.
        """
        from rxrx2zarr._png import smaller

        positions = self.site_positions(sites)
        chosen = self.channel_positions(channels)
        size = positive("size", size)
        small = self._native.overview_shape()
        if small is not None and size <= max(small[2:]):
            return smaller(self.overview.read(positions, chosen), size)
        import numpy as np

        # A few sites at a time: the whole ones take much more memory.
        parts = [
            smaller(self.read(positions[start : start + 32], chosen), size)
            for start in range(0, max(len(positions), 1), 32)
        ]
        return np.concatenate(parts)

    def scales(self, scope: str) -> "Scales":
        """Return mean and standard deviation of each channel in each group of a scope.

        Raises :class:`UsageError` if the dataset has no such statistics.
        """
        from rxrx2zarr._statistics import scales_of

        return scales_of(self, scope)

    @functools.cached_property
    def good_planes(self) -> "NDArray[np.bool_]":
        """Whether each plane (site, channel) was stored from an image that could be used."""
        status, names = self.planes.codes("status")
        good: NDArray[np.bool_] = status == (names.index("ok") if "ok" in names else -2)
        return good.reshape(self.shape[:2])

    @functools.cached_property
    def wells(self) -> "Positions":
        """Number of the well of each site; the order of the numbers means nothing."""
        import numpy as np

        plates = np.ma.filled(self.metadata.column("plate"))
        columns = [self.metadata.codes(name)[0] for name in ("experiment", "well")]
        columns.append(np.unique(plates, return_inverse=True)[1].astype(np.int64))
        _, wells = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
        return wells.astype(np.int64).reshape(-1)

    def class_numbers(self, column: str) -> "NDArray[Any]":
        """Return a column of the metadata as numbers, one for each site.

        Texts are numbers of :attr:`classes`, a null is -1 (NaN for fractions), truth values
        are 0 and 1.

        Raises :class:`UsageError` if there is no such column.
        """
        return self.classes.numbers(column)

    def site_ids(self, sites: "ArrayLike") -> list[str]:
        """Return the names of some sites, by their positions."""
        codes, names = self.metadata.codes("site_id")
        return [names[code] for code in codes[self.site_positions(sites)]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the address: the copy opens the dataset again."""
        return Dataset, (self._location, self._options, self._cache, self._cache_limit)

    def _repr_html_(self) -> str:
        """Show shape, channels and some sites in a notebook."""
        from rxrx2zarr._display import dataset_html

        return dataset_html(self)

    def __repr__(self) -> str:
        """Return address, shape, type and channels, without secrets."""
        axes = "x".join(str(length) for length in self.shape)
        channels = " ".join(self.channels)
        return f"<rxrx2zarr.Dataset {self._native.name()}: {axes} {self.dtype}, {channels}>"

    def _table(self, name: str) -> Table:
        native = self._native.table(name)
        if native is None:
            raise Error(f"{self._native.name()} has no {name}")
        return Table(self, name, native)

    def _open(self) -> "_native.NativeDataset":
        options = [f"{key}={value}" for key, value in self._options.items()]
        return _native.NativeDataset(self._location, options, self._cache, self._cache_limit)

    @property
    def _native(self) -> "_native.NativeDataset":
        """The open dataset of this process: connections are not shared with a fork."""
        if self._is_remote and os.getpid() != self._process:
            # The lock of the process that was forked may be held for ever.
            self._lock = threading.Lock() if self._lock.locked() else self._lock
            with self._lock:
                if os.getpid() != self._process:
                    opened = self._open()
                    if opened.attributes() != self._opened.attributes():
                        raise Error(f"{opened.name()} was replaced while it was open")
                    _OF_OTHER_PROCESSES.append(self._opened)
                    self._opened, self._process = opened, os.getpid()
        return self._opened

    def site_positions(self, sites: "ArrayLike") -> "Positions":
        """Return positions of sites as whole numbers from 0.

        ``sites`` are positions, of which negative ones count from the end, or a mask. Raises
        the errors of :meth:`read`.
        """
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

    def channel_positions(self, channels: Sequence[int | str] | None) -> list[int]:
        """Return positions of channels as whole numbers from 0, by names or positions.

        None stands for all. Raises the errors of :meth:`read`.
        """
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


def open(
    location: StrPath,
    *,
    cache: StrPath | None = None,
    cache_limit: int | str | None = None,
    **store_options: str,
) -> Dataset:
    """Open a complete dataset for reading.

    Args:
        location: A folder, or an address: ``s3://``, ``gs://``, ``az://``, ``http(s)://``.
        cache: Folder on a local disk that keeps what was read of a dataset at an address. All
            processes of a machine may share it. It is not used for a dataset in a folder.
        cache_limit: Most bytes that the folder may hold, such as ``"200GB"``; None takes half
            of the space that is free.
        store_options: Options of the object store, such as ``endpoint`` and ``region``: the
            ones of ``--store-option``.

    Raises :class:`InputError` if there is no complete dataset that this version reads,
    :class:`StoreError` if the store cannot be reached, and :class:`UsageError` for an
    address or an option that is wrong.
    """
    return Dataset(location, store_options, cache, cache_limit)
