//! HTTP cards, files and mail.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{any, get};
use oktant_connect::connection::Auth;
use oktant_engine::{Actions, ErrorKind};
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Notify;

use crate::common::{Bench, call, outputs, serve};

async fn echo(request: Request) -> axum::Json<serde_json::Value> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    axum::Json(json!({
        "method": parts.method.as_str(), "query": parts.uri.query(), "authorization": header("authorization"),
        "scheme": header("authorization").split(' ').next(), "key": header("x-key"), "type": header("content-type"), "body": String::from_utf8_lossy(&body),
    }))
}

async fn server() -> String {
    let gone = || async { (StatusCode::GONE, "it was here") };
    let refuse = |body: String| async { (StatusCode::BAD_REQUEST, body) };
    let file = || async { ([("content-disposition", "attachment; filename=\"a.txt\"")], "content") };
    serve(
        Router::new()
            .route("/echo", any(echo))
            .route("/gone", get(gone))
            .route("/refuse", any(refuse))
            .route("/file", get(file)),
    )
    .await
}

#[tokio::test]
async fn http_cards_send_what_the_flow_says() {
    let (bench, url) = (Bench::new().await, server().await);
    let card = |operation: &str, connection: &str, inputs| {
        call(&format!("httpfunctions:{operation}"), connection, &[], inputs)
    };
    let inputs = json!({"Request.URL": format!("{url}/echo?a=1"), "Request.Query": {"b": "x y", "c": ["1", "2"]}, "Request.Headers": {"X-Key": "k", "Host": "evil"}, "Request.Body": {"n": 1}});
    let answer = outputs(bench.connectors.call(card("post", "", inputs)).await.unwrap());
    let body = &answer["Response.Body"];
    assert_eq!(answer["Response.Status Code"], 200);
    assert_eq!(
        (&body["method"], &body["query"], &body["key"]),
        (&json!("POST"), &json!("a=1&b=x+y&c=1&c=2"), &json!("k"))
    );
    assert_eq!((&body["body"], &body["type"]), (&json!("{\"n\":1}"), &json!("application/json")));
    let raw = json!({"Request.URL": format!("{url}/echo"), "Request.Method": "PUT", "Request.Body": "plain"});
    let answer = outputs(bench.connectors.call(card("raw", "", raw)).await.unwrap());
    assert!(answer["Response.Body"].as_str().unwrap().contains("\"body\":\"plain\""), "text stays text");
    let error =
        bench.connectors.call(card("get", "", json!({"Request.URL": format!("{url}/gone")}))).await.unwrap_err();
    assert_eq!((error.message.as_str(), error.status, error.kind), ("Gone", Some(410), ErrorKind::Refused));
    for (address, problem) in
        [("not an address", "no address"), ("http://169.254.169.254/", "link-local"), ("http://10.0.0.1/", "private")]
    {
        let error = bench.connectors.call(card("get", "", json!({"Request.URL": address}))).await.unwrap_err();
        assert!(error.message.contains(problem) && error.kind == ErrorKind::Input, "{address}: {error:?}");
    }
}

#[tokio::test]
async fn connections_sign_http_cards_for_their_hosts_only() {
    let (bench, url) = (Bench::new().await, server().await);
    let host = url.trim_start_matches("http://").to_owned();
    let basic = [("username", "ann"), ("hosts", host.as_str())];
    bench.connect("basic", "http", Auth::Basic, &basic, &[("password", "pw")]).await;
    bench.connect("bearer", "http", Auth::Bearer, &[("hosts", &host)], &[("token", "t0ken")]).await;
    bench.connect("key", "http", Auth::Headers, &[("hosts", "*")], &[("header:X-Key", "k3y")]).await;
    bench.connect("elsewhere", "http", Auth::Bearer, &[("hosts", "api.example.com")], &[("token", "t0ken")]).await;
    let get =
        |connection: &str| call("httpfunctions:get", connection, &[], json!({"Request.URL": format!("{url}/echo")}));
    for (connection, key, expected) in
        [("basic", "scheme", "Basic"), ("bearer", "authorization", "Bearer t0ken"), ("key", "key", "k3y")]
    {
        let answer = outputs(bench.connectors.call(get(connection)).await.unwrap());
        assert_eq!(answer["Response.Body"][key], expected, "{connection}");
    }
    let error = bench.connectors.call(get("elsewhere")).await.unwrap_err();
    assert!(error.message.contains("is for api.example.com"), "{}", error.message);
    bench.connect("open", "http", Auth::Bearer, &[], &[("token", "t0ken")]).await;
    let error = bench.connectors.call(get("open")).await.unwrap_err();
    assert!(error.message.contains("which hosts") && error.message.contains("--set hosts="), "{}", error.message);
    bench.connect("hub", "github", Auth::Bearer, &[], &[("token", "t0ken")]).await;
    let error = bench.connectors.call(get("hub")).await.unwrap_err();
    assert!(error.message.contains("is for api.github.com"), "{}", error.message);
    let error = bench.connectors.call(get("none")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    let unbound = bench.connectors.call(call("slack:readUser2", "", &[], json!({}))).await.unwrap_err();
    assert!(unbound.message.contains("bound to no connection"));
    let unknown = bench.connectors.call(call("nobody:knows", "", &[], json!({}))).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Unsupported);
    for secret in ["t0ken", "k3y", "YW5uOnB3"] {
        assert!(!format!("{bench:?}", bench = bench.connectors).contains(secret));
    }
}

