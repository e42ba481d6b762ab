//! What `EXPLAIN` shows: the requests of each scan, decoded for reading.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use oktant_client::{Ledger, StatementId};
use percent_encoding::percent_decode_str;

use crate::Error;
use crate::attached::AttachedScanExec;
use crate::pushdown;
use crate::request::{Estimate, KeySource, RequestStream};
use crate::scan::OktaScanExec;

/// Scans that show their requests one by one; further ones are counted only.
const REQUESTS_SHOWN: usize = 10;

/// Rows of `EXPLAIN`: kind and text. The engine's own plans are for those who ask for them.
pub(crate) fn rows(
    logical: &LogicalPlan,
    physical: &Arc<dyn ExecutionPlan>,
    verbose: bool,
    display: impl Fn(&str) -> String,
) -> Vec<(String, String)> {
    let mut rows: Vec<_> =
        scans(physical).into_iter().map(|scan| ("requests".to_owned(), requests(&scan, &display))).collect();
    let attached = nodes::<AttachedScanExec>(physical);
    rows.extend(attached.into_iter().map(|scan| ("reads".to_owned(), scan.explanation(&display))));
    if rows.is_empty() {
        rows.push(("requests".to_owned(), "none: the statement reads no table of the org".to_owned()));
    }
    if verbose {
        rows.push(("logical_plan".to_owned(), display(&logical.display_indent().to_string())));
        rows.push(("physical_plan".to_owned(), display(&displayable(physical.as_ref()).indent(false).to_string())));
    }
    rows
}

/// Rows of `EXPLAIN ANALYZE` about what was sent.
pub(crate) fn took(ledger: &Ledger, statement: StatementId, rows: usize) -> Vec<(String, String)> {
    let summary = ledger.summary_of(statement);
    let mut lines: Vec<_> = ledger
        .entries_of(statement)
        .into_iter()
        .map(|entry| {
            let query = percent_decode_str(&entry.query).decode_utf8_lossy();
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let status = entry.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let text = format!(
                "{} {}{query}: {status}, {} ms, {} bytes, {} rows",
                entry.method, entry.path, entry.elapsed_ms, entry.bytes, entry.rows
            );
            ("request".to_owned(), text)
        })
        .collect();
    lines.push(("took".to_owned(), format!("{}, {} bytes, {rows} rows", counted(summary.requests), summary.bytes)));
    lines
}

/// Refuses a plan with a scan that is above the budget.
pub(crate) fn check_budget(physical: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
    scans(physical).iter().try_for_each(OktaScanExec::check_budget)
}

/// Whether some scan makes a request for each row of `table`, all rows of it.
pub(crate) fn fans_out_over(physical: &Arc<dyn ExecutionPlan>, table: &str) -> bool {
    scans(physical).iter().any(|scan| {
        let parents = scan.plan().parents.as_ref().map(|parents| &parents.source);
        let all = matches!(parents, Some(KeySource::Table { table: parent, filters, .. }) if *parent == table && filters.is_empty());
        all && scan.keys().is_none() && scan.scan().limit.is_none()
    })
}

fn scans(physical: &Arc<dyn ExecutionPlan>) -> Vec<OktaScanExec> {
    nodes(physical)
}

