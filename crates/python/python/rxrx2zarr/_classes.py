"""Texts of columns as class numbers."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rxrx2zarr._errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rxrx2zarr._table import Table


class Classes(Mapping[str, tuple[str, ...]]):
    """Texts of each column of texts in a table: the text of class *i* is at position *i*.

    The order is that of their bytes, over the whole table.
    """

    def __init__(self, table: "Table") -> None:
        self._table = table
        self._codes: dict[str, tuple[NDArray[np.int64], tuple[str, ...]]] = {}

    def __getitem__(self, column: str) -> tuple[str, ...]:
        """Texts of a column. Raises KeyError if there is no such column of texts."""
        if column not in self._codes:
            try:
                self._codes[column] = self._table.codes(column)
            except TypeError as error:
                raise KeyError(column) from error
        return self._codes[column][1]

    def __iter__(self) -> Iterator[str]:
        """Names of the columns of texts."""
        return iter(self._table.text_columns)

    def __len__(self) -> int:
        """Number of columns of texts."""
        return len(self._table.text_columns)

    def numbers(self, column: str) -> "NDArray[Any]":
        """Return a column as numbers; see :meth:`Dataset.class_numbers`."""
        import numpy as np

        if column in self._table.text_columns:
            _ = self[column]
            return self._codes[column][0]
        if column not in self._table.columns:
            raise UsageError(
                f"there is no column {column!r}: the metadata have {', '.join(self._table.columns)}"
            )
        values = self._table.column(column)
        if np.issubdtype(values.dtype, np.floating):
            return np.ma.filled(values, np.nan)
        return np.ma.filled(np.ma.asarray(values).astype(np.int64), -1)

    def __repr__(self) -> str:
        """Return the number of classes of each column."""
        return f"<classes: {', '.join(self)}>"
