//! Which attributes a profile may have.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::store::{Datum, Stamp};

/// The schema of one kind of profile: base attributes that every org has, custom ones of this org.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) base: IndexMap<String, Value>,
    pub(crate) base_required: Vec<String>,
    pub(crate) custom: IndexMap<String, Value>,
    pub(crate) custom_required: Vec<String>,
    /// When it last changed; never, if it is as it was made.
    pub(crate) last_updated: Option<Stamp>,
}

/// Base attributes of users: name, title, and what its owner may do.
///
/// # Source
///
/// Observed in recordings; the order is the service's.
const USER_BASE: &[(&str, &str, &str)] = &[
    ("login", "Username", "READ_ONLY"),
    ("firstName", "First name", "READ_WRITE"),
    ("lastName", "Last name", "READ_WRITE"),
    ("middleName", "Middle name", "READ_ONLY"),
    ("honorificPrefix", "Honorific prefix", "READ_ONLY"),
    ("honorificSuffix", "Honorific suffix", "READ_ONLY"),
    ("email", "Primary email", "READ_WRITE"),
    ("title", "Title", "READ_ONLY"),
    ("displayName", "Display name", "READ_ONLY"),
    ("nickName", "Nickname", "READ_ONLY"),
    ("profileUrl", "Profile Url", "READ_ONLY"),
    ("secondEmail", "Secondary email", "READ_WRITE"),
    ("mobilePhone", "Mobile phone", "READ_WRITE"),
    ("primaryPhone", "Primary phone", "HIDE"),
    ("streetAddress", "Street address", "HIDE"),
    ("city", "City", "HIDE"),
    ("state", "State", "HIDE"),
    ("zipCode", "Zip code", "HIDE"),
    ("countryCode", "Country code", "HIDE"),
    ("postalAddress", "Postal Address", "HIDE"),
    ("preferredLanguage", "Preferred language", "READ_ONLY"),
    ("locale", "Locale", "READ_ONLY"),
    ("timezone", "Time zone", "READ_ONLY"),
    ("userType", "User type", "READ_ONLY"),
    ("employeeNumber", "Employee number", "READ_ONLY"),
    ("costCenter", "Cost center", "READ_ONLY"),
    ("organization", "Organization", "READ_ONLY"),
    ("division", "Division", "READ_ONLY"),
    ("department", "Department", "READ_ONLY"),
    ("managerId", "ManagerId", "READ_ONLY"),
    ("manager", "Manager", "READ_ONLY"),
];

/// What base attributes of users must look like, beside being text.
const USER_FORMATS: &[(&str, &str)] = &[
    ("email", "email"),
    ("profileUrl", "uri"),
    ("secondEmail", "email"),
    ("countryCode", "country-code"),
    ("preferredLanguage", "language-code"),
    ("locale", "locale"),
    ("timezone", "timezone"),
];

/// Least and greatest length of base attributes of users.
const USER_LENGTHS: &[(&str, Option<u64>, u64)] = &[
    ("login", Some(5), 100),
    ("firstName", Some(1), 50),
    ("lastName", Some(1), 50),
    ("mobilePhone", None, 100),
    ("primaryPhone", None, 100),
];

const USER_REQUIRED: &[&str] = &["login", "firstName", "lastName", "email"];

/// Base attributes of users of OIDC apps: name, title, and name outside.
///
/// # Source
///
/// Observed in recordings.
const OIDC_BASE: &[(&str, &str, &str)] = &[
    ("userName", "Username", "preferred_username"),
    ("name", "Name", ""),
    ("nickname", "Nickname", ""),
    ("given_name", "Given name", ""),
    ("middle_name", "Middle name", ""),
    ("family_name", "Family name", ""),
    ("email", "Email", ""),
    ("profile", "Profile", ""),
    ("picture", "Picture", ""),
    ("website", "Website", ""),
    ("gender", "Gender", ""),
    ("birthdate", "Birthdate", ""),
    ("zoneinfo", "Zoneinfo", ""),
    ("locale", "Locale", ""),
    ("phone_number", "Phone number", ""),
    ("street_address", "Street address", "address.street_address"),
    ("locality", "Locality", "address.locality"),
    ("region", "Region", "address.region"),
    ("postal_code", "Postal code", "address.postal_code"),
    ("country", "Country", "address.country"),
    ("formatted", "Formatted", "address.formatted"),
];

const OIDC_REQUIRED: &[&str] = &["userName", "name"];

impl Schema {
    /// The schema of users in a new org.
    pub(crate) fn user() -> Self {
        let base = USER_BASE.iter().map(|&(name, title, own)| (name.to_owned(), user_attribute(name, title, own)));
        Self {
            base: base.collect(),
            base_required: USER_REQUIRED.iter().map(|&name| name.to_owned()).collect(),
            custom: IndexMap::new(),
            custom_required: Vec::new(),
            last_updated: None,
        }
    }

    /// The schema of groups in a new org.
    pub(crate) fn group() -> Self {
        let attribute = |title: &str, max: u64, required: bool| {
            let mut entry = json!({ "title": title, "description": title, "type": "string" });
            if required {
                entry["required"] = Value::Bool(true);
            }
            entry["mutability"] = json!("READ_WRITE");
            entry["scope"] = json!("NONE");
            entry["maxLength"] = json!(max);
            entry["permissions"] = json!([{ "principal": "SELF", "action": "READ_WRITE" }]);
            entry["master"] = json!({ "type": "PROFILE_MASTER" });
            entry
        };
        let base = [
            ("name".to_owned(), attribute("Name", 255, true)),
            ("description".to_owned(), attribute("Description", 1_024, false)),
        ];
        Self {
            base: base.into_iter().collect(),
            base_required: vec!["name".to_owned()],
            custom: IndexMap::new(),
            custom_required: Vec::new(),
            last_updated: None,
        }
    }

