//! Carries out a scan's plan: requests, pages, rows.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use oktant_client::{Call, EntryId};
use parking_lot::Mutex;

use crate::Error;
use crate::context::StatementContext;
use crate::decode::{Body, Decoder, Parent, Texts};
use crate::pages::{self, Unread};
use crate::pushdown;
use crate::refusal;
use crate::request::{KeySource, Parents, RequestStream, Scan, ScanPlan};

/// Rows of a scan: batches with the columns of its projection.
pub(crate) type Batches = BoxStream<'static, Result<RecordBatch, Error>>;

/// Carries out `plan`, which answers `scan`.
pub(crate) fn read(context: Arc<StatementContext>, scan: Arc<Scan>, plan: ScanPlan) -> Result<Batches, Error> {
    if plan.streams.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let limit = scan.limit;
    let whole = plan.pushed.is_empty() && plan.residual.is_empty() && plan.parents.is_none() && limit.is_none();
    let whole = whole && plan.streams.iter().all(|stream| stream.single.is_none());
    let (table, sizes) = (scan.relation.name(), Arc::clone(&context.sizes));
    let fallback = refusal::Fallback::of(&context, &scan, &plan);
    let reader = Arc::new(Reader::new(context, scan, plan)?);
    let parallelism = if limit.is_some() { 1 } else { reader.context.org.properties().network.parallelism.max(1) };
    let parents = Arc::clone(&reader).parents();
    let lists = parents.map_ok(move |parents| reader.lists(parents)).try_flatten();
    let rows = match parallelism {
        1 => lists.try_flatten().boxed(),
        _ => lists.try_flatten_unordered(parallelism).boxed(),
    };
    let rows = match limit {
        Some(limit) => take_rows(rows, limit).boxed(),
        None if whole => counted(rows, move |count| sizes.note(table, count)).boxed(),
        None => rows,
    };
    // Outside of the limit: the other way may have to read more rows to find the first ones.
    Ok(match fallback {
        Some(fallback) => fallback.behind(rows),
        None => rows,
    })
}

struct Reader {
    context: Arc<StatementContext>,
    scan: Arc<Scan>,
    plan: ScanPlan,
    decoders: HashMap<usize, Decoder>,
    residual: Option<Arc<dyn PhysicalExpr>>,
    /// Positions of the projection's columns among the decoded ones.
    output: Vec<usize>,
    /// Positions of the key's columns among the decoded ones.
    key: Vec<usize>,
    seen: Mutex<HashSet<Box<str>>>,
}

impl Reader {
    fn new(context: Arc<StatementContext>, scan: Arc<Scan>, plan: ScanPlan) -> Result<Self, Error> {
        let relation = Arc::clone(&scan.relation);
        let columns = needed_columns(&scan, &plan);
        let routes: BTreeSet<usize> = plan.streams.iter().map(|stream| stream.route).collect();
        let texts = Texts {
            mask_secrets: !context.org.properties().sql.expose_secrets,
            empty_as_null: scan.options.empty_string_as_null,
        };
        let decoders: HashMap<_, _> =
            routes.into_iter().map(|route| (route, Decoder::new(&relation, route, &columns, texts))).collect();
        let among = |position: &usize| columns.binary_search(position).ok();
        let schema = relation.schema().project(&columns).map_err(|error| internal(&error))?;
        let residual = compile(&plan.residual, &schema)?;
        let output = scan.projection.iter().filter_map(among).collect();
        let key = relation.key().iter().filter_map(among).collect();
        Ok(Self { residual, output, key, decoders, seen: Mutex::default(), context, scan, plan })
    }

