"""Connection properties as Python values."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping

PropertyValue = str | int | float | bool | datetime.timedelta | os.PathLike[str] | Iterable[str] | None
"""What a property may be given as."""


def as_text(properties: Mapping[str, PropertyValue]) -> dict[str, str]:
    """Returns the properties as the text that a connection string would hold; ``None`` means not given.

    Example:
        >>> as_text({"DPoP": True, "Timeout": datetime.timedelta(minutes=2), "Tables": ["Users", "Groups"]})
        {'DPoP': 'true', 'Timeout': '120', 'Tables': 'Users,Groups'}
    """
    return {name: _text(value) for name, value in properties.items() if value is not None}


def _text(value: PropertyValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (str, int, float)):
        return str(value)
    return ",".join(value or ())
