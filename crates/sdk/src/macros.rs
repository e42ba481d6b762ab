//! What the requests of all operations have in common, as methods of each.
//!
//! Everything is marked `inline`: such functions are compiled where they are used, so that the
//! operations that a program leaves alone cost it nothing.

/// The methods of every request: `shared!(ListUsers)`.
macro_rules! shared {
    ($name:ident) => {
        impl $name {
            /// Adds or replaces a header. Those of authorization and framing cannot be replaced.
            #[inline]
            pub fn header(self, name: &str, value: impl Into<String>) -> Self {
                Self(self.0.header(name, value))
            }

            /// Adds a query parameter, declared or not; the value is encoded.
            #[inline]
            pub fn query(self, name: &str, value: impl Into<String>) -> Self {
                Self(self.0.query(name, value))
            }

            /// Gives up after this time, waits and repeats included.
            #[inline]
            pub fn timeout(self, timeout: std::time::Duration) -> Self {
                Self(self.0.timeout(timeout))
            }

            /// Gives up when this instant has passed or would pass while waiting.
            #[inline]
            pub fn deadline(self, deadline: oktant_base::Timestamp) -> Self {
                Self(self.0.deadline(deadline))
            }

            /// Neither takes the answer from the cache nor puts it there.
            #[inline]
            pub fn no_cache(self) -> Self {
                Self(self.0.no_cache())
            }

            /// Asks the org also if the cache has an answer, and puts the new one there.
            #[inline]
            pub fn refresh(self) -> Self {
                Self(self.0.refresh())
            }

            /// Whether empty text, lists, objects and nulls are left out of the body.
            #[inline]
            pub fn drop_empty(self, drop_empty: bool) -> Self {
                Self(self.0.drop_empty(drop_empty))
            }

            /// Sends it and hands out the body as it came.
            #[inline]
            pub fn raw(self) -> $crate::Pending<$crate::Reply<bytes::Bytes>> {
                self.0.raw()
            }

            /// The request without its type, to be sent or read in another way.
            #[inline]
            pub fn into_request(self) -> $crate::Request {
                self.0
            }
        }
    };
}

/// The methods of a request whose answer is one value, text or nothing: `one!(GetUser, User)`,
/// `one!(PreviewSamlMetadata, text)`, `one!(DeleteUser)`.
macro_rules! one {
    (@ $name:ident, $answer:ty, $send:expr) => {
        shared!($name);

        impl $name {
            /// Sends it and waits for the answer; `.await` on the request itself does the same.
            #[inline]
            pub fn send(self) -> $crate::Pending<$crate::Reply<$answer>> {
                let send: fn($crate::Request) -> _ = $send;
                send(self.0)
            }

            /// Sends it and blocks until the answer is there.
            #[cfg(feature = "blocking")]
            #[inline]
            pub fn call(self) -> Result<$crate::Reply<$answer>, $crate::Error> {
                $crate::blocking::wait(self.send())
            }
        }

        impl IntoFuture for $name {
            type Output = Result<$crate::Reply<$answer>, $crate::Error>;
            type IntoFuture = $crate::Pending<$crate::Reply<$answer>>;

            #[inline]
            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
    ($name:ident) => {
        one!(@ $name, (), $crate::Request::send);
    };
    ($name:ident, text) => {
        one!(@ $name, String, $crate::Request::text);
    };
    ($name:ident, $answer:ty) => {
        one!(@ $name, $answer, $crate::Request::send_as::<$answer>);
    };
}

/// The methods of a request whose answer is a list: `list!(ListUsers, User)`.
macro_rules! list {
    ($name:ident, $item:ty) => {
        shared!($name);

        impl $name {
            /// Starts at a place in the list that [`Page::next`](crate::Page::next) named.
            #[inline]
            pub fn resume(self, cursor: &$crate::Cursor) -> Self {
                Self(self.0.resumed(cursor))
            }

            /// One page; `.await` on the request itself does the same.
            #[inline]
            pub fn send(self) -> $crate::Pending<$crate::Page<$item>> {
                self.listing().send()
            }

            /// All items, page after page. The next page is requested while the current one is
            /// worked on; dropping the stream cancels that. After a page that fails the stream ends.
            #[inline]
            pub fn stream(self) -> $crate::Items<$item> {
                self.listing().stream()
            }

            /// All pages, read as [`Self::stream`] reads them.
            #[inline]
            pub fn pages(self) -> $crate::Pages<$item> {
                self.listing().pages()
            }

            /// The first item, if there is one.
            #[inline]
            pub fn first(self) -> futures::future::BoxFuture<'static, Result<Option<$item>, $crate::Error>> {
                self.listing().first()
            }

            /// All items at once: every page or an error.
            #[inline]
            pub fn collect(
                self,
            ) -> futures::future::BoxFuture<'static, Result<$crate::models::List<$item>, $crate::Error>> {
                self.listing().collect()
            }

            /// Sends it and blocks until the page is there.
            #[cfg(feature = "blocking")]
            #[inline]
            pub fn call(self) -> Result<$crate::Page<$item>, $crate::Error> {
                $crate::blocking::wait(self.send())
            }

            /// All items, each blocking until it is there.
            #[cfg(feature = "blocking")]
            #[inline]
            pub fn iter(self) -> $crate::blocking::Iter<$crate::Items<$item>> {
                $crate::blocking::Iter::over(self.stream())
            }

            #[inline]
            fn listing(self) -> $crate::Listing<$item> {
                self.0.list_of()
            }
        }

        impl IntoFuture for $name {
            type Output = Result<$crate::Page<$item>, $crate::Error>;
            type IntoFuture = $crate::Pending<$crate::Page<$item>>;

            #[inline]
            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
}
