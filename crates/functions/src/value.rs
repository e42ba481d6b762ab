//! What a card receives and gives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Datelike, SecondsFormat};
use indexmap::IndexMap;
use oktant_base::Timestamp;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// How deep lists and objects may nest. Checked wherever values come from outside or grow, so that
/// code that walks a value may recurse.
pub const DEPTH_MAX: usize = 128;

/// A value that a flow passes from card to card. Cloning copies no content.
///
/// JSON has no instants and files: [`Serialize`] writes an instant as ISO 8601 text and a file as
/// an object, as a flow's callers see them. [`Tagged`] keeps them apart, for storage.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Nothing: an input without a value, or a JSON null.
    #[default]
    Null,
    /// True/False.
    Boolean(bool),
    /// A number; an IEEE double, as in JavaScript.
    Number(f64),
    /// Text.
    Text(Arc<str>),
    /// An instant, in whole milliseconds if made with [`Value::date`].
    Date(Timestamp),
    /// Named values, in order of insertion.
    Object(Object),
    /// Values in order.
    List(List),
    /// A file of the run's store.
    File(Arc<File>),
}

/// Refers to a file of the run's store; its content is never in a value.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct File {
    /// Its id in the store.
    pub id: String,
    /// Its name, as users see it.
    pub name: String,
    /// Its media type, if it is known.
    pub media_type: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Values in order; knows its size and depth.
#[derive(Clone, PartialEq)]
pub struct List(Arc<Measured<Vec<Value>>>);

/// Named values in order of insertion; knows its size and depth.
#[derive(Clone, PartialEq)]
pub struct Object(Arc<Measured<IndexMap<Arc<str>, Value>>>);

#[derive(Clone, PartialEq)]
struct Measured<T> {
    content: T,
    bytes: usize,
    depth: usize,
}

/// What an entry of an object costs beside key and value: its hash and its place in the table.
const ENTRY_BYTES: usize = 32;

impl Value {
    /// An instant, cut to whole milliseconds.
    pub fn date(instant: Timestamp) -> Self {
        Self::Date(DateTime::from_timestamp_millis(instant.timestamp_millis()).unwrap_or(instant))
    }

    /// Text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list of `items`.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// An object of `entries`, in their order; of two equal names the later value wins.
    pub fn object<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(entries.into_iter().collect())
    }

    /// What kind of value this is, in the words of error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "true/false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Date(_) => "a date",
            Self::Object(_) => "an object",
            Self::List(_) => "a list",
            Self::File(_) => "a file",
        }
    }

    /// Whether this is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a text.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number of a number.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The truth of a true/false.
    pub fn as_boolean(&self) -> Option<bool> {
        if let Self::Boolean(truth) = self { Some(*truth) } else { None }
    }

    /// The instant of a date.
    pub fn as_date(&self) -> Option<Timestamp> {
        if let Self::Date(instant) = self { Some(*instant) } else { None }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&List> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The entries of an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// Memory it holds, in bytes; content that is shared counts wherever it occurs. Takes constant time.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Date(_) => 0,
                Self::Text(text) => text.len(),
                Self::Object(object) => object.0.bytes,
                Self::List(list) => list.0.bytes,
                Self::File(file) => {
                    size_of::<File>()
                        + file.id.len()
                        + file.name.len()
                        + file.media_type.as_ref().map_or(0, String::len)
                }
            }
    }

    /// How deep it nests: 0 for what contains nothing. Takes constant time.
    pub fn depth(&self) -> usize {
        match self {
            Self::Object(object) => object.0.depth,
            Self::List(list) => list.0.depth,
            _ => 0,
        }
    }

    /// Compact JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every value has a JSON text")
    }

    /// The value of a JSON text.
    ///
    /// # Errors
    ///
    /// What is wrong with the text and where, or that it nests deeper than [`DEPTH_MAX`].
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl List {
    /// The items, to change them; copied only if the list is shared.
    pub fn into_vec(self) -> Vec<Value> {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.content.clone(), |own| own.content)
    }
}

impl Object {
    /// The entries, to change them; copied only if the object is shared.
    pub fn into_map(self) -> IndexMap<Arc<str>, Value> {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.content.clone(), |own| own.content)
    }
}

impl From<Vec<Value>> for List {
    fn from(content: Vec<Value>) -> Self {
        let bytes = content.iter().map(Value::bytes).sum();
        let depth = 1 + content.iter().map(Value::depth).max().unwrap_or(0);
        Self(Arc::new(Measured { content, bytes, depth }))
    }
}

impl From<IndexMap<Arc<str>, Value>> for Object {
    fn from(content: IndexMap<Arc<str>, Value>) -> Self {
        let bytes = content.iter().map(|(key, value)| ENTRY_BYTES + key.len() + value.bytes()).sum();
        let depth = 1 + content.values().map(Value::depth).max().unwrap_or(0);
        Self(Arc::new(Measured { content, bytes, depth }))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<IndexMap<_, _>>().into()
    }
}

impl Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.0.content
    }
}

impl Deref for Object {
    type Target = IndexMap<Arc<str>, Value>;

    fn deref(&self) -> &IndexMap<Arc<str>, Value> {
        &self.0.content
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.content.fmt(f)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.content.fmt(f)
    }
}

macro_rules! from {
    ($($source:ty => $make:expr;)*) => {
        $(impl From<$source> for Value {
            fn from(source: $source) -> Self {
                ($make)(source)
            }
        })*
    };
}

