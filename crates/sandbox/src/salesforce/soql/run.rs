//! Running a query over the store.

use std::cmp::Ordering;
use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::ast::{Aggregate, Condition, Expression, FieldSet, Item, Literal, Operator, Path, Query};
use super::error::SoqlError;
use super::shape::{attributes, put};
use super::test::{Operand, Pattern, Test, check_filter, fold, key, operand};
use super::value::{Column, Matched, Scalar, column};
use super::{Rows, Scene};
use crate::salesforce::schema::{Kind, Object};
use crate::salesforce::store::Row;

/// Rows that may be skipped.
const OFFSET_MAX: u64 = 2_000;

/// Rows of a query for all fields.
const ALL_FIELDS_MAX: u64 = 200;

/// The rows of a query.
///
/// # Errors
///
/// What in the query is not there or does not fit.
pub(super) fn rows(scene: Scene<'_>, query: &Query) -> Result<Rows, SoqlError> {
    rows_where(scene, query, &|_| true)
}

/// The rows of a query for which something else holds too.
///
/// # Errors
///
/// As [`rows`].
pub(super) fn rows_where(scene: Scene<'_>, query: &Query, also: &dyn Fn(&Row) -> bool) -> Result<Rows, SoqlError> {
    let name = query.from.parts.join(".");
    let object = scene.schema.object(&name).ok_or_else(|| {
        let message = format!(
            "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' \
             after the entity name. Please reference your WSDL or the describe call for the appropriate names."
        );
        SoqlError::invalid_type(message, query.from.at)
    })?;
    select(Run { scene: Scene { deleted: scene.deleted || query.all_rows, ..scene }, object, query }, also)
}

/// Finds an expression, and says what kind of value it has.
type Left<'l, E> = dyn Fn(&Expression) -> Result<(E, Kind), SoqlError> + 'l;

/// A query on its way through one object.
#[derive(Clone, Copy)]
struct Run<'a> {
    scene: Scene<'a>,
    object: &'a Object,
    query: &'a Query,
}

fn select(run: Run<'_>, also: &dyn Fn(&Row) -> bool) -> Result<Rows, SoqlError> {
    let query = run.query;
    if query.offset > OFFSET_MAX {
        let message = format!("Maximum SOQL offset allowed is {OFFSET_MAX}");
        return Err(SoqlError::plain("NUMBER_OUTSIDE_VALID_RANGE", message));
    }
    let mut matched = run.matched()?;
    matched.retain(|row| also(row));
    if let [Item::Expression { expression: Expression::Aggregate(Aggregate::Count, None), .. }] =
        query.select.as_slice()
        && query.group.is_empty()
    {
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        return Ok(Rows { total: matched.len().min(limit), records: Vec::new() });
    }
    let is_aggregate = |expression: &Expression| matches!(expression, Expression::Aggregate(..));
    let any =
        query.select.iter().any(|item| matches!(item, Item::Expression { expression, .. } if is_aggregate(expression)));
    let records = if any || !query.group.is_empty() { run.groups(matched)? } else { run.records(matched)? };
    Ok(Rows { total: records.len(), records })
}

