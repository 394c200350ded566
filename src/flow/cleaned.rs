//! The snapshot of a file whose bytes may not be kept: the tables and rows that the door let through, one JSON line
//! each, between a head and an end.

use std::io::{BufRead, BufReader, Read};

use serde::{Deserialize, Serialize};

use crate::decode::Decoded;
use crate::message::{self, Problem};
use crate::table::{Row, Table, TableSink};

const VERSION: u32 = 1;

/// Arguments of the problems with which a decoder puts a row aside.
const ARGUMENTS: [&str; 4] = ["found", "expected", "what", "limit"];

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Cleaned { version: u32 },
    Table(Table),
    Row(Row),
    Broken(Broken),
    End { undeclared: Vec<String> },
}

#[derive(Debug, Serialize, Deserialize)]
struct Broken {
    number: u32,
    code: String,
    place: Option<String>,
    arguments: Vec<(String, String)>,
}

/// Writes down what passes.
#[derive(Debug)]
pub(super) struct Transcript(Vec<u8>);

impl Transcript {
    pub(super) fn new() -> Self {
        let mut transcript = Self(Vec::new());
        transcript.entry(&Entry::Cleaned { version: VERSION });
        transcript
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.entry(&Entry::Table(table.clone()));
    }

    pub(super) fn row(&mut self, row: &Row) {
        self.entry(&Entry::Row(row.clone()));
    }

    pub(super) fn broken(&mut self, number: u32, problem: &Problem) {
        let argument = |name: &&str| Some(((*name).to_owned(), problem.get(name)?.to_owned()));
        self.entry(&Entry::Broken(Broken {
            number,
            code: problem.code().to_owned(),
            place: problem.place().map(str::to_owned),
            arguments: ARGUMENTS.iter().filter_map(argument).collect(),
        }));
    }

    pub(super) fn end(mut self, undeclared: Vec<String>) -> Vec<u8> {
        self.entry(&Entry::End { undeclared });
        self.0
    }

    fn entry(&mut self, entry: &Entry) {
        // Memory takes everything.
        self.0.extend(serde_json::to_vec(entry).unwrap_or_default());
        self.0.push(b'\n');
    }
}

/// Hands the tables and rows on, as the decoder of the original did.
///
/// # Errors
/// `MSK-PRV-19` when the snapshot is of another kind, version or length; what the sink answered.
pub(super) fn read(file: &str, input: impl Read, sink: &mut dyn TableSink) -> Result<Decoded, Problem> {
    let unusable = || Problem::new("MSK-PRV-19").arg("file", file);
    let mut begun = false;
    for line in BufReader::new(input).lines() {
        let line = line.map_err(|error| Problem::new("MSK-DEC-16").because(error))?;
        let entry = serde_json::from_str(&line).map_err(|error| unusable().because(error))?;
        match entry {
            Entry::Cleaned { version } if !begun && version == VERSION => begun = true,
            _ if !begun => return Err(unusable()),
            Entry::Cleaned { .. } => return Err(unusable()),
            Entry::Table(table) => sink.table(table)?,
            Entry::Row(row) => sink.row(row)?,
            Entry::Broken(broken) => {
                let number = broken.number;
                let problem = broken.problem().ok_or_else(unusable)?;
                sink.broken_row(number, problem)?;
            }
            Entry::End { undeclared } => return Ok(Decoded { undeclared }),
        }
    }
    Err(unusable())
}

impl Broken {
    fn problem(self) -> Option<Problem> {
        let mut problem = Problem::new(message::find(&self.code)?.code);
        for (name, value) in self.arguments {
            problem = problem.arg(ARGUMENTS.iter().find(|known| **known == name)?, value);
        }
        Some(match self.place {
            Some(place) => problem.at(place),
            None => problem,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::decode::Input;
    use crate::domain::scale::Scales;
    use crate::flow::read::{Reading, read, read_again, read_cleaned};
    use crate::manifest::{Connector, parse, shipped_subjects};
    use crate::privacy::detect::Exempt;

    fn connector() -> Connector {
        let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n\
                    [decode.csv]\nfind_header = { text = 'Код' }\n\
                    [[context]]\nname = 'school_year'\nfrom = 'above_header'\npattern = '(?<v>2024-25)'\n\
                    [[column]]\nname = 'code'\nat = 'Код'\nclass = 'key'\n\
                    [[column]]\nname = 'n'\nat = 'Балл'\nclass = 'measure'\ntype = 'integer'\n\
                    [unit]\ncode = 'code'\n[[observation]]\nmeasure = 'participants'\nvalue = 'n'\n";
        parse("x.toml", text).expect("a manifest")
    }

    #[test]
    fn what_the_door_let_through_gives_the_same_numbers_again() {
        let connector = connector();
        let reading = Reading {
            connector: &connector,
            subjects: &shipped_subjects(),
            scales: &Scales::default(),
            options: &BTreeMap::new(),
            register: None,
            exempt: &Arc::new(Exempt::default()),
            today: chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date"),
            batch: 1000,
        };
        let text = "Отчёт за 2024-25;;\nКод;Балл;Директор\n7;12;Громов Пётр Петрович\n8;плохо;\n9;1;2;лишнее\n10;5;\n";
        let input = || Input::memory("итоги.csv", text.as_bytes());
        let mut first = Vec::new();
        let summary = read(input(), &reading, &mut |_, _, _| Ok(()), &mut |batch| {
            first.push(format!("{batch:?}"));
            Ok(())
        });
        let summary = summary.expect("the sink takes everything");
        assert_eq!(
            (summary.raw_is_clean, summary.quarantined, summary.refused.clone()),
            (false, 2, None)
        );
        let bytes = read_cleaned(input(), &reading).expect("accepted");
        assert!(!String::from_utf8_lossy(&bytes).contains("Громов"));
        let mut second = Vec::new();
        let again = read_again("итоги.csv", bytes.as_slice(), &reading, &mut |batch| {
            second.push(format!("{batch:?}"));
            Ok(())
        });
        assert_eq!(first, second);
        assert_eq!(again.expect("the sink takes everything").warnings, summary.warnings);
    }

    #[test]
    fn a_snapshot_of_another_kind_or_cut_short_asks_for_the_original() {
        struct Nothing;
        impl TableSink for Nothing {
            fn table(&mut self, _: Table) -> Result<(), Problem> {
                Ok(())
            }
            fn row(&mut self, _: Row) -> Result<(), Problem> {
                Ok(())
            }
        }
        for text in [
            "",
            "{\"kind\":\"observation\"}\n",
            "{\"cleaned\":{\"version\":2}}\n{\"end\":{\"undeclared\":[]}}\n",
            "{\"cleaned\":{\"version\":1}}\n",
        ] {
            let refused = super::read("итоги.csv", text.as_bytes(), &mut Nothing).expect_err(text);
            assert_eq!(refused.code(), "MSK-PRV-19", "{text}");
        }
    }
}
