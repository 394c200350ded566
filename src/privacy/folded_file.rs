//! The snapshot of a folded source: JSON lines, equal bytes for equal statistics.
//!
//! Line 1 is the head (format, version, connector, hash of the original, file name, counts), then one line per work
//! (sheet and columns, for places), then one line per organisation and work.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fold::{MAX_GROUPS, MAX_WORKS};
use super::folded::{Folded, Group, Score, Side, Span, TaskTally};
use crate::domain::participant::{Task, Work};
use crate::domain::unit::{UnitId, UnitRef};
use crate::domain::vocabulary::Procedure;
use crate::message::Problem;

const FORMAT: &str = "msoko-folded";
const VERSION: u32 = 1;

/// Longest line read. The widest real group (40 tasks × 60 scores) takes 60 kB.
const MAX_LINE: u64 = 8 << 20;

/// Columns a place may point to; what else a work lists is not written.
const COLUMNS: [&str; 4] = ["total", "mark", "journal", "test_score"];

/// Where the statistics come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Id of the connector.
    pub connector: String,
    /// Hash of the original, in hex.
    pub original: String,
    /// Name of the file, after the detectors.
    pub file: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u32,
    connector: String,
    original: String,
    file: String,
    rows: u64,
    works: usize,
    groups: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct WorkLine {
    procedure: String,
    round: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grade: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sheet: Option<String>,
    tasks: Vec<(String, Option<u16>, u32)>,
    columns: Vec<(String, u32, String)>,
}

/// Primary score, mark, journal mark, test score, participants.
type ScoreEntry = (Option<u16>, Option<u8>, Option<u8>, Option<u16>, u64);

/// Sex or category, its value, mark, primary score, test score, participants.
type SideEntry = (String, String, Option<u8>, Option<u16>, Option<u16>, u64);

/// Primary score, then points, answered, X, not taught, blank.
type Tallies = Vec<(Option<u16>, u64, u64, u64, u64, u64)>;

#[derive(Debug, Serialize, Deserialize)]
struct GroupLine {
    unit: BTreeMap<String, String>,
    procedure: String,
    round: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grade: Option<u8>,
    /// Work, first row, last row, rows.
    spans: Vec<(usize, u32, u32, u64)>,
    participants: u64,
    absent: u64,
    excluded: BTreeMap<String, u64>,
    repeated: u64,
    totals_differ: u64,
    total_given: u64,
    scores: Vec<ScoreEntry>,
    /// Per task.
    tasks: BTreeMap<String, Tallies>,
    sides: Vec<SideEntry>,
}

/// Writes the statistics.
///
/// # Errors
/// What the writer answers.
pub fn write(folded: &Folded, meta: &Meta, mut out: impl Write) -> std::io::Result<()> {
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        connector: meta.connector.clone(),
        original: meta.original.clone(),
        file: meta.file.clone(),
        rows: folded.rows(),
        works: folded.works.len(),
        groups: folded.groups.len(),
    };
    write_line(&mut out, &head)?;
    for work in &folded.works {
        write_line(&mut out, &WorkLine::of(work))?;
    }
    for group in &folded.groups {
        write_line(&mut out, &GroupLine::of(group))?;
    }
    out.flush()
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// `MSK-PRV-17` when the snapshot is damaged or cut short, `MSK-PRV-18` when another version wrote it.
pub fn read(input: impl Read) -> Result<(Meta, Folded), Problem> {
    let mut lines = Lines {
        input: BufReader::new(input),
        number: 0,
        text: Vec::new(),
    };
    let head: Head = lines.next()?;
    if head.format != FORMAT || head.version != VERSION {
        return Err(Problem::new("MSK-PRV-18")
            .arg("found", head.version)
            .arg("known", VERSION));
    }
    if head.works > MAX_WORKS || head.groups > MAX_GROUPS {
        return Err(lines.damaged("counts above the limits"));
    }
    let mut folded = Folded::default();
    for _ in 0..head.works {
        let line: WorkLine = lines.next()?;
        folded
            .works
            .push(line.read().ok_or_else(|| lines.damaged("unknown procedure"))?);
    }
    for _ in 0..head.groups {
        let line: GroupLine = lines.next()?;
        let group = line.read(folded.works.len());
        folded
            .groups
            .push(group.ok_or_else(|| lines.damaged("unknown procedure or work"))?);
    }
    if folded.rows() != head.rows {
        return Err(lines.damaged("the rows do not add up to the head"));
    }
    let meta = Meta {
        connector: head.connector,
        original: head.original,
        file: head.file,
    };
    Ok((meta, folded))
}

struct Lines<R> {
    input: BufReader<R>,
    number: usize,
    text: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Problem> {
        self.number += 1;
        self.text.clear();
        let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.text);
        read.map_err(|error| self.damaged(&error.kind().to_string()))?;
        if self.text.last() != Some(&b'\n') {
            return Err(self.damaged("cut short"));
        }
        // The text of the error could repeat a value: its place is enough.
        serde_json::from_slice(&self.text).map_err(|error| self.damaged(&format!("column {}", error.column())))
    }

    fn damaged(&self, reason: &str) -> Problem {
        Problem::new("MSK-PRV-17").arg("line", self.number).because(reason)
    }
}

