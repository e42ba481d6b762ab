//! Rate-limit buckets: which requests share one allowance.

/// Requests that share one allowance per minute and org.
#[derive(Debug)]
pub struct Bucket {
    /// Its name, such as `users-list`.
    pub id: &'static str,
    /// Requests per minute by plan; `None` where requests are not limited.
    pub per_minute: Option<PerMinute>,
}

/// Requests per minute that an org may make, by its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMinute {
    /// Free developer orgs.
    pub free: u32,
    /// Paid developer and One App orgs.
    pub one_app: u32,
    /// Enterprise orgs.
    pub enterprise: u32,
    /// Workforce orgs.
    pub workforce: u32,
}

/// What an org has bought, as far as rate limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Plan {
    Free,
    OneApp,
    Enterprise,
    Workforce,
}

impl PerMinute {
    /// The limit of one plan.
    pub const fn of(self, plan: Plan) -> u32 {
        match plan {
            Plan::Free => self.free,
            Plan::OneApp => self.one_app,
            Plan::Enterprise => self.enterprise,
            Plan::Workforce => self.workforce,
        }
    }
}
