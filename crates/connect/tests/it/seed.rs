//! The exported flow "Create Users in Salesforce" from an assignment in an Okta org to a user in a Salesforce org.

use std::sync::Arc;
use std::time::Duration;

use oktant_base::{OsEntropy, SystemClock};
use oktant_client::Edges as ClientEdges;
use oktant_connect::connection::{Auth, Connection, Connections, Secrets, SignIn};
use oktant_engine::{Edges, Engine, RunFilter, RunState, RunSummary, Settings, StepState, StepSummary};
use oktant_flow::flopack;
use oktant_flow::model::{Flow, Input, Project, Source, TriggerKind};
use oktant_sandbox::{Effect, Fault, Salesforce, Sandbox};
use serde_json::{Value, json};

use crate::common::{Bench, connections};
use crate::org::{self, TOKEN, consent, draft};

const USERS: &str = "/services/data/*/sobjects/User";

/// Both orgs, the flow bound and switched on, and an engine that reads the System Log.
struct Scene {
    okta: Sandbox,
    salesforce: Salesforce,
    bench: Bench,
    engine: Engine,
    project: Project,
    app: String,
    folder: tempfile::TempDir,
}

fn pack() -> Option<String> {
    let data = std::env::var("OKTANT_SHARED_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    let pack = std::fs::read_to_string(std::path::Path::new(&data).join("flopacks/salesforce_create_user.flopack"));
    if pack.is_err() {
        eprintln!("skipped: no pack salesforce_create_user below OKTANT_SHARED_DATA");
    }
    pack.ok()
}

/// Sends a request to the Okta org as its administrator.
async fn okta(org: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().build().unwrap();
    let request = client.request(method.parse().unwrap(), format!("{}/api/v1{path}", org.url()));
    let request = request.header("authorization", format!("SSWS {}", org.api_token()));
    let request = request.header("content-type", "application/json").body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

fn option<'i>(inputs: &'i mut [Input], key: &str) -> &'i mut Source {
    &mut inputs.iter_mut().find(|input| input.slot.key == key).unwrap().source
}

impl Scene {
    /// `None` where the pack is absent.
    async fn new() -> Option<Self> {
        Self::with(Salesforce::builder()).await
    }

    async fn with(salesforce: oktant_sandbox::SalesforceBuilder) -> Option<Self> {
        let mut project = flopack::import(&pack()?).unwrap().project;
        let okta_org = Sandbox::builder().users(3).start().await.unwrap();
        // Of another seed than the Okta org, so that no two secrets are alike.
        let salesforce = salesforce.seed(2).start().await.unwrap();
        let app = json!({"name": "salesforce", "label": "Salesforce.com", "signOnMode": "SAML_2_0"});
        let app = okta(&okta_org, "POST", "/apps", app).await["id"].as_str().unwrap().to_owned();

        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("flows.db").display());
        let bench = Bench::over(connections(&url).await);
        for connection in project.connections.values() {
            connect(bench.connectors.connections(), connection, &okta_org, &salesforce).await;
        }
        let flow = project.flows.values_mut().next().unwrap();
        choose_app(flow, &app);
        flow.log = true;

