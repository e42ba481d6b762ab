//! From resources to JSON.

use oktant_base::Timestamp;
use serde_json::{Map, Value, json};

use super::{Member, Stored};
use crate::precondition::entity_tag;
use crate::profile::Profile;
use crate::schema::{Attribute, Kind};

/// An instant as answers have it.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl Stored {
    /// The whole resource as SCIM JSON, below a base URL such as `https://acme.example/scim/v2`.
    pub fn to_json(&self, profile: Profile, base_url: &str) -> Map<String, Value> {
        let resource = &self.resource;
        let kind = resource.kind();
        let mut body = Map::new();
        body.insert("schemas".to_owned(), self.schemas(profile));
        body.insert("id".to_owned(), self.id.as_str().into());
        for (name, value) in resource.attributes() {
            body.insert(name.clone(), value.clone());
        }
        for (name, list) in [("groups", &resource.groups), ("members", &resource.members)] {
            let attribute = kind.resource_type(profile).core.attribute(name);
            if let (Some(attribute), Some(list)) = (attribute, list.as_ref().filter(|list| !list.is_empty())) {
                let list = list.iter().map(|member| member.to_json(attribute, base_url)).collect();
                body.insert(name.to_owned(), Value::Array(list));
            }
        }
        body.insert(
            "meta".to_owned(),
            json!({
                "resourceType": kind.name(),
                "created": time_text(self.created),
                "lastModified": time_text(self.last_modified),
                "location": self.location(base_url),
                "version": entity_tag(&self.version),
            }),
        );
        body
    }

    /// Where the resource is.
    pub fn location(&self, base_url: &str) -> String {
        location(base_url, self.resource.kind(), &self.id)
    }

    /// The core schema and each extension that has a value; Snowflake names all of them.
    fn schemas(&self, profile: Profile) -> Value {
        let resource_type = self.resource.kind().resource_type(profile);
        let extensions = resource_type.extensions.iter().map(|schema| schema.id);
        let named = extensions.filter(|urn| profile.is_snowflake() || self.resource.attribute(urn).is_some());
        std::iter::once(resource_type.core.id).chain(named).collect()
    }
}

impl Member {
    /// What a condition on members may look at.
    pub(crate) fn parts(&self) -> Map<String, Value> {
        let parts = [
            ("value", Some(self.value.as_str())),
            ("type", self.kind.map(Kind::name)),
            ("display", self.display.as_deref()),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
    }

    /// As a value of `members` or of `groups`, with the parts that the attribute has.
    fn to_json(&self, attribute: &Attribute, base_url: &str) -> Value {
        let label = if attribute.name == "groups" { Some("direct") } else { self.kind.map(Kind::name) };
        let parts = [
            ("value", Some(self.value.clone())),
            ("$ref", self.kind.map(|kind| location(base_url, kind, &self.value))),
            ("display", self.display.clone()),
            ("displayName", self.display.clone()),
            ("type", label.map(str::to_owned)),
        ];
        let known = parts.into_iter().filter(|(name, _)| attribute.sub_attribute(name).is_some());
        known.filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect()
    }
}

fn location(base_url: &str, kind: Kind, id: &str) -> String {
    format!("{base_url}/{}/{id}", kind.endpoint())
}
