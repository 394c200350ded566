//! Values that stand outside the table: options, file name, sheet name, texts above the header, the first row.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::value::ValueReader;
use crate::domain::subjects::Subjects;
use crate::domain::value::Value;
use crate::domain::vocabulary::Procedure;
use crate::manifest::{Connector, ContextPlace, ContextRule, Kind, Reading};
use crate::message::Problem;
use crate::table::Table;

/// Names of a key that an option may give for any connector.
const KEYS: [(&str, Kind, &str); 5] = [
    ("procedure", Kind::Procedure, "процедура"),
    ("school_year", Kind::SchoolYear, "учебный год"),
    ("season", Kind::Text, "сезон или этап"),
    ("subject", Kind::Subject, "предмет"),
    ("grade", Kind::Grade, "класс"),
];

/// What the rows of a table share.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    values: BTreeMap<String, Value>,
}

impl Shared {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    pub(super) fn procedure(&self, connector: &Connector) -> Option<Procedure> {
        match (self.get("procedure"), connector.procedures.as_slice()) {
            (Some(Value::Procedure(procedure)), _) => Some(*procedure),
            (None, [only]) => Some(*only),
            _ => None,
        }
    }
}

/// Where values may be found.
pub(super) struct Around<'a> {
    pub(super) file_name: &'a str,
    pub(super) table: &'a Table,
    pub(super) options: &'a BTreeMap<String, String>,
    /// Text of a declared column in the first row.
    pub(super) first_row: &'a dyn Fn(&str) -> String,
}

/// # Errors
/// `MSK-NRM-06` names everything the file does not say; `MSK-NRM-01`, `MSK-NRM-03` for an option that cannot be read.
pub(super) fn resolve(connector: &Connector, around: &Around<'_>, subjects: &Subjects) -> Result<Shared, Problem> {
    let mut shared = Shared::default();
    for (name, kind, _) in KEYS {
        if let Some(text) = around.options.get(name) {
            let reading = Reading {
                kind,
                ..Reading::default()
            };
            if let Some(value) = ValueReader::new(name, &reading, true).text(text.trim(), subjects)? {
                shared.values.insert(name.to_owned(), value);
            }
        }
    }
    for rule in &connector.context {
        if shared.values.contains_key(&rule.name) {
            continue;
        }
        let given = around.options.get(&rule.name).or(rule.value.as_ref());
        let value = match given {
            Some(text) => reader(rule).text(text.trim(), subjects)?,
            None => look(rule, around, subjects),
        };
        if let Some(value) = value {
            shared.values.insert(rule.name.clone(), value);
        }
    }
    let absent = absent(connector, &shared);
    if absent.is_empty() {
        Ok(shared)
    } else {
        Err(Problem::new("MSK-NRM-06").arg("what", absent.join(", ")))
    }
}

fn reader(rule: &ContextRule) -> ValueReader {
    let mut reading = rule.reading.clone();
    if let Some((_, kind, _)) = KEYS.iter().find(|(name, ..)| *name == rule.name) {
        reading.kind = *kind;
    }
    ValueReader::new(&rule.name, &reading, true)
}

/// A text that does not read as the value is not the value: the next place is tried.
fn look(rule: &ContextRule, around: &Around<'_>, subjects: &Subjects) -> Option<Value> {
    let mut reader = reader(rule);
    let mut read = |text: &str| {
        let found = match &rule.pattern {
            Some(pattern) => pattern.captures(text)?.name("v")?.as_str(),
            None => text,
        };
        reader.text(found.trim(), subjects).ok().flatten()
    };
    rule.from.iter().find_map(|place| match place {
        ContextPlace::SheetName => read(around.table.sheet.as_deref().unwrap_or_default()),
        ContextPlace::FileName => {
            let stem = Path::new(around.file_name).file_stem()?;
            read(&stem.to_string_lossy())
        }
        ContextPlace::AboveHeader => around.table.above.iter().find_map(|text| read(text)),
        ContextPlace::FirstRow(column) => read(&(around.first_row)(column)),
    })
}

fn absent(connector: &Connector, shared: &Shared) -> Vec<String> {
    let is_column = |name: &str| connector.columns.iter().any(|column| column.name == name);
    let has = |name: &str| is_column(name) || shared.values.contains_key(name);
    let mut names: Vec<&str> = connector
        .context
        .iter()
        .filter(|rule| rule.required && !has(&rule.name))
        .map(|rule| rule.name.as_str())
        .collect();
    if !has("procedure") && connector.procedures.len() != 1 {
        names.push("procedure");
    }
    if !has("school_year") {
        names.push("school_year");
    }
    if connector.participant.is_some() && !has("subject") {
        names.push("subject");
    }
    let mut listed: Vec<String> = Vec::new();
    for name in names {
        let title = KEYS.iter().find(|(known, ..)| *known == name).map(|(.., title)| *title);
        let text = title.map_or_else(|| name.to_owned(), |title| format!("{title} ({name})"));
        if !listed.contains(&text) {
            listed.push(text);
        }
    }
    listed
}

/// `vpr/2024-25/spring`.
pub(super) fn round(procedure: Procedure, year: &str, season: Option<&str>) -> Arc<str> {
    let text = match season {
        Some(season) => format!("{}/{year}/{season}", procedure.as_str()),
        None => format!("{}/{year}", procedure.as_str()),
    };
    Arc::from(text)
}
