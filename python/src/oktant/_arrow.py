"""The ways out of a result into Arrow libraries, shared by cursors and results.

Nothing here imports an Arrow library before one is asked for by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oktant import errors

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from oktant import _native


class ArrowSource:
    """Something with a result that can be read once as an Arrow stream."""

    _rows: _native.Rows | None

    @property
    def messages(self) -> list[tuple[type[Exception], Exception]]:
        """What the rows are not to be read without, complete once all were read.

        Each is a Python warning as well, however the rows are read.
        """
        texts = [] if self._rows is None else self._rows.warnings
        return [(errors.Warning, errors.Warning(text)) for text in texts]

    def _native_rows(self) -> _native.Rows:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The result as a capsule of the Arrow C stream interface. It can be read once."""
        return self._native_rows().__arrow_c_stream__(requested_schema)

    def fetch_arrow(self) -> _native.Rows:
        """The result for any library that takes ``__arrow_c_stream__``, such as polars or duckdb."""
        return self._native_rows()

    def fetch_record_batch(self) -> pyarrow.RecordBatchReader:
        """The result as a ``pyarrow.RecordBatchReader``: batches arrive as pages of the org do."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_stream(self._native_rows())

    def fetch_arrow_table(self) -> pyarrow.Table:
        """The whole result as a ``pyarrow.Table``."""
        with self._own_errors():
            return self.fetch_record_batch().read_all()

    def fetch_df(self) -> pandas.DataFrame:
        """The whole result as a ``pandas.DataFrame``."""
        return self.fetch_arrow_table().to_pandas()

    def fetch_polars(self) -> polars.DataFrame:
        """The whole result as a ``polars.DataFrame``."""
        import polars

        with self._own_errors():
            return polars.DataFrame(self._native_rows())

    @contextlib.contextmanager
    def _own_errors(self) -> Iterator[None]:
        # The C stream interface carries errors as text. Raise what it was made from instead.
        rows = self._native_rows()
        try:
            yield
        except Exception:
            rows.raise_failure()
            raise
