//! The door: what of a file may go further.
//!
//! Takes: the name of a file, its tables and rows as the decoder gives them, and the class of every declared column.
//! Gives: the same with undeclared and `drop` columns emptied and personal data removed, and a problem for each
//! removal. Never: repeats in a problem what it removed, writes anything.
//!
//! One hit empties a cell. Three hits in a column, or one СНИЛС or document number, refuse the file.
//!
//! ```
//! use std::sync::Arc;
//! use msoko::privacy::detect::Exempt;
//! use msoko::privacy::door::{Class, Door, Kept, Rule};
//! use msoko::table::{Cell, Column, Row, Table};
//!
//! let (mut door, problems) = Door::new("итоги.xlsx", Arc::new(Exempt::default()), Kept::Raw).expect("a clean name");
//! assert!(problems.is_empty());
//! let column = |position, header: &str| Column { position, path: vec![header.to_owned()] };
//! let table = Table { sheet: Some("Лист".to_owned()), columns: vec![column(1, "Участников"), column(2, "Учитель")], above: vec![] };
//! let (table, _) = door.table(table).expect("clean headers");
//! door.columns(&[Rule::new(1, Class::Measure)]);
//! let mut row = Row { number: 2, cells: vec![Cell::Number(12.0), Cell::Text("Громов П. П.".to_owned())] };
//! assert!(door.row(&mut row).expect("no refusal").is_empty(), "an undeclared column goes without a word");
//! assert_eq!(row.cells, [Cell::Number(12.0), Cell::Empty]);
//! assert!(!door.raw_is_clean(), "the bytes of this file may not be kept as they came");
//! # let _ = table;
//! ```

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use super::detect::{Exempt, Kind, SHORTEST, Trust, scan, scan_trusting};
use crate::domain::place::{Place, column_letters};
use crate::message::{Problem, Problems};
use crate::table::{Cell, Row, Table};

/// Hits in one column that refuse the file (data protection, rule 3).
pub const MAX_HITS: usize = 3;

/// Verdicts remembered per column: codes and titles repeat from row to row and from organisation to organisation.
const MAX_VERDICTS: usize = 4096;

/// A whole number from here on has ten digits, as many as a passport.
const TEN_DIGITS: f64 = 1e9;

/// Class of a declared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Part of the key of a number.
    Key,
    /// A number.
    Measure,
    /// Says something about the row and is not about a person.
    Context,
    /// Emptied unread.
    Drop,
    /// Tells one pupil from another inside one file: stays in the row of a folded file, whose fold drops it, and is
    /// emptied in every other file. No detector reads it.
    Pseudonym,
}

/// What is declared of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    position: u32,
    class: Class,
    trust: Trust,
}

impl Rule {
    /// A column by its position from one. A measure is taken for an amount; of the rest nothing is known.
    #[must_use]
    pub const fn new(position: u32, class: Class) -> Self {
        let trust = match class {
            Class::Measure => Trust::Amounts,
            _ => Trust::None,
        };
        Self { position, class, trust }
    }

    /// Says what the column is known to hold.
    #[must_use]
    pub const fn trusting(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }
}

/// What is kept of the file, and so what the door has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The raw bytes, if they are clean: columns that are dropped are looked at too.
    Raw,
    /// Folded statistics only: columns that are dropped are not read.
    Folded,
}

/// The door of one file.
#[derive(Debug)]
pub struct Door {
    file: String,
    exempt: Arc<Exempt>,
    kept: Kept,
    clean: bool,
    tables: u32,
    sheet: Option<String>,
    columns: Vec<Watched>,
    state: RandomState,
}

/// A column of the table being read.
#[derive(Debug, Default)]
struct Watched {
    header: String,
    rule: Option<Rule>,
    hits: usize,
    /// Hashes of removed titles: one odd title on thirty rows is one hit.
    titles: HashSet<u64>,
    /// Verdicts by the hash of the text; looking at a text costs some twenty times as much as hashing it.
    verdicts: HashMap<u64, Option<Kind>>,
}

impl Door {
    /// Opens the door for a file. A suspicious file name is replaced, see [`Door::file`].
    ///
    /// # Errors
    /// A СНИЛС or document number in the name refuses the file.
    pub fn new(file_name: &str, exempt: Arc<Exempt>, kept: Kept) -> Result<(Self, Problems), Problem> {
        let (stem, extension) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
        let mut door = Self {
            file: file_name.to_owned(),
            exempt,
            kept,
            clean: true,
            tables: 0,
            sheet: None,
            columns: Vec::new(),
            state: RandomState::new(),
        };
        // An ending longer than any known one belongs to the name.
        let known = extension.len() <= 5 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let Some(kind) = scan(if known { stem } else { file_name }, &door.exempt) else {
            return Ok((door, Vec::new()));
        };
        door.clean = false;
        door.file = match extension {
            "" => "файл".to_owned(),
            _ if !known => "файл".to_owned(),
            extension => format!("файл.{extension}"),
        };
        if kind.refuses_file() {
            return Err(door.hit(kind, "имя файла"));
        }
        let problem = Problem::new("MSK-PRV-08").arg("shown", &door.file);
        Ok((door, vec![problem]))
    }

