"""The stubs tell the truth about the native module, and nothing public lacks documentation."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import oktant
from oktant import _native

STUB = Path(oktant.__file__).with_name("_native.pyi")
TYPES_ONLY = {"Explanation", "TableInfo", "ColumnInfo", "RequestInfo"}
# What every Python class has, whether its stub says so or not.
INHERITED = set(dir(object)) | {"__module__"}


def stubbed() -> dict[str, set[str]]:
    """Names of the stub, with the members of its classes."""
    names: dict[str, set[str]] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = set()
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = set()
    return names


def test_the_stub_names_what_the_module_has() -> None:
    native = {name for name in dir(_native) if not name.startswith("__") or name == "__version__"}
    assert set(stubbed()) - TYPES_ONLY == native


def test_the_stub_names_every_member() -> None:
    for name, members in stubbed().items():
        value = getattr(_native, name, None)
        if inspect.isclass(value):
            assert members == set(dir(value)) - INHERITED, name


def test_dictionaries_have_the_keys_of_the_stub(connection: oktant.Connection) -> None:
    keys = {
        node.name: {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}  # type: ignore[union-attr]
        for node in ast.parse(STUB.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name in TYPES_ONLY
    }
    session = connection._open_session()
    connection.execute("SELECT Id FROM Groups").fetchall()
    assert set(_native.explain("OKT1001")) == keys["Explanation"]
    assert set(session.tables()[0]) == keys["TableInfo"]
    assert set(session.columns("Groups")[0]) == keys["ColumnInfo"]
    assert set(session.requests()[0]) == keys["RequestInfo"]


def test_public_names_are_documented() -> None:
    for name in oktant.__all__:
        value = getattr(oktant, name)
        if inspect.isclass(value) and value.__module__.startswith("oktant"):
            undocumented = [
                member
                for member, part in vars(value).items()
                if not member.startswith("_") and (inspect.isfunction(part) or isinstance(part, property)) and not part.__doc__
            ]
            assert value.__doc__ and not undocumented, (name, undocumented)
