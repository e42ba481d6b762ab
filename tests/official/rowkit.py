"""What the rows share: their register, the packages that run them, and somebody to work on."""

from __future__ import annotations

import base64
import importlib
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tap import Tap


@dataclass(frozen=True)
class Row:
    """One section."""

    number: int
    title: str
    run: Callable[[Sdk, World], Awaitable[None]]
    official: str
    """Why the official package fails it; empty if it does not."""
    failure: str
    """A part of how that failure shows: the exception, the line of the row, the text."""


@dataclass(frozen=True)
class Sdk:
    """A package under test."""

    name: str
    Client: Any
    models: Any
    exceptions: Any
    RequestExecutor: Any
    HTTPClient: Any
    OktaCache: Any


@dataclass(frozen=True)
class World:
    """An org behind a tap."""

    tap: Tap
    token: str

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of a client."""
        return {"orgUrl": self.tap.url, "token": self.token}


ROWS: list[Row] = []
KEY = (Path(__file__).resolve().parents[2] / "crates" / "client" / "src" / "auth" / "key" / "rsa_2048.json").read_text()
"""A private key as JWK text, of no use anywhere."""

_numbers = itertools.count(1)


def row(number: int, title: str, official: str = "", failure: str = "") -> Callable[[Any], Any]:
    """Enters a row."""
    assert bool(official) == bool(failure), f"row {number} says either why the official package fails, and how, or nothing"

    def enter(run: Any) -> Any:
        ROWS.append(Row(number, title, run, official, failure))
        return run

    return enter


def load(prefix: str) -> Sdk:
    """The package ``okta`` or ``oktant.okta``."""
    part = lambda name: importlib.import_module(f"{prefix}.{name}")
    return Sdk(
        prefix,
        part("client").Client,
        part("models"),
        part("exceptions"),
        part("request_executor").RequestExecutor,
        part("http_client").HTTPClient,
        part("cache.okta_cache").OktaCache,
    )


def person(**profile: Any) -> dict[str, Any]:
    """The profile of somebody new."""
    login = f"row{next(_numbers)}@example.com"
    return {"firstName": "Ada", "lastName": "Row", "email": login, "login": login, **profile}


def decoded(part: str) -> Any:
    """The content of a part of a signed token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def made(client: Any, **profile: Any) -> Any:
    """Somebody new."""
    user, _, error = await client.create_user({"profile": person(**profile)})
    assert error is None, error
    return user


async def grouped(client: Any, sdk: Sdk) -> Any:
    """A new group."""
    profile = sdk.models.GroupProfile({"name": f"Row group {next(_numbers)}"})
    group, _, error = await client.create_group(sdk.models.Group({"profile": profile}))
    assert error is None, error
    return group
