"""Okta's published SCIM 2.0 suite, twelve steps, against an account's integration. Standard library only."""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from checks import Checks, judge_now

ACCOUNT: dict[str, Any] = json.loads(os.environ["OKTANT_ACCOUNT"])
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def ask(method: str, path: str, body: Any = None, authorization: str | None = None, **headers: str) -> tuple[int, Any]:
    """A request as Okta sends it."""
    sent = {
        "Accept": "application/scim+json",
        "Accept-Charset": "utf-8",
        "Content-Type": "application/scim+json; charset=utf-8",
        "User-Agent": "OKTA SCIM Integration",
        "Authorization": authorization or f"Bearer {ACCOUNT['scim_token']}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ACCOUNT["scim_url"] + path, data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def named(name: str) -> str:
    """The path of a list of users by name."""
    return "/Users?filter=" + urllib.parse.quote(f'userName eq "{name}"')


def whole(user: Any) -> bool:
    """Whether the fields that Okta looks at are there."""
    name = user.get("name") or {}
    emails = user.get("emails") or [{}]
    return all([user.get("id"), name.get("familyName"), name.get("givenName"), user.get("userName"), "active" in user, emails[0].get("value")])


def judgement(checks: Checks) -> None:
    """The steps in their order; a user is made beforehand, as the suite asks for one."""
    first = f"First.{secrets.token_hex(4)}@example.com"
    ask("POST", "/Users", person(first))

    status, body = ask("GET", "/Users?count=1&startIndex=1")
    listed = status == 200 and LIST in body["schemas"] and all(isinstance(body[key], int) for key in ("itemsPerPage", "startIndex", "totalResults"))
    checks.check("1: users are listed", listed and bool(body["Resources"]) and whole(body["Resources"][0]), (status, body))
    known = body["Resources"][0]["id"] if status == 200 and body["Resources"] else "none"
    status, body = ask("GET", f"/Users/{known}")
    checks.check("2: a user is read by its id", status == 200 and whole(body) and body["id"] == known, (status, body))
    for step in ("3", "5"):
        status, body = ask("GET", named(f"nobody.{secrets.token_hex(8)}@example.com"))
        checks.check(f"{step}: an unknown name is an empty list", status == 200 and LIST in body["schemas"] and body["totalResults"] == 0, (status, body))
    status, body = ask("GET", "/Users/" + "0" * 30)
    checks.check("4: an unknown id is not found", status == 404 and bool(body["detail"]) and ERROR in body["schemas"], (status, body))

    name = f"Runscope.{secrets.token_hex(4)}@Example.com"
    status, body = ask("POST", "/Users", person(name), Content_Type="application/json", Accept="application/scim+json; charset=utf-8")
    same = status == 201 and body["userName"] == name and body["name"]["givenName"] == "Runscope" and body["name"]["familyName"] == "Three"
    checks.check("6: a user is made as it was sent", same and body["active"] is True and USER in body["schemas"], (status, body))
    made = body.get("id", "none")
    status, body = ask("GET", f"/Users/{made}")
    checks.check("7: and read", status == 200 and body["userName"] == name and body["name"]["familyName"] == "Three", (status, body))
    status, body = ask("POST", "/Users", person(name), Content_Type="application/json", Accept="application/scim+json; charset=utf-8")
    checks.equal("8: but not made twice", status, 409)
    status, body = ask("GET", named(name.upper()))
    checks.equal("9: a name in capitals may be asked for", status, 200)

    began = time.monotonic()
    status, body = ask("GET", "/Groups")
    took = time.monotonic() - began
    checks.check("10: groups are listed in time", status == 200 and took < 0.6 and (body["totalResults"] == 0 or isinstance(body["Resources"], list)), (status, took, body))
    status, body = ask("GET", "/Users", authorization="non-token")
    checks.check("11: without a token nothing is told", status == 401 and bool(body["detail"]) and body["status"] == "401" and ERROR in body["schemas"], (status, body))
    status, body = ask("GET", "/Users/00919288221112222")
    checks.check("12: an unknown id is not found", status == 404 and bool(body["detail"]) and body["status"] == "404" and ERROR in body["schemas"], (status, body))


def person(name: str) -> dict[str, Any]:
    """A user as the suite sends it."""
    emails = [{"primary": True, "value": name, "type": "work"}]
    names = {"givenName": "Runscope", "familyName": "Three"}
    return {"schemas": [USER], "userName": name, "name": names, "emails": emails, "displayName": "Runscope Three", "active": True}


if __name__ == "__main__":
    judge_now("Okta's SCIM suite", judgement)
