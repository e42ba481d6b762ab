"""What the benchmarks share: a contender, a run of it watched from outside, a Markdown table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

USERS = int(os.environ.get("OKTANT_BENCH_USERS", "100000"))
RUNS = int(os.environ.get("OKTANT_BENCH_RUNS", "3"))
PEERS = Path(__file__).resolve().parent / "peers"
WATCH = Path(__file__).resolve().parent / "watch.py"
OKTA_TESTING = {"OKTA_TESTING_TESTINGDISABLEHTTPSCHECK": "true"}


@dataclass
class Contender:
    """A command, and what to call it."""

    name: str
    command: Sequence[str | Path]
    runs: int = RUNS
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """One run of a contender, watched from outside."""

    name: str
    seconds: float
    memory: int
    output: str
    problem: str = ""
    requests: int = 0

    def __str__(self) -> str:
        return f"{self.name}: {self.seconds:.2f} s, {self.memory / 2**20:.0f} MiB, {self.requests} requests {self.problem}"


def run_once(contender: Contender) -> Run:
    """Run a contender to its end; time includes the start of the process, memory is its peak."""
    with tempfile.TemporaryDirectory() as home:
        output, errors = Path(home, "output"), Path(home, "errors")
        # A cache that a contender keeps in its home must not make the next run faster.
        environment = {**os.environ, **OKTA_TESTING, "OKTA_CACHE_PATH": home, **contender.environment}
        command = [sys.executable, "-S", str(WATCH), str(output), str(errors), *map(str, contender.command)]
        watched = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(watched.stdout)
        last = errors.read_text().strip().splitlines()[-1:] if found["exit_code"] else []
        problem = f"failed: {''.join(last)[:120]}" if found["exit_code"] else ""
        return Run(contender.name, found["seconds"], found["memory"], output.read_text(), problem)


def best_of(contender: Contender, url: str) -> Run:
    """The fastest of a contender's runs, with the requests that the sandbox at ``url`` counted in it."""
    runs = []
    for _ in range(contender.runs):
        clear_requests(url)
        run = run_once(contender)
        run.requests = len(requests(url))
        runs.append(run)
    best = min(runs, key=lambda run: (bool(run.problem), run.seconds))
    print(f"    {best}", flush=True)
    return best


def requests(url: str) -> list[dict[str, object]]:
    """The sandbox's own request ledger."""
    with urllib.request.urlopen(f"{url}/sandbox/requests") as response:
        ledger: list[dict[str, object]] = json.load(response)
    return ledger


def clear_requests(url: str) -> None:
    """Empty the sandbox's request ledger."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/sandbox/requests", method="DELETE")).close()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table: the first column is text, the others are figures."""
    line = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return [line(head), "|---|" + "---:|" * (len(head) - 1), *map(line, rows)]
