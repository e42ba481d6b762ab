"""`oktant provision` from a sandbox org to pytest-scim2-server: a target that others wrote.

Needs OKTANT_PROGRAM, OKTANT_SANDBOX_URL and OKTANT_SANDBOX_TOKEN; `scripts/test_provision.py` sets them.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ORG = os.environ["OKTANT_SANDBOX_URL"]
TOKEN = os.environ["OKTANT_SANDBOX_TOKEN"]
DSN = f"okta:///?BaseURL={ORG}&AuthScheme=APIToken&APIToken={TOKEN}"

NOTHING_TO_DO, PENDING = 0, 2


def okta(method: str, path: str, body: Any = None) -> Any:
    """Call the org's API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"SSWS {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(ORG + path, data, headers, method=method)) as answer:
        return json.loads(answer.read() or b"null")


class Provisioning:
    """One application, its file, and the target's own view of what arrived."""

    def __init__(self, folder: Path, port: int) -> None:
        self.base = f"http://localhost:{port}"
        app = {"label": "Foreign", "signOnMode": "BOOKMARK", "settings": {"app": {"url": "https://x.example"}}}
        self.app = okta("POST", "/api/v1/apps", app)["id"]
        self.file = folder / "provision.toml"
        self.file.write_text(f'app = "{self.app}"\n[target]\nurl = "{self.base}"\ntoken_env = "SCIM_TOKEN"\n'
                             '[mappings]\n"title" = "user.title"\n'
                             '"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "user.department"\n')

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run the program; give its exit code and what it wrote."""
        command = [os.environ["OKTANT_PROGRAM"], "provision", *arguments, "--file", str(self.file)]
        environment = {**os.environ, "OKTANT_DSN": DSN, "SCIM_TOKEN": "any"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert "panicked" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def apply(self) -> None:
        """Apply, and expect that nothing is left to do and nothing has drifted."""
        code, text = self.run("apply", "--yes", "--force")
        assert code == 0, text
        for command in ("plan", "drift"):
            code, text = self.run(command)
            assert code == NOTHING_TO_DO, text

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """What the target has, by name."""
        with urllib.request.urlopen(f"{self.base}/{kind}?count=1000") as answer:
            found = json.loads(answer.read()).get("Resources", [])
        return {resource.get("userName") or resource["displayName"]: resource for resource in found}

    def members(self, group: str) -> set[str]:
        """User names of the members of a group."""
        names = {user["id"]: name for name, user in self.resources("Users").items()}
        return {names[member["value"]] for member in self.resources("Groups")[group].get("members", [])}

    def person(self, name: str, **profile: str) -> str:
        """Make an active user and assign the application."""
        login = f"{name}@foreign.example"
        profile = {"login": login, "email": login, "firstName": name.title(), "lastName": "Doe", **profile}
        body = {"profile": profile, "credentials": {"password": {"value": "Correct-horse-7"}}}
        user = okta("POST", "/api/v1/users?activate=true", body)["id"]
        self.assign(user)
        return user

    def assign(self, user: str) -> None:
        """Assign the application to a user."""
        okta("POST", f"/api/v1/apps/{self.app}/users", {"id": user, "scope": "USER"})

    def unassign(self, user: str) -> None:
        """Take the application away from a user."""
        okta("DELETE", f"/api/v1/apps/{self.app}/users/{user}")

    def push(self, name: str, members: list[str]) -> str:
        """Make a group with members and push it."""
        group = okta("POST", "/api/v1/groups", {"profile": {"name": name}})["id"]
        for member in members:
            okta("PUT", f"/api/v1/groups/{group}/users/{member}")
        okta("POST", f"/api/v1/apps/{self.app}/group-push/mappings", {"sourceGroupId": group, "targetGroupName": name})
        return group


@pytest.fixture
def provisioning(tmp_path: Path, scim2_server: Any) -> Provisioning:
    """A provisioning into the foreign target."""
    return Provisioning(tmp_path, scim2_server.port)


def test_users_and_groups_live_their_life_at_a_target_that_others_wrote(provisioning: Provisioning) -> None:
    ada = provisioning.person("ada", title="Countess", department="Engines")
    bob = provisioning.person("bob")
    staff = provisioning.push("Staff", [ada, bob])
    code, text = provisioning.run("plan", "--output", "json")
    assert code == PENDING, text
    kinds = [entry["kind"] for entry in json.loads(text)["entries"]]
    assert kinds == ["create_user", "create_user", "create_group", "add_members"]
    provisioning.apply()
    users = provisioning.resources("Users")
    there = users["ada@foreign.example"]
    assert there["active"] and there["externalId"] == ada and there["title"] == "Countess"
    assert there["name"]["givenName"] == "Ada"
    assert there["emails"][0]["value"] == "ada@foreign.example"
    assert there["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"] == "Engines"
    assert provisioning.members("Staff") == {"ada@foreign.example", "bob@foreign.example"}

    # A value changes, one goes, one comes.
    okta("POST", f"/api/v1/users/{ada}", {"profile": {"title": None, "department": "Notes", "nickName": "A"}})
    okta("POST", f"/api/v1/users/{bob}", {"profile": {"email": "bob2@foreign.example", "title": "Builder"}})
    okta("PUT", f"/api/v1/groups/{staff}", {"profile": {"name": "Crew"}})
    okta("DELETE", f"/api/v1/groups/{staff}/users/{bob}")
    provisioning.apply()
    users = provisioning.resources("Users")
    assert "title" not in users["ada@foreign.example"]
    assert users["bob@foreign.example"]["emails"][0]["value"] == "bob2@foreign.example"
    assert users["bob@foreign.example"]["title"] == "Builder"
    assert provisioning.members("Crew") == {"ada@foreign.example"}

    # Deactivated, and reactivated as the same user.
    id_before = users["ada@foreign.example"]["id"]
    provisioning.unassign(ada)
    provisioning.apply()
    assert not provisioning.resources("Users")["ada@foreign.example"]["active"]
    assert provisioning.members("Crew") == set()
    provisioning.assign(ada)
    provisioning.apply()
    there = provisioning.resources("Users")["ada@foreign.example"]
    assert there["active"] and there["id"] == id_before
    assert provisioning.members("Crew") == {"ada@foreign.example"}


def test_drift_is_found_and_mended(provisioning: Provisioning) -> None:
    provisioning.person("cyd")
    provisioning.apply()
    there = provisioning.resources("Users")["cyd@foreign.example"]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "displayName", "value": "someone else"}]}
    request = urllib.request.Request(f"{provisioning.base}/Users/{there['id']}", json.dumps(body).encode(),
                                     {"Content-Type": "application/scim+json"}, method="PATCH")
    urllib.request.urlopen(request).close()
    code, text = provisioning.run("drift")
    assert code == PENDING and "displayName" in text, text
    provisioning.apply()
    assert provisioning.resources("Users")["cyd@foreign.example"]["displayName"] == "Cyd Doe"
