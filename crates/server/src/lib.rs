//! The listeners of `oktant serve`: SCIM, the Snowflake client protocol and the `PostgreSQL` wire protocol.
