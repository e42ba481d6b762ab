//! The System Log as it grows.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use oktant_client::{Call, Cursor};

use crate::answer::{Answer, Origin};
use crate::listing::Answers;
use crate::models::LogEvent;
use crate::system_log::ListLogEvents;
use crate::{Error, Items, Okta, Pages, Request};

impl ListLogEvents {
    /// Every event from `since` on, and those to come: the stream does not end.
    ///
    /// Once everything there is has been read, the log is asked again every `interval`. With `until`
    /// the stream ends with the last page.
    ///
    /// # Source
    ///
    /// Okta developer reference, System Log API, "Polling requests" and "Bounded requests".
    pub fn poll(self, interval: Duration) -> Items<LogEvent> {
        self.poll_pages(interval).items()
    }

    /// As [`ListLogEvents::poll`], page by page: [`Page::next`](crate::Page::next) of the last one read
    /// is where a later run goes on with `resume`.
    pub fn poll_pages(self, interval: Duration) -> Pages<LogEvent> {
        Pages::of(answers(self.into_request(), interval))
    }
}

/// Reads a list that has no end.
struct Poller {
    okta: Okta,
    call: Call,
    origin: Origin,
    interval: Duration,
    /// Pages of the current try.
    pages: Option<oktant_client::Pages>,
    /// The end of what was read.
    cursor: Option<Cursor>,
    /// What the last page said.
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// More is there.
    Reading,
    /// Nothing is there yet.
    Idle,
    /// Nothing will be there any more.
    Over,
}

fn answers(request: Request, interval: Duration) -> Answers {
    stream::once(async move {
        let (okta, call) = request.finished();
        let origin = Origin::of(&okta, &call)?;
        let poller = Poller { okta, call, origin, interval, pages: None, cursor: None, state: State::Reading };
        Ok::<_, Error>(stream::try_unfold(poller, Poller::next))
    })
    .try_flatten()
    .boxed()
}

impl Poller {
    async fn next(mut self) -> Result<Option<(Answer, Self)>, Error> {
        match self.state {
            State::Reading => {}
            State::Idle => self.okta.org.clock().sleep(self.interval).await,
            State::Over => return Ok(None),
        }
        let pages = self.pages.get_or_insert_with(|| {
            self.okta.org.pages_on_demand(self.cursor.iter().fold(self.call.clone(), Call::resume))
        });
        let Some(page) = pages.next().await.transpose()? else { return Ok(None) };
        let is_empty = is_empty_array(&page.body);
        let answer = Answer { reply: page.reply, next: page.next, origin: self.origin.clone() };
        self.state = match &answer.next {
            Some(_) => State::Reading,
            None if !self.call.is_polling() => State::Over,
            None if is_empty => State::Idle,
            // Asking again would give these events twice, ending would look like the end.
            None => return Err(answer.misread("$", "it does not link to what comes after it".to_owned())),
        };
        if self.state == State::Idle {
            self.pages = None;
        }
        self.cursor = answer.next.clone().or(self.cursor);
        Ok(Some((answer, self)))
    }
}

fn is_empty_array(body: &[u8]) -> bool {
    body.iter().filter(|byte| !byte.is_ascii_whitespace()).eq(b"[]")
}
