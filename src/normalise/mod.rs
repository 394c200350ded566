//! Tables → observations and participants.
//!
//! Takes: tables and rows of a decoder, the manifest, the subjects and what the source itself says (options). Gives:
//! observations and participants with their units as the file names them, refused rows with code, place and column,
//! and warnings. Never: looks a unit up ([`recognise`] does), checks a rule, drops a row without a word.
//!
//! A dash, an empty cell and a zero are three things: the manifest says which texts mean that there is no number,
//! an empty cell is no number, a zero is a number.

mod bind;
mod context;
mod keys;
mod observe;
mod pupil;
pub mod recognise;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;

use crate::domain::observation::{Observation, Quarantined};
use crate::domain::participant::Participant;
use crate::domain::place::Place;
use crate::domain::school_year::SchoolYear;
use crate::domain::subjects::{Subjects, fold_text};
use crate::domain::value::Value;
use crate::manifest::{Class, ColumnRule, Connector, Decode, Personal};
use crate::message::{Problem, Problems};
use crate::table::{Cell, Row, Table};
pub use bind::warn_undeclared;

use bind::Binding;
use context::{Around, Shared};
use keys::{Keyring, Slots};
use observe::Rules;
use pupil::Pupils;
use value::ValueReader;

/// Usual length of a path inside a feed, `/rsoko/observation[1000000]/@value`.
const PATH_LENGTH: usize = 40;

/// What one row became.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Numbers of the row.
    pub observations: Vec<Observation>,
    /// The pupil of the row.
    pub participant: Option<Participant>,
    /// The row, or the cells of it, that cannot be used.
    pub quarantined: Vec<Quarantined>,
    /// What was mended on the way: the code of an organisation without its leading zeros.
    pub warnings: Problems,
    /// True for totals and other rows the manifest leaves out.
    pub skipped: bool,
}

impl Outcome {
    /// Empties the value for the next row, keeping its memory.
    pub fn clear(&mut self) {
        self.observations.clear();
        self.participant = None;
        self.quarantined.clear();
        self.warnings.clear();
        self.skipped = false;
    }
}

/// Reads the rows of one file.
#[derive(Debug)]
pub struct Normaliser<'c> {
    connector: &'c Connector,
    subjects: &'c Subjects,
    file_name: &'c str,
    options: &'c BTreeMap<String, String>,
    readers: Vec<ValueReader>,
    values: Vec<Option<Value>>,
    filled: Vec<usize>,
    skip: Vec<String>,
    slots: Slots,
    rules: Rules,
    pupils: Option<Pupils>,
    keyring: Keyring,
    current: Option<Current>,
}

/// The table being read.
#[derive(Debug)]
struct Current {
    table: Table,
    binding: Binding,
    /// Known from the first row on.
    shared: Option<Shared>,
}

impl<'c> Normaliser<'c> {
    /// Prepares for one file. `today` tells the school years that have begun. `options` are what the source or the command line says: `subject`, `grade`,
    /// `school_year`, `season`, `procedure` and names of the manifest's own.
    #[must_use]
    pub fn new(
        connector: &'c Connector,
        subjects: &'c Subjects,
        file_name: &'c str,
        options: &'c BTreeMap<String, String>,
        today: NaiveDate,
    ) -> Self {
        let slots = Slots::new(connector);
        let columns = connector.columns.iter();
        let fill_down = connector.rows.fill_down.iter();
        Self {
            connector,
            subjects,
            file_name,
            options,
            readers: columns
                .enumerate()
                .map(|(slot, column)| {
                    let reader = ValueReader::new(&column.name, &column.reading, column.class.is_shown());
                    if column.class == Class::Pseudonym {
                        reader.unshared()
                    } else if slots.codes().any(|code| code == slot) {
                        reader.code()
                    } else {
                        reader
                    }
                })
                .collect(),
            values: vec![None; connector.columns.len()],
            filled: fill_down.filter_map(|name| keys::slot(connector, name)).collect(),
            skip: connector
                .rows
                .skip_containing
                .iter()
                .map(|word| fold_text(word))
                .collect(),
            slots,
            rules: Rules::new(connector),
            pupils: connector.participant.as_ref().map(|rule| Pupils::new(connector, rule)),
            keyring: Keyring::new(SchoolYear::of(today), connector.contract.future_years),
            current: None,
        }
    }

