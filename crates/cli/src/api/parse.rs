//! The words after `oktant api`: which call they mean.
//!
//! Each operation has a command line of its own, made from the catalogue, so that `--help` shows
//! its parameters and a wrong one is refused before anything is sent.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args as _, FromArgMatches as _};
use oktant_catalog::{ListShape, Method, Operation, Parameter, ParameterIn, TypeRef};
use oktant_client::Call;

use crate::args::{ApiArgs, CallOptions};
use crate::failure::{Error, Result};

/// Media type of a body where the catalogue names none.
const JSON: &str = "application/json";

/// A call as the command line gives it.
pub(super) struct Invocation {
    /// Operation or path, for messages.
    pub(super) name: String,
    /// The call without its body.
    pub(super) call: Call,
    /// Where the answer holds the list.
    pub(super) list: ListShape,
    /// Type of the body.
    pub(super) media_type: &'static str,
    /// Whether a body must be given.
    pub(super) needs_body: bool,
    /// The options, wherever they stood.
    pub(super) options: CallOptions,
}

/// The outcome of reading the words.
pub(super) enum Parsed {
    /// A call to make.
    Call(Box<Invocation>),
    /// Words to look for in the catalogue.
    List(Vec<String>, CallOptions),
    /// Help that was asked for, or a mistake in the words.
    Refused(clap::Error),
}

/// Reads the words of a call.
pub(super) fn parse(args: ApiArgs) -> Result<Parsed> {
    if args.list {
        return Ok(parse_list(&args.call, args.options));
    }
    let Some((head, rest)) = args.call.split_first() else {
        return Err(Error::misuse(
            "neither an operation nor a path is named",
            "`oktant api --list` lists the operations",
        )
        .into());
    };
    match method(head) {
        Some(method) => parse_path(method, rest, args.options),
        None => parse_operation(head, rest, args.options),
    }
}

fn method(word: &str) -> Option<Method> {
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.as_str() == word)
}

fn parse_list(words: &[String], earlier: CallOptions) -> Parsed {
    let word = Arg::new("word").value_name("WORD").num_args(0..).help("Word to look for");
    match command("--list").arg(word).try_get_matches_from(words) {
        Ok(matches) => {
            let words = matches.get_many("word").unwrap_or_default().cloned().collect();
            Parsed::List(words, options(&matches, earlier))
        }
        Err(error) => Parsed::Refused(error),
    }
}

fn parse_path(method: Method, words: &[String], earlier: CallOptions) -> Result<Parsed> {
    let path = Arg::new("path").value_name("PATH").required(true).help("Path with an optional query");
    let command = command(method.as_str()).arg(path);
    let matches = match command.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return Ok(Parsed::Refused(error)),
    };
    let path = matches.get_one::<String>("path").map_or("", String::as_str);
    let operation = oktant_catalog::route(method, path.split('?').next().unwrap_or(path)).map(|found| found.operation);
    let call = Call::path(method.as_str(), path)?;
    Ok(invocation(path, call, operation, options(&matches, earlier)))
}

fn parse_operation(name: &str, words: &[String], earlier: CallOptions) -> Result<Parsed> {
    let call = Call::operation(name)?;
    let operation = oktant_catalog::operation(name);
    // The media type goes with the body and has no option of its own.
    let is_option = |parameter: &&Parameter| !parameter.name.eq_ignore_ascii_case("Content-Type");
    let parameters: Vec<&Parameter> =
        operation.iter().flat_map(|operation| operation.parameters).filter(is_option).collect();
    let about = operation.map(|operation| format!("{} {}", operation.method.as_str(), operation.path));
    let command = command(operation.map_or("operation", |operation| operation.id))
        .args(parameters.iter().copied().map(argument))
        .about(about.unwrap_or_default());
    let matches = match command.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return Ok(Parsed::Refused(error)),
    };
    let call = parameters.into_iter().try_fold(call, |call, parameter| fill(call, parameter, &matches))?;
    Ok(invocation(name, call, operation, options(&matches, earlier)))
}

fn command(name: &'static str) -> clap::Command {
    let command =
        clap::Command::new(name).bin_name(format!("oktant api {name}")).no_binary_name(true).max_term_width(100);
    CallOptions::augment_args(command)
}

fn options(matches: &ArgMatches, earlier: CallOptions) -> CallOptions {
    // The environment filled `earlier` already, and must not beat a flag that stood there.
    let flagged = matches.value_source("dsn") == Some(ValueSource::CommandLine);
    match CallOptions::from_arg_matches(matches) {
        Ok(mut later) => {
            later.connection.dsn = later.connection.dsn.filter(|_| flagged);
            earlier.overlaid(later)
        }
        Err(_) => earlier,
    }
}

fn argument(parameter: &'static Parameter) -> Arg {
    let place = match parameter.location {
        ParameterIn::Path => "Path parameter",
        ParameterIn::Query => "Query parameter",
        ParameterIn::Header => "Header",
    };
    let help = if parameter.values.is_empty() {
        place.to_owned()
    } else {
        format!("{place}: {}", parameter.values.join(", "))
    };
    Arg::new(parameter.name)
        .long(parameter.name)
        .value_name(type_name(parameter.schema))
        .required(parameter.required)
        .help(help)
        .help_heading("Parameters")
        .action(ArgAction::Append)
        .allow_hyphen_values(true)
}

fn type_name(schema: TypeRef) -> &'static str {
    match schema {
        TypeRef::Integer => "INTEGER",
        TypeRef::Number => "NUMBER",
        TypeRef::Boolean => "BOOLEAN",
        TypeRef::Array(item) => type_name(*item),
        _ => "TEXT",
    }
}

fn fill(call: Call, parameter: &Parameter, matches: &ArgMatches) -> Result<Call> {
    let values: Vec<&String> = matches.get_many(parameter.name).unwrap_or_default().collect();
    if parameter.comma_separated && !values.is_empty() {
        let joined = values.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(",");
        return Ok(call.arg(parameter.name, joined)?);
    }
    values.into_iter().try_fold(call, |call, value| Ok(call.arg(parameter.name, value.as_str())?))
}

fn invocation(name: &str, call: Call, operation: Option<&'static Operation>, options: CallOptions) -> Parsed {
    let request = operation.and_then(|operation| operation.request.as_ref());
    Parsed::Call(Box::new(Invocation {
        name: name.to_owned(),
        call,
        list: operation.map_or(ListShape::Array, |operation| operation.list),
        media_type: request.and_then(|request| request.media_types.first()).copied().unwrap_or(JSON),
        needs_body: request.is_some_and(|request| request.required),
        options,
    }))
}
