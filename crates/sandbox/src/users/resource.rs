//! A user as expressions see one.

use oktant_filter::{Resource, Value};

use crate::store::{Datum, User};

/// A user whose attributes can be asked for by path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Searchable<'a>(pub(crate) &'a User);

impl Resource for Searchable<'_> {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>)) {
        let user = self.0;
        if let Some(name) = path.strip_prefix("profile.") {
            if let Some(datum) = user.profile.get(name) {
                visit_datum(datum, visit);
            }
            return;
        }
        let time = match path {
            "id" => return visit(Value::Text(user.id.as_str().into())),
            "status" => return visit(Value::Text(user.status.as_str().into())),
            "type.id" => return visit(Value::Text(user.type_id.as_str().into())),
            "created" => Some(user.created),
            "activated" => user.activated,
            "statusChanged" => user.status_changed,
            "lastUpdated" => Some(user.last_updated),
            "lastLogin" => user.last_login,
            "passwordChanged" => user.password_changed,
            _ => None,
        };
        if let Some(time) = time {
            visit(Value::Time(time.time()));
        }
    }
}

/// Visits the values of one attribute of a profile: none for null, every element of an array.
pub(crate) fn visit_datum<'a>(datum: &'a Datum, visit: &mut dyn FnMut(Value<'a>)) {
    match datum {
        Datum::Null => {}
        Datum::Boolean(value) => visit(Value::Boolean(*value)),
        Datum::Integer(value) => visit(Value::Number(*value as f64)),
        Datum::Number(value) => visit(Value::Number(*value)),
        Datum::Text(text) => visit(Value::Text(text.as_ref().into())),
        Datum::List(items) => items.iter().for_each(|item| visit_datum(item, visit)),
    }
}
