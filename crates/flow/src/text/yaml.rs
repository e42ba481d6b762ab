//! YAML as a tree with positions and comments, and its one way of being written.
//!
//! The parser is granit-parser; what is understood is the part of YAML that a person writes by
//! hand: maps, lists, scalars and tags. Anchors, aliases and several documents are refused.

use std::fmt::Write as _;

use granit_parser::{Event, Parser, Placement, ScalarStyle};
use serde_json::{Number, Value};

use super::TextError;

/// A place in a text, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value with its tag, its place, and the comments that belong to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) tag: Option<String>,
    pub(crate) at: At,
    /// Lines above it, each without its `#`.
    pub(crate) above: Vec<String>,
    /// Behind it on its line.
    pub(crate) right: Option<String>,
}

/// What a [`Node`] is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A scalar; plain ones may be numbers, truth values or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Default for Data {
    fn default() -> Self {
        Self::Map(Vec::new())
    }
}

/// Deeper than any flow, and shallow enough for the stack.
const MAX_DEPTH: usize = 128;

impl Node {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::data(Data::Scalar { text: text.into(), plain: false })
    }

    /// A number, truth value or null.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::data(Data::Scalar { text: text.into(), plain: true })
    }

    pub(crate) fn data(data: Data) -> Self {
        Self { data, ..Self::default() }
    }

    /// A JSON value.
    pub(crate) fn json(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::text(text.clone()),
            Value::Array(items) => Self::data(Data::List(items.iter().map(Self::json).collect())),
            Value::Object(members) => {
                Self::data(Data::Map(members.iter().map(|(key, value)| (key.clone(), Self::json(value))).collect()))
            }
            other => Self::plain(other.to_string()),
        }
    }

    /// What a scalar means: text, a number, a truth value or null.
    pub(crate) fn scalar(&self) -> Option<Value> {
        let Data::Scalar { text, plain } = &self.data else { return None };
        Some(if *plain { resolve(text) } else { Value::String(text.clone()) })
    }

    /// The tree as JSON.
    pub(crate) fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar { .. } => self.scalar().unwrap_or_default(),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
        }
    }

    /// A map, to be filled.
    pub(crate) fn map() -> Self {
        Self::default()
    }

    /// Adds a member to a map.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: Self) {
        if let Data::Map(members) = &mut self.data {
            members.push((key.into(), value));
        }
    }

    fn is_empty(&self) -> bool {
        match &self.data {
            Data::Scalar { .. } => false,
            Data::List(items) => items.is_empty(),
            Data::Map(members) => members.is_empty(),
        }
    }
}

/// What a plain scalar means. Numbers are those of JSON.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => serde_json::from_str::<Number>(text).map_or_else(|_| Value::String(text.to_owned()), Value::Number),
    }
}

/// Reads a text; an empty one is an empty map. The comments at its end come with it.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<String>), TextError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), comments: Vec::new(), last: At::default() };
    let mut root = None;
    while let Some((event, at)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            event if root.is_none() => root = Some(reader.node(event, at, 0)?),
            _ => return Err(TextError::at(at, "a second document is not expected here")),
        }
    }
    let rest = std::mem::take(&mut reader.comments);
    let mut root = root.unwrap_or_default();
    if let Data::Scalar { plain: true, text } = &root.data
        && text.is_empty()
    {
        root.data = Data::default();
    }
    Ok((root, rest))
}

struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    /// Comments above what comes next.
    comments: Vec<String>,
    last: At,
}

