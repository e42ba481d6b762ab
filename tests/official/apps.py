"""Users with roles, groups with roles, applications and factors, by either generation of the client.

What is done in which order follows the public integration tests of the client. Operations bear the names of 3.x.
"""

from __future__ import annotations

import json
from typing import Any

from checks import Checks, call, configuration, gone, parts, text, unreadable

OIDC = {
    "name": "oidc_client",
    "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"autoKeyRotation": True, "token_endpoint_auth_method": "client_secret_post"}},
    "settings": {
        "oauthClient": {
            "redirect_uris": ["https://example.com/callback"],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "application_type": "web",
        }
    },
}
BOOKMARK = {"name": "bookmark", "signOnMode": "BOOKMARK", "settings": {"app": {"requestIntegration": False, "url": "https://example.com/b.htm"}}}
BASIC = {
    "name": "template_basic_auth",
    "signOnMode": "BASIC_AUTH",
    "settings": {"app": {"url": "https://example.com/login.html", "authURL": "https://example.com/auth.html"}},
}
SWA = {
    "name": "template_swa",
    "signOnMode": "BROWSER_PLUGIN",
    "settings": {"app": {"buttonField": "btn-login", "passwordField": "pw", "usernameField": "user", "url": "https://example.com/login.html"}},
}
SWA_THREE = {
    "name": "template_swa3field",
    "signOnMode": "BROWSER_PLUGIN",
    "settings": {
        "app": {
            "buttonSelector": "#go",
            "passwordSelector": "#pw",
            "userNameSelector": "#user",
            "targetURL": "https://example.com/login.html",
            "extraFieldSelector": "#more",
            "extraFieldValue": "more",
        }
    },
}


ORG2ORG = {
    "name": "okta_org2org",
    "label": "Judged org",
    "signOnMode": "SAML_2_0",
    "settings": {
        "app": {
            "acsUrl": "https://example.okta.com/sso/saml2/id",
            "audRestriction": "https://example.okta.com/saml2/id",
            "baseUrl": "https://example.okta.com",
        }
    },
}


class Steps:
    """Calls of one client: bodies are JSON, and what they answer is noted."""

    CANNOT_READ: dict[str, str] = {}
    """Steps whose answers the client cannot read, with what it has wrong; orgs answer so, too."""
    LACKS: frozenset[str] = frozenset()
    """Operations that the client does not have."""

    def __init__(self, client: Any, checks: Checks) -> None:
        self.client = client
        self.checks = checks
        self.issuer = configuration()["orgUrl"]

    def answer(self, name: str, *arguments: Any, **query: Any) -> Any:
        """The awaitable of an operation."""
        raise NotImplementedError

    async def __call__(self, name: str, *arguments: Any, **query: Any) -> Any:
        """The object that an operation gives."""
        return await call(self.checks, name, self.answer(name, *arguments, **query))

    async def read(self, step: str, name: str, *arguments: Any, **query: Any) -> Any:
        """As a call; nothing where the client cannot read the answer of this step."""
        if step not in self.CANNOT_READ:
            return await self(name, *arguments, **query)
        await unreadable(self.checks, f"{name}, {step}", self.attempt(name, *arguments, **query), self.CANNOT_READ[step])

    async def attempt(self, name: str, *arguments: Any, **query: Any) -> Any:
        """As `answer`, but that the client builds nothing before it is awaited."""
        return await self.answer(name, *arguments, **query)

    async def role_of(self, group: Any) -> Any:
        """A new role of a group that can be limited to groups."""
        role = await self("assign_role_to_group", group.id, {"type": "USER_ADMIN"})
        step = "a role is answered with 201"
        if step in self.CANNOT_READ:
            self.checks.own_fault(step, role is None, role, self.CANNOT_READ[step])
            [role] = await self("list_group_assigned_roles", group.id)
        return getattr(role, "actual_instance", role)

    async def refused(self, what: str, status: int, code: str, name: str, *arguments: Any, **query: Any) -> None:
        """The org refuses with this error."""
        error = (await self.answer(name, *arguments, **query))[-1]
        self.checks.equal(what, (getattr(error, "status", None), getattr(error, "error_code", None)), (status, code))

    async def pages(self, name: str, **query: Any) -> list[list[Any]]:
        """Every page of a list, in the way of the client."""
        raise NotImplementedError

    async def gone(self, name: str, *arguments: Any) -> None:
        """What the operation reads is not there any more."""
        await gone(self.checks, f"{name} of what is gone", self.answer(name, *arguments))

    def subscriber(self, kind: str, who: str) -> list[str]:
        """Arguments that name who is told of updates, in the order of the client."""
        raise NotImplementedError

    async def user(self, name: str, **query: Any) -> Any:
        """Somebody new with a password."""
        login = f"{name}@example.com"
        profile = {"firstName": "Jo", "lastName": name, "email": login, "login": login}
        return await self("create_user", {"profile": profile, "credentials": {"password": {"value": "Compil3r-1952"}}}, **query)

    async def group(self, name: str) -> Any:
        """A new group."""
        return await self("add_group", {"profile": {"name": name}})

    async def drop_user(self, user: Any) -> None:
        """The end of a user."""
        await self("deactivate_user", user.id)
        await self("delete_user", user.id)
        await self.gone("get_user", user.id)

    def same(self, what: str, listed: Any, *expected: Any) -> None:
        """The ids of a list are those of objects."""
        self.checks.equal(what, sorted(one.id for one in listed or []), sorted(one.id for one in expected))


