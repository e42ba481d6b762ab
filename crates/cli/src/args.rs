//! The command line as types. Its doc comments are the help texts and the reference in `docs/reference/cli.md`.

mod flow;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{StringValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use oktant_base::{Secret, Timestamp};

use crate::output::Format;

pub(crate) use flow::{
    Decision, FlowArgs, FlowCommand, FlowHistoryArgs, FlowLimitArgs, FlowRunArgs, FlowServeArgs, TablesCommand,
};

/// Query and script an Okta org, or a local sandbox that behaves like one
///
/// Data goes to standard output, everything else to standard error. The exit code is 0 when all
/// went well, 1 on failure, 2 on wrong usage, 4 when sign-in is needed, 6 when a rate limit is
/// used up and 130 after an interruption. Of `oktant provision`, 2 means that there is something to do, and wrong
/// usage is 1. `oktant explain CODE` describes an error code.
#[derive(Debug, Parser)]
#[command(name = "oktant", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Start here:
  oktant sandbox                      # a local org; prints its dsn
  export OKTANT_DSN='okta:///?...'    # or pass --dsn
  oktant sql -c \"SELECT Id, Status FROM Users LIMIT 5\"")]
pub(crate) struct Cli {
    /// Log more; repeat for detail
    ///
    /// The environment variable `OKTANT_LOG` takes filter directives such as `oktant_client=debug` instead.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sql(SqlArgs),
    Api(ApiArgs),
    Sandbox(SandboxArgs),
    Serve(ServeArgs),
    Provision(ProvisionArgs),
    Login(LoginArgs),
    Connect(ConnectArgs),
    Doctor(DoctorArgs),
    Flow(FlowArgs),
    Explain(ExplainArgs),
}

/// Which org to talk to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConnectionArgs {
    /// Connection string of the org, such as `okta:///?Domain=acme.okta.com&APIToken=...`
    ///
    /// `Name=value;Name=value` works too.
    #[arg(long, value_name = "URL", env = "OKTANT_DSN", hide_env_values = true, value_parser = StringValueParser::new().map(Secret::new))]
    pub(crate) dsn: Option<Secret>,
}

/// Run SQL against an org
///
/// Statements come from -c, from FILE, or from standard input; on a terminal without any of
/// them an interactive shell starts. Rows are written as they arrive. When a statement fails
/// half-way the program exits with an error and the output is visibly incomplete: a file given
/// by --out does not appear, json is left unclosed, parquet has no footer, jsonl ends with a line
/// that is not JSON, and csv with a quote left open, which strict readers refuse. Lenient ones, such
/// as Python's csv.reader without strict=True, take it for a row: look at the exit code.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant sql -c \"SELECT Status, COUNT(*) FROM Users GROUP BY Status\"
  oktant sql -c \"SELECT * FROM Users\" --out users.parquet
  oktant sql -c \"EXPLAIN SELECT * FROM Users WHERE Status = 'ACTIVE'\"")]
pub(crate) struct SqlArgs {
    /// Statements to run, separated by semicolons; `.tables` and `.inspect TABLE` work too
    #[arg(short, long = "command", value_name = "SQL", conflicts_with = "file", allow_hyphen_values = true)]
    pub(crate) command: Option<String>,

    /// File with statements; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) flows: StoreArgs,

    /// Format of the rows [default: by the ending of --out, else table]
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// Write the rows to a file, which appears only when it is complete
    ///
    /// Its ending names the format: json, jsonl, ndjson, csv, md, parquet or txt.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Call any operation of the Management API
///
/// CALL is the name of an operation followed by its parameters, or a method and a path.
/// `oktant api OPERATION --help` shows the parameters of one operation.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant api listUsers --limit 5
  oktant api getUser --id 00u1abcd
  oktant api GET /api/v1/users?limit=5
  oktant api addGroup --data '{\"profile\": {\"name\": \"Staff\"}}'
  oktant api --list --output json")]
pub(crate) struct ApiArgs {
    /// List the operations, all or those whose name, path and tag contain the words given
    #[arg(long)]
    pub(crate) list: bool,

    #[command(flatten)]
    pub(crate) options: CallOptions,

    /// Operation and its parameters, or method and path
    #[arg(value_name = "CALL", trailing_var_arg = true, allow_hyphen_values = true, required_unless_present = "list")]
    pub(crate) call: Vec<String>,
}

/// Options of one call. They may stand before and after the operation.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CallOptions {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// Body to send: JSON text, `@FILE`, or `-` for standard input
    #[arg(short, long, value_name = "JSON")]
    pub(crate) data: Option<String>,

