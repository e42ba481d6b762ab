//! The sources of a configuration, laid over each other key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use oktant_base::codes;
use serde_json::Value as Json;

use super::error::{Problem, Source};
use super::keys::{self, Key, Shape};
use super::surroundings::Surroundings;
use super::tree::{self, Node, Value};

/// Bytes of a configuration file. More is another file by mistake.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Name of the file in the project's folder and in `.okta` of the home folder.
const FILE_NAME: &str = "okta.yaml";

const PROFILE_VARIABLES: [&str; 2] = ["OKTA_PROFILE", "OKTA_CLIENT_PROFILE"];

/// A value in force, and where it came from.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) source: Source,
}

/// The values in force after every source had its say.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) entries: BTreeMap<&'static str, Entry>,
    pub(super) problems: Vec<Problem>,
    /// What was ignored.
    pub(super) warnings: Vec<Problem>,
}

/// Where the values of one walk come from.
enum Origin<'a> {
    File(&'a Path),
    Code,
}

impl Origin<'_> {
    fn source(&self, line: Option<u64>) -> Source {
        match self {
            Self::File(path) => Source::File { path: path.to_path_buf(), line },
            Self::Code => Source::Code,
        }
    }
}

impl Layers {
    /// Takes the files, the lowest first, and over them the profile chosen.
    pub(super) fn take_files(&mut self, around: &Surroundings, explicit: Option<&Path>, profile: Option<&str>) {
        let files = match explicit {
            Some(path) => vec![(around.directory.join(path), true)],
            None => standard_files(around),
        };
        let files: Vec<_> = files
            .into_iter()
            .filter_map(|(path, required)| Some((self.read(around, &path, required)?, path)))
            .collect();
        for (root, path) in &files {
            self.take_sections("", root, &Origin::File(path));
        }
        let given = |name: &str| around.variables.get(name).filter(|value| !value.trim().is_empty());
        let named = PROFILE_VARIABLES.iter().find_map(|name| Some((given(name)?, *name)));
        match (profile, named) {
            (Some(profile), _) => self.take_profile(&files, profile, Source::Code),
            (None, Some((profile, name))) => self.take_profile(&files, profile, Source::Variable(name.to_owned())),
            (None, None) => {}
        }
    }

    fn take_profile(&mut self, files: &[(Node, PathBuf)], profile: &str, source: Source) {
        let mut known = BTreeSet::new();
        let mut found = false;
        for (root, path) in files {
            for (name, node) in
                members(root).iter().filter(|(name, _)| name == "profiles").flat_map(|(_, n)| members(n))
            {
                known.insert(name.as_str());
                if name == profile {
                    found = true;
                    self.take_sections(&format!("profiles.{name}"), node, &Origin::File(path));
                }
            }
        }
        if !found {
            let known: Vec<&str> = known.into_iter().collect();
            let hint = if known.is_empty() {
                "add it under okta.profiles of okta.yaml".to_owned()
            } else {
                format!("the files have {}", known.join(", "))
            };
            let message = format!("there is no profile \"{profile}\"");
            self.problems.push(Problem::new("okta.profiles", Some(source), codes::OKT1004, message).hint(hint));
        }
    }

