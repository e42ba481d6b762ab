//! A table as it is in one org: the catalogue's columns and the org's custom attributes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use oktant_catalog::{Column, ColumnType, Ops, Route, Source, Table};

/// A table with every column that it has in one org.
#[derive(Debug)]
pub struct Relation {
    table: &'static Table,
    columns: Vec<RelationColumn>,
    schema: SchemaRef,
    positions: HashMap<String, usize>,
}

/// One column of a [`Relation`].
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct RelationColumn {
    /// Name as the user sees it, such as `ProfileFirstName`.
    pub name: String,
    /// Other names it answers to.
    pub aliases: Vec<String>,
    /// Type in SQL.
    pub data_type: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether writing it is refused.
    pub read_only: bool,
    /// Where the value comes from, one entry per route of the table.
    pub origins: Vec<Origin>,
    /// Name in expressions, such as `profile.firstName`; empty where it cannot be pushed.
    pub attribute: String,
    /// Operators the org evaluates in `filter`.
    pub filter: Ops,
    /// Operators the org evaluates in `search`.
    pub search: Ops,
    /// Value of `expand` that the column needs, if any.
    pub expand: Option<&'static str>,
    /// Members of the enumeration, empty for other columns. Comparison ignores case.
    pub values: Vec<String>,
    /// Whether `SELECT *` leaves it out.
    pub hidden: bool,
    /// Whether it is a custom attribute of the org.
    pub custom: bool,
}

/// Where a column's value comes from on one route: [`Source`] with owned paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Member path inside the row's object; an empty path is the whole object as JSON.
    Path(Vec<String>),
    /// The first of several member paths that is present.
    FirstOf(Vec<Vec<String>>),
    /// Path parameter of the route's operation.
    Parent(&'static str),
    /// Last segment of the URL at this member path.
    UrlTail(Vec<String>),
    /// Column of the table that lists the route's parents: the value is in the parent's row.
    OfParent(&'static str),
    /// The route cannot tell it.
    Absent,
    /// Input only: sent as the named query parameter.
    Input(&'static str),
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        let owned = |path: &[&str]| path.iter().map(ToString::to_string).collect::<Vec<_>>();
        match source {
            Source::Path(path) => Self::Path(owned(path)),
            Source::FirstOf(paths) => Self::FirstOf(paths.iter().map(|path| owned(path)).collect()),
            Source::Parent(parameter) => Self::Parent(parameter),
            Source::UrlTail(path) => Self::UrlTail(owned(path)),
            Source::OfParent(column) => Self::OfParent(column),
            Source::Absent => Self::Absent,
            Source::Input(parameter) => Self::Input(parameter),
        }
    }
}

impl From<&'static Column> for RelationColumn {
    fn from(column: &'static Column) -> Self {
        Self {
            name: column.name.to_owned(),
            aliases: column.aliases.iter().map(ToString::to_string).collect(),
            data_type: column.data_type,
            nullable: column.nullable,
            read_only: column.read_only,
            origins: column.sources.iter().map(Origin::from).collect(),
            attribute: column.attribute.to_owned(),
            filter: column.filter,
            search: column.search,
            expand: column.expand,
            values: column.values.iter().map(ToString::to_string).collect(),
            hidden: column.hidden,
            custom: false,
        }
    }
}

impl RelationColumn {
    /// Where the value comes from on the route of this index.
    pub fn origin(&self, route: usize) -> &Origin {
        self.origins.get(route).unwrap_or(&Origin::Absent)
    }

    /// Whether text is compared with the members of an enumeration, ignoring case.
    pub fn is_enum(&self) -> bool {
        !self.values.is_empty()
    }

    /// The member of the enumeration that `text` names, ignoring case.
    pub fn member(&self, text: &str) -> Option<&str> {
        self.values.iter().map(String::as_str).find(|member| member.eq_ignore_ascii_case(text))
    }

    /// Whether `StringComparison=Okta` compares its values ignoring case: all text but identifiers,
    /// which join tables. (Enumerations ignore case anyway.)
    fn ignores_case(&self) -> bool {
        let is_identifier = match self.origins.first() {
            Some(Origin::Path(path)) => match path.as_slice() {
                [profile, _] if profile == "profile" => false,
                [.., last] => matches!(last.as_str(), "id" | "uuid") || last.ends_with("Id") || last.ends_with("_id"),
                [] => false,
            },
            Some(Origin::Parent(_) | Origin::UrlTail(_)) => true,
            _ => false,
        };
        self.data_type == ColumnType::Text && !self.is_enum() && !is_identifier
    }

