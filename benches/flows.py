"""The flow engine beside those of others: a web request, a condition, a text, an answer; each engine fresh and by itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import PEERS, table
from postgres import free_port
from servers import started
from workbench import TARGET, fail, run, say

CALLS = int(os.environ.get("OKTANT_BENCH_FLOW_CALLS", "20000"))
# Engines that need a second for a few calls get fewer of them.
CALLS_SLOW = CALLS // 20
IN_FLIGHT = (1, 32)
READY_SECONDS = 120
FLOWS = PEERS / "flows"


@dataclass
class Engine:
    """An engine that answers at ``url``."""

    url: str
    process: int

    def memory(self) -> int:
        """The most memory that the process had so far, in bytes."""
        status = Path(f"/proc/{self.process}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


@dataclass
class Measured:
    """What one engine did with the load."""

    name: str
    rows: dict[int, dict[str, Any]]
    memory: int

    def rate(self, in_flight: int) -> float:
        """Flows per second; a row that failed counts as none."""
        row = self.rows[in_flight]
        return 0.0 if row["problem"] else row["requests"] / row["seconds"]


def report(folder: Path) -> list[str]:
    """Measure with the programs in ``folder``; give the section of the report."""
    contenders: list[tuple[str, AbstractContextManager[Engine], int]] = [
        ("Node-RED 5.0.7", node_red(), CALLS),
        ("n8n 1.123.81", n8n(), CALLS_SLOW),
        ("`oktant serve`", oktant(folder / "oktant"), CALLS),
    ]
    say(f"Flows: {CALLS:,} calls")
    return section([measure(folder / "oktant-bench-scim", *contender) for contender in contenders])


def measure(load: Path, name: str, engine: AbstractContextManager[Engine], calls: int) -> Measured:
    """Put the load on an engine, first one call after the other, then many at a time."""
    with engine as at, tempfile.TemporaryDirectory() as home:
        ready(name, at.url)
        rows = {}
        for in_flight in IN_FLIGHT:
            requests = Path(home, "calls")
            requests.write_text("\n".join(call(number) for number in range(calls if in_flight > 1 else calls // 10)))
            command = [load, "replay", at.url, "none", requests, str(in_flight)]
            done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
            rows[in_flight] = json.loads(done.stdout)
        measured = Measured(name, rows, at.memory())
    for in_flight, row in rows.items():
        print(f"    {name}, {in_flight} in flight: {row['requests'] / row['seconds']:,.0f}/s, p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms, "
              f"{measured.memory / 2**20:.0f} MiB {row['problem'] or ''}", flush=True)
    return measured


def call(number: int) -> str:
    """One call; half of them take the other branch."""
    return json.dumps({"method": "POST", "path": "", "body": {"n": number % 200, "name": f"Ada {number}"}})


def ready(name: str, url: str) -> None:
    """Waits until the flow answers, and as it should on both branches."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            found = {size: answer(url, {"n": number, "name": "Ada"}) for size, number in (("large", 100), ("small", 99))}
            break
        except (urllib.error.URLError, ConnectionError, json.JSONDecodeError) as error:
            if time.monotonic() > until:
                fail(f"{name} does not answer: {error}", "start it by hand to see why")
            time.sleep(0.2)
    for size, text in found.items():
        if text != f"Hello Ada, your order is {size}":
            fail(f"{name} answers {text!r} for a {size} order", "its flow does something else than that of the others")


def answer(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response).get("text")