    /// The name by which the file may be shown, logged and kept.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A table starts: its sheet name, the texts above its header and the headers are cleaned. Until
    /// [`Door::columns`] says more, every column counts as undeclared.
    ///
    /// # Errors
    /// A СНИЛС or document number in any of them refuses the file.
    pub fn table(&mut self, mut table: Table) -> Result<(Table, Problems), Problem> {
        let mut problems = Vec::new();
        self.tables += 1;
        if let Some(kind) = table.sheet.as_deref().and_then(|sheet| scan(sheet, &self.exempt)) {
            let shown = format!("лист {}", self.tables);
            self.suspect(kind, &shown)?;
            problems.push(
                Problem::new("MSK-PRV-09")
                    .arg("file", &self.file)
                    .arg("number", self.tables)
                    .arg("shown", &shown),
            );
            table.sheet = Some(shown);
        }
        self.sheet.clone_from(&table.sheet);
        let mut removed = 0;
        for text in &mut table.above {
            if let Some(kind) = scan(text, &self.exempt) {
                self.suspect(kind, "над заголовком")?;
                text.clear();
                removed += 1;
            }
        }
        if removed > 0 {
            problems.push(Problem::new("MSK-PRV-11").arg("file", &self.file).arg("count", removed));
        }
        self.columns.clear();
        for column in &mut table.columns {
            let letters = column_letters(column.position);
            for text in &mut column.path {
                if let Some(kind) = scan(text, &self.exempt) {
                    self.suspect(kind, &letters)?;
                    text.clear();
                    let problem = Problem::new("MSK-PRV-10").arg("file", &self.file);
                    problems.push(problem.arg("column", &letters));
                }
            }
            let header = column.path.iter().filter(|text| !text.is_empty());
            let header = header.map(String::as_str).collect::<Vec<_>>().join(" / ");
            self.watched(column.position).header = if header.is_empty() { letters } else { header };
        }
        Ok((table, problems))
    }

    /// Says which columns of the table that started last are declared, and how.
    pub fn columns(&mut self, rules: &[Rule]) {
        for rule in rules {
            self.watched(rule.position).rule = Some(*rule);
        }
    }

    /// Names of undeclared fields as they may be shown.
    pub fn names(&mut self, mut names: Vec<String>) -> Vec<String> {
        for name in &mut names {
            if scan(name, &self.exempt).is_some() {
                self.clean = false;
                "…".clone_into(name);
            }
        }
        names
    }

    /// Cleans a row in place. Gives a problem for each cell removed; a title that was removed before goes without one.
    ///
    /// # Errors
    /// The file is refused: a СНИЛС, a document number, or the third hit in one column.
    pub fn row(&mut self, row: &mut Row) -> Result<Problems, Problem> {
        let mut problems = Vec::new();
        for (index, cell) in row.cells.iter_mut().enumerate() {
            if matches!(cell, Cell::Empty) {
                continue;
            }
            let rule = self.columns.get(index).and_then(|column| column.rule);
            match rule.map(|rule| (rule.class, rule.trust)) {
                Some((Class::Key | Class::Measure | Class::Context, trust)) => {
                    if let Some(kind) = self.verdict(index, cell, trust) {
                        problems.extend(self.remove(index, row.number, kind, cell)?);
                    }
                }
                Some((Class::Pseudonym, _)) if self.kept == Kept::Folded => {}
                Some((Class::Drop | Class::Pseudonym, _)) | None => {
                    if self.wants_unseen() {
                        self.clean = look(cell, &self.exempt, Trust::None).is_none();
                    }
                    *cell = Cell::Empty;
                }
            }
        }
        Ok(problems)
    }

    /// Looks at a text that the decoder met outside tables and rows.
    pub fn unseen(&mut self, text: &str) {
        if self.wants_unseen() {
            self.clean = scan(text, &self.exempt).is_none();
        }
    }

    /// True while a hit outside tables and rows would still change what is kept.
    #[must_use]
    pub fn wants_unseen(&self) -> bool {
        self.kept == Kept::Raw && self.clean
    }

    /// False once any detector hit anything so far, dropped columns included: then the raw bytes may not be kept.
    /// Says nothing about files opened with [`Kept::Folded`], whose raw bytes are never kept.
    #[must_use]
    pub fn raw_is_clean(&self) -> bool {
        self.clean
    }

