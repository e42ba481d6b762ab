//! The methods of the clients: one per operation, under the names of both generations.

use std::collections::BTreeMap;

use super::super::Error;
use super::super::model::{ListShape, Location, Operation, Schemas};
use super::classes::{Models, Shape, shape};
use super::names::{is_identifier, snake_case, with_digits_apart};
use super::sdk2::{self, Sdk2};

/// One method.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    /// Entry of the table of calls that it makes.
    pub call: String,
    /// Names that 2.x gave to the arguments of the path and the body, where they differ.
    pub arguments: Vec<String>,
    /// Settings that differ from the call's.
    pub settings: Vec<(&'static str, String)>,
    /// The object it answers, `None` for the pair without one.
    pub result: Option<Shape>,
}

/// Something that can be sent: an operation, or what only 2.x has.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: String,
    pub path: String,
    /// Names in the path, in order.
    pub path_names: Vec<String>,
    /// Name in the query, and whether a list is repeated (`*`) or joined (`,`).
    pub query: Vec<String>,
    pub headers: Vec<String>,
    /// Media type of the body, empty where it takes none.
    pub body: String,
    /// Media type of the answer where it is not JSON.
    pub accept: String,
    pub result: Option<Shape>,
    /// Member of the answer that holds the list, where the next page stands in the body.
    pub wrapped: String,
}

/// Methods and calls, by name.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    pub calls: BTreeMap<String, Call>,
    pub named: BTreeMap<String, Method>,
    /// What 3.x means by the names that 2.x gave to something else.
    pub third: BTreeMap<String, Method>,
}

impl Methods {
    /// Reads them off the operations.
    pub(crate) fn collect(
        operations: &[Operation],
        schemas: &Schemas,
        models: &Models,
        sdk2: &Sdk2,
    ) -> Result<Self, Error> {
        let mut all = Self::default();
        for operation in operations {
            all.calls.insert(operation.id.clone(), call(operation, schemas));
        }
        for (name, method) in &sdk2.methods {
            let method = all.second(name, method, models)?;
            all.named.insert(name.clone(), method);
        }
        for operation in operations {
            let method = Method::of(&operation.id, &all.calls[&operation.id]);
            let third = snake_case(&operation.id);
            let spellings = [with_digits_apart(&third), third];
            for name in spellings {
                match all.named.get(&name) {
                    Some(known) if known.call == operation.id => {}
                    Some(_) => {
                        all.third.insert(name, method.clone());
                    }
                    None => {
                        all.named.insert(name, method.clone());
                    }
                }
            }
        }
        Ok(all)
    }

    fn second(&mut self, name: &str, method: &sdk2::Method, models: &Models) -> Result<Method, Error> {
        let key = self.call_of(name, method)?;
        let call = &self.calls[&key];
        let takes_body = method.body.unwrap_or(!call.body.is_empty());
        let expected = call.path_names.len() + usize::from(takes_body);
        if method.arguments.len() != expected {
            return Err(Error::description(name, format!("{key} takes {expected} arguments")));
        }
        let result = match &method.result {
            Some(class) => Some(Shape::Model(models.aliases.get(class).unwrap_or(class).clone())),
            None => call.result.clone(),
        };
        let mut settings = vec![];
        let mut set = |condition: bool, name: &'static str, value: &str| {
            if condition {
                settings.push((name, value.to_owned()));
            }
        };
        set(method.void, "void", "1");
        set(method.keep_empty, "keep", "1");
        set(!method.query.is_empty(), "query", &method.query);
        set(!method.content_type.is_empty(), "body", &method.content_type);
        set(method.upload && call.body != "multipart/form-data", "body", "multipart/form-data");
        set(takes_body && call.body.is_empty() && !method.upload, "body", "application/json");
        set(!takes_body && !call.body.is_empty(), "body", "");
        set(method.result.is_some(), "result", &result.as_ref().map(Shape::code).unwrap_or_default());
        let result = if method.void { None } else { result };
        Ok(Method { call: key, arguments: method.arguments.clone(), settings, result })
    }

    /// The call of a method; one without an operation is added.
    fn call_of(&mut self, name: &str, method: &sdk2::Method) -> Result<String, Error> {
        match (&method.operation, &method.verb, &method.path) {
            (Some(operation), _, _) if self.calls.contains_key(operation) => Ok(operation.clone()),
            (Some(operation), _, _) => Err(Error::description(name, format!("no operation {operation}"))),
            (None, Some(verb), Some(path)) => {
                let call = Call { method: verb.clone(), path: path.clone(), ..Call::bare() };
                self.calls.insert(name.to_owned(), call);
                Ok(name.to_owned())
            }
            _ => Err(Error::description(name, "neither an operation nor a method and path")),
        }
    }
}

impl Method {
    fn of(id: &str, call: &Call) -> Self {
        Self { call: id.to_owned(), arguments: Vec::new(), settings: Vec::new(), result: call.result.clone() }
    }

    /// A setting's value.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl Call {
    fn bare() -> Self {
        Self {
            method: String::new(),
            path: String::new(),
            path_names: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: String::new(),
            accept: String::new(),
            result: None,
            wrapped: String::new(),
        }
    }

    /// The arguments of the path as Python spells them.
    pub(crate) fn path_arguments(&self) -> Vec<String> {
        self.path_names.iter().map(|name| argument(name)).collect()
    }
}

/// A parameter's name as an argument.
pub(crate) fn argument(name: &str) -> String {
    let snake = snake_case(name);
    if is_identifier(&snake) { snake } else { format!("{snake}_") }
}

/// The names in braces of a path, in order.
fn path_names(path: &str) -> Vec<String> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

fn call(operation: &Operation, schemas: &Schemas) -> Call {
    let headers = operation.parameters_in(Location::Header).map(|parameter| parameter.name.clone());
    let query = operation.parameters_in(Location::Query).map(|parameter| {
        let is_list = matches!(shape(schemas, &parameter.schema), Shape::List(_));
        let mark = if !is_list {
            ""
        } else if parameter.comma_separated {
            ","
        } else {
            "*"
        };
        format!("{}{mark}", parameter.name)
    });
    let media_type = |types: &[String]| match types {
        [] => String::new(),
        types if types.iter().any(|one| one == "application/json") => "application/json".to_owned(),
        [first, ..] => first.clone(),
    };
    let success = operation.responses.iter().find(|response| (200..300).contains(&response.status));
    let accept = success.map(|response| media_type(&response.media_types)).unwrap_or_default();
    Call {
        method: operation.method.to_uppercase(),
        path: operation.path.clone(),
        path_names: path_names(&operation.path),
        query: query.collect(),
        headers: headers.collect(),
        body: operation.request.as_ref().map(|body| media_type(&body.media_types)).unwrap_or_default(),
        accept: if accept == "application/json" { String::new() } else { accept },
        result: operation.result().map(|result| shape(schemas, result)),
        wrapped: match &operation.list {
            ListShape::Wrapped { items, next_in_body: true } => items.clone(),
            _ => String::new(),
        },
    }
}
