"""okta 2.x runs the rows itself: what it passes is what the facade is measured by."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from checks import Checks, configuration, judge
from rows import ROWS, World, load
from tap import tap


async def judgement(checks: Checks) -> None:
    """Every row, against the sandbox behind a tap."""
    config = configuration()
    sdk = load("okta")
    for row in ROWS:
        with tap(config["orgUrl"]) as running:
            problem = ""
            try:
                await row.run(sdk, World(running, config["token"]))
            except Exception as error:
                problem = failure(error)
        name = f"row {row.number}: {row.title}"
        if row.official:
            checks.check(f"{name} (fails, as known: {row.official})", row.failure in problem, problem)
        else:
            checks.check(name, not problem, problem)


def failure(error: Exception) -> str:
    """An exception with the line of the row that it came to."""
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name.startswith("rows_")]
    return f"{type(error).__name__} at `{lines[-1]}`: {error}"


if __name__ == "__main__":
    os.environ.setdefault("OKTANT_SANDBOX_TOKEN", "")
    judge("okta 2.9.13", judgement)
