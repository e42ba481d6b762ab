//! Writes `_table.py`: everything that the classes and methods are made from when they are first used.
//!
//! Strings in dictionaries load in a millisecond, where two thousand classes take seconds.

use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::classes::{Class, Member, Models};
use super::methods::{Call, Method, Methods};

/// What the lines mean, for those who read the file.
const LEGEND: &str = "\
# CALLS: METHOD path|query names (* repeated, comma joined)|headers|body|accept|answer|list in the answer
# METHODS: call|arguments of 2.x|settings; THIRD: what 3.x means by a name that 2.x gave to something else
# MODELS: base|member=attribute,attribute:type with ! for secrets; a type is Class, ~Enumeration or [either]
# SUBCLASSES: which member tells the subclasses of a class apart, and the class of each value
";

/// The source of the module.
pub(crate) fn source(methods: &Methods, models: &Models) -> String {
    let mut out = format!("# {GENERATED_BY}\n{LEGEND}");
    dictionary(&mut out, "CALLS", "str", methods.calls.iter().map(|(name, call)| (name, text(&call_line(call)))));
    dictionary(
        &mut out,
        "METHODS",
        "str",
        methods.named.iter().map(|(name, method)| (name, text(&method_line(method)))),
    );
    dictionary(&mut out, "THIRD", "str", methods.third.iter().map(|(name, method)| (name, text(&method_line(method)))));
    dictionary(&mut out, "MODELS", "str", models.classes.iter().map(|(name, class)| (name, text(&class_line(class)))));
    dictionary(&mut out, "ENUMS", "str", models.enums.iter().map(|(name, values)| (name, text(&values.join("|")))));
    dictionary(&mut out, "ALIASES", "str", models.aliases.iter().map(|(name, target)| (name, text(target))));
    let told_apart = models.classes.iter().filter(|(_, class)| !class.subclasses.is_empty());
    dictionary(
        &mut out,
        "SUBCLASSES",
        "list[tuple[str, dict[str, str]]]",
        told_apart.map(|(name, class)| (name, subclasses(class))),
    );
    let filled = models.classes.iter().filter(|(_, class)| !class.constants.is_empty());
    dictionary(
        &mut out,
        "CONSTANTS",
        "dict[str, str | int | bool]",
        filled.map(|(name, class)| (name, constants(class))),
    );
    out
}

fn dictionary<'a>(out: &mut String, name: &str, values: &str, entries: impl Iterator<Item = (&'a String, String)>) {
    let _ = writeln!(out, "\n{name}: dict[str, {values}] = {{");
    for (key, value) in entries {
        let _ = writeln!(out, "    {}: {value},", text(key));
    }
    out.push_str("}\n");
}

fn call_line(call: &Call) -> String {
    let result = call.result.as_ref().map_or_else(|| "-".to_owned(), super::classes::Shape::code);
    let Call { method, path, query, headers, body, accept, wrapped, .. } = call;
    let (query, headers) = (query.join(" "), headers.join(" "));
    format!("{method} {path}|{query}|{headers}|{body}|{accept}|{result}|{wrapped}").trim_end_matches('|').to_owned()
}

fn method_line(method: &Method) -> String {
    let settings: Vec<String> = method.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}|{}|{}", method.call, method.arguments.join(" "), settings.join(" ")).trim_end_matches('|').to_owned()
}

fn class_line(class: &Class) -> String {
    let members: Vec<String> = class.members.iter().map(member).collect();
    format!("{}|{}", class.base, members.join(" "))
}

/// One member; its own name is an attribute without saying.
fn member(member: &Member) -> String {
    let mut out = member.name.clone();
    let attributes: Vec<&str> =
        member.attributes.iter().filter(|attribute| **attribute != member.name).map(String::as_str).collect();
    if !attributes.is_empty() {
        let _ = write!(out, "={}", attributes.join(","));
    }
    let code = member.shape.code();
    if !code.is_empty() {
        // A name of JSON may hold a colon, a type may not: readers split at the last one.
        let _ = write!(out, ":{code}");
    } else if member.name.contains(':') {
        out.push(':');
    }
    if member.secret {
        out.push('!');
    }
    out
}

fn subclasses(class: &Class) -> String {
    let told: Vec<String> = class
        .subclasses
        .iter()
        .map(|(member, classes)| {
            let classes: Vec<String> =
                classes.iter().map(|(value, class)| format!("{}: {}", text(value), text(class))).collect();
            format!("({}, {{{}}})", text(member), classes.join(", "))
        })
        .collect();
    format!("[{}]", told.join(", "))
}

fn constants(class: &Class) -> String {
    let members: Vec<String> = class
        .constants
        .iter()
        .map(|(name, value)| {
            let value = match value {
                serde_json::Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
                other => other.to_string(),
            };
            format!("{}: {value}", text(name))
        })
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// A literal; JSON's form is Python's for the characters that occur here.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}
