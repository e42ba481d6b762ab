//! Brings the assignments and pushed groups of an Okta application to a SCIM target: plan, apply, drift.
