//! What comes back: the answer as it came, and how it is read.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use http::HeaderMap;
use oktant_catalog::ListShape;
use oktant_client::{Call, Cursor, EntryId, RateLimit};
use oktant_models::{Decoded, Deviation, List, Model, Warning};

use crate::error::DecodeError;
use crate::{Error, Okta, wrapped};

/// An answer with what the org said besides. It dereferences to the value.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    value: T,
    /// Status, headers and what else came with it.
    pub meta: Meta,
}

impl<T> Reply<T> {
    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Reply<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Reply<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// What came with an answer.
#[derive(Debug, Clone)]
pub struct Meta {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The org's id of this very answer.
    pub request_id: Option<String>,
    /// The state of the rate-limit bucket, if the org reported it.
    pub rate_limit: Option<RateLimit>,
    /// Attempts it took, from 1; 0 if the org was not asked.
    pub attempts: u32,
    /// Whether the answer is an earlier one that was kept.
    pub from_cache: bool,
    /// Its entry in the ledger of [`Okta::org`].
    pub entry: EntryId,
    /// Deviations from the description that reading tolerated.
    pub warnings: Vec<Warning>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What it holds.
    pub items: List<T>,
    /// Status, headers and what else came with it.
    pub meta: Meta,
    /// Where the next page begins; `None` for the last one. [`Listing::resume`](crate::Listing::resume),
    /// and the method of the same name of every list, go on there.
    pub next: Option<Cursor>,
    origin: Origin,
}

impl<T> Page<T> {
    /// The error that stands for an element of another kind.
    pub(crate) fn misfit(&self, position: usize) -> Error {
        let at = match self.origin.shape {
            ListShape::Wrapped { items, .. } => format!("$.{items}[{position}]"),
            ListShape::Array | ListShape::None => format!("$[{position}]"),
        };
        self.origin.misread(&at, "the element is of another kind".to_owned(), self.meta.request_id.clone())
    }
}

/// An answer before it is read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: oktant_client::Reply,
    pub(crate) next: Option<Cursor>,
    pub(crate) origin: Origin,
}

/// The request that an answer belongs to, as far as reading and its errors need it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    method: &'static str,
    path: String,
    shape: ListShape,
    strict: bool,
}

impl Origin {
    pub(crate) fn of(okta: &Okta, call: &Call) -> Result<Self, Error> {
        let (method, path) = (call.method().as_str(), call.resolved_path()?);
        Ok(Self { method, path, shape: call.list_shape(), strict: okta.strict })
    }

    fn misread(&self, at: &str, reason: String, request_id: Option<String>) -> Error {
        let (method, path) = (self.method, self.path.clone());
        Box::new(DecodeError { method, path, at: at.to_owned(), reason, request_id }).into()
    }
}

impl Answer {
    pub(crate) fn read<T: Model>(self) -> Result<Reply<T>, Error> {
        let decoded = if self.is_bare() { Ok(nothing()) } else { T::read(&self.reply.body) };
        let (value, meta) = self.judged(decoded)?;
        Ok(Reply { value, meta })
    }

    pub(crate) fn read_page<T: Model>(mut self) -> Result<Page<T>, Error> {
        let next = self.next.take();
        let decoded = match self.origin.shape {
            _ if self.is_bare() => Ok(nothing()),
            ListShape::Array | ListShape::None => List::<T>::read(&self.reply.body),
            ListShape::Wrapped { items, .. } => match wrapped::items(&self.reply.body, items) {
                Ok(elements) => List::<T>::read(elements).map(|list| below(items, list)),
                Err(reason) => return Err(self.misread("$", reason)),
            },
        };
        let origin = self.origin.clone();
        let (items, meta) = self.judged(decoded)?;
        Ok(Page { items, meta, next, origin })
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of the ways of reading an answer")]
    pub(crate) fn read_text(self) -> Result<Reply<String>, Error> {
        let value = String::from_utf8_lossy(&self.reply.body).into_owned();
        Ok(Reply { value, meta: self.meta(Vec::new()) })
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of the ways of reading an answer")]
    pub(crate) fn read_nothing(self) -> Result<Reply<()>, Error> {
        Ok(Reply { value: (), meta: self.meta(Vec::new()) })
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of the ways of reading an answer")]
    pub(crate) fn read_bytes(self) -> Result<Reply<Bytes>, Error> {
        Ok(Reply { value: self.reply.body.clone(), meta: self.meta(Vec::new()) })
    }

    /// Whether there is no body and none is missed: orgs answer some writes, above all of lifecycles,
    /// with nothing where the description promises the object.
    fn is_bare(&self) -> bool {
        self.reply.body.is_empty() && (self.reply.status == 204 || self.origin.method != "GET")
    }

    fn judged<T>(self, decoded: Result<Decoded<T>, oktant_models::Error>) -> Result<(T, Meta), Error> {
        let Decoded { value, warnings } = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Err(self.misread("$", reason(&error))),
        };
        match warnings.first() {
            Some(first) if self.origin.strict => Err(self.misread(&first.path, deviation(first))),
            _ => Ok((value, self.meta(warnings))),
        }
    }

    fn misread(&self, at: &str, reason: String) -> Error {
        self.origin.misread(at, reason, self.reply.request_id())
    }

    fn meta(self, warnings: Vec<Warning>) -> Meta {
        let (request_id, rate_limit) = (self.reply.request_id(), self.reply.rate_limit());
        let oktant_client::Reply { status, headers, attempts, from_cache, entry, .. } = self.reply;
        Meta { status, headers, request_id, rate_limit, attempts, from_cache, entry, warnings }
    }
}

/// What was read from the member `name` of an object, with the paths that it has in the whole.
fn below<T>(name: &str, mut decoded: Decoded<T>) -> Decoded<T> {
    for warning in &mut decoded.warnings {
        warning.path.insert_str(1, &format!(".{name}"));
    }
    decoded
}

/// Why a text cannot be read, with the parser's own words.
fn reason(error: &oktant_models::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What is read where there is no body.
fn nothing<T: Model>() -> Decoded<T> {
    Decoded { value: T::blank(), warnings: vec![Warning { path: "$".to_owned(), deviation: Deviation::Missing }] }
}

/// What a warning says without its place.
fn deviation(warning: &Warning) -> String {
    let text = warning.to_string();
    text.strip_prefix(&warning.path).map_or(text.as_str(), |rest| rest.trim_start_matches([':', ' '])).to_owned()
}
