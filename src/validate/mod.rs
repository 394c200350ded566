//! Checks of a row by the closed list of rules.
//!
//! Takes: the checks of a manifest, the typed values of a row and the numbers made of it. Gives: the failures of that
//! row, each with its rule, column and severity. Never: changes a value, looks into another row (`unique` remembers
//! the keys it has seen, nothing else).

mod digits;

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::domain::observation::Observation;
use crate::domain::value::Value;
use crate::domain::vocabulary::Measure;
use crate::manifest::{Check, Connector, Rule, Severity, Total};
use crate::message::Problem;

/// Keys that `unique` remembers: eight bytes each. A file with more rows has its uniqueness from the warehouse.
const MAX_UNIQUE: usize = 1_000_000;

/// A failed check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What a failure does.
    pub severity: Severity,
    /// Word of the rule, or the name the manifest gives it.
    pub rule: String,
    /// Column or measure it speaks of.
    pub column: String,
    /// The sentence.
    pub problem: Problem,
}

/// The checks of a manifest, ready for the rows of one file.
#[derive(Debug)]
pub struct Checker<'c> {
    checks: Vec<Ready<'c>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Ready<'c> {
    check: &'c Check,
    operands: Vec<Operand<'c>>,
    /// The total or the limit.
    other: Option<Operand<'c>>,
    seen: HashSet<u64>,
}

/// What an operand of the manifest refers to.
#[derive(Debug, Clone, Copy)]
enum Operand<'c> {
    Column(usize, &'c str),
    Measure(Measure),
}

impl Operand<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Column(_, name) => name,
            Self::Measure(measure) => measure.as_str(),
        }
    }
}

/// A row as the checks see it.
#[derive(Debug, Clone, Copy)]
struct View<'v> {
    values: &'v [Option<Value>],
    numbers: &'v [&'v Observation],
}

impl<'v> View<'v> {
    fn text(&self, operand: Operand<'_>) -> Option<Cow<'v, str>> {
        match operand {
            Operand::Column(slot, _) => self.values[slot].as_ref().map(Value::text),
            Operand::Measure(_) => self.number(operand).map(|number| number.to_string().into()),
        }
    }

    /// Measures of one row and subject are added up over their breakdowns.
    fn number(&self, operand: Operand<'_>) -> Option<f64> {
        match operand {
            Operand::Column(slot, _) => self.values[slot].as_ref()?.number().map(|amount| amount.to_f64()),
            Operand::Measure(measure) => {
                let mut found = self
                    .numbers
                    .iter()
                    .filter(|number| number.measure == measure)
                    .peekable();
                found.peek()?;
                Some(found.map(|number| number.value.to_f64()).sum())
            }
        }
    }
}

impl<'c> Checker<'c> {
    /// Looks the operands up.
    #[must_use]
    pub fn new(connector: &'c Connector) -> Self {
        let operand = |name: &'c String| {
            let slot = connector.columns.iter().position(|column| column.name == *name);
            let column = slot.map(|slot| Operand::Column(slot, name));
            column.or_else(|| Measure::parse(name).map(Operand::Measure))
        };
        let ready = |check: &'c Check| Ready {
            check,
            operands: check.columns.iter().filter_map(operand).collect(),
            other: match &check.rule {
                Rule::SumEquals(total) | Rule::SumAtMost(total) => operand(&total.of),
                Rule::AtMostColumn { limit } => operand(limit),
                _ => None,
            },
            seen: HashSet::new(),
        };
        Self {
            checks: connector.checks.iter().map(ready).collect(),
            hasher: RandomState::new(),
        }
    }

    /// True when there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// Checks one row: its typed values in the order of the declared columns and the numbers made of it.
    pub fn row(&mut self, values: &[Option<Value>], numbers: &[Observation]) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut groups = None;
        for ready in &mut self.checks {
            let by_measure = |operand: &Operand<'_>| matches!(operand, Operand::Measure(_));
            if !ready.operands.iter().chain(&ready.other).any(by_measure) {
                let view = View { values, numbers: &[] };
                failures.extend(ready.fails(view, &self.hasher));
                continue;
            }
            for numbers in groups.get_or_insert_with(|| by_subject(numbers)) {
                let view = View { values, numbers };
                failures.extend(ready.fails(view, &self.hasher));
            }
        }
        failures
    }
}

