"""The order of samples in an epoch, and which of them each rank gets.

The order depends on the samples, the seed and the epoch only: never on threads, workers, ranks,
the machine or the version of numpy. It needs no PyTorch.

    order = BatchOrder(shards, batch_size=64, shuffle="shard", seed=7)
    plan = RankPlan(order, rank=2, ranks=8)
    for batch in plan.start():      # arrays of positions of samples
        ...
    state = plan.state_dict()       # continues with any number of ranks

A *sample* is a position in the list of samples. A *step* is one batch for each rank. All batches
of a step are neighbours in the order.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rxrx2zarr._errors import UsageError

Positions: TypeAlias = NDArray[np.int64]
"""Positions of samples or of sites."""

Shuffle: TypeAlias = bool | Literal["shard"]
"""``False``: as they are stored; ``True``: random; ``"shard"``: random in windows of shards."""

_VERSION = 1


def mixed(seed: int, epoch: int, use: str, numbers: ArrayLike) -> NDArray[np.uint64]:
    """Return a random number of 64 bits for each of ``numbers``, equal on every machine.

    Args:
        seed: Any whole number.
        epoch: Any whole number.
        use: What the numbers are for: other uses have other numbers.
        numbers: Whole numbers, such as positions of sites.
    """
    text = f"{seed} {epoch} {use}".encode()
    key = np.frombuffer(hashlib.sha256(text).digest()[:8], "<u8").astype(np.uint64)
    value = np.asarray(numbers, np.int64).astype(np.uint64)
    # The function splitmix64, twice, so that neighbours have nothing in common.
    for _ in range(2):
        value = (value ^ key) + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        value = value ^ (value >> np.uint64(31))
    return value


@dataclass(frozen=True)
class Epoch:
    """All batches of an epoch, for all ranks together."""

    samples: Positions
    """Samples in their order."""

    ends: Positions
    """End of each batch in ``samples``, ascending."""


@dataclass(frozen=True, eq=False)
class BatchOrder:
    """How samples become batches.

    Raises :class:`UsageError` if an argument is wrong.
    """

    shards: Positions
    """Number of the shard that holds each sample."""

    batch_size: int
    """Samples in a batch; the last of a group may have fewer."""

    shuffle: Shuffle = True
    """Whether samples are in random order."""

    window: int = 16
    """Shards that are mixed where ``shuffle`` is ``"shard"``: a cache is filled shard by shard,
    and so many shards are in use at the same time."""

    groups: Positions | None = None
    """Group of each sample: no batch has samples of two groups."""

    seed: int = 0
    """Seed of the random order."""

    drop_last: bool = False
    """Whether batches that are not full are left out, and a last step with too few batches."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {self.batch_size}")
        if self.window < 1:
            raise UsageError(f"window must be at least 1, not {self.window}")
        if self.shuffle not in (True, False, "shard"):
            raise UsageError(f'shuffle must be True, False or "shard", not {self.shuffle!r}')
        if self.groups is not None and len(self.groups) != len(self.shards):
            raise UsageError("there must be a group for each sample")

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.shards)

    def epoch(self, epoch: int) -> Epoch:
        """Return the order and the batches of an epoch."""
        count = len(self.shards)
        windows = self._windows(epoch)
        groups = np.zeros(count, np.int64) if self.groups is None else self.groups
        samples = np.arange(count)
        keys: NDArray[Any] = samples
        if self.shuffle is not False:
            keys = mixed(self.seed, epoch, "sample", samples)
        order = np.lexsort((keys, groups, windows))
        runs, groups = windows[order], groups[order]
        # Samples of one window and one group make batches; without groups, windows flow into
        # each other.
        if self.groups is None:
            starts = np.zeros(min(count, 1), np.int64)
        else:
            changes = (np.diff(runs) != 0) | (np.diff(groups) != 0)
            starts = np.concatenate(
                [np.zeros(min(count, 1), np.int64), np.flatnonzero(changes) + 1]
            )
        lengths = np.diff(np.append(starts, count))
        cuts = [
            np.arange(start, start + length, self.batch_size)
            for start, length in zip(starts, lengths, strict=True)
        ]
        begins = np.concatenate([*cuts, np.empty(0, np.int64)]).astype(np.int64)
        batches = np.split(order, begins[1:]) if count else []
        if self.groups is not None and self.shuffle is not False:
            keys = mixed(self.seed, epoch, "batch", np.arange(len(begins)))
            batches = [batches[batch] for batch in np.lexsort((keys, runs[begins]))]
        if self.drop_last:
            batches = [batch for batch in batches if len(batch) == self.batch_size]
        ends = np.cumsum([len(batch) for batch in batches], dtype=np.int64)
        return Epoch(np.concatenate([*batches, order[:0]]), ends)

    def digest(self) -> str:
        """Return a text that two orders of the same batches share."""
        digest = hashlib.sha256()
        for array in (self.shards, self.groups):
            digest.update(b"none" if array is None else np.asarray(array, "<i8").tobytes())
        # The size of a batch may change in the middle of an epoch, unless it makes the order.
        size = self.batch_size if self.groups is not None else 0
        digest.update(f"{size} {self.shuffle} {self.window} {self.seed} {self.drop_last}".encode())
        return digest.hexdigest()[:16]

    def _windows(self, epoch: int) -> Positions:
        """Return the number of the window of each sample."""
        if self.shuffle != "shard":
            return np.zeros(len(self.shards), np.int64)
        shards, places = np.unique(self.shards, return_inverse=True)
        ranks = np.empty(len(shards), np.int64)
        by_key = np.argsort(mixed(self.seed, epoch, "shard", shards), kind="stable")
        ranks[by_key] = np.arange(len(shards)) // self.window
        windows: Positions = ranks[places]
        return windows


