"""The methods of the clients, made from the table when they are first looked up."""

from __future__ import annotations

import functools
import inspect
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

from oktant.okta import _model, _table

__all__ = ["KNOWN", "Methods", "SyncMethods", "SyncThirdMethods", "ThirdMethods"]

KNOWN = frozenset(_table.METHODS)
"""Names of all methods."""

_PATH_NAME = re.compile(r"{([^}]+)}")
_QUERY_PARAMETER = "query_params"
_KEEP_PARAMETER = "keep_empty_params"
# In a path these stand for another resource.
_NO_SEGMENTS = frozenset({"", ".", ".."})
# Settings of single calls in 3.x that have no counterpart here.
_IGNORED = frozenset({"_request_timeout", "_request_auth", "_content_type", "_host_index"})


class Request(NamedTuple):
    """A call with its arguments in their places."""

    url: str
    headers: dict[str, str]
    body: Any
    is_upload: bool
    keep_empty: bool


class Method:
    """What a method sends and what it answers."""

    def __init__(self, name: str, line: str) -> None:
        call, arguments, settings = (line + "||").split("|")[:3]
        target, query, headers, body, accept, result, wrapped = (_table.CALLS[call] + "|" * 6).split("|")[:7]
        self.name = name
        self.verb, _, self.path = target.partition(" ")
        changed = dict(setting.split("=", 1) for setting in settings.split())
        self.body_type = changed.get("body", body)
        self.accept = accept
        self.fixed_query = changed.get("query", "")
        self.keep_empty = "keep" in changed
        self.result = changed.get("result", result)
        self.is_void = "void" in changed or self.result == "-"
        self.wrapped = wrapped
        path_names = _PATH_NAME.findall(self.path)
        own_names = [_argument(part) for part in path_names] + (["body"] if self.body_type else [])
        self.positional = arguments.split() or own_names
        self.path_count = len(path_names)
        # Whichever generation a name is from, and however it is spelt, it means one argument.
        spellings = [own_names, path_names, [_argument(part) for part in self.positional], self.positional]
        self._positions = {part: place for names in spellings for place, part in enumerate(names)}
        self._query = {_letters(part): part.rstrip("*,") for part in query.split()}
        self._joined = {part.rstrip(",") for part in query.split() if part.endswith(",")}
        self._headers = {_letters(part): part for part in headers.split()}

    @property
    def signature(self) -> inspect.Signature:
        """How it is called."""
        kind = inspect.Parameter
        parameters = [kind("self", kind.POSITIONAL_ONLY)]
        parameters += [kind(name, kind.POSITIONAL_OR_KEYWORD) for name in self.positional]
        parameters += [kind(_QUERY_PARAMETER, kind.POSITIONAL_OR_KEYWORD, default=None)]
        parameters += [kind(_KEEP_PARAMETER, kind.POSITIONAL_OR_KEYWORD, default=self.keep_empty)]
        named = dict.fromkeys(_argument(name) for name in [*self._query.values(), *self._headers.values()])
        taken = {*self.positional, _QUERY_PARAMETER, _KEEP_PARAMETER}
        parameters += [kind(name, kind.KEYWORD_ONLY, default=None) for name in named if name not in taken]
        return inspect.Signature([*parameters, kind("_headers", kind.KEYWORD_ONLY, default=None)])

    @property
    def data_type(self) -> Any:
        """Class of the answer, or of its items; ``None`` for answers that stay as they are decoded."""
        name = self.result.strip("[]")
        return _model.class_named(name) if name and name[0] not in "~-" else None

    def bind(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Request:
        """Puts the arguments into their places.

        Raises:
            TypeError: If one is missing, unknown or given twice.
            ValueError: If a part of the path is empty, so that it would name another resource.
        """
        given: dict[int, Any] = dict(enumerate(arguments))
        query: dict[str, Any] = dict(urllib.parse.parse_qsl(self.fixed_query))
        headers: dict[str, str] = {"Accept": self.accept} if self.accept else {}
        count = len(self.positional)
        rest = {"query_params": count, "keep_empty_params": count + 1}
        for name, value in named.items():
            place = self._positions.get(name, rest.get(name))
            if place is not None:
                if place in given:
                    raise TypeError(f"{self.name}() got multiple values for argument {name!r}")
                given[place] = value
            elif not self._take_named(name, value, query, headers):
                raise TypeError(f"{self.name}() got an unexpected keyword argument {name!r}")
        missing = [name for place, name in enumerate(self.positional) if place not in given]
        if missing:
            raise TypeError(f"{self.name}() is missing {', '.join(missing)}")
        if len(arguments) > count + 2:
            raise TypeError(f"{self.name}() takes {count + 2} positional arguments but {len(arguments)} were given")
        query.update(given.get(count) or {})
        keep = given.get(count + 1)
        body = given[self.path_count] if count > self.path_count else None
        if self.body_type and body is not None:
            headers["Content-Type"] = self.body_type
        path = self._filled([given[place] for place in range(self.path_count)])
        is_upload = self.body_type == "multipart/form-data"
        return Request(path + self._encoded(query), headers, body, is_upload, self.keep_empty if keep is None else keep)

    def _take_named(self, name: str, value: Any, query: dict[str, Any], headers: dict[str, str]) -> bool:
        """Takes a parameter of the query or the header by name; says whether it is one."""
        key = _letters(name)
        if name == "_headers":
            headers.update(value or {})
        elif key in self._query:
            query[self._query[key]] = value
        elif key in self._headers:
            if value is not None:
                headers[self._headers[key]] = str(value)
        else:
            return name in _IGNORED
        return True

    def _filled(self, values: list[Any]) -> str:
        for name, value in zip(self.positional, values, strict=False):
            if value is None or _text(value) in _NO_SEGMENTS:
                raise ValueError(f"{self.name}() got {value!r} for {name}, which names nothing")
        quoted = iter([urllib.parse.quote(_text(value), safe="") for value in values])
        return _PATH_NAME.sub(lambda _: next(quoted), self.path)

    def _encoded(self, query: Mapping[str, Any]) -> str:
        pairs: list[tuple[str, str]] = []
        for name, value in query.items():
            if value is None:
                continue
            many = isinstance(value, (list, tuple, set, frozenset))
            values = [_text(item) for item in value] if many else [_text(value)]
            pairs += [(name, ",".join(values))] if name in self._joined else [(name, item) for item in values]
        encoded = urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote, safe="")
        return f"?{encoded}" if encoded else ""


