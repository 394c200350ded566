//! Marked invented persons go in by every way a file has; no mark comes out by any way the product has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use msoko::decode::Input;
use msoko::domain::observation::Quarantined;
use msoko::domain::participant::{Attendance, Participant, Task, TaskResult, Work};
use msoko::domain::scale::Scales;
use msoko::domain::unit::UnitRef;
use msoko::domain::vocabulary::Procedure;
use msoko::flow::read::{ReadSummary, Reading, read};
use msoko::message::Problem;
use msoko::privacy::detect::{Exempt, Trust};
use msoko::privacy::door::{Class, Door, Kept, Rule};
use msoko::privacy::fold::Fold;
use msoko::privacy::folded_file::{Meta, write};
use msoko::table::{Cell, Column, Row, Table};
use proptest::prelude::*;
use rust_xlsxwriter::{DocProperties, Note, Workbook};

/// What must not come out, in lower case.
const MARKS: &[&str] = &[
    "канарейк",
    "маяков",
    "kanareyk",
    "987654",
    "9876543",
    "33-44-55",
    "334455",
    "112-233",
    "11223344595",
];

/// A person in the forms in which persons get into files.
const PERSONS: &[&str] = &[
    "Канарейкин Маяк Маякович",
    "КАНАРЕЙКИНА МАЯ МАЯКОВНА",
    "канарейкин маяк маякович",
    "Канарейкин М. М.",
    "М.М. Канарейкина",
    "Kanareykin Mayak Mayakovich",
    "приказ о Канарейкине Маяке Маяковиче от 01.09.2025",
    "Канарейкин Маяк, 12.05.2012 г.р.",
    "112-233-445 95",
    "снилс 11223344595",
    "паспорт 82 05 987654",
    "8205 987654",
    "II-БД № 987654",
    "8 (8722) 33-44-55",
    "+7 928 133-44-55",
    "kanareykin.m@mail.example",
    "{\"ФИО\":\"Канарейкин Маяк Маякович\",\"балл\":5}",
];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while locked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file as a decoder gives it.
#[derive(Debug, Clone)]
struct File {
    name: String,
    table: Table,
    rows: Vec<Row>,
}

const HEADERS: [&str; 9] = [
    "Логин ОО",
    "Школа",
    "ФИО",
    "Дата рождения",
    "Код",
    "1 (1б)",
    "2 (2б)",
    "Категория",
    "Примечание",
];

fn file(rows: u32) -> File {
    let columns = (1..).zip(HEADERS).map(|(position, header)| Column {
        position,
        path: vec![header.to_owned()],
    });
    File {
        name: "ВПР математика 5.xlsx".to_owned(),
        table: Table {
            sheet: Some("Протокол".to_owned()),
            columns: columns.collect(),
            above: vec!["Предмет: математика".to_owned()],
        },
        rows: (0..rows)
            .map(|number| Row {
                number: number + 2,
                cells: vec![
                    Cell::Text(format!("edu99{:04}", number % 3)),
                    Cell::Text(format!("МКОУ «СОШ № {} им. Петра Петровича Громова»", number % 3)),
                    Cell::Text("Канарейкин Маяк Маякович".to_owned()),
                    Cell::Text("12.05.2012".to_owned()),
                    // The worst code a sender may choose.
                    Cell::Text(format!("Маяковский-{number} 112-233-445 95")),
                    Cell::Number(1.0),
                    Cell::Text("X".to_owned()),
                    Cell::Text("ОВЗ".to_owned()),
                    Cell::Empty,
                ],
            })
            .collect(),
    }
}

fn rules() -> Vec<Rule> {
    vec![
        Rule::new(1, Class::Key).trusting(Trust::Codes),
        Rule::new(2, Class::Key).trusting(Trust::Organisations),
        Rule::new(3, Class::Drop),
        // Column 4 is not declared.
        Rule::new(5, Class::Pseudonym),
        Rule::new(6, Class::Measure),
        Rule::new(7, Class::Measure),
        Rule::new(8, Class::Context),
        Rule::new(9, Class::Context),
    ]
}

/// Positions of the cells that are declared and looked at.
const OPEN: [usize; 6] = [0, 1, 5, 6, 7, 8];

/// Runs a file through door, normalisation by hand, fold and snapshot; gives everything that leaves memory.
fn everything_that_comes_out(file: File, kept: Kept) -> String {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || sink.clone())
        .finish();
    let mut out = String::new();
    tracing::subscriber::with_default(subscriber, || match run(file, kept, &mut out) {
        Ok(()) => {}
        Err(refused) => told(&mut out, &refused),
    });
    let logged = log.0.lock().expect("no panic while locked").clone();
    out.push_str(&String::from_utf8_lossy(&logged));
    out
}

