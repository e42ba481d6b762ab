//! Every function by its key: what it takes and gives, an example, and how it runs.

use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use oktant_base::{Clock, Entropy, codes};

use crate::convert::{Flags, Type, convert};
use crate::error::FunctionError;
use crate::value::{DEPTH_MAX, List, Object, Value};
use crate::{boolean, crypto, date, engine, json, jwt, list, math, object, text, url, xml};

/// The most that the outputs of one function may hold, in bytes: the memory of a whole run.
pub const BYTES_MAX: usize = 100 << 20;

/// The name of an input or output: a key, and the group in which it is unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The section of the card; `None` for plain fields.
    pub group: Option<Arc<str>>,
    /// The name within the group.
    pub key: Arc<str>,
}

impl Name {
    /// A name within a group.
    pub fn grouped(group: &str, key: &str) -> Self {
        Self { group: Some(group.into()), key: key.into() }
    }

    /// Whether this is the field `key` of `group`.
    pub fn is(&self, group: Option<&str>, key: &str) -> bool {
        self.group.as_deref() == group && &*self.key == key
    }
}

impl From<&str> for Name {
    fn from(key: &str) -> Self {
        Self { group: None, key: key.into() }
    }
}

/// Values by name, in the card's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(Name, Value)>);

impl Fields {
    /// The value of a field; `None` if there is no such field.
    pub fn get(&self, group: Option<&str>, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name.is(group, key)).map(|(_, value)| value)
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: Name, value: Value) {
        self.0.push((name, value));
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(_, value)| value.bytes()).sum()
    }
}

impl FromIterator<(Name, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl IntoIterator for Fields {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Fields {
    fn from(fields: [(&str, Value); N]) -> Self {
        fields.into_iter().map(|(key, value)| (key.into(), value)).collect()
    }
}

/// What functions take from their surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The time of Now, and of dates that lack a year.
    pub clock: &'a dyn Clock,
    /// The chance of Random and Sample.
    pub entropy: &'a dyn Entropy,
}

/// A declared input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name; the key is `*` where users add fields of their own.
    pub name: Name,
    /// What its value is converted to.
    pub kind: Type,
    /// Whether nothing is an error.
    pub required: bool,
    /// The value where none is given.
    pub default: Value,
}

impl Field {
    fn is_extension(&self) -> bool {
        &*self.name.key == "*"
    }
}

/// How a function runs.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// From its inputs alone.
    Pure(Run),
    /// By the engine: it starts, ends, repeats or delays flows.
    Engine,
}

