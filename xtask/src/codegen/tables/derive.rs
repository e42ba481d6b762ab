//! Derives columns from the schema of a table's rows, mechanically.
//!
//! A member path becomes a column named after its segments. Objects with declared members are
//! flattened down to a depth; everything else that is not a scalar becomes one JSON column. A schema with
//! subtypes contributes the members of all of them. Links, write-only members and secrets never
//! become columns.

use super::super::Error;
use super::super::lookup;
use super::super::model::{Additional, ListShape, Property, SchemaKind, Schemas, TypeRef};
use super::super::names::pascal_case;
use super::super::overlay::{self, ColumnType, Overlay};
use super::{Column, Route, Source};

/// The columns that feed path parameters. A column that another route takes from its rows
/// gets that source from the overlay.
pub(crate) fn parents(routes: &[Route<'_>]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        for parent in &route.parents {
            let source = Source::Parent(parent.parameter.clone());
            if let Some(column) = columns.iter_mut().find(|column| column.name == parent.column) {
                column.sources[index] = source;
                continue;
            }
            let mut sources = vec![Source::Absent; routes.len()];
            sources[index] = source;
            let column = Column::new(&parent.column, ColumnType::Text, sources);
            columns.push(Column { nullable: false, read_only: true, ..column });
        }
    }
    columns
}

/// Adds the columns of the rows of a route.
pub(crate) fn from_rows(
    overlay: &Overlay,
    entry: &overlay::Table,
    route: &Route<'_>,
    routes: usize,
    schemas: &Schemas,
    columns: &mut Vec<Column>,
) -> Result<(), Error> {
    let row = row_type(route, schemas);
    let row = row.ok_or_else(|| overlay.error(&route.entry.operation, "the operation returns no object"))?;
    let merge = entry.merge.iter().map(|path| path.get_ref().as_str()).collect();
    let mut walk = Walk { schemas, depth: entry.depth, merge, routes, columns };
    match lookup::resolve(schemas, &row) {
        TypeRef::Named(name) => walk.row(name),
        _ => return Err(overlay.error(&route.entry.operation, "the operation does not return objects")),
    }
    Ok(())
}

/// The type of one row.
fn row_type(route: &Route<'_>, schemas: &Schemas) -> Option<TypeRef> {
    let result = lookup::resolve(schemas, route.operation.result()?);
    match (&route.operation.list, result) {
        (ListShape::Array, TypeRef::Array(item)) => Some((**item).clone()),
        (ListShape::Wrapped { items, .. }, TypeRef::Named(name)) => {
            let member = lookup::properties(schemas, name).iter().find(|property| property.name == *items)?;
            let TypeRef::Array(item) = lookup::resolve(schemas, &member.schema) else { return None };
            Some((**item).clone())
        }
        (ListShape::None, TypeRef::Named(_)) => Some(result.clone()),
        _ => None,
    }
}

struct Walk<'a> {
    schemas: &'a Schemas,
    depth: usize,
    merge: Vec<&'a str>,
    routes: usize,
    columns: &'a mut Vec<Column>,
}

impl<'a> Walk<'a> {
    fn row(&mut self, name: &str) {
        let Some(schema) = lookup::schema(self.schemas, name) else { return };
        match &schema.kind {
            SchemaKind::Object(object) => {
                self.members(&object.properties, &[]);
                let subtypes = object.discriminator.iter().flat_map(|discriminator| &discriminator.mapping);
                self.variants(subtypes.map(|(_, schema)| schema.as_str()));
            }
            SchemaKind::Union(union) => {
                self.variants(union.members.iter().filter_map(|member| match member {
                    TypeRef::Named(name) => Some(name.as_str()),
                    _ => None,
                }));
            }
            SchemaKind::Enum(_) | SchemaKind::Alias(_) => {}
        }
    }

