//! What stands inside the scalars of a text: names of fields, references, conditions.
//!
//! ```text
//! slot       = [ part "/" ] part
//! reference  = "${" step "." slot { "." part } [ " | " conversion [ " list" ] ] "}"
//! condition  = operand operator [ operand ]
//! operand    = ( reference | JSON | "empty" ) [ " as " type ]
//! ```
//!
//! A part that holds `/`, `.`, `|`, `}` or a quote stands in double quotes, as in JSON.

use serde_json::Value;

use crate::model::{Base, Conversion, Convert, Reference, Slot, StepId, Type};

/// The operators of conditions; those that are a prefix of others come after them.
pub(crate) const OPERATORS: [&str; 15] = [
    "===",
    "!==",
    "==",
    "!=",
    ">=",
    "<=",
    ">",
    "<",
    "%",
    "is not empty",
    "is empty",
    "not in",
    "doesn't have",
    "has",
    "in",
];

/// The operators that ask about one value.
pub(crate) fn is_unary(operator: &str) -> bool {
    matches!(operator, "is empty" | "is not empty")
}

/// The conversions with their names in texts.
const CONVERSIONS: [(Conversion, &str); 8] = [
    (Conversion::Parse, "parse"),
    (Conversion::Stringify, "stringify"),
    (Conversion::ToString, "toString"),
    (Conversion::ParseFloat, "parseFloat"),
    (Conversion::IsoString, "isoString"),
    (Conversion::DateTime, "dateTime"),
    (Conversion::BooleanToString, "booleanToString"),
    (Conversion::WrapArray, "wrapArray"),
];

/// The conversion that an editor puts between two types.
pub(crate) fn conversion(from: Type, to: Type) -> Option<Convert> {
    let how = |how| Some(Convert { how, wrap: false });
    let wrapped = |how| Some(Convert { how, wrap: true });
    let simple = |from: Base, to: Base| match (from, to) {
        (Base::Text, Base::Object) => how(Conversion::Parse),
        (Base::Object, Base::Text) => how(Conversion::Stringify),
        (Base::Text, Base::Date) => how(Conversion::DateTime),
        (Base::Date, Base::Text) => how(Conversion::IsoString),
        (Base::Text, Base::Number) => how(Conversion::ParseFloat),
        (Base::Number, Base::Text) => how(Conversion::ToString),
        (Base::Boolean, Base::Text) => how(Conversion::BooleanToString),
        _ => None,
    };
    match (from.list, to.list) {
        (false, false) => simple(from.base, to.base),
        (true, false) if to.base == Base::Text => how(Conversion::Stringify),
        (false, true) if from.base == to.base => how(Conversion::WrapArray),
        (false, true) => match (from.base, to.base) {
            (Base::Text, Base::Object) => wrapped(Conversion::Parse),
            (Base::Object, Base::Text) => wrapped(Conversion::Stringify),
            _ => None,
        },
        _ => None,
    }
}

/// How the conversion of a reference is written: not at all where it follows from the types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pipe {
    /// It follows from the types.
    Implied,
    /// It is this one.
    Explicit(Option<Convert>),
}

