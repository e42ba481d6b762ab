//! XML as objects: attributes in `$`, text beside children or attributes in `_`, several children
//! of one name as a list.
//!
//! # Source
//!
//! xml2js with single children as values; assumed, since no export shows one.

use indexmap::IndexMap;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

use crate::convert::to_text;
use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::value::{DEPTH_MAX, Object, Value};

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("xml:parse", "Parse", parse)
            .takes("string*: text")
            .gives("output: object")
            .note("Attributes stand in `$`, text beside attributes or children in `_`, several children of one name in a list.")
            .examples(&[
                (r#"{"string":"<a id=\"1\"><b>x</b><b>&lt;y&gt;</b><c/></a>"}"#, r#"{"output":{"a":{"$":{"id":"1"},"b":["x","<y>"],"c":""}}}"#),
                (r#"{"string":"<a t=\"1\">x</a>"}"#, r#"{"output":{"a":{"$":{"t":"1"},"_":"x"}}}"#),
            ])
            .beyond_templates(),
        pure("xml:build", "Build", build)
            .takes("object*: object")
            .gives("output: text")
            .examples(&[(r#"{"object":{"a":{"$":{"id":1},"b":["x","<y>"],"c":null}}}"#, r#"{"output":"<a id=\"1\"><b>x</b><b>&lt;y&gt;</b><c/></a>"}"#)])
            .beyond_templates(),
    ]
}

/// An element that is being read.
#[derive(Default)]
struct Element {
    name: String,
    attributes: IndexMap<String, Value>,
    children: IndexMap<String, Vec<Value>>,
    text: String,
}

impl Element {
    fn value(self) -> Value {
        let text = self.text.trim();
        if self.attributes.is_empty() && self.children.is_empty() {
            return text.into();
        }
        let single_or_list = |mut values: Vec<Value>| if values.len() == 1 { values.remove(0) } else { values.into() };
        let attributes = (!self.attributes.is_empty()).then(|| ("$".to_owned(), Value::object(self.attributes)));
        let content = (!text.is_empty()).then(|| ("_".to_owned(), Value::from(text)));
        let children = self.children.into_iter().map(|(name, values)| (name, single_or_list(values)));
        Value::object(attributes.into_iter().chain(content).chain(children))
    }
}

fn parse(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(read(call.text("string"))?)
}

fn read(text: &str) -> Result<Value, FunctionError> {
    let mut reader = Reader::from_str(text);
    // The element at the bottom is the document.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event();
        let malformed =
            || FunctionError::invalid(format!("string: the text is not XML, byte {}", reader.error_position()));
        match event.map_err(|_| malformed())? {
            Event::Start(tag) => open.push(element(&tag).ok_or_else(malformed)?),
            Event::Empty(tag) => {
                let element = element(&tag).ok_or_else(malformed)?;
                close(&mut open, element).ok_or_else(malformed)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(malformed)?;
                close(&mut open, element).ok_or_else(malformed)?;
            }
            Event::Text(text) => {
                open.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            Event::CData(text) => {
                open.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            Event::GeneralRef(name) => {
                let resolved =
                    quick_xml::escape::unescape(&format!("&{};", &*name)).map_err(|_| malformed())?.into_owned();
                open.last_mut().ok_or_else(malformed)?.text.push_str(&resolved);
            }
            Event::Eof => break,
            // Declarations, comments and instructions say nothing; entities of a document type are
            // not expanded.
            _ => {}
        }
        if open.len() > DEPTH_MAX / 2 {
            return Err(FunctionError::limit("string: the XML nests too deep"));
        }
    }
    let document = open.pop().filter(|document| open.is_empty() && document.text.trim().is_empty());
    let root = document
        .map(|document| document.children)
        .filter(|children| children.values().map(Vec::len).sum::<usize>() == 1);
    let root = root.ok_or_else(|| FunctionError::invalid("string: the text is not XML with one root element"))?;
    Ok(Value::object(
        root.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value))),
    ))
}

fn element(tag: &BytesStart<'_>) -> Option<Element> {
    let name = tag.name().as_ref().to_owned();
    let mut attributes = IndexMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.as_ref().to_owned();
        attributes.insert(key, quick_xml::escape::unescape(&attribute.value).ok()?.into_owned().into());
    }
    Some(Element { name, attributes, ..Element::default() })
}

fn close(open: &mut [Element], mut element: Element) -> Option<()> {
    let name = std::mem::take(&mut element.name);
    open.last_mut()?.children.entry(name).or_default().push(element.value());
    Some(())
}

fn build(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let object = call.object("object");
    if object.len() != 1 {
        return Err(FunctionError::invalid("object: XML has one root element, so the object must have one key"));
    }
    let mut writer = Writer::new(Vec::new());
    let written = children(&mut writer, &object)
        .and_then(|()| String::from_utf8(writer.into_inner()).map_err(std::io::Error::other));
    output(written.map_err(|error| FunctionError::invalid(format!("object: {error}")))?)
}

fn children(writer: &mut Writer<Vec<u8>>, object: &Object) -> std::io::Result<()> {
    for (name, value) in object.iter().filter(|(name, _)| !matches!(&***name, "$" | "_")) {
        match value {
            Value::List(items) => items.iter().try_for_each(|item| write(writer, name, item))?,
            single => write(writer, name, single)?,
        }
    }
    Ok(())
}

fn write(writer: &mut Writer<Vec<u8>>, name: &str, value: &Value) -> std::io::Result<()> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') || !name.chars().all(good) {
        return Err(std::io::Error::other("a key is not the name of an XML element"));
    }
    let mut start = BytesStart::new(name);
    let nothing = Value::Null;
    let (attributes, text, inner) = match value {
        Value::Object(object) => (object.get("$"), object.get("_").unwrap_or(&nothing), Some(object)),
        other => (None, other, None),
    };
    for (key, value) in attributes.and_then(Value::as_object).iter().flat_map(|object| object.iter()) {
        start.push_attribute((&**key, to_text(value).as_str()));
    }
    let text = to_text(text);
    let has_children = inner.is_some_and(|object| object.keys().any(|key| !matches!(&**key, "$" | "_")));
    if text.is_empty() && !has_children {
        return writer.write_event(Event::Empty(start));
    }
    writer.write_event(Event::Start(start))?;
    if !text.is_empty() {
        writer.write_event(Event::Text(BytesText::new(&text)))?;
    }
    if let Some(object) = inner {
        children(writer, object)?;
    }
    writer.write_event(Event::End(BytesEnd::new(name)))
}
