"""`snow sql` against an account: the guide's statements one by one and as a file, errors, and the connection test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from checks import Checks, judge_now
from guide import ERRORS, HISTORY_COLUMNS, PREPARED, SCRIPT, STATEMENTS, STATUS, TOKEN

ACCOUNT: dict[str, Any] = json.loads(os.environ["OKTANT_ACCOUNT"])
SNOW = Path(sys.executable).parent / "snow"


class Snow:
    """The program with a configuration of its own."""

    def __init__(self, home: Path) -> None:
        config = home / "config.toml"
        lines = ["[connections.local]"]
        lines += [f"{key} = {json.dumps(ACCOUNT[key])}" for key in ("account", "user", "password", "host", "port")]
        config.write_text("\n".join([*lines, 'protocol = "http"', ""]))
        config.chmod(0o600)
        self.config = config
        self.environment = {**os.environ, "HOME": str(home), "SNOWFLAKE_HOME": str(home)}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(SNOW), "--config-file", str(self.config), *arguments, "--connection", "local"]
        return subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=120)


BOX = str.maketrans("╭─╮│╰╯", "      ")
"""Takes the lines of boxes out of a text."""

AFTER_USE = f"{STATEMENTS[10]}; {STATEMENTS[11]}; "
"""Each run of the program is a session of its own: statements that need a database get it on the way."""


def one_by_one(checks: Checks, snow: Snow) -> None:
    """Each statement in a run of its own."""
    for place, statement in enumerate(STATEMENTS):
        before = AFTER_USE if "rest_event_history" in statement else f"{STATEMENTS[10]}; " if place == 11 else ""
        ran = snow("sql", "--query", f"{before}{statement};", "--format", "json")
        checks.check(f"runs: {statement}", ran.returncode == 0, ran.stdout + ran.stderr)
        if ran.returncode == 0:
            answer = json.loads(ran.stdout)
            shape(checks, place, answer[-1] if before else answer)


def shaped(checks: Checks, answers: list[Any]) -> None:
    """The answers to the statements of the script."""
    checks.equal("every statement of the script has an answer", len(answers), len(STATEMENTS))
    for place, answer in enumerate(answers):
        shape(checks, place, answer)


def shape(checks: Checks, place: int, rows: list[dict[str, Any]]) -> None:
    """Whether the rows of a statement are what accounts answer."""
    statement = STATEMENTS[place]
    if place == TOKEN:
        checks.equal("the token's column is named like the call", [list(row) for row in rows], [[statement.split(" ", 1)[1].upper()]])
    elif "rest_event_history" in statement:
        checks.check("the history has its columns", all(list(row) == HISTORY_COLUMNS for row in rows), rows)
    else:
        status = [row.get("status") for row in rows]
        checks.check(f"a status answers: {statement}", len(status) == 1 and STATUS.get(place, status[0]) == status[0], rows)


def judgement(checks: Checks) -> None:
    """One by one, as a file, and what fails."""
    with tempfile.TemporaryDirectory() as folder:
        snow = Snow(Path(folder))
        one_by_one(checks, snow)
        script = Path(folder) / "guide.sql"
        script.write_text(SCRIPT)
        ran = snow("sql", "--filename", str(script), "--format", "json")
        checks.check("runs the script", ran.returncode == 0, ran.stdout + ran.stderr)
        if ran.returncode == 0:
            shaped(checks, json.loads(ran.stdout))
        prepared = snow("sql", "--query", ";\n".join(PREPARED))
        checks.check("what the errors need is made", prepared.returncode == 0, prepared.stderr)
        for what, statement, number, state, message in ERRORS:
            ran = snow("sql", "--query", statement)
            # Out of the box that the program draws, with the query's id between number and message.
            told = " ".join(ran.stdout.translate(BOX).split() + ran.stderr.translate(BOX).split())
            checks.check(f"refused: {what}", ran.returncode != 0 and f"{number:06} ({state})" in told and message in told, told)
        checks.equal("the connection test passes", snow("connection", "test").returncode, 0)
        listed = snow("object", "list", "user", "--format", "json")
        names = [row["name"] for row in json.loads(listed.stdout)] if listed.returncode == 0 else listed.stderr
        checks.check("users are listed", "SOME_USER" in names, names)


if __name__ == "__main__":
    judge_now("snow", judgement)