    fn watched(&mut self, position: u32) -> &mut Watched {
        let index = position.saturating_sub(1) as usize;
        if self.columns.len() <= index {
            self.columns.resize_with(index + 1, Watched::default);
        }
        &mut self.columns[index]
    }

    fn verdict(&mut self, index: usize, cell: &Cell, trust: Trust) -> Option<Kind> {
        let text = match cell {
            Cell::Text(text) if text.len() >= SHORTEST => text,
            other => return look(other, &self.exempt, trust),
        };
        let hash = self.state.hash_one(text);
        let verdicts = &mut self.columns[index].verdicts;
        if let Some(verdict) = verdicts.get(&hash) {
            return *verdict;
        }
        let verdict = scan_trusting(text, &self.exempt, trust);
        if verdicts.len() >= MAX_VERDICTS {
            verdicts.clear();
        }
        verdicts.insert(hash, verdict);
        verdict
    }

    fn remove(&mut self, index: usize, row: u32, kind: Kind, cell: &mut Cell) -> Result<Option<Problem>, Problem> {
        self.clean = false;
        let removed = std::mem::replace(cell, Cell::Empty);
        let column = &mut self.columns[index];
        let title = column.rule.is_some_and(|rule| rule.trust == Trust::Organisations);
        if title && !column.titles.insert(self.state.hash_one(removed.text())) {
            return Ok(None);
        }
        column.hits += 1;
        let (hits, header) = (column.hits, column.header.clone());
        let position = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let place = match &self.sheet {
            Some(sheet) => Place::cell(sheet, row, position),
            None => Place::field(row, &header),
        };
        if kind.refuses_file() || hits < MAX_HITS {
            let problem = self.hit(kind, &header).at(place);
            return if kind.refuses_file() {
                Err(problem)
            } else {
                Ok(Some(problem))
            };
        }
        Err(Problem::new("MSK-PRV-07")
            .arg("file", &self.file)
            .arg("column", header)
            .arg("count", hits)
            .arg("limit", MAX_HITS)
            .at(place))
    }

    /// Notes a hit outside the cells; what refuses the file comes back as the error.
    fn suspect(&mut self, kind: Kind, place: &str) -> Result<(), Problem> {
        self.clean = false;
        if kind.refuses_file() {
            return Err(self.hit(kind, place));
        }
        Ok(())
    }

    fn hit(&self, kind: Kind, column: &str) -> Problem {
        let code = match kind {
            Kind::Name => "MSK-PRV-01",
            Kind::Snils => "MSK-PRV-02",
            Kind::Document => "MSK-PRV-03",
            Kind::BirthDate => "MSK-PRV-04",
            Kind::Phone => "MSK-PRV-05",
            Kind::Mail => "MSK-PRV-06",
        };
        Problem::new(code).arg("file", &self.file).arg("column", column)
    }
}

