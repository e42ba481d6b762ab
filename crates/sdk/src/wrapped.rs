//! Lists that an object wraps.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The text of the member `name` of an object, or why there is none.
pub(crate) fn items<'a>(body: &'a [u8], name: &str) -> Result<&'a [u8], String> {
    let members: BTreeMap<Cow<'a, str>, &'a RawValue> =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let items = members.get(name).ok_or_else(|| format!("it has no member {name}"))?;
    Ok(items.get().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn the_member_is_found_and_its_absence_is_told() {
        assert_eq!(items(br#"{"a":1,"roles":[ 24.0 ]}"#, "roles"), Ok(&b"[ 24.0 ]"[..]));
        assert_eq!(items(br#"{"a":1}"#, "roles").unwrap_err(), "it has no member roles");
        assert!(items(b"[]", "roles").is_err());
    }
}
