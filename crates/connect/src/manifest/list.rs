//! Lists: one record, several, or a page after the other for a helper flow.

use oktant_engine::{CardError, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::expression::{Scope, Wrong, is_empty, text};
use super::run::{Prepared, Run, Target, output, outputs, with_item};
use super::{List, Next, Step};
use crate::fields::{Fields, flow_value};

/// Records that one card gives at most where the flow asks for all of them; more are streamed.
const ALL_MAX: usize = 100_000;

/// How many records the card gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    One,
    AtMost(usize),
    All,
    Stream,
}

/// What continues a list: in a cursor, and from page to page.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
enum Continue {
    /// At another address.
    At(String),
    /// With another value in the query.
    With(String, String),
}

/// The cursor of a streaming card.
#[derive(Serialize, Deserialize)]
struct Cursor {
    next: Continue,
    /// Records handed out so far.
    seen: usize,
}

pub(super) async fn run<'a>(
    run: &Run<'a>,
    list: &List,
    step: &Step,
    scope: &mut Scope<'a>,
) -> Result<Outcome, CardError> {
    let wanted = wanted(list, scope)?;
    let request = step.request.as_ref().ok_or_else(|| Wrong("a list needs a request".to_owned()))?;
    let mut request = request.prepare(scope)?;
    let limit = limit(list, scope)?;
    if wanted == Wanted::Stream {
        return stream(run, list, &step.accept, request, limit, scope).await;
    }
    let most = match wanted {
        Wanted::One => 1,
        Wanted::AtMost(most) => most.min(limit.unwrap_or(most)),
        // One more tells that there are too many.
        Wanted::All | Wanted::Stream => limit.unwrap_or(usize::MAX).min(ALL_MAX + 1),
    };
    let mut records = Vec::new();
    let mut pages = 0;
    while records.len() < most {
        run.ask(&request, &step.accept, scope).await?;
        let items = items(list, scope)?;
        let count = items.len();
        records.extend(kept(list, items, scope)?);
        pages += 1;
        match next(list, count, pages, scope)? {
            Some(next) => go_on(&mut request, next),
            None => break,
        }
    }
    if wanted == Wanted::All && records.len() > ALL_MAX {
        let problem = format!("the list has more than {ALL_MAX} records; stream them to a helper flow");
        return Err(Wrong(problem).into());
    }
    records.truncate(most);
    if wanted == Wanted::One {
        let item = records.into_iter().next().unwrap_or_default();
        return Ok(Outcome::Outputs(outputs(&list.one, &with_item(scope, item))?.write()));
    }
    let (group, key) = list.many.split_once('.').unwrap_or(("Result", &list.many));
    let records: Result<Vec<Value>, Wrong> = records.into_iter().map(|item| record(list, item, scope)).collect();
    let mut fields = Fields::new();
    fields.set(Some(group), key, Value::Array(records?));
    Ok(Outcome::Outputs(fields.write()))
}

/// A page of a list, and where the next one is.
pub(super) async fn stream<'a>(
    run: &Run<'a>,
    list: &List,
    accept: &[u16],
    mut request: Prepared,
    limit: Option<usize>,
    scope: &mut Scope<'a>,
) -> Result<Outcome, CardError> {
    let cursor = run.cursor.map(serde_json::from_str::<Cursor>).transpose();
    let cursor = cursor.map_err(|error| Wrong(format!("the cursor cannot be read: {error}")))?;
    let seen = cursor.as_ref().map_or(0, |cursor| cursor.seen);
    if limit == Some(0) {
        return Ok(Outcome::Page { records: Vec::new(), cursor: None });
    }
    if let Some(cursor) = cursor {
        go_on(&mut request, cursor.next);
    }
    run.ask(&request, accept, scope).await?;
    let items = items(list, scope)?;
    let count = items.len();
    let page = match &list.next {
        Next::Page { size, .. } | Next::Offset { size, .. } => seen / (*size).max(1) + 1,
        _ => 1,
    };
    let next = next(list, count, page, scope)?;
    let mut records = kept(list, items, scope)?;
    if let Some(limit) = limit {
        records.truncate(limit.saturating_sub(seen));
    }
    // Counted as they came where pages are counted, else as they are handed out.
    let counted = if matches!(list.next, Next::Page { .. } | Next::Offset { .. }) { count } else { records.len() };
    let seen = seen + counted;
    let records: Result<Vec<_>, Wrong> =
        records.into_iter().map(|item| Ok(flow_value(record(list, item, scope)?))).collect();
    let more = next.filter(|_| limit.is_none_or(|limit| seen < limit));
    let cursor = more.map(|next| json!(Cursor { next, seen }).to_string().into());
    Ok(Outcome::Page { records: records?, cursor })
}

