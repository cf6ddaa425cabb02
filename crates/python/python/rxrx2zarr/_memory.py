"""Memory of results that is used again.

A batch of 32 sites of RxRx1 has 50 MB. The system fills each new page of such memory with
zeros when it is first touched, which takes a quarter of the time of a read, and takes the
pages back when the array is gone. So the memory of a large array is kept when nothing
refers to it any more, for the next one of its size.
"""

import math
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALLEST = 4 << 20
"""Bytes of the smallest array whose memory is kept: C keeps that of smaller ones itself."""
LARGEST = 256 << 20
"""Bytes of the largest one."""
KEPT = 2
"""Arrays whose memory is kept: a loop holds the last batch while it reads the next one."""

# Appending and taking need no lock, which a process that was forked could find held.
_kept: "deque[NDArray[np.uint8]]" = deque(maxlen=KEPT)


def empty(shape: tuple[int, ...], dtype: "np.dtype[Any]") -> "NDArray[Any]":
    """Return an array with any content, in C order."""
    import numpy as np

    count = math.prod(shape) * dtype.itemsize
    if not SMALLEST <= count <= LARGEST:
        return np.empty(shape, dtype)
    try:
        memory = _kept.pop()
    except IndexError:
        memory = None
    # One of another size is dropped, so that no more is kept than was used last.
    if memory is None or len(memory) != count:
        memory = np.empty(count, np.uint8)
    return np.asarray(_Owner(memory)).view(dtype).reshape(shape)


class _Owner:
    """What the arrays over some memory refer to, each view and slice of them, too.

    When the last of them is gone, the memory is kept.
    """

    def __init__(self, memory: "NDArray[np.uint8]") -> None:
        self._memory = memory
        self.__array_interface__ = memory.__array_interface__

    def __del__(self, kept: "deque[NDArray[np.uint8]]" = _kept) -> None:
        kept.append(self._memory)