def steps_of(
    epoch: Epoch, ranks: int, *, start: int = 0, training: bool = True, drop_last: bool = False
) -> NDArray[np.int64]:
    """Cut an epoch into steps: an array (step, rank + 1) of positions in ``epoch.samples``.

    At step *s*, rank *r* gets the samples from ``cuts[s, r]`` to ``cuts[s, r + 1]``.

    Args:
        epoch: The batches of all ranks.
        ranks: Number of ranks.
        start: Samples that were done before, by any number of ranks.
        training: Every rank gets the same number of batches, none of them empty. Where the
            batches do not suffice, the last ones are split. Only where fewer samples than
            ranks are left, they are dropped. Without it, the last step may have batches
            without samples.
        drop_last: A last step with too few batches is dropped.
    """
    ends = epoch.ends[epoch.ends > start]
    begins = np.concatenate([np.array([start]), ends[:-1]])[: len(ends)]
    rest = len(ends) % ranks
    if rest and drop_last:
        begins, ends = begins[:-rest], ends[:-rest]
    elif rest and training:
        begins, ends = _split(begins, ends, ranks)
    elif rest:
        last = np.full(ranks - rest, ends[-1])
        begins, ends = np.append(begins, last), np.append(ends, last)
    begins = begins.reshape(-1, ranks)
    return np.column_stack([begins, ends.reshape(-1, ranks)[:, -1]]).astype(np.int64)


def _split(begins: Positions, ends: Positions, ranks: int) -> tuple[Positions, Positions]:
    """Split the last batches, so that their number is a multiple of ``ranks``."""
    for steps in (1, 2):
        tail = len(ends) % ranks + (steps - 1) * ranks
        first = len(ends) - tail
        if first < 0 or (tail and ends[-1] - begins[first] < steps * ranks):
            continue
        pieces = [(int(begins[i]), int(ends[i])) for i in range(first, len(ends))]
        while len(pieces) < steps * ranks:
            place = max(range(len(pieces)), key=lambda i: pieces[i][1] - pieces[i][0])
            begin, end = pieces[place]
            middle = (begin + end + 1) // 2
            pieces[place : place + 1] = [(begin, middle), (middle, end)]
        cut = np.array(pieces, np.int64).reshape(-1, 2)
        return np.append(begins[:first], cut[:, 0]), np.append(ends[:first], cut[:, 1])
    count = len(ends) // ranks * ranks
    return begins[:count], ends[:count]