fn look(cell: &Cell, exempt: &Exempt, trust: Trust) -> Option<Kind> {
    match cell {
        Cell::Text(text) | Cell::Broken(text) => scan_trusting(text, exempt, trust),
        Cell::Number(number) if number.abs() >= TEN_DIGITS => scan_trusting(&cell.text(), exempt, trust),
        Cell::Empty | Cell::Number(_) | Cell::Bool(_) | Cell::Date(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn door(kept: Kept, rules: &[Rule]) -> Door {
        let (mut door, _) = Door::new("итоги.xlsx", Arc::new(Exempt::default()), kept).expect("a clean name");
        let headers = ["Логин", "Школа", "Класс", "Учитель", "Код", "Балл"];
        let table = Table {
            sheet: Some("Протокол".to_owned()),
            columns: (1..)
                .zip(headers)
                .map(|(position, header)| Column {
                    position,
                    path: vec![header.to_owned()],
                })
                .collect(),
            above: vec![],
        };
        door.table(table).expect("clean headers");
        door.columns(rules);
        door
    }

    fn rules() -> [Rule; 5] {
        [
            Rule::new(1, Class::Key).trusting(Trust::Codes),
            Rule::new(2, Class::Key).trusting(Trust::Organisations),
            Rule::new(3, Class::Context),
            Rule::new(5, Class::Pseudonym),
            Rule::new(6, Class::Measure),
        ]
    }

    fn row(number: u32, class: &str) -> Row {
        Row {
            number,
            cells: vec![
                text("edu993379"),
                text("МКОУ «СОШ № 3 им. Петра Петровича Громова»"),
                text(class),
                text("Громов П. П."),
                text("112-233-445 95"),
                Cell::Number(12.0),
                text("Громов П. П."),
            ],
        }
    }

    #[test]
    fn undeclared_and_dropped_columns_go_first_and_what_is_declared_stays() {
        let mut door = door(Kept::Folded, &rules());
        let mut row = row(2, "5А");
        assert_eq!(door.row(&mut row), Ok(vec![]));
        assert_eq!(row.cells[3], Cell::Empty, "not declared");
        assert_eq!(row.cells[6], Cell::Empty, "beyond the header");
        assert_eq!(row.cells[4], text("112-233-445 95"), "a code serves the fold in memory");
        assert_eq!(row.cells[2], text("5А"));
        assert_eq!(row.cells[1], text("МКОУ «СОШ № 3 им. Петра Петровича Громова»"));
    }

    #[test]
    fn a_file_that_would_be_kept_raw_is_not_clean_when_only_its_dropped_columns_are_personal() {
        let mut door = door(Kept::Raw, &rules());
        assert!(door.raw_is_clean());
        let mut row = row(2, "5А");
        assert_eq!(door.row(&mut row), Ok(vec![]));
        assert_eq!(row.cells[4], Cell::Empty, "pseudonyms are off");
        assert!(!door.raw_is_clean());
    }

    #[test]
    fn one_hit_empties_the_cell_and_the_third_refuses_the_file() {
        let mut door = door(Kept::Folded, &rules());
        for number in [2, 3] {
            let mut row = row(number, "Громов Пётр Петрович");
            let problems = door.row(&mut row).expect("not yet");
            assert_eq!(
                problems[0].ru_line(),
                format!(
                    "MSK-PRV-01: Протокол!C{number}: файл «итоги.xlsx», столбец «Класс»: значение похоже на имя человека, ячейка удалена"
                )
            );
            assert_eq!(row.cells[2], Cell::Empty);
        }
        let refused = door.row(&mut row(4, "тел. 8 (8722) 12-34-56")).expect_err("the third");
        assert_eq!((refused.code(), refused.place()), ("MSK-PRV-07", Some("Протокол!C4")));
    }

    #[test]
    fn one_odd_title_on_every_row_is_one_hit() {
        let mut door = door(Kept::Folded, &rules());
        for number in 2..40 {
            let mut row = row(number, "5А");
            row.cells[1] = text("Громов Пётр Петрович");
            let told = usize::from(number == 2);
            assert_eq!(door.row(&mut row).map(|problems| problems.len()), Ok(told));
            assert_eq!(row.cells[1], Cell::Empty);
        }
    }

    #[test]
    fn a_snils_or_a_document_refuses_the_file_wherever_it_stands() {
        for cell in [
            text("112-233-445 95"),
            text("82 05 123456"),
            Cell::Number(11_223_344_595.0),
        ] {
            let mut door = door(Kept::Folded, &rules());
            let mut row = row(2, "5А");
            row.cells[2] = cell;
            let refused = door.row(&mut row).expect_err("refused");
            assert!(["MSK-PRV-02", "MSK-PRV-03"].contains(&refused.code()));
            assert!(!refused.to_string().contains("112") && !refused.ru_line().contains("123456"));
        }
        let name = |name: &str| Door::new(name, Arc::new(Exempt::default()), Kept::Raw);
        assert_eq!(name("112-233-445 95.xlsx").expect_err("refused").code(), "MSK-PRV-02");
    }

    #[test]
    fn names_of_files_and_sheets_and_headers_are_replaced_when_they_name_a_person() {
        let (mut door, problems) =
            Door::new("Громов_Пётр_Петрович.xlsx", Arc::new(Exempt::default()), Kept::Raw).expect("not a number");
        assert_eq!((door.file(), problems[0].code()), ("файл.xlsx", "MSK-PRV-08"));
        let table = Table {
            sheet: Some("Громов П. П.".to_owned()),
            columns: vec![Column {
                position: 2,
                path: vec!["Класс".to_owned(), "учитель Громов П. П.".to_owned()],
            }],
            above: vec!["Исполнитель: Громов П. П.".to_owned(), "Предмет: математика".to_owned()],
        };
        let (table, problems) = door.table(table).expect("no number");
        assert_eq!(table.sheet.as_deref(), Some("лист 1"));
        assert_eq!(table.columns[0].path, ["Класс", ""]);
        assert_eq!(table.above, ["", "Предмет: математика"]);
        let codes: Vec<_> = problems.iter().map(Problem::code).collect();
        assert_eq!(codes, ["MSK-PRV-09", "MSK-PRV-11", "MSK-PRV-10"]);
        assert!(!door.raw_is_clean());
        let (mut door, problems) = Door::new(
            "ВПР математика 5 класс 2022.xlsx",
            Arc::new(Exempt::default()),
            Kept::Raw,
        )
        .expect("clean");
        assert_eq!((door.file(), problems.len()), ("ВПР математика 5 класс 2022.xlsx", 0));
        let names = ["@note", "Громов Пётр Петрович/балл"].map(str::to_owned).to_vec();
        assert_eq!(door.names(names), ["@note", "…"]);
        assert!(!door.raw_is_clean());
    }
}
