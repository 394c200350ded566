//! Образование: levels, forms, terms, pupils in html, movement of pupils (point 10 of order No. 1493).

use std::collections::BTreeMap;

use super::Sheet;
use super::written;
use crate::domain::fact::FactValue;
use crate::domain::observation::Amount;
use crate::domain::vocabulary::FactState;
use crate::sites::codes;
use crate::sites::gather::{Found, Gather, line_place, mark_place};
use crate::sites::grid::grids;
use crate::sites::marks::{Record, Said};
use crate::sites::values::{date, iso, number};
use crate::sites::words::{flat, fold, is_dash, is_refusal};

const PROGRAMME: &[&str] = &[
    "educode",
    "eduname",
    "eduprof",
    "edulevel",
    "eduform",
    "learningterm",
    "edupred",
    "language",
    "dateend",
    "opmain",
];

/// Code of the fact and the marks whose numbers are added; only one mark of an edition stands on a page.
const PUPILS: &[(&str, &[&str])] = &[
    ("students_federal_budget", &["numberbf"]),
    ("students_regional_budget", &["numberbr"]),
    ("students_municipal_budget", &["numberbm"]),
    ("students_paid", &["numberp"]),
];
const FOREIGN: &[&str] = &["numberf", "numberbff", "numberbrf", "numberbmf", "numberpf"];
const MOVES: &[(&str, &[&str])] = &[
    ("students_left", &["numberout", "numberoutperevod"]),
    ("students_arrived", &["numberto"]),
    ("students_reinstated", &["numberres", "numberresperevod"]),
    ("students_expelled", &["numberexp"]),
];
const LEVELS: &[(&str, &str, &str)] = &[
    ("do", "students_do", "дошкольн"),
    ("noo", "students_noo", "начальн"),
    ("ooo", "students_ooo", "основно"),
    ("soo", "students_soo", "средн"),
];

/// Reads programmes and numbers of pupils.
pub(super) fn read(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    programmes(sheet, gather);
    pupils(sheet, gather);
    moves(sheet, gather);
    if !gather.has("edu_levels") {
        gather.missing("edu_levels");
    }
}

fn level_of(text: &str) -> Option<(&'static str, &'static str)> {
    let text = fold(text);
    LEVELS
        .iter()
        .find(|(_, _, stem)| text.contains(stem))
        .map(|(level, code, _)| (*level, *code))
}

fn programmes(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let mut seen = Seen::default();
    let mut first = 0;
    for main in ["eduaccred", "eduop"] {
        let (records, _) = sheet.marks.records(
            main,
            if main == "eduop" {
                &["eduname", "opmain"]
            } else {
                PROGRAMME
            },
        );
        for record in records.iter().filter(|record| !record.is_refusal()) {
            first = if first == 0 { record.line } else { first };
            seen.look(record);
            programme_file(record, gather);
        }
    }
    let (found, place) = if seen.levels.is_empty() {
        for pair in &sheet.pairs {
            first = if first == 0 { pair.line } else { first };
            seen.label(pair.name, &flat(&pair.value));
        }
        by_table(sheet, &mut seen);
        (Found::Label, line_place(first, "подпись"))
    } else {
        (Found::Mark, mark_place(first, "eduAccred"))
    };
    let Seen {
        levels,
        forms,
        terms,
        languages,
        accredited_to,
    } = seen;
    let ordered = LEVELS
        .iter()
        .map(|(level, _, _)| (*level).to_owned())
        .filter(|level| levels.contains(level));
    list("edu_levels", ordered.collect(), found, &place, gather);
    list("edu_form", forms, found, &place, gather);
    let terms = LEVELS
        .iter()
        .filter_map(|(level, _, _)| terms.get(level).map(|years| format!("{level}={years}")));
    list("edu_term_years", terms.collect(), found, &place, gather);
    list("edu_language", languages, found, &place, gather);
    gather.texts(
        "accreditation_valid_to",
        accredited_to.into_iter().collect(),
        found,
        place,
    );
}

