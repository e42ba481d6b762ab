//! Flows for usual tasks, to begin with: each a small project, made for being read and changed.
//!
//! ```
//! let template = oktant_flow::templates::find("risky-sign-in").expect("a template of this name");
//! let project = template.project();
//! assert!(project.connections.values().any(|connection| connection.module == "slack"));
//! ```

use crate::folder::{self, Files};
use crate::model::Project;
use crate::text;

/// A project to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Its name, in lower case with hyphens.
    pub name: &'static str,
    files: &'static [(&'static str, &'static str)],
    tests: &'static [(&'static str, &'static str)],
}

macro_rules! templates {
    ($($name:literal: $($file:literal)+ $(=> $($test:literal)+)?;)+) => {
        const ALL: &[Template] = &[$(
            Template {
                name: $name,
                files: &[$(($file, include_str!(concat!("../templates/", $name, "/", $file)))),+],
                tests: &[$($(($test, include_str!(concat!("../templates/", $name, "/", $test)))),+)?],
            },
        )+];
    };
}

templates! {
    "create-salesforce-user": "flows/create_salesforce_user.flow.yaml" "connections.yaml"
        => "flows/create_salesforce_user.test.yaml";
    "activate-salesforce-user": "flows/activate_salesforce_user.flow.yaml" "connections.yaml";
    "deactivate-salesforce-user": "flows/deactivate_salesforce_user.flow.yaml" "connections.yaml";
    "salesforce-contact-from-sign-up": "flows/salesforce_contact_from_sign_up.flow.yaml" "connections.yaml";
    "deactivate-inactive-users":
        "flows/find_inactive_users.flow.yaml" "flows/deactivate_if_inactive.flow.yaml" "connections.yaml" "tables.yaml";
    "temporary-group-membership":
        "flows/add_to_group_for_some_days.flow.yaml" "flows/end_memberships.flow.yaml"
        "flows/end_membership.flow.yaml" "connections.yaml" "tables.yaml";
    "risky-sign-in": "flows/risky_sign_in.flow.yaml" "connections.yaml";
    "daily-access-report": "flows/daily_access_report.flow.yaml" "connections.yaml";
}

/// Every template.
pub fn all() -> &'static [Template] {
    ALL
}

/// The template of a name.
pub fn find(name: &str) -> Option<Template> {
    ALL.iter().find(|template| template.name == name).copied()
}

impl Template {
    /// Its files, as people have written them.
    pub fn files(&self) -> Files {
        self.files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
    }

    /// The files with its tests, as `oktant flow test` runs them.
    pub fn tests(&self) -> Files {
        self.tests.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
    }

    /// Its flows, tables and connections.
    ///
    /// # Panics
    ///
    /// Never: every template is read by a test.
    pub fn project(&self) -> Project {
        folder::read(&self.files()).expect("templates are read by a test")
    }

    /// What it does, in a sentence or two: what the flow of its first file says of itself.
    pub fn description(&self) -> String {
        self.files
            .first()
            .and_then(|(_, content)| text::read(content).ok())
            .map(|flow| flow.description)
            .unwrap_or_default()
    }

    /// The names of the connections that it needs.
    pub fn connections(&self) -> Vec<String> {
        self.project().connections.values().map(|connection| connection.name.clone()).collect()
    }
}
