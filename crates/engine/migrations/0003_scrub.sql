-- What has to be taken out of the journals of ended runs, told so that it outlives the process. Takes milliseconds: one
-- column with a constant default, and an index of the few rows that have another value.

-- 1 as long as the journal of an ended run holds what its history must not show.
ALTER TABLE flow_runs ADD COLUMN scrub BIGINT NOT NULL DEFAULT 0;
CREATE INDEX flow_runs_to_scrub ON flow_runs (ended_at) WHERE scrub = 1;
