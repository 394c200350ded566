//! Counts of people on official sites. A count of nobody is shown: it is about no one.

use std::collections::BTreeMap;

use super::{Hidden, why_no_counts, why_no_shares};
use crate::domain::fact::FactValue;
use crate::domain::stored::{StoredFact, TracedFact};
use crate::privacy::suppress::{Audience, Limits, Line, Shown, plan, shown};

/// Totals with the counts that add up to them, or to less when a page leaves somebody out.
const FAMILIES: &[(&str, &[&str])] = &[
    (
        "students_total",
        &["students_do", "students_noo", "students_ooo", "students_soo"],
    ),
    (
        "students_total",
        &[
            "students_federal_budget",
            "students_regional_budget",
            "students_municipal_budget",
            "students_paid",
        ],
    ),
    (
        "teachers_total",
        &["teachers_with_higher_education", "teachers_with_secondary_vocational"],
    ),
    (
        "teachers_total",
        &[
            "teachers_category_highest",
            "teachers_category_first",
            "teachers_category_base",
            "teachers_without_category",
        ],
    ),
];

/// Means and the counts of people behind them.
const MEANS: &[(&str, &str)] = &[("teachers_avg_experience_years", "teachers_total")];

/// What of the facts of one organisation stays out (скрытие сведений одной организации).
#[derive(Debug)]
pub struct FactScreen {
    by_code: BTreeMap<String, Hidden>,
}

impl FactScreen {
    /// Decides about all facts of one organisation, revisions among them.
    #[must_use]
    pub fn new(audience: &Audience, limits: Limits, facts: &[TracedFact]) -> Self {
        let mut screen = Self {
            by_code: BTreeMap::new(),
        };
        let Some(unit) = facts.first().map(|traced| &traced.stored.unit) else {
            return screen;
        };
        // What was small in any revision stays hidden, and is planned for beside what holds now.
        let mut least: BTreeMap<&str, i64> = BTreeMap::new();
        let mut now: BTreeMap<&str, i64> = BTreeMap::new();
        for traced in facts {
            let code = traced.stored.code.as_str();
            let Some(n) = people(&traced.stored).filter(|n| *n > 0) else {
                continue;
            };
            least
                .entry(code)
                .and_modify(|least| *least = n.min(*least))
                .or_insert(n);
            if traced.trail.replaced.is_none() {
                now.insert(code, n);
            }
        }
        for (code, n) in &least {
            let shown = shown(audience, unit, *n, &limits);
            if let Some(hidden) = why_no_counts(shown, limits.small) {
                screen.by_code.insert((*code).to_owned(), hidden);
            }
        }
        let mut before = None;
        while before != Some(screen.by_code.len()) {
            before = Some(screen.by_code.len());
            for (total, parts) in FAMILIES {
                screen.protect(&least, total, parts);
                screen.protect(&now, total, parts);
            }
        }
        for (mean, of) in MEANS {
            let why = match least.get(of) {
                Some(n) => why_no_shares(shown(audience, unit, *n, &limits), limits.shares),
                None => Some(Hidden::Unknown),
            };
            if let Some(why) = why {
                screen.by_code.insert((*mean).to_owned(), why);
            }
        }
        screen
    }

    /// Why the value of a fact stays out, when it does.
    #[must_use]
    pub fn verdict(&self, fact: &StoredFact) -> Option<Hidden> {
        fact.value.as_ref()?;
        self.by_code.get(&fact.code).copied()
    }

    /// The next smallest part goes with a hidden one, or the total; with a hidden total a part of each of its families,
    /// whose sum it would be.
    fn protect(&mut self, people: &BTreeMap<&str, i64>, total: &str, parts: &[&str]) {
        let known: Vec<(&str, i64)> = parts
            .iter()
            .filter_map(|code| Some((*code, *people.get(code)?)))
            .collect();
        if self.by_code.contains_key(total) {
            let is_open = !known.iter().any(|(code, _)| self.by_code.contains_key(*code));
            let smallest = known.iter().min_by_key(|(_, n)| *n);
            if is_open && let Some((code, _)) = smallest {
                self.by_code.insert((*code).to_owned(), Hidden::Complementary);
            }
            return;
        }
        let lines: Vec<Line> = known
            .iter()
            .map(|(code, n)| Line {
                shown: match self.by_code.get(*code) {
                    Some(Hidden::Below(bound) | Hidden::SharesOnly(bound)) => Shown::Below(*bound),
                    _ => Shown::Everything,
                },
                n: *n,
                counts: Vec::new(),
                hidden_before: self.by_code.contains_key(*code),
            })
            .collect();
        let least = super::work::least(&lines);
        let found = plan(&lines, least);
        for ((code, _), also) in known.iter().zip(found.complementary) {
            if also {
                self.by_code.entry((*code).to_owned()).or_insert(Hidden::Complementary);
            }
        }
        if found.total {
            self.by_code.entry(total.to_owned()).or_insert(Hidden::Complementary);
        }
    }
}

