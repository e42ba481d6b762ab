//! Columns aligned for people, or one line per value where a terminal is too narrow.
//!
//! Widths come from the first rows; a later value that is wider pushes its line out instead of
//! making everyone wait for the whole result.

use std::fmt::Write as _;

use anstyle::Style;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use oktant_base::Code;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use super::{Encoder, cells};
use crate::terminal::{ALARM, FAINT, STRONG};

/// Rows that are looked at together to find the widths.
const ROWS_PER_CHUNK: usize = 500;

/// Columns narrower than this are not worth reading; values stand below each other then.
const WRAPPED_WIDTH_MIN: usize = 24;

const GAP: &str = "  ";
const NULL: &str = "NULL";

type Row = Vec<Option<String>>;

pub(super) struct Table {
    headers: Vec<String>,
    numeric: Vec<bool>,
    terminal_width: Option<usize>,
    colour: bool,
    layout: Option<Layout>,
    pending: Vec<Row>,
    printed: usize,
}

/// How rows are laid out, once the first ones are known.
enum Layout {
    /// One line per row, with these column widths.
    Grid(Vec<usize>),
    /// One line per value, with names of this width.
    Records(usize),
}

impl Table {
    /// A table for a terminal of a given width, or for anything else.
    pub(super) fn new(schema: &SchemaRef, terminal_width: Option<usize>, colour: bool) -> Self {
        let fields = schema.fields();
        Self {
            headers: fields.iter().map(|field| cells::harmless(field.name()).replace('\n', " ")).collect(),
            numeric: fields.iter().map(|field| field.data_type().is_numeric()).collect(),
            terminal_width,
            colour,
            layout: None,
            pending: Vec::new(),
            printed: 0,
        }
    }

    fn print_pending(&mut self, out: &mut Vec<u8>) {
        let mut text = String::new();
        let rows = std::mem::take(&mut self.pending);
        let layout = self.layout.take().unwrap_or_else(|| {
            let layout = self.choose_layout(&rows);
            if let Layout::Grid(widths) = &layout {
                self.push_head(widths, &mut text);
            }
            layout
        });
        for row in &rows {
            self.printed += 1;
            match &layout {
                Layout::Grid(widths) => self.push_row(row, widths, &mut text),
                Layout::Records(width) => self.push_record(row, *width, &mut text),
            }
        }
        self.layout = Some(layout);
        out.extend_from_slice(text.as_bytes());
    }

    fn choose_layout(&self, rows: &[Row]) -> Layout {
        let mut widths: Vec<usize> = (0..self.headers.len())
            .map(|column| {
                let cells = rows.iter().flat_map(|row| shown(row[column].as_deref()).lines());
                cells.map(UnicodeWidthStr::width).chain([self.headers[column].width()]).max().unwrap_or(0)
            })
            .collect();
        if rows.is_empty() || self.terminal_width.is_none_or(|available| fit(&mut widths, available)) {
            return Layout::Grid(widths);
        }
        Layout::Records(self.headers.iter().map(|header| header.width()).max().unwrap_or(0))
    }

    fn push_head(&self, widths: &[usize], text: &mut String) {
        let headers = self.headers.iter().map(|header| (header.as_str(), STRONG));
        self.push_line(headers, widths, text);
        let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.push_line(rules.iter().map(|rule| (rule.as_str(), FAINT)), widths, text);
    }

    /// A row takes as many lines as its tallest value. Only a terminal makes long values wrap.
    fn push_row(&self, row: &Row, widths: &[usize], text: &mut String) {
        let wrap_at = |column: usize| if self.terminal_width.is_some() { widths[column] } else { usize::MAX };
        let cells: Vec<Vec<&str>> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                shown(cell.as_deref()).lines().flat_map(|line| wrapped(line, wrap_at(column))).collect()
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for line in 0..height {
            let line = cells.iter().zip(row).map(|(lines, cell)| {
                let style = if cell.is_none() { FAINT } else { Style::new() };
                (lines.get(line).copied().unwrap_or_default(), style)
            });
            self.push_line(line, widths, text);
        }
    }

    fn push_line<'a>(&self, cells: impl Iterator<Item = (&'a str, Style)>, widths: &[usize], text: &mut String) {
        let start = text.len();
        for (column, (cell, style)) in cells.enumerate() {
            if column > 0 {
                text.push_str(GAP);
            }
            let padding = " ".repeat(widths[column].saturating_sub(cell.width()));
            let (left, right) = if self.numeric[column] { (padding.as_str(), "") } else { ("", padding.as_str()) };
            text.push_str(left);
            self.push_styled(cell, style, text);
            text.push_str(right);
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }

    fn push_record(&self, row: &Row, width: usize, text: &mut String) {
        self.push_styled(&format!("── row {} ", self.printed), FAINT, text);
        text.push('\n');
        for (header, cell) in self.headers.iter().zip(row) {
            self.push_styled(header, STRONG, text);
            let indent = width + GAP.len();
            text.push_str(&" ".repeat(indent - header.width()));
            let value = shown(cell.as_deref()).replace('\n', &format!("\n{}", " ".repeat(indent)));
            self.push_styled(&value, if cell.is_none() { FAINT } else { Style::new() }, text);
            text.push('\n');
        }
    }

    fn push_styled(&self, piece: &str, style: Style, text: &mut String) {
        if self.colour && !piece.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{style}{piece}{style:#}");
        } else {
            text.push_str(piece);
        }
    }
}

impl Encoder for Table {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        for row in cells::rows(batch)? {
            let clean = |cell: Option<String>| cell.map(|text| cells::harmless(&text).into_owned());
            self.pending.push(row.into_iter().map(clean).collect());
            if self.pending.len() >= ROWS_PER_CHUNK {
                self.print_pending(out);
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if !self.pending.is_empty() || self.layout.is_none() {
            self.print_pending(out);
        }
        Ok(())
    }

    fn abandon(&mut self, code: Code, out: &mut Vec<u8>) {
        // Rows that were not shown yet stay unshown: there is an error to read instead.
        if self.printed == 0 {
            return;
        }
        let mut text = String::new();
        self.push_styled(&format!("incomplete: {}", code.id()), ALARM, &mut text);
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

/// Narrows the widest columns until all fit into `available`; false if that would make them too narrow.
fn fit(widths: &mut [usize], available: usize) -> bool {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        match widths.iter_mut().max() {
            Some(widest) if *widest > WRAPPED_WIDTH_MIN => *widest -= 1,
            _ => return false,
        }
    }
    true
}

/// The pieces of one line, none wider than `width`.
fn wrapped(line: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in line.char_indices() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width && at > start {
            pieces.push(&line[start..at]);
            (start, used) = (at, 0);
        }
        used += wide;
    }
    pieces.push(&line[start..]);
    pieces
}

fn shown(cell: Option<&str>) -> &str {
    cell.unwrap_or(NULL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_wrap_at_the_width() {
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("日", 1), ["日"]);
    }

    #[test]
    fn the_widest_columns_give_way_down_to_a_limit() {
        let mut widths = [40, 10, 60];
        assert!(fit(&mut widths, 94));
        assert_eq!(widths, [40, 10, 40]);
        assert!(!fit(&mut widths, 30));
    }
}
