//! Lists, page by page.
//!
//! The next page is the path of the first one with its own query, overlaid by the query of the
//! org's link. Links are not followed as they are: some name another host, another path, or have
//! lost a filter or an `expand`.

use std::collections::HashSet;
use std::ops::Deref;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use oktant_catalog::ListShape;
use tokio::sync::mpsc;
use url::Url;

mod cursor;
pub(crate) mod link;

pub use self::cursor::Cursor;
pub use self::link::{Link, links};
use self::link::{next_in_body, next_in_headers};
use crate::{Call, Error, Org, Reply};

/// The smallest page that is asked for after the org failed at a larger one, in objects.
const PAGE_SIZE_FLOOR: u32 = 25;

/// Pages that may wait for the consumer while it works on another one.
const PAGES_AHEAD: usize = 1;

/// One page of a list. It dereferences to the answer that holds it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The answer; its body is an array, or an object that wraps one as the operation's list shape says.
    pub reply: Reply,
    /// Its number, from 0.
    pub index: u32,
    /// Whether the org says that no page follows.
    pub last: bool,
    /// Where the next page begins; `None` on the last one. It can be written down and
    /// taken up later by [`Call::resume`] or [`Call::resumed_at`].
    pub next: Option<Cursor>,
}

impl Deref for Page {
    type Target = Reply;

    fn deref(&self) -> &Reply {
        &self.reply
    }
}

/// The pages of a list. After an error the stream ends.
pub type Pages = BoxStream<'static, Result<Page, Error>>;

/// Pages from `call` on. Nothing is sent before the stream is first polled.
pub(crate) fn stream(org: Org, call: Call) -> Pages {
    stream::once(async move { Reader::start(org, call) }).flatten().boxed()
}

/// Pages from `call` on, each requested when it is asked for: for a consumer that may have enough.
pub(crate) fn stream_on_demand(org: Org, call: Call) -> Pages {
    let index = call.first_page;
    let reader = Reader::new(org, call.clone());
    stream::try_unfold((reader, Some(call), index), |(mut reader, next, index)| async move {
        let Some(call) = next else { return Ok(None) };
        let (page, following) = reader.read(call, index).await?;
        Ok(Some((page, (reader, following, index + 1))))
    })
    .boxed()
}

/// Pages from `call` on without an end: when there is nothing new, the org is asked again after `interval`.
pub(crate) fn poll(org: Org, call: Call, interval: Duration) -> Pages {
    let index = call.first_page;
    let reader = Reader::new(org, call.clone());
    stream::try_unfold((reader, call, index, false), move |(mut reader, call, index, waits)| async move {
        if !call.is_polling() {
            return Err(call.wrong("only the System Log without until, in ascending order, can be polled".to_owned()));
        }
        if waits {
            reader.org.clock().sleep(interval).await;
        }
        let (page, following) = reader.poll(call, index).await?;
        let nothing_new = is_empty_array(&page.body);
        Ok(Some((page, (reader, following, index + 1, nothing_new))))
    })
    .boxed()
}

/// Reads page after page of one list.
struct Reader {
    org: Org,
    first: Call,
    /// Queries of the pages read, since a link back would never end.
    seen: HashSet<Vec<(String, String)>>,
    /// The page size in force since the org failed at a larger one.
    page_size: Option<u32>,
}