/// The nodes of a kind in a plan.
fn nodes<T: ExecutionPlan + Clone>(physical: &Arc<dyn ExecutionPlan>) -> Vec<T> {
    let mut found = Vec::new();
    let walked = physical.apply(|node| {
        if let Some(scan) = node.downcast_ref::<T>() {
            found.push(scan.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself never fails");
    found
}

/// The requests of one scan, a line each, and what is known about their cost.
fn requests(scan: &OktaScanExec, display: impl Fn(&str) -> String) -> String {
    let plan = &*scan.plan_to_expect();
    let mut text = scan.scan().relation.name().to_owned();
    let per = match (scan.keys(), &plan.parents) {
        (Some(keys), Some(parents)) if !parents.carried.is_empty() => {
            format!(" for each key from {}, whose row of {} is read", display(&keys.feed.origin), parents.table)
        }
        (Some(keys), Some(_)) => format!(" for each key from {}", display(&keys.feed.origin)),
        (Some(keys), None) => format!(" narrowed to the keys from {} if that is cheaper", display(&keys.feed.origin)),
        (None, Some(parents)) => match &parents.source {
            KeySource::Literal(tuples) if parents.carried.is_empty() => format!(" for {} keys", tuples.len()),
            KeySource::Literal(tuples) => format!(" for {} rows of {}, read by key", tuples.len(), parents.table),
            KeySource::Table { table, filters, .. } => {
                let conditions: Vec<String> = filters.iter().map(|filter| display(&filter.to_string())).collect();
                let only =
                    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" AND ")) };
                format!(" for each row of {table}{only}")
            }
        },
        (None, None) => String::new(),
    };
    text.push_str(&per);
    text.push(':');
    if plan.streams.is_empty() {
        text.push_str(" no request, since the predicate cannot hold");
        return text;
    }
    for stream in plan.streams.iter().take(REQUESTS_SHOWN) {
        let _ = write!(text, "\n  {}", decoded(stream));
        // With a limit, the first page is meant to be enough.
        if stream.single.is_none() && scan.scan().limit.is_none() {
            text.push_str(" (+ further pages)");
        }
    }
    if let Some(more) = plan.streams.len().checked_sub(REQUESTS_SHOWN).filter(|more| *more > 0) {
        let _ = write!(text, "\n  and {more} more like it");
    }
    if !plan.pushed.is_empty() {
        let _ = write!(text, "\n  evaluated by the org: {}", plan.pushed);
    }
    if !plan.residual.is_empty() {
        let residual: Vec<String> = plan.residual.iter().map(|part| display(&part.to_string())).collect();
        let _ = write!(text, "\n  evaluated here: {}", residual.join(" AND "));
    }
    let estimate = match (scan.keys(), &plan.parents) {
        (Some(_), Some(_)) => format!("1 request or more per key, of bucket {}", plan.estimate.bucket),
        _ => estimated(&plan.estimate),
    };
    let _ = write!(text, "\n  estimate: {estimate}");
    text
}

/// A request as text, not encoded; parents' keys stand as the names of their parameters.
fn decoded(stream: &RequestStream) -> String {
    let Some(operation) = oktant_catalog::operation(stream.operation) else { return stream.operation.to_owned() };
    let mut path = operation.path.to_owned();
    for (name, value) in &stream.path {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    let query: Vec<String> = stream.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    format!("{} {path}{query}", operation.method.as_str())
}

fn counted(requests: u64) -> String {
    if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") }
}

fn estimated(estimate: &Estimate) -> String {
    let requests = match estimate.max {
        Some(max) if max == estimate.min => counted(max),
        Some(max) => format!("{} to {}", estimate.min, counted(max)),
        None => format!("at least {}", counted(estimate.min)),
    };
    let mut text = format!("{requests} of bucket {}", estimate.bucket);
    if let Some(seconds) = seconds(estimate) {
        let _ = write!(text, ", {seconds}");
    }
    let _ = write!(text, " ({})", estimate.basis);
    if let Some(cheaper) = &estimate.cheaper {
        let _ = write!(text, "; cheaper: {cheaper}");
    }
    text
}

/// The time that the bucket's limit alone makes the requests take.
fn seconds(estimate: &Estimate) -> Option<String> {
    let per_minute = pushdown::expected_per_minute(estimate.bucket)?;
    let seconds = pushdown::seconds(estimate.max.unwrap_or(estimate.min), per_minute);
    (seconds > 0).then(|| format!("about {seconds} s at {per_minute} requests a minute"))
}

/// One line for the physical plan.
pub(crate) fn write_scan(f: &mut fmt::Formatter<'_>, scan: &OktaScanExec) -> fmt::Result {
    let relation = &scan.scan().relation;
    let columns: Vec<&str> =
        scan.scan().projection.iter().map(|&position| relation.columns()[position].name.as_str()).collect();
    write!(f, "OktaScanExec: table={}, columns=[{}]", relation.name(), columns.join(", "))?;
    if !scan.plan().residual.is_empty() {
        let residual: Vec<String> = scan.plan().residual.iter().map(ToString::to_string).collect();
        write!(f, ", residual=[{}]", residual.join(", "))?;
    }
    if let Some(keys) = scan.keys() {
        write!(f, ", keys=[{} from {}]", relation.columns()[keys.column].name, keys.feed.origin)?;
    }
    match scan.scan().limit {
        Some(limit) => write!(f, ", limit={limit}"),
        None => Ok(()),
    }
}
