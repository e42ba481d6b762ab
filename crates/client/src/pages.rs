//! Lists, page by page.
//!
//! The next page is the path of the first one with its own query, overlaid by the query of the
//! org's link. Links are not followed as they are: some name another host, another path, or have
//! lost a filter or an `expand`.

use std::collections::HashSet;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::HeaderMap;
use oktant_catalog::ListShape;
use serde::Deserialize;
use tokio::sync::mpsc;
use url::Url;

use crate::{Call, EntryId, Error, Org, Reply};

/// Pages that may wait for the consumer while it works on another one.
const PAGES_AHEAD: usize = 1;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The answer's body: an array, or an object that wraps one as the operation's list shape says.
    pub body: Bytes,
    /// Its number, from 0.
    pub index: u32,
    /// Whether the org says that no page follows.
    pub last: bool,
    /// Its entry in the ledger, for the rows decoded from it.
    pub entry: EntryId,
}

/// The pages of a list. After an error the stream ends.
pub type Pages = BoxStream<'static, Result<Page, Error>>;

/// Pages from `call` on. Nothing is sent before the stream is first polled.
pub(crate) fn stream(org: Org, call: Call) -> Pages {
    stream::once(async move { Reader::start(org, call) }).flatten().boxed()
}

/// Pages from `call` on, each requested when it is asked for: for a consumer that may have enough.
pub(crate) fn stream_on_demand(org: Org, call: Call) -> Pages {
    let reader = Reader { org, first: call.clone(), seen: HashSet::new() };
    stream::try_unfold((reader, Some(call), 0), |(mut reader, next, index)| async move {
        let Some(call) = next else { return Ok(None) };
        let (page, following) = reader.read(call, index).await?;
        Ok(Some((page, (reader, following, index + 1))))
    })
    .boxed()
}

/// Reads ahead of the consumer in a task of its own.
struct Reader {
    org: Org,
    first: Call,
    seen: HashSet<Vec<(String, String)>>,
}

/// Ends the task with the stream, also in the middle of a request.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    fn start(org: Org, call: Call) -> impl futures::Stream<Item = Result<Page, Error>> + Send {
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        let reader = Self { org, first: call, seen: HashSet::new() };
        let task = AbortOnDrop(tokio::spawn(reader.run(sender)));
        stream::unfold((receiver, task), |(mut receiver, task)| async move {
            let page = receiver.recv().await?;
            Some((page, (receiver, task)))
        })
    }

    async fn run(mut self, sender: mpsc::Sender<Result<Page, Error>>) {
        let mut next = Some(self.first.clone());
        let mut index = 0;
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
        self.seen.insert(sorted(&call.query));
        let reply = self.org.send(call).await?;
        self.check_shape(&reply)?;
        let next = self.next(&reply, index)?;
        Ok((Page { body: reply.body, index, last: next.is_none(), entry: reply.entry }, next))
    }

    fn next(&self, reply: &Reply, index: u32) -> Result<Option<Call>, Error> {
        if self.first.is_polling() && is_empty_array(&reply.body) {
            return Ok(None);
        }
        let Some(link) = self.next_link(reply) else { return Ok(None) };
        let call = self.overlaid(&link);
        if self.seen.contains(&sorted(&call.query)) {
            return Err(Error::PageLoop { path: self.first.resolved_path()?, page: index });
        }
        Ok(Some(call))
    }

    fn next_link(&self, reply: &Reply) -> Option<Url> {
        let base = &self.org.properties().org;
        match self.first.list_shape() {
            ListShape::Wrapped { next_in_body: true, .. } => base.join(&next_in_body(&reply.body)?).ok(),
            _ => next_in_headers(&reply.headers).and_then(|link| base.join(link).ok()),
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
        if found == Some(&expected) || self.first.list_shape() == ListShape::None {
            return Ok(());
        }
        Err(Error::Decode {
            method: self.first.method.as_str().to_owned(),
            path: self.first.resolved_path()?,
            reason: if found.is_none() { "it is empty" } else { "it is not a list" }.to_owned(),
            request_id: crate::http::request_id(&reply.headers),
        })
    }
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

/// The target of the `next` relation (RFC 8288) in one or several `Link` headers.
fn next_in_headers(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(http::header::LINK).iter().filter_map(|line| line.to_str().ok());
    lines.into_iter().find_map(next_in_line)
}

fn next_in_line(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let (mut parameters, following) = split_unquoted(after, ',');
        while !parameters.is_empty() {
            let (parameter, others) = split_unquoted(parameters, ';');
            if is_next(parameter) {
                return Some(target);
            }
            parameters = others;
        }
        rest = following;
    }
    None
}

/// What stands before and after the first `separator` outside quotes.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    end.map_or((text, ""), |end| (&text[..end], &text[end + 1..]))
}

fn is_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// `_links.next.href` of a wrapped list.
fn next_in_body(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapper {
        #[serde(rename = "_links")]
        links: Links,
    }
    #[derive(Deserialize)]
    struct Links {
        next: Target,
    }
    #[derive(Deserialize)]
    struct Target {
        href: String,
    }
    serde_json::from_slice::<Wrapper>(body).ok().map(|wrapper| wrapper.links.next.href)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<&str>) {
        let headers = lines.iter().map(|line| (http::header::LINK, line.parse().unwrap())).collect();
        assert_eq!(next_in_headers(&headers), expected);
    }

    #[test]
    fn link_headers_of_every_form_are_read() {
        check(
            &["<https://a/p?limit=1>; rel=\"self\"", "<https://a/p?after=x>; rel=\"next\""],
            Some("https://a/p?after=x"),
        );
        check(&["<https://a/p>; rel=\"self\", <https://a/p?q=a,b>; rel=\"next\""], Some("https://a/p?q=a,b"));
        check(&["<u>; title=\"a, <b>; rel=next\"; rel=self"], None);
        check(&["<u>; title=\"x\"; REL=\"prev next\""], Some("u"));
        check(&["<u>; rel=self"], None);
        check(&[], None);
    }

    #[test]
    fn links_in_bodies_are_read() {
        assert_eq!(
            next_in_body(br#"{"roles":[],"_links":{"next":{"href":"https://a/x"}}}"#).as_deref(),
            Some("https://a/x")
        );
        assert_eq!(next_in_body(br#"{"roles":[],"_links":{}}"#), None);
        assert_eq!(next_in_body(br#"{"roles":[]}"#), None);
    }

    #[test]
    fn emptiness_is_told_without_parsing() {
        assert!(is_empty_array(b" [ ]\n"));
        assert!(!is_empty_array(b"[{}]"));
    }
}
