//! Talks to an Okta org: credentials, paging, rate limits, retries, ledger