fn run(file: File, kept: Kept, out: &mut String) -> Result<(), Problem> {
    let (mut door, problems) = Door::new(&file.name, Arc::new(Exempt::default()), kept)?;
    problems.iter().for_each(|problem| told(out, problem));
    let _ = writeln!(out, "file {}", door.file());
    let (table, problems) = door.table(file.table)?;
    problems.iter().for_each(|problem| told(out, problem));
    let _ = writeln!(out, "table {table:?}");
    door.columns(&rules());
    let work = work(&table);
    let mut fold = Fold::new();
    for mut row in file.rows {
        let problems = door.row(&mut row)?;
        for problem in problems {
            told(out, &problem);
            quarantine(out, problem, &row);
        }
        fold.add(participant(&work, &row))?;
    }
    let folded = fold.finish();
    let scales = Scales::default();
    folded.problems(&scales).iter().for_each(|problem| told(out, problem));
    for observation in folded.observations(&scales) {
        let _ = writeln!(out, "{observation:?}");
    }
    let meta = Meta {
        connector: "canary".to_owned(),
        original: "0".to_owned(),
        file: door.file().to_owned(),
    };
    let mut bytes = Vec::new();
    write(&folded, &meta, &mut bytes).expect("memory");
    out.push_str(&String::from_utf8(bytes).expect("JSON is text"));
    Ok(())
}

fn told(out: &mut String, problem: &Problem) {
    tracing::warn!(code = problem.code(), "{problem}");
    let _ = writeln!(out, "{problem}\n{}\n{problem:?}", problem.ru_line());
}

/// What the room `normalise` writes for a refused row: the cleaned cells of the declared columns.
fn quarantine(out: &mut String, problem: Problem, row: &Row) {
    let cleaned: Vec<String> = OPEN
        .iter()
        .filter_map(|at| row.cells.get(*at))
        .map(Cell::text)
        .collect();
    let refused = Quarantined {
        problem,
        column: None,
        rule: None,
        unit: None,
        cleaned: cleaned.join("|"),
    };
    let _ = writeln!(out, "{refused:?}");
}

fn work(table: &Table) -> Arc<Work> {
    let task = |label: &str, column| Task {
        label: label.to_owned(),
        max: Some(2),
        column,
    };
    Arc::new(Work {
        procedure: Procedure::Vpr,
        round: "vpr/2021-22/spring".into(),
        subject: "math".into(),
        grade: Some(5),
        sheet: table.sheet.as_deref().map(Arc::from),
        tasks: vec![task("1", 6), task("2", 7)],
        columns: vec![("total", 8, table.columns[7].path.concat())],
    })
}

fn participant(work: &Arc<Work>, row: &Row) -> Participant {
    let text = |at: usize| row.cells.get(at).map(Cell::text).filter(|text| !text.is_empty());
    Participant {
        work: Arc::clone(work),
        unit: Arc::new(UnitRef {
            login: text(0),
            name: text(1),
            ..UnitRef::default()
        }),
        row: row.number,
        code: text(4),
        uploaded_at: None,
        attendance: Attendance::Took,
        tasks: vec![
            text(5)
                .and_then(|text| text.parse().ok())
                .map_or(TaskResult::Blank, TaskResult::Points),
            TaskResult::Skipped,
        ],
        total: None,
        mark: None,
        journal: None,
        test_score: None,
        sex: Some("m"),
        category: text(7).map(Arc::from),
    }
}

fn assert_clean(out: &str, what: &str) {
    let lower = out.to_lowercase();
    for mark in MARKS {
        assert!(!lower.contains(mark), "{what}: `{mark}` came out:\n{out}");
    }
}

#[test]
fn a_list_of_pupils_leaves_totals_only() {
    let out = everything_that_comes_out(file(30), Kept::Folded);
    assert_clean(&out, "the list");
    assert!(out.contains("\"participants\":10"), "the totals are there:\n{out}");
    assert!(out.contains("Громова"), "a school named after a person keeps its name");
}

#[test]
fn no_person_in_a_cell_comes_out_whatever_the_column() {
    for person in PERSONS {
        for at in OPEN {
            for kept in [Kept::Folded, Kept::Raw] {
                let mut file = file(5);
                file.rows[2].cells[at] = Cell::Text((*person).to_owned());
                let out = everything_that_comes_out(file, kept);
                assert_clean(&out, &format!("{person} in column {}", at + 1));
                assert!(
                    out.contains("MSK-PRV-"),
                    "{person} in column {} is told:\n{out}",
                    at + 1
                );
            }
        }
    }
}

#[test]
fn no_person_in_names_and_headers_comes_out() {
    for person in PERSONS {
        let mut files = vec![file(3); 4];
        files[0].name = format!("{person}.xlsx");
        files[1].table.sheet = Some((*person).to_owned());
        files[2].table.columns[7].path.push((*person).to_owned());
        files[3].table.above.push((*person).to_owned());
        for (file, what) in files
            .into_iter()
            .zip(["file name", "sheet", "header", "above the header"])
        {
            let out = everything_that_comes_out(file, Kept::Raw);
            assert_clean(&out, &format!("{person} as {what}"));
            assert!(out.contains("MSK-PRV-"), "{person} as {what} is told:\n{out}");
        }
    }
}

