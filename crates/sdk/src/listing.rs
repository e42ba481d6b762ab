//! Lists: one page, a stream of pages, a stream of items.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, Stream, StreamExt, TryFutureExt, TryStreamExt};
use oktant_client::{Call, Cursor, Org};
use oktant_models::{List, Model};

use crate::answer::{Answer, Origin};
use crate::{Error, Page, Pending, Request, models};

/// A list of `T`, to be read page by page. Every list operation's request is one underneath.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Listing<T> {
    request: Request,
    items: PhantomData<fn() -> T>,
}

impl<T: Model> Listing<T> {
    pub(crate) fn new(request: Request) -> Self {
        Self { request, items: PhantomData }
    }

    /// Starts at a place in the list that [`Page::next`] named.
    pub fn resume(mut self, cursor: &Cursor) -> Self {
        self.request = self.request.resumed(cursor);
        self
    }

    /// One page: the first one, or the one to resume at.
    pub fn send(self) -> Pending<Page<T>> {
        self.request.pending_page(Answer::read_page::<T>)
    }

    /// All pages. The next one is requested while the current one is worked on; dropping the stream
    /// cancels that. After an error it ends, be it of the request or of a page that cannot be read.
    pub fn pages(self) -> Pages<T> {
        Pages::of(answers(self.request))
    }

    /// All pages and those to come, of a list that has no end.
    #[cfg(feature = "system-log")]
    pub(crate) fn poll(self, interval: std::time::Duration) -> Pages<T> {
        Pages::of(started(self.request, move |org, call| org.poll(call, interval)))
    }

    /// All items, page after page, as [`Listing::pages`] reads them. In place of an element that does
    /// not fit there is an error, and the stream goes on.
    pub fn stream(self) -> Items<T> {
        Items::of(self.pages())
    }

    /// The first item, if there is one. No more pages are requested than it takes to find it.
    pub fn first(self) -> BoxFuture<'static, Result<Option<T>, Error>> {
        let pages = Pages::of(answers_on_demand(self.request));
        async move { Items::of(pages).next().await.transpose() }.boxed()
    }

    /// All items at once: every page or an error. Elements that do not fit are kept aside, as they
    /// are in a page.
    pub fn collect(self) -> BoxFuture<'static, Result<List<T>, Error>> {
        self.pages().try_fold((List::new(), 0), joined).map_ok(|(all, _)| all).boxed()
    }
}

/// `all` and a further page, and how many elements both have. Misfits keep their place in the whole.
async fn joined<T: Model>((mut all, count): (List<T>, usize), page: Page<T>) -> Result<(List<T>, usize), Error> {
    let page_count = page.items.len() + page.items.misfits().len();
    for (position, element) in page.items.misfits() {
        models::Items::push_misfit(&mut all, count + position, element.clone());
    }
    all.extend(page.items);
    Ok((all, count + page_count))
}

type Answers = BoxStream<'static, Result<Answer, Error>>;

/// The pages of a list.
#[must_use = "streams do nothing unless polled"]
pub struct Pages<T> {
    /// `None` once it has ended: what comes after a page that was lost is not the list.
    answers: Option<Answers>,
    read: fn(Answer) -> Result<Page<T>, Error>,
}

impl<T: Model> Pages<T> {
    fn of(answers: Answers) -> Self {
        Self { answers: Some(answers), read: Answer::read_page::<T> }
    }
}

impl<T> Pages<T> {
    /// The next page.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        StreamExt::next(self).await
    }

    /// Their items.
    pub fn items(self) -> Items<T> {
        Items::of(self)
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(answers) = &mut self.answers else { return Poll::Ready(None) };
        let answer = ready!(answers.poll_next_unpin(context));
        let page = answer.map(|answer| answer.and_then(self.read));
        if !matches!(page, Some(Ok(_))) {
            self.answers = None;
        }
        Poll::Ready(page)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

/// The items of a list.
#[must_use = "streams do nothing unless polled"]
pub struct Items<T> {
    pages: Pages<T>,
    buffer: VecDeque<Result<T, Error>>,
}

impl<T> Items<T> {
    fn of(pages: Pages<T>) -> Self {
        Self { pages, buffer: VecDeque::new() }
    }

    /// The next item.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        StreamExt::next(self).await
    }
}

// No part of it is ever pinned in place.
impl<T> Unpin for Items<T> {}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.buffer.pop_front() {
                return Poll::Ready(Some(item));
            }
            match ready!(self.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => self.buffer = elements(page),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// The elements of a page in their order, with errors in place of those that do not fit.
fn elements<T>(page: Page<T>) -> VecDeque<Result<T, Error>> {
    let misfits: Vec<_> =
        page.items.misfits().iter().map(|(position, _)| (*position, page.misfit(*position))).collect();
    let mut elements: VecDeque<_> = page.items.into_iter().map(Ok).collect();
    for (position, error) in misfits {
        elements.insert(position.min(elements.len()), Err(error));
    }
    elements
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("buffered", &self.buffer.len()).finish_non_exhaustive()
    }
}

/// The answers of a list in order, read ahead.
fn answers(request: Request) -> Answers {
    started(request, |org, call| org.pages(call))
}

/// The answers of a list in order, each requested when it is asked for.
fn answers_on_demand(request: Request) -> Answers {
    started(request, |org, call| org.pages_on_demand(call))
}

/// The body is put together and the time allowed begins when the stream is first polled.
fn started(request: Request, pages: impl FnOnce(&Org, Call) -> oktant_client::Pages + Send + 'static) -> Answers {
    stream::once(async move {
        let (okta, call) = request.finished();
        let origin = Origin::of(&okta, &call)?;
        let answers = pages(&okta.org, call).map(move |page| {
            let page = page?;
            Ok(Answer { reply: page.reply, next: page.next, origin: origin.clone() })
        });
        Ok::<_, Error>(answers)
    })
    .try_flatten()
    .boxed()
}
