//! Random keys that the account makes for itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oktant_base::Secret;
use oktant_store::StoreError;

use super::Tx;

/// The key that verifiers of users without a password are made with.
pub(crate) const DECOY: &str = "decoy";

/// The key of this name; `new` from now on if there is none.
pub(crate) async fn kept(tx: Tx<'_>, name: &str, new: &Secret<Vec<u8>>) -> Result<Secret<Vec<u8>>, StoreError> {
    let values = [name.into(), BASE64.encode(new.expose()).into()];
    tx.execute("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", &values).await?;
    let row = tx.fetch_one("SELECT value FROM secrets WHERE name = $1", &[name.into()]).await?;
    let kept = row.map(|row| row.text(0)).transpose()?.and_then(|text| BASE64.decode(text).ok());
    kept.map(Secret::new).ok_or_else(|| StoreError::Corrupt(format!("key {name}")))
}
