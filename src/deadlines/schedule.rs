//! Roadmaps become deadlines with states.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::stage::STAGES;
use super::terms::{Applies, Due, DueDate, Frame, Known, due, parse};
use crate::calendar::Calendar;
use crate::domain::roadmap::{Activity, Deadline, Level, Period, Roadmap};
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::DeadlineState;
use crate::message::{Problem, Problems};

/// What deadlines are made of.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The roadmaps in force.
    pub roadmaps: &'a [Roadmap],
    /// The day asked for.
    pub today: NaiveDate,
    /// Working days.
    pub calendar: &'a Calendar,
    /// The organisations of rows that are about each of them.
    pub units: &'a [UnitId],
    /// Closed deadlines: id and the document that closed it.
    pub done: &'a BTreeMap<String, String>,
    /// Schedules and events.
    pub known: &'a Known,
}

/// Every deadline of the roadmaps, the earliest first, rows without a date last, and what is to be cleared up.
///
/// A roadmap whose period has passed raises one notice (`MSK-DDL-08`). Of its deadlines only the closed ones stay, and
/// those dated after the period («до 1 марта года, следующего за отчётным») until their day.
#[must_use]
pub fn deadlines(request: &Request<'_>) -> (Vec<Deadline>, Problems) {
    let mut board = Board {
        request,
        deadlines: Vec::new(),
        problems: Problems::new(),
        years: BTreeSet::new(),
    };
    for roadmap in request.roadmaps {
        board.roadmap(roadmap);
    }
    // A stable sort keeps the order of the document inside a day.
    board
        .deadlines
        .sort_by_key(|deadline| (deadline.date.is_none(), deadline.date));
    (board.deadlines, board.problems)
}

struct Board<'a> {
    request: &'a Request<'a>,
    deadlines: Vec<Deadline>,
    problems: Problems,
    /// Calendar problems already said, by their text.
    years: BTreeSet<String>,
}

impl Board<'_> {
    fn roadmap(&mut self, roadmap: &Roadmap) {
        let Some(period) = roadmap.period else {
            self.problems
                .push(Problem::new("MSK-DDL-09").arg("number", roadmap.number));
            return;
        };
        let ended = self.request.today > period.to;
        if ended {
            self.problems.push(
                Problem::new("MSK-DDL-08")
                    .arg("number", roadmap.number)
                    .arg("date", period.to.format("%d.%m.%Y")),
            );
        }
        for activity in roadmap.activities.iter().filter(|row| row.level == Level::Activity) {
            let frame = Frame {
                period,
                approved: roadmap.approved,
                known: self.request.known,
                calendar: self.request.calendar,
                subject: &activity.activity,
            };
            let due = due(&parse(&activity.term), &frame);
            if !ended {
                self.note(roadmap, activity, &due);
            }
            let first = self.deadlines.len();
            self.row(roadmap, activity, &due);
            if ended {
                self.retire(first, period);
            }
        }
    }

    fn note(&mut self, roadmap: &Roadmap, activity: &Activity, due: &Due) {
        for problem in &due.problems {
            if problem.code().starts_with("MSK-CAL") {
                if self.years.insert(problem.ru()) {
                    self.problems.push(problem.clone());
                }
                continue;
            }
            let place = format!("дорожная карта {}, строка {}", roadmap.number, activity.number);
            self.problems.push(problem.clone().at(place));
        }
    }

    fn row(&mut self, roadmap: &Roadmap, activity: &Activity, due: &Due) {
        let each = due.applies == Applies::Organisation;
        if each && self.request.units.is_empty() {
            let row = format!("{}/{}", roadmap.number, activity.number);
            self.problems.push(Problem::new("MSK-DDL-10").arg("row", row));
        }
        let units: Vec<Option<&UnitId>> = if each && !self.request.units.is_empty() {
            self.request.units.iter().map(Some).collect()
        } else {
            vec![None]
        };
        for unit in units {
            if due.dates.is_empty() {
                self.push(roadmap, activity, unit, None);
            }
            for date in &due.dates {
                self.push(roadmap, activity, unit, Some(date));
            }
        }
    }

    fn push(&mut self, roadmap: &Roadmap, activity: &Activity, unit: Option<&UnitId>, due: Option<&DueDate>) {
        let day = due.map_or_else(|| "?".to_owned(), |due| due.date.to_string());
        let of_unit = unit.map_or_else(String::new, |unit| format!("#{}", unit.0));
        let id = format!("{}/{}@{day}{of_unit}", roadmap.number, activity.number);
        let evidence = self.request.done.get(&id).cloned();
        let state = match (&evidence, due) {
            (Some(_), _) => DeadlineState::Done,
            (None, None) => DeadlineState::NeedsDate,
            (None, Some(due)) => state(due.date, self.request.today, self.request.calendar),
        };
        self.deadlines.push(Deadline {
            id,
            roadmap: roadmap.number,
            number: activity.number.clone(),
            direction: roadmap.direction.clone(),
            activity: activity.activity.clone(),
            indicator: activity.indicator.clone(),
            term: activity.term.clone(),
            unit: unit.cloned(),
            date: due.map(|due| due.date),
            window_start: due.and_then(|due| due.window_start),
            last_working_day: due.map(|due| due.last_working_day),
            provisional: due.is_some_and(|due| due.provisional),
            state,
            assignee: activity.assignee.clone(),
            evidence,
        });
    }

    /// Drops what nobody is reminded of after the end of a roadmap.
    fn retire(&mut self, first: usize, period: Period) {
        let today = self.request.today;
        let rest = self.deadlines.split_off(first);
        self.deadlines.extend(rest.into_iter().filter(|deadline| {
            let ahead = deadline.date.is_some_and(|date| date > period.to && date >= today);
            deadline.state == DeadlineState::Done || ahead
        }));
    }
}

