//! Working calendar: which day is a working day.
//!
//! Takes: layers of text (the federal calendar, a region's days, the administrator's own file). Gives: questions about
//! days and counts of working days. Never: reads the clock, moves a date.
//!
//! A later layer wins over an earlier one, day by day. A year without data is answered by Saturdays, Sundays and the
//! holidays of the Labour Code (ст. 112), and [`Calendar::problem`] says so.
//!
//! ```
//! use chrono::NaiveDate;
//! use msoko::calendar::Calendar;
//! let calendar = Calendar::federal();
//! let term = NaiveDate::from_ymd_opt(2024, 12, 31).expect("a date");
//! // The last working day of 2024 is a Saturday.
//! assert_eq!(calendar.last_working_on_or_before(term).to_string(), "2024-12-28");
//! ```

mod parse;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::message::{Problem, Problems};

/// The federal calendar this build carries.
const FEDERAL: &str = include_str!("../../config/calendar/ru.txt");

/// Regions whose days off this build carries.
const REGIONS: [(&str, &str, &str); 1] = [(
    "RU-DA",
    "config/calendar/ru-da.txt",
    include_str!("../../config/calendar/ru-da.txt"),
)];

/// No count runs over more days than this; a roadmap lives a few years, only a mistyped date asks for more.
const MAX_SPAN: u64 = 20_000;

/// Holidays of ст. 112 ТК РФ as month and day.
const STATUTORY: [(u32, u32); 14] = [
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (1, 5),
    (1, 6),
    (1, 7),
    (1, 8),
    (2, 23),
    (3, 8),
    (5, 1),
    (5, 9),
    (6, 12),
    (11, 4),
];

/// One text of days, with the name under which its problems are reported.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'t> {
    /// File name.
    pub file: &'t str,
    /// Content.
    pub text: &'t str,
}

/// The built-in layer of a region by its ISO 3166-2 code (`RU-DA`), when there is one.
#[must_use]
pub fn region(code: &str) -> Option<Layer<'static>> {
    let (_, file, text) = REGIONS.iter().find(|(known, _, _)| *known == code)?;
    Some(Layer { file, text })
}

/// What a layer says about a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Holiday,
    DayOff,
    Work,
    WorkShort,
    Short,
    Decree,
    Expected,
    Preliminary,
}

impl Kind {
    const fn works(self) -> bool {
        matches!(self, Self::Work | Self::WorkShort | Self::Short)
    }
}

/// The working calendar (производственный календарь) of a five-day week.
#[derive(Debug, Clone)]
pub struct Calendar {
    days: BTreeMap<NaiveDate, Kind>,
    decree: BTreeSet<NaiveDate>,
    expected: BTreeMap<NaiveDate, String>,
    known: BTreeSet<i32>,
    preliminary: BTreeSet<i32>,
    decrees_count: bool,
}

impl Calendar {
    /// The federal calendar alone, decree days off.
    #[must_use]
    pub fn federal() -> Self {
        Self::with_layers(&[], true).0
    }

    /// The federal calendar and layers over it. With `decrees_count` the non-working days of the President's decrees
    /// of 2020 and 2021 are days off. A line that cannot be read is a problem and costs nothing else.
    #[must_use]
    pub fn with_layers(layers: &[Layer<'_>], decrees_count: bool) -> (Self, Problems) {
        let mut calendar = Self {
            days: BTreeMap::new(),
            decree: BTreeSet::new(),
            expected: BTreeMap::new(),
            known: BTreeSet::new(),
            preliminary: BTreeSet::new(),
            decrees_count,
        };
        let federal = Layer {
            file: "config/calendar/ru.txt",
            text: FEDERAL,
        };
        let mut problems = Problems::new();
        for layer in std::iter::once(&federal).chain(layers) {
            let (lines, mut found) = parse::lines(*layer);
            problems.append(&mut found);
            calendar.lay(lines);
        }
        (calendar, problems)
    }

    fn lay(&mut self, lines: Vec<parse::Line>) {
        let verified: Vec<i32> = lines
            .iter()
            .filter(|line| line.kind == Kind::Holiday && line.from.ordinal() == 1)
            .map(|line| line.from.year())
            .collect();
        for year in verified {
            self.known.insert(year);
            self.preliminary.remove(&year);
        }
        for line in lines {
            for day in line.from.iter_days().take_while(|day| *day <= line.to) {
                match line.kind {
                    Kind::Decree => {
                        self.decree.insert(day);
                    }
                    Kind::Expected => {
                        self.expected.insert(day, line.note.clone());
                    }
                    Kind::Preliminary => {
                        self.preliminary.insert(day.year());
                    }
                    kind => {
                        self.days.insert(day, kind);
                        self.expected.remove(&day);
                    }
                }
            }
        }
    }

    /// True on a working day of a five-day week.
    #[must_use]
    pub fn is_working(&self, date: NaiveDate) -> bool {
        if self.decrees_count && self.decree.contains(&date) {
            return false;
        }
        if let Some(kind) = self.days.get(&date) {
            return kind.works();
        }
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
            return false;
        }
        self.knows(date.year()) || !STATUTORY.contains(&(date.month(), date.day()))
    }

