//! Custom attributes: columns that an org adds to users and groups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use oktant_base::{Clock, Timestamp, limits};
use oktant_catalog::{ColumnType, Ops, Table};
use oktant_client::{Call, Org};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::context::StatementContext;
use crate::error::Cause;
use crate::relation::{Origin, Relation, RelationColumn};

/// The tables of an org with their custom attributes, remembered for a while.
#[derive(Debug)]
pub(crate) struct Relations {
    org: Org,
    clock: Arc<dyn Clock>,
    fixed: Mutex<HashMap<&'static str, Arc<Relation>>>,
    discovered: tokio::sync::Mutex<HashMap<&'static str, Discovered>>,
    sizes: Arc<Sizes>,
}

/// Rows that tables are known to have: from whole scans, and from counts that the org keeps.
#[derive(Debug, Default)]
pub(crate) struct Sizes(Mutex<BTreeMap<&'static str, u64>>);

impl Sizes {
    pub(crate) fn note(&self, table: &'static str, rows: u64) {
        self.0.lock().insert(table, rows);
    }

    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().clone()
    }
}

#[derive(Debug)]
struct Discovered {
    relation: Arc<Relation>,
    warnings: Vec<String>,
    expires_at: Timestamp,
}

/// Which columns a statement needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those that every org has.
    Static,
    /// Custom attributes too.
    Whole,
}

impl Relations {
    pub(crate) fn new(org: Org, clock: Arc<dyn Clock>) -> Self {
        Self { org, clock, fixed: Mutex::default(), discovered: tokio::sync::Mutex::default(), sizes: Arc::default() }
    }

    /// Rows that tables are known to have.
    pub(crate) fn sizes(&self) -> &Arc<Sizes> {
        &self.sizes
    }

    /// Asks the org how many users it has: one request for the group that holds everyone.
    ///
    /// # Source
    ///
    /// SQL model 2.8: the count leaves out deprovisioned users, so it is a lower bound.
    pub(crate) async fn count_users(&self, statement: &StatementContext) -> Result<(), oktant_client::Error> {
        let query = "filter=type%20eq%20%22BUILT_IN%22&expand=stats&limit=200";
        let groups: Vec<Value> = self.read(&format!("/api/v1/groups?{query}"), Some(statement)).await?;
        let everyone = groups.iter().find(|group| {
            group.pointer("/type").is_some_and(|kind| kind == "BUILT_IN")
                && group.pointer("/profile/name").is_some_and(|name| name == "Everyone")
        });
        let count = everyone.and_then(|group| group.pointer("/_embedded/stats/usersCount")).and_then(Value::as_u64);
        if let Some(count) = count {
            self.sizes.note("Users", count);
        }
        Ok(())
    }

    /// The table without custom attributes. No request is made.
    pub(crate) fn of_catalogue(&self, table: &'static Table) -> Arc<Relation> {
        let mut fixed = self.fixed.lock();
        Arc::clone(fixed.entry(table.name).or_insert_with(|| Arc::new(Relation::new(table, Vec::new()))))
    }

    /// The table with its custom attributes, and what to warn of.
    ///
    /// # Errors
    ///
    /// Whatever reading the org's schemas met, except a missing permission: then the table has the
    /// columns that every org has, and a warning says so.
    pub(crate) async fn whole(
        &self,
        table: &'static Table,
        statement: Option<&StatementContext>,
    ) -> Result<(Arc<Relation>, Vec<String>), Error> {
        let Some(kind) = table.custom_attributes else { return Ok((self.of_catalogue(table), Vec::new())) };
        // Held while asking, so that statements that start together ask once.
        let mut discovered = self.discovered.lock().await;
        let now = self.clock.now();
        if let Some(known) = discovered.get(table.name).filter(|known| known.expires_at > now) {
            return Ok((Arc::clone(&known.relation), known.warnings.clone()));
        }
        let (attributes, warnings) = match self.attributes(kind, statement).await {
            Ok(attributes) => (attributes, Vec::new()),
            Err(error) if is_forbidden(&error) => {
                let text = format!("custom attributes of {} are left out: {error}", table.name);
                (Vec::new(), vec![text])
            }
            Err(error) => {
                let attempt = format!("the schema of table \"{}\" could not be read", table.name);
                return Err(Error::Org { attempt, source: Cause::new(error) });
            }
        };
        let relation = Arc::new(Relation::new(table, columns(table, attributes)));
        let expires_at = now + limits::SCHEMA_LIFETIME;
        discovered
            .insert(table.name, Discovered { relation: Arc::clone(&relation), warnings: warnings.clone(), expires_at });
        Ok((relation, warnings))
    }

    async fn attributes(
        &self,
        kind: &str,
        statement: Option<&StatementContext>,
    ) -> Result<Vec<(String, Attribute)>, oktant_client::Error> {
        let mut attributes = Vec::new();
        for path in self.schema_paths(kind, statement).await? {
            let schema: SchemaObject = self.read(&path, statement).await?;
            attributes.extend(schema.definitions.custom.properties);
        }
        Ok(attributes)
    }

    /// Paths of the schemas that add to a kind of object: one per user type.
    async fn schema_paths(
        &self,
        kind: &str,
        statement: Option<&StatementContext>,
    ) -> Result<Vec<String>, oktant_client::Error> {
        if kind != "user" {
            return Ok(vec![format!("/api/v1/meta/schemas/{kind}/default")]);
        }
        let types: Vec<UserType> = self.read("/api/v1/meta/types/user", statement).await?;
        Ok(types.iter().filter_map(UserType::schema_path).collect())
    }

