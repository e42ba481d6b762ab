"""snowflake-connector-python against an account: the guide's statements, errors, and what else the connector can do."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

import snowflake.connector
from checks import Checks, judge_now
from guide import ERRORS, HISTORY_COLUMNS, PREPARED, SCRIPT, STATEMENTS, STATUS, TOKEN
from snowflake.connector.errors import DatabaseError, ProgrammingError

ACCOUNT: dict[str, Any] = json.loads(os.environ["OKTANT_ACCOUNT"])


def connect(**options: Any) -> Any:
    """A connection of the administrator, unless the options name another user."""
    keys = {key: ACCOUNT[key] for key in ("account", "host", "port", "user", "password")}
    return snowflake.connector.connect(**{**keys, "protocol": "http", "login_timeout": 20, **options})


def scim(method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """A request to the account's SCIM interface."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json", "Accept": "application/scim+json"}
    request = urllib.request.Request(ACCOUNT["scim_url"] + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            content = response.read()
            return response.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def one_by_one(checks: Checks) -> str:
    """Each statement by itself; gives the token."""
    token = ""
    with connect() as connection, connection.cursor() as cursor:
        for place, statement in enumerate(STATEMENTS):
            rows = cursor.execute(statement + ";").fetchall()
            names = [column[0] for column in cursor.description]
            if place == TOKEN:
                token = rows[0][0]
                checks.equal("the token's column is named like the call", names, [STATEMENTS[TOKEN].split(" ", 1)[1].upper()])
                checks.check("the token is a text", isinstance(token, str) and len(token) > 20, rows)
            elif "rest_event_history" in statement:
                checks.equal("the history has its columns", names, HISTORY_COLUMNS)
            else:
                checks.equal(f"a status answers: {statement}", (names, len(rows)), (["status"], 1))
            if place in STATUS:
                checks.equal(f"the status of: {statement}", rows[0][0], STATUS[place])
        checks.equal("USE is told to the client", (connection.role, connection.database, connection.schema),
                     ("ACCOUNTADMIN", "DEMO_DB", "INFORMATION_SCHEMA"))
    return token


def as_script(checks: Checks) -> None:
    """All statements in one text, cut by the client and cut by the server."""
    with connect() as connection:
        cursors = list(connection.execute_string(SCRIPT))
        checks.equal("execute_string runs every statement", len(cursors), len(STATEMENTS))
        with connection.cursor() as cursor:
            cursor.execute(SCRIPT, num_statements=len(STATEMENTS))
            seen = [cursor.fetchall()]
            while cursor.nextset():
                seen.append(cursor.fetchall())
            checks.equal("one request runs every statement", len(seen), len(STATEMENTS))
            checks.equal("and each has its own answer", seen[0], [("Statement executed successfully.",)])
            try:
                cursor.execute(SCRIPT)
                checks.check("several statements need a count", False)
            except ProgrammingError as error:
                checks.equal("several statements need a count", error.errno, 8)


def errors(checks: Checks) -> None:
    """Numbers, states and texts of errors."""
    with connect() as connection, connection.cursor() as cursor:
        for statement in PREPARED:
            cursor.execute(statement)
        for what, statement, number, state, message in ERRORS:
            try:
                cursor.execute(statement)
                checks.check(f"refused: {what}", False, cursor.fetchall())
            except ProgrammingError as error:
                checks.equal(f"refused: {what}", (error.errno, error.sqlstate), (number, state))
                checks.check(f"and says so: {what}", message in " ".join(str(error).split()), str(error))
    try:
        connect(password="not this one").close()
        checks.check("a wrong password is refused", False)
    except DatabaseError as error:
        checks.equal("a wrong password is refused", (error.errno, error.sqlstate), (390100, "28000"))
        checks.check("and says so", "Incorrect username or password" in str(error), str(error))


def other_ways(checks: Checks) -> None:
    """Asynchronous statements, descriptions, bound values and the org's tables."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute_async("select current_role(), current_user()")
        query = cursor.sfqid
        deadline = time.monotonic() + 20
        while connection.is_still_running(connection.get_query_status(query)) and time.monotonic() < deadline:
            time.sleep(0.1)
        cursor.get_results_from_sfqid(query)
        checks.equal("an asynchronous statement is answered", cursor.fetchall(), [("ACCOUNTADMIN", ACCOUNT["user"].upper())])
        described = cursor.describe("select Id, Status, Created from okta.public.Users")
        checks.equal("a description names the columns", [column.name for column in described], ["Id", "Status", "Created"])
        tables(checks, cursor)
        cursor.execute("select Id, Status, Created from okta.public.Users order by Id limit 3")
        rows = cursor.fetchall()
        checks.equal("the org's tables are read", len(rows), 3)
        checks.check("times are times", hasattr(rows[0][2], "year"), rows[0])
        cursor.execute("select count(*) from okta.public.Users where Status = %s", ("ACTIVE",))
        counted = cursor.fetchone()[0]
        checks.check("counts are numbers", isinstance(counted, int) and counted > 0, counted)
        cursor.execute("show users")
        checks.check("users are shown", "SOME_USER" in [row[0] for row in cursor.fetchall()])
    with connect(paramstyle="qmark") as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from okta.public.Users where Status = ? and Id <> ?", ("ACTIVE", "nobody"))
        checks.equal("values are bound on the server", cursor.fetchone()[0], counted)


def tables(checks: Checks, cursor: Any) -> None:
    """What tables there are and what columns they have, in the words that clients know."""
    def told(statement: str, *names: str) -> list[tuple[Any, ...]]:
        rows = cursor.execute(statement).fetchall()
        places = [[column.name for column in cursor.description].index(name) for name in names]
        return [tuple(row[place] for place in places) for row in rows]

    answered = [column.name for column in cursor.describe("select * from okta.public.Users")]
    described = told("desc table okta.public.users", "name", "type", "null?", "primary key")
    checks.equal("DESC TABLE has the columns of a query", [row[0] for row in described], answered)
    checks.equal("and their types", described[0], ("Id", "VARCHAR(16777216)", "N", "Y"))
    checks.equal("SHOW COLUMNS has them, too", [row[0] for row in told("show columns in table okta.public.users", "column_name")], answered)
    checks.equal("SHOW TABLES finds a table", told("show tables like 'users' in schema okta.public", "name", "kind"), [("USERS", "TABLE")])
    statement = "select column_name from okta.information_schema.columns where table_name = 'USERS' order by ordinal_position"
    checks.equal("and so does the information schema", [row[0] for row in told(statement, "COLUMN_NAME")], answered)


def disabled(checks: Checks, token: str) -> None:
    """A disabled integration lets nobody in, and all its tokens when it is enabled again."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("alter security integration okta_provisioning set enabled = false")
        status, answer = scim("GET", "/Users?count=1", token)
        checks.check("a token of a disabled integration is refused", status == 401 and "is disabled" in answer["detail"], (status, answer))
        cursor.execute("show integrations")
        shown = [row[3] for row in cursor.fetchall() if row[0] == "OKTA_PROVISIONING"]
        checks.equal("a disabled integration is shown as such", shown, ["false"])
        cursor.execute("alter security integration okta_provisioning set enabled = true")
    checks.equal("and taken when it is enabled again", scim("GET", "/Users?count=1", token)[0], 200)


def provisioned(checks: Checks, token: str) -> None:
    """A user that arrives over SCIM signs in, reads what it may, and is gone within a second after deactivation."""
    name, password = f"ann.{os.getpid()}@example.com", "Compil3r-1952-xyz"
    user = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "name": {"givenName": "Ann", "familyName": "Example"},
        "emails": [{"value": name, "primary": True, "type": "work"}],
        "displayName": "Ann Example",
        "password": password,
        "active": True,
    }
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("alter security integration okta_provisioning set sync_password = true")
    status, created = scim("POST", "/Users", token, user)
    checks.equal("the token of the last statement works at /scim/v2", status, 201)
    if status != 201:
        return
    checks.check("a password is never answered", password not in json.dumps(created), created)
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("use database demo_db")
        cursor.execute("select method, endpoint, status from table(information_schema.rest_event_history('scim')) "
                       "order by event_timestamp")
        history = cursor.fetchall()
        checks.check("the history shows the request", ("POST", "201") in [(row[0], row[2]) for row in history], history)
    with connect(user=name, password=password) as theirs, theirs.cursor() as cursor:
        try:
            cursor.execute("select Id from okta.public.Users limit 1")
            checks.check("without a grant the tables stay shut", False, cursor.fetchall())
        except ProgrammingError as error:
            checks.check("without a grant the tables stay shut", error.errno in (2003, 3001, 100183), str(error))
        with connect() as connection, connection.cursor() as admin:
            admin.execute("grant select on table okta.public.users to role public")
            checks.equal("a grant opens them", len(cursor.execute("select Id from okta.public.Users limit 1").fetchall()), 1)
            admin.execute("revoke select on table okta.public.users from role public")
        deactivate = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{"op": "replace", "value": {"active": False}}]}
        status, _ = scim("PATCH", f"/Users/{created['id']}", token, deactivate)
        checks.check("the user is deactivated", status in (200, 204), status)
        ended = time.monotonic()
        while time.monotonic() - ended < 5:
            try:
                cursor.execute("select 1")
            except DatabaseError:
                break
            time.sleep(0.05)
        took = time.monotonic() - ended
        checks.check("the session ends within a second", took < 1, took)
    try:
        connect(user=name, password=password).close()
        checks.check("and nobody signs in any more", False)
    except DatabaseError as error:
        checks.equal("and nobody signs in any more", error.errno, 390100)


def judgement(checks: Checks) -> None:
    """Everything, in an order that leaves a token that works."""
    as_script(checks)
    errors(checks)
    other_ways(checks)
    token = one_by_one(checks)
    disabled(checks, token)
    provisioned(checks, token)


if __name__ == "__main__":
    judge_now(f"connector {snowflake.connector.__version__}", judgement)
