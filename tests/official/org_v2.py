"""okta 2.x against the sandbox: policies, authorization servers, identity providers, zones, hooks.

What is done in which order follows the public integration tests of the client.
"""

from __future__ import annotations

from checks import Checks, call, configuration, gone, judge, parts, text
from okta import models
from okta.client import Client
from org import event_hook, inline_hook, oidc_provider, sign_on_rule


async def policies(client: Client, checks: Checks) -> None:
    """A sign-on policy for a group, with a rule, through its whole life."""
    group = await call(checks, "create_group", client.create_group({"profile": {"name": "Policy two"}}))
    people = {"people": {"groups": {"include": [group.id]}}}
    body = models.OktaSignOnPolicy({"name": "Two", "description": "made by a test", "conditions": people})
    policy = await call(checks, "create_policy", client.create_policy(body))
    checks.equal("a new policy is ACTIVE", text(policy.status), "ACTIVE")
    checks.equal("it keeps its groups", policy.conditions.people.groups.include, [group.id])
    found = await call(checks, "get_policy", client.get_policy(policy.id))
    checks.check("get_policy gives the class of the type", isinstance(found, models.OktaSignOnPolicy), type(found))
    listed = await call(checks, "list_policies", client.list_policies({"type": "OKTA_SIGN_ON"}))
    checks.equal("the default policy is the last one", [one.system for one in listed], [False, True])

    rule = models.OktaSignOnPolicyRule(sign_on_rule("Two"))
    made = await call(checks, "create_policy_rule", client.create_policy_rule(policy.id, rule))
    checks.equal("the rule keeps its session", made.actions.signon.session.max_session_idle_minutes, 720)
    rules = await call(checks, "list_policy_rules", client.list_policy_rules(policy.id))
    checks.equal("the rule is listed", [one.id for one in rules], [made.id])
    made.name = "Two changed"
    changed = await call(checks, "update_policy_rule", client.update_policy_rule(policy.id, made.id, made))
    checks.equal("update_policy_rule renames", changed.name, "Two changed")
    await call(checks, "deactivate_policy_rule", client.deactivate_policy_rule(policy.id, made.id))
    found = await call(checks, "get_policy_rule", client.get_policy_rule(policy.id, made.id))
    checks.equal("the rule is INACTIVE", text(found.status), "INACTIVE")
    await call(checks, "activate_policy_rule", client.activate_policy_rule(policy.id, made.id))
    await call(checks, "delete_policy_rule", client.delete_policy_rule(policy.id, made.id))
    await gone(checks, "a deleted rule is not found", client.get_policy_rule(policy.id, made.id))

    policy.name = "Two changed"
    changed = await call(checks, "update_policy", client.update_policy(policy.id, policy))
    checks.equal("update_policy renames", changed.name, "Two changed")
    await call(checks, "deactivate_policy", client.deactivate_policy(policy.id))
    found = await call(checks, "get_policy", client.get_policy(policy.id))
    checks.equal("the policy is INACTIVE", text(found.status), "INACTIVE")
    await call(checks, "activate_policy", client.activate_policy(policy.id))
    await call(checks, "delete_policy", client.delete_policy(policy.id))
    await gone(checks, "a deleted policy is not found", client.get_policy(policy.id))
    await call(checks, "delete_group", client.delete_group(group.id))


