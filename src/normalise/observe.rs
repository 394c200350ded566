//! One row of totals → its numbers.

use std::borrow::Cow;
use std::sync::Arc;

use super::bind::MetricColumn;
use super::keys::{Key, Keyring, slot};
use super::value::ValueReader;
use super::{Outcome, Places};
use crate::domain::observation::{Amount, Observation};
use crate::domain::subjects::Subjects;
use crate::domain::value::Value;
use crate::domain::vocabulary::Measure;
use crate::manifest::{Connector, Kind, MeasureOf, ObservationRule, Reading, Unpivot};
use crate::message::Problem;
use crate::table::Row;

/// The rules of a manifest with their columns looked up.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    unpivot: Option<Unpivoted>,
}

#[derive(Debug)]
struct Rule {
    measure: Option<Measure>,
    measure_slot: Option<usize>,
    value: usize,
    n: Option<usize>,
    keys: Vec<(String, usize)>,
    constants: Vec<(String, String)>,
}

#[derive(Debug)]
struct Unpivoted {
    rule: Unpivot,
    numbers: ValueReader,
}

impl Rules {
    pub(super) fn new(connector: &Connector) -> Self {
        let rules = connector
            .observations
            .iter()
            .filter_map(|rule| Rule::new(connector, rule));
        Self {
            rules: rules.collect(),
            unpivot: connector.unpivot.as_ref().map(Unpivoted::new),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a row, each borrowed from another owner"
    )]
    pub(super) fn row(
        &mut self,
        key: &Key,
        values: &[Option<Value>],
        row: &Row,
        places: &Places<'_>,
        subjects: &Subjects,
        keyring: &mut Keyring,
        outcome: &mut Outcome,
    ) {
        for rule in &self.rules {
            match rule.observation(key, values, places, keyring) {
                Ok(found) => outcome.observations.extend(found),
                Err((slot, problem)) => {
                    let mut quarantined = places.quarantine(Some(slot), problem, row);
                    quarantined.unit = Some(Arc::clone(&key.unit));
                    outcome.quarantined.push(quarantined);
                }
            }
        }
        if let Some(unpivoted) = &mut self.unpivot {
            unpivoted.row(key, row, places, subjects, keyring, outcome);
        } else if let ([rule, ..], true, true) = (
            self.rules.as_slice(),
            outcome.observations.is_empty(),
            outcome.quarantined.is_empty(),
        ) {
            // A row of numbers without any number is not silently nothing.
            let column = places.connector.columns[rule.value].name.as_str();
            let problem = Problem::new("MSK-NRM-02").arg("column", column);
            outcome
                .quarantined
                .push(places.quarantine(Some(rule.value), problem, row));
        }
    }
}

impl Rule {
    fn new(connector: &Connector, rule: &ObservationRule) -> Option<Self> {
        let (measure, measure_slot) = match &rule.measure {
            MeasureOf::Fixed(measure) => (Some(*measure), None),
            MeasureOf::Column(name) => (None, slot(connector, name)),
        };
        Some(Self {
            measure,
            measure_slot,
            value: slot(connector, &rule.value)?,
            n: rule.n.as_deref().and_then(|name| slot(connector, name)),
            keys: rule
                .keys
                .iter()
                .filter_map(|name| Some((name.clone(), slot(connector, name)?)))
                .collect(),
            constants: rule.constants.clone().into_iter().collect(),
        })
    }

    fn observation(
        &self,
        key: &Key,
        values: &[Option<Value>],
        places: &Places<'_>,
        keyring: &mut Keyring,
    ) -> Result<Option<Observation>, (usize, Problem)> {
        let Some(value) = &values[self.value] else {
            return Ok(None);
        };
        let name = |slot: usize| places.connector.columns[slot].name.as_str();
        let amount = value.number().ok_or_else(|| {
            let problem = Problem::new("MSK-NRM-01")
                .arg("column", name(self.value))
                .arg("expected", "число");
            (self.value, problem.arg("found", super::value::shorten(&value.text())))
        })?;
        let measure = match (self.measure, self.measure_slot) {
            (Some(measure), _) => measure,
            (None, Some(slot)) => match &values[slot] {
                Some(Value::Measure(measure)) => *measure,
                _ => return Err((slot, Problem::new("MSK-NRM-02").arg("column", name(slot)))),
            },
            (None, None) => return Ok(None),
        };
        let constants = self
            .constants
            .iter()
            .map(|(key, value)| (key.as_str(), Cow::Borrowed(value.as_str())));
        let keys = self
            .keys
            .iter()
            .filter_map(|(key, slot)| Some((key.as_str(), values[*slot].as_ref()?.text())));
        let cell = places.binding.columns[self.value].unwrap_or_default();
        Ok(Some(Observation {
            unit: Arc::clone(&key.unit),
            procedure: key.procedure,
            round: Arc::clone(&key.round),
            measure,
            subject: key.subject.clone(),
            grade: key.grade,
            breakdown: keyring.breakdown(constants.chain(keys)),
            value: amount,
            n: self
                .n
                .and_then(|slot| values[slot].as_ref())
                .and_then(Value::number)
                .map(|n| n.units),
            place: places.of_cell(cell),
        }))
    }
}

impl Unpivoted {
    fn new(rule: &Unpivot) -> Self {
        let numbers = Reading {
            empty: rule.empty.clone(),
            kind: Kind::Decimal,
            ..Reading::default()
        };
        Self {
            rule: rule.clone(),
            numbers: ValueReader::new("показатель", &numbers, true),
        }
    }

    fn row(
        &mut self,
        key: &Key,
        row: &Row,
        places: &Places<'_>,
        subjects: &Subjects,
        keyring: &mut Keyring,
        outcome: &mut Outcome,
    ) {
        let mut cells: Vec<(&MetricColumn, Amount)> = Vec::new();
        for column in &places.binding.metrics {
            let Some(cell) = row.cells.get(column.cell) else {
                continue;
            };
            let read = self.numbers.cell(cell, subjects);
            match read.map(|value| value.and_then(|value| value.number())) {
                Ok(Some(amount)) => cells.push((column, amount)),
                Ok(None) => {}
                Err(problem) => {
                    let place = places.of_cell(column.cell);
                    let mut quarantined = places.quarantine(None, problem, row);
                    quarantined.problem = quarantined.problem.at(place);
                    quarantined.column = places.binding.headers.get(column.cell).cloned();
                    quarantined.unit = Some(Arc::clone(&key.unit));
                    outcome.quarantined.push(quarantined);
                }
            }
        }
        for (column, amount) in &cells {
            let metric = &self.rule.metrics[column.metric];
            let n = metric.n.and_then(|measure| {
                let same = cells
                    .iter()
                    .find(|(other, _)| other.measure == measure && other.subject == column.subject);
                same.map(|(_, n)| n.units)
            });
            let constants = metric
                .constants
                .iter()
                .map(|(key, value)| (key.as_str(), Cow::Borrowed(value.as_str())));
            outcome.observations.push(Observation {
                unit: Arc::clone(&key.unit),
                procedure: key.procedure,
                round: Arc::clone(&key.round),
                measure: metric.measure,
                subject: column.subject.clone().or_else(|| key.subject.clone()),
                grade: key.grade,
                breakdown: keyring.breakdown(constants),
                value: *amount,
                n,
                place: places.of_cell(column.cell),
            });
        }
    }
}
