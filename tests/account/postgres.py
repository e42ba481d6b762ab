"""psql, psycopg and SQLAlchemy sign in as a user that arrived over SCIM and read what its roles allow."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.request
from typing import Any

import psycopg
import sqlalchemy
from checks import Checks, judge_now

ACCOUNT: dict[str, Any] = json.loads(os.environ["OKTANT_ACCOUNT"])
SERVER: dict[str, Any] = json.loads(os.environ["OKTANT_POSTGRES"])
USER, PASSWORD = f"pat.{os.getpid()}@example.com", "Compil3r-1952-xyz"
PLACE = {"host": SERVER["host"], "port": SERVER["port"], "dbname": "okta"}


def snowflake(*statements: str) -> None:
    """Runs statements as the administrator, over the client protocol by hand."""
    base = f"http://{ACCOUNT['host']}:{ACCOUNT['port']}"

    def post(path: str, body: Any, token: str = "None") -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f'Snowflake Token="{token}"'}
        with urllib.request.urlopen(urllib.request.Request(base + path, json.dumps(body).encode(), headers), timeout=30) as answer:
            return json.load(answer)

    login = {"ACCOUNT_NAME": ACCOUNT["account"], "LOGIN_NAME": ACCOUNT["user"], "PASSWORD": ACCOUNT["password"]}
    token = post("/session/v1/login-request", {"data": login})["data"]["token"]
    for statement in statements:
        answer = post("/queries/v1/query-request", {"sqlText": statement}, token)
        if not answer["success"]:
            raise RuntimeError(answer["message"])


def scim(method: str, path: str, body: Any) -> Any:
    """A request to the account's SCIM interface."""
    headers = {"Authorization": f"Bearer {ACCOUNT['scim_token']}", "Content-Type": "application/scim+json"}
    request = urllib.request.Request(ACCOUNT["scim_url"] + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        content = answer.read()
        return json.loads(content) if content else None


def psql(*arguments: str, password: str = PASSWORD, user: str = USER) -> subprocess.CompletedProcess[str]:
    """Runs psql without a configuration of its own."""
    place = ["-h", str(PLACE["host"]), "-p", str(PLACE["port"]), "-U", user, "-d", str(PLACE["dbname"])]
    environment = {**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "20"}
    command = ["psql", "-X", "-v", "VERBOSITY=verbose", *place, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def by_psql(checks: Checks) -> None:
    """psql: rows, errors, and its questions about tables."""
    ran = psql("-At", "-c", "SELECT Status, count(*) FROM Users GROUP BY Status ORDER BY Status")
    checks.check("psql reads rows", ran.returncode == 0 and "ACTIVE|" in ran.stdout, ran.stdout + ran.stderr)
    ran = psql("-At", "-c", "SELECT 1; SELECT 2")
    checks.equal("psql runs two statements", ran.stdout.split(), ["1", "2"])
    ran = psql("-At", "-c", "SELECT Id FROM Grups")
    checks.check("an unknown table has its SQLSTATE, code and hint",
                 "42P01" in ran.stderr and "OKT3002" in ran.stderr and "HINT:  did you mean Groups" in ran.stderr, ran.stderr)
    ran = psql("-At", "-c", "SELECT Id FROM GroupRules")
    checks.check("a table without a grant is refused with a hint",
                 "42501" in ran.stderr and "OKT3014" in ran.stderr and "GRANT SELECT" in ran.stderr, ran.stderr)
    ran = psql("-At", "-c", "\\dt")
    checks.equal(r"\dt lists what may be read", sorted(line.split("|")[1] for line in ran.stdout.split()), ["Groups", "Users"])
    ran = psql("-c", "\\d Users")
    checks.check(r"\d shows the columns", " Id " in ran.stdout and "timestamp with time zone" in ran.stdout, ran.stdout + ran.stderr)
    ran = psql("-c", "SELECT 1", password="not this one")
    checks.check("a wrong password is refused", ran.returncode != 0 and "password authentication failed" in ran.stderr, ran.stderr)
    unknown = psql("-c", "SELECT 1", user="nobody@example.com")
    checks.equal("and so is an unknown user, in the same words", unknown.stderr.replace("nobody@example.com", USER), ran.stderr)


def by_psycopg(checks: Checks) -> None:
    """psycopg 3: parameters, types, prepared statements, transactions, cancelling."""
    with psycopg.connect(user=USER, password=PASSWORD, **PLACE) as connection:
        cursor = connection.execute("SELECT Id, Created FROM Users WHERE Status = %s ORDER BY Id LIMIT %s", ("ACTIVE", 3))
        rows = cursor.fetchall()
        checks.equal("parameters are bound", len(rows), 3)
        checks.equal("columns have names and types", [(c.name, c.type_code) for c in cursor.description], [("Id", 25), ("Created", 1184)])
        checks.check("times are times", hasattr(rows[0][1], "tzinfo"), rows[0])
        found = [connection.execute("SELECT Id FROM Users WHERE Id = %s", (row[0],), prepare=True).fetchall() for row in rows]
        checks.equal("a prepared statement runs again", found, [[(row[0],)] for row in rows])
        with connection.cursor(binary=True) as binary:
            counted = binary.execute("SELECT count(*), true, 1.5::double FROM Users").fetchone()
            checks.check("binary answers are read", counted is not None and counted[1:] == (True, 1.5) and counted[0] > 0, counted)
        connection.commit()
        try:
            connection.execute("DELETE FROM Users")
            checks.check("writes are refused", False)
        except psycopg.errors.ReadOnlySqlTransaction as error:
            checks.check("writes are refused", "OKT3009" in str(error.diag.message_detail), error.diag.message_detail)
        connection.rollback()


def by_sqlalchemy(checks: Checks) -> None:
    """SQLAlchemy's own dialect for PostgreSQL."""
    url = sqlalchemy.URL.create("postgresql+psycopg", USER, PASSWORD, PLACE["host"], PLACE["port"], PLACE["dbname"])
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        statement = sqlalchemy.text("SELECT Status, count(*) AS n FROM Users WHERE Status <> :status GROUP BY Status")
        rows = connection.execute(statement, {"status": "DEPROVISIONED"}).mappings().all()
        checks.check("SQLAlchemy reads rows", any(row["Status"] == "ACTIVE" and row["n"] > 0 for row in rows), rows)
    engine.dispose()


def session_ends(checks: Checks, user_id: str) -> None:
    """A deactivated user's open connection is of no use within a second."""
    connection = psycopg.connect(user=USER, password=PASSWORD, autocommit=True, **PLACE)
    connection.execute("SELECT 1")
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "value": {"active": False}}]}
    scim("PATCH", f"/Users/{user_id}", patch)
    began = time.monotonic()
    state = None
    while time.monotonic() - began < 5 and state is None:
        try:
            connection.execute("SELECT 1")
            time.sleep(0.05)
        except psycopg.Error as error:
            state = error.sqlstate
    checks.equal("the session ends as an administrator's command would", state, "57P01")
    checks.check("within a second", time.monotonic() - began < 1, time.monotonic() - began)
    checks.check("and nobody signs in any more", psql("-c", "SELECT 1").returncode != 0)


