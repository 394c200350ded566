//! School years (учебный год), from 1 September to 31 August.

use std::fmt;

use chrono::{Datelike, NaiveDate};

/// A school year (учебный год) named by the calendar year it starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchoolYear(i32);

impl SchoolYear {
    /// The school year that starts on 1 September of `year`.
    #[must_use]
    pub const fn starting(year: i32) -> Self {
        Self(year)
    }

    /// The school year a date belongs to.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        if date.month() >= 9 {
            Self(date.year())
        } else {
            Self(date.year() - 1)
        }
    }

    /// Reads `2024-25`, `2024/25`, `2024-2025`, `2024/2025`, with any dash; `None` when the years do not follow.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let (first, second) = text.split_once(['-', '/', '–', '—'])?;
        let start: i32 = (first.len() == 4).then(|| first.parse().ok()).flatten()?;
        let end: i32 = second.parse().ok()?;
        let follows = match second.len() {
            2 => end == (start + 1) % 100,
            4 => end == start + 1,
            _ => false,
        };
        follows.then_some(Self(start))
    }

    /// Calendar year of the first day.
    #[must_use]
    pub const fn start(self) -> i32 {
        self.0
    }

    /// The school year before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// As people write it: `2024/25`.
    #[must_use]
    pub fn for_people(self) -> String {
        format!("{}/{:02}", self.0, (self.0 + 1) % 100)
    }
}

/// As rounds and files write it: `2024-25`.
impl fmt::Display for SchoolYear {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{:02}", self.0, (self.0 + 1) % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_year_starts_in_september() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a date");
        assert_eq!(SchoolYear::of(day(2025, 8, 31)).to_string(), "2024-25");
        assert_eq!(SchoolYear::of(day(2025, 9, 1)).to_string(), "2025-26");
        assert_eq!(SchoolYear::parse("2024/2025"), Some(SchoolYear::starting(2024)));
        assert_eq!(SchoolYear::parse("1999-00"), Some(SchoolYear::starting(1999)));
        assert_eq!(SchoolYear::parse("2024-2027"), None);
    }
}