fn part(text: &str, special: &[char]) -> String {
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.starts_with('"')
        && !text.contains(special)
        && !text.chars().any(char::is_control);
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// A slot as a key of a map. `*` behind it marks a required input, `?` one that is not.
pub(crate) fn slot_key(slot: &Slot, mark: &str) -> String {
    let ends = |text: &str| text.ends_with(" *") || text.ends_with(" ?");
    let key = if ends(&slot.key) { Value::from(slot.key.as_str()).to_string() } else { part(&slot.key, &['/']) };
    match &slot.group {
        Some(group) => format!("{}/{key}{mark}", part(group, &['/'])),
        None => format!("{key}{mark}"),
    }
}

/// Reads [`slot_key`]: the slot and its mark.
pub(crate) fn read_slot_key(text: &str) -> Result<(Slot, Option<bool>), String> {
    let (text, mark) = match (text.strip_suffix(" *"), text.strip_suffix(" ?")) {
        (Some(text), _) => (text, Some(true)),
        (None, Some(text)) => (text, Some(false)),
        (None, None) => (text, None),
    };
    let mut scanner = Scanner { rest: text };
    let slot = scanner.slot(&[])?;
    if scanner.rest.is_empty() {
        Ok((slot, mark))
    } else {
        Err(format!("{:?} is left over in the name of a field", scanner.rest))
    }
}

const SPECIAL: [char; 6] = ['/', '.', '|', '}', '"', '{'];

/// A reference in its braces.
pub(crate) fn reference(reference: &Reference, pipe: Pipe) -> String {
    let mut out = format!("${{{}.", part(reference.step.as_str(), &SPECIAL));
    if let Some(group) = &reference.slot.group {
        out.push_str(&part(group, &SPECIAL));
        out.push('/');
    }
    out.push_str(&part(&reference.slot.key, &SPECIAL));
    for key in &reference.path {
        out.push('.');
        out.push_str(&part(key, &SPECIAL));
    }
    if let Pipe::Explicit(convert) = pipe {
        out.push_str(" | ");
        match convert {
            None => out.push_str("none"),
            Some(Convert { how, wrap }) => {
                out.push_str(CONVERSIONS.iter().find(|(known, _)| *known == how).map_or("none", |(_, name)| name));
                if wrap {
                    out.push_str(" list");
                }
            }
        }
    }
    out.push('}');
    out
}

/// Text as it stands, so that it is not taken for a reference.
pub(crate) fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

/// Text with a reference behind it: a `$` at its end is written `${$}`, so that the reference is not taken for text.
pub(crate) fn escape_before_reference(text: &str) -> String {
    let plain = text.trim_end_matches('$');
    escape(plain) + &DOLLAR.repeat(text.len() - plain.len())
}

/// A `$` where what follows would make it mean something else.
const DOLLAR: &str = "${$}";

/// A piece of a text with references in it.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Reference(Reference, Pipe),
    /// `${empty}`: a place in a text that nothing feeds.
    Empty,
    /// `${item}` or `${item.…}`: the element of a loop, and the part of it.
    Item(Option<String>),
}

/// Takes a text apart.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut scanner = Scanner { rest: text };
    let mut out = Vec::new();
    let mut plain = String::new();
    while !scanner.rest.is_empty() {
        let next = scanner.rest.find("${").unwrap_or(scanner.rest.len());
        let (before, rest) = scanner.rest.split_at(next);
        scanner.rest = rest;
        plain.push_str(before);
        if rest.is_empty() {
            break;
        }
        if let Some(behind) = rest.strip_prefix(DOLLAR).filter(|_| !before.ends_with('$')) {
            plain.push('$');
            scanner.rest = behind;
            continue;
        }
        if before.ends_with('$') {
            plain.pop();
            plain.push_str("${");
            scanner.rest = &rest[2..];
            continue;
        }
        if !plain.is_empty() {
            out.push(Piece::Text(std::mem::take(&mut plain)));
        }
        out.push(scanner.reference()?);
    }
    if !plain.is_empty() {
        out.push(Piece::Text(plain));
    }
    Ok(out)
}

/// The element of a loop, or a part of it.
pub(crate) fn item(path: Option<&str>) -> String {
    match path {
        None => "${item}".to_owned(),
        Some(path) => format!("${{item.{}}}", part(path, &['}', '"'])),
    }
}

/// An operand of a condition as written.
#[derive(Debug, PartialEq)]
pub(crate) enum Side {
    Empty,
    Constant(Value),
    Reference(Reference, Pipe),
}

impl Side {
    /// The type of an operand that does not say it.
    pub(crate) fn natural(&self) -> Option<Type> {
        match self {
            Self::Empty => Some(Type::TEXT),
            Self::Constant(value) => Some(natural(value)),
            Self::Reference(..) => None,
        }
    }
}

/// The type that a constant has by itself.
pub(crate) fn natural(value: &Value) -> Type {
    match value {
        Value::Null | Value::String(_) => Type::TEXT,
        Value::Bool(_) => Type::one(Base::Boolean),
        Value::Number(_) => Type::one(Base::Number),
        Value::Object(_) => Type::one(Base::Object),
        Value::Array(items) if items.is_empty() => Type::list(Base::Object),
        Value::Array(items) if items.iter().all(Value::is_string) => Type::list(Base::Text),
        Value::Array(items) if items.iter().all(Value::is_number) => Type::list(Base::Number),
        Value::Array(_) => Type::list(Base::Object),
    }
}

