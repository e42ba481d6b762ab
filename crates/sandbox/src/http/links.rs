//! `Link` headers of lists.

use http::{HeaderName, HeaderValue, header};
use url::form_urlencoded;

use super::call::Call;
use super::errors::ApiError;
use super::reply::Reply;

/// Adds the `self` link, and the `next` link if there is a cursor.
///
/// # Source
///
/// Observed: one header line per relation, absolute URLs, `self` with the limit in force even
/// when none was sent, parameters in the order `after`, `limit`, then the others; the last page
/// has no `next`.
pub(crate) fn add(reply: Reply, call: &Call<'_>, limit: usize, next: Option<&str>) -> Reply {
    let reply = only_self(reply, call, Some(limit));
    match next {
        Some(cursor) => push(reply, &page_url(call, Some(cursor), Some(limit)), "next"),
        None => reply,
    }
}

/// The items of the page that a call asks for, and the cursor of the next one: the key of its last item.
///
/// # Errors
///
/// 400 `E0000031` if `after` is no item's key.
pub(crate) fn page<T>(
    mut items: impl Iterator<Item = T>,
    call: &Call<'_>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    if let Some(after) = call.query("after") {
        items.find(|item| key(item) == after).ok_or_else(ApiError::bad_cursor)?;
    }
    let mut page: Vec<T> = items.take(limit + 1).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| more).map(key);
    Ok((page, next))
}

/// Adds the `self` link alone, for lists that never page.
pub(crate) fn only_self(reply: Reply, call: &Call<'_>, limit: Option<usize>) -> Reply {
    let url = page_url(call, call.query("after"), limit);
    push(reply, &url, "self")
}

/// Adds a link.
pub(crate) fn push(mut reply: Reply, url: &str, relation: &str) -> Reply {
    reply.headers.extend(line(url, relation));
    reply
}

fn line(url: &str, relation: &str) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(&format!("<{url}>; rel=\"{relation}\"")).ok()?;
    Some((header::LINK, value))
}

/// The URL of a page of the list that was called.
pub(crate) fn page_url(call: &Call<'_>, after: Option<&str>, limit: Option<usize>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(cursor) = after {
        query.append_pair("after", cursor);
    }
    if let Some(limit) = limit {
        query.append_pair("limit", &limit.to_string());
    }
    for (name, value) in call.query.iter().filter(|(name, _)| name != "after" && name != "limit") {
        query.append_pair(name, value);
    }
    let query = query.finish();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}{}{separator}{query}", call.base, call.path)
}