    /// Takes the environment: other programs' variables, and over them `OKTA_CLIENT_*` and `OKTA_TESTING_*`.
    pub(super) fn take_variables(&mut self, variables: &BTreeMap<String, String>) {
        let given = |name: &str| variables.get(name).filter(|value| !value.trim().is_empty());
        if let Some(org) = given("OKTA_ORG_NAME") {
            let (base, names) = match given("OKTA_BASE_URL") {
                Some(base) => (base.as_str(), "OKTA_ORG_NAME with OKTA_BASE_URL"),
                None => ("okta.com", "OKTA_ORG_NAME"),
            };
            self.put_variable("client.orgUrl", names, format!("https://{}.{}", org.trim(), base.trim()));
        }
        for (name, path) in keys::FOREIGN_VARIABLES {
            if let Some(value) = given(name) {
                self.put_variable(path, name, value.clone());
            }
        }
        let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for (name, value) in variables.iter().filter(|(_, value)| !value.trim().is_empty()) {
            let known = ["OKTA_CLIENT_", "OKTA_TESTING_"].iter().any(|prefix| name.starts_with(prefix));
            if !known || PROFILE_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let source = Source::Variable(name.clone());
            let Some(key) = name.strip_prefix("OKTA_").and_then(keys::find_variable) else {
                self.warnings.push(unknown_variable(name, source));
                continue;
            };
            let earlier = seen.insert(key.path, (name, value)).filter(|(_, earlier)| earlier != value);
            if let Some((other, _)) = earlier {
                self.problems.push(given_twice(key, (name, other), source, &keys::variable(key)));
                continue;
            }
            self.put_variable(key.path, name, value.clone());
        }
    }

    fn put_variable(&mut self, path: &str, name: &str, value: String) {
        let node = Node { value: Value::Scalar(value), line: None };
        if let Some(key) = keys::find(path) {
            self.put(key, node, Source::Variable(name.to_owned()));
        }
    }

    /// Takes what the program passes: the client's keys, with or without the sections around them.
    pub(super) fn take_code(&mut self, values: &Json) {
        let node = tree::json(values);
        let members = match node.value {
            Value::Map(members) => members,
            Value::Null => return,
            Value::Scalar(_) | Value::List(_) => {
                let message = "the values passed in code are not a map";
                return self.problems.push(Problem::new("okta", Some(Source::Code), codes::OKT1003, message));
            }
        };
        let mut client = Vec::new();
        for (name, node) in members {
            match name.as_str() {
                "okta" => self.take_sections("", &node, &Origin::Code),
                "client" | "testing" => self.walk(&name, node, &Origin::Code),
                _ => client.push((name, node)),
            }
        }
        self.walk("client", Node { value: Value::Map(client), line: None }, &Origin::Code);
    }

