//! Writes the handle of a group and the requests of its operations.

use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::super::model::{Limit, Location, Operation};
use super::names;
use super::plan::{Answer, Body, BodyKind, Input, InputKind, Plan};

/// The module of one tag group.
pub(super) fn group(group: &str, plans: &[Plan<'_>]) -> String {
    let handle = names::handle(group);
    let module = super::module(group);
    let methods: String = plans.iter().map(method).collect();
    let requests: String = plans.iter().map(request).collect();
    let count = plans.len();
    format!(
        "// {GENERATED_BY}\n\n\
         //! {group}: {count} operations, called on [`{handle}`].\n\n\
         use crate::{{Okta, Request, models}};\n\n\
         /// The operations of {group}. [`Okta::{module}`] gives it.\n\
         #[derive(Debug, Clone)]\n\
         pub struct {handle}(Okta);\n\n\
         impl Okta {{\n\
         /// The operations of {group}.\n\
         #[inline]\n\
         pub fn {module}(&self) -> {handle} {{ {handle}(self.clone()) }}\n\
         }}\n\n\
         impl {handle} {{\n{methods}}}\n\n{requests}"
    )
}

/// The method of the handle.
fn method(plan: &Plan<'_>) -> String {
    let Plan { method, request, operation, .. } = plan;
    let mut signature = String::from("&self");
    let mut build = format!("Request::of(&self.0, {:?})", operation.id);
    for Input { parameter, name, kind } in &plan.arguments {
        let _ = write!(signature, ", {name}: {}", input_type(kind));
        let setter = if parameter.location == Location::Path { "path" } else { "set" };
        let _ = write!(build, ".{setter}({:?}, {})", parameter.name, text_of(name, kind));
    }
    let mut out = format!("/// {}: see [`{request}`].\n", line(operation));
    if let Some(Body { required: true, kind }) = &plan.body {
        let _ = write!(signature, ", body: {}", body_type(kind));
        build.push_str(&body_call(kind));
    }
    deprecation(&mut out, operation);
    let _ = writeln!(out, "#[inline]\npub fn {method}({signature}) -> {request} {{ {request}({build}) }}\n");
    out
}

/// The request and what can be set on it.
fn request(plan: &Plan<'_>) -> String {
    let request = &plan.request;
    let mut out = String::new();
    for line in facts(plan) {
        let _ = writeln!(out, "/// {line}");
    }
    let _ = writeln!(
        out,
        "#[derive(Debug, Clone)]\n#[must_use = \"a request does nothing until it is sent\"]\npub struct {request}(Request);\n"
    );
    let mut setters: String = plan.setters.iter().map(setter).collect();
    if let Some(Body { required: false, kind }) = &plan.body {
        let (body, call) = (body_type(kind), body_call(kind));
        let _ = writeln!(
            setters,
            "/// The body.\n#[inline]\npub fn body(self, body: {body}) -> Self {{ Self(self.0{call}) }}\n"
        );
    }
    for media_type in &plan.other_forms {
        let name = names::parameter(media_type.rsplit('/').next().unwrap_or(media_type));
        let _ = writeln!(
            setters,
            "/// Sends it and asks for `{media_type}` instead of JSON.\n#[inline]\n\
             pub fn {name}(self) -> crate::Pending<crate::Reply<bytes::Bytes>> \
             {{ self.0.header(\"accept\", {media_type:?}).raw() }}\n"
        );
    }
    if !setters.is_empty() {
        let _ = writeln!(out, "impl {request} {{\n{setters}}}\n");
    }
    let common = match &plan.answer {
        Answer::Nothing => format!("one!({request});"),
        Answer::Text => format!("one!({request}, text);"),
        Answer::Model(answer) => format!("one!({request}, {});", qualified(answer)),
        Answer::List(item) => format!("list!({request}, {});", qualified(item)),
    };
    let _ = writeln!(out, "{common}\n");
    out
}

/// What the documentation of a request says.
fn facts(plan: &Plan<'_>) -> Vec<String> {
    let operation = plan.operation;
    let handle = names::handle(&operation.group);
    let mut lines = vec![
        format!("Request of [`{handle}::{}`].", plan.method),
        String::new(),
        format!("{}, operation `{}`.", line(operation), operation.id),
        String::new(),
        format!("- Answer: {}", answer(&plan.answer)),
    ];
    lines.extend(operation.limit.as_ref().and_then(page_size).map(|size| format!("- Page size: {size}")));
    if !operation.scopes.is_empty() {
        lines.push(format!("- OAuth scopes: {}", code_list(&operation.scopes)));
    }
    lines.push(format!("- Credentials: {}", credentials(operation.security)));
    lines.push(format!("- Release stage: {}", stage(operation.lifecycle)));
    lines.push(format!("- Rate-limit bucket: `{}`", operation.bucket));
    lines
}

fn line(operation: &Operation) -> String {
    format!("`{} {}`", operation.method.to_uppercase(), operation.path)
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Nothing => "none".to_owned(),
        Answer::Text => "text".to_owned(),
        Answer::Model(name) => format!("`{name}`"),
        Answer::List(item) => format!("a list of `{item}`"),
    }
}

