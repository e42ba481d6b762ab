//! Runs that wait, are left, or are looked at; and who may start them.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::flows::{Place, client, send};

const NAP: &str = "flow: Nap
trigger: {type: manual}
steps:
  - id: nap
    card: control:wait
    with: {delay: 1, unit: hour}
";

/// Starts a command, lets it come to where `ready` is so, and presses Ctrl-C; its exit code and what it wrote.
#[cfg(unix)]
fn interrupted(command: &mut Command, ready: impl Fn() -> bool) -> (Option<i32>, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let begun = std::time::Instant::now();
    while !ready() {
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "it does not come to that");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("ends");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).expect("text"))
}

#[cfg(unix)]
#[test]
fn whoever_stops_waiting_is_told_what_becomes_of_the_run_and_not_to_start_it_again() {
    let place = Place::new();
    place.write("nap", NAP);
    place.done(&["flow", "on", &place.flow("nap")]);
    let waits = || place.history(&["--flow", "nap"]).first().is_some_and(|run| run["State"] == "waiting");
    let (code, told) = interrupted(&mut place.command(&["flow", "run", "nap", "--wait"]), waits);
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("it goes on with the next `oktant serve`"), "{told}");
    assert!(told.contains("do not start the flow again") && !told.contains("run it again"), "{told}");

    // A run that waits has not ended; how long it waits is said.
    let run = place.history(&["--flow", "nap"]).remove(0);
    assert_eq!(run["Ended"], Value::Null, "{run}");
    let [began, until] = ["Began", "Waits until"].map(|key| run[key].as_str().expect("an instant").to_owned());
    assert!(until > began, "{run}");
    let id = run["Run"].as_str().expect("an id");
    let steps = place.history(&[id]);
    let nap = steps.iter().find(|step| step["Step"] == "nap").expect("the step");
    assert!(nap["Began"].as_str().expect("an instant") < until.as_str(), "{nap}");
    place.done(&["flow", "cancel", id]);

    let (_server, _) = place.server();
    let (code, told) = interrupted(&mut place.command(&["flow", "run", "nap", "--wait"]), waits);
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("it goes on in the server that runs it"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_run_whose_card_was_cut_off_waits_for_a_decision_and_says_so() {
    let place = Place::new();
    // It takes requests and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || listener.incoming().for_each(|stream| sender.send(stream).expect("a test")));
    let post = format!(
        "flow: Post\ntrigger: {{type: manual}}\nsteps:\n  - id: post\n    card: httpfunctions:post\n    \
         with: {{Request/URL: 'http://{address}/', Request/Body: hello}}\n"
    );
    place.write("post", &post);
    place.done(&["flow", "on", &place.flow("post")]);
    let mut command = place.command(&["flow", "run", "post", "--wait"]);
    let (code, told) = interrupted(command.env("OKTANT_EGRESS_ALLOW", &address), || asked.try_recv().is_ok());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("unknown_outcome") && told.contains("oktant flow decide"), "{told}");
}

