CREATE TABLE connect_files (
    one BIGINT NOT NULL PRIMARY KEY,
    folder TEXT NOT NULL
);