/// What the description says about the page size, if anything.
fn page_size(limit: &Limit) -> Option<String> {
    let parts = [("at least", limit.min), ("by default", limit.default), ("at most", limit.max)];
    let parts: Vec<_> = parts.iter().filter_map(|(word, size)| Some(format!("{word} {}", (*size)?))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn credentials(security: &str) -> &'static str {
    match security {
        "TokenOrOAuth" => "API token or OAuth",
        "TokenOnly" => "API token",
        "OAuthOnly" => "OAuth",
        "Client" => "those of the OAuth client",
        _ => "none",
    }
}

fn stage(lifecycle: &str) -> &'static str {
    match lifecycle {
        "Ga" => "general availability",
        "LimitedGa" => "general availability to orgs with a feature or product",
        "EarlyAccess" => "early access",
        "Beta" => "beta",
        _ => "not stated",
    }
}

fn deprecation(out: &mut String, operation: &Operation) {
    if operation.deprecated {
        out.push_str("#[deprecated = \"the description calls it deprecated\"]\n");
    }
}

fn code_list(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

/// The method that sets a query or header parameter.
fn setter(input: &Input<'_>) -> String {
    let Input { parameter, name, kind } = input;
    let value = text_of(name, kind);
    let set = match (parameter.location, kind) {
        (Location::Header, _) => format!("header({:?}, {value})", parameter.name),
        (_, InputKind::Texts) => format!("set_all({:?}, {value}, {})", parameter.name, parameter.comma_separated),
        _ => format!("set({:?}, {value})", parameter.name),
    };
    let place = if parameter.location == Location::Header { "Header" } else { "Query parameter" };
    let mut out = format!("/// {place} `{}`", parameter.name);
    if !parameter.values.is_empty() && !matches!(kind, InputKind::Enum(_)) {
        let _ = write!(out, ": {}", code_list(&parameter.values));
    }
    let _ = writeln!(
        out,
        ".\n#[inline]\npub fn {name}(self, {name}: {}) -> Self {{ Self(self.0.{set}) }}\n",
        input_type(kind),
    );
    out
}

fn input_type(kind: &InputKind) -> String {
    match kind {
        InputKind::Text => "impl Into<String>".to_owned(),
        InputKind::Integer => "i64".to_owned(),
        InputKind::Number => "f64".to_owned(),
        InputKind::Boolean => "bool".to_owned(),
        InputKind::Enum(name) => format!("impl Into<{}>", qualified(name)),
        InputKind::Texts => "impl IntoIterator<Item = impl Into<String>>".to_owned(),
    }
}

/// A parameter as the text that is sent.
fn text_of(name: &str, kind: &InputKind) -> String {
    match kind {
        InputKind::Text | InputKind::Texts => name.to_owned(),
        InputKind::Integer | InputKind::Number | InputKind::Boolean => format!("{name}.to_string()"),
        InputKind::Enum(_) => format!("{name}.into().as_str()"),
    }
}

fn body_type(kind: &BodyKind) -> String {
    match kind {
        BodyKind::Model { type_name, .. } => format!("&{}", qualified(type_name)),
        BodyKind::Upload { .. } => "impl Into<crate::Upload>".to_owned(),
        BodyKind::Certificate => "&crate::Certificate".to_owned(),
        BodyKind::Text { .. } => "impl Into<String>".to_owned(),
    }
}

fn body_call(kind: &BodyKind) -> String {
    match kind {
        BodyKind::Model { media_type, .. } if media_type == "application/json" => ".json(body)".to_owned(),
        BodyKind::Model { media_type, .. } => format!(".body({media_type:?}, models::Model::write(body))"),
        BodyKind::Upload { field } => format!(".upload({field:?}, &body.into())"),
        BodyKind::Certificate => ".certificate(body)".to_owned(),
        BodyKind::Text { media_type } => format!(".body({media_type:?}, body.into())"),
    }
}

/// A type of the models as the SDK names it: `List<User>` is `models::List<models::User>`.
pub(super) fn qualified(type_name: &str) -> String {
    match type_name.split_once('<') {
        Some((outer, inner)) => {
            format!("{}<{}>", qualified(outer), qualified(inner.strip_suffix('>').unwrap_or(inner)))
        }
        None if matches!(type_name, "String" | "bool" | "i64" | "u8" | "Vec") => type_name.to_owned(),
        None => format!("models::{type_name}"),
    }
}
