//! Running a PATCH.

use serde_json::{Map, Value};

use super::{Applied, Change, MemberChange, MemberStep, Patch, Step};
use crate::error::{Error, ScimType};
use crate::filter::{Filter, Literal, Operator};
use crate::resource::{Member, Resource, check_length, is_primary};
use crate::schema::Path;

/// Values of lists that the operations of one PATCH look at, each once per condition, before the last of them. What PATCH
/// does, it does while nobody else writes.
const EFFORT_MAX: usize = 250_000;

impl Patch {
    /// Changes the attributes of a resource and says what becomes of its members, which it leaves as they are.
    ///
    /// On an error the resource is as it was.
    ///
    /// # Errors
    ///
    /// 400: `noTarget` where a value is to be replaced that is not there, `invalidValue` where the resource would lack a
    /// required attribute, have two primary values or be too large, and where operations go over long lists too often. 500
    /// where the members are needed and were not read.
    pub fn apply(&self, resource: &mut Resource) -> Result<Applied, Error> {
        let mut after = resource.clone();
        let mut members = Membership::new(self, resource)?;
        let mut password = false;
        let mut effort = 0;
        for step in &self.steps {
            if effort > EFFORT_MAX {
                let detail = "the operations go over long lists too often: send them in several requests";
                return Err(Error::invalid_value(detail));
            }
            effort += effort_of(step, &after).max(members.effort_of(step));
            match step {
                Step::Members(step) => members.run(step)?,
                Step::Password(secret) => {
                    after.set_password(secret.clone());
                    password = secret.is_some();
                }
                step => run(step, &mut after)?,
            }
        }
        after.check(self.profile)?;
        let changed = password || after.attributes() != resource.attributes();
        let members = members.finish();
        *resource = after;
        Ok(Applied { changed, members })
    }
}

/// Values of the list that a step looks at, as often as it does.
fn effort_of(step: &Step, resource: &Resource) -> usize {
    let length = |path: &Path| resource.value(path).and_then(Value::as_array).map_or(0, Vec::len);
    match step {
        Step::ReplaceList { values, .. } => values.len() * values.len() / 2,
        Step::Append { path, values } => values.len() * (length(path) + values.len() / 2),
        Step::RemoveValues { path, values } => values.len() * length(path),
        Step::Matching { path, filter, .. } => length(path) * filter.as_ref().map_or(1, Filter::terms),
        Step::Set { .. } | Step::DropExtension(_) | Step::Password(_) | Step::Members(_) => 0,
    }
}

fn run(step: &Step, resource: &mut Resource) -> Result<(), Error> {
    match step {
        Step::Set { path, value } => set(resource, path, value.clone()),
        Step::ReplaceList { path, values } => {
            let mut list = Vec::new();
            append(&mut list, values, path)?;
            put_list(resource, path, list);
        }
        Step::Append { path, values } => {
            let mut list = take_list(resource, path);
            append(&mut list, values, path)?;
            put_list(resource, path, list);
        }
        Step::RemoveValues { path, values } => {
            let mut list = take_list(resource, path);
            list.retain(|value| !values.iter().any(|gone| is_meant(value, gone)));
            put_list(resource, path, list);
        }
        Step::Matching { path, filter, change } => {
            let mut list = take_list(resource, path);
            let outcome = change_matching(&mut list, path, filter.as_ref(), change);
            put_list(resource, path, list);
            outcome?;
        }
        Step::DropExtension(urn) => resource.set_attribute(urn, None),
        Step::Password(_) | Step::Members(_) => {}
    }
    Ok(())
}

/// Sets a value in an object, or removes it, and the object once it is empty.
fn put(parent: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.shift_remove(name),
    };
}

/// Lets `change` work on an object within another, which comes and goes as needed.
fn within(parent: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let child = parent.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(child) = child {
        change(child);
        if child.is_empty() {
            parent.shift_remove(name);
        }
    }
}

fn set(resource: &mut Resource, path: &Path, value: Option<Value>) {
    let attributes = resource.attributes_mut();
    let change = |attributes: &mut Map<String, Value>| match path.sub_attribute {
        Some(part) => within(attributes, path.attribute.name, |parts| put(parts, part.name, value)),
        None => put(attributes, path.attribute.name, value),
    };
    match path.extension {
        Some(urn) => within(attributes, urn, change),
        None => change(attributes),
    }
}

/// Moves a list out; [`put_list`] puts it back in its place.
fn take_list(resource: &mut Resource, path: &Path) -> Vec<Value> {
    match resource.value_mut(path) {
        Some(Value::Array(values)) => std::mem::take(values),
        _ => Vec::new(),
    }
}

fn put_list(resource: &mut Resource, path: &Path, values: Vec<Value>) {
    set(resource, path, (!values.is_empty()).then_some(Value::Array(values)));
}

/// Adds the values that are not there yet.
fn append(list: &mut Vec<Value>, values: &[Value], path: &Path) -> Result<(), Error> {
    for value in values {
        if list.contains(value) {
            continue;
        }
        check_length(path.target(), list.len() + 1)?;
        list.push(value.clone());
        if is_primary(value) {
            let newest = list.len() - 1;
            keep_primary(list, newest);
        }
    }
    Ok(())
}

