//! Вакантные места: rows of marks, else a table by class, else a sentence (point 17 of order No. 1493).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::Sheet;
use super::written;
use crate::domain::fact::FactValue;
use crate::domain::observation::Amount;
use crate::domain::place::Place;
use crate::domain::vocabulary::FactState;
use crate::sites::gather::{Found, Gather, line_place, mark_place};
use crate::sites::grid::{Grid, grids};
use crate::sites::marks::{Record, Said};
use crate::sites::values::{as_of, number, school_year};
use crate::sites::words::{fold, is_dash, is_refusal};

const SOURCES: &[(&str, &str)] = &[
    ("vacancies_federal", "numberbfvacant"),
    ("vacancies_regional", "numberbrvacant"),
    ("vacancies_municipal", "numberbmvacant"),
    ("vacancies_paid", "numberpvacant"),
];

const FIELDS: &[&str] = &[
    "educode",
    "eduname",
    "edulevel",
    "eduprof",
    "educourse",
    "eduform",
    "numberbfvacant",
    "numberbrvacant",
    "numberbmvacant",
    "numberpvacant",
];

/// Reads the numbers of vacant places.
pub(super) fn read(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let title = sheet.content.titles.join("\n");
    if let Some(day) = as_of(&sheet.text).or_else(|| as_of(&title)) {
        gather.texts(
            "vacancies_as_of_date",
            vec![day],
            Found::Text,
            line_place(1, "текст страницы"),
        );
    }
    if let Some(year) = school_year(&sheet.text) {
        gather.texts(
            "vacancies_school_year",
            vec![year],
            Found::Text,
            line_place(1, "текст страницы"),
        );
    }
    let (records, dropped) = sheet.marks.records("vacant", FIELDS);
    if !by_marks(&records, gather) && dropped == 0 {
        by_table(sheet, gather);
        by_sentence(sheet, gather);
    }
    if !gather.has("vacancies_total") {
        gather.missing("vacancies_total");
    }
}

