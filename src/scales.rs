//! Reading of `config/scales.toml`.
//!
//! Takes: the text of the file. Gives: the scales and minimums that are sound, and every problem of the file.
//! Never: mends a band; an overlap or a gap in a printed table is the administrator's to decide, with a comment.
//!
//! ```
//! let text = "[[scale]]\nprocedure = 'vpr'\nyear = '2020-21'\nsubjects = 'math'\nsource = 'описание работы'\n\
//!             grades = { 4 = ['0–5', '6–9', '10–14', '15–20'] }\n";
//! let (scales, problems) = msoko::scales::parse("scales.toml", text);
//! assert!(problems.is_empty());
//! let scale = scales.scale("vpr/2020-21/spring", "math", Some(4)).expect("is there");
//! assert_eq!(scale.bounds.mark(9), Some(3));
//! ```

use std::sync::Arc;

use crate::domain::scale::{Band, BandFault, Bounds, Minimum, Scale, Scales};
use crate::domain::school_year::SchoolYear;
use crate::domain::vocabulary::Procedure;
use crate::message::Problems;
use crate::strict_toml::{Document, Section};

/// The shipped file, built into the executable; the administrator's own `scales.toml` stands in its place.
pub const SHIPPED: &str = include_str!("../config/scales.toml");

/// Highest score a work or an exam may have; above it a digit was typed twice.
const HIGHEST: i64 = 500;

/// Reads the file. What is unsound is left out and reported, the rest serves.
#[must_use]
pub fn parse(file: &str, text: &str) -> (Scales, Problems) {
    let document = match Document::parse(file, text) {
        Ok(document) => document,
        Err(problems) => return (Scales::default(), problems),
    };
    let mut scales = Scales::default();
    let root = document.root();
    for section in root.sections("scale") {
        read_scale(&section, &mut scales);
        section.done();
    }
    for section in root.sections("minimum") {
        read_minimum(&section, &mut scales);
        section.done();
    }
    root.done();
    (scales, document.problems())
}

fn read_scale(section: &Section<'_>, scales: &mut Scales) {
    let procedure = read_procedure(section);
    let year = read_year(section, "year");
    let season = section.string("season");
    let subjects = section.strings("subjects").unwrap_or_default();
    if subjects.is_empty() && !section.has("subjects") {
        section.missing("subjects", "строка или список строк");
    }
    let source: Arc<str> = section.need_string("source").into();
    let Some(grades) = section.section("grades") else {
        if !section.has("grades") {
            section.missing("grades", "раздел: класс = [четыре диапазона]");
        }
        return;
    };
    for key in grades.free_keys() {
        let Some(bounds) = read_bounds(&grades, &key) else {
            continue;
        };
        let Some(grade) = key.parse().ok().filter(|grade| (1..=12).contains(grade)) else {
            grades.refuse(&key, "класс — число от 1 до 12");
            continue;
        };
        let (Some(procedure), Some(year)) = (procedure, year) else {
            continue;
        };
        for subject in &subjects {
            let scale = Scale {
                procedure,
                year,
                season: season.clone(),
                subject: subject.clone(),
                grade: Some(grade),
                bounds,
                source: Arc::clone(&source),
            };
            if scales.add(scale).is_err() {
                grades.refuse(&key, &format!("шкала для предмета «{subject}» уже есть выше"));
            }
        }
    }
    grades.done();
}

fn read_bounds(grades: &Section<'_>, key: &str) -> Option<Bounds> {
    let written = grades.strings(key)?;
    let bands: Option<Vec<Band>> = written.iter().map(|text| read_band(text)).collect();
    let Some(Ok(bands)) = bands.map(<[Band; 4]>::try_from) else {
        grades.refuse(
            key,
            "нужны четыре диапазона для отметок 2, 3, 4, 5 вида [\"0–5\", \"6–9\", \"10–14\", \"15–20\"]",
        );
        return None;
    };
    match Bounds::of(bands) {
        Ok(bounds) => Some(bounds),
        Err(fault) => {
            grades.refuse(key, &fault_text(fault));
            None
        }
    }
}

fn read_band(text: &str) -> Option<Band> {
    let (from, to) = text.split_once(['-', '–', '—'])?;
    let number = |text: &str| text.trim().parse().ok().filter(|score| i64::from(*score) <= HIGHEST);
    Some(Band {
        from: number(from)?,
        to: number(to)?,
    })
}

