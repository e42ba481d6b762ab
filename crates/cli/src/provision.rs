//! `oktant provision`: from an application's assignments to a SCIM target.

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use oktant_base::Secret;
use oktant_client::{Edges, Org};
use oktant_provision::{
    ApplyOptions, Config, DriftReport, Explanation, OutcomeRow, Plan, Provisioner, Report, Round, RunRow, Warning,
    WatchOptions, history, plan_table,
};
use serde::Serialize;
use serde_json::json;

use crate::args::{
    ConnectionArgs, ProvisionApplyArgs, ProvisionCommand, ProvisionFormat, ProvisionLogArgs, ProvisionOptions,
    ProvisionWatchArgs,
};
use crate::failure::{Error, Result};
use crate::runtime::{self, StopSignals};
use crate::{connection, output, show, terminal};

/// What `plan` and `drift` exit with when there is something to do.
const PENDING: u8 = 2;

/// Entries that are written to standard output at a time.
const ENTRIES_TOGETHER: usize = 1_000;

/// Runs one command of a provisioning.
pub(crate) fn run(command: &ProvisionCommand) -> Result<ExitCode> {
    let runtime = runtime::start_in_one_thread()?;
    match command {
        ProvisionCommand::Check(options) => runtime.block_on(runtime::interruptible(check(options))),
        ProvisionCommand::Plan(options) => runtime.block_on(runtime::interruptible(plan(options))),
        ProvisionCommand::Apply(args) => runtime.block_on(apply(args)),
        ProvisionCommand::Drift(options) => runtime.block_on(runtime::interruptible(drift(options))),
        ProvisionCommand::Watch(args) => runtime.block_on(watch(args)),
        ProvisionCommand::Explain(args) => runtime.block_on(runtime::interruptible(explain(&args.options, &args.user))),
        ProvisionCommand::Log(args) => log(args),
    }
}

/// Whether a command changes anything.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Read,
    Write,
}

/// Reads the file, opens the org and asks the target whether it is ready.
async fn open(options: &ProvisionOptions, access: Access) -> Result<(Provisioner, Vec<Warning>)> {
    let edges = Edges::system();
    let config = Config::load(&options.file, &edges.variables)?;
    let given = options.connection.dsn.clone().or_else(|| config.dsn.clone());
    let properties = connection::properties(&ConnectionArgs { dsn: given })?;
    let org = Org::connect(&properties, edges.clone()).await?;
    let mut provisioner = match access {
        Access::Read => Provisioner::open_read_only(config, org, &edges).await?,
        Access::Write => Provisioner::open(config, org, &edges).await?,
    };
    let warnings = provisioner.preflight().await?;
    for warning in &warnings {
        terminal::note(format_args!("warning: {}", warning.message));
    }
    Ok((provisioner, warnings))
}

