//! Педагогический состав: counts only. Names serve a distinct count in memory and never leave this file
//! (data protection: the warehouse needs numbers of teachers, not teachers).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::Sheet;
use crate::domain::fact::FactValue;
use crate::domain::observation::Amount;
use crate::domain::place::Place;
use crate::sites::gather::{Found, Gather, line_place, mark_place};
use crate::sites::grid::{Grid, grids};
use crate::sites::marks::{Record, Said};
use crate::sites::values::{newest_year, number};
use crate::sites::words::{fold, is_dash, is_refusal, tight};

const FIELDS: &[&str] = &[
    "fio",
    "post",
    "teachingdiscipline",
    "teachinglevel",
    "degree",
    "academstat",
    "qualification",
    "profdevelopment",
    "specexperience",
    "teachingop",
    "teachingqual",
    "employeequalification",
    "genexperience",
];

/// Fields the law wants for each teacher.
const DUE: &[&str] = &[
    "fio",
    "post",
    "teachingdiscipline",
    "teachinglevel",
    "qualification",
    "specexperience",
    "teachingop",
];

/// What one row says of one teacher.
#[derive(Debug, Default)]
struct Teacher {
    level: String,
    category: String,
    training: Option<i32>,
    experience: Option<Amount>,
    incomplete: bool,
}

/// Reads the counts of teachers.
pub(super) fn read(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let (records, dropped) = sheet.marks.records("teachingstaff", FIELDS);
    let records: Vec<_> = records
        .into_iter()
        .filter(|record| record.value("fio").is_some())
        .collect();
    if let Some(first) = records.first() {
        let place = mark_place(first.line, "teachingStaff");
        let used: Vec<&str> = DUE.iter().copied().filter(|name| sheet.marks.has(name)).collect();
        // Before order No. 1493 `profDevelopment` held further training; pages with `qualification` mean retraining by it.
        let training = if sheet.marks.has("qualification") {
            "qualification"
        } else {
            "profdevelopment"
        };
        let teachers = distinct(records.iter().map(|record| {
            (
                record.value("fio").unwrap_or_default(),
                of_record(record, &used, training),
            )
        }));
        tell(&teachers, Found::Mark, &place, gather);
        let incomplete = teachers.iter().filter(|teacher| teacher.incomplete).count();
        gather.count("staff_rows_incomplete_count", incomplete, Found::Mark, place);
    } else if dropped == 0 {
        by_table(sheet, gather);
    }
    by_sentence(sheet, gather);
    if !gather.has("teachers_total") {
        gather.missing("teachers_total");
    }
}

/// A teacher stands once in each programme: the first row that names him counts.
fn distinct(rows: impl Iterator<Item = (String, Teacher)>) -> Vec<Teacher> {
    let mut seen = BTreeSet::new();
    rows.filter(|(name, _)| seen.insert(tight(name)))
        .map(|(_, teacher)| teacher)
        .collect()
}

fn of_record(record: &Record<'_>, used: &[&str], training: &str) -> Teacher {
    let said = |name: &str| record.value(name).unwrap_or_default();
    let category =
        ["teachingqual", "post", "qualification", "employeequalification"].map(|name| match record.said(name) {
            Said::Value(text) => text,
            Said::Refused if name == "teachingqual" => "без категории".to_owned(),
            _ => String::new(),
        });
    Teacher {
        level: fold(&said("teachinglevel")),
        category: fold(&category.join("; ")),
        training: newest_year(&said(training)),
        experience: leading_number(&said("specexperience")),
        incomplete: used.iter().any(|name| record.said(name) == Said::Empty),
    }
}

/// «12», «12 лет», «12 / 10».
fn leading_number(text: &str) -> Option<Amount> {
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    number(&digits).filter(|amount| (0..80).contains(&amount.units))
}

fn tell(teachers: &[Teacher], found: Found, place: &Place, gather: &mut Gather<'_>) {
    let mut count = |code: &'static str, number: usize| gather.count(code, number, found, place.clone());
    count("teachers_total", teachers.len());
    let levels = teachers.iter().filter(|teacher| !teacher.level.is_empty()).count();
    if levels > 0 {
        let higher = |teacher: &&Teacher| teacher.level.contains("высш");
        count("teachers_with_higher_education", teachers.iter().filter(higher).count());
        let vocational = |teacher: &&Teacher| !higher(teacher) && teacher.level.contains("средн");
        count(
            "teachers_with_secondary_vocational",
            teachers.iter().filter(vocational).count(),
        );
    }
    let mut categories: BTreeMap<&'static str, usize> = BTreeMap::new();
    for code in teachers.iter().filter_map(|teacher| category_of(&teacher.category)) {
        *categories.entry(code).or_insert(0) += 1;
    }
    for (code, number) in categories {
        count(code, number);
    }
    experience(teachers, found, place, gather);
    let mut years: BTreeMap<i32, usize> = BTreeMap::new();
    for year in teachers.iter().filter_map(|teacher| teacher.training) {
        *years.entry(year).or_insert(0) += 1;
    }
    let years: Vec<FactValue> = years
        .iter()
        .rev()
        .map(|(year, number)| FactValue::Text(format!("{year}={number}")))
        .collect();
    if !years.is_empty() {
        gather.value("teachers_training_years", FactValue::List(years), found, place.clone());
    }
}

