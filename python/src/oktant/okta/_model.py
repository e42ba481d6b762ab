"""Models: light classes over the decoded dictionary, built when they are first asked for.

An object keeps the members of its JSON as they came, under their own names. Attributes are views of them, in both
spellings; nested objects become models when they are first read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

from oktant.okta import _table

HIDDEN = "***"
"""What a secret looks like where an object is printed."""


class _EnumMeta(type):
    """Members of an enumeration as attributes of its class, in any spelling of their name."""

    values: dict[str, EnumText]

    def __getattr__(cls, name: str) -> EnumText:
        if name.startswith("__"):
            raise AttributeError(name)
        wanted = _letters(name)
        for value, member in cls.values.items():
            if _letters(value) == wanted:
                return member
        raise AttributeError(f"{cls.__name__} has no member {name}")

    def __iter__(cls) -> Iterator[EnumText]:
        return iter(cls.values.values())

    def __len__(cls) -> int:
        return len(cls.values)

    def __contains__(cls, value: object) -> bool:
        return isinstance(value, str) and any(value == member for member in cls.values.values())

    def __getitem__(cls, name: str) -> EnumText:
        try:
            member: EnumText = getattr(cls, name)
        except AttributeError:
            raise KeyError(name) from None
        return member

    def __dir__(cls) -> list[str]:
        return [*super().__dir__(), *(re.sub(r"\W", "_", value).upper() for value in cls.values)]


class EnumText(str, metaclass=_EnumMeta):
    """Text out of an open list: equal in any letter case, and never refused for being unknown.

    Example:
        >>> from oktant.okta import models
        >>> models.UserStatus("active") == models.UserStatus.ACTIVE == "Active"
        True
        >>> models.UserStatus("ABDUCTED")
        'ABDUCTED'
    """

    __slots__ = ()
    values: ClassVar[dict[str, EnumText]] = {}

    def __new__(cls, value: str = "") -> EnumText:
        known = cls.values.get(value)
        if known is None:
            folded = value.casefold()
            known = next((member for text, member in cls.values.items() if text.casefold() == folded), None)
        return str.__new__(cls, value) if known is None else known

    @property
    def value(self) -> str:
        """The text as Okta spells it."""
        return str.__str__(self)

    @property
    def name(self) -> str:
        """The text as the name of a constant."""
        return re.sub(r"\W", "_", self).upper()

    def __eq__(self, other: object) -> bool:
        if str.__eq__(self, other) is True:
            return True
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    # Equal text of another letter case hashes differently: a dictionary finds the spelling of Okta.
    __hash__ = str.__hash__


class OktaObject:
    """Base of all models.

    Args:
        config: Members, in the spelling of JSON or of Python; objects and dictionaries alike.
        members: More of them.

    Example:
        >>> from oktant.okta import models
        >>> profile = models.UserProfile({"firstName": "Ada", "badgeNumber": 7})
        >>> profile.first_name, profile.firstName, profile.badge_number, profile["badgeNumber"]
        ('Ada', 'Ada', 7, 7)
        >>> profile.nick_name = "Countess"
        >>> profile.as_dict()
        {'firstName': 'Ada', 'badgeNumber': 7, 'nickName': 'Countess'}
    """

    __slots__ = ("__weakref__", "_data")

    _json_names: ClassVar[dict[str, str]] = {}
    """The member of JSON that each attribute stands for."""
    _shapes: ClassVar[dict[str, _Shape]] = {}
    """What members hold, where that is more than plain values."""
    _secrets: ClassVar[frozenset[str]] = frozenset()
    _constants: ClassVar[dict[str, Any]] = {}

    _data: dict[str, Any]

    def __init__(self, config: Mapping[str, Any] | OktaObject | None = None, **members: Any) -> None:
        data: dict[str, Any] = {}
        _set(self, data)
        given = config._data if isinstance(config, OktaObject) else (config or {})
        own = members.pop("additional_properties", None) or {}
        for name, value in [*given.items(), *members.items(), *own.items()]:
            known = self._json_names.get(name, name)
            data[known] = self._take(known, value)
        for name, value in self._constants.items():
            data.setdefault(name, value)

    @classmethod
    def _view(cls, data: dict[str, Any]) -> OktaObject:
        """An object over decoded members, which it may change."""
        self = object.__new__(cls)
        _set(self, data)
        return self

    def _take(self, name: str, value: Any) -> Any:
        """A given value as it is kept: dictionaries of nested objects as objects, so that their spelling is mended."""
        shape = self._shapes.get(name)
        return value if shape is None else shape.take(value)

    def _read(self, name: str) -> Any:
        value = self._data.get(name)
        shape = self._shapes.get(name)
        if shape is None or value is None:
            return value
        read = shape.read(value)
        if read is not value:
            self._data[name] = read
        return read

    def __getattr__(self, name: str) -> Any:
        # Only what no class attribute stands for gets here: custom attributes and members newer than this version.
        data = self._data
        for spelling in (name, _camel_case(name), _snake_case(name)):
            if spelling in data:
                return OktaObject._read(self, spelling)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        known = self._json_names.get(name, name)
        self._data[known] = OktaObject._take(self, known, value)

    def __delattr__(self, name: str) -> None:
        if self._data.pop(self._json_names.get(name, name), _MISSING) is _MISSING:
            raise AttributeError(name)

    def __getitem__(self, name: str) -> Any:
        known = name if name in self._data else self._json_names.get(name, name)
        if known not in self._data:
            raise KeyError(name)
        return OktaObject._read(self, known)

    def __setitem__(self, name: str, value: Any) -> None:
        OktaObject.__setattr__(self, name, value)

    def __delitem__(self, name: str) -> None:
        del self._data[self._json_names.get(name, name)]

    def __contains__(self, name: object) -> bool:
        return name in self._data or self._json_names.get(name, None) in self._data  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return True

    def keys(self) -> Any:
        """Names of the members that are there, as in JSON."""
        return self._data.keys()

    def items(self) -> Any:
        """Names and values of the members that are there."""
        return [(name, OktaObject._read(self, name)) for name in list(self._data)]

    def get(self, name: str, default: Any = None) -> Any:
        """A member by either spelling, or the default."""
        return OktaObject.__getitem__(self, name) if OktaObject.__contains__(self, name) else default

    def to_dict(self) -> dict[str, Any]:
        """Everything as a plain dictionary with the names of JSON; nothing in it is shared with the object."""
        return {name: _plain(value) for name, value in self._data.items()}

    def as_dict(self) -> dict[str, Any]:
        """As :meth:`to_dict`, without the members that are ``None``."""
        return {name: _plain(value, as_dict=True) for name, value in self._data.items() if value is not None}

    @property
    def additional_properties(self) -> MutableMapping[str, Any]:
        """The members that the class does not name, as 3.x hands them out; changes go into the object."""
        return _Additional(self)

    @property
    def actual_instance(self) -> OktaObject:
        """The object itself, for which 3.x has a wrapper where one of several classes applies."""
        return self

    def request_format(self) -> dict[str, Any]:
        """As :meth:`to_dict`."""
        return OktaObject.to_dict(self)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Any:
        """An object of this class, or of the subclass that the members say."""
        return class_for(cls, members)(members)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OktaObject):
            return OktaObject.to_dict(self) == OktaObject.to_dict(other)
        return isinstance(other, dict) and OktaObject.to_dict(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_masked(self)!r})"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._json_names, *(name for name in self._data if name.isidentifier())})

    def __copy__(self) -> OktaObject:
        return type(self)._view(dict(self._data))

    def __deepcopy__(self, memo: dict[int, Any]) -> OktaObject:
        return type(self)._view(OktaObject.to_dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self).__name__, OktaObject.to_dict(self))


class _Additional(MutableMapping[str, Any]):
    """A view of the members of an object that its class does not name."""

    def __init__(self, owner: OktaObject) -> None:
        self._owner = owner

    def __getitem__(self, name: str) -> Any:
        if name in self._owner._json_names:
            raise KeyError(name)
        return self._owner._data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._owner[name] = value

    def __delitem__(self, name: str) -> None:
        self[name]
        del self._owner._data[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._owner._data if name not in self._owner._json_names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_MISSING = object()
_set: Callable[[OktaObject, dict[str, Any]], None] = vars(OktaObject)["_data"].__set__


class _Shape:
    """What a member holds: an object of a class, text of an enumeration, or a list of either."""

    __slots__ = ("code", "is_enum", "is_list", "name")

    def __init__(self, code: str) -> None:
        self.code = code
        self.is_list = code.startswith("[")
        code = code.strip("[]")
        self.is_enum = code.startswith("~")
        self.name = code.lstrip("~")

    def read(self, value: Any) -> Any:
        """A decoded value as it is handed out; what does not fit stays as it came."""
        if not self.is_list:
            return self._one(value)
        if type(value) is not list or not any(type(item) in (str, dict) for item in value):
            return value
        return [self._one(item) for item in value]

    def take(self, value: Any) -> Any:
        """A given value as it is kept."""
        if self.is_list and isinstance(value, (list, tuple)):
            return [self._given(item) for item in value]
        return value if self.is_list else self._given(value)

    def _one(self, value: Any) -> Any:
        if self.is_enum:
            return self._enum()(value) if type(value) is str else value
        return wrap(self.name, value) if type(value) is dict else value

    def _given(self, value: Any) -> Any:
        if self.is_enum or not isinstance(value, dict):
            return self._one(value)
        return class_for(class_named(self.name), value)(value)

    def _enum(self) -> type[EnumText]:
        return class_named(self.name) if self.name else EnumText


@functools.cache
def class_named(name: str) -> Any:
    """The class of a model or an enumeration; one of another name by now under both.

    Raises:
        AttributeError: If there is none.
    """
    if name in _table.ALIASES:
        return class_named(_table.ALIASES[name])
    if name in _table.ENUMS:
        return _build_enum(name)
    if name in _table.MODELS:
        return _build_model(name)
    raise AttributeError(f"oktant.okta.models has no class {name}")


def wrap(name: str, data: dict[str, Any]) -> Any:
    """An object of the class, or of the subclass that the members say, over a copy of decoded members."""
    return class_for(class_named(name), data)._view(dict(data))


def read(code: str, value: Any) -> Any:
    """A decoded answer as the objects that a type's code says."""
    return _shape(code).read(value) if code.strip("[]~-") and value is not None else value