impl<'t> Reader<'t> {
    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'t>, At)>, TextError> {
        loop {
            let Some(event) = self.parser.next() else { return Ok(None) };
            let (event, span) = event.map_err(|error| {
                let at = At { line: error.marker().line(), column: error.marker().col() + 1 };
                TextError::at(at, format!("not YAML: {}", error.info()))
            })?;
            let at = At { line: span.start.line(), column: span.start.col() + 1 };
            match event {
                Event::Comment(text, Placement::Right) => self.comments.push(format!("\u{0}{text}")),
                Event::Comment(text, _) => self.comments.push(text.into_owned()),
                event => {
                    self.last = at;
                    return Ok(Some((event, at)));
                }
            }
        }
    }

    fn require(&mut self) -> Result<(Event<'t>, At), TextError> {
        let last = self.last;
        self.next()?.ok_or_else(|| TextError::at(last, "the text ends too early"))
    }

    /// Comments seen so far: above what comes next, and behind what came last.
    fn comments(&mut self) -> (Vec<String>, Option<String>) {
        let mut above = Vec::new();
        let mut right = None;
        for comment in std::mem::take(&mut self.comments) {
            match comment.strip_prefix('\u{0}') {
                Some(comment) => right = Some(comment.to_owned()),
                None => above.push(comment),
            }
        }
        (above, right)
    }

    fn node(&mut self, event: Event<'t>, at: At, depth: usize) -> Result<Node, TextError> {
        if depth > MAX_DEPTH {
            return Err(TextError::at(at, format!("more than {MAX_DEPTH} levels deep")));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(_, anchor, tag)
            | Event::MappingStart(_, anchor, tag) => {
                (*anchor, tag.as_ref().map(|tag| format!("{}{}", tag.handle(), tag.suffix())))
            }
            Event::Alias(_) => return Err(TextError::at(at, "aliases are not understood; repeat the value")),
            _ => return Err(TextError::at(at, "a value is expected here")),
        };
        if anchor != 0 {
            return Err(TextError::at(at, "anchors are not understood; repeat the value"));
        }
        let tag = tag.map(|tag| tag.trim_start_matches('!').to_owned()).filter(|tag| !tag.is_empty());
        let data = match event {
            Event::Scalar(text, style, ..) => {
                Data::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => self.list(depth)?,
            _ => self.map(depth)?,
        };
        Ok(Node { data, tag, at, ..Node::default() })
    }

    /// Gives the comments behind a line to the value that ended there, and returns those above.
    fn hand_back(&mut self, previous: Option<&mut Node>) -> Vec<String> {
        let (above, right) = self.comments();
        if let (Some(previous), Some(right)) = (previous, right) {
            previous.right = Some(right);
        }
        above
    }

    fn list(&mut self, depth: usize) -> Result<Data, TextError> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            let (event, at) = self.require()?;
            let above = self.hand_back(items.last_mut());
            if event == Event::SequenceEnd {
                self.comments.extend(above);
                return Ok(Data::List(items));
            }
            let mut item = self.node(event, at, depth + 1)?;
            item.above = above;
            items.push(item);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Data, TextError> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, at) = self.require()?;
            let above = self.hand_back(members.last_mut().map(|(_, value)| value));
            let key = match event {
                Event::MappingEnd => {
                    self.comments.extend(above);
                    return Ok(Data::Map(members));
                }
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(TextError::at(at, "a key has to be text")),
            };
            if members.iter().any(|(known, _)| *known == key) {
                return Err(TextError::at(at, format!("{key:?} stands here twice")));
            }
            let (event, value_at) = self.require()?;
            let (inner, right) = self.comments();
            // Comments between a key and its list or map belong to what comes first in it.
            let scalar = matches!(event, Event::Scalar(..));
            if !scalar {
                self.comments.clone_from(&inner);
            }
            let mut value = self.node(event, value_at, depth + 1)?;
            value.at = at;
            value.right = right;
            value.above = above;
            if scalar {
                value.above.extend(inner);
            }
            members.push((key, value));
        }
    }
}

