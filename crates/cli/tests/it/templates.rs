//! `oktant flow` with the templates that come with the program.

use crate::support::oktant;

#[test]
fn templates_are_listed_and_become_projects_that_are_in_order() {
    let listed = oktant(&["flow", "templates", "--output", "jsonl"]);
    let names: Vec<String> = listed
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|template| template["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names.len(), 8, "{listed}");
    for name in names {
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join("flows").display().to_string();
        let template = format!("template:{name}");
        let imported = oktant(&["flow", "import", &template, "--into", &into]);
        assert!(imported.starts_with("exit: 0") && !imported.contains("finding"), "{imported}");
        assert_eq!(oktant(&["flow", "validate", &into]), "exit: 0\n", "{name}");
        assert_eq!(oktant(&["flow", "fmt", "--check", &into]), "exit: 0\n", "{name}");
        assert_eq!(oktant(&["flow", "diff", &template, &into]), "exit: 0\n", "{name}");
    }
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let shown = oktant(&["flow", "show", "template:make-coffee"]);
    assert!(
        shown.contains("there is no template \"make-coffee\"") && shown.contains("oktant flow templates"),
        "{shown}"
    );
}
