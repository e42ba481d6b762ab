"""`make test-official`: Okta's own Python clients, versions 2 and 3, judge the sandbox as if it were an org."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from workbench import ROOT, build, sandbox, say, venv

JUDGES = {
    "client_v2.py": "okta==2.9.13",
    "rows_v2.py": "okta==2.9.13",
    "org_v2.py": "okta==2.9.13",
    "apps_v2.py": "okta==2.9.13",
    "client_v3.py": "okta==3.4.6",
    "org_v3.py": "okta==3.4.6",
    "apps_v3.py": "okta==3.4.6",
}


def main() -> None:
    """Run every judge; against a running sandbox if OKTANT_SANDBOX_URL and OKTANT_SANDBOX_TOKEN name one."""
    with tempfile.TemporaryDirectory() as folder:
        verdicts = Path(folder) / "verdicts.jsonl"
        verdicts.touch()
        codes = [run_judge(judge, requirement, verdicts) for judge, requirement in JUDGES.items()]
        print_table(verdicts)
    sys.exit(max(codes))


def print_table(verdicts: Path) -> None:
    """What passed and failed, by client and area, with the reasons of failures."""
    areas: dict[tuple[str, str], dict[str, Any]] = {}
    for line in verdicts.read_text(encoding="utf-8").splitlines():
        verdict = json.loads(line)
        for area, counts in verdict["areas"].items():
            total = areas.setdefault((area, verdict["client"]), {"passed": 0, "own": [], "failed": []})
            for name, count in counts.items():
                total[name] += count
    print(f"\n{'area':24}{'version':16}{'passed':>8}{'its own':>9}{'failed':>8}")
    for (area, client), total in sorted(areas.items()):
        passed = total["passed"] - len(total["own"])
        print(f"{area:24}{client:16}{passed:8}{len(total['own']):9}{len(total['failed']):8}")
    for name, title in (("own", "fails in the client, whatever the server"), ("failed", "failed")):
        reasons = [f"  {client}, {area}: {reason}" for (area, client), total in sorted(areas.items()) for reason in total[name]]
        if reasons:
            print(f"\n{title}:", *reasons, sep="\n")


def run_judge(judge: str, requirement: str, verdicts: Path) -> int:
    """One client in its own virtual environment and, unless told otherwise, its own org."""
    python = venv(f"official-{requirement.replace('==', '-')}", requirement)
    say(f"{requirement} against the sandbox")
    with org() as running:
        environment = {
            **os.environ,
            "OKTANT_SANDBOX_URL": running["url"],
            "OKTANT_SANDBOX_TOKEN": running["api_token"],
            "OKTANT_VERDICTS": str(verdicts),
        }
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
