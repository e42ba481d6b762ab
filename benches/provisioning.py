"""Provisioning into the account: the whole run against its requests alone, and the plan of a large org."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from measure import Contender, Run, run_once, table
from servers import Served, on_sqlite
from workbench import fail, sandbox, say

# The sandbox's population has people who are staged, suspended or gone: this many users make 10,000 who are provisioned.
ORG_USERS = int(os.environ.get("OKTANT_BENCH_PROVISION_USERS", "11200"))
ORG_GROUPS = 100
PLAN_USERS = int(os.environ.get("OKTANT_BENCH_PLAN_USERS", "100000"))
PLAN_GROUPS = 2_000
IN_FLIGHT = (16, 64, 256)
ROUNDS = 5
TOKEN = "OKTANT_BENCH_SCIM_TOKEN"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def report(folder: Path) -> list[str]:
    """Measure with the programs in ``folder``; give the section of the report."""
    return [*applying(folder), *planning(folder / "oktant")]


def applying(folder: Path) -> list[str]:
    """Whole applies, and the same requests by a program that does nothing else, in turns; the medians count."""
    rounds = [Round(folder) for _ in range(ROUNDS)]
    middle = lambda seconds: statistics.median(map(seconds, rounds))  # noqa: E731
    applied, read = middle(lambda one: one.applied.seconds), middle(lambda one: one.read)
    alone = {number: middle(lambda one, number=number: one.alone[number]) for number in IN_FLIGHT}
    in_flight, written = min(alone.items(), key=lambda item: item[1])
    ideal, last = read + written, rounds[-1]
    memory = max(one.applied.memory for one in rounds)
    rows = [
        ["`oktant provision apply`, from start to end", f"{applied:.2f}", f"{applied / ideal:.2f}", f"{memory / 2**20:.0f} MiB"],
        ["the ideal: its requests alone", f"{ideal:.2f}", "1.00", ""],
        ["of that: the org's lists", f"{read:.2f}", f"{read / ideal:.2f}", ""],
        *([f"of that: its {last.writes:,} writes, {number} in flight", f"{seconds:.2f}", f"{seconds / ideal:.2f}", ""] for number, seconds in alone.items()),
    ]
    return [
        "## Provisioning into the account", "",
        f"{last.kept[0]:,} users and {last.kept[1]} groups from a sandbox org into an empty `oktant serve` on SQLite with its limit of 500 requests in",
        "flight. The run reads both sides, plans, writes and keeps its journal; org, account and provisioner share the cores. The",
        "ideal is what its requests take if a program that keeps nothing sends them: first the org's lists (the application's",
        "assignments, the groups, the members of each), read and thrown away, then the writes, taken from the journal and written out",
        "beforehand, to an empty account: users, then groups, then members, of which the run sends the first while users are made. The",
        f"best is that with {in_flight} in flight. Each time is the median of {ROUNDS} rounds of both; reading is the best of three in each.",
        "Afterwards the account has every user and every group, and a second plan, which reads all of them back, finds nothing to do.",
        f"{last.requests:,} requests were sent, none was refused.",
        "", *table(("", "seconds", "times the ideal", "peak memory"), rows), "",
    ]


class Round:
    """One apply from a new org to a new account, then its requests alone."""

    def __init__(self, folder: Path) -> None:
        program = folder / "oktant"
        say(f"Provisioning {ORG_USERS:,} users and {ORG_GROUPS} groups")
        with tempfile.TemporaryDirectory() as home:
            state, requests = Path(home) / "provision.db", Path(home) / "requests"
            with sandbox(program, "--users", str(ORG_USERS), "--groups", str(ORG_GROUPS)) as org, on_sqlite(program) as served:
                provision = Provision(program, Path(home), org, served)
                os.sync()  # Nobody writes what another one has left behind.
                self.applied = provision.run("apply", "--yes")
                print(f"    {self.applied}", flush=True)
                again = provision.run("plan")
                self.kept = total(served, "Users"), total(served, "Groups")
                self.read = min(provision.read_alone(folder, in_flight) for in_flight in (1, 2, 4))
            self.writes = noted(state, requests)
            self.alone = {in_flight: replayed(folder, requests, in_flight) for in_flight in IN_FLIGHT}
        told = json.loads(self.applied.output)
        summary, done = told["summary"], told["report"]
        self.requests: int = done["requests"]
        lost = summary["assigned"] - self.kept[0] + summary["groups"] - self.kept[1]
        if again.problem or lost or done["failed"] + done["blocked"] + done["deferred"]:
            fail(f"provisioning left something undone: {done}, {lost} lost, {again.problem}", "look at `oktant provision log`")


def planning(program: Path) -> list[str]:
    """The plan of a large org against an empty account."""
    say(f"Planning {PLAN_USERS:,} users and {PLAN_GROUPS:,} groups")
    options = ("--users", str(PLAN_USERS), "--groups", str(PLAN_GROUPS))
    with tempfile.TemporaryDirectory() as home, sandbox(program, *options) as org, on_sqlite(program) as served:
        planned = Provision(program, Path(home), org, served).run("plan")
    summary = json.loads(planned.output)["summary"]
    print(f"    {planned}", flush=True)
    return [
        "## Planning a large org", "",
        f"`oktant provision plan` of an org of {PLAN_USERS:,} users and {PLAN_GROUPS:,} groups into an empty account: {summary['assigned']:,} users to create,",
        f"{summary['groups']:,} groups, in {planned.seconds:.1f} s with {planned.memory / 2**20:.0f} MiB at most.", "",
    ]


class Provision:
    """`oktant provision` from an org to a target, with a file and a state of its own."""

    def __init__(self, program: Path, home: Path, org: dict[str, Any], target: Served) -> None:
        self.program, self.file = program, home / "provision.toml"
        self.environment = {TOKEN: target.token, "OKTANT_DSN": f"BaseURL={org['url']};AuthScheme=APIToken;APIToken={org['api_token']}"}
        app, groups = pushing_app(org)
        self.org, self.lists = org, home / "lists"
        lists = [f"/api/v1/apps/{app}/users?limit=500&expand=user", "/api/v1/groups?limit=1000"]
        lists += [f"/api/v1/groups/{group}/users?limit=1000" for group in groups]
        self.lists.write_text("\n".join(lists))
        names = ", ".join(json.dumps(group) for group in groups)
        self.file.write_text(
            f"app = {json.dumps(app)}\n[target]\nurl = {json.dumps(target.url)}\ntoken_env = {json.dumps(TOKEN)}\n[groups]\nnames = [{names}]\n"
        )

    def run(self, command: str, *options: str) -> Run:
        """One command from its start to its end."""
        line = [self.program, "provision", command, "--file", self.file, "--output", "json", *options]
        return run_once(Contender(f"oktant provision {command}", line, environment=self.environment))

    def read_alone(self, folder: Path, in_flight: int) -> float:
        """Seconds that reading the org's lists takes, so many at a time."""
        command = [folder / "oktant-bench-scim", "lists", self.org["url"], self.org["api_token"], self.lists, str(in_flight)]
        seconds: float = json.loads(subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True).stdout)["seconds"]
        return seconds


