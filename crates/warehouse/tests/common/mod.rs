//! What the tests of the account share.
#![allow(dead_code, unreachable_pub, clippy::allow_attributes, reason = "every test program uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use oktant_base::{ManualClock, Secret, SeededEntropy};
use oktant_warehouse::{Account, AccountConfig, Login, Session, SnowflakeError, StatementResult};

/// The statements of the guide as one script.
pub const GUIDE: &str = "
use role accountadmin;
create role if not exists okta_provisioner;
grant create user on account to role okta_provisioner;
grant create role on account to role okta_provisioner;
grant role okta_provisioner to role accountadmin;
create or replace security integration okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER';
select system$generate_scim_access_token('OKTA_PROVISIONING');
grant ownership on user some_user to role okta_provisioner;
alter security integration okta_provisioning set network_policy = some_policy;
alter security integration okta_provisioning unset network_policy;
use database demo_db; use schema information_schema;
select * from table(rest_event_history('scim'));
select * from table(rest_event_history('scim', dateadd('minutes',-5,current_timestamp()), current_timestamp(), 200)) order by event_timestamp;
";

pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// An account in memory with an administrator, at a time of its own.
pub struct TestAccount {
    pub account: Account,
    pub clock: Arc<ManualClock>,
}

impl TestAccount {
    pub async fn new() -> Self {
        Self::at("sqlite::memory:", |config| config).await
    }

    pub async fn at(url: &str, configure: impl FnOnce(AccountConfig) -> AccountConfig) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z".parse().unwrap()));
        let config = AccountConfig::new("test", Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(7)));
        let account = Account::open(url, configure(config)).await.unwrap();
        let setup = account.system_session().await.unwrap();
        for sql in [
            &format!("create user if not exists admin password = '{ADMIN_PASSWORD}' default_role = accountadmin"),
            "grant role accountadmin to user admin",
        ] {
            setup.execute(sql, &[]).await.unwrap();
        }
        Self { account, clock }
    }

    pub async fn login(&self, user: &str, password: &str) -> Result<Session, SnowflakeError> {
        self.account.login(Login::new(user, Secret::new(password.to_owned()))).await
    }

    /// A session of the administrator.
    pub async fn admin(&self) -> Session {
        self.login("admin", ADMIN_PASSWORD).await.unwrap()
    }

    pub fn advance_days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
    }
}

/// Runs statements that have to succeed.
pub async fn run_all(session: &Session, statements: &[&str]) {
    for sql in statements {
        session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// A cell that is not null.
pub fn cell(result: &StatementResult, row: usize, column: usize) -> &str {
    result.rows[row][column].as_deref().unwrap_or_else(|| panic!("null in row {row}, column {column}"))
}

/// The cells of one column.
pub fn column(result: &StatementResult, name: &str) -> Vec<Option<String>> {
    let index =
        result.columns.iter().position(|column| column.name == name).unwrap_or_else(|| panic!("no column {name}"));
    result.rows.iter().map(|row| row[index].clone()).collect()
}
