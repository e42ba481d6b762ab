//! Which application the events that start a flow are of: an id, which differs from org to org.

use std::collections::BTreeSet;

use oktant_connect::{Needs, application};
use oktant_engine::{CardError, FlowSettings};
use oktant_flow::model::{Event, Flow, TriggerKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::desk::Desk;
use crate::failure::{Error, Result};
use crate::terminal;

/// A flow whose trigger waits for the events of one application.
struct Waiting<'a> {
    flow: &'a Flow,
    /// The option that names the application.
    option: &'static str,
    /// Its id, as it stands for the flow now.
    id: String,
    /// The connection of the org.
    connection: Option<String>,
}

impl<'a> Waiting<'a> {
    fn of(flow: &'a Flow, settings: &FlowSettings) -> Option<Self> {
        let event = event(flow)?;
        let (option, id) = application(&settings.event(event))?;
        let placeholder = event.connection.as_ref().map_or_else(|| event.address.module(), |id| id.as_str());
        Some(Self { flow, option, id, connection: settings.connections.get(placeholder).cloned() })
    }

    /// What keeps it from being switched on.
    fn problem(&self, what: &str) -> String {
        format!("flow {}, card {} ({}): {what}", self.flow.name, self.flow.trigger.title, self.flow.trigger.id)
    }
}

fn event(flow: &Flow) -> Option<&Event> {
    match &flow.trigger.kind {
        TriggerKind::Event(event) if Needs::of(&event.address).service() == Some("okta") => Some(event),
        _ => None,
    }
}

/// The application that a flow waits for, with the option that names it.
pub(super) fn waited_for(flow: &Flow, settings: &FlowSettings) -> Option<(&'static str, String)> {
    Waiting::of(flow, settings).map(|waiting| (waiting.option, waiting.id))
}

/// Sets the application `asked` for, by its id, label or name, for the flows whose trigger names one, and looks whether
/// the orgs have those that flows wait for. Gives what keeps flows from being switched on.
///
/// # Errors
///
/// OKT4001 if an application is asked for and no flow waits for one, or for several.
pub(super) async fn settle(
    desk: &Desk,
    flows: &mut [(&Flow, FlowSettings)],
    asked: Option<&str>,
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let named: BTreeSet<String> =
        flows.iter().filter_map(|(flow, settings)| Some(waited_for(flow, settings)?.1)).collect();
    match (asked, named.len()) {
        (Some(_), 0) => {
            let hint = "its trigger names one by its options, as in `options: {instance: ID}`";
            return Err(Error::misuse("no flow waits for the events of one application".to_owned(), hint).into());
        }
        (Some(_), 2..) => {
            let problem = format!("the flows wait for {} different applications", named.len());
            let hint = "switch them on one by one, each with its --app";
            return Err(Error::misuse(problem, hint).into());
        }
        _ => {}
    }
    for (flow, settings) in flows {
        let Some(waiting) = Waiting::of(flow, settings) else { continue };
        let wanted = asked.unwrap_or(&waiting.id);
        let Some(connection) = waiting.connection.as_deref() else {
            // That it has none is told of by itself.
            if asked.is_some() {
                problems.push(waiting.problem(&format!("without a connection no org can be asked for {wanted}")));
            }
            continue;
        };
        let found = match find(desk, connection, wanted).await {
            Ok(found) => found,
            Err(error) => {
                let what = format!("the org could not be asked for its application {wanted}: {}", error.message);
                let problem = waiting.problem(&what);
                // Who names one wants that one, and not the one before.
                if asked.is_some() {
                    problems.push(problem);
                } else {
                    terminal::note(format_args!("warning: {problem}"));
                }
                continue;
            }
        };
        match &found[..] {
            [id] if *id == waiting.id => {}
            [id] => drop(settings.options.insert(waiting.option.to_owned(), id.clone())),
            [] => {
                let what = format!(
                    "it waits for the application {wanted}, which the org does not have; add --app APPLICATION, with an \
                     id or a label of the org"
                );
                problems.push(waiting.problem(&what));
            }
            several => {
                let what =
                    format!("several applications are called {wanted}; name one by its id: {}", several.join(", "));
                problems.push(waiting.problem(&what));
            }
        }
    }
    Ok(problems)
}

/// The ids of the applications of an org with this id, or else with this label or name.
async fn find(desk: &Desk, connection: &str, wanted: &str) -> Result<Vec<String>, CardError> {
    let encoded = utf8_percent_encode(wanted, NON_ALPHANUMERIC);
    let ask = |path: String| async move { desk.connectors.request(connection, "GET", &path, None).await };
    match ask(format!("/api/v1/apps/{encoded}")).await {
        Ok(app) => return Ok(app["id"].as_str().map(str::to_owned).into_iter().collect()),
        Err(error) if error.status == Some(404) => {}
        Err(error) => return Err(error),
    }
    let found = ask(format!("/api/v1/apps?limit=200&q={encoded}")).await?;
    let is_wanted = |app: &&Value| {
        let named = |key: &str| app[key].as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
        named("label") || named("name")
    };
    let apps = found.as_array().into_iter().flatten().filter(is_wanted);
    Ok(apps.filter_map(|app| app["id"].as_str().map(str::to_owned)).collect())
}
