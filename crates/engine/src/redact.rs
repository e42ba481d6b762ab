//! What histories do not show: values whose names say that they are secrets.

use std::sync::Arc;

use chrono::DateTime;
use oktant_flow::model::Output;
use oktant_functions::Value;

use crate::action::{CardError, Field, Fields};
use crate::hidden::{Hidden, REDACTED};
use crate::journal::Record;

/// Names that mean a secret wherever they occur in a key, in lower case, letters and digits only.
const DEFAULT: [&str; 10] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "privatekey",
    "credential",
    "cookie",
    "passcode",
];

/// Ends of names that tell about a secret without giving it: `token_type`, `Password Changed`. What an object of
/// credentials has under such a name is no secret either.
const ABOUT: [&str; 6] = ["changed", "expires", "expiry", "provider", "status", "type"];

/// Decides by its key whether a value is a secret.
#[derive(Debug, Clone)]
pub(crate) struct Redactor {
    /// Names that someone has added to the usual ones.
    added: Vec<String>,
}

impl Redactor {
    /// The usual names and `more`.
    pub(crate) fn new(more: &[String]) -> Self {
        Self { added: more.iter().map(|name| plain(name)).collect() }
    }

    /// Whether there is a secret among `fields`.
    fn concerns(&self, fields: &Fields) -> bool {
        fields.iter().any(|field| self.is_secret(&field.key, &field.value) || self.inside(&field.value))
    }

    /// The value without secrets; copied only where there are some.
    fn value(&self, value: &Value) -> Value {
        if !self.inside(value) {
            return value.clone();
        }
        match value {
            Value::Object(object) => {
                Value::object(object.iter().map(|(key, value)| (Arc::clone(key), self.shown(key, value))))
            }
            Value::List(items) => Value::list(items.iter().map(|item| self.value(item))),
            other => other.clone(),
        }
    }

    fn shown(&self, key: &str, value: &Value) -> Value {
        if self.is_secret(key, value) { Value::text(REDACTED) } else { self.value(value) }
    }

    fn inside(&self, value: &Value) -> bool {
        match value {
            Value::Object(object) => object.iter().any(|(key, value)| self.is_secret(key, value) || self.inside(value)),
            Value::List(items) => items.iter().any(|item| self.inside(item)),
            _ => false,
        }
    }

    /// Nothing, True/False and numbers are no secrets, nor are instants under a usual name: `passwordChanged` may be
    /// seen.
    fn is_secret(&self, key: &str, value: &Value) -> bool {
        let instant = match value {
            Value::Text(text) if text.is_empty() || &**text == REDACTED => return false,
            Value::Text(text) => is_instant(text),
            Value::Object(_) | Value::List(_) => false,
            _ => return false,
        };
        let key = plain(key);
        let has = |name: &str| key.contains(name);
        // Who adds a name wants all of it hidden.
        self.added.iter().any(|name| has(name)) || DEFAULT.into_iter().any(has) && !instant && !is_about(&key)
    }
}

/// Whether a plain name is that of something about a secret.
fn is_about(plain: &str) -> bool {
    ABOUT.iter().any(|end| plain.ends_with(end))
}

/// Whether a text is an instant, as Okta (`2026-01-31T08:00:00.000Z`) or Salesforce (`…+0000`) writes it.
fn is_instant(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").is_ok()
}

/// What of one run may be seen: nothing under the name of a secret, and nothing that was a secret elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Veil {
    redactor: Arc<Redactor>,
    hidden: Hidden,
}

impl Veil {
    /// The veil of a run; it has learned no secrets.
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, hidden: Hidden::default() }
    }

    /// Learns the secrets among `fields`; gives whether there are some.
    pub(crate) fn learn(&mut self, fields: &Fields) -> bool {
        let found = self.redactor.concerns(fields);
        if found {
            fields.iter().for_each(|field| self.learn_value(Some(&field.key), &field.value));
        }
        found
    }

    /// Learns the secrets of a record: among what came into the run as it is.
    pub(crate) fn learn_record(&mut self, record: &mut Record) {
        if matches!(record, Record::Accepted { .. } | Record::Result { .. } | Record::Drawn { .. }) {
            for fields in record.fields_mut() {
                self.learn(fields);
            }
        }
    }

    fn learn_value(&mut self, key: Option<&str>, value: &Value) {
        match value {
            Value::Object(object) => {
                let secret = key.is_some_and(|key| self.redactor.is_secret(key, value));
                for (inner, value) in object.iter() {
                    let outer = key.filter(|_| secret && !is_about(&plain(inner)));
                    self.learn_value(outer.or(Some(inner)), value);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.learn_value(key, item)),
            Value::Text(text) if key.is_some_and(|key| self.redactor.is_secret(key, value)) => {
                self.hidden.add(Arc::clone(text));
            }
            _ => {}
        }
    }

    /// What may be seen of `fields`.
    pub(crate) fn fields(&self, fields: &Fields) -> Fields {
        let shown = |field: &Field| Field { value: self.redactor.shown(&field.key, &field.value), ..field.clone() };
        self.hidden.fields(fields.iter().map(shown).collect())
    }

    /// Takes out of a record what may not be seen: all values, unless the flow `keeps` data.
    pub(crate) fn cover(&self, record: &mut Record, keeps: bool) {
        let keeps = keeps && !record.is_private();
        for fields in record.fields_mut() {
            *fields = if keeps { self.fields(fields) } else { Fields::new() };
        }
        if let Record::Failed { error, .. } = record {
            **error = self.error(error, keeps);
        }
    }

    /// What may be seen of an error.
    pub(crate) fn error(&self, error: &CardError, keeps: bool) -> CardError {
        let body = error.body.as_ref().filter(|_| keeps).map(|body| Box::new(self.redactor.value(body)));
        let extra = if keeps { self.fields(&error.extra) } else { Fields::new() };
        self.hidden.error(CardError { body, extra, ..error.clone() })
    }

    /// A text without the secrets that are known.
    pub(crate) fn text(&self, text: &str) -> String {
        self.hidden.text(text).into_owned()
    }
}

