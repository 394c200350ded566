//! Every fixture of every connector gives exactly its expected lines. No registration: a folder is enough.
//!
//! `fixtures/NAME.ext` is the file, `fixtures/NAME.expected.jsonl` the output of `connector preview --format jsonl`,
//! `fixtures/NAME.options.toml` (where needed) what a source would say besides the file.
//! `UPDATE_EXPECTED=1 cargo nextest run --test connectors` writes the expected files anew: read the difference.

use std::path::{Path, PathBuf};

use msoko::domain::scale::Scales;
use msoko::domain::subjects::Subjects;
use msoko::flow::proof;
use msoko::manifest::{self, Connector, Personal};

/// Years that begin later have not begun.
const TODAY: chrono::NaiveDate = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date");

/// What every reading needs besides the connector.
struct Shipped {
    subjects: Subjects,
    scales: Scales,
}

impl Shipped {
    fn new() -> Self {
        Self {
            subjects: manifest::shipped_subjects(),
            scales: msoko::scales::parse("scales.toml", msoko::scales::SHIPPED).0,
        }
    }

    fn lines(&self, connector: &Connector, fixture: &Path) -> String {
        let lines = proof::lines(connector, fixture, &self.subjects, &self.scales, TODAY);
        lines.unwrap_or_else(|problems| panic!("{}: {problems:#?}", fixture.display()))
    }

    fn lines_of(&self, connector: &Connector, name: &str, bytes: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        self.lines(connector, &file).lines().map(str::to_owned).collect()
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("the folder of connectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_fixture_gives_its_expected_lines() {
    let shipped = Shipped::new();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    for folder in folders() {
        let connector = manifest::load(&folder).unwrap_or_else(|problems| panic!("{problems:#?}"));
        for fixture in proof::fixtures(&folder) {
            let found = shipped.lines(&connector, &fixture);
            let file = fixture.with_extension("expected.jsonl");
            if update {
                std::fs::write(&file, &found).expect("write the expected lines");
                continue;
            }
            let expected = std::fs::read_to_string(&file).unwrap_or_default();
            if found != expected {
                let differs = |(one, other): &(&str, &str)| one != other;
                let first = found.lines().zip(expected.lines()).find(differs);
                wrong.push(format!("{}: {first:#?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_connector_proves_a_reading_and_a_refusal() {
    for folder in folders() {
        let texts: Vec<String> = proof::fixtures(&folder)
            .iter()
            .map(|fixture| std::fs::read_to_string(fixture.with_extension("expected.jsonl")).unwrap_or_default())
            .collect();
        let refused = |text: &&String| text.contains("\"refused\":true");
        assert!(
            texts.iter().any(|text| refused(&text)),
            "{}: no refusal",
            folder.display()
        );
        assert!(
            texts.iter().any(|text| !refused(&text)),
            "{}: no reading",
            folder.display()
        );
        assert!(folder.join("README.md").exists(), "{}: no provenance", folder.display());
    }
}

#[test]
fn no_name_of_a_person_leaves_a_page() {
    let shipped = Shipped::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/school-site");
    let connector = manifest::load(&folder).expect("a manifest");
    let names = ["Образцов", "Примеровн"];
    let mut named = 0;
    for fixture in proof::fixtures(&folder) {
        let page = std::fs::read_to_string(&fixture).unwrap_or_default();
        named += usize::from(names.iter().any(|name| page.contains(name)));
        let lines = shipped.lines(&connector, &fixture);
        let found = names.iter().find(|name| lines.contains(**name));
        assert_eq!(found, None, "{}: {lines}", fixture.display());
    }
    assert!(named > 0, "no page names a person");
}

#[test]
fn the_executable_carries_every_connector_of_the_folder() {
    let shipped: Vec<String> = manifest::shipped().into_iter().map(|connector| connector.id).collect();
    let mut folders: Vec<String> = folders()
        .iter()
        .map(|folder| manifest::load(folder).expect("a manifest").id)
        .collect();
    folders.sort();
    assert_eq!(shipped, folders);
}

#[test]
fn a_folded_connector_is_the_only_kind_that_reads_rows_about_pupils() {
    for connector in manifest::shipped() {
        assert_eq!(
            connector.personal == Personal::Folded,
            connector.participant.is_some(),
            "{}",
            connector.id
        );
    }
}

#[test]
fn an_unknown_subject_of_a_header_leaves_its_columns_out_and_is_told_once() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Свод").expect("a name");
    sheet.write(0, 0, "Результаты ЕГЭ 2025").expect("a cell");
    let header = ["Муниципалитет", "Школа", "Код ОО", "Физика", "Суахили", "Суахили"];
    sheet.write_row(1, 0, header).expect("cells");
    let below = ["Участников", "Участников", "Средний балл"];
    sheet.write_row(2, 3, below).expect("cells");
    for row in 3..8 {
        sheet.write_row(row, 0, ["Верхнее", "Лицей", "101"]).expect("cells");
        sheet.write_row(row, 3, [12, 3, 50]).expect("cells");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    let connectors = manifest::shipped();
    let connector = connectors
        .iter()
        .find(|known| known.id == "gia-svod")
        .expect("is shipped");
    let lines = Shipped::new().lines_of(connector, "свод.xlsx", &bytes);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert!(
        lines[..5].iter().all(|line| line.contains("\"subject\":\"physics\"")),
        "{lines:#?}"
    );
    assert!(
        lines[5].ends_with(
            "\"quarantined\":0,\"refused\":false,\"warnings\":[\"MSK-NRM-03: Суахили / Участников: неизвестный предмет «Суахили»\"]}"
        ),
        "{}",
        lines[5]
    );
}

#[test]
fn a_record_may_carry_a_field_under_any_of_its_names() {
    let text = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'x'\nprocedures = 'vpr'\n[decode.xml]\nrecord = '/f/o'\n\
        [[context]]\nname = 'school_year'\nfrom = 'file_name'\npattern = '(?<v>2024-25)'\n\
        [[column]]\nname = 'code'\nat = '@code'\nclass = 'key'\n\
        [[column]]\nname = 'n'\nat = ['@value', '@znachenie']\nclass = 'measure'\ntype = 'integer'\n\
        [unit]\ncode = 'code'\n[[observation]]\nmeasure = 'participants'\nvalue = 'n'\n";
    let connector = manifest::parse("x.toml", text).expect("a manifest");
    let feed = "<f><o code='1' value='5'/><o code='2' znachenie='6'/><o code='3' value='7' znachenie='8'/></f>";
    let lines = Shipped::new().lines_of(&connector, "2024-25.xml", feed.as_bytes());
    for (line, expected) in lines.iter().zip([
        ("\"value\":5", "/f/o[1]/@value"),
        ("\"value\":6", "/f/o[2]/@znachenie"),
        ("\"value\":7", "/f/o[3]/@value"),
    ]) {
        assert!(line.contains(expected.0) && line.contains(expected.1), "{lines:#?}");
    }
    assert_eq!(lines.len(), 4, "{lines:#?}");
}
