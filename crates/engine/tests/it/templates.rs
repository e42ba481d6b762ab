//! The templates, each through every branch, with connectors that answer as a test says.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Edges, Engine, ErrorKind, Fields, Idempotency, Outcome, RunFilter, RunState,
    Settings, Start,
};
use oktant_flow::model::{Kind, Project, Source};
use oktant_functions::Value;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use crate::common::{TestEvents, manual_clock};

/// Answers by the step that asks; a step without one succeeds and gives nothing.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<HashMap<String, Result<Json, u16>>>,
    calls: Mutex<Vec<(String, Json)>>,
    streaming: HashSet<String>,
}

fn step(call: &Call) -> String {
    call.idempotency_key.rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

/// `{"Group/key": value}`.
fn fields(json: &Json) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let (group, key) = name.split_once('/').map_or((None, name.as_str()), |(group, key)| (Some(group), key));
        fields.set(group, key, Value::from_json(&value.to_string()).unwrap());
    }
    fields
}

fn object(fields: &Fields) -> Json {
    let name = |group: Option<&str>, key: &str| group.map_or_else(|| key.to_owned(), |group| format!("{group}/{key}"));
    let entry = |field: &oktant_engine::Field| {
        (name(field.group.as_deref(), &field.key), serde_json::from_str(&field.value.to_json()).unwrap())
    };
    Json::Object(fields.iter().map(entry).collect())
}

#[async_trait]
impl Actions for Scripted {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        let streaming = self.streaming.contains(address);
        Some(ActionInfo { idempotency: Idempotency::Safe, streaming, timeout: Duration::from_secs(30) })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let step = step(&call);
        self.calls.lock().push((step.clone(), object(&call.inputs)));
        match self.answers.lock().get(&step) {
            Some(Ok(Json::Array(records))) => {
                let records = records.iter().map(|record| Value::from_json(&record.to_string()).unwrap());
                Ok(Outcome::Page { records: records.collect(), cursor: None })
            }
            Some(Ok(outputs)) => Ok(Outcome::Outputs(fields(outputs))),
            Some(Err(status)) => {
                Err(CardError { status: Some(*status), ..CardError::new(ErrorKind::Refused, "it was refused") })
            }
            None => Ok(Outcome::Outputs(Fields::new())),
        }
    }

    async fn search_first(&self, _call: Call) -> Result<Option<Outcome>, CardError> {
        Ok(None)
    }
}

/// The flows of a template in an engine.
struct Bench {
    engine: Engine,
    scripted: Arc<Scripted>,
    project: Project,
    walked: HashSet<(String, String)>,
}

/// How a run went.
#[derive(Debug)]
struct Went {
    state: RunState,
    message: String,
    calls: Vec<(String, Json)>,
}

impl Went {
    fn steps(&self) -> Vec<&str> {
        self.calls.iter().map(|(step, _)| step.as_str()).collect()
    }

    fn inputs(&self, step: &str) -> &Json {
        &self.calls.iter().find(|(known, _)| known == step).unwrap().1
    }
}

impl Bench {
    async fn new(template: &str) -> Self {
        let project = oktant_flow::templates::find(template).unwrap().project();
        let mut streaming = HashSet::new();
        for flow in project.flows.values() {
            flow.body.walk(&mut |step, _| {
                if let Kind::Action(action) = &step.kind
                    && action.inputs.iter().any(|input| matches!(input.source, Source::Flow(_)))
                {
                    streaming.insert(action.address.as_str().to_owned());
                }
            });
        }
        let scripted = Arc::new(Scripted { streaming, ..Scripted::default() });
        let edges = Edges {
            clock: manual_clock(),
            entropy: Arc::new(oktant_base::OsEntropy),
            actions: scripted.clone(),
            events: Arc::new(TestEvents),
        };
        let engine = Engine::open("sqlite::memory:", edges, Settings::default()).await.unwrap();
        for flow in project.flows.values() {
            engine.save(flow).await.unwrap();
            engine.switch(flow.id.as_str(), true).await.unwrap();
        }
        Self { engine, scripted, project, walked: HashSet::new() }
    }

