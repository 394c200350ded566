//! XML records: attributes and child texts of the elements at one path.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufReader, Read};

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::budget::{Allowance, Budgeted};
use super::header::MAX_CELL_BYTES;
use super::{Decoded, too_much};
use crate::manifest::Xml;
use crate::message::Problem;
use crate::table::{Cell, Column, Row, Table, TableSink};

/// Longest single record; real ones stay under one kilobyte.
const MAX_RECORD_BYTES: usize = 4 << 20;
/// Longest name of a field, its path included.
const MAX_NAME_BYTES: usize = 1 << 10;
/// Undeclared names reported at most: a hostile file could make up a new one per record.
const MAX_UNDECLARED: usize = 100;

pub(super) fn decode(
    source: Box<dyn Read>,
    head: &[u8],
    options: &Xml,
    paths: &[&str],
    sink: &mut dyn TableSink,
) -> Result<Decoded, Problem> {
    let encoding = declared_encoding(head)?;
    let allowance = Allowance::new(MAX_RECORD_BYTES);
    let source = Budgeted::new(source, allowance.clone());
    // quick-xml takes UTF-8; its own decoding sees the declaration too late for Cyrillic names.
    let decoded = encoding_rs_io::DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .bom_override(true)
        .build(source);
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, decoded));
    reader.config_mut().check_end_names = true;
    sink.table(Table {
        sheet: None,
        columns: columns(paths),
        above: Vec::new(),
    })?;
    let mut records = Records::new(options, paths);
    let mut buffer = Vec::with_capacity(1 << 10);
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if allowance.is_spent() => return Err(too_much("длина одной записи", "4 MiB")),
            Err(error) => return Err(damaged(&error, reader.error_position())),
        };
        let more = records.event(event, sink);
        match more {
            Ok(true) => {}
            Ok(false) => return records.finish(),
            Err(problem) if problem.place().is_none() => {
                return Err(problem.at(format!("байт {}", reader.buffer_position())));
            }
            Err(problem) => return Err(problem),
        }
        allowance.renew();
    }
}

fn damaged(error: &quick_xml::Error, position: u64) -> Problem {
    if let quick_xml::Error::Syntax(_) = error {
        // Every fault of this kind means that the input ended inside markup.
        return Problem::new("MSK-DEC-07")
            .arg("open", "разметка")
            .at(format!("байт {position}"))
            .because(error);
    }
    Problem::new("MSK-DEC-06").at(format!("байт {position}")).because(error)
}

fn columns(paths: &[&str]) -> Vec<Column> {
    (1..)
        .zip(paths)
        .map(|(position, path)| Column {
            position,
            path: vec![(*path).to_owned()],
        })
        .collect()
}

/// The encoding by byte-order mark or declaration; UTF-8 without either, as the standard says.
fn declared_encoding(head: &[u8]) -> Result<&'static Encoding, Problem> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Ok(encoding);
    }
    let declaration = head.split(|byte| *byte == b'>').next().unwrap_or(head);
    let declaration = String::from_utf8_lossy(&declaration[..declaration.len().min(512)]);
    let Some((_, rest)) = declaration.split_once("encoding") else {
        return Ok(encoding_rs::UTF_8);
    };
    let label: String = rest
        .trim_start_matches(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '"' | '\''))
        .chars()
        .take_while(|letter| !matches!(letter, '"' | '\'' | '?'))
        .collect();
    Encoding::for_label(label.trim().as_bytes()).ok_or_else(|| Problem::new("MSK-DEC-10").arg("encoding", label))
}

/// Where the reader stands and the record it is filling.
struct Records<'o> {
    options: &'o Xml,
    paths: &'o [&'o str],
    /// Attribute name → column, for the record itself.
    attributes: Vec<(&'o str, usize)>,
    /// Column guessed for the k-th attribute: records repeat their order.
    guesses: Vec<usize>,
    depth: usize,
    /// How many elements of the record's path are open.
    matched: usize,
    inside: bool,
    /// Path below the record, `school/title`.
    below: Vec<String>,
    text: String,
    cells: Vec<Cell>,
    /// Record in which a column was last filled, to see a doubled attribute.
    filled: Vec<u32>,
    number: u32,
    root_seen: bool,
    undeclared: Vec<String>,
    known_undeclared: HashMap<String, u32>,
}

