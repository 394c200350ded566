//! Checks by the closed list of rules, and what no number can be.
//!
//! Takes: the checks of a manifest, the typed values of a row and the numbers or the pupil made of it. Gives: the
//! failures of that row, each with its rule, column and severity. Never: changes a value, looks into another row
//! (`unique` remembers the keys it has seen, a [`series`] the numbers of one organisation and work).

mod digits;
mod possible;
pub mod series;
mod view;

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::domain::observation::Observation;
use crate::domain::participant::Participant;
use crate::domain::scale::Scales;
use crate::domain::value::Value;
use crate::manifest::{Bound, Check, Connector, MeasureOf, Rule, Severity, Total, TotalOf};
use crate::message::Problem;
pub use possible::impossible;

use digits::Fault;
use view::{Operand, View};

/// Keys that `unique` remembers: eight bytes each. A file with more rows has its uniqueness from the warehouse.
const MAX_UNIQUE: usize = 1_000_000;

/// What adding decimals up in binary may cost: far below the last digit of any share.
const ROUNDING: f64 = 1e-6;

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
    /// A file with a number a row: rules about measures hold within a series of rows.
    by_series: bool,
    scales: &'c Scales,
    hasher: RandomState,
}

#[derive(Debug)]
struct Ready<'c> {
    check: &'c Check,
    operands: Vec<Operand<'c>>,
    /// The total or the limit.
    other: Option<Operand<'c>>,
    by_measure: bool,
    seen: HashSet<u64>,
}

impl<'c> Checker<'c> {
    /// Looks the operands up.
    #[must_use]
    pub fn new(connector: &'c Connector, scales: &'c Scales) -> Self {
        let named = |name: &'c String| Operand::of(connector, name);
        let ready = |check: &'c Check| {
            let operands: Vec<Operand<'c>> = check.columns.iter().filter_map(named).collect();
            let other = match &check.rule {
                Rule::SumEquals(total) | Rule::SumAtMost(total) => match &total.of {
                    TotalOf::Operand(name) => named(name),
                    TotalOf::Number(number) => Some(Operand::Number(*number)),
                },
                Rule::AtMostColumn { limit } => named(limit),
                _ => None,
            };
            let is_measure = |operand: &Operand<'_>| matches!(operand, Operand::Measure(_));
            Ready {
                check,
                by_measure: operands.iter().chain(&other).any(is_measure),
                operands,
                other,
                seen: HashSet::new(),
            }
        };
        let checks: Vec<Ready<'c>> = connector.checks.iter().map(ready).collect();
        let a_number_a_row = |measure: &MeasureOf| matches!(measure, MeasureOf::Column(_));
        let by_row = connector.observations.iter().any(|rule| a_number_a_row(&rule.measure));
        Self {
            by_series: by_row && checks.iter().any(|ready| ready.by_measure),
            checks,
            scales,
            hasher: RandomState::new(),
        }
    }

    /// True when there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// True when the rules about measures hold within a series of rows.
    #[must_use]
    pub fn by_series(&self) -> bool {
        self.by_series
    }

    /// Checks one row: its typed values in the order of the declared columns and what was made of it.
    pub fn row(
        &mut self,
        values: &[Option<Value>],
        numbers: &[Observation],
        participant: Option<&Participant>,
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        let mut groups = None;
        for ready in &mut self.checks {
            if ready.by_measure && self.by_series {
                continue;
            }
            let view = |numbers| View {
                values,
                numbers,
                participant,
            };
            if !ready.by_measure || participant.is_some() {
                let first = numbers.first();
                failures.extend(ready.fails(view(first.as_slice()), self.scales, &self.hasher));
                continue;
            }
            for numbers in groups.get_or_insert_with(|| comparable(numbers)) {
                failures.extend(ready.fails(view(numbers), self.scales, &self.hasher));
            }
        }
        failures
    }

    /// Checks the rules about measures on the numbers of one series.
    pub fn series(&mut self, numbers: &[Observation]) -> Vec<Failure> {
        let mut failures = Vec::new();
        let groups = comparable(numbers);
        for ready in self.checks.iter_mut().filter(|ready| ready.by_measure) {
            for numbers in &groups {
                let view = View {
                    values: &[],
                    numbers,
                    participant: None,
                };
                failures.extend(ready.fails(view, self.scales, &self.hasher));
            }
        }
        failures
    }
}

