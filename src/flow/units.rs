//! The register of units as a table that an official can edit.
//!
//! Columns: `id;kind;title;short_title;parent;branch;email;ogrn;inn;kpp;fis_oko;rcoi_oge;rcoi_ege;bus_gov;site`,
//! in any order; only the first three must be there.

use std::collections::BTreeMap;

use crate::decode::{Input, decode};
use crate::domain::unit::{Alias, Unit, UnitId, normalise_alias};
use crate::domain::vocabulary::{AliasSystem, UnitKind};
use crate::manifest::{Connector, parse};
use crate::message::{Problem, Problems};
use crate::table::{Row, Table, TableSink};

/// The table as a connector sees it: the reader of delimited text is the same.
const LAYOUT: &str = include_str!("register.toml");

/// Words that mean yes in the column `branch`.
const YES: &[&str] = &["да", "yes", "true", "1", "+"];

/// Aliases that stand in columns of their own name.
const SYSTEMS: &[AliasSystem] = &[
    AliasSystem::Ogrn,
    AliasSystem::Inn,
    AliasSystem::Kpp,
    AliasSystem::FisOko,
    AliasSystem::RcoiOge,
    AliasSystem::RcoiEge,
    AliasSystem::BusGov,
    AliasSystem::Site,
];

/// Reads the table.
///
/// # Errors
/// Every fault of the table in one go: `MSK-RUN-22` with the row, or what the reader of delimited text refuses.
pub fn read(input: Input) -> Result<Vec<Unit>, Problems> {
    let connector: Connector = parse("register.toml", LAYOUT)?;
    let mut rows = Rows::default();
    decode(input, &connector, &mut rows).map_err(|problem| vec![problem])?;
    for unit in &rows.units {
        if let Some(parent) = unit.parent.as_ref().filter(|parent| !rows.of.contains_key(&parent.0)) {
            let row = rows.of.get(&unit.id.0).map_or(&unit.id.0, |numbers| &numbers[0]);
            rows.problems
                .push(fault(row, &format!("нет вышестоящей единицы «{}»", parent.0)));
        }
    }
    for (id, numbers) in rows.of.iter().filter(|(_, numbers)| numbers.len() > 1) {
        let reason = format!("код «{id}» стоит в нескольких строках");
        rows.problems.push(fault(&numbers.join(", "), &reason));
    }
    if rows.problems.is_empty() {
        Ok(rows.units)
    } else {
        Err(rows.problems)
    }
}

fn fault(row: &str, reason: &str) -> Problem {
    Problem::new("MSK-RUN-22").arg("row", row).arg("reason", reason)
}

#[derive(Default)]
struct Rows {
    columns: BTreeMap<String, usize>,
    units: Vec<Unit>,
    /// Numbers of the rows where a code stands.
    of: BTreeMap<String, Vec<String>>,
    problems: Problems,
}

impl TableSink for Rows {
    fn table(&mut self, table: Table) -> Result<(), Problem> {
        for column in table.columns {
            let name = column.path.join(" ").trim().to_lowercase();
            self.columns.insert(name, column.position as usize - 1);
        }
        for needed in ["id", "kind", "title"] {
            if !self.columns.contains_key(needed) {
                let reason = format!("нет столбца «{needed}»");
                return Err(fault("1", &reason));
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Problem> {
        let text = |name: &str| {
            let cell = self.columns.get(name).and_then(|position| row.cells.get(*position));
            cell.map(crate::table::Cell::text).filter(|text| !text.is_empty())
        };
        let number = row.number.to_string();
        let (Some(id), Some(kind), Some(title)) = (text("id"), text("kind"), text("title")) else {
            if !row.cells.iter().all(crate::table::Cell::is_blank) {
                self.problems
                    .push(fault(&number, "пуст один из столбцов id, kind, title"));
            }
            return Ok(());
        };
        let Some(kind) = UnitKind::parse(&kind) else {
            let known: Vec<&str> = UnitKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let reason = format!("нет вида «{kind}» (есть: {})", known.join(", "));
            self.problems.push(fault(&number, &reason));
            return Ok(());
        };
        let aliases = SYSTEMS
            .iter()
            .filter_map(|system| {
                let value = text(system.as_str())?;
                // The address of a site keeps its scheme: some sites still speak plain http.
                let value = if *system == AliasSystem::Site {
                    value
                } else {
                    normalise_alias(*system, &value)
                };
                Some(Alias {
                    system: *system,
                    value,
                    from: None,
                    to: None,
                })
            })
            .collect();
        self.of.entry(id.clone()).or_default().push(number);
        self.units.push(Unit {
            id: UnitId(id),
            kind,
            short_title: text("short_title").unwrap_or_else(|| title.clone()),
            title,
            parent: text("parent").map(UnitId),
            branch: text("branch").is_some_and(|word| YES.contains(&word.to_lowercase().as_str())),
            email: text("email"),
            aliases,
        });
        Ok(())
    }

    fn broken_row(&mut self, number: u32, problem: Problem) -> Result<(), Problem> {
        self.problems.push(fault(&number.to_string(), &problem.ru()));
        Ok(())
    }

    fn spare(&mut self) -> Vec<crate::table::Cell> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_saved_by_a_spreadsheet_becomes_units() {
        let (text, _, _) = encoding_rs::WINDOWS_1251.encode(
            "id;kind;title;short_title;parent;branch;fis_oko;site\r\n\
             vg;municipality;Верхнегорский район;;;;;\r\n\
             vg-01;general;\"МБОУ \"\"СОШ № 1\"\"\";СОШ № 1;vg;нет;edu990101;http://school.example\r\n",
        );
        let units = read(Input::memory("register.csv", text.into_owned())).expect("a register");
        assert_eq!(units.len(), 2);
        assert_eq!(units[1].title, "МБОУ \"СОШ № 1\"");
        assert_eq!(units[1].aliases[0].value, "990101");
        assert_eq!(units[1].aliases[1].value, "http://school.example");
    }

    #[test]
    fn every_fault_of_the_table_is_named_with_its_row() {
        let text = "id;kind;title;parent\nvg-01;school;СОШ № 1;vg\nvg-02;general;СОШ № 2;vg\n".as_bytes();
        let problems = read(Input::memory("register.csv", text)).expect_err("two faults");
        let lines: Vec<String> = problems.iter().map(Problem::ru).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("реестр, строка 2: нет вида «school»"), "{lines:?}");
        assert!(
            lines[1].starts_with("реестр, строка 3: нет вышестоящей единицы «vg»"),
            "{lines:?}"
        );
        let text = "id;kind;title\nvg-01;general;СОШ № 1\nvg-02;general;СОШ № 2\nvg-01;general;СОШ № 3\n".as_bytes();
        let problems = read(Input::memory("register.csv", text)).expect_err("one fault");
        let lines: Vec<String> = problems.iter().map(Problem::ru).collect();
        assert_eq!(lines, ["реестр, строка 2, 4: код «vg-01» стоит в нескольких строках"]);
    }
}