    /// Follow every page of a list and write one array
    #[arg(long)]
    pub(crate) all: bool,

    /// Write status and headers to standard error, with --all those of each page
    #[arg(short, long)]
    pub(crate) include: bool,

    /// Format of --list (any) and --all (json or jsonl)
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
}

impl CallOptions {
    /// These options with those of `later` on top.
    pub(crate) fn overlaid(self, later: Self) -> Self {
        Self {
            connection: ConnectionArgs { dsn: later.connection.dsn.or(self.connection.dsn) },
            data: later.data.or(self.data),
            all: later.all || self.all,
            include: later.include || self.include,
            output: later.output.or(self.output),
        }
    }
}

/// Serve a local Okta org with generated people
///
/// Prints one JSON line when ready, with the keys `url`, `api_token`, `client_id`,
/// `client_secret`, `admin_login`, `admin_password` and `dsn`. A Salesforce org runs beside it; the key `salesforce`
/// holds its `url`, `login_url`, `client_id`, `client_secret`, `user`, `password` and `access_token`. Ends on Ctrl-C or
/// SIGTERM. Everything it holds is in memory and the same for the same arguments.
///
/// A Snowflake account runs beside the org, with the pieces that Snowflake's guide to Okta presumes. The key
/// `snowflake` holds `account`, `host`, `port`, `user`, `password`, `scim_url` and `scim_token`, and the key
/// `postgres` the `host` and `port` at which users of the account read the org's tables.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant sandbox --users 1000 --port 8080
  oktant sandbox --latency 100 --rate-limits okta --faults faults.json")]
pub(crate) struct SandboxArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Users to generate; 0 is an org with its built-in objects only
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) users: usize,

    /// Groups to generate [default: 10, or 0 with --users 0]
    #[arg(long, value_name = "N")]
    pub(crate) groups: Option<usize>,

    /// Seed of everything generated
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Time at which the org is made, such as 2026-01-01T00:00:00Z; its clock runs on from there [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,

    /// Delay of every answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,

    /// Rate limits to enforce
    #[arg(long, value_enum, default_value_t = RateLimits::Off)]
    pub(crate) rate_limits: RateLimits,

    /// JSON file with an array of faults to inject; those whose path begins with /services/ strike the Salesforce org
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,

    /// Port of the Salesforce org on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) salesforce_port: u16,

    /// JSON file with custom objects and fields of the Salesforce org
    #[arg(long, value_name = "FILE")]
    pub(crate) salesforce_schema: Option<PathBuf>,

    /// Port of the Snowflake account on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) snowflake_port: u16,
}

/// Serve a Snowflake account (SCIM, Snowflake's client protocol, SQL over an org for its users), and run flows
///
/// An account is served if --store names one. Flows that are on run if --flows names their database, if the default one
/// is there, or if there is no account to serve.
///
/// SCIM is served at `/scim/v2` of --listen, Snowflake's protocol for connectors and `snow` beside it, and
/// `/health/live`, `/health/ready` and `/metrics`. With --pg-listen, psql and other clients of PostgreSQL read the
/// tables of the org that --dsn names; the roles of a user decide which. Endpoints of flows are below `/api/flo`, and
/// `/api/flo/events` takes the events of an org's event hook.
///
/// Prints one JSON line when ready. On SIGTERM or Ctrl-C it accepts nothing more, answers what is under way for ten
/// seconds at most and ends; a second signal ends it at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant serve --store sqlite://account.db --admin-password-file admin.txt
  oktant serve --store postgres://oktant@db/oktant --pg-listen 0.0.0.0:5433 --tls-cert cert.pem --tls-key key.pem
  oktant serve --flows sqlite://flows.db")]
pub(crate) struct ServeArgs {
    /// Where the account is kept: `sqlite://FILE`, `sqlite::memory:` or `postgres://...`; without it no account is served
    #[arg(long, value_name = "URL", env = "OKTANT_STORE", hide_env_values = true, value_parser = StringValueParser::new().map(Secret::new))]
    pub(crate) store: Option<Secret>,

    /// Name of the account, as clients give it: letters, digits, `_` and `-`
    #[arg(long, value_name = "NAME", default_value = "oktant", value_parser = account_name)]
    pub(crate) account: String,