/// `soon` from the first reminder to the term, `overdue` from the day after it.
fn state(term: NaiveDate, today: NaiveDate, calendar: &Calendar) -> DeadlineState {
    let soon = STAGES.first().copied().unwrap_or_default();
    if today > term {
        DeadlineState::Overdue
    } else if calendar.working_days_after(today, term) <= soon {
        DeadlineState::Soon
    } else {
        DeadlineState::Upcoming
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn row(number: &str, term: &str) -> Activity {
        Activity {
            number: number.to_owned(),
            level: Level::Activity,
            activity: "Провести анализ".to_owned(),
            term: term.to_owned(),
            indicator: "Наличие справки".to_owned(),
            assignee: "Управление".to_owned(),
            problems: Vec::new(),
        }
    }

    fn roadmap() -> Roadmap {
        let heading = Activity {
            level: Level::Heading,
            ..row("4", "")
        };
        Roadmap {
            number: 1,
            direction: "Олимпиады".to_owned(),
            period: Some(Period {
                from: day("2025-01-01"),
                to: day("2026-12-31"),
            }),
            approved: None,
            activities: vec![
                row("1", "ежегодно (до 01 марта года, следующего за отчетным)"),
                row("2", "по согласованию"),
                row("3", "1 раз в 2 года для каждой школы"),
                heading,
                row("5", ""),
            ],
        }
    }

    fn on(today: &str, done: &[(&str, &str)], units: &[UnitId]) -> (Vec<String>, Vec<String>) {
        let done = done
            .iter()
            .map(|(id, paper)| ((*id).to_owned(), (*paper).to_owned()))
            .collect();
        let request = Request {
            roadmaps: &[roadmap()],
            today: day(today),
            calendar: &Calendar::federal(),
            units,
            done: &done,
            known: &Known::default(),
        };
        let (deadlines, problems) = deadlines(&request);
        let shown = deadlines
            .iter()
            .map(|deadline| format!("{} {}", deadline.id, deadline.state.as_str()))
            .collect();
        (shown, problems.iter().map(Problem::ru_line).collect())
    }

    #[test]
    fn deadlines_have_stable_ids_and_the_state_of_the_day() {
        let units = [UnitId("school-1".to_owned()), UnitId("school-2".to_owned())];
        let (shown, problems) = on("2026-02-02", &[], &units);
        assert_eq!(
            shown,
            [
                "1/1@2026-03-01 soon",
                "1/3@2026-12-31#school-1 upcoming",
                "1/3@2026-12-31#school-2 upcoming",
                "1/1@2027-03-01 upcoming",
                "1/2@? needs_date",
                "1/5@? needs_date",
            ]
        );
        assert_eq!(
            problems,
            [
                "MSK-CAL-02: производственный календарь на 2027 год предварительный: постановление о переносе выходных ещё не сверено",
                "MSK-DDL-01: дорожная карта 1, строка 2: срок «по согласованию» надо уточнить: непонятно: по согласованию",
                "MSK-DDL-02: дорожная карта 1, строка 5: срок не указан: надо уточнить",
            ]
        );
    }

    #[test]
    fn a_deadline_is_soon_from_twenty_working_days_before_and_overdue_from_the_day_after() {
        for (today, state) in [
            ("2026-01-28", "upcoming"),
            ("2026-01-29", "soon"),
            ("2026-03-01", "soon"),
            ("2026-03-02", "overdue"),
        ] {
            assert_eq!(on(today, &[], &[]).0[0], format!("1/1@2026-03-01 {state}"), "{today}");
        }
        let closed = on("2026-03-02", &[("1/1@2026-03-01", "справка № 4")], &[]);
        assert_eq!(closed.0[0], "1/1@2026-03-01 done");
    }

    #[test]
    fn an_ended_roadmap_gives_one_notice_and_reminds_only_of_dates_after_its_end() {
        let (shown, problems) = on(
            "2027-01-11",
            &[("1/1@2026-03-01", "справка № 4")],
            &[UnitId("a".to_owned())],
        );
        assert_eq!(shown, ["1/1@2026-03-01 done", "1/1@2027-03-01 upcoming"]);
        assert_eq!(
            problems,
            ["MSK-DDL-08: дорожная карта 1 закончилась 31.12.2026, загрузите новую"]
        );
        let (shown, _) = on("2027-03-02", &[], &[UnitId("a".to_owned())]);
        assert_eq!(shown, [""; 0]);
    }

    #[test]
    fn a_row_about_each_organisation_says_when_the_register_is_empty() {
        let (shown, problems) = on("2026-02-02", &[], &[]);
        assert!(shown.contains(&"1/3@2026-12-31 upcoming".to_owned()));
        assert!(problems.iter().any(|problem| problem.starts_with("MSK-DDL-10")));
    }
}
