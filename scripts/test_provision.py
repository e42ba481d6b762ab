"""`make test-provision`: the provisioner against SCIM targets that others wrote, in their own virtual environment."""

from __future__ import annotations

import os
import subprocess
import sys

from workbench import ROOT, build, sandbox, say, venv

REQUIREMENTS = ("pytest==9.2.0", "pytest-scim2-server==0.3.0")


def main() -> None:
    """Run the tests against an empty sandbox org of their own."""
    program = os.environ.get("OKTANT_PROGRAM") or build("oktant-cli") / "oktant"
    python = venv("provision", *REQUIREMENTS)
    say("oktant provision against pytest-scim2-server")
    with sandbox(program, "--users", "0") as org:
        environment = {
            **os.environ,
            "OKTANT_PROGRAM": str(program),
            "OKTANT_SANDBOX_URL": org["url"],
            "OKTANT_SANDBOX_TOKEN": org["api_token"],
        }
        sys.exit(subprocess.run([python, "-m", "pytest", "-q", ROOT / "tests" / "provision"], env=environment).returncode)


if __name__ == "__main__":
    main()