/// Numbers of one subject and grade that may be added up and compared, in the order of the row: those that share every
/// further key but the measure's own (`mark` of the mark counts).
fn comparable(numbers: &[Observation]) -> Vec<Vec<&Observation>> {
    fn shared(number: &Observation) -> impl Iterator<Item = (&str, &str)> {
        let own = number.measure.own_keys();
        number.breakdown.iter().filter(move |(key, _)| !own.contains(key))
    }
    let mut groups: Vec<Vec<&Observation>> = Vec::new();
    for number in numbers {
        let same = |group: &&mut Vec<&Observation>| {
            group.first().is_some_and(|first| {
                first.subject == number.subject && first.grade == number.grade && shared(first).eq(shared(number))
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(number),
            None => groups.push(vec![number]),
        }
    }
    groups
}

impl Ready<'_> {
    fn fails(&mut self, view: View<'_>, scales: &Scales, hasher: &RandomState) -> Option<Failure> {
        match &self.check.rule {
            Rule::SumEquals(total) => self.sum(view, total, "MSK-VAL-01", |sum, of| {
                (sum - of).abs() <= total.tolerance + ROUNDING
            }),
            Rule::SumAtMost(total) => self.sum(view, total, "MSK-VAL-02", |sum, of| {
                sum <= of + total.tolerance + ROUNDING
            }),
            Rule::Between { min, max } => self.each(|operand| {
                let number = view.number(operand)?;
                let low = min.is_some_and(|min| number < min);
                let high = max.is_some_and(|max| number > max);
                let bound = |bound: &Option<f64>| bound.map_or_else(|| "…".to_owned(), |bound| bound.to_string());
                let problem = || Problem::new("MSK-VAL-03").arg("min", bound(min)).arg("max", bound(max));
                (low || high).then(|| {
                    problem()
                        .arg("column", operand.name())
                        .arg("found", operand.shown(number))
                })
            }),
            Rule::AtMostColumn { .. } => {
                let other = self.other?;
                let limit = view.number(other)?;
                self.each(|operand| {
                    let number = view.number(operand)?;
                    let problem = || {
                        Problem::new("MSK-VAL-04")
                            .arg("column", operand.name())
                            .arg("found", operand.shown(number))
                    };
                    (number > limit).then(|| problem().arg("other", other.name()).arg("limit", other.shown(limit)))
                })
            }
            Rule::Unique => self.unique(view, hasher),
            Rule::OneOf { values } => self.each(|operand| {
                let text = view.text(operand)?;
                let problem = || {
                    Problem::new("MSK-VAL-06")
                        .arg("column", operand.name())
                        .arg("found", operand.shown(&text))
                };
                (!values.iter().any(|known| *known == text)).then(|| problem().arg("known", values.join(", ")))
            }),
            Rule::CheckDigits => self.each(|operand| {
                let text = view.text(operand)?;
                let problem = |code| {
                    Problem::new(code)
                        .arg("column", operand.name())
                        .arg("found", operand.shown(&text))
                };
                digits::fault(&text).map(|fault| match fault {
                    Fault::Wrong => problem("MSK-VAL-07"),
                    Fault::LostZeros(whole) => problem("MSK-VAL-12").arg("whole", operand.shown(whole)),
                })
            }),
            Rule::AtMostReference(bound) => self.above_reference(view, *bound, scales),
            Rule::DateInRound => self.out_of_round(view),
        }
    }

    fn above_reference(&self, view: View<'_>, bound: Bound, scales: &Scales) -> Option<Failure> {
        let limit = view.bound(bound, scales)?;
        let what = match bound {
            Bound::Scale => "наибольший балл по шкале",
            Bound::Tasks => "сумма наибольших баллов заданий",
        };
        self.each(|operand| {
            let number = view.number(operand).filter(|number| *number > limit)?;
            let problem = Problem::new("MSK-VAL-13").arg("column", operand.name());
            let problem = problem.arg("found", operand.shown(number));
            Some(problem.arg("what", what).arg("limit", limit))
        })
    }

    fn out_of_round(&self, view: View<'_>) -> Option<Failure> {
        self.each(|operand| {
            let Some(Value::Moment(moment)) = view.value(operand) else {
                return None;
            };
            let date = moment.date();
            let problem = Problem::new("MSK-VAL-14").arg("column", operand.name());
            let problem = problem.arg("found", operand.shown(date.format("%d.%m.%Y")));
            (!view.is_in_round(date)).then(|| problem.arg("round", view.round().unwrap_or_default()))
        })
    }

    fn each<'o>(&'o self, fault: impl Fn(Operand<'o>) -> Option<Problem>) -> Option<Failure> {
        let found = self
            .operands
            .iter()
            .find_map(|operand| Some((operand.name(), fault(*operand)?)));
        found.map(|(column, problem)| self.failure(&column, problem))
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
        let names: Vec<Cow<'_, str>> = self.operands.iter().map(Operand::name).collect();
        let problem = Problem::new(code)
            .arg("columns", names.join(" + "))
            .arg(
                "sum",
                self.operands.iter().fold(sum.to_string(), |sum, one| one.shown(sum)),
            )
            .arg("of", self.other?.shown(of));
        let (column, total) = match &total.of {
            TotalOf::Operand(name) => (name.as_str(), name.as_str()),
            TotalOf::Number(_) => (names.first().map_or("", |name| name), "всего"),
        };
        Some(self.failure(column, problem.arg("total", total)))
    }

    fn unique(&mut self, view: View<'_>, hasher: &RandomState) -> Option<Failure> {
        let texts: Vec<Option<Cow<'_, str>>> = self.operands.iter().map(|operand| view.text(*operand)).collect();
        if self.seen.len() >= MAX_UNIQUE || self.seen.insert(hasher.hash_one(&texts)) {
            return None;
        }
        let names: Vec<Cow<'_, str>> = self.operands.iter().map(Operand::name).collect();
        let column = names.first().map(|name| name.clone().into_owned()).unwrap_or_default();
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