fn category_of(text: &str) -> Option<&'static str> {
    let category = text.contains("категор");
    if category && text.contains("высш") {
        Some("teachers_category_highest")
    } else if category
        && (text.contains("перва")
            || text.contains("первой")
            || text.contains("первую")
            || text.contains("i категор")
            || text.contains("1 категор"))
    {
        Some("teachers_category_first")
    } else if text.contains("соответств") {
        Some("teachers_category_base")
    } else if text.contains("без категории") || text.contains("не имеет категории") || text.contains("нет категории")
    {
        Some("teachers_without_category")
    } else {
        None
    }
}

/// Mean of the years that are said, one digit after the point, halves up.
fn experience(teachers: &[Teacher], found: Found, place: &Place, gather: &mut Gather<'_>) {
    let years: Vec<i64> = teachers
        .iter()
        .filter_map(|teacher| teacher.experience)
        .map(|amount| amount.units)
        .collect();
    let Ok(number) = i64::try_from(years.len()) else {
        return;
    };
    if number == 0 {
        return;
    }
    let tenths = (years.iter().sum::<i64>() * 20 + number) / (number * 2);
    let value = if tenths % 10 == 0 {
        Amount::whole(tenths / 10)
    } else {
        Amount {
            units: tenths,
            scale: 1,
        }
    };
    gather.value(
        "teachers_avg_experience_years",
        FactValue::Number(value),
        found,
        place.clone(),
    );
}

/// A table with names and posts, without marks.
fn by_table(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    for grid in grids(sheet.page) {
        let name = grid.column(&["фио", "ф.и.о", "фамилия"]);
        let (Some(name), Some(_)) = (name, grid.column(&["должност", "предмет", "дисциплин"]))
        else {
            continue;
        };
        let rows = grid.rows.iter().filter(|(_, cells)| {
            let text = cells.get(name).map_or("", String::as_str);
            text.split_whitespace().count() >= 2 && !is_refusal(text) && !is_dash(text)
        });
        let Some((line, _)) = rows.clone().next() else {
            continue;
        };
        let teachers = distinct(rows.map(|(_, cells)| (cells[name].clone(), of_row(&grid, cells))));
        tell(&teachers, Found::Label, &line_place(*line, "таблица"), gather);
        return;
    }
}

fn of_row(grid: &Grid, cells: &[String]) -> Teacher {
    let cell = |stems: &[&str]| {
        grid.column(stems)
            .and_then(|column| cells.get(column))
            .cloned()
            .unwrap_or_default()
    };
    Teacher {
        level: fold(&cell(&["образовани"])),
        category: fold(&format!("{}; {}", cell(&["категори"]), cell(&["должност"]))),
        training: newest_year(&cell(&["повышен", "курсы"])),
        experience: leading_number(&cell(&["стажработыпоспец", "педагогическийстаж", "стаж"])),
        incomplete: false,
    }
}

/// «В школе преподают 36 учителей, из них 2 совместителя», «средний педагогический стаж – 24 года».
fn by_sentence(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    static SENTENCES: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
        [
            (
                "teachers_total",
                r"(?:преподают|преподает|работает|работают|трудятся|трудится)\s+(\d{1,3})\s+(?:педагог|учител)",
            ),
            (
                "teachers_part_time",
                r"(\d{1,3})\s+(?:внешних\s+|внутренних\s+)?совместител",
            ),
            ("teachers_young_specialists", r"(\d{1,3})\s+молоды[хе]\s+специалист"),
            (
                "teachers_with_higher_education",
                r"высшее (?:педагогическое |профессиональное )?образование\s*(?:-|:|имеют)\s*(\d{1,3})\b",
            ),
            (
                "teachers_category_highest",
                r"высш(?:ая|ую|ей) (?:квалификационн\p{L}+ )?категори\p{L}*\s*(?:-|:|имеют)\s*(\d{1,3})\b",
            ),
            (
                "teachers_category_first",
                r"перв(?:ая|ую|ой) (?:квалификационн\p{L}+ )?категори\p{L}*\s*(?:-|:|имеют)\s*(\d{1,3})\b",
            ),
            (
                "teachers_avg_experience_years",
                r"средний (?:педагогический )?стаж\s*(?:-|:|составляет)?\s*(\d{1,2})\s*(?:год|лет)",
            ),
        ]
        .into_iter()
        .map(|(code, text)| (code, Regex::new(text).expect("constant patterns that tests run")))
        .collect()
    });
    for line in sheet.content.lines.iter().filter(|line| line.text.len() < 4_000) {
        let text = fold(&line.text);
        for (code, sentence) in SENTENCES.iter() {
            let Some(found) = sentence.captures(&text).and_then(|found| found.get(1)) else {
                continue;
            };
            if let Some(amount) = number(found.as_str()) {
                gather.value(
                    code,
                    FactValue::Number(amount),
                    Found::Text,
                    line_place(line.number, "текст"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_told_apart() {
        for (text, code) in [
            (
                "учитель; высшая квалификационная категория",
                Some("teachers_category_highest"),
            ),
            ("первая категория", Some("teachers_category_first")),
            ("соответствие занимаемой должности", Some("teachers_category_base")),
            ("без категории", Some("teachers_without_category")),
            ("высшее образование", None),
        ] {
            assert_eq!(category_of(text), code, "{text}");
        }
    }
}
