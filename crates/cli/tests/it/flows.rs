//! Flows that are switched on, run and looked at from the command line, with a server and without.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::connect::{command, run};
use crate::sandbox::Running;
use crate::support::Org;

const GREET: &str = "flow: Greet
trigger: {type: manual}
steps:
  - id: say
    call: compose_greeting
    with: {name: Ann}
    outputs: {text: text}
";

const COMPOSE: &str = "flow: Compose greeting
trigger: {type: helper, inputs: {name: text}}
steps:
  - id: say
    card: string:compose
    with: {_text_: 'Hello ${trigger.name}'}
  - id: return
    card: control:return
    with: {text: '${say.output}'}
";

const LOOK_UP: &str = "flow: Look up
trigger: {type: endpoint, security: token, inputs: {body/login: text}}
steps:
  - id: read
    card: okta:readUser
    connection: okta
    with: {User/ID or Login *: '${trigger.body/login}'}
  - id: return
    card: control:return
    with: {first_name: '${read.Profile Properties/firstName}'}
";

const ON_CREATED: &str = "flow: On created
trigger:
  event: okta:userCreated
  connection: okta
steps:
  - id: read
    card: okta:readUser
    connection: okta
    with: {User/ID or Login *: '${trigger.Output/Okta User.ID}'}
";

/// A database of flows, and an org that they act on.
pub(crate) struct Place {
    pub(crate) org: Org,
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { org: Org::live(|builder| builder.users(3)), folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a flow of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let flows = self.path().join("project/flows");
        std::fs::create_dir_all(&flows).expect("a folder");
        std::fs::write(flows.join(format!("{name}.flow.yaml")), text).expect("writes");
    }

    pub(crate) fn project(&self) -> String {
        self.path().join("project").display().to_string()
    }

    pub(crate) fn flow(&self, name: &str) -> String {
        self.path().join(format!("project/flows/{name}.flow.yaml")).display().to_string()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = command(self.path(), args);
        let salesforce = self.org.sandbox.salesforce().map(oktant_sandbox::Salesforce::url);
        let allowed = [self.org.sandbox.url(), salesforce.unwrap_or_default()].join(",").replace("http://", "");
        command.env("OKTANT_EGRESS_ALLOW", allowed.trim_end_matches(','));
        command.env("API_TOKEN", self.org.sandbox.api_token());
        command
    }

    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let (text, done) = run(&mut self.command(args));
        assert!(done, "{args:?}: {text}");
        text
    }

    #[track_caller]
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let (text, done) = run(&mut self.command(args));
        assert!(!done, "{args:?}: {text}");
        text
    }

    pub(crate) fn connect(&self) {
        let url = self.org.sandbox.url();
        self.done(&["connect", "okta", "acme", "--domain", &url, "--secret", "token=env:API_TOKEN"]);
    }

    fn connect_salesforce(&self) {
        let salesforce = self.org.sandbox.salesforce().expect("a Salesforce org");
        let (text, done) = run(self
            .command(&["connect", "salesforce", "crm", "--auth", "bearer", "--set"])
            .arg(format!("instance_url={}", salesforce.url()))
            .args(["--secret", "token=env:SALESFORCE_TOKEN"])
            .env("SALESFORCE_TOKEN", &salesforce.announcement().access_token));
        assert!(done, "{text}");
    }

    /// The runs that the history has, the newest first.
    pub(crate) fn history(&self, more: &[&str]) -> Vec<Value> {
        let text = self.done(&[&["flow", "history", "--output", "json"], more].concat());
        serde_json::from_str(&text).expect("JSON")
    }

    /// A server that runs the flows.
    pub(crate) fn server(&self) -> (Running, Value) {
        let args = ["serve", "--listen", "127.0.0.1:0", "--poll-interval", "1"];
        let mut server = Running::of(&mut self.command(&args));
        let announcement = server.announcement();
        (server, announcement)
    }

    /// Waits until the newest run of a flow is in a state.
    pub(crate) fn until(&self, flow: &str, state: &str) -> Value {
        let begun = Instant::now();
        loop {
            let runs = self.history(&["--flow", flow]);
            if let Some(run) = runs.first().filter(|run| run["State"] == state) {
                return run.clone();
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "no run of {flow} came to {state}: {runs:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a caller of the endpoint is a bare client")]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// Status and body of the answer to a request.
pub(crate) fn send(request: reqwest::RequestBuilder) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    })
}

