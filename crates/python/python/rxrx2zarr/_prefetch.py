"""Whole shards that are fetched into a cache before their sites are read."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from rxrx2zarr._errors import Error

if TYPE_CHECKING:
    from rxrx2zarr._dataset import Dataset
    from rxrx2zarr.order import Positions

# Shards that are fetched at once, each by one request at a time.
_AT_ONCE = 4


class Prefetcher:
    """Fetches the shards of an epoch into the cache, in the order of their first use.

    It stops where the cache has no room, or an object cannot be read: whoever reads the site
    sees the error. Processes of one machine that share the cache, as ``torchrun`` starts them,
    share the work.
    """

    def __init__(self, dataset: "Dataset", shards: "Positions", ahead: int) -> None:
        """Fetch for an epoch.

        Args:
            dataset: The dataset.
            shards: Shard of each sample, in the order of the epoch.
            ahead: Shards that are fetched ahead of the one that is in use.
        """
        self._dataset = dataset
        _, firsts = np.unique(shards, return_index=True)
        self._firsts = np.sort(firsts)
        self._order = shards[self._firsts]
        self._ahead = ahead
        self._next = 0
        local, count = (int(os.environ.get(name, default)) for name, default in _LOCAL)
        self._share = (local % count, count)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "rxrx2zarr-prefetch")
        self._running: deque[Future[bool]] = deque()
        self._has_room = True

    def advance(self, done: int) -> None:
        """Fetch ahead of a position in the order of the epoch."""
        used = int(np.searchsorted(self._firsts, done, side="right"))
        end = min(used + self._ahead, len(self._order))
        for place in range(self._next, end):
            if place % self._share[1] == self._share[0] and self._has_room:
                self._running.append(self._pool.submit(self._fetch, int(self._order[place])))
        self._next = max(self._next, end)
        while self._running and self._running[0].done():
            self._running.popleft()

    def _fetch(self, shard: int) -> bool:
        try:
            self._has_room &= self._dataset.cache_shard(shard)
        except Error:
            self._has_room = False
        return self._has_room

    def close(self) -> None:
        """Fetch no more. What is under way ends in the background."""
        self._has_room = False
        self._pool.shutdown(wait=False, cancel_futures=True)


_LOCAL = (("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"))
