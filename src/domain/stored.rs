//! A number as the warehouse gives it back: with the file and the place it came from.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use super::fact::FactValue;
use super::observation::{Amount, Breakdown};
use super::place::Place;
use super::unit::UnitId;
use super::vocabulary::{FactState, Measure, Procedure};

/// Natural key of a stored result (ключ результата): no two stored numbers share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationKey {
    /// Recognised unit.
    pub unit: UnitId,
    /// The procedure.
    pub procedure: Procedure,
    /// The round, `vpr/2024-25/spring`.
    pub round: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Slug of `config/subjects.toml`.
    pub subject: Option<Arc<str>>,
    /// Grade of the work.
    pub grade: Option<u8>,
    /// Further keys.
    pub breakdown: Arc<Breakdown>,
}

impl ObservationKey {
    /// `round · measure · subject · grade`: all that is said of a withheld number. A score of a small school that is in
    /// a list at all tells that somebody there has it.
    #[must_use]
    pub fn kind(&self) -> String {
        let mut kind = format!("{} · {}", self.round, self.measure.as_str());
        if let Some(subject) = &self.subject {
            kind.push_str(" · ");
            kind.push_str(subject);
        }
        if let Some(grade) = self.grade {
            kind.push_str(&format!(" · {grade}"));
        }
        kind
    }

    /// Reads what is printed of a key: `school-05 · vpr/2024-25/spring · mark_count · math · 5 · mark=2`; `None` for
    /// anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(" · ").map(str::trim).peekable();
        let (unit, round) = (parts.next()?, parts.next()?);
        let measure = Measure::parse(parts.next()?)?;
        let is_grade = |part: &&str| part.parse::<u8>().is_ok();
        let is_breakdown = |part: &&str| part.contains('=');
        let subject = parts.next_if(|part| !is_grade(part) && !is_breakdown(part));
        let grade = parts.next_if(is_grade).and_then(|grade| grade.parse().ok());
        let breakdown = parts.next().map_or(Some(Breakdown::none()), Breakdown::parse)?;
        if unit.is_empty() || parts.next().is_some() {
            return None;
        }
        Some(Self {
            unit: UnitId(unit.to_owned()),
            procedure: Procedure::parse(round.split('/').next()?)?,
            round: round.into(),
            measure,
            subject: subject.map(Into::into),
            grade,
            breakdown: Arc::new(breakdown),
        })
    }
}

/// `unit · round · measure · subject · grade · breakdown`, absent parts left out.
impl fmt::Display for ObservationKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} · {}", self.unit.0, self.kind())?;
        if !self.breakdown.is_empty() {
            write!(out, " · {}", self.breakdown)?;
        }
        Ok(())
    }
}

/// A stored result (результат с происхождением). Repeated parts are shared, so that three years of a district stay small.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredObservation {
    /// What the number is about.
    pub key: ObservationKey,
    /// The number.
    pub value: Amount,
    /// Participants behind a share or a mean.
    pub n: Option<i64>,
    /// Name of the file it came from, without folders.
    pub file: Arc<str>,
    /// Where it stands in the file.
    pub place: Place,
    /// Identifier of the snapshot.
    pub snapshot: Arc<str>,
    /// When the file was received.
    pub received: DateTime<FixedOffset>,
}

/// A fact as the warehouse gives it back (факт сайта с происхождением).
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFact {
    /// Whose site it is.
    pub unit: UnitId,
    /// Stable code.
    pub code: String,
    /// The value, when there is one.
    pub value: Option<FactValue>,
    /// Present, declared absent, missing or unknown.
    pub state: Option<FactState>,
    /// `person`, `place`, `percent`…
    pub unit_of_measure: Option<String>,
    /// The day or year the page itself names.
    pub as_of: Option<String>,
    /// Address of the page.
    pub url: Option<String>,
    /// From 0 to 100.
    pub confidence: u8,
    /// Where on the page.
    pub place: Place,
    /// Hash of the snapshot.
    pub snapshot: String,
    /// When it was first read so.
    pub first_seen: DateTime<Utc>,
    /// When a page last confirmed it.
    pub last_seen: DateTime<Utc>,
}

/// The load that brought a stored value (след загрузки), and the one that replaced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Id of the source.
    pub source: Arc<str>,
    /// Id of the connector.
    pub connector: Arc<str>,
    /// Number of the run.
    pub run: i64,
    /// When the run was published.
    pub loaded: DateTime<Utc>,
    /// The source has rows about pupils: the snapshot holds sums, the place is a range of rows.
    pub is_folded: bool,
    /// Run and moment of the replacement; absent for what holds now.
    pub replaced: Option<(i64, DateTime<Utc>)>,
}

/// A stored result with the load it came by.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedObservation {
    /// The result.
    pub stored: StoredObservation,
    /// Its load.
    pub trail: Trail,
}

/// A stored fact with the load it came by.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedFact {
    /// The fact.
    pub stored: StoredFact,
    /// `microdata`, `fallback` or `file`.
    pub source_kind: Arc<str>,
    /// File name or address under which the page was kept.
    pub file: Arc<str>,
    /// When the page was received.
    pub received: DateTime<Utc>,
    /// Its load.
    pub trail: Trail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_printed() {
        for text in [
            "vg-01 · vpr/2024-25/spring · mark_count · math · 4 · journal=3;mark=2",
            "vg-01 · vpr/2024-25/spring · participants · math · 4",
            "vg-01 · noko/2024-25 · index · criterion=1",
            "vg-01 · staff/2024-25 · share",
            "vg-01 · gia9/2024-25/main · participants · 9",
        ] {
            assert_eq!(ObservationKey::parse(text).expect(text).to_string(), text);
        }
        for text in [
            "",
            "vg-01",
            "vg-01 · vpr/2024-25/spring",
            "vg-01 · vpr/2024-25/spring · marks",
            "vg-01 · exam/2024-25 · share",
            " · staff/2024-25 · share",
            "vg-01 · staff/2024-25 · share · math · 4 · mark=2 · 5",
        ] {
            assert_eq!(ObservationKey::parse(text), None, "{text}");
        }
    }
}
