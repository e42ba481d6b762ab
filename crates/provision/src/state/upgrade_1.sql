-- From version 1: answers were columns of the journal, outcomes had an id of their own.
CREATE TABLE answers (
    entry INTEGER PRIMARY KEY,
    status INTEGER,
    result TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
INSERT INTO answers (entry, status, result, at)
    SELECT id, status, result, coalesce(answered_at, sent_at) FROM journal WHERE result IS NOT NULL;
CREATE TABLE open (
    entry INTEGER PRIMARY KEY
) STRICT;
INSERT INTO open (entry) SELECT id FROM journal WHERE result IS NULL;
DROP INDEX journal_open;
ALTER TABLE journal DROP COLUMN status;
ALTER TABLE journal DROP COLUMN result;
ALTER TABLE journal DROP COLUMN answered_at;

ALTER TABLE outcomes RENAME TO outcomes_before;
CREATE TABLE outcomes (
    run INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    change TEXT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (run, entry)
) STRICT, WITHOUT ROWID;
INSERT INTO outcomes (run, entry, change, kind, object, result, reason, at)
    SELECT run, id, change, kind, object, result, reason, at FROM outcomes_before;
DROP TABLE outcomes_before;

PRAGMA user_version = 2;