/// A condition as written: two operands with the types they are given, and the operator.
pub(crate) type Compared = ((Side, Option<Type>), String, (Side, Option<Type>));

/// Reads a condition.
pub(crate) fn condition(text: &str) -> Result<Compared, String> {
    let mut scanner = Scanner { rest: text.trim() };
    let left = scanner.operand()?;
    let operator = OPERATORS.iter().find(|operator| scanner.rest.starts_with(**operator));
    let operator = operator.ok_or_else(|| {
        format!("an operator is expected before {:?}: one of {}", scanner.rest, OPERATORS[2..].join(", "))
    })?;
    scanner.rest = scanner.rest[operator.len()..].trim_start();
    let right = if scanner.rest.is_empty() && is_unary(operator) { (Side::Empty, None) } else { scanner.operand()? };
    if !scanner.rest.is_empty() {
        return Err(format!("{:?} is left over behind the condition", scanner.rest));
    }
    Ok((left, (*operator).to_owned(), right))
}

/// The operators of where clauses.
const COMPARISONS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];

/// Writes a term of a where clause.
pub(crate) fn term(column: &str, operator: &str, value: &str, or: bool) -> String {
    let column = part(column, &['=', '<', '>', '!', '"']);
    format!("{column} {operator} {value}{}", if or { " or" } else { "" })
}

/// A term as written: column, operator, value with its type, and whether it ends in `or`.
pub(crate) type Compare = (String, String, (Side, Option<Type>), bool);

/// Reads a term: column, operator, value, and whether it is combined by OR with the next.
pub(crate) fn read_term(text: &str) -> Result<Compare, String> {
    let mut scanner = Scanner { rest: text.trim() };
    let column = scanner.part(&['=', '<', '>', '!'])?.trim().to_owned();
    let operator = COMPARISONS.iter().find(|operator| scanner.rest.starts_with(**operator));
    let operator = operator
        .ok_or_else(|| format!("one of {} is expected behind the column {column:?}", COMPARISONS.join(", ")))?;
    scanner.rest = scanner.rest[operator.len()..].trim_start();
    let value = scanner.operand()?;
    match scanner.rest {
        "" => Ok((column, (*operator).to_owned(), value, false)),
        "or" => Ok((column, (*operator).to_owned(), value, true)),
        rest => Err(format!("{rest:?} is left over behind the term")),
    }
}

struct Scanner<'t> {
    rest: &'t str,
}

