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
from guide import ERRORS, SCRIPT, STATEMENTS, STATUS, UNASSIGNED

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


def judgement(checks: Checks) -> None:
    """One by one, as a file, and what fails."""
    with tempfile.TemporaryDirectory() as folder:
        snow = Snow(Path(folder))
        for place, statement in enumerate(STATEMENTS[:6]):
            ran = snow("sql", "--query", statement + ";", "--format", "json")
            checks.equal(f"runs: {statement}", ran.returncode, 0)
            if place in STATUS and ran.returncode == 0:
                checks.equal(f"the status of: {statement}", json.loads(ran.stdout)[0]["status"], STATUS[place])
        script = Path(folder) / "guide.sql"
        script.write_text(SCRIPT)
        ran = snow("sql", "--filename", str(script), "--format", "json")
        checks.check("runs the script", ran.returncode == 0, ran.stdout + ran.stderr)
        if ran.returncode == 0:
            checks.equal("every statement of the script has an answer", len(json.loads(ran.stdout)), len(STATEMENTS))
        checks.equal("a role is made that nobody has", snow("sql", "--query", UNASSIGNED).returncode, 0)
        for what, statement, number, state, _ in ERRORS:
            ran = snow("sql", "--query", statement)
            told = ran.stdout + ran.stderr
            checks.check(f"refused: {what}", ran.returncode != 0 and f"{number:06} ({state})" in told, told)
        checks.equal("the connection test passes", snow("connection", "test").returncode, 0)
        listed = snow("object", "list", "user", "--format", "json")
        names = [row["name"] for row in json.loads(listed.stdout)] if listed.returncode == 0 else listed.stderr
        checks.check("users are listed", "SOME_USER" in names, names)


if __name__ == "__main__":
    judge_now("snow", judgement)