/// Whether something is missing from what a run started with, since its history must not show it.
pub(crate) fn is_covered(trigger: &Fields, declared: &[Output]) -> bool {
    fn has_gap(value: &Value) -> bool {
        match value {
            Value::Text(text) => text.contains(REDACTED),
            Value::Object(object) => object.iter().any(|(_, value)| has_gap(value)),
            Value::List(items) => items.iter().any(has_gap),
            _ => false,
        }
    }
    let asked = |output: &&Output| output.slot.group.as_deref() != Some("context");
    match trigger.iter().next() {
        None => declared.iter().find(asked).is_some(),
        Some(_) => trigger.iter().any(|field| has_gap(&field.value)),
    }
}

/// Letters and digits of a name, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_a_secret_once_is_hidden_everywhere() {
        let mut veil = Veil::new(Arc::new(Redactor::new(&[])));
        let field = |key: &str, json: &str| Field::new(None, key, Value::from_json(json).unwrap());
        let secrets: Fields = [
            field("user", r#"{"credentials": {"inner": ["hunter22"]}, "name": "ada"}"#),
            field("password", r#""abc""#),
        ]
        .into_iter()
        .collect();
        assert!(veil.learn(&secrets));
        let later: Fields =
            [field("text", r#""it is hunter22, abc""#), field("list", r#"[{"x": "hunter22"}]"#)].into_iter().collect();
        let shown = veil.fields(&later).to_object().to_json();
        assert_eq!(shown, r#"{"text":"it is [redacted], abc","list":[{"x":"[redacted]"}]}"#);
        let mut error = CardError::new(crate::ErrorKind::Refused, "no hunter22");
        error.service_code = Some(Box::new("BAD:hunter22".into()));
        let error = veil.error(&error, true);
        assert_eq!((&*error.message, &**error.service_code.unwrap()), ("no [redacted]", "BAD:[redacted]"));
        assert!(!veil.learn(&later));
    }

    #[test]
    fn what_tells_about_a_secret_is_none_and_hides_nothing_elsewhere() {
        let mut veil = Veil::new(Arc::new(Redactor::new(&[])));
        let user = r#"{"Created": "2026-11-26T04:44:10.000Z", "Password Changed": "2026-11-26T04:44:10.000Z",
            "LastPasswordChangeDate": "2026-11-26T04:44:10.000+0000", "token_type": "Bearer",
            "source": "ACTIVE_DIRECTORY", "credentials": {"provider": {"type": "ACTIVE_DIRECTORY", "name": "acme.example"}}}"#;
        let fields: Fields = [Field::new(None, "User", Value::from_json(user).unwrap())].into_iter().collect();
        veil.learn(&fields);
        let shown = veil.fields(&fields).to_object().to_json();
        let expected = r#"{"User":{"Created":"2026-11-26T04:44:10.000Z","Password Changed":"2026-11-26T04:44:10.000Z","LastPasswordChangeDate":"2026-11-26T04:44:10.000+0000","token_type":"Bearer","source":"ACTIVE_DIRECTORY","credentials":"[redacted]"}}"#;
        assert_eq!(shown, expected);
        let added = Redactor::new(&["birth date".to_owned(), "employeeType".to_owned()]);
        let person = r#"{"birthDate": "2001-02-03T00:00:00Z", "employeeType": "temp", "type": "x"}"#;
        let shown = added.value(&Value::from_json(person).unwrap()).to_json();
        assert_eq!(shown, r#"{"birthDate":"[redacted]","employeeType":"[redacted]","type":"x"}"#);
        let dated = Value::from_json(r#"{"password": "2001-02-03"}"#).unwrap();
        assert_eq!(Redactor::new(&[]).value(&dated).to_json(), r#"{"password":"[redacted]"}"#, "a day may be one");
    }

    #[test]
    fn secrets_are_known_by_their_names_at_any_depth() {
        let redactor = Redactor::new(&["X-Acme".to_owned()]);
        let value = Value::from_json(
            r#"{"user": {"login": "ada", "newPassword": "p1", "passwordChanged": true}, "list": [{"API key": "k"}],
                "xacme": "y", "client_secret": {"value": "z"}, "empty_token": ""}"#,
        )
        .unwrap();
        let expected = r#"{"user":{"login":"ada","newPassword":"[redacted]","passwordChanged":true},"list":[{"API key":"[redacted]"}],"xacme":"[redacted]","client_secret":"[redacted]","empty_token":""}"#;
        assert_eq!(redactor.value(&value).to_json(), expected);
        assert!(!redactor.inside(&redactor.value(&value)), "what is redacted holds no secret");
    }
}
