//! Where verbs write: standard output, locked and buffered; a reader that went away ends the output quietly.

use std::io::{BufWriter, Write};

use serde_json::Value;

use super::args::Format;
use crate::message::Problem;

/// Output of one verb.
pub(super) struct Output {
    format: Format,
    out: BufWriter<std::io::Stdout>,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            out: BufWriter::new(std::io::stdout()),
        }
    }

    /// The form asked for.
    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// A line for a person; left out when JSON was asked for.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        if self.format == Format::Text {
            self.raw(text.as_ref());
        }
    }

    /// A line in any form.
    pub(super) fn raw(&mut self, text: &str) {
        let _reader_gone = writeln!(self.out, "{text}");
    }

    /// A list of objects: an array for `json`, one a line for `jsonl`; nothing for text.
    pub(super) fn list(&mut self, values: &[Value]) {
        match self.format {
            Format::Text => {}
            Format::Json => self.raw(&format!("{:#}", Value::Array(values.to_vec()))),
            Format::Jsonl => {
                for value in values {
                    self.raw(&value.to_string());
                }
            }
        }
    }

    /// One object: pretty for `json`, one line for `jsonl`; nothing for text.
    pub(super) fn object(&mut self, value: &Value) {
        match self.format {
            Format::Text => {}
            Format::Json => self.raw(&format!("{value:#}")),
            Format::Jsonl => self.raw(&value.to_string()),
        }
    }

    /// A table for a person; the first row is the header.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
                .collect();
            self.line(cells.join("  ").trim_end());
        }
    }

    /// Problems for a person on standard output (`check` prints them as its result).
    pub(super) fn problems(&mut self, problems: &[Problem]) {
        for problem in problems {
            self.line(problem.ru_line());
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _reader_gone = self.out.flush();
    }
}

/// A problem as the printed shapes carry it.
pub(super) fn problem_json(problem: &Problem) -> Value {
    let mut value = serde_json::json!({ "code": problem.code(), "text": problem.ru() });
    if let Some(place) = problem.place() {
        value["place"] = place.into();
    }
    if let Some(detail) = problem.detail() {
        value["detail"] = detail.into();
    }
    value
}

/// Says on standard error why a verb ended.
pub(super) fn complain(problem: &Problem) {
    let mut err = std::io::stderr();
    let _nobody_reads = writeln!(err, "{}", problem.ru_line());
    if let Some(entry) = crate::message::find(problem.code()) {
        let _nobody_reads = writeln!(err, "  что делать: {}", entry.action);
    }
}

/// A remark on standard error, for a person.
pub(super) fn remark(text: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{text}");
}
