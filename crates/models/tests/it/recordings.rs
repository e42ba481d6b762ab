//! Real answers of real orgs: read, written back, compared; and the same after mutations.

use std::fs;
use std::path::{Path, PathBuf};

use oktant_catalog::{Method, TypeRef, route};
use oktant_models::Json;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::{Chance, round_trip};

/// A successful JSON answer.
struct Answer {
    operation: &'static str,
    /// Its documented type, if it has one.
    schema: Option<TypeRef>,
    body: String,
}

#[derive(Deserialize)]
struct File {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    body: Option<Box<RawValue>>,
}

/// All answers under a folder of the shared data; `None`, with a message, if it is not there.
fn answers(folder: &str) -> Option<Vec<Answer>> {
    let data = std::env::var_os("OKTANT_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = data.join(folder);
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there (set OKTANT_SHARED_DATA)", folder.display());
        return None;
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut answers = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        let file: File = serde_json::from_str(&text).expect("a recording");
        answers.extend(file.interactions.into_iter().filter_map(answer));
    }
    Some(answers)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn answer(interaction: Interaction) -> Option<Answer> {
    let Interaction { request, response } = interaction;
    if !(200..300).contains(&response.status) {
        return None;
    }
    // A body that is not JSON is recorded as text.
    let body = response.body.filter(|body| body.get().starts_with(['{', '[']))?;
    let operation = route(method(&request.method)?, &request.path)?.operation;
    let exact = operation.responses.iter().find(|answer| answer.status == response.status);
    let documented = exact.filter(|answer| answer.schema.is_some()).or_else(|| operation.success());
    let schema = documented.and_then(|answer| answer.schema);
    Some(Answer { operation: operation.id, schema, body: body.get().to_owned() })
}

fn method(name: &str) -> Option<Method> {
    let known = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    known.into_iter().find(|method| method.as_str() == name)
}

/// Reads and writes one text; what differs, if something does.
fn problem(schema: TypeRef, json: &str) -> Option<String> {
    let (written, _) = match round_trip(schema, json) {
        Ok(result) => result,
        Err(error) => return Some(error),
    };
    // Down to the last digit, which a tree of values would not show.
    let read = Json::parse(json).expect("JSON");
    let written = Json::parse(written).expect("what is written is JSON");
    (read != written).then(|| format!("differs:\n  read    {read}\n  written {written}"))
}

/// Reads and writes every answer of a folder; prints how many there were.
#[track_caller]
fn check_fidelity(folder: &str, at_least: usize) {
    let Some(answers) = answers(folder) else { return };
    let mut problems = Vec::new();
    let (mut typed, mut deviating, mut warnings) = (0, 0, 0);
    for Answer { operation, schema, body } in &answers {
        let schema = schema.unwrap_or(TypeRef::Any);
        typed += usize::from(schema != TypeRef::Any);
        if let Some(problem) = problem(schema, body) {
            problems.push(format!("{operation}: {problem}"));
        } else if let Ok((_, found)) = round_trip(schema, body) {
            deviating += usize::from(!found.is_empty());
            warnings += found.len();
        }
    }
    eprintln!(
        "{folder}: {} answers, {typed} of a documented type; {} failures or differences; {warnings} deviations tolerated in {deviating} answers",
        answers.len(),
        problems.len()
    );
    assert!(answers.len() >= at_least, "only {} answers were found", answers.len());
    assert!(
        problems.is_empty(),
        "{} problems, first:\n{}",
        problems.len(),
        problems[..problems.len().min(5)].join("\n")
    );
}

#[test]
fn every_recorded_answer_is_read_and_written_back_unchanged() {
    check_fidelity("recordings", 650);
}

#[test]
fn so_is_every_answer_recorded_by_terraform() {
    check_fidelity("recordings-terraform", 4_000);
}

#[test]
fn mutated_answers_are_read_and_written_back_unchanged() {
    const MUTANTS: u64 = 8;
    let Some(answers) = answers("recordings") else { return };
    let mut count = 0;
    for (index, Answer { operation, schema, body }) in answers.iter().enumerate() {
        let Some(schema) = schema else { continue };
        for mutant in 0..MUTANTS {
            let seed = index as u64 * MUTANTS + mutant;
            let mut body: Value = serde_json::from_str(body).expect("JSON");
            let chance = Chance::new(seed);
            match &mut body {
                Value::Array(elements) => elements.iter_mut().for_each(|element| mutate(element, &chance)),
                body => mutate(body, &chance),
            }
            if let Some(problem) = problem(*schema, &body.to_string()) {
                panic!("{operation}, seed {seed}: {problem}");
            }
            count += 1;
        }
    }
    eprintln!("{count} mutants read and written back");
    assert!(count > 4_000, "only {count} mutants");
}

/// Changes a handful of places: unknown members and values, nulls, other types, missing members.
fn mutate(body: &mut Value, chance: &Chance) {
    let pointers = pointers(body);
    for _ in 0..=chance.below(6) {
        let pointer = chance.pick(&pointers);
        // An earlier change may have taken the place away. The kind at the top stays.
        let Some(place) = body.pointer_mut(pointer) else { continue };
        match (place, chance.below(5)) {
            (Value::Object(members), 0 | 1) => {
                members.insert("unknownMember".to_owned(), other_value(chance));
            }
            (Value::Object(members), 2) => {
                let names: Vec<String> = members.keys().cloned().collect();
                if !names.is_empty() {
                    members.shift_remove(chance.pick(&names));
                }
            }
            (Value::Array(elements), 0 | 1) => elements.insert(chance.below(elements.len() + 1), other_value(chance)),
            (place, 3) if !pointer.is_empty() => *place = Value::Null,
            (place, _) if !pointer.is_empty() => *place = other_value(chance),
            _ => {}
        }
    }
}

fn other_value(chance: &Chance) -> Value {
    let texts = [
        "\"NOT_IN_ANY_LIST\"",
        "\"\"",
        "\"ä\\u0000\\n\\\"\"",
        "0",
        "-1",
        "24.0",
        "1e300",
        "18446744073709551615",
        "true",
        "null",
        "[]",
        "{}",
        "[null, {\"type\": 7}, [[\"x\"]]]",
        "{\"type\": \"NOT_A_TYPE\", \"id\": 5, \"\": null}",
    ];
    let text: &&str = chance.pick(&texts);
    serde_json::from_str(text).expect("JSON")
}

/// Pointers to every place of a value.
fn pointers(value: &Value) -> Vec<String> {
    let mut pointers = vec![String::new()];
    let mut index = 0;
    while index < pointers.len() {
        let pointer = pointers[index].clone();
        match value.pointer(&pointer) {
            Some(Value::Object(members)) => {
                let escaped = members.keys().map(|name| name.replace('~', "~0").replace('/', "~1"));
                pointers.extend(escaped.map(|name| format!("{pointer}/{name}")));
            }
            Some(Value::Array(elements)) => {
                pointers.extend((0..elements.len()).map(|index| format!("{pointer}/{index}")));
            }
            _ => {}
        }
        index += 1;
    }
    pointers
}
