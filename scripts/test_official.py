"""`make test-official`: Okta's own Python clients, versions 2 and 3, judge the sandbox as if it were an org."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from workbench import ROOT, build, sandbox, say, venv

JUDGES = {
    "client_v2.py": "okta==2.9.13",
    "rows_v2.py": "okta==2.9.13",
    "org_v2.py": "okta==2.9.13",
    "client_v3.py": "okta==3.4.6",
    "org_v3.py": "okta==3.4.6",
}


def main() -> None:
    """Run every judge; against a running sandbox if OKTANT_SANDBOX_URL and OKTANT_SANDBOX_TOKEN name one."""
    verdicts = {judge: run_judge(judge, requirement) for judge, requirement in JUDGES.items()}
    sys.exit(max(verdicts.values()))


def run_judge(judge: str, requirement: str) -> int:
    """One client in its own virtual environment and, unless told otherwise, its own org."""
    python = venv(f"official-{requirement.replace('==', '-')}", requirement)
    say(f"{requirement} against the sandbox")
    with org() as running:
        environment = {**os.environ, "OKTANT_SANDBOX_URL": running["url"], "OKTANT_SANDBOX_TOKEN": running["api_token"]}
        return subprocess.run([python, ROOT / "tests" / "official" / judge], env=environment).returncode


def org():
    """The sandbox named by the environment, or one of our own with six people."""
    if "OKTANT_SANDBOX_URL" in os.environ:
        return nullcontext({"url": os.environ["OKTANT_SANDBOX_URL"], "api_token": os.environ["OKTANT_SANDBOX_TOKEN"]})
    return sandbox(program(), "--users", "6", "--groups", "2")


def program() -> Path:
    """The built program."""
    return Path(os.environ.get("OKTANT_PROGRAM") or build("oktant-cli") / "oktant")


if __name__ == "__main__":
    main()
