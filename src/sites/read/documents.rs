//! Documents of a page: presence by mark and by title, years, numbers of them.

use super::Sheet;
use crate::domain::fact::FactValue;
use crate::domain::observation::Amount;
use crate::domain::place::Place;
use crate::domain::vocabulary::FactState;
use crate::sites::gather::{Found, Gather, line_place, mark_place};
use crate::sites::kinds::{Dating, DocumentKind, STATUSES, all, by_mark, by_title};
use crate::sites::link::DocumentLink;
use crate::sites::marks::Said;
use crate::sites::section::Section;
use crate::sites::values::{file_year, school_year, title_year};
use crate::sites::words::{fold, is_refusal};

/// The five acts of art. 30 part 2 of 273-ФЗ.
const FIVE: &[&str] = &[
    "doc_admission_rules_present",
    "doc_class_mode_present",
    "doc_current_control_present",
    "doc_transfer_rules_present",
    "doc_relations_rules_present",
];

/// Reads the documents of any subsection.
pub(super) fn read(section: Section, sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let links: Vec<(&DocumentLink, Kinds)> = sheet.links.iter().map(|link| (link, kinds_of(link))).collect();
    let refused = refused(sheet);
    for kind in all() {
        let links: Vec<&DocumentLink> = links
            .iter()
            .filter(|(_, kinds)| is_among(kinds, kind))
            .map(|(link, _)| *link)
            .collect();
        by_links(kind, &links, gather);
        by_marks(kind, sheet, gather);
        by_sentence(kind, sheet, &refused, gather);
        // The licence stood among the documents before it came to the first page.
        let due = kind.due.contains(&section) && !(section == Section::Common && sheet.is_of_older_order());
        if let Some(code) = kind.present.filter(|code| due && !gather.has(code)) {
            gather.missing(code);
        }
    }
    if section == Section::Document {
        let present = gather
            .facts
            .iter()
            .filter(|fact| FIVE.contains(&fact.code) && fact.value == Some(FactValue::Bool(true)))
            .count();
        gather.count(
            "doc_local_acts_complete_count",
            present,
            Found::Title,
            Place::path("страница"),
        );
    }
}

type Kinds = Vec<&'static DocumentKind>;

/// A mark decides; without one the title does.
fn kinds_of(link: &DocumentLink) -> Kinds {
    let marked: Kinds = link.marks.iter().filter_map(|name| by_mark(name)).collect();
    if marked.is_empty() {
        by_title(&link.title)
    } else {
        marked
    }
}

/// Lines that say that there is none, with the documents they speak of.
fn refused(sheet: &Sheet<'_>) -> Vec<(u32, Kinds)> {
    sheet
        .content
        .lines
        .iter()
        .filter(|line| line.text.len() < 400 && !line.linked && is_refusal(&line.text))
        .map(|line| (line.number, by_title(&line.text)))
        .collect()
}

fn is_among(kinds: &[&'static DocumentKind], kind: &DocumentKind) -> bool {
    kinds.iter().any(|known| std::ptr::eq(*known, kind))
}

fn by_links(kind: &DocumentKind, links: &[&DocumentLink], gather: &mut Gather<'_>) {
    let Some(first) = links.first() else {
        return;
    };
    let (found, place) = origin(first, kind);
    if let Some(code) = kind.present {
        let drafts = links.iter().all(|link| fold(&link.title).contains("проект"));
        if !STATUSES.contains(&code) {
            gather.present(code, found, place.clone());
        } else {
            let word = if drafts { "draft_only" } else { "present" };
            gather.word(code, word, found, place.clone());
        }
    }
    if let Some(code) = kind.count {
        gather.count(code, links.len(), found, place.clone());
    }
    match kind.dating {
        Dating::None => {}
        Dating::Years(newest, list) => years(links, newest, list, found, &place, gather),
        Dating::Period(code) => {
            let mut periods: Vec<String> = links
                .iter()
                .filter_map(|link| {
                    school_year(&link.title)
                        .or_else(|| school_year(&link.heading))
                        .or_else(|| school_year(&link.file))
                })
                .collect();
            periods.sort_unstable();
            gather.texts(code, periods.pop().into_iter().collect(), found, place);
        }
    }
}

fn origin(link: &DocumentLink, kind: &DocumentKind) -> (Found, Place) {
    let marked = link
        .marks
        .iter()
        .find(|name| by_mark(name).is_some_and(|known| std::ptr::eq(known, kind)));
    match marked {
        Some(name) => (Found::Mark, mark_place(link.line, name)),
        None => (Found::Title, line_place(link.line, "ссылка")),
    }
}

/// Years, newest first: of the title, else of the heading of the block, else of the file name.
fn years(
    links: &[&DocumentLink],
    newest: Option<&'static str>,
    list: Option<&'static str>,
    found: Found,
    place: &Place,
    gather: &mut Gather<'_>,
) {
    let year = |link: &&DocumentLink| {
        title_year(&link.title)
            .or_else(|| file_year(&link.file))
            .or_else(|| title_year(&link.heading))
    };
    let mut years: Vec<i32> = links.iter().filter_map(year).collect();
    years.sort_unstable_by(|one, other| other.cmp(one));
    years.dedup();
    let number = |year: &i32| FactValue::Number(Amount::whole(i64::from(*year)));
    if let (Some(code), Some(year)) = (newest, years.first()) {
        gather.value(code, number(year), found, place.clone());
    }
    if let (Some(code), false) = (list, years.is_empty()) {
        gather.value(
            code,
            FactValue::List(years.iter().map(number).collect()),
            found,
            place.clone(),
        );
    }
}

/// Marks without a link: a refusal, or a number of a licence in text.
fn by_marks(kind: &DocumentKind, sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    let Some(code) = kind.present.filter(|code| !gather.has(code)) else {
        return;
    };
    for name in kind.marks {
        for mark in sheet.marks.named(name) {
            let place = sheet.marks.place(mark);
            match mark.said() {
                Said::Refused | Said::Dash => absent(code, Found::Mark, place, gather),
                Said::Value(text) if is_register_entry(code, &text) => gather.present(code, Found::Mark, place),
                // A title without a working link is announced only: the document itself is missing.
                Said::Value(_) | Said::Empty => {}
            }
        }
    }
}

fn is_register_entry(code: &str, text: &str) -> bool {
    matches!(code, "license_extract_present" | "accreditation_info_present")
        && text.chars().any(|letter| letter.is_ascii_digit())
}

/// «Предписаний нет», «Коллективный договор не заключён»: the site says that there is none.
/// A label with a register number is presence.
fn by_sentence(kind: &DocumentKind, sheet: &Sheet<'_>, refused: &[(u32, Kinds)], gather: &mut Gather<'_>) {
    let Some(code) = kind.present.filter(|code| !gather.has(code)) else {
        return;
    };
    for pair in sheet.pairs.iter().filter(|pair| kind.marks.contains(&pair.name)) {
        let place = line_place(pair.line, "подпись");
        if is_refusal(&pair.value) {
            absent(code, Found::Label, place, gather);
        } else if is_register_entry(code, &pair.value) {
            gather.present(code, Found::Label, place);
        }
    }
    for (number, _) in refused.iter().filter(|(_, kinds)| is_among(kinds, kind)) {
        absent(code, Found::Text, line_place(*number, "текст"), gather);
    }
}

fn absent(code: &'static str, found: Found, place: Place, gather: &mut Gather<'_>) {
    if STATUSES.contains(&code) {
        gather.word(code, "declared_absent", found, place);
    } else {
        gather.state(code, FactState::DeclaredAbsent, found, place);
    }
}