#[test]
fn a_flow_runs_without_a_server_and_its_history_is_kept() {
    let place = Place::new();
    place.write("greet", GREET);
    place.write("compose_greeting", COMPOSE);
    let on = place.done(&["flow", "on", &place.flow("greet")]);
    assert!(on.contains("Greet is on") && on.contains("Compose greeting is on: other flows call it"), "{on}");
    let list = place.done(&["flow", "list", "--output", "csv"]);
    assert!(list.contains("greet,Greet,on,manual"), "{list}");

    let answer: Value = serde_json::from_str(&place.done(&["flow", "run", "Greet", "--wait"])).expect("JSON");
    assert_eq!(answer["state"], "succeeded", "{answer}");
    let helper = place.done(&["flow", "run", "compose_greeting", "--input", "name=Bob", "--wait"]);
    let helper: Value = serde_json::from_str(&helper).expect("JSON");
    assert_eq!(helper["outputs"], json!({"text": "Hello Bob"}));
    let file = place.path().join("values.json");
    std::fs::write(&file, r#"{"name": "Cy"}"#).expect("writes");
    let id = place.done(&["flow", "run", "compose_greeting", "--json", &file.display().to_string()]);
    let steps = place.done(&["flow", "history", id.trim(), "--output", "jsonl"]);
    let steps: Vec<Value> = steps.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let say = steps.iter().find(|step| step["Step"] == "say").expect("the step");
    assert_eq!((&say["State"], &say["Outputs"]["output"]), (&json!("succeeded"), &json!("Hello Cy")), "{steps:?}");

    let wrong = place.refused(&["flow", "run", "compose_greeting", "--input", "nick=Bob"]);
    assert!(wrong.contains("it starts with name"), "{wrong}");
    assert_eq!(place.history(&["--flow", "Compose greeting", "--since", "1h"]).len(), 2);
    assert_eq!(place.history(&["--state", "failed"]), [] as [Value; 0]);
    let again = place.done(&["flow", "retry", id.trim(), "--wait"]);
    assert!(again.contains("Hello Cy"), "{again}");
    let not_failed = place.refused(&["flow", "retry", id.trim(), "--from-failure"]);
    assert!(not_failed.contains("OKT4305"), "{not_failed}");
    assert!(place.refused(&["flow", "cancel", id.trim()]).contains("OKT4305"));
    assert!(place.refused(&["flow", "cancel", "nobody"]).contains("OKT4303"));

    place.done(&["flow", "off", "Greet"]);
    let off = place.refused(&["flow", "run", "Greet"]);
    assert!(off.contains("OKT4304"), "{off}");
    assert!(place.refused(&["flow", "run", "Nobody"]).contains("OKT4303"));
}

#[test]
fn a_flow_is_not_switched_on_before_each_of_its_cards_can_run() {
    let place = Place::new();
    place.write("look_up", LOOK_UP);
    let unbound = place.refused(&["flow", "on", &place.project()]);
    for expected in ["OKT4315", "flow Look up, card", "(read)", "bound to nothing", "--bind okta=CONNECTION"] {
        assert!(unbound.contains(expected), "{expected} in {unbound}");
    }
    assert!(place.refused(&["flow", "on", &place.project(), "--bind", "okta=acme"]).contains("no connection \"acme\""));
    place.connect();
    place.done(&["connect", "http", "web"]);
    let other = place.refused(&["flow", "on", &place.project(), "--bind", "okta=web"]);
    assert!(other.contains("one to http, not to okta"), "{other}");
    let unused = place.refused(&["flow", "on", &place.project(), "--bind", "okta=acme", "--bind", "crm=acme"]);
    assert!(unused.contains("no card names the connection \"crm\""), "{unused}");

    place.write("odd", "flow: Odd\ntrigger: {type: manual}\nsteps:\n  - id: act\n    card: nobody:knows\n");
    let odd = place.refused(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    assert!(odd.contains("nobody:knows has no implementation"), "{odd}");
    assert!(!place.done(&["flow", "list", "--output", "csv"]).contains("look_up"), "nothing was saved");
    let forced = place.done(&["flow", "on", &place.project(), "--bind", "okta=acme", "--force"]);
    assert!(forced.contains("warning: flow Odd") && forced.contains("Odd is on"), "{forced}");
    let failed = place.refused(&["flow", "run", "Odd", "--wait"]);
    assert!(failed.contains("OKT4316") && failed.contains("OKT4313"), "{failed}");

    // A binding stays where the flow is saved anew.
    assert!(place.done(&["flow", "on", &place.flow("look_up")]).contains("Look up is on: /api/flo/"));
    assert_eq!(place.done(&["flow", "bind", "Look up"]), "okta\tokta\tacme\n");
    let login = place.org.api("GET", "/api/v1/users", &Value::Null)[0]["profile"]["login"].clone();
    let input = format!("login={}", login.as_str().expect("a login"));
    let answer = place.done(&["flow", "run", "Look up", "--input", &input, "--wait"]);
    assert!(answer.contains("\"first_name\":\""), "{answer}");
}

#[test]
fn a_flow_that_cannot_mean_what_it_says_is_not_switched_on() {
    let place = Place::new();
    let schedule = "flow: Tick\ntrigger: {type: schedule, cron: CRON, time_zone: ZONE}\nsteps: []\n";
    for (cron, zone, expected) in [
        ("0 0 9 * * *", "Asia/Tokio", "field time zone"),
        ("99 * * * * *", "UTC", "seconds"),
        ("0 0 0 31 2 *", "UTC", "cron"),
    ] {
        place.write("tick", &schedule.replace("CRON", cron).replace("ZONE", zone));
        let refused = place.refused(&["flow", "on", &place.project()]);
        assert!(refused.contains("OKT4315") && refused.contains("OKT4119") && refused.contains(expected), "{refused}");
        assert!(!place.done(&["flow", "list", "--output", "csv"]).contains("tick"), "{cron}");
        // Force is for cards that fail; this flow would never begin.
        let forced = place.refused(&["flow", "on", &place.project(), "--force"]);
        assert!(forced.contains("OKT4306"), "{forced}");
        assert!(!place.done(&["flow", "list", "--output", "csv"]).contains("tick"), "nothing was saved: {cron}");
    }
    place.write("tick", &schedule.replace("CRON", "0 0 9 * * *").replace("ZONE", "Asia/Tokyo"));
    place.done(&["flow", "on", &place.project()]);

    place.connect();
    place.write("created", &ON_CREATED.replace("trigger.Output/", "trigger.Outptu/"));
    let typo = place.refused(&["flow", "on", &place.flow("created"), "--bind", "okta=acme"]);
    assert!(typo.contains("trigger has no output Outptu / Okta User"), "{typo}");
    place.write("created", &ON_CREATED.replace("ID or Login", "ID or Logn"));
    let typo = place.refused(&["flow", "on", &place.flow("created"), "--bind", "okta=acme"]);
    assert!(typo.contains("OKT4120") && typo.contains("it has User / ID or Login"), "{typo}");
}

#[cfg(unix)]
#[test]
fn a_server_runs_what_commands_switch_on_and_what_happens_in_the_org() {
    let place = Place::new();
    place.connect();
    let (mut server, announcement) = place.server();
    let url = announcement["flows_url"].as_str().expect("a URL").to_owned();
    assert_eq!(announcement["account"], Value::Null, "{announcement}");
    for (name, text) in
        [("on_created", ON_CREATED), ("look_up", LOOK_UP), ("greet", GREET), ("compose_greeting", COMPOSE)]
    {
        place.write(name, text);
    }
    let on = place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let second = place.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(second.contains("OKT4302"), "{second}");

    // By a person, in the server.
    let answer = place.done(&["flow", "run", "Greet", "--wait"]);
    assert!(answer.contains("\"state\":\"succeeded\""), "{answer}");

    // By an endpoint.
    let path = on.lines().find_map(|line| line.strip_prefix("Look up is on: ")?.split(',').next()).expect("a path");
    let token = place.done(&["flow", "token", "Look up"]);
    let login = place.org.api("GET", "/api/v1/users", &Value::Null)[0]["profile"].clone();
    let base = url.trim_end_matches("/api/flo");
    let call = |token: &str| {
        let body = json!({"login": login["login"]});
        send(client().post(format!("{base}{path}")).header("x-api-client-token", token).body(body.to_string()))
    };
    // The server notices a new token within a fraction of a second.
    let mut answered = call(token.trim());
    for _ in 0..50 {
        if answered.0 != 401 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        answered = call(token.trim());
    }
    let (status, answer) = answered;
    assert_eq!((status, serde_json::from_str(&answer).ok()), (200, Some(json!({"first_name": login["firstName"]}))));
    assert_eq!(call("wrong").0, 401);

    // By an event of the org: not by what happened before, by what happens from now on.
    let profile =
        json!({"login": "eve@acme.example", "email": "eve@acme.example", "firstName": "Eve", "lastName": "Doe"});
    // The log is followed from the first look on.
    std::thread::sleep(Duration::from_secs(3));
    place.org.api("POST", "/api/v1/users?activate=true", &json!({"profile": profile}));
    let run = place.until("On created", "succeeded");
    assert_eq!(run["Started by"], "event");
    let steps = place.done(&["flow", "history", run["Run"].as_str().expect("an id"), "--output", "json"]);
    assert!(steps.contains("eve@acme.example") && steps.contains("okta:readUser"), "{steps}");

    let (_, metrics) = send(client().get(format!("{base}/metrics")));
    assert!(metrics.contains("oktant_flow_runs_total{state=\"succeeded\"}"), "{metrics}");
    let sent = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(server.child.wait().expect("ends").code(), Some(0));
    assert_eq!(place.history(&[]).len(), 3);
}

const LOOK_UP_TEST: &str = "flow: look_up
cases:
  - name: finds the user
    given: {body/login: ann@acme.example}
    calls:
      - step: read
        card: okta:readUser
        with: {User/ID or Login: ann@acme.example}
        gives: {Profile Properties/firstName: Ann}
    returns: {first_name: Ann}
  - name: a user who is not there
    given: {body/login: bob@acme.example}
    calls:
      - step: read
        card: okta:readUser
        fails: {message: Not found, status: 404}
    ends: failed
";

#[test]
fn tests_of_flows_compare_what_is_called_and_returned() {
    let place = Place::new();
    place.write("look_up", LOOK_UP);
    let file = place.path().join("project/flows/look_up.test.yaml");
    std::fs::write(&file, LOOK_UP_TEST).expect("writes");
    let told = place.done(&["flow", "test", &place.project()]);
    assert_eq!(told, "ok\tlook_up\tfinds the user\nok\tlook_up\ta user who is not there\n");
    let wrong = [
        ("ID or Login: ann", "ID or Login: eve", "read was given User/ID or Login \"ann@acme.example\""),
        ("first_name: Ann", "first_name: Bob", "returned first_name \"Ann\", not \"Bob\""),
        ("step: read", "step: other", "other (okta:readUser) was not called"),
        ("ends: failed", "ends: succeeded", "it ended failed and not succeeded: Not found"),
    ];
    for (right, wrong, expected) in wrong {
        std::fs::write(&file, LOOK_UP_TEST.replacen(right, wrong, 1)).expect("writes");
        let told = place.refused(&["flow", "test", &file.display().to_string()]);
        assert!(told.contains("FAILED") && told.contains(expected), "{expected} in {told}");
    }

    // A run makes a test of itself.
    place.connect();
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let login = place.org.api("GET", "/api/v1/users", &Value::Null)[0]["profile"]["login"].clone();
    let input = format!("login={}", login.as_str().expect("a login"));
    let run = place.done(&["flow", "run", "look_up", "--input", &input]);
    // It is added to the tests that are there; what tests no flow, or another one, is left as it is.
    std::fs::write(&file, LOOK_UP_TEST).expect("writes");
    let recorded = file.display().to_string();
    place.done(&["flow", "history", run.trim(), "--record", &recorded]);
    let told = place.done(&["flow", "test", &recorded]);
    let own = "ok\tlook_up\tfinds the user\nok\tlook_up\ta user who is not there\n";
    assert_eq!(told, format!("{own}ok\tlook_up\tas in run {}\n", run.trim()));
    let again = place.refused(&["flow", "history", run.trim(), "--record", &recorded]);
    assert!(again.contains("has a case") && again.contains("name another file"), "{again}");
    let list = place.path().join("shopping.txt");
    std::fs::write(&list, "milk\n").expect("writes");
    let refused = place.refused(&["flow", "history", run.trim(), "--record", &list.display().to_string()]);
    assert!(refused.contains("holds no tests of a flow"), "{refused}");
    assert_eq!(std::fs::read_to_string(&list).expect("reads"), "milk\n");
}

const EACH_USER: &str = "flow: Each user
trigger: {type: manual}
steps:
  - id: list
    card: okta:listUsersWithSearch
    connection: okta
    options: {resultSet: Stream Records}
    with: {Streaming/Flow: !flow look_at}
    outputs: {Result/Records Streamed: number}
  - id: return
    card: control:return
    with: {count: '${list.Result/Records Streamed}'}
";

const LOOK_AT: &str = "flow: Look at
trigger: {type: helper, inputs: {Record: object, State: object}}
steps:
  - id: read
    card: okta:readUser
    connection: okta
    with: {User/ID or Login *: '${trigger.Record.ID}'}
";

#[test]
fn a_run_that_streams_makes_a_test_of_itself() {
    let place = Place::new();
    place.write("each_user", EACH_USER);
    place.write("look_at", LOOK_AT);
    place.connect();
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let run = place.done(&["flow", "run", "each_user"]);
    let file = place.path().join("project/flows/each_user.test.yaml");
    place.done(&["flow", "history", run.trim(), "--record", &file.display().to_string()]);
    let told = place.done(&["flow", "test", &file.display().to_string()]);
    assert_eq!(told, format!("ok\teach_user\tas in run {}\n", run.trim()));
    let recorded = std::fs::read_to_string(&file).expect("a file");
    assert_eq!(recorded.matches("card: okta:readUser").count(), 4, "{recorded}");
    assert_eq!(recorded.matches("card: okta:listUsersWithSearch").count(), 1, "{recorded}");
    assert!(recorded.contains("records:"), "{recorded}");

    // A helper flow that keeps no data keeps no records, and a part of them is no test.
    place.write("look_at", &LOOK_AT.replace("trigger:", "log: false\ntrigger:"));
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let run = place.done(&["flow", "run", "each_user"]);
    let told = place.refused(&["flow", "history", run.trim(), "--record", &file.display().to_string()]);
    assert!(told.contains("its history does not keep the records that list streamed"), "{told}");
}

#[test]
fn the_codes_of_services_stand_in_the_history() {
    let place = Place::new();
    place.write("look_up", LOOK_UP);
    place.connect();
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let told = place.refused(&["flow", "run", "look_up", "--input", "login=nobody@example.com"]);
    assert!(told.contains("(E0000007) [OKT4314]"), "{told}");
    let run = place.history(&[]).remove(0);
    assert!(run["Message"].as_str().is_some_and(|message| message.ends_with("(E0000007)")), "{run}");
    let steps = place.history(&[run["Run"].as_str().expect("an id")]);
    assert_eq!(steps[1]["Code"], "E0000007", "{steps:?}");
    assert_eq!(steps[1]["Answer"]["errorCode"], "E0000007", "the whole answer: {steps:?}");
    assert!(steps[1]["Answer"]["errorSummary"].as_str().is_some_and(|said| said.contains("nobody@")), "{steps:?}");
    let store = format!("sqlite://{}", place.path().join("flows.db").display());
    let sql = "SELECT card, error_code, error_status, error_answer ->> 'errorCode' AS told FROM flow_steps \
               WHERE error_code = 'E0000007'";
    let mut command = place.command(&["sql", "--store", &store, "-o", "csv", "-c", sql]);
    let (told, _) = crate::connect::run(command.env("OKTANT_DSN", place.org.sandbox.dsn()));
    assert_eq!(told, "card,error_code,error_status,told\nokta:readUser,E0000007,404,E0000007\n");
}

#[test]
fn a_flow_is_removed_unless_something_needs_it() {
    let place = Place::new();
    place.write("greet", GREET);
    place.write("compose_greeting", COMPOSE);
    place.done(&["flow", "on", &place.project()]);
    place.done(&["flow", "run", "greet"]);
    let told = place.refused(&["flow", "remove", "greet"]);
    assert!(told.contains("error[OKT4317]") && told.contains("it is switched on"), "{told}");
    place.done(&["flow", "off", "greet", "compose_greeting"]);
    let told = place.refused(&["flow", "remove", "compose_greeting"]);
    assert!(told.contains("flow \"Greet\" calls it") && told.contains("--force"), "{told}");
    let told = place.done(&["flow", "remove", "greet", "compose_greeting"]);
    let kept = "Greet is removed; the history of its run is kept until its retention is over";
    assert_eq!(told, format!("{kept}\nCompose greeting is removed\n"));
    assert_eq!(place.history(&[])[0]["Flow"], "greet");
    let told = place.refused(&["flow", "run", "greet"]);
    assert!(told.contains("there is no flow"), "{told}");
    place.done(&["flow", "on", &place.project()]);
    // Of several flows, all or none.
    place.done(&["flow", "off", "greet"]);
    let told = place.refused(&["flow", "remove", "greet", "compose_greeting"]);
    assert!(told.contains("\"compose_greeting\" cannot be removed: it is switched on"), "{told}");
    assert!(place.done(&["flow", "list"]).contains("greet"));
    assert_eq!(place.done(&["flow", "remove", "greet", "greet", "--force"]), format!("{kept}\n"));
}

#[test]
fn rows_of_tables_come_and_go_as_csv() {
    let place = Place::new();
    place.write("greet", GREET);
    place.write("compose_greeting", COMPOSE);
    let tables = "members:\n  name: Members\n  columns: {Login: text, Age: number}\n";
    std::fs::write(place.path().join("project/tables.yaml"), tables).expect("writes");
    place.done(&["flow", "on", &place.project()]);
    assert!(place.done(&["flow", "tables", "list"]).contains("Login text, Age number"));
    let csv = place.path().join("members.csv");
    std::fs::write(&csv, "Login,Age\nann,41\n\"bob, jr\",7\n").expect("writes");
    let csv = csv.display().to_string();
    assert_eq!(place.done(&["flow", "tables", "import", "Members", &csv]), "2 rows were added to Members\n");
    assert_eq!(place.done(&["flow", "tables", "export", "members"]), "Login,Age\nann,41\n\"bob, jr\",7\n");
    let rows: Vec<Value> =
        serde_json::from_str(&place.done(&["flow", "tables", "show", "members", "--output", "json"])).expect("JSON");
    assert_eq!((&rows[1]["Login"], &rows[1]["Age"]), (&json!("bob, jr"), &json!(7)));
    std::fs::write(&csv, "Login,Age\n\"ann\nor bob\",41\nann,old\n").expect("writes");
    let wrong = place.refused(&["flow", "tables", "import", "Members", &csv]);
    assert!(wrong.contains("OKT4201") && wrong.contains("line 4, Age: \"old\" is no number"), "{wrong}");
    assert!(place.refused(&["flow", "tables", "show", "nobody"]).contains("OKT45"));
}

/// A folder that Okta exported, if the shared data is there.
fn pack(name: &str) -> Option<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("OKTANT_SHARED_DATA").map_or_else(|| root.join("../shared/data"), Into::into);
    let file = data.join(format!("flopacks/{name}.flopack"));
    if !file.exists() {
        eprintln!("skipped: there is no {}", file.display());
    }
    file.exists().then_some(file)
}

#[test]
fn a_user_who_is_assigned_in_okta_appears_in_salesforce() {
    let Some(pack) = pack("salesforce_create_user") else { return };
    let org = Org::live(|builder| builder.users(1).salesforce(oktant_sandbox::Salesforce::builder()));
    let place = Place { org, folder: tempfile::tempdir().expect("a folder") };
    let salesforce = place.org.sandbox.salesforce().expect("a Salesforce org");
    let app = json!({"name": "salesforce", "label": "Salesforce", "signOnMode": "SAML_2_0"});
    let app = place.org.api("POST", "/api/v1/apps", &app)["id"].as_str().expect("an id").to_owned();

    place.done(&["flow", "import", &pack.display().to_string(), "--into", &place.project()]);
    place.connect();
    place.connect_salesforce();
    let unbound = place.refused(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    assert_eq!(
        unbound.matches("its connection salesforce, to salesforce, is bound to nothing").count(),
        3,
        "{unbound}"
    );
    // The application of its author's org is not in this one.
    let on = ["flow", "on", &place.project(), "--bind", "okta=acme", "--bind", "salesforce=crm"];
    let elsewhere = place.refused(&on);
    assert!(elsewhere.contains("OKT4315") && elsewhere.contains("0oabg7g3giO8L8VOM0h7"), "{elsewhere}");
    assert!(elsewhere.contains("add --app APPLICATION"), "{elsewhere}");
    let nowhere = place.refused(&[&on[..], &["--app", "Sales"]].concat());
    assert!(nowhere.contains("it waits for the application Sales"), "{nowhere}");
    place.done(&[&on[..], &["--app", "salesforce"]].concat());
    let bound = place.done(&["flow", "bind", "create_users_in_salesforce"]);
    assert!(bound.contains(&format!("instance\tapplication\t{app}\n")), "{bound}");
    // It stays where the flow is saved anew, and the text is left alone.
    place.done(&on);
    assert!(place.done(&["flow", "bind", "create_users_in_salesforce"]).contains(&app));
    // It was meant for what the text said then.
    let file = place.flow("create_users_in_salesforce");
    let text = std::fs::read_to_string(&file).expect("reads");
    std::fs::write(&file, text.replace("0oabg7g3giO8L8VOM0h7", "0oaanother")).expect("writes");
    let another = place.refused(&on);
    assert!(another.contains("it waits for the application 0oaanother"), "{another}");
    std::fs::write(&file, text).expect("writes");
    let (_server, _) = place.server();
    std::thread::sleep(Duration::from_secs(3));

    let profile = json!({"login": "sue@acme.example", "email": "sue@acme.example", "firstName": "Sue", "lastName": "Doe", "department": "Sales"});
    let user = place.org.api("POST", "/api/v1/users?activate=true", &json!({"profile": profile}))["id"].clone();
    let assigned = json!({"id": user, "scope": "USER", "credentials": {"userName": "sue@acme.example"}});
    place.org.api("POST", &format!("/api/v1/apps/{app}/users"), &assigned);
    let run = place.until("Create Users in Salesforce", "succeeded");
    let users = salesforce.records("User");
    let made = users.iter().find(|user| user["Username"] == "sue@acme.example").expect("the user");
    assert_eq!((&made["FirstName"], &made["Department"]), (&json!("Sue"), &json!("Sales")));
    let profiles = salesforce.records("Profile");
    let profile = profiles.iter().find(|profile| profile["Id"] == made["ProfileId"]).expect("a profile");
    assert_eq!(profile["Name"], "Chatter Free User");
    let steps = place.done(&["flow", "history", run["Run"].as_str().expect("an id"), "--output", "jsonl"]);
    for card in ["search_users", "if_else", "read_user", "lookup", "create_user"] {
        let step = steps.lines().find(|line| line.contains(&format!("\"Step\":\"{card}\""))).unwrap_or_default();
        assert!(step.contains("\"State\":\"succeeded\"") || card == "if_else", "{card}: {steps}");
    }
}

const ON_CONTACT: &str = "flow: On contact
trigger:
  event: salesforce:newRecord
  connection: salesforce
  options: {recordType: Contact}
steps:
  - id: say
    card: string:compose
    with: {_text_: 'There is ${trigger.Record/Record ID}'}
";

#[test]
fn records_are_looked_at_by_an_interval_of_their_own() {
    let org = Org::live(|builder| builder.users(1).salesforce(oktant_sandbox::Salesforce::builder()));
    let place = Place { org, folder: tempfile::tempdir().expect("a folder") };
    let salesforce = place.org.sandbox.salesforce().expect("a Salesforce org");
    place.write("on_contact", ON_CONTACT);
    place.write("on_created", ON_CREATED);
    place.connect();
    place.connect_salesforce();
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme", "--bind", "salesforce=crm"]);
    let args = ["serve", "--listen", "127.0.0.1:0", "--poll-interval", "0", "--records-interval", "1"];
    let mut server = Running::of(&mut place.command(&args));
    server.announcement();
    let looks = || salesforce.requests().iter().filter(|request| request.path.ends_with("/query")).count();
    let begun = Instant::now();
    while looks() < 3 {
        assert!(begun.elapsed() < Duration::from_mins(1), "nobody looks");
        std::thread::sleep(Duration::from_millis(100));
    }
    let logs = place.org.requests().iter().filter(|request| request.starts_with("GET /api/v1/logs")).count();
    assert_eq!(logs, 0, "the log is not read");
}

#[test]
fn a_connection_that_flows_use_is_not_removed_by_the_way() {
    let place = Place::new();
    place.connect();
    place.write("look_up", LOOK_UP);
    place.done(&["flow", "on", &place.project(), "--bind", "okta=acme"]);
    let refused = place.refused(&["connect", "remove", "acme"]);
    assert!(refused.contains("is used by flows that are on: Look up") && refused.contains("flow bind"), "{refused}");
    assert!(place.done(&["connect", "list"]).contains("acme"));
    place.done(&["connect", "remove", "acme", "--force"]);
    let failed = place.refused(&["flow", "run", "Look up", "--input", "login=x", "--wait"]);
    assert!(failed.contains("was removed") && failed.contains("oktant flow bind FLOW"), "{failed}");

    place.connect();
    place.done(&["flow", "bind", "Look up", "okta=acme"]);
    place.done(&["flow", "off", "Look up"]);
    let removed = place.done(&["connect", "remove", "acme"]);
    assert!(removed.contains("gives its flows another connection: Look up"), "{removed}");
}

/// A mail server that takes one message; where it listens, and what it was told.
fn mail_server() -> (String, std::thread::JoinHandle<String>) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let told = std::thread::spawn(move || {
        let mut told = String::new();
        // Who makes the connection asks, too, but sends nothing.
        while !told.contains("DATA") {
            let (mut stream, _) = listener.accept().expect("a caller");
            let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            stream.write_all(b"220 test\r\n").expect("writes");
            for line in lines.map_while(Result::ok) {
                told.extend([&*line, "\n"]);
                let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
                    "EHLO" | "MAIL" | "RCPT" | "NOOP" => b"250 ok\r\n",
                    "DATA" => b"354 go on\r\n",
                    "QUIT" => b"221 bye\r\n",
                    "." => b"250 queued as 42\r\n",
                    _ => continue,
                };
                stream.write_all(answer).expect("writes");
            }
        }
        told
    });
    (address, told)
}

