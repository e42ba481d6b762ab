//! Adding up and printing comparisons.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::compare::Shape;
use super::error::Error;
use super::recording::Script;

/// Most frequent reasons that are printed.
const REASONS_MAX: usize = 40;

/// What was sent as body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentBody {
    /// The operation takes none, or none was recorded for it.
    None,
    /// The recorded one.
    Recorded,
    /// The recorder lost it; one was put together from the answer.
    Rebuilt,
    /// The recorder lost it, and the answer tells nothing about it.
    Lost,
}

/// Why the status of a request may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Nothing but the sandbox.
    Sandbox,
    /// It names something that stood in the recorded org before the script.
    Presumed,
    /// The recorder lost the body.
    Lost,
    /// The recorded org failed.
    Failure,
    /// The description has no such operation.
    NoOperation,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "the sandbox answers otherwise",
            Self::Presumed => "names something that stood in the recorded org before",
            Self::Lost => "its body was lost by the recorder",
            Self::Failure => "the recorded org failed (5xx)",
            Self::NoOperation => "no operation of the catalogue",
        }
    }
}

/// One request, compared.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) operation: String,
    pub(super) area: &'static str,
    pub(super) class: Class,
    pub(super) recorded_status: u16,
    pub(super) actual_status: u16,
    pub(super) sent: SentBody,
    pub(super) shape: Shape,
    pub(super) summary: String,
}

#[derive(Debug, Default, Clone)]
struct Tally {
    requests: usize,
    same_status: usize,
    keys: usize,
    equal_keys: usize,
    rebuilt: usize,
    lost: usize,
    foreign: usize,
}

/// All comparisons of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    operations: BTreeMap<(&'static str, String), Tally>,
    reasons: BTreeMap<String, usize>,
    /// Requests with another status, by why.
    classes: BTreeMap<Class, usize>,
    mismatches: Vec<String>,
    left_out: Vec<String>,
    unrepeatable: usize,
}

impl Tally {
    fn add(&mut self, comparison: &Comparison) {
        self.requests += 1;
        self.same_status += usize::from(comparison.recorded_status == comparison.actual_status);
        self.keys += comparison.shape.keys;
        self.equal_keys += comparison.shape.equal;
        self.foreign += comparison.shape.foreign;
        self.rebuilt += usize::from(comparison.sent == SentBody::Rebuilt);
        self.lost += usize::from(comparison.sent == SentBody::Lost);
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.same_status += other.same_status;
        self.keys += other.keys;
        self.equal_keys += other.equal_keys;
        self.rebuilt += other.rebuilt;
        self.lost += other.lost;
        self.foreign += other.foreign;
    }

    fn status_percent(&self) -> f64 {
        percent(self.same_status, self.requests)
    }

    fn keys_percent(&self) -> f64 {
        percent(self.equal_keys, self.keys)
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<44} {:>5} {:>5} {:>6.1} % {:>6} {:>6.1} % {:>8} {:>5} {:>8}",
            self.requests,
            self.same_status,
            self.status_percent(),
            self.keys,
            self.keys_percent(),
            self.rebuilt,
            self.lost,
            self.foreign,
        )
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}

impl Report {
    pub(super) fn left_out(&mut self, script: &Script) {
        self.left_out.push(script.name.clone());
    }

    pub(super) fn unrepeatable(&mut self) {
        self.unrepeatable += 1;
    }

    pub(super) fn add(&mut self, place: &str, comparison: &Comparison) {
        self.operations.entry((comparison.area, comparison.operation.clone())).or_default().add(comparison);
        if comparison.recorded_status != comparison.actual_status {
            self.add_wrong_status(place, comparison);
            return;
        }
        for miss in &comparison.shape.misses {
            self.mismatches.push(format!("{place} {}: {miss}", comparison.operation));
            *self.reasons.entry(format!("{} {miss}", comparison.operation)).or_default() += 1;
        }
    }