    /// The section `okta` of a file, if there is the file and the section.
    fn read(&mut self, around: &Surroundings, path: &Path, required: bool) -> Option<Node> {
        let source = |line| Some(Source::File { path: path.to_path_buf(), line });
        let mut refuse = |line, code, reason: String| {
            let message = format!("{} cannot be used: {reason}", path.display());
            self.problems.push(Problem::new("", source(line), code, message));
            None
        };
        let bytes = match around.files.read(path, FILE_BYTES_MAX + 1) {
            Ok(bytes) => bytes,
            // Where a file stands for the folder, there is none either.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) && !required =>
            {
                return None;
            }
            Err(error) => return refuse(None, codes::OKT4002, error.to_string()),
        };
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return refuse(None, codes::OKT1003, "it is larger than 1 MiB".to_owned());
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return refuse(None, codes::OKT1003, "it is not UTF-8".to_owned());
        };
        let root = match tree::yaml(&text) {
            Ok(root) => root,
            Err(broken) => return refuse(broken.line, codes::OKT1003, broken.reason),
        };
        let members = match root.value {
            Value::Map(members) => members,
            Value::Null => return None,
            Value::Scalar(_) | Value::List(_) => {
                return refuse(root.line, codes::OKT1003, "it does not begin with the section okta".to_owned());
            }
        };
        let (_, okta) = members.into_iter().find(|(name, _)| name == "okta")?;
        match okta.value {
            Value::Map(_) => Some(okta),
            Value::Null => None,
            Value::Scalar(_) | Value::List(_) => {
                refuse(okta.line, codes::OKT1003, "okta is not a map of sections".to_owned())
            }
        }
    }

    /// Takes the sections of the file, of the values in code or of one profile; `place` is where they stand.
    fn take_sections(&mut self, place: &str, root: &Node, origin: &Origin<'_>) {
        let source = origin.source(root.line);
        if matches!(root.value, Value::Scalar(_) | Value::List(_)) {
            let dotted = if place.is_empty() { "okta".to_owned() } else { keys::dotted(place) };
            let message = format!("{dotted} is not a map of sections");
            return self.problems.push(Problem::new(&dotted, Some(source), codes::OKT1003, message));
        }
        for (name, node) in members(root) {
            match (name.as_str(), origin) {
                ("profiles", Origin::File(_)) if place.is_empty() => {}
                _ => self.walk(name, node.clone(), origin),
            }
        }
    }

    /// Books `node` at the dotted `path`, or what it holds below it.
    fn walk(&mut self, path: &str, node: Node, origin: &Origin<'_>) {
        if node.value == Value::Null {
            return;
        }
        let source = origin.source(node.line);
        if let Some(key) = keys::find(path) {
            return self.put(key, node, source);
        }
        if !keys::is_group(path) {
            return self.warnings.push(unknown(path, source));
        }
        let Value::Map(members) = node.value else {
            let key = keys::dotted(path);
            let message = format!("{key} is a group of settings, not a value");
            return self.problems.push(Problem::new(&key, Some(source), codes::OKT1002, message));
        };
        let mut seen: BTreeMap<&str, (String, Json)> = BTreeMap::new();
        for (name, member) in members {
            let path = format!("{path}.{name}");
            if let Some(key) = keys::find(&path) {
                let value = tree::to_json(&member);
                let earlier = seen.insert(key.path, (path.clone(), value.clone()));
                if let Some((other, _)) = earlier.filter(|(_, earlier)| *earlier != value) {
                    let names = (&*keys::dotted(&path), &*keys::dotted(&other));
                    let problem = given_twice(key, names, origin.source(member.line), &keys::dotted(key.path));
                    self.problems.push(problem);
                    continue;
                }
            }
            self.walk(&path, member, origin);
        }
    }

    fn put(&mut self, key: &'static Key, mut node: Node, source: Source) {
        // Maps of names merge name by name, as groups of keys do.
        if let (Shape::Map, Value::Map(new)) = (key.shape, &node.value)
            && let Some(Entry { node: Node { value: Value::Map(old), .. }, .. }) = self.entries.get(key.path)
        {
            let replaced = |name: &str| new.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
            let kept = old.iter().filter(|(name, _)| !replaced(name)).cloned();
            node.value = Value::Map(kept.chain(new.iter().cloned()).collect());
        }
        self.entries.insert(key.path, Entry { node, source });
    }
}

fn standard_files(around: &Surroundings) -> Vec<(PathBuf, bool)> {
    let home = around.home.iter().map(|home| home.join(".okta").join(FILE_NAME));
    home.chain([around.directory.join(FILE_NAME)]).map(|path| (path, false)).collect()
}

fn members(node: &Node) -> &[(String, Node)] {
    match &node.value {
        Value::Map(members) => members,
        _ => &[],
    }
}

/// Two spellings of one key disagree.
fn given_twice(key: &Key, (name, other): (&str, &str), source: Source, kept: &str) -> Problem {
    let dotted = keys::dotted(key.path);
    let message = format!("{name} and {other} give {dotted} different values");
    Problem::new(&dotted, Some(source), codes::OKT1004, message).hint(format!("keep {kept}"))
}

fn unknown(path: &str, source: Source) -> Problem {
    let key = keys::dotted(path);
    let problem = Problem::new(&key, Some(source), codes::OKT1001, format!("{key} is unknown and has no effect"));
    match keys::nearest(path) {
        Some(nearest) => problem.hint(format!("did you mean {}?", keys::dotted(nearest))),
        None => problem,
    }
}

fn unknown_variable(name: &str, source: Source) -> Problem {
    let problem = Problem::new(name, Some(source), codes::OKT1001, format!("{name} is unknown and has no effect"));
    let known: Vec<String> = keys::KEYS.iter().map(keys::variable).collect();
    match crate::nearest::nearest(name, known.iter().map(String::as_str), 1).pop() {
        Some(nearest) => problem.hint(format!("did you mean {nearest}?")),
        None => problem,
    }
}