/// At most one value is primary: the one that was made so last.
fn keep_primary(list: &mut [Value], primary: usize) {
    for (index, value) in list.iter_mut().enumerate() {
        if let Some(parts) = value.as_object_mut().filter(|_| index != primary)
            && parts.get("primary") == Some(&Value::Bool(true))
        {
            parts.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}

/// Whether a removal that names `gone` means `value`: by `value` where it has one, else as a whole.
fn is_meant(value: &Value, gone: &Value) -> bool {
    match (value.get("value"), gone.get("value")) {
        (Some(value), Some(gone)) => value == gone,
        _ => value == gone,
    }
}

fn change_matching(list: &mut Vec<Value>, path: &Path, filter: Option<&Filter>, change: &Change) -> Result<(), Error> {
    let matches =
        |value: &Value| filter.is_none_or(|filter| value.as_object().is_some_and(|parts| filter.matches(parts)));
    let matching: Vec<usize> = (0..list.len()).filter(|&index| matches(&list[index])).collect();
    match change {
        Change::Remove => list.retain(|value| !matches(value)),
        Change::RemovePart(name) => {
            for &index in &matching {
                if let Some(parts) = list[index].as_object_mut() {
                    parts.shift_remove(*name);
                }
            }
            list.retain(|value| value.as_object().is_none_or(|parts| !parts.is_empty()));
        }
        Change::Add(parts) if matching.is_empty() => {
            let mut made = filter.map(equalities).unwrap_or_default();
            made.extend(parts.clone());
            append(list, &[Value::Object(made)], path)?;
        }
        Change::Add(_) | Change::Merge(_) | Change::Replace(_) if matching.is_empty() => {
            return Err(Error::bad_request(ScimType::NoTarget, format!("no value of {path} matches")));
        }
        Change::Add(parts) | Change::Merge(parts) => {
            for &index in &matching {
                if let Some(value) = list[index].as_object_mut() {
                    value.extend(parts.clone());
                }
            }
            one_primary(list, parts, &matching);
        }
        Change::Replace(parts) => {
            for &index in &matching {
                list[index] = Value::Object(parts.clone());
            }
            one_primary(list, parts, &matching);
        }
    }
    Ok(())
}

fn one_primary(list: &mut [Value], parts: &Map<String, Value>, changed: &[usize]) {
    if let (Some(Value::Bool(true)), &[.., last]) = (parts.get("primary"), changed) {
        keep_primary(list, last);
    }
}

/// What a value must have to satisfy the equalities of a filter: Entra adds to `emails[type eq "work"].value` and means a
/// new address for work.
fn equalities(filter: &Filter) -> Map<String, Value> {
    match filter {
        Filter::And(parts) => parts.iter().flat_map(equalities).collect(),
        Filter::Compare { path, operator: Operator::Eq, literal } => {
            let value = match literal {
                Literal::Text(text) => Value::from(text.as_ref()),
                Literal::Boolean(value) => Value::Bool(*value),
                Literal::Time(_) | Literal::Null => return Map::new(),
            };
            Map::from_iter([(path.attribute.name.to_owned(), value)])
        }
        _ => Map::new(),
    }
}

/// The membership while a PATCH runs: as a change alone, or the members themselves where they are needed.
enum Membership<'a> {
    Change(MemberChange),
    Members { before: &'a [Member], now: Vec<Member> },
}

impl<'a> Membership<'a> {
    fn new(patch: &Patch, resource: &'a Resource) -> Result<Self, Error> {
        if !patch.needs_members() {
            return Ok(Self::Change(MemberChange::default()));
        }
        let before = resource.members.as_deref().ok_or_else(Error::internal)?;
        Ok(Self::Members { before, now: before.to_vec() })
    }

    /// Members that a step looks at, as often as it does; none where the members are not needed.
    fn effort_of(&self, step: &Step) -> usize {
        let (Self::Members { now, .. }, Step::Members(step)) = (self, step) else { return 0 };
        match step {
            MemberStep::RemoveWhere(filter) | MemberStep::ReplaceWhere(filter, _) => now.len() * filter.terms(),
            MemberStep::Add(_) | MemberStep::Remove(_) | MemberStep::Replace(_) => now.len(),
        }
    }

    fn run(&mut self, step: &MemberStep) -> Result<(), Error> {
        match self {
            Self::Change(change) => {
                change.run(step);
                Ok(())
            }
            Self::Members { now, .. } => run_on(now, step),
        }
    }

    fn finish(self) -> MemberChange {
        match self {
            Self::Change(change) => change,
            Self::Members { before, now } => MemberChange::between(before, &now),
        }
    }
}

fn run_on(members: &mut Vec<Member>, step: &MemberStep) -> Result<(), Error> {
    match step {
        MemberStep::RemoveWhere(filter) => members.retain(|member| !filter.matches(&member.parts())),
        MemberStep::ReplaceWhere(filter, others) => {
            let count = members.len();
            members.retain(|member| !filter.matches(&member.parts()));
            if members.len() == count {
                return Err(Error::bad_request(ScimType::NoTarget, "no member matches"));
            }
            let mut change = MemberChange::default();
            change.add_all(others.iter().cloned());
            change.apply(members);
        }
        step => {
            let mut change = MemberChange::default();
            change.run(step);
            change.apply(members);
        }
    }
    Ok(())
}
