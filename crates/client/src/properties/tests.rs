use super::*;

fn problems(text: &str) -> Vec<(&'static str, String)> {
    let error = Properties::parse(text).expect_err("a problem");
    error.problems.into_iter().map(|problem| (problem.code.id(), problem.message)).collect()
}

#[test]
fn every_problem_is_reported_at_once() {
    let found = problems("okta:///?Domian=a.okta.com&Parallelism=many&AuthScheme=APIToken&AutoCache=true");
    let expected = [
        ("OKT1001", "unknown connection property \"Domian\""),
        ("OKT1002", "Parallelism has the bad value \"many\""),
        ("OKT1002", "AutoCache is not supported yet"),
        ("OKT1004", "Domain is missing"),
        ("OKT1004", "APIToken is missing"),
    ];
    assert_eq!(found, expected.map(|(code, message)| (code, message.to_owned())));
    let error = Properties::parse("Domian=a.okta.com").expect_err("a problem");
    assert!(error.hint().is_some_and(|hint| hint.starts_with("did you mean Domain?")));
}

#[test]
fn harmless_properties_of_later_versions_are_taken() {
    let properties = Properties::parse("Domain=a.okta.com;APIToken=t;AutoCache=no;PoolMaxSize=7").expect("properties");
    assert_eq!(properties.warnings, ["PoolMaxSize: has no effect"]);
}

#[test]
fn secrets_never_show() {
    let properties = Properties::parse("okta://id:s3cret@a.okta.com/?APIToken=t0ken").expect("properties");
    let text = format!("{properties:?} {:?}", properties.settings());
    assert!(!text.contains("s3cret") && !text.contains("t0ken"), "{text}");
    assert_eq!(properties.sign_in.api_token, Some(Secret::new("t0ken".to_owned())));
}

/// Ways to get a connection string wrong that end with a secret where something else belongs.
const MISTAKES: [&str; 18] = [
    "Domain=acme.okta.com&APIToken=SECRET",
    "BaseURL=https://acme.okta.com/?APIToken=SECRET",
    "BaseURL=https://user:SECRET@acme.okta.com/",
    "Domain=https://acme.okta.com/SECRET=x#SECRET",
    "acme.okta.com/?APIToken=SECRET",
    "APIToken:SECRET",
    "SECRET",
    "Domain=acme.okta.com;SECRET",
    "Domain=acme.okta.com;APIToken=\"SECRET",
    "Domain=acme.okta.com;APIToken='SECRET'SECRET",
    "okta:///APIToken=SECRET",
    "okta:///?Domain=acme.okta.com&APIToken:SECRET",
    "okta:///?Domain=acme.okta.com&SECRET",
    "okta://acme.okta.com:SECRET/",
    "okta:/?APIToken=SECRET",
    "Domain=acme.okta.com;APIToken=x;Timeout=5&OAuthClientSecret=SECRET",
    "Domain=acme.okta.com;APIToken=x;CallbackURL=https://a/?code=SECRET",
    "Domain=acme.okta.com;APIToken={SECRET}",
];

#[test]
fn no_mistake_shows_a_secret() {
    let entropy = oktant_base::SeededEntropy::new(7);
    for mistake in MISTAKES {
        for suffix in ["", "-_~", "+/=="] {
            let mut bytes = [0; 21];
            oktant_base::Entropy::fill(&entropy, &mut bytes);
            let token = bytes.map(|byte| format!("{byte:02x}")).concat();
            let error = Properties::parse(&mistake.replace("SECRET", &format!("00{token}{suffix}"))).unwrap_err();
            let shown = format!("{error} {error:?} {:?} {:?}", error.hint(), error.code());
            assert!(!shown.contains(&token), "{mistake}: {shown}");
        }
    }
}

#[test]
fn what_surrounds_a_token_is_dealt_with() {
    let token = |text: &str| Properties::parse(text).map(|properties| properties.sign_in.api_token);
    assert_eq!(token("okta:///?Domain=a.okta.com&APIToken=00a%0D%0A").unwrap(), Some(Secret::new("00a".to_owned())));
    let error = token("okta:///?Domain=a.okta.com&APIToken=00a%20b").unwrap_err();
    assert!(error.to_string().starts_with("APIToken holds a blank"), "{error}");
}

#[test]
fn credentials_in_addresses_are_masked() {
    let text = "Domain=a.okta.com;APIToken=t;ProxyServer=http://me:s3cret@proxy:8080;OAuthVerifier=s3cret";
    let properties = Properties::parse(text).expect("properties");
    let settings = properties.settings();
    let proxy = settings.iter().find(|setting| setting.name == "ProxyServer").unwrap();
    assert_eq!(proxy.value, "http://***@proxy:8080");
    assert!(!format!("{properties:?} {settings:?}").contains("s3cret"));
}

#[test]
fn an_unknown_property_without_a_near_one_is_told_where_the_list_is() {
    let error = Properties::parse("Domain=a.okta.com;APIToken=t;Zzzzzzzz=1").unwrap_err();
    assert!(error.hint().unwrap().contains("sys.sys_connection_props"), "{error:?}");
}

#[test]
fn the_credential_implies_the_scheme() {
    let scheme = |text: &str| Properties::parse(text).expect("properties").sign_in.scheme;
    assert_eq!(scheme("Domain=a.okta.com;APIToken=t"), AuthScheme::ApiToken);
    assert_eq!(scheme("Domain=a.okta.com;OAuthJWTCert=x;OAuthClientId=y"), AuthScheme::OAuthJwt);
    assert_eq!(scheme("Domain=a.okta.com;InitiateOAuth=getandrefresh"), AuthScheme::OAuth);
    assert_eq!(problems("Domain=a.okta.com"), [("OKT1004", "no credentials are given".to_owned())]);
}

#[test]
fn numbers_and_bounds_are_typed() {
    let properties = Properties::parse(
        "Domain=a.okta.com;APIToken=t;max api requests=0;MaxRows=10;Timeout=5;RateLimitShare=100;MaxRetries=0",
    )
    .expect("properties");
    assert_eq!(properties.sql.max_api_requests, None);
    assert_eq!(properties.sql.max_rows, Some(10));
    assert_eq!(properties.network.timeout, Some(Duration::from_secs(5)));
    assert_eq!(properties.network.rate_limit_share_percent, 100);
    assert_eq!(properties.network.retries, 0);
    assert!(properties.sql.read_only);
}

#[test]
fn dangerous_values_are_refused() {
    assert_eq!(problems("Domain=a.okta.com;APIToken=t;SSLServerCert=*")[0].0, "OKT1002");
    assert_eq!(problems("Domain=a.okta.com;APIToken=t;CallbackURL=http://evil.example/")[0].0, "OKT1019");
    assert_eq!(problems("BaseURL=http://a.okta.com;APIToken=t")[0].0, "OKT1006");
    assert_eq!(problems("Domain=a.okta.com;APIToken={apiToken}")[0].0, "OKT1002");
}
