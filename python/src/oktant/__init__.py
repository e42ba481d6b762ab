"""SQL over an Okta org.

>>> with oktant.connect(sandbox.dsn) as connection:
...     connection.execute("SELECT Status FROM Users WHERE Status = 'Active' LIMIT 1").fetchall()
[('ACTIVE',)]

The module follows DB-API 2.0 (PEP 249). Results also leave as Arrow streams: see
:meth:`Connection.sql`. With SQLAlchemy, use ``create_engine("okta:///?Domain=...")``.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # `typing` takes longer to load than all of this.
if TYPE_CHECKING:
    from typing import Any

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

# Nothing is loaded before it is named: `import oktant.okta` needs no SQL engine.
_HOMES = {
    "__version__": "oktant._native",
    "BINARY": "oktant._types",
    "Binary": "oktant._types",
    "DATETIME": "oktant._types",
    "Date": "oktant._types",
    "DateFromTicks": "oktant._types",
    "JSON": "oktant._types",
    "NUMBER": "oktant._types",
    "ROWID": "oktant._types",
    "STRING": "oktant._types",
    "Time": "oktant._types",
    "TimeFromTicks": "oktant._types",
    "Timestamp": "oktant._types",
    "TimestampFromTicks": "oktant._types",
    "Column": "oktant.catalog",
    "ForeignKey": "oktant.catalog",
    "Request": "oktant.catalog",
    "Table": "oktant.catalog",
    "Connection": "oktant.dbapi",
    "Cursor": "oktant.dbapi",
    "apilevel": "oktant.dbapi",
    "connect": "oktant.dbapi",
    "paramstyle": "oktant.dbapi",
    "threadsafety": "oktant.dbapi",
    "DataError": "oktant.errors",
    "DatabaseError": "oktant.errors",
    "Error": "oktant.errors",
    "IntegrityError": "oktant.errors",
    "InterfaceError": "oktant.errors",
    "InternalError": "oktant.errors",
    "NotSupportedError": "oktant.errors",
    "OperationalError": "oktant.errors",
    "ProgrammingError": "oktant.errors",
    "Warning": "oktant.errors",
    "Result": "oktant.result",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'oktant' has no attribute {name!r}")
    return globals().setdefault(name, getattr(importlib.import_module(home), name))


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
