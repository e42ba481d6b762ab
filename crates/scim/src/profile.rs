//! Whose rules a caller gets.

/// Whose rules apply where the standard and Snowflake differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// RFC 7643, 7644 and 9865.
    Rfc,
    /// A Snowflake account's SCIM integration.
    ///
    /// Lists are filtered by `userName` and `displayName` with `eq` and `sw` alone, `itemsPerPage` and
    /// `totalResults` are Snowflake's, an absent `schemas` is accepted.
    ///
    /// # Source
    ///
    /// Snowflake documentation, SCIM Users and Groups APIs; behaviour change 2276 of bundle `2026_03`.
    Snowflake {
        /// The client the integration was made for.
        client: ScimClient,
    },
}

impl Profile {
    /// Whether Snowflake's rules apply.
    pub const fn is_snowflake(self) -> bool {
        matches!(self, Self::Snowflake { .. })
    }
}

/// `SCIM_CLIENT` of a Snowflake security integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimClient {
    /// Okta: a PATCH of a group answers 200 with the group.
    Okta,
    /// Microsoft Entra: a PATCH of a group answers 204.
    Azure,
    /// Any other: a PATCH of a group answers 204.
    Generic,
}
