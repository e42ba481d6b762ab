"""`make demo`: the documented SQLAlchemy example against a sandbox org, then a join, an aggregate and an EXPLAIN."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from workbench import ROOT, TARGET, build, run, sandbox, say, venv

SQLALCHEMY = "sqlalchemy==2.0.58"
DOCUMENTED_DOMAIN = "dev-44876464.okta.com"
DOCUMENTED_PATH = "/PATH/TO/OAuthSettings.txt"

JOIN = """
SELECT g.ProfileName AS "Group", u.ProfileLogin AS Login, u.Status
FROM Groups g JOIN GroupMembers m ON m.GroupId = g.Id JOIN Users u ON u.Id = m.UserId
WHERE g.Type = 'OKTA_GROUP' AND u.Status = 'Active' ORDER BY 1, 2 LIMIT 8
"""
AGGREGATE = "SELECT Status, count(*) AS Users, max(LastLogin) AS LatestSignIn FROM Users GROUP BY Status ORDER BY Users DESC"
REQUESTS = "SELECT Method, Path, left(Query, 70) AS Query, Status, Rows FROM sys.sys_api_calls ORDER BY SentAt"
EXPLAIN = "EXPLAIN SELECT Id, ProfileLogin FROM Users WHERE Status = 'Active' AND ProfileDepartment = 'Engineering'"

EXHIBITS = (
    ("A join, and the HTTP requests it took", JOIN, REQUESTS),
    ("An aggregate, and the HTTP requests it took", AGGREGATE, REQUESTS),
    ("An EXPLAIN: what would be sent; nothing was", EXPLAIN, ""),
)


def main() -> None:
    say("Building Oktant (the first time compiles DataFusion: about ten minutes on two cores)")
    folder = build("oktant-cli")
    program = folder / "oktant"
    say("Building and installing the Python package")
    python = venv("demo", SQLALCHEMY, package=True)
    home = TARGET / "demo"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "OAuthSettings.txt"
    settings.unlink(missing_ok=True)

    say("Starting a sandbox org with 25 users and 4 groups on loopback")
    with sandbox(program, "--users", "25", "--groups", "4", "--seed", "7") as org:
        example = documented_example(home, org["url"], settings)
        say("The SQLAlchemy example, signing in with OAuth as the sandbox's administrator")
        run(python, example, env=browser_environment(python, org))
        for title, statement, requests in EXHIBITS:
            say(title)
            print(statement.strip(), flush=True)
            run(program, "sql", "--dsn", org["dsn"], "-c", f"{statement}; {requests}")
    say("Done. `make test` runs the tests; the README's tour goes on from here.")


def documented_example(home: Path, url: str, settings: Path) -> Path:
    """The example word for word: only the domain and the path are put in."""
    text = (ROOT / "examples" / "sqlalchemy_orm.py").read_text()
    text = text.replace(DOCUMENTED_DOMAIN, url.removeprefix("http://")).replace(DOCUMENTED_PATH, str(settings))
    copy = home / "sqlalchemy_orm.py"
    copy.write_text(text)
    return copy


def browser_environment(python: Path, org: dict[str, str]) -> dict[str, str]:
    """Let a small script play the person at the browser, so that the demo runs unattended."""
    script = ROOT / "scripts" / "unattended_browser.py"
    # The documented connection string names no app, so its client id and secret come from the environment.
    app = {"OKTA_CLIENT_CLIENTID": org["client_id"], "OKTA_CLIENT_CLIENTSECRET": org["client_secret"]}
    person = {"OKTANT_DEMO_LOGIN": org["admin_login"], "OKTANT_DEMO_PASSWORD": org["admin_password"]}
    return {**os.environ, **app, **person, "BROWSER": f"{python} {script}"}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
