//! Texts that are known to be secrets, taken out of whatever is about to be kept or shown.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use oktant_functions::Value;

use crate::action::{CardError, Field, Fields, Outcome};
use crate::name::Name;

/// What stands where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";

/// Texts shorter than this, in bytes, are not looked for: they occur by chance.
const SECRET_MIN: usize = 6;

/// Secrets by their values. They are told by what holds them: connectors know those of a connection, which a service
/// may send back.
#[derive(Clone, Default)]
pub struct Hidden {
    /// The longest first: one may be a part of another.
    secrets: Vec<Arc<str>>,
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden").field("secrets", &self.secrets.len()).finish()
    }
}

impl Hidden {
    /// Adds a secret; one of fewer than six bytes is not looked for, since it occurs by chance.
    pub fn add(&mut self, secret: impl Into<Arc<str>>) {
        let secret = secret.into();
        if secret.len() >= SECRET_MIN && !self.secrets.contains(&secret) {
            let place = self.secrets.partition_point(|known| known.len() >= secret.len());
            self.secrets.insert(place, secret);
        }
    }

    /// What a call gave, without the secrets. The cursor of a page stays as it is: the next page is asked for with it.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Outputs(fields) => Outcome::Outputs(self.fields(fields)),
            Outcome::Page { records, cursor } => {
                Outcome::Page { records: records.iter().map(|record| self.value(record)).collect(), cursor }
            }
        }
    }

    /// An error without them.
    #[must_use]
    pub fn error(&self, error: CardError) -> CardError {
        CardError {
            message: self.text(&error.message).into_owned(),
            code: error.code.map(|code| self.value(&code)),
            service_code: error.service_code.map(|code| Box::new(Name::from(self.text(&code).into_owned()))),
            body: error.body.map(|body| Box::new(self.value(&body))),
            extra: self.fields(error.extra),
            ..error
        }
    }

    /// Fields whose values are without them.
    pub(crate) fn fields(&self, fields: Fields) -> Fields {
        if !fields.iter().any(|field| self.inside(&field.value)) {
            return fields;
        }
        fields.iter().map(|field| Field { value: self.value(&field.value), ..field.clone() }).collect()
    }

    /// A text without them.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.secrets.iter().filter(|secret| text.contains(&***secret));
        found.fold(Cow::Borrowed(text), |text, secret| Cow::Owned(text.replace(&**secret, REDACTED)))
    }

    /// A value without them; copied only where there are some.
    fn value(&self, value: &Value) -> Value {
        if !self.inside(value) {
            return value.clone();
        }
        match value {
            Value::Text(text) => Value::text(self.text(text)),
            Value::Object(object) => {
                Value::object(object.iter().map(|(key, value)| (Arc::<str>::from(self.text(key)), self.value(value))))
            }
            Value::List(items) => Value::list(items.iter().map(|item| self.value(item))),
            other => other.clone(),
        }
    }

    fn inside(&self, value: &Value) -> bool {
        let is_told = |text: &str| self.secrets.iter().any(|secret| text.contains(&**secret));
        match value {
            _ if self.secrets.is_empty() => false,
            Value::Text(text) => is_told(text),
            Value::Object(object) => object.iter().any(|(key, value)| is_told(key) || self.inside(value)),
            Value::List(items) => items.iter().any(|item| self.inside(item)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ErrorKind;

    fn json(text: &str) -> Value {
        Value::from_json(text).unwrap()
    }

    #[test]
    fn secrets_are_taken_out_of_all_that_a_call_gives() {
        let mut hidden = Hidden::default();
        for secret in ["canary", "canary-and-more", "short"] {
            hidden.add(secret);
        }
        let body = json(r#"{"auth": "Bearer canary-and-more", "list": [{"canary": "short"}], "n": 1}"#);
        let expected = r#"{"auth":"Bearer [redacted]","list":[{"[redacted]":"short"}],"n":1}"#;
        let fields: Fields = [Field::new(None, "Body", body.clone())].into_iter().collect();
        let Outcome::Outputs(shown) = hidden.outcome(Outcome::Outputs(fields)) else { panic!("no outputs") };
        assert_eq!(shown.get(None, "Body").unwrap().to_json(), expected);
        let page = hidden.outcome(Outcome::Page { records: vec![body.clone()], cursor: Some("canary".into()) });
        assert_eq!(page, Outcome::Page { records: vec![json(expected)], cursor: Some("canary".into()) });
        let error = CardError { body: Some(Box::new(body)), ..CardError::new(ErrorKind::Refused, "no canary here") };
        let error = hidden.error(error);
        assert_eq!((error.message.as_str(), error.body.as_deref()), ("no [redacted] here", Some(&json(expected))));
        assert!(!format!("{hidden:?}").contains("canary"));
    }
}
