//! Calendar entries of deadlines: all-day events with alarms.

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Alarm, Calendar, CalendarDateTime, Component, Event, EventLike, Trigger};

use super::plain;

/// A deadline for a calendar (запись календаря).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Stable: a new version of the same deadline replaces the old entry.
    pub uid: String,
    /// Day of the deadline, as it is; it never moves to a working day.
    pub date: NaiveDate,
    /// Title.
    pub summary: String,
    /// Where the deadline comes from and what closes it.
    pub description: String,
    /// Moments of the alarms; the caller picks working days.
    pub alarms: Vec<DateTime<Utc>>,
    /// Day on which the entry was written.
    pub written: NaiveDate,
    /// Grows with every change of the deadline.
    pub sequence: u32,
}

/// Writes a calendar file.
#[must_use]
pub fn ics(entries: &[Entry]) -> String {
    let mut calendar = Calendar::new();
    calendar.append_property(("PRODID", "-//msoko//roadmap deadlines//RU"));
    for entry in entries {
        calendar.push(event(entry));
    }
    calendar.to_string()
}

fn event(entry: &Entry) -> Event {
    let written = entry.written.and_time(chrono::NaiveTime::MIN).and_utc();
    let summary = plain(&entry.summary);
    let mut event = Event::new();
    event
        .uid(&plain(&entry.uid))
        .sequence(entry.sequence)
        .timestamp(written)
        .starts(entry.date)
        // The end is exclusive (RFC 5545, 3.6.1); the library's own all-day call gives a day without length.
        .ends(entry.date.succ_opt().unwrap_or(entry.date))
        .summary(&summary)
        .description(&plain(&entry.description))
        .add_property("TRANSP", "TRANSPARENT");
    for (number, at) in (1..).zip(&entry.alarms) {
        let mut alarm = Alarm::display(&summary, Trigger::from(CalendarDateTime::Utc(*at)));
        // Without these the library stamps each alarm with the clock and a random id, and no two files are alike.
        alarm
            .timestamp(written)
            .uid(&format!("{}-alarm-{number}", plain(&entry.uid)));
        event.alarm(alarm);
    }
    event.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a date");
        Entry {
            uid: "P1-20/2026@district.example".to_owned(),
            date: day(2026, 3, 1),
            summary: "До 1 марта: анализ эффективности мер; черновик, проверьте".to_owned(),
            description: "Дорожная карта «Качество подготовки обучающихся», приложение 1, пункт 20.".to_owned(),
            alarms: vec![day(2026, 2, 27).and_hms_opt(6, 0, 0).expect("a time").and_utc()],
            written: day(2026, 2, 20),
            sequence: 2,
        }
    }

    #[test]
    fn an_entry_is_an_all_day_event_with_an_alarm_on_a_working_day() {
        let text = ics(&[entry()]).replace("\r\n ", "");
        for line in [
            "UID:P1-20/2026@district.example",
            "SEQUENCE:2",
            "DTSTART;VALUE=DATE:20260301",
            "DTEND;VALUE=DATE:20260302",
            "TRIGGER;VALUE=DATE-TIME:20260227T060000Z",
            "ACTION:DISPLAY",
            "SUMMARY:До 1 марта: анализ эффективности мер\\; черновик\\, проверьте",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in\n{text}");
        }
        assert!(
            ics(&[entry()]).lines().all(|line| line.len() <= 75),
            "a line is too long"
        );
    }

    #[test]
    fn the_same_entry_gives_the_same_bytes() {
        assert_eq!(ics(&[entry()]), ics(&[entry()]));
    }
}