    fn table(&self) -> &'static str {
        self.scan.relation.name()
    }

    fn cheaper(&self) -> Option<&str> {
        self.plan.estimate.cheaper.as_deref()
    }

    /// Each parent; an empty one for a table without parents.
    fn parents(self: Arc<Self>) -> BoxStream<'static, Result<Vec<Parent>, Error>> {
        let Some(parents) = &self.plan.parents else { return stream::iter([Ok(vec![Parent::default()])]).boxed() };
        match &parents.source {
            KeySource::Literal(tuples) if parents.carried.is_empty() || tuples.is_empty() => {
                let all: Vec<_> = tuples.iter().map(|tuple| named(parents, tuple.clone())).collect();
                stream::once(async move { self.check_fan_out(all.len()).map(|()| all) }).boxed()
            }
            KeySource::Table { .. } if self.scan.limit.is_some() => {
                stream::once(async move { self.parent_batches() }).try_flatten().boxed()
            }
            // Without a limit every parent will be visited, so all are collected first: if they are
            // too many, no request is spent on the children.
            KeySource::Table { .. } | KeySource::Literal(_) => stream::once(async move {
                if let Some(KeySource::Literal(tuples)) = self.plan.parents.as_ref().map(|parents| &parents.source) {
                    self.check_fan_out(tuples.len())?;
                }
                let batches = self.parent_batches()?;
                let mut all = Vec::new();
                let mut batches = std::pin::pin!(batches);
                while let Some(batch) = batches.try_next().await? {
                    all.extend(batch);
                    self.check_fan_out(all.len())?;
                }
                Ok(all)
            })
            .boxed(),
        }
    }

    fn check_fan_out(&self, parents: usize) -> Result<(), Error> {
        let requests = (parents * self.plan.streams.len()) as u64;
        self.context.budget.check_more(self.table(), requests, parents, self.cheaper())
    }

    /// The rows of the table that lists the parents, as far as they are wanted.
    fn parent_batches(&self) -> Result<BoxStream<'static, Result<Vec<Parent>, Error>>, Error> {
        let Some(parents) = self.plan.parents.clone() else { return Ok(stream::empty().boxed()) };
        let scan = pushdown::scan_of_parents(&parents, &self.scan.options).ok_or_else(|| Error::Internal {
            message: format!("the catalogue lacks parent table {}", parents.table),
        })?;
        let plan = pushdown::plan(&scan);
        let batches = read(Arc::clone(&self.context), Arc::new(scan), plan)?;
        Ok(batches.and_then(move |batch| std::future::ready(each_parent(&batch, &parents))).boxed())
    }

    /// Every list to read for these parents.
    fn lists(self: &Arc<Self>, parents: Vec<Parent>) -> BoxStream<'static, Result<Batches, Error>> {
        let reader = Arc::clone(self);
        let requests = parents.into_iter().flat_map(move |parent| {
            let reader = Arc::clone(&reader);
            (0..reader.plan.streams.len()).map(move |index| Ok(Arc::clone(&reader).list(index, parent.clone())))
        });
        stream::iter(requests).boxed()
    }

    /// One list, page by page.
    fn list(self: Arc<Self>, index: usize, parent: Parent) -> Batches {
        let request = &self.plan.streams[index];
        let Some(operation) = oktant_catalog::operation(request.operation) else {
            let message = format!("the catalogue lacks operation {}", request.operation);
            return stream::once(async { Err(Error::Internal { message }) }).boxed();
        };
        let path: Vec<(&str, String)> = request.path.iter().cloned().chain(parent.path).collect();
        if path.iter().any(|(_, value)| !oktant_client::is_segment(value)) {
            // No object has such a key.
            return stream::empty().boxed();
        }
        let parent = Arc::new(Parent { path, row: parent.row });
        let mut call = self.context.call(Call::of(operation));
        for (name, value) in &parent.path {
            call = call.path_arg(name, value);
        }
        for (name, value) in &request.query {
            call = call.query(name, value);
        }
        if request.single.is_some() {
            return stream::once(self.single(index, call, parent)).try_filter_map(|row| async { Ok(row) }).boxed();
        }
        let shape = Body::List(operation.list);
        // With a limit, the page at hand may be enough.
        let ahead = self.scan.limit.is_none();
        let payer = Arc::clone(&self);
        let pay = move || payer.context.budget.take(payer.table(), payer.cheaper());
        pages::pages(&self.context.org, call, pay, ahead)
            .enumerate()
            .map(move |(number, page)| self.page(number as u32, page, index, shape, &parent))
            .try_filter_map(|batch| async { Ok(batch) })
            .boxed()
    }

    fn page(
        &self,
        number: u32,
        page: Result<oktant_client::Page, Unread>,
        index: usize,
        shape: Body,
        parent: &Parent,
    ) -> Result<Option<RecordBatch>, Error> {
        let page = match page {
            Ok(page) => page,
            Err(Unread::Refused(error)) => return Err(error),
            Err(Unread::Failed(error)) if number == 0 && self.is_empty(index, &error) => return Ok(None),
            Err(Unread::Failed(error)) => return Err(Error::page(self.table(), number, error)),
        };
        self.rows(index, &page.body, shape, parent, number, page.entry).map(Some)
    }

    /// Whether a list that cannot even be begun has no rows: its parent is gone, or the org does
    /// not have what it would list. Rows that a page has shown do not become none later.
    fn is_empty(&self, index: usize, error: &oktant_client::Error) -> bool {
        (self.plan.parents.is_some() && is_absence(error)) || self.is_switched_off(index, error)
    }

    /// One of several kinds of objects that the table goes through, and the org does not have the
    /// feature behind it: there are none of this kind.
    fn is_switched_off(&self, index: usize, error: &oktant_client::Error) -> bool {
        let request = &self.plan.streams[index];
        let route = &self.scan.relation.routes()[request.route];
        let enumerated = route.parameters.iter().find(|parameter| !parameter.enumerate.is_empty());
        let Some(parameter) = enumerated.filter(|_| error.is_feature_missing()) else { return false };
        let kind = request.query.iter().find(|(name, _)| name == parameter.name).map_or("", |(_, value)| value);
        let table = self.table();
        self.context.warnings.add(format!("{table} leaves out {} {kind}: {error}", parameter.column));
        true
    }

    /// One object, if it is there and is the one meant.
    fn single(
        self: Arc<Self>,
        index: usize,
        call: Call,
        parent: Arc<Parent>,
    ) -> BoxFuture<'static, Result<Option<RecordBatch>, Error>> {
        Box::pin(async move {
            self.context.budget.take(self.table(), self.cheaper())?;
            match self.context.org.send(call).await {
                Ok(reply) => self.rows(index, &reply.body, Body::Single, &parent, 0, reply.entry).map(Some),
                Err(error) if is_absence(&error) => Ok(None),
                Err(error) => Err(Error::page(self.table(), 0, error)),
            }
        })
    }

    /// Decodes one body and keeps the rows that the statement wants.
    fn rows(
        &self,
        index: usize,
        body: &[u8],
        shape: Body,
        parent: &Parent,
        page: u32,
        entry: EntryId,
    ) -> Result<RecordBatch, Error> {
        let request = &self.plan.streams[index];
        let decoded = self.decoders[&request.route]
            .decode(body, shape, parent)
            .map_err(|error| Error::page(self.table(), page, Undecodable { operation: request.operation, error }))?;
        self.context.org.ledger().add_rows(entry, decoded.batch.num_rows() as u64);
        self.context.warnings.add_mismatches(self.table(), decoded.mismatches);
        let batch = self.expected(request, decoded.batch)?;
        let batch = self.unseen(batch)?;
        let batch = self.passing(batch)?;
        batch.project(&self.output).map_err(|error| internal(&error))
    }

    /// For a key lookup, only the object whose key was asked for: some paths resolve more than keys.
    fn expected(&self, request: &RequestStream, batch: RecordBatch) -> Result<RecordBatch, Error> {
        let Some(lookup) = &request.single else { return Ok(batch) };
        for (position, value) in &lookup.expect {
            let name = self.scan.relation.schema().field(*position).name();
            let Some(column) = batch.column_by_name(name) else { continue };
            let texts = column.as_string::<i32>();
            if texts.is_empty() || texts.is_null(0) {
                let reason =
                    Keyless { operation: request.operation, key: self.scan.relation.columns()[*position].name.clone() };
                return Err(Error::page(self.table(), 0, reason));
            }
            if texts.value(0) != value {
                return Ok(batch.slice(0, 0));
            }
        }
        Ok(batch)
    }

    /// Drops rows whose key was already returned.
    fn unseen(&self, batch: RecordBatch) -> Result<RecordBatch, Error> {
        if !self.plan.dedupe || self.key.is_empty() {
            return Ok(batch);
        }
        let columns: Vec<_> = self.key.iter().map(|&index| batch.column(index).as_string::<i32>()).collect();
        let mut seen = self.seen.lock();
        let keep: BooleanArray = (0..batch.num_rows())
            .map(|row| {
                if columns.iter().any(|column| column.is_null(row)) {
                    return Some(true);
                }
                let parts: Vec<&str> = columns.iter().map(|column| column.value(row)).collect();
                Some(seen.insert(parts.join("\u{1f}").into()))
            })
            .collect();
        drop(seen);
        if keep.true_count() == batch.num_rows() {
            return Ok(batch);
        }
        filter_record_batch(&batch, &keep).map_err(|error| internal(&error))
    }

    /// Keeps rows that pass what the org did not evaluate.
    fn passing(&self, batch: RecordBatch) -> Result<RecordBatch, Error> {
        let Some(predicate) = &self.residual else { return Ok(batch) };
        let verdict = predicate.evaluate(&batch).and_then(|value| value.into_array(batch.num_rows()));
        let verdict = verdict.map_err(|error| crate::mapping::plain(&error))?;
        let keep = match verdict.data_type() {
            DataType::Boolean => verdict.as_boolean().clone(),
            // A bare NULL as a predicate.
            _ => cast(&verdict, &DataType::Boolean).map_err(|error| internal(&error))?.as_boolean().clone(),
        };
        filter_record_batch(&batch, &keep).map_err(|error| internal(&error))
    }
}

