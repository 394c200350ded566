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
        let lines = proof::lines(connector, fixture, &self.subjects, &self.scales);
        lines.unwrap_or_else(|problems| panic!("{}: {problems:#?}", fixture.display()))
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
