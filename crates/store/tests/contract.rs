//! The same behaviour on every database: one suite, run on `SQLite` and, where there is one, on `PostgreSQL`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

use std::sync::atomic::{AtomicU64, Ordering};

use oktant_store::{Database, PostgresStore, Schema, Store as _, StoreError, Writers};

const NOTES: Schema = Schema {
    component: "notes",
    migrations: &[(
        1,
        "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT);\nCREATE INDEX notes_text ON notes (text);\n",
    )],
    writers: Writers::One,
};

const NEWER: &[(i64, &str)] = &[(1, NOTES.migrations[0].1), (2, "ALTER TABLE notes ADD COLUMN more TEXT;\n")];

/// The address of an empty database, and what keeps it.
async fn databases() -> Vec<(String, Option<tempfile::TempDir>)> {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let mut found = vec![(format!("sqlite://{}", folder.path().join("notes.db").display()), Some(folder))];
    let Ok(server) = std::env::var("OKTANT_TEST_POSTGRES") else {
        eprintln!("skipped: no PostgreSQL; `python3 scripts/postgres.py cargo nextest run …` starts one");
        return found;
    };
    let schema = format!("store_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let mut connection = PostgresStore::connect(&server).await.unwrap().writer().await.unwrap();
    connection.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), &[]).await.unwrap();
    connection.execute(&format!("CREATE SCHEMA {schema}"), &[]).await.unwrap();
    found.push((format!("{server}?options=-c%20search_path%3D{schema}"), None));
    found
}

async fn open(url: &str, schema: Schema) -> Result<Database, StoreError> {
    Database::open(oktant_store::connect(url).await?, schema).await
}

async fn count(database: &Database) -> i64 {
    let row = database.read().await.unwrap().fetch_one("SELECT count(*) FROM notes", &[]).await.unwrap();
    row.unwrap().int(0).unwrap()
}

/// Writes a note, and fails after it if told to.
async fn write(database: &Database, id: i64, fails: bool) -> Result<u64, StoreError> {
    let work = database.write(move |connection| {
        Box::pin(async move {
            let values = [id.into(), Some(format!("note {id}")).into()];
            let rows = connection.execute("INSERT INTO notes (id, text) VALUES ($1, $2)", &values).await?;
            if fails { Err(StoreError::Corrupt("as told".to_owned())) } else { Ok(rows) }
        })
    });
    work.await
}

#[tokio::test]
async fn writes_that_share_a_commit_are_kept_or_undone_each_by_itself() {
    for (url, _folder) in databases().await {
        let database = open(&url, NOTES).await.unwrap();
        let writes = (0..60).map(|index| {
            let database = database.clone();
            tokio::spawn(async move { write(&database, index / 2, index % 6 == 0).await })
        });
        let mut kept = 0;
        for write in writes.collect::<Vec<_>>() {
            match write.await.unwrap() {
                Ok(rows) => kept += rows,
                Err(StoreError::Corrupt(reason)) => assert_eq!(reason, "as told"),
                Err(error) => assert!(error.is_unique_violation(), "{error}"),
            }
        }
        assert_eq!(i64::try_from(kept).unwrap(), count(&database).await, "{url}");
        assert_eq!(kept, 30, "one of each two is kept: {url}");
    }
}

#[tokio::test]
async fn tables_are_made_once_per_component_and_newer_ones_are_refused() {
    for (url, _folder) in databases().await {
        let first = open(&url, NOTES).await.unwrap();
        write(&first, 1, false).await.unwrap();
        let other = Schema { component: "others", migrations: &[(1, "CREATE TABLE others (id BIGINT);\n")], ..NOTES };
        open(&url, other).await.unwrap();
        let again = open(&url, NOTES).await.unwrap();
        assert_eq!(count(&again).await, 1, "{url}");
        let newer = Schema { migrations: NEWER, ..NOTES };
        open(&url, newer).await.unwrap();
        let error = open(&url, NOTES).await.unwrap_err();
        assert!(matches!(error, StoreError::Version { found: 2, known: 1 }), "{url}: {error}");
        let broken =
            Schema { component: "broken", migrations: &[(1, "CREATE TABLE b (id BIGINT);\nNONSENSE;\n")], ..NOTES };
        open(&url, broken).await.unwrap_err();
        let mended = Schema { component: "broken", migrations: &[(1, "CREATE TABLE b (id BIGINT);\n")], ..NOTES };
        open(&url, mended).await.expect("a migration that fails leaves nothing behind");
    }
}

#[tokio::test]
async fn a_panic_in_a_write_leaves_the_database_open() {
    for (url, _folder) in databases().await {
        let database = open(&url, NOTES).await.unwrap();
        let panics = database.write(|connection| {
            Box::pin(async move {
                connection.execute("INSERT INTO notes (id) VALUES (7)", &[]).await?;
                assert_eq!(1, 2, "on purpose");
                Ok::<(), StoreError>(())
            })
        });
        assert!(matches!(panics.await, Err(StoreError::Closed)));
        write(&database, 8, false).await.unwrap();
        assert!(count(&database).await >= 1, "{url}");
    }
}

#[tokio::test]
async fn addresses_are_checked_without_telling_passwords() {
    let error = oktant_store::connect("mysql://root:hush@db/x").await.unwrap_err().to_string();
    assert!(error.contains("db/x") && !error.contains("hush"), "{error}");
}

#[tokio::test]
async fn a_commit_that_fails_tells_its_cause() {
    const LINKED: &str = "CREATE TABLE parents (id BIGINT PRIMARY KEY);\n\
        CREATE TABLE children (parent BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);\n";
    for (url, _folder) in databases().await {
        let schema = Schema { component: "linked", migrations: &[(1, LINKED)], ..NOTES };
        let database = open(&url, schema).await.unwrap();
        let write = database.write(|connection| {
            Box::pin(async move { connection.execute("INSERT INTO children VALUES (7)", &[]).await })
        });
        let failed: Result<u64, StoreError> = write.await;
        let error = failed.unwrap_err();
        let cause = std::error::Error::source(&error).and_then(std::error::Error::source).map(ToString::to_string);
        assert!(matches!(error, StoreError::Commit(_)), "{url}: {error}");
        assert!(cause.is_some_and(|cause| cause.to_lowercase().contains("foreign key")), "{url}: {error:?}");
    }
}
