"""`make bench`: Oktant and its peers over the same sandbox org, one after the other, in one run.

Every contender reads every user of the org (DEPROVISIONED ones too) and writes three columns as CSV, so that
the answers can be compared: a contender whose rows differ from the floor's is reported as wrong, not as fast.
Measured from outside: wall time, peak memory of the process, requests by the sandbox's ledger.

Environment: OKTANT_BENCH_USERS (default 100000), OKTANT_BENCH_RUNS (default 3; the best run counts).
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from workbench import ROOT, TARGET, build, run, sandbox, say, venv  # noqa: E402

USERS = int(os.environ.get("OKTANT_BENCH_USERS", "100000"))
RUNS = int(os.environ.get("OKTANT_BENCH_RUNS", "3"))
SELECT = "SELECT Id, ProfileFirstName, Status FROM Users"
PEERS = ROOT / "benches" / "peers"
OKTA_TESTING = {"OKTA_TESTING_TESTINGDISABLEHTTPSCHECK": "true"}


@dataclass
class Contender:
    """Someone who reads all users: a command, and what to call it."""

    name: str
    command: list[str]
    runs: int = RUNS


@dataclass
class Result:
    """What one contender took; the best of its runs."""

    name: str
    seconds: float
    rows: int
    memory: int
    requests: int
    remark: str

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def main() -> None:
    say("Building with optimisation (the first time takes a while)")
    folder = build("oktant-cli", "oktant-python", "oktant-bench-floor", profile="release")
    ours = venv("bench-oktant", "pyarrow==26.0.1", package=True, profile="release")
    v2, v3 = venv("bench-okta2", "okta==2.9.13"), venv("bench-okta3", "okta==3.4.6")
    overcast = venv("bench-overcast", "overcast-sql==0.1.0")
    say(f"Starting a sandbox org with {USERS:,} users")
    start = time.monotonic()
    with sandbox(folder / "oktant", "--users", str(USERS), "--groups", "1000", "--seed", "7") as org:
        ready = time.monotonic() - start
        url, token = org["url"], org["api_token"]
        dsn = f"BaseURL={url};AuthScheme=APIToken;APIToken={token};MaxApiRequests=0"
        floor, *others = [
            Contender("floor: reqwest + serde_json, Rust", [str(folder / "oktant-bench-floor"), url, token]),
            Contender("`oktant sql`", [str(folder / "oktant"), "sql", "--dsn", dsn, "--output", "csv", "-c", SELECT]),
            Contender("oktant for Python, Arrow", [str(ours), str(PEERS / "oktant_arrow.py"), url, token]),
            Contender("oktant for Python, cursor", [str(ours), str(PEERS / "oktant_cursor.py"), url, token]),
            Contender("overcast-sql 0.1.0", [str(overcast), str(PEERS / "overcast.py"), url, token], runs=1),
            Contender("okta 2.9.13 (Python)", [str(v2), str(PEERS / "okta_v2.py"), url, token], runs=1),
            Contender("okta 3.4.6 (Python)", [str(v3), str(PEERS / "okta_v3.py"), url, token], runs=1),
        ]
        truth, base = measure(floor, url, None)
        results = [base] + [measure(contender, url, truth)[1] for contender in others]
    paced = measure_paced(folder / "oktant")
    write_report(results, ready, paced)


def measure(contender: Contender, url: str, truth: set[tuple[str, ...]] | None) -> tuple[set[tuple[str, ...]], Result]:
    """Run a contender, compare its rows with the truth, keep the best of its runs."""
    best: Result | None = None
    rows: set[tuple[str, ...]] = set()
    for _ in range(contender.runs):
        admin(url, "DELETE")
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            environment = {**os.environ, **OKTA_TESTING, "OKTA_CACHE_PATH": tempfile.mkdtemp()}
            start = time.monotonic()
            process = subprocess.Popen(contender.command, stdout=output, stderr=errors, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            rows = {tuple(row) for row in csv.reader(output)} - {("Id", "ProfileFirstName", "Status")}
            errors.seek(0)
            problem = errors.read().strip().splitlines()[-1:] if process.returncode else []
        remark = "failed: " + "".join(problem)[:120] if process.returncode else verdict(rows, truth)
        result = Result(contender.name, seconds, len(rows), usage.ru_maxrss * 1024, len(admin(url, "GET")), remark)
        if best is None or result.seconds < best.seconds:
            best = result
    assert best is not None
    print(f"    {best.name}: {best.rows:,} rows, {best.seconds:.2f} s, {best.memory / 2**20:.0f} MiB, {best.requests} requests {best.remark}", flush=True)
    return rows, best


def verdict(rows: set[tuple[str, ...]], truth: set[tuple[str, ...]] | None) -> str:
    if truth is None or rows == truth:
        return ""
    return f"rows differ: {len(truth - rows)} missing, {len(rows - truth)} unknown"


def admin(url: str, method: str) -> list[dict[str, object]]:
    """Read or clear the sandbox's own request ledger."""
    request = urllib.request.Request(f"{url}/sandbox/requests", method=method)
    with urllib.request.urlopen(request) as response:
        body = response.read()
    return json.loads(body) if method == "GET" else []


