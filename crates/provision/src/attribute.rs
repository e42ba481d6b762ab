//! Attributes of the target: how they are named, read from a resource, and written.
//!
//! # Source
//!
//! RFC 7643, sections 2.1 (names ignore case), 2.4 and 4; RFC 7644, section 3.5.2 (paths of PATCH).

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use crate::expression::Value;

/// URN of the core user schema.
pub const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core group schema.
pub const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension, in which Snowflake reads its own attributes from Okta, too.
pub const ENTERPRISE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of PATCH bodies.
pub(crate) const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The path of one attribute, such as `userName`, `name.givenName`, `emails[type eq "work"].value` or
/// `urn:…:extension:enterprise:2.0:User:department`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath {
    /// URN of the extension that holds it; `None` for the core schema.
    schema: Option<String>,
    name: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Simple,
    /// `name.givenName`
    Sub(String),
    /// `emails[type eq "work"].value`
    Typed {
        kind: String,
        sub: String,
    },
}

/// What a resource holds at a path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Whether it stands in an element of the very type that the path names.
    pub typed: bool,
    /// Whether it stands in the only element that the attribute has.
    pub sole: bool,
}

/// Multi-valued attributes whose main element is marked as primary.
const WITH_PRIMARY: &[&str] = &["emails"];

