//! What a plan costs, said before anything is sent.

use oktant_catalog::{ColumnType, Operation, Route};

use super::access::Access;
use super::narrowing::{Carried, pages};
use super::translate::Selectivity;
use crate::request::{Estimate, KeySource, RequestStream, Scan};

/// The rate-limit bucket of a route.
pub(crate) fn bucket(route: Option<&Route>) -> &'static str {
    route.and_then(|route| oktant_catalog::operation(route.operation)).map_or("", |operation| operation.bucket)
}

/// The cost of reads by key: one request each.
pub(crate) fn of_lookups(requests: u64, operation: &'static Operation) -> Estimate {
    Estimate {
        min: requests,
        max: Some(requests),
        bucket: operation.bucket,
        basis: "one read per key".to_owned(),
        cheaper: None,
    }
}

/// The cost of lists.
pub(crate) fn of(
    scan: &Scan,
    access: &Access,
    streams: &[RequestStream],
    carried: Option<&Carried>,
    is_exact: bool,
) -> Estimate {
    let requests = streams.len() as u64;
    let list = list_pages(scan, access.route, requests, carried, is_exact);
    let parents = access.parents.as_ref().map(|parents| &parents.source);
    let (min, max, basis) = match parents {
        None => (list.min, list.max, list.basis),
        Some(KeySource::Literal(tuples)) => {
            let parents = tuples.len() as u64;
            let rows_of_parents = u64::from(access.parents.as_ref().is_some_and(|parents| !parents.carried.is_empty()));
            (parents * requests + rows_of_parents, None, format!("{parents} × {requests} lists of unknown length"))
        }
        Some(KeySource::Table { table, .. }) => match scan.options.sizes.get(table) {
            Some(parents) => (parents * requests, None, format!("one list or more for each of {parents} {table}")),
            None => (
                1,
                None,
                format!(
                    "one list or more for each of the {table}; how many there are is not known before SELECT count(*) FROM {table}"
                ),
            ),
        },
    };
    // Nothing is cheaper than one request for each list.
    let is_least = max.is_some_and(|max| max <= requests);
    let cheaper = cheaper(scan, access, carried).filter(|_| !is_least);
    Estimate { min, max, bucket: bucket(Some(access.route)), basis, cheaper }
}

struct ListPages {
    min: u64,
    max: Option<u64>,
    basis: String,
}

fn list_pages(scan: &Scan, route: &Route, requests: u64, carried: Option<&Carried>, is_exact: bool) -> ListPages {
    let page = scan.options.page_size.unwrap_or(u32::MAX).min(route.page);
    let name = scan.relation.name();
    let size = scan.options.sizes.get(name).copied();
    let limit = scan.limit.filter(|_| is_exact).map(|limit| pages(limit as u64, page) + requests - 1);
    let all = size.map(|rows| pages(rows, page) + requests - 1);
    let bounded = |most: Option<u64>| match (most, limit) {
        (Some(most), Some(limit)) => Some(most.min(limit)),
        (most, limit) => most.or(limit),
    };
    let known =
        size.map_or_else(|| format!("how many {name} there are is not known yet"), |rows| format!("{rows} {name}"));
    match carried {
        // A page of the largest size holds what a few dozen values can match.
        Some(carried) if carried.selectivity == Selectivity::Value => ListPages {
            min: requests,
            max: bounded(all.or(Some(requests)).map(|most| most.min(requests.max(1)))),
            basis: "few rows match single values".to_owned(),
        },
        Some(_) => {
            let basis = size.map_or_else(|| format!("some of the {name}; {known}"), |_| format!("part of {known}"));
            ListPages { min: requests, max: bounded(all), basis }
        }
        None => ListPages { min: bounded(all).unwrap_or(requests).max(1), max: bounded(all), basis: known },
    }
}

/// What would make the statement cheaper; completes "try …".
fn cheaper(scan: &Scan, access: &Access, carried: Option<&Carried>) -> Option<String> {
    if let Some(parents) = &access.parents {
        let KeySource::Table { table, .. } = &parents.source else { return None };
        let columns = &scan.relation.columns();
        let keys: Vec<_> = parents.parameters.iter().map(|(_, position)| columns[*position].name.as_str()).collect();
        let keys = keys.join(" and ");
        return Some(format!("naming the {table} with {keys} = '…' or {keys} IN (…), or joining a narrowed {table}"));
    }
    if let Some(range) = &access.route.time_range {
        return Some(format!("a shorter time, such as {0} >= '…' AND {0} < '…'", range.column));
    }
    if carried.is_some_and(|carried| carried.selectivity > Selectivity::Weak) {
        return None;
    }
    let narrow = scan.relation.columns().iter().find(|column| {
        !column.attribute.is_empty()
            && !column.is_enum()
            && column.data_type == ColumnType::Text
            && !scan.relation.table().key.contains(&column.name.as_str())
    })?;
    let or_limit = if scan.limit.is_none() { ", or LIMIT" } else { "" };
    Some(format!("a condition that the org evaluates, such as {} = '…'{or_limit}", narrow.name))
}

/// Seconds that `requests` take when their bucket allows `per_minute` of them: what the window
/// still holds goes at once, the rest at the end of each further minute.
pub fn seconds(requests: u64, per_minute: u32) -> u64 {
    match per_minute {
        0 => 0,
        limit => requests.saturating_sub(1) / u64::from(limit) * 60,
    }
}

/// Requests of a bucket that can be counted on before the org has said its limit: half of what is
/// published, since one token gets half by default.
pub fn expected_per_minute(bucket: &str) -> Option<u32> {
    let per_minute = oktant_catalog::bucket(bucket)?.per_minute?;
    Some((per_minute.workforce / 2).max(1))
}