    /// A table starts. Gives warnings about columns nobody declared.
    ///
    /// # Errors
    /// When the table does not have what the manifest promises: the file is refused.
    pub fn table(&mut self, table: Table) -> Result<Problems, Problem> {
        let (binding, warnings) = bind::bind(self.connector, &table, self.subjects)?;
        self.values.fill(None);
        self.current = Some(Current {
            table,
            binding,
            shared: None,
        });
        Ok(warnings)
    }

    /// Typed values of the last row, in the order of the declared columns; for the checks.
    #[must_use]
    pub fn values(&self) -> &[Option<Value>] {
        &self.values
    }

    /// One row of the table that started last.
    ///
    /// # Errors
    /// `MSK-NRM-06` when the file does not say what every row needs: the file is refused.
    pub fn row(&mut self, row: &Row, outcome: &mut Outcome) -> Result<(), Problem> {
        let Some(current) = &mut self.current else {
            return Err(Problem::new("MSK-BUG-01").arg("what", "a row before its table"));
        };
        current.binding.choose(row);
        if !self.skip.is_empty() && is_total(&self.skip, &self.slots, &current.binding, row) {
            outcome.skipped = true;
            return Ok(());
        }
        if current.shared.is_none() {
            let binding = &current.binding;
            let first_row = |name: &str| {
                let cell = keys::slot(self.connector, name).and_then(|slot| binding.columns[slot]);
                cell.and_then(|cell| row.cells.get(cell))
                    .map(Cell::text)
                    .unwrap_or_default()
            };
            let around = Around {
                file_name: self.file_name,
                table: &current.table,
                options: self.options,
                first_row: &first_row,
            };
            current.shared = Some(context::resolve(self.connector, &around, self.subjects)?);
        }
        let read = read_values(
            &mut self.readers,
            &mut self.values,
            &self.filled,
            &current.binding,
            row,
            self.subjects,
        );
        let places = Places {
            connector: self.connector,
            table: &current.table,
            binding: &current.binding,
            row: row.number,
        };
        for (slot, reader) in self.readers.iter_mut().enumerate() {
            if let (Some(warning), Some(cell)) = (reader.warning(), current.binding.columns[slot]) {
                outcome.warnings.push(warning.at(places.of_cell(cell)));
            }
        }
        let shared = current.shared.get_or_insert_default();
        let key = read.and_then(|()| {
            let key = self.keyring.key(self.connector, &self.slots, &self.values, shared);
            key.map_err(|problem| (None, problem))
        });
        outcome
            .warnings
            .extend(self.keyring.warning().map(|warning| warning.at(places.of_row())));
        let key = match key {
            Ok(key) => key,
            Err((column, problem)) => {
                outcome.quarantined.push(places.quarantine(column, problem, row));
                return Ok(());
            }
        };
        if let Some(pupils) = &mut self.pupils {
            pupils.row(&key, &self.values, row, &places, outcome);
        } else {
            self.rules.row(
                &key,
                &self.values,
                row,
                &places,
                self.subjects,
                &mut self.keyring,
                outcome,
            );
        }
        Ok(())
    }

    /// Declared columns of the table that started last, with the position of their cells from one.
    pub fn declared_columns(&self) -> impl Iterator<Item = (u32, &'c ColumnRule)> {
        let cells = self.current.iter().flat_map(|current| &current.binding.columns);
        let found = cells.zip(&self.connector.columns);
        let found = found.filter_map(|(cell, column)| Some((position(cell.as_ref().copied()?), column)));
        let synonyms = self.current.iter().flat_map(|current| &current.binding.synonyms);
        found.chain(synonyms.flat_map(|(slot, cells)| {
            let column = &self.connector.columns[*slot];
            cells.iter().map(move |cell| (position(*cell), column))
        }))
    }

    /// Positions of the columns that a header rule declares: tasks of a work, metrics of subjects.
    pub fn header_columns(&self) -> impl Iterator<Item = u32> {
        self.current.iter().flat_map(|current| {
            let tasks = current.binding.tasks.iter().map(|task| task.cell);
            tasks
                .chain(current.binding.metrics.iter().map(|metric| metric.cell))
                .map(position)
        })
    }

    /// Puts a row aside, as the checks ask for it.
    #[must_use]
    pub fn quarantine(&self, row: &Row, column: Option<&str>, rule: &str, problem: Problem) -> Option<Quarantined> {
        let current = self.current.as_ref()?;
        let places = Places {
            connector: self.connector,
            table: &current.table,
            binding: &current.binding,
            row: row.number,
        };
        let slot = column.and_then(|name| keys::slot(self.connector, name));
        let mut quarantined = places.quarantine(slot, problem, row);
        quarantined.column = quarantined.column.or_else(|| column.map(str::to_owned));
        quarantined.rule = Some(rule.to_owned());
        Some(quarantined)
    }
}

