//! How attributes go from an app or identity provider to a user and back: two mappings per user type.
//!
//! # Source
//!
//! Recorded; what a new mapping holds is recorded for the built-in app and for identity providers,
//! assumed for others.

use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply, links};
use crate::logs::{self, Kind, Target};
use crate::resources::Document;
use crate::store::{Id, Store};

/// Mappings on a page at most, and unless `limit` asks for fewer.
const PAGE: (usize, usize) = (20, 200);

/// Where changed properties are kept, by the mapping's id.
const CHANGED: &str = "/api/v1/mappings";

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listProfileMappings", Handler::Read(list)),
    ("getProfileMapping", Handler::Read(get)),
    ("updateProfileMapping", Handler::Write(update)),
];

/// One end of a mapping.
struct End {
    id: Id,
    name: String,
    /// Whether it is a user type rather than an app.
    is_type: bool,
}

struct Mapping {
    id: Id,
    source: End,
    target: End,
}

impl End {
    fn shown(&self, call: &Call<'_>) -> Value {
        let (kind, own, schema) = if self.is_type {
            let schema = format!("/api/v1/meta/schemas/user/{}", self.id.with_prefix("osc"));
            ("user", format!("/api/v1/meta/types/user/{}", self.id), schema)
        } else {
            let schema = format!("/api/v1/meta/schemas/apps/{}/default", self.id);
            ("appuser", format!("/api/v1/apps/{}", self.id), schema)
        };
        json!({
            "id": self.id.as_str(), "name": self.name, "type": kind,
            "_links": { "self": { "href": call.url(&own) }, "schema": { "href": call.url(&schema) } },
        })
    }
}

impl Mapping {
    fn shown(&self, store: &Store, call: &Call<'_>, with_properties: bool) -> Value {
        let mut shown = json!({
            "id": self.id.as_str(), "source": self.source.shown(call), "target": self.target.shown(call),
        });
        if with_properties {
            shown["properties"] = Value::Object(self.properties(store));
        }
        let own = call.url(&format!("/api/v1/mappings/{}", self.id));
        shown["_links"] = json!({ "self": { "href": own } });
        shown
    }

    fn properties(&self, store: &Store) -> Document {
        if let Some(changed) = store.resources.item(CHANGED, self.id.as_str()) {
            return changed.clone();
        }
        let pairs: &[(&str, &str)] = match (self.target.is_type, self.source.name.as_str()) {
            (true, BUILT_IN) => &[("email", "appuser.userName")],
            (true, "saml_idp") => &[
                ("firstName", "source.firstName"),
                ("lastName", "source.lastName"),
                ("email", "source.email"),
                ("mobilePhone", "source.mobilePhone"),
                ("login", "source.userName"),
            ],
            (true, "oidc_idp") => &[
                ("login", "appuser.email"),
                ("displayName", "appuser.displayName"),
                ("nickName", "appuser.nickname"),
                ("firstName", "appuser.firstName"),
                ("middleName", "appuser.middleName"),
                ("lastName", "appuser.lastName"),
                ("email", "appuser.email"),
                ("profileUrl", "appuser.profile"),
                ("locale", "appuser.locale"),
                ("timezone", "appuser.zoneinfo"),
                ("mobilePhone", "appuser.phoneNumber"),
                ("streetAddress", "appuser.streetAddress"),
                ("city", "appuser.locality"),
                ("state", "appuser.region"),
                ("zipCode", "appuser.postalCode"),
                ("countryCode", "appuser.country"),
            ],
            (true, _) => &[("email", "appuser.email")],
            (false, _) if self.target.name == "oidc_client" => &[
                ("name", "user.firstName + \" \" + user.lastName"),
                ("given_name", "user.firstName"),
                ("middle_name", "user.middleName"),
                ("family_name", "user.lastName"),
                ("email", "user.email"),
                ("locale", "user.locale"),
            ],
            (false, _) => &[],
        };
        let entry = |(name, expression): &(&str, &str)| {
            ((*name).to_owned(), json!({ "expression": expression, "pushStatus": "DONT_PUSH" }))
        };
        pairs.iter().map(entry).collect()
    }

