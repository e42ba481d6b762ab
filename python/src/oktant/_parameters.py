"""Bound parameters: every accepted spelling becomes positional placeholders.

The engine knows ``$1``, ``$2``, ... . DB-API's ``?`` is the documented style; ``:name`` and
``%(name)s`` are taken as well, because tools write them. Text inside quotes and comments is
never touched, values are never spliced into the statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from oktant.errors import ProgrammingError

Parameters = Sequence[Any] | Mapping[str, Any]

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'                      # text
    | "(?:[^"]|"")*"                      # quoted name
    | `[^`]*`                             # quoted name
    | \[[A-Za-z_][^\]\n]*\]               # quoted name
    | --[^\n]*                            # comment
    | /\*.*?\*/                           # comment
    | ::                                  # cast
    | (?P<positional>\?)
    | (?<![\w:]):(?P<named>[A-Za-z_]\w*)
    | %\((?P<formatted>[^)]+)\)s
    """,
    re.VERBOSE | re.DOTALL,
)


def bind(statement: str, parameters: Parameters | None) -> tuple[str, list[Any]]:
    """Returns the statement with ``$n`` placeholders and the values in their order.

    A list or tuple as a value stands for several values, so that ``IN ?`` and ``IN (?)`` work.

    Raises:
        ProgrammingError: A placeholder has no value, or a value no placeholder.

    Example:
        >>> bind("SELECT * FROM Users WHERE Status IN ? AND Id <> :id", None)
        Traceback (most recent call last):
        ...
        oktant.errors.ProgrammingError: [OKT3007] the statement has 2 placeholders but no parameters were given
          hint: bind one value for each placeholder
        >>> bind("SELECT * FROM Users WHERE Status IN ?", [["ACTIVE", "STAGED"]])
        ('SELECT * FROM Users WHERE Status IN ($1, $2)', ['ACTIVE', 'STAGED'])
        >>> bind("SELECT ':x', Id::text FROM Users WHERE Id = :id", {"id": "00u1"})
        ("SELECT ':x', Id::text FROM Users WHERE Id = $1", ['00u1'])
    """
    if not parameters:
        _expect_no_placeholders(statement)
        return statement, []
    binder: _Binder = _Named(parameters) if isinstance(parameters, Mapping) else _Positional(parameters)
    bound = _TOKEN.sub(binder.replace, statement)
    binder.finish()
    return bound, binder.values


def _expect_no_placeholders(statement: str) -> None:
    count = sum(1 for token in _TOKEN.finditer(statement) if token.lastgroup)
    if count:
        raise _wrong(f"the statement has {count} placeholders but no parameters were given")


class _Binder:
    def __init__(self) -> None:
        self.values: list[Any] = []

    def replace(self, token: re.Match[str]) -> str:
        """The placeholder that takes the place of ``token``; anything else stays as it is."""
        raise NotImplementedError

    def finish(self) -> None:
        """Complains about values that were not used."""

    def place(self, token: re.Match[str], value: Any) -> str:
        if not _is_list(value):
            self.values.append(value)
            return f"${len(self.values)}"
        first = len(self.values) + 1
        self.values.extend(value)
        # An empty list is an empty set, so that IN finds nothing and NOT IN everything.
        inner = ", ".join(f"${number}" for number in range(first, len(self.values) + 1)) or "SELECT NULL WHERE FALSE"
        return inner if _in_parentheses(token) else f"({inner})"


class _Positional(_Binder):
    def __init__(self, parameters: Sequence[Any]) -> None:
        super().__init__()
        self.parameters = parameters
        self.used = 0

    def replace(self, token: re.Match[str]) -> str:
        if token.lastgroup is None:
            return token.group()
        if token.lastgroup != "positional":
            raise _wrong(f"{token.group()} needs a mapping of names to values")
        self.used += 1
        if self.used > len(self.parameters):
            raise _wrong(f"the statement has more placeholders than the {len(self.parameters)} values given")
        return self.place(token, self.parameters[self.used - 1])

    def finish(self) -> None:
        if self.used != len(self.parameters):
            raise _wrong(f"{len(self.parameters)} values were given for {self.used} placeholders")


class _Named(_Binder):
    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        self.parameters = parameters

    def replace(self, token: re.Match[str]) -> str:
        name = token["named"] or token["formatted"]
        if token.lastgroup is None:
            return token.group()
        if name is None:
            raise _wrong("? needs a sequence of values, not a mapping")
        if name not in self.parameters:
            raise _wrong(f"no value was given for parameter {name!r}")
        return self.place(token, self.parameters[name])


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset))


def _in_parentheses(token: re.Match[str]) -> bool:
    return token.string[: token.start()].rstrip().endswith("(") and token.string[token.end() :].lstrip().startswith(")")


def _wrong(message: str) -> ProgrammingError:
    return ProgrammingError(message, code="OKT3007")
