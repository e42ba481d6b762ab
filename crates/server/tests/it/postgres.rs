//! The wire protocol of PostgreSQL.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Column as _, ConnectOptions as _, Connection as _, Executor as _, Row as _, Statement as _};

use crate::support::{PASSWORD, Running};

impl Running {
    pub(crate) fn pg_options(&self, user: &str, password: &str) -> PgConnectOptions {
        let at = self.server.pg_address().expect("an address");
        PgConnectOptions::new()
            .host(&at.ip().to_string())
            .port(at.port())
            .username(user)
            .password(password)
            .database("okta")
            .ssl_mode(PgSslMode::Prefer)
    }

    async fn connect(&self, user: &str) -> PgConnection {
        self.pg_options(user, PASSWORD).connect().await.expect("a connection")
    }

    async fn with_reader(&self) {
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let create = format!("create user reader password = '{password}' default_role = readers");
        self.prepare(&[
            "create role readers",
            &create,
            "grant role readers to user reader",
            "grant select on table okta.public.users to role readers",
        ])
        .await;
    }
}

pub(crate) fn state(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().into_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_with_bound_values() {
    let running = Running::start().await;
    let mut connection = running.connect("ADMIN").await;
    let sql = "SELECT Id, Created FROM Users WHERE Status = $1 ORDER BY Id LIMIT $2";
    let rows = sqlx::query(sql).bind("ACTIVE").bind(3_i64).fetch_all(&mut connection).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert!(!rows[0].get::<&str, _>("Id").is_empty());
    let sql = sqlx::SqlStr::from_static("SELECT count(*) AS n FROM Users WHERE Id = $1");
    let prepared = connection.prepare(sql).await.unwrap();
    assert_eq!(prepared.columns()[0].name(), "n");
    let both = connection.fetch_all(sqlx::raw_sql("SELECT 1; SELECT 2")).await.unwrap();
    assert_eq!(both.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let running = Running::start().await;
    let refused = async |user: &str| running.pg_options(user, "wrong").connect().await.unwrap_err();
    assert_eq!(state(&refused("ADMIN").await), "28P01");
    assert_eq!(refused("ADMIN").await.to_string().replace("ADMIN", "x"), refused("x").await.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_what_is_read() {
    let running = Running::start().await;
    running.with_reader().await;
    let mut connection = running.connect("reader").await;
    assert!(connection.fetch_one("SELECT Id FROM Users LIMIT 1").await.is_ok());
    for sql in [
        "SELECT Id FROM Groups",
        "SELECT 1 FROM Users WHERE Id IN (SELECT Id FROM Groups)",
        "SELECT * FROM sys.sys_api_calls",
    ] {
        let error = connection.fetch_all(sql).await.unwrap_err();
        assert_eq!(state(&error), "42501", "{sql}: {error}");
    }
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'okta'";
    let tables = connection.fetch_all(tables).await.unwrap();
    assert_eq!(tables.iter().map(|row| row.get::<&str, _>(0)).collect::<Vec<_>>(), ["Users"]);
    running.prepare(&["revoke select on table okta.public.users from role readers"]).await;
    assert_eq!(state(&connection.fetch_all("SELECT Id FROM Users").await.unwrap_err()), "42501");
}

/// A statement that never ends.
const ENDLESS: &str = "SELECT count(*) FROM Users a, Users b, Users c, Users d, Users e, Users f, Users g, Users h";

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_out_within_a_second() {
    let running = Running::start().await;
    running.with_reader().await;
    let mut idle = running.connect("reader").await;
    let mut busy = running.connect("reader").await;
    let disable = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        running.prepare(&["alter user reader set disabled = true"]).await;
        Instant::now()
    };
    let asked = async {
        let error = busy.fetch_all(ENDLESS).await.unwrap_err();
        (error, Instant::now())
    };
    let (since, (error, ended)) = tokio::join!(disable, asked);
    assert_eq!(state(&error), "57P01", "{error}");
    assert!(ended - since < Duration::from_secs(1), "{:?}", ended - since);
    assert_eq!(state(&idle.fetch_all("SELECT 1").await.unwrap_err()), "57P01");
    assert!(running.pg_options("reader", PASSWORD).connect().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_with_its_connection() {
    let running = Running::start().await;
    let mut connection = running.connect("ADMIN").await;
    connection.execute("SELECT 1").await.unwrap();
    let has_line = async |line: &str| running.page("/metrics").await.1.lines().any(|known| known == line);
    let failures = "oktant_statement_failures_total{protocol=\"postgres\"}";
    assert!(has_line("oktant_sessions{protocol=\"postgres\"} 1").await);
    assert!(tokio::time::timeout(Duration::from_millis(300), connection.fetch_all(ENDLESS)).await.is_err());
    assert!(has_line(&format!("{failures} 0")).await, "the statement did not run");
    drop(connection);
    let since = Instant::now();
    while !has_line("oktant_sessions{protocol=\"postgres\"} 0").await {
        assert!(since.elapsed() < Duration::from_secs(1), "the connection is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(has_line(&format!("{failures} 1")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_and_settings_are_taken() {
    let running = Running::start().await;
    let mut connection = running.connect("ADMIN").await;
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("SET application_name = 'x'").await.unwrap();
    let row = transaction.fetch_one("SHOW transaction isolation level").await.unwrap();
    assert_eq!(row.get::<&str, _>(0), "read committed");
    transaction.rollback().await.unwrap();
    let error = connection.fetch_all("DELETE FROM Users").await.unwrap_err();
    assert_eq!(state(&error), "25006");
    let row = connection.fetch_one("SELECT current_user, current_schema()").await.unwrap();
    assert_eq!((row.get::<&str, _>(0), row.get::<&str, _>(1)), ("ADMIN", "okta"));
}

/// A connection that has been asked for its password.
async fn asked_for_password(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.server.pg_address().expect("an address")).await.expect("it listens");
    let parameters = b"user\0ADMIN\0\0";
    let length = u32::try_from(8 + parameters.len()).expect("a few bytes");
    stream
        .write_all(&[&length.to_be_bytes(), &196_608_u32.to_be_bytes(), &parameters[..]].concat())
        .await
        .expect("it is sent");
    let mut told = [0; 64];
    let length = stream.read(&mut told).await.expect("an answer");
    assert!(told[..length].windows(13).any(|window| window == b"SCRAM-SHA-256"), "{told:?}");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_signed_in_cannot_send_much() {
    const SENT: usize = 65_535;
    let running = Running::start().await;
    let mut stream = asked_for_password(&running).await;
    // The beginning of a statement of a hundred million bytes.
    let mut statement = [&b"Q"[..], &100_000_000_u32.to_be_bytes()].concat();
    statement.resize(SENT, b' ');
    stream.write_all(&statement).await.unwrap();
    let mut told = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut told)).await.expect("an end").unwrap();
    assert!(String::from_utf8_lossy(&told).contains("08P01"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_a_greatest_length() {
    let running = Running::start().await;
    let mut connection = running.connect("ADMIN").await;
    let sql = |length: usize| sqlx::AssertSqlSafe(format!("SELECT '{}' AS a", "x".repeat(length)));
    assert!(connection.fetch_all(sqlx::raw_sql(sql(1_000_000))).await.is_ok());
    assert!(connection.fetch_all(sqlx::raw_sql(sql(17 * 1024 * 1024))).await.is_err());
    assert!(connection.fetch_all("SELECT 1").await.is_err(), "the connection is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_who_is_signing_in_or_idle() {
    let running = Running::start().await;
    let _signing_in = asked_for_password(&running).await;
    let _idle = running.connect("ADMIN").await;
    let silent = TcpStream::connect(running.server.pg_address().expect("an address")).await.unwrap();
    timeout(Duration::from_secs(5), running.server.shutdown()).await.expect("the server stops");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_policy_ends_a_session() {
    let running = Running::start().await;
    running.with_reader().await;
    let mut connection = running.connect("reader").await;
    connection.fetch_one("SELECT 1").await.unwrap();
    running
        .prepare(&[
            "create network policy away allowed_ip_list = ('10.0.0.0/8')",
            "alter user reader set network_policy = away",
        ])
        .await;
    assert_eq!(state(&connection.fetch_all("SELECT 1").await.unwrap_err()), "57P01");
}
