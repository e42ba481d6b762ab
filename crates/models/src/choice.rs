//! Open enumerations and unions: what their types share.

use crate::{Choice, Union, ViewMut, attributes};

/// Takes the value that a text stands for: the same spelling, or else none that is listed.
pub(crate) fn set(choice: &mut dyn Choice, text: &str) {
    let index = choice.values().iter().position(|value| *value == text);
    choice.select(index.ok_or(text));
}

/// Takes the listed value that differs from the text in case only.
pub(crate) fn fold(choice: &mut dyn Choice) {
    let text = choice.text();
    let index = choice.values().iter().position(|value| value.eq_ignore_ascii_case(text));
    if let Some(index) = index {
        choice.select(Ok(index));
    }
}

/// Sets the member that tells the form of a union, if it is absent. Of several values that stand for a form
/// none is taken: which one is meant is not known here.
pub(crate) fn tag(union: &mut dyn Union) {
    let shape = union.shape();
    let values = union.form().0.map_or(&[][..], |form| shape.values[form]);
    if let ([value], ViewMut::Object(content)) = (values, union.content_mut().view_mut())
        && attributes::get(content, shape.property).is_none()
    {
        attributes::set(content, shape.property, (*value).into());
    }
}