def class_for(cls: Any, data: Mapping[str, Any]) -> Any:
    """The subclass that the members say; the class itself where they say nothing known."""
    for member, classes in _table.SUBCLASSES.get(cls.__name__, ()):
        value = data.get(member)
        name = classes.get(value) if isinstance(value, str) else None
        if name is not None and name != cls.__name__:
            return class_for(class_named(name), data)
    return cls


def restore(name: str, data: dict[str, Any]) -> Any:
    """An unpickled object."""
    return class_named(name)._view(data)


_shape = functools.cache(_Shape)


def _build_enum(name: str) -> type[EnumText]:
    cls: Any = _EnumMeta(name, (EnumText,), {"__slots__": (), "__module__": "oktant.okta.models", "values": {}})
    for value in _table.ENUMS[name].split("|"):
        member = str.__new__(cls, value)
        cls.values[value] = member
    return cls  # type: ignore[no-any-return]


def _build_model(name: str) -> type[OktaObject]:
    base_name, _, members = _table.MODELS[name].partition("|")
    base: Any = class_named(base_name) if base_name else OktaObject
    json_names, shapes, secrets = dict(base._json_names), dict(base._shapes), set(base._secrets)
    body: dict[str, Any] = {"__slots__": (), "__module__": "oktant.okta.models"}
    for entry in members.split():
        member, attributes, code = _parse(entry)
        if code:
            shapes[member] = _shape(code)
        if entry.endswith("!"):
            secrets.add(member)
        for attribute in attributes:
            json_names[attribute] = member
            body[attribute] = _view_of(member, bool(code))
    own: Mapping[str, Any] = _table.CONSTANTS.get(name) or _told_by(name)
    constants = {**base._constants, **own}
    body.update(_json_names=json_names, _shapes=shapes, _secrets=frozenset(secrets), _constants=constants)
    return type(name, (base,), body)


