-- What was provisioned, and every request on the way there. No secret is ever written here.

-- Which application and target the file belongs to.
CREATE TABLE binding (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A user at the target. `sent` are the values last sent, by target attribute; `answered` are those the target
-- had afterwards where they differ, so that what a target does not keep is not sent again and again.
CREATE TABLE users (
    key INTEGER PRIMARY KEY,
    okta_id TEXT NOT NULL UNIQUE,
    scim_id TEXT NOT NULL,
    active INTEGER NOT NULL,
    sent TEXT NOT NULL,
    answered TEXT NOT NULL
) STRICT;

-- A group at the target.
CREATE TABLE groups (
    key INTEGER PRIMARY KEY,
    okta_id TEXT NOT NULL UNIQUE,
    scim_id TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT;

-- Members as last sent. A change writes its own rows only, whatever the size of the group.
CREATE TABLE members (
    group_key INTEGER NOT NULL,
    user_key INTEGER NOT NULL,
    PRIMARY KEY (group_key, user_key)
) STRICT, WITHOUT ROWID;

-- A run, and the first entry that its requests and outcomes may have. An open one may have requests without an answer:
-- it is under way, or was interrupted or stopped.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT,
    first_entry INTEGER NOT NULL,
    is_open INTEGER NOT NULL
) STRICT;

-- Each request that writes, before it is sent. `intent` is its body, or the ids of members to add and to remove.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    change TEXT NOT NULL,
    object TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    intent TEXT NOT NULL,
    sent_at TEXT NOT NULL
) STRICT;

-- What came of them, but for plain success that ended a change. They are a table of their own because a row that grows
-- is written twice and may not fit where it was.
CREATE TABLE answers (
    entry INTEGER PRIMARY KEY,
    status INTEGER,
    result TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- What became of each change of a plan, and why. If a request ended it with plain success, `entry` is that request's
-- and `status` its answer's; else `entry` is a number of its own.
CREATE TABLE outcomes (
    run INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    change TEXT NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    status INTEGER,
    PRIMARY KEY (run, entry)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
