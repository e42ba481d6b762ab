//! `oktant flow`: flows as files, in either form.

mod applications;
mod bindings;
pub(crate) mod desk;
mod history;
mod lines;
mod queries;
mod runs;
pub(crate) mod serve;
mod switch;
mod tables;
mod test;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use oktant_base::{Code, Coded};
use oktant_connect::Cards;
use oktant_flow::folder::{self, FLOW_SUFFIX, FileError, Files, MergeError};
use oktant_flow::model::Project;
use oktant_flow::summary::Summary;
use oktant_flow::text::TextError;
use oktant_flow::validate::{self, Context};
use oktant_flow::{diff, flopack, summary, text};

use crate::args::{FlowCommand, FlowHistoryArgs};
use crate::failure::{Error, Failure, Result};
use crate::output::{self, Destination, Format};
use crate::{runtime, templates, terminal};

/// Runs one of the commands.
pub(crate) fn run(command: &FlowCommand) -> Result<ExitCode> {
    match command {
        FlowCommand::On { .. }
        | FlowCommand::Off { .. }
        | FlowCommand::Remove { .. }
        | FlowCommand::Bind { .. }
        | FlowCommand::Set(_)
        | FlowCommand::Token { .. }
        | FlowCommand::Run(_)
        | FlowCommand::History(_)
        | FlowCommand::Retry { .. }
        | FlowCommand::Cancel { .. }
        | FlowCommand::Decide { .. }
        | FlowCommand::Tables { .. }
        | FlowCommand::Test { .. }
        | FlowCommand::List { path: None, .. } => return runtime::start()?.block_on(operate(command)),
        FlowCommand::Import { file, into, force } => import(file, into, *force)?,
        FlowCommand::Export { path, out } => export(path, out.as_deref())?,
        FlowCommand::Validate { paths } => return validate(paths),
        FlowCommand::Fmt { paths, check } => return format(paths, *check),
        FlowCommand::List { path: Some(path), output, .. } => list(path, *output)?,
        FlowCommand::Show { path, flow, json } => show(path, flow.as_deref(), *json)?,
        FlowCommand::Templates { output } => templates::list(*output)?,
        FlowCommand::Diff { old, new } => return differences(old, new),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one of the commands that work on the database.
async fn operate(command: &FlowCommand) -> Result<ExitCode> {
    let interruptible = async {
        match command {
            FlowCommand::On { targets, bind, app, force, store } => {
                switch::on(targets, bind, app.as_deref(), *force, store).await?;
            }
            FlowCommand::Off { targets, store } => switch::off(targets, store).await?,
            FlowCommand::Remove { flows, force, store } => switch::remove(flows, *force, store).await?,
            FlowCommand::Bind { flow, bind, app, store } => switch::bind(flow, bind, app.as_deref(), store).await?,
            FlowCommand::Set(limits) => switch::set(limits).await?,
            FlowCommand::Token { flow, store } => switch::token(flow, store).await?,
            FlowCommand::History(FlowHistoryArgs { run: Some(run), record: Some(file), store, .. }) => {
                test::record(run, file, store).await?;
            }
            FlowCommand::History(args) => history::show(args).await?,
            FlowCommand::Test { paths } => return Box::pin(test::run(paths)).await,
            FlowCommand::Cancel { run, store } => runs::cancel(run, store).await?,
            FlowCommand::Decide { run, decision, step, store } => {
                runs::decide(run, *decision, step.as_deref(), store).await?;
            }
            FlowCommand::Tables { command } => tables::run(command).await?,
            FlowCommand::List { output, store, .. } => history::flows(*output, store).await?,
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    };
    match command {
        // These end what they run in good order by themselves.
        FlowCommand::Run(args) => runs::run(args).await,
        FlowCommand::Retry { run, from_failure, wait, connection, store } => {
            runs::retry(run, *from_failure, *wait, connection, store).await
        }
        _ => runtime::interruptible(interruptible).await,
    }
}

/// A text that cannot be read, with the file it stands in.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read", path.display())]
struct Unreadable<E: Coded + 'static> {
    path: PathBuf,
    #[source]
    source: E,
}

impl<E: Coded + 'static> Coded for Unreadable<E> {
    fn code(&self) -> Code {
        self.source.code()
    }

    fn hint(&self) -> Option<String> {
        self.source.hint()
    }
}

fn read(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?)
}

