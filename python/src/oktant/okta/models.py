"""Every schema of Okta's API as a class: ``models.User``, ``models.UserStatus``.

Classes are made when they are first named. Names of okta-sdk-python 2.x that the API has changed since stay.
"""

from __future__ import annotations

from typing import Any

from oktant.okta import _model, _table
from oktant.okta._model import EnumText as EnumText
from oktant.okta._model import OktaObject as OktaObject

# `import *` makes every class.
__all__ = sorted({"EnumText", "OktaObject", *_table.MODELS, *_table.ENUMS, *_table.ALIASES})


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return globals().setdefault(name, _model.class_named(name))


def __dir__() -> list[str]:
    return __all__