    /// Runs a flow with what triggers it and what connectors answer.
    async fn run(&mut self, flow: &str, given: Json, answers: &[(&str, Result<Json, u16>)]) -> Went {
        let answers = answers.iter().map(|(step, answer)| ((*step).to_owned(), answer.clone()));
        *self.scripted.answers.lock() = answers.collect();
        let key = format!("run {}", self.walked.len() + self.engine.metrics().accepted() as usize);
        self.engine.call(flow, Start::new("event", fields(&given)).once(key.clone())).await.unwrap();
        let filter = RunFilter { flow: Some(flow.into()), ..RunFilter::default() };
        let runs = self.engine.history(&filter).await.unwrap();
        let run = runs.into_iter().find(|run| run.event_key.as_ref() == Some(&key)).unwrap();
        for step in self.engine.steps(&run.id).await.unwrap() {
            let name = step.path.rsplit('/').next().unwrap().split('[').next().unwrap().to_owned();
            let owner = self.project.flows.values().find(|flow| {
                let mut has = flow.trigger.id.as_str() == name && !step.path.contains('/');
                flow.body.walk(&mut |step, _| has |= step.id.as_str() == name);
                has
            });
            self.walked.insert((owner.map(|flow| flow.id.to_string()).unwrap_or_default(), name));
        }
        let calls = std::mem::take(&mut *self.scripted.calls.lock());
        Went { state: run.state, message: run.message.unwrap_or_default(), calls }
    }

    /// Every card of the template has run.
    fn everything_ran(&self) {
        for flow in self.project.flows.values() {
            flow.body.walk(&mut |step, _| {
                let ran = self.walked.iter().any(|(_, name)| name == step.id.as_str());
                assert!(ran || matches!(step.kind, Kind::Note(_)), "{} {} never ran", flow.id, step.id);
            });
        }
    }
}

fn assignment(application: &str) -> Json {
    json!({
        "Output/Application": {"ID": "0oa1", "Display Name": application},
        "Output/Application User": {"ID": "0ua1", "Alternate ID": "ada@example.com"},
        "Output/Okta User": {"ID": "00u1", "Alternate ID": "ada@example.com"},
    })
}

fn profile(department: &str) -> Json {
    json!({
        "Profile Properties/firstName": "Ada", "Profile Properties/lastName": "Nash",
        "Profile Properties/email": "ada@example.com", "Profile Properties/department": department,
        "System Properties/ID": "00u1",
    })
}

#[tokio::test]
async fn a_salesforce_user_is_created_with_the_profile_of_the_department() {
    let mut bench = Bench::new("create-salesforce-user").await;
    let flow = "create_salesforce_user";
    for (department, wanted) in
        [("Sales", "Chatter Free User"), ("Marketing", "Marketing User"), ("?", "Chatter Free User")]
    {
        let went = bench.run(flow, assignment("Salesforce.com"), &[("read_user", Ok(profile(department)))]).await;
        assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["find", "read_user", "create"]), "{went:?}");
        let user = went.inputs("create");
        assert_eq!(user["User/Profile Name"], wanted);
        assert_eq!((&user["User/Username"], &user["User/LastName"]), (&json!("ada@example.com"), &json!("Nash")));
        assert_eq!(went.inputs("read_user")["User/ID or Login"], "00u1");
    }
    let went = bench.run(flow, assignment("Zendesk"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec![]));
    let went = bench.run(flow, assignment("Salesforce.com"), &[("find", Ok(json!({"Result/User ID": "005"})))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec!["find"]));
    let failing = [("read_user", Ok(profile("Sales"))), ("create", Err(400))];
    let went = bench.run(flow, assignment("Salesforce.com"), &failing).await;
    assert_eq!((went.state, went.message.as_str()), (RunState::Failed, "it was refused"));
    bench.everything_ran();
}

#[tokio::test]
async fn a_salesforce_user_is_activated_unless_active_or_missing() {
    let mut bench = Bench::new("activate-salesforce-user").await;
    let flow = "activate_salesforce_user";
    let found = |active: bool| ("find", Ok(json!({"Result/User ID": "005", "Result/Is Active?": active})));
    let went = bench.run(flow, assignment("Salesforce"), &[found(false)]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["find", "activate"]), "{went:?}");
    assert_eq!(went.inputs("activate")["User/User ID"], "005");
    let went = bench.run(flow, assignment("Salesforce"), &[found(true)]).await;
    assert_eq!((went.state, went.message.as_str()), (RunState::Stopped, "The user is active."));
    let went = bench.run(flow, assignment("Salesforce"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec!["find"]));
    let went = bench.run(flow, assignment("Zendesk"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec![]));
    let went = bench.run(flow, assignment("Salesforce"), &[found(false), ("activate", Err(400))]).await;
    assert_eq!(went.state, RunState::Failed);
    bench.everything_ran();
}

