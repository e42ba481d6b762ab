"""Runs a command with a private PostgreSQL: `python3 scripts/postgres.py cargo nextest run …`.

The command finds the server's address in OKTANT_TEST_POSTGRES. A server that is named there already is used as it is.
Where there is no PostgreSQL and none can be installed, the command runs without one, and its tests say that they skip.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench import fail, have_apt, say

VARIABLE = "OKTANT_TEST_POSTGRES"


def main() -> None:
    """Run the command of the arguments."""
    if VARIABLE in os.environ:
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
    # Ended from outside, the server has to be stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with server() as url:
        environment = {**os.environ, VARIABLE: url} if url else None
        sys.exit(subprocess.run(sys.argv[1:], env=environment).returncode)


@contextmanager
def server(durable: bool = False) -> Iterator[str | None]:
    """A server with an empty database in a folder of its own, stopped and removed afterwards; None if there can be none.

    Unless it is to be durable, what it holds does not outlive the machine.
    """
    programs = find() or install()
    if programs is None:
        say("no PostgreSQL, and it cannot be installed here: its tests are skipped")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="oktant-postgres-") as folder:
        account = unprivileged()
        if account:
            os.chown(folder, account["user"], account["group"])
        data = Path(folder) / "data"
        # Trust is no risk: only this machine's loopback interface reaches it, and nothing of value is in it.
        subprocess.run(
            [programs / "initdb", "--pgdata", data, "--username", "oktant", "--auth", "trust", "--encoding", "UTF8", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **account,
        )
        port = free_port()
        options = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", f"fsync={'on' if durable else 'off'}"]
        with open(Path(folder) / "log", "wb") as log:
            process = subprocess.Popen([programs / "postgres", *options], stdout=log, stderr=log, cwd=folder, **account)
        try:
            wait_until_ready(process, programs, port, Path(folder) / "log")
            say(f"PostgreSQL of {programs} on port {port}")
            yield f"postgres://oktant@127.0.0.1:{port}/postgres"
        finally:
            # Not SIGTERM, on which it would wait for clients that are still connected.
            process.send_signal(signal.SIGINT)
            process.wait()


def find() -> Path | None:
    """The folder of the newest server programs on this machine."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found.sort(key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0)
    on_path = shutil.which("initdb")
    if not found and on_path:
        found = [Path(on_path).resolve().parent]
    return next((folder for folder in reversed(found) if (folder / "postgres").exists()), None)


def install() -> Path | None:
    """Debian's packages, where that is possible without asking."""
    return find() if have_apt("postgresql") else None


def unprivileged() -> dict[str, int]:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid}
    return {}


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(process: subprocess.Popen[bytes], programs: Path, port: int, log: Path) -> None:
    """Waits until the server takes connections."""
    question = [programs / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(port)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if subprocess.run(question).returncode == 0:
            return
        time.sleep(0.1)
    process.kill()
    fail(f"PostgreSQL did not start: {log.read_text(errors='replace')}", "see the lines of its log above")


if __name__ == "__main__":
    main()
