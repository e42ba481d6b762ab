"""A program as users write it, for the type checker; `test_okta_stubs.py` checks it and runs it."""

from __future__ import annotations

import asyncio
import sys

from oktant.okta import SyncClient, models, v3
from oktant.okta.client import Client as OktaClient
from oktant.okta.exceptions import OktaAPIException


async def main(url: str, token: str) -> list[str]:
    lines: list[str] = []
    async with OktaClient({"orgUrl": url, "token": token, "raiseException": True}) as client:
        profile = models.UserProfile({"firstName": "Ada", "badgeNumber": 7})
        badge: int = profile.badgeNumber
        del profile.badgeNumber
        profile.last_name = "Typed"
        profile.login = profile.email = "ada.typed@example.com"
        user, _, error = await client.create_user(models.CreateUserRequest({"profile": profile}))
        assert error is None
        status: models.UserStatus | None = user.status
        lines.append(f"{user.profile.firstName} {badge} is {status}" if user.profile else "nobody")
        users, response, _ = await client.list_users({"limit": "2"}, keep_empty_params=False)
        lines.append(str(len([found.id for found in users])))
        while response.has_next():
            users, error = await response.next()
        lines.append(str(response.get_status()))
        try:
            await client.get_group("nothing")
        except OktaAPIException as refused:
            lines.append(refused.args[0]["errorCode"])
        _, error = await client.deactivate_or_delete_user(user.id or "")
    return lines


def blocking(url: str, token: str) -> int:
    groups, response, error = SyncClient({"orgUrl": url, "token": token}).list_groups(limit=1)
    names: list[str | None] = [group.profile.name for group in groups if group.profile]
    users, _, _ = v3.SyncClient({"orgUrl": url, "token": token}).list_users(search='status eq "ACTIVE"', limit=1)
    return len(names) + len(users) + int(response.get_status()) + (0 if error is None else 1000)


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])), blocking(*sys.argv[1:]))
