//! Half a table is never handed out as a whole one: every kind of fault at every request of every
//! table that the sandbox serves with rows, and of statements that combine tables.
//!
//! A statement first runs undisturbed, to see its rows and to count its requests. Then each request
//! is struck in turn, the first of the org's schemas as much as the last page. Each time the
//! statement must fail with a code and a hint, or answer with the very same rows.
//!
//! A list that ends early without any sign (`WrongLink::Missing`) is left out: nobody can tell it
//! from a short list.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Clock, Coded, ManualClock, Timestamp};
use oktant_client::{Call, Org};
use oktant_sandbox::{Effect, Fault, Sandbox, WrongLink};
use oktant_sql::{Edges, Error, Params, Properties, Session};
use serde_json::json;

use crate::support::run_on;

/// Small pages, one request at a time, and one repeat.
const PROPERTIES: &str = "&MaxRetries=1&Pagesize=2&Parallelism=1";

/// Statements that are struck side by side, each on an org of its own.
const LANES: usize = 2;

const USERS: usize = 4;
const GROUPS: usize = 1;

/// Tables that must be among those struck; the sandbox may serve more.
const TABLES_AT_LEAST: &[&str] = &[
    "ApplicationGroups",
    "ApplicationUsers",
    "Applications",
    "GroupMembers",
    "GroupRules",
    "Groups",
    "SystemLog",
    "UserFactors",
    "UserGroups",
    "UserRoles",
    "UserTypes",
    "Users",
];

/// Statements that read tables through joins, aggregates, subqueries and set operations.
const COMBINATIONS: &[&str] = &[
    "SELECT COUNT(*) FROM Users",
    "SELECT Status, COUNT(*) FROM Users WHERE ProfileFirstName >= 'A' GROUP BY Status",
    "SELECT g.ProfileName, COUNT(m.UserId) FROM Groups g LEFT JOIN GroupMembers m ON m.GroupId = g.Id GROUP BY g.ProfileName",
    "SELECT g.ProfileName, u.ProfileLogin FROM Groups g JOIN GroupMembers m ON m.GroupId = g.Id JOIN Users u ON u.Id = m.UserId",
    "SELECT Id FROM Users INTERSECT SELECT UserId FROM GroupMembers",
    "SELECT Label FROM Applications WHERE Id IN (SELECT AppId FROM ApplicationUsers WHERE Status = 'ACTIVE')",
    "SELECT Id, ProfileLogin FROM Users ORDER BY Created DESC, Id LIMIT 6",
];

/// What strikes, and how often in a row.
const FAULTS: &[(&str, Effect, u64)] = &[
    ("429 beyond the repeats", Effect::Status { status: 429, reset_seconds: 1 }, 2),
    ("500", Effect::Status { status: 500, reset_seconds: 1 }, 1),
    ("503 once", Effect::Status { status: 503, reset_seconds: 1 }, 1),
    ("truncated beyond the repeats", Effect::Truncate { bytes: None }, 2),
    ("empty 200", Effect::Empty, 1),
    ("HTML in a 200", Effect::Html { status: 200 }, 1),
    ("link to the page itself", Effect::Link { next: WrongLink::ToItself }, 1),
    ("link to another host", Effect::Link { next: WrongLink::OtherHost }, 1),
    ("link without parameters", Effect::Link { next: WrongLink::DropParameters }, 1),
    ("expired token", Effect::ExpiredToken, 1),
];

/// A clock on which waiting takes no time.
#[derive(Debug)]
struct Impatient(ManualClock);

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.advance(duration);
        Box::pin(std::future::ready(()))
    }
}

/// An org that is struck by one statement at a time.
struct Target {
    sandbox: Sandbox,
    org: Org,
    edges: Edges,
}

impl Target {
    async fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Impatient(ManualClock::at("2026-08-20T12:00:00Z".parse().unwrap())));
        let builder = Sandbox::builder().users(USERS).groups(GROUPS).seed(11).clock(Arc::clone(&clock));
        let sandbox = builder.start().await.unwrap();
        let edges = Edges { clock, ..Edges::system() };
        let properties = Properties::parse(&format!("{}{PROPERTIES}", sandbox.dsn())).unwrap();
        let org = Org::connect(&properties, edges.clone()).await.unwrap();
        let target = Self { sandbox, org, edges };
        target.fill().await;
        target
    }

    /// Objects that no generated org has.
    async fn fill(&self) {
        let truth = self.sandbox.truth();
        let id = |object: &serde_json::Value| object["id"].as_str().unwrap().to_owned();
        let group = truth.groups.iter().find(|group| group["type"] == "OKTA_GROUP").unwrap();
        let condition = json!({ "type": "urn:okta:expression:1.0", "value": "user.department==\"None\"" });
        let actions = json!({ "assignUserToGroups": { "groupIds": [id(group)] } });
        let rule = json!({ "type": "group_rule", "name": "Rule", "conditions": { "expression": condition }, "actions": actions });
        self.post("/api/v1/groups/rules", &rule).await;
    }

    async fn post(&self, path: &str, body: &serde_json::Value) {
        self.org.send(Call::path("POST", path).unwrap().json(body)).await.unwrap();
    }

    /// Rows in a fixed order, on a session that remembers nothing of earlier ones.
    async fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, Error> {
        let session = Session::over(self.org.clone(), self.edges.clone())?;
        let mut rows = run_on(&session, sql, Params::None).await?.rows;
        rows.sort();
        Ok(rows)
    }
}

