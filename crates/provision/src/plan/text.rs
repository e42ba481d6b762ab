//! A plan as people read it.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Change, DriftReport, Entry, Plan, entry};

/// Members that an entry names.
const MEMBERS_SHOWN: usize = 5;

/// Entries that a table shows in full.
const ENTRIES_SHOWN: usize = 200;

/// The plan as a table. Not an interface: programs read the JSON.
pub fn plan_table(plan: &Plan) -> String {
    let mut text = String::new();
    // What waits for a person comes first, and is never left out.
    let (blocked, others): (Vec<_>, Vec<_>) =
        plan.changes.iter().partition(|change| matches!(change, Change::Blocked { .. }));
    for entry in blocked.iter().flat_map(|change| entry::lay_out(plan, change)) {
        write_entry(&mut text, &entry);
    }
    let mut shown = 0;
    for change in &others {
        if shown >= ENTRIES_SHOWN {
            shown += change.kinds().len();
            continue;
        }
        for entry in entry::lay_out(plan, change) {
            shown += 1;
            write_entry(&mut text, &entry);
        }
    }
    if shown > ENTRIES_SHOWN {
        line(&mut text, format_args!("… and {} more; --output json has them all", shown - ENTRIES_SHOWN));
    }
    if !plan.is_empty() {
        text.push('\n');
    }
    write_summary(&mut text, plan);
    for warning in &plan.warnings {
        let word = if warning.kind == "deferred_members" { "note" } else { "warning" };
        line(&mut text, format_args!("{word}: {}", warning.message));
    }
    for guard in &plan.tripped {
        line(&mut text, format_args!("safeguard: {guard}; --force overrides it"));
    }
    text
}

fn write_summary(text: &mut String, plan: &Plan) {
    let summary = plan.summary();
    line(
        text,
        format_args!(
            "{}, {}; {} at the target",
            counted(summary.assigned, "assigned user"),
            counted(summary.groups, "pushed group"),
            counted(summary.at_target, "user")
        ),
    );
    if summary.waiting > 0 {
        line(text, format_args!("{} not active in the org yet", counted(summary.waiting, "assigned user")));
    }
    if plan.is_empty() {
        line(text, format_args!("nothing to do"));
        return;
    }
    let kinds: Vec<String> = summary.entries.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    line(text, format_args!("{}: {}", kinds.join(", "), counted(summary.requests as usize, "request")));
}

fn write_entry(text: &mut String, entry: &Entry) {
    let sign = match entry.kind {
        "create_user" | "create_group" | "add_members" => '+',
        "deactivate_user" | "delete_user" | "delete_group" | "remove_members" => '-',
        "blocked" => '!',
        _ => '~',
    };
    let members = entry.members.as_ref().map_or_else(String::new, |members| {
        let named = members.users[..members.users.len().min(MEMBERS_SHOWN)].join(", ");
        let more = if members.count > MEMBERS_SHOWN { ", …" } else { "" };
        format!(" ({}): {named}{more}", members.count)
    });
    line(text, format_args!("{sign} {:<15} {}{members}  ({})", entry.kind, entry.name, entry.reason));
    for field in &entry.fields {
        let change = match (&field.before, &field.after) {
            (Json::Null, after) => after.to_string(),
            (before, Json::Null) => format!("{before} -> nothing"),
            (before, after) => format!("{before} -> {after}"),
        };
        line(text, format_args!("    {}: {change}", field.attribute));
    }
    if let Some(hint) = &entry.hint {
        line(text, format_args!("    hint: {hint}"));
    }
}

impl DriftReport {
    /// The report as a table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for drift in &self.drift {
            let attribute = drift.attribute.as_deref().map_or_else(String::new, |name| format!(" {name}"));
            line(
                &mut text,
                format_args!(
                    "! {:<15} {}{attribute}: {} -> {}  ({})",
                    drift.kind.to_string(),
                    drift.name,
                    drift.applied,
                    drift.found,
                    drift.policy
                ),
            );
        }
        let (differences, examined) = (counted(self.drift.len(), "difference"), self.examined);
        line(&mut text, format_args!("{differences} in {examined} users and groups"));
        text
    }
}

/// A number with its noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{arguments}");
}