#[tokio::test]
async fn secrets_that_a_service_sends_back_are_not_given_on() {
    let (bench, url) = (Bench::new().await, server().await);
    let secrets = [("token", "CANARY-token")];
    bench.connect("bearer", "http", Auth::Bearer, &[("hosts", "*")], &secrets).await;
    let password = [("password", "CANARY-password")];
    bench.connect("basic", "http", Auth::Basic, &[("username", "ann"), ("hosts", "*")], &password).await;
    let basic = "YW5uOkNBTkFSWS1wYXNzd29yZA==";
    for (connection, shown) in [("bearer", "Bearer [redacted]"), ("basic", "Basic [redacted]")] {
        let given = json!({"Request.URL": format!("{url}/echo"), "Request.Body": {"said": "CANARY-password"}});
        let outcome = bench.connectors.call(call("httpfunctions:post", connection, &[], given)).await.unwrap();
        let told = format!("{outcome:?}");
        assert!(!told.contains("CANARY-token") && !told.contains(basic), "{told}");
        assert_eq!(told.contains("CANARY-password"), connection == "bearer", "those of its own connection: {told}");
        assert_eq!(outputs(outcome)["Response.Body"]["authorization"], shown);
    }
    // A form of before counts, too: what comes late was asked for with it.
    bench.connect("bearer", "http", Auth::Bearer, &[("hosts", "*")], &[("token", "CANARY-second")]).await;
    let refused = json!({"Request.URL": format!("{url}/refuse"), "Request.Body": "CANARY-token CANARY-second"});
    let error = bench.connectors.call(call("httpfunctions:post", "bearer", &[], refused)).await.unwrap_err();
    assert_eq!(error.body.as_ref().and_then(|body| body.as_text()), Some("[redacted] [redacted]"), "{error:?}");
}

#[tokio::test]
async fn a_file_is_downloaded_and_described() {
    let (bench, url) = (Bench::new().await, server().await);
    let file = outputs(
        bench
            .connectors
            .call(call("filefunctions:largeDownload", "", &[], json!({"Location.URL": format!("{url}/file")})))
            .await
            .unwrap(),
    );
    assert_eq!((&file["File.Filename"], &file["File.Size"]), (&json!("a.txt"), &json!(7)));
    let info = outputs(
        bench
            .connectors
            .call(call("filefunctions:info", "", &[], json!({"File.File Content": file["File.File Content"]})))
            .await
            .unwrap(),
    );
    assert_eq!((&info["File.Extension"], &info["File.Size"]), (&json!("txt"), &json!(7)));
}

/// A mail server that takes one message; what it was told.
async fn mail_server() -> (u16, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let mut told = String::new();
        writer.write_all(b"220 test\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).await.unwrap() == 0 {
                return told;
            }
            told.push_str(&line);
            let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
                "EHLO" => b"250-test\r\n250 8BITMIME\r\n",
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                "." => b"250 queued as 42\r\n",
                "MAIL" | "RCPT" => b"250 ok\r\n",
                _ => continue,
            };
            writer.write_all(answer).await.unwrap();
        }
    });
    (port, told)
}

