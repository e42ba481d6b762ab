//! Network policies: which addresses may come in.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use oktant_base::Timestamp;
use oktant_store::{Row, StoreError, Value};

use super::{Id, Tx, instant, json, micros, next_id, record};

/// Where a network policy of a user stands against that of an integration.
///
/// # Source
///
/// Snowflake's two descriptions disagree; both put the account's policy last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PolicyPrecedence {
    /// The user's policy overrides the integration's, as the guide to provisioning from Okta says.
    #[default]
    User,
    /// The integration's policy overrides the user's, as "Controlling network traffic" says.
    Integration,
}

/// A network policy.
#[derive(Debug, Clone)]
pub(crate) struct NetworkPolicy {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) allowed: Vec<String>,
    pub(crate) blocked: Vec<String>,
    pub(crate) allowed_rules: Vec<String>,
    pub(crate) blocked_rules: Vec<String>,
    pub(crate) comment: String,
    pub(crate) owner_id: Option<Id>,
    pub(crate) created_at: Timestamp,
}

/// Reads an address or a range in CIDR notation.
pub(crate) fn parse_range(text: &str) -> Option<Ipv4Net> {
    text.parse().ok().or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from))
}

impl NetworkPolicy {
    /// Whether a request from `ip` may come in: the blocked list first, then the allowed one.
    ///
    /// An empty allowed list allows no one. Addresses of version 6 stand on no list of version 4.
    pub(crate) fn admits(&self, ip: IpAddr) -> bool {
        let IpAddr::V4(ip) = ip.to_canonical() else { return false };
        let on = |list: &[String]| list.iter().filter_map(|range| parse_range(range)).any(|range| range.contains(&ip));
        !on(&self.blocked) && on(&self.allowed)
    }

    /// Whether the policy says nothing, so that it cannot be activated.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.allowed, &self.blocked, &self.allowed_rules, &self.blocked_rules].iter().all(|list| list.is_empty())
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int(0)?,
            name: row.text(1)?,
            allowed: record(row, 2)?,
            blocked: record(row, 3)?,
            allowed_rules: record(row, 4)?,
            blocked_rules: record(row, 5)?,
            comment: row.text(6)?,
            owner_id: row.opt_int(7),
            created_at: instant(row.int(8)?)?,
        })
    }

    fn values(&self) -> [Value; 9] {
        [
            self.id.into(),
            self.name.as_str().into(),
            json(&self.allowed).into(),
            json(&self.blocked).into(),
            json(&self.allowed_rules).into(),
            json(&self.blocked_rules).into(),
            self.comment.as_str().into(),
            self.owner_id.into(),
            micros(self.created_at).into(),
        ]
    }
}

const COLUMNS: &str = "id, name, allowed, blocked, allowed_rules, blocked_rules, comment, owner_id, created_at";

/// All policies, in order of their ids.
pub(crate) async fn all(tx: Tx<'_>) -> Result<Vec<NetworkPolicy>, StoreError> {
    let rows = tx.fetch(&format!("SELECT {COLUMNS} FROM network_policies ORDER BY id"), &[]).await?;
    rows.iter().map(NetworkPolicy::read).collect()
}

/// By the exact name.
pub(crate) async fn by_name(tx: Tx<'_>, name: &str) -> Result<Option<NetworkPolicy>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM network_policies WHERE name = $1");
    tx.fetch_one(&sql, &[name.into()]).await?.as_ref().map(NetworkPolicy::read).transpose()
}

pub(crate) async fn insert(tx: Tx<'_>, policy: &mut NetworkPolicy) -> Result<(), StoreError> {
    policy.id = next_id(tx, "network policy").await?;
    let sql = format!("INSERT INTO network_policies ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    tx.execute(&sql, &policy.values()).await?;
    Ok(())
}

pub(crate) async fn update(tx: Tx<'_>, policy: &NetworkPolicy) -> Result<(), StoreError> {
    let sql = "UPDATE network_policies SET name = $2, allowed = $3, blocked = $4, allowed_rules = $5, \
               blocked_rules = $6, comment = $7, owner_id = $8, created_at = $9 WHERE id = $1";
    tx.execute(sql, &policy.values()).await?;
    Ok(())
}

pub(crate) async fn delete(tx: Tx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute("DELETE FROM network_policies WHERE id = $1", &[id.into()]).await?;
    Ok(())
}

/// Whether the policies that apply admit `ip`, the most specific one alone deciding.
///
/// A caller without an address is admitted: it is in the same process.
pub(crate) async fn admits(
    tx: Tx<'_>,
    ip: Option<IpAddr>,
    account: Option<&str>,
    user: Option<&str>,
    integration: Option<&str>,
    precedence: PolicyPrecedence,
) -> Result<bool, StoreError> {
    let specific = match precedence {
        PolicyPrecedence::User => user.or(integration),
        PolicyPrecedence::Integration => integration.or(user),
    };
    let (Some(ip), Some(name)) = (ip, specific.or(account)) else { return Ok(true) };
    // A policy that is gone admits no one: the safe side.
    Ok(by_name(tx, name).await?.is_some_and(|policy| policy.admits(ip)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allowed: &[&str], blocked: &[&str]) -> NetworkPolicy {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        NetworkPolicy {
            id: 1,
            name: "P".to_owned(),
            allowed: list(allowed),
            blocked: list(blocked),
            allowed_rules: Vec::new(),
            blocked_rules: Vec::new(),
            comment: String::new(),
            owner_id: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn blocked_addresses_lose_and_the_rest_must_be_allowed() {
        let cases = [
            (&["10.0.0.0/8"][..], &[][..], "10.1.2.3", true),
            (&["10.0.0.0/8"], &["10.1.2.3"], "10.1.2.3", false),
            (&["10.0.0.0/8"], &[], "192.0.2.1", false),
            (&[], &["192.0.2.1"], "10.1.2.3", false),
            (&["10.0.0.0/8"], &[], "::ffff:10.1.2.3", true),
            (&["0.0.0.0/0"], &[], "2001:db8::1", false),
        ];
        for (allowed, blocked, ip, expected) in cases {
            assert_eq!(policy(allowed, blocked).admits(ip.parse().unwrap()), expected, "{allowed:?} {blocked:?} {ip}");
        }
    }
}
