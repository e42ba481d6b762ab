//! Every card that acts outside, by its address.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oktant_base::{Timestamp, codes};
use oktant_catalog::{Operation, ParameterIn};
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Delivered, ErrorKind, Events, Fields as FlowFields, Hidden, Idempotency,
    Outcome, Source,
};
use oktant_flow::model::{Address, Event as EventCard, Source as Given};
use oktant_flow::validate::{Catalogue, Shape};
use serde_json::{Map, Value};

use crate::connection::{Auth, Connections, Live};
use crate::failure::{body, refusal, service_code};
use crate::fields::Fields;
use crate::files::Files;
use crate::log::EventLog;
use crate::manifest::expression::{is_empty, text};
use crate::manifest::run::{self, Prepared, Run, Target, Transport, collect_pairs, content, headers};
use crate::manifest::{Action, Manifest, Repeat, is_name, list_streams};
use crate::records::RecordLog;
use crate::tables::{TableCall, Tables};
use crate::transport::{HttpTransport, OktaTransport, Orgs};
use crate::{events, files, mail, manifest, records, shapes, tables, web};

/// How long one card may take; lists and files take longer.
const TIME: Duration = Duration::from_secs(90);
const LONG_TIME: Duration = Duration::from_mins(5);

/// Module of the cards that are made from Okta's catalogue, one per operation.
const OKTA_API: &str = "oktaapi";

/// The cards that can be run: the engine's own, its functions, those of the connectors, and SQL.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cards;

impl Catalogue for Cards {
    fn knows(&self, address: &Address) -> bool {
        let address = address.as_str();
        oktant_engine::has_card(address) || Connectors::is_executable(address) || address == crate::query::SQL_CARD
    }

    fn shape(&self, address: &Address) -> Shape {
        shapes::of(address)
    }
}

/// Implements the cards of every connector. Clones share everything.
#[derive(Clone)]
pub struct Connectors(Arc<Inner>);

struct Inner {
    connections: Connections,
    tables: Tables,
    files: Arc<dyn Files>,
    orgs: Orgs,
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connectors").field("connections", &self.0.connections).finish_non_exhaustive()
    }
}

/// What a test of a connection showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// The service let it in; as whom, if it told.
    Works(Option<String>),
    /// Its settings are complete; only its cards show whether the service lets it in.
    Unasked,
}

impl Tested {
    /// Who the connection is signed in as, if the service told.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Works(account) => account.as_deref(),
            Self::Unasked => None,
        }
    }
}

/// Whether an error says that whoever asked is known and may not do this.
fn is_forbidden(error: &CardError) -> bool {
    let code = error.code.as_ref().and_then(|code| code.as_text());
    error.status == Some(403) || code.is_some_and(|code| code == codes::OKT1013.id() || code == codes::OKT1014.id())
}

/// What does a card.
pub(crate) enum Card {
    Manifest(&'static Manifest, &'static Action),
    Operation(&'static Operation),
    Http,
    Table(Repeat),
    File,
    Mail,
}

impl Card {
    pub(crate) fn find(address: &str) -> Option<Self> {
        let (module, operation) = address.split_once(':')?;
        if mail::CARDS.contains(&(module, operation)) {
            return Some(Self::Mail);
        }
        if let Some((manifest, action)) = Manifest::find(module, operation) {
            return Some(Self::Manifest(manifest, action));
        }
        match module {
            "httpfunctions" => web::OPERATIONS.contains(&operation).then_some(Self::Http),
            "stash" => {
                tables::OPERATIONS.iter().find(|(known, _)| *known == operation).map(|(_, repeat)| Self::Table(*repeat))
            }
            "filefunctions" => matches!(operation, "largeDownload" | "info").then_some(Self::File),
            // A key of an exported card wins over an operation of the same name.
            "okta" | OKTA_API => oktant_catalog::operation(operation).map(Self::Operation),
            _ => None,
        }
    }

