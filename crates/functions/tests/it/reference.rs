//! The reference page says what the table says.

use std::path::Path;

#[test]
fn the_page_is_what_the_table_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/functions.md");
    let generated = oktant_functions::reference();
    if std::env::var_os("OKTANT_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("writes");
    }
    let written = std::fs::read_to_string(&path).expect("docs/reference/functions.md is there");
    assert!(written == generated, "docs/reference/functions.md is out of date: run with OKTANT_BLESS=1");
    for function in oktant_functions::all() {
        assert!(written.contains(&format!("\n`{}`", function.key)), "{} is on the page", function.key);
    }
}
