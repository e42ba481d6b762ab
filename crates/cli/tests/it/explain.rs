//! `oktant explain`, and what the program says of itself.

use oktant_base::codes;

use crate::support::{check, oktant};

#[test]
fn a_code_has_a_page() {
    check("explain", &oktant(&["explain", "okt2011"]));
    check("explain_unknown", &oktant(&["explain", "OKT0000"]));
}

#[test]
fn every_code_is_listed() {
    let shown = oktant(&["explain"]);
    for code in codes::ALL {
        assert!(shown.contains(&format!("{}  {}", code.id(), code.title())), "{} is missing", code.id());
    }
}

#[test]
fn wrong_usage_has_a_code_and_a_suggestion() {
    check("usage_unknown_command", &oktant(&["sandbx"]));
    check("usage_bad_value", &oktant(&["sandbox", "--users", "many"]));
}
