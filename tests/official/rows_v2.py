"""okta 2.x runs the rows itself: what it passes is what the facade is measured by."""

from __future__ import annotations

import os

from checks import Checks, configuration, judge
from rows import ROWS, World, load
from tap import tap


async def judgement(checks: Checks) -> None:
    """Every row, against the sandbox behind a tap."""
    config = configuration()
    sdk = load("okta")
    for row in ROWS:
        with tap(config["orgUrl"]) as running:
            problem: BaseException | None = None
            try:
                await row.run(sdk, World(running, config["token"]))
            except Exception as error:
                problem = error
        name = f"row {row.number}: {row.title}"
        if row.official:
            checks.check(f"{name} (fails, as known: {row.official})", problem is not None)
        else:
            checks.check(name, problem is None, problem)


if __name__ == "__main__":
    os.environ.setdefault("OKTANT_SANDBOX_TOKEN", "")
    judge("okta 2.9.13", judgement)
