//! Writes the type stubs: `models.pyi` and `_methods.pyi`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::classes::{Class, Models, Shape};
use super::methods::{Call, Method, Methods, argument};
use super::names::{constant, is_identifier};

/// Methods of every model; a member of the same name takes the place of one.
const METHODS: &[&str] = &["as_dict", "from_dict", "get", "items", "keys", "request_format", "to_dict"];

/// The stub of `oktant.okta.models`.
pub(crate) fn models(models: &Models) -> String {
    let mut out = format!(
        "# {GENERATED_BY}\n\nfrom typing import Any, Final\n\n\
         from oktant.okta._model import EnumText as EnumText, OktaObject as OktaObject\n\n"
    );
    for (name, values) in &models.enums {
        let _ = writeln!(out, "class {name}(EnumText):");
        let constants: Vec<String> = values.iter().filter_map(|value| constant(value)).collect();
        let unique: BTreeSet<&String> = constants.iter().filter(|constant| *constant != "mro").collect();
        for constant in &unique {
            let _ = writeln!(out, "    {constant}: Final[{name}]");
        }
        if unique.is_empty() {
            out.push_str("    ...\n");
        }
        out.push('\n');
    }
    for (name, class) in &models.classes {
        out.push_str(&self::class(name, class));
    }
    for (name, target) in &models.aliases {
        let _ = writeln!(out, "{name} = {target}");
    }
    out
}

fn class(name: &str, class: &Class) -> String {
    let base = if class.base.is_empty() { "OktaObject" } else { &class.base };
    let mut out = format!("class {name}({base}):\n");
    // A subclass narrows what a member of its base holds, which a checker calls an error where it is mutable.
    let narrows = |attribute: &str| !class.base.is_empty() || METHODS.contains(&attribute);
    let mut written = false;
    for member in &class.members {
        let hint = member.shape.hint("");
        let optional = if hint == "Any" { hint } else { format!("{hint} | None") };
        for attribute in &member.attributes {
            let comment = if narrows(attribute) { "  # type: ignore[assignment, unused-ignore]" } else { "" };
            let _ = writeln!(out, "    {attribute}: {optional}{comment}");
            written = true;
        }
    }
    if !written {
        out.push_str("    ...\n");
    }
    out.push('\n');
    out
}

/// The stub of `oktant.okta._methods`.
pub(crate) fn methods(methods: &Methods) -> String {
    let mut out = format!(
        "# {GENERATED_BY}\n\nfrom collections.abc import Mapping\nfrom typing import Any\n\n\
         from oktant.okta import models\n\
         from oktant.okta._answers import Answer, Body, SyncAnswer, SyncVoidAnswer, VoidAnswer\n\n\
         Query = Mapping[str, Any] | None\n\n\
         KNOWN: frozenset[str]\n\n\
         class Method:\n    \
             verb: str\n    wrapped: str\n    is_void: bool\n    \
             def __init__(self, name: str, line: str) -> None: ...\n    \
             @property\n    def data_type(self) -> Any: ...\n    \
             def bind(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any: ...\n\n"
    );
    class_of(&mut out, "Methods", "", &methods.named, methods, Form::Async);
    class_of(&mut out, "SyncMethods", "", &methods.named, methods, Form::Sync);
    class_of(&mut out, "ThirdMethods", "Methods", &methods.third, methods, Form::Async);
    class_of(&mut out, "SyncThirdMethods", "SyncMethods", &methods.third, methods, Form::Sync);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Async,
    Sync,
}

fn class_of<'a>(
    out: &mut String,
    name: &str,
    base: &str,
    list: impl IntoIterator<Item = (&'a String, &'a Method)>,
    all: &Methods,
    form: Form,
) {
    let bases = if base.is_empty() { String::new() } else { format!("({base})") };
    let _ = writeln!(out, "class {name}{bases}:");
    let ignore = if base.is_empty() { "" } else { "  # type: ignore[override]" };
    for (name, method) in list {
        let arguments = arguments(method, &all.calls[&method.call]);
        let (prefix, mark) = if form == Form::Async { ("async def", "") } else { ("def", "Sync") };
        let answer = match &method.result {
            Some(shape) => format!("{mark}Answer[{}]", hint(shape)),
            None => format!("{mark}VoidAnswer"),
        };
        let _ = writeln!(out, "    {prefix} {name}({arguments}) -> {answer}: ...{ignore}");
    }
    out.push('\n');
}

fn hint(shape: &Shape) -> String {
    match shape {
        Shape::Plain(hint) => hint.clone(),
        Shape::List(items) => format!("list[{}]", hint(items)),
        named => named.hint("models."),
    }
}

fn arguments(method: &Method, call: &Call) -> String {
    let body_type = method.setting("body").unwrap_or(&call.body);
    let mut names = call.path_arguments();
    if !body_type.is_empty() {
        names.push("body".to_owned());
    }
    if !method.arguments.is_empty() {
        names.clone_from(&method.arguments);
    }
    let mut out = "self".to_owned();
    let path_count = call.path_names.len();
    for (index, name) in names.iter().enumerate() {
        let hint = if index < path_count { "str" } else { "Body" };
        let _ = write!(out, ", {name}: {hint}");
    }
    out.push_str(", query_params: Query = ..., keep_empty_params: bool | None = ..., *");
    let mut taken: BTreeSet<String> = names.into_iter().collect();
    let marked = |name: &String| name.trim_end_matches(['*', ',']).to_owned();
    for name in call.query.iter().map(marked).chain(call.headers.iter().cloned()) {
        let name = argument(&name);
        if is_identifier(&name) && taken.insert(name.clone()) {
            let _ = write!(out, ", {name}: Any = ...");
        }
    }
    out.push_str(", _headers: Mapping[str, str] | None = ..., **more: Any");
    out
}
