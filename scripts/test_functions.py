"""`make test-functions`: the functions of flows against the JavaScript libraries that behave as the original does."""

from __future__ import annotations

import os
import shutil
import subprocess

from workbench import ROOT, TARGET, run, say

# Another seed draws other cases; more of them find what is rare.
SEED = os.environ.get("ORACLE_SEED", "1")
CASES = os.environ.get("ORACLE_CASES", "500")


def main() -> None:
    """Let moment, mathjs, lodash and others answer the cases, and compare with ours."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("skipped: the oracles of the functions need node and npm")
        return
    home = TARGET / "oracles"
    home.mkdir(parents=True, exist_ok=True)
    for source in sorted((ROOT / "tests" / "functions").iterdir()):
        shutil.copy(source, home)
    say("installing the libraries")
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", cwd=home)
    say(f"{CASES} cases of each area, seed {SEED}")
    answers = home / "answers.jsonl"
    with answers.open("w", encoding="utf-8") as output:
        subprocess.run(["node", "oracle.js", SEED, CASES], cwd=home, stdout=output, check=True)
    arguments = ["--package", "oktant-functions", "--test", "it", "oracle", "--", "--nocapture"]
    run("cargo", "test", "--locked", "--quiet", *arguments, env={**os.environ, "OKTANT_FUNCTIONS_ORACLE": str(answers)})


if __name__ == "__main__":
    main()
