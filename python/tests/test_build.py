"""One build of the heavy dependencies serves the program, the wheel and the tests of the workspace."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from conftest import ROOT


def features_below_datafusion(*selection: str) -> set[str]:
    """Each package under DataFusion with the features that a command would build it with."""
    command = ["cargo", "tree", "--locked", *selection, "--prefix", "none", "--format", "{p} [{f}]"]
    tree = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {line.removesuffix(" (*)") for line in tree.splitlines()}


@pytest.mark.skipif(not shutil.which("cargo"), reason="needs cargo")
def test_every_command_resolves_the_same_features() -> None:
    wheel = features_below_datafusion("--edges", "normal,build", "--package", "oktant-python")
    program = features_below_datafusion("--edges", "normal,build", "--package", "oktant-cli")
    tests = features_below_datafusion("--edges", "normal,build,dev", "--workspace")
    engine = features_below_datafusion("--edges", "normal,build", "--package", "oktant-sql")
    shared = {line.split(" [")[0] for line in engine if "(" not in line}
    below = lambda lines: {line for line in lines if line.split(" [")[0] in shared}  # noqa: E731
    missing = "add the difference to crates/unify/Cargo.toml"
    assert below(wheel) == below(program), missing
    assert below(wheel) == below(tests), missing
