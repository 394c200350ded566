//! A number as the warehouse gives it back: with the file and the place it came from.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use super::observation::{Amount, Breakdown};
use super::place::Place;
use super::unit::UnitId;
use super::vocabulary::{Measure, Procedure};

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