impl AttributePath {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a few words.
    ///
    /// ```
    /// use oktant_provision::attribute::AttributePath;
    ///
    /// let path = AttributePath::parse("emails[type eq \"work\"].value").unwrap();
    /// assert_eq!(path.to_string(), "emails[type eq \"work\"].value");
    /// assert!(AttributePath::parse("emails[").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (schema, rest) = if text.to_ascii_lowercase().starts_with("urn:") {
            text.rsplit_once(':').map(|(schema, rest)| (Some(schema), rest)).unwrap_or_default()
        } else {
            (None, text)
        };
        let schema = schema.filter(|schema| !schema.eq_ignore_ascii_case(USER_SCHEMA)).map(str::to_owned);
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
        };
        let (name, place) = if let Some((name, filter)) = rest.split_once('[') {
            let (filter, sub) = filter.split_once(']').ok_or("] is missing")?;
            let kind = filter.trim().strip_prefix("type eq \"").and_then(|kind| kind.strip_suffix('"'));
            let kind = kind.filter(|kind| !kind.is_empty() && !kind.contains(['"', '\\']));
            let kind = kind.ok_or("in brackets stands type eq \"…\"")?.to_owned();
            let sub = sub.strip_prefix('.').unwrap_or("value").to_owned();
            (name, Place::Typed { kind, sub })
        } else if let Some((name, sub)) = rest.split_once('.') {
            (name, Place::Sub(sub.to_owned()))
        } else {
            (rest, Place::Simple)
        };
        let sub_is_name = match &place {
            Place::Simple => true,
            Place::Sub(sub) | Place::Typed { sub, .. } => is_name(sub),
        };
        if !is_name(name) || !sub_is_name {
            return Err("it is no attribute of a SCIM resource".to_owned());
        }
        Ok(Self { schema, name: name.to_owned(), place })
    }

    /// The same attribute in the extension `schema`.
    pub(crate) fn of_extension(schema: &str, name: &str) -> Self {
        Self { schema: Some(schema.to_owned()), name: name.to_owned(), place: Place::Simple }
    }

    /// URN of the extension that holds it.
    pub(crate) fn extension(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Its name, if it is of the core schema.
    pub(crate) fn core_name(&self) -> Option<&str> {
        self.schema.is_none().then_some(self.name.as_str())
    }

    /// Whether it is the attribute `name` of the core schema itself.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.schema.is_none() && self.place == Place::Simple && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it lies in the member `name` of a resource.
    pub(crate) fn is_in(&self, name: &str) -> bool {
        self.schema.as_ref().unwrap_or(&self.name).eq_ignore_ascii_case(name)
    }

    /// The last name of an extension attribute, for what is known of Snowflake's.
    pub(crate) fn extension_name(&self) -> Option<&str> {
        self.schema.is_some().then_some(self.name.as_str())
    }

    /// Whether its value is an electronic mail address.
    pub(crate) fn is_email(&self) -> bool {
        self.schema.is_none() && self.name.eq_ignore_ascii_case("emails")
    }

    /// What `resource` holds there. Without an element of the type, the primary one counts, then the only one,
    /// because targets that keep one address forget its type.
    pub(crate) fn read(&self, resource: &Map<String, Json>) -> Found {
        let holder = match &self.schema {
            Some(schema) => get(resource, schema).and_then(Json::as_object),
            None => Some(resource),
        };
        let Some(value) = holder.and_then(|holder| get(holder, &self.name)) else { return Found::default() };
        let plain = |value: Option<&Json>| Found {
            value: value.map_or(Value::Null, Value::of_json).normal(),
            ..Found::default()
        };
        match &self.place {
            Place::Simple => plain(Some(value)),
            Place::Sub(sub) => plain(value.as_object().and_then(|object| get(object, sub))),
            Place::Typed { kind, sub } => {
                let elements = value.as_array().map_or(&[][..], Vec::as_slice);
                let Some((position, typed)) = element_of(elements, kind) else { return Found::default() };
                Found { typed, sole: elements.len() == 1, ..plain(part(&elements[position], sub)) }
            }
        }
    }

    /// Puts `value` into a resource that is to be created or replaced; no value takes it out.
    pub(crate) fn write(&self, resource: &mut Map<String, Json>, value: &Value) {
        let holder = match &self.schema {
            Some(schema) => object_at(resource, schema),
            None => resource,
        };
        match &self.place {
            Place::Simple => put(holder, &self.name, value),
            Place::Sub(sub) => put(object_at(holder, &self.name), sub, value),
            Place::Typed { kind, sub } => {
                let key = key_of(holder, &self.name);
                let elements = holder.entry(key).or_insert_with(|| json!([]));
                if !elements.is_array() {
                    *elements = json!([]);
                }
                let Some(elements) = elements.as_array_mut() else { return };
                let position = element_of(elements, kind).map(|(position, _)| position);
                if sub == "value" && value.is_absent() {
                    position.map(|position| elements.remove(position));
                    return;
                }
                let position = position.unwrap_or_else(|| {
                    elements.push(json!({}));
                    elements.len() - 1
                });
                let first = position == 0;
                if let Some(element) = elements[position].as_object_mut() {
                    put(element, sub, value);
                    element.insert(key_of(element, "type"), kind.as_str().into());
                    if first && WITH_PRIMARY.contains(&self.name.as_str()) {
                        element.insert("primary".to_owned(), true.into());
                    }
                }
            }
        }
    }

    /// The operation of a PATCH that gives it `value` where the target has `held`.
    pub(crate) fn patch(&self, value: &Value, held: &Found) -> Json {
        match (&self.place, value.is_absent()) {
            (Place::Typed { sub, .. }, _) if !held.typed && !held.sole && !held.value.is_absent() => {
                // The main one among several, without a type to address it by; the others are not ours.
                let main = format!("{}[primary eq true]", self.holder_path());
                match (value.is_absent(), sub.as_str()) {
                    (true, "value") => json!({ "op": "remove", "path": main }),
                    (true, sub) => json!({ "op": "remove", "path": format!("{main}.{sub}") }),
                    (false, sub) => {
                        json!({ "op": "replace", "path": format!("{main}.{sub}"), "value": value.to_json() })
                    }
                }
            }
            (Place::Typed { kind, sub }, _) if !held.typed => {
                // There is no element to address: one is added beside those of other types. One without a
                // type that is all that the target keeps is replaced.
                let op = if held.value.is_absent() { "add" } else { "replace" };
                let path = self.holder_path();
                if value.is_absent() {
                    return json!({ "op": "remove", "path": path });
                }
                let mut element = json!({ "type": kind, sub: value.to_json() });
                if WITH_PRIMARY.contains(&self.name.as_str()) {
                    element["primary"] = true.into();
                }
                json!({ "op": op, "path": path, "value": [element] })
            }
            (Place::Typed { kind, sub }, true) if sub == "value" => {
                json!({ "op": "remove", "path": format!("{}[type eq \"{kind}\"]", self.holder_path()) })
            }
            (_, true) => json!({ "op": "remove", "path": self.to_string() }),
            (_, false) => json!({ "op": "replace", "path": self.to_string(), "value": value.to_json() }),
        }
    }

    /// The path of the attribute itself, without filter and sub-attribute.
    fn holder_path(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}:{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Serialize for AttributePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.holder_path())?;
        match &self.place {
            Place::Simple => Ok(()),
            Place::Sub(sub) => write!(f, ".{sub}"),
            Place::Typed { kind, sub } => write!(f, "[type eq \"{kind}\"].{sub}"),
        }
    }
}

/// The position of the element that stands for the type `kind`, and whether it says so itself. Without one of the
/// type it is the untyped primary one, then an untyped one that is alone.
fn element_of(elements: &[Json], kind: &str) -> Option<(usize, bool)> {
    let has_type = |element: &Json| {
        part(element, "type").and_then(Json::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
    };
    if let Some(position) = elements.iter().position(has_type) {
        return Some((position, true));
    }
    let is_untyped = |element: &Json| element.is_object() && part(element, "type").is_none_or(Json::is_null);
    let is_primary = |element: &Json| part(element, "primary") == Some(&Json::Bool(true));
    let main = elements.iter().position(|element| is_untyped(element) && is_primary(element));
    let alone = || (elements.len() == 1 && is_untyped(&elements[0])).then_some(0);
    main.or_else(alone).map(|position| (position, false))
}

/// The sub-attribute `name` of an element.
fn part<'a>(element: &'a Json, name: &str) -> Option<&'a Json> {
    get(element.as_object()?, name)
}

