//! Walks the fixtures of the connector, and compares pages with gold files when `MSOKO_SITE_GOLD` names their folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/school-site/fixtures");

fn value_json(value: &FactValue) -> Value {
    match value {
        FactValue::Bool(value) => json!(value),
        FactValue::Number(amount) if amount.scale == 0 => json!(amount.units),
        FactValue::Number(amount) => json!(amount.to_f64()),
        FactValue::Text(text) => json!(text),
        FactValue::Date(day) => json!(day.to_string()),
        FactValue::List(values) => values.iter().map(value_json).collect(),
    }
}

/// The shape of a fact in `connector preview --format jsonl`.
fn fact_json(fact: &Fact, file: &str) -> Value {
    let mut line = Map::new();
    line.insert("kind".into(), json!("fact"));
    line.insert("code".into(), json!(fact.code));
    if let Some(value) = &fact.value {
        line.insert("value".into(), value_json(value));
    }
    if let Some(state) = fact.state {
        line.insert("state".into(), json!(state.as_str()));
    }
    for (key, text) in [
        ("unit_of_measure", fact.unit_of_measure),
        ("as_of", fact.as_of.as_deref()),
        ("url", fact.url.as_deref()),
    ] {
        if let Some(text) = text {
            line.insert(key.into(), json!(text));
        }
    }
    line.insert("confidence".into(), json!(fact.confidence));
    line.insert("origin".into(), json!({"file": file, "place": fact.place.as_str()}));
    Value::Object(line)
}

fn preview(path: &Path) -> Vec<Value> {
    let file = path.file_name().expect("a file").to_string_lossy().into_owned();
    let name = file.split('-').next().expect("a name");
    let section = Section::parse(name.split('.').next().expect("a stem")).expect("the name starts with a subsection");
    let headers = fs::read_to_string(path.with_extension("headers")).unwrap_or_default();
    let (status, headers) = parse_headers(&headers);
    let body = read_bytes(path);
    let answer = Answer {
        status,
        headers: &headers,
        body: &body,
    };
    let url = format!("https://school.example/sveden/{}", section.as_str());
    let reading = read_answer(
        Wanted::Subsection(section),
        &answer,
        &url,
        &Arc::new(UnitRef::default()),
    );
    let mut lines: Vec<Value> = reading.facts.iter().map(|fact| fact_json(fact, &file)).collect();
    for problem in &reading.problems {
        lines.push(
            json!({"kind": "quarantine", "code": problem.code(), "place": problem.place(), "reason": problem.ru()}),
        );
    }
    for problem in &reading.notes {
        lines.push(json!({"kind": "note", "code": problem.code(), "place": problem.place(), "reason": problem.ru()}));
    }
    if let Some(problem) = &reading.refused {
        lines.push(json!({"kind": "refused", "code": problem.code(), "reason": problem.ru()}));
    }
    lines
}

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

/// Every fixture gives exactly its expected lines. `MSOKO_WRITE_EXPECTED=1` writes them anew: read them then.
#[test]
fn every_page_of_the_connector_gives_its_expected_facts() {
    let pages = pages(FOLDER);
    assert!(pages.len() >= 8, "fixtures are missing: {}", pages.len());
    let mut refused = 0;
    for path in pages {
        let lines = preview(&path);
        refused += usize::from(lines.iter().any(|line| line["kind"] == "refused"));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let expected = path.with_extension("expected.jsonl");
        if std::env::var_os("MSOKO_WRITE_EXPECTED").is_some() {
            fs::write(&expected, &text).expect("the folder is writable");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        let wanted: Vec<Value> = wanted
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        assert_eq!(lines, wanted, "{}", path.display());
    }
    assert!(refused >= 2, "refusals are part of the connector");
}

/// No name of a teacher, head or founder's head that stands in the fixtures comes out in a fact.
#[test]
fn no_name_of_a_person_leaves_a_page() {
    for path in pages(FOLDER) {
        for line in preview(&path) {
            let text = line.to_string();
            assert!(
                !text.contains("Образцов") && !text.contains("Примеровн"),
                "{}: {text}",
                path.display()
            );
        }
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
    let facts: Vec<Value> = reading.facts.iter().map(|fact| fact_json(fact, "x")).collect();
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
