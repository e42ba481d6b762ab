"""Connections and cursors of PEP 249 over an Okta org."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from oktant import _native, errors
from oktant._arrow import ArrowSource
from oktant._parameters import Parameters, bind
from oktant._properties import PropertyValue, as_text
from oktant.catalog import Column, ForeignKey, Request, Table
from oktant.result import Result

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "Cursor", "apilevel", "connect", "paramstyle", "threadsafety"]

apilevel = "2.0"
threadsafety = 2
"""Threads may share the module and connections, but not cursors."""
paramstyle = "qmark"

Row = tuple[Any, ...]
Description = tuple[str, str, None, None, None, None, bool]

ROWS_PER_FETCH = 1000


def connect(dsn: str | None = None, /, *, json_as_python: bool = False, **properties: PropertyValue) -> Connection:
    """Opens a connection to an org.

    Args:
        dsn: Connection string, for example ``"okta:///?Domain=acme.okta.com"`` or
            ``"Domain=acme.okta.com;InitiateOAuth=GETANDREFRESH"``. Read from ``OKTANT_DSN`` if neither it
            nor any property is given.
        json_as_python: Whether JSON columns arrive parsed instead of as text.
        **properties: Connection properties by name, such as ``Domain="acme.okta.com"``. Letter case and
            underscores in names are ignored. They add to and override those of ``dsn``.

    Returns:
        The connection. It makes no request before one is needed, except to sign in.

    Raises:
        ProgrammingError: A property is unknown, missing or wrong; the hint names the nearest known one.
        OperationalError: The org refuses the credentials.

    Example:
        >>> with oktant.connect(sandbox.dsn) as connection:
        ...     connection.execute("SELECT count(*) FROM Users WHERE Status = ?", ["Active"]).fetchone()
        (41,)
    """
    return Connection(_native.Session.connect(dsn, as_text(properties)), json_as_python=json_as_python)


class Connection:
    """An open org. Threads may share it; each statement gets a cursor of its own.

    There are no transactions: every statement stands alone, and :attr:`autocommit` is always true.
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, session: _native.Session, *, json_as_python: bool = False) -> None:
        self._session: _native.Session | None = session
        self._json_as_python = json_as_python
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self.messages: list[tuple[type[Exception], Exception]] = []

    @property
    def autocommit(self) -> bool:
        """Always true: the org has no transactions."""
        return True

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._session is None

    def cursor(self) -> Cursor:
        """A new cursor."""
        self._open_session()
        cursor = Cursor(self)
        self._cursors.add(cursor)
        return cursor

    def execute(self, statement: str, parameters: Parameters | None = None) -> Cursor:
        """Runs a statement on a new cursor and returns the cursor."""
        return self.cursor().execute(statement, parameters)

    def sql(self, statement: str, parameters: Parameters | None = None) -> Result:
        """Starts a query whose result goes to pandas, polars, pyarrow or any other Arrow library.

        Example:
            >>> connection.sql("SELECT Id, Status FROM Users").to_polars()  # doctest: +SKIP
        """
        return Result(self._query(statement, parameters), statement)

    def tables(self) -> list[Table]:
        """The tables and views of every schema."""
        return [
            Table(
                schema=info["schema"],
                name=info["name"],
                kind=info["kind"],
                comment=info["comment"],
                primary_key=tuple(info["primary_key"]),
                foreign_keys=tuple(ForeignKey(*key) for key in info["foreign_keys"]),
            )
            for info in self._open_session().tables()
        ]

    def columns(self, table: str) -> list[Column]:
        """The columns of a table, custom attributes included.

        Args:
            table: Name in any letter case, with ``schema.`` in front where it is not ``okta``.

        Raises:
            ProgrammingError: There is no such table.
        """
        return [
            Column(**{**info, "values": tuple(info["values"])})  # type: ignore[arg-type]
            for info in self._open_session().columns(table)
        ]

    def requests(self) -> list[Request]:
        """The HTTP requests that this connection made, oldest first, as far as they are remembered."""
        return [Request(**info) for info in self._open_session().requests()]

    def commit(self) -> None:
        """Does nothing: every statement stands alone."""
        self._open_session()

    def rollback(self) -> None:
        """Does nothing: every statement stands alone and cannot be taken back."""
        self._open_session()

    def cancel(self) -> None:
        """Interrupts every running statement; may be called from any thread."""
        for cursor in list(self._cursors):
            cursor.cancel()

    def close(self) -> None:
        """Ends the connection and its cursors; any further use raises InterfaceError."""
        for cursor in list(self._cursors):
            cursor.close()
        self._session = None

    def __enter__(self) -> Self:
        self._open_session()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<oktant.Connection {'closed' if self.closed else 'open'}>"

    def _query(self, statement: str, parameters: Parameters | None) -> _native.Rows:
        return self._open_session().query(*bind(statement, parameters))

    def _open_session(self) -> _native.Session:
        if self._session is None:
            raise errors.InterfaceError("the connection is closed", code="OKT3012")
        return self._session


