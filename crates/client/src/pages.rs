//! Lists, page by page.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::HeaderMap;

use crate::{Call, EntryId, Error, Org};

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The answer's body: an array, or an object that wraps one as the operation's list shape says.
    pub body: Bytes,
    /// Its number, from 0.
    pub index: u32,
    /// Its entry in the ledger, for the rows decoded from it.
    pub entry: EntryId,
}

/// The pages of a list. After an error the stream ends.
pub type Pages = BoxStream<'static, Result<Page, Error>>;

pub(crate) fn stream(org: Org, call: Call) -> Pages {
    let first = Some((org, call, 0));
    stream::try_unfold(first, |state| async move {
        let Some((org, mut call, index)) = state else { return Ok(None) };
        let reply = org.send(call.clone()).await?;
        let page = Page { body: reply.body, index, entry: reply.entry };
        let next = next_cursor(&reply.headers).map(|link| {
            for (name, value) in link {
                call.query.retain(|(known, _)| *known != name);
                call.query.push((name, value));
            }
            (org, call, index + 1)
        });
        Ok(Some((page, next)))
    })
    .boxed()
}

fn next_cursor(headers: &HeaderMap) -> Option<Vec<(String, String)>> {
    let links = headers.get_all(http::header::LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| link.strip_prefix('<'))?;
    let url = url::Url::parse(next.split_once('>')?.0).ok()?;
    Some(url.query_pairs().into_owned().collect())
}
