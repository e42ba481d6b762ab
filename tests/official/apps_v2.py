"""okta 2.x against the sandbox: users, groups, applications, factors."""

from __future__ import annotations

from typing import Any

import apps
from checks import Checks, configuration, judge
from okta.client import Client

# What this version calls the operations whose names changed.
NAMES = {
    "add_group": "create_group",
    "delete_user": "deactivate_or_delete_user",
    "expire_password_with_temp_password": "expire_password_and_get_temporary_password",
    "revoke_user_sessions": "clear_user_sessions",
    "assign_group_target_to_user_role": "add_group_target_to_role",
    "unassign_group_target_from_user_admin_role": "remove_group_target_from_role",
    "assign_group_target_to_group_admin_role": "add_group_target_to_group_administrator_role_for_group",
    "unassign_group_target_from_group_admin_role": "remove_group_target_from_group_admin_role_given_to_group",
    "list_subscriptions_role": "list_role_subscriptions",
    "list_subscriptions_user": "list_user_subscriptions",
    "get_subscriptions_notification_type_role": "get_role_subscription_by_notification_type",
    "get_subscriptions_notification_type_user": "get_user_subscription_by_notification_type",
    "subscribe_by_notification_type_role": "subscribe_role_subscription_by_notification_type",
    "subscribe_by_notification_type_user": "subscribe_user_subscription_by_notification_type",
    "unsubscribe_by_notification_type_role": "unsubscribe_role_subscription_by_notification_type",
    "unsubscribe_by_notification_type_user": "unsubscribe_user_subscription_by_notification_type",
    "unassign_role_from_group": "remove_role_from_group",
    "unassign_user_from_application": "delete_application_user",
    "assign_group_to_application": "create_application_group_assignment",
    "unenroll_factor": "delete_factor",
}


class Steps(apps.Steps):
    """Bodies are dictionaries, parameters are one more."""

    CANNOT_READ = {
        "subscriptions of every type": "its enumeration of types is older than the description's",
        "with the keys of a device": "it has no class for `signed_nonce` and drops the profile",
    }
    LACKS = frozenset({"list_user_blocks", "list_policy_mappings", "map_resource_to_policy"})

    def answer(self, name: str, *arguments: Any, **query: Any) -> Any:
        plain = lambda value: str(value).lower() if isinstance(value, bool) else str(value)
        named = [{key: plain(value) for key, value in query.items()}] if query else []
        return getattr(self.client, NAMES.get(name, name))(*arguments, *named)

    async def pages(self, name: str, **query: Any) -> list[list[Any]]:
        page, response, error = await self.answer(name, **query)
        pages = [page]
        while error is None and response.has_next():
            page, error = await response.next()
            pages.append(page)
        self.checks.check(f"{name} by pages", error is None, error)
        return pages

    def subscriber(self, kind: str, who: str) -> list[str]:
        return [who, "OKTA_UPDATE"]


async def judgement(checks: Checks) -> None:
    """Everything."""
    await apps.judgement(Steps, Client(configuration()), checks)


judge("okta 2.9.13, apps", judgement)
