//! Units as files name them → units of the register. Pure: the register is an argument.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::domain::observation::{Batch, Observation, Quarantined};
use crate::domain::unit::{Lookup, Register, UnitId, UnitRef};
use crate::domain::vocabulary::AliasSystem;
use crate::message::Problem;

/// Recognises the units of a file and remembers them.
#[derive(Debug)]
pub struct Recogniser<'r> {
    register: &'r Register,
    on: Option<NaiveDate>,
    known: HashMap<Arc<UnitRef>, Result<Arc<UnitRef>, Problem>>,
    /// The unit of the number before, as said and as known: numbers of one organisation follow one another.
    last: Option<(Arc<UnitRef>, Arc<UnitRef>)>,
}

impl<'r> Recogniser<'r> {
    /// `on` is the day whose aliases count; without it every alias does.
    #[must_use]
    pub fn new(register: &'r Register, on: Option<NaiveDate>) -> Self {
        Self {
            register,
            on,
            known: HashMap::new(),
            last: None,
        }
    }

    /// The unit with its own id.
    ///
    /// # Errors
    /// `MSK-NRM-04` when nobody carries any of the names, `MSK-NRM-19` when somebody carries the code with a zero before
    /// it, `MSK-NRM-05` when several units do.
    pub fn unit(&mut self, said: &Arc<UnitRef>) -> Result<Arc<UnitRef>, Problem> {
        if said.id.is_some() {
            return Ok(Arc::clone(said));
        }
        if let Some((last, unit)) = &self.last
            && Arc::ptr_eq(last, said)
        {
            return Ok(Arc::clone(unit));
        }
        let found = match self.known.get(said) {
            Some(known) => known.clone(),
            None => {
                let found = self.look_up(said);
                self.known.insert(Arc::clone(said), found.clone());
                found
            }
        };
        if let Ok(unit) = &found {
            self.last = Some((Arc::clone(said), Arc::clone(unit)));
        }
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
        let unit = found.ok_or_else(|| self.unknown(said))?;
        Ok(Arc::new(UnitRef {
            id: Some(unit.id.clone()),
            ..said.clone()
        }))
    }

    /// Why nobody carries any of the names: nobody does, or a leading zero of a code is lost.
    fn unknown(&self, said: &UnitRef) -> Problem {
        let codes = [
            (AliasSystem::Inn, &said.inn),
            (AliasSystem::RcoiOge, &said.code),
            (AliasSystem::RcoiEge, &said.code),
        ];
        for (system, code) in codes {
            let Some(code) = code.as_deref().filter(|code| !code.trim().is_empty()) else {
                continue;
            };
            let whole = format!("0{}", code.trim());
            if let Lookup::Found(unit) = self.register.find(system, &whole, self.on) {
                let problem = Problem::new("MSK-NRM-19").arg("unit", shown(said));
                return problem.arg("whole", whole).arg("title", &unit.short_title);
            }
        }
        Problem::new("MSK-NRM-04").arg("unit", shown(said))
    }

    /// Recognises every observation of a batch; those of unknown units go to quarantine, one record for the numbers
    /// of one unit that follow each other. Refused rows get the id of a unit that is known, so that nothing of it is
    /// taken for vanished.
    pub fn batch(&mut self, batch: &mut Batch) {
        for row in &mut batch.quarantined {
            if let Some(unit) = &mut row.unit
                && let Ok(known) = self.unit(unit)
            {
                *unit = known;
            }
        }
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
    refused_together(unit, problem, None, &numbers)
}

/// One record for numbers that are refused for the same reason.
#[must_use]
pub fn refused_together(
    unit: Arc<UnitRef>,
    problem: Problem,
    rule: Option<String>,
    numbers: &[Observation],
) -> Quarantined {
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
        rule,
        unit: Some(unit),
        cleaned: serde_json::Value::Array(cleaned).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::{Amount, Breakdown};
    use crate::domain::place::Place;
    use crate::domain::unit::{Alias, Unit};
    use crate::domain::vocabulary::{Measure, Procedure, UnitKind};

    fn unit(id: &str, kind: UnitKind, ogrn: Option<&str>) -> Unit {
        let alias = |value: &str| Alias {
            system: AliasSystem::Ogrn,
            value: value.to_owned(),
            from: None,
            to: None,
        };
        Unit {
            id: UnitId(id.to_owned()),
            kind,
            title: format!("Единица {id}"),
            short_title: format!("Единица {id}"),
            parent: None,
            branch: false,
            email: None,
            aliases: ogrn.map(alias).into_iter().collect(),
        }
    }

    fn number(unit: UnitRef, row: u32) -> Observation {
        Observation {
            unit: Arc::new(unit),
            procedure: Procedure::Vpr,
            round: Arc::from("vpr/2024-25/spring"),
            measure: Measure::Participants,
            subject: None,
            grade: None,
            breakdown: Arc::new(Breakdown::none()),
            value: Amount::whole(5),
            n: None,
            place: Place::cell("Свод", row, 3),
        }
    }

    #[test]
    fn an_unknown_organisation_is_put_aside_under_the_name_an_official_knows() {
        let register = Register::new(vec![
            unit("a", UnitKind::General, Some("1029900000019")),
            unit("b", UnitKind::General, Some("1029900000020")),
            unit("c", UnitKind::General, Some("1029900000020")),
            unit("99", UnitKind::Region, None),
        ]);
        let ogrn = |ogrn: &str| UnitRef {
            ogrn: Some(ogrn.to_owned()),
            ..UnitRef::default()
        };
        let territory = UnitRef {
            code: Some("99".to_owned()),
            ..UnitRef::default()
        };
        let stranger = UnitRef {
            name: Some("Лицей № 7".to_owned()),
            ..ogrn("1029900000099")
        };
        let said = [
            ogrn("1029900000019"),
            stranger.clone(),
            stranger,
            territory,
            ogrn("1029900000020"),
        ];
        let mut batch = Batch {
            observations: (2..).zip(said).map(|(row, unit)| number(unit, row)).collect(),
            ..Batch::default()
        };
        Recogniser::new(&register, None).batch(&mut batch);
        let known = batch
            .observations
            .iter()
            .map(|number| number.unit.id.as_ref().map(|id| id.0.as_str()));
        assert_eq!(known.collect::<Vec<_>>(), [Some("a"), Some("99")]);
        let refused: Vec<String> = batch.quarantined.iter().map(|row| row.problem.ru_line()).collect();
        assert_eq!(
            refused,
            [
                "MSK-NRM-04: Свод!C3: организация не найдена в реестре: Лицей № 7 (ОГРН 1029900000099)",
                "MSK-NRM-05: Свод!C6: названию «ОГРН 1029900000020» соответствуют несколько организаций: «Единица b», «Единица c»",
            ]
        );
        assert!(
            batch.quarantined[0].cleaned.contains("Свод!C4"),
            "both numbers of the unit are kept"
        );
    }
}
