//! Keys of numbers, shared between the rows that repeat them: a feed of a million rows has a few thousand keys.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::{Shared, round};
use crate::domain::observation::Breakdown;
use crate::domain::school_year::SchoolYear;
use crate::domain::unit::UnitRef;
use crate::domain::value::Value;
use crate::domain::vocabulary::Procedure;
use crate::manifest::{Connector, UnitColumns};
use crate::message::Problem;

/// Keys remembered at most; beyond it the memory starts anew and only sharing suffers.
const MAX_MEMORY: usize = 50_000;

/// Where the parts of a key stand among the declared columns.
#[derive(Debug)]
pub(super) struct Slots {
    procedure: Option<usize>,
    school_year: Option<usize>,
    season: Option<usize>,
    subject: Option<usize>,
    grade: Option<usize>,
    /// Login, ОГРН, ИНН, code, name, site.
    pub(super) unit: [Option<usize>; 6],
}

/// Index of a declared column.
pub(super) fn slot(connector: &Connector, name: &str) -> Option<usize> {
    connector.columns.iter().position(|column| column.name == name)
}

impl Slots {
    pub(super) fn new(connector: &Connector) -> Self {
        let UnitColumns {
            login,
            ogrn,
            inn,
            code,
            name,
            site,
        } = &connector.unit;
        let unit = [login, ogrn, inn, code, name, site].map(|name| slot(connector, name.as_deref()?));
        Self {
            procedure: slot(connector, "procedure"),
            school_year: slot(connector, "school_year"),
            season: slot(connector, "season"),
            subject: slot(connector, "subject"),
            grade: slot(connector, "grade"),
            unit,
        }
    }
}

impl Slots {
    /// Columns that name the organisation by a code: all but the title and the site.
    pub(super) fn codes(&self) -> impl Iterator<Item = usize> {
        self.unit[..4].iter().flatten().copied()
    }
}

/// The key of a row without measure and breakdown.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) unit: Arc<UnitRef>,
    pub(super) procedure: Procedure,
    pub(super) round: Arc<str>,
    pub(super) subject: Option<Arc<str>>,
    pub(super) grade: Option<u8>,
}

type RoundKey = (Procedure, SchoolYear, Option<Arc<str>>);

/// Makes keys and remembers them.
#[derive(Debug)]
pub(super) struct Keyring {
    /// The school year that has begun last.
    begun: SchoolYear,
    /// Whether a later one is let through.
    future_years: bool,
    warning: Option<Problem>,
    rounds: HashMap<RoundKey, Arc<str>>,
    units: HashMap<String, Arc<UnitRef>>,
    last_unit: Option<(String, Arc<UnitRef>)>,
    breakdowns: HashMap<String, Arc<Breakdown>>,
    buffer: String,
}

impl Keyring {
    pub(super) fn new(begun: SchoolYear, future_years: bool) -> Self {
        Self {
            begun,
            future_years,
            warning: None,
            rounds: HashMap::new(),
            units: HashMap::new(),
            last_unit: None,
            breakdowns: HashMap::new(),
            buffer: String::new(),
        }
    }

    /// The warning about a round just met whose year has not begun; each round gives one.
    pub(super) fn warning(&mut self) -> Option<Problem> {
        self.warning.take()
    }

    /// # Errors
    /// `MSK-NRM-02` when a part of the key is empty, `MSK-NRM-07` for a foreign procedure or season, `MSK-NRM-11`
    /// when the row names no organisation, `MSK-NRM-18` for a school year that has not begun.
    pub(super) fn key(
        &mut self,
        connector: &Connector,
        slots: &Slots,
        values: &[Option<Value>],
        shared: &Shared,
    ) -> Result<Key, Problem> {
        let at =
            |slot: Option<usize>, name: &str| slot.map_or_else(|| shared.get(name), |index| values[index].as_ref());
        let procedure = match at(slots.procedure, "procedure") {
            Some(Value::Procedure(procedure)) => Some(*procedure),
            Some(_) => None,
            None if slots.procedure.is_some() => None,
            None => shared.procedure(connector),
        };
        let procedure = procedure.ok_or_else(|| Problem::new("MSK-NRM-02").arg("column", "procedure"))?;
        if !connector.procedures.contains(&procedure) {
            let problem = Problem::new("MSK-NRM-07")
                .arg("what", "процедура")
                .arg("found", procedure.as_str());
            let known: Vec<&str> = connector.procedures.iter().map(|known| known.as_str()).collect();
            return Err(problem.arg("known", known.join(", ")));
        }
        let Some(Value::Year(year)) = at(slots.school_year, "school_year") else {
            return Err(Problem::new("MSK-NRM-02").arg("column", "school_year"));
        };
        let season = match at(slots.season, "season") {
            Some(Value::Text(season)) => Some(Arc::clone(season)),
            _ => None,
        };
        let subject = match at(slots.subject, "subject") {
            Some(Value::Text(subject)) => Some(Arc::clone(subject)),
            _ => None,
        };
        let grade = at(slots.grade, "grade")
            .and_then(Value::number)
            .and_then(|grade| u8::try_from(grade.units).ok());
        Ok(Key {
            unit: self.unit(&slots.unit, values)?,
            procedure,
            round: self.round(procedure, *year, season)?,
            subject,
            grade,
        })
    }

