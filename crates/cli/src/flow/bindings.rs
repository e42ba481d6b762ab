//! Which connections the cards of flows use, and what keeps flows from being switched on.

use std::collections::{BTreeMap, BTreeSet};

use oktant_base::{Code, Coded, codes};
use oktant_connect::connection::Connection;
use oktant_connect::query::SQL_CARD;
use oktant_connect::{Cards, Needs};
use oktant_engine::{FlowEntry, FlowSettings};
use oktant_flow::model::{Address, ConnectionId, Failure, Flow, FlowId, Kind, Project, Source, TriggerKind};
use oktant_flow::validate::{self, Catalogue, Context};

use super::desk::Desk;
use crate::failure::{Error, Result};
use crate::terminal;

/// Flows that cannot be switched on, and why: one line for each card.
#[derive(Debug, thiserror::Error)]
#[error("{} not ready:\n  {}", count(problems.len()), problems.join("\n  "))]
struct NotReady {
    problems: Vec<String>,
    hint: String,
}

fn count(cards: usize) -> String {
    if cards == 1 { "a card is".to_owned() } else { format!("{cards} cards are") }
}

impl Coded for NotReady {
    fn code(&self) -> Code {
        codes::OKT4315
    }

    fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}

/// A card that may need a connection.
struct Card<'a> {
    /// Its name for people.
    name: String,
    address: &'a Address,
    /// The connection that it names.
    named: Option<&'a ConnectionId>,
}

impl<'a> Card<'a> {
    /// Every card of a flow that acts outside or computes; the event that starts it, too.
    fn of(flow: &'a Flow) -> Vec<Self> {
        let mut cards = Vec::new();
        if let TriggerKind::Event(event) = &flow.trigger.kind {
            let name = format!("{} ({})", flow.trigger.title, flow.trigger.id);
            cards.push(Self { name, address: &event.address, named: event.connection.as_ref() });
        }
        flow.body.walk(&mut |step, _| {
            if let Kind::Action(action) = &step.kind {
                let name = format!("{} ({})", step.title, step.id);
                cards.push(Self { name, address: &action.address, named: action.connection.as_ref() });
            }
        });
        cards
    }

    /// The name under which its connection is bound: the one in the flow, or that of its module.
    fn placeholder(&self) -> &'a str {
        self.named.map_or_else(|| self.address.module(), ConnectionId::as_str)
    }

    fn needs_connection(&self) -> bool {
        self.named.is_some() || Needs::of(self.address) != Needs::Nothing
    }
}

/// The names under which connections of a flow are bound, each with the service that is wanted; empty for any.
pub(super) fn placeholders(flow: &Flow) -> BTreeMap<String, &'static str> {
    let mut all = BTreeMap::new();
    for card in Card::of(flow).iter().filter(|card| card.needs_connection()) {
        let service = all.entry(card.placeholder().to_owned()).or_insert("");
        if service.is_empty() {
            *service = Needs::of(card.address).service().unwrap_or_default();
        }
    }
    all
}

/// The cards of a flow that run SQL over the org of whoever runs the flow, by their names.
pub(super) fn asking_own_org(flow: &Flow) -> Vec<String> {
    let asks = |card: &Card<'_>| card.address.as_str() == SQL_CARD && card.named.is_none();
    Card::of(flow).into_iter().filter(asks).map(|card| card.name).collect()
}

/// The flows that a flow calls.
pub(super) fn calls(flow: &Flow) -> Vec<FlowId> {
    let mut called = Vec::new();
    flow.body.walk(&mut |step, _| {
        match &step.kind {
            Kind::Call(call) => called.extend(call.flow.clone()),
            Kind::Loop(each) => called.extend(each.flow.clone()),
            Kind::Action(action) => {
                let given = action.options.iter().chain(&action.inputs).filter_map(|input| match &input.source {
                    Source::Flow(id) => Some(id.clone()),
                    _ => None,
                });
                called.extend(given);
            }
            _ => {}
        }
        if let Failure::Flow(id) = &step.on_error.then {
            called.push(id.clone());
        }
    });
    called
}

