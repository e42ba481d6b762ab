"""Fixtures: a sandbox org in its own process, what it holds, and connections to it."""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import oktant

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from workbench import TARGET, sandbox  # noqa: E402 - the scripts are found above

PROGRAM = Path(os.environ.get("OKTANT_PROGRAM") or TARGET / "debug" / "oktant")
USERS = 450
PAGE = 200


class Org:
    """A running sandbox: its announcement, its truth over plain HTTP, and the requests it received."""

    def __init__(self, announcement: dict[str, Any]) -> None:
        self.announcement = announcement
        self.url: str = announcement["url"]
        self.dsn: str = announcement["dsn"]
        self.token: str = announcement["api_token"]

    def get_all(self, path: str) -> list[dict[str, Any]]:
        """Every object of a list, by following its links without any of our code."""
        objects: list[dict[str, Any]] = []
        url: str | None = self.url + path
        while url:
            request = urllib.request.Request(url, headers={"Authorization": f"SSWS {self.token}"})
            with urllib.request.urlopen(request, timeout=30) as response:
                objects += json.load(response)
                links = response.headers.get_all("Link") or []
            url = next((link[1 : link.index(">")] for link in links if 'rel="next"' in link), None)
        return objects

    def users(self) -> list[dict[str, Any]]:
        """Every user; the plain list leaves the deprovisioned ones out."""
        rest = urllib.parse.quote('status eq "DEPROVISIONED"', safe="")
        return self.get_all(f"/api/v1/users?limit={PAGE}") + self.get_all(f"/api/v1/users?limit={PAGE}&filter={rest}")

    def requests(self) -> list[dict[str, Any]]:
        """The requests that the sandbox received since they were last forgotten."""
        with urllib.request.urlopen(f"{self.url}/sandbox/requests", timeout=30) as response:
            return json.load(response)

    def forget_requests(self) -> None:
        request = urllib.request.Request(f"{self.url}/sandbox/requests", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()


def start_org(*options: str) -> Iterator[Org]:
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} does not exist: run `cargo build --package oktant-cli`, or set OKTANT_PROGRAM")
    with sandbox(PROGRAM, *options) as announcement:
        yield Org(announcement)


@pytest.fixture(scope="session")
def org() -> Iterator[Org]:
    yield from start_org("--users", str(USERS), "--groups", "6", "--seed", "7")


@pytest.fixture(scope="session")
def changing_org() -> Iterator[Org]:
    """One that tests may change; nothing is known about its users."""
    yield from start_org("--users", str(USERS), "--groups", "6", "--seed", "8")


@pytest.fixture(scope="session")
def truth(org: Org) -> list[dict[str, Any]]:
    """The users of the org, as it tells them itself."""
    return org.users()


@pytest.fixture
def connection(org: Org) -> Iterator[oktant.Connection]:
    with oktant.connect(org.dsn) as connection:
        yield connection