#[tokio::test]
async fn a_salesforce_user_is_deactivated_where_there_is_an_active_one() {
    let mut bench = Bench::new("deactivate-salesforce-user").await;
    let flow = "deactivate_salesforce_user";
    let found = |active: bool| ("find", Ok(json!({"Result/User ID": "005", "Result/Is Active?": active})));
    let went = bench.run(flow, assignment("Salesforce"), &[found(true)]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["find", "deactivate"]), "{went:?}");
    let went = bench.run(flow, assignment("Salesforce"), &[found(false)]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["find"]));
    for application in ["Salesforce", "Zendesk"] {
        assert_eq!(bench.run(flow, assignment(application), &[]).await.state, RunState::Stopped);
    }
    let went = bench.run(flow, assignment("Salesforce"), &[found(true), ("deactivate", Err(403))]).await;
    assert_eq!((went.state, went.message.as_str()), (RunState::Failed, "it was refused"));
    bench.everything_ran();
}

#[tokio::test]
async fn a_contact_is_made_once() {
    let mut bench = Bench::new("salesforce-contact-from-sign-up").await;
    let flow = "salesforce_contact_from_sign_up";
    let user = ("read_user", Ok(profile("Sales")));
    let went = bench.run(flow, assignment(""), &[user.clone(), ("find", Ok(json!({"Records/Record IDs": []})))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["read_user", "find", "create"]), "{went:?}");
    assert_eq!(went.inputs("create")["Record Fields/Email"], "ada@example.com");
    let there = ("find", Ok(json!({"Records/Record IDs": ["003"]})));
    let went = bench.run(flow, assignment(""), &[user.clone(), there]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec!["read_user", "find"]));
    for failing in ["read_user", "find", "create"] {
        let went = bench.run(flow, assignment(""), &[user.clone(), (failing, Err(400))]).await;
        assert_eq!((went.state, went.steps().last()), (RunState::Failed, Some(&failing)));
    }
    bench.everything_ran();
}

#[tokio::test]
async fn users_who_were_not_seen_for_90_days_are_deactivated() {
    let mut bench = Bench::new("deactivate-inactive-users").await;
    let users = json!([
        {"ID": "active", "Login": "a", "Created": "2020-01-01T00:00:00.000Z", "Last Login": "2026-01-10T00:00:00.000Z"},
        {"ID": "away", "Login": "b", "Created": "2020-01-01T00:00:00.000Z", "Last Login": "2025-10-01T00:00:00.000Z"},
        {"ID": "new", "Login": "c", "Created": "2026-01-01T00:00:00.000Z", "Last Login": null},
        {"ID": "never", "Login": "d", "Created": "2020-01-01T00:00:00.000Z", "Last Login": null},
    ]);
    let went = bench.run("find_inactive_users", json!({}), &[("active_users", Ok(users.clone()))]).await;
    assert_eq!(went.state, RunState::Succeeded, "{went:?}");
    let deactivated: Vec<_> =
        went.calls.iter().filter(|(step, _)| step == "deactivate").map(|(_, inputs)| &inputs["User/id"]).collect();
    assert_eq!(deactivated, ["away", "never"]);
    assert_eq!(went.inputs("write_down")["Fields/Last seen"], "2025-10-01T00:00:00.000Z");
    let went =
        bench.run("find_inactive_users", json!({}), &[("active_users", Ok(users)), ("deactivate", Err(403))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Failed, vec!["active_users", "deactivate"]));
    bench.everything_ran();
}

