//! Every bound that protects memory, time or an org, by name.

use std::time::Duration;

/// Requests one SQL statement may make unless `MaxApiRequests` says otherwise.
pub const REQUESTS_PER_STATEMENT: u64 = 2_000;

/// Requests in flight to one org unless `Parallelism` says otherwise.
pub const PARALLELISM: usize = 8;

/// Part of what a rate-limit bucket still holds that one connection uses, in percent.
pub const RATE_LIMIT_SHARE_PERCENT: u8 = 80;

/// Attempts after the first one.
pub const RETRIES: u32 = 8;

/// Longest single wait for a rate limit; a longer one is an error that names the time.
pub const BACKOFF_MAX: Duration = Duration::from_secs(90);

/// Time one request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Bytes of one answer that the client holds in memory.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Nesting of one filter or search expression.
pub const EXPRESSION_DEPTH_MAX: usize = 64;

/// Bytes of one filter or search expression.
pub const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

/// Terms of one pushed expression before it is split into several requests.
pub const EXPRESSION_TERMS_MAX: usize = 50;

/// Bytes of one pushed expression, percent-encoded, before it is split into several requests.
pub const EXPRESSION_ENCODED_BYTES_MAX: usize = 6 * 1024;

/// Requests the ledger of a connection remembers; older ones are forgotten first.
pub const LEDGER_ENTRIES_MAX: usize = 10_000;

/// Memory that the statements of one connection may use together for sorting, joining and grouping.
pub const STATEMENT_MEMORY_BYTES: usize = 1024 * 1024 * 1024;

/// How long an org's attribute schemas are remembered.
pub const SCHEMA_LIFETIME: Duration = Duration::from_hours(1);
