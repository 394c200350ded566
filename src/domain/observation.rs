//! Numbers with their key and their origin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::fact::Fact;
use super::place::Place;
use super::unit::UnitRef;
use super::vocabulary::{Measure, Procedure};
use crate::message::Problem;

/// An exact decimal (точное число): `units` divided by ten to the power of `scale`. Counts and sums have scale 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// The number without its decimal point.
    pub units: i64,
    /// Digits after the point.
    pub scale: u8,
}

/// Largest number of units: what is larger is a slip of the hand, and thousands of these add up within 64 bits.
const LARGEST: u64 = 1_000_000_000_000_000;

impl Amount {
    /// A whole number.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self { units, scale: 0 }
    }

    /// Reads `12`, `-3`, `45,30` and `45.3`; blanks between digits are thousands separators. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | '\u{a0}' | '\u{202f}'))
            .map(|letter| match letter {
                ',' => '.',
                '\u{2212}' => '-',
                other => other,
            })
            .collect();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || !plain(digits) || !plain(part) || part.len() > 9 || text.ends_with('.') {
            return None;
        }
        let part = part.trim_end_matches('0');
        let units: i64 = format!("{whole}{part}").parse().ok()?;
        Some(Self {
            units: Some(units).filter(|units| units.unsigned_abs() <= LARGEST)?,
            scale: u8::try_from(part.len()).ok()?,
        })
    }

    /// Nearest floating-point number, for charts and means only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of a country stay far below 2^52")]
    pub fn to_f64(self) -> f64 {
        self.units as f64 / 10f64.powi(i32::from(self.scale))
    }
}

/// Decimal point, as JSON writes it.
impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(out, "{}", self.units);
        }
        let divisor = 10i64.pow(u32::from(self.scale));
        let sign = if self.units < 0 { "-" } else { "" };
        let (whole, part) = (self.units.abs() / divisor, self.units.abs() % divisor);
        write!(out, "{sign}{whole}.{part:0width$}", width = usize::from(self.scale))
    }
}

/// Further keys of an observation (разрез): `mark`, `journal`, `task`, `primary`, `band`, `sex`, `written_in`…
/// Written as `mark=2;journal=3`, keys in alphabetical order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Breakdown(BTreeMap<String, String>);

impl Breakdown {
    /// No further key.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds or replaces one key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// The value of one key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All keys with their values, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// True when there is no further key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the written form; unknown shapes give `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(';')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                pair.split_once('=')
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
            })
            .collect::<Option<BTreeMap<_, _>>>()
            .map(Self)
    }
}

impl fmt::Display for Breakdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (key, value)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ";" };
            write!(out, "{separator}{key}={value}")?;
        }
        Ok(())
    }
}

/// What a newer delivery of a source replaces as a whole (область выгрузки): a round, and within it no more than the
/// organisations, subjects or grades it speaks of where these are named. What vanished from it stops to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Only organisations that the delivery speaks of; otherwise all of the round.
    pub organisation: bool,
    /// Only subjects that it speaks of.
    pub subject: bool,
    /// Only grades that it speaks of.
    pub grade: bool,
}

/// A result (результат): unit × round × measure × subject × grade × breakdown → value, with participants and origin.
/// Repeated parts are shared, so that a batch of a long file stays small.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// What the number is about.
    pub unit: Arc<UnitRef>,
    /// The procedure.
    pub procedure: Procedure,
    /// The round, `vpr/2024-25/spring`.
    pub round: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Slug of `config/subjects.toml`.
    pub subject: Option<Arc<str>>,
    /// Grade of the work, not of the pupil.
    pub grade: Option<u8>,
    /// Further keys.
    pub breakdown: Arc<Breakdown>,
    /// The number.
    pub value: Amount,
    /// Participants behind a share or a mean.
    pub n: Option<i64>,
    /// Where it stands in the file.
    pub place: Place,
}

/// A refused row (строка в карантине): what was refused, where and why. The raw text has passed the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Code, arguments and place.
    pub problem: Problem,
    /// Column the problem speaks of.
    pub column: Option<String>,
    /// Rule of the manifest.
    pub rule: Option<String>,
    /// The unit as the row names it.
    pub unit: Option<Arc<UnitRef>>,
    /// The row without personal data, as JSON text.
    pub cleaned: String,
}

/// What a stage hands on: a bounded piece of a file.
#[derive(Debug, Default)]
pub struct Batch {
    /// Accepted numbers.
    pub observations: Vec<Observation>,
    /// Accepted facts of sites.
    pub facts: Vec<Fact>,
    /// Refused rows.
    pub quarantined: Vec<Quarantined>,
    /// Rows of the source behind this batch.
    pub rows_read: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_refuse_what_is_not_a_number() {
        for (text, shown) in [
            ("12", "12"),
            ("45,30", "45.3"),
            ("-0,5", "-0.5"),
            ("12 345", "12345"),
            ("−3,2", "-3.2"),
        ] {
            assert_eq!(Amount::parse(text).expect(text).to_string(), shown, "{text}");
        }
        for text in ["", "—", "X", "1.2.3", "12.", ".5", "1e9", "٣", "9000000000000000000"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_breakdown_reads_what_it_writes() {
        let breakdown = Breakdown::none().with("mark", "2").with("journal", "3");
        assert_eq!(breakdown.to_string(), "journal=3;mark=2");
        assert_eq!(Breakdown::parse("journal=3;mark=2"), Some(breakdown));
        assert_eq!(Breakdown::parse(""), Some(Breakdown::none()));
    }
}