#[tokio::test]
async fn mail_cards_fall_back_to_smtp() {
    let bench = Bench::new().await;
    let (port, told) = mail_server().await;
    let settings =
        [("host", "127.0.0.1"), ("port", &*port.to_string()), ("security", "none"), ("from", "flows@example.com")];
    bench.connect("mail", "smtp", Auth::Smtp, &settings, &[]).await;
    let mail = json!({"Email.To": ["ann@example.com"], "Email.BCC": ["audit@example.com"], "Email.Subject": "Hello\r\nX-Evil: 1", "Email.Body": "<b>hi</b>"});
    let sent = bench.connectors.call(call("gmail:sendEmail2", "mail", &[("bodyIsHtml", "Yes")], mail)).await.unwrap();
    assert_eq!(outputs(sent)["Email.Message ID"], "queued as 42");
    drop(bench);
    let told = told.await.unwrap();
    assert!(told.contains("RCPT TO:<ann@example.com>") && told.contains("RCPT TO:<audit@example.com>"), "{told}");
    assert!(
        told.contains("text/html") && !told.lines().any(|line| line.starts_with("X-Evil") || line.starts_with("Bcc")),
        "{told}"
    );
}

#[tokio::test]
async fn a_mail_server_is_guarded_too() {
    let bench = Bench::new().await;
    bench.connect("mail", "smtp", Auth::Smtp, &[("host", "10.0.0.25")], &[]).await;
    let mail = json!({"Email.To": ["ann@example.com"], "Email.From": "a@example.com"});
    let error = bench.connectors.call(call("mail:send", "mail", &[], mail)).await.unwrap_err();
    assert!(error.message.contains("10.0.0.25:587 is refused"), "{}", error.message);
}

#[tokio::test]
async fn an_outage_without_a_promise_leaves_the_outcome_open() {
    let bench = Bench::new().await;
    let busy = || async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "600")], "") };
    let lost = || async { StatusCode::SERVICE_UNAVAILABLE };
    let url = serve(Router::new().route("/busy", any(busy)).route("/lost", any(lost))).await;
    for (path, expected) in [("busy", ErrorKind::Unavailable), ("lost", ErrorKind::OutcomeUnknown)] {
        let card = call("httpfunctions:post", "", &[], json!({"Request.URL": format!("{url}/{path}")}));
        assert_eq!(bench.connectors.call(card).await.unwrap_err().kind, expected, "{path}");
    }
}

#[tokio::test]
async fn redirects_take_no_secrets_elsewhere() {
    let bench = Bench::new().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = {
        let seen = seen.clone();
        move |body: String| {
            seen.lock().push(body);
            async { "{\"access_token\": \"t\"}" }
        }
    };
    let other = serve(Router::new().route("/", any(record.clone()))).await;
    let moved = move || async move { (StatusCode::TEMPORARY_REDIRECT, [("location", other)]) };
    let near = || async { (StatusCode::PERMANENT_REDIRECT, [("location", "/near")]) };
    let routes = Router::new().route("/away", any(moved)).route("/here", any(near)).route("/near", any(record));
    let url = serve(routes).await;
    let post = |connection: &str, path: &str| {
        call(
            "httpfunctions:post",
            connection,
            &[],
            json!({"Request.URL": format!("{url}/{path}"), "Request.Body": "b0dy"}),
        )
    };
    let error = bench.connectors.call(post("", "away")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Refused, Some(307)));
    assert_eq!(seen.lock().len(), 0);
    bench.connectors.call(post("", "here")).await.unwrap();
    assert_eq!(std::mem::take(&mut *seen.lock()), ["b0dy"]);
    for path in ["away", "here"] {
        let settings = [("token_url", format!("{url}/{path}")), ("client_id", "c".to_owned())];
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bench.connect(path, "http", Auth::OauthClient, &settings, &[("client_secret", "s3cret")]).await;
        let error = bench.connectors.call(post(path, "near")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
        assert_eq!(seen.lock().len(), 0, "{path}");
    }
}

/// A token endpoint that answers when it is told to.
struct Tokens {
    url: String,
    asked: Arc<Notify>,
    answer: Arc<Notify>,
}

