"""The statements of Snowflake's guide to Okta, and what accounts answer. Standard library only."""

from __future__ import annotations

STATEMENTS = [
    "use role accountadmin",
    "create role if not exists okta_provisioner",
    "grant create user on account to role okta_provisioner",
    "grant create role on account to role okta_provisioner",
    "grant role okta_provisioner to role accountadmin",
    "create or replace security integration okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'",
    "select system$generate_scim_access_token('OKTA_PROVISIONING')",
    "grant ownership on user some_user to role okta_provisioner",
    "alter security integration okta_provisioning set network_policy = some_policy",
    "alter security integration okta_provisioning unset network_policy",
    "use database demo_db",
    "use schema information_schema",
    "select * from table(rest_event_history('scim'))",
    "select * from table(rest_event_history('scim', dateadd('minutes',-5,current_timestamp()), current_timestamp(), 200)) "
    "order by event_timestamp",
]

SCRIPT = ";\n".join(STATEMENTS) + ";\n"

TOKEN = 6
"""Place of the statement that makes a token."""

HISTORY_COLUMNS = [
    "EVENT_TIMESTAMP", "EVENT_ID", "EVENT_TYPE", "ENDPOINT", "METHOD", "STATUS", "ERROR_CODE", "DETAILS", "CLIENT_IP",
    "ACTOR_NAME", "ACTOR_DOMAIN", "RESOURCE_NAME", "RESOURCE_DOMAIN",
]

STATUS = {
    1: "OKTA_PROVISIONER already exists, statement succeeded.",
    2: "Statement executed successfully.",
    5: "Integration OKTA_PROVISIONING successfully created.",
    7: "Statement executed successfully.",
    8: "Statement executed successfully.",
    10: "Statement executed successfully.",
}
"""What statements that only do something say, by their place."""

UNASSIGNED = "create role if not exists nobody_has_it"
"""Makes the role that the first error needs."""

ERRORS = [
    ("a role that the user does not have", "use role nobody_has_it", 3013, "42501", "Requested role 'NOBODY_HAS_IT' is not assigned"),
    ("a role that does not exist", "use role no_such_role", 2043, "02000", "Object does not exist, or operation cannot be performed."),
    ("an unknown function", "select no_such_function(1)", 2140, "42601", "Unknown function"),
    (
        "an integration without run_as_role",
        "create security integration lacking type = scim scim_client = 'okta'",
        2029,
        "42601",
        "Missing option(s): [RUN_AS_ROLE]",
    ),
    ("an integration that does not exist", "describe security integration nowhere", 2003, "02000", "'NOWHERE' does not exist"),
    ("a token for a name in lower case", "select system$generate_scim_access_token('okta_provisioning')", 2003, "02000", "does not exist"),
    ("what is no statement", "badsql", 1003, "42000", "syntax error line 1 at position 0 unexpected 'badsql'"),
    ("a role that exists", "create role okta_provisioner", 2002, "42710", "Object 'OKTA_PROVISIONER' already exists."),
]
"""Statements that fail: what they do wrong, number, SQLSTATE and a part of the message."""
