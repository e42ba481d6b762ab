//! A project that is laid into the folder of another one.

use crate::text::yaml::{self, Data};

use super::{FileError, Files, failed};

/// Files whose entries are put together, by their ids.
const SHARED: [&str; 3] = ["connections.yaml", "folders.yaml", "tables.yaml"];

/// Why two projects cannot lie in one folder.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file that is there cannot be read.
    #[error(transparent)]
    Unreadable(#[from] FileError),
    /// Both have it, and it is not the same.
    #[error("{path} exists and says something else{}", entry.as_ref().map(|id| format!(" of {id}")).unwrap_or_default())]
    Conflict {
        /// The file.
        path: String,
        /// The table, connection or folder in it; nothing if it is the whole file.
        entry: Option<String>,
    },
}

/// The files of `added`, as they are to be written into a folder that holds `present`: the tables, connections and
/// folders of both stand in one file, with its comments.
///
/// What both say differently is replaced by what is added if `replace` says so.
///
/// # Errors
///
/// [`MergeError::Conflict`] if both say something else of the same thing; [`MergeError::Unreadable`].
pub fn merge(present: &Files, added: Files, replace: bool) -> Result<Files, MergeError> {
    let merged = added.into_iter().map(|(path, content)| {
        let content = match present.get(&path) {
            Some(present) if *present != content && SHARED.contains(&path.as_str()) => {
                entries(&path, present, &content, replace)?
            }
            Some(present) if *present != content && !replace => {
                return Err(MergeError::Conflict { path, entry: None });
            }
            _ => content,
        };
        Ok((path, content))
    });
    merged.collect()
}

/// The entries of two files in one; the first as it was, if the other one has nothing more.
fn entries(path: &str, present: &str, added: &str, replace: bool) -> Result<String, MergeError> {
    let parse = |text: &str| yaml::parse(text).map_err(|error| failed(path, error));
    let ((mut root, rest), (new, _)) = (parse(present)?, parse(added)?);
    let (Data::Map(known), Data::Map(new)) = (&mut root.data, new.data) else { return Ok(present.to_owned()) };
    let mut changed = false;
    for (id, mut entry) in new {
        match known.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) if known.to_json() == entry.to_json() => continue,
            Some(_) if !replace => return Err(MergeError::Conflict { path: path.to_owned(), entry: Some(id) }),
            Some((_, known)) => {
                yaml::carry(known, &mut entry);
                *known = entry;
            }
            None => known.push((id, entry)),
        }
        changed = true;
    }
    Ok(if changed { yaml::write(&root, &rest) } else { present.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(path: &str, content: &str) -> Files {
        Files::from([(path.to_owned(), content.to_owned())])
    }

    #[test]
    fn connections_of_both_stand_in_one_file() {
        let present = files("connections.yaml", "# Ours.\nokta: # the test org\n  name: Okta\n  module: okta\n");
        let added = "okta: {module: okta, name: Okta}\nmail: {name: Mail, module: smtp}\n";
        let merged = merge(&present, files("connections.yaml", added), false).unwrap();
        let expected =
            "# Ours.\nokta: # the test org\n  name: Okta\n  module: okta\nmail:\n  name: Mail\n  module: smtp\n";
        assert_eq!(merged["connections.yaml"], expected);
        assert_eq!(
            merge(&merged, files("connections.yaml", added), false).unwrap(),
            merged,
            "nothing is written twice"
        );
        assert_eq!(merge(&Files::new(), files("x", added), false).unwrap()["x"], added);
    }

    #[test]
    fn what_both_say_differently_is_replaced_only_if_asked_for() {
        let present = files("tables.yaml", "a:\n  columns: {x: text}\nb:\n  columns: {}\n");
        let added = || files("tables.yaml", "a:\n  columns: {z: text}\n");
        let refused = merge(&present, added(), false).unwrap_err();
        assert_eq!(refused.to_string(), "tables.yaml exists and says something else of a");
        let merged = merge(&present, added(), true).unwrap();
        assert!(merged["tables.yaml"].contains("z: text") && merged["tables.yaml"].contains("b:"), "{merged:?}");
        let (one, other) = (files("flows/a.flow.yaml", "flow: A\n"), files("flows/a.flow.yaml", "flow: B\n"));
        assert!(merge(&one, other.clone(), false).is_err());
        assert_eq!(merge(&one, other.clone(), true).unwrap(), other);
    }
}
