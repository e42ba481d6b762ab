//! A case more in a file of tests, whose other lines stay as they are.

use std::fmt::Write as _;

use super::case::Tests;

/// The text of a file with the cases of `more` behind its own; why it cannot have them, as the end of a sentence.
pub(super) fn appended(text: &str, more: &Tests) -> Result<String, String> {
    let read = |text: &str| serde_saphyr::from_str::<Tests>(text);
    let known = read(text).map_err(|error| format!("is there and holds no tests of a flow: {error}"))?;
    if known.flow != more.flow {
        return Err(format!("tests the flow {}, not {}", known.flow, more.flow));
    }
    let is_known = |name: &String| known.cases.iter().any(|case| case.name == *name);
    if let Some(name) = more.cases.iter().map(|case| &case.name).find(|name| is_known(name)) {
        return Err(format!("has a case \"{name}\" already"));
    }
    let own = more.text()?;
    let mut whole = format!("{}\n", text.trim_end());
    for line in items(&own) {
        let _ = writeln!(whole, "{}", moved(line, indent(&own), indent(text)));
    }
    // Whatever the form of the file is: it has to say what it said, and the new cases.
    let json = |tests: &Tests| serde_json::to_value(&tests.cases).ok();
    let mut cases = known.cases;
    cases.extend(more.cases.iter().cloned());
    let wanted = Tests { flow: known.flow, cases };
    match read(&whole) {
        Ok(read) if read.flow == wanted.flow && json(&read) == json(&wanted) => Ok(whole),
        _ => Err("is written in a form that leaves no place for a case at its end".to_owned()),
    }
}

/// The lines of the cases.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip_while(|line| !line.starts_with("cases:")).skip(1)
}

/// How far the cases of a file stand in.
fn indent(text: &str) -> usize {
    let first = items(text).find(|line| line.trim_start().starts_with("- "));
    first.map_or(0, |line| line.len() - line.trim_start().len())
}

/// A line that stands `to` where it stood `from`.
fn moved(line: &str, from: usize, to: usize) -> String {
    let rest = line.get(from..).filter(|_| line.as_bytes()[..from].iter().all(|byte| *byte == b' '));
    match rest {
        Some(rest) if !rest.trim().is_empty() => format!("{:to$}{rest}", ""),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Of the flow that looks people up.
flow: look_up
cases:
    # The usual case.
    - name: finds the user
      given: {body/login: ann}   # by hand
      returns: {text: 'a: b'}
";

    fn more(flow: &str, name: &str) -> Tests {
        let case = format!("{{name: {name}, returns: {{text: \"two\\n\\n  lines\\n\", list: [a, {{b: 1}}]}}}}");
        serde_saphyr::from_str(&format!("{{flow: {flow}, cases: [{case}]}}")).unwrap()
    }

    #[test]
    fn a_case_is_added_and_nothing_else_changes() {
        for text in [FILE.to_owned(), FILE.replace("\n    ", "\n"), FILE.replace("\n    ", "\n  ")] {
            let whole = appended(&text, &more("look_up", "new")).unwrap();
            assert!(whole.starts_with(&text), "{whole}");
            let twice = appended(&whole, &more("look_up", "newer")).unwrap();
            let tests: Tests = serde_saphyr::from_str(&twice).unwrap();
            let names: Vec<_> = tests.cases.iter().map(|case| case.name.as_str()).collect();
            assert_eq!(names, ["finds the user", "new", "newer"], "{twice}");
            assert_eq!(tests.cases[2].returns, more("look_up", "newer").cases[0].returns, "{twice}");
        }
    }

    #[test]
    fn what_is_no_place_for_a_case_is_refused() {
        for (text, flow, name, expected) in [
            ("milk\neggs\n", "look_up", "new", "holds no tests"),
            ("", "look_up", "new", "holds no tests"),
            (FILE, "other", "new", "tests the flow look_up, not other"),
            (FILE, "look_up", "finds the user", "has a case"),
            ("cases: [{name: one}]\nflow: look_up\n", "look_up", "new", "no place"),
            ("cases:\n- name: one\nflow: look_up\n", "look_up", "new", "no place"),
        ] {
            let refused = appended(text, &more(flow, name)).unwrap_err();
            assert!(refused.contains(expected), "{expected} in {refused}");
        }
    }
}