    /// The day itself when it works, else the nearest working day before it.
    #[must_use]
    pub fn last_working_on_or_before(&self, date: NaiveDate) -> NaiveDate {
        let mut day = date;
        while !self.is_working(day) {
            let Some(before) = day.pred_opt() else { return date };
            day = before;
        }
        day
    }

    /// The day itself when it works, else the nearest working day after it (ст. 193 ГК РФ).
    #[must_use]
    pub fn next_working_on_or_after(&self, date: NaiveDate) -> NaiveDate {
        let mut day = date;
        while !self.is_working(day) {
            let Some(after) = day.succ_opt() else { return date };
            day = after;
        }
        day
    }

    /// Working days after `today` up to `until`, which counts itself: «осталось N рабочих дней».
    /// Zero when `until` is not after `today`; a count of more than about 55 years stops there.
    #[must_use]
    pub fn working_days_after(&self, today: NaiveDate, until: NaiveDate) -> u32 {
        let last = today.checked_add_days(Days::new(MAX_SPAN)).unwrap_or(NaiveDate::MAX);
        let until = until.min(last);
        let working = today
            .iter_days()
            .skip(1)
            .take_while(|day| *day <= until)
            .filter(|day| self.is_working(*day))
            .count();
        u32::try_from(working).unwrap_or(u32::MAX)
    }

    /// The working day `count` working days after a date, or before it when negative. The date itself is not counted
    /// (ст. 191 ГК РФ); zero gives the date. Counts beyond about 55 years stop there.
    #[must_use]
    pub fn add_working_days(&self, date: NaiveDate, count: i32) -> NaiveDate {
        let mut left = count.unsigned_abs();
        let mut day = date;
        for _ in 0..MAX_SPAN {
            if left == 0 {
                break;
            }
            let step = if count > 0 { day.succ_opt() } else { day.pred_opt() };
            let Some(next) = step else { break };
            day = next;
            if self.is_working(day) {
                left -= 1;
            }
        }
        day
    }

    /// True when a layer describes the year, that is, has a holiday on its 1 January.
    #[must_use]
    pub fn knows(&self, year: i32) -> bool {
        self.known.contains(&year)
    }

    /// What an official should know about the calendar of a year: no data (`MSK-CAL-01`) or not yet confirmed
    /// (`MSK-CAL-02`).
    #[must_use]
    pub fn problem(&self, year: i32) -> Option<Problem> {
        if !self.knows(year) {
            return Some(Problem::new("MSK-CAL-01").arg("year", year));
        }
        self.preliminary
            .contains(&year)
            .then(|| Problem::new("MSK-CAL-02").arg("year", year))
    }