/// Reads a file through a shipped connector; everything that comes out is clean.
fn read_whole(connector: &str, name: &str, bytes: &[u8]) -> ReadSummary {
    let connectors = msoko::manifest::shipped();
    let connector = connectors.iter().find(|known| known.id == connector);
    let reading = Reading {
        connector: connector.expect("is shipped"),
        subjects: &msoko::manifest::shipped_subjects(),
        scales: &Scales::default(),
        options: &BTreeMap::new(),
        register: None,
        exempt: &Arc::new(Exempt::default()),
        today: chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date"),
        batch: 1,
    };
    let mut out = String::new();
    let summary = read(
        Input::memory(name, bytes),
        &reading,
        &mut |_, _, _| Ok(()),
        &mut |batch| {
            let _ = writeln!(out, "{batch:?}");
            Ok(())
        },
    );
    let summary = summary.expect("the sink takes everything");
    let _ = writeln!(out, "{summary:?}");
    assert_clean(&out, name);
    assert_eq!((summary.refused.as_ref(), summary.observations), (None, 1), "{out}");
    summary
}

fn workbook(change: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Свод").expect("a name");
    sheet.write(0, 0, "Результаты ЕГЭ 2025").expect("a cell");
    sheet
        .write_row(1, 0, ["Муниципалитет", "Школа", "Код ОО", "Физика"])
        .expect("cells");
    sheet.write(2, 3, "Участников").expect("a cell");
    sheet.write_row(3, 0, ["Верхнее", "Лицей № 1", "101"]).expect("cells");
    sheet.write(3, 3, 12).expect("a cell");
    change(&mut book);
    book.save_to_buffer().expect("a workbook")
}

#[test]
fn a_workbook_with_a_person_anywhere_is_not_kept_as_it_came() {
    let person = "Канарейкин Маяк Маякович";
    let clean = workbook(|_| {});
    assert!(read_whole("gia-svod", "свод.xlsx", &clean).raw_is_clean);
    let second = |book: &mut Workbook, hidden: bool| {
        let sheet = book.add_worksheet();
        sheet.write(4, 4, person).expect("a cell");
        sheet.set_hidden(hidden);
    };
    let note = |book: &mut Workbook| {
        let sheet = book.worksheet_from_index(0).expect("the first sheet");
        sheet.insert_note(3, 3, &Note::new(person)).expect("a note");
    };
    let author = |book: &mut Workbook| {
        book.set_properties(&DocProperties::new().set_author(person));
    };
    for (what, bytes) in [
        ("лист без заголовка", workbook(|book| second(book, false))),
        ("скрытый лист", workbook(|book| second(book, true))),
        ("примечание", workbook(note)),
        ("автор", workbook(author)),
    ] {
        assert!(!read_whole("gia-svod", "свод.xlsx", &bytes).raw_is_clean, "{what}");
    }
}

#[test]
fn a_feed_with_a_person_anywhere_is_not_kept_as_it_came() {
    let person = "Канарейкин Маяк Маякович";
    let record = "ogrn='1029900000019' procedure='vpr' year='2024-25' season='spring' subject='math' grade='5' \
        measure='participants' value='42'";
    let feed = |root: &str, before: &str, more: &str, inside: &str| {
        format!("<rsoko version='1' {root}>{before}<observation {record} {more}>{inside}</observation></rsoko>")
    };
    assert!(read_whole("rsoko-feed", "feed.xml", feed("", "", "", "").as_bytes()).raw_is_clean);
    for text in [
        feed(&format!("author='{person}'"), "", "", ""),
        feed("", &format!("<!-- {person} -->"), "", ""),
        feed("", &format!("<author>{person}</author>"), "", ""),
        feed("", "", &format!("fio='{person}'"), ""),
        feed("", "", "", person),
        feed("", "", "", &format!("<fio>{person}</fio>")),
        feed("", "", "", &format!("<fio text='{person}'/>")),
    ] {
        assert!(
            !read_whole("rsoko-feed", "feed.xml", text.as_bytes()).raw_is_clean,
            "{text}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn several_persons_in_one_file_do_not_come_out(
        persons in prop::collection::vec((0usize..6, 1usize..OPEN.len(), 0usize..PERSONS.len()), 1..6)
    ) {
        let mut file = file(6);
        for (row, column, person) in persons {
            file.rows[row].cells[OPEN[column]] = Cell::Text(PERSONS[person].to_owned());
        }
        assert_clean(&everything_that_comes_out(file, Kept::Folded), "several");
    }
}