    fn info(&self) -> ActionInfo {
        let (repeat, streaming, timeout) = match self {
            Self::Manifest(_, action) => (
                action.repeat(),
                action.custom.is_some() || action.list.as_ref().is_some_and(list_streams),
                if action.list.is_some() { LONG_TIME } else { TIME },
            ),
            Self::Operation(operation) if operation.idempotent => (Repeat::Safe, false, TIME),
            Self::Operation(_) | Self::Http | Self::Mail => (Repeat::Ask, false, TIME),
            Self::Table(repeat) => (*repeat, false, TIME),
            Self::File => (Repeat::Safe, false, LONG_TIME),
        };
        let idempotency = match repeat {
            Repeat::Safe => Idempotency::Safe,
            Repeat::Search => Idempotency::SearchFirst,
            Repeat::Ask => Idempotency::Ask,
        };
        ActionInfo { idempotency, streaming, timeout }
    }
}

impl Connectors {
    /// The cards, over these connections and this place for files.
    pub fn new(connections: Connections, files: Arc<dyn Files>) -> Self {
        let tables = Tables::new(connections.store().clone());
        Self(Arc::new(Inner { connections, tables, files, orgs: Orgs::default() }))
    }

    /// The connections that the cards sign in with.
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// The tables of flows.
    pub fn tables(&self) -> &Tables {
        &self.0.tables
    }

    /// The System Log of the org of a connection, as a source of events.
    pub fn event_log(&self, connection: &str) -> EventLog {
        EventLog::new(self.clone(), connection)
    }

    /// What an event card listens to, over this connection: the System Log of an Okta org, or the records of a
    /// Salesforce org. `None` if the card's options leave it open, or it is no card of events.
    pub fn source(&self, card: &EventCard, connection: &str) -> Option<Arc<dyn Source>> {
        let (module, operation) = (card.address.module(), card.address.operation());
        if let Some(change) = events::record_change(module, operation) {
            let object = constant(card, "recordType").filter(|object| is_name(object))?;
            return Some(Arc::new(RecordLog::new(self.clone(), connection, change, &object)));
        }
        events::is_event(module, operation).then(|| Arc::new(self.event_log(connection)) as Arc<dyn Source>)
    }

    /// The Okta org of a connection, for what needs no card.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Connection`] if there is no such connection, or it leads to no org; what the org objects to.
    pub async fn org(&self, id_or_name: &str) -> Result<oktant_client::Org, CardError> {
        let Inner { connections, orgs, .. } = &*self.0;
        let live = connections.live(id_or_name).await?;
        Ok(orgs.open(connections, &live).await?)
    }

    /// Asks the service of a connection by a request of one's own, as Custom API Action does: `path` is below the
    /// address of the service. Gives the body of the answer, as text if it is no JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the service has no such card; what the service objects to.
    pub async fn request(
        &self,
        id_or_name: &str,
        method: &str,
        path: &str,
        content: Option<&Value>,
    ) -> Result<Value, CardError> {
        let Inner { connections, orgs, .. } = &*self.0;
        let live = connections.live(id_or_name).await?;
        let manifest = Manifest::own().get(&live.connection.connector).ok_or_else(|| {
            let problem = format!("requests of one's own to {} have no implementation", live.connection.connector);
            CardError::new(ErrorKind::Unsupported, problem)
        })?;
        let (method, target) = (method.to_ascii_uppercase(), Target::Path(path.to_owned()));
        let sent = content.map(run::content);
        let (query, headers, repeatable) = (Vec::new(), Vec::new(), run::is_idempotent(&method));
        let action = Action::default();
        let none = Fields::new();
        let transport = self::transport(connections, orgs, manifest, live);
        let run =
            Run { manifest, action: &action, transport: &*transport, options: &none, inputs: &none, cursor: None };
        let request = Prepared { method, target, query, headers, body: sent, repeatable };
        Ok(body(&run.ask(&request, &[], &mut run.scope()).await?))
    }

    pub(crate) fn orgs(&self) -> &Orgs {
        &self.0.orgs
    }

    /// Whether the card of this address (`module:operation`) can be run: an action, or an event.
    pub fn is_executable(address: &str) -> bool {
        let is_event = |(module, operation)| events::is_event(module, operation);
        Card::find(address).is_some() || address.split_once(':').is_some_and(is_event)
    }

    /// Asks the service whether the connection works.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Connection`] if the connection is not complete; what the service objects to.
    pub async fn test(&self, id_or_name: &str) -> Result<Tested, CardError> {
        let connections = self.connections();
        let live = connections.live(id_or_name).await?;
        live.connection.check(&live.secrets)?;
        let manifest = Manifest::own().get(&live.connection.connector);
        match manifest.and_then(|manifest| Some((manifest, manifest.auth.test.as_ref()?))) {
            Some((manifest, test)) => self.ask_account(live, manifest, test).await,
            None if live.connection.auth == Auth::Smtp => {
                mail::test(connections, &live).await.map(|()| Tested::Works(None))
            }
            // Whoever got a token was let in.
            None if live.connection.auth.has_tokens() => Ok(Tested::Works(None)),
            None => Ok(Tested::Unasked),
        }
    }

