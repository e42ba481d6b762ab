//! What an account begins with: its first administrator, and for the sandbox the pieces that Snowflake's
//! guide to Okta presumes.

use oktant_base::{Entropy, Secret};
use oktant_warehouse::{Account, Session, SnowflakeError};

/// The integration that the sandbox's account begins with.
const INTEGRATION: &str = "OKTA_PROVISIONING";

/// What the guide presumes or does first. Its own statements run on top of it unchanged.
///
/// # Source
///
/// Snowflake documentation, "Okta SCIM integration with Snowflake"; the names in its examples.
const GUIDE: [&str; 11] = [
    "CREATE DATABASE IF NOT EXISTS demo_db",
    "CREATE ROLE IF NOT EXISTS okta_provisioner",
    "GRANT CREATE USER ON ACCOUNT TO ROLE okta_provisioner",
    "GRANT CREATE ROLE ON ACCOUNT TO ROLE okta_provisioner",
    "GRANT ROLE okta_provisioner TO ROLE accountadmin",
    "CREATE USER IF NOT EXISTS some_user",
    // Everyone may come in, so that setting it locks nobody out of a sandbox.
    "CREATE NETWORK POLICY IF NOT EXISTS some_policy ALLOWED_IP_LIST = ('0.0.0.0/0')",
    "CREATE SECURITY INTEGRATION IF NOT EXISTS okta_provisioning TYPE = SCIM SCIM_CLIENT = 'okta' \
     RUN_AS_ROLE = 'OKTA_PROVISIONER'",
    "GRANT USAGE ON DATABASE demo_db TO ROLE PUBLIC",
    "GRANT USAGE ON DATABASE okta TO ROLE PUBLIC",
    "GRANT USAGE ON SCHEMA okta.public TO ROLE PUBLIC",
];

/// Random bytes of a password that is made up.
const PASSWORD_BYTES: usize = 18;

/// Sees to it that a user of this name has the role `ACCOUNTADMIN`, and makes the user if there is none: whether it did.
///
/// # Errors
///
/// Those of the account's statements.
pub async fn administrator(account: &Account, name: &str, password: &Secret) -> Result<bool, SnowflakeError> {
    let session = account.system_session().await?;
    let name = quoted(name);
    let is_new = session.execute(&format!("DESCRIBE USER {name}"), &[]).await.is_err();
    if is_new {
        let password = literal(password);
        let create = format!(
            "CREATE USER {name} PASSWORD = {password} DEFAULT_ROLE = ACCOUNTADMIN MUST_CHANGE_PASSWORD = FALSE"
        );
        session.execute(&create, &[]).await?;
    }
    // Also where the user exists: an earlier start may have ended between the two statements.
    session.execute(&format!("GRANT ROLE ACCOUNTADMIN TO USER {name}"), &[]).await?;
    Ok(is_new)
}

/// Gives a user a new password, and enables a disabled one.
///
/// # Errors
///
/// Those of the account's statements.
pub async fn reset_password(account: &Account, name: &str, password: &Secret) -> Result<(), SnowflakeError> {
    let session = account.system_session().await?;
    let (name, password) = (quoted(name), literal(password));
    session.execute(&format!("ALTER USER {name} SET PASSWORD = {password} DISABLED = FALSE"), &[]).await?;
    Ok(())
}

/// Makes what the guide presumes, and a token for its integration.
///
/// # Errors
///
/// Those of the account's statements.
pub async fn guide(account: &Account) -> Result<Secret, SnowflakeError> {
    let session = account.system_session().await?;
    for statement in GUIDE {
        session.execute(statement, &[]).await?;
    }
    scim_token(&session).await
}

async fn scim_token(session: &Session) -> Result<Secret, SnowflakeError> {
    let generate = format!("SELECT SYSTEM$GENERATE_SCIM_ACCESS_TOKEN('{INTEGRATION}')");
    let result = session.execute(&generate, &[]).await?;
    let token = result.rows.into_iter().flatten().flatten().next();
    token.map(Secret::new).ok_or_else(SnowflakeError::internal)
}

/// A password nobody can guess.
pub fn password(entropy: &dyn Entropy) -> Secret {
    use base64::Engine as _;
    let mut bytes = [0; PASSWORD_BYTES];
    entropy.fill(&mut bytes);
    Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// As a text in a statement.
fn literal(secret: &Secret) -> String {
    format!("'{}'", secret.expose().replace('\\', "\\\\").replace('\'', "\\'"))
}

/// As an identifier that keeps its letter case.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