/// The code of a function. Its inputs are converted and checked.
pub type Run = fn(&Call<'_>) -> Result<Fields, FunctionError>;

/// Inputs and outputs that belong together, as JSON; a field of a group is `group/key`.
pub type Example = (&'static str, &'static str);

/// A function that a card runs.
#[derive(Debug, Clone)]
pub struct Function {
    /// Channel and operation: `string:substr` of the address `root:kernel:string:0.0.1:substr`.
    pub key: &'static str,
    /// The name that users see.
    pub title: &'static str,
    /// What it does beyond its name, where that needs saying.
    pub note: &'static str,
    /// What it takes.
    pub inputs: Vec<Field>,
    /// What it gives.
    pub outputs: Vec<Field>,
    /// How it runs.
    pub kind: Kind,
    /// What it gives for what.
    pub examples: &'static [Example],
    /// Whether published templates use it; the others are known by name only.
    pub in_templates: bool,
}

/// A function that computes.
pub(crate) fn pure(key: &'static str, title: &'static str, run: Run) -> Function {
    let inputs = Vec::new();
    let outputs = Vec::new();
    let kind = Kind::Pure(run);
    Function { key, title, note: "", inputs, outputs, kind, examples: &[], in_templates: true }
}

impl Function {
    /// Declares inputs: `string*: text, separator: text = ",", options/*: any`. `*` after a name
    /// says that it is required, `*` as a name that users add fields.
    pub(crate) fn takes(mut self, fields: &str) -> Self {
        self.inputs = declare(fields);
        self
    }

    /// Declares outputs, in the same form.
    pub(crate) fn gives(mut self, fields: &str) -> Self {
        self.outputs = declare(fields);
        self
    }

    pub(crate) fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    pub(crate) fn examples(mut self, examples: &'static [Example]) -> Self {
        self.examples = examples;
        self
    }

    /// Marks a function that no published template uses.
    pub(crate) fn beyond_templates(mut self) -> Self {
        self.in_templates = false;
        self
    }

    /// Runs the function.
    ///
    /// Inputs are converted to their declared types, defaults filled in, and what is missing
    /// reported. `wanted` are the outputs that the card declares, where users add outputs (Get
    /// Multiple) or choose their type (Pluck).
    ///
    /// # Errors
    ///
    /// OKT4201 to OKT4204, naming the input; OKT4205 for what only the engine can run.
    pub fn run(
        &self,
        inputs: &Fields,
        wanted: &[(Name, Type)],
        surroundings: Surroundings<'_>,
        flags: Flags,
    ) -> Result<Fields, FunctionError> {
        let Kind::Pure(run) = self.kind else {
            return Err(FunctionError::new(codes::OKT4205, format!("{} runs inside the engine only", self.title)));
        };
        let inputs = self.prepare(inputs, flags)?;
        let outputs = run(&Call { function: self, inputs: &inputs, wanted, surroundings })?;
        if outputs.bytes() > BYTES_MAX {
            return Err(too_large());
        }
        if outputs.iter().any(|(_, value)| value.depth() > DEPTH_MAX) {
            return Err(FunctionError::limit(format!("the result nests deeper than {DEPTH_MAX} levels")));
        }
        outputs.into_iter().map(|(name, value)| retype(name, value, wanted, flags)).collect()
    }

    fn prepare(&self, given: &Fields, flags: Flags) -> Result<Fields, FunctionError> {
        let mut prepared = Fields::default();
        for field in self.inputs.iter().filter(|field| !field.is_extension()) {
            let key = &*field.name.key;
            let value = given.get(field.name.group.as_deref(), key).unwrap_or(&Value::Null);
            let mut value = convert(value, &field.kind, flags).map_err(|error| error.at(key))?;
            if value.is_null() {
                value = field.default.clone();
            }
            if value.is_null() && field.required {
                return Err(FunctionError::missing(key));
            }
            prepared.push(field.name.clone(), value);
        }
        for (name, value) in given.iter().filter(|(name, _)| !self.declares(name)) {
            if let Some(field) = self.inputs.iter().find(|f| f.is_extension() && f.name.group == name.group) {
                let value = convert(value, &field.kind, flags).map_err(|error| error.at(&name.key))?;
                prepared.push(name.clone(), value);
            }
        }
        Ok(prepared)
    }

    fn declares(&self, name: &Name) -> bool {
        self.inputs.iter().any(|field| field.name == *name)
    }
}

fn retype(name: Name, value: Value, wanted: &[(Name, Type)], flags: Flags) -> Result<(Name, Value), FunctionError> {
    let value = match wanted.iter().find(|(wanted, _)| *wanted == name) {
        // What an editor knows nothing about it calls an object: the part of a text, a list inside an object.
        Some((_, Type::Object)) => convert(&value, &Type::Object, flags).unwrap_or(value),
        Some((name, kind)) => convert(&value, kind, flags).map_err(|error| error.at(&name.key))?,
        None => value,
    };
    Ok((name, value))
}

/// The error of results beyond [`BYTES_MAX`].
pub(crate) fn too_large() -> FunctionError {
    FunctionError::limit(format!("the result would hold more than {} MiB", BYTES_MAX >> 20))
}

/// What a function is called with. Inputs are looked up by the keys of its declaration.
#[derive(Debug)]
pub struct Call<'a> {
    function: &'a Function,
    inputs: &'a Fields,
    /// The outputs that the card declares.
    pub(crate) wanted: &'a [(Name, Type)],
    /// Time and chance.
    pub(crate) surroundings: Surroundings<'a>,
}

