"""Pass and fail lines, shared by the judges. Standard library only."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any


class Checks:
    """Collects what held and what did not, and goes on after a failure."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.failed: list[str] = []
        self.passed = 0

    def check(self, what: str, holds: bool, seen: object = None) -> None:
        """Note one expectation."""
        if holds:
            self.passed += 1
            print(f"pass  {self.client}: {what}")
        else:
            self.failed.append(what)
            print(f"FAIL  {self.client}: {what} (seen: {seen!r})")

    def equal(self, what: str, seen: object, expected: object) -> None:
        """Note that two values are the same."""
        self.check(what, seen == expected, seen)


async def call(checks: Checks, what: str, answer: Any) -> Any:
    """The object of an answer; an error is noted as a failure. Calls without a result give ``None``."""
    parts = await answer
    error = parts[-1]
    checks.check(what, error is None, error)
    return parts[0] if len(parts) == 3 else None


async def unreadable(checks: Checks, what: str, answer: Any) -> None:
    """The client cannot read what real orgs answer here, too: its own fault, noted so that a mended client is noticed."""
    try:
        error = (await answer)[-1]
    except ValueError as raised:  # pydantic's ValidationError is one
        error = raised
    checks.check(f"{what}: this client cannot read the answer", "validation error" in str(error), error)


def text(member: Any) -> str:
    """The text of an enumeration, or of a text."""
    return str(getattr(member, "value", member))


async def gone(checks: Checks, what: str, answer: Any) -> None:
    """The object is not there any more."""
    error = (await answer)[-1]
    checks.check(what, getattr(error, "status", None) == 404 and error.error_code == "E0000007", error)


def configuration() -> dict[str, Any]:
    """The client's configuration."""
    # Loopback speaks plain http. The clients read this switch from the environment or a file only.
    os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"
    return {"orgUrl": os.environ["OKTANT_SANDBOX_URL"], "token": os.environ["OKTANT_SANDBOX_TOKEN"]}


def judge(client: str, judgement: Callable[[Checks], Awaitable[None]]) -> None:
    """Run a judgement and end the process with its verdict."""
    judge_now(client, lambda checks: asyncio.run(judgement(checks)))


def judge_now(client: str, judgement: Callable[[Checks], None]) -> None:
    """Run a judgement of plain functions and end the process with its verdict."""
    checks = Checks(client)
    try:
        judgement(checks)
    except Exception as error:  # noqa: BLE001 - whatever the client raises is a verdict, too
        checks.check("the judgement runs to its end", False, error)
    print(f"{client}: {checks.passed} passed, {len(checks.failed)} failed")
    sys.exit(1 if checks.failed else 0)