fn fault_text(fault: BandFault) -> String {
    match fault {
        BandFault::NotFromZero { from } => format!("отметка 2 начинается с {from}, а не с 0"),
        BandFault::Reversed { mark } => format!("диапазон отметки {mark} кончается раньше, чем начинается"),
        BandFault::Overlap { score } => format!("балл {score} попадает в две отметки"),
        BandFault::Gap { score } => format!("балл {score} не попадает ни в одну отметку"),
    }
}

fn read_minimum(section: &Section<'_>, scales: &mut Scales) {
    let procedure = read_procedure(section);
    let (from, to) = (read_year(section, "from"), read_year(section, "to"));
    let source: Arc<str> = section.need_string("source").into();
    let Some(scores) = section.section("scores") else {
        if !section.has("scores") {
            section.missing("scores", "раздел: предмет = балл");
        }
        return;
    };
    for subject in scores.free_keys() {
        let Some(score) = scores
            .integer(&subject, 1..=100)
            .and_then(|score| u16::try_from(score).ok())
        else {
            continue;
        };
        let (Some(procedure), Some(from), Some(to)) = (procedure, from, to) else {
            continue;
        };
        let minimum = Minimum {
            procedure,
            from,
            to,
            subject: subject.clone(),
            score,
            source: Arc::clone(&source),
        };
        if scales.add_minimum(minimum).is_err() {
            scores.refuse(
                &subject,
                "годы перевёрнуты или пересекаются с другим минимумом этого предмета",
            );
        }
    }
    scores.done();
}

fn read_procedure(section: &Section<'_>) -> Option<Procedure> {
    let words: Vec<(&str, Procedure)> = Procedure::ALL.iter().map(|word| (word.as_str(), *word)).collect();
    if !section.has("procedure") {
        section.missing("procedure", "процедура, например \"vpr\"");
    }
    section.choice("procedure", &words)
}

fn read_year(section: &Section<'_>, key: &str) -> Option<SchoolYear> {
    let text = section.need_string(key);
    let year = SchoolYear::parse(&text);
    if year.is_none() && !text.is_empty() {
        section.refuse(key, "учебный год записывается как \"2024-25\"");
    }
    year
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_scales_are_sound_and_give_the_marks_of_the_official_tables() {
        let (scales, problems) = parse("config/scales.toml", SHIPPED);
        assert_eq!(problems, []);
        let mark = |subject: &str, grade, score| {
            scales
                .scale("vpr/2020-21/spring", subject, Some(grade))
                .and_then(|scale| scale.bounds.mark(score))
        };
        for (subject, grade, score, expected) in [
            ("russian", 4, 13, Some(2)),
            ("russian", 4, 38, Some(5)),
            ("math", 6, 13, Some(4)),
            ("history", 6, 16, Some(5)),
            ("geography", 8, 34, Some(4)),
            ("geography", 8, 35, Some(5)),
            ("french", 7, 20, Some(3)),
            ("chemistry", 8, 36, Some(5)),
            ("chemistry", 8, 37, None),
        ] {
            assert_eq!(mark(subject, grade, score), expected, "{subject} {grade} {score}");
        }
        assert_eq!(scales.minimum("gia11/2025-26/main", "physics"), Some(36));
        assert_eq!(scales.minimum("gia11/2018-19", "chinese"), Some(22));
        assert_eq!(scales.minimum("gia11/2026-27", "physics"), None);
        assert_eq!(scales.len(), (32, 16));
    }

    #[test]
    fn an_unsound_table_is_named_with_its_line_and_the_rest_serves() {
        let text = "[[scale]]\nprocedure = \"vpr\"\nyear = \"2020-21\"\nsubjects = [\"geography\"]\nsource = \"описание\"\n\
                    [scale.grades]\n7 = [\"0–10\", \"11–25\", \"26–32\", \"33–37\"]\n\
                    8 = [\"0–12\", \"13–26\", \"27–35\", \"35–40\"]\n9 = [\"0–12\", \"13–26\"]\n\
                    [[minimum]]\nprocedure = \"gia11\"\nfrom = \"2018-19\"\nto = \"2019\"\nsource = \"приказ\"\nscores = { physics = 360 }\n";
        let (scales, problems) = parse("scales.toml", text);
        let lines: Vec<String> = problems.iter().map(crate::message::Problem::ru_line).collect();
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines[0].starts_with("MSK-CFG-05: scales.toml:8:5"), "{}", lines[0]);
        assert!(lines[0].contains("балл 35 попадает в две отметки"), "{}", lines[0]);
        assert!(lines[1].contains("четыре диапазона"), "{}", lines[1]);
        assert!(lines.iter().any(|line| line.contains("2024-25")), "{lines:#?}");
        assert_eq!(scales.len(), (1, 0));
    }
}
