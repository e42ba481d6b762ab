"""Connections and cursors of PEP 249 over an Okta org."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from oktant import _native, errors
from oktant._arrow import ArrowSource
from oktant._properties import PropertyValue, as_text
from oktant._warnings import warn
from oktant.catalog import Column, ForeignKey, Request, Table
from oktant.result import Result

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "Cursor", "apilevel", "connect", "paramstyle", "threadsafety"]

apilevel = "2.0"
threadsafety = 2
"""Threads may share the module and connections, but not cursors."""
paramstyle = "qmark"

Parameters = Sequence[Any] | Mapping[str, Any]
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
            underscores in names are ignored. One that ``dsn`` holds too must have the same value there.

    Returns:
        The connection. It makes no request before one is needed, except to sign in.

    Raises:
        ProgrammingError: A property is unknown, missing or wrong; the hint names the nearest known one.
        OperationalError: The org refuses the credentials.

    Example:
        >>> with oktant.connect(sandbox.dsn) as connection:
        ...     connection.execute("SELECT DISTINCT Status FROM Users WHERE Status = ?", ["Active"]).fetchall()
        [('ACTIVE',)]
    """
    session = _native.Session.connect(dsn, list(as_text(properties).items()))
    warn(session.warnings)
    return Connection(session, json_as_python=json_as_python)


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
        self._running: weakref.WeakSet[Cursor | Result] = weakref.WeakSet()
        self._running_lock = threading.Lock()
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
        self._remember(cursor)
        return cursor

    def execute(self, statement: str, parameters: Parameters | None = None) -> Cursor:
        """Runs a statement on a new cursor and returns the cursor."""
        return self.cursor().execute(statement, parameters)

    def sql(
        self, statement: str, parameters: Parameters | None = None, *, json_extension: bool = False
    ) -> Result:
        """Starts a query whose result goes to pandas, polars, pyarrow or any other Arrow library.

        Args:
            statement: The query.
            parameters: Values of its placeholders.
            json_extension: Whether JSON columns have the Arrow extension type ``arrow.json``, which not
                every library can work with, instead of plain text.

        Example:
            >>> connection.sql("SELECT Id, Created FROM Users").columns
            [('Id', 'VARCHAR'), ('Created', 'TIMESTAMP')]
        """
        rows = self._query(statement, parameters)
        if json_extension:
            rows.keep_json_extension()
        result = Result(rows, statement)
        self._remember(result)
        return result

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
        for running in self._still_running():
            running.cancel()

    def close(self) -> None:
        """Ends the connection and its statements; any further use raises InterfaceError."""
        for running in self._still_running():
            running.close()
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
        return self._open_session().query(statement, parameters)

    def _remember(self, running: Cursor | Result) -> None:
        with self._running_lock:
            self._running.add(running)

    def _still_running(self) -> list[Cursor | Result]:
        with self._running_lock:
            return list(self._running)

    def _open_session(self) -> _native.Session:
        if self._session is None:
            raise errors.InterfaceError("the connection is closed", code="OKT3012")
        return self._session


class Cursor(ArrowSource):
    """Runs statements one after the other and hands out their rows."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = ROWS_PER_FETCH
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        self._rows: _native.Rows | None = None
        self._buffer: list[Row] = []
        self._next = 0
        self._read = 0
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
        return self._read if self._exhausted and self._next >= len(self._buffer) else -1

    @property
    def rownumber(self) -> int | None:
        """Index of the next row, from 0; None without a result."""
        return None if self._rows is None else self._handed_out()

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
        if self._next >= len(self._buffer) and not self._fill(self.arraysize):
            return None
        row = self._buffer[self._next]
        self._next += 1
        return row

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Up to ``size`` rows, :attr:`arraysize` if omitted; fewer only at the end."""
        wanted = self.arraysize if size is None else size
        rows = self._take_buffered(wanted)
        if len(rows) < wanted and self._fill(wanted - len(rows)):
            rows += self._take_buffered(wanted - len(rows))
        return rows

    def fetchall(self) -> list[Row]:
        """All remaining rows."""
        rows = self._take_buffered(len(self._buffer))
        if self._fill(None):
            rows += self._take_buffered(len(self._buffer))
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
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "idle" if self._rows is None else f"{self._handed_out()} rows fetched"
        return f"<oktant.Cursor {state}>"

    def _native_rows(self) -> _native.Rows:
        if self._read:
            raise errors.InterfaceError("rows of this result were already fetched one by one", code="OKT3012")
        return self._expect_result()

    def _handed_out(self) -> int:
        return self._read - (len(self._buffer) - self._next)

    def _take_buffered(self, count: int) -> list[Row]:
        rows = self._buffer[self._next : self._next + count]
        self._next += len(rows)
        return rows

    def _fill(self, count: int | None) -> bool:
        """Reads up to ``count`` rows, all that are left without one, into the used-up buffer."""
        native = self._expect_result()
        if self._exhausted:
            return False
        rows = native.fetch(count)
        self._exhausted = count is None or len(rows) < count
        self._buffer = [self._parse_json(row) for row in rows] if self._json_columns else rows
        self._next = 0
        self._read += len(rows)
        return bool(rows)

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
            hint = "call execute() first"
            raise errors.InterfaceError("no statement was executed on this cursor", code="OKT3012", hint=hint)
        return self._rows

    def _drop_rows(self) -> None:
        if self._rows is not None:
            self._rows.close()
        self._forget()
