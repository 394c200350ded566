//! Units as files name them → units of the register. Pure: the register is an argument.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::domain::observation::{Batch, Observation, Quarantined};
use crate::domain::unit::{Lookup, Register, UnitId, UnitRef};
use crate::message::Problem;

/// Recognises the units of a file and remembers them.
#[derive(Debug)]
pub struct Recogniser<'r> {
    register: &'r Register,
    on: Option<NaiveDate>,
    known: HashMap<Arc<UnitRef>, Result<Arc<UnitRef>, Problem>>,
}

impl<'r> Recogniser<'r> {
    /// `on` is the day whose aliases count; without it every alias does.
    #[must_use]
    pub fn new(register: &'r Register, on: Option<NaiveDate>) -> Self {
        Self {
            register,
            on,
            known: HashMap::new(),
        }
    }

    /// The unit with its own id.
    ///
    /// # Errors
    /// `MSK-NRM-04` when nobody carries any of the names, `MSK-NRM-05` when several units do.
    pub fn unit(&mut self, said: &Arc<UnitRef>) -> Result<Arc<UnitRef>, Problem> {
        if said.id.is_some() {
            return Ok(Arc::clone(said));
        }
        if let Some(known) = self.known.get(said) {
            return known.clone();
        }
        let found = self.look_up(said);
        self.known.insert(Arc::clone(said), found.clone());
        found
    }

    fn look_up(&self, said: &UnitRef) -> Result<Arc<UnitRef>, Problem> {
        let found = match self.register.recognise(said, self.on) {
            Lookup::Found(unit) => Some(unit),
            Lookup::Ambiguous(units) => {
                let names: Vec<&str> = units.iter().map(|unit| unit.short_title.as_str()).collect();
                let problem = Problem::new("MSK-NRM-05").arg("unit", shown(said));
                return Err(problem.arg("candidates", names.join("», «")));
            }
            // A territory is named by its own id in the register.
            Lookup::Unknown => said
                .code
                .as_ref()
                .and_then(|code| self.register.get(&UnitId(code.clone()))),
        };
        let unit = found.ok_or_else(|| Problem::new("MSK-NRM-04").arg("unit", shown(said)))?;
        Ok(Arc::new(UnitRef {
            id: Some(unit.id.clone()),
            ..said.clone()
        }))
    }

    /// Recognises every observation of a batch; those of unknown units go to quarantine, one record for the numbers
    /// of one unit that follow each other.
    pub fn batch(&mut self, batch: &mut Batch) {
        let mut kept = Vec::with_capacity(batch.observations.len());
        let mut refused: Option<(Arc<UnitRef>, Problem, Vec<Observation>)> = None;
        for mut observation in std::mem::take(&mut batch.observations) {
            match self.unit(&observation.unit) {
                Ok(unit) => {
                    observation.unit = unit;
                    kept.push(observation);
                }
                Err(problem) => match &mut refused {
                    Some((unit, _, numbers)) if *unit == observation.unit => numbers.push(observation),
                    _ => {
                        let unit = Arc::clone(&observation.unit);
                        let before = refused.replace((unit, problem, vec![observation]));
                        batch.quarantined.extend(before.map(put_aside));
                    }
                },
            }
        }
        batch.quarantined.extend(refused.map(put_aside));
        batch.observations = kept;
    }
}

/// What an official recognises: title, then login, then numbers.
fn shown(said: &UnitRef) -> String {
    let marks = [
        ("логин", &said.login),
        ("ОГРН", &said.ogrn),
        ("ИНН", &said.inn),
        ("код", &said.code),
    ];
    let marks: Vec<String> = marks
        .iter()
        .filter_map(|(title, value)| Some(format!("{title} {}", value.as_ref()?)))
        .collect();
    match (&said.name, marks.is_empty()) {
        (Some(name), true) => name.clone(),
        (Some(name), false) => format!("{name} ({})", marks.join(", ")),
        (None, _) => marks.join(", "),
    }
}

fn put_aside((unit, problem, numbers): (Arc<UnitRef>, Problem, Vec<Observation>)) -> Quarantined {
    let place = numbers.first().map(|first| first.place.to_string()).unwrap_or_default();
    let cleaned: Vec<serde_json::Value> = numbers
        .iter()
        .map(|number| {
            serde_json::json!({
                "round": *number.round,
                "measure": number.measure.as_str(),
                "subject": number.subject.as_deref(),
                "grade": number.grade,
                "breakdown": number.breakdown.to_string(),
                "value": number.value.to_string(),
                "n": number.n,
                "place": number.place.as_str(),
            })
        })
        .collect();
    Quarantined {
        problem: problem.at(place),
        column: None,
        rule: None,
        unit: Some(unit),
        cleaned: serde_json::Value::Array(cleaned).to_string(),
    }
}
