//! Generated files: writing them, or comparing them with those committed.

use std::fmt::Write as _;
use std::path::Path;

use super::Error;

/// How many differing lines of a file are shown.
const SHOWN_LINES: usize = 8;

/// One generated file.
#[derive(Debug)]
pub struct Output {
    /// Path inside the workspace.
    pub path: String,
    /// All of it.
    pub content: String,
}

/// Writes the files that changed, and says which.
pub(crate) fn write(outputs: &[Output], workspace: &Path) -> Result<String, Error> {
    let mut report = String::new();
    for output in outputs {
        let path = workspace.join(&output.path);
        if std::fs::read_to_string(&path).is_ok_and(|committed| committed == output.content) {
            let _ = writeln!(report, "unchanged {}", output.path);
            continue;
        }
        let failed = |source| Error::File { action: "write", path: path.clone(), source };
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        std::fs::write(&path, &output.content).map_err(failed)?;
        let _ = writeln!(report, "wrote {} ({} lines)", output.path, output.content.lines().count());
    }
    Ok(report)
}

/// Fails with a summary if a committed file is not what was generated.
pub(crate) fn check(outputs: &[Output], workspace: &Path) -> Result<String, Error> {
    let mut report = String::new();
    for output in outputs {
        let committed = std::fs::read_to_string(workspace.join(&output.path)).unwrap_or_default();
        if committed != output.content {
            let _ = writeln!(report, "{}", output.path);
            report.push_str(&difference(&committed, &output.content));
        }
    }
    if !report.is_empty() {
        return Err(Error::Outdated(report));
    }
    Ok(format!("{} generated files are up to date\n", outputs.len()))
}

/// The first lines that differ, with how many there are on each side.
fn difference(committed: &str, generated: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (committed.lines().collect(), generated.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = || old[same_start..].iter().rev().zip(new[same_start..].iter().rev());
    let same_end = rest().take_while(|(old, new)| old == new).count();
    let removed = &old[same_start..old.len() - same_end];
    let added = &new[same_start..new.len() - same_end];
    let mut report =
        format!("  from line {}: {} lines committed, {} lines generated\n", same_start + 1, removed.len(), added.len());
    // Of two parts of equal length, only the lines that differ from their counterparts are worth reading.
    let pairs = removed.iter().zip(added).filter(|(old, new)| old != new);
    let (removed, added) =
        if removed.len() == added.len() { pairs.unzip() } else { (removed.to_vec(), added.to_vec()) };
    for (mark, lines) in [('-', removed), ('+', added)] {
        for line in lines.iter().take(SHOWN_LINES) {
            let _ = writeln!(report, "  {mark} {line}");
        }
        if lines.len() > SHOWN_LINES {
            let _ = writeln!(report, "  {mark} …");
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn only_the_lines_that_differ_are_shown() {
        let report = difference("a\nb\nc\nd\n", "a\nx\ny\nc\nd\n");
        assert_eq!(report, "  from line 2: 1 lines committed, 2 lines generated\n  - b\n  + x\n  + y\n");
    }

    #[test]
    fn lines_that_stayed_between_two_changes_are_not_shown() {
        let report = difference("a\nb\nc\n", "x\nb\ny\n");
        assert_eq!(report, "  from line 1: 3 lines committed, 3 lines generated\n  - a\n  - c\n  + x\n  + y\n");
    }

    #[test]
    fn a_missing_file_differs_as_a_whole() {
        let report = difference("", "a\n");
        assert_eq!(report, "  from line 1: 0 lines committed, 1 lines generated\n  + a\n");
    }
}