class _Lazy:
    """A method that is made when it is first looked up, and takes the place of this object then."""

    __slots__ = ("line", "name", "owner")

    def __init__(self, line: str) -> None:
        self.line = line

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function = _function(self.owner, self.name, Method(self.name, self.line))
        setattr(self.owner, self.name, function)
        return function if instance is None else function.__get__(instance, owner)


def _function(owner: Any, name: str, method: Method) -> Any:
    if owner.is_sync:

        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            return self._wait(self._invoke(method, arguments, named))

    else:

        async def call(self: Any, *arguments: Any, **named: Any) -> Any:  # type: ignore[misc]
            return await self._invoke(method, arguments, named)

    call.__name__ = name
    call.__qualname__ = f"{owner.__name__}.{name}"
    call.__module__ = owner.__module__
    call.__doc__ = f"``{method.verb} {method.path}``"
    call.__signature__ = method.signature  # type: ignore[attr-defined]
    return call


def _class(name: str, lines: Mapping[str, str], is_sync: bool, bases: tuple[type, ...] = ()) -> Any:
    body: dict[str, Any] = {method: _Lazy(line) for method, line in lines.items()}
    return type(name, bases, {**body, "is_sync": is_sync, "__module__": __name__, "__slots__": ()})


Methods: Any = _class("Methods", _table.METHODS, is_sync=False)
ThirdMethods: Any = _class("ThirdMethods", _table.THIRD, is_sync=False, bases=(Methods,))


SyncMethods: Any = _class("SyncMethods", _table.METHODS, is_sync=True)
SyncThirdMethods: Any = _class("SyncThirdMethods", _table.THIRD, is_sync=True, bases=(SyncMethods,))


def _text(value: Any) -> str:
    """A value as it stands in a URL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.value if isinstance(value, _model.EnumText) else str(value)


@functools.cache
def _argument(name: str) -> str:
    """A parameter's name as an argument: ``sortBy`` as ``sort_by``, ``If-Match`` as ``if_match``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W", "_", name.rstrip("*,")).lower()


def _letters(name: str) -> str:
    """A name without what spellings differ in."""
    return re.sub(r"[\W_]", "", name).lower()
