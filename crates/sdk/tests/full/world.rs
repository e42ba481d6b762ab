//! Objects that operations work on, found in the org or made when they are needed.
//!
//! An object is known by the shape of its path, such as `/api/v1/groups/{}`: the path template with its
//! parameters unnamed. Its key is, in this order, that of the last one made, of the first one listed,
//! of one made now, and of the object that parameters of this name mean elsewhere.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use oktant_catalog::{ListShape, Method, Operation, Parameter, ParameterIn, TypeRef};
use oktant_sdk::models::Json;
use oktant_sdk::{Error, Okta};
use serde_json::Value;

use crate::cases::{ALIASES, CASES, Case, KEYS, LITERALS};
use crate::example;

/// Members that keys are found in, if [`KEYS`] has none for the shape.
const KEY_MEMBERS: [&str; 4] = ["/id", "/kid", "/name", "/key"];

/// How deep objects are made for objects.
const DEPTH_MAX: usize = 5;

/// An org with what is known of it.
pub(crate) struct World {
    okta: Okta,
    /// Address of the org.
    url: String,
    keys: BTreeMap<String, String>,
    /// As `keys` was before the requests that precede an operation.
    old: BTreeMap<String, String>,
    /// The last answer to a request that precedes an operation.
    last: Value,
    /// Numbers given out for names.
    numbers: usize,
}

impl World {
    pub(crate) fn new(okta: &Okta, url: &str) -> Self {
        Self {
            okta: okta.clone(),
            url: url.to_owned(),
            keys: BTreeMap::new(),
            old: BTreeMap::new(),
            last: Value::Null,
            numbers: 0,
        }
    }

    /// Sends what must have happened before an operation.
    pub(crate) async fn prepare(&mut self, operation: &Operation) {
        self.old.clone_from(&self.keys);
        for (method, path, body) in case(operation.id).before {
            let path = self.filled(path, 0).await;
            let body = self.filled(body, 0).await;
            if let Err(error) = self.send(*method, &path, &body).await {
                eprintln!("before {}: {} {path}: {error}", operation.id, method.as_str());
            }
        }
    }

    /// Goes back to the objects that were known before an operation was prepared, if its case made some.
    pub(crate) fn settle(&mut self, operation: &Operation) {
        if !case(operation.id).before.is_empty() {
            self.keys.clone_from(&self.old);
        }
    }

    /// The path parameters of an operation.
    pub(crate) async fn path(&mut self, operation: &Operation) -> BTreeMap<String, String> {
        self.parameters(operation, 0).await
    }

    /// The query parameters that an operation is called with: those that it must have, and its case's.
    pub(crate) async fn query(&mut self, operation: &Operation) -> Vec<(String, String)> {
        let mut query = Vec::new();
        for (name, value) in case(operation.id).query {
            query.push(((*name).to_owned(), self.filled(value, 0).await));
        }
        let given: Vec<_> = query.iter().map(|(name, _)| name.clone()).collect();
        let required = operation.parameters_in(ParameterIn::Query).filter(|parameter| parameter.required);
        for parameter in required.filter(|parameter| !given.iter().any(|name| name == parameter.name)) {
            query.push((parameter.name.to_owned(), example_of(parameter)));
        }
        query
    }

    /// The body that an operation is called with.
    pub(crate) async fn body(&mut self, operation: &Operation) -> Option<Vec<u8>> {
        self.body_of(operation, 0).await
    }

    /// Remembers the key of what an operation made.
    pub(crate) fn learn(&mut self, operation: &Operation, value: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(value) else { return };
        let shape = format!("{}/{{}}", shape_of(operation.path));
        let is_known = oktant_catalog::operations().iter().any(|known| {
            let known = shape_of(known.path);
            known == shape || known.starts_with(&format!("{shape}/"))
        });
        if let Some(key) = key_of(&shape, &value).filter(|_| is_known) {
            self.forget(&shape);
            self.keys.insert(shape, key);
        }
    }

