//! One fact for each code of a site: pages that repeat an item are weighed against each other.

use crate::domain::fact::{Fact, FactValue};
use crate::domain::vocabulary::FactState;

/// Keeps the best fact of each code: a value before «нет», «нет» before nothing, then the higher confidence,
/// then the first. The state and the day of a subsection stay one for each page.
#[must_use]
pub fn settle(facts: Vec<Fact>) -> Vec<Fact> {
    let mut kept: Vec<Fact> = Vec::new();
    for fact in facts {
        let same = kept.iter().position(|known| {
            known.code == fact.code && known.unit == fact.unit && (!is_of_page(fact.code) || known.url == fact.url)
        });
        match same {
            Some(position) if weight(&fact) > weight(&kept[position]) => kept[position] = fact,
            Some(_) => {}
            None => kept.push(fact),
        }
    }
    kept
}

fn is_of_page(code: &str) -> bool {
    matches!(code, "subsection_content_state" | "page_as_of_date")
}

fn weight(fact: &Fact) -> (u8, u8, u8) {
    let rank = match fact.state {
        Some(FactState::Present) | None => 3,
        Some(FactState::DeclaredAbsent) => 2,
        // What could not be read must never turn into «nothing there».
        Some(FactState::Unknown) => 1,
        Some(FactState::Missing) => 0,
    };
    // One page that answers, or one guard, speaks for the site.
    let certain = matches!(fact.code, "site_available" | "site_blocked") && fact.value == Some(FactValue::Bool(true));
    (rank, u8::from(certain), fact.confidence)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::unit::UnitRef;
    use crate::sites::gather::{Found, Gather, line_place};

    #[test]
    fn a_document_found_on_another_page_is_not_missing() {
        let unit = Arc::new(UnitRef::default());
        let mut one = Gather::new(&unit, "https://school.example/a");
        one.missing("license_extract_present");
        one.word(
            "subsection_content_state",
            "filled",
            Found::Title,
            line_place(1, "страница"),
        );
        let mut other = Gather::new(&unit, "https://school.example/b");
        other.present("license_extract_present", Found::Title, line_place(1, "ссылка"));
        other.word(
            "subsection_content_state",
            "filled",
            Found::Title,
            line_place(1, "страница"),
        );
        let facts = settle(one.facts.into_iter().chain(other.facts).collect());
        let shown: Vec<_> = facts.iter().map(|fact| (fact.code, fact.state)).collect();
        assert_eq!(
            shown,
            [
                ("license_extract_present", Some(FactState::Present)),
                ("subsection_content_state", None),
                ("subsection_content_state", None),
            ]
        );
    }
}
