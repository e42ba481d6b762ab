-- An account from nothing. One set of statements for both engines: every column is BIGINT or TEXT,
-- truth values are 0 and 1, instants are microseconds since 1970 UTC, lists and records are JSON.
-- Takes milliseconds: it runs on an empty database.

-- The last id that was given out, per kind of object. Ids are never given out twice.
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

CREATE TABLE users (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  login_name TEXT NOT NULL,
  login_key TEXT NOT NULL UNIQUE,
  owner_id BIGINT,
  disabled BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  verifier TEXT,
  properties TEXT NOT NULL,
  resource TEXT NOT NULL
);

CREATE TABLE roles (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  owner_id BIGINT,
  comment TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  resource TEXT
);

-- Who is a member of a role: one row per member, so that a change of one member touches one row.
CREATE TABLE memberships (
  role_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  granted_by BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (role_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, role_id);

-- Members of a SCIM group that are no users of the account: nested groups, ids of other systems.
CREATE TABLE foreign_members (
  role_id BIGINT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (role_id, value)
);

-- Roles granted to roles: the parent may do what the role may do.
CREATE TABLE role_grants (
  role_id BIGINT NOT NULL,
  parent_id BIGINT NOT NULL,
  grant_option BIGINT NOT NULL,
  granted_by BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (parent_id, role_id)
);
CREATE INDEX role_grants_by_role ON role_grants (role_id, parent_id);

CREATE TABLE privileges (
  role_id BIGINT NOT NULL,
  privilege TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object_name TEXT NOT NULL,
  grant_option BIGINT NOT NULL,
  granted_by BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (role_id, privilege, object_kind, object_name)
);
CREATE INDEX privileges_by_object ON privileges (object_kind, object_name);

CREATE TABLE integrations (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  client TEXT NOT NULL,
  run_as_role TEXT NOT NULL,
  endpoint_id TEXT NOT NULL UNIQUE,
  enabled BIGINT NOT NULL,
  network_policy TEXT,
  sync_password BIGINT NOT NULL,
  reject_before BIGINT,
  comment TEXT NOT NULL,
  owner_id BIGINT,
  created_at BIGINT NOT NULL
);

-- SCIM access tokens, by their SHA-256 in hexadecimal.
CREATE TABLE tokens (
  hash TEXT PRIMARY KEY,
  integration_id BIGINT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX tokens_by_integration ON tokens (integration_id);

-- Programmatic access tokens, by their SHA-256 in hexadecimal.
CREATE TABLE access_tokens (
  hash TEXT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  role_restriction TEXT,
  disabled BIGINT NOT NULL,
  comment TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (user_id, name)
);

CREATE TABLE network_policies (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  allowed TEXT NOT NULL,
  blocked TEXT NOT NULL,
  allowed_rules TEXT NOT NULL,
  blocked_rules TEXT NOT NULL,
  comment TEXT NOT NULL,
  owner_id BIGINT,
  created_at BIGINT NOT NULL
);

-- Parameters of the account, and what the account remembers about itself.
CREATE TABLE parameters (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- Databases, schemas and warehouses; the name of a schema is DATABASE.SCHEMA.
CREATE TABLE containers (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  owner_id BIGINT,
  comment TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);

-- What the REST interface was asked, as REST_EVENT_HISTORY shows it.
CREATE TABLE events (
  id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  endpoint TEXT NOT NULL,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  error_code TEXT,
  details TEXT NOT NULL,
  client_ip TEXT,
  actor_name TEXT,
  actor_domain TEXT,
  resource_name TEXT,
  resource_domain TEXT
);
CREATE INDEX events_by_time ON events (at);