        let connectors = Arc::new(bench.connectors.clone());
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        let edges = Edges { clock, entropy, actions: connectors.clone(), events: connectors };
        let url = format!("sqlite://{}", folder.path().join("journal.db").display());
        let engine = Engine::open(&url, edges, Settings::default()).await.unwrap();
        for flow in project.flows.values() {
            engine.save(flow).await.unwrap();
            engine.switch(flow.id.as_str(), true).await.unwrap();
        }
        let log = project.connections.values().find(|connection| connection.module == "okta").unwrap();
        engine.follow(Arc::new(bench.connectors.event_log(log.id.as_str())), Duration::from_millis(50));
        let scene = Self { okta: okta_org, salesforce, bench, engine, project, app, folder };
        // What happens from the first look on counts.
        scene.until(|| scene.okta.requests().iter().any(|request| request.path == "/api/v1/logs")).await;
        Some(scene)
    }

    async fn until(&self, mut done: impl FnMut() -> bool) {
        for _ in 0..1200 {
            if done() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it never came to it");
    }

    /// Makes a user of a department and assigns it to the application.
    async fn assign(&self, name: &str, department: &str) -> String {
        let login = format!("{name}@example.com");
        let profile = json!({
            "login": login, "email": login, "firstName": name, "lastName": "O'Neil", "department": department,
        });
        let user = okta(&self.okta, "POST", "/users?activate=true", json!({ "profile": profile })).await;
        let account = json!({
            "id": user["id"], "scope": "USER", "credentials": {"userName": format!("{name}@acme.example")},
        });
        okta(&self.okta, "POST", &format!("/apps/{}/users", self.app), account).await;
        user["id"].as_str().unwrap().to_owned()
    }

    async fn runs(&self) -> Vec<RunSummary> {
        self.engine.history(&RunFilter::default()).await.unwrap()
    }

    /// Waits until so many runs stand where they stay; the newest first.
    async fn settled(&self, count: usize) -> Vec<RunSummary> {
        for _ in 0..1200 {
            let runs = self.runs().await;
            let stays = |run: &RunSummary| run.state.is_end() || run.state == RunState::UnknownOutcome;
            if runs.len() >= count && runs.iter().all(stays) {
                assert_eq!(runs.len(), count, "{runs:?}");
                return runs;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{:?}", self.runs().await);
    }

    async fn steps(&self, run: &RunSummary) -> Vec<StepSummary> {
        self.engine.steps(&run.id).await.unwrap()
    }

    fn user(&self, name: &str) -> Option<Value> {
        org::record(&self.salesforce, "User", "Username", &format!("{name}@acme.example"))
    }

    fn profile_of(&self, user: &Value) -> Value {
        let profile = org::record(&self.salesforce, "Profile", "Id", user["ProfileId"].as_str().unwrap()).unwrap();
        profile["Name"].clone()
    }

    /// How many users the org has beside its administrator.
    fn users(&self) -> usize {
        self.salesforce.records("User").len() - 1
    }

    fn requests(&self, method: &str, path: &str) -> usize {
        let of = |request: &&oktant_sandbox::RecordedRequest| request.method == method && request.path.ends_with(path);
        self.salesforce.requests().iter().filter(of).count()
    }

    fn fault(&self, path: &str, effect: Effect) {
        self.salesforce.add_fault(Fault { method: Some("POST".to_owned()), ..Fault::new(path, effect) });
    }

    /// The id of a connection.
    fn connection(&self, name: &str) -> String {
        let named = self.project.connections.values().find(|connection| connection.name == name).unwrap();
        named.id.as_str().to_owned()
    }

    /// The one run that failed, and how.
    async fn failed(&self) -> RunSummary {
        let run = self.settled(1).await.remove(0);
        assert_eq!(run.state, RunState::Failed, "{run:?}");
        run
    }

    /// Goes on where the run failed.
    async fn retried(&self, run: &RunSummary) -> RunSummary {
        self.engine.retry(&run.id, true).await.unwrap();
        let mut runs = self.settled(2).await;
        assert_eq!(runs[0].parent.as_ref(), Some(&run.id));
        runs.remove(0)
    }
}

/// Makes a connection that the pack names, under the id that its cards are bound to.
async fn connect(
    connections: &Connections,
    named: &oktant_flow::model::Connection,
    okta: &Sandbox,
    salesforce: &Salesforce,
) {
    let id = named.id.as_str().to_owned();
    if named.module == "okta" {
        let settings = [("domain".to_owned(), okta.url())].into();
        let draft = connections.draft(&named.name, "okta", Auth::OktaToken);
        let token = ("token".to_owned(), oktant_base::Secret::new(okta.api_token().to_owned()));
        connections.put(Connection { id, settings, ..draft }, &Secrets::of([token]), true).await.unwrap();
        return;
    }
    let (connection, secrets) = draft(connections, salesforce, &named.name, Auth::OauthCode);
    let sign_in = SignIn::new(Connection { id, ..connection }, secrets, &*ClientEdges::system().entropy).unwrap();
    let location = consent(salesforce, sign_in.url(), "allow").await;
    let live = sign_in.pasted(connections, &location).await.unwrap();
    connections.put(live.connection, &live.secrets, true).await.unwrap();
}

/// Only assignments to this application start the flow.
fn choose_app(flow: &mut Flow, app: &str) {
    let TriggerKind::Event(card) = &mut flow.trigger.kind else { panic!("an event starts the flow") };
    *option(&mut card.options, "instance") = Source::Constant(app.into());
}

#[tokio::test]
async fn an_assignment_in_okta_makes_a_user_in_salesforce() {
    let Some(scene) = Scene::new().await else { return };
    for (name, department, profile) in [
        ("ann", "Sales", "Chatter Free User"),
        ("bob", "Marketing", "Marketing User"),
        ("cid", "Operations", "Standard User"),
        ("dan", "Basketweaving", "Chatter Free User"),
    ] {
        scene.assign(name, department).await;
        scene.until(|| scene.user(name).is_some()).await;
        let user = scene.user(name).unwrap();
        assert_eq!(scene.profile_of(&user), profile, "{department}");
        assert_eq!((&user["Department"], &user["LastName"]), (&json!(department), &json!("O'Neil")));
    }
    let runs = scene.settled(4).await;
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:?}");
    let steps = scene.steps(&runs[3]).await;
    assert!(steps.iter().all(|step| step.state == StepState::Succeeded), "{steps:?}");
    let address = |step: &StepSummary| step.address.as_deref().map(ToOwned::to_owned);
    let mut cards: Vec<String> = steps.iter().filter_map(address).collect();
    cards.sort_unstable();
    let shown = [
        "control:if",
        "control:lookup",
        "okta:readUser",
        "okta:userAddedToApplicationMembership",
        "salesforce2_29:createUser",
        "salesforce2_29:searchUsers",
    ];
    assert_eq!(cards, shown);
    let made = steps.iter().find(|step| step.address.as_deref() == Some("salesforce2_29:createUser")).unwrap();
    let (inputs, outputs) = (made.inputs.as_ref().unwrap(), made.outputs.as_ref().unwrap());
    assert_eq!(inputs.get(Some("User"), "Username").unwrap().as_text(), Some("ann@acme.example"));
    assert_eq!(outputs.get(Some("User"), "User ID").unwrap().as_text(), scene.user("ann").unwrap()["Id"].as_str());
}

#[tokio::test]
async fn a_second_delivery_of_an_event_makes_no_second_user() {
    let Some(scene) = Scene::new().await else { return };
    scene.assign("ann", "Sales").await;
    scene.settled(1).await;
    let log = okta(&scene.okta, "GET", "/logs?filter=eventType+eq+%22application.user_membership.add%22", json!(null));
    let envelope = json!({"eventId": "e1", "source": scene.okta.url(), "data": {"events": log.await}});
    let flow_value = |value: Value| serde_json::from_value::<oktant_functions::Value>(value).unwrap();
    let received = scene.engine.deliver(&flow_value(envelope), &flow_value(json!({}))).await.unwrap();
    assert_eq!((received.started, received.duplicates), (0, 1));
    assert_eq!(scene.users(), 1);
}

#[tokio::test]
async fn a_user_who_is_there_is_activated_and_one_who_is_active_stays() {
    let Some(scene) = Scene::new().await else { return };
    let user = scene.assign("ann", "Sales").await;
    scene.settled(1).await;
    let again = async || {
        okta(&scene.okta, "DELETE", &format!("/apps/{}/users/{user}", scene.app), json!(null)).await;
        let account = json!({"id": user, "scope": "USER", "credentials": {"userName": "ann@acme.example"}});
        okta(&scene.okta, "POST", &format!("/apps/{}/users", scene.app), account).await;
    };
    again().await;
    let runs = scene.settled(2).await;
    assert_eq!(runs[0].state, RunState::Stopped, "{runs:?}");
    assert_eq!(runs[0].message.as_deref(), Some("User was found active"));
    let id = scene.user("ann").unwrap()["Id"].as_str().unwrap().to_owned();
    let deactivate = crate::common::call(
        "salesforce:deactivateUser",
        &scene.connection("Salesforce"),
        &[],
        json!({"User.User ID": id}),
    );
    oktant_engine::Actions::call(&scene.bench.connectors, deactivate).await.unwrap();
    assert_eq!(scene.user("ann").unwrap()["IsActive"], false);
    again().await;
    let runs = scene.settled(3).await;
    assert_eq!(runs[0].state, RunState::Succeeded, "{runs:?}");
    assert_eq!((scene.user("ann").unwrap()["IsActive"].clone(), scene.users()), (json!(true), 1));
}

#[tokio::test]
async fn a_licence_limit_fails_the_run_and_a_retry_makes_the_user_once() {
    let Some(scene) = Scene::new().await else { return };
    for number in 0..4 {
        scene.assign(&format!("user{number}"), "Operations").await;
    }
    scene.settled(4).await;
    scene.assign("late", "Operations").await;
    let run = scene.settled(5).await.remove(0);
    assert_eq!(run.state, RunState::Failed);
    assert!(run.message.as_deref().unwrap().contains("License Limit Exceeded"), "{run:?}");
    let steps = scene.steps(&run).await;
    let failed = steps.iter().find(|step| step.state == StepState::Failed).unwrap();
    assert_eq!(failed.address.as_deref(), Some("salesforce2_29:createUser"));
    let raw = serde_json::to_value(failed.error.as_ref().unwrap().body.as_ref().unwrap()).unwrap();
    assert_eq!(raw[0]["errorCode"], "LICENSE_LIMIT_EXCEEDED");
    assert_eq!(failed.error.as_ref().unwrap().service_code, Some(Box::new("LICENSE_LIMIT_EXCEEDED".into())));
    assert!(run.message.as_deref().unwrap().ends_with("(LICENSE_LIMIT_EXCEEDED)"), "{run:?}");

    let id = scene.user("user0").unwrap()["Id"].as_str().unwrap().to_owned();
    let free = json!({"User.User ID": id});
    let free = crate::common::call("salesforce:deactivateUser", &scene.connection("Salesforce"), &[], free);
    oktant_engine::Actions::call(&scene.bench.connectors, free).await.unwrap();
    scene.engine.retry(&run.id, true).await.unwrap();
    assert_eq!(scene.settled(6).await[0].state, RunState::Succeeded);
    assert_eq!((scene.users(), scene.requests("POST", "/sobjects/User")), (5, 6));
}

#[tokio::test]
async fn sessions_that_end_are_renewed_once_for_all_runs() {
    let Some(scene) = Scene::with(Salesforce::builder().rotate_refresh_tokens(true)).await else { return };
    scene.salesforce.expire_tokens();
    scene.salesforce.clear_requests();
    for number in 0..6 {
        scene.assign(&format!("user{number}"), "Sales").await;
    }
    let runs = scene.settled(6).await;
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:?}");
    assert_eq!((scene.users(), scene.requests("POST", TOKEN)), (6, 1));
    // In the middle of a run: between the search and the creation.
    scene.fault(USERS, Effect::ExpiredToken);
    scene.assign("mid", "Sales").await;
    assert_eq!(scene.settled(7).await[0].state, RunState::Succeeded);
    assert_eq!((scene.users(), scene.requests("POST", TOKEN)), (7, 2));
}

