//! Processes that tests kill: a test of the same program, started again by itself, that ends by being killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// How often to kill: `OKTANT_TEST_CRASH_ROUNDS`, or else `default`.
pub(crate) fn rounds(default: u32) -> u32 {
    std::env::var("OKTANT_TEST_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Starts the test of this name in a process of its own; gives what it prints, line by line.
pub(crate) fn start(test: &str, variables: &[(&str, &str)]) -> (Child, impl Iterator<Item = String> + Send + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}
