//! A planned statement and the rows that it yields.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DataFusionError, ParamValues, ScalarValue, TableReference};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser;
use datafusion::sql::sqlparser::ast::{Expr, Ident, SelectItem, VisitMut, VisitorMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use oktant_client::{StatementId, Summary};

use crate::Error;
use crate::attached::{self, Entry, Origins};
use crate::catalogs;
use crate::context::StatementContext;
use crate::discovery::{Relations, Wanted};
use crate::explain;
use crate::mapping::{self, Names};
use crate::notes;
use crate::reader::with_schema;
use crate::relation::{FOLDED_METADATA, Relation};
use crate::session::model_names;
use crate::stack::OnStack;
use crate::statement::Statement;

/// The table whose rows other tables are read by most.
const USERS: &str = "Users";

/// Plans one statement.
pub(crate) struct Planner<'a> {
    pub(crate) state: &'a SessionState,
    pub(crate) relations: &'a Arc<Relations>,
    pub(crate) attached: &'a Origins,
    pub(crate) context: Arc<StatementContext>,
    pub(crate) statement: OnStack<Statement>,
}

/// A statement that is planned and not yet run.
pub struct Prepared(OnStack<Planned>);

struct Planned {
    context: Arc<StatementContext>,
    state: SessionState,
    statement: Statement,
    model: HashMap<String, String>,
    logical: LogicalPlan,
    physical: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    parameters: Vec<DataType>,
    /// Rows that `MaxRows` lets through, where it may cut some off.
    cap: Option<usize>,
}

/// The rows of a statement: a stream of batches. An error ends it, and the batches before the error
/// are then not an answer.
pub struct Rows {
    schema: SchemaRef,
    batches: OnStack<BoxStream<'static, Result<RecordBatch, Error>>>,
    context: Arc<StatementContext>,
    cap: Option<usize>,
}