from! {
    bool => Value::Boolean;
    f64 => Value::Number;
    i32 => |number| Value::Number(f64::from(number));
    usize => |number| Value::Number(number as f64);
    &str => Value::text;
    String => Value::text;
    Arc<str> => Value::Text;
    Timestamp => Value::date;
    Vec<Value> => |items| Value::List(List::from(items));
    List => Value::List;
    Object => Value::Object;
    IndexMap<Arc<str>, Value> => |entries| Value::Object(Object::from(entries));
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(source: Option<T>) -> Self {
        source.map_or(Self::Null, Into::into)
    }
}

/// The text of a number: the shortest decimal that reads back as the same number.
///
/// # Source
///
/// ECMAScript, `Number::toString`.
pub fn number_text(number: f64) -> String {
    ryu_js::Buffer::new().format(number).to_owned()
}

/// The text of an instant: UTC with milliseconds.
///
/// # Source
///
/// ECMAScript, date time string format, with six digits and a sign for years outside 0 to 9999.
pub(crate) fn date_text(instant: Timestamp) -> String {
    if (0..=9999).contains(&instant.year()) {
        return instant.to_rfc3339_opts(SecondsFormat::Millis, true);
    }
    format!("{:+07}-{}", instant.year(), instant.format("%m-%dT%H:%M:%S%.3fZ"))
}

/// Whole numbers beyond this are not exact in a double, and are written in its own form.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

fn serialize_number<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 && number.abs() <= INTEGER_MAX {
        return serializer.serialize_i64(number as i64);
    }
    // JSON has neither infinities nor NaN; as in JavaScript they become null.
    if number.is_finite() { serializer.serialize_f64(number) } else { serializer.serialize_unit() }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => serialize_number(*number, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Date(instant) => serializer.serialize_str(&date_text(*instant)),
            Self::Object(object) => serializer.collect_map(object.iter().map(|(key, value)| (&**key, value))),
            Self::List(list) => serializer.collect_seq(list.iter()),
            Self::File(file) => file.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader::Plain)
    }
}

/// Whether a number comes back the same from JSON. JSON has no infinities, NaN and negative zero,
/// and `serde_json` reads more than 15 digits to within one unit in the last place only, unless its
/// feature `float_roundtrip` is on.
#[expect(clippy::float_cmp, reason = "the same number is what is asked for")]
fn survives_json(number: f64) -> bool {
    let integer = number.fract() == 0.0 && number.abs() <= INTEGER_MAX;
    if integer {
        return number != 0.0 || number.is_sign_positive();
    }
    let thousandths = number * 1000.0;
    number.is_finite() && thousandths.fract() == 0.0 && thousandths.abs() < 1e15 && thousandths / 1000.0 == number
}

/// A value in the encoding that loses nothing, for storage.
///
/// An instant is `{"$date": milliseconds}`, a file `{"$file": {...}}`, a number that JSON would not
/// give back the same `{"$number": "NaN"}`, and an object with such a name `{"$object": {...}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged<T>(pub T);

impl Serialize for Tagged<&Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn tag<S: Serializer>(serializer: S, name: &str, content: &impl Serialize) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(name, content)?;
            map.end()
        }
        match self.0 {
            Value::Date(instant) => tag(serializer, "$date", &instant.timestamp_millis()),
            Value::File(file) => tag(serializer, "$file", &**file),
            Value::Number(number) if !survives_json(*number) => tag(serializer, "$number", &number.to_string()),
            Value::List(list) => serializer.collect_seq(list.iter().map(Tagged)),
            Value::Object(object) if looks_tagged(object) => tag(serializer, "$object", &TaggedEntries(object)),
            Value::Object(object) => TaggedEntries(object).serialize(serializer),
            plain => plain.serialize(serializer),
        }
    }
}

impl Serialize for Tagged<Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Tagged(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tagged<Value> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader::Tagged).map(Self)
    }
}

struct TaggedEntries<'a>(&'a Object);

impl Serialize for TaggedEntries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (&**key, Tagged(value))))
    }
}

fn looks_tagged(object: &Object) -> bool {
    object.keys().any(|key| key.starts_with('$'))
}

/// Reads a value.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    /// As JSON has it.
    Plain,
    /// With tags.
    Tagged,
    /// With tags inside, but the outermost object is what it is.
    Escaped,
}

impl<'de> de::DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        within_depth(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: IndexMap<Arc<str>, Value> = IndexMap::new();
        while let Some(key) = access.next_key::<String>()? {
            if self == Self::Tagged && key.starts_with('$') {
                let value = tagged(&key, &mut access)?;
                if access.next_key::<String>()?.is_some() {
                    return Err(de::Error::custom("an entry beside a tag"));
                }
                return Ok(value);
            }
            let inner = if self == Self::Plain { Self::Plain } else { Self::Tagged };
            entries.insert(key.into(), access.next_value_seed(inner)?);
        }
        within_depth(entries.into())
    }
}

fn tagged<'de, A: MapAccess<'de>>(tag: &str, access: &mut A) -> Result<Value, A::Error> {
    let value = match tag {
        "$date" => DateTime::from_timestamp_millis(access.next_value()?).map(Value::Date),
        "$file" => Some(Value::File(Arc::new(access.next_value()?))),
        "$number" => access.next_value::<String>()?.parse().ok().map(Value::Number),
        "$object" => Some(access.next_value_seed(Reader::Escaped)?),
        _ => None,
    };
    value.ok_or_else(|| de::Error::custom(format_args!("unknown tag or bad content: {tag}")))
}

fn within_depth<E: de::Error>(value: Value) -> Result<Value, E> {
    if value.depth() > DEPTH_MAX {
        return Err(E::custom(format_args!("nested deeper than {DEPTH_MAX} levels")));
    }
    Ok(value)
}