/// How many records are wanted, in the words that cards use.
fn wanted(list: &List, scope: &Scope<'_>) -> Result<Wanted, Wrong> {
    let option = if list.option.is_empty() { Value::Null } else { scope.value(&format!("opt.{}", list.option))? };
    let word = if is_empty(&option) { list.default.clone() } else { text(&option) }.to_ascii_lowercase();
    let number = word.split(|character: char| !character.is_ascii_digit()).find_map(|digits| digits.parse().ok());
    Ok(match number {
        _ if word.starts_with("stream") => Wanted::Stream,
        Some(number) => Wanted::AtMost(number),
        None if word.starts_with("first") || word == "one" => Wanted::One,
        None => Wanted::All,
    })
}

/// Whether the card can be asked for a page after the other.
pub(crate) fn can_stream(list: &List) -> bool {
    !list.option.is_empty()
}

fn limit(list: &List, scope: &Scope<'_>) -> Result<Option<usize>, Wrong> {
    if list.limit.is_empty() {
        return Ok(None);
    }
    match scope.value(&list.limit)? {
        empty if is_empty(&empty) => Ok(None),
        value => match value.as_f64().or_else(|| text(&value).parse().ok()) {
            Some(number) if number >= 0.0 => Ok(Some(number as usize)),
            _ => Err(Wrong(format!("the limit cannot be {value}"))),
        },
    }
}

fn items(list: &List, scope: &Scope<'_>) -> Result<Vec<Value>, Wrong> {
    Ok(match scope.value(&list.items)? {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    })
}

fn kept(list: &List, items: Vec<Value>, scope: &Scope<'_>) -> Result<Vec<Value>, Wrong> {
    if list.keep.is_empty() {
        return Ok(items);
    }
    let keep = |item: Value| Ok(with_item(scope, item.clone()).holds(&list.keep)?.then_some(item));
    items.into_iter().map(keep).filter_map(Result::transpose).collect()
}

fn record(list: &List, item: Value, scope: &Scope<'_>) -> Result<Value, Wrong> {
    match &list.record {
        None => Ok(item),
        Some(template) => output(template, &with_item(scope, item)),
    }
}

/// What the next page is asked with, after `pages` pages of which the last had `count` records.
fn next(list: &List, count: usize, pages: usize, scope: &Scope<'_>) -> Result<Option<Continue>, Wrong> {
    let filled = |expression: &str| scope.value(expression).map(|value| (!is_empty(&value)).then(|| text(&value)));
    Ok(match &list.next {
        Next::None => None,
        Next::Link => next_link(&text(&scope.value("headers.link")?))?.map(Continue::At),
        Next::Url(expression) => filled(expression)?.map(Continue::At),
        Next::Cursor { value, query } => filled(value)?.map(|value| Continue::With(query.clone(), value)),
        Next::Offset { query, size } => {
            (count >= *size).then(|| Continue::With(query.clone(), (pages * size).to_string()))
        }
        Next::Page { query, first, size } => {
            (count >= *size).then(|| Continue::With(query.clone(), (first + pages).to_string()))
        }
    })
}

/// The address of the next page in a `Link` header (RFC 8288). A link that is cut off is an error: the list would
/// look complete.
pub(crate) fn next_link(header: &str) -> Result<Option<String>, Wrong> {
    for link in oktant_client::links(header) {
        let link = link.map_err(|problem| Wrong(format!("the answer's Link header cannot be read: {problem}")))?;
        if link.relations.iter().any(|relation| relation.eq_ignore_ascii_case("next")) {
            return Ok(Some(link.target.to_owned()));
        }
    }
    Ok(None)
}

