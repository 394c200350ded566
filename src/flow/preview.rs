//! Lines of `connector preview --format jsonl`: what would be loaded and what would be refused.
//!
//! Key names and their order are part of the stable interface.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::read::ReadSummary;
use crate::domain::fact::{Fact, FactValue};
use crate::domain::observation::{Amount, Batch, Observation, Quarantined};
use crate::domain::unit::UnitRef;
use crate::message::Problem;

/// One line of the preview.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PreviewLine<'a> {
    /// A number.
    Observation(ObservationLine<'a>),
    /// A fact of a site.
    Fact(FactLine<'a>),
    /// A refused row.
    Quarantine(QuarantineLine<'a>),
    /// A refused file.
    Refused(RefusedLine),
    /// The end.
    Summary(SummaryLine),
}

/// A number with its key and origin.
#[derive(Debug, Serialize)]
pub struct ObservationLine<'a> {
    unit: UnitLine<'a>,
    procedure: &'static str,
    round: &'a str,
    measure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<u8>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    breakdown: BTreeMap<&'a str, &'a str>,
    value: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<i64>,
    origin: Origin<'a>,
}

#[derive(Debug, Serialize)]
struct UnitLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ogrn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

impl<'a> UnitLine<'a> {
    fn new(unit: &'a UnitRef) -> Self {
        Self {
            id: unit.id.as_ref().map(|id| id.0.as_str()),
            name: unit.name.as_deref(),
            ogrn: unit.ogrn.as_deref(),
            inn: unit.inn.as_deref(),
            login: unit.login.as_deref(),
            code: unit.code.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Origin<'a> {
    file: &'a str,
    place: &'a str,
}

/// A whole number stays whole, a decimal one keeps its digits.
#[derive(Debug, Clone, Copy)]
struct Number(Amount);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.scale == 0 {
            serializer.serialize_i64(self.0.units)
        } else {
            serializer.serialize_f64(self.0.to_f64())
        }
    }
}

/// A fact of a site.
#[derive(Debug, Serialize)]
pub struct FactLine<'a> {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<FactNumber<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_of_measure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    confidence: u8,
    origin: Origin<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum FactNumber<'a> {
    Bool(bool),
    Number(Number),
    Text(&'a str),
    Date(String),
    List(Vec<FactNumber<'a>>),
}

impl<'a> FactNumber<'a> {
    fn new(value: &'a FactValue) -> Self {
        match value {
            FactValue::Bool(value) => Self::Bool(*value),
            FactValue::Number(amount) => Self::Number(Number(*amount)),
            FactValue::Text(text) => Self::Text(text),
            FactValue::Date(date) => Self::Date(date.to_string()),
            FactValue::List(values) => Self::List(values.iter().map(Self::new).collect()),
        }
    }
}

/// A refused row.
#[derive(Debug, Serialize)]
pub struct QuarantineLine<'a> {
    code: &'static str,
    place: &'a str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
}

/// A refused file.
#[derive(Debug, Serialize)]
pub struct RefusedLine {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    reason: String,
}

/// Counts of the whole file.
#[derive(Debug, Serialize)]
pub struct SummaryLine {
    rows_read: u64,
    observations: u64,
    facts: u64,
    quarantined: u64,
    refused: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The line of an observation of a file.
#[must_use]
pub fn observation<'a>(file: &'a str, number: &'a Observation) -> PreviewLine<'a> {
    PreviewLine::Observation(ObservationLine {
        unit: UnitLine::new(&number.unit),
        procedure: number.procedure.as_str(),
        round: &number.round,
        measure: number.measure.as_str(),
        subject: number.subject.as_deref(),
        grade: number.grade,
        breakdown: number.breakdown.iter().collect(),
        value: Number(number.value),
        n: number.n,
        origin: Origin {
            file,
            place: number.place.as_str(),
        },
    })
}

fn fact<'a>(file: &'a str, fact: &'a Fact) -> PreviewLine<'a> {
    PreviewLine::Fact(FactLine {
        code: fact.code,
        value: fact.value.as_ref().map(FactNumber::new),
        state: fact.state.map(crate::domain::vocabulary::FactState::as_str),
        unit_of_measure: fact.unit_of_measure,
        as_of: fact.as_of.as_deref(),
        url: fact.url.as_deref(),
        confidence: fact.confidence,
        origin: Origin {
            file,
            place: fact.place.as_str(),
        },
    })
}

fn quarantine(row: &Quarantined) -> PreviewLine<'_> {
    PreviewLine::Quarantine(QuarantineLine {
        code: row.problem.code(),
        place: row.problem.place().unwrap_or_default(),
        reason: row.problem.ru(),
        column: row.column.as_deref(),
        rule: row.rule.as_deref(),
    })
}

/// The lines of one batch: numbers, facts, refused rows.
pub fn preview_lines<'a>(file: &'a str, batch: &'a Batch) -> impl Iterator<Item = PreviewLine<'a>> {
    let numbers = batch.observations.iter().map(move |number| observation(file, number));
    let facts = batch.facts.iter().map(move |found| fact(file, found));
    numbers.chain(facts).chain(batch.quarantined.iter().map(quarantine))
}

/// The last lines: the refusal of the file, when there is one, and the counts.
#[must_use]
pub fn preview_end(summary: &ReadSummary) -> Vec<PreviewLine<'static>> {
    let refused = summary.refused.as_ref().map(|problem| {
        PreviewLine::Refused(RefusedLine {
            code: problem.code(),
            place: problem.place().map(str::to_owned),
            reason: reason(problem),
        })
    });
    let counts = PreviewLine::Summary(SummaryLine {
        rows_read: summary.rows_read,
        observations: summary.observations,
        facts: summary.facts,
        quarantined: summary.quarantined,
        refused: refused.is_some(),
        warnings: summary.warnings.iter().map(Problem::ru_line).collect(),
    });
    refused.into_iter().chain([counts]).collect()
}

fn reason(problem: &Problem) -> String {
    match problem.detail() {
        Some(detail) => format!("{} ({detail})", problem.ru()),
        None => problem.ru(),
    }
}