    /// Address of HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Address of PostgreSQL's protocol, which is not served without it
    #[arg(long, value_name = "ADDRESS", requires = "store")]
    pub(crate) pg_listen: Option<SocketAddr>,

    /// File with the certificate chain, PEM; then all connections are encrypted, and others refused
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// File with the certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// User who has the role ACCOUNTADMIN from the start on, made if there is none of this name
    #[arg(long, value_name = "NAME", default_value = "ADMIN")]
    pub(crate) admin_user: String,

    /// File with the password of a new administrator; without it one is made up and printed
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_password_file: Option<PathBuf>,

    /// Give an existing administrator a new password, too, and enable the user
    #[arg(long)]
    pub(crate) reset_admin_password: bool,

    /// Integrations that speak SCIM as the standards have it instead of as Snowflake does
    #[arg(long, value_enum, default_value_t = StandardScim::Never)]
    pub(crate) standard_scim: StandardScim,

    #[command(flatten)]
    pub(crate) flows: FlowServeArgs,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// # Source
///
/// Snowflake documentation, "Account identifiers": names of organizations and accounts.
fn account_name(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a name begins with a letter and has letters, digits, _ and -".to_owned())
    }
}

/// Integrations that speak SCIM as the standards have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StandardScim {
    /// None
    Never,
    /// Those made with `SCIM_CLIENT = 'GENERIC'`
    Generic,
    /// All
    Always,
}

/// Rate limits of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RateLimits {
    /// Those of an Okta org, per bucket and minute
    Okta,
    /// None
    Off,
}

/// Bring an application's assignments and pushed groups to a SCIM target
///
/// A file says which application and which target; `docs/guides/provisioning.md` describes it. `plan` exits
/// with 0 if there is nothing to do and with 2 if there is, `drift` likewise. Nothing else gives 2 here: wrong
/// usage and a file that cannot be read exit with 1, as failures do.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant provision plan
  oktant provision apply --yes
  oktant provision drift --output json
  oktant provision explain jane.doe@acme.example")]
pub(crate) struct ProvisionArgs {
    #[command(subcommand)]
    pub(crate) command: ProvisionCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProvisionCommand {
    /// Check the file, the application and the target without planning anything
    Check(ProvisionOptions),
    /// Show what would be done, field by field, and what it costs
    Plan(ProvisionOptions),
    /// Plan, and do it
    Apply(ProvisionApplyArgs),
    /// Show what someone changed at the target since it was applied
    Drift(ProvisionOptions),
    /// Apply now and whenever the org changes, until told to stop
    Watch(ProvisionWatchArgs),
    /// Say why a user has the access they have
    Explain(ProvisionExplainArgs),
    /// Show what earlier runs did, and why
    Log(ProvisionLogArgs),
}

/// What every command of a provisioning takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProvisionOptions {
    /// The provisioning file
    #[arg(short, long, value_name = "FILE", default_value = "provision.toml")]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// Format of what is written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ProvisionFormat::Table)]
    pub(crate) output: ProvisionFormat,
}

/// Formats of plans and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProvisionFormat {
    /// For people
    Table,
    /// For programs, with stable ids
    Json,
}

/// Options of an apply.
#[derive(Debug, Args)]
pub(crate) struct ProvisionApplyArgs {
    #[command(flatten)]
    pub(crate) options: ProvisionOptions,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Go on although a safeguard is broken
    #[arg(long)]
    pub(crate) force: bool,

    /// Set the password of a user, read from standard input: one line for each option
    #[arg(long, value_name = "USER")]
    pub(crate) set_password: Vec<String>,
}

/// Options of a watch.
#[derive(Debug, Args)]
pub(crate) struct ProvisionWatchArgs {
    #[command(flatten)]
    pub(crate) options: ProvisionOptions,

    /// Seconds between two looks at the System Log
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) interval: u64,

    /// Minutes after which everything is compared although the log is silent
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub(crate) full_every: u64,

    /// Rounds after which to stop [default: none]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u32>,
}

/// Whom to explain.
#[derive(Debug, Args)]
pub(crate) struct ProvisionExplainArgs {
    #[command(flatten)]
    pub(crate) options: ProvisionOptions,

    /// Login, user name at the target, or Okta id
    #[arg(value_name = "USER")]
    pub(crate) user: String,
}

/// Which run to show.
#[derive(Debug, Args)]
pub(crate) struct ProvisionLogArgs {
    #[command(flatten)]
    pub(crate) options: ProvisionOptions,

