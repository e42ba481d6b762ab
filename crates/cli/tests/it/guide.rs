//! The guide's first run, word for word: its sandbox, its file, its commands, and what it says they print.

use crate::sandbox::Running;
use crate::support::program;

const GUIDE: &str = include_str!("../../../../docs/guides/provisioning.md");

/// Port of the account in the guide; a test takes a free one.
const PORT: &str = "8085";

/// The blocks of a language in the section of a first run.
fn blocks(language: &str) -> Vec<&'static str> {
    let section = GUIDE.split("\n## ").find(|section| section.starts_with("A first run\n")).expect("the section");
    let blocks = section.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn the_first_run_of_the_guide_does_what_it_says() {
    let start = format!("$ oktant sandbox --snowflake-port {PORT}");
    assert!(blocks("console")[0].starts_with(&start), "{}", blocks("console")[0]);
    let mut sandbox = Running::start(&["sandbox"]);
    let announced = sandbox.announcement();
    let text = |pointer: &str| announced.pointer(pointer).and_then(|value| value.as_str()).expect(pointer).to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let file = blocks("toml")[0];
    let address = format!("http://127.0.0.1:{PORT}/scim/v2");
    assert!(file.contains(&address), "{file}");
    std::fs::write(folder.path().join("provision.toml"), file.replace(&address, &text("/snowflake/scim_url")))
        .expect("writes");
    let mut ran = 0;
    for block in &blocks("console")[1..] {
        for example in block.split("$ oktant ").skip(1) {
            let (command, expected) = example.split_once('\n').unwrap_or((example, ""));
            let args: Vec<&str> = command.split(" #").next().unwrap_or_default().split_whitespace().collect();
            let mut oktant = program(&args);
            oktant.current_dir(folder.path()).env("OKTANT_DSN", text("/dsn"));
            let output = oktant.env("SNOWFLAKE_SCIM_TOKEN", text("/snowflake/scim_token")).output().expect("runs");
            let printed = String::from_utf8_lossy(&output.stdout);
            let (errors, expected) = (String::from_utf8_lossy(&output.stderr), expected.trim_end());
            assert_eq!(errors, "", "{command}");
            match expected.strip_prefix("…\n") {
                Some(end) => assert!(printed.trim_end().ends_with(end), "{command}: {printed}"),
                None => assert_eq!(printed.trim_end(), expected, "{command}: {printed}"),
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 3);
}
