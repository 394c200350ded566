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
pub struct FactScreen<'s> {
    audience: &'s Audience,
    limits: Limits,
    by_code: BTreeMap<String, Hidden>,
}

impl<'s> FactScreen<'s> {
    /// Decides about all facts of one organisation, revisions among them.
    #[must_use]
    pub fn new(audience: &'s Audience, limits: Limits, facts: &[TracedFact]) -> Self {
        let mut screen = Self {
            audience,
            limits,
            by_code: BTreeMap::new(),
        };
        for traced in facts {
            if let Some(hidden) = screen.own(&traced.stored) {
                screen.by_code.insert(traced.stored.code.clone(), hidden);
            }
        }
        let holds: BTreeMap<&str, &StoredFact> = facts
            .iter()
            .filter(|traced| traced.trail.replaced.is_none())
            .map(|traced| (traced.stored.code.as_str(), &traced.stored))
            .collect();
        for (total, parts) in FAMILIES {
            screen.protect(&holds, total, parts);
        }
        for (mean, of) in MEANS {
            let behind = holds.get(of).and_then(|fact| Some((fact.unit.clone(), people(fact)?)));
            let why = match behind {
                Some((unit, n)) => why_no_shares(shown(audience, &unit, n, &limits), limits.shares),
                None => Some(Hidden::Unknown),
            };
            if let (Some(why), true) = (why, holds.contains_key(mean)) {
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

    /// What the table says of the fact by itself.
    fn own(&self, fact: &StoredFact) -> Option<Hidden> {
        let n = people(fact).filter(|n| *n > 0)?;
        why_no_counts(shown(self.audience, &fact.unit, n, &self.limits), self.limits.small)
    }

    /// The next smallest part goes with a hidden one, or the total.
    fn protect(&mut self, holds: &BTreeMap<&str, &StoredFact>, total: &str, parts: &[&str]) {
        let known: Vec<(&str, i64)> = parts
            .iter()
            .filter_map(|code| Some((*code, people(holds.get(code)?).filter(|n| *n > 0)?)))
            .collect();
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
        if found.total && holds.contains_key(total) {
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
