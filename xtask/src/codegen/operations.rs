//! Turns the operations of a description into facts.

use serde_json::Value;

use super::Error;
use super::description::{Description, RawOperation, enumeration, flag, text};
use super::model::{Limit, ListShape, Location, Operation, Parameter, RequestBody, Response, Schemas, TypeRef};
use super::names::pascal_case;
use super::schemas::Collector;

const JSON: &str = "application/json";

/// Collects the schemas and operations of one description.
pub(crate) fn collect(
    description: &Description,
    api: &'static str,
    schemas: &mut Schemas,
    operations: &mut Vec<Operation>,
) -> Result<(), Error> {
    let groups = description.tag_groups();
    let mut reader = Reader { description, schemas: Collector::collect(description, schemas)? };
    for raw in description.operations() {
        let tag = array_of_text(raw.node.get("tags")).into_iter().next().unwrap_or_default();
        let group = groups.get(tag.as_str()).copied().unwrap_or(api).to_owned();
        operations.push(reader.operation(raw, api, tag, group)?);
    }
    Ok(())
}

struct Reader<'a> {
    description: &'a Description,
    schemas: Collector<'a>,
}

impl<'a> Reader<'a> {
    fn operation(
        &mut self,
        raw: RawOperation<'a>,
        api: &'static str,
        tag: String,
        group: String,
    ) -> Result<Operation, Error> {
        let member = |name| raw.node.get(name).unwrap_or(&Value::Null);
        let id = member("operationId").as_str();
        let id = id.ok_or_else(|| Error::description(raw.path, "an operation has no operationId"))?.to_owned();
        let parameters = self.parameters(&raw, &id)?;
        check_path(&id, raw.path, &parameters)?;
        let responses = self.responses(member("responses"), &id)?;
        let (security, scopes) = security(raw.node.get("security"), &id)?;
        let mut operation = Operation {
            api,
            method: method(raw.method),
            path: raw.path.to_owned(),
            tag,
            group,
            request: self.request(member("requestBody"), &id)?,
            scopes,
            security,
            lifecycle: lifecycle(member("x-okta-lifecycle")),
            deprecated: member("deprecated").as_bool().unwrap_or_default(),
            list: ListShape::None,
            limit: self.limit(&raw)?,
            bucket: String::new(),
            // What the methods promise (RFC 9110, 9.2.2); the overlay knows who breaks it.
            idempotent: !matches!(method(raw.method), "Post" | "Patch"),
            id,
            parameters,
            responses,
        };
        if operation.method == "Get" && matches!(operation.result(), Some(TypeRef::Array(_))) {
            operation.list = ListShape::Array;
        }
        Ok(operation)
    }

