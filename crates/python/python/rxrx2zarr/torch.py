"""Batches of sites for PyTorch.

    from rxrx2zarr.torch import SiteDataset, SiteLoader

    train = SiteDataset("rxrx1-zarr", columns=["sirna_id", "experiment"], crop=256, flip=True)
    loader = SiteLoader(train, batch_size=64, shuffle="shard", normalize="plate", device="cuda")
    for epoch in range(10):
        for pixels, columns in loader:      # (site, channel, y, x) float32, and a dict of tensors
            loss = criterion(model(pixels), columns["sirna_id"].to(pixels.device))

:class:`SiteLoader` needs no worker processes: threads of its own read and decode into pinned
memory, ahead of the training loop. :class:`SiteDataset` also works with PyTorch's ``DataLoader``,
whose workers may be spawned or forked.

The order of samples, the crops and the flips depend on the seed and the epoch only, never on
threads, workers or ranks. :mod:`rxrx2zarr.order` makes the order, and needs no PyTorch.
"""

import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rxrx2zarr import _dataset
from rxrx2zarr._arguments import default_threads
from rxrx2zarr._classes import Classes
from rxrx2zarr._commands import StrPath
from rxrx2zarr._errors import UsageError
from rxrx2zarr._optional import imported
from rxrx2zarr._prefetch import Prefetcher
from rxrx2zarr._samples import Columns, Missing, Samples
from rxrx2zarr._statistics import Scales
from rxrx2zarr.order import BatchOrder, Positions, RankPlan, Shuffle

torch: Any = imported("torch", "rxrx2zarr.torch")

__all__ = ["Batch", "Normalizer", "SiteBatchSampler", "SiteDataset", "SiteLoader", "collate"]

Tensor: TypeAlias = Any
"""A ``torch.Tensor``."""

Batch: TypeAlias = tuple[Tensor, dict[str, Tensor]]
"""Pixels (sample, channel, y, x), and the columns by their names, each (sample,). With ``views``,
pixels have the axes (sample, view, channel, y, x)."""

Scope: TypeAlias = Literal["plate", "plate_controls", "experiment", "dataset", "train"]
"""Group of sites whose mean and standard deviation pixels are normalised by."""

# Threads that each read a batch at a time: while one waits for the last chunk of its batch, or
# for a store, another one decodes.
_BATCHES_AT_ONCE = 2


class _SampleList(list[Any]):
    """Samples of a batch that know the batch, so that nobody needs to stack them."""

    batch: Batch


def collate(samples: Any) -> Batch:
    """Return the batch that :class:`SiteDataset` has read at once; for ``DataLoader``.

    Without ``collate_fn=collate``, PyTorch copies each sample into the batch once more.
    """
    if isinstance(samples, _SampleList):
        return samples.batch
    batch: Batch = imported("torch.utils.data", "collate").default_collate(samples)
    return batch


