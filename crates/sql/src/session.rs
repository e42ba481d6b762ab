//! A connection: an org, its tables and the statements run on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use oktant_base::limits;
use oktant_catalog::ColumnType;
use oktant_client::properties::Comparison;
use oktant_client::{Edges, Org, Properties, StatementId};

use crate::Error;
use crate::access::Readable;
use crate::attached::{self, Attached, Origins};
use crate::catalogs;
use crate::collation::IgnoreCase;
use crate::context::{Budget, StatementContext, Warnings};
use crate::discovery::Relations;
use crate::error::Cause;
use crate::feed::FeedKeys;
use crate::fold::FoldEnumLiterals;
use crate::joins::OrderJoins;
use crate::order::PushOrder;
use crate::pushdown::CountFromStatistics;
use crate::relation::Relation;
use crate::request::{Pushdown, ScanOptions};
use crate::rows::{Prepared, Rows};
use crate::stack::OnStack;
use crate::statement::{Params, Statement};
use crate::turns::TakeTurns;

/// An open org that answers statements. Clones share everything.
#[derive(Debug, Clone)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    org: Org,
    edges: Edges,
    state: SessionState,
    relations: Arc<Relations>,
    statements: Arc<AtomicU64>,
    pushdown: Pushdown,
    readable: Readable,
    attached: Arc<Origins>,
}

/// A table as reflection shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Its schema, such as `okta`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Columns of its primary key.
    pub key: Vec<String>,
    /// OAuth scopes that reading needs.
    pub scopes: Vec<&'static str>,
}

impl TableInfo {
    /// Its name, with the schema unless that is the default one: as privileges and [`Session::columns`] name it.
    pub fn full_name(&self) -> String {
        if self.schema == catalogs::DEFAULT_SCHEMA {
            self.name.clone()
        } else {
            format!("{}.{}", self.schema, self.name)
        }
    }
}

/// A column as reflection shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type in SQL.
    pub data_type: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether writing it is refused.
    pub read_only: bool,
    /// Whether it belongs to the primary key.
    pub key: bool,
    /// Members of the enumeration, empty for other columns.
    pub values: Vec<String>,
    /// Whether `SELECT *` leaves it out.
    pub hidden: bool,
    /// Whether it is a custom attribute of the org.
    pub custom: bool,
}

impl Inner {
    /// Another of the same kind, which shares everything.
    fn share(&self) -> Self {
        Self {
            org: self.org.clone(),
            edges: self.edges.clone(),
            state: self.state.clone(),
            relations: Arc::clone(&self.relations),
            statements: Arc::clone(&self.statements),
            pushdown: self.pushdown,
            readable: self.readable.clone(),
            attached: Arc::clone(&self.attached),
        }
    }
}

impl Session {
    /// Opens the org that `properties` name. Signing in that needs a person happens here.
    ///
    /// # Errors
    ///
    /// What the client objects to, as [`Error::Org`].
    pub async fn connect(properties: &Properties, edges: Edges) -> Result<Self, Error> {
        let org = Org::connect(properties, edges.clone()).await.map_err(|error| Error::Org {
            attempt: "the org cannot be opened".to_owned(),
            source: Cause::new(error),
        })?;
        Self::over(org, edges)
    }

    /// A session over an org that is already open.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the engine cannot be set up.
    pub fn over(org: Org, edges: Edges) -> Result<Self, Error> {
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(limits::STATEMENT_MEMORY_BYTES, 1.0).build_arc();
        let runtime = runtime.map_err(|error| crate::mapping::plain(&error))?;
        let comparison = org.properties().sql.comparison;
        Ok(Self(Arc::new(Inner {
            relations: Arc::new(Relations::new(org.clone(), Arc::clone(&edges.clock))),
            org,
            edges,
            state: engine(runtime, comparison).map_err(|error| crate::mapping::plain(&error))?,
            statements: Arc::default(),
            pushdown: Pushdown::On,
            readable: Readable::All,
            attached: Arc::default(),
        })))
    }

    /// The same session with pushdown on or off: off, everything is read whole and evaluated here.
    #[must_use]
    pub fn with_pushdown(&self, pushdown: Pushdown) -> Self {
        Self(Arc::new(Inner { pushdown, ..self.0.share() }))
    }

    /// The same session for someone who may read these tables only. What schema `sys` tells about
    /// everyone's requests is for those who may read all.
    #[must_use]
    pub fn with_readable(&self, readable: Readable) -> Self {
        Self(Arc::new(Inner { readable, ..self.0.share() }))
    }

