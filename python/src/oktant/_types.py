"""Type objects and constructors of PEP 249."""

from __future__ import annotations

import datetime

__all__ = [
    "BINARY",
    "DATETIME",
    "JSON",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Date",
    "DateFromTicks",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "TypeObject",
]


class TypeObject:
    """A group of SQL types, equal to the ``type_code`` of each column that belongs to it.

    Example:
        >>> NUMBER == "BIGINT", STRING == "BIGINT"
        (True, False)
    """

    def __init__(self, name: str, *type_codes: str) -> None:
        self.name = name
        self.type_codes = frozenset(type_codes)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TypeObject):
            return self.type_codes == other.type_codes
        return other in self.type_codes

    def __hash__(self) -> int:
        return hash(self.type_codes)

    def __repr__(self) -> str:
        return f"oktant.{self.name}"


STRING = TypeObject("STRING", "VARCHAR")
BINARY = TypeObject("BINARY", "BINARY")
NUMBER = TypeObject("NUMBER", "INTEGER", "BIGINT", "DOUBLE", "DECIMAL", "BOOLEAN")
DATETIME = TypeObject("DATETIME", "TIMESTAMP", "DATE", "TIME")
ROWID = TypeObject("ROWID")
JSON = TypeObject("JSON", "JSON")

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802 - named by PEP 249
    """The UTC date of a time in seconds since 1970."""
    return TimestampFromTicks(ticks).date()


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802 - named by PEP 249
    """The UTC time of day of a time in seconds since 1970."""
    return TimestampFromTicks(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802 - named by PEP 249
    """The moment of a time in seconds since 1970, in UTC.

    Example:
        >>> TimestampFromTicks(0).isoformat()
        '1970-01-01T00:00:00+00:00'
    """
    return datetime.datetime.fromtimestamp(ticks, tz=datetime.timezone.utc)
