//! decode → door → normalise → validate → recognise → batches: a file nobody opened becomes rows that can be loaded.
//!
//! Takes: the bytes of one file and a [`Reading`]: the connector and what is known around it. Gives: batches of at most
//! [`BATCH`] numbers to a sink, then a [`ReadSummary`]. Never: writes, keeps a row about a pupil beyond the fold, lets
//! one bad row cost the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::cleaned;
use super::line::Line;
use crate::decode::{Input, decode};
use crate::domain::observation::Batch;
use crate::domain::scale::Scales;
use crate::domain::subjects::Subjects;
use crate::domain::unit::{Lookup, Register};
use crate::manifest::{Connector, Decode, Site};
use crate::message::{Problem, Problems};
use crate::normalise::recognise::Recogniser;
use crate::privacy::detect::Exempt;
use crate::privacy::door::{Door, Kept};
use crate::privacy::folded::Folded;

/// Observations of a batch at most: one statement's worth for the warehouse, half a megabyte of memory.
pub const BATCH: usize = 1000;

/// Letters that tell one replaced file name from another.
const MARK: usize = 8;

/// What to read and with what knowledge.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// The subjects.
    pub subjects: &'a Subjects,
    /// Scales and minimums, for the marks of folded files.
    pub scales: &'a Scales,
    /// What the source or the command line says: `subject`, `grade`, `school_year`, `season`, `procedure`.
    pub options: &'a BTreeMap<String, String>,
    /// Recognises units; without it observations keep what the file says.
    pub register: Option<&'a Register>,
    /// Names that no detector of personal data takes for a person; made once from the register.
    pub exempt: &'a Arc<Exempt>,
    /// Today in the municipality: later school years have not begun.
    pub today: NaiveDate,
    /// Observations of a batch at most; 1 keeps the order of the source between numbers and refusals.
    pub batch: usize,
}

/// Takes one batch; an error stops the file.
pub type TakeBatch<'s> = dyn FnMut(Batch) -> Result<(), Problem> + 's;

/// Reads pages of a site and hands batches of facts on; an error refuses the file.
pub type ReadPages<'s> = dyn FnMut(Input, &Site, &mut TakeBatch<'_>) -> Result<(), Problem> + 's;

/// What became of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReadSummary {
    /// The name by which the file may be shown and kept: a name of a person in it has been replaced.
    pub file_name: String,
    /// Rows of the file, totals left out by the manifest not counted.
    pub rows_read: u64,
    /// Numbers handed on.
    pub observations: u64,
    /// Facts handed on.
    pub facts: u64,
    /// Refused rows handed on.
    pub quarantined: u64,
    /// What deserves attention and stops nothing.
    pub warnings: Problems,
    /// Why the whole file must not be published. Batches handed on before belong to the same refusal.
    pub refused: Option<Problem>,
    /// False when a detector of personal data met anything: the raw bytes must not be kept.
    pub raw_is_clean: bool,
    /// The statistics of a file about pupils: what its snapshot keeps in place of the bytes.
    pub folded: Option<Folded>,
}

/// Reads a file into batches. Numbers of a file about pupils come last, made by the fold.
///
/// # Errors
/// Only what the sink answered; a fault of the file is [`ReadSummary::refused`].
pub fn read(
    input: Input,
    reading: &Reading<'_>,
    pages: &mut ReadPages<'_>,
    sink: &mut TakeBatch<'_>,
) -> Result<ReadSummary, Problem> {
    if let Decode::Site(site) = &reading.connector.decode {
        return read_pages(input, site, pages, sink);
    }
    let file_name = input.file_name.clone();
    let mut line = match Line::new(reading, &file_name, sink) {
        Ok(line) => line,
        Err(problem) => {
            return Ok(ReadSummary {
                refused: Some(problem),
                ..ReadSummary::default()
            });
        }
    };
    let decoded = decode(input, reading.connector, &mut line);
    let mut summary = line.finish(decoded)?;
    if let (Some(folded), None) = (&summary.folded, &summary.refused) {
        let (observations, quarantined) = publish(folded.clone(), reading, sink)?;
        summary.observations += observations;
        summary.quarantined += quarantined;
        summary.warnings.extend(folded.problems(reading.scales));
    }
    Ok(summary)
}