    async fn ask_account(
        &self,
        live: Live,
        manifest: &'static Manifest,
        test: &manifest::Request,
    ) -> Result<Tested, CardError> {
        let Inner { connections, orgs, .. } = &*self.0;
        let is_okta = live.connection.connector == "okta";
        let action = Action::default();
        let none = Fields::new();
        let transport = self::transport(connections, orgs, manifest, live);
        let run =
            Run { manifest, action: &action, transport: &*transport, options: &none, inputs: &none, cursor: None };
        let mut scope = run.scope();
        let request = test.prepare(&scope)?;
        match run.ask(&request, &[], &mut scope).await {
            // An org knows whom it does not allow to ask this.
            Err(error) if is_okta && is_forbidden(&error) => return Ok(Tested::Works(None)),
            asked => asked?,
        };
        let account =
            if manifest.auth.account.is_empty() { Value::Null } else { scope.value(&manifest.auth.account)? };
        Ok(Tested::Works(Some(text(&account)).filter(|account| !account.is_empty())))
    }

    /// Tests a connection before it is written, in a store of its own. Gives it as it is then, with the tokens that it
    /// got and the account that it signed in to.
    ///
    /// # Errors
    ///
    /// Those of [`Self::test`].
    pub async fn try_out(&self, draft: Live) -> Result<(Live, Tested), CardError> {
        let apart = self.connections().apart().await?;
        let id = apart.put(draft.connection, &draft.secrets, false).await?.id;
        match Self::new(apart.clone(), Arc::clone(&self.0.files)).test(&id).await {
            Ok(tested) => {
                let mut live = apart.live(&id).await?;
                live.connection.account = tested.account().map(ToOwned::to_owned);
                Ok((live, tested))
            }
            // It is not broken, but never was whole.
            Err(error) => match apart.get(&id).await?.broken {
                Some(reason) => Err(CardError { message: reason, ..error }),
                None => Err(error),
            },
        }
    }

    /// The entries of a list that depends on the account: choices of an option, or fields of an object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the connector has no such list; what the service objects to.
    pub async fn dynamic(&self, id_or_name: &str, list: &str, options: &FlowFields) -> Result<Vec<Value>, CardError> {
        let Inner { connections, orgs, .. } = &*self.0;
        let live = connections.live(id_or_name).await?;
        let found = Manifest::own()
            .get(&live.connection.connector)
            .and_then(|manifest| Some((manifest, manifest.dynamic.get(list)?)));
        let (manifest, dynamic) =
            found.ok_or_else(|| CardError::new(ErrorKind::Unsupported, format!("there is no list \"{list}\"")))?;
        let action = Action::default();
        let (options, inputs) = (Fields::read(options), Fields::new());
        let transport = self::transport(connections, orgs, manifest, live);
        let run =
            Run { manifest, action: &action, transport: &*transport, options: &options, inputs: &inputs, cursor: None };
        run.dynamic(dynamic).await
    }

    /// The connection of a call, opened.
    async fn live(&self, call: &Call) -> Result<Live, CardError> {
        let id = call.connection.as_deref().ok_or_else(|| {
            CardError::new(
                ErrorKind::Connection,
                format!(
                    "the card {} is bound to no connection; `oktant connect list` shows those that it can be bound to",
                    call.address
                ),
            )
        })?;
        Ok(self.0.connections.live(id).await?)
    }

    /// The connection, if the card has one.
    async fn optional_live(&self, call: &Call) -> Result<Option<Live>, CardError> {
        match &call.connection {
            Some(_) => self.live(call).await.map(Some),
            None => Ok(None),
        }
    }