def cancelling(checks: Checks) -> None:
    """A cancelled statement ends; the connection stays."""
    with psycopg.connect(user=USER, password=PASSWORD, autocommit=True, **PLACE) as connection:
        threading.Timer(0.3, connection.cancel).start()
        try:
            connection.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b")
            checks.check("a statement can be cancelled", False)
        except psycopg.errors.QueryCanceled:
            checks.check("a statement can be cancelled", True)
        except psycopg.Error as error:
            checks.check("a statement can be cancelled", False, (error.sqlstate, str(error)))
        checks.equal("the connection is good for the next", connection.execute("SELECT 1").fetchone(), (1,))


def judgement(checks: Checks) -> None:
    """From arrival to deactivation."""
    names = {"givenName": "Pat", "familyName": "Example"}
    emails = [{"value": USER, "primary": True, "type": "work"}]
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    snowflake("alter security integration okta_provisioning set sync_password = true")
    user = scim("POST", "/Users", {"schemas": schemas, "userName": USER, "name": names, "emails": emails, "displayName": "Pat",
                                   "password": PASSWORD, "active": True})
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": f"READERS_{os.getpid()}",
             "members": [{"value": user["id"]}]}
    scim("POST", "/Groups", group)
    role = f'"{group["displayName"]}"'
    snowflake(f"grant select on table okta.public.users to role {role}", f"grant select on table okta.public.groups to role {role}")
    by_psql(checks)
    by_psycopg(checks)
    by_sqlalchemy(checks)
    cancelling(checks)
    session_ends(checks, user["id"])


if __name__ == "__main__":
    judge_now("PostgreSQL clients", judgement)
