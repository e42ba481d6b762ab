//! Where settings come from, which one wins, and what is said about bad ones.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Coded, codes};
use oktant_client::config::{Config, Error, Loader, Problem, Source, Surroundings};
use oktant_client::properties::{AuthScheme, Proxy, TlsVersion};
use serde_json::{Value, json};

const HOME: &str = "/home/me/.okta/okta.yaml";
const PROJECT: &str = "/project/okta.yaml";
const CA: &str = include_str!("tls/ca.pem");
const KEY: &str = include_str!("tls/client.key.pem");
const RSA: &str = include_str!("../../src/auth/key/rsa_2048.json");

fn surroundings(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Surroundings {
    let files: BTreeMap<PathBuf, Vec<u8>> =
        files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings {
        variables: Arc::new(variables),
        home: Some("/home/me".into()),
        directory: "/project".into(),
        files: Arc::new(files),
    }
}

fn load(files: &[(&str, &str)], variables: &[(&str, &str)], values: Value) -> Result<Config, Error> {
    Loader::new(surroundings(files, variables)).values(values).load()
}

fn code(values: Value) -> Result<Config, Error> {
    load(&[], &[], values)
}

/// The problems of a configuration in code: key and message.
#[track_caller]
fn problems(values: Value) -> Vec<Problem> {
    code(values).expect_err("a problem").problems
}

#[track_caller]
fn one_problem(values: Value) -> Problem {
    let mut found = problems(values);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn with(changes: Value) -> Value {
    let mut values = json!({"orgUrl": "https://acme.okta.com", "token": "t0ken"});
    let Value::Object(changes) = changes else { panic!("a map") };
    values.as_object_mut().unwrap().extend(changes);
    values
}

fn section(org: &str, retries: u32) -> String {
    format!(
        "okta:\n  client:\n    orgUrl: https://{org}\n    token: {org}\n    rateLimit:\n      maxRetries: {retries}\n"
    )
}

#[test]
fn code_wins_over_environment_over_project_over_home_key_by_key() {
    let (home, project) = (section("home.okta.com", 1), section("project.okta.com", 2));
    let files: &[(&str, &str)] = &[(HOME, &home), (PROJECT, &project)];
    let variable: &[(&str, &str)] = &[("OKTA_CLIENT_ORGURL", "https://env.okta.com")];
    let seen = |files, variables, values| {
        let config = load(files, variables, values).expect("a configuration");
        let token = config.properties.sign_in.api_token.clone().unwrap_or_default().into_exposed();
        (config.properties.org.host_str().unwrap().to_owned(), token, config.properties.network.retries)
    };
    let expect = |org: &str, token: &str, retries| (org.to_owned(), token.to_owned(), retries);
    assert_eq!(seen(&files[..1], &[], json!({})), expect("home.okta.com", "home.okta.com", 1));
    assert_eq!(seen(files, &[], json!({})), expect("project.okta.com", "project.okta.com", 2));
    assert_eq!(seen(files, variable, json!({})), expect("env.okta.com", "project.okta.com", 2));
    let values = json!({"orgUrl": "https://code.okta.com", "token": null, "rateLimit": {"maxRetries": 0}});
    assert_eq!(seen(files, variable, values), expect("code.okta.com", "project.okta.com", 0));

    let partial = "okta:\n  client:\n    rateLimit: {maxBackoff: 7}\n";
    let config = load(&[(HOME, &home), (PROJECT, partial)], &[], json!({})).unwrap();
    let network = &config.properties.network;
    assert_eq!((network.retries, network.backoff_max), (1, Duration::from_secs(7)), "groups merge");
}

#[test]
fn an_explicit_file_stands_in_for_both() {
    let around =
        surroundings(&[(HOME, &section("home.okta.com", 1)), ("/project/other.yaml", &section("b.okta.com", 3))], &[]);
    let config = Loader::new(around.clone()).file("other.yaml").load().unwrap();
    assert_eq!(config.properties.org.host_str(), Some("b.okta.com"));
    let error = Loader::new(around).file("/none.yaml").load().unwrap_err();
    assert_eq!((error.code(), error.problems[0].source.clone()), (codes::OKT4002, Some(file("/none.yaml", None))));
}

fn file(path: &str, line: Option<u64>) -> Source {
    Source::File { path: path.into(), line }
}

#[test]
fn profiles_are_chosen_by_name() {
    let text = section("base.okta.com", 1)
        + "  profiles:\n    staging:\n      client: {orgUrl: 'https://staging.okta.com'}\n    live:\n      client: {token: x}\n";
    let host = |loader: Loader| loader.load().map(|config| config.properties.org.host_str().unwrap().to_owned());
    let with = |variables: &[(&str, &str)]| Loader::new(surroundings(&[(HOME, &text)], variables));
    assert_eq!(host(with(&[])).unwrap(), "base.okta.com");
    assert_eq!(host(with(&[]).profile("staging")).unwrap(), "staging.okta.com");
    assert_eq!(host(with(&[("OKTA_PROFILE", "staging")])).unwrap(), "staging.okta.com");
    let error = host(with(&[("OKTA_PROFILE", "stagign")])).unwrap_err();
    assert_eq!(error.problems[0].source, Some(Source::Variable("OKTA_PROFILE".to_owned())));
    assert_eq!(error.hint().as_deref(), Some("the files have live, staging"));
}

#[test]
fn a_profile_is_a_map_of_sections_and_an_empty_name_is_none() {
    let text = section("base.okta.com", 1) + "  profiles:\n    text: staging\n    empty:\n";
    let load = |variables: &[(&str, &str)]| load(&[(HOME, &text)], variables, json!({}));
    let error = load(&[("OKTA_PROFILE", "text")]).unwrap_err();
    assert_eq!(error.problems[0].source, Some(file(HOME, Some(8))));
    assert_eq!(error.to_string(), format!("okta.profiles.text is not a map of sections ({HOME}:8)"));
    let variables = [("OKTA_PROFILE", ""), ("OKTA_CLIENT_PROFILE", "empty")];
    assert_eq!(load(&variables).unwrap().properties.org.host_str(), Some("base.okta.com"));
    let error = load(&[("OKTA_PROFILE", " "), ("OKTA_CLIENT_PROFILE", "none")]).unwrap_err();
    assert_eq!(error.problems[0].source, Some(Source::Variable("OKTA_CLIENT_PROFILE".to_owned())));
}

#[test]
fn an_empty_text_takes_away_what_lower_ranks_give() {
    let (home, cleared) = (section("home.okta.com", 1), "okta:\n  client:\n    rateLimit: {maxRetries: ''}\n");
    let retries = |project: &str, variables: &[(&str, &str)], values: Value| {
        load(&[(HOME, &home), (PROJECT, project)], variables, values).unwrap().properties.network.retries
    };
    assert_eq!(retries(cleared, &[], json!({})), 4, "the default");
    assert_eq!(retries("okta:\n  client:\n    rateLimit: {maxRetries: ~}\n", &[], json!({})), 1);
    assert_eq!(retries("", &[("OKTA_CLIENT_RATELIMIT_MAXRETRIES", "")], json!({})), 1);
    assert_eq!(retries("", &[], json!({"rateLimit": {"maxRetries": null}})), 1);
    assert_eq!(retries("", &[], json!({"rateLimit": {"maxRetries": ""}})), 4);
}

#[test]
fn two_spellings_of_a_key_must_agree() {
    let text = "okta:\n  client:\n    orgUrl: https://a.okta.com\n    token: t\n    kid: one\n    keyId: two\n";
    let error = load(&[(PROJECT, text)], &[], json!({})).unwrap_err();
    assert_eq!(error.problems[0].source, Some(file(PROJECT, Some(6))));
    assert_eq!(error.hint().as_deref(), Some("keep okta.client.kid"));
    let problem = one_problem(with(json!({"org_url": "https://b.okta.com"})));
    assert_eq!((problem.key.as_str(), problem.source), ("okta.client.orgUrl", Some(Source::Code)));
    assert!(code(with(json!({"org_url": "https://acme.okta.com"}))).is_ok());
}

#[test]
fn sections_that_are_no_sections_are_named() {
    for (values, key) in [(json!({"okta": "x"}), "okta"), (json!({"client": "x"}), "okta.client")] {
        assert_eq!(one_problem(with(values)).key, key);
    }
    let config = code(with(json!({"okta": {"profiles": {"a": {}}}}))).unwrap();
    assert_eq!(config.warnings[0].key, "okta.profiles");
}

#[test]
fn what_has_no_effect_is_said() {
    let key: Value = serde_json::from_str(RSA).unwrap();
    let warned = |values: Value| -> Vec<String> {
        code(with(values)).unwrap().warnings.into_iter().map(|warning| warning.key).collect()
    };
    assert_eq!(warned(json!({"privateKey": key})), ["okta.client.privateKey"]);
    assert_eq!(warned(json!({"privateKey": key, "authorizationMode": "SSWS"})), [String::new(); 0]);
    assert_eq!(warned(json!({"rateLimit": {"enable": false}})), ["okta.client.rateLimit.enable"]);
    assert_eq!(warned(json!({"rateLimit": {"enable": true}})), [String::new(); 0]);
}

#[test]
fn variables_come_in_both_spellings_and_from_other_programs() {
    let config = load(
        &[],
        &[
            ("OKTA_ORG_NAME", "acme"),
            ("OKTA_BASE_URL", "oktapreview.com"),
            ("OKTA_API_TOKEN", "low"),
            ("OKTA_CLIENT_RATE_LIMIT_MAX_RETRIES", "7"),
            ("OKTA_CLIENT_REQUESTTIMEOUT", "11"),
            ("OKTA_CLIENT_CACHE_ENABLED", "YES"),
            ("OKTA_CLIENT_CACHE_DEFAULTTTL", "60"),
            ("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "false"),
            ("OKTA_CLIENT_USERAGENT", ""),
        ],
        json!({}),
    )
    .unwrap();
    let Config { properties, .. } = &config;
    assert_eq!(properties.org.as_str(), "https://acme.oktapreview.com/");
    assert_eq!(properties.sign_in.api_token.as_ref().map(|token| token.expose().as_str()), Some("low"));
    assert_eq!((properties.network.retries, properties.network.total_timeout), (7, Some(Duration::from_secs(11))));
    assert_eq!(properties.cache.map(|cache| cache.time_to_live), Some(Duration::from_mins(1)));
    assert!(!config.is_on("okta.testing.testingDisableHttpsCheck"));
    assert_eq!(config.get("okta.client.token"), Some("***"));

    let refused = load(&[], &[("OKTA_ORG_NAME", "acme"), ("OKTA_BASE_URL", "okta.com/x")], json!({"token": "t"}));
    let source = refused.unwrap_err().problems[0].source.clone();
    assert_eq!(source, Some(Source::Variable("OKTA_ORG_NAME with OKTA_BASE_URL".to_owned())));

    let variables =
        [("OKTA_API_TOKEN", "low"), ("OKTA_CLIENT_TOKEN", "high"), ("OKTA_CLIENT_ORG_URL", "https://a.okta.com")];
    let config = load(&[], &variables, json!({})).unwrap();
    assert_eq!(config.properties.sign_in.api_token.map(oktant_base::Secret::into_exposed), Some("high".to_owned()));
    let twice = [("OKTA_CLIENT_ORGURL", "https://a.okta.com"), ("OKTA_CLIENT_ORG_URL", "https://b.okta.com")];
    assert_eq!(load(&[], &twice, json!({"token": "t"})).unwrap_err().code(), codes::OKT1004);
}

#[test]
fn values_are_typed_and_bad_ones_named_with_their_place() {
    let text = "okta:\n  client:\n    orgUrl: https://acme.okta.com\n    token: 00123\n    requestTimeout: soon\n    proxy: host\n";
    let variables = [("OKTA_CLIENT_RATELIMIT_MAXRETRIES", "-1")];
    let error =
        load(&[(PROJECT, text)], &variables, json!({"dpopEnabled": "maybe", "clientSecret": ["s3cret"]})).unwrap_err();
    let found: Vec<(&str, Option<Source>)> =
        error.problems.iter().map(|problem| (problem.key.as_str(), problem.source.clone())).collect();
    let variable = Source::Variable("OKTA_CLIENT_RATELIMIT_MAXRETRIES".to_owned());
    assert_eq!(
        found,
        [
            ("okta.client.proxy", Some(file(PROJECT, Some(6)))),
            ("okta.client.clientSecret", Some(Source::Code)),
            ("okta.client.dpopEnabled", Some(Source::Code)),
            ("okta.client.requestTimeout", Some(file(PROJECT, Some(5)))),
            ("okta.client.rateLimit.maxRetries", Some(variable)),
        ]
    );
    let text = format!("{error} {error:?} {}", error.hint().unwrap());
    assert!(text.contains("/project/okta.yaml:5") && text.contains("\"soon\""), "{text}");
    assert!(text.contains("okta.client.requestTimeout takes a whole number from 0 to 86400"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn a_token_of_digits_keeps_its_zeros() {
    let text = "okta:\n  client:\n    orgUrl: https://acme.okta.com\n    token: 00123\n    scopes: [okta.users.read]\n";
    let config = load(&[(PROJECT, text)], &[], json!({})).unwrap();
    assert_eq!(config.properties.sign_in.api_token.unwrap().expose(), "00123");
}

#[test]
fn files_may_be_empty_and_broken_ones_are_named() {
    for nothing in ["", "# nothing\n", "okta:\n", "okta:\n  client:\n", "other: 1\n"] {
        assert!(load(&[(HOME, nothing)], &[], with(json!({}))).is_ok(), "{nothing:?}");
    }
    let large = "#".repeat(1024 * 1024 + 1);
    let cases = [("[1]", Some(1)), ("okta: text", Some(1)), ("okta:\n  client: \"s3cret", Some(2)), (&large, None)];
    for (broken, line) in cases {
        let error = load(&[(HOME, broken)], &[], with(json!({}))).unwrap_err();
        assert_eq!((error.code(), error.problems.len()), (codes::OKT1003, 1), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert!(
            matches!(&error.problems[0].source, Some(Source::File { line: found, .. }) if *found >= line),
            "{error:?}"
        );
    }
}

#[test]
fn unknown_keys_are_warnings_with_the_nearest_known_one() {
    let text = "okta:\n  client:\n    orgURL: https://acme.okta.com\n    tokn: s3cret\n";
    let config = load(&[(HOME, text)], &[("OKTA_CLIENT_ORGURI", "x")], json!({"token": "t"})).unwrap();
    let warnings: Vec<(&str, &str)> =
        config.warnings.iter().map(|warning| (warning.key.as_str(), warning.hint.as_deref().unwrap_or(""))).collect();
    assert_eq!(
        warnings,
        [
            ("okta.client.tokn", "did you mean okta.client.token?"),
            ("OKTA_CLIENT_ORGURI", "did you mean OKTA_CLIENT_ORGURL?"),
        ]
    );
    assert!(config.properties.warnings.iter().all(|warning| !warning.contains("s3cret")));
}

#[test]
fn a_key_without_effect_is_a_warning() {
    let app = json!({"orgUrl": "https://a.okta.com", "clientId": "0oa1", "privateKey": RSA, "scopes": "okta.users.read",
                     "dpopEnabled": true, "dpopKeyRotationInterval": 3_600});
    let warnings = code(app).unwrap().warnings;
    let keys: Vec<&str> = warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, ["okta.client.dpopKeyRotationInterval"]);
    assert!(warnings[0].message.contains("has no effect"), "{}", warnings[0]);
}

#[test]
fn what_is_missing_is_said_all_at_once() {
    let found: Vec<(String, String)> =
        problems(json!({})).into_iter().map(|problem| (problem.key, problem.message)).collect();
    let expected = [
        ("okta.client.token", "okta.client.token is missing"),
        ("okta.client.orgUrl", "okta.client.orgUrl is missing"),
    ];
    assert_eq!(found, expected.map(|(key, message)| (key.to_owned(), message.to_owned())));
    let found: Vec<String> = problems(json!({"orgUrl": "https://a.okta.com", "authorizationMode": "PrivateKey"}))
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    assert_eq!(found, ["okta.client.privateKey", "okta.client.clientId"]);
}

#[test]
fn org_urls_are_checked() {
    let refused = |url: &str| {
        let problem = one_problem(json!({"orgUrl": url, "token": "t"}));
        assert_eq!((problem.key.as_str(), problem.source), ("okta.client.orgUrl", Some(Source::Code)), "{url}");
        (problem.code, problem.hint.unwrap_or_default())
    };
    assert_eq!(refused("http://acme.okta.com").0, codes::OKT1006);
    assert_eq!(refused("https://{yourOktaDomain}").0, codes::OKT1005);
    assert_eq!(refused("https://acme-admin.okta.com").1, "use https://acme.okta.com");
    assert_eq!(refused("https://acme.okta.com.com").1, "did you mean acme.okta.com?");
    assert_eq!(refused("https://https://acme.okta.com").0, codes::OKT1005);
    assert_eq!(refused("https://acme.okta.com/api/v1").1, "use acme.okta.com alone");
    let config = code(with(json!({"orgUrl": "https://acme.okta.com/"}))).unwrap();
    assert_eq!(config.properties.org.join("/api/v1/users").unwrap().as_str(), "https://acme.okta.com/api/v1/users");
    let values = with(json!({"orgUrl": "http://org.test", "testing": {"testingDisableHttpsCheck": true}}));
    assert_eq!(code(values).unwrap().properties.org.as_str(), "http://org.test/");
}

#[test]
fn credentials_are_checked_when_the_configuration_is_read() {
    assert_eq!(one_problem(with(json!({"token": "{apiToken}"}))).key, "okta.client.token");
    assert_eq!(one_problem(with(json!({"authorizationMode": "sso"}))).code, codes::OKT1002);
    let bearer = code(with(json!({"authorizationMode": "bearer"}))).unwrap().properties.sign_in;
    assert_eq!((bearer.scheme, bearer.api_token), (AuthScheme::OAuth, None));
    assert_eq!(bearer.access_token.unwrap().expose(), "t0ken");

    let app = |key: Value| {
        json!({"orgUrl": "https://a.okta.com", "clientId": "0oa1", "privateKey": key,
               "scopes": "okta.users.read, okta.groups.manage"})
    };
    let jwk: Value = serde_json::from_str(RSA).unwrap();
    for key in [jwk.clone(), Value::String(RSA.to_owned())] {
        let sign_in = code(app(key)).unwrap().properties.sign_in;
        assert_eq!(sign_in.scheme, AuthScheme::OAuthJwt);
        assert_eq!(sign_in.scope.as_deref(), Some("okta.users.read okta.groups.manage"));
        assert_eq!(sign_in.renewal_offset, Duration::from_mins(5));
    }
    let mut broken = jwk;
    broken["n"] = "s3cret".into();
    let error = code(app(broken)).unwrap_err();
    assert_eq!((error.code(), error.problems[0].key.as_str()), (codes::OKT1018, "okta.client.privateKey"));
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    let error = one_problem(app("keys/none.pem".into()));
    assert_eq!(error.code, codes::OKT1018);
    let files = [("/project/keys/app.json", RSA), ("/home/me/app.json", RSA)];
    for path in ["keys/app.json", "~/app.json"] {
        let config = load(&files, &[], app(path.into())).unwrap();
        assert!(config.properties.sign_in.key.unwrap().expose().contains("kty"), "read once, by now");
    }
}

#[test]
fn a_set_of_keys_is_chosen_from_by_id() {
    let mut key: Value = serde_json::from_str(RSA).unwrap();
    key["kid"] = "one".into();
    let mut other = key.clone();
    other["kid"] = "two".into();
    let app = |kid: Value| {
        let set = json!({"keys": [{"kty": "oct", "use": "enc"}, key, other]});
        code(json!({"orgUrl": "https://a.okta.com", "clientId": "0oa1", "privateKey": set, "kid": kid}))
    };
    assert!(app("two".into()).is_ok());
    assert!(app("three".into()).unwrap_err().to_string().contains("it has one, two"));
    assert!(app(Value::Null).unwrap_err().to_string().contains("several keys"));
}

#[test]
fn proxies_are_checked_and_their_credentials_kept_apart() {
    assert_eq!(one_problem(with(json!({"proxy": {"port": 8080}}))).message, "okta.client.proxy.host is missing");
    let problem = one_problem(with(json!({"proxy": {"host": "p", "password": "x"}})));
    assert_eq!(problem.key, "okta.client.proxy.password");
    assert_eq!(one_problem(with(json!({"proxy": {"host": "p", "port": 70_000}}))).key, "okta.client.proxy.port");
    let proxy = |proxy: Value| match code(with(json!({"proxy": proxy}))).unwrap().properties.network.proxy {
        Proxy::Server { url, credentials, exceptions } => {
            (url.to_string(), credentials.map(|(user, password)| (user, password.into_exposed())), exceptions)
        }
        other => panic!("{other:?}"),
    };
    let (url, credentials, exceptions) = proxy(
        json!({"host": "p", "port": 8080, "username": "a@b", "password": "x:/y", "noProxy": "one.test, two.test"}),
    );
    assert_eq!(url, "http://p:8080/");
    assert_eq!(credentials, Some(("a@b".to_owned(), "x:/y".to_owned())));
    assert_eq!(exceptions, ["one.test", "two.test"]);
    let (url, credentials, _) = proxy(json!({"host": "https://a%40b:x%2Fy@p", "port": 8443}));
    assert_eq!((url.as_str(), credentials), ("https://p:8443/", Some(("a@b".to_owned(), "x/y".to_owned()))));
    assert!(matches!(code(with(json!({}))).unwrap().properties.network.proxy, Proxy::Environment));
}

#[test]
fn tls_is_never_weakened_by_accident() {
    let danger = json!({"tls": {"dangerAcceptInvalidCerts": true}});
    assert_eq!(problems(with(danger.clone()))[0].key, "okta.client.tls.dangerAcceptInvalidCerts");
    let mut tests = with(danger);
    tests["testing"] = json!({"testingDisableHttpsCheck": true});
    assert!(code(tests).unwrap().properties.network.trust_any);
    let values = with(json!({"tls": {"caFile": "ca.pem", "minVersion": "1.3"}}));
    let network = load(&[("/project/ca.pem", CA)], &[], values).unwrap().properties.network;
    assert!(network.trusted_ca.is_some_and(|pem| pem.contains("BEGIN CERTIFICATE")));
    assert_eq!(network.tls_min, TlsVersion::V1_3);
    // What stands for "anyone" in a connection string is not a certificate here.
    let mut star = with(json!({"tls": {"caPem": "*"}}));
    star["testing"] = json!({"testingDisableHttpsCheck": true});
    assert_eq!(one_problem(star).key, "okta.client.tls.caPem");
}

#[test]
fn certificates_and_keys_are_checked_with_the_place_they_came_from() {
    let cut = CA.replace("-----END CERTIFICATE-----", "");
    let large = CA.to_owned() + &"\n".repeat(1024 * 1024);
    let files: &[(&str, &str)] = &[
        ("/project/cut.pem", &cut),
        ("/project/large.pem", &large),
        ("/project/key.pem", KEY),
        ("/project/ca.pem", CA),
    ];
    let refused = |tls: Value| {
        let mut found = load(files, &[], with(json!({"tls": tls}))).unwrap_err().problems;
        assert_eq!(found.len(), 1, "{found:#?}");
        let Problem { key, source, message, .. } = found.remove(0);
        assert_eq!(source, Some(Source::Code), "{message}");
        (key.trim_start_matches("okta.client.tls.").to_owned(), message)
    };
    let check = |tls: Value, key: &str, part: &str| {
        let (found, message) = refused(tls);
        assert!(found == key && message.contains(part), "{found}: {message}");
    };
    check(json!({"caFile": "cut.pem"}), "caFile", "END line is missing");
    check(json!({"caFile": "key.pem"}), "caFile", "holds no certificate");
    check(json!({"caFile": "large.pem"}), "caFile", "larger than 1 MiB");
    check(json!({"caFile": "none.pem"}), "caFile", "cannot be read");
    check(json!({"caPem": "ca.pem"}), "caPem", "holds no certificate");
    check(json!({"clientCert": "ca.pem"}), "clientCert", "go together");
    check(json!({"clientKey": "key.pem"}), "clientKey", "go together");
    check(json!({"clientCert": "ca.pem", "clientKey": "ca.pem"}), "clientKey", "holds no private key");
    check(json!({"clientCert": "key.pem", "clientKey": "key.pem"}), "clientCert", "holds no certificate");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    check(json!({"clientCert": CA, "clientKey": encrypted}), "clientKey", "encrypted");
    let good = json!({"tls": {"clientCert": "ca.pem", "clientKey": "key.pem", "caPem": CA, "caFile": "ca.pem"}});
    assert!(load(files, &[], with(good)).unwrap().properties.network.client_certificate.is_some());
}

#[test]
fn headers_and_objects() {
    let values = with(json!({"headers": {"X-Team": "blue", "Accept-Language": "de"}, "userAgent": "app/1"}));
    let network = code(values).unwrap().properties.network;
    assert_eq!((network.headers["x-team"].to_str().unwrap(), network.headers.len()), ("blue", 2));
    let problem = one_problem(with(json!({"customHeaders": {"Authorization": "s3cret"}})));
    assert_eq!(problem.message, "okta.client.headers: Authorization cannot be replaced");
    assert!(one_problem(with(json!({"headers": {"X": "s3cret\u{7}"}}))).to_string().contains("cannot hold"));
    assert_eq!(one_problem(with(json!({"httpClient": "mine"}))).key, "okta.client.httpClient");
}

#[test]
fn defaults_are_those_of_oktas_own_clients() {
    let properties = code(with(json!({}))).unwrap().properties;
    assert_eq!((properties.network.retries, properties.network.parallelism), (4, 32));
    assert_eq!(properties.network.connect_timeout, Some(Duration::from_secs(30)));
    assert_eq!((properties.network.total_timeout, properties.cache), (None, None));
}

#[test]
fn nothing_secret_is_ever_shown() {
    let mut values =
        with(json!({"token": "s3cret-token", "clientSecret": "s3cret-secret", "headers": {"X-Key": "s3cret-header"}}));
    let password = json!({"host": "p", "username": "u", "password": "s3cret-password"});
    for proxy in [password, json!({"host": "http://u:s3cret-in-url@p"}), json!({"host": "u:s3cret-before-host@p"})] {
        values["proxy"] = proxy;
        let loader = Loader::new(Surroundings::none()).values(values.clone());
        let config = loader.load().unwrap();
        let shown = format!("{config:?} {:?} {loader:?}", config.properties.settings());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
