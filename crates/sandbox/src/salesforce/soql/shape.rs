//! Rows as records of an answer: attributes, fields in the order of the query, parents within each other.

use serde_json::{Map, Value, json};

use super::Scene;
use super::value::{Column, field_of};
use crate::salesforce::schema::Object;
use crate::salesforce::store::Row;

/// `{"type", "url"}` of a row.
pub(in super::super) fn attributes(object: &Object, row: &Row, base: &str) -> Value {
    json!({ "type": object.name, "url": format!("{base}/{}/{}", object.path(), row.id) })
}

/// Puts the value of a column in, below the parents on its way.
pub(super) fn put(scene: Scene<'_>, record: &mut Map<String, Value>, row: &Row, column: &Column<'_>) {
    let (mut place, mut row) = (record, row);
    for step in &column.steps {
        let Some(name) = step.relationship() else { return };
        let parent = row.reference(&step.name).and_then(|id| scene.store.find(id));
        let Some((object, parent)) = parent else {
            place.insert(name, Value::Null);
            return;
        };
        let below =
            place.entry(name).or_insert_with(|| json!({ "attributes": attributes(object, parent, scene.base) }));
        match below {
            Value::Object(below) => place = below,
            _ => return,
        }
        row = parent;
    }
    place.insert(column.field.name.clone(), field_of(row, column.field).into_owned());
}

/// A row with all or some of its fields, as reading a record gives it.
pub(in super::super) fn record<'f>(
    object: &'f Object,
    row: &Row,
    base: &str,
    fields: impl Iterator<Item = &'f crate::salesforce::schema::Field>,
) -> Value {
    let mut record = Map::new();
    record.insert("attributes".to_owned(), attributes(object, row, base));
    for field in fields {
        record.insert(field.name.clone(), field_of(row, field).into_owned());
    }
    Value::Object(record)
}
