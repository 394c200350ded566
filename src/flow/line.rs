//! The stages in a row, as one receiver of the decoder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cleaned::Transcript;
use super::read::{BATCH, ReadSummary, Reading, TakeBatch};
use crate::decode::Decoded;
use crate::domain::observation::{Batch, Quarantined};
use crate::manifest::{Class, Connector, Kind, Personal, Severity};
use crate::message::Problem;
use crate::normalise::recognise::{Recogniser, refused_together};
use crate::normalise::{Normaliser, Outcome, warn_undeclared};
use crate::privacy::detect::Trust;
use crate::privacy::door::{self, Door, Kept, Rule};
use crate::privacy::fold::Fold;
use crate::table::{Cell, Row, Table, TableSink};
use crate::validate::series::Series;
use crate::validate::{self, Checker, Failure};

/// So many bad rows never refuse a file by themselves: a school of five rows must not lose four for one.
const BAD_ROWS_TOLERATED: u64 = 3;
/// Rule of numbers that cannot be, whatever the manifest says.
const IMPOSSIBLE: &str = "impossible";
/// Rows named per failing rule of severity `warning`; the rest is counted.
const ROWS_NAMED: u64 = 5;

pub(super) struct Line<'a, 's> {
    connector: &'a Connector,
    door: Door,
    normaliser: Normaliser<'a>,
    recogniser: Option<Recogniser<'a>>,
    checker: Checker<'a>,
    /// Numbers of one organisation and work whose rows follow one another, where the file has a number a row.
    series: Option<Series>,
    fold: Option<Fold>,
    sink: &'s mut TakeBatch<'s>,
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
    /// What the sink answered, told apart from a fault of the file.
    fault: Option<Problem>,
    /// What the door lets through, when it is to be kept.
    copy: Option<Transcript>,
}

impl<'a, 's> Line<'a, 's> {
    /// # Errors
    /// When the name of the file alone refuses it.
    pub(super) fn new(reading: &Reading<'a>, file_name: &'a str, sink: &'s mut TakeBatch<'s>) -> Result<Self, Problem> {
        let connector = reading.connector;
        let folded = connector.personal == Personal::Folded;
        let kept = if folded { Kept::Folded } else { Kept::Raw };
        let checker = Checker::new(connector, reading.scales);
        let (door, warnings) = Door::new(file_name, reading.exempt.clone(), kept)?;
        Ok(Self {
            connector,
            normaliser: Normaliser::new(connector, reading.subjects, file_name, reading.options, reading.today),
            recogniser: reading.register.map(|register| Recogniser::new(register, None)),
            series: checker.by_series().then(Series::default),
            checker,
            fold: folded.then(Fold::new),
            sink,
            limit: reading.batch.clamp(1, BATCH),
            batch: Batch::default(),
            outcome: Outcome::default(),
            spare: Vec::new(),
            summary: ReadSummary {
                file_name: door.file().to_owned(),
                warnings,
                ..ReadSummary::default()
            },
            door,
            bad_rows: 0,
            warned: BTreeMap::new(),
            reported: BTreeSet::new(),
            rows_of_table: None,
            fault: None,
            copy: None,
        })
    }

    pub(super) fn copying(mut self) -> Self {
        self.copy = Some(Transcript::new());
        self
    }

