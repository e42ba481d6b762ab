"""The SCIM service beside those of others: the same requests by the same program, each server fresh and by itself."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import provisioning
from measure import table
from servers import Served, on_postgres, on_sqlite, scim2_server, scimmy
from workbench import say

USERS = int(os.environ.get("OKTANT_BENCH_SCIM_USERS", "10000"))
IN_FLIGHT = 16
ROWS = {
    "create": "create a user",
    "filter": "find a user by `userName`",
    "get": "get a user",
    "page": "a page of 100 users",
    "deactivate": "deactivate a user",
    "member": "one member in or out of a group of {users:,}",
    "members": "read that group",
}


@dataclass
class Measured:
    """What one server did with the load."""

    name: str
    rows: dict[str, dict[str, Any]]
    memory: int

    def rate(self, row: str) -> float:
        """Requests per second; a row that failed counts as none."""
        found = self.rows.get(row)
        return found["requests"] / found["seconds"] if found and not found["problem"] else 0.0


def report(folder: Path) -> list[str]:
    """Measure with the programs in ``folder``; give the section of the report."""
    program = folder / "oktant"
    contenders: dict[str, AbstractContextManager[Served | None]] = {
        "scimmy-routers 1.3.2": scimmy(),
        "scim2-server 0.8.3": scim2_server(),
        "`oktant serve`, SQLite": on_sqlite(program),
        "`oktant serve`, PostgreSQL": on_postgres(program),
    }
    say(f"SCIM with {USERS:,} users, {IN_FLIGHT} requests in flight")
    found = [measure(folder / "oktant-bench-scim", name, server) for name, server in contenders.items()]
    return [*section([measured for measured in found if measured]), *provisioning.report(folder)]


def measure(load: Path, name: str, server: AbstractContextManager[Served | None]) -> Measured | None:
    """Put the load on a server. None where the server cannot be had here."""
    with server as served:
        if served is None:
            return None
        command = [load, "rows", served.url, served.token, str(USERS), str(IN_FLIGHT)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        rows = {row["row"]: row for row in map(json.loads, done.stdout.splitlines())}
        measured = Measured(name, rows, served.memory())
    for row in rows.values():
        print(f"    {name}: {row['row']} {row['requests'] / row['seconds']:,.1f}/s {row['problem'] or ''}", flush=True)
    return measured


def section(measured: list[Measured]) -> list[str]:
    """The tables."""
    peers, ours = measured[:2], measured[2:]
    rates, latencies = [], []
    for row, title in ROWS.items():
        best = max(peer.rate(row) for peer in peers)
        factors = [f"{one.rate(row) / best:,.1f}" if best else "" for one in ours]
        name = title.format(users=USERS)
        rates.append([name, *(cell(one, row) for one in measured), *factors])
        latencies.append([name, *(latency(one, row) for one in measured)])
    memory = ["peak memory of the server", *(f"{one.memory / 2**20:.0f} MiB" for one in measured)]
    names = [one.name for one in measured]
    busiest = max(row["load_cpu"] for one in measured for row in one.rows.values())
    return [
        "## SCIM: requests per second", "",
        f"{USERS:,} users, {IN_FLIGHT} requests in flight, server and load on the same cores; a row ends when its requests are done",
        "or after 8 seconds. The others keep everything in memory, as they come: scim2-server by its own command, scimmy-routers with",
        "the store of its authors' example, a Map in place of their database. `oktant serve` answers a write when it is on disk:",
        "SQLite with `synchronous = FULL`, PostgreSQL as it comes. The factor is that of `oktant serve` over the better of the others.",
        f"The program that sends the load used at most {busiest:.2f} cores.",
        "", *table(("Request", *names, *(f"factor, {name.rsplit(' ', 1)[-1]}" for name in names[2:])), rates), "",
        "## SCIM: latency", "",
        f"Half of the requests, and 99 of 100, took at most so many milliseconds with {IN_FLIGHT} in flight. The memory of",
        "PostgreSQL's own processes is not counted.",
        "", *table(("Request, p50 / p99", *names), [*latencies, memory]), "",
    ]


def cell(one: Measured, row: str) -> str:
    found = one.rows.get(row)
    if not found:
        return "failed"
    rate = one.rate(row)
    return f"failed: {found['problem'][:80]}" if found["problem"] else f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"


def latency(one: Measured, row: str) -> str:
    found = one.rows.get(row)
    return f"{figure(found['p50_ms'])} / {figure(found['p99_ms'])}" if found else ""


def figure(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}"