class SiteDataset:
    """Sites of a dataset as samples for PyTorch: ``len``, ``[i]`` and ``__getitems__``.

    Args:
        dataset: An open dataset, or its address.
        sites: Positions of the sites, or a mask, such as ``ds.split("wilds")["train"]``; None
            takes all.
        channels: Names or positions of channels; None takes all.
        columns: Columns of the metadata that come with the pixels. Texts become the class
            numbers of ``classes``, a null becomes -1 (NaN in a column of fractions).
        missing: What happens to sites with a plane that is not there or could not be used, of
            the channels that are read: ``"skip"`` leaves them out (``skipped`` is their
            number, which the log tells); ``"mask"`` keeps them, with black planes and the column
            ``present`` (sample, channel); ``"raise"`` raises an error.
        crop: Height and width of a part of each site, in pixels, or one number for both. Its
            place is random in training and the middle otherwise.
        flip: Whether rows and columns are reversed at random in training.
        training: Whether places of crops, flips and views are random.
        views: Sites of a sample. With 2, a sample is a well, and its views are two of its
            sites, each with a crop of its own; wells with fewer sites are left out.
        normalize: Group that :meth:`normalizer` takes the statistics of; its number comes as
            the column ``group``.
        seed: Seed of the crops, flips and views.

    The column ``site_index`` always comes along. A pickled dataset opens the store again, so
    that spawned workers read it; so do forked ones.

    Raises :class:`UsageError` if an argument is wrong, or with ``missing="raise"``.
    """

    def __init__(
        self,
        dataset: "_dataset.Dataset | StrPath",
        sites: ArrayLike | None = None,
        *,
        channels: Sequence[int | str] | None = None,
        columns: Sequence[str] = (),
        missing: Missing = "skip",
        crop: int | tuple[int, int] | None = None,
        flip: bool = False,
        training: bool = True,
        views: int = 1,
        normalize: Scope | None = "plate",
        seed: int = 0,
    ) -> None:
        if not isinstance(dataset, _dataset.Dataset):
            dataset = _dataset.open(dataset)
        self._samples = Samples(
            dataset,
            sites,
            channels=channels,
            columns=columns,
            missing=missing,
            crop=crop,
            flip=flip,
            training=training,
            views=views,
            scope=normalize,
            seed=seed,
        )
        # Workers that stay from one epoch to the next see it change.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._samples)

    @property
    def dataset(self) -> "_dataset.Dataset":
        """The dataset that is read."""
        return self._samples.dataset

    @property
    def samples(self) -> Samples:
        """The samples as numpy arrays, without PyTorch."""
        return self._samples

    @property
    def classes(self) -> Classes:
        """Texts of each column of texts by their class numbers, over the whole dataset."""
        return self._samples.dataset.classes

    @property
    def skipped(self) -> int:
        """Sites that were left out because planes are missing or could not be used."""
        return self._samples.skipped

    @property
    def epoch(self) -> int:
        """Number of the epoch, which crops, flips and views depend on."""
        return int(self._epoch[0])

    def set_epoch(self, epoch: int) -> None:
        """Set the number of the epoch, here and in workers that are running."""
        self._epoch[0] = epoch

    def normalizer(self, dtype: Any = None) -> "Normalizer":
        """Return what turns stored pixels into normalised ones, on any device.

        Args:
            dtype: Type of the result, such as ``torch.bfloat16``; None is float32.

        Raises :class:`UsageError` if the dataset was made with ``normalize=None``.
        """
        if self._samples.scales is None:
            raise UsageError("SiteDataset was made with normalize=None")
        return Normalizer(self._samples.scales, self._samples.channels, dtype)

    def __getitem__(self, sample: SupportsIndex) -> Batch:
        """Read one sample: pixels (channel, y, x), and its columns.

        Raises IndexError for a sample that is not there, and :class:`Error` if an object is
        missing or damaged or the store fails.
        """
        pixels, columns = self._read([sample.__index__()])
        return pixels[0], {name: values[0] for name, values in columns.items()}

    def __getitems__(self, samples: Sequence[int]) -> list[Batch]:
        """Read samples at once, each chunk once. ``collate`` makes them a batch without a copy."""
        pixels, columns = self._read(samples)
        found = _SampleList(
            (pixels[place], {name: values[place] for name, values in columns.items()})
            for place in range(len(samples))
        )
        found.batch = pixels, columns
        return found

    def _read(self, samples: ArrayLike) -> Batch:
        in_worker = imported("torch.utils.data", "SiteDataset").get_worker_info() is not None
        threads = 1 if in_worker else None
        pixels, columns = self._samples.read(samples, self.epoch, threads=threads)
        return torch.from_numpy(pixels), _tensors(columns)

    def __repr__(self) -> str:
        """Return the number of samples and the dataset, without secrets."""
        return f"<rxrx2zarr.torch.SiteDataset: {len(self)} samples of {self.dataset!r}>"


