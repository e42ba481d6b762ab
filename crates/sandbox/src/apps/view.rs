//! Applications as JSON.

use serde_json::{Map, Value, json};

use super::create::link_name;
use super::model::App;
use super::policies;
use crate::store::Store;

/// An app as every read shows it.
pub(crate) fn shown(app: &App, store: &Store, base: &str) -> Value {
    let org_id = store.org_id;
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("id", json!(app.id.as_str()));
    put("orn", json!(format!("orn:okta:idp:{org_id}:apps:{}:{}", app.name, app.id)));
    put("name", json!(app.name));
    put("label", json!(app.label));
    put("status", json!(if app.active { "ACTIVE" } else { "INACTIVE" }));
    put("lastUpdated", json!(app.last_updated.text()));
    put("created", json!(app.created.text()));
    for (key, value) in &app.body {
        put(key, value.clone());
    }
    put("_links", links(app, store, base));
    Value::Object(shown)
}

fn links(app: &App, store: &Store, base: &str) -> Value {
    const LOGO: &str = "https://ok12static.oktacdn.com/assets/img/logos/default.6770228fb0dab49a1695ef440a5279bb.png";
    let own = format!("{base}/api/v1/apps/{}", app.id);
    let link = link_name(&app.name, app.sign_on_mode());
    let (step, path) = if app.active { ("deactivate", "deactivate") } else { ("activate", "activate") };
    let mut links = json!({
        "uploadLogo": { "href": format!("{own}/logo"), "hints": { "allow": ["POST"] } },
        "appLinks": [{
            "name": link, "href": format!("{base}/home/{}/{}/{}", app.name, app.id, app.link_id), "type": "text/html",
        }],
        "policies": { "href": format!("{own}/policies"), "hints": { "allow": ["PUT"] } },
        "groups": { "href": format!("{own}/groups") },
        "logo": [{ "name": "medium", "href": LOGO, "type": "image/png" }],
        "users": { "href": format!("{own}/users") },
        step: { "href": format!("{own}/lifecycle/{path}") },
    });
    for (name, kind) in [("profileEnrollment", "PROFILE_ENROLLMENT"), ("accessPolicy", "ACCESS_POLICY")] {
        if let Some(policy) = policies::of_app(store, app.id, kind) {
            links[name] = json!({ "href": format!("{base}/api/v1/policies/{policy}") });
        }
    }
    match app.sign_on_mode() {
        "SAML_2_0" => {
            let help = base.replacen("://", "://admin.", 1);
            let help = format!("{help}/app/{}/{}/setup/help/SAML_2_0/instructions", app.name, app.id);
            links["help"] = json!({ "href": help, "type": "text/html" });
            let href = format!("{own}/sso/saml/metadata");
            links["metadata"] = json!({ "href": href, "type": "application/xml" });
        }
        "OPENID_CONNECT" => {
            links["clientCredentials"] = ["secrets", "jwks"]
                .map(|name| json!({ "name": name, "href": format!("{own}/credentials/{name}") }))
                .to_vec()
                .into();
        }
        _ => {}
    }
    links
}