/// `PLACEHOLDER=CONNECTION`, taken apart.
fn pair(text: &str) -> Result<(String, String)> {
    let hint = "write --bind okta=acme: the name in the flow, and the connection";
    let wrong = || Error::misuse(format!("\"{text}\" is no PLACEHOLDER=CONNECTION"), hint);
    let (placeholder, connection) = text.split_once('=').ok_or_else(wrong)?;
    Ok((placeholder.trim().to_owned(), connection.trim().to_owned()))
}

/// Finds the connections of flows, and what is wrong with the flows.
pub(super) struct Bindings<'a> {
    project: &'a Project,
    pub(super) connections: Vec<Connection>,
    /// What was asked for.
    asked: Vec<(String, String)>,
    used: BTreeSet<String>,
    known: BTreeSet<String>,
    /// What keeps the flows from being switched on.
    pub(super) problems: Vec<String>,
    /// Placeholders that a binding would help.
    missing: BTreeSet<String>,
}

impl<'a> Bindings<'a> {
    /// Bindings of flows of `project` to the connections of the desk, as `asked` for.
    pub(super) async fn new(desk: &Desk, project: &'a Project, asked: &[String]) -> Result<Self> {
        let connections = desk.connections().await?;
        let asked = asked.iter().map(|text| pair(text)).collect::<Result<Vec<_>>>()?;
        let (used, known, problems, missing) = Default::default();
        let bindings = Self { project, connections, asked, used, known, problems, missing };
        match bindings.asked.iter().find(|(_, wanted)| bindings.connection(wanted).is_none()) {
            None => Ok(bindings),
            Some((_, wanted)) => {
                let hint = "`oktant connect list` shows the connections";
                Err(Error::misuse(format!("there is no connection \"{wanted}\""), hint).into())
            }
        }
    }

    fn connection(&self, id_or_name: &str) -> Option<&Connection> {
        let by_id = self.connections.iter().find(|connection| connection.id == id_or_name);
        by_id.or_else(|| self.connections.iter().find(|connection| connection.name == id_or_name))
    }

    /// The settings of a flow with all connections that are found for it.
    pub(super) fn settings(&mut self, desk: &Desk, flow: &Flow) -> FlowSettings {
        let mut settings = match desk.engine.flow(flow.id.as_str()) {
            Ok(FlowEntry { version, mut settings, .. }) => {
                settings.forget_changed_options(&version.flow, flow);
                settings
            }
            Err(_) => FlowSettings::default(),
        };
        for placeholder in placeholders(flow).into_keys() {
            let before = settings.connections.remove(&placeholder);
            if let Some(id) = self.choose(flow, &placeholder, before.as_deref()) {
                settings.connections.insert(placeholder.clone(), id);
            }
            self.known.insert(placeholder);
        }
        settings
    }

    /// The connection for a placeholder: the one asked for, or else the one before, or else one of the same name.
    /// Never just any of the service: a flow must not act on an account that no one chose.
    fn choose(&mut self, flow: &Flow, placeholder: &str, before: Option<&str>) -> Option<String> {
        let called =
            self.project.connections.get(&ConnectionId::new(placeholder)).map(|connection| connection.name.as_str());
        let cards = Card::of(flow);
        let services = cards
            .iter()
            .filter(|card| card.placeholder() == placeholder)
            .flat_map(|card| [Some(card.address.module()), Needs::of(card.address).service()].into_iter().flatten());
        // What names the placeholder itself counts more than what names the service.
        let mut names = [Some(placeholder), called].into_iter().flatten().chain(services);
        let asked = names.find_map(|name| self.asked.iter().rev().find(|(key, _)| key == name)).cloned();
        if let Some((key, wanted)) = asked {
            self.used.insert(key);
            return self.connection(&wanted).map(|connection| connection.id.clone());
        }
        let mut known = [before, Some(placeholder), called].into_iter().flatten();
        known.find_map(|name| self.connection(name)).map(|connection| connection.id.clone())
    }

