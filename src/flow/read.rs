//! decode → normalise → recognise → validate → batches: a file nobody opened becomes rows that can be loaded.

use std::collections::{BTreeMap, BTreeSet};

use crate::decode::{Decoded, Input, decode};
use crate::domain::observation::{Batch, Quarantined};
use crate::domain::participant::Participant;
use crate::domain::subjects::Subjects;
use crate::domain::unit::Register;
use crate::manifest::{Connector, Decode, Severity, Site};
use crate::message::{Problem, Problems};
use crate::normalise::recognise::Recogniser;
use crate::normalise::{Normaliser, Outcome, warn_undeclared};
use crate::table::{Cell, Row, Table, TableSink};
use crate::validate::{Checker, Failure};

/// Observations of a batch at most: one statement's worth for the warehouse, half a megabyte of memory.
pub const BATCH: usize = 1000;
/// So many bad rows never refuse a file by themselves: a school of five rows must not lose four for one.
const BAD_ROWS_TOLERATED: u64 = 3;
/// Rows named per failing rule of severity `warning`; the rest is counted.
const ROWS_NAMED: u64 = 5;

/// What to read and with what knowledge.
pub struct Reading<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// The subjects.
    pub subjects: &'a Subjects,
    /// What the source or the command line says: `subject`, `grade`, `school_year`, `season`, `procedure`.
    pub options: &'a BTreeMap<String, String>,
    /// Recognises units; without it observations keep what the file says.
    pub register: Option<&'a Register>,
    /// Observations of a batch at most; 1 keeps the order of the source between numbers and refusals.
    pub batch: usize,
}

/// Who takes what is not an observation.
pub struct Seams<'s> {
    /// Pupils go to the fold.
    pub participants: &'s mut TakeParticipant<'s>,
    /// Pages of a site go to the reader of sites, which hands on batches of facts.
    pub pages: &'s mut ReadPages<'s>,
}

/// Takes one pupil; an error stops the file.
pub type TakeParticipant<'s> = dyn FnMut(Participant) -> Result<(), Problem> + 's;

/// Takes one batch; an error stops the file.
pub type TakeBatch<'s> = dyn FnMut(Batch) -> Result<(), Problem> + 's;

/// Reads pages of a site and hands batches of facts on; an error refuses the file.
pub type ReadPages<'s> = dyn FnMut(Input, &Site, &mut TakeBatch<'_>) -> Result<(), Problem> + 's;

/// What became of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReadSummary {
    /// Rows of the file, totals left out by the manifest not counted.
    pub rows_read: u64,
    /// Numbers handed on.
    pub observations: u64,
    /// Pupils handed to the fold.
    pub participants: u64,
    /// Facts handed on.
    pub facts: u64,
    /// Refused rows handed on.
    pub quarantined: u64,
    /// What deserves attention and stops nothing.
    pub warnings: Problems,
    /// Why the whole file must not be published. Batches handed on before belong to the same refusal.
    pub refused: Option<Problem>,
}

/// Reads a file into batches.
///
/// # Errors
/// Only what a receiver (the sink, the fold) answered; a fault of the file is [`ReadSummary::refused`].
pub fn read(
    input: Input,
    reading: &Reading<'_>,
    seams: &mut Seams<'_>,
    sink: &mut TakeBatch<'_>,
) -> Result<ReadSummary, Problem> {
    if let Decode::Site(site) = &reading.connector.decode {
        return read_pages(input, site, seams, sink);
    }
    let file_name = input.file_name.clone();
    let mut line = Line::new(reading, &file_name, seams, sink);
    let decoded = decode(input, reading.connector, &mut line);
    line.finish(decoded)
}

