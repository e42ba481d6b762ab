"""What the tests of ``oktant.okta`` share: an org behind a tap, and the rows of the README of okta-sdk-python 2.x."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "official"))

from rows import KEY, ROWS, Row, World, decoded, load
from tap import Seen, Tap, tap

__all__ = ["KEY", "ROWS", "Row", "Seen", "Tap", "World", "clean_environment", "decoded", "load", "tap", "configured"]


def configured(running: Tap, **more: Any) -> dict[str, Any]:
    """A configuration for an org that a tap stands for."""
    return {"orgUrl": running.url, "token": "00secret-of-the-tests", **more}


@contextmanager
def clean_environment(home: Path, project: Path, variables: dict[str, str]) -> Iterator[None]:
    """Runs with these folders and, of Okta's, these variables only."""
    before, folder = dict(os.environ), Path.cwd()
    for name in [name for name in os.environ if name.startswith(("OKTA_", "OKTANT_"))]:
        del os.environ[name]
    os.environ.update({"HOME": str(home), **variables})
    os.chdir(project)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