/// Lists stay lists, also of one.
fn list(
    code: &'static str,
    texts: Vec<String>,
    found: Found,
    place: &crate::domain::place::Place,
    gather: &mut Gather<'_>,
) {
    if !texts.is_empty() {
        gather.value(
            code,
            FactValue::List(texts.into_iter().map(FactValue::Text).collect()),
            found,
            place.clone(),
        );
    }
}

/// What the programmes of a page say together.
#[derive(Default)]
struct Seen {
    levels: Vec<String>,
    forms: Vec<String>,
    terms: BTreeMap<&'static str, String>,
    languages: Vec<String>,
    accredited_to: Option<String>,
}

fn add(list: &mut Vec<String>, text: String) {
    if !text.is_empty() && text.chars().count() <= 60 && list.len() < 20 && !list.contains(&text) {
        list.push(text);
    }
}

impl Seen {
    fn look(&mut self, record: &Record<'_>) {
        let said = |name: &str| record.value(name).unwrap_or_default();
        let level = level_of(&said("edulevel")).or_else(|| level_of(&said("eduname")));
        if let Some((level, _)) = level {
            add(&mut self.levels, level.to_owned());
            if let Some(years) = years_of(&said("learningterm")) {
                self.terms.entry(level).or_insert(years);
            }
        }
        add(&mut self.forms, fold(&said("eduform")));
        add(&mut self.languages, fold(&said("language")));
        if self.accredited_to.is_none() {
            self.accredited_to = date(&said("dateend")).as_ref().and_then(iso);
        }
    }

    fn label(&mut self, name: &str, value: &str) {
        if is_refusal(value) {
            return;
        }
        match name {
            "edulevel" => {
                for part in value.split([',', ';']) {
                    if let Some((level, _)) = level_of(part) {
                        add(&mut self.levels, level.to_owned());
                    }
                }
            }
            "eduform" => add(&mut self.forms, fold(value)),
            "languageel" => add(&mut self.languages, fold(value)),
            _ => {}
        }
    }
}

/// «4 года» → 4.
fn years_of(text: &str) -> Option<String> {
    let digits: String = text
        .trim()
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '.'))
        .collect();
    number(digits.trim_end_matches(['.', ','])).map(|years| years.to_string())
}

/// A table of programmes without marks: level, form, term in columns.
fn by_table(sheet: &Sheet<'_>, seen: &mut Seen) {
    for grid in grids(sheet.page) {
        let Some(column) = grid.column(&[
            "уровеньобраз",
            "уровниобраз",
            "наименованиеобразовательнойпрограммы",
            "образовательнаяпрограмма",
        ]) else {
            continue;
        };
        for (_, cells) in &grid.rows {
            let cell = |stems: &[&str]| {
                grid.column(stems)
                    .and_then(|at| cells.get(at))
                    .map_or("", String::as_str)
            };
            let Some((level, _)) = cells.get(column).and_then(|text| level_of(text)) else {
                continue;
            };
            add(&mut seen.levels, level.to_owned());
            if let Some(years) = years_of(cell(&["срок"])) {
                seen.terms.entry(level).or_insert(years);
            }
            if !is_dash(cell(&["форма", "формы"])) {
                add(&mut seen.forms, fold(cell(&["форма", "формы"])));
            }
        }
        return;
    }
}

/// The programme's own file, by its level.
fn programme_file(record: &Record<'_>, gather: &mut Gather<'_>) {
    let level = record
        .value("edulevel")
        .or_else(|| record.value("eduname"))
        .and_then(|text| level_of(&text));
    let Some((_, mark)) = record
        .fields
        .iter()
        .find(|(name, mark)| name == "opmain" && !mark.hrefs.is_empty())
    else {
        return;
    };
    let code = match level {
        Some(("noo", _)) => "doc_programme_noo_present",
        Some(("ooo", _)) => "doc_programme_ooo_present",
        Some(("soo", _)) => "doc_programme_soo_present",
        _ => return,
    };
    if mark.hrefs.iter().any(|href| !href.starts_with('#')) {
        gather.present(code, Found::Mark, mark_place(record.line, "opMain"));
    }
}

