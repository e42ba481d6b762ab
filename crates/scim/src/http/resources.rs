//! One resource: POST, GET, PUT, PATCH, DELETE.

use http::{Method, StatusCode};
use serde_json::Value;

use super::answer::Answer;
use super::serve::{Call, Exchange};
use crate::error::Error;
use crate::patch::Patch;
use crate::profile::{Profile, ScimClient};
use crate::projection::Projection;
use crate::provider::Provider;
use crate::resource::{Resource, Stored, member};
use crate::schema::Kind;

impl<P: Provider> Exchange<'_, P> {
    pub(super) async fn create(&self, kind: Kind, call: &Call<'_>) -> Result<Answer, Error> {
        let resource = Resource::from_json(kind, self.profile, &call.body)?;
        let projection = self.projection(kind, call)?;
        let stored = self.service.provider.create(self.context, resource, &projection).await?;
        Ok(self.show(&stored, &projection, StatusCode::CREATED))
    }

    /// Everything that is done to a resource by its id.
    pub(super) async fn resource(&self, kind: Kind, id: &str, call: &Call<'_>) -> Result<Answer, Error> {
        match *call.method {
            Method::PUT => self.replace(kind, id, call).await,
            Method::PATCH => self.patch(kind, id, call).await,
            Method::DELETE => {
                self.service.provider.delete(self.context, kind, id, &call.precondition).await?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            _ => self.get(kind, id, call).await,
        }
    }

    async fn get(&self, kind: Kind, id: &str, call: &Call<'_>) -> Result<Answer, Error> {
        let projection = self.projection(kind, call)?;
        let stored = self.service.provider.get(self.context, kind, id, &projection).await?;
        if call.known.as_ref().is_some_and(|known| known.holds(&stored.version)) {
            return Ok(Answer::about(&stored, StatusCode::NOT_MODIFIED, self.base_url));
        }
        Ok(self.show(&stored, &projection, StatusCode::OK))
    }

    async fn replace(&self, kind: Kind, id: &str, call: &Call<'_>) -> Result<Answer, Error> {
        let mut resource = Resource::from_json(kind, self.profile, &call.body)?;
        let named = call.body.as_object().and_then(|body| member(body, "id")).and_then(Value::as_str);
        if self.profile == Profile::Rfc {
            if named.is_some_and(|named| named != id) {
                return Err(Error::invalid_value("the id of the body is not that of the path"));
            }
            // What a PUT leaves out becomes unassigned. Snowflake does not document it for roles: there it stays.
            resource.members.get_or_insert_with(Vec::new);
        }
        let projection = self.projection(kind, call)?;
        let provider = &self.service.provider;
        let stored = provider.replace(self.context, id, resource, &call.precondition, &projection).await?;
        Ok(self.show(&stored, &projection, StatusCode::OK))
    }

    async fn patch(&self, kind: Kind, id: &str, call: &Call<'_>) -> Result<Answer, Error> {
        let patch = Patch::from_json(kind, self.profile, &call.body)?;
        let asked = self.projection(kind, call)?;
        let silent = kind == Kind::Group && asked.is_default() && self.is_silent();
        let projection = match (asked.is_default(), silent) {
            (true, true) => asked.with_members_max(0),
            (true, false) => asked.with_members_max(self.service.settings.limits.patch_members),
            // Whoever names attributes gets them.
            (false, _) => asked,
        };
        let provider = &self.service.provider;
        let stored = provider.patch(self.context, id, &patch, &call.precondition, &projection).await?;
        let left_out = kind == Kind::Group && projection.wants("members") && stored.resource.members.is_none();
        // Okta expects Snowflake to show the group; it does not look for members.
        if silent || (left_out && self.profile == Profile::Rfc) {
            return Ok(Answer::about(&stored, StatusCode::NO_CONTENT, self.base_url));
        }
        Ok(self.show(&stored, &projection, StatusCode::OK))
    }

    /// Whether a PATCH of a group is answered with 204.
    ///
    /// # Source
    ///
    /// Snowflake documentation, SCIM Groups API: 200 for Okta, 204 for others.
    fn is_silent(&self) -> bool {
        matches!(self.profile, Profile::Snowflake { client: ScimClient::Azure | ScimClient::Generic })
    }

    fn projection(&self, kind: Kind, call: &Call<'_>) -> Result<Projection, Error> {
        let parameters = &call.parameters;
        let (attributes, excluded) = (parameters.attributes.as_deref(), parameters.excluded_attributes.as_deref());
        Projection::parse(attributes, excluded, kind.resource_type(self.profile), self.profile)
    }

    fn show(&self, stored: &Stored, projection: &Projection, status: StatusCode) -> Answer {
        let body = projection.cut(stored.to_json(self.profile, self.base_url));
        Answer::about(stored, status, self.base_url).with_body(body)
    }
}