impl Planner<'_> {
    pub(crate) async fn plan(mut self) -> Result<Prepared, Error> {
        // Custom attributes cost requests, so they are looked up only if the statement can need them:
        // a wildcard, or a name that the tables do not have otherwise.
        let mut wanted = if has_wildcard(&mut self.statement) { Wanted::Whole } else { Wanted::Static };
        let mut has_asked = false;
        let attached = self.attached_tables().await?;
        loop {
            let relations = self.relations_of(wanted).await?;
            let mut model = model_names(&relations);
            if self.statement.words.contains("sys") {
                let columns = catalogs::system_columns().map(|name| (name.to_lowercase(), name.to_owned()));
                model.extend(columns);
            }
            for entry in attached.iter().filter(|entry| self.statement.words.contains(&entry.table.name.to_lowercase()))
            {
                let columns = entry.table.columns.iter().map(|column| &column.name);
                let names = std::iter::once(&entry.table.name).chain(columns);
                for name in names {
                    model.entry(name.to_lowercase()).or_insert_with(|| name.clone());
                }
            }
            match self.plan_over(relations, &attached, &model).await {
                // Asked for once, even if the org does not tell.
                Ok(prepared) if !has_asked && self.must_count_users(&prepared) => {
                    has_asked = true;
                    self.count_users().await;
                }
                Ok(prepared) => return Ok(prepared),
                Err(Error::UnknownColumn { .. }) if wanted == Wanted::Static => wanted = Wanted::Whole,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the statement would make a request per user, of whom nobody knows how many there are:
    /// then one request for their number may save thousands.
    fn must_count_users(&self, prepared: &Prepared) -> bool {
        !self.context.dry
            && self.context.budget.is_limited()
            && !self.context.options.sizes.contains_key(USERS)
            && explain::fans_out_over(&prepared.0.physical, USERS)
    }

    async fn count_users(&mut self) {
        if let Err(error) = self.relations.count_users(&self.context).await {
            tracing::debug!(%error, "the number of users is not known");
        }
        self.context = Arc::new(self.context.with_sizes(self.context.sizes.all()));
    }

    /// The attached tables, if the statement names something that is no table of the org.
    async fn attached_tables(&self) -> Result<Arc<Vec<Entry>>, Error> {
        let references = self.references()?;
        let is_of_org = |reference: &TableReference| {
            catalogs::is_default_schema(reference) && oktant_catalog::table(reference.table()).is_some()
        };
        if references.iter().all(is_of_org) {
            return Ok(Arc::default());
        }
        let entries = self.attached.look().await?;
        for reference in references.iter().filter(|reference| !is_of_org(reference)) {
            let schema = catalogs::schema_of(reference);
            if let Some(entry) = attached::find(&entries, schema, reference.table()) {
                self.context.readable.check(&entry.table.privilege_name())?;
            } else if let Some(instead) = self.attached.missing(schema, reference.table()) {
                let name = self.statement.display(&reference.to_string(), &HashMap::new());
                return Err(Error::NoSuchTableYet { name, instead });
            }
        }
        Ok(entries)
    }

    fn references(&self) -> Result<Vec<TableReference>, Error> {
        let statement = parser::Statement::Statement(self.statement.query.clone());
        self.state.resolve_table_references(&statement).map_err(|error| mapping::plain(&error))
    }

    /// The tables of the default schema that the statement names, by the name it uses.
    async fn relations_of(&self, wanted: Wanted) -> Result<BTreeMap<String, Arc<Relation>>, Error> {
        let references = self.references()?;
        let mut relations = BTreeMap::new();
        for reference in references.iter().filter(|reference| catalogs::is_default_schema(reference)) {
            let Some(table) = oktant_catalog::table(reference.table()) else { continue };
            self.context.readable.check(table.name)?;
            let relation = match wanted {
                Wanted::Static => self.relations.of_catalogue(table),
                Wanted::Whole => {
                    let (relation, warnings) = self.relations.whole(table, Some(&self.context)).await?;
                    for warning in warnings {
                        self.context.warnings.add(warning);
                    }
                    relation
                }
            };
            relations.insert(reference.table().to_owned(), relation);
        }
        Ok(relations)
    }

    async fn plan_over(
        &self,
        relations: BTreeMap<String, Arc<Relation>>,
        attached: &Arc<Vec<Entry>>,
        model: &HashMap<String, String>,
    ) -> Result<Prepared, Error> {
        let mut statement = Statement::clone(&self.statement);
        resolve_column_aliases(&mut statement, &relations);
        statement.label_repeats(&relations, model);
        let mut state = self.state.clone();
        let list = catalogs::catalog_list(&self.context, self.relations, relations, attached, &statement);
        state.register_catalog_list(list);
        // One `now` for the whole statement, from the clock of the connection.
        state.execution_props_mut().query_execution_start_time = Some(self.context.options.now);

        let attached = attached.iter().map(|entry| entry.table.name.as_str());
        let tables: Vec<&str> = oktant_catalog::tables().iter().map(|table| table.name).chain(attached).collect();
        let names = Names { statement: &statement, model, tables: &tables };
        let explained = |error: DataFusionError| mapping::explained(&error, &names);

        let query = parser::Statement::Statement(statement.query.clone());
        let unbound = state.statement_to_plan(query).await.map_err(explained)?;
        let (parameters, values) = parameters(&statement, &unbound).map_err(explained)?;
        let bound = unbound.with_param_values(ParamValues::from(values)).map_err(explained)?;
        let (bound, cap) = self.capped(bound).map_err(explained)?;
        for note in notes::of(&bound, &names)? {
            self.context.warnings.note(note);
        }
        let logical = state.optimize(&bound).map_err(explained)?;
        let physical = state.query_planner().create_physical_plan(&logical, &state).await.map_err(explained)?;
        let schema = displayed(physical.schema().as_ref(), &statement, model);
        let context = Arc::clone(&self.context);
        let stack = context.stack;
        let physical = stack.plan(physical).map_err(explained)?;
        let model = model.clone();
        let planned = Planned { context, state, statement, model, logical, physical, schema, parameters, cap };
        Ok(Prepared(stack.holds(planned)))
    }
}

impl Planner<'_> {
    /// The plan with `MaxRows` applied, and that number where it may cut rows off: queries that do not aggregate.
    fn capped(&self, plan: LogicalPlan) -> Result<(LogicalPlan, Option<usize>), DataFusionError> {
        let cap = self.context.org.properties().sql.max_rows.and_then(|rows| usize::try_from(rows).ok());
        let Some(cap) = cap.filter(|cap| plan.max_rows().is_none_or(|most| most > *cap)) else {
            return Ok((plan, None));
        };
        let aggregates = plan.exists(|node| Ok(matches!(node, LogicalPlan::Aggregate(_))))?;
        if aggregates {
            return Ok((plan, None));
        }
        Ok((LogicalPlanBuilder::from(plan).limit(0, Some(cap))?.build()?, Some(cap)))
    }
}

impl Prepared {
    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        match self.0.statement.explain {
            Some(_) => explain_schema(),
            None => Arc::clone(&self.0.schema),
        }
    }

    /// Types of the parameters that a statement prepared with [`Params::Open`] takes.
    pub fn parameters(&self) -> &[DataType] {
        &self.0.parameters
    }

    /// The statement's number in the ledger.
    pub fn statement(&self) -> StatementId {
        self.0.context.id
    }

    /// The plan as text.
    pub fn explanation(&self) -> String {
        let rows = self.0.inspect(Planned::explained);
        rows.into_iter().map(|(kind, text)| format!("{kind}\n{text}")).collect::<Vec<_>>().join("\n\n")
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// [`Error::Budget`] if it would need more requests than allowed; none has been sent then.
    /// [`Error::Parameters`] if values of parameters are open.
    pub fn run(self) -> Result<Rows, Error> {
        self.0.consume(Planned::run)
    }
}

impl Planned {
    fn run(self) -> Result<Rows, Error> {
        if let Some(last) = self.parameters.len().checked_sub(1) {
            return Err(Error::Parameters { message: format!("parameter ${} has no value", last + 1) });
        }
        match self.statement.explain {
            Some(kind) if kind.analyze => Ok(self.run_analyzed()),
            Some(_) => {
                let batch = explain_batch(&self.explained());
                Ok(Rows::new(explain_schema(), stream::iter([batch]), self.context, None))
            }
            None => self.run_query(),
        }
    }

    fn run_query(self) -> Result<Rows, Error> {
        explain::check_budget(&self.physical)?;
        let schema = Arc::clone(&self.schema);
        let stream = execute_stream(Arc::clone(&self.physical), self.state.task_ctx());
        let stream = stream.map_err(|error| mapping::plain(&error))?;
        let (shown, context, cap) = (Arc::clone(&schema), Arc::clone(&self.context), self.cap);
        let mut rows = 0;
        let batches = stream.map(move |batch| match batch {
            Ok(batch) => {
                rows += batch.num_rows();
                if let Some(cap) = cap.filter(|cap| rows >= *cap) {
                    context.warnings.note(format!("MaxRows ended the answer after {cap} rows; there may be more"));
                }
                with_schema(&batch, &shown)
            }
            Err(error) => Err(mapping::plain(&error)),
        });
        Ok(Rows::new(schema, until_error(batches.boxed(), Arc::clone(&self.context)), self.context, self.cap))
    }

    /// Runs the statement to its end and answers with what it took.
    fn run_analyzed(self) -> Rows {
        let context = Arc::clone(&self.context);
        let plan = self.explained();
        let batches = stream::once(async move {
            let context = Arc::clone(&self.context);
            let mut rows = self.run_query()?;
            let mut count = 0;
            while let Some(batch) = rows.next().await {
                count += batch?.num_rows();
            }
            let mut lines = plan;
            lines.extend(explain::took(context.org.ledger(), context.id, count));
            explain_batch(&lines)
        });
        Rows::new(explain_schema(), batches, context, None)
    }

    fn explained(&self) -> Vec<(String, String)> {
        let verbose = self.statement.explain.is_some_and(|explain| explain.verbose);
        explain::rows(&self.logical, &self.physical, verbose, |text| self.statement.display(text, &self.model))
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("statement", &self.0.context.id)
            .field("schema", &self.0.schema)
            .finish_non_exhaustive()
    }
}

impl Rows {
    fn new(
        schema: SchemaRef,
        batches: impl futures::Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
        context: Arc<StatementContext>,
        cap: Option<usize>,
    ) -> Self {
        Self { schema, batches: context.stack.holds(batches.boxed()), context, cap }
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The statement's number in the ledger.
    pub fn statement(&self) -> StatementId {
        self.context.id
    }

    /// What the statement's requests add up to so far.
    pub fn requests(&self) -> Summary {
        self.context.org.ledger().summary_of(self.context.id)
    }

    /// The number of rows at which `MaxRows` ends the answer, if it may: where there are that many, there may be more.
    pub fn max_rows(&self) -> Option<usize> {
        self.cap
    }

    /// Things that the answer is not to be read without, so far.
    pub fn warnings(&self) -> Vec<String> {
        self.context.warnings.texts()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("statement", &self.context.id)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl futures::Stream for Rows {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

/// The stream up to and including its first error: what comes after one is not an answer. That
/// `StatementTimeout` has passed is one.
fn until_error(
    batches: BoxStream<'static, Result<RecordBatch, Error>>,
    context: Arc<StatementContext>,
) -> impl futures::Stream<Item = Result<RecordBatch, Error>> {
    stream::unfold(Some((batches, context)), |state| async move {
        let (mut batches, context) = state?;
        match context.in_time(batches.try_next()).await.transpose()? {
            Ok(batch) => Some((Ok(batch), Some((batches, context)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Types of the parameters whose values are open, and a value for each placeholder: a typed NULL for
/// those that have none yet.
fn parameters(statement: &Statement, plan: &LogicalPlan) -> Result<(Vec<DataType>, Vec<ScalarValue>), DataFusionError> {
    let Some(open) = &statement.open else { return Ok((Vec::new(), statement.values.clone())) };
    let inferred = plan.get_parameter_types()?;
    let types = open.types(|placeholder| inferred.get(&format!("${placeholder}")).cloned().flatten());
    let nulls = open.nulls(&types);
    Ok((types, nulls))
}

/// The schema with names as users spell them.
fn displayed(schema: &Schema, statement: &Statement, model: &HashMap<String, String>) -> SchemaRef {
    let mut taken = HashSet::new();
    let texts = statement.texts_of_columns(schema.fields().len());
    let fields = schema.fields().iter().zip(&texts).map(|(field, text)| {
        let mut metadata = field.metadata().clone();
        metadata.retain(|key, _| key != "okta.name" && key != FOLDED_METADATA);
        let name = text.as_deref().unwrap_or_else(|| unqualified(field.name(), statement));
        let name = free_name(statement.display(name, model), &taken);
        taken.insert(name.clone());
        field.as_ref().clone().with_name(name).with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<Field>>()))
}

/// The engine names a cast after its column with the table before it; the column alone is meant.
fn unqualified<'a>(name: &'a str, statement: &Statement) -> &'a str {
    let is_name = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    match name.split_once('.') {
        Some((table, column)) if is_name(table) && is_name(column) && !statement.names_itself(name) => column,
        _ => name,
    }
}

/// The name, with a number if it is taken: readers of JSON, Parquet and data frames need names that
/// are unique.
fn free_name(name: String, taken: &HashSet<String>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    // Among one more than there are names, one is free.
    let mut numbered = (1..=taken.len() + 1).map(|number| format!("{name}_{number}"));
    numbered.find(|name| !taken.contains(name)).unwrap_or(name)
}

fn explain_schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![text("plan_type"), text("plan")]))
}

fn explain_batch(rows: &[(String, String)]) -> Result<RecordBatch, Error> {
    let kinds = StringArray::from_iter_values(rows.iter().map(|(kind, _)| kind));
    let texts = StringArray::from_iter_values(rows.iter().map(|(_, text)| text));
    RecordBatch::try_new(explain_schema(), vec![Arc::new(kinds), Arc::new(texts)])
        .map_err(|error| Error::Internal { message: error.to_string() })
}

/// Whether some `SELECT` of the statement asks for all columns.
fn has_wildcard(statement: &mut Statement) -> bool {
    struct Wildcards;
    impl VisitorMut for Wildcards {
        type Break = ();

        fn pre_visit_select(&mut self, select: &mut datafusion::sql::sqlparser::ast::Select) -> ControlFlow<()> {
            let wild = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
            if select.projection.iter().any(wild) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    VisitMut::visit(&mut statement.query, &mut Wildcards).is_break()
}

/// Replaces aliases of columns, such as `UserName` of `ApplicationUsers`, by the columns' own names.
fn resolve_column_aliases(statement: &mut Statement, relations: &BTreeMap<String, Arc<Relation>>) {
    let own: HashSet<String> =
        relations.values().flat_map(|relation| relation.columns()).map(|column| column.name.to_lowercase()).collect();
    let aliases: HashMap<String, String> = relations
        .values()
        .flat_map(|relation| relation.columns())
        .flat_map(|column| column.aliases.iter().map(|alias| (alias.to_lowercase(), column.name.to_lowercase())))
        .filter(|(alias, _)| !own.contains(alias) && !statement.names_itself(alias))
        .collect();
    if aliases.is_empty() {
        return;
    }
    let _ = VisitMut::visit(&mut statement.query, &mut ColumnAliases(aliases));
}

struct ColumnAliases(HashMap<String, String>);

impl ColumnAliases {
    fn resolve(&self, ident: &mut Ident) {
        if let Some(name) = self.0.get(&ident.value) {
            ident.value.clone_from(name);
        }
    }
}

impl VisitorMut for ColumnAliases {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.resolve(ident),
            Expr::CompoundIdentifier(parts) => {
                if let Some(last) = parts.last_mut() {
                    self.resolve(last);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
