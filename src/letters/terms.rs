//! A deadline as a row of a letter.

use chrono::NaiveDate;

use super::blocks::{TermRow, Tone};
use super::wording::{WORKING_DAY, cut, date_with_weekday, left, line, overdue, sentence};
use crate::domain::number::{agree, date_short, weekday_short};
use crate::domain::roadmap::Deadline;

/// Longest texts of a row: the roadmaps of the concept stay below, a longer one is in the roadmap itself.
const ACTIVITY_LETTERS: usize = 260;
const INDICATOR_LETTERS: usize = 160;
const ASSIGNEE_LETTERS: usize = 100;

/// How far a term is (сколько осталось), counted by the working calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Working days after today up to the last working day not later than the term; zero on that day.
    WorkingDays(u32),
    /// Working days since the term; zero while only days off have passed.
    Overdue(u32),
    /// The phrase gives no date.
    Unclear,
}

/// A deadline and how far it is (срок в письме).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The deadline.
    pub deadline: Deadline,
    /// Short title of the organisation, when the deadline is one organisation's.
    pub unit_title: Option<String>,
    /// How far it is.
    pub left: Left,
}

impl Term {
    /// The term with `осталось …`; the day of the week belongs to the date.
    pub(super) fn left_text(&self, today: NaiveDate) -> String {
        match (self.left, self.deadline.date) {
            (Left::Unclear, _) | (_, None) => "дату нужно уточнить".to_owned(),
            (Left::Overdue(days), _) => overdue(days),
            (Left::WorkingDays(0), Some(date)) if date == today => "срок сегодня".to_owned(),
            (Left::WorkingDays(0), Some(_)) if self.deadline.last_working_day == Some(today) => {
                "сегодня последний рабочий день".to_owned()
            }
            (Left::WorkingDays(0), Some(_)) => "рабочих дней не осталось".to_owned(),
            (Left::WorkingDays(days), Some(_)) => left(days),
        }
    }

    /// The same as a label and its value.
    pub(super) fn left_fact(&self, today: NaiveDate) -> (&'static str, String) {
        match self.left {
            Left::WorkingDays(days @ 1..) => ("Осталось", agree(days.into(), WORKING_DAY)),
            Left::Overdue(days @ 1..) => ("Просрочено", format!("на {}", agree(days.into(), WORKING_DAY))),
            _ => ("Состояние", self.left_text(today)),
        }
    }

    pub(super) const fn tone(&self) -> Tone {
        match self.left {
            Left::Overdue(_) => Tone::Alarm,
            Left::WorkingDays(0..=2) | Left::Unclear => Tone::Warn,
            Left::WorkingDays(_) => Tone::Plain,
        }
    }

    pub(super) fn activity(&self) -> String {
        cut(&self.deadline.activity, ACTIVITY_LETTERS)
    }

    pub(super) fn assignee(&self) -> String {
        let assignee = cut(&self.deadline.assignee, ASSIGNEE_LETTERS);
        if assignee.is_empty() {
            "не указан".to_owned()
        } else {
            assignee
        }
    }

    pub(super) fn indicator(&self) -> String {
        let indicator = cut(&self.deadline.indicator, INDICATOR_LETTERS);
        if indicator.is_empty() {
            "в дорожной карте не указано".to_owned()
        } else {
            indicator
        }
    }

    /// `приложение 1, пункт 20`.
    pub(super) fn item(&self) -> String {
        format!(
            "приложение {}, пункт {}",
            self.deadline.roadmap,
            line(&self.deadline.number)
        )
    }

    /// The last working day, when the term itself is a day off and still ahead.
    pub(super) fn last_working_day(&self) -> Option<NaiveDate> {
        let day = self.deadline.last_working_day?;
        let ahead = matches!(self.left, Left::WorkingDays(_));
        (ahead && Some(day) != self.deadline.date).then_some(day)
    }

    pub(super) fn row(&self, today: NaiveDate) -> TermRow {
        let mut more = Vec::new();
        more.extend(
            self.unit_title
                .as_ref()
                .map(|title| format!("Организация: {}", line(title))),
        );
        // A row without a date asks one question; who does it and what counts as done can wait for the answer.
        if self.deadline.date.is_some() {
            more.push(format!("{} Ответственный: {}", sentence(&self.item()), self.assignee()));
            more.push(format!("Что считается выполнением: {}", self.indicator()));
        }
        if let Some(day) = self.last_working_day() {
            more.push(format!(
                "Последний рабочий день перед сроком — {}",
                date_with_weekday(day)
            ));
        }
        if self.deadline.provisional {
            more.push("Дата предварительная, её уточнит план-график".to_owned());
        }
        let left = self.left_text(today);
        let (date, left) = match self.deadline.date {
            Some(date) => (date_short(date), format!("{}, {left}", weekday_short(date))),
            None => {
                let term = match self.deadline.term.trim() {
                    "" => "срок в документе не указан".to_owned(),
                    term => format!("срок в документе: «{}»", cut(term, INDICATOR_LETTERS)),
                };
                more.push(sentence(&format!("{}; {term}", self.item())));
                ("без даты".to_owned(), left)
            }
        };
        TermRow {
            date,
            left,
            tone: self.tone(),
            what: self.activity(),
            more,
        }
    }
}