    /// The schema of users of a new app.
    pub(crate) fn app(mode: &str) -> Self {
        let claims: &[(&str, &str, &str)] =
            if mode == "OPENID_CONNECT" { OIDC_BASE } else { &[("userName", "Username", "")] };
        let entry = |&(name, title, external): &(&str, &str, &str)| {
            let mut entry = json!({ "title": title });
            if name != "userName" {
                entry["description"] = json!(format!("The claim {name} of OpenID Connect"));
            }
            entry["type"] = json!("string");
            if OIDC_REQUIRED.contains(&name) {
                entry["required"] = Value::Bool(true);
            }
            if !external.is_empty() {
                entry["externalName"] = json!(external);
            }
            entry["scope"] = json!("SELF");
            (name.to_owned(), entry)
        };
        let required = OIDC_REQUIRED.iter().filter(|name| claims.iter().any(|(claim, ..)| claim == *name));
        Self {
            base: claims.iter().map(entry).collect(),
            base_required: required.map(|&name| name.to_owned()).collect(),
            custom: IndexMap::new(),
            custom_required: Vec::new(),
            last_updated: None,
        }
    }

    /// The entry of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value> {
        self.base.get(name).or_else(|| self.custom.get(name))
    }

    /// Names that every profile must hold.
    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        self.base_required.iter().chain(&self.custom_required).map(String::as_str)
    }

    /// What is wrong with one value, as the service words it; `None` if nothing is.
    pub(crate) fn fault(&self, name: &str, value: &Datum) -> Option<String> {
        let Some(entry) = self.attribute(name) else {
            return Some(format!("Property name '{name}' is not defined in profile"));
        };
        value_fault(name, entry, value)
    }
}

fn user_attribute(name: &str, title: &str, own: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("title".into(), json!(title));
    entry.insert("type".into(), json!("string"));
    if USER_REQUIRED.contains(&name) {
        entry.insert("required".into(), Value::Bool(true));
    }
    if let Some((_, format)) = USER_FORMATS.iter().find(|(known, _)| *known == name) {
        entry.insert("format".into(), json!(format));
    }
    entry.insert("mutability".into(), json!("READ_WRITE"));
    entry.insert("scope".into(), json!("NONE"));
    if let Some((_, min, max)) = USER_LENGTHS.iter().find(|(known, ..)| *known == name) {
        if let Some(min) = min {
            entry.insert("minLength".into(), json!(min));
        }
        entry.insert("maxLength".into(), json!(max));
    }
    entry.insert("permissions".into(), json!([{ "principal": "SELF", "action": own }]));
    entry.insert("master".into(), json!({ "type": "PROFILE_MASTER" }));
    Value::Object(entry)
}

fn value_fault(name: &str, entry: &Value, value: &Datum) -> Option<String> {
    let kind = entry["type"].as_str().unwrap_or("string");
    let fits = match (kind, value) {
        (_, Datum::Null)
        | ("string", Datum::Text(_))
        | ("boolean", Datum::Boolean(_))
        | ("integer" | "number", Datum::Integer(_))
        | ("number", Datum::Number(_)) => true,
        ("array", Datum::List(items)) => items.iter().all(|item| value_fault(name, &entry["items"], item).is_none()),
        _ => false,
    };
    if !fits {
        return Some(format!("{name}: Does not match required type {kind}"));
    }
    text_fault(name, entry, value.as_text()?)
}

fn text_fault(name: &str, entry: &Value, text: &str) -> Option<String> {
    // Assumed: the service stores characters of up to three bytes in UTF-8; it says nothing on how it refuses others.
    if text.chars().any(|character| character.len_utf8() > 3) {
        return Some(format!("{name}: The field contains characters that are not supported"));
    }
    let length = text.chars().count() as u64;
    let too_short = entry["minLength"].as_u64().is_some_and(|min| length < min);
    let too_long = entry["maxLength"].as_u64().is_some_and(|max| length > max);
    if too_short || too_long {
        let (min, max) = (entry["minLength"].as_u64().unwrap_or(0), entry["maxLength"].as_u64());
        let max = max.map_or_else(String::new, |max| format!(" and {max}"));
        return Some(format!("{name}: String length must be between {min}{max}"));
    }
    if entry["format"] == "email" && !text.is_empty() && !looks_like_email(text) {
        return Some(format!("{name}: Does not match required pattern"));
    }
    let allowed = entry["enum"].as_array()?;
    let known = allowed.iter().any(|allowed| allowed.as_str() == Some(text));
    (!known).then(|| format!("{name}: Does not match any of the allowed values"))
}

/// Whether text has the shape of an email address, as the default pattern of logins wants it.
pub(crate) fn looks_like_email(text: &str) -> bool {
    let Some((mailbox, domain)) = text.rsplit_once('@') else { return false };
    !mailbox.is_empty()
        && !text.contains(char::is_whitespace)
        && domain.split('.').all(|label| !label.is_empty())
        && domain.contains('.')
}