    fn field(&self) -> Field {
        let mut metadata = metadata_of(&self.name, &self.values, self.data_type);
        if let Some(Origin::Path(path)) = self.origins.first() {
            metadata.insert("okta.path".to_owned(), path.join("."));
        }
        if self.read_only {
            metadata.insert("okta.readonly".to_owned(), "true".to_owned());
        }
        if self.ignores_case() {
            metadata.insert(FOLDED_METADATA.to_owned(), "true".to_owned());
        }
        // Orgs omit members that are documented as required, and the engine must not rely on them;
        // `nullable` is for reflection.
        Field::new(self.name.to_lowercase(), arrow_type(self.data_type), true).with_metadata(metadata)
    }
}

/// Key of the field metadata that lists the members of an enumeration, one a line.
pub(crate) const ENUM_METADATA: &str = "okta.values";

/// Key of the field metadata that marks text to be compared ignoring case, where the connection
/// asks for it.
pub(crate) const FOLDED_METADATA: &str = "okta.folded";

/// What a field says of its column besides the type: the name as users see it, and the members of an enumeration.
pub(crate) fn metadata_of(name: &str, values: &[impl AsRef<str>], data_type: ColumnType) -> HashMap<String, String> {
    let mut metadata = HashMap::from([("okta.name".to_owned(), name.to_owned())]);
    if !values.is_empty() {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        metadata.insert(ENUM_METADATA.to_owned(), values.join("\n"));
    }
    if data_type == ColumnType::Json {
        metadata.insert("ARROW:extension:name".to_owned(), "arrow.json".to_owned());
    }
    metadata
}

/// The arrow type of a column type.
pub fn arrow_type(data_type: ColumnType) -> DataType {
    match data_type {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::Date => DataType::Date32,
        ColumnType::Integer => DataType::Int32,
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
    }
}

impl Relation {
    /// A table with custom columns after its own. A custom column whose name is taken is left out.
    pub fn new(table: &'static Table, custom: Vec<RelationColumn>) -> Self {
        let mut relation =
            Self { table, columns: Vec::new(), schema: Arc::new(Schema::empty()), positions: HashMap::new() };
        for column in table.columns.iter().map(RelationColumn::from).chain(custom) {
            relation.push(column);
        }
        let fields: Vec<_> = relation.columns.iter().map(RelationColumn::field).collect();
        relation.schema = Arc::new(Schema::new(fields));
        relation
    }

    fn push(&mut self, column: RelationColumn) {
        let position = self.columns.len();
        if self.positions.contains_key(&column.name.to_lowercase()) {
            return;
        }
        for name in std::iter::once(&column.name).chain(&column.aliases) {
            self.positions.entry(name.to_lowercase()).or_insert(position);
        }
        self.columns.push(column);
    }

    /// The catalogue's entry.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The table's name.
    pub fn name(&self) -> &'static str {
        self.table.name
    }

    /// All columns, hidden ones too, in the order of [`Self::schema`].
    pub fn columns(&self) -> &[RelationColumn] {
        &self.columns
    }

    /// Arrow schema with one field per column. Field names are in lower case, the one spelling
    /// that the engine uses inside; metadata `okta.name` holds the name that users see.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Position of a column by name or alias, ignoring case.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).or_else(|| self.positions.get(&name.to_lowercase())).copied()
    }

    /// A column by name or alias, ignoring case.
    pub fn column(&self, name: &str) -> Option<&RelationColumn> {
        self.position(name).map(|position| &self.columns[position])
    }

    /// Access paths, the preferred one first.
    pub fn routes(&self) -> &'static [Route] {
        self.table.routes
    }

    /// Whether the values of this column spare a scan from reading everything: it is the key, or names
    /// the parent on some route.
    pub fn is_fed_by(&self, position: usize) -> bool {
        self.key() == [position] || self.is_parent_key(position)
    }

    /// Whether the column alone names the parent on some route.
    pub fn is_parent_key(&self, position: usize) -> bool {
        let name = &self.columns[position].name;
        self.routes().iter().any(|route| matches!(route.parents, [only] if only.column == name))
    }

    /// Positions of the key columns.
    pub fn key(&self) -> Vec<usize> {
        self.table.key.iter().filter_map(|name| self.position(name)).collect()
    }
}
