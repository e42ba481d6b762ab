//! An account with the guide's integration behind `/scim/v2`:
//! `cargo run -p oktant-warehouse --example account -- [--standard] [store URL]`.
//!
//! Prints one line of JSON with the address and a token. `--standard` speaks SCIM as the standards have it instead
//! of as Snowflake does.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use oktant_base::{Entropy as _, OsEntropy, Secret, SystemClock};
use oktant_scim::{Settings, router};
use oktant_warehouse::{Account, AccountConfig, StandardScim};

const SETUP: [&str; 5] = [
    "create role if not exists okta_provisioner",
    "grant create user on account to role okta_provisioner",
    "grant create role on account to role okta_provisioner",
    "grant role okta_provisioner to role accountadmin",
    "create security integration if not exists okta_provisioning type = scim scim_client = 'okta' \
     run_as_role = 'OKTA_PROVISIONER' sync_password = true",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let standard = arguments.iter().any(|argument| argument == "--standard");
    let store = arguments.iter().find(|argument| !argument.starts_with("--"));
    let store = store.map_or("sqlite::memory:", String::as_str);

    let clock = Arc::new(SystemClock);
    let config = AccountConfig::new("demo", clock.clone(), Arc::new(OsEntropy)).standard_scim(if standard {
        StandardScim::Always
    } else {
        StandardScim::Never
    });
    let account = Account::open(store, config).await?;
    let session = account.system_session().await?;
    for statement in SETUP {
        session.execute(statement, &[]).await?;
    }
    let token = session.execute("select system$generate_scim_access_token('OKTA_PROVISIONING')", &[]).await?;

    let mut key = [0; 32];
    OsEntropy.fill(&mut key);
    let service = router(Arc::new(account), Settings::new(Secret::new(key), clock));
    let app = axum::Router::new().nest_service("/scim/v2", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/scim/v2", listener.local_addr()?);
    let line = serde_json::json!({ "scim_url": url, "scim_token": token.rows[0][0] });
    writeln!(std::io::stdout(), "{line}")?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
