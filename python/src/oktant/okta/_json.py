"""Bodies of requests as JSON."""

from __future__ import annotations

import datetime
import enum
import json
from collections.abc import Mapping
from typing import Any

from oktant.okta import _model


def plain(value: Any, keep_empty: bool = True) -> Any:
    """A body without any of our classes; without what is empty, unless that is to be kept.

    Example:
        >>> plain({"a": "", "b": 0, "c": False, "d": [], "e": {"f": None}, "g": "x"}, keep_empty=False)
        {'b': 0, 'c': False, 'g': 'x'}
    """
    if isinstance(value, _model.OktaObject):
        value = _model.OktaObject.to_dict(value)
    elif hasattr(value, "as_dict"):
        value = value.as_dict()
    if isinstance(value, Mapping):
        members = {name: plain(item, keep_empty) for name, item in value.items()}
        return members if keep_empty else {name: item for name, item in members.items() if _is_something(item)}
    if isinstance(value, (list, tuple)):
        items = [plain(item, keep_empty) for item in value]
        return items if keep_empty else [item for item in items if _is_something(item)]
    return value


def dumps(value: Any) -> bytes:
    """A body on its way."""
    return json.dumps(value, default=_other, ensure_ascii=False, separators=(",", ":")).encode()


def _is_something(value: Any) -> bool:
    return bool(value) or value is False or (isinstance(value, (int, float)) and value == 0)


def _other(value: Any) -> Any:
    """Values that JSON does not have, as Okta writes them."""
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return aware.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _model.OktaObject):
        return _model.OktaObject.to_dict(value)
    raise TypeError(f"a body cannot hold a {type(value).__name__}")