class Normalizer:
    """Turns stored pixels into floats, less the mean of their group, by the deviation.

    :meth:`SiteDataset.normalizer` makes it. It works on the device of the pixels: one byte a
    pixel goes there, not four.
    """

    def __init__(self, scales: Scales, channels: Sequence[int], dtype: Any = None) -> None:
        self.dtype = torch.float32 if dtype is None else dtype
        """Type of the result."""
        mean = np.nan_to_num(scales.mean)[:, list(channels), None, None]
        self._mean = torch.from_numpy(mean)
        self._factor = torch.from_numpy(1 / scales.std[:, list(channels), None, None])

    def __call__(self, pixels: Tensor, columns: Mapping[str, Tensor]) -> Tensor:
        """Return normalised pixels, of the same shape.

        Args:
            pixels: (sample, channel, y, x) or (sample, view, channel, y, x), as stored.
            columns: The columns of the batch, with ``group``. Where ``present`` is false, the
                result is 0.
        """
        if self._mean.device != pixels.device:
            self._mean = self._mean.to(pixels.device)
            self._factor = self._factor.to(pixels.device)
        group = columns["group"].to(pixels.device, non_blocking=True)
        mean, factor = self._mean[group], self._factor[group]
        if pixels.ndim == 5:
            mean, factor = mean[:, None], factor[:, None]
        found = pixels.to(torch.float32).sub_(mean).mul_(factor)
        if "present" in columns:
            present = columns["present"].to(pixels.device, non_blocking=True)
            found.masked_fill_(~present[..., None, None], 0)
        return found.to(self.dtype)


class _Plan:
    """Arguments of samplers and loaders as a plan for this rank."""

    def __init__(
        self,
        dataset: SiteDataset,
        batch_size: int,
        shuffle: Shuffle | None,
        window: int,
        batch_by: str | None,
        seed: int,
        training: bool | None,
        drop_last: bool,
        rank: int | None,
        ranks: int | None,
    ) -> None:
        samples = dataset.samples
        training = samples.training if training is None else training
        order = BatchOrder(
            samples.shards,
            batch_size,
            shuffle=training if shuffle is None else shuffle,
            window=window,
            groups=None if batch_by is None else samples.groups(batch_by),
            seed=seed,
            drop_last=drop_last,
        )
        group = torch.distributed
        is_group = group.is_available() and group.is_initialized()
        ranks = (group.get_world_size() if is_group else 1) if ranks is None else ranks
        rank = (group.get_rank() if is_group else 0) if rank is None else rank
        self.plan = RankPlan(order, rank=rank, ranks=ranks, training=training)


