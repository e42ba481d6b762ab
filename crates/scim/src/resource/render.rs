//! From resources to JSON.

use oktant_base::Timestamp;
use serde::Serialize;
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
                let list: Vec<Shown<'_>> = list.iter().map(|member| member.shown(attribute, base_url)).collect();
                body.insert(name.to_owned(), json!(list));
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

    /// Takes the members away and gives them as text: a large group is not built as values first. `None` where there are none.
    pub(crate) fn take_members(&mut self, profile: Profile, base_url: &str) -> Option<String> {
        let attribute = self.resource.kind().resource_type(profile).core.attribute("members")?;
        let members = self.resource.members.take().filter(|members| !members.is_empty())?;
        let shown: Vec<Shown<'_>> = members.iter().map(|member| member.shown(attribute, base_url)).collect();
        serde_json::to_string(&shown).ok()
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
    fn shown(&self, attribute: &Attribute, base_url: &str) -> Shown<'_> {
        let has = |name: &str| attribute.sub_attribute(name).is_some();
        let display = self.display.as_deref();
        Shown {
            value: &self.value,
            reference: self.kind.map(|kind| location(base_url, kind, &self.value)),
            display: display.filter(|_| has("display")),
            display_name: display.filter(|_| has("displayName")),
            label: if attribute.name == "groups" { Some("direct") } else { self.kind.map(Kind::name) },
        }
    }
}

/// A member as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    value: &'a str,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
}

fn location(base_url: &str, kind: Kind, id: &str) -> String {
    format!("{base_url}/{}/{id}", kind.endpoint())
}
