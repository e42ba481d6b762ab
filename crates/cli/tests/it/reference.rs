//! The reference manual says what the program does.

use std::path::Path;

#[test]
fn the_manual_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let printed = oktant_cli::reference();
    if std::env::var_os("OKTANT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, &printed).expect("writes");
    }
    let written = std::fs::read_to_string(&path).expect("docs/reference/cli.md is there");
    assert!(written == printed, "docs/reference/cli.md is out of date: run with OKTANT_BLESS=1");
}
