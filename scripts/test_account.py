"""`make test-account`: Snowflake's own clients, PostgreSQL's and SCIM's testers judge the account of the sandbox.

Each client has a virtual environment of its own. Names of judges as arguments run those only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench import ROOT, build, fail, have_apt, sandbox, say, venv

JUDGES = ROOT / "tests" / "account"
CONNECTORS = ("snowflake-connector-python==4.8.1", "snowflake-connector-python==5.2.0")
COMMAND_LINE = "snowflake-cli==3.30.0"
POSTGRES = ("psycopg[binary]==3.3.9", "sqlalchemy==2.1.9")
TESTER = ("scim2-cli==0.6.0", "scim2-tester==0.5.2")
SANITY = "scim-sanity==0.7.4"


def main() -> None:
    """Run the judges and end with the worst verdict."""
    program = Path(os.environ.get("OKTANT_PROGRAM") or build("oktant-cli") / "oktant")
    chosen = sys.argv[1:]
    judges: dict[str, Callable[[Path], int]] = {
        "connector": lambda program: max(connector(program, requirement) for requirement in CONNECTORS),
        "cli": lambda program: by_script(program, "cli.py", COMMAND_LINE),
        "postgres": postgres,
        "day": day,
        "steps": lambda program: by_script(program, "scim_steps.py"),
        "tester": tester,
        "sanity": sanity,
    }
    unknown = set(chosen) - set(judges)
    if unknown:
        fail(f"there is no judge {', '.join(unknown)}", f"choose from {', '.join(judges)}")
    verdicts = {name: judge(program) for name, judge in judges.items() if not chosen or name in chosen}
    for name, verdict in verdicts.items():
        say(f"{name}: {'failed' if verdict else 'passed'}")
    sys.exit(max(verdicts.values()))


def environment(*requirements: str) -> Path:
    """The Python of a virtual environment named after the first requirement."""
    return venv("account-" + (requirements[0].replace("==", "") if requirements else "plain"), *requirements)


def connector(program: Path, requirement: str) -> int:
    """One generation of the Python connector."""
    return by_script(program, "connector.py", requirement)


def by_script(program: Path, script: str, *requirements: str) -> int:
    """A judge of ours in the environment of a client, against an account of its own."""
    python = environment(*requirements)
    say(f"{requirements[0] if requirements else script} against the account")
    with sandbox(program, "--users", "20", "--groups", "3") as running:
        variables = {
            **os.environ,
            "OKTANT_ACCOUNT": json.dumps(running["snowflake"]),
            "OKTANT_POSTGRES": json.dumps(running["postgres"]),
            "PYTHONPATH": str(ROOT / "tests" / "official"),
        }
        return subprocess.run([python, JUDGES / script], env=variables).returncode


def postgres(program: Path) -> int:
    """psql, psycopg and SQLAlchemy."""
    if not have_apt("postgresql-client"):
        print("skipped: psql is not installed (Debian: apt-get install postgresql-client)")
        return 0
    return by_script(program, "postgres.py", *POSTGRES)


def day(program: Path) -> int:
    """A day in the life of a provisioned account, through the connector and psql."""
    if not have_apt("postgresql-client"):
        print("skipped: psql is not installed (Debian: apt-get install postgresql-client)")
        return 0
    python = environment(CONNECTORS[-1])
    say("a day of a provisioned account")
    variables = {**os.environ, "OKTANT_PROGRAM": str(program), "PYTHONPATH": str(ROOT / "tests" / "official")}
    # One of the connector's defaults will change, of which it warns at every connection.
    return subprocess.run([python, "-W", "ignore::FutureWarning", JUDGES / "day.py"], env=variables).returncode


def tester(program: Path) -> int:
    """scim2-tester on an account that keeps to the standards."""
    python = environment(*TESTER)
    say("scim2-tester against the account")
    with standard_account(program) as (url, token):
        command = [python.parent / "scim2", "--url", url, "--header", f"Authorization: Bearer {token}", "test"]
        ran = subprocess.run(command, capture_output=True, text=True)
    words = (ran.stdout + ran.stderr).split()
    succeeded, others = words.count("SUCCESS"), [word for word in words if word in ("ERROR", "CRITICAL", "DEVIATION")]
    print(ran.stdout if others or not succeeded else f"scim2-tester: {succeeded} SUCCESS, {words.count('SKIPPED')} SKIPPED")
    return int(bool(others) or not succeeded or ran.returncode != 0)


def sanity(program: Path) -> int:
    """scim-sanity, strict, on an account that keeps to the standards."""
    python = environment(SANITY)
    say("scim-sanity against the account")
    with standard_account(program) as (url, token):
        command = [python.parent / "scim-sanity", "probe", url, "--token", token, "--strict", "--i-accept-side-effects"]
        return subprocess.run(command).returncode


@contextmanager
def standard_account(program: Path) -> Iterator[tuple[str, str]]:
    """An account whose integration speaks SCIM as the standards have it: its URL and a token."""
    command = [program, "serve", "--store", "sqlite::memory:", "--listen", "127.0.0.1:0", "--standard-scim", "always"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            fail("the server did not start", "its own message stands above")
        yield json.loads(line)["scim_url"], token(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def token(running: dict[str, Any]) -> str:
    """Makes an integration and a token for it, over the client protocol by hand."""

    def post(path: str, body: Any, session: str = "None") -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f'Snowflake Token="{session}"'}
        request = urllib.request.Request(running["url"] + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = json.load(answer)
        return told["data"] if told["success"] else fail(told["message"], "see the server's log")

    login = {"ACCOUNT_NAME": running["account"], "LOGIN_NAME": running["admin_user"], "PASSWORD": running["admin_password"]}
    session = post("/session/v1/login-request", {"data": login})["token"]
    rows: Any = None
    for statement in (
        "create role scim_provisioner",
        "grant create user on account to role scim_provisioner",
        "grant create role on account to role scim_provisioner",
        "grant role scim_provisioner to role accountadmin",
        "create security integration standard type = scim scim_client = 'generic' run_as_role = 'SCIM_PROVISIONER'",
        "select system$generate_scim_access_token('STANDARD')",
    ):
        rows = post("/queries/v1/query-request", {"sqlText": statement}, session)["rowset"]
    return rows[0][0]


if __name__ == "__main__":
    main()