    /// Number of the run; 0 lists all runs [default: the last one]
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<i64>,
}

/// Sign in to an org in the browser and store the tokens
#[derive(Debug, Args)]
#[command(after_help = "Example:
  oktant login --dsn 'okta:///?Domain=acme.okta.com&OAuthClientId=0oa1abcd'")]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Make and manage the connections of flows
///
/// A connection is how flows sign in to a service. Its secrets are sealed with a key that stands outside the
/// database: in `OKTANT_KEY` (32 bytes in base64), in what `OKTANT_KEY_COMMAND` prints (the command of a keyring), in
/// the file `OKTANT_KEY_FILE`, or else in a file of the user's configuration folder that is made at first use. They
/// are never shown. Private and loopback addresses are refused unless `OKTANT_EGRESS_ALLOW` names them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  oktant connect salesforce crm --client-id 3MVG9... --secret client_secret=@secret.txt
  oktant connect okta acme --domain acme.okta.com --set client_id=0oa... --secret private_key=@key.json
  oktant connect http api --set hosts=api.example.com --secret token=env:API_TOKEN
  oktant connect test crm")]
pub(crate) struct ConnectArgs {
    #[command(subcommand)]
    pub(crate) command: ConnectCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectCommand {
    /// Connect to Salesforce by OAuth, with a connected app of your own
    Salesforce(MakeArgs),
    /// Connect to an Okta org by OAuth, as a service app, or with an API token
    Okta(MakeArgs),
    /// Connect to any service over HTTP: basic, bearer, headers, OAuth, or nothing
    Http(MakeArgs),
    /// Connect to a mail server
    Smtp(MakeArgs),
    /// Connect to another service, such as slack or github
    Service {
        /// Name of the service
        connector: String,
        #[command(flatten)]
        make: MakeArgs,
    },
    /// List the connections: name, service, kind of sign-in, state and account, separated by tabs
    List {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Show a connection, without its secrets
    Show {
        /// Name or id of the connection
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Ask the service whether a connection works
    Test {
        /// Name or id of the connection
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Forget a connection and its secrets, unless flows that are on use it
    Remove {
        /// Name or id of the connection
        name: String,
        /// Remove it even if flows that are on use it
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Where connections and tables of flows are kept.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct StoreArgs {
    /// Database of flows: `sqlite://PATH` or `postgres://...` [default: a file in the user's data folder]
    #[arg(long, value_name = "URL", env = "OKTANT_FLOWS_STORE", hide_env_values = true, value_parser = StringValueParser::new().map(Secret::new))]
    pub(crate) store: Option<Secret>,
}

/// What a new connection is made of.
#[derive(Debug, Clone, Args)]
pub(crate) struct MakeArgs {
    /// What to call the connection
    pub(crate) name: String,

    /// Client id of the app, for OAuth
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// Host of the org or of the login page
    #[arg(long, value_name = "HOST")]
    pub(crate) domain: Option<String>,

    /// Address of the org or of the login page, such as `http://127.0.0.1:8080`, instead of --domain
    #[arg(long, value_name = "URL", conflicts_with = "domain")]
    pub(crate) login_url: Option<String>,

    /// Scopes to ask for, separated by blanks
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scope: Option<String>,

    /// Another setting, such as `environment=sandbox`, `username=ann` or `hosts=api.example.com`; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// A secret, such as `client_secret=@FILE`, `token=env:VARIABLE` or `password=-` for a line of standard input;
    /// repeatable
    #[arg(long, value_name = "NAME=SOURCE")]
    pub(crate) secret: Vec<String>,

    /// Kind of sign-in [default: by what is given]
    #[arg(long, value_name = "KIND")]
    pub(crate) auth: Option<String>,

    /// Print the address to visit and read the answer from standard input, for a browser on another machine
    #[arg(long)]
    pub(crate) headless: bool,

    /// Authorise an existing connection anew; cards stay bound to it
    #[arg(long)]
    pub(crate) replace: bool,

    /// Write the connection without asking the service whether it works, as where the service cannot be reached
    #[arg(long)]
    pub(crate) no_test: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Check each step from here to the org
///
/// Checks properties, name resolution, connection, the org's answer, credentials, scopes, rate
/// limits and clocks, and says how to mend what fails.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Describe an error code, or list all of them
#[derive(Debug, Args)]
#[command(after_help = "Example:
  oktant explain OKT2011")]
pub(crate) struct ExplainArgs {
    /// The code as printed in brackets
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}