class RankPlan:
    """The batches of one rank, epoch after epoch.

    Args:
        order: How samples become batches; the same for all ranks.
        rank: Number of this rank, from 0.
        ranks: Number of ranks.
        training: Every rank gets the same number of batches. Without it, no sample is dropped,
            and the last step may have no batch for some ranks.

    Raises :class:`UsageError` if there is no such rank, or if there are fewer samples than
    ranks in training.
    """

    def __init__(
        self,
        order: BatchOrder,
        *,
        rank: int = 0,
        ranks: int = 1,
        training: bool = True,
    ) -> None:
        if ranks < 1 or not 0 <= rank < ranks:
            raise UsageError(f"there is no rank {rank} of {ranks}")
        if training and len(order) < ranks:
            raise UsageError(f"{len(order)} samples are too few for {ranks} ranks")
        self._order = order
        self._rank = rank
        self._ranks = ranks
        self._training = training
        self._drop_last = order.drop_last
        self._epoch = 0
        self._done = 0
        self._cached: tuple[tuple[int, int], Epoch, NDArray[np.int64]] | None = None

    @property
    def epoch(self) -> int:
        """Number of the epoch that is running, or comes next."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Begin this epoch next, from its start; the epoch that is running goes on."""
        if epoch != self._epoch:
            self._epoch, self._done = epoch, 0

    def __len__(self) -> int:
        """Number of batches that are left of the epoch, for this rank."""
        _, cuts = self._cut()
        return int((cuts[:, self._rank + 1] > cuts[:, self._rank]).sum())

    def start(self) -> Iterator[Positions]:
        """Return the batches that are left of the epoch.

        A batch counts as done when it was returned; after the last one, the next epoch begins.
        """
        for batch, done in self.batches():
            self.finish(done)
            yield batch
        self.set_epoch(self._epoch + 1)

    def batches(self) -> Iterator[tuple[Positions, int]]:
        """Return the batches that are left, each with the samples that are done behind it.

        For whoever reads ahead: :meth:`finish` is for a batch that was used.
        """
        epoch, cuts = self._cut()
        for cut in cuts:
            batch = epoch.samples[cut[self._rank] : cut[self._rank + 1]]
            if len(batch):
                yield batch, int(cut[-1])

    def upcoming(self) -> tuple[Positions, Positions]:
        """Return the samples of the epoch for all ranks, in their order, and their shards."""
        epoch, _ = self._cut()
        return epoch.samples, self._order.shards[epoch.samples]

    @property
    def done(self) -> int:
        """Samples of the epoch that all ranks together have used."""
        return self._done

    @property
    def window(self) -> int | None:
        """Shards that are mixed; None if samples are not in windows of shards."""
        return self._order.window if self._order.shuffle == "shard" else None

    def finish(self, done: int) -> None:
        """Note that the samples before ``done`` were used."""
        self._done = done

    def state_dict(self) -> dict[str, Any]:
        """Return where in which epoch this is. Ranks that have done as many steps agree."""
        return {
            "version": _VERSION,
            "order": self._order.digest(),
            "samples": len(self._order),
            "epoch": self._epoch,
            "done": self._done,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where the state was taken, also by another number of ranks.

        Raises :class:`UsageError` if it is of other samples, another seed or another order.
        """
        if state.get("version") != _VERSION:
            raise UsageError(f"the state has the version {state.get('version')}, not {_VERSION}")
        expected = (self._order.digest(), len(self._order))
        if (state["order"], state["samples"]) != expected:
            raise UsageError(
                f"the state is of another order ({state['samples']} samples, this has"
                f" {len(self._order)}): use the same dataset, sites, seed and shuffle"
            )
        self._epoch, self._done = int(state["epoch"]), int(state["done"])

    def _cut(self) -> tuple[Epoch, NDArray[np.int64]]:
        key = (self._epoch, self._done)
        if self._cached is None or self._cached[0] != key:
            epoch = self._order.epoch(self._epoch)
            cuts = steps_of(
                epoch,
                self._ranks,
                start=self._done,
                training=self._training,
                drop_last=self._drop_last,
            )
            self._cached = key, epoch, cuts
        return self._cached[1], self._cached[2]