impl Scanner<'_> {
    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.rest = &self.rest[text.len()..];
        }
        found
    }

    /// A part up to one of the characters, or in quotes.
    fn part(&mut self, ends: &[char]) -> Result<String, String> {
        if self.rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
            let text =
                values.next().and_then(Result::ok).ok_or_else(|| format!("{:?} is no text in quotes", self.rest))?;
            self.rest = self.rest[values.byte_offset()..].trim_start();
            return Ok(text);
        }
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        if part.trim().is_empty() {
            return Err(format!("a name is missing before {rest:?}"));
        }
        Ok(part.trim_end().to_owned())
    }

    fn slot(&mut self, ends: &[char]) -> Result<Slot, String> {
        let mut with_slash = ends.to_vec();
        with_slash.push('/');
        let first = self.part(&with_slash)?;
        if self.eat("/") { Ok(Slot::grouped(first, self.part(ends)?)) } else { Ok(Slot::plain(first)) }
    }

    fn reference(&mut self) -> Result<Piece, String> {
        self.rest = &self.rest[2..];
        let ends = ['.', '|', '}'];
        let step = self.part(&ends)?;
        if step == "item" {
            let path = if self.eat(".") { Some(self.part(&['}'])?) } else { None };
            return if self.eat("}") { Ok(Piece::Item(path)) } else { Err("a } is missing".to_owned()) };
        }
        if step == "empty" && self.eat("}") {
            return Ok(Piece::Empty);
        }
        if !self.eat(".") {
            return Err(format!("${{{step}}} names a step; write the output behind it: ${{{step}.output}}"));
        }
        let slot = self.slot(&ends)?;
        let mut path = Vec::new();
        while self.eat(".") {
            path.push(self.part(&ends)?);
        }
        let pipe = if self.eat("|") { Pipe::Explicit(self.convert()?) } else { Pipe::Implied };
        let convert = match pipe {
            Pipe::Explicit(convert) => convert,
            Pipe::Implied => None,
        };
        if !self.eat("}") {
            return Err("a } is missing".to_owned());
        }
        Ok(Piece::Reference(Reference { step: StepId::new(step), slot, path, convert }, pipe))
    }

    fn convert(&mut self) -> Result<Option<Convert>, String> {
        let text = self.part(&['}'])?;
        let text = text.trim();
        let (name, wrap) = text.strip_suffix(" list").map_or((text, false), |name| (name, true));
        if name == "none" {
            return Ok(None);
        }
        let known = CONVERSIONS.iter().find(|(_, known)| *known == name);
        known.map(|(how, _)| Some(Convert { how: *how, wrap })).ok_or_else(|| {
            let names: Vec<_> = CONVERSIONS.iter().map(|(_, name)| *name).collect();
            format!("{name:?} is no conversion: one of none, {}", names.join(", "))
        })
    }

    fn operand(&mut self) -> Result<(Side, Option<Type>), String> {
        let side = if self.rest.starts_with("${") {
            match self.reference()? {
                Piece::Reference(reference, pipe) => Side::Reference(reference, pipe),
                _ => return Err("an element can be used in the inputs of loops only".to_owned()),
            }
        } else if self.rest.starts_with("empty") {
            self.rest = &self.rest["empty".len()..];
            Side::Empty
        } else {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
            let value = values.next().and_then(Result::ok).ok_or_else(|| {
                format!("{:?} is no value: write ${{step.output}}, \"text\", a number, true, false or empty", self.rest)
            })?;
            self.rest = &self.rest[values.byte_offset()..];
            Side::Constant(value)
        };
        self.rest = self.rest.trim_start();
        let mut ty = None;
        if self.eat("as ") {
            let end = self.rest.find(' ').unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            ty = Some(Type::named(name).ok_or_else(|| format!("{name:?} is no type"))?);
            self.rest = rest.trim_start();
        }
        Ok((side, ty))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_come_back() {
        for (slot, path) in [
            (Slot::grouped("Output", "Okta User"), vec!["ID".to_owned()]),
            (Slot::plain("a.b/c"), vec!["x }".to_owned(), String::new(), "\"q\"".to_owned()]),
            (Slot::grouped("System Properties", " x"), vec![]),
            (Slot::plain("a|b\n"), vec!["Is it?".to_owned()]),
        ] {
            let written = Reference { step: "read_user".into(), slot, path, convert: None };
            let text = reference(&written, Pipe::Implied);
            assert_eq!(pieces(&text).unwrap(), [Piece::Reference(written, Pipe::Implied)], "{text}");
        }
        let found = pieces("a $${x} ${b.c | parse list} $").unwrap();
        assert!(
            matches!(&found[..], [Piece::Text(a), Piece::Reference(..), Piece::Text(b)] if a == "a ${x} " && b == " $")
        );
        for wrong in ["${a}", "${a.b", "${.b}", "${a.b | x}", "${"] {
            assert!(pieces(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_fields_come_back() {
        for (group, key) in [(None, "a"), (Some("A/B"), "c \"d\""), (None, "x *"), (Some("g"), ""), (None, "0.type")] {
            let slot = Slot { group: group.map(str::to_owned), key: key.to_owned() };
            assert_eq!(read_slot_key(&slot_key(&slot, "")).unwrap(), (slot.clone(), None));
            assert_eq!(read_slot_key(&slot_key(&slot, " *")).unwrap(), (slot, Some(true)));
        }
    }

    #[test]
    fn conditions_are_read() {
        let (left, operator, right) = condition("${a.b} >= 100").unwrap();
        assert!(matches!(left, (Side::Reference(..), None)));
        assert_eq!((operator.as_str(), right), (">=", (Side::Constant(json!(100)), None)));
        let (_, operator, right) = condition("\"x\" is not empty").unwrap();
        assert_eq!((operator.as_str(), right.0), ("is not empty", Side::Empty));
        let (_, _, right) = condition("${a.b} == \"5\" as number").unwrap();
        assert_eq!(right.1, Some(Type::one(Base::Number)));
        assert!(condition("${a.b} ~ 1").is_err());
        assert!(read_term("User ID = \"x\" or").unwrap().3);
        assert_eq!(read_term(&term("a=b", "<", "5", false)).unwrap().0, "a=b");
    }
}
