//! Finds the user that a path names.

use crate::http::{ApiError, Call};
use crate::store::{Id, Store, User, UserNumber};

/// The user that the call's path names: by id, login, unambiguous short login, or `me`.
///
/// # Errors
///
/// 404 `E0000007` if there is none; `me` works only where a user stands behind the token.
pub(crate) fn user(store: &Store, call: &Call<'_>) -> Result<UserNumber, ApiError> {
    let name = given(call);
    let found =
        if name == "me" { call.principal.user().and_then(|id| store.users.number(id)) } else { named(store, name) };
    found.ok_or_else(|| ApiError::not_found(name, "User"))
}

/// As [`user`], but the user itself.
pub(crate) fn shared<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a User, ApiError> {
    let number = user(store, call)?;
    store.users.get(number).ok_or_else(|| ApiError::not_found(given(call), "User"))
}

/// As [`user`], with the user itself, to be changed.
pub(crate) fn exclusive<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<(UserNumber, &'a mut User), ApiError> {
    let number = user(store, call)?;
    let user = store.users.get_mut(number).ok_or_else(|| ApiError::not_found(given(call), "User"))?;
    Ok((number, user))
}

/// What the path calls the user; the parameter's name differs between operations.
fn given<'a>(call: &'a Call<'_>) -> &'a str {
    ["id", "userId", "userIdOrLogin"]
        .into_iter()
        .map(|name| call.param(name))
        .find(|value| !value.is_empty())
        .unwrap_or("")
}

/// The user with this id, login or unambiguous short login.
pub(crate) fn named(store: &Store, name: &str) -> Option<UserNumber> {
    if let Some(number) = Id::parse(name).and_then(|id| store.users.number(id)) {
        return Some(number);
    }
    if name.contains('@') {
        return store.users.by_login(name);
    }
    match store.users.by_short_login(name).as_slice() {
        [only] => Some(*only),
        _ => store.users.by_login(name),
    }
}
