//! Pages of official school sites → facts with three states and unknown.
//!
//! Takes: an answer of a server (or the text of a page), the subsection it should be, its address and the school.
//! Gives: facts with confidence and place, and problems; for a walk over a site the next address to ask for.
//! Never: touches the network, follows a link to a file, stores the name of a person, reads a page that is not
//! a page as an empty one. Names of heads and teachers are public by law and still stay on the page:
//! counts are all that the warehouse needs.
//!
//! ```
//! use std::sync::Arc;
//! use msoko::domain::unit::UnitRef;
//! use msoko::sites::{Section, read};
//!
//! let page = "<h1>Вакантные места</h1><table><tr itemprop=vacant><td itemprop=eduCourse>5<td itemprop=numberBMVacant>3</table>";
//! let unit = Arc::new(UnitRef::default());
//! let (facts, problems) = read(Section::Vacant, page, "https://school.example/sveden/vacant", &unit);
//! assert!(facts.iter().any(|fact| fact.code == "vacancies_municipal"));
//! assert!(problems.is_empty());
//! ```

mod codes;
mod encoding;
mod gather;
mod grid;
mod guard;
mod kinds;
mod label;
mod link;
mod marks;
mod names;
mod plan;
mod read;
mod section;
mod settle;
mod state;
mod text;
mod tree;
mod values;
mod walk;
mod words;

#[cfg(test)]
mod fixtures;

use std::sync::Arc;

use url::Url;

use crate::domain::fact::{Fact, FactValue};
use crate::domain::place::Place;
use crate::domain::unit::UnitRef;
use crate::domain::vocabulary::FactState;
use crate::message::{Problem, Problems};
use gather::{Found, Gather, line_place};

pub use codes::{ALL as CODES, FactCode};
pub use guard::{Answer, PageKind, classify, parse_headers};
pub use plan::Leads;
pub use section::Section;
pub use settle::settle;
pub use walk::{Outcome, Request, Walk, Wanted};

/// What came of one answer.
#[derive(Debug)]
pub struct Reading {
    /// Facts of the page, or facts about the answer that is no page.
    pub facts: Vec<Fact>,
    /// Cells that could not be read: for the quarantine.
    pub problems: Problems,
    /// What the page leaves out or this version does not read: for the log of the pull, not for the quarantine.
    pub notes: Problems,
    /// The reason the whole answer is refused.
    pub refused: Option<Problem>,
    /// What the walk makes of the answer.
    pub outcome: Outcome,
}

/// Reads an answer of a server: classifies it and, when it is a page, reads what was wanted of it.
#[must_use]
pub fn read_answer(wanted: Wanted, answer: &Answer<'_>, url: &str, unit: &Arc<UnitRef>) -> Reading {
    let kind = classify(answer);
    let mut facts = about(&kind, url, unit);
    let (refused, problems, outcome) = match &kind {
        PageKind::Html { text, .. } => {
            let mut gather = Gather::new(unit, url);
            let leads = look(wanted, text, &mut gather);
            facts.append(&mut gather.facts);
            let problems = gather.problems;
            let refused = problems.iter().find(|problem| is_whole(problem)).cloned();
            (refused, problems, leads.map_or(Outcome::Unclear, Outcome::Page))
        }
        kind => (kind.refusal(), Vec::new(), outcome_of(kind)),
    };
    let rest = problems.into_iter().filter(|problem| !is_whole(problem));
    let (notes, problems) = rest.partition(is_note);
    Reading {
        facts,
        problems,
        notes,
        refused,
        outcome,
    }
}

/// What an answer that is no page means for a walk: only the word of the server that nothing is there is believed.
fn outcome_of(kind: &PageKind) -> Outcome {
    match kind {
        kind if kind.is_blocked() => Outcome::Blocked,
        PageKind::Maintenance
        | PageKind::Login
        | PageKind::TooLarge(_)
        | PageKind::Status(401 | 403 | 429 | 500..)
        | PageKind::Html { .. } => Outcome::Unclear,
        _ => Outcome::NotThere,
    }
}

/// Problems that refuse the page as a whole.
fn is_whole(problem: &Problem) -> bool {
    matches!(problem.code(), "MSK-SITE-10" | "MSK-SITE-11" | "MSK-SITE-17")
}

/// Problems that no cell stands behind.
fn is_note(problem: &Problem) -> bool {
    matches!(problem.code(), "MSK-SITE-12" | "MSK-SITE-15" | "MSK-SITE-18")
}

