//! How the drivers see models: a few closed kinds of values behind trait objects, so that reading,
//! writing, comparing and printing are compiled once and not once per model.

use std::any::Any;
use std::fmt;

use crate::{Decoded, Error, Extra, Json, Mode, Number, Secret};

/// Anything that can stand in JSON: a model, a scalar, a list, a map.
pub trait Value: Any + Send + Sync {
    /// What it is, to look at.
    fn view(&self) -> View<'_>;

    /// What it is, to change.
    fn view_mut(&mut self) -> ViewMut<'_>;
}

/// A typed model: what a body is read into and written from.
///
/// Models are the structs, enums and unions of this crate, [`List`](crate::List) and
/// [`Map`](crate::Map) of models, `String`, `bool`, `i64`, [`Number`],
/// [`Timestamp`](crate::Timestamp), [`Secret`] and [`Json`].
pub trait Model: Value + Clone + PartialEq + fmt::Debug + Sized {
    /// A value with nothing in it, to be read into. The text of an enum is empty.
    fn blank() -> Self;

    /// Reads JSON, tolerating what deviates from the description.
    ///
    /// # Errors
    /// If the text is not JSON, or if it is of another kind at its top, such as an array for an object.
    fn read(json: &[u8]) -> Result<Decoded<Self>, Error> {
        let mut value = Self::blank();
        let warnings = crate::read::document(&mut value, json, Mode::Tolerant)?;
        Ok(Decoded { value, warnings })
    }

    /// Reads JSON; every deviation from the description is an error. Meant for tests.
    ///
    /// # Errors
    /// As [`Model::read`], and [`Error::Deviations`].
    fn read_strict(json: &[u8]) -> Result<Self, Error> {
        let mut value = Self::blank();
        crate::read::document(&mut value, json, Mode::Strict)?;
        Ok(value)
    }

    /// The JSON of everything that is there: known members, null members, and what was kept aside on
    /// reading. Secrets are written in clear.
    fn write(&self) -> Vec<u8> {
        crate::write::document(self)
    }

    /// The least JSON that turns `original` into `self` as an update: changed members only, nested
    /// objects likewise, null for what was set to null. `None` if nothing changed.
    ///
    /// A member that is absent here is left as it is, and so is one that only occurs in answers.
    /// Lists and maps are values: they are written whole. A union with a change keeps the member
    /// that tells its forms apart.
    fn changes_since(&self, original: &Self) -> Option<Json> {
        crate::changes::changes(self, original)
    }
}

