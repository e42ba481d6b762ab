CREATE TABLE connect_connections (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    connector TEXT NOT NULL,
    auth TEXT NOT NULL,
    settings TEXT NOT NULL,
    account TEXT,
    broken TEXT,
    sealed TEXT NOT NULL,
    version BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE connect_tables (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    columns TEXT NOT NULL,
    physical TEXT NOT NULL UNIQUE
);