/// What became of the strikes on one statement.
#[derive(Debug, Default)]
struct Tally {
    sql: String,
    rows: usize,
    requests: usize,
    errors: usize,
    healed: usize,
    problems: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sql, rows, requests, errors, healed, .. } = self;
        write!(f, "{rows:>5} rows {requests:>4} requests {errors:>5} errors {healed:>5} whole answers  {sql}")
    }
}

/// Strikes every request of the statement with every fault. A table that the sandbox does not
/// serve, or that has no rows, yields no requests.
async fn strike(target: &Target, sql: String) -> Tally {
    target.sandbox.clear_requests();
    let Ok(whole) = target.rows(&sql).await else { return Tally { sql, ..Tally::default() } };
    let mut tally = Tally { sql, rows: whole.len(), ..Tally::default() };
    if whole.is_empty() {
        return tally;
    }
    tally.requests = target.sandbox.requests().len();
    for (name, effect, times) in FAULTS {
        for number in 1..=tally.requests {
            target.sandbox.add_fault(Fault::new("**", effect.clone()).from_request(number as u64).times(*times));
            let verdict = judge(target.rows(&tally.sql).await, &whole);
            target.sandbox.clear_faults();
            match verdict {
                Ok(Verdict::Whole) => tally.healed += 1,
                Ok(Verdict::Refused) => tally.errors += 1,
                Err(problem) => {
                    let place = format!("{name} at request {number} of {}", tally.requests);
                    tally.problems.push(format!("{}: {place}: {problem}", tally.sql));
                }
            }
        }
    }
    tally
}

enum Verdict {
    Refused,
    Whole,
}

fn judge(answer: Result<Vec<Vec<String>>, Error>, whole: &[Vec<String>]) -> Result<Verdict, String> {
    match answer {
        Ok(rows) if rows == whole => Ok(Verdict::Whole),
        Ok(rows) => Err(format!("{} rows instead of {}", rows.len(), whole.len())),
        Err(error) if error.hint().is_none() => Err(format!("no hint: {error:?}")),
        Err(error) if error.code().id().starts_with("OKT9") => Err(format!("not its cause: {error:?}")),
        Err(_) => Ok(Verdict::Refused),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_at_any_request_of_any_table_is_an_error_or_changes_nothing() {
    let tables = oktant_catalog::tables().iter().map(|table| table.name);
    let scans = tables.map(|table| format!("SELECT * FROM {table}"));
    let statements: Vec<String> = scans.chain(COMBINATIONS.iter().map(ToString::to_string)).collect();
    let lanes = (0..LANES).map(|lane| {
        let statements: Vec<String> = statements.iter().skip(lane).step_by(LANES).cloned().collect();
        tokio::spawn(async move {
            let target = Target::start().await;
            let mut tallies = Vec::new();
            for sql in statements {
                tallies.push(strike(&target, sql).await);
            }
            target.sandbox.shutdown().await;
            tallies
        })
    });
    let mut tallies = Vec::new();
    for lane in lanes.collect::<Vec<_>>() {
        tallies.extend(lane.await.unwrap().into_iter().filter(|tally| tally.requests > 0));
    }

    let total = |number: fn(&Tally) -> usize| tallies.iter().map(number).sum::<usize>();
    for tally in &tallies {
        println!("{tally}");
    }
    let requests = total(|tally| tally.requests);
    println!(
        "{} statements x {} faults at each of their {requests} requests: {} errors, {} whole answers",
        tallies.len(),
        FAULTS.len(),
        total(|tally| tally.errors),
        total(|tally| tally.healed),
    );
    let problems: Vec<_> = tallies.iter().flat_map(|tally| &tally.problems).map(String::as_str).collect();
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    for sql in TABLES_AT_LEAST
        .iter()
        .map(|table| format!("SELECT * FROM {table}"))
        .chain(COMBINATIONS.iter().map(ToString::to_string))
    {
        let tally = tallies.iter().find(|tally| tally.sql == sql).unwrap_or_else(|| panic!("{sql} has no rows"));
        assert!(tally.errors > 0 && tally.healed > 0, "{tally}");
    }
}