impl<'o> Records<'o> {
    fn new(options: &'o Xml, paths: &'o [&'o str]) -> Self {
        let attributes = paths
            .iter()
            .enumerate()
            .filter_map(|(column, path)| Some((path.strip_prefix('@')?, column)))
            .collect();
        Self {
            options,
            paths,
            attributes,
            guesses: Vec::new(),
            depth: 0,
            matched: 0,
            inside: false,
            below: Vec::new(),
            text: String::new(),
            cells: Vec::new(),
            filled: vec![0; paths.len()],
            number: 0,
            root_seen: false,
            undeclared: Vec::new(),
            known_undeclared: HashMap::new(),
        }
    }

    /// False at the end of the file.
    fn event(&mut self, event: Event<'_>, sink: &mut dyn TableSink) -> Result<bool, Problem> {
        match event {
            Event::Start(element) => self.open(&element, sink)?,
            Event::Empty(element) => {
                self.open(&element, sink)?;
                self.close(sink)?;
            }
            Event::End(_) => self.close(sink)?,
            Event::Text(text) if self.inside => self.add(&text.xml10_content())?,
            Event::CData(text) if self.inside => self.add(&text.xml10_content())?,
            Event::GeneralRef(reference) if self.inside => self.reference(&reference)?,
            Event::Comment(text) => sink.unseen(&text.xml10_content()),
            Event::DocType(_) => return Err(Problem::new("MSK-DEC-08")),
            Event::Text(text) if self.depth == 0 && !text.xml10_content().trim_matches(is_xml_blank).is_empty() => {
                return Err(Problem::new("MSK-DEC-06").because("text outside the root element"));
            }
            Event::Text(text) => sink.unseen(&text.xml10_content()),
            Event::CData(text) => sink.unseen(&text.xml10_content()),
            Event::Eof => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn open(&mut self, element: &BytesStart<'_>, sink: &mut dyn TableSink) -> Result<(), Problem> {
        let name = element.local_name();
        if self.depth == 0 {
            self.root(element)?;
        }
        if self.depth >= usize::try_from(self.options.max_depth).unwrap_or(usize::MAX) {
            return Err(too_much("глубина вложенности", self.options.max_depth));
        }
        if self.inside {
            self.below.push(name.as_ref().to_owned());
            self.pass_by(sink);
            self.child_attributes(element, sink)?;
        } else {
            let step = self.options.record.get(self.depth);
            let is_step = self.matched == self.depth && step.is_some_and(|step| step == name.as_ref());
            self.matched += usize::from(is_step);
            if is_step && self.matched == self.options.record.len() {
                self.start_record(element, sink)?;
            } else {
                for attribute in element.attributes().flatten() {
                    unseen(&attribute.value, sink);
                }
            }
        }
        self.depth += 1;
        Ok(())
    }

    /// Lets go of a text that is no field.
    fn pass_by(&mut self, sink: &mut dyn TableSink) {
        sink.unseen(&self.text);
        self.text.clear();
    }

    fn root(&mut self, element: &BytesStart<'_>) -> Result<(), Problem> {
        if self.root_seen {
            return Err(Problem::new("MSK-DEC-06").because("a second root element"));
        }
        self.root_seen = true;
        let expected = self.options.record.first().map_or("", String::as_str);
        let found = element.local_name();
        if found.as_ref() != expected {
            let problem = Problem::new("MSK-DEC-15").arg("expected", expected);
            return Err(problem.arg("found", found.as_ref()));
        }
        for (name, expected) in &self.options.expect {
            let mut attributes = element.attributes();
            let found = attributes.find_map(|attribute| attribute.ok().filter(|known| known.key.0 == name));
            let value = found.map_or_else(|| "—".to_owned(), |attribute| attribute.value.into_owned());
            if value != *expected {
                let problem = Problem::new("MSK-DEC-17")
                    .arg("attribute", name)
                    .arg("expected", expected);
                return Err(problem.arg("found", value));
            }
        }
        Ok(())
    }

    fn start_record(&mut self, element: &BytesStart<'_>, sink: &mut dyn TableSink) -> Result<(), Problem> {
        self.inside = true;
        self.number = self
            .number
            .checked_add(1)
            .ok_or_else(|| too_much("число записей", u32::MAX))?;
        self.cells = sink.spare();
        if self.cells.len() != self.paths.len() {
            self.cells.resize(self.paths.len(), Cell::Empty);
        }
        let mut attributes = element.attributes();
        // Doubled attributes are found below, cheaper than the reader's own comparison of every pair.
        attributes.with_checks(false);
        for (position, attribute) in attributes.enumerate() {
            let attribute = attribute.map_err(|error| Problem::new("MSK-DEC-06").because(error))?;
            self.attribute(position, attribute.key.0, &attribute.value, sink)?;
        }
        for (cell, filled) in self.cells.iter_mut().zip(&self.filled) {
            if *filled != self.number {
                *cell = Cell::Empty;
            }
        }
        Ok(())
    }

    fn attribute(&mut self, position: usize, name: &str, raw: &str, sink: &mut dyn TableSink) -> Result<(), Problem> {
        let guess = self.guesses.get(position).copied().unwrap_or(usize::MAX);
        let column = if self.attributes.get(guess).is_some_and(|(known, _)| *known == name) {
            Some(guess)
        } else {
            self.attributes.iter().position(|(known, _)| *known == name)
        };
        let Some(found) = column else {
            unseen(raw, sink);
            return self.undeclared(name, "@");
        };
        if self.guesses.len() <= position {
            self.guesses.resize(position + 1, usize::MAX);
        }
        self.guesses[position] = found;
        let (_, column) = self.attributes[found];
        if self.filled[column] == self.number {
            return Err(self.doubled(name));
        }
        self.filled[column] = self.number;
        let value = unescape(raw).map_err(|error| Problem::new("MSK-DEC-06").because(error))?;
        short_enough(&value)?;
        fill(&mut self.cells[column], &value);
        Ok(())
    }

    fn doubled(&self, name: &str) -> Problem {
        Problem::new("MSK-DEC-14").arg("name", name).arg("record", self.number)
    }

    fn undeclared(&mut self, name: &str, mark: &str) -> Result<(), Problem> {
        if name.len() > MAX_NAME_BYTES {
            return Err(too_much("длина имени поля", "1 KiB"));
        }
        let full = format!("{mark}{name}");
        if self.known_undeclared.get(&full) == Some(&self.number) && mark == "@" {
            return Err(self.doubled(name));
        }
        if self.undeclared.len() >= MAX_UNDECLARED {
            return Ok(());
        }
        if self.known_undeclared.insert(full.clone(), self.number).is_none() {
            self.undeclared.push(full);
        }
        Ok(())
    }

    /// Attributes of an element below the record: `school/@code`.
    fn child_attributes(&mut self, element: &BytesStart<'_>, sink: &mut dyn TableSink) -> Result<(), Problem> {
        let place = self.below.join("/");
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| Problem::new("MSK-DEC-06").because(error))?;
            let path = format!("{place}/@{}", attribute.key.0);
            let value = unescape(&attribute.value).map_err(|error| Problem::new("MSK-DEC-06").because(error))?;
            self.put(&path, &value, sink)?;
        }
        Ok(())
    }

    fn put(&mut self, path: &str, value: &str, sink: &mut dyn TableSink) -> Result<(), Problem> {
        let Some(column) = self.paths.iter().position(|known| *known == path) else {
            sink.unseen(value);
            return self.undeclared(path, "");
        };
        if self.filled[column] == self.number {
            return Err(self.doubled(path));
        }
        self.filled[column] = self.number;
        short_enough(value)?;
        fill(&mut self.cells[column], value);
        Ok(())
    }

    /// Text and references arrive as separate events; the tail would be lost if they were not put together.
    fn reference(&mut self, reference: &quick_xml::events::BytesRef<'_>) -> Result<(), Problem> {
        let damaged = |error: quick_xml::Error| Problem::new("MSK-DEC-06").because(error);
        if let Some(letter) = reference.resolve_char_ref().map_err(damaged)? {
            return self.add(letter.encode_utf8(&mut [0; 4]));
        }
        let name = reference.xml10_content();
        let Some(text) = quick_xml::escape::resolve_predefined_entity(&name) else {
            return Err(Problem::new("MSK-DEC-06").because(format!("unknown entity `{name}`")));
        };
        self.add(text)
    }

    /// The parts of a text are events of their own, so their sum is what has to be held down.
    fn add(&mut self, part: &str) -> Result<(), Problem> {
        self.text.push_str(part);
        short_enough(&self.text)
    }

    fn close(&mut self, sink: &mut dyn TableSink) -> Result<(), Problem> {
        self.depth = self.depth.saturating_sub(1);
        if !self.inside {
            self.matched = self.matched.min(self.depth);
            return Ok(());
        }
        if self.below.is_empty() {
            self.inside = false;
            self.matched = self.matched.min(self.depth);
            self.pass_by(sink);
            let cells = std::mem::take(&mut self.cells);
            return sink.row(Row {
                number: self.number,
                cells,
            });
        }
        if !self.text.trim_matches(is_xml_blank).is_empty() {
            let path = self.below.join("/");
            let text = std::mem::take(&mut self.text);
            self.put(&path, &text, sink)?;
        }
        self.text.clear();
        self.below.pop();
        Ok(())
    }

    fn finish(self) -> Result<Decoded, Problem> {
        if !self.root_seen {
            return Err(Problem::new("MSK-DEC-18"));
        }
        if self.depth > 0 {
            let open = self.options.record.first().map_or("", String::as_str);
            return Err(Problem::new("MSK-DEC-07")
                .arg("open", format!("элемент «{open}»"))
                .at(format!("запись {}", self.number)));
        }
        Ok(Decoded {
            undeclared: self.undeclared,
        })
    }
}

fn unseen(raw: &str, sink: &mut dyn TableSink) {
    sink.unseen(&unescape(raw).unwrap_or(Cow::Borrowed(raw)));
}

fn short_enough(text: &str) -> Result<(), Problem> {
    if text.len() > MAX_CELL_BYTES {
        return Err(too_much("длина текста", "64 KiB"));
    }
    Ok(())
}

fn is_xml_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

/// Puts a text into a cell, into the memory of the text that was there.
pub(super) fn fill(cell: &mut Cell, value: &str) {
    if let Cell::Text(text) = cell {
        text.clear();
        text.push_str(value);
    } else {
        *cell = Cell::Text(value.to_owned());
    }
}