/// The flow that asks `sql`, of the org of the process or of a connection.
fn asking(sql: &str, connection: &str) -> String {
    format!(
        "flow: Ask\ntrigger: {{type: manual}}\nsteps:\n  - id: ask\n    card: oktant:sql\n{connection}    \
         with: {{Query/SQL *: \"{sql}\"}}\n    outputs: {{Result/Count: number, Result/Rows: list-of-object, Result/CSV: text}}\n"
    )
}

#[test]
fn the_daily_access_report_is_made_by_sql_and_sent() {
    let place = Place::new();
    let app = json!({"label": "Box", "signOnMode": "BOOKMARK", "settings": {"app": {"url": "https://x.example"}}});
    let app = place.org.api("POST", "/api/v1/apps", &app)["id"].as_str().expect("an id").to_owned();
    let user = place.org.api("GET", "/api/v1/users", &Value::Null)[0].clone();
    let assigned = json!({"id": user["id"], "scope": "USER", "credentials": {"userName": "box-user"}});
    place.org.api("POST", &format!("/api/v1/apps/{app}/users"), &assigned);
    let (address, told) = mail_server();
    let port = format!("port={}", address.rsplit_once(':').expect("a port").1);
    let make = ["connect", "smtp", "post", "--set", "host=127.0.0.1", "--set", &port, "--set", "security=none"];
    let mut make = place.command(&make);
    let make = make.args(["--set", "from=flows@example.com"]).env("OKTANT_EGRESS_ALLOW", &address);
    assert!(run(make).1, "the mail server lets everyone in");
    place.done(&["flow", "import", "template:daily-access-report", "--into", &place.project()]);
    let on = place.done(&["flow", "on", &place.project(), "--bind", "mail=post"]);
    assert!(on.contains("(report)") && on.contains("start `oktant serve` with --dsn or OKTANT_DSN"), "{on}");

    let without = place.refused(&["flow", "run", "Daily access report", "--wait"]);
    assert!(without.contains("--dsn or OKTANT_DSN"), "{without}");
    let dsn = place.org.sandbox.dsn();
    let mut run_here = place.command(&["flow", "run", "Daily access report", "--dsn", &dsn]);
    let (id, done) = run(run_here.env("OKTANT_EGRESS_ALLOW", &address));
    assert!(done, "{id}");
    let steps = place.done(&["flow", "history", id.trim(), "--output", "jsonl"]);
    let report = steps.lines().find(|line| line.contains("\"Step\":\"report\"")).expect("the step");
    let report: Value = serde_json::from_str(report).expect("JSON");
    let login = user["profile"]["login"].as_str().expect("a login");
    let rows = report["Outputs"]["Result"]["Rows"].as_array().expect("rows");
    assert_eq!(report["Outputs"]["Result"]["Count"], rows.len(), "{report}");
    assert!(rows.iter().any(|row| row["Application"] == "Box" && row["Login"] == login), "{report}");
    let mail = told.join().expect("a mail");
    assert!(mail.contains("RCPT TO:<security@example.com>") && mail.contains("Application,Login,Since"), "{mail}");
    assert!(mail.contains(&format!("Box,{login}")), "{mail}");
    let file = place.path().join("project/flows/daily_access_report.test.yaml").display().to_string();
    place.done(&["flow", "history", id.trim(), "--record", &file]);
    assert_eq!(place.done(&["flow", "test", &file]), format!("ok\tdaily_access_report\tas in run {}\n", id.trim()));
}

