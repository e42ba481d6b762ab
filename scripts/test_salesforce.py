"""`make test-salesforce`: independent clients and a real browser judge the sandbox's Salesforce org."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench import ROOT, TARGET, build, run, sandbox, say, venv

JUDGES = ROOT / "tests" / "salesforce"
SIMPLE_SALESFORCE = "simple-salesforce==1.12.10"
# The newest one that runs on Node.js 20; later ones need 22.
JSFORCE = "jsforce@3.10.16"


def main() -> None:
    """Run every judge, each against an org of its own."""
    codes = [simple_salesforce(), jsforce(), browser()]
    sys.exit(max(codes))


def judged(command: list[str | Path], **variables: str) -> int:
    """The exit code of a judge."""
    program = os.environ.get("OKTANT_PROGRAM") or build("oktant-cli") / "oktant"
    with sandbox(Path(program), "--users", "0", "--salesforce-schema", str(JUDGES / "schema.json")) as running:
        environment = {**os.environ, **variables, "OKTANT_SALESFORCE": json.dumps(running["salesforce"])}
        return subprocess.run(command, env=environment).returncode


def simple_salesforce() -> int:
    """The Python client."""
    python = venv("salesforce", SIMPLE_SALESFORCE)
    say(f"{SIMPLE_SALESFORCE} against the sandbox")
    return judged([python, JUDGES / "simple_salesforce_judge.py"])


def jsforce() -> int:
    """The JavaScript client."""
    if not shutil.which("npm"):
        say("jsforce is skipped: npm is not installed")
        return 0
    home = TARGET / "salesforce-node"
    home.mkdir(parents=True, exist_ok=True)
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != JSFORCE:
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", home, JSFORCE)
        stamp.write_text(JSFORCE)
    say(f"{JSFORCE} against the sandbox")
    return judged(["node", JUDGES / "jsforce_judge.mjs"], OKTANT_NODE_HOME=str(home))


def browser() -> int:
    """Login and consent in headless Chromium."""
    if not shutil.which("chromedriver"):
        say("the browser is skipped: chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
        return 0
    python = venv("salesforce-browser", "selenium")
    say("login and consent in a browser")
    with tempfile.TemporaryDirectory() as folder:
        pictures = os.environ.get("OKTANT_SCREENSHOTS") or folder
        return judged([python, JUDGES / "browser_judge.py"], OKTANT_SCREENSHOTS=pictures)


if __name__ == "__main__":
    main()