    /// The same session with tables of other origins beside those of the org.
    #[must_use]
    pub fn with_attached(&self, origins: Vec<Arc<dyn Attached>>) -> Self {
        Self(Arc::new(Inner { attached: Arc::new(Origins::new(origins)), ..self.0.share() }))
    }

    /// Looks up which attached tables there are now, for [`Self::tables`] and [`Self::static_columns`].
    ///
    /// # Errors
    ///
    /// What looking them up met.
    pub async fn look_up_attached(&self) -> Result<(), Error> {
        self.0.attached.look().await.map(drop)
    }

    /// Parses and plans a statement without asking the org for rows: at most its attribute schemas.
    /// [`Prepared`] tells the columns, and runs it.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the statement, and [`Error::Budget`].
    pub async fn prepare(&self, sql: &str, params: Params) -> Result<Prepared, Error> {
        let statement = Statement::parse_beside(sql, &params, &self.0.attached.last())?;
        self.plan(statement).await
    }

    /// Runs a statement. The rows come as a stream; dropping it cancels the statement.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the statement, and [`Error::Budget`]. What goes wrong while rows are
    /// read is an item of the stream.
    pub async fn query(&self, sql: &str, params: Params) -> Result<Rows, Error> {
        self.prepare(sql, params).await?.run()
    }

    /// The plan of a statement as text, as `EXPLAIN` shows it. Nothing is asked of the org but its
    /// attribute schemas.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the statement.
    pub async fn explain(&self, sql: &str, params: Params) -> Result<String, Error> {
        let mut statement = Statement::parse_beside(sql, &params, &self.0.attached.last())?;
        statement.explain = Some(crate::statement::Explain { analyze: false, verbose: false });
        Ok(self.plan(statement).await?.explanation())
    }

    /// Every table and view that the session may read: those of the org, and attached ones as they were when they
    /// were last looked up, by a statement or by [`Self::look_up_attached`].
    pub fn tables(&self) -> Vec<TableInfo> {
        let info = |table: &'static oktant_catalog::Table| TableInfo {
            schema: catalogs::DEFAULT_SCHEMA.to_owned(),
            name: table.name.to_owned(),
            key: table.key.iter().map(|column| (*column).to_owned()).collect(),
            scopes: table.scopes.to_vec(),
        };
        let readable = |table: &&oktant_catalog::Table| self.0.readable.allows(table.name);
        let attached = self.0.attached.last();
        let attached = attached.iter().map(|entry| &entry.table);
        let attached = attached.filter(|table| self.0.readable.allows(&table.privilege_name()));
        oktant_catalog::tables().iter().filter(readable).map(info).chain(attached.map(|table| table.info())).collect()
    }

    /// The columns of a table that are the same in every org. No request is made.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`].
    pub fn static_columns(&self, table: &str) -> Result<Vec<ColumnInfo>, Error> {
        if let Some(columns) = self.attached_columns(table) {
            return Ok(columns);
        }
        Ok(column_infos(&Relation::new(known_table(table)?, Vec::new())))
    }

    /// The columns of a table, custom attributes included: the org's schemas are read on first use.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`], or what reading the schemas met.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnInfo>, Error> {
        if let Some(columns) = self.attached_columns(table) {
            return Ok(columns);
        }
        let (relation, _) = self.0.relations.whole(known_table(table)?, None).await?;
        Ok(column_infos(&relation))
    }

    /// The columns of an attached table, named with its schema if that is not the default one.
    fn attached_columns(&self, table: &str) -> Option<Vec<ColumnInfo>> {
        let (schema, name) = table.split_once('.').unwrap_or((catalogs::DEFAULT_SCHEMA, table));
        let last = self.0.attached.last();
        attached::find(&last, schema, &name.to_lowercase()).map(|entry| entry.table.column_infos())
    }

    /// The org.
    pub fn org(&self) -> &Org {
        &self.0.org
    }

    /// Number of the latest statement.
    pub fn last_statement(&self) -> StatementId {
        StatementId(self.0.statements.load(Ordering::Relaxed))
    }

    /// The requests of a statement, the oldest first.
    pub fn requests(&self, statement: StatementId) -> Vec<oktant_client::Entry> {
        self.0.org.ledger().entries_of(statement)
    }

    async fn plan(&self, statement: OnStack<Statement>) -> Result<Prepared, Error> {
        let inner = &self.0;
        let context = Arc::new(self.context(&statement));
        let shared = Arc::clone(&context);
        let planned = crate::rows::Planner {
            state: &inner.state,
            relations: &inner.relations,
            attached: &inner.attached,
            context,
            statement,
        };
        // Planning holds much on its way; callers' futures need not.
        shared.stack.holds(Box::pin(shared.in_time(planned.plan()))).await
    }

    fn context(&self, statement: &Statement) -> StatementContext {
        let inner = &self.0;
        let id = StatementId(inner.statements.fetch_add(1, Ordering::Relaxed) + 1);
        let sql = &inner.org.properties().sql;
        let options = ScanOptions {
            pushdown: inner.pushdown,
            consistency: sql.consistency,
            include_deprovisioned: sql.include_deprovisioned,
            empty_string_as_null: sql.empty_string_as_null,
            page_size: sql.page_size,
            now: inner.edges.clock.now(),
            sizes: inner.relations.sizes().all(),
        };
        StatementContext {
            id,
            org: inner.org.clone(),
            options: Arc::new(options),
            budget: Budget::new(sql.max_api_requests),
            warnings: Warnings::default(),
            clock: Arc::clone(&inner.edges.clock),
            deadline: sql.statement_timeout.map(|allowed| inner.edges.clock.now() + allowed),
            sizes: Arc::clone(inner.relations.sizes()),
            readable: inner.readable.clone(),
            dry: statement.explain.is_some_and(|explain| !explain.analyze),
            stack: statement.stack,
        }
    }
}

