//! Connectors described in files: what each card sends, and what it reads from the answer.
//!
//! A manifest holds no code. `expression` has the language of its templates, `run` does what an
//! action says, and `manifests/*.yaml` are those that come with the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) mod expression;
mod filter;
mod list;
pub(crate) mod run;
pub(crate) mod shape;

pub(crate) use filter::is_name;
pub(crate) use list::{can_stream as list_streams, next_link};

use crate::Error;

/// One connector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name, such as `salesforce`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Names of the module in exported folders; those of the connector builder without their 32 digits.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Address that paths are below; a template over the connection's settings. Empty for connectors of an Okta org.
    #[serde(default)]
    pub base_url: String,
    /// Headers of every request.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// How a connection is made.
    #[serde(default)]
    pub auth: AuthGuide,
    /// What an answer says when it refuses.
    #[serde(default)]
    pub errors: Errors,
    /// Its cards.
    pub actions: IndexMap<String, Action>,
    /// Lists for drop-downs and fields that depend on the account.
    #[serde(default)]
    pub dynamic: IndexMap<String, Dynamic>,
}

/// How a connection of a connector is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthGuide {
    /// Settings that are given, with a word on each.
    pub settings: IndexMap<String, String>,
    /// The values of settings that have only a few.
    pub choices: IndexMap<String, Vec<String>>,
    /// Settings that follow from those, as templates: `authorize_url`, `token_url`, `scope`, …
    pub derived: IndexMap<String, String>,
    /// A request that shows whether a connection works.
    pub test: Option<Request>,
    /// Who it is signed in as, from the answer.
    pub account: String,
}

/// What an answer says when it refuses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Errors {
    /// Expression of the message.
    pub message: String,
    /// Expression of the service's own code.
    pub code: String,
    /// Condition under which an answer of success is none.
    pub fail_if: String,
    /// Codes of the service that mean that the access token has ended.
    pub token_codes: Vec<String>,
    /// Codes of the service that mean that trying again helps.
    pub retry_codes: Vec<String>,
}

/// What happens to a card whose result was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Doing it twice is like doing it once.
    Safe,
    /// `search_first` tells.
    Search,
    /// Nobody can know.
    Ask,
}

/// One card.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// What people call it.
    pub title: String,
    /// What happens when its result was lost; by default reading and replacing is safe, and the rest is not.
    pub repeat: Option<Repeat>,
    /// A method and a path given by the flow.
    pub custom: Option<Custom>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Groups of outputs: expressions by key, or one expression of an object whose members are the keys.
    pub outputs: IndexMap<String, Outputs>,
    /// The answer is a list.
    pub list: Option<List>,
    /// Tells whether it happened already.
    pub search_first: Option<SearchFirst>,
    /// Inputs that hold files, whose content is sent.
    pub files: Vec<String>,
}

/// One thing that a card does.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Name under which later expressions find the answer, besides `body`, `status` and `headers`.
    pub name: String,
    /// Condition; without one it is always done.
    pub when: String,
    /// A request.
    pub request: Option<Request>,
    /// Statuses besides those of success that are no failure here.
    pub accept: Vec<u16>,
    /// Values computed for later expressions.
    pub set: IndexMap<String, Value>,
    /// Ends the card with this message.
    pub fail: String,
    /// Done once for each item of this list, as `item`.
    pub for_each: String,
    /// Name of a list that the items of the answer are added to.
    pub collect: String,
    /// Expression of those items; by default the whole body.
    pub collect_from: String,
}

/// A request as templates.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Its method; `GET` where none is given.
    pub method: String,
    /// Its path below the base address, or a whole URL. Values are encoded.
    pub path: String,
    /// An operation of the catalogue instead of method and path.
    pub operation: String,
    /// Parameters of that operation.
    pub args: IndexMap<String, Value>,
    /// The query.
    pub query: IndexMap<String, Value>,
    /// Headers of its own.
    pub headers: IndexMap<String, String>,
    /// Body as JSON.
    pub body: Option<Value>,
    /// Body as bytes, given in base64.
    pub content: String,
    /// Body as a form.
    pub form: Option<IndexMap<String, Value>>,
}

/// A card that sends what the flow says.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// Option that names the method.
    pub option: String,
    /// Group of the inputs.
    pub group: String,
    /// Base addresses by the value of an option, where the connector has several.
    #[serde(default)]
    pub bases: Option<Bases>,
    /// How the records of a `GET(Streaming)` are found, and its next page: by the `Link` header, unless it says so.
    #[serde(default = "by_link")]
    pub pages: List,
}

fn by_link() -> List {
    List { items: "body".to_owned(), next: Next::Link, ..List::default() }
}

/// Several base addresses.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bases {
    /// Option that chooses.
    pub option: String,
    /// Base address by its value.
    pub urls: IndexMap<String, String>,
}

/// The outputs of a group.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Outputs {
    /// Each key by itself.
    Keys(IndexMap<String, Value>),
    /// The members of an object.
    Spread(String),
}

/// A list of records.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct List {
    /// Expression of the records in an answer.
    pub items: String,
    /// Condition on each `item`.
    pub keep: String,
    /// What a record is made of; the record as it came where nothing is said.
    pub record: Option<Value>,
    /// Option that says how many are wanted.
    pub option: String,
    /// How many are wanted where there is no such option: `one` or `all`.
    pub default: String,
    /// Outputs for one record, which is `item`.
    pub one: IndexMap<String, Outputs>,
    /// Output for several records, as `Group.Key`.
    pub many: String,
    /// Expression of the most records that are wanted.
    pub limit: String,
    /// How the next page is found.
    pub next: Next,
}