def _told_by(name: str) -> dict[str, Any]:
    """The member that tells a class apart from its siblings, where one value stands for it."""
    for told in _table.SUBCLASSES.values():
        for member, classes in told:
            values = [value for value, cls in classes.items() if cls == name]
            if len(values) == 1:
                return {member: values[0]}
    return {}


def _parse(entry: str) -> tuple[str, list[str], str]:
    """Name, attributes and type of a member of the table."""
    entry = entry.rstrip("!")
    entry, _, code = entry.rpartition(":") if ":" in entry else (entry, "", "")
    member, _, attributes = entry.partition("=")
    names = attributes.split(",") if attributes else []
    return member, [*names, member], code


def _view_of(member: str, has_shape: bool) -> property:
    """A property that shows a member, quick where the value is plain."""
    if has_shape:
        getter: Callable[[Any], Any] = lambda self: OktaObject._read(self, member)
    else:
        getter = lambda self: self._data.get(member)
    # Writing goes through `__setattr__`, for these as for custom attributes.
    return property(getter)


def _plain(value: Any, as_dict: bool = False) -> Any:
    """A value without any of our classes."""
    if isinstance(value, OktaObject):
        return OktaObject.as_dict(value) if as_dict else OktaObject.to_dict(value)
    if isinstance(value, dict):
        return {name: _plain(item, as_dict) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, as_dict) for item in value]
    return value.value if isinstance(value, EnumText) else value


def _masked(value: Any) -> Any:
    """What may be printed of a value."""
    if isinstance(value, OktaObject):
        read = {name: OktaObject._read(value, name) for name in list(value._data)}
        return {name: HIDDEN if name in value._secrets and item else _masked(item) for name, item in read.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value.value if isinstance(value, EnumText) else value


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first[:1].lower() + first[1:] + "".join(part.title() for part in rest)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()
