//! The one request that every operation's request is made of.
//!
//! Nothing here is generic over the operation, so that 732 of them cost little to compile.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use oktant_base::Timestamp;
use oktant_client::Call;
use oktant_models::Model;

use crate::answer::{Answer, Origin};
use crate::content::Body;
use crate::{Certificate, Error, Listing, Okta, Reply, Upload, empty};

const JSON: &str = "application/json";

/// A call that is being put together: the common part of every operation's request, and by itself a
/// call of anything ([`Okta::operation`], [`Okta::request`]).
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    okta: Okta,
    call: Call,
    body: Option<Body>,
    timeout: Option<Duration>,
    drop_empty: bool,
}

impl Request {
    pub(crate) fn new(okta: &Okta, call: Call) -> Self {
        Self { okta: okta.clone(), call, body: None, timeout: None, drop_empty: okta.drop_empty }
    }

    /// The request of an operation that the generator took from the catalogue.
    pub(crate) fn of(okta: &Okta, id: &'static str) -> Self {
        let operation = oktant_catalog::operation(id).expect("operations are generated from the catalogue");
        Self::new(okta, Call::of(operation))
    }

    /// Gives the operation's parameter `name` a value, wherever it goes: path, query or header.
    ///
    /// # Errors
    ///
    /// [`oktant_client::Error::Argument`] if there is no such parameter or the value does not fit.
    pub fn arg(mut self, name: &str, value: impl Into<String>) -> Result<Self, Error> {
        self.call = self.call.arg(name, value)?;
        Ok(self)
    }

    /// Fills the path parameter `name`; the value is encoded.
    pub fn path(mut self, name: &str, value: impl Into<String>) -> Self {
        self.call = self.call.path_arg(name, value);
        self
    }

    /// Adds a query parameter; the value is encoded.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.call = self.call.query(name, value);
        self
    }

    /// Gives a query parameter its only value.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.call = self.call.without_query(name).query(name, value);
        self
    }

    /// Gives a query parameter all its values: in one text with commas, or each in a parameter of its own.
    pub fn set_all(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
        comma_separated: bool,
    ) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if comma_separated {
            return self.set(name, values.join(","));
        }
        self.call = self.call.without_query(name);
        values.into_iter().fold(self, |request, value| request.query(name, value))
    }

    /// Adds or replaces a header. Those of authorization and framing cannot be replaced.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.call = self.call.header(name, value);
        self
    }

    /// Sends a model, or any JSON, as the body.
    ///
    /// A request has one body: what is called last gives it, whatever its type.
    pub fn json<T: Model>(self, body: &T) -> Self {
        self.body(JSON, body.write())
    }

    /// Sends a certificate as the body.
    pub fn certificate(self, body: &Certificate) -> Self {
        self.with_body(body.0.clone())
    }

    /// Sends a form with the file in `field`.
    pub fn upload(self, field: &str, file: &Upload) -> Self {
        self.with_body(file.form(field))
    }

    /// Sends a body of any type.
    pub fn body(self, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.with_body(Body::new(media_type, body))
    }

    fn with_body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// Gives up after this time, waits and repeats included. A stream of pages has it for all of them.
    /// A time that no calendar reaches, such as [`Duration::MAX`], is none.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives up when this instant has passed or would pass while waiting.
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.call = self.call.deadline(deadline);
        self
    }

    /// Neither takes the answer from the cache nor puts it there.
    pub fn no_cache(mut self) -> Self {
        self.call = self.call.no_cache();
        self
    }

    /// Asks the org also if the cache has an answer, and puts the new one there.
    pub fn refresh(mut self) -> Self {
        self.call = self.call.refresh();
        self
    }

    /// Whether empty text, lists, objects and nulls are left out of the body of this call.
    pub fn drop_empty(mut self, drop_empty: bool) -> Self {
        self.drop_empty = drop_empty;
        self
    }

    /// Sends it and reads the answer as `T`.
    pub fn send_as<T: Model>(self) -> Pending<Reply<T>> {
        self.pending(Answer::read::<T>)
    }

    /// Sends it and reads nothing but status and headers.
    pub fn send(self) -> Pending<Reply<()>> {
        self.pending(Answer::read_nothing)
    }

    /// Sends it and hands out the body as it came.
    pub fn raw(self) -> Pending<Reply<Bytes>> {
        self.pending(Answer::read_bytes)
    }

    /// Sends it and hands out the body as text; what is not UTF-8 in it is replaced.
    pub fn text(self) -> Pending<Reply<String>> {
        self.pending(Answer::read_text)
    }

    /// Takes the answer for a list of `T`, to be read page by page.
    pub fn list_of<T: Model>(self) -> Listing<T> {
        Listing::new(self)
    }

    fn pending<T>(self, read: fn(Answer) -> Result<T, Error>) -> Pending<T> {
        Pending { answer: self.exchange().boxed(), read }
    }

    async fn exchange(self) -> Result<Answer, Error> {
        let (okta, call) = self.finished();
        let origin = Origin::of(&okta, &call)?;
        let reply = okta.org.send(call).await?;
        Ok(Answer { reply, next: None, origin })
    }

    /// The first page of a list, or the one that the call resumes at.
    pub(crate) fn pending_page<T>(self, read: fn(Answer) -> Result<T, Error>) -> Pending<T> {
        Pending { answer: self.one_page().boxed(), read }
    }

    async fn one_page(self) -> Result<Answer, Error> {
        let (okta, call) = self.finished();
        let origin = Origin::of(&okta, &call)?;
        let page = okta.org.pages_on_demand(call).next().await.expect("a list has at least one page")?;
        Ok(Answer { reply: page.reply, next: page.next, origin })
    }

    /// The org, and the call with its body and deadline.
    pub(crate) fn finished(self) -> (Okta, Call) {
        let Self { okta, mut call, body, timeout, drop_empty } = self;
        if let Some(Body { media_type, mut bytes }) = body {
            if drop_empty && media_type.ends_with("json") {
                bytes = empty::dropped(&bytes);
            }
            call = call.body(&media_type, bytes);
        }
        let ends = |timeout| okta.org.clock().now().checked_add_signed(TimeDelta::from_std(timeout).ok()?);
        if let Some(deadline) = timeout.and_then(ends) {
            call = call.deadline(deadline);
        }
        (okta, call)
    }

    pub(crate) fn resumed(mut self, cursor: &oktant_client::Cursor) -> Self {
        self.call = self.call.resumed_at(cursor);
        self
    }
}

/// An answer that is on its way. It is sent when first polled; dropping it cancels it.
#[must_use = "a request does nothing until it is awaited"]
pub struct Pending<T> {
    answer: BoxFuture<'static, Result<Answer, Error>>,
    read: fn(Answer) -> Result<T, Error>,
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.answer.poll_unpin(context));
        Poll::Ready(answer.and_then(self.read))
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}
