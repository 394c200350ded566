//! Stages of reminding, counted in working days.

use std::fmt;

use chrono::{Days, NaiveDate, Weekday};

use crate::calendar::Calendar;
use crate::domain::roadmap::Deadline;
use crate::domain::vocabulary::DeadlineState;

/// Working days before a term at which a reminder goes out, the furthest first.
pub const STAGES: [u32; 4] = [20, 10, 5, 2];

/// Working days between two reminders of an overdue term: a week.
const OVERDUE_EVERY: u32 = 5;

/// A stage missed for longer than this is left to the weekly digest.
const MAX_CATCH_UP_DAYS: u64 = 31;

/// A stage (ступень напоминания).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// So many working days are left: one of [`STAGES`].
    Before(u32),
    /// The last working day not later than the term.
    Today,
    /// So many working days have passed since the term: 1, 6, 11 and so on.
    Overdue(u32),
}

/// As letters and keys write it: `T-20`, `T0`, `T+1`.
impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(days) => write!(out, "T-{days}"),
            Self::Today => out.write_str("T0"),
            Self::Overdue(days) => write!(out, "T+{days}"),
        }
    }
}

/// The stage whose reminder goes out today; nothing on a day off, for a deadline that is done or has no date.
#[must_use]
pub fn stage(deadline: &Deadline, today: NaiveDate, calendar: &Calendar) -> Option<Stage> {
    if matches!(deadline.state, DeadlineState::Done | DeadlineState::NotApplicable) {
        return None;
    }
    stage_on(deadline.date?, today, calendar)
}

/// The latest stage after `last_run` and up to today, for a service that stood still in between.
#[must_use]
pub fn stage_since(deadline: &Deadline, last_run: NaiveDate, today: NaiveDate, calendar: &Calendar) -> Option<Stage> {
    let earliest = today.checked_sub_days(Days::new(MAX_CATCH_UP_DAYS)).unwrap_or(last_run);
    last_run
        .max(earliest)
        .iter_days()
        .skip(1)
        .take_while(|day| *day <= today)
        .filter_map(|day| stage(deadline, day, calendar))
        .last()
}

/// The stage of a bare term. Days before it count back from the last working day not later than the term, days after
/// it from the term itself.
#[must_use]
pub fn stage_on(term: NaiveDate, today: NaiveDate, calendar: &Calendar) -> Option<Stage> {
    if !calendar.is_working(today) {
        return None;
    }
    if today > term {
        let passed = calendar.working_days_after(term, today);
        return (passed % OVERDUE_EVERY == 1).then_some(Stage::Overdue(passed));
    }
    match calendar.working_days_after(today, term) {
        0 => Some(Stage::Today),
        left => STAGES.contains(&left).then_some(Stage::Before(left)),
    }
}

/// True on the first working day of a week: the day of the digest.
fn digest_day(today: NaiveDate, calendar: &Calendar) -> bool {
    let monday = today.week(Weekday::Mon).checked_first_day().unwrap_or(today);
    calendar.is_working(today)
        && !monday
            .iter_days()
            .take_while(|day| *day < today)
            .any(|day| calendar.is_working(day))
}

/// True when a digest is due whose last one was written on a day: on the day of the digest, or on a later one of the
/// week when the service slept through it.
#[must_use]
pub fn digest_due(last: Option<NaiveDate>, today: NaiveDate, calendar: &Calendar) -> bool {
    let monday = today.week(Weekday::Mon).checked_first_day().unwrap_or(today);
    match last {
        Some(last) => calendar.is_working(today) && last < monday,
        None => digest_day(today, calendar),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn reminders_count_back_from_the_last_working_day_not_later_than_the_term() {
        let calendar = Calendar::federal();
        for (today, expected) in [
            ("2026-01-28", None),
            ("2026-01-29", Some("T-20")),
            ("2026-01-30", None),
            ("2026-02-12", Some("T-10")),
            ("2026-02-19", Some("T-5")),
            ("2026-02-20", None),
            ("2026-02-23", None),
            ("2026-02-25", Some("T-2")),
            ("2026-02-27", Some("T0")),
            ("2026-02-28", None),
            ("2026-03-01", None),
            ("2026-03-02", Some("T+1")),
            ("2026-03-03", None),
            ("2026-03-10", Some("T+6")),
            ("2026-03-17", Some("T+11")),
        ] {
            let stage = stage_on(day("2026-03-01"), day(today), &calendar).map(|stage| stage.to_string());
            assert_eq!(stage.as_deref(), expected, "{today}");
        }
    }

    #[test]
    fn the_digest_goes_out_on_monday_or_the_first_working_day_of_the_week() {
        let calendar = Calendar::federal();
        for (today, expected) in [
            ("2026-02-16", true),
            ("2026-02-17", false),
            ("2026-02-23", false),
            ("2026-02-24", true),
            ("2026-01-05", false),
            ("2026-01-09", false),
            ("2026-01-12", true),
            ("2024-12-28", false),
        ] {
            assert_eq!(digest_day(day(today), &calendar), expected, "{today}");
        }
    }

    #[test]
    fn a_digest_that_was_missed_is_due_on_the_next_working_day_of_the_week() {
        let calendar = Calendar::federal();
        for (last, today, expected) in [
            (None, "2026-02-16", true),
            (None, "2026-02-17", false),
            (Some("2026-02-09"), "2026-02-16", true),
            (Some("2026-02-09"), "2026-02-18", true),
            (Some("2026-02-09"), "2026-02-21", false),
            (Some("2026-02-16"), "2026-02-18", false),
            (Some("2026-02-18"), "2026-02-24", true),
        ] {
            assert_eq!(
                digest_due(last.map(day), day(today), &calendar),
                expected,
                "{last:?} {today}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_stage_comes_exactly_once_and_in_order(offset in 0u64..2000) {
            let calendar = Calendar::federal();
            let term = day("2020-03-01") + Days::new(offset);
            let stages: Vec<Stage> = (term - Days::new(60))
                .iter_days()
                .take(140)
                .filter_map(|today| stage_on(term, today, &calendar))
                .collect();
            let before: Vec<Stage> = stages.iter().copied().filter(|stage| !matches!(stage, Stage::Overdue(_))).collect();
            let expected: Vec<Stage> = STAGES.into_iter().map(Stage::Before).chain([Stage::Today]).collect();
            // The decree days of spring 2020 leave fewer than twenty working days before a term.
            prop_assert!(expected.ends_with(&before) && before.len() >= 3, "{before:?}");
            let after: Vec<u32> = stages.iter().filter_map(|stage| match stage { Stage::Overdue(days) => Some(*days), _ => None }).collect();
            prop_assert!(after.iter().enumerate().all(|(number, days)| *days as usize == number * 5 + 1), "{after:?}");
        }
    }
}
