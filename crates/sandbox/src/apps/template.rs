//! What an app of each sign-on mode looks like before anyone configures it.
//!
//! # Source
//!
//! Observed: keys and defaults of apps made from every template in recordings.

use serde_json::{Map, Value, json};

use crate::http::{ApiError, errors};

/// Apps of the catalogue that can be made beside the templates; a sandbox knows a few.
const CATALOGUE: &[&str] = &[
    "okta_org2org",
    "pagerduty",
    "office365",
    "google",
    "salesforce",
    "slack",
    "zoomus",
    "aws_console",
    "deelhr",
    "strongdm",
    "Deel",
    "Applauz",
    "snowflake",
];

/// A template: name of the app, its mode, and the keys of `settings.app` with their defaults.
struct Template {
    name: &'static str,
    mode: &'static str,
    settings: &'static [&'static str],
}

const TEMPLATES: &[Template] = &[
    Template { name: "bookmark", mode: "BOOKMARK", settings: &["requestIntegration", "url"] },
    Template { name: "template_basic_auth", mode: "BASIC_AUTH", settings: &["loginUrlRegex", "authURL", "url"] },
    Template {
        name: "template_swa",
        mode: "BROWSER_PLUGIN",
        settings: &["loginUrlRegex", "usernameField", "redirectUrl", "buttonField", "checkbox", "passwordField", "url"],
    },
    Template {
        name: "template_swa3field",
        mode: "BROWSER_PLUGIN",
        settings: &[
            "loginUrlRegex",
            "extraFieldSelector",
            "extraFieldValue",
            "redirectUrl",
            "userNameSelector",
            "passwordSelector",
            "buttonSelector",
            "targetURL",
        ],
    },
    Template {
        name: "template_sps",
        mode: "SECURE_PASSWORD_STORE",
        settings: &[
            "usernameField",
            "optionalField2Value",
            "optionalField3Value",
            "passwordField",
            "url",
            "optionalField1Value",
            "optionalField1",
            "optionalField2",
            "optionalField3",
        ],
    },
    Template { name: "template_wsfed", mode: "WS_FEDERATION", settings: &[] },
    Template { name: "oidc_client", mode: "OPENID_CONNECT", settings: &[] },
];

/// Modes whose apps get a name made from their label.
const NAMELESS: [&str; 3] = ["AUTO_LOGIN", "SAML_2_0", "SAML_1_1"];

/// The mode of a template, for requests that give its name only.
pub(super) fn mode(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|template| template.name == name).map(|template| template.mode)
}

/// The name of the app that a request describes; `None` if it is made from the label.
///
/// # Errors
///
/// 400 `E0000024` for an app that the sandbox does not know.
pub(super) fn name(sent: Option<&str>, mode: &str) -> Result<Option<String>, ApiError> {
    let unknown = || {
        ApiError::new(errors::E0000024)
            .cause("This operation on app metadata is not yet supported: No active instances.")
    };
    match sent {
        Some(name) => {
            let known = CATALOGUE.contains(&name) || TEMPLATES.iter().any(|template| template.name == name);
            if known { Ok(Some(name.to_owned())) } else { Err(unknown()) }
        }
        None if NAMELESS.contains(&mode) => Ok(None),
        None => {
            let template = TEMPLATES.iter().find(|template| template.mode == mode);
            template.map(|template| Some(template.name.to_owned())).ok_or_else(unknown)
        }
    }
}

/// Whether users of the app have passwords of their own in it.
pub(super) fn has_scheme(mode: &str) -> bool {
    matches!(mode, "BASIC_AUTH" | "BROWSER_PLUGIN" | "SECURE_PASSWORD_STORE" | "AUTO_LOGIN")
}

/// `settings.app`: every key of the template, then what else was sent.
pub(super) fn app_settings(name: &str, sent: &Map<String, Value>) -> Value {
    let keys = TEMPLATES.iter().find(|template| template.name == name).map_or(&[][..], |template| template.settings);
    let mut settings = Map::new();
    for key in keys {
        let default = if *key == "requestIntegration" { Value::Bool(false) } else { Value::Null };
        settings.insert((*key).to_owned(), sent.get(*key).cloned().unwrap_or(default));
    }
    for (key, value) in sent {
        settings.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(settings)
}

/// `settings.signOn` of the modes that have one.
pub(super) fn sign_on(mode: &str, catalogue_app: bool, sent: &Value) -> Option<Value> {
    let defaults = match mode {
        "AUTO_LOGIN" => json!({ "redirectUrl": null, "loginUrl": null }),
        "SAML_1_1" => json!({
            "defaultRelayState": null, "ssoAcsUrlOverride": null, "audienceOverride": null, "recipientOverride": null,
        }),
        "SAML_2_0" if catalogue_app => json!({
            "defaultRelayState": null, "ssoAcsUrlOverride": null, "audienceOverride": null, "recipientOverride": null,
            "destinationOverride": null, "attributeStatements": [],
        }),
        "SAML_2_0" => json!({
            "defaultRelayState": null,
            "ssoAcsUrl": null,
            "idpIssuer": "http://www.okta.com/${org.externalKey}",
            "audience": null,
            "recipient": null,
            "destination": null,
            "subjectNameIdTemplate": "${user.userName}",
            "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            "responseSigned": true,
            "assertionSigned": true,
            "signatureAlgorithm": "RSA_SHA256",
            "digestAlgorithm": "SHA256",
            "honorForceAuthn": true,
            "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "spIssuer": null,
            "requestCompressed": false,
            "attributeStatements": [],
            "inlineHooks": [],
            "assertionEncryption": { "enabled": false },
            "allowMultipleAcsEndpoints": false,
            "acsEndpoints": [],
            "samlSignedRequestEnabled": false,
            "slo": { "enabled": false },
        }),
        _ => return None,
    };
    Some(overlay(defaults, sent))
}

/// `settings.oauthClient`.
pub(super) fn oauth_settings(sent: &Value) -> Value {
    let application_type = sent["application_type"].as_str().unwrap_or("web");
    let service = application_type == "service";
    let mut settings = json!({
        "client_uri": null,
        "logo_uri": null,
        "redirect_uris": [],
        "response_types": if service { json!(["token"]) } else { json!(["code"]) },
        "grant_types": if service { json!(["client_credentials"]) } else { json!(["authorization_code"]) },
        "application_type": application_type,
        "consent_method": "TRUSTED",
        "issuer_mode": "ORG_URL",
        "idp_initiated_login": { "mode": "DISABLED", "default_scope": [] },
        "wildcard_redirect": "DISABLED",
        "participate_slo": false,
        "dpop_bound_access_tokens": false,
    });
    let refreshes =
        sent["grant_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "refresh_token"));
    if refreshes {
        settings["refresh_token"] = json!({ "rotation_type": "STATIC", "leeway": 0 });
    }
    overlay(settings, sent)
}

/// Defaults with what was sent on top, key by key; keys that only were sent follow.
pub(super) fn overlay(defaults: Value, sent: &Value) -> Value {
    let mut merged = match defaults {
        Value::Object(members) => members,
        other => return other,
    };
    let Value::Object(sent) = sent else { return Value::Object(merged) };
    for (key, value) in sent {
        merged.insert(key.clone(), value.clone());
    }
    Value::Object(merged)
}

/// The claims that users of an OIDC app have in their profile.
pub(super) const OIDC_CLAIMS: [&str; 21] = [
    "userName",
    "name",
    "nickname",
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
    "formatted",
];
