//! From JSON to canonical values: names in the letter case of the schema, values of its types.

use oktant_base::Secret;
use serde_json::{Map, Value};

use super::{Member, Resource};
use crate::error::Error;
use crate::filter::parse_time;
use crate::profile::Profile;
use crate::schema::{Attribute, DataType, Kind, Mutability, ResourceType};

/// Values of one list, members apart; what PATCH does to a list takes time in proportion to its square.
const LIST_VALUES_MAX: usize = 500;

/// Bytes of one text; a certificate with its chain fits.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Bytes of all attributes of a resource as JSON, members apart: a page holds a thousand resources.
const RESOURCE_BYTES_MAX: usize = 128 * 1024;

/// Bytes of the id of a member.
const MEMBER_BYTES_MAX: usize = 1024;

impl Resource {
    /// Reads the body of a POST or PUT.
    ///
    /// Unknown and read-only attributes are ignored, `null`, `[]` and `{}` mean that there is no value, booleans may be
    /// texts.
    ///
    /// # Errors
    ///
    /// 400 `invalidSyntax` where the body is no object or has a name twice; 400 `invalidValue` where `schemas` lacks the
    /// schema of the kind, a required attribute is missing or a value has the wrong type.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.3 and 3.5.1. That Snowflake takes bodies without `schemas`: its examples.
    pub fn from_json(kind: Kind, profile: Profile, body: &Value) -> Result<Self, Error> {
        let resource_type = kind.resource_type(profile);
        let members = object(body, "the body")?;
        check_schemas(members, resource_type.core.id, profile)?;
        let mut resource = Self::new(kind, Map::new());
        for (name, value) in members {
            resource.read_member(resource_type, name, value)?;
        }
        resource.check(profile)?;
        Ok(resource)
    }

    fn read_member(&mut self, resource_type: &ResourceType, name: &str, value: &Value) -> Result<(), Error> {
        if let Some(schema) = resource_type.extension(name) {
            if !value.is_null() {
                let attributes = canonical_parts(schema.attributes, object(value, schema.id)?)?;
                self.set_attribute(schema.id, (!attributes.is_empty()).then_some(Value::Object(attributes)));
            }
            return Ok(());
        }
        match resource_type.attribute(name) {
            Some(attribute) if attribute.mutability == Mutability::ReadOnly => {}
            Some(attribute) if is_password(attribute) => self.set_password(password(value)?),
            Some(attribute) if attribute.name == "members" => self.members = Some(members_of(value)?),
            Some(attribute) => {
                let value = canonical(attribute, value)?;
                self.set_attribute(attribute.name, value);
            }
            None => {}
        }
        Ok(())
    }

    /// Checks what holds for every resource as a whole.
    pub(crate) fn check(&self, profile: Profile) -> Result<(), Error> {
        let resource_type = self.kind().resource_type(profile);
        for attribute in resource_type.core.attributes {
            let value = self.attribute(attribute.name);
            if attribute.required && value.and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                return Err(Error::invalid_value(format!("{} is required", attribute.name)));
            }
            let Some(Value::Array(values)) = value else { continue };
            if values.iter().filter(|value| is_primary(value)).count() > 1 {
                return Err(Error::invalid_value(format!("{} has more than one primary value", attribute.name)));
            }
        }
        match serde_json::to_string(self.attributes()) {
            Ok(text) if text.len() <= RESOURCE_BYTES_MAX => Ok(()),
            _ => Err(Error::invalid_value(format!("a resource may have at most {RESOURCE_BYTES_MAX} bytes"))),
        }
    }
}

pub(crate) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

pub(crate) fn is_password(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly
}

/// The members of an object, of which no two names differ in letter case alone.
pub(crate) fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Error> {
    let Value::Object(members) = value else {
        return Err(Error::invalid_syntax(format!("{what} must be an object")));
    };
    let mut names: Vec<String> = members.keys().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::invalid_syntax(format!("{what} has {:?} twice", pair[0]))),
        None => Ok(members),
    }
}

/// The member of an object by its name in any letter case.
pub(crate) fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members
        .get(name)
        .or_else(|| members.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Checks that `schemas` holds a URN. Snowflake's clients may leave `schemas` out.
pub(crate) fn check_schemas(members: &Map<String, Value>, urn: &str, profile: Profile) -> Result<(), Error> {
    let schemas = match member(members, "schemas") {
        None if profile.is_snowflake() => return Ok(()),
        schemas => schemas.and_then(Value::as_array),
    };
    let named = schemas.is_some_and(|schemas| {
        schemas.iter().any(|schema| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn)))
    });
    if named { Ok(()) } else { Err(Error::invalid_value(format!("schemas must hold {urn:?}"))) }
}