    /// Forgets what stands at a shape and below it.
    pub(crate) fn forget(&mut self, shape: &str) {
        self.keys.retain(|known, _| known != shape && !known.starts_with(&format!("{shape}/")));
    }

    async fn send(&mut self, method: Method, path: &str, body: &str) -> Result<(), Error> {
        let mut request = self.okta.request(method, path)?;
        if !body.is_empty() {
            request = request.json(&Json::parse(body.to_owned()).expect("the body of a case is JSON"));
        }
        let answer = request.raw().await?;
        self.last = serde_json::from_slice(&answer).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        if let Some(found) = oktant_catalog::route(method, path).filter(|_| method == Method::Post) {
            self.learn(found.operation, &answer);
        }
        Ok(())
    }

    fn parameters<'a>(&'a mut self, operation: &'a Operation, depth: usize) -> BoxFuture<'a, BTreeMap<String, String>> {
        async move {
            let mut found = BTreeMap::new();
            let mut shape = String::new();
            for segment in operation.path.split('/').skip(1) {
                let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                    shape = format!("{shape}/{segment}");
                    continue;
                };
                shape.push_str("/{}");
                let own = case(operation.id).path.iter().find(|(known, _)| *known == name);
                let value = match own {
                    Some((_, value)) => self.filled(value, depth).await,
                    None => self.key(&shape, name, depth).await,
                };
                // What stands below is looked for below this one.
                self.keys.insert(shape.clone(), value.clone());
                found.insert(name.to_owned(), value);
            }
            found
        }
        .boxed()
    }

    /// The key of an object of a shape, for a parameter of this name.
    fn key<'a>(&'a mut self, shape: &'a str, name: &'a str, depth: usize) -> BoxFuture<'a, String> {
        async move {
            if let Some((_, value)) = LITERALS.iter().find(|(known, _)| *known == shape) {
                return self.filled(value, depth).await;
            }
            if let Some(known) = self.keys.get(shape) {
                return known.clone();
            }
            if depth < DEPTH_MAX {
                if let Some(found) = self.listed(shape, depth + 1).await {
                    return found;
                }
                if let Some(made) = self.made(shape, depth + 1).await {
                    return made;
                }
            }
            match alias_of(name).filter(|of| *of != shape) {
                Some(of) if depth < DEPTH_MAX => self.key(of, "", depth + 1).await,
                _ => named(name).map_or_else(|| "example".to_owned(), example_of),
            }
        }
        .boxed()
    }

    /// The key of the first object that a list shows.
    async fn listed(&mut self, shape: &str, depth: usize) -> Option<String> {
        let operation = operation_at(Method::Get, shape.strip_suffix("/{}")?)?;
        if operation.list == ListShape::None {
            return None;
        }
        let path = self.path_of(operation, depth).await;
        let first = self.okta.request(Method::Get, &path).ok()?.list_of::<Json>().first().await.ok()??;
        key_of(shape, &first.to_value())
    }

    /// The key of an object that is made now.
    async fn made(&mut self, shape: &str, depth: usize) -> Option<String> {
        let operation = operation_at(Method::Post, shape.strip_suffix("/{}")?)?;
        let path = self.path_of(operation, depth).await;
        let body = String::from_utf8(self.body_of(operation, depth).await.unwrap_or_default()).ok()?;
        self.send(Method::Post, &path, &body).await.ok()?;
        self.keys.get(shape).cloned()
    }

    /// The path of an operation with keys in the place of its parameters.
    async fn path_of(&mut self, operation: &Operation, depth: usize) -> String {
        let parameters = self.parameters(operation, depth).await;
        parameters.iter().fold(operation.path.to_owned(), |path, (name, value)| {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
            path.replace(&format!("{{{name}}}"), &value)
        })
    }

    fn body_of<'a>(&'a mut self, operation: &'a Operation, depth: usize) -> BoxFuture<'a, Option<Vec<u8>>> {
        async move {
            let request = operation.request.as_ref()?;
            let own = case(operation.id).body;
            if !own.is_empty() {
                return Some(self.filled(own, depth).await.into_bytes());
            }
            Some(match request.media_types.first() {
                _ if matches!(request.schema, TypeRef::String(_)) => b"header.payload.signature".to_vec(),
                Some(media_type) if media_type.ends_with("json") => {
                    example::of(&request.schema).to_string().into_bytes()
                }
                _ => b"\x89PNG\r\n\x1a\n".to_vec(),
            })
        }
        .boxed()
    }

    /// A text with what stands between `<` and `>` filled in: `n` is a new number, `#n` the last one, and
    /// `issuer` the org, `last:` begins a pointer into the last answer, and all else is the key of an object,
    /// by an alias or a shape; with `old:` the one that was known before the operation was prepared.
    fn filled<'a>(&'a mut self, text: &'a str, depth: usize) -> BoxFuture<'a, String> {
        async move {
            let mut filled = String::new();
            let mut rest = text;
            while let Some((before, after)) = rest.split_once('<') {
                let (name, after) = after.split_once('>').expect("a place ends");
                filled.push_str(before);
                rest = after;
                let value = match name {
                    "n" => {
                        self.numbers += 1;
                        self.numbers.to_string()
                    }
                    "#n" => self.numbers.to_string(),
                    "issuer" => self.url.clone(),
                    // As long as that of an RSA key of 2,048 bits.
                    "modulus" => format!("{}w", "u".repeat(341)),
                    _ if name.starts_with("last:") => {
                        self.last.pointer(&name[5..]).and_then(Value::as_str).unwrap_or("unknown").to_owned()
                    }
                    _ if name.starts_with("old:") => {
                        let shape = alias_of(&name[4..]).unwrap_or_else(|| panic!("{name} is no alias"));
                        self.old.get(shape).cloned().unwrap_or_else(|| "unknown".to_owned())
                    }
                    shape if shape.starts_with('/') => self.key(shape, "", depth + 1).await,
                    alias => {
                        let shape = alias_of(alias).unwrap_or_else(|| panic!("{alias} is no alias"));
                        self.key(shape, "", depth + 1).await
                    }
                };
                filled.push_str(&value);
            }
            filled + rest
        }
        .boxed()
    }
}

