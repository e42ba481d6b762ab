"""The type stubs of ``oktant.okta`` agree with what is there, and a program passes the checker with them."""

from __future__ import annotations

import ast
import inspect
import keyword
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Org
from oktant.okta import _methods, _model, client, models, v3

FOLDER = Path(client.__file__).parent
SCRIPT = Path(__file__).with_name("okta_script.py")


def classes(stub: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse((FOLDER / stub).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def spelt(name: str) -> bool:
    """Whether Python can spell it as an attribute."""
    return name.isidentifier() and not keyword.iskeyword(name)


def test_models() -> None:
    stubbed = classes("models.pyi")
    tree = ast.parse((FOLDER / "models.pyi").read_text())
    aliases = {node.targets[0].id: node.value.id for node in tree.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert {*stubbed, *aliases, "EnumText", "OktaObject"} == set(models.__all__)
    for name, target in aliases.items():
        assert getattr(models, name) is getattr(models, target)
    for name, node in stubbed.items():
        cls = getattr(models, name)
        own = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}  # type: ignore[union-attr]
        bases = [base.id for base in node.bases]  # type: ignore[attr-defined]
        assert bases == [cls.__bases__[0].__name__], name
        if issubclass(cls, _model.EnumText):
            assert all(getattr(cls, member) in cls for member in own), name
        else:
            inherited = set(cls.__bases__[0]._json_names)
            there = {attribute for attribute in cls.__dict__ if attribute in cls._json_names and spelt(attribute)}
            assert own == there, (name, own ^ there)
            assert own | inherited >= {attribute for attribute in cls._json_names if spelt(attribute)}


@pytest.mark.parametrize("name", ["Methods", "SyncMethods", "ThirdMethods", "SyncThirdMethods"])
def test_methods(name: str) -> None:
    owner = getattr(_methods, name)
    node = classes("_methods.pyi")[name]
    functions = {item.name: item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    assert set(functions) == {member for member in vars(owner) if not member.startswith("_") and member != "is_sync"}
    for method, function in functions.items():
        assert isinstance(function, ast.AsyncFunctionDef) == (not owner.is_sync)
        signature = inspect.signature(getattr(owner, method))
        positional = [argument.arg for argument in function.args.args]
        named = [argument.arg for argument in function.args.kwonlyargs]
        kinds = inspect.Parameter
        assert positional == [p.name for p in signature.parameters.values() if p.kind != kinds.KEYWORD_ONLY], method
        assert named == [p.name for p in signature.parameters.values() if p.kind == kinds.KEYWORD_ONLY], method
        answer = ast.unparse(function.returns) if function.returns else ""
        is_void = "VoidAnswer" in answer
        line = _methods._table.THIRD if name.endswith("ThirdMethods") else _methods._table.METHODS
        assert is_void == _methods.Method(method, line[method]).is_void, method


def test_a_program_passes_the_checker() -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", str(SCRIPT)]
    checked = subprocess.run(command, cwd=ROOT / "python", capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_program_does_what_it_says(changing_org: Org) -> None:
    command = [sys.executable, str(SCRIPT), changing_org.url, changing_org.token]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.stdout == "['Ada 7 is PROVISIONED', '2', '200', 'E0000007'] 202\n", ran.stderr


def test_what_is_public_is_documented() -> None:
    for owner in (client.Client, client.SyncClient, v3.Client, _model.OktaObject):
        documented: dict[str, Any] = {
            name: member for name, member in inspect.getmembers(owner, inspect.isfunction) if not name.startswith("_")
        }
        assert owner.__doc__ and all(member.__doc__ for member in documented.values())