/// How the next page is found.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// There is none.
    #[default]
    None,
    /// By the `Link` header.
    Link,
    /// By an address in the answer.
    Url(String),
    /// By a value in the answer that goes into the query.
    Cursor {
        /// Expression of the value.
        value: String,
        /// Name in the query.
        query: String,
    },
    /// By counting records.
    Offset {
        /// Name in the query.
        query: String,
        /// Records to a page.
        size: usize,
    },
    /// By counting pages.
    Page {
        /// Name in the query.
        query: String,
        /// Number of the first page.
        first: usize,
        /// Records to a page.
        size: usize,
    },
}

/// Tells whether an action happened already.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SearchFirst {
    /// Requests that look for its effect.
    pub steps: Vec<Step>,
    /// Whether it is there.
    pub found: String,
    /// The outputs that the action would have given.
    #[serde(default)]
    pub outputs: IndexMap<String, Outputs>,
}

/// A list that depends on the account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamic {
    /// Asks for it.
    pub request: Request,
    /// Expression of the items.
    pub items: String,
    /// Condition on each `item`.
    #[serde(default)]
    pub keep: String,
    /// What a choice or a field is made of.
    pub entry: Value,
}

/// Those that come with the program.
const OWN: &[(&str, &str)] = &[
    ("auth0", include_str!("../../manifests/auth0.yaml")),
    ("awssso", include_str!("../../manifests/awssso.yaml")),
    ("box", include_str!("../../manifests/box.yaml")),
    ("github", include_str!("../../manifests/github.yaml")),
    ("gmail", include_str!("../../manifests/gmail.yaml")),
    ("googledirectory", include_str!("../../manifests/googledirectory.yaml")),
    ("googledrive", include_str!("../../manifests/googledrive.yaml")),
    ("googlesheets", include_str!("../../manifests/googlesheets.yaml")),
    ("jamf", include_str!("../../manifests/jamf.yaml")),
    ("jira", include_str!("../../manifests/jira.yaml")),
    ("kandji", include_str!("../../manifests/kandji.yaml")),
    ("marketo", include_str!("../../manifests/marketo.yaml")),
    ("office365admin", include_str!("../../manifests/office365admin.yaml")),
    ("office365mail", include_str!("../../manifests/office365mail.yaml")),
    ("okta", include_str!("../../manifests/okta.yaml")),
    ("oktaprivilegedaccess", include_str!("../../manifests/oktaprivilegedaccess.yaml")),
    ("openai", include_str!("../../manifests/openai.yaml")),
    ("opsgenie", include_str!("../../manifests/opsgenie.yaml")),
    ("pagerduty", include_str!("../../manifests/pagerduty.yaml")),
    ("salesforce", include_str!("../../manifests/salesforce.yaml")),
    ("sendgrid", include_str!("../../manifests/sendgrid.yaml")),
    ("servicenow", include_str!("../../manifests/servicenow.yaml")),
    ("slack", include_str!("../../manifests/slack.yaml")),
    ("workday", include_str!("../../manifests/workday.yaml")),
    ("yubico", include_str!("../../manifests/yubico.yaml")),
];

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] with the place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text)
            .map_err(|error| Error::Manifest { connector: name.to_owned(), problem: error.to_string() })
    }

    /// Every manifest that comes with the program, by name.
    pub fn own() -> &'static BTreeMap<String, Self> {
        static OWN_PARSED: LazyLock<BTreeMap<String, Manifest>> = LazyLock::new(|| {
            let parse =
                |(name, text): &(&str, &str)| Manifest::parse(name, text).expect("the tests read every manifest");
            OWN.iter().map(parse).map(|manifest| (manifest.id.clone(), manifest)).collect()
        });
        &OWN_PARSED
    }

    /// Adds the settings that follow from those that were given, in their order; what was given stays.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] if a template cannot be read.
    pub fn derive(&self, settings: &mut BTreeMap<String, String>) -> Result<(), Error> {
        let none = crate::fields::Fields::new();
        for (name, template) in &self.auth.derived {
            if settings.get(name).is_some_and(|value| !value.is_empty()) {
                continue;
            }
            let scope = expression::Scope { options: &none, inputs: &none, settings, variables: BTreeMap::new() };
            let value = expression::fill_text(template, &scope, |value| value);
            let value =
                value.map_err(|wrong| Error::Manifest { connector: self.id.clone(), problem: wrong.to_string() })?;
            settings.insert(name.clone(), value);
        }
        Ok(())
    }

    /// Whether its templates name what is there.
    ///
    /// # Errors
    ///
    /// What does not.
    pub fn check(&self) -> Result<(), Error> {
        run::check(self).map_err(|wrong| Error::Manifest { connector: self.id.clone(), problem: wrong.to_string() })
    }

    /// The manifest and the action of a card.
    pub(crate) fn find(module: &str, operation: &str) -> Option<(&'static Self, &'static Action)> {
        let module = without_builder_id(module);
        let manifest =
            Self::own().values().find(|known| known.id == module || known.modules.iter().any(|name| name == module))?;
        let action =
            manifest.actions.get(operation).or_else(|| manifest.actions.get(without_builder_mark(operation)))?;
        Some((manifest, action))
    }
}

/// The name of a module of the connector builder without its id of 32 hexadecimal digits.
pub(crate) fn without_builder_id(module: &str) -> &str {
    match module.rsplit_once('_') {
        Some((name, id)) if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => module,
    }
}

/// The key of an operation of the connector builder without its mark of 8 to 12 characters.
fn without_builder_mark(operation: &str) -> &str {
    // The mark may hold underscores itself, the key does not.
    match operation.split_once('_') {
        Some((key, mark)) if (8..=12).contains(&mark.len()) => key,
        _ => operation,
    }
}