impl<'a> Run<'a> {
    fn scalar(self, expression: &Expression) -> Result<Scalar<'a>, SoqlError> {
        Scalar::new(self.scene, self.object, self.query, expression)
    }

    fn column(self, path: &Path) -> Result<Column<'a>, SoqlError> {
        column(self.scene, self.object, self.query, path)
    }

    /// The rows for which the condition holds.
    fn matched(self) -> Result<Matched<'a>, SoqlError> {
        let scene = self.scene;
        let test = self
            .query
            .condition
            .as_ref()
            .map(|condition| self.test(condition, &|expression| self.filtered(expression)));
        let test = test.transpose()?;
        let rows = scene.store.all(&self.object.name).filter(|row| scene.deleted || !row.deleted);
        let value = |row: &'a Row| move |scalar: &Scalar<'a>| scalar.of(scene, row).into_owned();
        Ok(rows.filter(|row| test.as_ref().is_none_or(|test| test.holds(&value(row)))).collect())
    }

    fn filtered(self, expression: &Expression) -> Result<(Scalar<'a>, Kind), SoqlError> {
        let scalar = self.scalar(expression)?;
        check_filter(scalar.column().field, scalar.column().at)?;
        let kind = scalar.kind();
        Ok((scalar, kind))
    }

    /// Makes a condition ready; `left` finds the expressions and says what kind of value they have.
    fn test<E>(self, condition: &'a Condition, left: &Left<'_, E>) -> Result<Test<E>, SoqlError> {
        let all = |conditions: &'a [Condition]| -> Result<Vec<_>, SoqlError> {
            conditions.iter().map(|condition| self.test(condition, left)).collect()
        };
        match condition {
            Condition::And(conditions) => Ok(Test::All(all(conditions)?)),
            Condition::Or(conditions) => Ok(Test::Any(all(conditions)?)),
            Condition::Not(condition) => Ok(Test::Not(Box::new(self.test(condition, left)?))),
            Condition::Compare { left: expression, operator, right } => {
                let (found, kind) = left(expression)?;
                self.comparison(found, kind, expression, *operator, right)
            }
            Condition::In { left: expression, negated, list } => {
                let (found, kind) = left(expression)?;
                self.membership(found, kind, expression, *negated, list)
            }
            Condition::InQuery { left: expression, negated, query } => {
                let (found, _) = left(expression)?;
                let values = self.semi_join(query)?;
                Ok(Test::In { left: found, negated: *negated, values, null: false })
            }
            Condition::Includes { left: expression, excludes, list } => {
                let (found, kind) = left(expression)?;
                if kind != Kind::MultiPicklist {
                    let message = "INCLUDES and EXCLUDES take a multi-select picklist";
                    return Err(SoqlError::plain("INVALID_QUERY_FILTER_OPERATOR", message));
                }
                let sets = list.iter().map(|set| set.split(';').map(|value| fold(value.trim())).collect()).collect();
                Ok(Test::Includes { left: found, excludes: *excludes, sets })
            }
        }
    }

    fn comparison<E>(
        self,
        left: E,
        kind: Kind,
        expression: &Expression,
        operator: Operator,
        right: &Literal,
    ) -> Result<Test<E>, SoqlError> {
        let invalid = |why: &str| {
            let message = format!("invalid operator on {} field: {why}", kind.name());
            Err(SoqlError::plain("INVALID_QUERY_FILTER_OPERATOR", message))
        };
        if operator == Operator::Like {
            let is_text =
                !kind.is_id() && !kind.is_number() && !matches!(kind, Kind::Boolean | Kind::Date | Kind::DateTime);
            return match right {
                Literal::Text(raw) if is_text => Ok(Test::Like(left, Pattern::new(raw))),
                _ => invalid("LIKE"),
            };
        }
        let operand = self.operand(kind, expression, right)?;
        let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordered && (operand == Operand::Null || matches!(kind, Kind::Boolean | Kind::MultiPicklist)) {
            return invalid("only = and != fit");
        }
        Ok(Test::Compare(left, operator, operand))
    }

    fn operand(self, kind: Kind, expression: &Expression, literal: &Literal) -> Result<Operand, SoqlError> {
        let (name, at) = named(expression);
        operand(self.scene, kind, &name, literal, at)
    }

    fn membership<E>(
        self,
        left: E,
        kind: Kind,
        expression: &Expression,
        negated: bool,
        list: &[Literal],
    ) -> Result<Test<E>, SoqlError> {
        let operands: Result<Vec<_>, _> = list.iter().map(|literal| self.operand(kind, expression, literal)).collect();
        let (mut values, mut ranges, mut null) = (HashSet::new(), Vec::new(), false);
        for operand in operands? {
            match operand {
                Operand::Null => null = true,
                Operand::Text(text) => drop(values.insert(text)),
                Operand::Number(number) => drop(values.insert(number.to_string())),
                Operand::Boolean(value) => drop(values.insert(value.to_string())),
                Operand::Range(from, until) => ranges.push((from, until)),
            }
        }
        if ranges.is_empty() {
            return Ok(Test::In { left, negated, values, null });
        }
        Ok(Test::Within { left, negated, ranges })
    }

    /// The values that a query below gives: it selects one field, and none of its rows is null to a member.
    fn semi_join(self, query: &'a Query) -> Result<HashSet<String>, SoqlError> {
        let [Item::Expression { expression, .. }] = query.select.as_slice() else {
            return Err(SoqlError::malformed("A semi join sub-select selects exactly one field", query.from.at));
        };
        let name = query.from.parts.join(".");
        let object = self.scene.schema.object(&name);
        let object = object.ok_or_else(|| {
            SoqlError::invalid_type(format!("sObject type '{name}' is not supported."), query.from.at)
        })?;
        let below = Run { object, query, ..self };
        let scalar = below.scalar(expression)?;
        if !scalar.kind().is_id() {
            return Err(SoqlError::malformed("A semi join sub-select selects a field that holds ids", query.from.at));
        }
        let values =
            below.matched()?.into_iter().map(|row| scalar.of(self.scene, row)).filter(|value| !value.is_null());
        Ok(values.map(|value| key(&value)).collect())
    }

    /// Rows as records.
    fn records(self, matched: Matched<'a>) -> Result<Vec<Value>, SoqlError> {
        let columns = self.columns()?;
        let order: Result<Vec<_>, _> = self
            .query
            .order
            .iter()
            .map(|order| {
                let (scalar, _) = self.filtered(&order.by)?;
                Ok((scalar, order.descending, order.nulls_last))
            })
            .collect();
        let order = order?;
        let mut keyed: Vec<(Vec<Value>, _)> = matched
            .into_iter()
            .map(|row| (order.iter().map(|(scalar, ..)| scalar.of(self.scene, row).into_owned()).collect(), row))
            .collect();
        keyed.sort_by(|one, other| {
            let pairs = one.0.iter().zip(&other.0).zip(&order);
            pairs
                .map(|((one, other), (_, descending, last))| sorted(one, other, *descending, *last))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        let page = keyed
            .into_iter()
            .skip(self.query.offset as usize)
            .take(self.query.limit.map_or(usize::MAX, |limit| limit as usize));
        page.map(|(_, row)| self.record(row, &columns)).collect()
    }

    /// What is selected, with fields found.
    fn columns(self) -> Result<Vec<Selected<'a>>, SoqlError> {
        let (mut selected, mut seen) = (Vec::new(), HashSet::new());
        for item in &self.query.select {
            match item {
                Item::Fields { set, at } => {
                    if *set != FieldSet::Standard && self.query.limit.is_none_or(|limit| limit > ALL_FIELDS_MAX) {
                        let message = format!("The SOQL FIELDS function must have a LIMIT of at most {ALL_FIELDS_MAX}");
                        return Err(SoqlError::malformed(message, *at));
                    }
                    let fields = self.object.fields.iter().filter(|field| match set {
                        FieldSet::All => true,
                        FieldSet::Standard => !field.custom,
                        FieldSet::Custom => field.custom,
                    });
                    selected.extend(fields.map(|field| Selected::Column(Column { steps: Vec::new(), field, at: *at })));
                }
                Item::Children(query) => selected.push(self.children(query)?),
                Item::Expression { expression, alias } => {
                    let scalar = self.scalar(expression)?;
                    let path = scalar.column().names().collect::<Vec<_>>().join(".");
                    if !seen.insert(format!("{path} {}", alias.as_deref().unwrap_or_default())) {
                        return Err(SoqlError::invalid_field(
                            format!("duplicate field selected: {path}"),
                            scalar.column().at,
                        ));
                    }
                    selected.push(match (scalar, alias) {
                        (Scalar::Field(column), None) => Selected::Column(column),
                        (scalar, Some(alias)) => Selected::Named(alias.clone(), scalar),
                        (scalar, None) => Selected::Named(scalar.column().field.name.clone(), scalar),
                    });
                }
            }
        }
        Ok(selected)
    }

    fn children(self, query: &'a Query) -> Result<Selected<'a>, SoqlError> {
        let wanted = query.from.parts.join(".");
        let schema = self.scene.schema;
        let child = schema
            .children(self.object)
            .find(|child| child.name.is_some_and(|name| name.eq_ignore_ascii_case(&wanted)));
        let child = child.ok_or_else(|| {
            let message = format!(
                "Didn't understand relationship '{wanted}' in FROM part of query call. If you are attempting to use a custom \
                 relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or \
                 the describe call for the appropriate names."
            );
            SoqlError::invalid_type(message, query.from.at)
        })?;
        let below = Run { object: child.object, query, ..self };
        // Its errors show even if no row has children.
        select(below, &|_| false)?;
        Ok(Selected::Children { name: child.name.unwrap_or_default(), below, field: &child.field.name })
    }

    fn record(self, row: &'a Row, columns: &[Selected<'a>]) -> Result<Value, SoqlError> {
        let mut record = Map::new();
        record.insert("attributes".to_owned(), attributes(self.object, row, self.scene.base));
        for column in columns {
            match column {
                Selected::Column(column) => put(self.scene, &mut record, row, column),
                Selected::Named(name, scalar) => {
                    drop(record.insert(name.clone(), scalar.of(self.scene, row).into_owned()));
                }
                Selected::Children { name, below, field } => {
                    let rows = select(*below, &|child| child.reference(field) == Some(row.id))?;
                    let list = match rows.total {
                        0 => Value::Null,
                        total => json!({ "totalSize": total, "done": true, "records": rows.records }),
                    };
                    record.insert((*name).to_owned(), list);
                }
            }
        }
        Ok(Value::Object(record))
    }

    /// Groups of rows as records.
    fn groups(self, matched: Matched<'a>) -> Result<Vec<Value>, SoqlError> {
        let by: Result<Vec<_>, _> =
            self.query.group.iter().map(|expression| self.filtered(expression).map(|(scalar, _)| scalar)).collect();
        let by = by?;
        let mut groups: IndexMap<Vec<String>, Group<'a>> = IndexMap::new();
        for row in matched {
            let values: Vec<Value> = by.iter().map(|scalar| scalar.of(self.scene, row).into_owned()).collect();
            let keys = values.iter().map(key).collect();
            groups.entry(keys).or_insert_with(|| Group { values, rows: Vec::new() }).rows.push(row);
        }
        if by.is_empty() && groups.is_empty() {
            groups.insert(Vec::new(), Group { values: Vec::new(), rows: Vec::new() });
        }
        let selected = self.selected_groups()?;
        let having = self
            .query
            .having
            .as_ref()
            .map(|having| self.test(having, &|expression| self.grouped(expression)))
            .transpose()?;
        let order: Result<Vec<_>, SoqlError> = self
            .query
            .order
            .iter()
            .map(|order| Ok((self.grouped(&order.by)?.0, order.descending, order.nulls_last)))
            .collect();
        let order = order?;
        let scene = self.scene;
        let mut kept: Vec<Group<'a>> = groups
            .into_values()
            .filter(|group| having.as_ref().is_none_or(|test| test.holds(&|grouped| group.value(scene, grouped))))
            .collect();
        kept.sort_by(|one, other| {
            let orders = order.iter().map(|(by, descending, last)| {
                sorted(&one.value(scene, by), &other.value(scene, by), *descending, *last)
            });
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        let page = kept
            .into_iter()
            .skip(self.query.offset as usize)
            .take(self.query.limit.map_or(usize::MAX, |limit| limit as usize));
        let records = page.map(|group| {
            let mut record = Map::new();
            record.insert("attributes".to_owned(), json!({ "type": "AggregateResult" }));
            for (name, grouped) in &selected {
                record.insert(name.clone(), group.value(scene, grouped));
            }
            Value::Object(record)
        });
        Ok(records.collect())
    }

    /// Names and values of what is selected of a group.
    fn selected_groups(self) -> Result<Vec<(String, Grouped<'a>)>, SoqlError> {
        let (mut selected, mut unnamed) = (Vec::new(), 0);
        for item in &self.query.select {
            let Item::Expression { expression, alias } = item else {
                return Err(SoqlError::malformed(
                    "A grouped query selects fields and aggregates only",
                    self.query.from.at,
                ));
            };
            let (grouped, _) = self.grouped(expression)?;
            let name = match (alias, expression) {
                (Some(alias), _) => alias.clone(),
                (None, Expression::Field(path) | Expression::Label(path)) => self.column(path)?.field.name.clone(),
                (None, _) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            selected.push((name, grouped));
        }
        Ok(selected)
    }

    /// An expression of a group: an aggregate, or what the rows are grouped by.
    fn grouped(self, expression: &Expression) -> Result<(Grouped<'a>, Kind), SoqlError> {
        let Expression::Aggregate(aggregate, path) = expression else {
            let position = self.query.group.iter().position(|group| self.same(group, expression));
            let (name, at) = named(expression);
            let scalar = self.scalar(expression)?;
            let position = position
                .ok_or_else(|| SoqlError::malformed(format!("Field must be grouped or aggregated: {name}"), at))?;
            return Ok((Grouped::By(position), scalar.kind()));
        };
        let Some(path) = path else { return Ok((Grouped::Rows, Kind::Int)) };
        let column = self.column(path)?;
        let kind = column.field.kind;
        check_filter(column.field, path.at)?;
        let fits = match aggregate {
            Aggregate::Sum | Aggregate::Avg => kind.is_number(),
            Aggregate::Min | Aggregate::Max => !kind.is_id() && kind != Kind::Boolean,
            Aggregate::Count | Aggregate::CountDistinct => true,
        };
        if !fits {
            let message = format!("field {} does not support aggregate operator", column.field.name);
            return Err(SoqlError::malformed(message, path.at));
        }
        let kind = match aggregate {
            Aggregate::Count | Aggregate::CountDistinct => Kind::Int,
            Aggregate::Avg | Aggregate::Sum => Kind::Double,
            Aggregate::Min | Aggregate::Max => kind,
        };
        Ok((Grouped::Aggregate(*aggregate, column), kind))
    }

    /// Whether two expressions come to the same, however they are spelled.
    fn same(self, one: &Expression, other: &Expression) -> bool {
        let path = |expression: &Expression| Some(self.scalar(expression).ok()?.column().names().collect::<Vec<_>>());
        let function = |expression: &Expression| match expression {
            Expression::Date(function, _) => Some(*function),
            _ => None,
        };
        function(one) == function(other) && path(one).is_some_and(|names| path(other) == Some(names))
    }
}

/// What a record gets.
enum Selected<'a> {
    Column(Column<'a>),
    Named(String, Scalar<'a>),
    Children { name: &'a str, below: Run<'a>, field: &'a str },
}

/// What a group has a value of.
enum Grouped<'a> {
    By(usize),
    Rows,
    Aggregate(Aggregate, Column<'a>),
}

/// Rows that are alike in what they are grouped by.
struct Group<'a> {
    values: Vec<Value>,
    rows: Matched<'a>,
}

impl<'a> Group<'a> {
    fn value(&self, scene: Scene<'a>, grouped: &Grouped<'a>) -> Value {
        match grouped {
            Grouped::By(position) => self.values[*position].clone(),
            Grouped::Rows => self.rows.len().into(),
            Grouped::Aggregate(aggregate, column) => {
                let values =
                    self.rows.iter().map(|row| column.of(scene, row).into_owned()).filter(|value| !value.is_null());
                aggregated(*aggregate, values.collect())
            }
        }
    }
}

/// An aggregate of values none of which is null.
fn aggregated(aggregate: Aggregate, values: Vec<Value>) -> Value {
    let sum = || values.iter().filter_map(Value::as_f64).sum::<f64>();
    match aggregate {
        Aggregate::Count => values.len().into(),
        Aggregate::CountDistinct => values.iter().map(key).collect::<HashSet<_>>().len().into(),
        Aggregate::Sum | Aggregate::Avg if values.is_empty() => Value::Null,
        Aggregate::Sum => sum().into(),
        Aggregate::Avg => (sum() / values.len() as f64).into(),
        Aggregate::Min => values.into_iter().min_by(order).unwrap_or(Value::Null),
        Aggregate::Max => values.into_iter().max_by(order).unwrap_or(Value::Null),
    }
}

/// The order of two values of one field.
fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => fold(one).cmp(&fold(other)),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

/// The order in a sorted answer. `NULLS` stands where it says in either direction.
fn sorted(one: &Value, other: &Value, descending: bool, nulls_last: bool) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (true, true) => Ordering::Equal,
        (false, false) => {
            let order = order(one, other);
            if descending { order.reverse() } else { order }
        }
        (null, _) => {
            if null == nulls_last {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

/// What an expression is called in a message, and where it stands.
fn named(expression: &Expression) -> (String, usize) {
    match expression {
        Expression::Field(path) | Expression::Label(path) | Expression::Format(path) | Expression::Date(_, path) => {
            (path.parts.join("."), path.at)
        }
        Expression::Aggregate(_, path) => {
            path.as_ref().map_or_else(|| ("COUNT()".to_owned(), 0), |path| (path.parts.join("."), path.at))
        }
    }
}
