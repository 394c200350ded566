//! A shipped connector about pupils, from the bytes of a file to everything that leaves memory: no person comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use msoko::decode::Input;
use msoko::flow::preview::{preview_end, preview_lines};
use msoko::flow::read::{BATCH, Reading, read};
use msoko::manifest;
use msoko::message::Problem;
use msoko::privacy::detect::Exempt;

const HEADER: &str = "Код ОО;ОГРН;Код предмета;Предмет;Класс;ИД участника;Первичный балл;Тестовый балл;Отметка";
const ROW: [&str; 9] = [
    "990001",
    "1029900000019",
    "01",
    "Русский язык",
    "11А",
    "7700001",
    "40",
    "66",
    "-",
];
/// Position of the mark in a row.
const MARK: usize = 8;
/// An invented person in several forms, each with what must not come out.
const PERSONS: [(&str, &str); 6] = [
    ("Канарейкин Маяк Маякович", "канарейкин"),
    ("М.М. Канарейкина", "канарейкин"),
    ("Канарейкин Маяк, 12.05.2012 г.р.", "канарейкин"),
    ("112-233-445 95", "112-233"),
    ("паспорт 82 05 987654", "987654"),
    ("+7 928 133-44-55", "133-44"),
];
const CODES: &str = "77000";

/// Everything that comes out of a file: batches, lines of a preview, the summary with its statistics.
fn everything_that_comes_out(rows: &[[&str; 9]]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| row.join(";")).collect();
    let text = format!("{HEADER}\r\n{}\r\n", lines.join("\r\n"));
    let bytes = encoding_rs::WINDOWS_1251.encode(&text).0.into_owned();
    let connectors = manifest::shipped();
    let reading = Reading {
        connector: connectors
            .iter()
            .find(|connector| connector.id == "gia-participants")
            .expect("shipped"),
        subjects: &manifest::shipped_subjects(),
        scales: &msoko::scales::parse("scales.toml", msoko::scales::SHIPPED).0,
        options: &BTreeMap::new(),
        register: None,
        exempt: &Arc::new(Exempt::default()),
        today: chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a date"),
        batch: BATCH,
    };
    let mut out = String::new();
    let mut cleaned_keys = BTreeSet::new();
    let input = Input::memory("gia_2025.csv", bytes);
    let mut pages =
        |_: Input, _: &manifest::Site, _: &mut msoko::flow::read::TakeBatch<'_>| Err(Problem::new("MSK-RUN-13"));
    let summary = read(input, &reading, &mut pages, &mut |batch| {
        out.push_str(&format!("{batch:?}\n"));
        for line in preview_lines("gia_2025.csv", &batch) {
            out.push_str(&serde_json::to_string(&line).expect("a line"));
        }
        for row in &batch.quarantined {
            let cleaned: BTreeMap<String, String> = serde_json::from_str(&row.cleaned).unwrap_or_default();
            cleaned_keys.extend(cleaned.into_keys());
        }
        Ok(())
    })
    .expect("the receiver never fails");
    for line in preview_end(&summary) {
        out.push_str(&serde_json::to_string(&line).expect("a line"));
    }
    out.push_str(&format!("{summary:?}"));
    let of_unit = BTreeSet::from(["code".to_owned(), "ogrn".to_owned()]);
    assert!(cleaned_keys.is_subset(&of_unit), "{cleaned_keys:?}");
    out
}

#[test]
fn no_person_comes_out_of_a_table_of_pupils_whatever_the_column() {
    for column in 0..ROW.len() {
        for (person, mark) in PERSONS {
            let mut rows = [ROW; 3];
            rows[1][5] = "7700002";
            rows[1][column] = person;
            rows[2][5] = "7700003";
            let out = everything_that_comes_out(&rows).to_lowercase();
            for absent in [mark, CODES] {
                assert!(
                    !out.contains(absent),
                    "{person} in column {column}: `{absent}` in\n{out}"
                );
            }
        }
    }
}

#[test]
fn a_refused_row_about_a_pupil_keeps_only_what_names_the_organisation() {
    let mut rows = [ROW; 2];
    rows[1][5] = "7700002";
    rows[1][MARK] = "пять";
    let out = everything_that_comes_out(&rows);
    assert!(!out.contains(CODES), "{out}");
    assert!(
        out.contains(r#""{\"code\":\"990001\",\"ogrn\":\"1029900000019\"}""#),
        "{out}"
    );
}
