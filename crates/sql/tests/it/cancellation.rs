//! A statement that computes for ever leaves the thread to others, and ends when it is dropped.

use std::time::{Duration, Instant};

use futures::StreamExt;
use oktant_sql::Params;

use crate::support::Fixture;

/// What a statement may take from others before it is noticed that nobody waits for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// On one thread the timer gets its turn only if the statement lets it.
#[tokio::test]
async fn endless_statements_end_when_they_are_dropped() {
    let t = Fixture::new(30, 2).await;
    let tables = |condition: &str| {
        let joined = |name: u8| {
            format!(" JOIN Users {} ON {}", char::from(name), condition.replace('b', &char::from(name).to_string()))
        };
        let joins: String = (b'b'..=b'h').map(joined).collect();
        format!("SELECT count(*) FROM Users a{joins}")
    };
    for (kind, sql) in [
        ("product", tables("TRUE")),
        ("equal keys", tables("a.Status = b.Status")),
        ("an inequality", tables("a.Id <> b.Id")),
        ("an inequality of one row", format!("{} WHERE a.Id || b.Id || c.Id < h.Id", tables("a.Id <> b.Id"))),
        ("a union", format!("{0} UNION ALL {0}", tables("TRUE"))),
        (
            "recursion",
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n) SELECT count(*) FROM n".to_owned(),
        ),
    ] {
        let mut rows = t.session.query(&sql, Params::None).await.unwrap();
        let began = Instant::now();
        let first = tokio::time::timeout(PATIENCE, rows.next()).await;
        assert!(first.is_err(), "{kind} gave an answer: {first:?}");
        drop(rows);
        eprintln!("{kind} {:?}", began.elapsed());
        assert!(began.elapsed() < 3 * PATIENCE, "{kind} went on for {:?}", began.elapsed());
    }
}