class Cursor(ArrowSource):
    """Runs statements one after the other and hands out their rows."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = ROWS_PER_FETCH
        self.messages: list[tuple[type[Exception], Exception]] = []
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        self._rows: _native.Rows | None = None
        self._buffer: list[Row] = []
        self._next = 0
        self._handed_out = 0
        self._exhausted = False
        self._description: tuple[Description, ...] | None = None
        self._json_columns: tuple[int, ...] = ()

    @property
    def description(self) -> tuple[Description, ...] | None:
        """Name, type and nullability of each column, known as soon as the statement has started."""
        return self._description

    @property
    def rowcount(self) -> int:
        """The number of rows once all were fetched, else -1: rows arrive page by page."""
        return self._handed_out if self._exhausted and self._next >= len(self._buffer) else -1

    @property
    def rownumber(self) -> int | None:
        """Index of the next row, from 0; None without a result."""
        return None if self._rows is None else self._handed_out

    @property
    def lastrowid(self) -> str | None:
        """The id of the last inserted object; None, as nothing is inserted by SQL."""
        return None

    @property
    def query_id(self) -> int | None:
        """The statement's number in the ledger of requests."""
        return None if self._rows is None else self._rows.statement_id

    def execute(self, statement: str, parameters: Parameters | None = None) -> Self:
        """Starts a statement; rows are read as they are fetched.

        Args:
            statement: SQL with ``?``, ``:name`` or ``%(name)s`` where values go.
            parameters: A sequence for ``?``, a mapping for names. A list as a value fits ``IN ?``.

        Raises:
            ProgrammingError: The statement is wrong, or would take more requests than the budget allows.
        """
        self._expect_open()
        self._drop_rows()
        rows = self.connection._query(statement, parameters)
        self._rows = rows
        self._description = tuple(
            (name, type_code, None, None, None, None, nullable) for name, type_code, nullable in rows.columns
        )
        if self.connection._json_as_python:
            self._json_columns = tuple(i for i, column in enumerate(self._description) if column[1] == "JSON")
        return self

    def executemany(self, statement: str, parameter_sets: Iterable[Parameters]) -> Self:
        """Runs a statement once per set of parameters; the last result stays."""
        for parameters in parameter_sets:
            self.execute(statement, parameters)
        return self

    def callproc(self, name: str, parameters: Parameters | None = None) -> None:
        """Raises NotSupportedError: there are no stored procedures."""
        raise errors.NotSupportedError(f"procedure {name} cannot be called", code="OKT3005")

    def fetchone(self) -> Row | None:
        """The next row, or None after the last."""
        rows = self._take(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Up to ``size`` rows, :attr:`arraysize` if omitted; an empty list after the last."""
        return self._take(self.arraysize if size is None else size)

    def fetchall(self) -> list[Row]:
        """All remaining rows."""
        buffered = self._buffer[self._next :]
        rows = buffered + self._read(None)
        self._buffer, self._next = [], 0
        self._exhausted = True
        self._handed_out += len(rows)
        return rows

    def nextset(self) -> None:
        """None: a statement has one result."""
        self._expect_result()

    def setinputsizes(self, sizes: object) -> None:
        """Does nothing; PEP 249 asks for it."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing; PEP 249 asks for it."""

    def requests(self) -> list[Request]:
        """The HTTP requests of the current statement so far."""
        return [Request(**info) for info in self._expect_result().requests()]

    def cancel(self) -> None:
        """Interrupts the running statement; may be called from any thread."""
        if self._rows is not None:
            self._rows.cancel()

    def close(self) -> None:
        """Ends the cursor and its statement."""
        self._closed = True
        self._drop_rows()

    def __iter__(self) -> Iterator[Row]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "idle" if self._rows is None else f"{self._handed_out} rows fetched"
        return f"<oktant.Cursor {state}>"

    def _native_rows(self) -> _native.Rows:
        if self._handed_out or self._buffer:
            raise errors.InterfaceError("rows of this result were already fetched one by one", code="OKT3012")
        return self._expect_result()

    def _take(self, count: int) -> list[Row]:
        if self._next >= len(self._buffer):
            self._buffer, self._next = self._read(max(count, self.arraysize)), 0
        rows = self._buffer[self._next : self._next + count]
        self._next += len(rows)
        self._handed_out += len(rows)
        missing = count - len(rows)
        return rows + self._take(missing) if missing and not self._exhausted else rows

    def _read(self, count: int | None) -> list[Row]:
        native = self._expect_result()
        if self._exhausted:
            return []
        rows = native.fetch(count)
        self._exhausted = count is None or len(rows) < count
        return [self._parse_json(row) for row in rows] if self._json_columns else rows

    def _parse_json(self, row: Row) -> Row:
        values = list(row)
        for index in self._json_columns:
            values[index] = None if row[index] is None else json.loads(row[index])
        return tuple(values)

    def _expect_open(self) -> None:
        if self._closed:
            raise errors.InterfaceError("the cursor is closed", code="OKT3012")
        self.connection._open_session()

    def _expect_result(self) -> _native.Rows:
        self._expect_open()
        if self._rows is None:
            raise errors.InterfaceError("no statement was executed on this cursor", code="OKT3012")
        return self._rows

    def _drop_rows(self) -> None:
        if self._rows is not None:
            self._rows.close()
        self._forget()
