-- The engine's journal from nothing. One set of statements for both database engines: every column is BIGINT or
-- TEXT, truth values are 0 and 1, instants are milliseconds since 1970 UTC. Takes milliseconds: the tables are new.

-- Every definition that a flow has had, for as long as a run may need it.
CREATE TABLE flow_versions (
  flow TEXT NOT NULL,
  version TEXT NOT NULL,
  definition TEXT NOT NULL,
  saved_at BIGINT NOT NULL,
  PRIMARY KEY (flow, version)
);

-- The flows there are: which definition counts, whether it is switched on, how its endpoint is reached.
CREATE TABLE flows (
  flow TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  active BIGINT NOT NULL,
  alias TEXT NOT NULL UNIQUE,
  token_hash TEXT,
  settings TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- One row per run. event_key makes a run happen once per event; runs without one are never the same.
CREATE TABLE flow_runs (
  id TEXT PRIMARY KEY,
  flow TEXT NOT NULL,
  version TEXT NOT NULL,
  trigger_kind TEXT NOT NULL,
  event_key TEXT UNIQUE,
  parent TEXT,
  state TEXT NOT NULL,
  owner TEXT,
  lease_until BIGINT NOT NULL,
  wake_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT,
  cancel BIGINT NOT NULL,
  error_code TEXT,
  message TEXT
);
CREATE INDEX flow_runs_by_flow ON flow_runs (flow, id);
CREATE INDEX flow_runs_unfinished ON flow_runs (wake_at) WHERE ended_at IS NULL;
CREATE INDEX flow_runs_by_parent ON flow_runs (parent) WHERE parent IS NOT NULL;

-- The journal of a run: what was committed together is one segment, its records a JSON array.
CREATE TABLE flow_segments (
  run TEXT NOT NULL,
  seq BIGINT NOT NULL,
  records TEXT NOT NULL,
  PRIMARY KEY (run, seq)
);

-- Large values of a run, out of the segments' way.
CREATE TABLE flow_values (
  run TEXT NOT NULL,
  name BIGINT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (run, name)
);

-- How far a source of events has been read.
CREATE TABLE flow_cursors (
  source TEXT PRIMARY KEY,
  position TEXT NOT NULL
);