/// The columns to decode: those of the plan, and whatever the projection and the residual need.
fn needed_columns(scan: &Scan, plan: &ScanPlan) -> Vec<usize> {
    let mut columns: BTreeSet<usize> = plan.columns.iter().chain(&scan.projection).copied().collect();
    let residual = plan.residual.iter().flat_map(Expr::column_refs);
    columns.extend(residual.filter_map(|column| scan.relation.position(&column.name)));
    if plan.dedupe {
        columns.extend(scan.relation.key());
    }
    for lookup in plan.streams.iter().filter_map(|stream| stream.single.as_ref()) {
        columns.extend(lookup.expect.iter().map(|(position, _)| *position));
    }
    columns.into_iter().collect()
}

fn compile(residual: &[Expr], schema: &Schema) -> Result<Option<Arc<dyn PhysicalExpr>>, Error> {
    let unqualified: Vec<Expr> = residual.iter().cloned().map(unnormalize_col).collect();
    let Some(predicate) = conjunction(unqualified) else { return Ok(None) };
    let schema = DFSchema::try_from(schema.clone()).map_err(|error| crate::mapping::plain(&error))?;
    let compiled =
        create_physical_expr(&predicate, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default());
    compiled.map(Some).map_err(|error| crate::mapping::plain(&error))
}

