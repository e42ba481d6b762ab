"""Scanning every user of an org: `oktant sql`, the Python package and the peers, against a floor.

Every contender reads every user of the org (DEPROVISIONED ones too) and writes three columns as CSV, so that
the answers can be compared: a contender whose rows differ from the floor's is reported as wrong, not as fast.
"""

from __future__ import annotations

import csv
import io
import subprocess
import time
from collections import Counter
from pathlib import Path

from measure import PEERS, RUNS, USERS, Contender, Run, best_of, clear_requests, requests, table
from workbench import run, sandbox, say, venv

SELECT = "SELECT Id, ProfileFirstName, Status FROM Users"
PACED_PAGE = 50
PACED_LATENCIES_MS = (10, 100)
PER_MINUTE = 600  # of an enterprise org's users list, as the sandbox counts with --rate-limits okta
HEAD = ("Id", "ProfileFirstName", "Status")

Rows = Counter[tuple[str, ...]]


def report(folder: Path) -> list[str]:
    """Measure with the programs in ``folder``; give the section of the report."""
    ours = venv("bench-oktant", "pyarrow==26.0.1", package=True, profile="release")
    v2, v3 = venv("bench-okta2", "okta==2.9.13"), venv("bench-okta3", "okta==3.4.6")
    overcast = venv("bench-overcast", "overcast-sql==0.1.0")
    say(f"Scanning {USERS:,} users")
    start = time.monotonic()
    with sandbox(folder / "oktant", "--users", str(USERS), "--groups", "1000", "--seed", "7") as org:
        ready = time.monotonic() - start
        who = org["url"], org["api_token"]
        dsn = f"BaseURL={who[0]};AuthScheme=APIToken;APIToken={who[1]};MaxApiRequests=0"
        contenders = [
            Contender("floor: reqwest + serde_json, Rust", [folder / "oktant-bench-floor", *who]),
            Contender("`oktant sql`", [folder / "oktant", "sql", "--dsn", dsn, "--output", "csv", "-c", SELECT]),
            Contender("oktant for Python, Arrow", [ours, PEERS / "oktant_arrow.py", *who]),
            Contender("oktant for Python, cursor", [ours, PEERS / "oktant_cursor.py", *who]),
            Contender("overcast-sql 0.1.0", [overcast, PEERS / "overcast.py", *who], runs=1),
            Contender("okta 2.9.13 (Python)", [v2, PEERS / "okta_v2.py", *who], runs=1),
            Contender("okta 3.4.6 (Python)", [v3, PEERS / "okta_v3.py", *who], runs=1),
        ]
        runs = [best_of(contender, org["url"]) for contender in contenders]
    return [*scan_section(runs), *start_section(ready)]


def scan_section(runs: list[Run]) -> list[str]:
    floor, truth = runs[0], rows_of(runs[0])
    lines = []
    for found in runs:
        rows = rows_of(found)
        lines.append([
            found.name, f"{rows.total() / found.seconds:,.0f}", f"{found.seconds:.2f}", f"{found.seconds / floor.seconds:.2f}",
            f"{found.memory / 2**20:.0f} MiB", str(found.requests), found.problem or verdict(rows, truth),
        ])
    head = ("Contender", "rows/s", "seconds", "times the floor", "peak memory", "requests", "remark")
    return [
        f"## Scanning {truth.total():,} users", "",
        f"Every contender reads all users, DEPROVISIONED ones too, and writes three columns as CSV; best of {RUNS} runs for the",
        "floor and Oktant, one run for the slower ones. Time includes the start of the process. Memory is the peak of the process.",
        "", *table(head, lines), "",
    ]


def rows_of(found: Run) -> Rows:
    rows = Counter(tuple(row) for row in csv.reader(io.StringIO(found.output)))
    del rows[HEAD]
    return rows


def verdict(rows: Rows, truth: Rows) -> str:
    missing, surplus = (truth - rows).total(), (rows - truth).total()
    return "" if rows == truth else f"rows differ: {missing} missing, {surplus} doubled or unknown"


def paced_section(program: Path) -> list[str]:
    """Under Okta's limits, over several windows: the time the limit and the latency allow against the time taken."""
    lines = [
        "## Under Okta's rate limit", "",
        f"The same scan through `oktant sql` in pages of {PACED_PAGE}, so that it takes several of the minutes in which the users list",
        f"allows {PER_MINUTE} requests. The least time is that of full minutes with the rest behind them, or of the latencies one after",
        "the other, whichever is longer.", "",
    ]
    rows = [paced(program, latency) for latency in PACED_LATENCIES_MS]
    head = ("latency", "requests", "refused with 429", "least seconds", "seconds", "share of the least")
    return [*lines, *table(head, rows), ""]


def paced(program: Path, latency_ms: int) -> list[str]:
    say(f"Scanning with {latency_ms} ms latency and Okta's rate limits")
    options = ("--users", str(USERS), "--groups", "10", "--seed", "7", "--latency", str(latency_ms), "--rate-limits", "okta")
    with sandbox(program, *options) as org:
        dsn = f"BaseURL={org['url']};AuthScheme=APIToken;APIToken={org['api_token']};MaxApiRequests=0;RateLimitShare=100"
        clear_requests(org["url"])
        start = time.monotonic()
        run(program, "sql", "--dsn", f"{dsn};Pagesize={PACED_PAGE}", "--output", "csv", "-c", SELECT, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        ledger = requests(org["url"])
    made = sum(entry["path"] == "/api/v1/users" for entry in ledger)
    refused = sum(entry["status"] == 429 for entry in ledger)
    full, rest = divmod(made, PER_MINUTE)
    least = max(full * 60 + rest * latency_ms / 1000, made * latency_ms / 1000)
    return [f"{latency_ms} ms", str(made), str(refused), f"{least:.1f}", f"{seconds:.1f}", f"{least / seconds * 100:.0f} %"]


def start_section(ready: float) -> list[str]:
    return [
        "## Start of the sandbox", "",
        f"{USERS:,} users with their memberships: ready {ready:.1f} s after the program starts.", "",
    ]
