"""okta 3.x against the sandbox: every answer is a tuple whose last element is the error."""

from __future__ import annotations

from typing import Any

from checks import Checks, call, configuration, following, gone, judge
from okta.client import Client
from okta.models import AddGroupRequest, CreateUserRequest, UpdateUserRequest


def read_users(client: Client) -> Any:
    """Lists with a cursor of our own: this version hands out the response, not an iterator."""

    async def pages() -> Any:
        after = None
        while True:
            users, response, error = await client.list_users(limit=2, after=after)
            if error is not None:
                raise error
            yield users
            after = following(response)
            if after is None:
                return

    return pages()


async def users(client: Client, checks: Checks) -> str:
    """The life of a user until it is updated."""
    profile = {"firstName": "Grace", "lastName": "Three", "email": "grace.three@example.com", "login": "grace.three@example.com"}
    body = CreateUserRequest.from_dict({"profile": profile, "credentials": {"password": {"value": "Compil3r-1952"}}})
    user = await call(checks, "create_user", client.create_user(body, activate=True))
    checks.equal("a user with a password is ACTIVE", str(getattr(user.status, "value", user.status)), "ACTIVE")

    found = await call(checks, "get_user by id", client.get_user(user.id))
    checks.equal("get_user gives the profile", found.profile.login, profile["login"])
    found = await call(checks, "get_user by login", client.get_user(profile["login"]))
    checks.equal("the login names the same user", found.id, user.id)

    change = UpdateUserRequest.from_dict({"profile": {"nickName": "Amazing"}})
    await call(checks, "update_user", client.update_user(user.id, change))
    found = await call(checks, "get_user after the update", client.get_user(user.id))
    checks.equal("the update is there", found.profile.nick_name, "Amazing")
    checks.equal("and nothing else is lost", found.profile.last_name, "Three")

    seen = [one.id async for page in read_users(client) for one in page]
    checks.check("every user is listed once", user.id in seen and len(seen) == len(set(seen)), seen)
    found = await call(checks, "list_users with search", client.list_users(search='profile.lastName eq "three"'))
    checks.equal("search finds the user", [one.id for one in found], [user.id])
    return user.id


async def user_ends(client: Client, checks: Checks, user_id: str) -> None:
    """Deactivate, delete, and read what is gone."""
    await call(checks, "deactivate_user", client.deactivate_user(user_id))
    found = await call(checks, "get_user after deactivation", client.get_user(user_id))
    checks.equal("a deactivated user is DEPROVISIONED", str(getattr(found.status, "value", found.status)), "DEPROVISIONED")
    await call(checks, "delete_user", client.delete_user(user_id))
    await gone(checks, "a deleted user is not found", client.get_user(user_id))


async def groups(client: Client, checks: Checks, user_id: str) -> None:
    """A group, with a member, until it is gone."""
    body = AddGroupRequest.from_dict({"profile": {"name": "Official three", "description": "made by a test"}})
    group = await call(checks, "add_group", client.add_group(body))
    await call(checks, "get_group", client.get_group(group.id))
    body = AddGroupRequest.from_dict({"profile": {"name": "Official 3", "description": "changed"}})
    updated = await call(checks, "replace_group", client.replace_group(group.id, body))
    checks.equal("the group is changed", updated.profile.actual_instance.description, "changed")
    await call(checks, "assign_user_to_group", client.assign_user_to_group(group.id, user_id))
    members = await call(checks, "list_group_users", client.list_group_users(group.id))
    checks.equal("the member is listed", [one.id for one in members], [user_id])
    listed = await call(checks, "list_groups", client.list_groups(q="Official"))
    checks.equal("the group is found by name", [one.id for one in listed], [group.id])
    await call(checks, "delete_group", client.delete_group(group.id))
    await gone(checks, "a deleted group is not found", client.get_group(group.id))


async def judgement(checks: Checks) -> None:
    """Everything, in one org."""
    client = Client(configuration())
    checks.area = "users"
    user_id = await users(client, checks)
    checks.area = "groups"
    await groups(client, checks, user_id)
    checks.area = "users"
    await user_ends(client, checks, user_id)


judge("okta 3.4.6", judgement)
