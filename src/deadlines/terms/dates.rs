//! A rule and a period become dates.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};

use super::rule::{Dates, Edge, Offset, Part, Rhythm, Source, Unit};
use super::span::{Span, day_of, first_of, next_of, span};
use super::{Due, DueDate, Frame, TermKind, TermRule};
use crate::message::{Problem, Problems};

/// A weekly term over ten years; no roadmap asks for more.
const MAX_DATES: usize = 600;

pub(super) fn due(rule: &TermRule, frame: &Frame<'_>) -> Due {
    let mut work = Work {
        frame,
        phrase: &rule.phrase,
        kind: rule.kind,
        found: BTreeMap::new(),
        problems: rule.problems.clone(),
    };
    match &rule.source {
        Source::Dates(dates) => work.dates(dates),
        Source::Schedule(name) => work.schedule(name),
        Source::After(name, offset) => work.event(name, *offset, 1),
        Source::Before(name, offset) => work.event(name, Some(*offset), -1),
        Source::Nothing => {}
    }
    work.finish(rule)
}

struct Work<'a> {
    frame: &'a Frame<'a>,
    phrase: &'a str,
    kind: TermKind,
    /// Term → first day of its window and whether it is provisional.
    found: BTreeMap<NaiveDate, (Option<NaiveDate>, bool)>,
    problems: Problems,
}

