//! Values as they stand in a file or are passed in code, before anyone knows what they should be.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_saphyr::Spanned;

/// A value with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    /// From 1; `None` outside files.
    pub(super) line: Option<u64>,
}

/// A value. Scalars are kept as text: `token: 00123` is a token, not the number 123.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, which counts as not given.
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Why a file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) reason: String,
    pub(super) line: Option<u64>,
}

/// Reads YAML; an empty document is [`Value::Null`].
pub(super) fn yaml(text: &str) -> Result<Node, Broken> {
    let nothing = text.lines().all(|line| matches!(line.trim(), "" | "---" | "...") || line.trim().starts_with('#'));
    if nothing {
        return Ok(Node { value: Value::Null, line: None });
    }
    let raw: Spanned<Raw> = serde_saphyr::from_str(text).map_err(|error| broken(&error))?;
    Ok(node(raw, text))
}

/// The parser's words without its excerpt of the file, which may hold a secret.
fn broken(error: &serde_saphyr::Error) -> Broken {
    let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
    let text = error.without_snippet().to_string();
    let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Broken { reason, line }
}

/// Takes values passed in code.
pub(super) fn json(value: &Json) -> Node {
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Scalar(flag.to_string()),
        Json::Number(number) => Value::Scalar(number.to_string()),
        Json::String(text) => Value::Scalar(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(json).collect()),
        Json::Object(members) => Value::Map(members.iter().map(|(name, value)| (name.clone(), json(value))).collect()),
    };
    Node { value, line: None }
}

/// The value as JSON, for keys that are given as a map.
pub(super) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(members) => members.iter().map(|(name, value)| (name.clone(), to_json(value))).collect(),
    }
}

/// What the parser hands over: its own idea of a scalar, to be replaced by the text.
enum Raw {
    Null,
    Text(String),
    /// A plain scalar that the parser took for a number or a truth value.
    Plain(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(String, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let written = || {
        let span = raw.defined.span();
        let (start, length) = (span.byte_offset()? as usize, span.byte_len()? as usize);
        text.get(start..start.checked_add(length)?).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Scalar(text),
        Raw::Plain(canonical) => Value::Scalar(written().unwrap_or(canonical)),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(members) => Value::Map(members.into_iter().map(|(name, member)| (name, node(member, text))).collect()),
    };
    let line = raw.referenced.line();
    Node { value, line: (line > 0).then_some(line) }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member<'a>(node: &'a Node, name: &str) -> &'a Node {
        let Value::Map(members) = &node.value else { panic!("{node:?} is no map") };
        &members.iter().find(|(known, _)| known == name).expect(name).1
    }

    #[test]
    fn scalars_stay_as_they_were_written() {
        let text = "# settings\nokta:\n  token: 00123\n  flag: yes\n  rate: 1.50\n  quoted: \"a b\"\n  none:\n  list: [a, 2]\n";
        let root = yaml(text).unwrap();
        let okta = member(&root, "okta");
        let scalar = |name: &str| member(okta, name).value.clone();
        assert_eq!(scalar("token"), Value::Scalar("00123".to_owned()));
        assert_eq!(scalar("flag"), Value::Scalar("yes".to_owned()));
        assert_eq!(scalar("rate"), Value::Scalar("1.50".to_owned()));
        assert_eq!(scalar("quoted"), Value::Scalar("a b".to_owned()));
        assert_eq!(scalar("none"), Value::Null);
        assert_eq!(member(okta, "rate").line, Some(5));
        let Value::List(items) = scalar("list") else { panic!("a list") };
        assert_eq!(items[1].value, Value::Scalar("2".to_owned()));
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "\n\n", "# only a comment\n", "---\n# x\n"] {
            assert_eq!(yaml(text).unwrap().value, Value::Null, "{text:?}");
        }
    }

    #[test]
    fn broken_files_name_the_line_and_show_nothing_of_it() {
        let error = yaml("okta:\n  client:\n    token: \"s3cret\n").unwrap_err();
        assert!(error.line.is_some_and(|line| line >= 3), "{error:?}");
        assert!(!error.reason.contains("s3cret"), "{error:?}");
    }
}