impl<'a> Call<'a> {
    /// A plain input; nothing if it has no value.
    pub(crate) fn value(&self, key: &str) -> &'a Value {
        self.inputs.get(None, key).unwrap_or(&Value::Null)
    }

    /// An input of a group.
    pub(crate) fn grouped(&self, group: &str, key: &str) -> &'a Value {
        self.inputs.get(Some(group), key).unwrap_or(&Value::Null)
    }

    /// A text; empty if it has no value.
    pub(crate) fn text(&self, key: &str) -> &'a str {
        self.value(key).as_text().unwrap_or_default()
    }

    /// A number, if it has a value.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.value(key).as_number()
    }

    /// True/False; false if it has no value.
    pub(crate) fn truth(&self, key: &str) -> bool {
        self.value(key).as_boolean().unwrap_or_default()
    }

    /// A list; empty if it has no value.
    pub(crate) fn list(&self, key: &str) -> &'a [Value] {
        self.value(key).as_list().map_or(&[], |items| items.as_slice())
    }

    /// A list of the call's own.
    pub(crate) fn own_list(&self, key: &str) -> List {
        self.value(key).as_list().cloned().unwrap_or_else(|| Vec::new().into())
    }

    /// An object; empty if it has no value.
    pub(crate) fn object(&self, key: &str) -> Object {
        self.value(key).as_object().cloned().unwrap_or_else(|| IndexMap::new().into())
    }

    /// All inputs of no group, declared ones first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.inputs.0.iter().filter(|(name, _)| name.group.is_none()).map(|(name, value)| (&*name.key, value))
    }

    /// The inputs that the user added to a group, in order.
    pub(crate) fn added(&self, group: Option<&str>) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let in_group = move |name: &Name| name.group.as_deref() == group;
        let added = self.inputs.0.iter().filter(move |(name, _)| in_group(name) && !self.function.declares(name));
        added.map(|(name, value)| (&*name.key, value))
    }
}

/// One output of the usual name.
pub(crate) fn output(value: impl Into<Value>) -> Result<Fields, FunctionError> {
    Ok([("output", value.into())].into())
}

static FUNCTIONS: LazyLock<IndexMap<&'static str, Function>> = LazyLock::new(|| {
    let tables = [
        engine::table(),
        object::table(),
        list::table(),
        text::table(),
        math::table(),
        boolean::table(),
        date::table(),
        json::table(),
        crypto::table(),
        jwt::table(),
        url::table(),
        xml::table(),
    ];
    tables.into_iter().flatten().map(|function| (function.key, function)).collect()
});

/// Every function, grouped by what it works on.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.values()
}

/// The function of a key such as `string:substr`, or of a whole address such as
/// `root:kernel:string:0.0.1:substr`.
///
/// # Errors
///
/// OKT4205 if there is none.
pub fn find(address: &str) -> Result<&'static Function, FunctionError> {
    let key = match address.strip_prefix("root:kernel:").map(|rest| rest.split(':').collect::<Vec<_>>()).as_deref() {
        Some([channel, _version, operation]) => format!("{channel}:{operation}"),
        _ => address.to_owned(),
    };
    let unknown = || FunctionError::new(codes::OKT4205, format!("there is no function {key}"));
    FUNCTIONS.get(key.as_str()).ok_or_else(unknown)
}

/// Reads a declaration. A mistake in one is a mistake of this crate, which every test would find.
fn declare(fields: &str) -> Vec<Field> {
    fields.split(", ").filter(|text| !text.is_empty()).map(declare_one).collect()
}

fn declare_one(text: &str) -> Field {
    let (name, rest) = text.split_once(": ").unwrap_or_else(|| panic!("a name and a type: {text}"));
    let (kind, default) = rest.split_once(" = ").unwrap_or((rest, "null"));
    let (group, key) = name.split_once('/').map_or((None, name), |(group, key)| (Some(group), key));
    let required = key.len() > 1 && key.ends_with('*');
    let key = if required { &key[..key.len() - 1] } else { key };
    let default = Value::from_json(default).unwrap_or_else(|error| panic!("a JSON default: {text}: {error}"));
    Field { name: Name { group: group.map(Into::into), key: key.into() }, kind: read_type(kind), required, default }
}

fn read_type(text: &str) -> Type {
    match text {
        "any" => Type::Any,
        "text" => Type::Text,
        "number" => Type::Number,
        "true/false" => Type::Boolean,
        "date" => Type::Date,
        "object" => Type::Object,
        "file" => Type::File,
        "list" => Type::list(Type::Any),
        other => match other.strip_prefix("list of ") {
            Some(item) => Type::list(read_type(item)),
            None => panic!("unknown type {other}"),
        },
    }
}
