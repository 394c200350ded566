//! The phrase engine: the text of a term becomes a rule, a rule and a period become dates.
//!
//! Takes: the phrase as the document has it, the period of the roadmap, known schedules and events, the working
//! calendar. Gives: dates with their windows, and what has to be cleared up. Never: moves a date off a day off, makes a
//! date of a word it does not know.
//!
//! ```
//! use chrono::NaiveDate;
//! use msoko::calendar::Calendar;
//! use msoko::deadlines::terms::{Frame, Known, TermKind, due, parse};
//! use msoko::domain::roadmap::Period;
//!
//! let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
//! let period = Period { from: day("2020-01-01"), to: day("2022-12-31") };
//! let frame = Frame { period, approved: None, known: &Known::default(), calendar: &Calendar::federal(), subject: "" };
//! let rule = parse("октябрь-декабрь 2020 г., ежегодно");
//! assert_eq!(rule.kind, TermKind::Yearly);
//! let dates: Vec<String> = due(&rule, &frame).dates.iter().map(|due| due.date.to_string()).collect();
//! assert_eq!(dates, ["2020-12-31", "2021-12-31", "2022-12-31"]);
//! ```

mod cursor;
mod dates;
mod known;
mod link;
mod parse;
mod point;
mod rule;
mod span;
mod token;
mod words;

use chrono::NaiveDate;

pub use known::Known;

use crate::calendar::Calendar;
use crate::domain::roadmap::Period;
use crate::message::Problems;

/// What kind of term a phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermKind {
    /// One day, month, quarter or year, or a list of them.
    Once,
    /// Every year.
    Yearly,
    /// Twice a year.
    HalfYearly,
    /// Every quarter.
    Quarterly,
    /// Every month.
    Monthly,
    /// Every week.
    Weekly,
    /// Once in several years.
    EveryNYears,
    /// From one day to another.
    Window,
    /// All the time, to the end of the roadmap.
    Continuous,
    /// By a schedule kept elsewhere.
    BySchedule,
    /// After an event.
    AfterEvent,
    /// Before an event.
    BeforeEvent,
    /// «уточнить».
    Unspecified,
}

impl TermKind {
    /// The word used in files and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Yearly => "yearly",
            Self::HalfYearly => "half_yearly",
            Self::Quarterly => "quarterly",
            Self::Monthly => "monthly",
            Self::Weekly => "weekly",
            Self::EveryNYears => "every_n_years",
            Self::Window => "window",
            Self::Continuous => "continuous",
            Self::BySchedule => "by_schedule",
            Self::AfterEvent => "after_event",
            Self::BeforeEvent => "before_event",
            Self::Unspecified => "unspecified",
        }
    }
}

/// Whether the term is one for the district or one for each organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// One term.
    District,
    /// A term for each organisation.
    Organisation,
}

impl Applies {
    /// The word used in files and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::Organisation => "organisation",
        }
    }
}

/// A rule of terms (правило срока): what a phrase means before any period is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermRule {
    /// The phrase, trimmed.
    pub phrase: String,
    /// Its kind.
    pub kind: TermKind,
    /// For the district or for each organisation.
    pub applies: Applies,
    source: rule::Source,
    /// What was doubtful while reading.
    pub problems: Problems,
}

/// What a rule is applied to.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Period of the roadmap.
    pub period: Period,
    /// Day of approval: no earlier date is created unless the phrase names it.
    pub approved: Option<NaiveDate>,
    /// Schedules and events.
    pub known: &'a Known,
    /// Working days.
    pub calendar: &'a Calendar,
    /// What the activity is about: tells which event «по результатам участия» means. May be empty.
    pub subject: &'a str,
}

/// One date of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueDate {
    /// The term; it never moves.
    pub date: NaiveDate,
    /// First day of the window.
    pub window_start: Option<NaiveDate>,
    /// A schedule or an event will replace the date.
    pub provisional: bool,
    /// The last working day not later than the date.
    pub last_working_day: NaiveDate,
}

/// The dates of a term in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Kind of the term; a phrase without a year that comes true every year is yearly here.
    pub kind: TermKind,
    /// For the district or for each organisation.
    pub applies: Applies,
    /// In order, without repetitions.
    pub dates: Vec<DueDate>,
    /// What is doubtful or missing.
    pub problems: Problems,
}

/// Reads a phrase. What cannot be read is [`TermKind::Unspecified`] with a problem that names the words.
#[must_use]
pub fn parse(phrase: &str) -> TermRule {
    parse::parse(phrase)
}

/// The dates of a rule in a period (working-calendar rules: a month, quarter, year or range ends with its last calendar
/// day; «до D» includes D).
#[must_use]
pub fn due(rule: &TermRule, frame: &Frame<'_>) -> Due {
    dates::due(rule, frame)
}

#[cfg(test)]
mod tests;
