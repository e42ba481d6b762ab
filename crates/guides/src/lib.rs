//! Runs the Rust snippets of `docs/guides/sdk`: the build script makes a test of each.