/// Numbers of one subject and grade, in the order of the row.
fn by_subject(numbers: &[Observation]) -> Vec<Vec<&Observation>> {
    let mut groups: Vec<Vec<&Observation>> = Vec::new();
    for number in numbers {
        let same = |group: &&mut Vec<&Observation>| {
            group
                .first()
                .is_some_and(|first| first.subject == number.subject && first.grade == number.grade)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    groups
}

impl Ready<'_> {
    fn fails(&mut self, view: View<'_>, hasher: &RandomState) -> Option<Failure> {
        match &self.check.rule {
            Rule::SumEquals(total) => {
                self.sum(view, total, "MSK-VAL-01", |sum, of| (sum - of).abs() <= total.tolerance)
            }
            Rule::SumAtMost(total) => self.sum(view, total, "MSK-VAL-02", |sum, of| sum <= of + total.tolerance),
            Rule::Between { min, max } => self.each(|operand| {
                let number = view.number(operand)?;
                let low = min.is_some_and(|min| number < min);
                let high = max.is_some_and(|max| number > max);
                let bound = |bound: &Option<f64>| bound.map_or_else(|| "…".to_owned(), |bound| bound.to_string());
                let problem = || Problem::new("MSK-VAL-03").arg("min", bound(min)).arg("max", bound(max));
                (low || high).then(|| problem().arg("column", operand.name()).arg("found", number))
            }),
            Rule::AtMostColumn { .. } => {
                let other = self.other?;
                let limit = view.number(other)?;
                self.each(|operand| {
                    let number = view.number(operand)?;
                    let problem = || {
                        Problem::new("MSK-VAL-04")
                            .arg("column", operand.name())
                            .arg("found", number)
                    };
                    (number > limit).then(|| problem().arg("other", other.name()).arg("limit", limit))
                })
            }
            Rule::Unique => self.unique(view, hasher),
            Rule::OneOf { values } => self.each(|operand| {
                let text = view.text(operand)?;
                let problem = || {
                    Problem::new("MSK-VAL-06")
                        .arg("column", operand.name())
                        .arg("found", &text)
                };
                (!values.iter().any(|known| *known == text)).then(|| problem().arg("known", values.join(", ")))
            }),
            Rule::CheckDigits => self.each(|operand| {
                let text = view.text(operand)?;
                let problem = || Problem::new("MSK-VAL-07").arg("column", operand.name());
                (!digits::are_right(&text)).then(|| problem().arg("found", &text))
            }),
        }
    }

    fn each<'o>(&'o self, fault: impl Fn(Operand<'o>) -> Option<Problem>) -> Option<Failure> {
        let found = self
            .operands
            .iter()
            .find_map(|operand| Some((operand.name(), fault(*operand)?)));
        found.map(|(column, problem)| self.failure(column, problem))
    }

    /// A missing addend counts as nothing, a missing total is not checked.
    fn sum(
        &self,
        view: View<'_>,
        total: &Total,
        code: &'static str,
        holds: impl Fn(f64, f64) -> bool,
    ) -> Option<Failure> {
        let of = view.number(self.other?)?;
        let addends: Vec<f64> = self
            .operands
            .iter()
            .filter_map(|operand| view.number(*operand))
            .collect();
        let sum: f64 = addends.iter().sum();
        if addends.is_empty() || holds(sum, of) {
            return None;
        }
        let names: Vec<&str> = self.operands.iter().map(Operand::name).collect();
        let problem = Problem::new(code).arg("columns", names.join(" + ")).arg("sum", sum);
        Some(self.failure(&total.of, problem.arg("total", &total.of).arg("of", of)))
    }

    fn unique(&mut self, view: View<'_>, hasher: &RandomState) -> Option<Failure> {
        let texts: Vec<Option<Cow<'_, str>>> = self.operands.iter().map(|operand| view.text(*operand)).collect();
        if self.seen.len() >= MAX_UNIQUE || self.seen.insert(hasher.hash_one(&texts)) {
            return None;
        }
        let names: Vec<&str> = self.operands.iter().map(Operand::name).collect();
        let column = names.first().copied().unwrap_or_default().to_owned();
        Some(self.failure(&column, Problem::new("MSK-VAL-05").arg("columns", names.join(", "))))
    }

    fn failure(&self, column: &str, problem: Problem) -> Failure {
        let name = self.check.name.clone();
        Failure {
            severity: self.check.severity,
            rule: name.unwrap_or_else(|| self.check.rule.as_str().to_owned()),
            column: column.to_owned(),
            problem,
        }
    }
}
