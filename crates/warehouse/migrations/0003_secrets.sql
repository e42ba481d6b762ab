-- Random keys that the account makes for itself. They sign nobody in. Takes milliseconds: a new table.
CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