async def authorization_servers(client: Client, checks: Checks) -> None:
    """A server with scopes, claims, a policy with a rule, and rotated keys."""
    body = {"name": "Two", "description": "made by a test", "audiences": ["api://two"]}
    server = await call(checks, "create_authorization_server", client.create_authorization_server(body))
    checks.equal("it has one audience", server.audiences, ["api://two"])
    listed = await call(checks, "list_authorization_servers", client.list_authorization_servers())
    checks.check("it is listed", server.id in [one.id for one in listed], listed)
    server.description = "changed"
    changed = await call(checks, "update_authorization_server", client.update_authorization_server(server.id, server))
    checks.equal("update_authorization_server keeps the change", changed.description, "changed")

    scope = await call(checks, "create_o_auth_2_scope", client.create_o_auth_2_scope(server.id, {"name": "two:read"}))
    scopes = await call(checks, "list_o_auth_2_scopes", client.list_o_auth_2_scopes(server.id))
    checks.check("system scopes and ours are listed", {"openid", "two:read"} <= {one.name for one in scopes}, scopes)
    renamed = {"name": "two:write", "description": "changed"}
    changed = await call(checks, "update_o_auth_2_scope", client.update_o_auth_2_scope(server.id, scope.id, renamed))
    checks.equal("update_o_auth_2_scope renames", changed.name, "two:write")
    await call(checks, "delete_o_auth_2_scope", client.delete_o_auth_2_scope(server.id, scope.id))
    await gone(checks, "a deleted scope is not found", client.get_o_auth_2_scope(server.id, scope.id))

    body = {"name": "two", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
            "value": '"driving!"', "conditions": {"scopes": []}}
    claim = await call(checks, "create_o_auth_2_claim", client.create_o_auth_2_claim(server.id, body))
    changed = await call(checks, "update_o_auth_2_claim", client.update_o_auth_2_claim(server.id, claim.id, {**body, "name": "three"}))
    checks.equal("update_o_auth_2_claim renames", changed.name, "three")
    await call(checks, "delete_o_auth_2_claim", client.delete_o_auth_2_claim(server.id, claim.id))
    await gone(checks, "a deleted claim is not found", client.get_o_auth_2_claim(server.id, claim.id))

    keys = await call(checks, "list_authorization_server_keys", client.list_authorization_server_keys(server.id))
    checks.check("one key is ACTIVE", [one.status for one in keys].count("ACTIVE") == 1, keys)
    rotated = await call(checks, "rotate_authorization_server_keys", client.rotate_authorization_server_keys(server.id, {"use": "sig"}))
    checks.check("rotation changes the ACTIVE key", rotated[0].kid != keys[0].kid, rotated)
    await call(checks, "deactivate_authorization_server", client.deactivate_authorization_server(server.id))
    await call(checks, "delete_authorization_server", client.delete_authorization_server(server.id))
    await gone(checks, "a deleted server is not found", client.get_authorization_server(server.id))


async def identity_providers(client: Client, checks: Checks) -> None:
    """A provider with a signing key and a linked user."""
    idp = await call(checks, "create_identity_provider", client.create_identity_provider(models.IdentityProvider(oidc_provider("Two"))))
    checks.equal("a new provider is ACTIVE", text(idp.status), "ACTIVE")
    listed = await call(checks, "list_identity_providers", client.list_identity_providers())
    checks.check("it is listed", idp.id in [one.id for one in listed], listed)
    idp.name = "Two changed"
    await call(checks, "update_identity_provider", client.update_identity_provider(idp.id, idp))
    found = await call(checks, "get_identity_provider", client.get_identity_provider(idp.id))
    checks.equal("update_identity_provider renames", found.name, "Two changed")
    key = await call(checks, "generate_identity_provider_signing_key", client.generate_identity_provider_signing_key(idp.id, {"validityYears": 2}))
    found = await call(checks, "get_identity_provider_signing_key", client.get_identity_provider_signing_key(idp.id, key.kid))
    checks.equal("the key is found by its id", found.kid, key.kid)
    uploaded = await call(checks, "create_identity_provider_key", client.create_identity_provider_key({"x5c": key.x_5_c}))
    keys = await call(checks, "list_identity_provider_keys", client.list_identity_provider_keys())
    checks.equal("the uploaded certificate is listed", [one.kid for one in keys], [uploaded.kid])
    await call(checks, "delete_identity_provider_key", client.delete_identity_provider_key(uploaded.kid))
    await gone(checks, "a deleted certificate is not found", client.get_identity_provider_key(uploaded.kid))

    profile = {"firstName": "Idp", "lastName": "Two", "email": "idp.two@example.com", "login": "idp.two@example.com"}
    user = await call(checks, "create_user", client.create_user({"profile": profile}, {"activate": "false"}))
    linked = await call(checks, "link_user_to_identity_provider", client.link_user_to_identity_provider(idp.id, user.id, {"externalId": "externalId"}))
    checks.equal("the link names the account", linked.external_id, "externalId")
    users = await call(checks, "list_identity_provider_application_users", client.list_identity_provider_application_users(idp.id))
    checks.equal("the linked user is listed", [one.id for one in users], [user.id])
    await call(checks, "unlink_user_from_identity_provider", client.unlink_user_from_identity_provider(idp.id, user.id))
    await call(checks, "deactivate_identity_provider", client.deactivate_identity_provider(idp.id))
    await call(checks, "delete_identity_provider", client.delete_identity_provider(idp.id))
    await gone(checks, "a deleted provider is not found", client.get_identity_provider(idp.id))


