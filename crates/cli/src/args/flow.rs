//! The commands of flows.

use std::path::PathBuf;

use clap::builder::{StringValueParser, TypedValueParser as _};
use clap::{Args, Subcommand, ValueEnum};
use oktant_base::Secret;

use super::{ConnectionArgs, StoreArgs};
use crate::output::Format;

/// Keep flows of Okta Workflows as text, and run them: import, review, check, switch on, watch
///
/// A project is a folder with one readable file for each flow. PATH is such a folder, the file of
/// one flow (.flow.yaml), a flopack as Okta Workflows exports it, or template:NAME.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant flow import salesforce.flopack --into flows-repo
  oktant flow import template:create-salesforce-user --into flows-repo
  oktant flow validate flows-repo
  oktant flow export flows-repo --out salesforce.flopack
  oktant flow on flows-repo --bind okta=acme --bind salesforce=crm
  oktant flow run \"Daily report\" --wait
  oktant flow history --state failed --since 1d")]
pub(crate) struct FlowArgs {
    #[command(subcommand)]
    pub(crate) command: FlowCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlowCommand {
    /// Write the flows of a flopack or a template as a project
    ///
    /// A folder that holds a project gets them in addition; its other tables, connections and folders stay.
    Import {
        /// The flopack, of version 1.2.0 to 1.5.0; or template:NAME
        #[arg(value_name = "FLOPACK")]
        file: PathBuf,

        /// Folder of the project, made where there is none
        #[arg(long, value_name = "FOLDER")]
        into: PathBuf,

        /// Replace files, and tables, connections and folders in them, that say something else
        #[arg(long)]
        force: bool,
    },
    /// Write a project as a flopack that Okta Workflows imports
    Export {
        #[arg(value_name = "PATH")]
        path: PathBuf,

        /// File to write, in place of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Say what is wrong with flows, one line for each finding
    ///
    /// The exit code is 0 only if there is none. A single file is checked together with the
    /// project that it lies in.
    Validate {
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Write files of flows in their one form; comments stay
    Fmt {
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,

        /// Change nothing; name the files that would change, and exit with 1 if there are any
        #[arg(long)]
        check: bool,
    },
    /// List flows in a few words: those of a path, or those of the database, with how they stand
    List {
        /// Project, flow or flopack [default: the database]
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,

        /// Format of the list [default: table]
        #[arg(short, long, value_name = "FORMAT")]
        output: Option<Format>,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Show flows as text, or as the graph that is run
    Show {
        #[arg(value_name = "PATH")]
        path: PathBuf,

        /// Name or identifier of the flow [default: all]
        #[arg(value_name = "FLOW")]
        flow: Option<String>,

        /// The graph as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the templates: flows for usual tasks, to begin with
    Templates {
        /// Format of the list [default: table]
        #[arg(short, long, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Say what differs in meaning, one line for each change; exit with 1 if anything does
    Diff {
        #[arg(value_name = "OLD")]
        old: PathBuf,
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Save flows in the database and switch them on
    ///
    /// A path brings all flows that it holds, the file of one flow also the helper flows that it calls, and the
    /// tables. Nothing is switched on while a card of them has no connection or no implementation, or while `oktant flow
    /// validate` finds that they cannot do what they say. `oktant serve` runs flows that are on; one that runs already
    /// notices at once.
    On {
        /// Project, file of a flow or flopack; or the name or id of a flow in the database
        #[arg(value_name = "FLOW", required = true)]
        targets: Vec<String>,

        /// Connection for the cards that name PLACEHOLDER in the flow, or that are of this service; repeatable
        #[arg(long, value_name = "PLACEHOLDER=CONNECTION")]
        bind: Vec<String>,

        /// Application whose events start the flows, in place of the one that their trigger names: its id, label or
        /// name in the org that they are bound to
        #[arg(long, value_name = "APPLICATION")]
        app: Option<String>,

        /// Switch on although a card cannot run or validation finds something; the run fails where it reaches the card
        #[arg(long)]
        force: bool,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Switch flows off; their unfinished runs go on
    Off {
        /// Name or id of the flow; or project, file of a flow or flopack
        #[arg(value_name = "FLOW", required = true)]
        targets: Vec<String>,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Remove flows from the database; their history is kept until its retention is over
    ///
    /// A flow that is on, that has unfinished runs, or that another flow calls is not removed. Tables, connections and
    /// the project's files stay.
    Remove {
        /// Name or id of the flow
        #[arg(value_name = "FLOW", required = true)]
        flows: Vec<String>,

        /// Remove it all the same; its unfinished runs are cancelled
        #[arg(long)]
        force: bool,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Bind the cards of a flow to connections, or show what they are bound to
    Bind {
        /// Name or id of the flow
        #[arg(value_name = "FLOW")]
        flow: String,

        /// Connection for the cards that name PLACEHOLDER in the flow, or that are of this service
        #[arg(value_name = "PLACEHOLDER=CONNECTION")]
        bind: Vec<String>,

        /// Application whose events start the flow, in place of the one that its trigger names
        #[arg(long, value_name = "APPLICATION")]
        app: Option<String>,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Set the limits of a flow, or show them
    Set(FlowLimitArgs),
    /// Give the endpoint of a flow a new client token and print it; the old one no longer counts
    Token {
        /// Name or id of the flow
        #[arg(value_name = "FLOW")]
        flow: String,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Run a flow that is on, and print the id of the run
    ///
    /// A running `oktant serve` of the same database does it. Where there is none, this command runs the flow
    /// itself, and ends with it.
    Run(FlowRunArgs),
    /// Show runs, the newest first, or the steps of one run with what went in and came out
    History(FlowHistoryArgs),
    /// Run an ended run again, as a new run
    Retry {
        /// Id of the run
        #[arg(value_name = "RUN")]
        run: String,

        /// Go on at the card that failed, in the definition that the run had, with the results of the cards before
        #[arg(long)]
        from_failure: bool,

        /// Wait for the end, and print what the flow returned
        #[arg(long)]
        wait: bool,

        #[command(flatten)]
        connection: ConnectionArgs,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// End a run
    Cancel {
        /// Id of the run
        #[arg(value_name = "RUN")]
        run: String,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Say what is to be done with the step of a run of which no one knows whether it happened
    Decide {
        /// Id of the run
        #[arg(value_name = "RUN")]
        run: String,

        /// What to do
        #[arg(value_enum)]
        decision: Decision,

        /// Place of the step, as the history shows it; needed where several are open
        #[arg(long, value_name = "PLACE")]
        step: Option<String>,

        #[command(flatten)]
        store: StoreArgs,
    },
    /// Run the tests of flows, one line for each; exit with 1 if one fails
    ///
    /// Tests of flows/NAME.flow.yaml stand in flows/NAME.test.yaml: what the flow starts with, what connectors are
    /// asked and answer, and what it returns. A case with `against: sandbox` acts on a fresh Okta org and a fresh
    /// Salesforce org in this process. Nothing outside is reached, and waits are over at once.
    Test {
        /// Projects and files of tests
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Work with the tables of flows
    Tables {
        #[command(subcommand)]
        command: TablesCommand,
    },
}

/// The limits of a flow.
#[derive(Debug, Args)]
pub(crate) struct FlowLimitArgs {
    /// Name or id of the flow
    #[arg(value_name = "FLOW")]
    pub(crate) flow: String,

    /// Runs at the same time; more wait
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) concurrency: Option<u32>,

    /// Calls of its endpoint per second; more are answered with 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) calls_per_second: Option<u32>,

    /// Whether its schedule starts a run while an earlier one is unfinished
    #[arg(long, value_name = "BOOL")]
    pub(crate) overlap: Option<bool>,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What to run, with which values.
#[derive(Debug, Args)]
pub(crate) struct FlowRunArgs {
    /// Name or id of the flow
    #[arg(value_name = "FLOW")]
    pub(crate) flow: String,

    /// A value that the flow starts with, such as `name=Ann` or `body/name=Ann`; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,

    /// File with the values as a JSON object, `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Wait for the end, and print what the flow returned as JSON; exit with 1 if the run fails
    #[arg(long)]
    pub(crate) wait: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Which runs to show.
#[derive(Debug, Args)]
pub(crate) struct FlowHistoryArgs {
    /// Id of a run, to show its steps
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Runs of this flow: its name or id
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Option<String>,

    /// Runs in this state: queued, running, waiting, `unknown_outcome`, succeeded, stopped, failed or cancelled
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,

    /// Runs begun then or later: an instant such as 2026-01-31T08:00:00Z, or how long ago, such as 30m, 12h or 7d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// Runs whose values or messages have this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,

    /// Write the run as a test of the flow, with what its connectors answered, to flows/NAME.test.yaml; a file that is
    /// there and tests the same flow gains a case
    #[arg(long, value_name = "FILE", requires = "run")]
    pub(crate) record: Option<PathBuf>,

    /// How many runs, at most 1000
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,

    /// Format [default: table]
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What is to be done with a step that may or may not have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Decision {
    /// Do it again: it did not happen, or twice does no harm
    Repeat,
    /// Go on as if it had happened, without its outputs
    Skip,
    /// Let it fail
    Fail,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TablesCommand {
    /// List the tables and their columns
    List {
        /// Format of the list [default: table]
        #[arg(short, long, value_name = "FORMAT")]
        output: Option<Format>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Show the rows of a table
    Show {
        /// Name or id of the table
        table: String,
        /// Format of the rows [default: table]
        #[arg(short, long, value_name = "FORMAT")]
        output: Option<Format>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Add the rows of a CSV file, whose header line names columns
    Import {
        /// Name or id of the table
        table: String,
        /// The file, `-` for standard input
        file: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Write the rows of a table as CSV
    Export {
        /// Name or id of the table
        table: String,
        /// File to write, in place of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Which flows a server runs, and how.
#[derive(Debug, Args)]
pub(crate) struct FlowServeArgs {
    /// Database of flows: `sqlite://PATH` or `postgres://...` [default: the file in the user's data folder, if there is one]
    #[arg(long, value_name = "URL", env = "OKTANT_FLOWS_STORE", hide_env_values = true, value_parser = StringValueParser::new().map(Secret::new))]
    pub(crate) flows: Option<Secret>,

    /// Run no flows
    #[arg(long, requires = "store")]
    pub(crate) no_flows: bool,

    /// File with what the org's event hook sends as `Authorization`; without it events are refused
    #[arg(long, value_name = "FILE")]
    pub(crate) event_hook_secret_file: Option<PathBuf>,

    /// Take events of anyone: whoever reaches the address can start flows with them
    #[arg(long, conflicts_with = "event_hook_secret_file")]
    pub(crate) event_hook_open: bool,

    /// Seconds between two looks at the System Log of the orgs whose events start flows; 0 for never, where an event hook
    /// brings them
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) poll_interval: u64,

    /// Seconds between two looks at the Salesforce records whose changes start flows: each look is one of the day's
    /// requests; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) records_interval: u64,

    /// Days that ended runs are kept
    #[arg(long, value_name = "DAYS", env = "OKTANT_FLOWS_KEEP_DAYS", default_value_t = 30)]
    pub(crate) keep_days: u32,
}
