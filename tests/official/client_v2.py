"""okta 2.x against the sandbox: every answer is ``(object, response, error)`` or ``(response, error)``."""

from __future__ import annotations

from checks import Checks, configuration, judge
from okta.client import Client


async def users(client: Client, checks: Checks) -> str:
    """The life of a user, from creation to the second delete."""
    profile = {"firstName": "Grace", "lastName": "Two", "email": "grace.two@example.com", "login": "grace.two@example.com"}
    body = {"profile": profile, "credentials": {"password": {"value": "Compil3r-1952"}}}
    user, _, error = await client.create_user(body, {"activate": "true"})
    checks.check("create_user", error is None and user.status == "ACTIVE", error or user)

    found, _, error = await client.get_user(user.id)
    checks.check("get_user by id", error is None and found.profile.login == profile["login"], error)
    found, _, error = await client.get_user(profile["login"])
    checks.check("get_user by login", error is None and found.id == user.id, error)

    changed = {"profile": {**profile, "nickName": "Amazing"}}
    updated, _, error = await client.update_user(user.id, changed)
    checks.check("update_user", error is None and updated.profile.nickName == "Amazing", error)
    partial, _, error = await client.partial_update_user(user.id, {"profile": {"title": "Admiral"}})
    kept = error is None and (partial.profile.title, partial.profile.nickName) == ("Admiral", "Amazing")
    checks.check("partial_update_user keeps what it does not name", kept, error)

    listed, response, error = await client.list_users({"limit": "2"})
    checks.check("list_users pages", error is None and len(listed) == 2 and response.has_next(), error)
    seen = [one.id for one in listed]
    while response.has_next():
        page, _ = await response.next()
        seen.extend(one.id for one in page)
    checks.check("every user is listed once", user.id in seen and len(seen) == len(set(seen)), seen)
    found, _, error = await client.list_users({"search": 'profile.lastName eq "two"'})
    checks.check("list_users with search", error is None and [one.id for one in found] == [user.id], error)
    return user.id


async def user_ends(client: Client, checks: Checks, user_id: str) -> None:
    """Deactivate, delete, and read what is gone."""
    _, error = await client.deactivate_user(user_id)
    checks.check("deactivate_user", error is None, error)
    found, _, error = await client.get_user(user_id)
    checks.check("a deactivated user is DEPROVISIONED", error is None and found.status == "DEPROVISIONED", error)
    _, error = await client.deactivate_or_delete_user(user_id)
    checks.check("delete the user", error is None, error)
    _, _, error = await client.get_user(user_id)
    gone = error is not None and (error.status, error.error_code) == (404, "E0000007")
    checks.check("a deleted user is not found", gone, error)


async def groups(client: Client, checks: Checks, user_id: str) -> None:
    """A group, with a member, until it is gone."""
    group, _, error = await client.create_group({"profile": {"name": "Official two", "description": "made by a test"}})
    checks.check("create_group", error is None and group.profile.name == "Official two", error)
    found, _, error = await client.get_group(group.id)
    checks.check("get_group", error is None and found.id == group.id, error)
    updated, _, error = await client.update_group(group.id, {"profile": {"name": "Official 2", "description": "changed"}})
    checks.check("update_group", error is None and updated.profile.description == "changed", error)
    _, error = await client.add_user_to_group(group.id, user_id)
    checks.check("add_user_to_group", error is None, error)
    members, _, error = await client.list_group_users(group.id)
    checks.check("list_group_users", error is None and [one.id for one in members] == [user_id], error)
    listed, _, error = await client.list_groups({"q": "Official"})
    checks.check("list_groups", error is None and [one.id for one in listed] == [group.id], error)
    _, error = await client.delete_group(group.id)
    checks.check("delete_group", error is None, error)
    _, _, error = await client.get_group(group.id)
    checks.check("a deleted group is not found", error is not None and error.status == 404, error)


async def judgement(checks: Checks) -> None:
    """Everything, in one org."""
    client = Client(configuration())
    checks.area = "users"
    user_id = await users(client, checks)
    checks.area = "groups"
    await groups(client, checks, user_id)
    checks.area = "users"
    await user_ends(client, checks, user_id)


judge("okta 2.9.13", judgement)