    async fn perform(&self, call: &Call) -> Result<Outcome, CardError> {
        let Inner { connections, tables, files, orgs } = &*self.0;
        let (module, operation) = call.address.split_once(':').unwrap_or((&call.address, ""));
        let (options, mut inputs) = (Fields::read(&call.options), Fields::read(&call.inputs));
        let edges = connections.edges();
        match Card::find(&call.address).ok_or_else(|| unsupported(&call.address))? {
            Card::Http => web::call(connections, self.optional_live(call).await?, operation, &inputs).await,
            Card::File => files::call(&**files, connections, self.optional_live(call).await?, operation, &inputs).await,
            Card::Mail => mail::call(connections, &**files, self.live(call).await?, module, &options, &inputs).await,
            Card::Table(_) => {
                let (clock, key) = (&*edges.clock, &*call.idempotency_key);
                TableCall { tables, files: &**files, clock, key, options: &options, inputs: &inputs }
                    .call(operation)
                    .await
            }
            Card::Operation(operation) => {
                let transport = OktaTransport::new(connections, orgs, self.live(call).await?);
                by_operation(operation, &transport, &inputs).await
            }
            Card::Manifest(manifest, action) => {
                read_files(&**files, action, &mut inputs).await?;
                let transport = self::transport(connections, orgs, manifest, self.live(call).await?);
                let cursor = call.cursor.as_deref();
                Run { manifest, action, transport: &*transport, options: &options, inputs: &inputs, cursor }.run().await
            }
        }
    }

    /// What an outcome of a call must not show: whatever is journaled may be read by others.
    fn hidden(&self, call: &Call) -> Hidden {
        call.connection.as_deref().map(|connection| self.0.connections.hidden(connection)).unwrap_or_default()
    }

    /// Whether the action of a call happened already, and what it gave.
    async fn search(&self, call: &Call) -> Result<Option<Outcome>, CardError> {
        let Inner { connections, tables, files, orgs } = &*self.0;
        let (options, inputs) = (Fields::read(&call.options), Fields::read(&call.inputs));
        let (manifest, action) = match Card::find(&call.address) {
            Some(Card::Manifest(manifest, action)) => (manifest, action),
            Some(Card::Table(Repeat::Search)) => {
                let (clock, key) = (&*connections.edges().clock, &*call.idempotency_key);
                let deletion = TableCall { tables, files: &**files, clock, key, options: &options, inputs: &inputs };
                return Ok(deletion.is_deleted().await?.then(|| Outcome::Outputs(FlowFields::new())));
            }
            _ => return Ok(None),
        };
        if action.search_first.is_none() && action.custom.is_none() {
            return Ok(None);
        }
        let transport = self::transport(connections, orgs, manifest, self.live(call).await?);
        Run { manifest, action, transport: &*transport, options: &options, inputs: &inputs, cursor: None }
            .search_first()
            .await
    }
}

fn unsupported(address: &str) -> CardError {
    CardError::new(ErrorKind::Unsupported, format!("the card {address} has no implementation"))
}

fn transport<'a>(
    connections: &'a Connections,
    orgs: &'a Orgs,
    manifest: &'static Manifest,
    live: Live,
) -> Box<dyn Transport + 'a> {
    let is_okta =
        matches!(live.connection.auth, Auth::OktaToken | Auth::OktaService) || live.connection.connector == "okta";
    if is_okta && manifest.base_url.is_empty() {
        Box::new(OktaTransport::new(connections, orgs, live))
    } else {
        Box::new(HttpTransport::new(connections, Some(manifest), Some(live)))
    }
}

/// Puts the content of files, as base64, where templates read the fields.
async fn read_files(store: &dyn Files, action: &Action, inputs: &mut Fields) -> Result<(), CardError> {
    use base64::Engine as _;
    for name in &action.files {
        let (group, key) = name.split_once('.').unwrap_or(("", name));
        let (_, content) = files::content(store, inputs.get(Some(group), key)).await?;
        let encoded = base64::engine::general_purpose::STANDARD.encode(content);
        inputs.set(Some(group), key, encoded.into());
    }
    Ok(())
}