    async fn read<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        statement: Option<&StatementContext>,
    ) -> Result<T, oktant_client::Error> {
        let mut call = Call::get(path)?;
        if let Some(statement) = statement {
            call = statement.call(call);
        }
        let reply = self.org.send(call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| oktant_client::Error::Decode {
            method: "GET".to_owned(),
            path: path.to_owned(),
            reason: error.to_string(),
            request_id: None,
        })
    }
}

fn is_forbidden(error: &oktant_client::Error) -> bool {
    error.status() == Some(403)
}

#[derive(Deserialize)]
struct UserType {
    #[serde(default)]
    default: bool,
    #[serde(rename = "_links", default)]
    links: Value,
}

impl UserType {
    /// The path of its schema: the tail of its link, since the host may be another name of the org.
    fn schema_path(&self) -> Option<String> {
        let linked = self.links.pointer("/schema/href").and_then(Value::as_str);
        let id = match linked.and_then(|href| href.rsplit('/').next()).filter(|id| !id.is_empty()) {
            Some(id) => id,
            None if self.default => "default",
            None => return None,
        };
        Some(format!("/api/v1/meta/schemas/user/{id}"))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SchemaObject {
    definitions: Definitions,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Definitions {
    custom: SubSchema,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SubSchema {
    properties: BTreeMap<String, Attribute>,
}

/// An attribute as the org's schema describes it.
#[derive(Deserialize, Clone, Default)]
#[serde(default)]
struct Attribute {
    #[serde(rename = "type")]
    kind: String,
    format: String,
    mutability: String,
}

impl Attribute {
    fn data_type(&self) -> ColumnType {
        match (self.kind.as_str(), self.format.as_str()) {
            ("string", "date-time") => ColumnType::Timestamp,
            ("string", "date") => ColumnType::Date,
            ("string", _) => ColumnType::Text,
            ("boolean", _) => ColumnType::Boolean,
            ("integer", _) => ColumnType::BigInt,
            ("number", _) => ColumnType::Double,
            _ => ColumnType::Json,
        }
    }
}

/// Columns for the custom attributes of all types of a kind, by name.
fn columns(table: &'static Table, attributes: Vec<(String, Attribute)>) -> Vec<RelationColumn> {
    let mut by_name: BTreeMap<String, Attribute> = BTreeMap::new();
    let mut conflicting: Vec<String> = Vec::new();
    for (name, attribute) in attributes {
        match by_name.get(&name) {
            Some(known) if known.data_type() != attribute.data_type() => conflicting.push(name),
            Some(_) => {}
            None => {
                by_name.insert(name, attribute);
            }
        }
    }
    let mut taken: Vec<String> = table.columns.iter().map(|column| column.name.to_lowercase()).collect();
    let mut columns = Vec::with_capacity(by_name.len());
    for (name, attribute) in by_name {
        let data_type = if conflicting.contains(&name) { ColumnType::Json } else { attribute.data_type() };
        let column_name = free_name(format!("Profile{}", pascal_case(&name)), &taken);
        taken.push(column_name.to_lowercase());
        columns.push(column(table, &name, column_name, data_type, &attribute));
    }
    columns
}

fn column(
    table: &'static Table,
    name: &str,
    column_name: String,
    data_type: ColumnType,
    attribute: &Attribute,
) -> RelationColumn {
    let path = Origin::Path(vec!["profile".to_owned(), name.to_owned()]);
    RelationColumn {
        name: column_name,
        aliases: vec![format!("profile_{name}")],
        data_type,
        nullable: true,
        read_only: attribute.mutability == "READ_ONLY",
        origins: table.routes.iter().map(|_| path.clone()).collect(),
        attribute: if data_type == ColumnType::Json { String::new() } else { format!("profile.{name}") },
        filter: Ops::NONE,
        search: search_operators(data_type),
        expand: None,
        // A custom enumeration constrains what is written; its values are compared like any text.
        values: Vec::new(),
        hidden: false,
        custom: true,
    }
}

/// # Source
///
/// SQL model 1.5.1, row `Profile<Custom>`.
fn search_operators(data_type: ColumnType) -> Ops {
    match data_type {
        ColumnType::Text => Ops::EQ | Ops::SW,
        ColumnType::Boolean => Ops::EQ,
        ColumnType::Json => Ops::NONE,
        _ => Ops::EQ | Ops::GT | Ops::GE | Ops::LT | Ops::LE,
    }
}

/// The name, with a number if it is taken.
fn free_name(name: String, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(&name.to_lowercase());
    if is_free(&name) {
        return name;
    }
    (2..=u32::MAX).map(|number| format!("{name}_{number}")).find(is_free).unwrap_or(name)
}

/// The segment of a column's name for a member: first letter raised, other characters than letters
/// and digits removed and the letter after them raised.
///
/// # Source
///
/// SQL model, rule D3.
fn pascal_case(name: &str) -> String {
    let mut raised = true;
    let mut cased = String::with_capacity(name.len());
    for character in name.chars() {
        if !character.is_alphanumeric() {
            raised = true;
        } else if raised {
            cased.extend(character.to_uppercase());
            raised = false;
        } else {
            cased.push(character);
        }
    }
    cased
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for (name, expected) in
            [("nickname", "Nickname"), ("jwks_uri", "JwksUri"), ("x5t#S256", "X5tS256"), ("iOS", "IOS")]
        {
            assert_eq!(pascal_case(name), expected);
        }
    }

    #[test]
    fn colliding_names_are_numbered() {
        let taken = ["profileteam".to_owned(), "profileteam_2".to_owned()];
        assert_eq!(free_name("ProfileTeam".to_owned(), &taken), "ProfileTeam_3");
        assert_eq!(free_name("ProfileNew".to_owned(), &taken), "ProfileNew");
    }
}