fn go_on(request: &mut Prepared, next: Continue) {
    match next {
        Continue::At(address) => {
            request.target = match url::Url::parse(&address) {
                Ok(url) => Target::Url(url),
                Err(_) => Target::Path(address),
            };
            request.query.clear();
        }
        Continue::With(name, value) => {
            request.query.retain(|(known, _)| *known != name);
            request.query.push((name, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::http::Response;
    use crate::manifest::Manifest;
    use crate::manifest::run::Transport;

    #[test]
    fn the_next_page_stands_in_the_link() {
        let header = "<https://a.example/x?after=1>; rel=\"self\", <https://a.example/x?after=2,3>; rel=\"next\"";
        assert_eq!(next_link(header), Ok(Some("https://a.example/x?after=2,3".to_owned())));
        assert_eq!(next_link(""), Ok(None));
        assert!(next_link("<https://a.example/x?after=1; rel=\"next\"").is_err());
    }

    /// Records to a page.
    const PAGE: usize = 10_000;

    /// A service with so many records.
    #[derive(Default)]
    struct Service {
        records: usize,
        asked: AtomicUsize,
        settings: BTreeMap<String, String>,
    }

    #[async_trait]
    impl Transport for Service {
        async fn send(&self, _request: &Prepared) -> Result<Response, CardError> {
            let before = self.asked.fetch_add(1, Ordering::Relaxed) * PAGE;
            let page = PAGE.min(self.records - before);
            let mut headers = http::HeaderMap::new();
            if before + page < self.records {
                headers.insert("link", "<https://a.example/x?after=1>; rel=\"next\"".parse().unwrap());
            }
            let body = json!(vec![0; page]).to_string().into();
            Ok(Response { status: 200, headers, body })
        }

        fn settings(&self) -> &BTreeMap<String, String> {
            &self.settings
        }

        fn retry_after(&self, _response: &Response) -> Option<std::time::Duration> {
            None
        }
    }

    /// What a card gives that asks for all records: how many, or why not; and how many pages it asked for.
    async fn all(records: usize, limit: Option<usize>) -> (Result<usize, String>, usize) {
        let manifest = "{id: a, title: A, actions: {all: {steps: [{request: {path: /x}}], \
                        list: {items: body, default: all, limit: in.Limit.Limit, many: Result.Records, next: link}}}}";
        let manifest = Manifest::parse("a", manifest).unwrap();
        let (service, options, mut inputs) = (Service { records, ..Service::default() }, Fields::new(), Fields::new());
        inputs.set(Some("Limit"), "Limit", json!(limit));
        let (action, transport) = (&manifest.actions["all"], &service);
        let run = Run { manifest: &manifest, action, transport, options: &options, inputs: &inputs, cursor: None };
        let count = run.run().await.map_err(|error| error.message).map(|outcome| {
            let Outcome::Outputs(outputs) = outcome else { panic!("a page: {outcome:?}") };
            outputs.get(Some("Result"), "Records").unwrap().as_list().unwrap().len()
        });
        (count, service.asked.into_inner())
    }

    #[tokio::test]
    async fn a_list_of_all_records_ends_at_its_end_or_is_too_long() {
        assert_eq!(all(0, None).await, (Ok(0), 1));
        assert_eq!(all(PAGE + 1, None).await, (Ok(PAGE + 1), 2));
        assert_eq!(all(ALL_MAX, None).await, (Ok(ALL_MAX), 10), "as many as there may be");
        let too_long = "the list has more than 100000 records; stream them to a helper flow".to_owned();
        assert_eq!(all(ALL_MAX + 1, None).await, (Err(too_long.clone()), 11), "never a part of it");
        assert_eq!(all(3 * ALL_MAX, None).await, (Err(too_long), 11), "no more is asked for than tells");
        assert_eq!(all(3 * ALL_MAX, Some(PAGE + 1)).await, (Ok(PAGE + 1), 2));
    }
}
