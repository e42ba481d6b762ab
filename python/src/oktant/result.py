"""The result of ``connection.sql``: a query on its way into another library."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from oktant import _native
from oktant._arrow import ArrowSource

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

PREVIEW_COLUMNS = 20
PREVIEW_CHARACTERS = 80


class Result(ArrowSource):
    """A started query. Its rows can be read once, by any Arrow library.

    Example:
        >>> connection.sql("SELECT Id, Status FROM Users")
        <oktant.Result (Id VARCHAR, Status VARCHAR)>
    """

    def __init__(self, rows: _native.Rows, statement: str) -> None:
        self._rows: _native.Rows = rows
        self._statement = statement

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Name and SQL type of each column."""
        return [(name, type_code) for name, type_code, _ in self._rows.columns]

    def __arrow_c_schema__(self) -> object:
        """The schema as a capsule of the Arrow C data interface."""
        return self._rows.__arrow_c_schema__()

    def to_arrow(self) -> pyarrow.Table:
        """The whole result as a ``pyarrow.Table``."""
        return self.fetch_arrow_table()

    def to_pandas(self) -> pandas.DataFrame:
        """The whole result as a ``pandas.DataFrame``."""
        return self.fetch_df()

    def to_polars(self) -> polars.DataFrame:
        """The whole result as a ``polars.DataFrame``."""
        return self.fetch_polars()

    def cancel(self) -> None:
        """Interrupts the query; may be called from any thread."""
        self._rows.cancel()

    def close(self) -> None:
        """Ends the query."""
        self._rows.close()

    def __repr__(self) -> str:
        names = ", ".join(f"{name} {type_code}" for name, type_code in self.columns[:PREVIEW_COLUMNS])
        more = ", ..." if len(self.columns) > PREVIEW_COLUMNS else ""
        return f"<oktant.Result ({names}{more})>"

    def _repr_html_(self) -> str:
        """The columns and the start of the statement; rows are not read for a preview."""
        cells = "".join(
            f"<tr><td>{html.escape(name[:PREVIEW_CHARACTERS])}</td><td>{type_code}</td></tr>"
            for name, type_code in self.columns[:PREVIEW_COLUMNS]
        )
        more = len(self.columns) - PREVIEW_COLUMNS
        rest = f"<tr><td colspan='2'>and {more} more</td></tr>" if more > 0 else ""
        statement = html.escape(self._statement[:PREVIEW_CHARACTERS])
        return f"<table><caption>{statement}</caption><tr><th>column</th><th>type</th></tr>{cells}{rest}</table>"

    def _native_rows(self) -> _native.Rows:
        return self._rows
