//! `Link` headers of lists.

use http::{HeaderName, HeaderValue, header};
use url::form_urlencoded;

use super::call::Call;
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