async fn check(options: &ProvisionOptions) -> Result<ExitCode> {
    let (provisioner, mut warnings) = open(options, Access::Read).await?;
    let found = provisioner.check_mappings().await?;
    for warning in &found {
        terminal::note(format_args!("warning: {}", warning.message));
    }
    warnings.extend(found);
    let application = provisioner.application().to_owned();
    provisioner.close().await?;
    match options.output {
        ProvisionFormat::Json => print_json(&json!({ "application": application, "warnings": warnings }))?,
        ProvisionFormat::Table => {
            output::print(&format!(
                "\"{application}\" can be provisioned: the target answers, the token is accepted\n"
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn plan(options: &ProvisionOptions) -> Result<ExitCode> {
    let (provisioner, _) = open(options, Access::Read).await?;
    let plan = provisioner.plan().await?;
    show_plan(options, &provisioner, &plan)?;
    provisioner.close().await?;
    Ok(pending(!plan.is_empty()))
}

fn pending(is_pending: bool) -> ExitCode {
    if is_pending { ExitCode::from(PENDING) } else { ExitCode::SUCCESS }
}

fn show_plan(options: &ProvisionOptions, provisioner: &Provisioner, plan: &Plan) -> Result<()> {
    match options.output {
        ProvisionFormat::Table => output::print(&plan_table(plan)),
        ProvisionFormat::Json => {
            write_plan(provisioner, plan)?;
            output::print("\n")
        }
    }
}

/// Writes a plan entry by entry: one of a hundred thousand is never in memory as text.
fn write_plan(provisioner: &Provisioner, plan: &Plan) -> Result<()> {
    let head = json!({
        "application": provisioner.application(),
        "summary": plan.summary(),
        "requests_spent": plan.requests_spent,
        "warnings": plan.warnings,
        "safeguards": plan.tripped,
    });
    let head = head.to_string();
    output::print(&format!("{},\"entries\":[", head.trim_end_matches('}')))?;
    let mut text = String::new();
    for (index, entry) in plan.entries().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&serde_json::to_string(&entry).unwrap_or_default());
        if index % ENTRIES_TOGETHER == 0 {
            output::print(&std::mem::take(&mut text))?;
        }
    }
    output::print(&format!("{text}]}}"))
}

async fn apply(args: &ProvisionApplyArgs) -> Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let passwords = passwords(&args.set_password)?;
    let planned = tokio::select! {
        planned = to_apply(args, &passwords) => planned?,
        () = stop.next() => return Err(Error::Interrupted.into()),
    };
    let (provisioner, plan) = match planned {
        ControlFlow::Continue(planned) => planned,
        ControlFlow::Break(code) => return Ok(code),
    };
    let options = ApplyOptions { force: args.force, passwords, watched: false };
    let report = tokio::select! {
        report = provisioner.apply(&plan, options) => Some(report),
        () = stop.next() => None,
    };
    let Some(report) = report else {
        let came_to = provisioner.interrupted().await;
        provisioner.close().await?;
        if let Some(came_to) = came_to? {
            terminal::note(format_args!("{came_to}; the next apply goes on from there"));
        }
        return Err(Error::Interrupted.into());
    };
    let report = report?;
    provisioner.close().await?;
    if args.options.output == ProvisionFormat::Table {
        output::print(&report_line(&report))?;
    } else {
        print_json(&json!({ "summary": plan.summary(), "report": report }))?;
    }
    report.complete()?;
    Ok(ExitCode::SUCCESS)
}

/// Plans, shows the plan and asks. Breaks off with an exit code if there is nothing to do, or nobody wants it done.
async fn to_apply(
    args: &ProvisionApplyArgs,
    passwords: &[(String, Secret)],
) -> Result<ControlFlow<ExitCode, (Provisioner, Plan)>> {
    let (provisioner, _) = open(&args.options, Access::Write).await?;
    let mut plan = provisioner.plan().await?;
    plan.request_passwords(passwords.iter().map(|(user, _)| user.as_str()))?;
    let is_table = args.options.output == ProvisionFormat::Table;
    if is_table {
        output::print(&plan_table(&plan))?;
    }
    if plan.is_empty() {
        // The state may have something to learn all the same.
        provisioner.settle(&plan).await?;
        provisioner.close().await?;
        if !is_table {
            print_json(&json!({ "summary": plan.summary(), "report": Report::default() }))?;
        }
        return Ok(ControlFlow::Break(ExitCode::SUCCESS));
    }
    if !args.yes && !confirmed(&plan)? {
        provisioner.close().await?;
        terminal::note("nothing was changed");
        return Ok(ControlFlow::Break(pending(true)));
    }
    Ok(ControlFlow::Continue((provisioner, plan)))
}

fn report_line(report: &Report) -> String {
    if report.run == 0 {
        return "nothing to do\n".to_owned();
    }
    let noun = if report.requests == 1 { "request" } else { "requests" };
    format!(
        "run {}: {} done, {} failed, {} blocked, {} deferred; {} {noun}\n",
        report.run, report.done, report.failed, report.blocked, report.deferred, report.requests
    )
}

/// Asks whether to go on. Who cannot be asked has to say so beforehand.
fn confirmed(plan: &Plan) -> Result<bool> {
    if !terminal::stdin_is_interactive() {
        let changes: usize = plan.summary().entries.values().sum();
        return Err(
            Error::misuse(format!("{changes} changes wait for a yes"), "pass --yes to apply without asking").into()
        );
    }
    let mut stderr = anstream::stderr().lock();
    // A question that is not seen is answered with no.
    let _ = write!(stderr, "apply? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Error::Stdin)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Reads a password for each user from standard input.
fn passwords(users: &[String]) -> Result<Vec<(String, Secret)>> {
    let mut lines = std::io::stdin().lock().lines();
    let read = |user: &String| {
        let line = lines.next().transpose().map_err(Error::Stdin)?.unwrap_or_default();
        if line.is_empty() {
            let hint = "write one password per line to standard input, in the order of --set-password";
            return Err(Error::misuse(format!("no password for {user}"), hint).into());
        }
        Ok((user.clone(), Secret::new(line)))
    };
    users.iter().map(read).collect()
}

async fn drift(options: &ProvisionOptions) -> Result<ExitCode> {
    let (provisioner, _) = open(options, Access::Read).await?;
    let plan = provisioner.plan().await?;
    provisioner.close().await?;
    show_drift(options, &plan.drift)?;
    Ok(pending(!plan.drift.is_empty()))
}

fn show_drift(options: &ProvisionOptions, drift: &DriftReport) -> Result<()> {
    match options.output {
        ProvisionFormat::Table => output::print(&drift.table()),
        ProvisionFormat::Json => print_json(drift),
    }
}

/// Follows the org until a signal comes. What is under way then is in the journal.
async fn watch(args: &ProvisionWatchArgs) -> Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let (provisioner, _) = open(&args.options, Access::Write).await?;
    let options = WatchOptions {
        interval: Duration::from_secs(args.interval.max(1)),
        full_every: Duration::from_mins(args.full_every.max(1)),
        rounds: args.rounds,
    };
    let is_table = args.options.output == ProvisionFormat::Table;
    let outcome = tokio::select! {
        outcome = provisioner.watch(&options, |round| show_round(round, is_table)) => outcome,
        () = stop.next() => provisioner.interrupted().await.map(|_| ()),
    };
    provisioner.close().await?;
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// One line for each round. A reader who has gone away does not end the watch.
fn show_round(round: &Round, is_table: bool) {
    let text = match (&round.outcome, is_table) {
        (Ok(report), true) => format!("{}: {}", round.cause, report_line(report)),
        (Ok(report), false) => {
            let line = json!({ "cause": round.cause, "summary": round.summary, "drift": round.drift.drift.len(), "report": report });
            format!("{line}\n")
        }
        (Err(error), is_table) => {
            terminal::note(oktant_base::Report(error));
            if is_table {
                return;
            }
            format!("{}\n", json!({ "cause": round.cause, "error": error.to_string() }))
        }
    };
    if let Err(failure) = output::print(&text) {
        show(&failure);
    }
}

async fn explain(options: &ProvisionOptions, user: &str) -> Result<ExitCode> {
    let (provisioner, _) = open(options, Access::Read).await?;
    let plan = provisioner.plan().await?;
    let explanation = provisioner.explain(&plan, user);
    provisioner.close().await?;
    let explanation = explanation?;
    match options.output {
        ProvisionFormat::Json => print_json(&explanation)?,
        ProvisionFormat::Table => output::print(&explained(&explanation))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn explained(it: &Explanation) -> String {
    let mut text = String::new();
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{arguments}");
    };
    let state = match it.active {
        Some(true) => "active",
        Some(false) => "inactive",
        None => "left as it is",
    };
    let account = it.target_id.as_deref().unwrap_or("none yet");
    line(format_args!("{} ({}): assignment {}, to be {state}, account {account}", it.login, it.okta_id, it.assignment));
    if let Some(problem) = &it.problem {
        line(format_args!("blocked: {problem}"));
    }
    for value in &it.values {
        line(format_args!("  {} = {}", value.attribute, value.value));
        line(format_args!("      from {}; at the target {}", value.expression, value.at_target));
    }
    for group in &it.groups {
        let there = if group.at_target { "member at the target" } else { "not yet a member at the target" };
        line(format_args!("  group {}: {there}", group.name));
        for path in &group.paths {
            line(format_args!("      by {path}"));
        }
    }
    for id in &it.pending {
        line(format_args!("  pending: {id}"));
    }
    text
}

fn log(args: &ProvisionLogArgs) -> Result<ExitCode> {
    let config = Config::load(&args.options.file, &Edges::system().variables)?;
    let log = history(&config.state)?;
    let runs = log.runs()?;
    let is_json = args.options.output == ProvisionFormat::Json;
    if args.run == Some(0) {
        if is_json {
            print_json(&runs)?;
        } else {
            output::print(&runs.iter().map(run_line).collect::<String>())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let run = match args.run {
        Some(number) => runs.iter().find(|run| run.run == number),
        None => runs.first(),
    };
    let Some(run) = run else {
        let asked = args.run.map_or_else(|| "any run".to_owned(), |run| format!("run {run}"));
        return Err(Error::misuse(format!("the state knows nothing of {asked}"), "--run 0 lists all runs").into());
    };
    let outcomes = log.outcomes(run.run)?;
    if is_json {
        print_json(&json!({ "run": run, "outcomes": outcomes }))?;
    } else {
        output::print(&format!("{}{}", run_line(run), outcomes.iter().map(outcome_line).collect::<String>()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_line(run: &RunRow) -> String {
    let outcome = run.outcome.as_deref().unwrap_or("under way, or interrupted");
    format!("run {} ({}) at {}: {outcome}\n", run.run, run.command, run.started_at)
}

fn outcome_line(outcome: &OutcomeRow) -> String {
    let OutcomeRow { result, kind, object, reason, .. } = outcome;
    format!("  {result:<8} {kind:<15} {object}: {reason}\n")
}

fn print_json(value: &impl Serialize) -> Result<()> {
    output::print(&format!("{}\n", json!(value)))
}