class SiteBatchSampler:
    """Batches of positions for ``DataLoader(dataset, batch_sampler=...)``.

    Each iteration is one epoch; the next one follows. ``collate_fn=collate`` saves a copy.

    Args:
        dataset: The samples.
        batch_size: Samples in a batch of one rank.
        shuffle: True: random; ``"shard"``: random in windows of shards, so that a cache is
            filled shard by shard; False: as they are stored. None: True in training.
        window: Shards that are mixed with ``shuffle="shard"``.
        batch_by: Column: no batch has samples with different values of it.
        seed: Seed of the order.
        training: Every rank gets the same number of batches, for which the last ones may be
            smaller. Otherwise no sample is repeated or dropped, and ranks may differ by one
            batch. None: as the dataset.
        drop_last: Leave out batches that are not full.
        rank: Number of this rank, and number of ranks; None asks ``torch.distributed``.
        ranks: See ``rank``.
    Raises :class:`UsageError` if an argument is wrong.
    """

    def __init__(
        self,
        dataset: SiteDataset,
        batch_size: int = 64,
        *,
        shuffle: Shuffle | None = None,
        window: int = 16,
        batch_by: str | None = None,
        seed: int = 0,
        training: bool | None = None,
        drop_last: bool = False,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        self._dataset = dataset
        self._plan = _Plan(
            dataset, batch_size, shuffle, window, batch_by, seed, training, drop_last, rank, ranks
        ).plan

    def set_epoch(self, epoch: int) -> None:
        """Begin this epoch next, from its start; the epoch that is running goes on."""
        self._plan.set_epoch(epoch)

    def __len__(self) -> int:
        """Number of batches that are left of the epoch."""
        return len(self._plan)

    def __iter__(self) -> Iterator[list[int]]:
        """Return the positions of each batch that is left of the epoch."""
        self._dataset.set_epoch(self._plan.epoch)
        for batch in self._plan.start():
            yield batch.tolist()

    def state_dict(self) -> dict[str, Any]:
        """Return how far it is. ``DataLoader`` with workers asks for batches ahead of time, so
        that they count as done before they are used; :class:`SiteLoader` does not.
        """
        return self._plan.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state, also of another number of ranks.

        Raises :class:`UsageError` if it is of other samples or another order.
        """
        self._plan.load_state_dict(state)


class SiteLoader:
    """Batches of a :class:`SiteDataset`, read ahead by threads of its own.

    Each iteration is one epoch, or the rest of one; the next one follows. A batch is (pixels,
    columns): see :data:`Batch`. The memory of pixels is used again once nobody holds them.

    Args:
        dataset: The samples.
        batch_size: Samples in a batch of one rank.
        shuffle: True: random; ``"shard"``: random in windows of shards, so that a cache is
            filled shard by shard; False: as they are stored. None: True in training.
        window: Shards that are mixed with ``shuffle="shard"``.
        batch_by: Column: no batch has samples with different values of it.
        seed: Seed of the order.
        training: Every rank gets the same number of batches, for which the last ones may be
            smaller. Otherwise no sample is repeated or dropped, and ranks may differ by one
            batch. None: as the dataset.
        drop_last: Leave out batches that are not full.
        rank: Number of this rank, and number of ranks; None asks ``torch.distributed``.
        ranks: See ``rank``.
        threads: Threads that read and decode; None takes one for each core, at most 16.
        ahead: Batches that are read ahead of the one that is used.
        pin_memory: Whether pixels are in memory that a GPU reads directly; None: if there is one.
        device: Device that batches are copied to, while the one before is used; None leaves
            them in memory.
        normalize: Whether pixels are normalised, on the device; otherwise they are as stored.
        dtype: Type of normalised pixels; None is float32.


    Raises :class:`UsageError` if an argument is wrong. An iteration raises :class:`Error` if an
    object is missing or damaged or the store fails.
    """

    def __init__(
        self,
        dataset: SiteDataset,
        batch_size: int = 64,
        *,
        shuffle: Shuffle | None = None,
        window: int = 16,
        batch_by: str | None = None,
        seed: int = 0,
        training: bool | None = None,
        drop_last: bool = False,
        rank: int | None = None,
        ranks: int | None = None,
        threads: int | None = None,
        ahead: int = 3,
        pin_memory: bool | None = None,
        device: Any = None,
        normalize: bool = False,
        dtype: Any = None,
    ) -> None:
        if ahead < 1:
            raise UsageError(f"ahead must be at least 1, not {ahead}")
        self.dataset = dataset
        """The samples."""
        self._plan = _Plan(
            dataset, batch_size, shuffle, window, batch_by, seed, training, drop_last, rank, ranks
        ).plan
        self._ahead = ahead
        self._at_once = min(_BATCHES_AT_ONCE, ahead)
        threads = default_threads() if threads is None else threads
        if threads < 1:
            raise UsageError(f"threads must be at least 1, not {threads}")
        self._at_once = min(self._at_once, threads)
        self._threads = -(-threads // self._at_once)
        has_gpu = torch.cuda.is_available()
        self._memory = _Memory(has_gpu if pin_memory is None else pin_memory, ahead + 2)
        self._device = None if device is None else torch.device(device)
        self._normalizer = dataset.normalizer(dtype) if normalize else None
        is_cuda = self._device is not None and self._device.type == "cuda"
        self._stream = torch.cuda.Stream(self._device) if is_cuda else None

    def set_epoch(self, epoch: int) -> None:
        """Begin this epoch next, from its start; the epoch that is running goes on."""
        self._plan.set_epoch(epoch)

    @property
    def epoch(self) -> int:
        """Number of the epoch that is running, or comes next."""
        return self._plan.epoch

    def __len__(self) -> int:
        """Number of batches that are left of the epoch, for this rank."""
        return len(self._plan)

    def state_dict(self) -> dict[str, Any]:
        """Return how far the training is: all batches that were yielded count as done.

        All ranks must have done as many batches; then their states are equal.
        """
        return self._plan.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state, also of another number of ranks or another batch size.

        Raises :class:`UsageError` if it is of other samples or another order.
        """
        self._plan.load_state_dict(state)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle arguments and progress; a copy has memory and a stream of its own."""
        return self.__dict__ | {"_stream": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state, and make a stream of this process."""
        self.__dict__.update(state)
        is_cuda = self._device is not None and self._device.type == "cuda"
        self._stream = torch.cuda.Stream(self._device) if is_cuda else None

    def __iter__(self) -> Iterator[Batch]:
        """Read what is left of the epoch. Leaving the loop early stops the threads."""
        plan, epoch = self._plan, self._plan.epoch
        self.dataset.set_epoch(epoch)
        left = plan.batches()
        reader = ThreadPoolExecutor(self._at_once, "rxrx2zarr-loader")
        waiting: deque[tuple[Future[Batch], int]] = deque()
        prefetcher = self._prefetcher()

        def read_more() -> None:
            while len(waiting) < self._ahead:
                batch = next(left, None)
                if batch is None:
                    return
                waiting.append((reader.submit(self._read, batch[0], epoch), batch[1]))

        moved: deque[tuple[Batch, int]] = deque()
        try:
            read_more()
            while waiting or moved:
                if not moved:
                    moved.append(self._next(waiting))
                    read_more()
                (pixels, columns), done = moved.popleft()
                if self._stream is not None:
                    current = torch.cuda.current_stream(self._device)
                    current.wait_stream(self._stream)
                    pixels.record_stream(current)
                    # The next batch is on its way while this one is used.
                    if waiting and waiting[0][0].done():
                        moved.append(self._next(waiting))
                        read_more()
                if self._normalizer is not None:
                    pixels = self._normalizer(pixels, columns)
                plan.finish(done)
                if prefetcher is not None:
                    prefetcher.advance(done)
                yield pixels, columns
                del pixels, columns
            plan.set_epoch(epoch + 1)
        finally:
            reader.shutdown(wait=False, cancel_futures=True)
            if prefetcher is not None:
                prefetcher.close()

    def _prefetcher(self) -> Prefetcher | None:
        """Return what fetches whole shards ahead, if there is a cache and a window of shards."""
        window, dataset = self._plan.window, self.dataset.dataset
        if window is None or not dataset.has_cache:
            return None
        _, shards = self._plan.upcoming()
        # The window that is in use, and the next one.
        prefetcher = Prefetcher(dataset, shards, 2 * window)
        prefetcher.advance(self._plan.done)
        return prefetcher

    def _next(self, waiting: "deque[tuple[Future[Batch], int]]") -> tuple[Batch, int]:
        """Wait for the next batch, and begin to copy it to the device."""
        future, done = waiting.popleft()
        pixels, columns = future.result()
        if self._stream is not None:
            with torch.cuda.stream(self._stream):
                pixels = pixels.to(self._device, non_blocking=True)
        elif self._device is not None:
            pixels = pixels.to(self._device)
        return (pixels, columns), done

    def _read(self, batch: Positions, epoch: int) -> Batch:
        samples = self.dataset.samples
        pixels, target = self._memory.take(samples.shape(len(batch)), samples.dataset.dtype)
        _, columns = samples.read(batch, epoch, out=target, threads=self._threads)
        return pixels, _tensors(columns)


class _Memory:
    """Memory for batches, which is used again once no tensor refers to it."""

    def __init__(self, is_pinned: bool, most: int) -> None:
        self._is_pinned = is_pinned
        self._most = most
        self._lock = threading.Lock()
        self._arrays: list[NDArray[np.uint8]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle no memory."""
        return _Memory, (self._is_pinned, self._most)

    def take(self, shape: tuple[int, ...], dtype: "np.dtype[Any]") -> tuple[Tensor, NDArray[Any]]:
        """Return a tensor and an array that share new or free memory."""
        if self._is_pinned:
            # PyTorch keeps pinned memory, and waits for copies from it that are under way.
            kind = torch.uint8 if dtype.itemsize == 1 else torch.uint16
            tensor = torch.empty(shape, dtype=kind, pin_memory=True)
            return tensor, tensor.numpy()
        size = int(np.prod(shape)) * dtype.itemsize
        # Until there is a view, nothing says that the memory is taken.
        with self._lock:
            pixels = self._free(size)[:size].view(dtype).reshape(shape)
        return torch.from_numpy(pixels), pixels

    def _free(self, size: int) -> NDArray[np.uint8]:
        for place in range(len(self._arrays)):
            # The list and the argument are all that refer to it.
            if self._arrays[place].size >= size and sys.getrefcount(self._arrays[place]) == 2:
                return self._arrays[place]
        array = np.empty(size, np.uint8)
        self._arrays = [*self._arrays[-self._most + 1 :], array]
        return array


def _tensors(columns: Columns) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in columns.items()}
