"""Tables of a dataset."""

from typing import TYPE_CHECKING, Any

from rxrx2zarr._optional import imported

if TYPE_CHECKING:
    from rxrx2zarr._native import NativeTable


class Table:
    """A table of a dataset, in memory.

    Every program that speaks the Arrow PyCapsule interface takes it without a copy:
    ``pyarrow.table(t)``, ``polars.DataFrame(t)``, ``pandas.DataFrame.from_arrow(t)``,
    ``duckdb.sql("SELECT ... FROM t")``.
    """

    def __init__(self, name: str, native: "NativeTable") -> None:
        self._name = name
        self._native = native

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(name for name, _ in self._native.columns())

    def __len__(self) -> int:
        """Number of rows."""
        return self._native.rows()

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
