//! Members by their JSON names, known or not.

use serde::de::DeserializeOwned;

use crate::{Error, Json, Object, State};

/// Access to any member of a model by its JSON name: known members, and those of one's own.
///
/// ```
/// use oktant_models::{Attributes, Json};
/// # #[cfg(feature = "users")] {
/// use oktant_models::UserProfile;
///
/// let mut profile = UserProfile { first_name: "Ada".into(), ..Default::default() };
/// profile.set("badgeNumber", "1815");
/// profile.set("lastName", "Lovelace");
/// assert_eq!(profile.last_name.as_deref(), Some("Lovelace"));
/// assert!(profile.attr::<u32>("badgeNumber").is_err());
/// assert_eq!(profile.attr::<String>("badgeNumber")?, Some("1815".to_owned()));
/// assert_eq!(profile.get("firstName"), Some(Json::from("Ada")));
/// # }
/// # Ok::<(), oktant_models::Error>(())
/// ```
pub trait Attributes {
    /// A member as JSON; `None` if it is absent.
    fn get(&self, name: &str) -> Option<Json>;

    /// Sets a member. A value that does not fit a known member is kept aside and written as it is.
    fn set(&mut self, name: &str, value: impl Into<Json>);

    /// Takes a member out and returns it.
    fn remove(&mut self, name: &str) -> Option<Json>;

    /// A member as a type of yours; `None` if it is absent or null.
    ///
    /// # Errors
    /// If its value is of another type.
    fn attr<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        self.get(name).filter(|json| !json.is_null()).map(|json| json.to()).transpose()
    }
}

impl<M: Object> Attributes for M {
    fn get(&self, name: &str) -> Option<Json> {
        get(self, name)
    }

    fn set(&mut self, name: &str, value: impl Into<Json>) {
        set(self, name, value.into());
    }

    fn remove(&mut self, name: &str) -> Option<Json> {
        remove(self, name)
    }
}

/// A member of any object.
pub(crate) fn get(object: &dyn Object, name: &str) -> Option<Json> {
    let index = object.shape().position(name, 0);
    match index.and_then(|index| object.slot(index)).map(crate::Slot::state) {
        Some(State::Value(value)) => Some(crate::write::json(value)),
        Some(State::Null) => Some(Json::null()),
        Some(State::Absent) | None => object.extra().get(name).cloned(),
    }
}

/// Sets a member of any object.
pub(crate) fn set(object: &mut dyn Object, name: &str, value: Json) {
    let index = object.shape().position(name, 0);
    if let Some(slot) = index.and_then(|index| object.slot_mut(index)) {
        if value.is_null() {
            slot.reset(true);
        } else if !crate::read::value(slot.insert(), &value) {
            slot.reset(false);
            object.extra_mut().set(name, value);
            return;
        }
        object.extra_mut().remove(name);
    } else {
        object.extra_mut().set(name, value);
    }
}

fn remove(object: &mut dyn Object, name: &str) -> Option<Json> {
    let before = get(object, name);
    let index = object.shape().position(name, 0);
    if let Some(slot) = index.and_then(|index| object.slot_mut(index)) {
        slot.reset(false);
    }
    object.extra_mut().remove(name);
    before
}