fn write(path: &Path, content: &str) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    Ok(fs::write(path, content).map_err(failed)?)
}

fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// What a path holds: the project of a folder, a flopack or a template, or a single flow.
fn load(path: &Path) -> Result<Project> {
    if let Some(project) = templates::named(path)? {
        return Ok(project);
    }
    if path.is_dir() {
        return load_folder(path);
    }
    let content = read(path)?;
    if is_text(path) {
        let flow = text::read(&content).map_err(|source| Unreadable { path: path.to_owned(), source })?;
        let mut project = Project::default();
        project.flows.insert(flow.id.clone(), flow);
        return Ok(project);
    }
    let imported = flopack::import(&content).map_err(|source| Unreadable { path: path.to_owned(), source })?;
    for warning in &imported.warnings {
        terminal::note(format_args!("warning: {}: {warning}", path.display()));
    }
    Ok(imported.project)
}

/// The folder of the project that the file of a flow lies in, if it lies in one.
fn surrounding_folder(path: &Path) -> Option<PathBuf> {
    let folder = path.canonicalize().ok()?.parent()?.to_owned();
    if folder.ends_with("flows") { folder.parent().map(Path::to_owned) } else { None }
}

fn load_folder(root: &Path) -> Result<Project> {
    let files = files(root)?;
    if !files.keys().any(|path| path.ends_with(FLOW_SUFFIX)) {
        let hint =
            "a project has its flows in files such as flows/create_user.flow.yaml; `oktant flow import` makes one";
        return Err(Error::misuse(format!("{} is no project of flows", root.display()), hint).into());
    }
    Ok(folder::read(&files).map_err(|FileError { path, error }| Unreadable { path: root.join(path), source: error })?)
}

/// The files of a project: those of its folder, of `flows` and of `kept`.
fn files(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    for (folder, prefix) in [(root.to_owned(), ""), (root.join("flows"), "flows/"), (root.join("kept"), "kept/")] {
        if !folder.is_dir() {
            continue;
        }
        let failed = |source| Error::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let wanted = is_text(&path) || path.extension().is_some_and(|ending| ending == "json");
            if let (true, Some(name)) = (wanted && path.is_file(), path.file_name().and_then(|name| name.to_str())) {
                files.insert(format!("{prefix}{name}"), read(&path)?);
            }
        }
    }
    Ok(files)
}

fn import(file: &Path, into: &Path, force: bool) -> Result<()> {
    let project = load(file)?;
    let mut files = folder::write(&project);
    files.extend(templates::tests(file)?);
    let present = files.keys().filter(|path| into.join(path).exists());
    let present = present.map(|path| Ok((path.clone(), read(&into.join(path))?))).collect::<Result<Files>>()?;
    let files = folder::merge(&present, files, force).map_err(|error| match error {
        MergeError::Conflict { path, entry } => Failure::from(Error::Exists { path: into.join(path), entry }),
        MergeError::Unreadable(FileError { path, error }) => Unreadable { path: into.join(path), source: error }.into(),
    })?;
    for (path, content) in &files {
        write(&into.join(path), content)?;
    }
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    terminal::note(format_args!(
        "imported {}, {} and {} into {}",
        count(project.flows.len(), "flow"),
        count(project.tables.len(), "table"),
        count(project.connections.len(), "connection"),
        into.display()
    ));
    let findings = validate::project(&project, Some(&Cards)).len();
    if findings > 0 {
        terminal::note(format_args!(
            "note: `oktant flow validate {}` has {} to look at",
            into.display(),
            count(findings, "finding")
        ));
    }
    Ok(())
}

fn export(path: &Path, out: Option<&Path>) -> Result<()> {
    let pack = flopack::export(&load(path)?)?;
    let text = format!("{pack:#}\n");
    match out {
        Some(out) => write(out, &text),
        None => output::print_bytes(text.as_bytes()),
    }
}

