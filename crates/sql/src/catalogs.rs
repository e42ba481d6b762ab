//! The schemas that a statement sees: `okta`, `information_schema` and `sys`.

mod system;

pub(crate) use system::column_names as system_columns;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::{Result, TableReference};

use crate::attached::{self, AttachedProvider, Entry};
use crate::context::StatementContext;
use crate::discovery::Relations;
use crate::relation::Relation;
use crate::request::Pushdown;
use crate::statement::Statement;
use crate::table::OktaTable;

/// The catalogue's name where the statement gives none.
pub(crate) const CATALOG: &str = "org";

/// The schema used when the statement names none.
pub const DEFAULT_SCHEMA: &str = "okta";

/// Another name of the default schema: where clients of PostgreSQL and Snowflake look for tables.
const PUBLIC_SCHEMA: &str = "public";

/// Another name of the catalogue: the database that the tables are in for clients of Snowflake.
const DATABASE: &str = "okta";

/// Whether a table is looked up in the default schema.
pub(crate) fn is_default_schema(reference: &TableReference) -> bool {
    reference.schema().is_none_or(|schema| [DEFAULT_SCHEMA, PUBLIC_SCHEMA].contains(&schema))
}

/// The schema that a table is looked up in, in lower case.
pub(crate) fn schema_of(reference: &TableReference) -> &str {
    reference.schema().filter(|schema| *schema != PUBLIC_SCHEMA).unwrap_or(DEFAULT_SCHEMA)
}

/// The catalogues of one statement. Besides the default name, the org's host and `okta` name the
/// same one.
pub(crate) fn catalog_list(
    context: &Arc<StatementContext>,
    relations: &Arc<Relations>,
    named: BTreeMap<String, Arc<Relation>>,
    attached: &Arc<Vec<Entry>>,
    statement: &Statement,
) -> Arc<dyn CatalogProviderList> {
    let beside = |schema: &str| AttachedSchema {
        context: Arc::clone(context),
        schema: schema.to_owned(),
        entries: Arc::clone(attached),
    };
    let okta = OktaSchema {
        context: Arc::clone(context),
        named,
        words: statement.words.clone(),
        attached: beside(DEFAULT_SCHEMA),
    };
    let mut schemas: Vec<(String, Arc<dyn SchemaProvider>)> = vec![
        (DEFAULT_SCHEMA.to_owned(), Arc::new(okta)),
        ("information_schema".to_owned(), Arc::new(system::Schema::information(context, relations, attached))),
        ("sys".to_owned(), Arc::new(system::Schema::system(context, relations, attached))),
    ];
    for schema in attached.iter().map(|entry| entry.table.schema_name().to_lowercase()) {
        if !schemas.iter().any(|(known, _)| *known == schema) {
            let tables = Arc::new(beside(&schema));
            schemas.push((schema, tables));
        }
    }
    let host = context.org.properties().org.host_str().unwrap_or_default().to_lowercase();
    Arc::new(Catalogs { host, catalog: Arc::new(Catalog { schemas }) })
}

struct Catalogs {
    host: String,
    catalog: Arc<Catalog>,
}

impl fmt::Debug for Catalogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogs").field(&self.host).finish()
    }
}

impl CatalogProviderList for Catalogs {
    /// Refused by leaving things as they are: the catalogues of an org are fixed.
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        ([CATALOG, DATABASE].contains(&name) || name == self.host)
            .then(|| Arc::clone(&self.catalog) as Arc<dyn CatalogProvider>)
    }
}

struct Catalog {
    schemas: Vec<(String, Arc<dyn SchemaProvider>)>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.schemas.iter().map(|(name, _)| name)).finish()
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        self.schemas.iter().map(|(name, _)| name.clone()).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let name = if name == PUBLIC_SCHEMA { DEFAULT_SCHEMA } else { name };
        self.schemas.iter().find(|(known, _)| known == name).map(|(_, schema)| Arc::clone(schema))
    }
}

/// The live tables that the statement names.
struct OktaSchema {
    context: Arc<StatementContext>,
    named: BTreeMap<String, Arc<Relation>>,
    words: HashSet<String>,
    attached: AttachedSchema,
}

impl fmt::Debug for OktaSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.named.keys()).finish()
    }
}

#[async_trait]
impl SchemaProvider for OktaSchema {
    fn table_names(&self) -> Vec<String> {
        oktant_catalog::tables().iter().map(|table| table.name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(relation) = self.named.get(name) else { return self.attached.table(name).await };
        let mentioned = |column: &str| self.words.contains(column);
        Ok(Some(Arc::new(OktaTable::new(Arc::clone(&self.context), Arc::clone(relation), mentioned))))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.named.contains_key(name) || self.attached.table_exist(name)
    }
}

/// Attached tables of one schema.
struct AttachedSchema {
    context: Arc<StatementContext>,
    schema: String,
    entries: Arc<Vec<Entry>>,
}

impl fmt::Debug for AttachedSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.table_names()).finish()
    }
}

#[async_trait]
impl SchemaProvider for AttachedSchema {
    fn table_names(&self) -> Vec<String> {
        let own = self.entries.iter().filter(|entry| entry.table.schema_name().eq_ignore_ascii_case(&self.schema));
        own.map(|entry| entry.table.name.to_lowercase()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(entry) = attached::find(&self.entries, &self.schema, name) else { return Ok(None) };
        let narrows = self.context.options.pushdown == Pushdown::On;
        Ok(Some(Arc::new(AttachedProvider::new(entry.clone(), narrows, self.context.dry))))
    }

    fn table_exist(&self, name: &str) -> bool {
        attached::find(&self.entries, &self.schema, name).is_some()
    }
}