/// Ends the task with the stream, also in the middle of a request.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    fn new(org: Org, first: Call) -> Self {
        Self { org, first, seen: HashSet::new(), page_size: None }
    }

    /// Reads ahead of the consumer in a task of its own.
    fn start(org: Org, call: Call) -> impl futures::Stream<Item = Result<Page, Error>> + Send {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        let reader = Self::new(org, call);
        let path = reader.first.template.clone();
        let task = AbortOnDrop(tokio::spawn(reader.run(sender)));
        stream::unfold(Some((receiver, task)), move |state| {
            let path = path.clone();
            async move {
                let (mut receiver, task) = state?;
                match receiver.recv().await {
                    Some(Ok(page)) => {
                        let rest = (!page.last).then_some((receiver, task));
                        Some((Ok(page), rest))
                    }
                    Some(Err(error)) => Some((Err(error), None)),
                    // Only the page that says so is the last one. A reader that fell silent has lost the rest.
                    None => Some((Err(Error::ListCut { path }), None)),
                }
            }
        })
    }

    async fn run(mut self, sender: mpsc::Sender<Result<Page, Error>>) {
        let mut next = Some(self.first.clone());
        let mut index = self.first.first_page;
        while let Some(call) = next.take() {
            // A place is taken before the request is made: that is what bounds reading ahead.
            let Ok(place) = sender.reserve().await else { return };
            match self.read(call, index).await {
                Ok((page, following)) => {
                    next = following;
                    place.send(Ok(page));
                }
                Err(error) => place.send(Err(error)),
            }
            index += 1;
        }
    }

    async fn read(&mut self, call: Call, index: u32) -> Result<(Page, Option<Call>), Error> {
        let reply = self.send(call).await?;
        let next = self.next(&reply, index)?;
        Ok((page(reply, index, next.as_ref())?, next))
    }

    /// Reads a page of a list that has no end; without anything new its link leads to itself.
    async fn poll(&mut self, call: Call, index: u32) -> Result<(Page, Call), Error> {
        let asked = sorted(&call.query);
        let reply = self.send(call).await?;
        let next = self.next_link(&reply)?.map(|link| self.overlaid(&link));
        let next = next.ok_or_else(|| self.unreadable(&reply, "it has no link to poll"))?;
        if sorted(&next.query) == asked && !is_empty_array(&reply.body) {
            return Err(self.page_loop(index)?);
        }
        Ok((page(reply, index, Some(&next))?, next))
    }

    /// Sends the call for one page. Where the org fails at a large page, half of it is asked for.
    async fn send(&mut self, mut call: Call) -> Result<Reply, Error> {
        loop {
            call = self.resized(call);
            let smaller = self.smaller(&call);
            call.overload_is_final = smaller.is_some();
            let result = self.org.send(call.clone()).await;
            match (result, smaller) {
                (Err(error), Some(smaller)) if matches!(error.status(), Some(500 | 504)) => {
                    tracing::info!(
                        path = call.template,
                        page_size = smaller,
                        "the org failed; a smaller page is asked for"
                    );
                    self.page_size = Some(smaller);
                }
                (result, _) => {
                    self.seen.insert(sorted(&call.query));
                    let reply = result?;
                    self.check_shape(&reply)?;
                    return Ok(reply);
                }
            }
        }
    }

    /// The call with the page size in force, which the org's links do not know.
    fn resized(&self, mut call: Call) -> Call {
        if let Some(size) = self.page_size {
            call.query.retain(|(name, _)| name != "limit");
            call.query.push(("limit".to_owned(), size.to_string()));
        }
        call
    }

    /// Half the page size of `call`, if it has one that may be halved and repeats are allowed at all.
    fn smaller(&self, call: &Call) -> Option<u32> {
        if self.org.properties().network.retries == 0 {
            return None;
        }
        let declared = call.operation.and_then(|operation| operation.limit);
        let given = call.query.iter().find(|(name, _)| name == "limit").map(|(_, size)| size.parse().ok());
        let size: u32 = given.unwrap_or_else(|| declared?.default)?;
        let floor = declared.and_then(|limit| limit.min).unwrap_or(0).max(PAGE_SIZE_FLOOR);
        (size > floor).then(|| (size / 2).max(floor))
    }

    fn next(&self, reply: &Reply, index: u32) -> Result<Option<Call>, Error> {
        if self.first.is_polling() && is_empty_array(&reply.body) {
            return Ok(None);
        }
        let Some(link) = self.next_link(reply)? else { return Ok(None) };
        let call = self.resized(self.overlaid(&link));
        if self.seen.contains(&sorted(&call.query)) {
            return Err(self.page_loop(index)?);
        }
        Ok(Some(call))
    }

    fn page_loop(&self, page: u32) -> Result<Error, Error> {
        Ok(Error::PageLoop { path: self.first.resolved_path()?, page })
    }

    /// Where the next page is; an error if the answer says so in a way that cannot be followed.
    fn next_link(&self, reply: &Reply) -> Result<Option<Url>, Error> {
        let link = match self.first.list_shape() {
            ListShape::Wrapped { next_in_body: true, .. } => next_in_body(&reply.body),
            _ => next_in_headers(&reply.headers).map(|link| link.map(ToOwned::to_owned)),
        };
        let Some(link) = link.map_err(|reason| self.unreadable(reply, reason))? else { return Ok(None) };
        match self.org.properties().org.join(&link) {
            Ok(url) => Ok(Some(url)),
            Err(_) => Err(self.unreadable(reply, "its next link is not an address")),
        }
    }

    fn overlaid(&self, link: &Url) -> Call {
        let org = &self.org.properties().org;
        if link.origin() != org.origin() || Some(link.path()) != self.first.resolved_path().ok().as_deref() {
            tracing::debug!(path = self.first.template, %link, "the link leads elsewhere; its query alone is used");
        }
        let mut call = self.first.clone();
        let link: Vec<(String, String)> = link.query_pairs().into_owned().collect();
        call.query.retain(|(name, _)| !link.iter().any(|(known, _)| known == name));
        call.query.extend(link);
        call
    }

    /// A cheap look at the first byte, so that a foreign answer never counts as an empty list.
    fn check_shape(&self, reply: &Reply) -> Result<(), Error> {
        let expected = if matches!(self.first.list_shape(), ListShape::Wrapped { .. }) { b'{' } else { b'[' };
        let found = reply.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_no_content = reply.status == 204 && found.is_none();
        if found == Some(&expected) || is_no_content || self.first.list_shape() == ListShape::None {
            return Ok(());
        }
        Err(self.unreadable(reply, if found.is_none() { "it is empty" } else { "it is not a list" }))
    }

    fn unreadable(&self, reply: &Reply, reason: &str) -> Error {
        Error::Decode {
            method: self.first.method.as_str().to_owned(),
            path: self.first.resolved_path().unwrap_or_else(|_| self.first.template.clone()),
            reason: reason.to_owned(),
            request_id: crate::http::request_id(&reply.headers),
        }
    }
}

fn page(reply: Reply, index: u32, next: Option<&Call>) -> Result<Page, Error> {
    let next = next.map(|call| Cursor::of(call, index + 1)).transpose()?;
    Ok(Page { reply, index, last: next.is_none(), next })
}

fn sorted(query: &[(String, String)]) -> Vec<(String, String)> {
    let mut query = query.to_vec();
    query.sort_unstable();
    query
}

fn is_empty_array(body: &[u8]) -> bool {
    let mut bytes = body.iter().filter(|byte| !byte.is_ascii_whitespace());
    (bytes.next(), bytes.next()) == (Some(&b'['), Some(&b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptiness_is_told_without_parsing() {
        assert!(is_empty_array(b" [ ]\n"));
        assert!(!is_empty_array(b"[{}]"));
    }
}
