//! The same behaviour on every database: one suite, run on `SQLite` and, where there is one, on `PostgreSQL`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

#[path = "shared/databases.rs"]
mod databases;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use oktant_store::{Connection, Database, Row, Schema, Store, StoreError, Value, Writers};
use tokio::sync::oneshot;

use databases::databases;

const NOTES: Schema = Schema {
    component: "notes",
    migrations: &[(
        1,
        "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT);\nCREATE INDEX notes_text ON notes (text);\n",
    )],
    writers: Writers::One(1),
    earlier: None,
};

const NEWER: &[(i64, &str)] = &[(1, NOTES.migrations[0].1), (2, "ALTER TABLE notes ADD COLUMN more TEXT;\n")];

const LINKED: &str = "CREATE TABLE parents (id BIGINT PRIMARY KEY);\n\
    CREATE TABLE children (parent BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);\n";

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
    for databases::Database { name, url, .. } in &databases().await {
        let database = open(url, NOTES).await.unwrap();
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
        assert_eq!(i64::try_from(kept).unwrap(), count(&database).await, "{name}");
        assert_eq!(kept, 30, "one of each two is kept: {name}");
    }
}

#[tokio::test]
async fn tables_are_made_once_per_component_and_newer_ones_are_refused() {
    for databases::Database { name, url, .. } in &databases().await {
        let first = open(url, NOTES).await.unwrap();
        write(&first, 1, false).await.unwrap();
        let other = Schema { component: "others", migrations: &[(1, "CREATE TABLE others (id BIGINT);\n")], ..NOTES };
        open(url, other).await.unwrap();
        let again = open(url, NOTES).await.unwrap();
        assert_eq!(count(&again).await, 1, "{name}");
        let newer = Schema { migrations: NEWER, ..NOTES };
        open(url, newer).await.unwrap();
        let error = open(url, NOTES).await.unwrap_err();
        assert!(matches!(error, StoreError::Version { found: 2, known: 1 }), "{name}: {error}");
        let broken =
            Schema { component: "broken", migrations: &[(1, "CREATE TABLE b (id BIGINT);\nNONSENSE;\n")], ..NOTES };
        open(url, broken).await.unwrap_err();
        let mended = Schema { component: "broken", migrations: &[(1, "CREATE TABLE b (id BIGINT);\n")], ..NOTES };
        open(url, mended).await.expect("a migration that fails leaves nothing behind");
    }
}

#[tokio::test]
async fn a_panic_in_a_write_leaves_the_database_open() {
    for databases::Database { name, url, .. } in &databases().await {
        let database = open(url, NOTES).await.unwrap();
        let panics = database.write(|connection| {
            Box::pin(async move {
                connection.execute("INSERT INTO notes (id) VALUES (7)", &[]).await?;
                assert_eq!(1, 2, "on purpose");
                Ok::<(), StoreError>(())
            })
        });
        assert!(matches!(panics.await, Err(StoreError::Closed)));
        write(&database, 8, false).await.unwrap();
        assert!(count(&database).await >= 1, "{name}");
    }
}

#[tokio::test]
async fn addresses_are_checked_without_telling_passwords() {
    let error = oktant_store::connect("mysql://root:hush@db/x").await.unwrap_err().to_string();
    assert!(error.contains("db/x") && !error.contains("hush"), "{error}");
}

#[tokio::test]
async fn a_commit_that_fails_tells_its_cause() {
    for databases::Database { name, url, .. } in &databases().await {
        let schema = Schema { component: "linked", migrations: &[(1, LINKED)], ..NOTES };
        let database = open(url, schema).await.unwrap();
        let error = database.write(job("INSERT INTO children VALUES (7)")).await.unwrap_err();
        let cause = std::error::Error::source(&error).and_then(std::error::Error::source).map(ToString::to_string);
        assert!(matches!(error, StoreError::Commit(_)), "{name}: {error}");
        assert!(cause.is_some_and(|cause| cause.to_lowercase().contains("foreign key")), "{name}: {error:?}");
    }
}

/// A store whose transactions cannot begin while told so, and have no savepoints then.
#[derive(Debug)]
struct Failing {
    store: Box<dyn Store>,
    fails: Arc<AtomicBool>,
    /// Whether they begin all the same.
    begins: bool,
}

#[async_trait]
impl Store for Failing {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.store.reader().await
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        let fails = self.fails.load(Ordering::Relaxed);
        let writer = self.store.writer().await?;
        Ok(if fails { Box::new(WithoutSavepoints(writer)) } else { writer })
    }

    fn begin(&self, locks: &[i64]) -> String {
        let fails = self.fails.load(Ordering::Relaxed) && !self.begins;
        self.store.begin(locks) + if fails { "; SELECT 1 FROM nowhere" } else { "" }
    }

    fn skip_locked(&self) -> &'static str {
        self.store.skip_locked()
    }

    fn blocks(&self) -> bool {
        self.store.blocks()
    }
}