impl WorkLine {
    fn of(work: &Work) -> Self {
        Self {
            procedure: work.procedure.as_str().to_owned(),
            round: work.round.to_string(),
            subject: work.subject.to_string(),
            grade: work.grade,
            sheet: work.sheet.as_ref().map(ToString::to_string),
            tasks: work
                .tasks
                .iter()
                .map(|task| (task.label.clone(), task.max, task.column))
                .collect(),
            columns: work
                .columns
                .iter()
                .filter(|(name, _, _)| COLUMNS.contains(name))
                .map(|(name, position, header)| ((*name).to_owned(), *position, header.clone()))
                .collect(),
        }
    }

    fn read(self) -> Option<Work> {
        let column = |(name, position, header): (String, u32, String)| {
            let name = COLUMNS.into_iter().find(|known| *known == name)?;
            Some((name, position, header))
        };
        Some(Work {
            procedure: Procedure::parse(&self.procedure)?,
            round: self.round.into(),
            subject: self.subject.into(),
            grade: self.grade,
            sheet: self.sheet.map(Arc::from),
            tasks: self
                .tasks
                .into_iter()
                .map(|(label, max, column)| Task { label, max, column })
                .collect(),
            columns: self.columns.into_iter().map(column).collect::<Option<_>>()?,
        })
    }
}

impl GroupLine {
    fn of(group: &Group) -> Self {
        let tallies = |by_primary: &BTreeMap<Option<u16>, TaskTally>| {
            by_primary
                .iter()
                .map(|(primary, tally)| {
                    (
                        *primary,
                        tally.points,
                        tally.answered,
                        tally.skipped,
                        tally.not_taught,
                        tally.blank,
                    )
                })
                .collect()
        };
        Self {
            unit: unit_fields(&group.unit),
            procedure: group.procedure.as_str().to_owned(),
            round: group.round.to_string(),
            subject: group.subject.to_string(),
            grade: group.grade,
            spans: group
                .spans
                .iter()
                .map(|(work, span)| (*work, span.first, span.last, span.count))
                .collect(),
            participants: group.participants,
            absent: group.absent,
            excluded: group.excluded.clone(),
            repeated: group.repeated,
            totals_differ: group.totals_differ,
            total_given: group.total_given,
            scores: group
                .scores
                .iter()
                .map(|(score, count)| (score.primary, score.mark, score.journal, score.test, *count))
                .collect(),
            tasks: group
                .tasks
                .iter()
                .map(|(label, by_primary)| (label.clone(), tallies(by_primary)))
                .collect(),
            sides: group
                .sides
                .iter()
                .map(|(side, count)| {
                    let Side {
                        kind,
                        value,
                        mark,
                        primary,
                        test,
                    } = side.clone();
                    (kind, value, mark, primary, test, *count)
                })
                .collect(),
        }
    }

    fn read(self, works: usize) -> Option<Group> {
        let span = |(work, first, last, count): (usize, u32, u32, u64)| {
            (work < works && first <= last).then_some((work, Span { first, last, count }))
        };
        let score = |(primary, mark, journal, test, count)| {
            let score = Score {
                primary,
                mark,
                journal,
                test,
            };
            (score, count)
        };
        Some(Group {
            unit: Arc::new(unit_of(&self.unit)),
            procedure: Procedure::parse(&self.procedure)?,
            round: self.round.into(),
            subject: self.subject.into(),
            grade: self.grade,
            spans: self.spans.into_iter().map(span).collect::<Option<_>>()?,
            participants: self.participants,
            absent: self.absent,
            excluded: self.excluded,
            repeated: self.repeated,
            totals_differ: self.totals_differ,
            total_given: self.total_given,
            scores: self.scores.into_iter().map(score).collect(),
            tasks: self
                .tasks
                .into_iter()
                .map(|(label, tallies)| (label, read_tallies(tallies)))
                .collect(),
            sides: self.sides.into_iter().map(read_side).collect(),
        })
    }
}

fn read_tallies(tallies: Tallies) -> BTreeMap<Option<u16>, TaskTally> {
    let tally = |(primary, points, answered, skipped, not_taught, blank)| {
        let tally = TaskTally {
            points,
            answered,
            skipped,
            not_taught,
            blank,
        };
        (primary, tally)
    };
    tallies.into_iter().map(tally).collect()
}

fn read_side((kind, value, mark, primary, test, count): SideEntry) -> (Side, u64) {
    let side = Side {
        kind,
        value,
        mark,
        primary,
        test,
    };
    (side, count)
}

fn unit_fields(unit: &UnitRef) -> BTreeMap<String, String> {
    [
        ("id", unit.id.as_ref().map(|id| &id.0)),
        ("name", unit.name.as_ref()),
        ("ogrn", unit.ogrn.as_ref()),
        ("inn", unit.inn.as_ref()),
        ("login", unit.login.as_ref()),
        ("code", unit.code.as_ref()),
        ("site", unit.site.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
    .collect()
}

fn unit_of(fields: &BTreeMap<String, String>) -> UnitRef {
    let field = |name: &str| fields.get(name).cloned();
    UnitRef {
        id: field("id").map(UnitId),
        name: field("name"),
        ogrn: field("ogrn"),
        inn: field("inn"),
        login: field("login"),
        code: field("code"),
        site: field("site"),
    }
}