    /// Whether the target has an attribute.
    fn has_target(&self, store: &Store, name: &str) -> bool {
        let schema = if self.target.is_type {
            Some(store.user_schema(self.target.id))
        } else {
            store.apps.get(&self.target.id).map(|app| &app.schema)
        };
        // Apps of the org itself have no schema of their own here.
        schema.is_none_or(|schema| schema.base.contains_key(name) || schema.custom.contains_key(name))
    }
}

/// The app of the org itself that every new org has mappings of.
const BUILT_IN: &str = "Okta_Authenticator";

/// Every mapping, in order of apps and types.
fn mappings(store: &Store) -> impl Iterator<Item = Mapping> {
    let built_in = (store.org_id.with_prefix("0oa"), BUILT_IN.to_owned());
    let apps = store.apps.values().map(|app| (app.id, app.name.clone()));
    let sources = std::iter::once(built_in).chain(apps).chain(identity_providers(store));
    let others = store.user_types.iter().map(|(id, kind)| (*id, kind.name.clone()));
    let types: Vec<_> = std::iter::once((store.default_type, "user".to_owned())).chain(others).collect();
    sources.flat_map(move |(app, name)| {
        let both = types.clone().into_iter().enumerate().flat_map(move |(index, (kind, type_name))| {
            let app_end = || End { id: app, name: name.clone(), is_type: false };
            let type_end = || End { id: kind, name: type_name.clone(), is_type: true };
            let id = |step: usize| app.with_prefix("prm").stepped(2 * index + step);
            [
                Mapping { id: id(0), source: app_end(), target: type_end() },
                Mapping { id: id(1), source: type_end(), target: app_end() },
            ]
        });
        both.collect::<Vec<_>>()
    })
}

/// Identity providers, by the names that their mappings have.
fn identity_providers(store: &Store) -> impl Iterator<Item = (Id, String)> {
    let known = store.resources.collection("/api/v1/idps");
    known.into_iter().flat_map(crate::resources::Collection::iter).filter_map(|(id, provider)| {
        let kind = match provider.get("type")?.as_str()? {
            "SAML2" => "saml".to_owned(),
            kind => kind.to_lowercase(),
        };
        Some((Id::parse(id)?, format!("{kind}_idp")))
    })
}

/// `listProfileMappings`.
fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE.0, PAGE.1)?.max(1);
    let wanted = |end: &End, name: &str| call.query(name).is_none_or(|id| end.id.as_str() == id);
    let found =
        mappings(store).filter(|mapping| wanted(&mapping.source, "sourceId") && wanted(&mapping.target, "targetId"));
    let (page, next) = links::page(found, call, limit, |mapping| mapping.id.to_string())?;
    let shown: Vec<_> = page.iter().map(|mapping| mapping.shown(store, call, false)).collect();
    Ok(links::add(Reply::json(&shown), call, limit, next.as_deref()))
}

fn find(store: &Store, call: &Call<'_>) -> Result<Mapping, ApiError> {
    let id = call.param("mappingId");
    let found = mappings(store).find(|mapping| mapping.id.as_str() == id);
    found.ok_or_else(|| ApiError::not_found(id, "ProfileMapping"))
}

/// `getProfileMapping`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&find(store, call)?.shown(store, call, true)))
}

/// `updateProfileMapping`: `null` ends the mapping of an attribute, a push status alone keeps the expression.
fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let mapping = find(store, call)?;
    let mut properties = mapping.properties(store);
    for (name, change) in body.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if !mapping.has_target(store, name) {
            return Err(ApiError::validation("updateMapping").cause(format!("Invalid target field {name}")));
        }
        match change {
            Value::Null => {
                properties.shift_remove(name);
            }
            change => {
                let entry = properties.entry(name.clone());
                let known = entry.or_insert_with(|| json!({ "expression": null, "pushStatus": "DONT_PUSH" }));
                for (key, value) in change.as_object().into_iter().flatten() {
                    known[key] = value.clone();
                }
            }
        }
    }
    store.resources.collection_mut(CHANGED).put(mapping.id.as_str(), properties);
    let target = Target::named("ProfileMapping", mapping.id.as_str(), &mapping.target.name);
    logs::record(store, call, Kind::MAPPING_UPDATE, &[target]);
    get(store, call)
}