fn read_pages(
    input: Input,
    site: &Site,
    seams: &mut Seams<'_>,
    sink: &mut TakeBatch<'_>,
) -> Result<ReadSummary, Problem> {
    let mut summary = ReadSummary::default();
    let mut fault = None;
    let read = (seams.pages)(input, site, &mut |batch: Batch| {
        summary.rows_read += batch.rows_read;
        summary.facts += batch.facts.len() as u64;
        summary.quarantined += batch.quarantined.len() as u64;
        sink(batch).inspect_err(|problem| fault = Some(problem.clone()))
    });
    match (fault, read) {
        (Some(problem), _) => Err(problem),
        (None, read) => {
            summary.refused = read.err();
            Ok(summary)
        }
    }
}

/// The stages in a row, as one receiver of the decoder.
struct Line<'a, 's> {
    connector: &'a Connector,
    normaliser: Normaliser<'a>,
    recogniser: Option<Recogniser<'a>>,
    checker: Checker<'a>,
    participants: &'s mut dyn FnMut(Participant) -> Result<(), Problem>,
    sink: &'s mut dyn FnMut(Batch) -> Result<(), Problem>,
    limit: usize,
    batch: Batch,
    outcome: Outcome,
    spare: Vec<Cell>,
    summary: ReadSummary,
    /// Rows refused for their own faults; unknown organisations are not the file's fault.
    bad_rows: u64,
    warned: BTreeMap<String, u64>,
    /// Columns already reported as undeclared: sheets repeat their headers.
    reported: BTreeSet<String>,
    rows_of_table: Option<u64>,
    /// What a receiver answered, told apart from a fault of the file.
    fault: Option<Problem>,
}

impl<'a, 's> Line<'a, 's> {
    fn new(
        reading: &Reading<'a>,
        file_name: &'a str,
        seams: &'s mut Seams<'_>,
        sink: &'s mut dyn FnMut(Batch) -> Result<(), Problem>,
    ) -> Self {
        Self {
            connector: reading.connector,
            normaliser: Normaliser::new(reading.connector, reading.subjects, file_name, reading.options),
            recogniser: reading.register.map(|register| Recogniser::new(register, None)),
            checker: Checker::new(reading.connector),
            participants: &mut *seams.participants,
            sink,
            limit: reading.batch.clamp(1, BATCH),
            batch: Batch::default(),
            outcome: Outcome::default(),
            spare: Vec::new(),
            summary: ReadSummary::default(),
            bad_rows: 0,
            warned: BTreeMap::new(),
            reported: BTreeSet::new(),
            rows_of_table: None,
            fault: None,
        }
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let mut batch = std::mem::take(&mut self.batch);
        if batch.rows_read == 0 && batch.quarantined.is_empty() && batch.observations.is_empty() {
            return Ok(());
        }
        if let Some(recogniser) = &mut self.recogniser {
            recogniser.batch(&mut batch);
        }
        self.summary.observations += batch.observations.len() as u64;
        self.summary.quarantined += batch.quarantined.len() as u64;
        (self.sink)(batch).inspect_err(|problem| self.fault = Some(problem.clone()))
    }

    /// Puts the failures of the checks where their severity sends them; a refusal stops the file.
    fn judge(&mut self, row: &Row, failures: Vec<Failure>) -> Result<(), Problem> {
        for failure in failures {
            let column = Some(failure.column.as_str());
            let put = self
                .normaliser
                .quarantine(row, column, &failure.rule, failure.problem.clone());
            let Some(put) = put else { continue };
            match failure.severity {
                Severity::RefuseFile => return Err(put.problem),
                Severity::QuarantineRow => {
                    self.outcome.observations.clear();
                    self.outcome.participant = None;
                    self.outcome.quarantined.push(put);
                    return Ok(());
                }
                Severity::Warning => {
                    let seen = self.warned.entry(failure.rule).or_default();
                    *seen += 1;
                    if *seen <= ROWS_NAMED {
                        self.summary.warnings.push(put.problem);
                    }
                }
            }
        }
        Ok(())
    }

    fn close_table(&mut self) {
        if self.rows_of_table.take() == Some(0) {
            self.summary.warnings.push(Problem::new("MSK-NRM-12"));
        }
    }

