-- From version 2: an answer that tells of plain success and ended a change is in the outcome, and requests without an
-- answer are found by their runs.
ALTER TABLE runs ADD COLUMN first_entry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN status INTEGER;
-- The row of a run was forgotten in time, whatever it had left open.
INSERT OR IGNORE INTO runs (id, command, started_at, outcome)
    SELECT journal.run, 'apply', min(journal.sent_at), 'interrupted'
    FROM open JOIN journal ON journal.id = open.entry GROUP BY journal.run;
UPDATE runs SET
    first_entry = coalesce(
        (SELECT min(journal.id) FROM journal WHERE journal.run >= runs.id),
        (SELECT coalesce(max(journal.id), 0) + 1 FROM journal)
    ),
    is_open = runs.id IN (SELECT journal.run FROM open JOIN journal ON journal.id = open.entry);
DROP TABLE open;

PRAGMA user_version = 3;