/// A value, to look at.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// An object with known members.
    Object(&'a dyn Object),
    /// One of several forms.
    Union(&'a dyn Union),
    /// Text out of an open list.
    Choice(&'a dyn Choice),
    /// A list.
    List(&'a dyn Items),
    /// A map from text.
    Map(&'a dyn Entries),
    /// Text.
    Text(&'a str),
    /// Text that must not be shown.
    Secret(&'a str),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(&'a Number),
    /// Any JSON.
    Json(&'a Json),
}

/// A value, to change.
pub enum ViewMut<'a> {
    /// An object with known members.
    Object(&'a mut dyn Object),
    /// One of several forms.
    Union(&'a mut dyn Union),
    /// Text out of an open list.
    Choice(&'a mut dyn Choice),
    /// A list.
    List(&'a mut dyn Items),
    /// A map from text.
    Map(&'a mut dyn Entries),
    /// Text.
    Text(&'a mut String),
    /// Text that must not be shown.
    Secret(&'a mut Secret),
    /// True or false.
    Boolean(&'a mut bool),
    /// A whole number.
    Integer(&'a mut i64),
    /// A number.
    Number(&'a mut Number),
    /// Any JSON.
    Json(&'a mut Json),
}

impl View<'_> {
    /// What JSON it is, in words.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Object(_) | Self::Map(_) => "object",
            Self::Union(_) => "one of several forms",
            Self::Choice(_) | Self::Text(_) | Self::Secret(_) => "text",
            Self::List(_) => "array",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "whole number",
            Self::Number(_) => "number",
            Self::Json(_) => "any JSON",
        }
    }
}

/// A model with members.
pub trait Object: Value {
    /// Its facts.
    fn shape(&self) -> &'static Shape;

    /// A member by its position in the shape.
    fn slot(&self, index: usize) -> Option<&dyn Slot>;

    /// A member by its position in the shape, to change.
    fn slot_mut(&mut self, index: usize) -> Option<&mut dyn Slot>;

    /// The members that are not known, and known ones with values that do not fit.
    fn extra(&self) -> &Extra;

    /// The same, to change.
    fn extra_mut(&mut self) -> &mut Extra;
}

/// Facts about an object.
#[derive(Debug)]
pub struct Shape {
    /// Name of the schema.
    pub schema: &'static str,
    /// Name of the struct.
    pub name: &'static str,
    /// Its members, in order.
    pub members: &'static [Member],
    /// Whether it takes members of one's own, so that unknown ones are no deviation.
    pub extensible: bool,
}

impl Shape {
    /// The position of a member. `near` is where to look first: answers tend to keep an order.
    pub(crate) fn position(&self, name: &str, near: usize) -> Option<usize> {
        let is_it = |index: &usize| self.members[*index].name == name;
        (near..self.members.len()).find(is_it).or_else(|| (0..near.min(self.members.len())).find(is_it))
    }
}

/// Facts about a member.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the description, independent of the others")]
pub struct Member {
    /// Its name in JSON.
    pub name: &'static str,
    /// Whether the description requires it.
    pub required: bool,
    /// Whether it occurs in answers only.
    pub read_only: bool,
    /// Whether it occurs in requests only.
    pub write_only: bool,
    /// Whether it is a secret, which is not printed.
    pub secret: bool,
    /// Whether the description lets it be null.
    pub nullable: bool,
}

impl Member {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, required: false, read_only: false, write_only: false, secret: false, nullable: false }
    }

    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) const fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    pub(crate) const fn write_only(self) -> Self {
        Self { write_only: true, ..self }
    }

    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    pub(crate) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// A member of an object; implemented by [`Field`](crate::Field).
pub trait Slot {
    /// What is in it.
    fn state(&self) -> State<'_>;

    /// The value, to change.
    fn value_mut(&mut self) -> Option<&mut dyn Value>;

    /// Makes it absent or null.
    fn reset(&mut self, null: bool);

    /// Puts a blank value in and hands it out.
    fn insert(&mut self) -> &mut dyn Value;
}

/// What a member holds.
#[derive(Clone, Copy)]
pub enum State<'a> {
    /// There is none.
    Absent,
    /// Null.
    Null,
    /// A value.
    Value(&'a dyn Value),
}

/// Text out of an open list.
pub trait Choice: Value {
    /// The values that the description lists.
    fn values(&self) -> &'static [&'static str];

    /// The text as it is on the wire.
    fn text(&self) -> &str;

    /// Takes a listed value by its position, or any other text.
    fn select(&mut self, value: Result<usize, &str>);
}

/// One of several forms.
pub trait Union: Value {
    /// Its facts.
    fn shape(&self) -> &'static Forms;

    /// The position of the form that it has, and its content; `None` for the form that fits the rest.
    fn form(&self) -> (Option<usize>, &dyn Value);

    /// The content, to change.
    fn content_mut(&mut self) -> &mut dyn Value;

    /// Takes a form, blank.
    fn select(&mut self, form: Option<usize>) -> &mut dyn Value;
}

/// Facts about a union.
#[derive(Debug)]
pub struct Forms {
    /// Name of the schema.
    pub schema: &'static str,
    /// The member that tells the forms apart; empty if none does.
    pub property: &'static str,
    /// The values of that member, by form.
    pub values: &'static [&'static [&'static str]],
    /// Whether the form that fits the rest is the struct of what all forms have in common.
    pub has_common: bool,
}

/// A list of values.
pub trait Items: Value {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them.
    fn item(&self, index: usize) -> Option<&dyn Value>;

    /// Appends a blank one and hands it out.
    fn push_blank(&mut self) -> &mut dyn Value;

    /// Drops the last one.
    fn drop_last(&mut self);

    /// Elements that do not fit, with their positions in the array.
    fn misfits(&self) -> &[(usize, Json)];

    /// Keeps an element that does not fit.
    fn push_misfit(&mut self, position: usize, element: Json);
}

/// A map from text to values.
pub trait Entries: Value {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them, in order.
    fn entry(&self, index: usize) -> Option<(&str, &dyn Value)>;

    /// One of them by key.
    fn find(&self, key: &str) -> Option<&dyn Value>;

    /// Adds or replaces an entry and hands its blank value out.
    fn insert_blank(&mut self, key: &str) -> &mut dyn Value;

    /// Drops an entry.
    fn drop_key(&mut self, key: &str);

    /// Entries whose values do not fit.
    fn misfits(&self) -> &Extra;

    /// The same, to change.
    fn misfits_mut(&mut self) -> &mut Extra;
}