    fn round(&mut self, procedure: Procedure, year: SchoolYear, season: Option<Arc<str>>) -> Result<Arc<str>, Problem> {
        let key = (procedure, year, season);
        if let Some(known) = self.rounds.get(&key) {
            return Ok(Arc::clone(known));
        }
        let slug = |text: &Arc<str>| {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            text.len() <= 30 && text.bytes().all(fits)
        };
        if let Some(found) = key.2.as_ref().filter(|season| !slug(season)) {
            let problem = Problem::new("MSK-NRM-07")
                .arg("what", "сезон или этап")
                .arg("found", found);
            return Err(problem.arg("known", "spring, autumn, school, municipal…: строчные латинские буквы"));
        }
        if year > self.begun {
            let problem = Problem::new("MSK-NRM-18").arg("year", year.for_people());
            let problem = problem.arg("begun", self.begun.for_people());
            if !self.future_years {
                return Err(problem);
            }
            self.warning = Some(problem);
        }
        let made = round(procedure, &year.to_string(), key.2.as_deref());
        if self.rounds.len() < MAX_MEMORY {
            self.rounds.insert(key, Arc::clone(&made));
        }
        Ok(made)
    }

    fn unit(&mut self, slots: &[Option<usize>; 6], values: &[Option<Value>]) -> Result<Arc<UnitRef>, Problem> {
        let mut said = false;
        self.buffer.clear();
        for slot in slots {
            if let Some(value) = slot.and_then(|index| values[index].as_ref()) {
                said = true;
                self.buffer.push_str(&value.text());
            }
            self.buffer.push('\u{1f}');
        }
        if !said {
            return Err(Problem::new("MSK-NRM-11"));
        }
        if let Some((last, unit)) = &self.last_unit
            && *last == self.buffer
        {
            return Ok(Arc::clone(unit));
        }
        let unit = if let Some(known) = self.units.get(&self.buffer) {
            Arc::clone(known)
        } else {
            let text = |slot: usize| {
                let value = slots[slot].and_then(|index| values[index].as_ref());
                value.map(|value| value.text().into_owned())
            };
            let made = Arc::new(UnitRef {
                id: None,
                login: text(0),
                ogrn: text(1),
                inn: text(2),
                code: text(3),
                name: text(4),
                site: text(5),
            });
            if self.units.len() >= MAX_MEMORY {
                self.units.clear();
            }
            self.units.insert(self.buffer.clone(), Arc::clone(&made));
            made
        };
        let (last, known) = self.last_unit.get_or_insert_with(|| (String::new(), Arc::clone(&unit)));
        last.clone_from(&self.buffer);
        known.clone_from(&unit);
        Ok(unit)
    }

    /// The breakdown of some pairs; empty values add no key.
    pub(super) fn breakdown<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a str, std::borrow::Cow<'a, str>)> + Clone,
    ) -> Arc<Breakdown> {
        self.buffer.clear();
        for (key, value) in pairs.clone() {
            self.buffer.push_str(key);
            self.buffer.push('=');
            self.buffer.push_str(&value);
            self.buffer.push('\u{1f}');
        }
        if let Some(known) = self.breakdowns.get(&self.buffer) {
            return Arc::clone(known);
        }
        let made = pairs.fold(Breakdown::none(), |breakdown, (key, value)| {
            breakdown.with(key, clean(&value))
        });
        let made = Arc::new(made);
        if self.breakdowns.len() >= MAX_MEMORY {
            self.breakdowns.clear();
        }
        self.breakdowns.insert(self.buffer.clone(), Arc::clone(&made));
        made
    }
}

/// The written form of a breakdown is `key=value;key=value`: a foreign text must not add a pair of its own.
fn clean(value: &str) -> String {
    value.replace([';', '='], ",")
}
