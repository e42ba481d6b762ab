-- What is changed from outside of an engine. Takes milliseconds: one small table, one column of another.

-- Counts changes that running engines are to look at: definitions, switches, starts, requests to cancel.
CREATE TABLE flow_notices (
  name TEXT PRIMARY KEY,
  number BIGINT NOT NULL
);

-- Since when a flow is on, milliseconds since 1970: what happened before does not start it.
ALTER TABLE flows ADD COLUMN on_since BIGINT NOT NULL DEFAULT 0;
