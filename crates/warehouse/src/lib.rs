//! A Snowflake account: users, roles, grants, security integrations and the SQL statements that manage them.