async def users(do: Steps) -> None:
    """What befalls a user beside the profile."""
    user, first, second = await do.user("apps-user"), await do.group("Target one"), await do.group("Target two")
    await do.refused("who is not locked out is not unlocked", 403, "E0000032", "unlock_user", user.id)
    if "list_user_blocks" not in do.LACKS:
        await do.refused("blocks are of a product that the org lacks", 401, "E0000015", "list_user_blocks", user.id)
    await do("reset_factors", user.id)
    found = await do("expire_password_with_temp_password", user.id)
    step = "a temporary password is given"
    if step in do.CANNOT_READ:
        do.checks.own_fault(step, not hasattr(found, "temp_password"), found, do.CANNOT_READ[step])
    else:
        do.checks.check(step, bool(found.temp_password), found)
    await do("revoke_user_sessions", user.id)
    do.same("no provider is linked", await do("list_user_identity_providers", user.id))
    role = await do("assign_role_to_user", user.id, {"type": "USER_ADMIN"})
    role = getattr(role, "actual_instance", role)
    await do("assign_group_target_to_user_role", user.id, role.id, first.id)
    await do("assign_group_target_to_user_role", user.id, role.id, second.id)
    await do("unassign_group_target_from_user_admin_role", user.id, role.id, first.id)
    do.same("one target is left", await do("list_group_targets_for_role", user.id, role.id), second)
    await do.drop_user(user)
    for group in (first, second):
        await do("delete_group", group.id)


async def pages(do: Steps) -> None:
    """Lists of users and of applications, page by page."""
    made = [await do.user(f"paged{number}", activate=False) for number in range(3)]
    seen = await do.pages("list_users", limit=1, filter='status eq "STAGED"')
    do.checks.check("every page has one user", {len(page) for page in seen} == {1}, seen)
    found = [user.id for page in seen for user in page]
    do.checks.check("each is on one page", len(found) == len(set(found)) and {user.id for user in made} <= set(found), found)
    apps = [await do("create_application", {**BOOKMARK, "label": f"Paged {number}"}) for number in range(3)]
    seen = await do.pages("list_applications", limit=2, q="Paged")
    do.checks.equal("two applications, then one", [len(page) for page in seen], [2, 1])
    do.same("all are listed", [app for page in seen for app in page], *apps)
    await do.refused("a cursor of nobody is refused", 400, "E0000029", "list_applications", limit=1, q="Paged", after="00u1none")
    for app in apps:
        await drop_application(do, app)
    for user in made:
        await do.drop_user(user)


async def subscriptions(do: Steps) -> None:
    """What administrators of a kind are told, and what one of them is told."""
    user = await do.user("subscriber")
    for kind, who in (("role", "SUPER_ADMIN"), ("user", user.id)):
        listed = await do.read("subscriptions of every type", f"list_subscriptions_{kind}", who)
        if listed is not None:
            do.checks.check(f"a {kind} has subscriptions", len(listed) > 5, listed)
        for step, status in (("unsubscribe", "unsubscribed"), ("subscribe", "subscribed")):
            await do(f"{step}_by_notification_type_{kind}", *do.subscriber(kind, who))
            found = await do(f"get_subscriptions_notification_type_{kind}", *do.subscriber(kind, who))
            do.checks.equal(f"a {kind} is {status}", text(found.status).lower(), status)
    await do.drop_user(user)


async def groups(do: Steps) -> None:
    """Roles of a group and their targets."""
    group, target, other = await do.group("Admins"), await do.group("Target three"), await do.group("Target four")
    role = await do.role_of(group)
    await do("assign_group_target_to_group_admin_role", group.id, role.id, target.id)
    do.same("the target is listed", await do("list_group_targets_for_group_role", group.id, role.id), target)
    await do("assign_group_target_to_group_admin_role", group.id, role.id, other.id)
    await do("unassign_group_target_from_group_admin_role", group.id, role.id, target.id)
    do.same("the other one is left", await do("list_group_targets_for_group_role", group.id, role.id), other)
    await do("unassign_role_from_group", group.id, role.id)
    do.same("no role is left", await do("list_group_assigned_roles", group.id))
    for one in (group, target, other):
        await do("delete_group", one.id)
        await do.gone("get_group", one.id)