/// Position from one of a cell.
fn position(cell: usize) -> u32 {
    u32::try_from(cell + 1).unwrap_or(u32::MAX)
}

/// The first cell that cannot be read decides: the row is put aside as a whole.
fn read_values(
    readers: &mut [ValueReader],
    values: &mut [Option<Value>],
    filled: &[usize],
    binding: &Binding,
    row: &Row,
    subjects: &Subjects,
) -> Result<(), (Option<usize>, Problem)> {
    for (slot, reader) in readers.iter_mut().enumerate() {
        let cell = binding.columns[slot].and_then(|index| row.cells.get(index));
        let Some(cell) = cell else {
            values[slot] = None;
            continue;
        };
        let value = reader.cell(cell, subjects).map_err(|problem| (Some(slot), problem))?;
        if value.is_some() || !filled.contains(&slot) {
            values[slot] = value;
        }
    }
    Ok(())
}

fn is_total(skip: &[String], slots: &Slots, binding: &Binding, row: &Row) -> bool {
    let units = slots.unit.iter().flatten().filter_map(|slot| binding.columns[*slot]);
    let first = row.cells.iter().position(|cell| !cell.is_blank());
    units.chain(first).any(|index| {
        let text = row.cells.get(index).map(Cell::text).unwrap_or_default();
        let folded = fold_text(&text);
        skip.iter().any(|word| folded.contains(word.as_str()))
    })
}

/// Places of one row.
struct Places<'a> {
    connector: &'a Connector,
    table: &'a Table,
    binding: &'a Binding,
    row: u32,
}

impl Places<'_> {
    /// The place of a cell.
    fn of_cell(&self, cell: usize) -> Place {
        let header = self.binding.headers.get(cell).map_or("", String::as_str);
        match (&self.connector.decode, &self.table.sheet) {
            (Decode::Xml(options), _) => {
                // One per number of a feed: a single allocation.
                let mut path = String::with_capacity(PATH_LENGTH);
                for step in &options.record {
                    path.push('/');
                    path.push_str(step);
                }
                let _infallible = write!(path, "[{}]/{header}", self.row);
                Place::path(path)
            }
            (Decode::Json, _) => Place::path(format!("[{}]/{header}", self.row)),
            (_, Some(sheet)) => Place::cell(sheet, self.row, position(cell)),
            (_, None) => Place::field(self.row, header),
        }
    }

    fn of_row(&self) -> String {
        match (&self.connector.decode, &self.table.sheet) {
            (Decode::Xml(options), _) => format!("/{}[{}]", options.record.join("/"), self.row),
            (Decode::Json, _) => format!("[{}]", self.row),
            (_, Some(sheet)) => format!("{sheet}!{}", self.row),
            (_, None) => format!("строка {}", self.row),
        }
    }

    /// `slot` is the declared column the problem speaks of.
    fn quarantine(&self, slot: Option<usize>, problem: Problem, row: &Row) -> Quarantined {
        let cell = slot.and_then(|slot| self.binding.columns[slot]);
        let place = cell.map_or_else(|| self.of_row(), |cell| self.of_cell(cell).to_string());
        Quarantined {
            problem: problem.at(place),
            column: slot.map(|slot| self.connector.columns[slot].name.clone()),
            rule: None,
            unit: None,
            cleaned: self.cleaned(row),
        }
    }

    /// The row as JSON without personal data: of rows about pupils only the columns that name the organisation.
    fn cleaned(&self, row: &Row) -> String {
        let unit = &self.connector.unit;
        let names_unit = |name: &str| {
            [&unit.login, &unit.ogrn, &unit.inn, &unit.code, &unit.name, &unit.site]
                .into_iter()
                .any(|known| known.as_deref() == Some(name))
        };
        let folded = self.connector.personal == Personal::Folded;
        let mut kept = BTreeMap::new();
        for (slot, column) in self.connector.columns.iter().enumerate() {
            let open = matches!(column.class, Class::Key | Class::Measure | Class::Context);
            if !open || folded && !names_unit(&column.name) {
                continue;
            }
            let cell = self.binding.columns[slot].and_then(|index| row.cells.get(index));
            if let Some(cell) = cell.filter(|cell| !cell.is_blank()) {
                kept.insert(column.name.as_str(), cell.text());
            }
        }
        serde_json::to_string(&kept).unwrap_or_default()
    }
}
