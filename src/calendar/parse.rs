//! The text form of a calendar: one line per day or range, as in `config/calendar/ru.txt`.

use chrono::NaiveDate;

use super::{Kind, Layer};
use crate::message::{Problem, Problems};

/// A range longer than a leap year is a mistyped date.
const MAX_RANGE_DAYS: i64 = 366;

const WORDS: [(&str, Kind); 8] = [
    ("holiday", Kind::Holiday),
    ("dayoff", Kind::DayOff),
    ("work", Kind::Work),
    ("work_short", Kind::WorkShort),
    ("short", Kind::Short),
    ("decree", Kind::Decree),
    ("expected", Kind::Expected),
    ("preliminary", Kind::Preliminary),
];

#[derive(Debug)]
pub(super) struct Line {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) kind: Kind,
    pub(super) note: String,
}

pub(super) fn lines(layer: Layer<'_>) -> (Vec<Line>, Problems) {
    let mut lines = Vec::new();
    let mut problems = Problems::new();
    for (number, raw) in layer.text.trim_start_matches('\u{feff}').lines().enumerate() {
        let raw = raw.trim();
        if raw.is_empty() || raw.starts_with('#') {
            continue;
        }
        match line(raw) {
            Ok(line) => lines.push(line),
            Err(problem) => problems.push(problem.at(format!("{}:{}", layer.file, number + 1))),
        }
    }
    (lines, problems)
}

fn line(raw: &str) -> Result<Line, Problem> {
    let mut words = raw.split_whitespace();
    let dates = words.next().unwrap_or("");
    let kind = words.next().unwrap_or("");
    let (first, last) = dates.split_once("..").unwrap_or((dates, dates));
    let (Some(from), Some(to)) = (date(first), date(last)) else {
        return Err(Problem::new("MSK-CAL-03").arg("found", dates));
    };
    if from > to || (to - from).num_days() >= MAX_RANGE_DAYS {
        return Err(Problem::new("MSK-CAL-04")
            .arg("found", dates)
            .arg("bound", MAX_RANGE_DAYS));
    }
    let Some((_, kind)) = WORDS.iter().find(|(word, _)| *word == kind) else {
        let known: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        return Err(Problem::new("MSK-CAL-05")
            .arg("found", kind)
            .arg("known", known.join(", ")));
    };
    Ok(Line {
        from,
        to,
        kind: *kind,
        note: words.collect::<Vec<_>>().join(" "),
    })
}

fn date(text: &str) -> Option<NaiveDate> {
    // The exact shape keeps years of five digits and signs out.
    (text.len() == 10)
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_names_its_place_and_costs_nothing_else() {
        let text = "2026-01-01 holiday Новый год\n2026-02-30 holiday\n2026-03-01 hollyday x\n2026-05-02..2026-05-01 dayoff\n2026-05-05 dayoff\n";
        let (lines, problems) = lines(Layer { file: "own.txt", text });
        assert_eq!(lines.len(), 2);
        let found: Vec<String> = problems.iter().map(Problem::ru_line).collect();
        assert_eq!(
            found,
            [
                "MSK-CAL-03: own.txt:2: «2026-02-30» не дата: нужна запись ГГГГ-ММ-ДД или ГГГГ-ММ-ДД..ГГГГ-ММ-ДД",
                "MSK-CAL-05: own.txt:3: неизвестный тип дня «hollyday» (допустимы: holiday, dayoff, work, work_short, short, decree, expected, preliminary)",
                "MSK-CAL-04: own.txt:4: в промежутке «2026-05-02..2026-05-01» конец раньше начала или он длиннее 366 дней",
            ]
        );
    }
}
