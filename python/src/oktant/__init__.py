"""SQL over an Okta org.

>>> with oktant.connect(sandbox.dsn) as connection:
...     connection.execute("SELECT Status FROM Users WHERE Status = 'Active' LIMIT 1").fetchall()
[('ACTIVE',)]

The module follows DB-API 2.0 (PEP 249). Results also leave as Arrow streams: see
:meth:`Connection.sql`. With SQLAlchemy, use ``create_engine("okta:///?Domain=...")``.
"""

from oktant._native import __version__
from oktant._types import (
    BINARY,
    DATETIME,
    JSON,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)
from oktant.catalog import Column, ForeignKey, Request, Table
from oktant.dbapi import Connection, Cursor, apilevel, connect, paramstyle, threadsafety
from oktant.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from oktant.result import Result

__all__ = [
    "BINARY",
    "DATETIME",
    "JSON",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Column",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "ForeignKey",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Request",
    "Result",
    "Table",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "__version__",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]