/// Whether the object asked for is not there (any more), and so has neither a row nor children.
/// Any other 404 is a failure: a gateway's, or of a path that the org does not know.
fn is_absence(error: &oktant_client::Error) -> bool {
    error.is_not_found() && error.api_code() == Some("E0000007")
}

/// A parent whose keys stand in the statement.
fn named(parents: &Parents, keys: Vec<String>) -> Parent {
    Parent { path: parents.parameters.iter().map(|(name, _)| *name).zip(keys).collect(), row: Vec::new() }
}

/// The rows of a batch of parents: first their keys, then what their children take from them.
fn each_parent(batch: &RecordBatch, parents: &Parents) -> Result<Vec<Parent>, Error> {
    let (keys, carried) = batch.columns().split_at(parents.parameters.len());
    let keys: Vec<_> = keys.iter().map(AsArray::as_string::<i32>).collect();
    let among: Option<HashSet<&[String]>> = match &parents.source {
        KeySource::Literal(tuples) => Some(tuples.iter().map(Vec::as_slice).collect()),
        KeySource::Table { .. } => None,
    };
    let mut found = Vec::with_capacity(batch.num_rows());
    for row in (0..batch.num_rows()).filter(|&row| keys.iter().all(|key| key.is_valid(row))) {
        let keys: Vec<String> = keys.iter().map(|key| key.value(row).to_owned()).collect();
        if among.as_ref().is_some_and(|among| !among.contains(keys.as_slice())) {
            continue;
        }
        let values = carried.iter().zip(&parents.carried).map(|(array, name)| {
            let value = ScalarValue::try_from_array(array, row).map_err(|error| crate::mapping::plain(&error))?;
            Ok((*name, value))
        });
        found.push(Parent { row: values.collect::<Result<_, Error>>()?, ..named(parents, keys) });
    }
    Ok(found)
}

/// Stops, and with it the requests, once `limit` rows have come.
fn take_rows(rows: Batches, limit: usize) -> impl futures::Stream<Item = Result<RecordBatch, Error>> {
    stream::try_unfold((rows, limit), |(mut rows, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = rows.try_next().await? else { return Ok(None) };
        let batch = if batch.num_rows() > left { batch.slice(0, left) } else { batch };
        let left = left - batch.num_rows();
        Ok(Some((batch, (rows, left))))
    })
}

/// Tells the number of rows once all have passed.
fn counted(rows: Batches, tell: impl FnOnce(u64) + Send) -> impl futures::Stream<Item = Result<RecordBatch, Error>> {
    stream::try_unfold((rows, 0, tell), |(mut rows, count, tell)| async move {
        let Some(batch) = rows.try_next().await? else {
            tell(count);
            return Ok(None);
        };
        let count = count + batch.num_rows() as u64;
        Ok(Some((batch, (rows, count, tell))))
    })
}

fn internal(error: &dyn std::error::Error) -> Error {
    Error::Internal { message: error.to_string() }
}

/// An answer that is not what the operation promises.
#[derive(Debug, thiserror::Error)]
#[error("the answer to {operation} cannot be read")]
struct Undecodable {
    operation: &'static str,
    #[source]
    error: crate::decode::DecodeError,
}

impl oktant_base::Coded for Undecodable {
    fn code(&self) -> oktant_base::Code {
        oktant_base::codes::OKT2004
    }
}

/// The answer to a look-up by key is no object with that key.
#[derive(Debug, thiserror::Error)]
#[error("the answer to {operation} has no {key}")]
struct Keyless {
    operation: &'static str,
    key: String,
}

impl oktant_base::Coded for Keyless {
    fn code(&self) -> oktant_base::Code {
        oktant_base::codes::OKT2004
    }
}

/// A batch under another schema of the same types.
pub(crate) fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
        .map_err(|error| internal(&error))
}