/// What is special about calling an operation.
pub(crate) fn case(operation: &str) -> &'static Case {
    const PLAIN: &Case = &Case::PLAIN;
    CASES.iter().find(|(id, _)| *id == operation).map_or(PLAIN, |(_, case)| case)
}

/// A path template with its parameters unnamed.
pub(crate) fn shape_of(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn alias_of(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(names, _)| names.contains(&name)).map(|(_, shape)| *shape)
}

fn operation_at(method: Method, shape: &str) -> Option<&'static Operation> {
    let mut operations = oktant_catalog::operations().iter();
    operations.find(|operation| operation.method == method && shape_of(operation.path) == shape)
}

fn key_of(shape: &str, object: &Value) -> Option<String> {
    let own = KEYS.iter().find(|(known, _)| *known == shape).map(|(_, pointer)| *pointer);
    let pointers = own.map_or_else(|| KEY_MEMBERS.to_vec(), |own| vec![own]);
    pointers.iter().find_map(|pointer| Some(object.pointer(pointer)?.as_str()?.to_owned()))
}

/// A path parameter of this name, of any operation.
fn named(name: &str) -> Option<&'static Parameter> {
    let mut parameters = oktant_catalog::operations().iter().flat_map(|operation| operation.parameters);
    parameters.find(|parameter| parameter.name == name && parameter.location == ParameterIn::Path)
}

/// A value that a parameter may have.
pub(crate) fn example_of(parameter: &Parameter) -> String {
    let example = parameter.values.first().map_or_else(|| example::of(&parameter.schema), |first| Value::from(*first));
    example.as_str().map_or_else(|| example.to_string(), ToOwned::to_owned)
}