fn pupils(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let fields: Vec<&str> = PUPILS
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .chain(FOREIGN.iter().copied())
        .collect();
    let (records, _) = sheet.marks.records("educhislen", &fields);
    let records: Vec<_> = records
        .into_iter()
        .filter(|record| !record.is_empty() && !record.is_refusal())
        .collect();
    let Some(first) = records.first() else {
        return in_a_file(sheet, gather);
    };
    let place = mark_place(first.line, "eduChislen");
    let mut total = None;
    let mut levels: BTreeMap<&'static str, i64> = BTreeMap::new();
    for record in &records {
        let sum = of_sources(record);
        total = add_some(total, sum);
        let level = record
            .value("edulevel")
            .or_else(|| record.value("eduname"))
            .and_then(|text| level_of(&text));
        if let (Some((_, code)), Some(sum)) = (level, sum) {
            let of_level = levels.entry(code).or_insert(0i64);
            *of_level = of_level.saturating_add(sum);
        }
    }
    if let Some(total) = total {
        gather.value(
            "students_total",
            FactValue::Number(Amount::whole(total)),
            Found::Mark,
            place.clone(),
        );
    }
    for (code, sum) in levels {
        gather.value(code, FactValue::Number(Amount::whole(sum)), Found::Mark, place.clone());
    }
    for (code, names) in PUPILS.iter().chain(&[("students_foreign", FOREIGN)]) {
        sum_of(code, names, &records, gather);
    }
}

/// Foreign pupils are part of each source and are not added again.
fn of_sources(record: &Record<'_>) -> Option<i64> {
    let whole = |name: &str| {
        record
            .value(name)
            .and_then(|text| number(&text))
            .filter(|amount| amount.scale == 0)
            .map(|amount| amount.units)
    };
    let sources = PUPILS
        .iter()
        .flat_map(|(_, names)| names.iter())
        .fold(None, |sum, name| add_some(sum, whole(name)));
    sources.or_else(|| whole("numberall"))
}

fn add_some(sum: Option<i64>, more: Option<i64>) -> Option<i64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
        (sum, more) => sum.or(more),
    }
}

/// Sum of one column; a cell that is no number is named, dashes are left out.
fn sum_of(code: &'static str, names: &[&str], records: &[Record<'_>], gather: &mut Gather<'_>) {
    let mut sum = None;
    let mut empty = false;
    let mut place = None;
    for record in records {
        for name in names {
            match record.said(name) {
                Said::Value(text) => {
                    let amount = number(&text).filter(|amount| amount.scale == 0);
                    if amount.is_none() {
                        gather.no_number(code, &text, mark_place(record.line, written(record, name)));
                    }
                    sum = add_some(sum, amount.map(|amount| amount.units));
                    place.get_or_insert_with(|| mark_place(record.line, written(record, name)));
                }
                Said::Empty => empty |= record.fields.iter().any(|(known, _)| known == name),
                Said::Refused | Said::Dash => {}
            }
        }
    }
    if let (Some(sum), Some(place)) = (sum, place) {
        let found = if empty { Found::PartOfMarks } else { Found::Mark };
        gather.value(code, FactValue::Number(Amount::whole(sum)), found, place);
    }
}

/// The number often lives in a file: it is not missing, it is not read.
fn in_a_file(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let link = sheet.links.iter().find(|link| {
        link.marks.iter().any(|name| name.eq_ignore_ascii_case("eduChislenEl")) || {
            let title = fold(&link.title);
            (title.contains("численност") || title.contains("количеств"))
                && (title.contains("обучающихся") || title.contains("учащихся"))
        }
    });
    if let Some(link) = link {
        let place = line_place(link.line, "ссылка");
        gather.problem(codes::problem("MSK-SITE-15", "students_total").at(&place));
        gather.state("students_total", FactState::Unknown, Found::Title, place);
    } else {
        gather.missing("students_total");
    }
}

fn moves(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let fields: Vec<&str> = MOVES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let (records, _) = sheet.marks.records("eduperevod", &fields);
    let records: Vec<_> = records
        .into_iter()
        .filter(|record| !record.is_empty() && !record.is_refusal())
        .collect();
    for (code, names) in MOVES {
        sum_of(code, names, &records, gather);
    }
}
