"""Gives ``oktant.okta`` to scripts that import ``okta``, in an environment that has no other package of that name."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Sequence

__all__ = ["install"]

OFFICIAL = "okta"
OURS = "oktant.okta"
GENERATION = "OKTANT_OKTA_GENERATION"
"""Variable that is ``3`` where names of methods mean what okta-sdk-python 3.x means by them."""
# Modules with modules of their own in 2.x: `okta.models.user`, `okta.resource_clients.user_client`.
PACKAGES = frozenset({OFFICIAL, f"{OFFICIAL}.models"})


class Finder(importlib.abc.MetaPathFinder):
    """Finds ``okta`` and what is in it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module under our name, or ``None`` if it is not one of ours."""
        top = sys.modules.get(OFFICIAL)
        is_ours = name == OFFICIAL or (top is not None and isinstance(getattr(top.__spec__, "loader", None), Loader))
        if name.partition(".")[0] != OFFICIAL or not is_ours:
            return None
        if name == f"{OFFICIAL}.client" and os.environ.get(GENERATION) == "3":
            return importlib.machinery.ModuleSpec(name, Loader(f"{OURS}.v3", is_view=False))
        package, _, rest = name.partition(f"{OFFICIAL}.models.")
        ours = f"{OURS}.models" if rest and not package else OURS + name.removeprefix(OFFICIAL)
        if importlib.util.find_spec(ours) is None:
            return None
        is_view = name in PACKAGES or bool(rest)
        return importlib.machinery.ModuleSpec(name, Loader(ours, is_view), is_package=name in PACKAGES)


class Loader(importlib.abc.Loader):
    """Hands out a module of ours: itself, or a view of it where modules have to stand below."""

    def __init__(self, ours: str, is_view: bool) -> None:
        self.ours = ours
        self.is_view = is_view

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """The module, or ``None`` for a fresh one."""
        if self.is_view:
            return None
        module = importlib.import_module(self.ours)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Makes a view of a fresh module; gives a module of ours back what tells it where it is from."""
        if not self.is_view:
            module.__spec__ = self.own_spec
            return
        real = importlib.import_module(self.ours)
        module.__doc__ = real.__doc__
        module.__dict__["__getattr__"] = lambda name: getattr(real, name)
        module.__dict__["__dir__"] = lambda: dir(real)
        if hasattr(real, "__all__"):
            module.__dict__["__all__"] = real.__all__


def install() -> None:
    """Adds the finder, behind all others, once."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())


install()
