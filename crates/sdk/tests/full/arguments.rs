//! Arguments that are known at run time only, and what comes of a typed call with them.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use oktant_sdk::models::Model;
use oktant_sdk::{Cursor, Error, Meta, Page, Pending, Reply};

/// What a call is given. What it takes is gone afterwards.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Arguments {
    /// A parameter that must be there, of the path or the query.
    pub(crate) fn required(&mut self, name: &str) -> String {
        let found = self.path.get(name).cloned().or_else(|| self.query(name));
        found.unwrap_or_else(|| panic!("the call needs {name}"))
    }

    pub(crate) fn query(&mut self, name: &str) -> Option<String> {
        let position = self.query.iter().position(|(known, _)| known == name)?;
        Some(self.query.remove(position).1)
    }

    pub(crate) fn repeated(&mut self, name: &str) -> Option<Vec<String>> {
        let values: Vec<_> = std::iter::from_fn(|| self.query(name)).collect();
        (!values.is_empty()).then_some(values)
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Query parameters that no setter took.
    pub(crate) fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.query)
    }

    pub(crate) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// The body as a model, which is to send what it was read from.
    pub(crate) fn body<T: Model>(&self) -> T {
        T::read(self.body.as_deref().expect("the call needs a body")).expect("the body is of the model's kind").value
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body.clone().expect("the call needs a body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

/// What a typed call gave, without its type.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    /// Where the next page begins, if the call was of a list.
    pub(crate) next: Option<Cursor>,
    /// The JSON of the value, if the answer is one.
    pub(crate) value: Option<Vec<u8>>,
}

impl Seen {
    fn of(meta: &Meta) -> Self {
        Self { status: meta.status, request_id: meta.request_id.clone(), next: None, value: None }
    }
}

/// A typed call on its way.
pub(crate) struct Outcome(pub(crate) BoxFuture<'static, Result<Seen, Error>>);

impl Outcome {
    /// Of a call whose answer is a model.
    pub(crate) fn model<T: Model>(pending: Pending<Reply<T>>) -> Self {
        let seen = |reply: Reply<T>| Seen { value: Some(reply.write()), ..Seen::of(&reply.meta) };
        Self(pending.map_ok(seen).boxed())
    }

    /// Of a call whose answer is nothing or text.
    pub(crate) fn reply<T: Send + 'static>(pending: Pending<Reply<T>>) -> Self {
        Self(pending.map_ok(|reply| Seen::of(&reply.meta)).boxed())
    }

    /// Of a call whose answer is a list.
    pub(crate) fn page<T: Send + 'static>(pending: Pending<Page<T>>) -> Self {
        Self(pending.map_ok(|page| Seen { next: page.next, ..Seen::of(&page.meta) }).boxed())
    }
}

/// Adds what no setter took and begins to send.
macro_rules! finish {
    ($arguments:ident, $request:ident) => {
        $arguments.rest().iter().fold($request, |request, (name, value)| request.query(name, value)).send()
    };
}
pub(crate) use finish;