struct WithoutSavepoints(Box<dyn Connection>);

#[async_trait]
impl Connection for WithoutSavepoints {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        self.0.execute(sql, values).await
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.0.fetch(sql, values).await
    }

    async fn control(&mut self, statements: &str) -> Result<(), StoreError> {
        let fails = if statements.contains("SAVEPOINT") { "; SELECT 1 FROM nowhere" } else { "" };
        self.0.control(&format!("{statements}{fails}")).await
    }
}

#[tokio::test]
async fn nobody_is_told_of_what_went_with_a_savepoint_that_could_not_be_taken() {
    for databases::Database { name, url, .. } in &databases().await {
        let (store, fails) = (oktant_store::connect(url).await.unwrap(), Arc::new(AtomicBool::new(false)));
        let store = Failing { store, fails: Arc::clone(&fails), begins: true };
        let database = Database::open(Box::new(store), NOTES).await.unwrap();
        fails.store(true, Ordering::Relaxed);
        let writes = [("INSERT INTO notes (id) VALUES (1)", false), ("INSERT INTO notes (id) VALUES (2)", true)];
        assert_eq!(together(&database, &writes).await, [false, false], "{name}");
        assert_eq!(count(&database).await, 0, "{name}");
    }
}

#[tokio::test]
async fn a_transaction_that_fails_to_begin_or_to_end_leaves_the_connection_usable() {
    for databases::Database { name, url, .. } in &databases().await {
        let schema = Schema { component: "linked", migrations: &[(1, LINKED)], ..NOTES };
        let (store, fails) = (oktant_store::connect(url).await.unwrap(), Arc::new(AtomicBool::new(false)));
        let database = Failing { store, fails: Arc::clone(&fails), begins: false };
        let database = Database::open(Box::new(database), schema).await.unwrap();
        fails.store(true, Ordering::Relaxed);
        let error = database.write(job("INSERT INTO parents VALUES (1)")).await.unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{name}: {error}");
        fails.store(false, Ordering::Relaxed);
        let error = database.write(job("INSERT INTO children VALUES (7)")).await.unwrap_err();
        assert!(matches!(error, StoreError::Commit(_)), "{name}: {error}");
        database.write(job("INSERT INTO parents VALUES (2)")).await.unwrap();
        let mut connection = database.read().await.unwrap();
        let rows = connection.fetch("SELECT id FROM parents", &[]).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert_eq!(ids, [2], "{name}: what was not acknowledged is not there");
        assert!(connection.fetch("SELECT * FROM children", &[]).await.unwrap().is_empty(), "{name}");
    }
}

/// A write of these statements. `fail` is none: there it gives up.
fn job(
    statements: &'static str,
) -> impl for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<(), StoreError>> + Send {
    move |connection| {
        Box::pin(async move {
            for statement in statements.split("; ") {
                if statement == "fail" {
                    return Err(StoreError::Corrupt("as told".to_owned()));
                }
                connection.execute(statement, &[]).await?;
            }
            Ok(())
        })
    }
}