fn by_marks(records: &[Record<'_>], gather: &mut Gather<'_>) -> bool {
    let real: Vec<&Record<'_>> = records
        .iter()
        .filter(|record| !record.is_empty() && !record.is_refusal())
        .collect();
    let Some(first) = real.first() else {
        if let Some(refused) = records.iter().find(|record| record.is_refusal()) {
            gather.state(
                "vacancies_total",
                FactState::DeclaredAbsent,
                Found::Mark,
                mark_place(refused.line, "vacant"),
            );
            return true;
        }
        return false;
    };
    let place = mark_place(first.line, "vacant");
    gather.count("vacancies_rows", real.len(), Found::Mark, place.clone());
    let mut sums = Sums::default();
    for (code, name) in SOURCES {
        column(&real, code, name, &mut sums, gather);
    }
    let found = if sums.silent { Found::PartOfMarks } else { Found::Mark };
    sums.tell(found, &place, gather);
    true
}

/// One source of money over all rows. Dashes are not applicable, empty cells are missing, neither is zero.
fn column(records: &[&Record<'_>], code: &'static str, name: &str, sums: &mut Sums, gather: &mut Gather<'_>) {
    let mut total = None;
    let (mut refused, mut empty, mut line) = (0usize, 0usize, 0);
    for record in records {
        match record.said(name) {
            Said::Value(text) => match number(&text) {
                Some(amount) if amount.scale == 0 => {
                    total = Some(total.unwrap_or(0i64).saturating_add(amount.units));
                    sums.add(class_of(record), amount.units);
                    line = if line == 0 { record.line } else { line };
                }
                _ => {
                    empty += 1;
                    sums.skip(class_of(record));
                    gather.no_number(code, &text, mark_place(record.line, written(record, name)));
                }
            },
            Said::Refused => refused += 1,
            Said::Dash => {}
            Said::Empty => {
                empty += 1;
                sums.skip(class_of(record));
            }
        }
    }
    let place = mark_place(
        if line == 0 { records[0].line } else { line },
        written(records[0], name),
    );
    match total {
        Some(total) => {
            sums.silent |= empty > 0;
            let found = if empty > 0 { Found::PartOfMarks } else { Found::Mark };
            gather.value(code, FactValue::Number(Amount::whole(total)), found, place);
        }
        None if refused > 0 => gather.state(code, FactState::DeclaredAbsent, Found::Mark, place),
        None if empty == records.len() => gather.state(code, FactState::Missing, Found::Mark, place),
        None => {}
    }
}

/// Places by class and all together.
#[derive(Default)]
struct Sums {
    total: Option<i64>,
    by_class: BTreeMap<u8, i64>,
    /// Places of rows whose class or level is not said.
    elsewhere: bool,
    by_level: BTreeMap<&'static str, i64>,
    /// Classes and levels with a cell that said nothing: their sums would be too small.
    skipped_classes: BTreeSet<u8>,
    skipped_levels: BTreeSet<&'static str>,
    /// True when some cell said nothing.
    silent: bool,
}

/// What a row says of its class: a class, a level, or nothing.
#[derive(Clone, Copy)]
enum Stage {
    Class(u8),
    Level(&'static str),
    Nothing,
}

impl Stage {
    fn level(self) -> Option<&'static str> {
        match self {
            Self::Class(1..=4) => Some("vacancies_noo"),
            Self::Class(5..=9) => Some("vacancies_ooo"),
            Self::Class(_) => Some("vacancies_soo"),
            Self::Level(level) => Some(level),
            Self::Nothing => None,
        }
    }
}

impl Sums {
    fn add(&mut self, stage: Stage, places: i64) {
        self.total = Some(self.total.unwrap_or(0).saturating_add(places));
        if let Stage::Class(class) = stage {
            let sum = self.by_class.entry(class).or_insert(0);
            *sum = sum.saturating_add(places);
        }
        match stage.level() {
            Some(level) => {
                let sum = self.by_level.entry(level).or_insert(0);
                *sum = sum.saturating_add(places);
            }
            None => self.elsewhere = true,
        }
    }

    /// A row of this class or level said nothing readable.
    fn skip(&mut self, stage: Stage) {
        self.silent = true;
        if let Stage::Class(class) = stage {
            self.skipped_classes.insert(class);
        }
        match stage.level() {
            Some(level) => {
                self.skipped_levels.insert(level);
            }
            None => self.elsewhere = true,
        }
    }

    fn tell(&self, found: Found, place: &Place, gather: &mut Gather<'_>) {
        let Some(total) = self.total else {
            return;
        };
        gather.value(
            "vacancies_total",
            FactValue::Number(Amount::whole(total)),
            found,
            place.clone(),
        );
        if self.elsewhere {
            // A part of the places has no class: levels would be too small.
            return;
        }
        for (code, places) in self
            .by_level
            .iter()
            .filter(|(code, _)| !self.skipped_levels.contains(*code))
        {
            gather.value(code, FactValue::Number(Amount::whole(*places)), found, place.clone());
        }
        let classes = self
            .by_class
            .iter()
            .filter(|(class, _)| !self.skipped_classes.contains(*class))
            .map(|(class, places)| FactValue::Text(format!("{class}={places}")));
        let classes: Vec<FactValue> = classes.collect();
        if !classes.is_empty() {
            gather.value("vacancies_by_class", FactValue::List(classes), found, place.clone());
        }
    }
}

fn class_of(record: &Record<'_>) -> Stage {
    let said = |name: &str| record.value(name).unwrap_or_default();
    match class(&said("educourse")) {
        Some(class) => Stage::Class(class),
        None => level(&said("edulevel"))
            .or_else(|| level(&said("eduname")))
            .map_or(Stage::Nothing, Stage::Level),
    }
}

/// Class from 1 to 11: «5», «5 класс», «5а».
fn class(text: &str) -> Option<u8> {
    static CLASS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(\d{1,2})(?: ?-? ?[а-яa-z])?(?: ?класс[а-я]*)?$|^(\d{1,2}) ?класс")
            .expect("a constant pattern that tests run")
    });
    let text = fold(text);
    let found = CLASS.captures(&text)?;
    let class: u8 = found.get(1).or_else(|| found.get(2))?.as_str().parse().ok()?;
    (1..=12).contains(&class).then_some(class)
}

fn level(text: &str) -> Option<&'static str> {
    let text = fold(text);
    [
        ("начальн", "vacancies_noo"),
        ("основно", "vacancies_ooo"),
        ("средн", "vacancies_soo"),
    ]
    .into_iter()
    .find(|(stem, _)| text.contains(stem))
    .map(|(_, code)| code)
}

/// A table «класс — вакантных мест», with pupils beside them when the school shows them.
fn by_table(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    for grid in grids(sheet.page) {
        let (Some(class_column), Some(places)) = (grid.column(&["класс"]), grid.column(&["вакант", "свободн"]))
        else {
            continue;
        };
        if class_column == places {
            continue;
        }
        let pupils = grid
            .column(&["обучающихся", "учащихся", "учеников"])
            .filter(|column| *column != places);
        read_grid(&grid, class_column, places, pupils, gather);
        return;
    }
}