    fn members(&mut self, properties: &'a [Property], parent: &[&'a str]) {
        for property in properties {
            self.member(property, parent);
        }
    }

    fn member(&mut self, property: &'a Property, parent: &[&'a str]) {
        if is_dropped(property) {
            return;
        }
        let path: Vec<&str> = parent.iter().copied().chain([property.name.as_str()]).collect();
        let Some((objects, is_open)) = self.flattened(property, &path) else {
            let column = self.column(property, &path);
            self.add(column);
            return;
        };
        for members in objects {
            self.members(members, &path);
        }
        if is_open {
            let whole = Column { data_type: ColumnType::Json, values: Vec::new(), ..self.column(property, &path) };
            self.add(whole);
        }
    }

    /// The members of an object that is flattened, or of each object of a union that is merged, and
    /// whether there may be others.
    fn flattened(&self, property: &'a Property, path: &[&str]) -> Option<(Vec<&'a [Property]>, bool)> {
        let TypeRef::Named(name) = lookup::resolve(self.schemas, &property.schema) else { return None };
        if path.len() >= self.depth || property.name == "_embedded" {
            return None;
        }
        match &lookup::schema(self.schemas, name)?.kind {
            SchemaKind::Object(object) if object.discriminator.is_none() && !object.properties.is_empty() => {
                Some((vec![&object.properties], matches!(object.additional, Additional::Allowed(_))))
            }
            SchemaKind::Union(union) if self.merge.contains(&path.join(".").as_str()) => {
                let members = union.members.iter().filter_map(|member| match member {
                    TypeRef::Named(name) => Some(lookup::properties(self.schemas, name)),
                    _ => None,
                });
                Some((members.collect(), true))
            }
            _ => None,
        }
    }

    fn column(&self, property: &Property, path: &[&str]) -> Column {
        let name: String = path.iter().map(|segment| pascal_case(segment)).collect();
        let (data_type, values) = column_type(self.schemas, property);
        let source = Source::Path(path.iter().map(ToString::to_string).collect());
        Column {
            nullable: !(property.required && path.len() == 1),
            read_only: property.read_only,
            values,
            ..Column::new(name, data_type, vec![source; self.routes])
        }
    }

    /// Adds the members of subtypes that the base lacks. Objects and differing types become JSON.
    fn variants(&mut self, names: impl Iterator<Item = &'a str>) {
        let base = self.columns.len();
        let known: Vec<String> = self.columns.iter().filter_map(top_level_member).collect();
        for name in names {
            for property in lookup::properties(self.schemas, name) {
                if is_dropped(property) || known.contains(&property.name) {
                    continue;
                }
                let column = self.column(property, &[&property.name]);
                let column = Column { nullable: true, values: Vec::new(), ..column };
                match self.columns[base..].iter_mut().find(|other| other.name == column.name) {
                    Some(other) if other.data_type == column.data_type => {}
                    Some(other) => other.data_type = ColumnType::Json,
                    None => self.add(column),
                }
            }
        }
    }

    /// Adds a column, unless a path parameter gives it already.
    fn add(&mut self, column: Column) {
        if !self.columns.iter().any(|known| known.name == column.name) {
            self.columns.push(column);
        }
    }
}

/// The member of the row that a column belongs to.
fn top_level_member(column: &Column) -> Option<String> {
    match column.sources.first() {
        Some(Source::Path(path)) => path.first().cloned(),
        _ => None,
    }
}

fn is_dropped(property: &Property) -> bool {
    let name = property.name.as_str();
    property.write_only || property.secret || name == "_links" || name == "_link"
}

/// The SQL type of a member, and its enumeration.
fn column_type(schemas: &Schemas, property: &Property) -> (ColumnType, Vec<String>) {
    match lookup::resolve(schemas, &property.schema) {
        TypeRef::String(_) => match property.format.as_str() {
            "date-time" => (ColumnType::Timestamp, Vec::new()),
            "date" => (ColumnType::Date, Vec::new()),
            _ => (ColumnType::Text, property.values.clone()),
        },
        TypeRef::Integer if property.format == "int64" => (ColumnType::BigInt, Vec::new()),
        TypeRef::Integer => (ColumnType::Integer, Vec::new()),
        TypeRef::Number => (ColumnType::Double, Vec::new()),
        TypeRef::Boolean => (ColumnType::Boolean, Vec::new()),
        TypeRef::Named(name) => match lookup::schema(schemas, name).map(|schema| &schema.kind) {
            Some(SchemaKind::Enum(values)) => (ColumnType::Text, values.clone()),
            _ => (ColumnType::Json, Vec::new()),
        },
        TypeRef::Array(_) | TypeRef::Map(_) | TypeRef::Binary | TypeRef::Any => (ColumnType::Json, Vec::new()),
    }
}