async def applications(do: Steps) -> None:
    """Each kind, then what hangs on one: people, groups, keys, requests, grants."""
    for number, body in enumerate((BOOKMARK, BASIC, SWA, SWA_THREE)):
        judged = {**body, "label": f"Judged {number}"}
        app = await do.read(body["name"], "create_application", judged, activate=number % 2 == 0)
        if app is None:
            continue
        found = await do("get_application", app.id)
        do.checks.equal(f"{body['name']} keeps its label", found.label, f"Judged {number}")
        await drop_application(do, app)
    app = await do.read("an application that can be provisioned", "create_application", ORG2ORG)
    if app is not None:
        found = await do("get_default_provisioning_connection_for_application", app.id)
        do.checks.equal("nothing is connected yet", text(found.status), "DISABLED")
        await drop_application(do, app)
    app = await do("create_application", {**OIDC, "label": "Judged client"})
    user, first, second = await do.user("assigned"), await do.group("Assigned one"), await do.group("Assigned two")
    await do("assign_user_to_application", app.id, {"id": user.id})
    do.checks.equal("the assignment is found", (await do("get_application_user", app.id, user.id)).id, user.id)
    await do("unassign_user_from_application", app.id, user.id)
    do.same("nobody is assigned", await do("list_application_users", app.id))
    for group in (first, second):
        await do("assign_group_to_application", app.id, group.id, {})
    do.same("both groups are assigned", await do("list_application_group_assignments", app.id), first, second)
    keys = await do("list_application_keys", app.id)
    do.checks.check("there is a key", bool(keys), keys)
    do.checks.equal("the key is found", (await do("get_application_key", app.id, keys[0].kid)).kid, keys[0].kid)
    names = {"subject": {"countryName": "US", "organizationName": "Example", "commonName": "SP Issuer"}, "subjectAltNames": {"dnsNames": ["dev.example.com"]}}
    request = await do("generate_csr_for_application", app.id, names)
    # 3.x takes the answer for a text.
    request = json.loads(request)["id"] if isinstance(request, str) else request.id
    await do("revoke_csr_from_application", app.id, request)
    do.same("no request is left", await do("list_csrs_for_application", app.id))
    grant = await do("grant_consent_to_scope", app.id, {"issuer": do.issuer, "scopeId": "okta.users.manage"})
    step = "a grant is answered with 200"
    listed = await do("list_scope_consent_grants", app.id)
    if step in do.CANNOT_READ:
        do.checks.own_fault(step, grant is None, grant, do.CANNOT_READ[step])
        [grant] = listed
    do.same("the grant is listed", listed, grant)
    do.checks.equal("and found", (await do("get_scope_consent_grant", app.id, grant.id)).scope_id, "okta.users.manage")
    await drop_application(do, app)
    await do.drop_user(user)
    for group in (first, second):
        await do("delete_group", group.id)


async def drop_application(do: Steps, app: Any) -> None:
    """The end of an application."""
    await do("deactivate_application", app.id)
    await do("delete_application", app.id)
    await do.gone("get_application", app.id)


async def factors(do: Steps) -> None:
    """A phone of somebody who has none."""
    user = await do.user("phone")
    do.same("a new user has no factors", await do("list_factors", user.id))
    phone = {"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "+12345678901"}}
    factor = await do.read("pending sms", "enroll_factor", user.id, phone)
    listed = await do.read("pending sms", "list_factors", user.id)
    if factor is not None:
        do.same("the factor is listed", listed, factor)
        await do("unenroll_factor", user.id, factor.id)
        do.same("it is gone", await do("list_factors", user.id))
    await do.drop_user(user)
    found = []
    for user in await do("list_users"):
        found += [one for one in await do("list_factors", user.id) if text(one.factor_type) == "signed_nonce"]
    do.checks.check("somebody has Okta FastPass", bool(found), found)
    step = "with the keys of a device"
    if step in do.CANNOT_READ:
        do.checks.own_fault(step, not hasattr(found[0], "profile"), found[0], do.CANNOT_READ[step])
    else:
        do.checks.check(step, len(found[0].profile.keys) > 0, found[0])


async def policies(do: Steps) -> None:
    """A sign-on policy for a group, and what is mapped to the policy of an application."""
    group = await do.group("Judged people")
    people = {"people": {"groups": {"include": [group.id]}}}
    body = {"type": "OKTA_SIGN_ON", "name": "Judged", "description": "made by a test", "conditions": people}
    policy = await do("create_policy", body)
    found = await do("get_policy", policy.id)
    do.checks.equal("the policy keeps its groups", found.conditions.people.groups.include, [group.id])
    if "list_policy_mappings" not in do.LACKS:
        do.checks.equal("nothing is mapped", await do("list_policy_mappings", policy.id), [])
        mapping = {"resourceId": group.id, "resourceType": "ACCESS_POLICY"}
        await do.refused("mappings are made elsewhere", 400, "E0000001", "map_resource_to_policy", policy.id, mapping)
    await do("delete_policy", policy.id)
    await do.gone("get_policy", policy.id)
    await do("delete_group", group.id)


async def judgement(steps: type[Steps], client: Any, checks: Checks) -> None:
    """Every area."""

    def area(run: Any) -> Any:
        async def step(client: Any, checks: Checks) -> None:
            await run(steps(client, checks))

        step.__name__ = run.__name__
        return step

    await parts(checks, client, *map(area, (users, groups, pages, subscriptions, applications, factors, policies)))
