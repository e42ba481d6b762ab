"""SCIM servers to measure: ours on a store that keeps what it acknowledged, and those of others as their authors have them."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import PEERS
from postgres import free_port, server as postgres_server
from test_account import token as account_token
from workbench import TARGET, fail, run, venv

SCIMMY = PEERS / "scim"
SCIM2_SERVER = "scim2-server==0.8.3"
TOKEN = "benchmark"


@dataclass
class Served:
    """A server that answers."""

    url: str
    token: str
    process: int

    def memory(self) -> int:
        """The most memory that the server's process had so far, in bytes; 0 where the system does not tell."""
        status = Path(f"/proc/{self.process}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


@contextmanager
def started(*command: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server; give the line that it prints when it is ready, end it afterwards."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield process, line.strip() or fail(f"{command[0]} did not start", "start it by hand to see why")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def account(program: Path, store: str, *options: str) -> Iterator[Served]:
    """`oktant serve` with an integration that speaks SCIM as the standards have it."""
    with started(program, "serve", "--store", store, "--listen", "127.0.0.1:0", "--standard-scim", "always", *options) as (process, line):
        told = json.loads(line)
        yield Served(told["scim_url"], account_token(told), process.pid)


@contextmanager
def on_sqlite(program: Path) -> Iterator[Served]:
    """Ours on a file."""
    with tempfile.TemporaryDirectory(prefix="oktant-bench-") as folder, account(program, f"sqlite://{folder}/account.db") as served:
        yield served


@contextmanager
def on_postgres(program: Path) -> Iterator[Served | None]:
    """Ours on a private PostgreSQL with its own defaults for durability; None where there is no PostgreSQL."""
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server(durable=True))
        yield stack.enter_context(account(program, url)) if url else None


@contextmanager
def scimmy() -> Iterator[Served]:
    """SCIMMY's routers with the store of their example, in memory."""
    home = TARGET / "bench-scimmy"
    home.mkdir(parents=True, exist_ok=True)
    for source in SCIMMY.iterdir():
        (home / source.name).write_text(source.read_text())
    if not (home / "node_modules").exists():
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", cwd=home)
    with started("node", home / "scimmy.mjs", TOKEN) as (process, url):
        yield Served(url, TOKEN, process.pid)


@contextmanager
def scim2_server() -> Iterator[Served]:
    """scim2-server by its own command, which keeps everything in memory."""
    program = venv("bench-scim2-server", SCIM2_SERVER).with_name("scim2-server")
    with started(program, "--port", str(free_port()), "--bearer-token", TOKEN) as (process, line):
        yield Served(line.rsplit(" ", 1)[-1], TOKEN, process.pid)
