//! Calendar arithmetic of windows.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::rule::{Day, Edge, Part, Rhythm, Shape};

/// A window and its term.
pub(super) type Span = (Option<NaiveDate>, NaiveDate);

pub(super) fn day_of(edge: Edge, year: i32) -> Option<NaiveDate> {
    match edge.day {
        Day::Number(day) => NaiveDate::from_ymd_opt(year, edge.month, day),
        Day::Last => NaiveDate::from_ymd_opt(year, edge.month, 1)?
            .checked_add_months(Months::new(1))?
            .pred_opt(),
    }
}

/// The window of a part whose years are named; nothing for a day that does not exist or an end before the start.
pub(super) fn span(part: &Part) -> Option<Span> {
    let (from, to) = part.years?;
    let end = day_of(part.end, to)?;
    let start = match part.start {
        Some(edge) => Some(day_of(edge, from)?),
        None => None,
    };
    let plain = part.shape == Shape::Day;
    (plain || start.is_none_or(|start| start <= end)).then_some((start, end))
}

pub(super) fn first_of(date: NaiveDate, rhythm: Rhythm) -> NaiveDate {
    let month = match rhythm {
        Rhythm::HalfYearly => (date.month0() / 6) * 6 + 1,
        Rhythm::Quarterly => (date.month0() / 3) * 3 + 1,
        Rhythm::Weekly => return date.week(chrono::Weekday::Mon).checked_first_day().unwrap_or(date),
        _ => date.month(),
    };
    NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date)
}

pub(super) fn next_of(start: NaiveDate, rhythm: Rhythm) -> Option<NaiveDate> {
    match rhythm {
        Rhythm::HalfYearly => start.checked_add_months(Months::new(6)),
        Rhythm::Quarterly => start.checked_add_months(Months::new(3)),
        Rhythm::Weekly => start.checked_add_days(Days::new(7)),
        _ => start.checked_add_months(Months::new(1)),
    }
}