@contextmanager
def npm(name: str) -> Iterator[tuple[Path, Path]]:
    """The folder of a peer from npm, installed, and a folder for its files of this run."""
    home = TARGET / f"bench-{name}"
    home.mkdir(parents=True, exist_ok=True)
    wanted = (FLOWS / name / "package.json").read_text()
    stamp = home / "installed.json"
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"Installing {name} (the first time takes a while)")
        (home / "package.json").write_text(wanted)
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", cwd=home)
        stamp.write_text(wanted)
    with tempfile.TemporaryDirectory(prefix=f"oktant-bench-{name}-") as files:
        yield home / "node_modules", Path(files)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends a process afterwards."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def quiet(*command: str | Path, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a process whose output no one reads."""
    environment = {**os.environ, **(environment or {})}
    return subprocess.Popen(list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def node_red() -> Iterator[Engine]:
    """Node-RED as it comes; it keeps nothing of a run."""
    with npm("node-red") as (modules, files):
        (files / "flows.json").write_text((FLOWS / "node-red" / "flows.json").read_text())
        port = free_port()
        command = (modules / ".bin" / "node", modules / "node-red" / "red.js", "-u", files, "-p", str(port), "flows.json")
        with ended(quiet(*command)) as process:
            yield Engine(f"http://127.0.0.1:{port}/order", process.pid)


@contextmanager
def n8n() -> Iterator[Engine]:
    """n8n as it comes: its executions are kept in SQLite."""
    with npm("n8n") as (modules, files):
        port = free_port()
        environment = {
            "N8N_USER_FOLDER": str(files), "N8N_PORT": str(port), "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_DIAGNOSTICS_ENABLED": "false",
            "N8N_VERSION_NOTIFICATIONS_ENABLED": "false", "N8N_TEMPLATES_ENABLED": "false", "N8N_RUNNERS_ENABLED": "false",
        }
        program = (modules / ".bin" / "node", modules / "n8n" / "bin" / "n8n")
        for command in (("import:workflow", f"--input={FLOWS / 'n8n' / 'order.json'}"), ("update:workflow", "--all", "--active=true")):
            run(*program, *command, env={**os.environ, **environment}, capture_output=True)
        with ended(quiet(*program, "start", environment=environment)) as process:
            yield Engine(f"http://127.0.0.1:{port}/webhook/order", process.pid)


@contextmanager
def oktant(program: Path) -> Iterator[Engine]:
    """`oktant serve` with its journal on disk."""
    with tempfile.TemporaryDirectory(prefix="oktant-bench-flows-") as files:
        store = f"sqlite://{files}/flows.db"
        told = run(program, "flow", "on", FLOWS / "oktant" / "order.flow.yaml", "--store", store, capture_output=True).stdout
        # The vendor's limit of ten calls a second is not what is measured.
        run(program, "flow", "set", "Order", "--calls-per-second", "1000000", "--store", store, capture_output=True)
        path = told.split(": ")[-1].strip()
        with started(program, "serve", "--listen", "127.0.0.1:0", "--flows", store) as (process, line):
            yield Engine(json.loads(line)["url"] + path, process.pid)


def section(measured: list[Measured]) -> list[str]:
    """The table."""
    *peers, ours = measured
    rows = []
    for one in measured:
        cells = [one.name]
        for in_flight in IN_FLIGHT:
            row = one.rows[in_flight]
            failed = row["problem"] and f"failed: {row['problem'][:80]}"
            cells += [failed or f"{one.rate(in_flight):,.0f}", f"{row['p50_ms']:.1f} / {row['p99_ms']:.1f}"]
        rows.append([*cells, f"{one.memory / 2**20:.0f} MiB"])
    most = IN_FLIGHT[-1]
    factors = [f"{ours.rate(most) / peer.rate(most):,.1f} times {peer.name}" for peer in peers if peer.rate(most)]
    head = ["Engine", *(text for number in IN_FLIGHT for text in (f"flows/s, {number} in flight", "p50 / p99, ms")), "peak memory"]
    return [
        "## Flows", "",
        "A web request starts a flow, which compares a number, builds a text and answers with it. Engine and load share the cores. Node-RED",
        "keeps nothing of a run; n8n keeps its executions in SQLite, as it comes; `oktant serve` answers when the run is in its journal",
        f"on disk. With {most} in flight Oktant runs {' and '.join(factors)}.",
        "", *table(tuple(head), rows), "",
    ]
