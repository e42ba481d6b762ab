//! Writes models as Rust source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::items::{Arm, Item, ItemKind, Member, Tag};
use super::names::{feature_name, snake_case};

/// Modules that are not named after a group.
const SHARED: &str = "shared";
const UNREACHED: &str = "unreached";

/// Types of the runtime that a member may have.
const RUNTIME: [&str; 6] = ["Json", "List", "Map", "Number", "Secret", "Timestamp"];

/// The sources: file name without its ending, and text. The last one is `mod`.
pub(crate) fn files(items: &BTreeMap<String, Item>, aliases: &[(String, String)]) -> Vec<(String, String)> {
    let mut modules: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
    for item in items.values() {
        modules.entry(module_of(item)).or_default().push(item);
    }
    modules.entry(UNREACHED.to_owned()).or_default();
    let mut files: Vec<_> = modules
        .iter()
        .map(|(module, members)| {
            let aliases = if module == UNREACHED { aliases } else { &[] };
            (module.clone(), module_source(module, members, aliases))
        })
        .collect();
    files.push(("mod".to_owned(), root(items, modules.keys())));
    files
}

/// The module of a type: of its group if it has one, `shared` if several.
fn module_of(item: &Item) -> String {
    let mut groups = item.groups.iter();
    match (groups.next(), groups.next()) {
        (None, _) => UNREACHED.to_owned(),
        (Some(group), None) => feature_name(group).replace('-', "_"),
        (Some(_), Some(_)) => SHARED.to_owned(),
    }
}

fn root<'a>(items: &BTreeMap<String, Item>, modules: impl Iterator<Item = &'a String>) -> String {
    let mut out = format!("// {GENERATED_BY}\n\nuse crate::named::Blank;\n\n");
    let mut uses = String::new();
    let mut tables = String::new();
    for module in modules {
        let condition = match module.as_str() {
            SHARED => String::new(),
            UNREACHED => "#[cfg(feature = \"full\")]\n".to_owned(),
            group => format!("#[cfg(feature = {:?})]\n", group.replace('_', "-")),
        };
        let doc = match module.as_str() {
            SHARED => "Models that operations of several groups use.".to_owned(),
            UNREACHED => "Models that no operation uses.".to_owned(),
            group => format!("Models of the group `{}`.", group_name(items, group)),
        };
        let _ = writeln!(out, "/// {doc}\n{condition}pub mod {module};");
        let _ = writeln!(uses, "{condition}pub use {module}::*;");
        let _ = writeln!(tables, "{condition}{module}::BLANKS,");
    }
    let _ = write!(
        out,
        "\n{uses}\n/// A blank model of every schema, by module; each list is sorted.\n\
         pub(crate) const BLANKS: &[&[(&str, Blank)]] = &[\n{tables}];\n"
    );
    out
}

fn group_name(items: &BTreeMap<String, Item>, module: &str) -> String {
    let groups = items.values().flat_map(|item| &item.groups);
    let mut named = groups.filter(|group| feature_name(group).replace('-', "_") == module);
    named.next().cloned().unwrap_or_default()
}

fn module_source(module: &str, items: &[&Item], aliases: &[(String, String)]) -> String {
    let mut body = String::new();
    let mut blanks: BTreeMap<&str, (String, String)> = BTreeMap::new();
    let unions = items.iter().filter(|item| matches!(item.kind, ItemKind::Union { .. }));
    let unions: BTreeSet<&str> = unions.map(|item| item.schema.as_str()).collect();
    for item in items {
        let condition = if module == SHARED { condition(&item.groups) } else { String::new() };
        body.push_str(&condition);
        body.push_str(&self::item(item));
        body.push('\n');
        // The schema of a base is known by its enum.
        if matches!(item.kind, ItemKind::Object { .. }) && unions.contains(item.schema.as_str()) {
            continue;
        }
        blanks.insert(&item.schema, (condition, item.name.clone()));
    }
    for (schema, rust) in aliases {
        blanks.insert(schema, (String::new(), rust.clone()));
    }
    let mut table = "pub(super) const BLANKS: &[(&str, Blank)] = &[\n".to_owned();
    for (schema, (condition, name)) in &blanks {
        let _ = writeln!(table, "{condition}({schema:?}, blank::<{name}>),");
    }
    table.push_str("];\n");
    format!("// {GENERATED_BY}\n\n{}\n{body}{table}", imports(items, aliases))
}