    /// Notes what validation finds in a flow, beyond what is looked at here. A flow that was `saved` before has lost what
    /// its export said of the fields of cards.
    pub(super) fn validate(&mut self, flow: &Flow, saved: bool) {
        // An export, a place that is never reached, and what the whole project lacks do not change what the flow does.
        let elsewhere = [codes::OKT4102, codes::OKT4113, codes::OKT4114, codes::OKT4116, codes::OKT4117];
        let catalogue: Option<&dyn Catalogue> = if saved { None } else { Some(&Cards) };
        let found = validate::flow(flow, Context { project: None, catalogue });
        let found = found.iter().filter(|finding| !elsewhere.contains(&finding.code));
        self.problems.extend(found.map(ToString::to_string));
    }

    /// Notes what is wrong with a flow of these settings.
    pub(super) fn look_at(&mut self, desk: &Desk, flow: &Flow, settings: &FlowSettings) {
        for card in Card::of(flow) {
            if let Some(problem) = self.problem(&card, settings) {
                self.problems.push(format!("flow {}, card {}: {problem}", flow.name, card.name));
            }
        }
        for called in calls(flow) {
            if !self.project.flows.contains_key(&called) && desk.engine.flow(called.as_str()).is_err() {
                self.problems.push(format!("flow {}: it calls the flow {called}, which is not here", flow.name));
            }
        }
    }

    fn problem(&mut self, card: &Card<'_>, settings: &FlowSettings) -> Option<String> {
        if !Cards.knows(card.address) {
            return Some(format!("{} has no implementation", card.address));
        }
        if !card.needs_connection() {
            return None;
        }
        let (needs, placeholder) = (Needs::of(card.address), card.placeholder());
        let service = needs.service().unwrap_or("a service");
        let bound = settings.connections.get(placeholder).and_then(|id| self.connection(id)).cloned();
        let Some(Connection { name, connector, broken, .. }) = &bound else {
            self.missing.insert(placeholder.to_owned());
            return Some(format!("its connection {placeholder}, to {service}, is bound to nothing"));
        };
        if let Some(reason) = broken {
            return Some(format!("the connection \"{name}\" is broken: {reason}"));
        }
        if bound.as_ref().is_some_and(|connection| needs.takes(connection)) {
            return None;
        }
        self.missing.insert(placeholder.to_owned());
        Some(format!("the connection \"{name}\" is one to {connector}, not to {service}"))
    }

    /// Refuses a binding that was asked for and that no card has a use for.
    pub(super) fn all_used(&self) -> Result<()> {
        let Some((key, _)) = self.asked.iter().find(|(key, _)| !self.used.contains(key)) else { return Ok(()) };
        let known: Vec<_> = self.known.iter().map(String::as_str).collect();
        let hint =
            format!("what can be bound is {}", if known.is_empty() { "nothing".into() } else { known.join(", ") });
        Err(Error::misuse(format!("no card names the connection \"{key}\""), &hint).into())
    }

    /// Refuses flows with problems; tells of them only, if `force`.
    pub(super) fn ready(self, force: bool) -> Result<()> {
        if force {
            self.problems.iter().for_each(|problem| terminal::note(format_args!("warning: {problem}")));
            return Ok(());
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        let binds: Vec<_> = self.missing.iter().map(|name| format!("--bind {name}=CONNECTION")).collect();
        let hint = if binds.is_empty() {
            "mend what the lines name; a broken connection is mended by `oktant connect` with --replace; --force switches \
             on all the same, and a run fails where it reaches such a card"
                .to_owned()
        } else {
            format!("add {}; `oktant connect list` shows the connections", binds.join(" "))
        };
        Err(NotReady { problems: self.problems, hint }.into())
    }
}
