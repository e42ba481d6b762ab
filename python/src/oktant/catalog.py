"""What an org looks like as tables: descriptions that reflection and completion use."""

from __future__ import annotations

import dataclasses

__all__ = ["Column", "ForeignKey", "Request", "Table"]


@dataclasses.dataclass(frozen=True, slots=True)
class ForeignKey:
    """A column that holds the key of another table."""

    column: str
    referred_table: str
    referred_column: str


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table or view."""

    schema: str
    name: str
    kind: str
    """``"table"`` or ``"view"``."""
    comment: str | None
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    type: str
    """Type in SQL, such as ``"TIMESTAMP"``."""
    nullable: bool
    read_only: bool
    hidden: bool
    """Whether ``SELECT *`` leaves it out."""
    comment: str | None
    values: tuple[str, ...]
    """Members of an enumeration; empty for other columns."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request that a statement made."""

    method: str
    path: str
    query: str
    status: int | None
    attempt: int
    elapsed_ms: int
    bytes: int
    rows: int
    bucket: str