def measure_paced(program: Path) -> dict[str, float]:
    """With 100 ms latency and Okta's limits: requests made in the time against what the limit allows."""
    say("Scanning with 100 ms latency and Okta's rate limits")
    options = ("--users", str(USERS), "--groups", "10", "--seed", "7", "--latency", "100", "--rate-limits", "okta")
    with sandbox(program, *options) as org:
        dsn = f"BaseURL={org['url']};AuthScheme=APIToken;APIToken={org['api_token']};MaxApiRequests=0;RateLimitShare=100"
        admin(org["url"], "DELETE")
        start = time.monotonic()
        run(program, "sql", "--dsn", dsn, "--output", "csv", "-c", SELECT, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        ledger = admin(org["url"], "GET")
    users = [entry for entry in ledger if entry["path"] == "/api/v1/users"]
    refused = sum(entry["status"] == 429 for entry in ledger)
    return {"seconds": seconds, "requests": len(users), "refused": refused}


def write_report(results: list[Result], ready: float, paced: dict[str, float]) -> None:
    floor = results[0]
    lines = [
        "# Benchmarks", "",
        "Printed by `make bench`; every row of a table comes from one run on one machine, so the ratios mean more than the figures.",
        "", f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}; "
        "contender and sandbox share the cores.", "",
        f"## Scanning {floor.rows:,} users", "",
        f"Every contender reads all users, DEPROVISIONED ones too, and writes three columns as CSV; best of {RUNS} runs for the",
        "floor and Oktant, one run for the slower ones. Time includes the start of the process. Memory is the peak of the process.", "",
        "| Contender | rows/s | seconds | times the floor | peak memory | requests | remark |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for result in results:
        lines.append(
            f"| {result.name} | {result.rate:,.0f} | {result.seconds:.2f} | {result.seconds / floor.seconds:.2f} "
            f"| {result.memory / 2**20:.0f} MiB | {result.requests} | {result.remark} |"
        )
    allowed = max(paced["seconds"], 1) / 60 * 600
    lines += [
        "", "## Under Okta's rate limit", "",
        "The same scan through `oktant sql` with 100 ms latency per request and 600 requests a minute for the users list:", "",
        f"{paced['requests']:.0f} requests in {paced['seconds']:.1f} s, {paced['refused']:.0f} refused with 429: "
        f"{paced['requests'] / allowed * 100:.0f} % of the {allowed:.0f} that 600 a minute allow in that time.", "",
        "## Start of the sandbox", "",
        f"{USERS:,} users with their memberships: ready {ready:.1f} s after the program starts.", "",
    ]
    (ROOT / "docs" / "benchmarks.md").write_text("\n".join(lines))
    say(f"Wrote {ROOT / 'docs' / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
