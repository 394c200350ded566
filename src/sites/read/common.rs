//! Основные сведения: identity, contacts, founder, branches (point 7 of order No. 1493).

use std::sync::LazyLock;

use regex::Regex;

use super::Sheet;
use crate::domain::vocabulary::FactState;
use crate::message::Problem;
use crate::sites::codes;
use crate::sites::gather::{Found, Gather, line_place, mark_place};
use crate::sites::marks::{Mark, Said};
use crate::sites::values::{date, emails, phones, requisites, sites};
use crate::sites::words::{before_a_person, flat, fold, is_dash, is_filler, is_refusal};

/// How a text becomes the values of a fact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Plain,
    Impersonal,
    Address,
    Date,
    Phones,
    Emails,
    Sites,
}

struct Item {
    code: &'static str,
    /// Folded names of marks and labels, best first.
    names: &'static [&'static str],
    reads: Reads,
    /// Must be published: nothing on a readable page means `missing`.
    due: bool,
}

const fn item(code: &'static str, names: &'static [&'static str], reads: Reads, due: bool) -> Item {
    Item {
        code,
        names,
        reads,
        due,
    }
}

const OWN: &[Item] = &[
    item("org_full_name", &["fullname", "name"], Reads::Plain, true),
    item("org_short_name", &["shortname"], Reads::Plain, false),
    item("org_founded_date", &["regdate"], Reads::Date, true),
    item("org_address", &["address"], Reads::Address, true),
    item("org_postal_address", &["postaladdress"], Reads::Address, false),
    item("org_phone", &["telephone", "telephonefax"], Reads::Phones, true),
    item("org_fax", &["fax", "telephonefax"], Reads::Phones, false),
    item("org_email", &["email", "e-mail"], Reads::Emails, true),
    item("org_work_time", &["worktime"], Reads::Impersonal, true),
];

const FOUNDER: &[Item] = &[
    item("founder_name", &["nameuchred"], Reads::Impersonal, true),
    item("founder_phone", &["teluchred"], Reads::Phones, false),
    item("founder_email", &["mailuchred"], Reads::Emails, false),
    item("founder_website", &["websiteuchred"], Reads::Sites, false),
];

const FOUNDER_FIELDS: &[&str] = &[
    "nameuchred",
    "fullnameuchred",
    "addressuchred",
    "teluchred",
    "mailuchred",
    "websiteuchred",
];

/// Reads identity, contacts and the founder.
pub(super) fn read(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    for item in OWN {
        by_mark(sheet, gather, item);
        by_label(sheet, gather, item);
    }
    founders(sheet, gather);
    for item in FOUNDER {
        by_label(sheet, gather, item);
    }
    branches(sheet, gather);
    numbers(sheet, gather);
    for item in OWN.iter().chain(FOUNDER) {
        // Lists before order No. 1493 did not ask for the full name.
        if item.due && !(sheet.is_of_older_order() && item.code == "org_full_name") && !gather.has(item.code) {
            gather.missing(item.code);
        }
    }
}

fn by_mark(sheet: &Sheet<'_>, gather: &mut Gather<'_>, item: &Item) {
    for name in item.names {
        for mark in sheet.marks.alone(name) {
            let place = || sheet.marks.place(mark);
            match mark.said() {
                Said::Empty => {}
                Said::Refused | Said::Dash => gather.state(item.code, FactState::DeclaredAbsent, Found::Mark, place()),
                // Builders mark persons by the same word in another vocabulary.
                Said::Value(text) if *name == "name" && !is_of_a_school(&text) => {}
                Said::Value(text) => {
                    if !take(gather, item, &whole_text(mark, item, text), Found::Mark, &place) {
                        gather.problem(unreadable(item.code).at(place()));
                    }
                }
            }
        }
    }
}

fn is_of_a_school(text: &str) -> bool {
    let text = fold(text);
    ["школ", "учрежден", "организац", "лицей", "гимнази", "образоват", "сад"]
        .iter()
        .any(|stem| text.contains(stem))
}

/// Contacts keep their lines: several stand one under another.
fn whole_text(mark: &Mark, item: &Item, text: String) -> String {
    match item.reads {
        Reads::Phones | Reads::Emails | Reads::Sites => mark.text.clone(),
        _ => text,
    }
}

fn by_label(sheet: &Sheet<'_>, gather: &mut Gather<'_>, item: &Item) {
    for pair in sheet.pairs.iter().filter(|pair| item.names.contains(&pair.name)) {
        let place = || line_place(pair.line, "подпись");
        let text = flat(&pair.value);
        if is_filler(&text) {
            continue;
        }
        if is_refusal(&text) || is_dash(&text) {
            gather.state(item.code, FactState::DeclaredAbsent, Found::Label, place());
        } else {
            let text = if matches!(
                item.reads,
                Reads::Plain | Reads::Impersonal | Reads::Address | Reads::Date
            ) {
                &text
            } else {
                &pair.value
            };
            take(gather, item, text, Found::Label, &place);
        }
    }
}

/// False when the text is not of the kind the item wants.
fn take(
    gather: &mut Gather<'_>,
    item: &Item,
    text: &str,
    found: Found,
    place: &dyn Fn() -> crate::domain::place::Place,
) -> bool {
    let texts = match item.reads {
        Reads::Plain => vec![text.to_owned()],
        Reads::Impersonal => {
            gather.impersonal(item.code, text.to_owned(), found, place());
            return true;
        }
        Reads::Address => Some(before_a_person(text))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect(),
        Reads::Date => {
            if let Some(value) = date(text) {
                gather.value(item.code, value, found, place());
                return true;
            }
            return false;
        }
        Reads::Phones => phones(text),
        Reads::Emails => emails(text),
        Reads::Sites => sites(text),
    };
    let any = !texts.is_empty();
    gather.texts(item.code, texts, found, place());
    any
}

fn unreadable(code: &'static str) -> Problem {
    codes::problem("MSK-SITE-13", code)
}

fn founders(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let (records, _) = sheet.marks.records("uchredlaw", FOUNDER_FIELDS);
    let real: Vec<_> = records
        .iter()
        .filter(|record| !record.is_refusal() && !record.is_empty())
        .collect();
    let Some(first) = real.first() else {
        return;
    };
    gather.count(
        "founders_count",
        real.len(),
        Found::Mark,
        mark_place(first.line, "uchredLaw"),
    );
    for item in FOUNDER {
        let name = item.names[0];
        let fields = real
            .iter()
            .flat_map(|record| record.fields.iter().filter(|(known, _)| known == name));
        let mut texts = Vec::new();
        let mut place = None;
        for (_, mark) in fields {
            if let Said::Value(text) = mark.said() {
                let source = whole_text(mark, item, text);
                texts.extend(match item.reads {
                    Reads::Phones => phones(&source),
                    Reads::Emails => emails(&source),
                    Reads::Sites => sites(&source),
                    _ => vec![source],
                });
                place.get_or_insert_with(|| sheet.marks.place(mark));
            }
        }
        texts.retain(|text| item.reads != Reads::Impersonal || !crate::sites::words::names_a_person(text));
        if let Some(place) = place {
            gather.texts(item.code, texts, Found::Mark, place);
        }
    }
}

/// Branches and representations; rows that say «отсутствуют» are zero of them.
pub(super) fn branches(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    for (code, main, name) in [
        ("branches_count", "filInfo", "namefil"),
        ("representations_count", "repInfo", "namerep"),
    ] {
        let (records, _) = sheet.marks.records(&main.to_lowercase(), &[name]);
        let said = records.iter().filter(|record| !record.is_empty());
        let Some(first) = said.clone().next() else {
            continue;
        };
        let real = said.filter(|record| !record.is_refusal()).count();
        gather.count(code, real, Found::Mark, mark_place(first.line, main));
    }
}

/// ИНН, КПП, ОГРН of the page's text: second witnesses of whose site it is.
fn numbers(sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    static FOUNDER_TEXT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)учредител").expect("a plain word is a valid pattern"));
    // Requisites after the founder's heading may be his.
    let own = FOUNDER_TEXT
        .find(&sheet.text)
        .map_or(sheet.text.as_str(), |found| &sheet.text[..found.start()]);
    let (inn, kpp, ogrn) = requisites(own);
    for (code, number) in [("org_inn", inn), ("org_kpp", kpp), ("org_ogrn", ogrn)] {
        gather.texts(
            code,
            number.into_iter().collect(),
            Found::Text,
            line_place(1, "текст страницы"),
        );
    }
}