#[test]
fn when_a_password_was_changed_is_no_secret() {
    let place = Place::new();
    let read = "flow: Read
trigger: {type: helper, inputs: {login: text}}
steps:
  - id: read
    card: okta:readUser
    connection: okta
    with: {User/ID or Login *: '${trigger.login}'}
    outputs: {System Properties/Created: text, System Properties/Password Changed: text}
  - id: return
    card: control:return
    with: {created: '${read.System Properties/Created}', changed: '${read.System Properties/Password Changed}'}
";
    place.write("read", read);
    place.connect();
    place.done(&["flow", "on", &place.flow("read"), "--bind", "okta=acme"]);
    let profile =
        json!({"login": "eve@acme.example", "email": "eve@acme.example", "firstName": "Eve", "lastName": "Doe"});
    let user = json!({"profile": profile, "credentials": {"password": {"value": "Correct-horse-1"}}});
    let user = place.org.api("POST", "/api/v1/users?activate=true", &user);
    let told = place.done(&["flow", "run", "read", "--input", "login=eve@acme.example", "--wait"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["outputs"]["created"], user["created"], "{told}");
    assert_eq!(told["outputs"]["changed"], user["passwordChanged"], "{told}");
    let id = told["run"].as_str().expect("an id");
    let file = place.path().join("project/flows/read.test.yaml").display().to_string();
    place.done(&["flow", "history", id, "--record", &file]);
    assert_eq!(place.done(&["flow", "test", &file]), format!("ok\tread\tas in run {id}\n"));
}

#[test]
fn an_endpoint_of_oauth_takes_a_token_of_the_sandbox() {
    let place = Place::new();
    let hello = "flow: Hello
trigger: {type: endpoint, security: oauth, inputs: {body/name: text}}
steps:
  - id: return
    card: control:return
    with: {text: '${trigger.body/name}'}
";
    place.write("hello", hello);
    place.connect();
    place.done(&["flow", "on", &place.flow("hello")]);
    let (_server, announcement) = place.server();
    let flows = announcement["flows_url"].as_str().expect("a URL").trim_end_matches("/api/flo").to_owned();
    let list = place.done(&["flow", "list", "--output", "json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let endpoint = format!("{flows}{}", list[0]["Endpoint"].as_str().expect("a path"));
    let call = |token: &str| send(client().post(&endpoint).bearer_auth(token).body(r#"{"name": "Ann"}"#));
    assert_eq!(call("none").0, 401);

    // The way of the guide: a sign-in without a browser, by a session token.
    let org = place.org.sandbox.url();
    let sandbox = &place.org.sandbox;
    let login = json!({"username": sandbox.admin_login(), "password": sandbox.admin_password()});
    let (_, answer) = send(
        client().post(format!("{org}/api/v1/authn")).header("content-type", "application/json").body(login.to_string()),
    );
    let session: Value = serde_json::from_str(&answer).expect("JSON");
    let session = session["sessionToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let (redirect, scope) = ("http://localhost:33333/", "okta.workflows.invoke.manage");
    let client_id = sandbox.client_id();
    let authorize = url::Url::parse_with_params(
        &format!("{org}/oauth2/v1/authorize"),
        [
            ("client_id", client_id),
            ("response_type", "code"),
            ("scope", scope),
            ("redirect_uri", redirect),
            ("state", "s"),
            ("code_challenge_method", "S256"),
            ("code_challenge", challenge),
            ("sessionToken", &session),
        ],
    );
    let code = redirected(authorize.expect("a URL").as_str());
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
            ("client_id", client_id),
            ("client_secret", sandbox.client_secret()),
        ])
        .finish();
    let request = client().post(format!("{org}/oauth2/v1/token"));
    let (_, answer) = send(request.header("content-type", "application/x-www-form-urlencoded").body(form));
    let granted: Value = serde_json::from_str(&answer).expect("JSON");
    let token = granted["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(call(token), (200, r#"{"text":"Ann"}"#.to_owned()));
}

/// The code that an authorization endpoint sends a browser back with.
fn redirected(authorize: &str) -> String {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let response = runtime.block_on(browser.get(authorize).send()).expect("an answer");
    let location = response.headers()["location"].to_str().expect("text");
    let location = url::Url::parse(location).expect("a URL");
    let code = location.query_pairs().find(|(name, _)| name == "code");
    code.unwrap_or_else(|| panic!("{location}")).1.into_owned()
}

#[test]
fn sql_in_a_server_asks_the_org_of_the_server_and_a_command_says_so() {
    let place = Place::new();
    let ask = "flow: Ask
trigger: {type: manual}
steps:
  - id: ask
    card: oktant:sql
    with: {Query/SQL *: SELECT count(*) AS n FROM Users}
    outputs: {Result/Count: number}
";
    place.write("ask", ask);
    place.connect();
    place.done(&["flow", "on", &place.flow("ask")]);
    let (_server, _) = place.server();
    let dsn = place.org.sandbox.dsn();
    let told = place.refused(&["flow", "run", "ask", "--dsn", &dsn, "--wait"]);
    assert!(told.contains("note: a server runs the flow") && told.contains("not that of --dsn"), "{told}");
    assert!(told.contains("`oktant serve`, which runs the flow, was started without one"), "{told}");
}
