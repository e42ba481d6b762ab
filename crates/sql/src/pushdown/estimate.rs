//! What a plan costs, said before anything is sent.

use oktant_catalog::{ColumnType, Operation, Route};

use super::access::{Access, scan_of_parents};
use super::narrowing::{Carried, pages};
use super::plan::plan;
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
            let lists = format!("{parents} × {requests} lists of unknown length");
            (parents * requests + requests_for_parents(scan, access), None, lists)
        }
        Some(KeySource::Table { table, .. }) => {
            let listing = requests_for_parents(scan, access);
            let listed = match listing {
                1 => format!("a request for the {table}"),
                _ => format!("{listing} requests for the {table}"),
            };
            match scan.options.sizes.get(table) {
                // The first parents may do.
                _ if scan.limit.is_some() => {
                    (1, None, format!("{listed}, then one list or more for each until rows suffice"))
                }
                // Which parents are meant is not known before they are read.
                Some(_) if access.is_narrowed => (listing, None, format!("{listed}, then one list or more for each")),
                Some(parents) => {
                    let basis = format!("{listed}, then one list or more for each of {parents}");
                    (listing + parents * requests, None, basis)
                }
                None => {
                    let basis = format!(
                        "{listed} or more, then one list or more for each; how many there are is not known before SELECT count(*) FROM {table}"
                    );
                    (listing, None, basis)
                }
            }
        }
    };
    // Nothing is cheaper than one request for each list.
    let is_least = max.is_some_and(|max| max <= requests);
    let cheaper = cheaper(scan, access, carried).filter(|_| !is_least);
    Estimate { min, max, bucket: bucket(Some(access.route)), basis, cheaper }
}

/// Requests at least that tell the parents, or what is taken from them.
fn requests_for_parents(scan: &Scan, access: &Access) -> u64 {
    let Some(parents) = &access.parents else { return 0 };
    // Keys that stand in the statement need not be looked up.
    if matches!(parents.source, KeySource::Literal(_)) && parents.carried.is_empty() {
        return 0;
    }
    scan_of_parents(parents, &scan.options).map_or(1, |parents| plan(&parents).estimate.min)
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
    if let Some(column) = scan.stands_for {
        let table = scan.relation.name();
        return Some(format!("naming the {table} with {column} = '…' or {column} IN (…)"));
    }
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
    // Where rows are only counted, all of them are needed.
    let or_limit = if scan.limit.is_none() && !scan.projection.is_empty() { ", or LIMIT" } else { "" };
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