/// The attribute `name` in any letter case.
pub(crate) fn get<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The key that `object` has for `name`, in its own letter case.
fn key_of(object: &Map<String, Json>, name: &str) -> String {
    let known = object.keys().find(|known| known.eq_ignore_ascii_case(name));
    known.cloned().unwrap_or_else(|| name.to_owned())
}

fn put(object: &mut Map<String, Json>, name: &str, value: &Value) {
    let key = key_of(object, name);
    if value.is_absent() {
        object.shift_remove(&key);
    } else {
        object.insert(key, value.to_json());
    }
}

fn object_at<'a>(object: &'a mut Map<String, Json>, name: &str) -> &'a mut Map<String, Json> {
    let key = key_of(object, name);
    let inner = object.entry(key).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    inner.as_object_mut().expect("it was made an object")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AttributePath {
        AttributePath::parse(text).expect(text)
    }

    #[test]
    fn every_form_is_read_and_printed() {
        for text in [
            "userName",
            "name.givenName",
            "emails[type eq \"work\"].value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        ] {
            assert_eq!(path(text).to_string(), text);
        }
        assert_eq!(path("urn:ietf:params:scim:schemas:core:2.0:User:title").to_string(), "title");
        for text in ["", "1a", "a b", "a.", "emails[", "emails[x]", "emails[type eq \"\"].value", "urn:"] {
            assert!(AttributePath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut resource = Map::new();
        for (text, value) in [
            ("userName", "ada"),
            ("name.givenName", "Ada"),
            ("emails[type eq \"work\"].value", "a@x.example"),
            ("emails[type eq \"home\"].value", "b@x.example"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "Maths"),
        ] {
            path(text).write(&mut resource, &value.into());
            assert_eq!(path(text).read(&resource).value, value.into(), "{text}");
        }
        assert_eq!(resource["emails"][0], json!({ "value": "a@x.example", "type": "work", "primary": true }));
        assert_eq!(resource["emails"][1], json!({ "value": "b@x.example", "type": "home" }));
        path("emails[type eq \"work\"].value").write(&mut resource, &Value::Null);
        assert_eq!(resource["emails"], json!([{ "value": "b@x.example", "type": "home" }]));
        path("NAME.givenname").write(&mut resource, &Value::Null);
        assert_eq!(resource["name"], json!({}));
    }

    #[test]
    fn an_address_that_lost_its_type_is_the_one_meant() {
        let emails = path("emails[type eq \"work\"].value");
        let read = |emails_json: Json| {
            let resource = json!({ "Emails": emails_json });
            emails.read(resource.as_object().expect("an object"))
        };
        let found = |typed: bool, sole: bool| Found { value: "a".into(), typed, sole };
        assert_eq!(read(json!([{ "primary": true, "value": "a" }])), found(false, true));
        assert_eq!(read(json!([{ "value": "a" }])), found(false, true));
        assert_eq!(read(json!([{ "type": "WORK", "value": "a" }])), found(true, true));
        assert_eq!(read(json!([{ "type": "home", "value": "a" }])), Found::default());
        assert_eq!(
            emails.patch(&"b".into(), &Found::default()),
            json!({ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "b", "primary": true }] })
        );
        assert_eq!(
            emails.patch(&"b".into(), &found(true, false)),
            json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "b" })
        );
        assert_eq!(
            emails.patch(&Value::Null, &found(true, false)),
            json!({ "op": "remove", "path": "emails[type eq \"work\"]" })
        );
        assert_eq!(
            emails.patch(&"b".into(), &found(false, true)),
            json!({ "op": "replace", "path": "emails", "value": [{ "type": "work", "value": "b", "primary": true }] })
        );
        assert_eq!(emails.patch(&Value::Null, &found(false, true)), json!({ "op": "remove", "path": "emails" }));
    }

    #[test]
    fn an_untyped_address_among_others_is_changed_alone() {
        let emails = path("emails[type eq \"work\"].value");
        let several = json!({ "emails": [{ "value": "b", "type": "home" }, { "value": "a", "primary": true }] });
        let found = emails.read(several.as_object().expect("an object"));
        assert_eq!(found, Found { value: "a".into(), typed: false, sole: false });
        assert_eq!(
            emails.patch(&"c".into(), &found),
            json!({ "op": "replace", "path": "emails[primary eq true].value", "value": "c" })
        );
        assert_eq!(emails.patch(&Value::Null, &found), json!({ "op": "remove", "path": "emails[primary eq true]" }));
        let kind = path("emails[type eq \"work\"].display");
        let display = Found { value: "A".into(), typed: false, sole: false };
        assert_eq!(
            kind.patch(&Value::Null, &display),
            json!({ "op": "remove", "path": "emails[primary eq true].display" })
        );
        for (value, expected) in [
            ("c".into(), json!([{ "value": "b", "type": "home" }, { "value": "c", "primary": true, "type": "work" }])),
            (Value::Null, json!([{ "value": "b", "type": "home" }])),
        ] {
            let mut resource = several.as_object().expect("an object").clone();
            emails.write(&mut resource, &value);
            assert_eq!(resource["emails"], expected);
        }
    }
}