    /// The name of a holiday that is likely on a day and not announced yet; the day still counts as working.
    #[must_use]
    pub fn expected(&self, date: NaiveDate) -> Option<&str> {
        self.expected.get(&date).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn dagestan() -> Calendar {
        let layer = region("RU-DA").expect("a built-in region");
        let (calendar, problems) = Calendar::with_layers(&[layer], true);
        assert_eq!(problems, []);
        calendar
    }

    fn without_decrees() -> Calendar {
        Calendar::with_layers(&[], false).0
    }

    #[test]
    fn the_number_of_working_days_of_each_year_is_the_official_one() {
        for (year, plain, decreed) in [
            (2020, 248, 219),
            (2021, 247, 240),
            (2022, 247, 247),
            (2023, 247, 247),
            (2024, 248, 248),
            (2025, 247, 247),
            (2026, 247, 247),
            (2027, 247, 247),
        ] {
            let (before, last) = (day(&format!("{}-12-31", year - 1)), day(&format!("{year}-12-31")));
            assert_eq!(without_decrees().working_days_after(before, last), plain, "{year}");
            assert_eq!(Calendar::federal().working_days_after(before, last), decreed, "{year}");
        }
    }

    #[test]
    fn the_traps_of_the_calendar_are_known() {
        let calendar = Calendar::federal();
        for (date, working) in [
            ("2020-12-31", true),
            ("2021-12-31", false),
            ("2022-12-31", false),
            ("2023-12-31", false),
            ("2024-12-31", false),
            ("2025-12-31", false),
            ("2026-12-31", false),
            ("2027-12-31", false),
            ("2024-12-28", true),
            ("2024-04-30", false),
            ("2024-04-27", true),
            ("2025-02-24", true),
            ("2025-03-10", true),
            ("2020-02-29", false),
            ("2024-02-29", true),
            ("2020-07-01", false),
        ] {
            assert_eq!(calendar.is_working(day(date)), working, "{date}");
        }
        assert_eq!(calendar.last_working_on_or_before(day("2024-04-30")), day("2024-04-27"));
        assert_eq!(calendar.last_working_on_or_before(day("2025-12-31")), day("2025-12-30"));
        assert_eq!(calendar.next_working_on_or_after(day("2024-12-29")), day("2025-01-09"));
    }

    #[test]
    fn decree_days_can_be_switched_off() {
        assert!(without_decrees().is_working(day("2020-07-01")));
        let before = |calendar: &Calendar| calendar.last_working_on_or_before(day("2020-07-01"));
        assert_eq!(before(&without_decrees()), day("2020-07-01"));
        assert_eq!(before(&Calendar::federal()), day("2020-06-30"));
    }

    #[test]
    fn a_region_adds_announced_days_and_warns_of_likely_ones() {
        let last = |calendar: &Calendar, date| calendar.last_working_on_or_before(day(date));
        assert_eq!(last(&Calendar::federal(), "2020-08-01"), day("2020-07-31"));
        assert_eq!(last(&dagestan(), "2020-08-01"), day("2020-07-30"));
        assert!(dagestan().is_working(day("2026-05-27")));
        assert!(
            dagestan()
                .expected(day("2026-05-27"))
                .is_some_and(|name| name.starts_with("Курбан-байрам"))
        );
    }

    #[test]
    fn a_year_without_data_is_weekends_and_statutory_holidays_with_a_problem() {
        let calendar = Calendar::federal();
        assert!(!calendar.knows(2031));
        assert!(!calendar.is_working(day("2031-06-12")));
        assert!(!calendar.is_working(day("2031-06-14")));
        assert!(calendar.is_working(day("2031-06-13")));
        assert_eq!(calendar.problem(2031).map(|problem| problem.code()), Some("MSK-CAL-01"));
        assert_eq!(calendar.problem(2027).map(|problem| problem.code()), Some("MSK-CAL-02"));
        assert_eq!(calendar.problem(2026), None);
    }

    #[test]
    fn the_administrators_file_completes_and_corrects_the_built_in_one() {
        let own = Layer {
            file: "own.txt",
            text: "2027-01-01 holiday Новый год\n2027-02-20 dayoff исправлено\n2028-01-01 holiday Новый год\n",
        };
        let (calendar, problems) = Calendar::with_layers(&[own], true);
        assert_eq!(problems, []);
        assert_eq!(calendar.problem(2027), None);
        assert!(calendar.knows(2028));
        assert!(!calendar.is_working(day("2027-02-20")));
    }

    #[test]
    fn working_days_are_counted_after_today_and_the_term_counts_itself() {
        let calendar = Calendar::federal();
        let left = |today, until| calendar.working_days_after(day(today), day(until));
        assert_eq!(left("2026-02-27", "2026-02-27"), 0);
        assert_eq!(left("2026-02-26", "2026-02-27"), 1);
        assert_eq!(left("2026-02-20", "2026-03-01"), 4);
        assert_eq!(left("2026-03-01", "2026-02-01"), 0);
        assert_eq!(calendar.add_working_days(day("2026-02-20"), 4), day("2026-02-27"));
        assert_eq!(calendar.add_working_days(day("2026-02-27"), -4), day("2026-02-20"));
    }

    proptest! {
        #[test]
        fn the_last_working_day_is_working_and_not_later(offset in 0u64..9000) {
            let date = day("2015-01-01") + Days::new(offset);
            for calendar in [Calendar::federal(), dagestan()] {
                let last = calendar.last_working_on_or_before(date);
                prop_assert!(last <= date && calendar.is_working(last));
                prop_assert_eq!(calendar.working_days_after(last, date), 0);
                prop_assert!(calendar.next_working_on_or_after(date) >= date);
            }
        }

        #[test]
        fn counting_and_adding_agree(offset in 0u64..3000, count in 1i32..60) {
            let calendar = Calendar::federal();
            let from = day("2019-12-01") + Days::new(offset);
            let to = calendar.add_working_days(from, count);
            prop_assert_eq!(calendar.working_days_after(from, to), count.unsigned_abs());
        }

        #[test]
        fn no_text_makes_the_calendar_panic(text in "\\PC{0,200}") {
            let layer = Layer { file: "x", text: &text };
            let _ = Calendar::with_layers(&[layer], true);
        }
    }
}
