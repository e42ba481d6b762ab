//! Factors as JSON.

use serde_json::{Map, Value, json};

use super::code::{self, STEP_SECONDS};
use super::model::{Factor, Kind, Standing};
use crate::http::Call;
use crate::store::Id;

/// The status of an enrolment on the wire.
pub(super) fn status(factor: &Factor) -> &'static str {
    match factor.standing {
        Standing::Pending => "PENDING_ACTIVATION",
        Standing::Active => "ACTIVE",
    }
}

/// A factor. What its owner needs to finish an enrolment is embedded while that is pending.
pub(super) fn factor(call: &Call<'_>, user: Id, factor: &Factor) -> Value {
    let mut shown = json!({
        "id": factor.id.as_str(),
        "factorType": factor.type_name,
        "provider": factor.provider,
        "vendorName": factor.provider,
        "status": status(factor),
        "created": factor.created.text(),
        "lastUpdated": factor.last_updated.text(),
        "profile": factor.profile,
        "_links": links(call, user, factor),
    });
    if let Some(embedded) = embedded(call, user, factor) {
        shown["_embedded"] = embedded;
    }
    shown
}

/// The factor and the way to verify it, as answers to a challenge carry them.
pub(super) fn challenge_links(call: &Call<'_>, user: Id, factor: &Factor) -> Value {
    let own = format!("/api/v1/users/{user}/factors/{}", factor.id);
    json!({
        "verify": link(call, &format!("{own}/verify"), &["POST"]),
        "factor": link(call, &own, &["GET", "DELETE"]),
    })
}

fn link(call: &Call<'_>, path: &str, allow: &[&str]) -> Value {
    json!({ "href": call.url(path), "hints": { "allow": allow } })
}

fn links(call: &Call<'_>, user: Id, factor: &Factor) -> Value {
    let own = format!("/api/v1/users/{user}/factors/{}", factor.id);
    let mut links = Map::new();
    if factor.kind == Kind::Question {
        let path = format!("/api/v1/users/{user}/factors/questions");
        links.insert("questions".into(), link(call, &path, &["GET"]));
    }
    let allowed: &[&str] = match factor.standing {
        Standing::Pending => {
            if let Some(channel) = factor.kind.channel() {
                let mut resend = json!({ "name": channel });
                resend["href"] = call.url(&format!("{own}/resend")).into();
                resend["hints"] = json!({ "allow": ["POST"] });
                links.insert("resend".into(), json!([resend]));
            }
            if factor.kind == Kind::Push {
                links.insert("poll".into(), link(call, &format!("{own}/lifecycle/activate/poll"), &["POST"]));
            }
            links.insert("activate".into(), link(call, &format!("{own}/lifecycle/activate"), &["POST"]));
            &["GET"]
        }
        Standing::Active => {
            // FastPass is answered by the device, not over the API (recorded).
            if factor.kind != Kind::SignedNonce {
                links.insert("verify".into(), link(call, &format!("{own}/verify"), &["POST"]));
            }
            &["GET", "DELETE"]
        }
    };
    links.insert("self".into(), link(call, &own, allowed));
    links.insert("user".into(), link(call, &format!("/api/v1/users/{user}"), &["GET"]));
    Value::Object(links)
}

fn embedded(call: &Call<'_>, user: Id, factor: &Factor) -> Option<Value> {
    if factor.standing == Standing::Active {
        return None;
    }
    let own = format!("/api/v1/users/{user}/factors/{}", factor.id);
    let mut code = link(call, &format!("{own}/qr/{}", call.org.token(22)), &["GET"]);
    code["type"] = "image/png".into();
    match factor.kind {
        Kind::OktaTotp | Kind::GoogleTotp => {
            let key = factor.secret.as_ref()?.expose();
            let length = if factor.kind == Kind::OktaTotp { 6 } else { 16 };
            let mut activation = json!({
                "timeStep": STEP_SECONDS, "sharedSecret": code::base32(key), "encoding": "base32", "keyLength": length,
            });
            if factor.kind == Kind::OktaTotp {
                return Some(json!({ "activation": activation, "_links": { "qrcode": code } }));
            }
            activation["_links"] = json!({ "qrcode": code });
            Some(json!({ "activation": activation }))
        }
        Kind::Push => {
            let send = |channel: &str| {
                let mut entry = json!({ "name": channel });
                entry["href"] = call.url(&format!("{own}/lifecycle/activate/{channel}")).into();
                entry["hints"] = json!({ "allow": ["POST"] });
                entry
            };
            let expires_at = crate::store::with_millis(call.now + chrono::TimeDelta::minutes(5));
            let links = json!({ "send": [send("email"), send("sms")], "qrcode": code });
            Some(json!({ "activation": { "expiresAt": expires_at, "factorResult": "WAITING", "_links": links } }))
        }
        _ => None,
    }
}