/// Reads a file for what the door lets through: the snapshot of a file whose bytes may not be kept.
///
/// # Errors
/// When the file is refused.
pub fn read_cleaned(input: Input, reading: &Reading<'_>) -> Result<Vec<u8>, Problem> {
    let file_name = input.file_name.clone();
    let mut nowhere = |_: Batch| Ok(());
    let mut line = Line::new(reading, &file_name, &mut nowhere)?.copying();
    let decoded = decode(input, reading.connector, &mut line)?;
    Ok(line.copied(decoded).unwrap_or_default())
}

/// Reads what [`read_cleaned`] gave into batches.
///
/// # Errors
/// Only what the sink answered, as in [`read()`].
pub fn read_again(
    file_name: &str,
    input: impl std::io::Read,
    reading: &Reading<'_>,
    sink: &mut TakeBatch<'_>,
) -> Result<ReadSummary, Problem> {
    let mut line = Line::new(reading, file_name, sink)?;
    let decoded = cleaned::read(file_name, input, &mut line);
    line.finish(decoded)
}

/// Hands on the numbers of folded statistics, fresh or from their snapshot. Gives the counts of numbers and of refused
/// records.
///
/// # Errors
/// What the sink answered.
pub fn publish(mut folded: Folded, reading: &Reading<'_>, sink: &mut TakeBatch<'_>) -> Result<(u64, u64), Problem> {
    if let Some(register) = reading.register {
        folded.recognise(|said| match register.recognise(said, None) {
            Lookup::Found(unit) => Some(unit.id.clone()),
            Lookup::Ambiguous(_) | Lookup::Unknown => None,
        });
    }
    let mut recogniser = reading.register.map(|register| Recogniser::new(register, None));
    let limit = reading.batch.clamp(1, BATCH);
    let (mut observations, mut quarantined) = (0, 0);
    let mut batch = Batch::default();
    let mut flush = |batch: &mut Batch| {
        let mut full = std::mem::take(batch);
        if let Some(recogniser) = &mut recogniser {
            recogniser.batch(&mut full);
        }
        observations += full.observations.len() as u64;
        quarantined += full.quarantined.len() as u64;
        sink(full)
    };
    for number in folded.observations(reading.scales) {
        // The numbers of an unknown unit become one record where they stay in one batch.
        let other_unit = batch.observations.last().is_some_and(|last| last.unit != number.unit);
        if batch.observations.len() >= limit || other_unit && batch.observations.len() >= limit / 2 {
            flush(&mut batch)?;
        }
        batch.observations.push(number);
    }
    if !batch.observations.is_empty() {
        flush(&mut batch)?;
    }
    Ok((observations, quarantined))
}

/// The name by which a file may be shown, logged and kept: one that the door replaces gets letters made from its hash,
/// so that two such files stay two.
#[must_use]
pub fn shown_name(file_name: &str, exempt: &Arc<Exempt>) -> String {
    let replaced = match Door::new(file_name, Arc::clone(exempt), Kept::Folded) {
        Ok((door, _)) if door.file() == file_name => return file_name.to_owned(),
        Ok((door, _)) => door.file().to_owned(),
        Err(_) => "файл".to_owned(),
    };
    // Letters only: a detector could take digits for the number of a document.
    let hash = blake3::hash(file_name.as_bytes());
    let letters: String = hash.as_bytes()[..MARK]
        .iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect();
    match replaced.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem} {letters}.{extension}"),
        None => format!("{replaced} {letters}"),
    }
}

fn read_pages(
    input: Input,
    site: &Site,
    pages: &mut ReadPages<'_>,
    sink: &mut TakeBatch<'_>,
) -> Result<ReadSummary, Problem> {
    let mut summary = ReadSummary {
        file_name: input.file_name.clone(),
        ..ReadSummary::default()
    };
    let mut fault = None;
    let read = pages(input, site, &mut |batch: Batch| {
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
