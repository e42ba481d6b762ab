//! Unions are decided by what really tells their forms apart, and lose nothing when nothing does.

use oktant_models::{
    Application, ApplicationSignOnMode, BookmarkApplication, GroupProfile, IdentityProviderProtocol,
    ListAssignedRolesForUserResponse200Item as Role, Model, OpenIdConnectApplicationSettingsClientKeysKeysItem as Key,
    StreamConfigurationAud, Union, UserFactor, UserFactorPushTransaction, UserRiskGetResponse, UserRiskLevelExists,
    UserSchemaAttributeDefault, Value, View,
};

use crate::support::text;

/// Reads a union, checks that it is written back, and returns the name of the schema of its content.
#[track_caller]
fn form<U: Model + Union>(json: &str) -> &'static str {
    let union = U::read(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}")).value;
    let (written, read): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&union.write()).expect("JSON"), serde_json::from_str(json).expect("JSON"));
    assert_eq!(written, read);
    assert_eq!(union.clone(), union);
    content(union.form().1)
}

fn content(value: &dyn Value) -> &'static str {
    match value.view() {
        View::Object(object) => object.shape().name,
        View::Union(union) => content(union.form().1),
        View::List(_) => "list",
        View::Map(_) => "map",
        View::Text(_) => "text",
        View::Integer(_) => "integer",
        View::Boolean(_) => "boolean",
        View::Number(_) => "number",
        View::Json(_) => "json",
        View::Choice(_) | View::Secret(_) => "other",
    }
}

