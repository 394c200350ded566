//! The dictionary of the columns: names, kinds, meanings, and every code with its title and unit.

use serde_json::{Value, json};

use super::words::{BREAKDOWNS, UNITS_OF_MEASURE, VALUE_TYPES, measure, procedure, state, unit_kind};
use super::{Column, Kind, Table, column};
use crate::domain::subjects::Subjects;
use crate::domain::vocabulary::{FactState, Measure, Procedure, UnitKind};
use crate::sites::CODES;

/// Stem of the file of the dictionary.
pub(super) const NAME: &str = "dictionary";
/// Sheet of the dictionary.
pub(super) const SHEET: &str = "Словарь";

/// Columns of the dictionary itself.
pub(super) const COLUMNS: &[Column] = &[
    column("table", "Таблица", Kind::Text, 16, ""),
    column("column", "Столбец", Kind::Text, 18, ""),
    column("title", "Название", Kind::Text, 22, ""),
    column("type", "Вид значений", Kind::Text, 14, ""),
    column("code", "Код", Kind::Text, 30, ""),
    column("unit", "Единица", Kind::Text, 16, ""),
    column("meaning", "Что значит", Kind::Text, 70, ""),
];

/// Codes of the columns (словарь данных).
#[derive(Debug)]
pub struct Dictionary {
    subjects: Vec<Code>,
    codes: Vec<(&'static str, Vec<Code>)>,
}

#[derive(Debug, Clone)]
struct Code {
    code: String,
    unit: &'static str,
    meaning: String,
}

impl Dictionary {
    /// Knows the words of the program and the subjects of the office.
    #[must_use]
    pub fn new(subjects: &Subjects) -> Self {
        let subjects = subjects
            .all()
            .iter()
            .map(|subject| code(&subject.slug, "", &subject.title));
        let breakdowns = BREAKDOWNS
            .iter()
            .map(|(name, title, about)| code(name, "", &format!("{title}: {about}")));
        Self {
            subjects: subjects.collect(),
            codes: vec![
                (
                    "procedure",
                    Procedure::ALL
                        .iter()
                        .map(|word| code(word.as_str(), "", procedure(*word)))
                        .collect(),
                ),
                (
                    "measure",
                    Measure::ALL
                        .iter()
                        .map(|word| code(word.as_str(), measure(*word).1, measure(*word).0))
                        .collect(),
                ),
                ("breakdown", breakdowns.collect()),
                (
                    "unit_kind",
                    UnitKind::ALL
                        .iter()
                        .map(|word| code(word.as_str(), "", unit_kind(*word)))
                        .collect(),
                ),
                (
                    "state",
                    FactState::ALL
                        .iter()
                        .map(|word| code(word.as_str(), "", state(*word)))
                        .collect(),
                ),
                (
                    "code",
                    CODES
                        .iter()
                        .map(|fact| code(fact.code, fact.unit.map_or("", unit_of_measure), fact.ru))
                        .collect(),
                ),
                (
                    "unit_of_measure",
                    UNITS_OF_MEASURE
                        .iter()
                        .map(|(word, title)| code(word, "", title))
                        .collect(),
                ),
                (
                    "value_type",
                    VALUE_TYPES.iter().map(|(word, title)| code(word, "", title)).collect(),
                ),
            ],
        }
    }

    fn codes_of(&self, column: &str) -> &[Code] {
        if column == "subject" {
            return &self.subjects;
        }
        let known = self.codes.iter().find(|(name, _)| *name == column);
        known.map_or(&[], |(_, codes)| codes)
    }

    /// One line for each column, then one for each of its codes.
    pub(super) fn lines(&self, tables: &[Table]) -> Vec<Vec<String>> {
        let mut lines = Vec::new();
        for table in tables {
            for column in table.columns {
                let line = |code: &str, unit: &str, meaning: &str| {
                    [
                        table.name,
                        column.name,
                        column.title,
                        column.kind.ru(),
                        code,
                        unit,
                        meaning,
                    ]
                    .map(str::to_owned)
                    .to_vec()
                };
                lines.push(line("", "", column.about));
                let codes = self.codes_of(column.name).iter();
                lines.extend(codes.map(|known| line(&known.code, known.unit, &known.meaning)));
            }
        }
        lines
    }

    /// The same as one object.
    pub(super) fn json(&self, tables: &[Table]) -> Value {
        let tables: Vec<Value> = tables.iter().map(|table| self.table_json(table)).collect();
        json!({ "tables": tables })
    }

    fn table_json(&self, table: &Table) -> Value {
        let column_json = |column: &Column| {
            let codes: Vec<Value> = self
                .codes_of(column.name)
                .iter()
                .map(|known| {
                    let unit = Some(known.unit).filter(|unit| !unit.is_empty());
                    json!({ "code": known.code, "unit": unit, "title": known.meaning })
                })
                .collect();
            json!({
                "name": column.name,
                "title": column.title,
                "type": column.kind.as_str(),
                "about": column.about,
                "codes": (!codes.is_empty()).then_some(codes),
            })
        };
        let columns: Vec<Value> = table.columns.iter().map(column_json).collect();
        json!({ "name": table.name, "title": table.title, "columns": columns })
    }
}

impl Kind {
    const fn ru(self) -> &'static str {
        match self {
            Self::Text => "текст",
            Self::Number => "число",
            Self::Moment => "дата и время",
            Self::Mixed => "число или текст",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Moment => "moment",
            Self::Mixed => "mixed",
        }
    }
}

fn code(code: &str, unit: &'static str, meaning: &str) -> Code {
    Code {
        code: code.to_owned(),
        unit,
        meaning: meaning.to_owned(),
    }
}

fn unit_of_measure(unit: &'static str) -> &'static str {
    UNITS_OF_MEASURE
        .iter()
        .find(|(word, _)| *word == unit)
        .map_or(unit, |(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{FACTS, OBSERVATIONS};

    #[test]
    fn every_column_is_told_once_and_every_unit_of_a_fact_has_a_russian_name() {
        let dictionary = Dictionary::new(&Subjects::default());
        let tables = [OBSERVATIONS, FACTS];
        for table in &tables {
            for column in table.columns {
                let told = dictionary
                    .lines(&tables)
                    .iter()
                    .filter(|line| line[0] == table.name && line[1] == column.name && line[4].is_empty())
                    .count();
                assert_eq!(told, 1, "{}.{}", table.name, column.name);
                assert!(!column.about.is_empty());
            }
        }
        for unit in CODES.iter().filter_map(|fact| fact.unit) {
            assert_ne!(unit_of_measure(unit), unit);
        }
    }
}
