"""`make test-flows`: the journey from an exported pack to a Salesforce user, with a real browser, on the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from workbench import ROOT, build, sandbox, say, venv


def main() -> None:
    """Run the judge against an org of its own."""
    if not shutil.which("chromedriver"):
        say("the journey is skipped: chromedriver is not installed (Debian: apt-get install chromium chromium-driver)")
        return
    program = os.environ.get("OKTANT_PROGRAM") or build("oktant-cli") / "oktant"
    shared = Path(os.environ.get("OKTANT_SHARED_DATA") or ROOT.parent / "shared" / "data").resolve()
    pack = shared / "flopacks" / "salesforce_create_user.flopack"
    python = venv("salesforce-browser", "selenium")
    with sandbox(Path(program), "--users", "5") as running:
        environment = {
            **os.environ, "OKTANT_SANDBOX": json.dumps(running), "OKTANT_PROGRAM": str(program),
            "OKTANT_PACK": str(pack) if pack.exists() else "",
        }
        sys.exit(subprocess.run([python, ROOT / "tests" / "flows" / "seed_judge.py"], env=environment).returncode)


if __name__ == "__main__":
    main()
