"""The examples in docstrings, against a sandbox org."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import oktant
from conftest import Org

MODULES = ["oktant", *(module.name for module in pkgutil.walk_packages(oktant.__path__, "oktant."))]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "oktant._native"])
def test_examples(name: str, org: Org, connection: oktant.Connection) -> None:
    module = importlib.import_module(name)
    names = {"oktant": oktant, "sandbox": org, "connection": connection}
    assert doctest.testmod(module, extraglobs=names).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(examples) >= 5
