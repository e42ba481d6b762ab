//! The protocol of Snowflake's clients.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Running, json_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_works_and_ends() {
    let running = Running::start().await;
    let login = running.log_in("admin", PASSWORD).await;
    assert_eq!(login["success"], json!(true), "{login}");
    assert!(login["data"]["sessionId"].is_i64(), "{login}");
    assert_eq!(login["data"]["sessionInfo"]["roleName"], json!("ACCOUNTADMIN"));
    let token = login["data"]["token"].as_str().unwrap();
    let answer = running.query(token, "a", "select current_role() as r;").await;
    assert_eq!(answer["data"]["rowset"], json!([["ACCOUNTADMIN"]]), "{answer}");
    assert_eq!(answer["data"]["rowtype"][0]["name"], json!("R"));
    assert_eq!(answer["data"]["rowtype"][0]["type"], json!("text"));
    assert_eq!(running.post("/session/heartbeat?requestId=h", token, &json!({})).await["success"], json!(true));
    assert_eq!(running.post("/session?delete=true", token, &json!({})).await["success"], json!(true));
    assert_eq!(running.query(token, "b", "select 1").await["code"], json!("390111"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let running = Running::start().await;
    let (wrong, unknown) = (running.log_in("admin", "wrong").await, running.log_in("nobody", "wrong").await);
    assert_eq!(wrong["code"], json!("390100"));
    assert_eq!(wrong["data"]["nextAction"], json!("RETRY_LOGIN"));
    assert_eq!(wrong, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_after_renewal_counts_once() {
    let (running, clock) = Running::at_noon().await;
    let (token, master) = running.session().await;
    let created = running.query(&token, "same", "create role once").await;
    assert_eq!(created["success"], json!(true), "{created}");
    clock.advance(Duration::from_hours(2));
    assert_eq!(running.query(&token, "same", "create role once").await["code"], json!("390112"));
    let body = json!({"oldSessionToken": token, "requestType": "RENEW"});
    let renewed = running.post("/session/token-request?requestId=r", &master, &body).await;
    let token = renewed["data"]["sessionToken"].as_str().unwrap();
    let again = running.query(token, "same", "create role once").await;
    assert_eq!(again["data"]["queryId"], created["data"]["queryId"], "{again}");
    assert_eq!(again["success"], json!(true));
    assert_eq!(running.query(token, "other", "create role once").await["code"], json!("002002"));
    assert_eq!(running.post("/session/token-request?requestId=r", &master, &body).await["code"], json!("390113"));
    clock.advance(Duration::from_hours(5));
    let master = renewed["data"]["masterToken"].as_str().unwrap();
    assert_eq!(running.post("/session/token-request?requestId=s", master, &body).await["code"], json!("390114"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_number_state_and_place() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let answer = running.query(&token, "a", "badsql").await;
    assert_eq!(answer["success"], json!(false));
    assert_eq!(answer["code"], json!("001003"));
    assert_eq!(answer["data"]["sqlState"], json!("42000"));
    assert_eq!((answer["data"]["line"].clone(), answer["data"]["pos"].clone()), (json!(1), json!(0)));
    let id = answer["data"]["queryId"].as_str().unwrap();
    // The connector 5 doubles the slash.
    let seen = running.get(&format!("/monitoring/queries//{id}"), &token).await;
    assert_eq!(seen["data"]["queries"][0]["status"], json!("FAILED_WITH_ERROR"), "{seen}");
    assert_eq!(seen["data"]["queries"][0]["errorCode"], json!("001003"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_statement_is_fetched_by_its_own_user_only() {
    let running = Running::start().await;
    let other = format!("create user other password = '{}'", PASSWORD.replace('\\', "\\\\").replace('\'', "\\'"));
    running.prepare(&[&other]).await;
    let (token, _) = running.session().await;
    let body = json!({"sqlText": "select 1 as a", "asyncExec": true});
    let answer = running.post("/queries/v1/query-request?requestId=a", &token, &body).await;
    assert_eq!(answer["code"], json!("333334"), "{answer}");
    let url = answer["data"]["getResultUrl"].as_str().unwrap();
    let result = running.get(url, &token).await;
    assert_eq!(result["data"]["rowset"], json!([["1"]]), "{result}");
    let id = answer["data"]["queryId"].as_str().unwrap();
    let scan = format!("select * from table(result_scan('{id}'))");
    let again = running.query(&token, "b", &scan).await;
    assert_eq!(again["data"]["rowset"], json!([["1"]]), "{again}");
    let login = running.log_in("other", PASSWORD).await;
    let theirs = login["data"]["token"].as_str().unwrap();
    assert_eq!(running.get(url, theirs).await["code"], json!("000709"));
    assert_eq!(running.query(theirs, "c", &scan).await["code"], json!("000709"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_need_their_number() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let sql = "select 'a;b' as x; select 2 as y;";
    assert_eq!(running.query(&token, "a", sql).await["code"], json!("000008"));
    let body = |count: Value| json!({"sqlText": sql, "parameters": {"MULTI_STATEMENT_COUNT": count}});
    for (request, count) in [("b", json!(2)), ("c", json!(0)), ("d", json!("2"))] {
        let path = format!("/queries/v1/query-request?requestId={request}");
        let answer = running.post(&path, &token, &body(count)).await;
        assert_eq!(answer["data"]["statementTypeId"], json!(0xA000), "{answer}");
        let ids: Vec<&str> = answer["data"]["resultIds"].as_str().unwrap().split(',').collect();
        assert_eq!(answer["data"]["resultTypes"], json!("4096,4096"));
        let second = running.get(&format!("/queries/{}/result", ids[1]), &token).await;
        assert_eq!(second["data"]["rowset"], json!([["2"]]), "{second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_read_and_telemetry_is_taken() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    // gzip of {"sqlText":"select 1 as a"}, as the connector 4 compresses.
    let body = compressed(br#"{"sqlText":"select 1 as a"}"#);
    let request = running.http.post(format!("{}/queries/v1/query-request?requestId=z", running.server.url()));
    let request = request.header("Content-Encoding", "gzip").header("Content-Type", "application/json");
    let answer = request.header("Authorization", format!("Snowflake Token=\"{token}\"")).body(body).send().await;
    let answer = json_of(answer).await;
    assert_eq!(answer["data"]["rowset"], json!([["1"]]), "{answer}");
    assert_eq!(running.post("/telemetry/send", &token, &json!({"logs": []})).await["success"], json!(true));
}

/// gzip with one stored block (RFC 1952, RFC 1951 section 3.2.4).
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short line");
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(bytes);
    out.extend((!crc).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_org_are_described_and_read_with_bound_values() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let sql = "select Id, Created from okta.public.Users where Status = ? order by Id";
    let bindings = json!({"1": {"type": "TEXT", "value": "ACTIVE"}});
    let body = |describe: bool| json!({"sqlText": sql, "bindings": bindings, "describeOnly": describe});
    let described = running.post("/queries/v1/query-request?requestId=a", &token, &body(true)).await;
    let rows = running.post("/queries/v1/query-request?requestId=b", &token, &body(false)).await;
    assert_eq!(described["data"]["total"], json!(0), "{described}");
    assert_eq!(described["data"]["rowtype"], rows["data"]["rowtype"], "{rows}");
    assert_eq!(rows["data"]["rowtype"][1]["type"], json!("timestamp_tz"));
    assert!(rows["data"]["rowset"].as_array().is_some_and(|rows| !rows.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_is_aborted() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let sql = "select count(*) from okta.public.Users a, okta.public.Users b, okta.public.Users c, \
        okta.public.Users d, okta.public.Users e, okta.public.Users f, okta.public.Users g, okta.public.Users h";
    let abort = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let body = json!({"sqlText": sql, "requestId": "long"});
        running.post("/queries/v1/abort-request?requestId=x", &token, &body).await
    };
    let (answer, aborted) = tokio::join!(running.query(&token, "long", sql), abort);
    assert_eq!(aborted["success"], json!(true));
    assert_eq!(answer["code"], json!("000604"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_is_out_at_once() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    running.prepare(&["alter user admin set disabled = true"]).await;
    assert_eq!(running.query(&token, "a", "select 1").await["code"], json!("390111"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_policy_ends_a_session() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    running
        .prepare(&[
            "create network policy away allowed_ip_list = ('10.0.0.0/8')",
            "alter user admin set network_policy = away",
        ])
        .await;
    assert_eq!(running.query(&token, "a", "select 1").await["code"], json!("390111"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_ends_in_its_time_however_often_it_is_renewed() {
    let (running, clock) = Running::at_noon().await;
    let (first, master) = running.session().await;
    let renewed = async |master: &str| {
        let answer = running.post("/session/token-request?requestId=r", master, &json!({})).await;
        let text = |key: &str| answer["data"][key].as_str().expect("a token").to_owned();
        (text("sessionToken"), text("masterToken"))
    };
    clock.advance(Duration::from_mins(30));
    let (second, master) = renewed(&master).await;
    let code = async |token: &str| running.query(token, "", "select 1").await["code"].clone();
    assert_eq!(code(&first).await, json!(null), "requests under way carry it");
    clock.advance(Duration::from_mins(45));
    assert_eq!(code(&first).await, json!("390112"), "its hour is over");
    assert_eq!(code(&second).await, json!(null));
    let (third, _) = renewed(&master).await;
    assert_eq!(code(&first).await, json!("390111"), "one predecessor is remembered");
    assert_eq!((code(&second).await, code(&third).await), (json!(null), json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_statements_is_compared_and_describing_several_runs_none() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let send = async |request: &str, sql: &str, describe: bool, count: u32| {
        let body = json!({"sqlText": sql, "describeOnly": describe, "parameters": {"MULTI_STATEMENT_COUNT": count}});
        running.post(&format!("/queries/v1/query-request?requestId={request}"), &token, &body).await
    };
    assert_eq!(send("a", "create role one", false, 2).await["code"], json!("000008"));
    let described = send("b", "create role one; create role two", true, 2).await;
    assert_eq!(described["success"], json!(true), "{described}");
    for (request, role) in [("c", "one"), ("d", "two")] {
        let created = send(request, &format!("create role {role}"), false, 1).await;
        assert_eq!(created["success"], json!(true), "{created}");
    }
}

/// Signing in needs a thread that may block, as statements do.
#[test]
fn slow_statements_leave_room_for_signing_in() {
    const THREADS: usize = 16;
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(THREADS).enable_all().build();
    runtime.unwrap().block_on(async {
        let running = Running::start().await;
        let (token, _) = running.session().await;
        let sql = "select count(*) from okta.public.Users a, okta.public.Users b, okta.public.Users c, \
            okta.public.Users d, okta.public.Users e, okta.public.Users f, okta.public.Users g, okta.public.Users h";
        for number in 0..2 * THREADS {
            let path = format!("/queries/v1/query-request?requestId={number}");
            let answer = running.post(&path, &token, &json!({"sqlText": sql, "asyncExec": true})).await;
            assert_eq!(answer["code"], json!("333334"), "{answer}");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let login = tokio::time::timeout(Duration::from_secs(30), running.log_in("admin", PASSWORD)).await;
        assert_eq!(login.expect("an answer")["success"], json!(true));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_for_another_account_is_refused() {
    let running = Running::start().await;
    for (account, is_ours) in
        [("ACME", true), ("acme.eu-west-1", true), ("", true), ("my_other", false), ("acme-2", false)]
    {
        let data = json!({"ACCOUNT_NAME": account, "LOGIN_NAME": "admin", "PASSWORD": PASSWORD});
        let answer = running.post("/session/v1/login-request", "None", &json!({"data": data})).await;
        assert_eq!(answer["success"], is_ours, "{account}: {answer}");
        assert!(is_ours || answer["code"] == "390100", "{account}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_not_there_has_snowflakes_number_and_its_place() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let answer = running.query(&token, "a", "select Id,\n  Statsu from okta.public.Users").await;
    assert_eq!((&answer["code"], &answer["data"]["sqlState"]), (&json!("000904"), &json!("42000")), "{answer}");
    let message = answer["message"].as_str().expect("a message");
    assert!(message.contains("error line 2 at position 2\ninvalid identifier 'STATSU'"), "{message}");
    assert!(message.contains("Status"), "{message}");
}