    /// The copy of a file that has been read to its end.
    pub(super) fn copied(mut self, decoded: Decoded) -> Option<Vec<u8>> {
        let undeclared = self.door.names(decoded.undeclared);
        self.copy.map(|copy| copy.end(undeclared))
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

    /// Puts aside the numbers of a row that cannot be.
    fn refuse_impossible(&mut self, row: &Row) {
        let numbers = &mut self.outcome.observations;
        if !numbers.iter().any(|number| validate::impossible(number).is_some()) {
            return;
        }
        for number in std::mem::take(numbers) {
            let Some(problem) = validate::impossible(&number) else {
                numbers.push(number);
                continue;
            };
            let problem = problem.at(number.place.to_string());
            if let Some(mut put) = self.normaliser.quarantine(row, None, IMPOSSIBLE, problem.clone()) {
                put.problem = problem;
                put.unit = Some(number.unit);
                self.outcome.quarantined.push(put);
            }
        }
    }

    /// Judges the series that has ended, or is cut for its length, and hands its numbers on. The refusal of a series is one record.
    fn end_series(&mut self, cut: bool) -> Result<(), Problem> {
        let Some((numbers, whole)) = self.series.as_mut().map(|series| series.end(cut)) else {
            return Ok(());
        };
        let failures = if whole {
            self.checker.series(&numbers)
        } else {
            Vec::new()
        };
        for failure in failures {
            let Some(first) = numbers.first() else { continue };
            let problem = failure.problem.at(first.place.to_string());
            match failure.severity {
                Severity::RefuseFile => return Err(problem),
                Severity::QuarantineRow => {
                    self.bad_rows += numbers.len() as u64;
                    let unit = Arc::clone(&first.unit);
                    let put = refused_together(unit, problem, Some(failure.rule), &numbers);
                    self.batch.quarantined.push(put);
                    return Ok(());
                }
                Severity::Warning => self.warn(failure.rule, problem),
            }
        }
        self.batch.observations.extend(numbers);
        Ok(())
    }

    /// A warning that may come with every row: the first few are named, the rest is counted.
    fn warn(&mut self, rule: String, problem: Problem) {
        let seen = self.warned.entry(rule).or_default();
        *seen += 1;
        if *seen <= ROWS_NAMED {
            self.summary.warnings.push(problem);
        }
    }

    /// Puts the failures of the checks where their severity sends them; a refusal stops the file.
    fn judge(&mut self, row: &Row, failures: Vec<Failure>) -> Result<(), Problem> {
        for failure in failures {
            let column = Some(failure.column.as_str());
            let put = self
                .normaliser
                .quarantine(row, column, &failure.rule, failure.problem.clone());
            let Some(mut put) = put else { continue };
            match failure.severity {
                Severity::RefuseFile => return Err(put.problem),
                Severity::QuarantineRow => {
                    let number = self.outcome.observations.first().map(|number| &number.unit);
                    let pupil = self.outcome.participant.as_ref().map(|pupil| &pupil.unit);
                    put.unit = number.or(pupil).cloned();
                    self.outcome.observations.clear();
                    self.outcome.participant = None;
                    self.outcome.quarantined.push(put);
                    return Ok(());
                }
                Severity::Warning => self.warn(failure.rule, put.problem),
            }
        }
        Ok(())
    }

    fn close_table(&mut self) {
        if self.rows_of_table.take() == Some(0) {
            self.summary.warnings.push(Problem::new("MSK-NRM-12"));
        }
    }

    /// A row has been read or refused: counts it and hands the batch on when it is full.
    fn count_row(&mut self, bad: bool) -> Result<(), Problem> {
        self.summary.rows_read += 1;
        self.rows_of_table = self.rows_of_table.map(|rows| rows + 1);
        self.batch.rows_read += 1;
        self.bad_rows += u64::from(bad);
        if self.batch.observations.len() + self.batch.quarantined.len() >= self.limit {
            self.flush()?;
        }
        Ok(())
    }

    /// # Errors
    /// What the sink answered.
    pub(super) fn finish(mut self, decoded: Result<Decoded, Problem>) -> Result<ReadSummary, Problem> {
        let mut decoded = decoded;
        if decoded.is_ok() {
            self.close_table();
        }
        if let Err(problem) = self.end_series(false) {
            decoded = decoded.and(Err(problem));
        }
        let flushed = self.flush();
        if let Some(problem) = self.fault {
            return Err(problem);
        }
        flushed?;
        match decoded {
            Ok(decoded) => {
                let undeclared = self.door.names(decoded.undeclared);
                if !undeclared.is_empty() && self.connector.contract.warn_new_columns {
                    self.summary.warnings.push(warn_undeclared(&undeclared));
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
        self.summary.raw_is_clean = self.fold.is_none() && self.door.raw_is_clean();
        self.summary.folded = self.fold.map(Fold::finish);
        Ok(self.summary)
    }
}

fn too_many_bad(connector: &Connector, bad: u64, rows: u64) -> Option<Problem> {
    #[expect(clippy::cast_precision_loss, reason = "row counts stay far below 2^52")]
    let share = bad as f64 / rows.max(1) as f64;
    let allowed = connector.contract.max_quarantined;
    let over = bad > BAD_ROWS_TOLERATED && share > allowed;
    (over || bad > 0 && bad == rows).then(|| {
        Problem::new("MSK-VAL-08")
            .arg("quarantined", bad)
            .arg("rows", rows)
            .arg("limit", format!("{}%", allowed * 100.0))
    })
}

/// What the door knows of the columns of a table.
fn door_rules(connector: &Connector, normaliser: &Normaliser<'_>) -> Vec<Rule> {
    let unit = &connector.unit;
    let is = |name: &str, known: &Option<String>| known.as_deref() == Some(name);
    let declared = normaliser.declared_columns().map(|(position, column)| {
        let class = match column.class {
            Class::Key => door::Class::Key,
            Class::Measure => door::Class::Measure,
            Class::Context => door::Class::Context,
            Class::Drop => door::Class::Drop,
            Class::Pseudonym => door::Class::Pseudonym,
        };
        let rule = Rule::new(position, class);
        let codes = [&unit.login, &unit.ogrn, &unit.inn, &unit.code, &unit.site];
        if is(&column.name, &unit.name) {
            rule.trusting(Trust::Organisations)
        } else if codes.iter().any(|known| is(&column.name, known)) {
            rule.trusting(Trust::Codes)
        } else if column.class == Class::Context && column.reading.kind != Kind::Text {
            rule.trusting(Trust::Amounts)
        } else {
            rule
        }
    });
    let by_header = normaliser
        .header_columns()
        .map(|position| Rule::new(position, door::Class::Measure));
    declared.chain(by_header).collect()
}

impl TableSink for Line<'_, '_> {
    fn table(&mut self, table: Table) -> Result<(), Problem> {
        self.close_table();
        self.end_series(false)?;
        let (table, mut warnings) = self.door.table(table)?;
        if let Some(copy) = &mut self.copy {
            copy.table(&table);
        }
        warnings.extend(self.normaliser.table(table)?);
        self.door.columns(&door_rules(self.connector, &self.normaliser));
        self.rows_of_table = Some(0);
        for warning in warnings {
            if self.reported.insert(warning.ru()) {
                self.summary.warnings.push(warning);
            }
        }
        Ok(())
    }

    fn row(&mut self, mut row: Row) -> Result<(), Problem> {
        self.outcome.clear();
        let removed = self.door.row(&mut row)?;
        if let Some(copy) = &mut self.copy {
            copy.row(&row);
        }
        self.summary.warnings.extend(removed);
        self.normaliser.row(&row, &mut self.outcome)?;
        if self.outcome.skipped {
            self.spare = row.cells;
            return Ok(());
        }
        for warning in std::mem::take(&mut self.outcome.warnings) {
            self.warn(warning.code().to_owned(), warning);
        }
        self.refuse_impossible(&row);
        let usable = !self.outcome.observations.is_empty() || self.outcome.participant.is_some();
        if usable && !self.checker.is_empty() {
            let outcome = &self.outcome;
            let pupil = outcome.participant.as_ref();
            let failures = self.checker.row(self.normaliser.values(), &outcome.observations, pupil);
            self.judge(&row, failures)?;
        }
        self.spare = row.cells;
        let bad = !self.outcome.quarantined.is_empty();
        if let Some(series) = &mut self.series {
            // A refused row comes between: what stands before it is handed on before it.
            let goes_on = !bad && series.goes_on_with(&self.outcome.observations);
            if !goes_on || series.is_full() {
                self.end_series(goes_on)?;
            }
        }
        match &mut self.series {
            Some(series) => series.take(&mut self.outcome.observations),
            None => self.batch.observations.append(&mut self.outcome.observations),
        }
        self.batch.quarantined.append(&mut self.outcome.quarantined);
        if let (Some(fold), Some(participant)) = (&mut self.fold, self.outcome.participant.take()) {
            fold.add(participant)?;
        }
        self.count_row(bad)
    }

    fn broken_row(&mut self, number: u32, problem: Problem) -> Result<(), Problem> {
        if let Some(copy) = &mut self.copy {
            copy.broken(number, &problem);
        }
        self.end_series(false)?;
        self.batch.quarantined.push(Quarantined {
            problem,
            column: None,
            rule: None,
            unit: None,
            // The fields cannot be told apart, so nothing of them may be kept.
            cleaned: "{}".to_owned(),
        });
        self.count_row(true)
    }

    fn unseen(&mut self, text: &str) {
        self.door.unseen(text);
    }

    fn wants_unseen(&self) -> bool {
        self.door.wants_unseen()
    }

    fn spare(&mut self) -> Vec<Cell> {
        std::mem::take(&mut self.spare)
    }
}
