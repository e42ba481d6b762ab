"""A day in the life of a provisioned account: 1,000 users and 50 groups arrive, change names, go and come back.

An org, an account and `oktant provision watch` between them run as programs of their own. One of the users signs in
through psql and the Snowflake connector, and is out when Okta deactivates them. In the end no secret stands anywhere.
OKTANT_DAY_USERS and OKTANT_DAY_GROUPS make it another size.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import snowflake.connector
from checks import Checks, judge_now
from guide import STATEMENTS, TOKEN
from snowflake.connector.errors import DatabaseError
from stage import Stage, at_once, listed, stage, until

USERS = int(os.environ.get("OKTANT_DAY_USERS", "1000"))
GROUPS = int(os.environ.get("OKTANT_DAY_GROUPS", "50"))
PATIENCE = 300 + USERS / 5
"""Seconds in which a change of everything has to arrive, on a machine that has much else to do."""

ONE = 7 % USERS
"""The user who signs in."""
PASSWORD, WRONG, IN_OKTA = "Canary-of-the-day-5d1c", "Canary-that-is-wrong-90b2", "Canary-in-okta-77c3"
HAS_PASSWORD = 24
"""Place of `has_password` in the rows of SHOW USERS."""
PRESUMED = [
    "create database demo_db",
    "create user some_user",
    "create network policy some_policy allowed_ip_list = ('0.0.0.0/0')",
]
"""What the guide takes for granted in an account."""


class People:
    """The org's users and groups, and what the account should have of them."""

    def __init__(self, checks: Checks, on: Stage) -> None:
        self.checks, self.stage, self.org = checks, on, on.org
        self.logins = [f"user{number}@acme.example" for number in range(USERS)]
        self.last_names = [f"Number{number}" for number in range(USERS)]
        self.active = [True] * USERS
        self.names = [f"Team {number}" for number in range(GROUPS)]
        self.pushed = self.names
        """Names of the groups at the account: those of the org, but while the push is paused."""
        self.ids: list[str] = []
        self.group_ids: list[str] = []
        self.mappings: list[str] = []
        self.app = ""

    def groups_of(self, number: int) -> set[int]:
        """The groups of a user."""
        return {number % GROUPS, (number * 7 + 1) % GROUPS}

    def arrive(self, what: str) -> None:
        """Waits until the account has what the org has, and says how long that took."""
        users = {login: (active, f"Ada {name}") for login, active, name in zip(self.logins, self.active, self.last_names)}
        members: dict[str, set[str]] = {name: set() for name in self.pushed}
        for number in filter(self.active.__getitem__, range(USERS)):
            for group in self.groups_of(number):
                members[self.pushed[group]].add(self.logins[number])
        seen: dict[str, Any] = {}

        def holds() -> bool:
            found = {user["id"]: user for user in listed(self.stage.scim, "Users") if user["userName"] != "SOME_USER"}
            seen["users"] = {user["userName"]: (user["active"], user["displayName"]) for user in found.values()}
            if seen["users"] != users:
                return False
            groups = listed(self.stage.scim, "Groups")
            seen["groups"] = {group["displayName"]: {found[it["value"]]["userName"] for it in group.get("members", [])} for group in groups}
            return seen["groups"] == members

        took = until(holds, PATIENCE)
        self.checks.check(what, took is not None, {kind: str(value)[:300] for kind, value in seen.items()})
        if took is not None:
            print(f"      there {took:.1f} s after the last change in the org")

    def create(self) -> None:
        """An application."""
        app = {"label": "Snowflake", "signOnMode": "BOOKMARK", "settings": {"app": {"url": "https://x.example"}}}
        self.app = self.org("POST", "/api/v1/apps", app)["id"]

    def populate(self) -> None:
        """Groups that are pushed and assigned, and people in them."""
        self.group_ids = at_once(lambda name: self.org("POST", "/api/v1/groups", {"profile": {"name": name}})["id"], self.names)
        at_once(lambda group: self.org("PUT", f"/api/v1/apps/{self.app}/groups/{group}", {}), self.group_ids)

        def push(number: int) -> str:
            mapping = {"sourceGroupId": self.group_ids[number], "targetGroupName": self.names[number]}
            return self.org("POST", f"/api/v1/apps/{self.app}/group-push/mappings", mapping)["id"]

        def hire(number: int) -> str:
            login = self.logins[number]
            profile = {"login": login, "email": login, "firstName": "Ada", "lastName": self.last_names[number]}
            body = {"profile": profile, "groupIds": [self.group_ids[group] for group in self.groups_of(number)]}
            if number == ONE:
                body["credentials"] = {"password": {"value": IN_OKTA}}
            return self.org("POST", "/api/v1/users?activate=true", body)["id"]

        self.mappings = at_once(push, range(GROUPS))
        self.ids = at_once(hire, range(USERS))

    def rename(self) -> None:
        """Another login and name for everyone, another name for every group."""
        self.logins = [f"renamed{number}@acme.example" for number in range(USERS)]
        self.last_names = [f"Renamed{number}" for number in range(USERS)]
        self.names = [f"Crew {number}" for number in range(GROUPS)]

        def marry(number: int) -> None:
            profile = {"login": self.logins[number], "lastName": self.last_names[number]}
            self.org("POST", f"/api/v1/users/{self.ids[number]}", {"profile": profile})

        at_once(marry, range(USERS))
        at_once(lambda number: self.org("PUT", f"/api/v1/groups/{self.group_ids[number]}", {"profile": {"name": self.names[number]}}), range(GROUPS))

    def push_groups(self, status: str) -> None:
        """Pauses the push of every group, or takes it up again."""
        self.pushed = self.names
        at_once(lambda mapping: self.org("PATCH", f"/api/v1/apps/{self.app}/group-push/mappings/{mapping}", {"status": status}), self.mappings)

    def deactivate(self, who: list[int]) -> None:
        """Out of the org, their groups and the application."""
        at_once(lambda number: self.org("POST", f"/api/v1/users/{self.ids[number]}/lifecycle/deactivate"), who)
        for number in who:
            self.active[number] = False

    def reactivate(self, who: list[int]) -> None:
        """Back, and in their groups again."""

        def back(number: int) -> None:
            self.org("POST", f"/api/v1/users/{self.ids[number]}/lifecycle/activate?sendEmail=false")
            for group in self.groups_of(number):
                self.org("PUT", f"/api/v1/groups/{self.group_ids[group]}/users/{self.ids[number]}")

        at_once(back, who)
        for number in who:
            self.active[number] = True