/// Does these writes in one transaction, those with `true` each undone by itself; says which of them succeeded.
async fn together(database: &Database, writes: &[(&'static str, bool)]) -> Vec<bool> {
    // The writer waits in the first one until all others wait for it.
    let (started, begun) = oneshot::channel::<()>();
    let (go, wait) = oneshot::channel::<()>();
    let first = database.write(move |_| {
        Box::pin(async move {
            started.send(()).map_err(|()| StoreError::Closed)?;
            wait.await.map_err(|_| StoreError::Closed)
        })
    });
    let rest = async {
        begun.await.unwrap();
        let others = writes.iter().map(|(statements, guarded)| async {
            let work = job(statements);
            if *guarded { database.write(work).await } else { database.write_decided(work).await }
        });
        let others = futures::future::join_all(others);
        // Each of the others is sent when it is polled first, which is before this.
        let release = async { go.send(()).unwrap() };
        futures::join!(others, release).0
    };
    let (first, others) = futures::join!(first, rest);
    first.unwrap();
    others.iter().map(Result::is_ok).collect()
}

#[tokio::test]
async fn a_write_that_fails_is_undone_by_itself_or_with_those_before_it() {
    for databases::Database { name, url, .. } in &databases().await {
        let database = open(url, NOTES).await.unwrap();
        let bad = "INSERT INTO nowhere VALUES (1)";
        let guarded = [
            ("INSERT INTO notes (id) VALUES (1)", true),
            (bad, true),
            ("CREATE TABLE made (id BIGINT); fail", true),
            ("INSERT INTO notes (id) VALUES (10); fail", true),
            ("INSERT INTO notes (id) VALUES (2)", false),
        ];
        assert_eq!(together(&database, &guarded).await, [true, false, false, false, true], "{name}");
        let decided = [
            ("INSERT INTO notes (id) VALUES (3)", true),
            ("UPDATE notes SET text = 'x' WHERE id = 99; fail", false),
            (bad, false),
            ("INSERT INTO notes (id) VALUES (4)", true),
        ];
        let kept = together(&database, &decided).await;
        assert_eq!(kept, [false, false, false, true], "{name}: nobody is told of what was not kept");
        let mut connection = database.read().await.unwrap();
        let rows = connection.fetch("SELECT id FROM notes ORDER BY id", &[]).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert_eq!(ids, [1, 2, 4], "{name}");
        let made = connection.fetch("SELECT * FROM made", &[]).await.unwrap_err();
        assert!(made.is_missing_table(), "{name}: {made}");
    }
}

#[tokio::test]
async fn versions_that_a_component_kept_in_a_table_of_its_own_are_taken_over() {
    for databases::Database { name, url, .. } in &databases().await {
        let database = open(url, NOTES).await.unwrap();
        write(&database, 1, false).await.unwrap();
        let as_it_was = "CREATE TABLE note_versions (version BIGINT PRIMARY KEY); \
                         INSERT INTO note_versions SELECT version FROM oktant_migrations; DROP TABLE oktant_migrations";
        database.write(job(as_it_was)).await.unwrap();
        let schema = Schema { migrations: NEWER, earlier: Some("note_versions"), ..NOTES };
        for _ in 0..2 {
            assert_eq!(count(&open(url, schema).await.unwrap()).await, 1, "{name}");
        }
        let newest = "SELECT max(version) FROM note_versions";
        let row = database.read().await.unwrap().fetch_one(newest, &[]).await.unwrap();
        assert_eq!(row.unwrap().int(0).unwrap(), i64::MAX, "{name}: programs of before refuse it");
        database.write(job("DROP TABLE note_versions")).await.unwrap();
        let error = open(url, NOTES).await.unwrap_err();
        assert!(matches!(error, StoreError::Version { found: 2, known: 1 }), "{name}: {error}");
        database.write(job(as_it_was)).await.unwrap();
        let older = Schema { earlier: Some("note_versions"), ..NOTES };
        let error = open(url, older).await.unwrap_err();
        assert!(matches!(error, StoreError::Version { found: 2, known: 1 }), "{name}: {error}");
        assert_eq!(count(&open(url, schema).await.unwrap()).await, 1, "{name}: what is refused stays as it is");
    }
}

#[tokio::test]
async fn no_text_makes_a_write_fail() {
    for databases::Database { name, url, .. } in &databases().await {
        let database = open(url, NOTES).await.unwrap();
        let written = database.write(|connection| {
            let values = [1.into(), "a\0b".into()];
            Box::pin(async move { connection.execute("INSERT INTO notes (id, text) VALUES ($1, $2)", &values).await })
        });
        let written: Result<u64, StoreError> = written.await;
        assert_eq!(written.unwrap(), 1, "{name}");
        let row = database.read().await.unwrap().fetch_one("SELECT text FROM notes", &[]).await.unwrap();
        assert_eq!(row.unwrap().text(0).unwrap(), "a\u{fffd}b", "{name}");
    }
}

#[tokio::test]
async fn components_that_come_to_a_new_database_at_once_wait_for_one_another() {
    for databases::Database { name, url, .. } in &databases().await {
        let components = ["a", "b", "c", "d", "e", "f"].map(|component| {
            let schema = Schema { component, migrations: &[], writers: Writers::Many, ..NOTES };
            tokio::spawn({
                let url = url.clone();
                async move { open(&url, schema).await.map(drop) }
            })
        });
        for component in components {
            component.await.unwrap().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
}

#[tokio::test]
async fn the_log_of_a_file_is_emptied_without_waiting_for_who_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let store = oktant_store::SqliteStore::connect(&format!("sqlite://{}", file.display())).unwrap();
    let write = async |sql: &str| store.writer().await.unwrap().execute(sql, &[]).await.unwrap();
    write("CREATE TABLE notes (id BIGINT)").await;
    let mut reader = store.reader().await.unwrap();
    reader.execute("BEGIN", &[]).await.unwrap();
    reader.fetch("SELECT id FROM notes", &[]).await.unwrap();
    write("INSERT INTO notes (id) VALUES (1)").await;
    let begun = std::time::Instant::now();
    assert!(!store.empty_log().await.unwrap(), "an older state is being read");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    reader.execute("COMMIT", &[]).await.unwrap();
    assert!(store.empty_log().await.unwrap());
    assert_eq!(std::fs::metadata(folder.path().join("notes.db-wal")).unwrap().len(), 0);
    write("INSERT INTO notes (id) VALUES (2)").await;
}
