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

PREPARED = [
    "use role accountadmin",
    "create role if not exists okta_provisioner",
    "grant role okta_provisioner to role accountadmin",
    "create security integration if not exists okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'",
    "create role if not exists nobody_has_it",
    "create security integration if not exists switched_off type = scim enabled = false scim_client = 'generic' "
    "run_as_role = 'OKTA_PROVISIONER'",
]
"""Makes what the errors need."""

ERRORS = [
    (
        "a role that the user does not have",
        "use role nobody_has_it",
        3013,
        "42501",
        "SQL access control error: Requested role 'NOBODY_HAS_IT' is not assigned to the executing user. Specify another role to activate.",
    ),
    ("a role that does not exist", "use role no_such_role", 2043, "02000",
     "SQL compilation error: Object does not exist, or operation cannot be performed."),
    ("an unknown function", "select no_such_function(1)", 2140, "42601", "SQL compilation error: Unknown function NO_SUCH_FUNCTION"),
    ("an unknown system function", "select system$no_such_function('X')", 2140, "42601",
     "SQL compilation error: Unknown function SYSTEM$NO_SUCH_FUNCTION"),
    ("an integration without run_as_role", "create security integration lacking type = scim scim_client = 'okta'", 2029, "42601",
     "SQL compilation error: Missing option(s): [RUN_AS_ROLE]"),
    ("a run_as_role that does not exist",
     "create security integration lacking type = scim scim_client = 'okta' run_as_role = 'NO_SUCH_ROLE'", 2003, "02000",
     "SQL compilation error: Role 'NO_SUCH_ROLE' does not exist or not authorized."),
    ("a run_as_role that the caller does not have",
     "create security integration lacking type = scim scim_client = 'okta' run_as_role = 'NOBODY_HAS_IT'", 3001, "42501",
     "SQL access control error: Insufficient privileges to operate on role 'NOBODY_HAS_IT'"),
    ("a token for a disabled integration", "select system$generate_scim_access_token('SWITCHED_OFF')", 2043, "02000",
     "SQL compilation error: Object does not exist, or operation cannot be performed."),
    ("an integration that does not exist", "describe security integration nowhere", 2003, "02000",
     "SQL compilation error: Integration 'NOWHERE' does not exist or not authorized."),
    ("a token for a name in lower case", "select system$generate_scim_access_token('okta_provisioning')", 2003, "02000",
     "SQL compilation error: Integration 'okta_provisioning' does not exist or not authorized."),
    ("what is no statement", "badsql", 1003, "42000", "SQL compilation error: syntax error line 1 at position 0 unexpected 'badsql'."),
    ("a role that exists", "create role okta_provisioner", 2002, "42710", "SQL compilation error: Object 'OKTA_PROVISIONER' already exists."),
]
"""Statements that fail: what they do wrong, number, SQLSTATE and message, its white space as single blanks."""