    fn finish(mut self, decoded: Result<Decoded, Problem>) -> Result<ReadSummary, Problem> {
        if decoded.is_ok() {
            self.close_table();
        }
        let flushed = self.flush();
        if let Some(problem) = self.fault {
            return Err(problem);
        }
        flushed?;
        match decoded {
            Ok(decoded) => {
                if !decoded.undeclared.is_empty() && self.connector.contract.warn_new_columns {
                    self.summary.warnings.push(warn_undeclared(&decoded.undeclared));
                }
                self.summary.refused = too_many_bad(self.connector, self.bad_rows, self.summary.rows_read);
            }
            Err(problem) => self.summary.refused = Some(problem),
        }
        for (rule, count) in self.warned {
            if count > ROWS_NAMED {
                let more = Problem::new("MSK-VAL-09")
                    .arg("rule", rule)
                    .arg("count", count - ROWS_NAMED);
                self.summary.warnings.push(more);
            }
        }
        self.summary.warnings.extend(self.normaliser.finish());
        Ok(self.summary)
    }
}

fn too_many_bad(connector: &Connector, bad: u64, rows: u64) -> Option<Problem> {
    #[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^52")]
    let allowed = connector.contract.max_quarantined * rows as f64;
    #[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^52")]
    let over = bad > BAD_ROWS_TOLERATED && bad as f64 > allowed;
    (over || bad > 0 && bad == rows).then(|| {
        Problem::new("MSK-VAL-08")
            .arg("quarantined", bad)
            .arg("rows", rows)
            .arg("limit", format!("{}%", connector.contract.max_quarantined * 100.0))
    })
}

impl TableSink for Line<'_, '_> {
    fn table(&mut self, table: Table) -> Result<(), Problem> {
        self.close_table();
        let warnings = self.normaliser.table(table)?;
        self.rows_of_table = Some(0);
        for warning in warnings {
            if self.reported.insert(warning.ru()) {
                self.summary.warnings.push(warning);
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Problem> {
        self.outcome.clear();
        self.normaliser.row(&row, &mut self.outcome)?;
        if self.outcome.skipped {
            self.spare = row.cells;
            return Ok(());
        }
        let usable = !self.outcome.observations.is_empty() || self.outcome.participant.is_some();
        if usable && !self.checker.is_empty() {
            let failures = self.checker.row(self.normaliser.values(), &self.outcome.observations);
            self.judge(&row, failures)?;
        }
        self.spare = row.cells;
        self.summary.rows_read += 1;
        self.rows_of_table = self.rows_of_table.map(|rows| rows + 1);
        self.batch.rows_read += 1;
        self.bad_rows += u64::from(!self.outcome.quarantined.is_empty());
        self.batch.observations.append(&mut self.outcome.observations);
        self.batch.quarantined.append(&mut self.outcome.quarantined);
        if let Some(participant) = self.outcome.participant.take() {
            self.summary.participants += 1;
            (self.participants)(participant).inspect_err(|problem| self.fault = Some(problem.clone()))?;
        }
        if self.batch.observations.len() + self.batch.quarantined.len() >= self.limit {
            self.flush()?;
        }
        Ok(())
    }

    fn broken_row(&mut self, number: u32, problem: Problem) -> Result<(), Problem> {
        let _ = number;
        self.summary.rows_read += 1;
        self.batch.rows_read += 1;
        self.bad_rows += 1;
        self.batch.quarantined.push(Quarantined {
            problem,
            column: None,
            rule: None,
            unit: None,
            // The fields cannot be told apart, so nothing of them may be kept.
            cleaned: "{}".to_owned(),
        });
        if self.batch.quarantined.len() >= self.limit {
            self.flush()?;
        }
        Ok(())
    }

    fn spare(&mut self) -> Vec<Cell> {
        std::mem::take(&mut self.spare)
    }
}