async def zones(client: Client, checks: Checks) -> None:
    """A zone and a trusted origin."""
    body = models.NetworkZone({"type": "IP", "name": "Two", "gateways": [{"type": "CIDR", "value": "1.2.3.4/24"}], "proxies": [{"type": "CIDR", "value": "2.2.3.4/24"}]})
    zone = await call(checks, "create_network_zone", client.create_network_zone(body))
    zone.name = "Two changed"
    changed = await call(checks, "update_network_zone", client.update_network_zone(zone.id, zone))
    checks.equal("update_network_zone renames", changed.name, "Two changed")
    off = await call(checks, "deactivate_network_zone", client.deactivate_network_zone(zone.id))
    checks.equal("deactivate_network_zone gives the zone", text(off.status), "INACTIVE")
    await call(checks, "delete_network_zone", client.delete_network_zone(zone.id))
    await gone(checks, "a deleted zone is not found", client.get_network_zone(zone.id))

    body = {"name": "Two", "origin": "https://two.example", "scopes": [{"type": "CORS"}, {"type": "REDIRECT"}]}
    origin = await call(checks, "create_origin", client.create_origin(body))
    off = await call(checks, "deactivate_origin", client.deactivate_origin(origin.id))
    checks.equal("deactivate_origin gives the origin", off.status, "INACTIVE")
    await call(checks, "delete_origin", client.delete_origin(origin.id))
    await gone(checks, "a deleted origin is not found", client.get_origin(origin.id))


async def hooks(client: Client, checks: Checks) -> None:
    """An event hook and an inline hook through their lives."""
    hook = await call(checks, "create_event_hook", client.create_event_hook(event_hook("Two")))
    checks.equal("a new hook is not verified", hook.verification_status, "UNVERIFIED")
    off = await call(checks, "deactivate_event_hook", client.deactivate_event_hook(hook.id))
    checks.equal("deactivate_event_hook gives the hook", off.status, "INACTIVE")
    await call(checks, "delete_event_hook", client.delete_event_hook(hook.id))
    await gone(checks, "a deleted hook is not found", client.get_event_hook(hook.id))

    hook = await call(checks, "create_inline_hook", client.create_inline_hook(inline_hook("Two")))
    off = await call(checks, "deactivate_inline_hook", client.deactivate_inline_hook(hook.id))
    checks.equal("deactivate_inline_hook gives the hook", text(off.status), "INACTIVE")
    await call(checks, "activate_inline_hook", client.activate_inline_hook(hook.id))
    await call(checks, "deactivate_inline_hook", client.deactivate_inline_hook(hook.id))
    await call(checks, "delete_inline_hook", client.delete_inline_hook(hook.id))
    await gone(checks, "a deleted hook is not found", client.get_inline_hook(hook.id))


async def judgement(checks: Checks) -> None:
    """Everything."""
    await parts(checks, Client(configuration()), policies, authorization_servers, identity_providers, zones, hooks)


judge("okta 2.9.13, org", judgement)