fn validate(paths: &[PathBuf]) -> Result<ExitCode> {
    let mut lines = Vec::new();
    for path in paths {
        let findings: Vec<String> = match load_with_surroundings(path) {
            Ok(findings) => findings.iter().map(ToString::to_string).collect(),
            Err(failure) if failure.code() == oktant_base::codes::OKT4103 => vec![one_line(&failure.report())],
            Err(failure) => return Err(failure),
        };
        lines.extend(findings.into_iter().map(|finding| format!("{}: {finding}\n", path.display())));
    }
    output::print_bytes(lines.concat().as_bytes())?;
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one_line(report: &str) -> String {
    report.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// The findings of a path; those of a single file with the project around it in mind.
fn load_with_surroundings(path: &Path) -> Result<Vec<validate::Finding>> {
    let project = load(path)?;
    if path.is_dir() || !is_text(path) {
        return Ok(validate::project(&project, Some(&Cards)));
    }
    let surroundings = surrounding_folder(path).map(|root| load_folder(&root)).transpose()?;
    let context = Context { project: surroundings.as_ref(), catalogue: Some(&Cards) };
    Ok(project.flows.values().flat_map(|flow| validate::flow(flow, context)).collect())
}

fn format(paths: &[PathBuf], check: bool) -> Result<ExitCode> {
    let mut changed = false;
    for path in flow_files(paths)? {
        let before = read(&path)?;
        let after = text::format(&before).map_err(|source: TextError| Unreadable { path: path.clone(), source })?;
        if before == after {
            continue;
        }
        changed = true;
        if check {
            output::print_bytes(format!("{}\n", path.display()).as_bytes())?;
        } else {
            write(&path, &after)?;
        }
    }
    Ok(if check && changed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The files of flows among paths and in folders.
fn flow_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let inside = files(path)?.into_keys().filter(|file| file.ends_with(FLOW_SUFFIX));
        found.extend(inside.map(|file| path.join(file)));
    }
    Ok(found)
}

fn list(path: &Path, format: Option<Format>) -> Result<()> {
    let flows = summary::project(&load(path)?);
    let line = |flow: &Summary| serde_json::to_string(flow).unwrap_or_default();
    match format.unwrap_or(Format::Table) {
        Format::Json => {
            let lines: Vec<_> = flows.iter().map(line).collect();
            output::print_bytes(format!("[\n{}\n]\n", lines.join(",\n")).as_bytes())
        }
        Format::Jsonl => output::print_bytes(flows.iter().map(|flow| line(flow) + "\n").collect::<String>().as_bytes()),
        format => output::write_batch(format, &rows(&flows)?, &Destination::Stdout),
    }
}

fn rows(flows: &[Summary]) -> Result<RecordBatch> {
    let column = |value: fn(&Summary) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(flows.iter().map(value)))
    };
    let cards: ArrayRef = Arc::new(Int64Array::from_iter_values(flows.iter().map(|flow| flow.cards as i64)));
    RecordBatch::try_from_iter([
        ("Flow", column(|flow| flow.id.to_string())),
        ("Name", column(|flow| flow.name.clone())),
        ("Starts", column(|flow| flow.starts.clone())),
        ("Cards", cards),
        ("Calls", column(|flow| flow.calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))),
    ])
    .map_err(|source| Error::Encode { format: Format::Table, source }.into())
}

fn show(path: &Path, wanted: Option<&str>, json: bool) -> Result<()> {
    let project = load(path)?;
    let is_wanted =
        |flow: &&oktant_flow::model::Flow| wanted.is_none_or(|name| flow.id.as_str() == name || flow.name == name);
    let flows: Vec<_> = project.flows.values().filter(is_wanted).collect();
    if let (Some(flow), true) = (wanted, flows.is_empty()) {
        return Err(Error::NoFlow { path: path.display().to_string(), flow: flow.to_owned() }.into());
    }
    let texts: Vec<String> = if json {
        let graph = |flow: &&oktant_flow::model::Flow| {
            let mut flow = (*flow).clone();
            flow.kept = oktant_flow::model::Kept::default();
            serde_json::to_string_pretty(&flow).unwrap_or_default() + "\n"
        };
        flows.iter().map(graph).collect()
    } else {
        flows.iter().map(|flow| text::write(flow)).collect()
    };
    output::print_bytes(texts.join(if json { "" } else { "---\n" }).as_bytes())
}

fn differences(old: &Path, new: &Path) -> Result<ExitCode> {
    let changes = diff::projects(&load(old)?, &load(new)?);
    let lines: Vec<_> = changes.iter().map(|change| one_line(&change.to_string()) + "\n").collect();
    output::print_bytes(lines.concat().as_bytes())?;
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