/// How many people a fact counts; of a list `2024=7` the smallest count that is not nought.
fn people(fact: &StoredFact) -> Option<i64> {
    if fact.unit_of_measure.as_deref() != Some("person") {
        return None;
    }
    match fact.value.as_ref()? {
        FactValue::Number(amount) => Some(super::people(*amount)),
        FactValue::List(items) => items.iter().filter_map(counted).filter(|n| *n > 0).min(),
        _ => None,
    }
}

fn counted(item: &FactValue) -> Option<i64> {
    match item {
        FactValue::Text(text) => text.rsplit('=').next()?.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::observation::Amount;
    use crate::domain::place::Place;
    use crate::domain::stored::Trail;
    use crate::domain::unit::UnitId;

    fn fact(code: &str, count: i64) -> TracedFact {
        let moment = DateTime::UNIX_EPOCH;
        TracedFact {
            stored: StoredFact {
                unit: UnitId("a".to_owned()),
                code: code.to_owned(),
                value: Some(FactValue::Number(Amount::whole(count))),
                state: None,
                unit_of_measure: (!code.contains("_avg_")).then(|| "person".to_owned()),
                as_of: None,
                url: None,
                confidence: 95,
                place: Place::path("A1"),
                snapshot: "hash".to_owned(),
                first_seen: moment,
                last_seen: moment,
            },
            source_kind: "microdata".into(),
            file: "a.html".into(),
            received: moment,
            trail: Trail {
                source: "sites".into(),
                connector: "site".into(),
                run: 1,
                loaded: moment,
                is_folded: false,
                replaced: None,
            },
        }
    }

    fn replaced(code: &str, count: i64) -> TracedFact {
        let mut old = fact(code, count);
        old.trail.replaced = Some((2, DateTime::UNIX_EPOCH));
        old
    }

    /// Codes that an office does not see.
    fn hidden(facts: &[TracedFact]) -> Vec<&str> {
        let screen = FactScreen::new(&Audience::Office, Limits::default(), facts);
        let stored = facts.iter().map(|traced| &traced.stored);
        stored
            .filter(|fact| screen.verdict(fact).is_some())
            .map(|fact| fact.code.as_str())
            .collect()
    }

    #[test]
    fn the_history_of_a_site_solves_no_count_that_was_hidden_once() {
        let gone = [
            replaced("students_total", 253),
            fact("students_total", 250),
            fact("students_noo", 120),
            fact("students_ooo", 130),
            replaced("students_soo", 3),
            fact("students_soo", 0),
        ];
        assert_eq!(
            hidden(&gone),
            ["students_noo", "students_ooo", "students_soo", "students_soo"],
            "250 − 130 is what stood beside the three in 253"
        );
        let alone = [
            replaced("students_total", 123),
            fact("students_total", 120),
            fact("students_noo", 120),
            replaced("students_soo", 3),
        ];
        let codes: Vec<&str> = alone.iter().map(|fact| fact.stored.code.as_str()).collect();
        assert_eq!(hidden(&alone), codes, "the total of today is the only part");
        let fours = ["students_noo", "students_ooo", "students_soo"];
        let small: Vec<TracedFact> = fours
            .iter()
            .map(|code| replaced(code, 2))
            .chain([fact("students_total", 12)])
            .collect();
        let grown: Vec<TracedFact> = small
            .into_iter()
            .chain(fours.iter().map(|code| fact(code, 4)))
            .collect();
        assert!(hidden(&grown).contains(&"students_total"), "12 is three times four");
    }

    #[test]
    fn a_mean_of_few_teachers_stays_hidden_when_there_are_more() {
        let experience = "teachers_avg_experience_years";
        let grown = [
            replaced("teachers_total", 7),
            fact("teachers_total", 30),
            replaced(experience, 4),
        ];
        assert_eq!(hidden(&grown), [experience]);
        assert_eq!(hidden(&grown[1..]), Vec::<&str>::new());
        assert_eq!(hidden(&grown[2..]), [experience], "nobody knows of how many");
        assert_eq!(
            hidden(&[replaced("teachers_total", 30), fact(experience, 4)]),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_hidden_total_is_not_the_sum_of_another_family() {
        let facts = [
            fact("students_total", 8),
            fact("students_noo", 4),
            fact("students_ooo", 4),
            fact("students_municipal_budget", 8),
        ];
        let all: Vec<&str> = facts.iter().map(|fact| fact.stored.code.as_str()).collect();
        assert_eq!(hidden(&facts), all);
        assert_eq!(hidden(&facts[3..]), Vec::<&str>::new());
    }
}
