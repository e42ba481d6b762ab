//! Creating, changing and deleting records: what may be written, and what else happens.

use std::sync::Arc;

use oktant_base::Timestamp;
use serde_json::{Map, Value};

use super::error::Refusal;
use super::id::Id;
use super::schema::{Field, Kind, Object, Schema};
use super::store::{Row, Store, Values, stamp};
use super::{check, rules};

/// Changes made by one user at one time. Each is made whole or not at all.
pub(super) struct Change<'a> {
    pub(super) store: &'a mut Store,
    pub(super) now: Timestamp,
    /// Who makes it.
    pub(super) user: Id,
}

impl Change<'_> {
    /// Makes a record and gives its id.
    ///
    /// # Errors
    ///
    /// What the body lacks or has wrong, and what the object's rules refuse.
    pub(super) fn create(&mut self, object: &Object, body: &Map<String, Value>) -> Result<Id, Refusal> {
        if !object.create {
            let message = format!("entity type {} does not support create", object.name);
            return Err(Refusal::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        self.check_rights(object)?;
        let mut values = self.read(object, body, |field| field.create)?;
        let empty = |field: &&Field| field.required && values.get(&field.name).is_none_or(Value::is_null);
        let missing: Vec<_> = object.fields.iter().filter(empty).map(|field| field.name.clone()).collect();
        if !missing.is_empty() {
            return Err(required(missing));
        }
        for (name, value) in object.defaults() {
            values.entry(name.to_owned()).or_insert(value);
        }
        let owned = object.field("OwnerId").is_some() && values.get("OwnerId").is_none_or(Value::is_null);
        if owned {
            values.insert("OwnerId".to_owned(), self.user.as_str().into());
        }
        let id = self.store.next_id(&object.prefix);
        rules::before_save(self, object, id, &mut values, None)?;
        self.check_unique(object, id, &values)?;
        let (now, user) = (Value::from(stamp(self.now)), Value::from(self.user.as_str()));
        values.insert("CreatedDate".to_owned(), now);
        values.insert("CreatedById".to_owned(), user);
        self.save(object, id, values, None);
        Ok(id)
    }

    /// Changes a record.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and 404 if it is not there.
    pub(super) fn update(&mut self, object: &Object, id: Id, body: &Map<String, Value>) -> Result<(), Refusal> {
        let old = self.existing(object, id)?;
        if !object.update {
            let message = format!("entity type {} does not support update", object.name);
            return Err(Refusal::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        self.check_rights(object)?;
        let given = self.read(object, body, |field| field.update)?;
        let cleared = |field: &&Field| field.required && given.get(&field.name).is_some_and(Value::is_null);
        let missing: Vec<_> = object.fields.iter().filter(cleared).map(|field| field.name.clone()).collect();
        if !missing.is_empty() {
            return Err(required(missing));
        }
        let mut values = old.values.clone();
        values.extend(given);
        rules::before_save(self, object, id, &mut values, Some(&old))?;
        self.check_unique(object, id, &values)?;
        self.save(object, id, values, Some(&old));
        Ok(())
    }

    /// Puts a record into the recycle bin, with those that cannot be without it.
    ///
    /// # Errors
    ///
    /// 404 if it is not there, and what the object's rules refuse.
    pub(super) fn delete(&mut self, object: &Object, id: Id) -> Result<(), Refusal> {
        self.existing(object, id)?;
        if !object.delete {
            let message = format!("entity type {} does not support delete", object.name);
            return Err(Refusal::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        self.check_rights(object)?;
        let now = stamp(self.now);
        self.store.edit(&object.name, id, |row| {
            row.deleted = true;
            row.values.insert("SystemModstamp".to_owned(), now.clone().into());
            row.values.insert("LastModifiedDate".to_owned(), now.into());
        });
        let schema = self.store.schema();
        for child in schema.children(object) {
            let holds = |row: &&Arc<Row>| row.reference(&child.field.name) == Some(id);
            let below: Vec<Id> = self.store.rows(&child.object.name).filter(holds).map(|row| row.id).collect();
            for row in below {
                if child.field.required || rules::falls_with_parent(child.object, child.field) {
                    // It may be gone already, by another way down.
                    let _ = self.delete(child.object, row);
                } else {
                    self.store.edit(&child.object.name, row, |row| {
                        row.values.insert(child.field.name.clone(), Value::Null);
                    });
                }
            }
        }
        rules::recount(self, object);
        Ok(())
    }

    /// The record of an id.
    ///
    /// # Errors
    ///
    /// 404, with another code if it was deleted.
    pub(super) fn existing(&self, object: &Object, id: Id) -> Result<Row, Refusal> {
        match self.store.any(&object.name, id) {
            Some(row) if row.deleted => Err(Refusal::deleted()),
            Some(row) => Ok(Row::clone(row)),
            None => Err(Refusal::no_record(id.as_str())),
        }
    }

    /// Whether the profile of the user has a permission.
    pub(super) fn user_may(&self, permission: &str) -> bool {
        let profile = self.store.get("User", self.user).and_then(|user| user.reference("ProfileId"));
        profile.and_then(|id| self.store.get("Profile", id)).is_some_and(|profile| profile.flag(permission))
    }

    fn check_rights(&self, object: &Object) -> Result<(), Refusal> {
        if object.setup && !self.user_may("PermissionsManageUsers") {
            let message = "insufficient access rights on object id";
            return Err(Refusal::new("INSUFFICIENT_ACCESS_OR_READONLY", message).of_record());
        }
        Ok(())
    }

    /// The values of a body by the names of their fields.
    fn read(
        &self,
        object: &Object,
        body: &Map<String, Value>,
        may_write: impl Fn(&Field) -> bool,
    ) -> Result<Values, Refusal> {
        let schema = self.store.schema();
        let (mut values, mut closed) = (Values::new(), Vec::new());
        for (name, given) in body.iter().filter(|(name, _)| *name != "attributes") {
            if let (None, Some(field), Value::Object(key)) = (object.field(name), object.relationship(name), given) {
                let id = self.by_key(&schema, field, key)?;
                values.insert(field.name.clone(), id.as_str().into());
                continue;
            }
            let field = object.field(name).ok_or_else(|| {
                Refusal::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name))
            })?;
            if !may_write(field) {
                closed.push(field.name.clone());
                continue;
            }
            let value = check::value(field, given)?;
            if field.kind == Kind::Reference {
                self.check_reference(field, &value)?;
            }
            values.insert(field.name.clone(), value);
        }
        if closed.is_empty() {
            return Ok(values);
        }
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
             read/write for your profile or permission set.",
            closed.join(", ")
        );
        Err(Refusal { fields: Some(closed), ..Refusal::new("INVALID_FIELD_FOR_INSERT_UPDATE", message) })
    }

    /// The record that `{"Account": {"Key__c": "x"}}` means.
    fn by_key(&self, schema: &Schema, field: &Field, key: &Map<String, Value>) -> Result<Id, Refusal> {
        let key: Vec<_> = key.iter().filter(|(name, _)| *name != "attributes").collect();
        let [(name, value)] = key.as_slice() else {
            return Err(Refusal::new("INVALID_FIELD", format!("{} is named by exactly one field", field.label)));
        };
        let targets = field.targets.iter().filter_map(|target| schema.object(target));
        for target in targets {
            if let Some(known) = target.field(name).filter(|field| field.is_key()) {
                let found = self.matches(target, known, value)?;
                if let [id] = found.as_slice() {
                    return Ok(*id);
                }
            }
        }
        let message = format!("Foreign key external ID: {} not found for field {name}", shown(value));
        Err(Refusal::field("INVALID_FIELD", message, &field.name))
    }

    /// The records whose key field has a value.
    ///
    /// # Errors
    ///
    /// If the field cannot hold the value.
    pub(super) fn matches(&self, object: &Object, field: &Field, value: &Value) -> Result<Vec<Id>, Refusal> {
        let wanted = if field.kind.is_number() { value.clone() } else { Value::from(shown(value)) };
        let wanted = check::value(field, &wanted)?;
        let same = |row: &&Arc<Row>| {
            if field.kind == Kind::Id {
                Some(row.id.as_str()) == wanted.as_str()
            } else {
                same_value(field, row.get(&field.name), &wanted)
            }
        };
        Ok(self.store.rows(&object.name).filter(same).map(|row| row.id).collect())
    }

    fn check_reference(&self, field: &Field, value: &Value) -> Result<(), Refusal> {
        let Some(id) = value.as_str().and_then(Id::parse) else { return Ok(()) };
        let schema = self.store.schema();
        let target = schema.by_prefix(id.prefix()).filter(|object| field.targets.contains(&object.name));
        let Some(target) = target else {
            let message = format!("{}: id value of incorrect type: {id}", field.label);
            return Err(Refusal::field("FIELD_INTEGRITY_EXCEPTION", message, &field.name));
        };
        if self.store.get(&target.name, id).is_none() {
            return Err(Refusal::field("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &field.name));
        }
        Ok(())
    }

    fn check_unique(&self, object: &Object, id: Id, values: &Values) -> Result<(), Refusal> {
        for field in object.fields.iter().filter(|field| field.unique) {
            let Some(value) = values.get(&field.name).filter(|value| !value.is_null()) else { continue };
            let same = |row: &&Arc<Row>| row.id != id && same_value(field, row.get(&field.name), value);
            if let Some(other) = self.store.rows(&object.name).find(same) {
                return Err(rules::duplicate(object, field, other.id));
            }
        }
        Ok(())
    }

    fn save(&mut self, object: &Object, id: Id, mut values: Values, old: Option<&Row>) {
        let now = Value::from(stamp(self.now));
        values.insert("LastModifiedDate".to_owned(), now.clone());
        values.insert("LastModifiedById".to_owned(), self.user.as_str().into());
        values.insert("SystemModstamp".to_owned(), now);
        self.store.put(&object.name, Row { id, deleted: false, values });
        rules::after_save(self, object, id, old);
        rules::recount(self, object);
    }
}

fn required(missing: Vec<String>) -> Refusal {
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    Refusal { fields: Some(missing), ..Refusal::new("REQUIRED_FIELD_MISSING", message) }
}

/// A value as it stands in a path or a message.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn same_value(field: &Field, one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) if !field.case_sensitive && !field.kind.is_id() => {
            one.to_lowercase() == other.to_lowercase()
        }
        _ => one == other && !one.is_null(),
    }
}