/// A card of the catalogue: inputs named like parameters are those, all others are members of the body.
async fn by_operation(
    operation: &'static Operation,
    transport: &OktaTransport<'_>,
    inputs: &Fields,
) -> Result<Outcome, CardError> {
    let mut arguments = Vec::new();
    let mut query = Vec::new();
    let mut members = Map::new();
    let mut whole = None;
    for (group, key, value) in inputs.iter().filter(|(_, _, value)| !is_empty(value)) {
        let parameter = operation.parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(key));
        match parameter {
            Some(parameter) if parameter.location == ParameterIn::Query => {
                collect_pairs(Value::Object(Map::from_iter([(parameter.name.to_owned(), value.clone())])), &mut query);
            }
            Some(parameter) => arguments.push((parameter.name.to_owned(), text(value))),
            None if key.eq_ignore_ascii_case("body") => whole = Some(value.clone()),
            None if group.is_some_and(|group| !matches!(group, "Body" | "Request" | "Inputs")) => {
                let group = group.unwrap_or_default().to_owned();
                let nested = members.entry(group).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(nested) = nested {
                    nested.insert(key.to_owned(), value.clone());
                }
            }
            None => {
                members.insert(key.to_owned(), value.clone());
            }
        }
    }
    let body_sent: Option<(String, Bytes)> = match (whole, members.is_empty(), operation.request.is_some()) {
        (Some(whole), _, true) => Some(content(&whole)),
        (None, false, true) => Some(content(&Value::Object(members))),
        _ => None,
    };
    let target = Target::Operation(operation.id.to_owned(), arguments);
    let method = operation.method.as_str().to_owned();
    let request =
        Prepared { method, target, query, headers: Vec::new(), body: body_sent, repeatable: operation.idempotent };
    let response = transport.send(&request).await?;
    let answer = body(&response);
    if !response.is_success() {
        let message = answer.get("errorSummary").map(text);
        let refused = refusal(&response, message, transport.retry_after(&response), operation.idempotent);
        return Err(CardError { service_code: service_code(&answer["errorCode"]), ..refused });
    }
    let mut outputs = Fields::new();
    outputs.set(Some("Response"), "Status Code", response.status.into());
    outputs.set(Some("Response"), "Headers", headers(&response.headers));
    if let Value::Object(members) = &answer {
        for (key, value) in members {
            outputs.set(Some("Result"), key, value.clone());
        }
    }
    outputs.set(Some("Response"), "Body", answer);
    Ok(Outcome::Outputs(outputs.write()))
}

#[async_trait]
impl Actions for Connectors {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        Card::find(address).map(|card| card.info())
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let outcome = tokio::select! {
            outcome = self.perform(&call) => outcome,
            // What was sent may have been done.
            () = call.cancel.cancelled() => Err(CardError::new(ErrorKind::OutcomeUnknown, "the card was cancelled while it waited for an answer")),
        };
        let hidden = self.hidden(&call);
        outcome.map(|outcome| hidden.outcome(outcome)).map_err(|error| hidden.error(error))
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        let found = self.search(&call).await;
        let hidden = self.hidden(&call);
        found.map(|found| found.map(|outcome| hidden.outcome(outcome))).map_err(|error| hidden.error(error))
    }

    async fn kept_before(&self, instant: Timestamp) -> Vec<String> {
        self.0.files.kept_before(instant).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the files of flows cannot be listed");
            Vec::new()
        })
    }

    async fn forget(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.0.files.remove(name).await {
                tracing::error!(%error, file = name, "a file that no flow has any more was not removed");
            }
        }
    }
}

impl Events for Connectors {
    fn event_types(&self, card: &EventCard) -> Option<Vec<String>> {
        let (module, operation) = (card.address.module(), card.address.operation());
        if let Some(change) = events::record_change(module, operation) {
            return Some(constant(card, "recordType").map(|object| change.event_type(&object)).into_iter().collect());
        }
        if !events::is_event(module, operation) {
            return None;
        }
        if operation == events::ANY {
            let types = constant(card, "eventType")?;
            return Some(types.split([',', ' ']).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect());
        }
        events::event_types(operation).map(|types| types.iter().map(ToString::to_string).collect())
    }

    fn outputs(&self, card: &EventCard, delivered: &Delivered) -> Option<FlowFields> {
        let mut fields = FlowFields::new();
        if events::record_change(card.address.module(), card.address.operation()).is_some() {
            for (group, key, value) in records::outputs(&delivered.event) {
                fields.set(Some(group), &key, value);
            }
            return Some(fields);
        }
        if application(card).is_some_and(|(_, id)| !events::is_of(&id, &delivered.event)) {
            return None;
        }
        for (key, value) in events::outputs(delivered) {
            fields.set(Some("Output"), key, value);
        }
        Some(fields)
    }
}

/// The application of an Okta org whose events alone a card waits for: the key of the option that names it, and its id.
pub fn application(card: &EventCard) -> Option<(&'static str, String)> {
    let of_okta = events::record_change(card.address.module(), card.address.operation()).is_none();
    events::APPLICATION.into_iter().filter(|_| of_okta).find_map(|key| Some((key, constant(card, key)?)))
}

/// An option of an event card; empty and "any" are none.
fn constant(card: &EventCard, key: &str) -> Option<String> {
    let input = card.options.iter().find(|input| input.slot.key == key)?;
    let Given::Constant(value) = &input.source else { return None };
    let value = serde_json::to_value(value).ok()?;
    Some(text(&value)).filter(|text| !text.is_empty() && !text.starts_with("--"))
}