    fn add_wrong_status(&mut self, place: &str, comparison: &Comparison) {
        let Comparison { operation, recorded_status, actual_status, .. } = comparison;
        let lost = if comparison.sent == SentBody::Lost { ", body lost" } else { "" };
        let reason = format!("{operation}: {actual_status} instead of {recorded_status}{lost}");
        self.mismatches.push(format!("{place} {reason} ({})", comparison.summary));
        *self.classes.entry(comparison.class).or_default() += 1;
        let keys = comparison.shape.misses.len().max(1);
        // What an answer says about one id is the same reason for another.
        let summary = comparison.summary.split(' ').filter(|word| word.len() != 20).collect::<Vec<_>>().join(" ");
        *self.reasons.entry(format!("{reason} ({summary})")).or_default() += keys;
    }

    fn areas(&self) -> BTreeMap<&'static str, Tally> {
        let mut areas: BTreeMap<&'static str, Tally> = BTreeMap::new();
        for ((area, _), tally) in &self.operations {
            areas.entry(area).or_default().merge(tally);
        }
        areas
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.operations.values().for_each(|tally| total.merge(tally));
        total
    }

    /// Writes the table per operation, the totals per area and the most frequent reasons.
    pub(super) fn print(&self, out: &mut impl Write, verbose: bool) -> io::Result<()> {
        let head =
            "operation                                     sent  same   status   keys     same  rebuilt  lost  foreign";
        writeln!(out, "{head}")?;
        for (area, total) in self.areas() {
            writeln!(out)?;
            for ((_, operation), tally) in self.operations.iter().filter(|((known, _), _)| *known == area) {
                writeln!(out, "{}", tally.row(operation))?;
            }
            writeln!(out, "{}", total.row(&format!("= {area}")))?;
        }
        writeln!(out, "\n{}", self.total().row("= all"))?;
        self.print_notes(out)?;
        self.print_classes(out)?;
        self.print_reasons(out)?;
        if verbose {
            writeln!(out, "\nEvery mismatch:")?;
            for mismatch in &self.mismatches {
                writeln!(out, "  {mismatch}")?;
            }
        }
        Ok(())
    }

    fn print_notes(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\nsame: the status is the recorded one; keys: members of recorded answers, with how many of them"
        )?;
        writeln!(
            out,
            "are there with the same JSON type (none, where the status differs). Lost by the recorder were bodies"
        )?;
        writeln!(
            out,
            "of requests: rebuilt from the answer where it shows them, else sent without. Foreign are elements"
        )?;
        writeln!(out, "of lists that the recorded org had before the script began; they are not compared.")?;
        writeln!(
            out,
            "Not sent: {} requests, for tokens (the credentials were removed) or to a host that was no org.",
            self.unrepeatable
        )?;
        if self.left_out.is_empty() {
            return Ok(());
        }
        writeln!(out, "Left out as written by hand: {}.", self.left_out.join(", "))
    }

    fn print_classes(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\nOther statuses than recorded, by why:")?;
        for (class, count) in &self.classes {
            writeln!(out, "{count:>6}  {}", class.name())?;
        }
        Ok(())
    }

    fn print_reasons(&self, out: &mut impl Write) -> io::Result<()> {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), reason.as_str()));
        writeln!(out, "\nWhat costs most, in keys:")?;
        for (reason, count) in reasons.into_iter().take(REASONS_MAX) {
            writeln!(out, "{count:>6}  {reason}")?;
        }
        Ok(())
    }

    /// Whether nothing was compared.
    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Compares the whole with the thresholds, in percent.
    pub(super) fn check(&self, status_min: f64, keys_min: f64) -> Result<(), Error> {
        if self.is_empty() {
            return Err(Error::NothingReplayed);
        }
        let total = self.total();
        let (status, keys) = (total.status_percent(), total.keys_percent());
        if status >= status_min && keys >= keys_min {
            return Ok(());
        }
        Err(Error::BelowThreshold(format!(
            "{status:.1} % of the statuses (at least {status_min} %), {keys:.1} % of the keys (at least {keys_min} %)"
        )))
    }
}