/// Writes a tree.
pub(crate) fn write(root: &Node, rest: &[String]) -> String {
    let mut out = String::new();
    if let Data::Map(members) = &root.data {
        map(&mut out, members, 0, false);
    }
    for comment in rest {
        let _ = writeln!(out, "#{comment}");
    }
    out
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn comments(out: &mut String, node: &Node, depth: usize) {
    for comment in &node.above {
        indent(out, depth);
        let _ = writeln!(out, "#{comment}");
    }
}

/// Writes members; the first stands on a line that has begun, if `begun`.
fn map(out: &mut String, members: &[(String, Node)], depth: usize, begun: bool) {
    for (n, (key, value)) in members.iter().enumerate() {
        if n > 0 || !begun {
            comments(out, value, depth);
            indent(out, depth);
        }
        out.push_str(&plain_or_quoted(key, true));
        out.push(':');
        value_of(out, value, depth, false);
    }
}

/// Writes a value behind its key, or behind the dash of a list.
fn value_of(out: &mut String, node: &Node, depth: usize, item: bool) {
    if let Some(tag) = &node.tag {
        let _ = write!(out, " !{tag}");
    }
    let right = |out: &mut String| {
        if let Some(comment) = &node.right {
            let _ = write!(out, " #{comment}");
        }
        out.push('\n');
    };
    match &node.data {
        Data::Scalar { text, plain } => scalar(out, text, *plain, depth, right),
        Data::List(_) if node.is_empty() => {
            out.push_str(" []");
            right(out);
        }
        Data::Map(_) if node.is_empty() => {
            out.push_str(" {}");
            right(out);
        }
        Data::List(items) => {
            right(out);
            for value in items {
                comments(out, value, depth + 1);
                indent(out, depth + 1);
                out.push('-');
                value_of(out, value, depth + 1, true);
            }
        }
        Data::Map(members) if item && node.tag.is_none() && node.right.is_none() && members[0].1.above.is_empty() => {
            out.push(' ');
            map(out, members, depth + 1, true);
        }
        Data::Map(members) => {
            right(out);
            map(out, members, depth + 1, false);
        }
    }
}

fn scalar(out: &mut String, text: &str, plain: bool, depth: usize, right: impl Fn(&mut String)) {
    if plain || !is_block(text) {
        out.push(' ');
        out.push_str(&if plain { text.to_owned() } else { plain_or_quoted(text, false) });
        return right(out);
    }
    let body = text.trim_end_matches('\n');
    let ends = text.len() - body.len();
    out.push_str(match ends {
        0 => " |-",
        1 => " |",
        _ => " |+",
    });
    right(out);
    for line in body.split('\n').chain(std::iter::repeat_n("", ends.saturating_sub(1))) {
        if !line.is_empty() {
            indent(out, depth + 1);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// Whether a text reads well, and comes back unchanged, as a block of lines.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.trim_end_matches('\n').is_empty()
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && !text.lines().any(|line| !line.is_empty() && line.trim().is_empty())
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn plain_or_quoted(text: &str, key: bool) -> String {
    if is_plain(text) && !(key && text.len() > 200) {
        return text.to_owned();
    }
    if text.chars().all(is_printable) && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Whether a text can stand without quotes and stays text, also for older readers of YAML.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let word = text.to_ascii_lowercase();
    let starts_well = first.is_alphanumeric() || matches!(first, '$' | '/' | '_' | '(' | '.' | '<' | '=' | '+');
    starts_well
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && resolve(text).is_string()
        && !matches!(word.as_str(), "yes" | "no" | "on" | "off" | "y" | "n" | "true" | "false" | "null" | "=" | "<<")
        && !(first.is_ascii_digit() || matches!(first, '.' | '+'))
            | text.chars().any(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E' | 'x' | 'o'))
        && !text.starts_with("...")
}

/// Carries the comments of one tree over to another, by keys and by the `id` of list items.
pub(crate) fn carry(from: &Node, to: &mut Node) {
    to.above.clone_from(&from.above);
    to.right.clone_from(&from.right);
    match (&from.data, &mut to.data) {
        (Data::Map(from), Data::Map(to)) => {
            for (key, value) in from {
                match to.iter_mut().find(|(known, _)| known == key) {
                    Some((_, target)) => carry(value, target),
                    None => stranded(value, to),
                }
            }
        }
        (Data::List(from), Data::List(to)) => {
            for (n, item) in from.iter().enumerate() {
                let id = identity(item);
                let position = to.iter().position(|known| id.is_some() && identity(known) == id);
                if let Some(target) = to.get_mut(position.unwrap_or(n)) {
                    carry(item, target);
                }
            }
        }
        _ => {}
    }
}

/// Comments of a member that is no longer written go to the first one that is.
fn stranded(from: &Node, to: &mut [(String, Node)]) {
    if let Some((_, first)) = to.first_mut() {
        first.above.extend(from.above.iter().cloned());
        first.above.extend(from.right.iter().cloned());
    }
}

fn identity(node: &Node) -> Option<&str> {
    let Data::Map(members) = &node.data else { return None };
    members.iter().find_map(|(key, value)| match &value.data {
        Data::Scalar { text, .. } if key == "id" => Some(text.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn there_and_back(value: &Value) {
        let mut root = Node::map();
        root.set("v", Node::json(value));
        let text = write(&root, &[]);
        let (read, _) = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read.to_json(), json!({ "v": value }), "{text}");
        assert_eq!(write(&read, &[]), text);
    }

    #[test]
    fn values_come_back() {
        for value in [
            json!(null),
            json!(true),
            json!(1.5),
            json!(-3),
            json!("true"),
            json!("1e5"),
            json!("a: b"),
            json!("x #y"),
            json!("- a"),
            json!(""),
            json!(" a "),
            json!("a\nb"),
            json!("a\n\n  b\n\n"),
            json!(" a\nb"),
            json!("\n"),
            json!("tab\tx"),
            json!("é\u{7f}\u{2028}"),
            json!("\"q\" \\ 'x'"),
            json!("yes"),
            json!("0x1F"),
            json!("a:"),
            json!([]),
            json!({}),
            json!([[], {}, [1, [2]], {"a": {"b": []}}]),
            json!({"a b": {"c: d": "${x}"}, "": 1}),
            json!("2024-01-01"),
            json!("..."),
            json!("---"),
            json!("%a"),
            json!("a\n \nb"),
            json!("{a}"),
            json!("12:30:45"),
        ] {
            there_and_back(&value);
        }
    }

    #[test]
    fn comments_stay_with_their_values() {
        let text =
            "# top\na: 1 # one\n# above b\nb:\n  # first\n  - id: x # ident\n    c: 2\n  # second\n  - id: y\n# end\n";
        let (from, rest) = parse(text).unwrap();
        let (mut to, _) = parse("a: 1\nb:\n  - id: x\n    c: 2\n  - id: y\n").unwrap();
        carry(&from, &mut to);
        assert_eq!(write(&to, &rest), text);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (text, line) in [("a: &x 1\nb: *x\n", 1), ("a: 1\na: 2\n", 2), ("a: [1\n", 1), ("a: 1\n---\nb: 2\n", 3)] {
            let error = parse(text).map(|_| ()).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
        }
    }
}
