//! What flows did, in SQL, while they run.

use std::sync::Arc;

use async_trait::async_trait;
use oktant_base::{OsEntropy, SystemClock};
use oktant_connect::connection::ConnectStore;
use oktant_connect::tables::{Column, ColumnType, Tables};
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Delivered, Edges, Engine, ErrorKind, Events, Fields, Outcome, Settings, Start,
};
use oktant_flow::model::{Event, Flow};
use oktant_functions::Value;
use serde_json::json;

use crate::support::{Org, shown};

/// Nothing outside.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Actions for Nothing {
    fn describe(&self, _: &str) -> Option<ActionInfo> {
        None
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        Err(CardError::new(ErrorKind::Unsupported, call.address.to_string()))
    }

    async fn search_first(&self, _: Call) -> Result<Option<Outcome>, CardError> {
        Ok(None)
    }
}

impl Events for Nothing {
    fn event_types(&self, _: &Event) -> Option<Vec<String>> {
        None
    }

    fn outputs(&self, _: &Event, _: &Delivered) -> Option<Fields> {
        None
    }
}

/// An engine that has run a flow three times, and a table with two rows.
async fn engine(url: &str) -> Engine {
    let nothing = Arc::new(Nothing);
    let edges =
        Edges { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy), actions: nothing.clone(), events: nothing };
    let engine = Engine::open(url, edges, Settings::default()).await.expect("an engine");
    let flow: Flow = serde_json::from_str(include_str!("../../../engine/examples/webhook.json")).expect("a flow");
    engine.save(&flow).await.expect("saved");
    engine.switch("webhook", true).await.expect("on");
    for (number, name) in [(1, "Ada"), (500, "Grace"), (2, "CANARY-NAME")] {
        let mut given = Fields::new();
        given.set(Some("body"), "n", Value::Number(f64::from(number)));
        given.set(Some("body"), "name", Value::text(name));
        engine.call("webhook", Start::new("endpoint", given)).await.expect("an answer");
    }
    let tables = Tables::new(ConnectStore::open(url).await.expect("a store"));
    let column = |name: &str, kind| Column { name: name.to_owned(), kind, default: None };
    let columns =
        [column("Name", ColumnType::Text), column("Score", ColumnType::Number), column("name", ColumnType::Text)];
    let table = tables.define("t1", "Best People", &columns).await.expect("a table");
    let rows = [json!({"Name": "Ann", "Score": -2.5, "name": "a"}), json!({"Name": "Bob", "Score": 10})];
    let rows = rows.map(|row| row.as_object().expect("an object").clone());
    tables.insert(&table, &rows, &SystemClock, &OsEntropy).await.expect("rows");
    engine
}

#[test]
fn history_and_tables_of_flows_are_read_while_an_engine_has_the_file() {
    let org = Org::small();
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("flows.db").display());
    let sql = |statement: &str| {
        let mut command = org.command(&["sql", "--store", &url, "-o", "csv", "-c", statement]);
        shown(&command.env("OKTANT_FLOWS_REDACT", "name").output().expect("runs"))
    };
    let missing = sql("SELECT * FROM flow_runs");
    assert!(missing.contains("OKT3002") && missing.contains("OKTANT_FLOWS_STORE"), "{missing}");
    assert!(!folder.path().join("flows.db").exists(), "reading makes no file");

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _guard = runtime.enter();
    let _engine = runtime.block_on(engine(&url));
    let runs = sql("SELECT flow, trigger_kind, state, count(*) AS n, count(duration_ms) AS ended FROM flow_runs \
                    WHERE started_at > now() - INTERVAL '1 hour' GROUP BY flow, trigger_kind, state");
    assert!(runs.contains("webhook,endpoint,succeeded,3,3"), "{runs}");
    let steps = sql("SELECT s.path, s.state, s.inputs, s.outputs FROM flow_steps s \
                     JOIN (SELECT run FROM flow_runs ORDER BY run DESC LIMIT 1) r ON r.run = s.run ORDER BY s.number");
    assert!(steps.contains("trigger,succeeded") && steps.contains("[redacted]"), "{steps}");
    let all = sql("SELECT * FROM flow_steps") + &sql("SELECT * FROM flow_runs") + &sql("SELECT * FROM flows");
    assert!(!all.contains("CANARY") && all.contains("Webhook"), "{all}");
    let found = sql("SELECT Name, Score, \"Name_2\" FROM flow_tables.\"best people\" WHERE score < 0");
    assert!(found.contains("\nAnn,-2.5,a\n"), "{found}");
    let plan = sql("EXPLAIN SELECT run FROM flow_runs WHERE flow = 'webhook' AND state = 'FAILED' LIMIT 5");
    assert!(plan.contains("evaluated by the store: flow = 'webhook' AND state = 'failed'"), "{plan}");
    assert!(plan.contains("rows at most: 5"), "{plan}");
    let listed = sql(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name IN ('flow_runs', 'Best People')",
    );
    assert!(listed.contains("okta,flow_runs") && listed.contains("flow_tables,Best People"), "{listed}");
}