#[tokio::test]
async fn a_membership_ends_when_its_days_are_over() {
    let mut bench = Bench::new("temporary-group-membership").await;
    let given = |days: f64| json!({"inputs/Login": "ada", "inputs/Group ID": "00g1", "inputs/Days": days});
    let user = ("read_user", Ok(profile("Sales")));
    let flow = "add_to_group_for_some_days";
    let went = bench.run(flow, given(3.0), std::slice::from_ref(&user)).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["read_user", "write_down", "add"]), "{went:?}");
    assert_eq!(went.inputs("write_down")["Fields/Until"], "2026-01-18T12:00:00.000Z");
    assert_eq!(*went.inputs("add"), json!({"Group/id": "00g1", "User/id": "00u1"}));
    let went = bench.run(flow, given(0.0), std::slice::from_ref(&user)).await;
    assert_eq!((went.state, went.steps()), (RunState::Failed, vec![]));
    // The row is there: whatever became of the membership, it ends.
    let went = bench.run(flow, given(3.0), &[user, ("add", Err(403))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Failed, vec!["read_user", "write_down", "add"]));

    let row = |id: u32| json!({"Row ID": id.to_string(), "User ID": "00u1", "Group ID": "00g1"});
    let over = ("over", Ok(json!({"Result/Rows": [row(1), row(2)]})));
    let went = bench.run("end_memberships", json!({}), std::slice::from_ref(&over)).await;
    assert_eq!(went.state, RunState::Succeeded, "{went:?}");
    assert_eq!(went.steps(), ["over", "remove", "strike_out", "remove", "strike_out"]);
    assert_eq!(went.inputs("over")["Filter/Where Expression"]["expr"][0]["lhs"], "Until");
    let went = bench.run("end_memberships", json!({}), &[over.clone(), ("remove", Err(404))]).await;
    assert_eq!(went.steps(), ["over", "remove", "strike_out", "remove", "strike_out"], "a group that is gone");
    let went = bench.run("end_memberships", json!({}), &[over, ("remove", Err(403))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["over", "remove", "remove"]), "rows stay");
    bench.everything_ran();
}

#[tokio::test]
async fn a_risky_sign_in_is_told() {
    let mut bench = Bench::new("risky-sign-in").await;
    let sign_in = |level: &str, result: &str| {
        json!({
            "Output/Result": result,
            "Output/Actor": {"ID": "00u1", "Alternate ID": "ada@example.com", "Display Name": "Ada Nash"},
            "Output/Client": {"ipAddress": "192.0.2.7", "geographicalContext": {"country": "Iceland"}},
            "Output/Debug Context": {"Debug Data": {"risk": format!("{{reasons=New Device, level={level}}}")}},
        })
    };
    let went = bench.run("risky_sign_in", sign_in("HIGH", "SUCCESS"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["end_sessions", "tell"]), "{went:?}");
    assert_eq!(went.inputs("end_sessions")["User/ID"], "00u1");
    let text = went.inputs("tell")["Message/Text"].as_str().unwrap();
    assert!(text.contains("Ada Nash (ada@example.com)") && text.contains("192.0.2.7, Iceland"), "{text}");
    assert!(text.ends_with("Their sessions have ended."), "{text}");
    let went = bench.run("risky_sign_in", sign_in("HIGH", "FAILURE"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["tell"]));
    let went = bench.run("risky_sign_in", sign_in("LOW", "SUCCESS"), &[]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec![]));
    let went = bench.run("risky_sign_in", sign_in("HIGH", "SUCCESS"), &[("tell", Err(404))]).await;
    assert_eq!((went.state, went.steps()), (RunState::Failed, vec!["end_sessions", "tell"]));
    bench.everything_ran();
}

#[tokio::test]
async fn a_report_is_sent_if_there_is_something_in_it() {
    let mut bench = Bench::new("daily-access-report").await;
    let answer =
        |count: u32| ("report", Ok(json!({"Result/Count": count, "Result/CSV": "Application,Login\nBox,ada\n"})));
    let went = bench.run("daily_access_report", json!({}), &[answer(1)]).await;
    assert_eq!((went.state, went.steps()), (RunState::Succeeded, vec!["report", "send"]), "{went:?}");
    assert!(went.inputs("report")["Query/SQL"].as_str().unwrap().starts_with("SELECT a.Label"), "{went:?}");
    let mail = went.inputs("send");
    assert_eq!(
        (&mail["Email/To"], &mail["Email/Body"]),
        (&json!(["security@example.com"]), &json!("Application,Login\nBox,ada\n"))
    );
    let went = bench.run("daily_access_report", json!({}), &[answer(0)]).await;
    assert_eq!((went.state, went.steps()), (RunState::Stopped, vec!["report"]));
    for failing in ["report", "send"] {
        let went = bench.run("daily_access_report", json!({}), &[answer(1), (failing, Err(400))]).await;
        assert_eq!((went.state, went.steps().last()), (RunState::Failed, Some(&failing)));
    }
    bench.everything_ran();
}
