//! The HTTP surface.

mod answer;
mod body;
mod bulk;
mod discovery;
mod list;
mod parameters;
mod resources;
mod route;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use oktant_base::{Clock, Secret};
use tokio::sync::Semaphore;

use self::body::Bodies;
use crate::cursor::Cursors;
use crate::profile::Profile;
use crate::provider::Provider;

/// What a service lets happen.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one request body; 413 beyond.
    pub body_bytes: usize,
    /// Bytes of all request bodies that are worked on at the same time, less than 4 GiB; further ones wait. JSON takes up
    /// to 30 times as many bytes in memory as it has. A half is for bodies of up to 64 KiB, which count once they are
    /// read, the other half for larger ones, which count from their first byte: large bodies that come slowly, or not at
    /// all, keep no small one waiting.
    pub bodies_bytes: usize,
    /// How long a body may take to come; 408 beyond.
    pub body_time: Duration,
    /// Requests in flight to each of `/Users`, `/Groups` and the rest; 429 beyond.
    pub in_flight: usize,
    /// Resources of a page that names no `count`.
    pub page_default: usize,
    /// Resources of a page at most; a higher `count` becomes this.
    pub page_max: usize,
    /// Operations of one bulk request; 413 beyond.
    pub bulk_operations: usize,
    /// How long a cursor is good.
    pub cursor_lifetime: Duration,
    /// Members up to which a PATCH of a group is answered with the group. Beyond, the answer is 204, so that adding
    /// one member to a large group never reads the others.
    pub patch_members: usize,
}

impl Default for Limits {
    /// Bodies of 4 MiB, into which 10,000 members fit; 500 requests in flight, pages of 100, at most 1,000, as Snowflake
    /// has it.
    fn default() -> Self {
        Self {
            body_bytes: 4 * 1024 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
            body_time: Duration::from_secs(15),
            in_flight: 500,
            page_default: 100,
            page_max: 1_000,
            bulk_operations: 1_000,
            cursor_lifetime: Duration::from_hours(1),
            patch_members: 100,
        }
    }
}

/// The address under which clients know the service.
#[derive(Debug, Clone)]
pub enum BaseUrl {
    /// The request's `Host`, with the path at which the router is mounted.
    FromHost {
        /// `http` or `https`.
        scheme: &'static str,
    },
    /// This one, such as `https://acme.example/scim/v2`; without a slash at the end.
    Fixed(String),
}

/// How a service is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What it lets happen.
    pub limits: Limits,
    /// Authenticates cursors. Whoever knows it can forge positions; another one ends all cursors.
    pub cursor_key: Secret<[u8; 32]>,
    /// Ends cursors.
    pub clock: Arc<dyn Clock>,
    /// What locations begin with.
    pub base_url: BaseUrl,
    /// Whose `/ServiceProviderConfig` is shown without credentials; they are needed where `None`.
    pub public_config: Option<Profile>,
}

impl Settings {
    /// Default limits, locations by `Host` and plain http, a public `/ServiceProviderConfig` of [`Profile::Rfc`].
    pub fn new(cursor_key: Secret<[u8; 32]>, clock: Arc<dyn Clock>) -> Self {
        Self {
            limits: Limits::default(),
            cursor_key,
            clock,
            base_url: BaseUrl::FromHost { scheme: "http" },
            public_config: Some(Profile::Rfc),
        }
    }
}

/// What every request needs.
struct Service<P> {
    provider: Arc<P>,
    settings: Settings,
    cursors: Cursors,
    in_flight: InFlight,
    bodies: Bodies,
}

/// Who may still come in, per endpoint.
struct InFlight {
    users: Semaphore,
    groups: Semaphore,
    others: Semaphore,
}

/// The SCIM service of a provider: mount it with [`Router::nest_service`] at `/scim/v2`. Paths that begin with a UUID are of
/// that integration ([`Caller::endpoint_id`](crate::Caller::endpoint_id)).
///
/// Every answer that has a body is SCIM JSON, whatever happens.
pub fn router<P: Provider>(provider: Arc<P>, settings: Settings) -> Router {
    let semaphore = || Semaphore::new(settings.limits.in_flight);
    let in_flight = InFlight { users: semaphore(), groups: semaphore(), others: semaphore() };
    let cursors = Cursors::new(&settings.cursor_key);
    let bodies = Bodies::new(&settings.limits);
    let service = Arc::new(Service { provider, settings, cursors, in_flight, bodies });
    Router::new().fallback(serve::serve::<P>).with_state(service)
}
