//! Where verbs write: standard output, locked and buffered; a reader that went away ends the output quietly.

use std::io::{BufWriter, ErrorKind, Write};

use serde_json::Value;

use super::args::Format;
use crate::message::Problem;

/// Output of one verb.
pub(super) struct Output {
    format: Format,
    out: BufWriter<std::io::Stdout>,
    array_open: bool,
    /// What first kept the output from being written, a reader that went away aside.
    failed: Option<std::io::Error>,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            out: BufWriter::new(std::io::stdout()),
            array_open: false,
            failed: None,
        }
    }

    fn noted(&mut self, written: std::io::Result<()>) {
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            self.failed.get_or_insert(error);
        }
    }

    /// Writes the rest.
    ///
    /// # Errors
    /// `MSK-FIL-02` when any of the output could not be written.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        if self.array_open {
            self.end_array();
        }
        self.show();
        match self.failed {
            None => Ok(()),
            Some(error) => Err(Problem::new("MSK-FIL-02")
                .arg("path", "стандартный вывод")
                .because(error)),
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

    /// Shows at once what was written: work follows that takes seconds.
    pub(super) fn show(&mut self) {
        let written = self.out.flush();
        self.noted(written);
    }

    /// A line in any form.
    pub(super) fn raw(&mut self, text: &str) {
        let written = writeln!(self.out, "{text}");
        self.noted(written);
    }

    /// A list of objects: an array for `json`, one a line for `jsonl`; nothing for text.
    pub(super) fn list(&mut self, values: &[Value]) {
        match self.format {
            Format::Text => {}
            Format::Json => self.raw(&format!("{:#}", without_nulls(Value::Array(values.to_vec())))),
            Format::Jsonl => {
                for value in values {
                    self.raw(&without_nulls(value.clone()).to_string());
                }
            }
        }
    }

    /// One object: pretty for `json`, one line for `jsonl`; nothing for text.
    pub(super) fn object(&mut self, value: &Value) {
        match self.format {
            Format::Text => {}
            Format::Json => self.raw(&format!("{:#}", without_nulls(value.clone()))),
            Format::Jsonl => self.raw(&without_nulls(value.clone()).to_string()),
        }
    }

    /// One element of a list that is too long to hold, already written as JSON; [`Output::end_array`] ends the list.
    pub(super) fn element(&mut self, json: &str) {
        match self.format {
            Format::Text => {}
            Format::Json => {
                let before = if self.array_open { ",\n" } else { "[\n" };
                self.array_open = true;
                let written = write!(self.out, "{before}{json}");
                self.noted(written);
            }
            Format::Jsonl => self.raw(json),
        }
    }

    /// Ends the list of [`Output::element`], which may be empty.
    pub(super) fn end_array(&mut self) {
        if self.format == Format::Json {
            self.raw(if self.array_open { "\n]" } else { "[]" });
            self.array_open = false;
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

/// Absent values are left out of the printed shapes (DESIGN 8).
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
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
    if let Some(action) = action(problem) {
        let _nobody_reads = writeln!(err, "{action}");
    }
}

/// What the person should do, as an indented line under the problem.
pub(super) fn action(problem: &Problem) -> Option<String> {
    crate::message::find(problem.code()).map(|entry| format!("  что делать: {}", entry.action))
}

/// A remark on standard error, for a person.
pub(super) fn remark(text: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{text}");
}
