"""SQL types of the engine as SQLAlchemy types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types

TYPES_BY_NAME: dict[str, Any] = {
    "VARCHAR": types.String,
    "TIMESTAMP": types.TIMESTAMP,
    "DATE": types.DATE,
    "TIME": types.TIME,
    "BOOLEAN": types.BOOLEAN,
    "INTEGER": types.INTEGER,
    "BIGINT": types.BIGINT,
    "DOUBLE": types.Float,
    "DECIMAL": types.DECIMAL,
    "BINARY": types.LargeBinary,
    "INTERVAL": types.Interval,
    "JSON": types.JSON,
}


def reflected_type(name: str) -> Any:
    """The type of a reflected column. Timestamps know that they are in UTC."""
    if name == "TIMESTAMP":
        return types.TIMESTAMP(timezone=True)
    return TYPES_BY_NAME.get(name, types.NullType)()
