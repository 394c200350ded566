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
    /// Code of the fact that counts his category.
    category: Option<&'static str>,
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
    let category = ["teachingqual", "post", "qualification", "employeequalification"]
        .into_iter()
        .find_map(|name| match record.said(name) {
            Said::Value(text) => category_of(&fold(&text)),
            Said::Refused if name == "teachingqual" => Some("teachers_without_category"),
            _ => None,
        });
    Teacher {
        level: fold(&said("teachinglevel")),
        category,
        training: newest_year(&said(training)),
        experience: years_of(&said("specexperience")),
        incomplete: used.iter().any(|name| record.said(name) == Said::Empty),
    }
}

/// Whole years: «12», «12 лет», «12 / 10». Months, days and dates are none.
fn years_of(text: &str) -> Option<Amount> {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[0-9]{1,2}[./-](?:[0-9]{1,2}[./-][0-9]{2}|[0-9]{4})").expect("a constant pattern that tests run")
    });
    let text = fold(text);
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let word = rest.trim_start();
    let of_years = ["г", "л", "полн"].iter().any(|start| word.starts_with(start));
    if word.starts_with(char::is_alphabetic) && !of_years || DATE.is_match(&text) {
        return None;
    }
    number(&text[..text.len() - rest.len()]).filter(|amount| (0..80).contains(&amount.units))
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
    for code in teachers.iter().filter_map(|teacher| teacher.category) {
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

/// The category a folded field names; «высшая школа» and «первая помощь» beside the word are none.
fn category_of(text: &str) -> Option<&'static str> {
    static HIGHEST: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"высш[а-я]* (?:кв[а-я]*\.? ?)?категор|категор[а-я]*(?: -|:)? ?\(?высш")
            .expect("a constant pattern that tests run")
    });
    static FIRST: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:перв(?:ая|ой|ую)|(?:^|[^0-9a-zа-я])(?:i|1)(?:-?я)?) (?:кв[а-я]*\.? ?)?категор|категор[а-я]*(?: -|:)? ?\(?перв",
        )
        .expect("a constant pattern that tests run")
    });
    if HIGHEST.is_match(text) {
        Some("teachers_category_highest")
    } else if FIRST.is_match(text) {
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
        category: ["категори", "должност"]
            .into_iter()
            .find_map(|stem| category_of(&fold(&cell(&[stem])))),
        training: newest_year(&cell(&["повышен", "курсы"])),
        experience: years_of(&cell(&["стажработыпоспец", "педагогическийстаж", "стаж"])),
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
                r"высшее (?:педагогическое |профессиональное )?образование\s*(?:-|:|имеют)\s*(\d{1,3})\b((?:[.,]\d+)?\s*(?:%|процент))?",
            ),
            (
                "teachers_category_highest",
                r"высш(?:ая|ую|ей) (?:квалификационн[а-я]+ )?категори[а-я]*\s*(?:-|:|имеют)\s*(\d{1,3})\b((?:[.,]\d+)?\s*(?:%|процент))?",
            ),
            (
                "teachers_category_first",
                r"перв(?:ая|ую|ой) (?:квалификационн[а-я]+ )?категори[а-я]*\s*(?:-|:|имеют)\s*(\d{1,3})\b((?:[.,]\d+)?\s*(?:%|процент))?",
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
            let Some(found) = sentence.captures(&text) else {
                continue;
            };
            let is_percent = found.get(2).is_some();
            if let Some(amount) = number(&found[1])
                && !is_percent
            {
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
    use std::sync::Arc;

    use super::*;
    use crate::domain::unit::UnitRef;
    use crate::sites::Section;

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
            ("категория: высшая", Some("teachers_category_highest")),
            ("учитель 1 категории", Some("teachers_category_first")),
            (
                "первая категория; ниу высшая школа экономики, 2023",
                Some("teachers_category_first"),
            ),
            ("ниу высшая школа экономики; категория не присвоена", None),
        ] {
            assert_eq!(category_of(text), code, "{text}");
        }
    }

    #[test]
    fn only_years_are_years() {
        for (text, expected) in [
            ("12", Some(12)),
            ("12 лет", Some(12)),
            ("1 год", Some(1)),
            ("12 / 10", Some(12)),
            ("12 л. 6 мес.", Some(12)),
            ("12,5 лет", Some(12)),
            ("6 месяцев", None),
            ("10 дней", None),
            ("01.09.2010", None),
            ("09.2010", None),
            ("1 сентября 2010 г.", None),
            ("2010", None),
        ] {
            assert_eq!(years_of(text).map(|amount| amount.units), expected, "{text}");
        }
    }

    fn facts(html: &str) -> Vec<(&'static str, Option<FactValue>)> {
        let page = format!("<h1>Педагогический состав</h1>{html}");
        let unit = Arc::new(UnitRef::default());
        let (facts, _) = crate::sites::read(Section::Employees, &page, "https://school.example/x", &unit);
        facts.into_iter().map(|fact| (fact.code, fact.value)).collect()
    }

    #[test]
    fn a_share_in_percent_is_no_number_of_persons() {
        let found = facts(
            "<p>Высшее образование имеют 92 % педагогов.</p><p>Высшая категория – 45%</p>\
             <p>Первая категория – 7,5 процента</p>",
        );
        assert!(
            !found
                .iter()
                .any(|(_, value)| matches!(value, Some(FactValue::Number(_)))),
            "{found:?}"
        );
        let found = facts("<p>Высшее образование имеют 12 педагогов (92%).</p>");
        let twelve = Some(FactValue::Number(Amount::whole(12)));
        assert!(found.contains(&("teachers_with_higher_education", twelve)), "{found:?}");
    }

    #[test]
    fn each_field_is_judged_alone() {
        let found = facts(
            "<table><tr itemprop=teachingStaff><td itemprop=fio>а<td itemprop=teachingQual>первая категория\
             <td itemprop=qualification>НИУ «Высшая школа экономики», 2023<td itemprop=specExperience>6 месяцев\
             <tr itemprop=teachingStaff><td itemprop=fio>б<td itemprop=specExperience>20</table>",
        );
        let number = |number| Some(FactValue::Number(Amount::whole(number)));
        assert!(found.contains(&("teachers_category_first", number(1))), "{found:?}");
        assert!(
            !found.iter().any(|(code, _)| *code == "teachers_category_highest"),
            "{found:?}"
        );
        assert!(
            found.contains(&("teachers_avg_experience_years", number(20))),
            "{found:?}"
        );
    }
}