    /// The parameters of the path and of the operation; those of the operation win.
    fn raw_parameters(&self, raw: &RawOperation<'a>) -> Result<Vec<&'a Value>, Error> {
        let own = raw.node.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut parameters: Vec<&Value> = Vec::new();
        for node in raw.shared_parameters.iter().chain(own) {
            let node = self.description.resolve(node)?;
            let same = |known: &&mut &Value| ["name", "in"].iter().all(|member| known.get(member) == node.get(member));
            match parameters.iter_mut().find(same) {
                Some(known) => *known = node,
                None => parameters.push(node),
            }
        }
        Ok(parameters)
    }

    fn parameters(&mut self, raw: &RawOperation<'a>, id: &str) -> Result<Vec<Parameter>, Error> {
        let mut parameters = Vec::new();
        for node in self.raw_parameters(raw)? {
            let name = text(node, "name").to_owned();
            let location = match text(node, "in") {
                "path" => Location::Path,
                "query" => Location::Query,
                "header" => Location::Header,
                other => return Err(Error::description(id, format!("parameter {name} goes to {other}"))),
            };
            let schema = node.get("schema").unwrap_or(&Value::Null);
            let hint = format!("{}{}", pascal_case(id), pascal_case(&name));
            let resolved = self.description.resolve(schema)?;
            let mut values = enumeration(resolved);
            if let (true, Some(items)) = (values.is_empty(), resolved.get("items")) {
                values = enumeration(self.description.resolve(items)?);
            }
            let schema = self.schemas.type_of(schema, &hint)?;
            let is_array = matches!(schema, TypeRef::Array(_));
            parameters.push(Parameter {
                name,
                location,
                required: location == Location::Path || flag(node, "required"),
                schema,
                values,
                comma_separated: is_array && node.get("explode") == Some(&Value::Bool(false)),
            });
        }
        Ok(parameters)
    }

    fn limit(&self, raw: &RawOperation<'a>) -> Result<Option<Limit>, Error> {
        let parameters = self.raw_parameters(raw)?;
        let Some(node) = parameters.into_iter().find(|node| text(node, "name") == "limit") else {
            return Ok(None);
        };
        let schema = self.description.resolve(node.get("schema").unwrap_or(&Value::Null))?;
        // A default of -1 says that there is none.
        let number = |member| schema.get(member).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        Ok(Some(Limit { min: number("minimum"), default: number("default"), max: number("maximum") }))
    }

    fn request(&mut self, node: &'a Value, id: &str) -> Result<Option<RequestBody>, Error> {
        if node.is_null() {
            return Ok(None);
        }
        let node = self.description.resolve(node)?;
        let (media_types, schema) = self.content(node, &format!("{}Request", pascal_case(id)))?;
        let schema = schema.unwrap_or(TypeRef::Any);
        Ok(Some(RequestBody { required: flag(node, "required"), media_types, schema }))
    }

    fn responses(&mut self, node: &'a Value, id: &str) -> Result<Vec<Response>, Error> {
        let mut responses = Vec::new();
        for (status, node) in node.as_object().into_iter().flatten() {
            let status = status.parse::<u16>();
            let status = status.map_err(|_| Error::description(id, "a status of an answer is not a number"))?;
            let node = self.description.resolve(node)?;
            let (media_types, schema) = self.content(node, &format!("{}Response{status}", pascal_case(id)))?;
            responses.push(Response { status, media_types, schema });
        }
        responses.sort_by_key(|response| response.status);
        Ok(responses)
    }

    /// The media types of a body, JSON first, and the type of the first.
    fn content(&mut self, node: &'a Value, hint: &str) -> Result<(Vec<String>, Option<TypeRef>), Error> {
        let content = node.get("content").and_then(Value::as_object);
        let mut bodies: Vec<_> = content.into_iter().flatten().collect();
        bodies.sort_by_key(|(media_type, _)| *media_type != JSON);
        let schema = bodies.first().and_then(|(_, body)| body.get("schema"));
        let schema = schema.map(|schema| self.schemas.type_of(schema, hint)).transpose()?;
        Ok((bodies.into_iter().map(|(media_type, _)| media_type.clone()).collect(), schema))
    }
}

/// Every `{parameter}` of the path must be declared.
fn check_path(id: &str, path: &str, parameters: &[Parameter]) -> Result<(), Error> {
    for segment in path.split('/') {
        let Some(name) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) else {
            continue;
        };
        let declared = |parameter: &Parameter| parameter.location == Location::Path && parameter.name == name;
        if !parameters.iter().any(declared) {
            return Err(Error::description(id, format!("path parameter {name} is not declared")));
        }
    }
    Ok(())
}

fn method(lower_case: &str) -> &'static str {
    match lower_case {
        "get" => "Get",
        "post" => "Post",
        "put" => "Put",
        "patch" => "Patch",
        _ => "Delete",
    }
}

fn lifecycle(node: &Value) -> &'static str {
    match text(node, "lifecycle") {
        "GA" if node.get("isGenerallyAvailable") == Some(&Value::Bool(false)) => "LimitedGa",
        "GA" => "Ga",
        "LIMITED_GA" => "LimitedGa",
        "EA" => "EarlyAccess",
        "BETA" => "Beta",
        _ => "Unmarked",
    }
}

/// The kind of credentials, and the OAuth scopes among them.
fn security(node: Option<&Value>, id: &str) -> Result<(&'static str, Vec<String>), Error> {
    let alternatives = node.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |name| alternatives.iter().find_map(|alternative| alternative.get(name));
    let scopes = array_of_text(named("oauth2"));
    let kind = match (named("apiToken").is_some(), named("oauth2").is_some()) {
        (true, true) => "TokenOrOAuth",
        (true, false) => "TokenOnly",
        (false, true) => "OAuthOnly",
        (false, false) if alternatives.is_empty() => "Open",
        (false, false) if alternatives.iter().all(is_client_authentication) => "Client",
        (false, false) => return Err(Error::description(id, "unknown kind of security")),
    };
    Ok((kind, scopes))
}

fn is_client_authentication(alternative: &Value) -> bool {
    let schemes = alternative.as_object();
    schemes.into_iter().flatten().all(|(scheme, _)| scheme.starts_with("Client_authentication"))
}

fn array_of_text(node: Option<&Value>) -> Vec<String> {
    let items = node.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