def pushing_app(org: dict[str, Any]) -> tuple[str, list[str]]:
    """Makes an application that everyone is assigned to; gives its id and those of the groups to push."""
    settings = {"app": {"url": "https://target.example"}}
    app = call(org, "POST", "/api/v1/apps", {"label": "Target", "signOnMode": "BOOKMARK", "settings": settings})["id"]
    groups = call(org, "GET", "/api/v1/groups?limit=10000")
    everyone = next(group["id"] for group in groups if group["profile"]["name"] == "Everyone")
    call(org, "PUT", f"/api/v1/apps/{app}/groups/{everyone}", {})
    return app, [group["id"] for group in groups if group["type"] == "OKTA_GROUP"]


def call(org: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    """One request to the org."""
    headers = {"Authorization": f"SSWS {org['api_token']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(org["url"] + path, data, headers, method=method)) as answer:
        return json.load(answer)


def total(served: Served, kind: str) -> int:
    """How many resources of a kind the account has."""
    headers = {"Authorization": f"Bearer {served.token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{served.url}/{kind}?count=0", headers=headers)) as answer:
        found: int = json.load(answer)["totalResults"]
    return found


def noted(state: Path, target: Path) -> int:
    """Writes the requests of the journal into a file for the program that sends them alone; gives their number.

    A new account gives its ids out in order, so that the paths and members of one run are there in another one, too.
    """
    with sqlite3.connect(state) as connection:
        rows = connection.execute("SELECT method, path, intent FROM journal ORDER BY id").fetchall()
        names = {scim_id: json.loads(sent)["userName"] for scim_id, sent in connection.execute("SELECT scim_id, sent FROM users")}
    stages = [("POST", "/Users"), ("POST", "/Groups"), ("PATCH", "/Groups/")]
    parts = [[row for row in rows if row[0] == method and row[1].startswith(path)] for method, path in stages]
    if sum(map(len, parts)) != len(rows):
        fail("the run sent other requests than creates and members", "see the journal of the run")
    target.write_text("\n\n".join("\n".join(request(*row, names) for row in part) for part in parts))
    return len(rows)


def request(method: str, path: str, intent: str, names: dict[str, str]) -> str:
    """A line for the program that sends requests alone; the journal has only the ids of members."""
    body = json.loads(intent)
    if method == "PATCH":
        members = [{"value": member, "display": names[member]} for member in body["add"]]
        body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": members}]}
    return json.dumps({"method": method, "path": path, "body": body}, separators=(",", ":"))


def replayed(folder: Path, requests: Path, in_flight: int) -> float:
    """Seconds that the requests of a file take on an empty account."""
    with on_sqlite(folder / "oktant") as served:
        os.sync()
        command = [folder / "oktant-bench-scim", "replay", served.url, served.token, requests, str(in_flight)]
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    parts = [json.loads(line) for line in done.stdout.splitlines()]
    problem = next((part["problem"] for part in parts if part["problem"]), None)
    if problem:
        fail(f"a request of the run failed when it was sent alone: {problem}", "the account gives out other ids now")
    seconds: float = sum(part["seconds"] for part in parts)
    print(f"    its requests alone, {in_flight} in flight: {seconds:.2f} s", flush=True)
    return seconds