impl Tokens {
    async fn new() -> Self {
        let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (asked, answer) = (asked.clone(), answer.clone());
            move || async move {
                asked.notify_one();
                answer.notified().await;
                axum::Json(json!({"access_token": "renewed", "expires_in": 3600}))
            }
        };
        Self { url: serve(Router::new().route("/token", any(handler)).route("/echo", any(echo))).await, asked, answer }
    }

    async fn connect(&self, bench: &Bench, secret: &str, token: &[(&str, &str)]) {
        let token_url = format!("{}/token", self.url);
        let secrets: Vec<(&str, &str)> = [("client_secret", secret)].into_iter().chain(token.iter().copied()).collect();
        bench
            .connect("api", "http", Auth::OauthClient, &[("token_url", &token_url), ("client_id", "c")], &secrets)
            .await;
    }

    fn get(&self) -> oktant_engine::Call {
        call("httpfunctions:get", "api", &[], json!({"Request.URL": format!("{}/echo", self.url)}))
    }
}

#[tokio::test]
async fn a_renewal_does_not_write_over_what_happened_meanwhile() {
    let (bench, tokens) = (Bench::new().await, Tokens::new().await);
    tokens.connect(&bench, "old", &[]).await;
    let change = async {
        tokens.asked.notified().await;
        tokens.connect(&bench, "new", &[("access_token", "added")]).await;
        tokens.answer.notify_one();
    };
    let (outcome, ()) = tokio::join!(bench.connectors.call(tokens.get()), change);
    assert_eq!(outputs(outcome.unwrap())["Response.Body"]["authorization"], "Bearer added", "too short to be hidden");

    tokens.connect(&bench, "old", &[]).await;
    let change = async {
        tokens.asked.notified().await;
        bench.connectors.connections().remove("api").await.unwrap();
        tokens.answer.notify_one();
    };
    let (outcome, ()) = tokio::join!(bench.connectors.call(tokens.get()), change);
    assert_eq!(outcome.unwrap_err().kind, ErrorKind::Connection);
    assert!(bench.connectors.connections().list().await.unwrap().is_empty(), "it stays removed");
}

#[tokio::test]
async fn trouble_of_the_token_endpoint_is_none_of_the_cards() {
    let bench = Bench::new().await;
    let down = || async { StatusCode::BAD_GATEWAY };
    let url = serve(Router::new().route("/token", any(down))).await;
    let settings = [("token_url", format!("{url}/token")), ("client_id", "c".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    bench.connect("api", "http", Auth::OauthClient, &settings, &[("client_secret", "s")]).await;
    let card = call("httpfunctions:post", "api", &[], json!({"Request.URL": format!("{url}/x")}));
    let error = bench.connectors.call(card).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn one_refusal_does_not_break_a_connection() {
    let bench = Bench::new().await;
    let closed = || async { StatusCode::UNAUTHORIZED };
    let url = serve(Router::new().route("/closed", any(closed)).route("/echo", any(echo))).await;
    let host = url.trim_start_matches("http://").to_owned();
    let settings = [("hosts", host.as_str()), ("token_url", "https://id.example.com/token"), ("client_id", "c")];
    bench.connect("api", "http", Auth::OauthCode, &settings, &[("access_token", "good")]).await;
    let get = |path: &str| call("httpfunctions:get", "api", &[], json!({"Request.URL": format!("{url}/{path}")}));
    let error = bench.connectors.call(get("closed")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Connection, Some(401)));
    assert_eq!(bench.connectors.connections().get("api").await.unwrap().broken, None);
    bench.connectors.call(get("echo")).await.unwrap();
}

#[tokio::test]
async fn a_mail_server_that_is_not_there_may_be_back_later() {
    let bench = Bench::new().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port().to_string();
    let settings = [("host", "127.0.0.1"), ("port", &free), ("security", "none"), ("from", "flows@example.com")];
    bench.connect("mail", "smtp", Auth::Smtp, &settings, &[]).await;
    let mail = json!({"Email.To": "ann@example.com", "Email.Subject": "s", "Email.Body": "b"});
    let error = bench.connectors.call(call("gmail:sendEmail2", "mail", &[], mail)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    use oktant_connect::files::{Files as _, FolderFiles};
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("files");
    let files = FolderFiles::new(place.clone(), oktant_client::Edges::system().entropy);
    let id = files.put("x".into()).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&place.join(id))), (0o700, 0o600));
}