impl Work<'_> {
    /// The first day on which a date may be created that the phrase does not name.
    fn floor(&self) -> NaiveDate {
        let from = self.frame.period.from;
        self.frame.approved.map_or(from, |approved| approved.max(from))
    }

    fn put(&mut self, (start, date): Span, provisional: bool) {
        if self.found.len() < MAX_DATES {
            self.found.entry(date).or_insert((start, provisional));
        }
    }

    /// Puts a date the phrase does not name: not before the approval, not after the period.
    fn put_derived(&mut self, span: Span, provisional: bool) {
        let period = self.frame.period;
        if span.1 >= self.floor() && span.1 <= period.to {
            // A window the phrase does not name opens with the roadmap at the earliest.
            let start = span.0.map(|start| start.max(period.from));
            self.put((start, span.1), provisional);
        }
    }

    fn dates(&mut self, dates: &Dates) {
        let to = self.frame.period.to;
        match dates.rhythm {
            None => self.once(dates),
            Some(Rhythm::Yearly) if dates.following => self.following_years(dates),
            Some(Rhythm::Yearly) => self.yearly(dates),
            Some(Rhythm::EveryYears(years)) => self.every(dates, years),
            Some(Rhythm::Continuous) if dates.parts.is_empty() => {
                self.put((Some(self.frame.period.from), to), dates.provisional);
            }
            Some(Rhythm::Continuous) => self.once(dates),
            Some(rhythm) => self.short(dates, rhythm),
        }
    }

    fn once(&mut self, dates: &Dates) {
        let to = self.frame.period.to;
        if let (Some((from, last)), true) = (dates.limit, dates.parts.is_empty()) {
            let start = NaiveDate::from_ymd_opt(from, 1, 1);
            let end = last
                .and_then(|year| NaiveDate::from_ymd_opt(year, 12, 31))
                .unwrap_or(to);
            if start.is_some_and(|start| start <= end) {
                self.put((start, end), dates.provisional);
            }
        }
        for part in &dates.parts {
            if part.onwards {
                self.open(part, dates.provisional);
            } else if part.years.is_some() {
                self.named(part, dates.provisional);
            } else {
                self.yearless(part, dates.provisional);
            }
        }
    }

    /// Only a beginning is given: rows without an end stop with the roadmap.
    fn open(&mut self, part: &Part, provisional: bool) {
        let to = self.frame.period.to;
        let year = part.years.map_or(self.frame.period.from.year(), |(year, _)| year);
        let start = part.start.and_then(|edge| day_of(edge, year));
        if start.is_some_and(|start| start <= to) {
            self.put((start, to), provisional);
        } else {
            self.outside(start.unwrap_or(to));
        }
    }

    fn named(&mut self, part: &Part, provisional: bool) {
        let Some(span) = span(part) else {
            self.problems.push(
                Problem::new("MSK-DDL-01")
                    .arg("phrase", self.phrase)
                    .arg("reason", "такого дня нет в календаре или конец раньше начала"),
            );
            return;
        };
        let period = self.frame.period;
        if span.1 < period.from || span.1 > period.to {
            self.outside(span.1);
        }
        self.put(span, provisional);
    }

    fn outside(&mut self, date: NaiveDate) {
        let period = self.frame.period;
        self.problems.push(
            Problem::new("MSK-DDL-04")
                .arg("phrase", self.phrase)
                .arg("date", ru(date))
                .arg("from", ru(period.from))
                .arg("to", ru(period.to)),
        );
    }

    /// A term without a year: the only one in the period, or each of them with a remark. A window over the new year
    /// belongs to the period it opens in.
    fn yearless(&mut self, part: &Part, provisional: bool) {
        let (floor, period) = (self.floor(), self.frame.period);
        let wraps = part.wraps();
        let in_period = |date: NaiveDate| period.from <= date && date <= period.to;
        let spans: Vec<Span> = (period.from.year()..=period.to.year() + i32::from(wraps))
            .filter_map(|year| span(&part.ending_in(year)))
            .filter(|(start, date)| *date >= floor && in_period(start.filter(|_| wraps).unwrap_or(*date)))
            .collect();
        if spans.is_empty() {
            self.problems.push(
                Problem::new("MSK-DDL-01")
                    .arg("phrase", self.phrase)
                    .arg("reason", "год не назван, а в период карты срок не попадает"),
            );
        }
        if spans.len() > 1 {
            self.kind = TermKind::Yearly;
            if !self.problems.iter().any(|problem| problem.code() == "MSK-DDL-05") {
                self.problems
                    .push(Problem::new("MSK-DDL-05").arg("phrase", self.phrase));
            }
        }
        for span in spans {
            if span.1 > period.to {
                self.outside(span.1);
                self.put(span, provisional);
            } else {
                self.put_derived(span, provisional);
            }
        }
    }

    fn yearly(&mut self, dates: &Dates) {
        let whole = [Part::whole_year()];
        let parts = if dates.parts.is_empty() {
            &whole
        } else {
            dates.parts.as_slice()
        };
        let newest = parts.iter().filter_map(|part| part.years).map(|(_, to)| to).max();
        // «до 20.05.2025, далее ежегодно до 20 мая»: the part without a year goes on after the named one.
        let goes_on = parts.iter().all(|part| part.years.is_some());
        let last_year = self.frame.period.to.year();
        for part in parts {
            let Some((_, to)) = part.years else {
                let years = self.limited_years(dates);
                for year in years.filter(|year| newest.is_none_or(|newest| *year > newest)) {
                    self.put_derived_part(part, year, dates.provisional);
                }
                continue;
            };
            self.named(part, dates.provisional);
            // Of several named years only the last goes on: «сентябрь 2020, апрель 2021, ежегодно» is April later.
            if goes_on && Some(to) == newest {
                for year in (to + 1)..=last_year {
                    let turn = year - to;
                    let later = Part {
                        years: part.years.map(|(from, to)| (from + turn, to + turn)),
                        ..*part
                    };
                    if let Some(span) = span(&later) {
                        self.put_derived(span, dates.provisional);
                    }
                }
            }
        }
        if self.found.is_empty() && dates.parts.is_empty() && dates.limit.is_none() {
            // A roadmap shorter than a calendar year: the row stops with it.
            self.put((Some(self.frame.period.from), self.frame.period.to), dates.provisional);
        }
    }

    fn put_derived_part(&mut self, part: &Part, year: i32, provisional: bool) {
        if let Some(span) = span(&part.ending_in(year)) {
            self.put_derived(span, provisional);
        }
    }

    fn limited_years(&self, dates: &Dates) -> std::ops::RangeInclusive<i32> {
        let (first, last) = (self.frame.period.from.year(), self.frame.period.to.year());
        match dates.limit {
            Some((from, to)) => from.max(first)..=to.unwrap_or(last).min(last),
            None => first..=last,
        }
    }

    /// «до 1 марта года, следующего за отчётным»: one term for each reporting year, the last one after the period.
    fn following_years(&mut self, dates: &Dates) {
        let floor = self.floor();
        for year in self.limited_years(dates) {
            for part in &dates.parts {
                let following = Part { years: None, ..*part }.ending_in(year + 1);
                if let Some(span) = span(&following).filter(|(_, date)| *date >= floor) {
                    self.put(span, dates.provisional);
                }
            }
        }
    }

    fn every(&mut self, dates: &Dates, years: u32) {
        let period = self.frame.period;
        let first = dates
            .limit
            .map(|(from, _)| from)
            .or_else(|| {
                dates
                    .parts
                    .iter()
                    .filter_map(|part| part.years)
                    .map(|(from, _)| from)
                    .min()
            })
            .and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1));
        let mut start = first.unwrap_or(period.from);
        let end_of = |start: NaiveDate| {
            let next = start.checked_add_months(Months::new(years * 12))?;
            Some((next.pred_opt()?, next))
        };
        while let Some((end, next)) = end_of(start) {
            if end > period.to {
                break;
            }
            self.put_derived((Some(start), end), dates.provisional);
            start = next;
        }
        if self.found.is_empty() && start <= period.to {
            self.put((Some(start), period.to), dates.provisional);
        }
    }

    /// Half-years, quarters, months and weeks inside the parts of the phrase, or in the whole period.
    fn short(&mut self, dates: &Dates, rhythm: Rhythm) {
        let bounds = self.bounds(dates);
        let mut start = first_of(self.frame.period.from, rhythm);
        let mut guard = 0;
        while let Some(next) = next_of(start, rhythm).filter(|_| start <= self.frame.period.to && guard < MAX_DATES) {
            guard += 1;
            let end = next.pred_opt().unwrap_or(next);
            let inside = bounds
                .iter()
                .any(|(from, to)| from.is_none_or(|from| start >= first_of(from, rhythm)) && end <= *to);
            if inside {
                self.short_unit(dates, start, end);
            }
            start = next;
        }
        if self.found.is_empty() && dates.parts.is_empty() {
            self.put((Some(self.frame.period.from), self.frame.period.to), dates.provisional);
        }
    }

    fn short_unit(&mut self, dates: &Dates, start: NaiveDate, end: NaiveDate) {
        let date = match dates.day {
            None => Some(end),
            Some(day) => {
                let month = if dates.following { end.succ_opt() } else { Some(end) };
                month.and_then(|month| {
                    let (year, month) = (month.year(), month.month());
                    // Without such a day it is the last one of the month.
                    day_of(Edge::new(month, day), year).or_else(|| day_of(Edge::last_of(month), year))
                })
            }
        };
        let Some(date) = date else { return };
        let window = dates.day.is_none().then_some(start);
        if dates.following && date >= self.floor() {
            self.put((window, date), dates.provisional);
        } else {
            self.put_derived((window, date), dates.provisional);
        }
    }

    fn bounds(&self, dates: &Dates) -> Vec<Span> {
        let period = self.frame.period;
        let mut bounds: Vec<Span> = Vec::new();
        for part in &dates.parts {
            if part.years.is_some() {
                bounds.extend(span(part));
            } else {
                // A window that crosses the new year may end in the year after the period.
                let years = period.from.year()..=period.to.year() + 1;
                bounds.extend(years.filter_map(|year| span(&part.ending_in(year))));
            }
        }
        if let Some((from, to)) = dates.limit {
            let end = to
                .and_then(|year| NaiveDate::from_ymd_opt(year, 12, 31))
                .unwrap_or(period.to);
            bounds.push((NaiveDate::from_ymd_opt(from, 1, 1), end));
        }
        if dates.parts.is_empty() && dates.limit.is_none() {
            bounds.push((Some(period.from), period.to));
        }
        bounds
    }

    fn schedule(&mut self, name: &str) {
        let period = self.frame.period;
        let days = self.frame.known.plan(name);
        for day in days.iter().filter(|day| (period.from..=period.to).contains(day)) {
            self.put((None, *day), false);
        }
        if self.found.is_empty() {
            let problem = Problem::new("MSK-DDL-06");
            self.problems.push(problem.arg("phrase", self.phrase).arg("name", name));
        }
    }

    fn event(&mut self, name: &str, offset: Option<Offset>, direction: i32) {
        let known = self.frame.known;
        let mut days = known.event(name);
        // «по результатам участия»: the event is named by the subject. A count of days has to name its own.
        if days.is_empty() && offset.is_none() {
            days = known.mentioned(self.frame.subject);
        }
        for day in days {
            let date = offset.map_or(Some(*day), |offset| self.moved(*day, offset, direction));
            if let Some(date) = date {
                // Without an offset the phrase says only "later than this".
                self.put((None, date), offset.is_none());
            }
        }
        if self.found.is_empty() {
            let problem = Problem::new("MSK-DDL-07");
            self.problems.push(problem.arg("phrase", self.phrase).arg("name", name));
        }
    }

    fn moved(&self, day: NaiveDate, offset: Offset, direction: i32) -> Option<NaiveDate> {
        let count = offset.count;
        match (offset.unit, direction > 0) {
            (Unit::WorkingDays, _) => {
                let count = i32::try_from(count).ok()? * direction;
                Some(self.frame.calendar.add_working_days(day, count))
            }
            (Unit::Days, true) => day.checked_add_days(Days::new(count.into())),
            (Unit::Days, false) => day.checked_sub_days(Days::new(count.into())),
            (Unit::Weeks, true) => day.checked_add_days(Days::new(u64::from(count) * 7)),
            (Unit::Weeks, false) => day.checked_sub_days(Days::new(u64::from(count) * 7)),
            (Unit::Months, true) => day.checked_add_months(Months::new(count)),
            (Unit::Months, false) => day.checked_sub_months(Months::new(count)),
        }
    }

    fn finish(mut self, rule: &TermRule) -> Due {
        let calendar = self.frame.calendar;
        if self.found.is_empty() && self.problems.iter().all(|problem| problem.code() == "MSK-DDL-03") {
            let reason = "в период карты не попадает ни один день";
            let problem = Problem::new("MSK-DDL-01").arg("phrase", self.phrase);
            self.problems.push(problem.arg("reason", reason));
        }
        if self.found.is_empty() && self.problems.iter().any(|problem| problem.code() == "MSK-DDL-01") {
            self.kind = TermKind::Unspecified;
        }
        let years: BTreeSet<i32> = self.found.keys().map(|date| date.year()).collect();
        self.problems
            .extend(years.into_iter().filter_map(|year| calendar.problem(year)));
        let dates = self
            .found
            .into_iter()
            .map(|(date, (window_start, provisional))| DueDate {
                date,
                window_start,
                provisional,
                last_working_day: calendar.last_working_on_or_before(date),
            })
            .collect();
        Due {
            kind: self.kind,
            applies: rule.applies,
            dates,
            problems: self.problems,
        }
    }
}

/// A date as officials write it.
fn ru(date: NaiveDate) -> String {
    date.format("%d.%m.%Y").to_string()
}