/// Facts about an answer: whether the site is there and whether it is guarded.
fn about(kind: &PageKind, url: &str, unit: &Arc<UnitRef>) -> Vec<Fact> {
    let mut gather = Gather::new(unit, url);
    let place = || Place::path("ответ сервера");
    let available = match kind {
        PageKind::Html { .. } | PageKind::File(_) => Some(true),
        // A guard says nothing of the site behind it; an error of the server may pass.
        PageKind::Guard(_)
        | PageKind::NeedsScripts
        | PageKind::Maintenance
        | PageKind::TooLarge(_)
        | PageKind::Login => None,
        PageKind::Status(status) => (*status < 500 && *status != 429 && *status != 403).then_some(false),
        PageKind::Parking | PageKind::SoftNotFound | PageKind::Empty => Some(false),
    };
    match available {
        Some(available) => gather.value("site_available", FactValue::Bool(available), Found::Answer, place()),
        None => gather.state("site_available", FactState::Unknown, Found::Answer, place()),
    }
    gather.value(
        "site_blocked",
        FactValue::Bool(kind.is_blocked()),
        Found::Answer,
        place(),
    );
    if matches!(kind, PageKind::SoftNotFound | PageKind::Status(404 | 410)) {
        gather.word("subsection_content_state", "not_found", Found::Answer, place());
    } else if !matches!(kind, PageKind::Html { .. }) {
        gather.state("subsection_content_state", FactState::Unknown, Found::Answer, place());
    }
    gather.facts
}

/// Reads the text of a page as a subsection. Problems of the whole page come with `subsection_content_state` alone.
#[must_use]
pub fn read(section: Section, text: &str, url: &str, unit: &Arc<UnitRef>) -> (Vec<Fact>, Problems) {
    let mut gather = Gather::new(unit, url);
    look(Wanted::Subsection(section), text, &mut gather);
    (gather.facts, gather.problems)
}

/// Looks at a page once, for its facts and for the walk; nothing when it cannot be looked at.
fn look(wanted: Wanted, text: &str, gather: &mut Gather<'_>) -> Option<Leads> {
    let Ok(base) = Url::parse(gather.url) else {
        gather.problem(Problem::new("MSK-SITE-17").arg("url", gather.url));
        return None;
    };
    let page = match tree::Page::parse(text) {
        Ok(page) => page,
        Err(over) => {
            let limit = match over {
                tree::Over::Depth => tree::MAX_DEPTH as usize,
                tree::Over::Count => tree::MAX_NODES,
            };
            gather.problem(Problem::new("MSK-SITE-10").arg("limit", limit));
            gather.state(
                "subsection_content_state",
                FactState::Unknown,
                Found::Title,
                line_place(1, "страница"),
            );
            return None;
        }
    };
    let Some(section) = wanted.section() else {
        low_vision(&marks::Marks::of(&page), gather);
        return Some(Leads::of(&page, base, false));
    };
    let content = text::Content::of(&page);
    let sheet = read::Sheet::of(&page, &content, &base);
    // The page that names a part has been confirmed; the part itself needs no heading.
    let confirmed = matches!(wanted, Wanted::Part(_)) || plan::is_confirmed(section, &content, &sheet.marks);
    if confirmed {
        fill(section, &sheet, &page, gather);
    } else {
        gather.problem(section.problem("MSK-SITE-11"));
        gather.word(
            "subsection_content_state",
            "not_found",
            Found::Title,
            line_place(1, "страница"),
        );
    }
    drop(sheet);
    Some(Leads::of(&page, base, confirmed))
}

fn low_vision(marks: &marks::Marks<'_>, gather: &mut Gather<'_>) {
    if let Some(mark) = marks.named("copy").next() {
        gather.present(
            "site_low_vision_version_present",
            Found::Mark,
            gather::mark_place(marks.line(mark), "copy"),
        );
    }
}

fn fill(section: Section, sheet: &read::Sheet<'_>, page: &tree::Page, gather: &mut Gather<'_>) {
    let state = state::of(section, sheet, page);
    let heads = sheet.content.titles.join("\n");
    let day = values::as_of(&sheet.text).or_else(|| values::as_of(&heads));
    gather.as_of.clone_from(&day);
    state::tell(state, gather);
    low_vision(&sheet.marks, gather);
    if let Some(day) = day {
        gather.texts(
            "page_as_of_date",
            vec![day],
            Found::Text,
            line_place(1, "текст страницы"),
        );
    }
    if matches!(state, state::ContentState::Filled | state::ContentState::Garbage) {
        read::section(section, sheet, gather);
    } else {
        gather.problem(section.problem("MSK-SITE-18").arg("what", state.ru()));
    }
}
