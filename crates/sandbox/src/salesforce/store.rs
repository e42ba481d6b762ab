//! The records of the org, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use oktant_base::{Secret, Timestamp};
use serde_json::{Map, Value};

use super::id::Id;
use super::schema::{Object, Schema};

/// Values of a record by the names of its fields; one that is absent is null.
pub(super) type Values = Map<String, Value>;

/// One record.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: Id,
    /// It lies in the recycle bin.
    pub(super) deleted: bool,
    pub(super) values: Values,
}

impl Row {
    /// The value of a field.
    pub(super) fn get(&self, field: &str) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }

    /// The text of a field; empty if it has none.
    pub(super) fn text(&self, field: &str) -> &str {
        self.get(field).as_str().unwrap_or_default()
    }

    /// Whether a checkbox is ticked.
    pub(super) fn flag(&self, field: &str) -> bool {
        self.get(field) == &Value::Bool(true)
    }

    /// The id that a reference holds.
    pub(super) fn reference(&self, field: &str) -> Option<Id> {
        Id::parse(self.text(field))
    }
}

/// The records of one object, oldest first.
pub(super) type Table = IndexMap<Id, Arc<Row>>;

/// Every record. A copy shares the records, so that a change of several can be taken back.
#[derive(Debug, Clone)]
pub(super) struct Store {
    schema: Arc<Schema>,
    tables: HashMap<String, Table>,
    made: u64,
    passwords: HashMap<Id, Secret>,
}

impl Store {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        Self { schema, tables: HashMap::new(), made: 0, passwords: HashMap::new() }
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    /// The id of the next record of an object.
    pub(super) fn next_id(&mut self, prefix: &str) -> Id {
        self.made += 1;
        Id::numbered(prefix, self.made)
    }

    /// Every record of an object, those in the recycle bin too.
    pub(super) fn all(&self, object: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.tables.get(object).into_iter().flat_map(Table::values)
    }

    /// The records of an object that are not deleted.
    pub(super) fn rows(&self, object: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.all(object).filter(|row| !row.deleted)
    }

    /// A record of an object, even a deleted one.
    pub(super) fn any(&self, object: &str, id: Id) -> Option<&Arc<Row>> {
        self.tables.get(object)?.get(&id)
    }

    /// A record of an object.
    pub(super) fn get(&self, object: &str, id: Id) -> Option<&Arc<Row>> {
        self.any(object, id).filter(|row| !row.deleted)
    }

    /// A record of any object, found by its prefix.
    pub(super) fn find(&self, id: Id) -> Option<(&Object, &Arc<Row>)> {
        let object = self.schema.by_prefix(id.prefix())?;
        Some((object, self.any(&object.name, id)?))
    }

    /// The first record with a value in a field.
    pub(super) fn first(&self, object: &str, field: &str, value: &str) -> Option<&Arc<Row>> {
        self.rows(object).find(|row| row.text(field).eq_ignore_ascii_case(value))
    }

    /// Puts a record in, or in the place of the one with its id.
    pub(super) fn put(&mut self, object: &str, row: Row) {
        self.tables.entry(object.to_owned()).or_default().insert(row.id, Arc::new(row));
    }

    /// Changes values of a record without anything that follows from it.
    pub(super) fn edit(&mut self, object: &str, id: Id, edit: impl FnOnce(&mut Row)) {
        if let Some(row) = self.tables.get_mut(object).and_then(|table| table.get_mut(&id)) {
            edit(Arc::make_mut(row));
        }
    }

    pub(super) fn set_password(&mut self, user: Id, password: Secret) {
        self.passwords.insert(user, password);
    }

    pub(super) fn password(&self, user: Id) -> Option<&Secret> {
        self.passwords.get(&user)
    }
}

/// A time as answers write it: UTC, milliseconds, an offset without a colon.
pub(super) fn stamp(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// Reads a time with an offset, in any of the ISO forms that requests use.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let read = |format| chrono::DateTime::parse_from_str(text, format).ok();
    let time = chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .or_else(|| read("%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|| read("%Y-%m-%d %H:%M:%S%.f%z"));
    time.map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_any_iso_form_and_written_in_one() {
        let forms = ["2025-01-31T10:20:30Z", "2025-01-31T11:20:30.000+0100", "2025-01-31T11:20:30+01:00"];
        for form in forms {
            assert_eq!(stamp(parse_time(form).unwrap()), "2025-01-31T10:20:30.000+0000", "{form}");
        }
        assert!(parse_time("2025-01-31").is_none() && parse_time("soon").is_none());
    }
}