fn read_grid(grid: &Grid, class_column: usize, places: usize, pupils: Option<usize>, gather: &mut Gather<'_>) {
    let mut sums = Sums::default();
    let (mut students, mut classes, mut first) = (0i64, 0usize, 0);
    for (line, cells) in &grid.rows {
        let cell = |column: usize| cells.get(column).map_or("", String::as_str);
        let Some(class) = class(cell(class_column)) else {
            continue;
        };
        first = if first == 0 { *line } else { first };
        match number(cell(places)) {
            Some(amount) if amount.scale == 0 => sums.add(Stage::Class(class), amount.units),
            _ if is_refusal(cell(places)) => sums.add(Stage::Class(class), 0),
            _ if is_dash(cell(places)) => {}
            _ => sums.skip(Stage::Class(class)),
        }
        if let Some(amount) = pupils
            .and_then(|column| number(cell(column)))
            .filter(|amount| amount.scale == 0)
        {
            students = students.saturating_add(amount.units);
            classes += 1;
        }
    }
    let place = line_place(first, "таблица по классам");
    let found = if sums.silent { Found::Text } else { Found::Label };
    sums.tell(found, &place, gather);
    if classes > 0 {
        let value = FactValue::Number(Amount::whole(students));
        gather.value("students_total", value, Found::Label, place.clone());
        gather.count("classes_total", classes, Found::Label, place);
    }
}

/// Longest part of a line that a sentence about vacant places is looked for in, in characters.
const MAX_SENTENCE: usize = 400;

/// «Свободных мест нет» is zero; «Вакантных мест: 12» is twelve. Sentences about single classes, or several of them,
/// do not say how many there are in the school.
fn by_sentence(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    static NONE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:вакантны[хе]|свободны[хе]) мест[а-я]* (?:для приема (?:\(перевода\) )?(?:обучающихся )?)?(?:[а-яa-z ,()]{0,60} )?(?:нет|отсутствуют|не имеется)(?:[^а-яa-z0-9]|$)").expect("a constant pattern that tests run")
    });
    static SOME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:вакантны[хе]|свободны[хе]) мест[а-я]* ?[-:] ?([0-9]{1,4})(?:[^а-яa-z0-9]|$)")
            .expect("a constant pattern that tests run")
    });
    let mut said = Vec::new();
    for line in &sheet.content.lines {
        let text: String = fold(&line.text).chars().take(MAX_SENTENCE).collect();
        let of_classes = text.contains("класс");
        let place = || line_place(line.number, "текст");
        let before = said.len();
        said.extend(
            SOME.captures_iter(&text)
                .filter_map(|found| number(&found[1]))
                .map(|amount| (amount, of_classes, place())),
        );
        if said.len() == before && NONE.is_match(&text) {
            said.push((Amount::whole(0), of_classes, place()));
        }
    }
    let mut whole = said.iter().filter(|(_, of_classes, _)| !of_classes);
    match (whole.next(), whole.next()) {
        (Some((amount, _, place)), None) => {
            gather.value(
                "vacancies_total",
                FactValue::Number(*amount),
                Found::Text,
                place.clone(),
            );
        }
        (first, _) => {
            if let Some((_, _, place)) = first.or(said.first()) {
                gather.state("vacancies_total", FactState::Unknown, Found::Text, place.clone());
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

    fn total(html: &str) -> (Option<FactValue>, Option<FactState>) {
        let page = format!("<h1>Вакантные места</h1>{html}");
        let unit = Arc::new(UnitRef::default());
        let (facts, _) = crate::sites::read(Section::Vacant, &page, "https://school.example/x", &unit);
        let fact = facts.into_iter().find(|fact| fact.code == "vacancies_total");
        fact.map(|fact| (fact.value, fact.state)).expect("a total or its state")
    }

    #[test]
    fn a_sentence_about_one_class_is_no_total() {
        let number = |number| (Some(FactValue::Number(Amount::whole(number))), Some(FactState::Present));
        let unknown = (None, Some(FactState::Unknown));
        assert_eq!(total("<p>Вакантных мест: 12.</p>"), number(12));
        assert_eq!(total("<p>Свободных мест для приёма (перевода) нет</p>"), number(0));
        for html in [
            "<p>1 класс, вакантных мест: 3</p><p>2 класс, вакантных мест: 7</p>",
            "<p>Вакантных мест в первых классах нет</p><p>2 класс, вакантных мест: 7</p>",
            "<p>Вакантных мест в первых классах нет</p>",
            "<p>Вакантных мест: 3</p><p>Вакантных мест: 7</p>",
            "<p>Первая смена, вакантных мест: 3; вторая смена, вакантных мест: 7</p>",
        ] {
            assert_eq!(total(html), unknown, "{html}");
        }
        assert_eq!(
            total("<p>Вакантных мест: 10</p><p>2 класс, вакантных мест: 7</p>"),
            number(10)
        );
    }

    #[test]
    fn classes_and_levels_are_read() {
        for (text, expected) in [
            ("5", Some(5)),
            ("5 класс", Some(5)),
            ("10а", Some(10)),
            ("1 «Б»", Some(1)),
            ("13", None),
            ("итого", None),
            ("2025", None),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
        assert_eq!(level("Основное общее образование"), Some("vacancies_ooo"));
    }
}
