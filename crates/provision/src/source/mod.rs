//! What the org wants: the application's assignments, evaluated by the mappings, and the groups it pushes.

mod groups;
mod names;
mod nested;

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt as _;
use oktant_client::{Call, Org};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use self::names::Names;
use crate::config::Config;
use crate::error::Error;
use crate::expression::{Scope, Value};
use crate::plan::Warning;
use crate::state::Applied;

/// Users per page of an application's assignments; Okta gives no more.
const ASSIGNMENTS_PER_PAGE: &str = "500";

/// The org's side of a provisioning.
#[derive(Debug)]
pub(crate) struct Source {
    org: Org,
    pub(crate) app: App,
    memberships: groups::Memberships,
}

/// The application that is provisioned from.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) label: String,
    object: Map<String, Json>,
}

/// What the org wants at the target.
#[derive(Debug, Default)]
pub(crate) struct Desired {
    pub(crate) users: Vec<DesiredUser>,
    /// Positions in `users` by Okta id.
    pub(crate) by_id: HashMap<Box<str>, u32>,
    pub(crate) groups: Vec<DesiredGroup>,
    /// Groups whose mapping is paused: they are left as they are.
    pub(crate) paused: Vec<Box<str>>,
    /// Assigned users who are not active yet.
    pub(crate) waiting: usize,
    /// What was found out beside.
    pub(crate) warnings: Vec<Warning>,
}

/// What an account is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    Active,
    Inactive,
    /// Whatever it is, and be it missing.
    Untouched,
}

/// One assigned user.
#[derive(Debug)]
pub(crate) struct DesiredUser {
    pub(crate) okta_id: Box<str>,
    pub(crate) login: Box<str>,
    /// In the order of the mappings.
    pub(crate) values: Box<[Value]>,
    pub(crate) goal: Goal,
    /// Whether the assignment comes through a group.
    pub(crate) by_group: bool,
    /// Why the mappings have no value.
    pub(crate) problem: Option<Box<str>>,
}

impl DesiredUser {
    pub(crate) fn user_name(&self) -> &str {
        self.values.first().and_then(Value::as_text).unwrap_or_default()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.goal == Goal::Active
    }

    /// What people know the user by.
    pub(crate) fn shown(&self) -> &str {
        if self.user_name().is_empty() { &self.login } else { self.user_name() }
    }
}

/// One pushed group.
#[derive(Debug)]
pub(crate) struct DesiredGroup {
    pub(crate) okta_id: Box<str>,
    /// Its name at the target.
    pub(crate) name: Box<str>,
    /// Positions of its members among the users, in order; nested groups flattened, without those whose accounts are
    /// to be inactive.
    pub(crate) members: Arc<[u32]>,
    /// Groups that it contains by declaration, itself first.
    pub(crate) sources: Vec<nested::Part>,
}

#[derive(Deserialize)]
struct Assignment {
    id: Box<str>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    scope: String,
    credentials: Option<Credentials>,
    profile: Option<Map<String, Json>>,
    #[serde(rename = "_embedded")]
    embedded: Option<Embedded>,
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(rename = "userName")]
    user_name: Option<String>,
}

#[derive(Deserialize)]
struct Embedded {
    user: Option<Person>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    profile: Map<String, Json>,
}

/// Whether an assignment is provisioned.
enum Standing {
    Active,
    Suspended,
    /// Not active yet: nothing is sent before.
    Waiting,
    Ended,
}

impl Source {
    /// Finds the application that `config` names.
    ///
    /// # Errors
    ///
    /// [`Error::Application`] if there is none, or several, or it is not active.
    pub(crate) async fn open(org: Org, name: &str) -> Result<Self, Error> {
        let app = find_app(&org, name).await?;
        Ok(Self { org, app, memberships: groups::Memberships::default() })
    }

    /// Forgets what was read before, so that the next reading is a whole one.
    pub(crate) fn forget(&self) {
        self.memberships.clear();
    }

    /// Reads all assignments and pushed groups. Members are read of those groups only whose membership has
    /// changed since the last reading. Groups in `applied` are those that an org must not forget to name.
    ///
    /// # Source
    ///
    /// Okta developer reference, groups: `lastMembershipUpdated` changes with the members.
    pub(crate) async fn read(&self, config: &Config, applied: &Applied) -> Result<Desired, Error> {
        // Side by side: the org makes one page while another is taken in.
        let catalogue = groups::Catalogue::read(&self.org, &self.app, config, applied, &self.memberships);
        let (mut desired, groups) = tokio::try_join!(self.users(config, usize::MAX), catalogue)?;
        groups.push(config, &mut desired)?;
        Ok(desired)
    }

    /// Checks the names in the mappings against some users and the org's schemas.
    ///
    /// # Errors
    ///
    /// As [`Source::read`].
    pub(crate) async fn check(&self, config: &Config) -> Result<Vec<Warning>, Error> {
        Ok(self.users(config, 1).await?.warnings)
    }

    /// Reads the assigned users, `pages_max` pages of them.
    async fn users(&self, config: &Config, pages_max: usize) -> Result<Desired, Error> {
        let mut desired = Desired::default();
        let mut names = Names::of(&config.mappings);
        let call = operation("listApplicationUsers", &[("appId", &self.app.id), ("limit", ASSIGNMENTS_PER_PAGE)])?;
        let mut pages = self.org.pages(call.arg("expand", "user")?).take(pages_max);
        while let Some(page) = pages.next().await {
            let assignments: Vec<Assignment> = read("listApplicationUsers", &page?.body)?;
            for assignment in assignments {
                self.take(assignment, config, &mut desired, &mut names).await?;
            }
        }
        desired.warnings = names.check(&self.org, &self.app, desired.users.len()).await?;
        Ok(desired)
    }