#[tokio::test]
async fn a_revoked_grant_names_the_remedy_and_the_run_goes_on_after_it() {
    let Some(scene) = Scene::new().await else { return };
    scene.salesforce.revoke_grants();
    scene.salesforce.expire_tokens();
    scene.assign("ann", "Sales").await;
    let run = scene.failed().await;
    let message = run.message.clone().unwrap();
    for part in ["connection \"Salesforce\" is broken", "expired access/refresh token", "--replace"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let known = scene.bench.connectors.connections().get("Salesforce").await.unwrap();
    assert!(known.broken.is_some());
    let named = scene.project.connections.values().find(|connection| connection.module != "okta").unwrap();
    connect(scene.bench.connectors.connections(), named, &scene.okta, &scene.salesforce).await;
    assert_eq!(scene.retried(&run).await.state, RunState::Succeeded);
    assert_eq!((scene.users(), scene.user("ann").is_some()), (1, true));
}

#[tokio::test]
async fn an_outage_and_a_limit_are_waited_out() {
    let Some(scene) = Scene::new().await else { return };
    for effect in [
        Effect::Status { status: 503, reset_seconds: 0 },
        Effect::Status { status: 429, reset_seconds: 1 },
        Effect::ErrorCode { code: "UNABLE_TO_LOCK_ROW".to_owned(), status: 400 },
    ] {
        scene.fault(USERS, effect);
    }
    scene.assign("ann", "Sales").await;
    let runs = scene.settled(1).await;
    assert_eq!(runs[0].state, RunState::Succeeded, "{runs:?}");
    assert_eq!((scene.users(), scene.requests("POST", "/sobjects/User")), (1, 4));
}

#[tokio::test]
async fn a_long_limit_is_waited_for_without_holding_the_run() {
    let Some(scene) = Scene::new().await else { return };
    scene.fault(USERS, Effect::Status { status: 429, reset_seconds: 600 });
    scene.assign("ann", "Sales").await;
    for _ in 0..400 {
        tokio::time::sleep(Duration::from_millis(25)).await;
        if scene.runs().await.first().is_some_and(|run| run.state == RunState::Waiting) {
            break;
        }
    }
    let run = scene.runs().await.remove(0);
    assert_eq!(run.state, RunState::Waiting);
    let wait = run.wake_at.unwrap() - run.created_at;
    assert!((590..700).contains(&wait.num_seconds()), "{wait}");
    assert_eq!(scene.users(), 0);
}

#[tokio::test]
async fn an_outage_that_lasts_fails_the_run_and_a_retry_makes_the_user_once() {
    let Some(scene) = Scene::new().await else { return };
    let fault = Fault::new(USERS, Effect::Status { status: 503, reset_seconds: 0 });
    scene.salesforce.add_fault(Fault { method: Some("POST".to_owned()), times: 0, ..fault });
    scene.assign("ann", "Sales").await;
    let run = scene.failed().await;
    assert!(run.message.as_deref().unwrap().contains("Service Unavailable"), "{run:?}");
    scene.salesforce.clear_faults();
    assert_eq!(scene.retried(&run).await.state, RunState::Succeeded);
    assert_eq!(scene.users(), 1);
}

#[tokio::test]
async fn a_limit_of_the_day_is_an_error_at_once() {
    let Some(scene) = Scene::new().await else { return };
    scene.fault(USERS, Effect::Status { status: 403, reset_seconds: 0 });
    scene.assign("ann", "Sales").await;
    let run = scene.failed().await;
    assert_eq!(scene.requests("POST", "/sobjects/User"), 1, "no repetition");
    assert!(run.message.as_deref().unwrap().contains("Forbidden: "), "{run:?}");
    assert_eq!(scene.retried(&run).await.state, RunState::Succeeded);
    assert_eq!(scene.users(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_up_and_nothing_is_doubled() {
    for effect in [Effect::Disconnect, Effect::Truncate { bytes: Some(4) }, Effect::Html { status: 502 }] {
        let Some(scene) = Scene::new().await else { return };
        scene.fault(USERS, effect.clone());
        scene.assign("ann", "Sales").await;
        let runs = scene.settled(1).await;
        assert_eq!(runs[0].state, RunState::Succeeded, "{effect:?}: {runs:?}");
        assert_eq!((scene.users(), scene.requests("POST", "/sobjects/User")), (1, 1), "{effect:?}");
        let steps = scene.steps(&runs[0]).await;
        let made = steps.iter().find(|step| step.address.as_deref() == Some("salesforce2_29:createUser")).unwrap();
        let id = made.outputs.as_ref().unwrap().get(Some("User"), "User ID").unwrap().as_text().map(str::to_owned);
        assert_eq!(id.as_deref(), scene.user("ann").unwrap()["Id"].as_str(), "{effect:?}");
    }
}

/// What was logged, at every level and by everyone.
#[derive(Clone, Default)]
struct Log(Arc<parking_lot::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Scene {
    /// The secrets of every connection as they are now.
    async fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![self.okta.api_token().to_owned()];
        for connection in self.project.connections.values() {
            let live = self.bench.connectors.connections().live(connection.id.as_str()).await.unwrap();
            let names = ["token", "client_secret", "access_token", "refresh_token"];
            secrets.extend(names.iter().filter_map(|name| live.secrets.get(name)).map(|one| one.expose().clone()));
        }
        secrets
    }

    /// Everything that a person can look at, by where it is.
    async fn shown(&self, log: &Log) -> Vec<(String, Vec<u8>)> {
        let mut shown = vec![("the log".to_owned(), log.0.lock().clone())];
        let mut show = |name: &str, text: String| shown.push((name.to_owned(), text.into_bytes()));
        let runs = self.runs().await;
        show("runs", format!("{runs:?}"));
        for run in &runs {
            let steps = self.steps(run).await;
            show("steps", format!("{steps:?}"));
        }
        show("metrics", self.engine.metrics().prometheus());
        show("flopack", flopack::export(&self.project).unwrap().to_string());
        for flow in self.project.flows.values() {
            show("text", oktant_flow::text::write(flow));
        }
        let connections = self.bench.connectors.connections();
        show("connections", format!("{connections:?} {:?}", connections.list().await.unwrap()));
        show("engine", format!("{:?} {:?}", self.engine, self.bench.connectors));
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            shown.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
        shown
    }
}

fn has(content: &[u8], text: &str) -> bool {
    content.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn secrets_of_connections_are_nowhere_in_plain() {
    let log = Log::default();
    let writer = log.clone();
    let logger = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(logger);
    let Some(scene) = Scene::with(Salesforce::builder().rotate_refresh_tokens(true)).await else { return };
    let mut secrets = scene.secrets().await;
    scene.assign("ann", "Sales").await;
    scene.settled(1).await;
    scene.salesforce.expire_tokens();
    scene.fault(USERS, Effect::Disconnect);
    scene.assign("bob", "Marketing").await;
    scene.settled(2).await;
    secrets.extend(scene.secrets().await);
    // And while the connection breaks.
    scene.salesforce.revoke_grants();
    scene.salesforce.expire_tokens();
    scene.assign("cid", "Operations").await;
    assert_eq!(scene.settled(3).await[0].state, RunState::Failed);
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() >= 6, "both access tokens, both refresh tokens, the app's secret, the API token");
    let shown = scene.shown(&log).await;
    let found = |text: &str| -> Vec<&str> {
        shown.iter().filter(|(_, content)| has(content, text)).map(|(name, _)| name.as_str()).collect()
    };
    for secret in &secrets {
        assert!(secret.len() >= 20);
        assert_eq!(found(secret), Vec::<&str>::new(), "a secret of {} letters", secret.len());
        // Nor a part of it that would do for a search.
        assert_eq!(
            found(&secret[secret.len() - 16..]),
            Vec::<&str>::new(),
            "the end of a secret of {} letters",
            secret.len()
        );
    }
    // What is no secret is found, so the search does find.
    let known = found("ann@acme.example");
    assert!(known.contains(&"steps") && known.iter().any(|name| name.contains("journal.db")), "{known:?}");
    assert!(found("TRACE").contains(&"the log"));
}
