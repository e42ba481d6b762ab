//! Runs the Rust snippets of `docs/guides/sdk` and of the first page: the build script makes a test of each.