/// A value of an attribute in the form in which it is kept; none where it says that there is no value.
pub(crate) fn canonical(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return canonical_single(attribute, value);
    }
    let values = match value {
        _ if is_unassigned(value) => return Ok(None),
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    check_length(attribute, values.len())?;
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.extend(canonical_single(attribute, value)?);
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// Checks that a list is not too long.
pub(crate) fn check_length(attribute: &Attribute, length: usize) -> Result<(), Error> {
    if length <= LIST_VALUES_MAX {
        return Ok(());
    }
    Err(Error::invalid_value(format!("{} may have at most {LIST_VALUES_MAX} values", attribute.name)))
}

/// One value of an attribute, be it a list or not.
pub(crate) fn canonical_single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let wrong = || Error::invalid_value(format!("{} must be a {}", attribute.name, attribute.data_type.name()));
    match (attribute.data_type, value) {
        _ if is_unassigned(value) => Ok(None),
        (_, Value::String(text)) if text.len() > TEXT_BYTES_MAX => {
            Err(Error::invalid_value(format!("{} may have at most {TEXT_BYTES_MAX} bytes", attribute.name)))
        }
        (DataType::Complex, Value::Object(_)) => {
            let parts = canonical_parts(attribute.sub_attributes, object(value, attribute.name)?)?;
            Ok((!parts.is_empty()).then_some(Value::Object(parts)))
        }
        // A bare text for an object that has a value is what Entra sends.
        (DataType::Complex, Value::String(_)) => {
            let part = attribute.sub_attribute("value").ok_or_else(wrong)?;
            let parts = canonical_single(part, value)?.map(|value| (part.name.to_owned(), value));
            Ok(Some(Value::Object(parts.into_iter().collect())))
        }
        (DataType::Boolean, Value::String(text)) => boolean(text).map(Value::Bool).map(Some).ok_or_else(wrong),
        (DataType::DateTime, Value::String(text)) => match parse_time(text) {
            Some(_) => Ok(Some(value.clone())),
            None => Err(wrong()),
        },
        (DataType::Boolean, Value::Bool(_))
        | (DataType::String | DataType::Reference | DataType::Binary, Value::String(_)) => Ok(Some(value.clone())),
        _ => Err(wrong()),
    }
}

/// Whether a value says that there is none.
///
/// # Source
///
/// RFC 7643, 2.5; clients write `{}`, too.
fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    }
}

/// Entra writes booleans as texts.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn canonical_parts(attributes: &[Attribute], members: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let mut parts = Map::new();
    for (name, value) in members {
        let Some(attribute) = attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name)) else {
            continue;
        };
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        if let Some(value) = canonical(attribute, value)? {
            parts.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(parts)
}

/// A password; none where it is null or empty.
pub(crate) fn password(value: &Value) -> Result<Option<Secret>, Error> {
    match value {
        _ if is_unassigned(value) => Ok(None),
        Value::String(text) => Ok((!text.is_empty()).then(|| Secret::new(text.clone()))),
        _ => Err(Error::invalid_value("password must be a string")),
    }
}

/// Members of a group: objects with `value`, or ids alone; each id once.
pub(crate) fn members_of(value: &Value) -> Result<Vec<Member>, Error> {
    let values = match value {
        _ if is_unassigned(value) => return Ok(Vec::new()),
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut seen = std::collections::HashSet::with_capacity(values.len());
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        let read = member_of(value)?;
        if seen.insert(read.value.clone()) {
            found.push(read);
        }
    }
    Ok(found)
}

fn member_of(value: &Value) -> Result<Member, Error> {
    let missing = || Error::invalid_value("each of members must have the id of a resource as its value");
    let id = match value {
        Value::String(id) => Some(id.as_str()),
        Value::Object(_) => member(object(value, "a member")?, "value").and_then(Value::as_str),
        _ => None,
    };
    let id = id.filter(|id| !id.is_empty() && id.len() <= MEMBER_BYTES_MAX);
    let mut found = Member::new(id.ok_or_else(missing)?);
    let label = value.as_object().and_then(|members| member(members, "type")).and_then(Value::as_str);
    found.kind = label.and_then(|label| Kind::ALL.into_iter().find(|kind| label.eq_ignore_ascii_case(kind.name())));
    Ok(found)
}
