//! `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas`.
//!
//! # Source
//!
//! RFC 7643, sections 5 to 7; RFC 9865, section 4 for `pagination`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Limits;
use super::list::LIST_SCHEMA;
use crate::error::Error;
use crate::profile::Profile;
use crate::schema::{Attribute, DataType, Kind, Schema};

const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// What the service can do.
pub(super) fn config(profile: Profile, limits: &Limits, base_url: &str) -> Value {
    let whole = !profile.is_snowflake();
    json!({
        "schemas": [CONFIG_SCHEMA],
        "patch": { "supported": true },
        // Clients take the whole document for broken where the two numbers are missing.
        "bulk": {
            "supported": whole,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.body_bytes,
        },
        "filter": { "supported": true, "maxResults": limits.page_max },
        "changePassword": { "supported": true },
        "sort": { "supported": whole },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.page_default,
            "maxPageSize": limits.page_max,
            "cursorTimeout": limits.cursor_lifetime.as_secs(),
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", format!("{base_url}/ServiceProviderConfig")),
    })
}

/// All resource types, or the one of a name.
pub(super) fn resource_types(profile: Profile, name: Option<&str>, base_url: &str) -> Result<Value, Error> {
    let documents = Kind::ALL.map(|kind| (kind.name(), resource_type(kind, profile, base_url)));
    choose(documents.into(), name)
}

/// All schemas, or the one of a URN.
pub(super) fn schemas(profile: Profile, urn: Option<&str>, base_url: &str) -> Result<Value, Error> {
    let types = Kind::ALL.map(|kind| kind.resource_type(profile));
    let all = types.into_iter().flat_map(|found| std::iter::once(found.core).chain(found.extensions.iter().copied()));
    choose(all.map(|found| (found.id, schema(found, base_url))).collect(), urn)
}

fn choose(documents: Vec<(&str, Value)>, name: Option<&str>) -> Result<Value, Error> {
    let Some(name) = name else {
        let resources: Vec<Value> = documents.into_iter().map(|(_, document)| document).collect();
        return Ok(json!({
            "schemas": [LIST_SCHEMA],
            "totalResults": resources.len(),
            "startIndex": 1,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }));
    };
    let found = documents.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found
        .map(|(_, document)| document)
        .ok_or_else(|| Error::new(StatusCode::NOT_FOUND, format!("this service does not know {name:?}")))
}

fn meta(resource_type: &str, location: String) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn resource_type(kind: Kind, profile: Profile, base_url: &str) -> Value {
    let found = kind.resource_type(profile);
    let extensions: Vec<Value> =
        found.extensions.iter().map(|extension| json!({ "schema": extension.id, "required": false })).collect();
    json!({
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": kind.name(),
        "name": kind.name(),
        "description": found.description,
        "endpoint": format!("/{}", kind.endpoint()),
        "schema": found.core.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", format!("{base_url}/ResourceTypes/{}", kind.name())),
    })
}

fn schema(found: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": [SCHEMA_SCHEMA],
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "attributes": found.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": meta("Schema", format!("{base_url}/Schemas/{}", found.id)),
    })
}

fn attribute(found: &Attribute) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("name", found.name.into());
    put("type", found.data_type.name().into());
    put("multiValued", found.multi_valued.into());
    put("description", found.description.into());
    put("required", found.required.into());
    if !found.canonical_values.is_empty() {
        put("canonicalValues", found.canonical_values.into());
    }
    put("caseExact", found.case_exact.into());
    put("mutability", found.mutability.name().into());
    put("returned", found.returned.name().into());
    put("uniqueness", found.uniqueness.name().into());
    if found.data_type == DataType::Reference {
        put("referenceTypes", found.reference_types.into());
    }
    if found.data_type == DataType::Complex {
        put("subAttributes", found.sub_attributes.iter().map(attribute).collect());
    }
    Value::Object(body)
}
