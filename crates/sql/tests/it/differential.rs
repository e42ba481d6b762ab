//! Random statements over random orgs: rows are the same with pushdown on, with it off, and in
//! SQLite over the same data.
//!
//! `OKTANT_DIFFERENTIAL_QUERIES` sets how many statements run, `OKTANT_DIFFERENTIAL_SEED` where they
//! start; a failure names both statements and the seed of its org.

mod data;
mod dialect;
mod model;
mod query;

use std::collections::BTreeMap;

use futures::TryStreamExt;
use oktant_sql::{Params, Pushdown, Session};
use rand::SeedableRng;
use rand_pcg::Pcg64;

use data::TestOrg;
use dialect::{Dialect, Row};
use query::{Generator, Statement};

const QUERIES: u64 = 2_000;

/// Statements per org: enough to pay for making it, few enough to see many orgs.
const QUERIES_PER_ORG: u64 = 100;

/// What statements were about, so that a run shows that its statements were worth running.
#[derive(Debug, Default)]
struct Tally {
    statements: u64,
    with_rows: u64,
    rows: u64,
    pushed_requests: usize,
    full_requests: usize,
    kinds: BTreeMap<&'static str, u64>,
    failures: Vec<String>,
}

impl Tally {
    fn add(mut self, other: Self) -> Self {
        self.statements += other.statements;
        self.with_rows += other.with_rows;
        self.rows += other.rows;
        self.pushed_requests += other.pushed_requests;
        self.full_requests += other.full_requests;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.failures.extend(other.failures);
        self
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_do_not_depend_on_pushdown_and_equal_those_of_sqlite() {
    let queries = setting("OKTANT_DIFFERENTIAL_QUERIES", QUERIES);
    let seed = setting("OKTANT_DIFFERENTIAL_SEED", 1);
    println!("{queries} statements from seed {seed}");
    let orgs = queries.div_ceil(QUERIES_PER_ORG);
    let lanes = (0..2).map(|lane| {
        tokio::spawn(async move {
            let mut tally = Tally::default();
            for org in (lane..orgs).step_by(2) {
                let count = QUERIES_PER_ORG.min(queries - org * QUERIES_PER_ORG);
                tally = tally.add(compare_on_org(seed.wrapping_mul(1_000_003).wrapping_add(org), count).await);
            }
            tally
        })
    });
    let mut tally = Tally::default();
    for lane in lanes.collect::<Vec<_>>() {
        tally = tally.add(lane.await.unwrap());
    }
    assert!(tally.failures.is_empty(), "{} failures\n\n{}", tally.failures.len(), tally.failures.join("\n\n"));
    println!("{tally:?}");
    assert_eq!(tally.statements, queries);
    assert!(tally.with_rows * 2 > queries, "too many statements are about nothing: {tally:?}");
    assert!(tally.pushed_requests < tally.full_requests, "pushdown spares nothing: {tally:?}");
}

/// Runs `count` statements against one org three times each.
async fn compare_on_org(seed: u64, count: u64) -> Tally {
    let mut random = Pcg64::seed_from_u64(seed);
    let org = TestOrg::start(seed, &mut random).await;
    let off = org.session.with_pushdown(Pushdown::Off);
    let mut generator = Generator::new(random, &org.values);
    let mut tally = Tally::default();
    for number in 0..count {
        let statement = generator.statement();
        let context = format!("seed {seed}, statement {number}");
        let expected = arranged(&statement, org.sqlite.rows(&statement.text(Dialect::Sqlite), &context));
        for (way, session) in [("pushdown on", &org.session), ("pushdown off", &off)] {
            org.sandbox.clear_requests();
            let verdict = match run(session, &statement).await {
                Ok(found) => difference(&found, &expected),
                Err(error) => Some(format!("{error:?}")),
            };
            let requests = org.sandbox.requests().len();
            let total = if way == "pushdown on" { &mut tally.pushed_requests } else { &mut tally.full_requests };
            *total += requests;
            tally.failures.extend(verdict.map(|difference| format!("{context}, {way}: {statement}\n{difference}")));
        }
        tally.statements += 1;
        tally.with_rows += u64::from(!expected.is_empty());
        tally.rows += expected.len() as u64;
        *tally.kinds.entry(statement.kind).or_default() += 1;
    }
    org.sandbox.shutdown().await;
    tally
}

async fn run(session: &Session, statement: &Statement) -> Result<Vec<Row>, oktant_sql::Error> {
    let rows = session.query(&statement.text(Dialect::Okta), Params::None).await?;
    let batches: Vec<_> = rows.try_collect().await?;
    Ok(arranged(statement, batches.iter().flat_map(dialect::rows_of).collect()))
}

/// The rows as they came if the statement orders them, in a fixed order otherwise.
fn arranged(statement: &Statement, mut rows: Vec<Row>) -> Vec<Row> {
    if !statement.ordered {
        rows.sort();
    }
    rows
}

/// What is wrong with the rows found, if anything.
fn difference(found: &[Row], expected: &[Row]) -> Option<String> {
    if found == expected {
        return None;
    }
    let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).take(5).collect();
    let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).take(5).collect();
    Some(format!("{} rows, SQLite has {}\nmissing: {missing:?}\nextra: {extra:?}", found.len(), expected.len()))
}
