"""Pass and fail lines, shared by the judges. Standard library only."""

from __future__ import annotations

import asyncio
import json
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
        self.area = "the client itself"
        self.areas: dict[str, dict[str, Any]] = {}

    def check(self, what: str, holds: bool, seen: object = None) -> None:
        """Note one expectation."""
        area = self._area()
        if holds:
            area["passed"] += 1
            self.passed += 1
            print(f"pass  {self.client}: {what}")
        else:
            area["failed"].append(f"{what}: {seen!r}"[:200])
            self.failed.append(what)
            print(f"FAIL  {self.client}: {what} (seen: {seen!r})")

    def own_fault(self, what: str, holds: bool, seen: object, reason: str) -> None:
        """Note that the client fails where a real org would see it fail, too; a mended client is a failure here."""
        self.check(f"{what}: fails in this client as expected", holds, seen)
        if holds:
            self._area()["own"].append(f"{what}: {reason}")

    def _area(self) -> dict[str, Any]:
        return self.areas.setdefault(self.area, {"passed": 0, "own": [], "failed": []})

    def equal(self, what: str, seen: object, expected: object) -> None:
        """Note that two values are the same."""
        self.check(what, seen == expected, seen)


async def call(checks: Checks, what: str, answer: Any) -> Any:
    """The object of an answer; an error is noted as a failure. Calls without a result give ``None``."""
    parts = await answer
    error = parts[-1]
    checks.check(what, error is None, error)
    return parts[0] if len(parts) == 3 else None


async def unreadable(checks: Checks, what: str, answer: Any, reason: str) -> None:
    """The client cannot read what real orgs answer here."""
    try:
        error = (await answer)[-1]
    except ValueError as raised:
        error = raised
    # Errors of pydantic are of this kind, too; some are handed out as text.
    cannot = isinstance(error, ValueError) or "validation error" in str(error)
    checks.own_fault(what, cannot, error, reason)


def following(response: Any) -> str | None:
    """The cursor of the next page, from the links of an answer to okta 3.x."""
    headers = response.headers
    links = headers.getall("Link", []) if hasattr(headers, "getall") else [headers.get("Link", "")]
    next_links = [part for part in links if 'rel="next"' in part]
    return next_links[0].split("after=")[1].split("&")[0].split(">")[0] if next_links else None


def text(member: Any) -> str:
    """The text of an enumeration, or of a text."""
    return str(getattr(member, "value", member))


async def parts(checks: Checks, client: Any, *steps: Callable[[Any, Checks], Awaitable[None]]) -> None:
    """Runs areas one after the other; one that breaks off is a failure of its own and stops no other."""
    for step in steps:
        checks.area = step.__name__.replace("_", " ")
        try:
            await step(client, checks)
        except Exception as error:  # noqa: BLE001 - whatever the client raises is a verdict, too
            checks.check("the area runs to its end", False, error)


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
    if "OKTANT_VERDICTS" in os.environ:
        with open(os.environ["OKTANT_VERDICTS"], "a", encoding="utf-8") as file:
            print(json.dumps({"client": client.split(",")[0], "areas": checks.areas}), file=file)
    print(f"{client}: {checks.passed} passed, {len(checks.failed)} failed")
    sys.exit(1 if checks.failed else 0)
