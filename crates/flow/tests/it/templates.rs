//! The templates that come with the program.

use oktant_flow::{flopack, folder, templates, text, validate};

#[test]
fn templates_are_in_order_and_in_their_one_form() {
    assert_eq!(templates::all().len(), 8);
    for template in templates::all() {
        let files = template.files();
        let project =
            folder::read(&files).unwrap_or_else(|error| panic!("{}: {error}: {:?}", template.name, error.error));
        let findings = validate::project(&project, None);
        assert!(findings.is_empty(), "{}: {findings:#?}", template.name);
        assert!(!template.connections().is_empty() && !template.description().is_empty(), "{}", template.name);
        for (path, content) in files.iter().filter(|(path, _)| path.ends_with(folder::FLOW_SUFFIX)) {
            let formatted = text::format(content).unwrap();
            if std::env::var_os("OKTANT_BLESS").is_some() {
                let file =
                    concat!(env!("CARGO_MANIFEST_DIR"), "/templates").to_owned() + "/" + template.name + "/" + path;
                std::fs::write(file, formatted).unwrap();
                continue;
            }
            assert_eq!(formatted, *content, "{} {path}; OKTANT_BLESS=1 writes it", template.name);
        }
        let written = folder::write(&project);
        assert_eq!(written.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>(), "{}", template.name);
    }
}

#[test]
fn templates_survive_a_flopack() {
    for template in templates::all() {
        let pack = flopack::export(&template.project()).unwrap();
        let imported = flopack::import(&pack.to_string()).unwrap();
        assert!(imported.warnings.is_empty(), "{}: {:?}", template.name, imported.warnings);
        let changes = oktant_flow::diff::projects(&template.project(), &imported.project);
        assert!(changes.is_empty(), "{}: {changes:#?}", template.name);
    }
}

#[test]
fn a_name_that_no_template_has_finds_nothing() {
    assert!(templates::find("create-salesforce-user").is_some());
    assert!(templates::find("create_salesforce_user").is_none());
}