fn imports(items: &[&Item], aliases: &[(String, String)]) -> String {
    let own: BTreeSet<&str> = items.iter().map(|item| item.name.as_str()).collect();
    let mut mentioned: BTreeSet<String> = BTreeSet::new();
    for item in items {
        match &item.kind {
            ItemKind::Choice { .. } => {}
            ItemKind::Object { members, .. } => mentioned.extend(members.iter().flat_map(|member| words(&member.rust))),
            ItemKind::Union { arms, common, .. } => {
                mentioned.extend(arms.iter().flat_map(|arm| words(&arm.rust)));
                if common.is_none() {
                    mentioned.insert("Json".to_owned());
                }
            }
        }
    }
    mentioned.extend(aliases.iter().flat_map(|(_, rust)| words(rust)));
    let runtime: Vec<_> = RUNTIME.iter().filter(|name| mentioned.contains(**name)).copied().collect();
    let known = |name: &String| {
        own.contains(name.as_str())
            || runtime.contains(&name.as_str())
            || ["Box", "String", "bool", "i64"].contains(&name.as_str())
    };
    let mut out = "use crate::named::{Blank, blank};\n".to_owned();
    if !runtime.is_empty() {
        let _ = writeln!(out, "use crate::{{{}}};", runtime.join(", "));
    }
    let others: Vec<_> = mentioned.iter().filter(|name| !known(name)).map(String::as_str).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "use super::{{{}}};", others.join(", "));
    }
    out
}

fn words(rust: &str) -> Vec<String> {
    rust.split(['<', '>']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn condition(groups: &BTreeSet<String>) -> String {
    let features: Vec<_> = groups.iter().map(|group| format!("feature = {:?}", feature_name(group))).collect();
    format!("#[cfg(any({}))]\n", features.join(", "))
}

fn item(item: &Item) -> String {
    match &item.kind {
        ItemKind::Object { bases, extensible, members, tags } => object(item, bases, *extensible, members, tags),
        ItemKind::Choice { values } => choice(item, values),
        ItemKind::Union { property, common, arms, shared } => union(item, property, common.as_deref(), arms, shared),
    }
}

fn object(item: &Item, bases: &[String], extensible: bool, members: &[Member], tags: &[Tag]) -> String {
    let Item { name, schema, .. } = item;
    let extends = match bases {
        [] => String::new(),
        bases => format!(", with the members of {}", code_list(bases.iter())),
    };
    let takes = if extensible { " It takes members of your own." } else { "" };
    let begins = tags.iter().map(|(member, value)| format!(" Its default has `{member}` set to `{value}`."));
    let begins: String = begins.collect();
    let extensible = if extensible { " extensible" } else { "" };
    let set = tags.iter().fold(String::new(), |set, (member, value)| format!("{set}, {member:?} = {value:?}"));
    let mut out = format!(
        "object! {{\n    /// Schema `{schema}`{extends}.{takes}{begins}\n    {name} = {schema:?}{extensible}{set} {{\n"
    );
    for (index, Member { field, json, rust, flags }) in members.iter().enumerate() {
        let facts = [format!("`{json}`")].into_iter().chain(flags.iter().map(|flag| flag.replace('_', "-")));
        let facts = facts.collect::<Vec<_>>().join(", ");
        let json = format!("{json:?}");
        let end = [json.as_str()].iter().chain(flags).copied().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "        /// {facts}.\n        {index} {field}: {rust} = {end};");
    }
    out.push_str("    }\n}\n");
    out
}

fn choice(item: &Item, values: &[(String, String)]) -> String {
    let Item { name, schema, .. } = item;
    let mut out = format!("choice! {{\n    /// Values of `{schema}`.\n    {name} = {schema:?} {{\n");
    for (index, (variant, value)) in values.iter().enumerate() {
        let _ = writeln!(out, "        {index} {variant} = {value:?};");
    }
    out.push_str("    }\n}\n");
    out
}

fn union(item: &Item, property: &str, common: Option<&str>, arms: &[Arm], shared: &[Member]) -> String {
    let Item { name, schema, .. } = item;
    let decided =
        if property.is_empty() { "told apart by form".to_owned() } else { format!("told apart by `{property}`") };
    let other = common.map_or_else(|| "raw Json".to_owned(), |common| format!("common Box<{common}>"));
    let mut out = format!(
        "union! {{\n    /// One of the forms of `{schema}`, {decided}.\n    {name} = {schema:?} by {property:?} or {other} {{\n"
    );
    for (index, Arm { variant, rust, values }) in arms.iter().enumerate() {
        let texts: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
        let accessor = format!("as_{}", snake_case(variant));
        let target = rust.strip_prefix("Box<").and_then(|rust| rust.strip_suffix('>')).unwrap_or(rust);
        let _ = writeln!(out, "        {index} {variant}({rust} as {target}) {accessor} [{}];", texts.join(", "));
    }
    let variants: Vec<_> = arms.iter().map(|arm| arm.variant.as_str()).chain(["Other"]).collect();
    let _ = writeln!(out, "    }}\n    shared [{}] {{", variants.join(" "));
    for Member { field, json, rust, .. } in shared {
        let _ = writeln!(out, "        /// `{json}`, which every form has.\n        {field}: {rust};");
    }
    out.push_str("    }\n}\n");
    out
}

fn code_list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::items::innermost;
    use super::words;

    #[test]
    fn types_are_taken_apart() {
        assert_eq!(words("List<Map<String>>"), ["List", "Map", "String"]);
        assert_eq!(innermost("List<Map<User>>"), "User");
    }
}
