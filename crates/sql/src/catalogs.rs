//! The schemas that a statement sees: `okta`, `information_schema` and `sys`.

mod system;

pub(crate) use system::column_names as system_columns;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::{Result, TableReference};

use crate::context::StatementContext;
use crate::discovery::Relations;
use crate::relation::Relation;
use crate::statement::Statement;
use crate::table::OktaTable;

/// The catalogue's name where the statement gives none.
pub(crate) const CATALOG: &str = "org";

/// The schema used when the statement names none.
pub(crate) const DEFAULT_SCHEMA: &str = "okta";

/// Another name of the default schema: where clients of PostgreSQL and Snowflake look for tables.
const PUBLIC_SCHEMA: &str = "public";

/// Another name of the catalogue: the database that the tables are in for clients of Snowflake.
const DATABASE: &str = "okta";

/// Whether a table is looked up in the default schema.
pub(crate) fn is_default_schema(reference: &TableReference) -> bool {
    reference.schema().is_none_or(|schema| [DEFAULT_SCHEMA, PUBLIC_SCHEMA].contains(&schema))
}

/// The catalogues of one statement. Besides the default name, the org's host and `okta` name the
/// same one.
pub(crate) fn catalog_list(
    context: &Arc<StatementContext>,
    relations: &Arc<Relations>,
    named: BTreeMap<String, Arc<Relation>>,
    statement: &Statement,
) -> Arc<dyn CatalogProviderList> {
    let okta = OktaSchema { context: Arc::clone(context), named, words: statement.words.clone() };
    let schemas: Vec<(&'static str, Arc<dyn SchemaProvider>)> = vec![
        (DEFAULT_SCHEMA, Arc::new(okta)),
        ("information_schema", Arc::new(system::Schema::information(context, relations))),
        ("sys", Arc::new(system::Schema::system(context, relations))),
    ];
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
    schemas: Vec<(&'static str, Arc<dyn SchemaProvider>)>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.schemas.iter().map(|(name, _)| name)).finish()
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        self.schemas.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let name = if name == PUBLIC_SCHEMA { DEFAULT_SCHEMA } else { name };
        self.schemas.iter().find(|(known, _)| *known == name).map(|(_, schema)| Arc::clone(schema))
    }
}

/// The live tables that the statement names.
struct OktaSchema {
    context: Arc<StatementContext>,
    named: BTreeMap<String, Arc<Relation>>,
    words: HashSet<String>,
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
        let Some(relation) = self.named.get(name) else { return Ok(None) };
        let mentioned = |column: &str| self.words.contains(column);
        Ok(Some(Arc::new(OktaTable::new(Arc::clone(&self.context), Arc::clone(relation), mentioned))))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.named.contains_key(name)
    }
}
