//! JSON records: an array, or one record a line. Fields are addressed by paths `a/b`.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::budget::{Allowance, Budgeted};
use super::header::MAX_CELL_BYTES;
use super::{Decoded, too_much, unreadable};
use crate::message::Problem;
use crate::table::{Cell, Column, Row, Table, TableSink};

/// Longest record.
const MAX_RECORD_BYTES: usize = 4 << 20;
/// Longest path of a field.
const MAX_PATH_BYTES: usize = 1 << 10;
/// Undeclared names reported at most.
const MAX_UNDECLARED: usize = 100;

pub(super) fn decode(
    source: Box<dyn Read>,
    head: &[u8],
    paths: &[&str],
    sink: &mut dyn TableSink,
) -> Result<Decoded, Problem> {
    let columns = (1..).zip(paths).map(|(position, path)| Column {
        position,
        path: vec![(*path).to_owned()],
    });
    sink.table(Table {
        sheet: None,
        columns: columns.collect(),
        above: Vec::new(),
    })?;
    let allowance = Allowance::new(MAX_RECORD_BYTES);
    let mut source = BufReader::new(Budgeted::new(source, allowance.clone()));
    if head.starts_with(b"\xef\xbb\xbf") {
        source.fill_buf().map_err(unreadable)?;
        source.consume(3);
    }
    let mut records = Records {
        paths,
        sink,
        allowance,
        number: 0,
        stopped: None,
        undeclared: Vec::new(),
    };
    let array = head.iter().find(|byte| byte.is_ascii_graphic() && byte.is_ascii()) == Some(&b'[');
    let read = if array {
        let mut json = serde_json::Deserializer::from_reader(&mut source);
        let read = json.deserialize_seq(&mut records);
        read.and_then(|()| json.end())
    } else {
        records.lines(&mut source)
    };
    match read {
        Ok(()) => Ok(Decoded {
            undeclared: records.undeclared,
        }),
        Err(error) => Err(records.fault(&error)),
    }
}

struct Records<'r> {
    paths: &'r [&'r str],
    sink: &'r mut dyn TableSink,
    allowance: Allowance,
    number: u32,
    /// Why the sink stopped the file.
    stopped: Option<Problem>,
    undeclared: Vec<String>,
}

impl Records<'_> {
    fn lines(&mut self, source: &mut impl BufRead) -> Result<(), serde_json::Error> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if source.read_until(b'\n', &mut line).map_err(serde_json::Error::io)? == 0 {
                return Ok(());
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let mut fields = Fields::new(self.paths);
            let mut json = serde_json::Deserializer::from_slice(&line);
            Node(&mut fields).deserialize(&mut json)?;
            json.end()?;
            self.record(fields)?;
        }
    }

    fn record<E: Error>(&mut self, fields: Fields<'_>) -> Result<(), E> {
        self.allowance.renew();
        self.number = self.number.saturating_add(1);
        for path in fields.undeclared {
            if self.undeclared.len() < MAX_UNDECLARED && !self.undeclared.contains(&path) {
                self.undeclared.push(path);
            }
        }
        if !fields.unseen.is_empty() {
            self.sink.unseen(&fields.unseen);
        }
        let row = Row {
            number: self.number,
            cells: fields.cells,
        };
        self.sink.row(row).map_err(|problem| {
            self.stopped = Some(problem);
            E::custom("stopped")
        })
    }

    fn fault(self, error: &serde_json::Error) -> Problem {
        if let Some(problem) = self.stopped {
            return problem;
        }
        if self.allowance.is_spent() {
            return too_much("длина одной записи", "4 MiB");
        }
        let place = format!("запись {}", self.number.saturating_add(1));
        if error.is_eof() {
            return Problem::new("MSK-DEC-07").arg("open", "документ JSON").at(place);
        }
        Problem::new("MSK-DEC-13").at(place).because(error)
    }
}

impl<'de> Visitor<'de> for &mut Records<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        loop {
            let mut fields = Fields::new(self.paths);
            if items.next_element_seed(Node(&mut fields))?.is_none() {
                return Ok(());
            }
            self.record(fields)?;
        }
    }
}

/// A record laid flat.
struct Fields<'p> {
    paths: &'p [&'p str],
    path: String,
    cells: Vec<Cell>,
    undeclared: Vec<String>,
    /// Names and values that no column declares.
    unseen: String,
}

impl<'p> Fields<'p> {
    fn new(paths: &'p [&'p str]) -> Self {
        Self {
            paths,
            path: String::new(),
            cells: vec![Cell::Empty; paths.len()],
            undeclared: Vec::new(),
            unseen: String::new(),
        }
    }

    /// The bar keeps two texts from becoming one.
    fn pass_by(&mut self, text: &str) {
        self.unseen.push_str(text);
        self.unseen.push('|');
    }
}

/// One value of a record; objects go down one step of the path.
struct Node<'f, 'p>(&'f mut Fields<'p>);

impl Node<'_, '_> {
    fn put(self, cell: Cell) {
        let fields = self.0;
        if let Some(column) = fields.paths.iter().position(|known| **known == fields.path) {
            fields.cells[column] = cell;
            return;
        }
        if fields.undeclared.len() < MAX_UNDECLARED {
            fields.undeclared.push(fields.path.clone());
        }
        fields.pass_by(&cell.text());
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a record")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(Cell::Bool(value));
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a country stay far below 2^52")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(Cell::Number(value as f64));
        Ok(())
    }

    /// Long codes such as ОГРН fit into the 53 bits of a number only up to 15 digits: kept as text.
    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(Cell::Text(value.to_string()));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(Cell::Number(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        if value.len() > MAX_CELL_BYTES {
            return Err(E::custom("text longer than 64 KiB"));
        }
        if value.contains('\0') {
            return Err(E::custom("zero character in a text"));
        }
        self.put(Cell::Text(value.to_owned()));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(Cell::Empty);
        Ok(())
    }

    /// A list has no single value: the cell says so where the manifest asks for it.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<serde_json::Value>()? {
            self.0.pass_by(&item.to_string());
        }
        self.put(Cell::Broken("список".to_owned()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let base = self.0.path.len();
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom("a key stands twice"));
            }
            if base > 0 {
                self.0.path.push('/');
            }
            self.0.path.push_str(&name);
            if self.0.path.len() > MAX_PATH_BYTES {
                return Err(A::Error::custom("path longer than 1 KiB"));
            }
            if !self.0.paths.iter().any(|known| known.starts_with(&self.0.path)) {
                self.0.pass_by(&name);
            }
            map.next_value_seed(Node(self.0))?;
            self.0.path.truncate(base);
            names.push(name);
        }
        Ok(())
    }
}
