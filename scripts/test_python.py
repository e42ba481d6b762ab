"""`make test-python`: the tests of the Python package under each SQLAlchemy that it serves.

Arguments go to pytest. Each version has an environment of its own; the newest one also runs the type
checker and the sign-in through a real browser.
"""

from __future__ import annotations

import os
import subprocess
import sys

from workbench import ROOT, build, have_apt, say, venv

TESTS = ROOT / "python" / "tests"
NEWEST = "2.1"
VERSIONS = ("1.4", "2.0", NEWEST)


def main() -> None:
    program = build("oktant-cli") / "oktant"
    have_apt("chromium", "chromium-driver")
    environment = {**os.environ, "OKTANT_PROGRAM": str(program)}
    failed = [version for version in VERSIONS if not passes(version, environment)]
    if failed:
        sys.exit(f"error: tests failed under SQLAlchemy {', '.join(failed)}")


def passes(version: str, environment: dict[str, str]) -> bool:
    say(f"Python tests under SQLAlchemy {version}")
    requirements = (TESTS / f"requirements-sqlalchemy-{version}.txt").read_text().splitlines()
    pins = [line for line in requirements if line and not line.startswith("#")]
    python = venv(f"sqlalchemy-{version}", *pins, package=True)
    commands = [[python, "-m", "pytest", *sys.argv[1:]]]
    if version == NEWEST:
        commands.append([python, "-m", "mypy"])
    results = [subprocess.run(command, cwd=ROOT / "python", env=environment).returncode for command in commands]
    return not any(results)


if __name__ == "__main__":
    main()
