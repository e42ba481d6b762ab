//! A table of an org as DataFusion sees it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::context::StatementContext;
use crate::relation::Relation;
use crate::request::Scan;
use crate::scan::OktaScanExec;

/// A table within one statement.
#[derive(Clone)]
pub(crate) struct OktaTable {
    context: Arc<StatementContext>,
    relation: Arc<Relation>,
    /// Positions in the relation of the columns that the statement may see.
    visible: Vec<usize>,
    schema: SchemaRef,
    /// See [`Scan::stands_for`].
    stands_for: Option<&'static str>,
}

impl OktaTable {
    /// The table with its hidden columns only where `mentioned` says that the statement names them.
    pub(crate) fn new(
        context: Arc<StatementContext>,
        relation: Arc<Relation>,
        mentioned: impl Fn(&str) -> bool,
    ) -> Self {
        let columns = relation.columns().iter().enumerate();
        let shown = columns.filter(|(_, column)| !column.hidden || mentioned(&column.name.to_lowercase()));
        let visible = shown.map(|(position, _)| position).collect();
        Self::showing(context, relation, visible)
    }

    fn showing(context: Arc<StatementContext>, relation: Arc<Relation>, visible: Vec<usize>) -> Self {
        let fields: Vec<_> = visible.iter().map(|&position| relation.schema().field(position).clone()).collect();
        Self { context, relation, visible, schema: Arc::new(Schema::new(fields)), stands_for: None }
    }

    /// The same table in place of another one, which has its key in `column`.
    pub(crate) fn standing_for(self, column: &'static str) -> Self {
        Self { stands_for: Some(column), ..self }
    }

    /// The same table over a relation that has more columns after the same ones; they are visible.
    pub(crate) fn with_relation(&self, relation: Arc<Relation>) -> Self {
        let more = self.relation.columns().len()..relation.columns().len();
        let visible = self.visible.iter().copied().chain(more).collect();
        Self::showing(Arc::clone(&self.context), relation, visible)
    }

    /// A scan of the keys of all rows: what the table costs at least.
    pub(crate) fn scan_of_keys(&self) -> Scan {
        Scan {
            relation: Arc::clone(&self.relation),
            projection: self.relation.key(),
            filters: Vec::new(),
            limit: None,
            order: None,
            stands_for: self.stands_for,
            options: Arc::clone(&self.context.options),
        }
    }

    pub(crate) fn context(&self) -> &Arc<StatementContext> {
        &self.context
    }

    pub(crate) fn relation(&self) -> &Arc<Relation> {
        &self.relation
    }
}

impl fmt::Debug for OktaTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OktaTable").field(&self.relation.name()).finish()
    }
}

#[async_trait]
impl TableProvider for OktaTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Every filter: what the org does not evaluate exactly, the scan itself evaluates. So the scan
    /// knows the whole predicate when it chooses its requests.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let verdict = |filter: &&Expr| {
            if needs_the_plan(filter) {
                TableProviderFilterPushDown::Unsupported
            } else {
                TableProviderFilterPushDown::Exact
            }
        };
        Ok(filters.iter().map(verdict).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = match projection {
            Some(indices) => indices.iter().map(|&index| self.visible[index]).collect(),
            None => self.visible.clone(),
        };
        let scan = Scan {
            relation: Arc::clone(&self.relation),
            projection,
            filters: filters.to_vec(),
            limit,
            order: None,
            stands_for: self.stands_for,
            options: Arc::clone(&self.context.options),
        };
        Ok(Arc::new(OktaScanExec::new(Arc::clone(&self.context), scan)?))
    }
}

/// Whether an expression cannot be evaluated on a row alone.
pub(crate) fn needs_the_plan(filter: &Expr) -> bool {
    let found = filter.exists(|part| {
        Ok(matches!(
            part,
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::OuterReferenceColumn(..)
        ))
    });
    found.unwrap_or(true)
}