    /// Adds one assignment to what is desired.
    async fn take(
        &self,
        assignment: Assignment,
        config: &Config,
        desired: &mut Desired,
        names: &mut Names,
    ) -> Result<(), Error> {
        let Assignment { id, status, scope, credentials, profile, embedded } = assignment;
        let person = match embedded.and_then(|embedded| embedded.user) {
            Some(person) => person,
            // An org that does not expand is asked for the user.
            None => match self.person(&id).await? {
                Some(person) => person,
                None => return Ok(()),
            },
        };
        let goal = match standing(&status, &person.status) {
            Standing::Active => Goal::Active,
            Standing::Suspended if config.users.deactivate_suspended => Goal::Inactive,
            Standing::Suspended => Goal::Untouched,
            Standing::Ended => return Ok(()),
            Standing::Waiting => {
                desired.waiting += 1;
                return Ok(());
            }
        };
        let mut user = person.profile;
        let login = user.get("login").and_then(Json::as_str).unwrap_or_default().into();
        user.insert("id".to_owned(), person.id.into());
        user.insert("status".to_owned(), person.status.into());
        let mut app_user = profile.unwrap_or_default();
        if let Some(name) = credentials.and_then(|credentials| credentials.user_name) {
            app_user.insert("userName".to_owned(), name.into());
        }
        names.see(&user, &app_user);
        let scope_of = Scope { user: Some(&user), app_user: Some(&app_user), app: Some(&self.app.object), group: None };
        let (values, problem) = match config.mappings.evaluate(&scope_of) {
            Ok(values) if values[0].as_text().is_none() => (values, Some("its userName is empty".into())),
            Ok(values) => (values, None),
            Err((index, error)) => {
                let values = vec![Value::Null; config.mappings.len()].into_boxed_slice();
                (values, Some(format!("mapping of {}: {error}", config.mappings[index].path).into()))
            }
        };
        let position = desired.users.len() as u32;
        // A user who changed pages while they were read is taken once.
        if desired.by_id.insert(id.clone(), position).is_none() {
            let by_group = scope == "GROUP";
            desired.users.push(DesiredUser { okta_id: id, login, values, goal, by_group, problem });
        }
        Ok(())
    }

    async fn person(&self, id: &str) -> Result<Option<Person>, Error> {
        match self.org.send(operation("getUser", &[("id", id)])?).await {
            Ok(reply) => read("getUser", &reply.body).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// # Source
///
/// Okta developer reference, user status and application user status. A suspended user is not touched by
/// Okta's own provisioning, a staged one is provisioned when activated.
fn standing(assignment: &str, user: &str) -> Standing {
    match (assignment, user) {
        (_, "DEPROVISIONED") | ("INACTIVE" | "DEPROVISIONED" | "REVOKED", _) => Standing::Ended,
        (_, "STAGED") => Standing::Waiting,
        (_, "SUSPENDED") => Standing::Suspended,
        _ => Standing::Active,
    }
}

async fn find_app(org: &Org, name: &str) -> Result<App, Error> {
    #[derive(Deserialize)]
    struct Shown {
        id: String,
        #[serde(default)]
        name: String,
        label: String,
        status: String,
    }
    let problem = |problem: String, hint: Option<String>| Error::Application { problem, hint };
    let mut found: Vec<Shown> = Vec::new();
    if name.starts_with("0oa") {
        match org.send(operation("getApplication", &[("appId", name)])?).await {
            Ok(reply) => found.push(read("getApplication", &reply.body)?),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        let mut pages = org.pages(operation("listApplications", &[("q", name), ("limit", "200")])?);
        while let Some(page) = pages.next().await {
            let apps: Vec<Shown> = read("listApplications", &page?.body)?;
            found.extend(apps.into_iter().filter(|app| app.label == name));
        }
    }
    match found.as_slice() {
        [] => Err(problem(format!("no application has the id or label \"{name}\""), None)),
        [app] if app.status != "ACTIVE" => {
            let hint = "activate the application, or name another one".to_owned();
            Err(problem(format!("application \"{}\" is {}", app.label, app.status), Some(hint)))
        }
        [app] => {
            let object = json!({ "id": app.id, "name": app.name, "label": app.label });
            let object = object.as_object().cloned().unwrap_or_default();
            Ok(App { id: app.id.clone(), label: app.label.clone(), object })
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|app| app.id.as_str()).collect();
            let hint = format!("give the id: {}", ids.join(" or "));
            Err(problem(format!("{} applications have the label \"{name}\"", several.len()), Some(hint)))
        }
    }
}

/// A call of an operation with its arguments.
fn operation(id: &str, arguments: &[(&str, &str)]) -> Result<Call, Error> {
    let mut call = Call::operation(id)?;
    for (name, value) in arguments {
        call = call.arg(name, *value)?;
    }
    // What is provisioned is what is there now.
    Ok(call.no_cache())
}

fn read<'a, T: Deserialize<'a>>(operation: &'static str, body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|source| Error::OrgAnswer { operation, source })
}
