//! Pages beside their gold files when `MSOKO_SITE_GOLD` names the folder, and pages of chance.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::domain::observation::Batch;
use crate::flow::preview::preview_lines;

fn read_bytes(path: &Path) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "a test reads a fixture of the repository")]
    fs::read(path).expect("the fixture is there")
}

fn pages(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_page_says_what_of_it_was_not_read() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/school-site/fixtures");
    for (file, section, code) in [
        ("budget-unmarked.html", Section::Budget, "MSK-SITE-12"),
        ("education-file.html", Section::Education, "MSK-SITE-15"),
        ("vacant-requirement.html", Section::Vacant, "MSK-SITE-18"),
    ] {
        let answer = Answer {
            status: 200,
            headers: &[],
            body: &read_bytes(&Path::new(fixtures).join(file)),
        };
        let unit = Arc::new(UnitRef::default());
        let reading = read_answer(
            Wanted::Subsection(section),
            &answer,
            "https://school.example/sveden/x",
            &unit,
        );
        let notes: Vec<&str> = reading.notes.iter().map(Problem::code).collect();
        assert_eq!(notes, [code], "{file}");
        assert!(reading.problems.is_empty(), "{file}: {:?}", reading.problems);
    }
}

/// Compares with gold files outside the repository; silent without the variable.
#[test]
fn pages_of_a_gold_folder_give_their_gold() {
    let Some(folder) = std::env::var_os("MSOKO_SITE_GOLD") else {
        return;
    };
    for path in pages(&folder.to_string_lossy()) {
        let gold: Value = serde_json::from_slice(&read_bytes(&path.with_extension("gold.json"))).expect("gold");
        compare(&path, &gold);
    }
}

fn compare(path: &Path, gold: &Value) {
    let body = read_bytes(path);
    let section = Section::parse(gold["section"].as_str().expect("a section")).expect("known");
    let answer = Answer {
        status: 200,
        headers: &[],
        body: &body,
    };
    let reading = read_answer(
        Wanted::Subsection(section),
        &answer,
        "https://school.example/sveden/x",
        &Arc::new(UnitRef::default()),
    );
    assert!(reading.refused.is_none(), "{:?}", reading.refused);
    let batch = Batch {
        facts: reading.facts,
        ..Batch::default()
    };
    let facts: Vec<Value> = preview_lines("x", &batch)
        .map(|line| serde_json::to_value(line).expect("a line"))
        .collect();
    let list = |key: &str| gold[key].as_array().cloned().unwrap_or_default();
    for wanted in list("facts") {
        let found = facts.iter().find(|fact| fact["code"] == wanted["code"]);
        assert_eq!(
            found.map(|fact| &fact["value"]),
            Some(&wanted["value"]),
            "{}",
            wanted["code"]
        );
    }
    for unwanted in list("not_facts") {
        let also_wanted = list("facts").iter().any(|wanted| wanted["code"] == unwanted["code"]);
        assert!(
            also_wanted || !facts.iter().any(|fact| fact["code"] == unwanted["code"]),
            "{unwanted}"
        );
    }
    let PageKind::Html { text, .. } = classify(&answer) else {
        panic!("a page");
    };
    let page = tree::Page::parse(&text).expect("small");
    let marks = marks::Marks::of(&page);
    let wanted = list("microdata");
    assert_eq!(marks.list.len(), wanted.len());
    for (mark, wanted) in marks.list.iter().zip(wanted) {
        assert_eq!(json!(mark.names.join(" ")), wanted["itemprop"]);
        assert_eq!(json!(mark.parent), wanted["parent"]);
        assert_eq!(json!(page.tag(mark.node)), wanted["tag"]);
        if let Some(text) = wanted["text"].as_str() {
            let found = words::flat(&mark.text);
            assert!(
                found == text || wanted["text_truncated"] == json!(true) && found.starts_with(text),
                "{found}"
            );
        }
        if wanted["href"].is_array() {
            assert_eq!(json!(mark.hrefs), wanted["href"]);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    /// Whatever stands on a page, reading ends with facts and problems.
    #[test]
    fn no_page_stops_the_reading(
        section in 0usize..Section::ALL.len(),
        pieces in proptest::collection::vec(
            "<(table|tr|td|p|b|li|h1|br|a href=x\\.pdf|/table|/p)( itemprop=(vacant|fio|teachingStaff|regDate|telephone|numberBMVacant|eduCourse|ustavDocLink))?>|Телефон: |Учредитель|Документы|[0-9а-яё–—«:;. ]{0,12}|9999999999999999999|нет",
            0..80,
        ),
    ) {
        let section = Section::ALL[section];
        let text = format!("<h1 itemprop=vacant>{}</h1>{}", section.as_str(), pieces.concat());
        let _ = read(section, &text, "https://school.example/x", &Arc::new(UnitRef::default()));
        let marked = format!("<p itemprop='regDate vacant teachingStaff eduOp ustavDocLink'>{}", pieces.concat());
        let (facts, _) = read(section, &marked, "https://school.example/x", &Arc::new(UnitRef::default()));
        proptest::prop_assert!(facts.iter().any(|fact| fact.code == "subsection_content_state"));
    }
}