class Doors:
    """The account's doors for people."""

    def __init__(self, on: Stage) -> None:
        self.line = on.account_line
        self.answers: list[bytes] = []

    def connect(self, user: str, password: str) -> Any:
        """A connection of Snowflake's connector."""
        host, port = self.line["url"].removeprefix("http://").split(":")
        place = {"account": self.line["account"], "host": host, "port": int(port), "protocol": "http"}
        return snowflake.connector.connect(user=user, password=password, login_timeout=20, **place)

    def admin(self, *statements: str) -> list[Any]:
        """The rows of the last of some statements of the administrator."""
        rows: list[Any] = []
        with self.connect(self.line["admin_user"], self.line["admin_password"]) as connection, connection.cursor() as cursor:
            for statement in statements:
                rows = cursor.execute(statement).fetchall()
                if "generate_scim" not in statement:
                    self.answers.append(repr(rows).encode())
        return rows

    def psql(self, user: str, password: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """psql, started."""
        place = self.line["postgres"]
        command = ["psql", "-X", "-At", "-v", "VERBOSITY=verbose", "-h", place["host"], "-p", str(place["port"]), "-U", user, "-d", "okta"]
        environment = {**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "20"}
        return subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def psql_says(self, user: str, password: str, sql: str) -> tuple[int, str]:
        """Exit code and output of psql for one statement."""
        out, errors = (process := self.psql(user, password, "-c", sql)).communicate(timeout=60)
        self.answers.append((out + errors).encode())
        return process.returncode, out + errors


def morning(checks: Checks, people: People, doors: Doors) -> None:
    """The guide's statements, and a provisioning with the token that they give."""
    doors.admin(*PRESUMED)
    doors.admin(*STATEMENTS[:TOKEN])
    token = doors.admin(STATEMENTS[TOKEN])[0][0]
    doors.admin(*STATEMENTS[TOKEN + 1:], "alter security integration okta_provisioning set sync_password = true")
    people.create()
    people.stage.configure(people.app, token)
    code, text = people.stage.provision("check")
    checks.check("the token of the guide's statements is good for provisioning", code == 0, text[-500:])


def password(checks: Checks, people: People, doors: Doors) -> None:
    """A user has none until it is asked for; then it opens both doors, as far as a role's grants go."""
    login, team = people.logins[ONE], people.names[ONE % GROUPS]
    has_password = lambda: [row[HAS_PASSWORD] for row in doors.admin(f"show users like '{login}'")]  # noqa: E731
    checks.equal("a user arrives without a password", has_password(), ["false"])
    checks.check("without a password nobody signs in", doors.psql_says(login, PASSWORD, "SELECT 1")[0] != 0)
    code, text = people.stage.provision("apply", "--yes", "--set-password", login, given=PASSWORD + "\n")
    checks.check("a password on request is applied", code == 0, text[-500:])
    checks.equal("and arrives", has_password(), ["true"])
    doors.admin(f'grant select on table okta.public.users to role "{team}"')
    checks.check("a wrong password is refused", doors.psql_says(login, WRONG, "SELECT 1")[0] != 0)


def sign_in(checks: Checks, people: People, doors: Doors) -> None:
    """The user reads what the group's role allows, through both doors."""
    login = people.logins[ONE]
    counted = (0, f"{USERS + 1}\n")
    checks.equal("psql: the user reads the table of the group's role", doors.psql_says(login, PASSWORD, "SELECT count(*) FROM Users"), counted)
    code, text = doors.psql_says(login, PASSWORD, "SELECT count(*) FROM Groups")
    checks.check("psql: and no other", code != 0 and "42501" in text, text)
    with doors.connect(login, PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from okta.public.users")
        checks.equal("connector: the user reads the table of the group's role", cursor.fetchone()[0], USERS + 1)


def out_in_a_second(checks: Checks, people: People, doors: Doors) -> None:
    """Sessions of a user whom Okta deactivates, from the change in Okta to their end."""
    login = people.logins[ONE]
    ended: dict[str, float] = {}
    told: dict[str, str] = {}
    idle = doors.psql(login, PASSWORD, stdin=subprocess.PIPE)
    busy = doors.psql(login, PASSWORD, "-c", "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b")
    connection = doors.connect(login, PASSWORD)

    def ask_psql() -> None:
        assert idle.stdin is not None and idle.stdout is not None
        said = "1\n"
        while said == "1\n":
            time.sleep(0.02)
            # psql outlives the connection until it asks once more: the echo comes either way.
            idle.stdin.write("SELECT 1;\n\\echo over\n")
            idle.stdin.flush()
            said = "".join(iter(idle.stdout.readline, "over\n"))
        ended["psql"] = time.time()
        told["psql"] = idle.communicate(timeout=20)[1]

    def ask_connector() -> None:
        with connection.cursor() as cursor:
            try:
                while True:
                    cursor.execute("select 1").fetchall()
                    time.sleep(0.02)
            except DatabaseError as error:
                ended["connector"], told["connector"] = time.time(), str(error)

    def wait_for_busy() -> None:
        told["running statement"] = busy.communicate(timeout=PATIENCE)[1]
        ended["running statement"] = time.time()

    threads = [threading.Thread(target=work, daemon=True) for work in (ask_psql, ask_connector, wait_for_busy)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    checks.equal("the sessions are at work", ended, {})
    people.deactivate([ONE])
    deactivated = time.time()
    for thread in threads:
        thread.join(PATIENCE)
    arrived = arrival(doors, login)
    checks.check("the deactivation is in the account's history", arrived is not None, doors.answers[-1])
    for what in ("psql", "connector", "running statement"):
        took = ended.get(what, float("inf")) - (arrived or 0)
        checks.check(f"{what}: the session ends within a second of the arrival", took < 1, (took, told.get(what)))
        print(f"      {what}: {took * 1000:.0f} ms after the arrival; {told.get(what, '').strip().splitlines()[:1]}")
    doors.answers += [text.encode() for text in told.values()]
    if arrived:
        print(f"      the way from Okta to the account: {arrived - deactivated:.2f} s")
    checks.check("psql: and nobody signs in any more", doors.psql_says(login, PASSWORD, "SELECT 1")[0] != 0)
    try:
        doors.connect(login, PASSWORD).close()
        checks.check("connector: and nobody signs in any more", False)
    except DatabaseError as error:
        checks.equal("connector: and nobody signs in any more", error.errno, 390100)


def arrival(doors: Doors, login: str) -> float | None:
    """When the last change of a user arrived over SCIM, by the account's own history."""
    history = "select event_timestamp, method, status, resource_name from table(rest_event_history('scim'))"
    rows = doors.admin("use database demo_db", "use schema information_schema", history)
    times = [row[0].timestamp() for row in rows if row[1] == "PATCH" and row[2] == "200" and str(row[3]).upper() == login.upper()]
    return max(times, default=None)


def evening(checks: Checks, people: People, watching: Callable[[], list[dict[str, Any]]]) -> None:
    """Everyone is deactivated at once, which no watch carries out by itself."""
    people.deactivate([number for number in range(USERS) if people.active[number]])
    stopped = until(lambda: any("error" in round for round in watching()), PATIENCE)
    checks.check("a watch stops before it deactivates everyone", stopped is not None, watching()[-3:])


def canaries(checks: Checks, people: People, doors: Doors) -> None:
    """Passwords and tokens stand nowhere: not in answers, logs, run logs, nor files."""
    on = people.stage
    on.scim.ask("POST", "/Users", {"userName": people.logins[0], "password": PASSWORD})
    on.scim.ask("GET", f"/Users?filter=password%20eq%20%22{PASSWORD}%22")
    doors.admin("use database demo_db", "use schema information_schema", "select * from table(rest_event_history('scim', result_limit => 10000))")
    doors.admin("show users", "desc user some_user", "show integrations", "desc security integration okta_provisioning")
    code, runs = on.provision("log", "--run", "0", "--output", "json")
    checks.equal("the runs are listed", code, 0)
    for run in range(1, runs.count('"run"') + 1):
        on.provision("log", "--run", str(run), "--output", "json")
    on.provision("plan", "--output", "json")
    on.provision("drift")
    on.provision("explain", people.logins[ONE])
    places = {"an answer of SCIM": on.scim.answers, "an answer of the org": on.org.answers, "rows and errors": doors.answers,
              "the provisioner's output": on.said}
    files = {str(path.relative_to(on.folder)): [path.read_bytes()] for path in on.folder.rglob("*") if path.is_file()}
    checks.check("there are logs and databases to look into", {"org.log", "account.log", "provision.log", "account.db", "provision.db"} <= set(files), sorted(files))
    secrets = {
        "the user's password": PASSWORD, "a wrong password": WRONG, "the password in Okta": IN_OKTA,
        "the administrator's password": on.account_line["admin_password"], "the SCIM token": on.token,
        "the org's token": on.org_line["api_token"], "the org's client secret": on.org_line["client_secret"],
    }
    size = 0
    for place, contents in {**places, **files}.items():
        size += sum(map(len, contents))
        found = [name for name, secret in secrets.items() if any(secret.encode() in content for content in contents)]
        checks.equal(f"no secret stands in {place}", found, [])
    print(f"      {size / 1e6:.1f} MB were searched")


def judgement(checks: Checks) -> None:
    """From morning to night."""
    began = time.monotonic()

    def clock(what: str) -> None:
        print(f"  {time.monotonic() - began:6.1f} s  {what}", flush=True)

    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as on:
        people, doors = People(checks, on), Doors(on)
        everyone = list(range(USERS))
        clock("the guide")
        morning(checks, people, doors)
        with on.watch():
            clock(f"{USERS} users and {GROUPS} groups are made")
            people.populate()
            people.arrive("everyone arrives")
        clock("a password on request")
        password(checks, people, doors)
        with on.watch():
            sign_in(checks, people, doors)
            clock("the push of groups is paused, and everyone is renamed")
            people.push_groups("INACTIVE")
            people.rename()
            people.arrive("new names of users arrive, and none of groups")
            people.push_groups("ACTIVE")
            people.arrive("and those of groups when they are pushed again")
            clock("a user is deactivated")
            out_in_a_second(checks, people, doors)
            people.reactivate([ONE])
            people.arrive("the user is back")
            sign_in(checks, people, doors)
        clock("everyone is deactivated")
        with on.watch() as rounds:
            evening(checks, people, rounds)
        code, text = on.provision("apply", "--yes", "--force")
        checks.check("whoever means it says so", code == 0, text[-500:])
        people.arrive("everyone is out")
        with on.watch():
            clock("everyone is reactivated")
            people.reactivate(everyone)
            people.arrive("everyone is back")
        code, text = on.provision("plan")
        checks.check("nothing is left to do", code == 0, text[-500:])
        clock("secrets are looked for")
        canaries(checks, people, doors)
        clock("the day ends")


if __name__ == "__main__":
    judge_now("a day", judgement)