#[test]
fn cards_ask_by_sql_in_a_server_and_over_connections() {
    let place = Place::new();
    place.connect();
    let args = ["serve", "--listen", "127.0.0.1:0", "--poll-interval", "0"];
    let mut server = Running::of(place.command(&args).env("OKTANT_DSN", place.org.sandbox.dsn()));
    server.announcement();
    let ask = |sql: &str, connection: &str| {
        place.write("ask", &asking(sql, connection));
        place.done(
            &["flow", "on", &place.flow("ask"), "--bind", "okta=acme"][..if connection.is_empty() { 3 } else { 5 }],
        );
        let (told, done) = run(&mut place.command(&["flow", "run", "Ask", "--wait"]));
        let id = place.history(&["--flow", "Ask"])[0]["Run"].as_str().expect("an id").to_owned();
        (told, done, place.done(&["flow", "history", &id, "--output", "jsonl"]))
    };
    let over_connection = "    connection: okta\n";
    let users = place.org.api("GET", "/api/v1/users", &Value::Null).as_array().expect("users").len();
    for connection in ["", over_connection] {
        let (told, done, steps) = ask("SELECT count(*) AS n, max(Created) AS last FROM Users", connection);
        assert!(done && steps.contains(&format!("\"n\":{users}")), "{told} {steps}");
        // What this and earlier runs did is a table, too.
        let (told, done, steps) = ask("SELECT path FROM flow_steps WHERE card = 'oktant:sql' LIMIT 1", connection);
        assert!(done && steps.contains("\"path\":\"ask\""), "{told} {steps}");
    }
    for (sql, expected) in [("DELETE FROM Users", "DELETE is refused"), ("SELECT Nix FROM Users", "unknown column")] {
        let (told, done, steps) = ask(sql, "");
        assert!(!done && told.contains(expected) && steps.contains(expected), "{told} {steps}");
    }
}