/// DataFusion as this crate uses it.
fn engine(runtime: Arc<RuntimeEnv>, comparison: Comparison) -> datafusion::common::Result<SessionState> {
    // One partition: requests are the cost here, and they are spread by the scans themselves.
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(catalogs::CATALOG, catalogs::DEFAULT_SCHEMA);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    // Join keys travel by `KeyFeed`; the engine's own dynamic filters have no use for an org.
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.enable_join_dynamic_filter_pushdown = false;
    options.optimizer.enable_topk_dynamic_filter_pushdown = false;
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    let mut optimizer = PhysicalOptimizer::new();
    // Before the rules that place repartitioning and sorting, since joins may change sides.
    let after = optimizer.rules.iter().position(|rule| rule.name() == "join_selection").map_or(0, |at| at + 1);
    optimizer.rules.insert(after, Arc::new(FeedKeys));
    // After limits have reached the sorts, before other nodes come between sorts and scans.
    let after = optimizer.rules.iter().position(|rule| rule.name() == "LimitPushdown").map_or(0, |at| at + 1);
    optimizer.rules.insert(after, Arc::new(PushOrder));
    // Last, since rules look for nodes that it stands between.
    optimizer.rules.retain(|rule| rule.name() != "EnsureCooperative");
    optimizer.rules.push(Arc::new(TakeTurns));
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_physical_optimizer_rules(optimizer.rules)
        .with_analyzer_rule(Arc::new(FoldEnumLiterals));
    if comparison == Comparison::Okta {
        builder = builder.with_analyzer_rule(Arc::new(IgnoreCase));
    }
    let mut state =
        builder.with_analyzer_rule(Arc::new(CountFromStatistics)).with_analyzer_rule(Arc::new(OrderJoins)).build();
    crate::json::register(&mut state)?;
    Ok(state)
}

/// A table of the catalogue.
pub(crate) fn known_table(name: &str) -> Result<&'static oktant_catalog::Table, Error> {
    oktant_catalog::table(name).ok_or_else(|| {
        let known = oktant_catalog::tables().iter().map(|table| table.name);
        Error::UnknownTable { name: name.to_owned(), nearest: crate::nearest::nearest(name, known) }
    })
}

pub(crate) fn column_infos(relation: &Relation) -> Vec<ColumnInfo> {
    let info = |column: &crate::relation::RelationColumn| ColumnInfo {
        name: column.name.clone(),
        data_type: column.data_type,
        nullable: column.nullable,
        read_only: column.read_only,
        key: relation.table().key.contains(&column.name.as_str()),
        values: column.values.clone(),
        hidden: column.hidden,
        custom: column.custom,
    };
    relation.columns().iter().map(info).collect()
}

/// Names as the model spells them, by their lower case, for the tables given.
pub(crate) fn model_names(relations: &BTreeMap<String, Arc<Relation>>) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (written, relation) in relations {
        names.insert(written.clone(), relation.name().to_owned());
        for column in relation.columns() {
            names.insert(column.name.to_lowercase(), column.name.clone());
        }
    }
    names
}