#[test]
fn applications_are_told_apart_by_their_sign_on_mode() {
    for (json, expected) in [
        (r#"{"signOnMode":"SAML_2_0","label":"x"}"#, "SamlApplication"),
        (r#"{"label":"x","signOnMode":"OPENID_CONNECT"}"#, "OpenIdConnectApplication"),
        (r#"{"signOnMode":"MFA_AS_SERVICE","label":"x"}"#, "ApplicationBase"),
        (r#"{"signOnMode":null,"label":"x"}"#, "ApplicationBase"),
        (r#"{"signOnMode":7,"label":"x"}"#, "ApplicationBase"),
        (r#"{"label":"x"}"#, "ApplicationBase"),
    ] {
        assert_eq!(form::<Application>(json), expected, "{json}");
        let application = Application::read(json.as_bytes()).expect("an object").value;
        assert_eq!(application.label().as_deref(), Some("x"));
    }
}

#[test]
fn forms_are_taken_by_name() {
    let read = Application::read(br#"{"signOnMode":"BOOKMARK","label":"x"}"#).expect("an object").value;
    let bookmark = read.as_bookmark().expect("a bookmark");
    assert_eq!(bookmark.label.as_deref(), Some("x"));
    assert!(read.as_saml().is_none());
}

#[test]
fn a_form_made_here_gets_the_member_that_tells_it() {
    let application = Application::from(BookmarkApplication { label: "x".into(), ..Default::default() });
    assert_eq!(application.sign_on_mode().as_ref(), Some(&ApplicationSignOnMode::Bookmark));
    let other = BookmarkApplication { sign_on_mode: "BOOKMARK_2".into(), ..Default::default() };
    assert_eq!(text(Application::from(other).write()), r#"{"signOnMode":"BOOKMARK_2"}"#);
}

#[test]
fn a_form_built_directly_has_the_member_that_tells_it() {
    let bookmark = BookmarkApplication { label: "x".into(), ..Default::default() };
    let built = Application::Bookmark(Box::new(bookmark.clone()));
    assert_eq!(text(built.write()), r#"{"label":"x","signOnMode":"BOOKMARK"}"#);
    assert_eq!(built, Application::from(bookmark));
    assert_eq!(form::<Application>(&text(built.write())), "BookmarkApplication");
}

#[test]
fn what_is_read_without_that_member_is_written_without_it() {
    let read = BookmarkApplication::read(br#"{"label":"x"}"#).expect("an object").value;
    assert_eq!(text(read.clone().write()), r#"{"label":"x"}"#);
    assert_eq!(text(UserRiskGetResponse::from(UserRiskLevelExists::default()).write()), "{}", "one of three levels");
}

#[test]
fn of_a_member_that_stands_twice_the_last_counts() {
    for json in [
        r#"{"signOnMode":"BOOKMARK","label":"x","signOnMode":"SAML_2_0"}"#,
        r#"{"signOnMode":7,"label":"x","signOnMode":"SAML_2_0"}"#,
    ] {
        assert_eq!(form::<Application>(json), "SamlApplication", "{json}");
    }
    // Nor does it count twice where the members that are known decide.
    assert_eq!(form::<Key>(r#"{"n":"1","n":"2","n":"3","x":"1","y":"2"}"#), "OAuth2ClientJsonWebKeyECResponse");
}

#[test]
fn several_values_may_stand_for_one_form() {
    for (level, expected) in
        [("HIGH", "UserRiskLevelExists"), ("LOW", "UserRiskLevelExists"), ("NONE", "UserRiskLevelNone")]
    {
        assert_eq!(form::<UserRiskGetResponse>(&format!(r#"{{"riskLevel":"{level}"}}"#)), expected);
    }
}

#[test]
fn one_value_may_stand_for_several_forms() {
    for (json, expected) in [
        (r#"{"factorResult":"WAITING"}"#, "UserFactorPushTransactionWaitingNoNMC"),
        (
            r#"{"factorResult":"WAITING","_embedded":{"challenge":{"correctAnswer":92}}}"#,
            "UserFactorPushTransactionWaitingNMC",
        ),
        (r#"{"factorResult":"SUCCESS"}"#, "UserFactorPushTransactionBase"),
        (r#"{"factorResult":"ERROR"}"#, "UserFactorPushTransactionBase"),
    ] {
        assert_eq!(form::<UserFactorPushTransaction>(json), expected, "{json}");
    }
}

#[test]
fn factors_without_a_form_keep_what_all_have() {
    assert_eq!(form::<UserFactor>(r#"{"factorType":"signed_nonce","id":"opf1","profile":{"x":1}}"#), "UserFactorBase");
    assert_eq!(form::<UserFactor>(r#"{"factorType":"token:software:totp"}"#), "UserFactorTokenSoftwareTOTP");
}

#[test]
fn roles_are_standard_or_custom() {
    for (json, expected) in [
        (r#"{"type":"SUPER_ADMIN"}"#, "StandardRole"),
        (r#"{"type":"CUSTOM"}"#, "CustomRole"),
        (r#"{"type":"WORKFLOWS_ADMIN"}"#, "CustomRole"),
        (r#"{"type":"NEW_ADMIN","resource-set":"iam1"}"#, "CustomRole"),
        ("{}", "json"),
    ] {
        assert_eq!(form::<Role>(json), expected, "{json}");
    }
}

#[test]
fn keys_are_told_apart_by_use_and_kind() {
    for (json, expected) in [
        (r#"{"use":"sig","kty":"RSA","n":"x"}"#, "OAuth2ClientJsonWebKeyRsaResponse"),
        (r#"{"use":"sig","kty":"EC","crv":"P-256"}"#, "OAuth2ClientJsonWebKeyECResponse"),
        (r#"{"use":"sig","kty":null,"x":"1","y":"2"}"#, "OAuth2ClientJsonWebKeyECResponse"),
        (r#"{"use":"enc","kty":"RSA"}"#, "OAuth2ClientJsonEncryptionKeyResponse"),
        (r#"{"kty":"EC","x":"1","y":"2"}"#, "OAuth2ClientJsonWebKeyECResponse"),
    ] {
        assert_eq!(form::<Key>(json), expected, "{json}");
    }
}

#[test]
fn unions_without_a_tag_are_told_apart_by_form() {
    assert_eq!(form::<StreamConfigurationAud>(r#""https://a""#), "text");
    assert_eq!(form::<StreamConfigurationAud>(r#"["https://a"]"#), "list");
    assert_eq!(form::<StreamConfigurationAud>("7"), "json");
    for (json, expected) in [
        (r#""x""#, "text"),
        ("true", "boolean"),
        ("7", "integer"),
        ("7.5", "number"),
        ("[1]", "list"),
        (r#"{"a":1}"#, "map"),
        ("null", "json"),
    ] {
        assert_eq!(form::<UserSchemaAttributeDefault>(json), expected, "{json}");
    }
    assert_eq!(form::<IdentityProviderProtocol>(r#"{"type":"SAML2"}"#), "ProtocolSaml");
    assert_eq!(form::<IdentityProviderProtocol>(r#"{"x":1}"#), "json");
}

#[test]
fn group_profiles_are_one_struct() {
    let json = br#"{"name":"g","dn":"CN=g","ownMember":1}"#;
    let decoded = GroupProfile::read(json).expect("an object");
    assert_eq!(decoded.value.dn.as_deref(), Some("CN=g"));
    assert_eq!(decoded.warnings, []);
}
