"""Tables of a dataset."""

from typing import TYPE_CHECKING, Any

from rxrx2zarr._optional import imported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rxrx2zarr._dataset import Dataset
    from rxrx2zarr._native import NativeTable


class Table:
    """A table of a dataset, in memory.

    Every program that speaks the Arrow PyCapsule interface takes it without a copy:
    ``pyarrow.table(t)``, ``polars.DataFrame(t)``, ``pandas.DataFrame.from_arrow(t)``,
    ``duckdb.sql("SELECT ... FROM t")``. A pickled table is read again from its dataset.
    """

    def __init__(self, dataset: "Dataset", name: str, native: "NativeTable") -> None:
        self._dataset = dataset
        self._name = name
        self._native = native

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the dataset and the name: the copy is read again."""
        return getattr, (self._dataset, self._name)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(name for name, _ in self._native.columns())

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the columns of texts."""
        return tuple(name for name, kind in self._native.columns() if kind == "Utf8")

    def __len__(self) -> int:
        """Number of rows."""
        return self._native.rows()

    def column(self, name: str) -> "NDArray[Any]":
        """Return a column as a numpy array, copied once; needs no other package.

        Numbers and truth values keep their type; with nulls, the array is masked. Texts are
        objects: ``str``, or ``None`` for a null. Vectors are an array (row, position).

        Raises KeyError if there is no such column.
        """
        import numpy as np

        values, valid, *texts = self._native.column(name)
        if texts:
            names = np.array([*valid, None], object)
            found: NDArray[Any] = names[values]
            return found
        return values if valid is None else np.ma.MaskedArray(values, ~valid)

    def codes(self, name: str) -> "tuple[NDArray[np.int64], tuple[str, ...]]":
        """Return a column of texts as numbers, -1 for a null, with the text of each number.

        The texts are those of the whole column, in the order of their bytes.

        Raises KeyError if there is no such column, and TypeError if it has no texts.
        """
        values, names, *texts = self._native.column(name)
        if not texts:
            raise TypeError(f"the column {name} has no texts")
        return values, tuple(names)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Return the rows as a capsule with an ``ArrowArrayStream``."""
        return self._native.stream()

    def __arrow_c_schema__(self) -> Any:
        """Return names and types of the columns as a capsule with an ``ArrowSchema``."""
        return self._native.schema()

    def to_pyarrow(self) -> Any:
        """Return a ``pyarrow.Table`` that shares the memory.

        Raises ImportError if pyarrow is not installed.
        """
        return imported("pyarrow", "to_pyarrow").table(self)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``. Raises ImportError if pandas or pyarrow is missing."""
        imported("pandas", "to_pandas")
        return self.to_pyarrow().to_pandas()

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame``. Raises ImportError if polars is not installed."""
        return imported("polars", "to_polars").DataFrame(self)

    def __repr__(self) -> str:
        """Return the number of rows, and names and types of the columns."""
        columns = "\n".join(f"  {name}: {kind}" for name, kind in self._native.columns())
        return f"<{self._name}: {len(self)} rows>\n{columns}"
