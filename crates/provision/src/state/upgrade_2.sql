-- From version 2: a request whose answer ended its change has it in the outcome; those without any are found by the
-- runs that did not end.
ALTER TABLE runs ADD COLUMN first_entry INTEGER NOT NULL DEFAULT 9223372036854775807;
UPDATE runs SET first_entry = coalesce((SELECT min(id) FROM journal WHERE run >= runs.id), 9223372036854775807);
ALTER TABLE outcomes ADD COLUMN status INTEGER;
-- A run that ended with requests open was stopped before their answers were written.
UPDATE runs SET finished_at = NULL WHERE id IN (SELECT run FROM open JOIN journal ON id = entry);
DROP TABLE open;

PRAGMA user_version = 3;
