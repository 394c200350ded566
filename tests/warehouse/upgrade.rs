//! A database of an earlier program, with all that it held, under this one: nothing is lost and everything works.

use std::process::Command;

use msoko::domain::unit::UnitId;
use msoko::warehouse::Access;
use msoko::warehouse::corrections::Corrected;
use msoko::warehouse::territories::SumQuery;
use msoko::warehouse::verify::Depth;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection};

use crate::district::{District, ROUND, at, number, open};
use crate::export::configured;
use crate::opening::first_migrations;
use crate::server::Server;

/// The first schema with numbers, and the last one without any of what 0011 to 0019 brought.
const SCHEMAS: std::ops::RangeInclusive<usize> = 3..=10;

const REPORT: &str = "R-VPR/2024-25/1";
/// The number that was corrected, and that the report printed before.
const KEY: &str = "school-1 · vpr/2024-25/spring · mark_count · ru · 5 · mark=2";

/// What a program of each schema added to the tables of the one before it. Two files of one source, the second with a
/// correction, and a load that was cut off; `ONE` and `TWO` are the hashes of their bytes.
const HELD: [(usize, &str); 7] = [
    (
        3,
        "insert into unit (id, kind, title, short_title, parent, changed_at) values \
           ('ru', 'country', 'РФ', 'РФ', null, '2026-02-02T07:00:00.000Z'), \
           ('r', 'region', 'Край', 'Край', 'ru', '2026-02-02T07:00:00.000Z'), \
           ('vg', 'municipality', 'Район', 'Район', 'r', '2026-02-02T07:00:00.000Z'), \
           ('school-1', 'general', 'СОШ № 1', 'СОШ № 1', 'vg', '2026-02-02T07:00:00.000Z'), \
           ('school-2', 'general', 'СОШ № 2', 'СОШ № 2', 'vg', '2026-02-02T07:00:00.000Z'); \
         insert into alias (system, value, unit, changed_at) values \
           ('fis_oko', 'sch990001', 'school-1', '2026-02-02T07:00:00.000Z'); \
         insert into snapshot (hash, source, connector, file, size, fetched_at) values \
           ('ONE', 'vpr', 'vpr-protocol', 'a.xlsx', 3, '2026-02-02T07:01:00.000Z'), \
           ('TWO', 'vpr', 'vpr-protocol', 'a.xlsx', 3, '2026-02-02T07:02:00.000Z'); \
         insert into run (source, series, snapshot, manifest, state, first_observation, first_fact, rows_read, \
           observations_new, observations_changed, observations_unchanged, quarantined, started_at, finished_at) values \
           ('vpr', 'a.xlsx', 1, 'm1', 'published', 0, 0, 3, 3, 0, 0, 0, '2026-02-02T07:01:00.000Z', '2026-02-02T07:01:10.000Z'), \
           ('vpr', 'a.xlsx', 2, 'm1', 'published', 3, 1, 3, 0, 1, 2, 1, '2026-02-02T07:02:00.000Z', '2026-02-02T07:02:10.000Z'), \
           ('vpr', 'b.xlsx', 2, 'm1', 'loading', 4, 2, 0, 0, 0, 0, 0, '2026-02-02T07:03:00.000Z', null); \
         insert into observation (unit, procedure, round, measure, subject, grade, breakdown, value, place, snapshot, run, \
           superseded_by) values \
           ('school-1', 'vpr', 'vpr/2024-25/spring', 'mark_count', 'ru', 5, 'mark=2', 7, 'Классы!F1', 1, 1, 2), \
           ('school-1', 'vpr', 'vpr/2024-25/spring', 'mark_count', 'ru', 5, 'mark=3', 5, 'Классы!F2', 1, 1, null), \
           ('school-2', 'vpr', 'vpr/2024-25/spring', 'mark_count', 'ru', 5, 'mark=2', 6, 'Классы!F3', 1, 1, null), \
           ('school-1', 'vpr', 'vpr/2024-25/spring', 'mark_count', 'ru', 5, 'mark=2', 8, 'Классы!F1', 2, 2, 3), \
           ('school-1', 'vpr', 'vpr/2024-25/spring', 'mark_count', 'ru', 5, 'mark=2', 99, 'Классы!F1', 2, 3, null);",
    ),
    (
        4,
        "insert into fact (unit, code, value, value_type, state, confidence, source_kind, place, snapshot, run, first_seen, \
           last_seen, superseded_by) values \
           ('school-1', 'org_email', '\"a@school.example\"', 'text', 'present', 90, 'microdata', '/html', 1, 1, \
            '2026-02-02T07:01:00.000Z', '2026-02-02T07:01:00.000Z', 2), \
           ('school-1', 'org_email', '\"b@school.example\"', 'text', 'present', 90, 'microdata', '/html', 2, 2, \
            '2026-02-02T07:02:00.000Z', '2026-02-02T07:02:00.000Z', null);",
    ),
    (
        5,
        "insert into quarantine (run, snapshot, source, series, place, code, args, cleaned, created_at) values \
           (2, 2, 'vpr', 'a.xlsx', 'C!2', 'MSK-SNP-05', '{}', '{}', '2026-02-02T07:02:00.000Z');",
    ),
    (
        6,
        "insert into source_state (source, last_started, last_finished, last_success, rows_read) values \
           ('vpr', '2026-02-02T07:02:00.000Z', '2026-02-02T07:02:10.000Z', '2026-02-02T07:02:10.000Z', 3); \
         insert into http_validator (url, source, etag, checked_at) values \
           ('http://feed.example/a.xlsx', 'vpr', '\"1\"', '2026-02-02T07:02:00.000Z');",
    ),
    (
        7,
        "insert into evidence (deadline, document, done_by, done_at) values \
           ('1/20@2026-03-01', 'приказ № 1', 'специалист', '2026-02-02T07:04:00.000Z'); \
         insert into alert_mark (cause, stage, recipient, letter, marked_at) values \
           ('1/20@2026-03-01', 'month', 'a@office.example', 'k1', '2026-02-02T07:04:00.000Z');",
    ),
    (
        8,
        "insert into outbox (key, kind, recipient, subject, message, state, attempt, created_at, finished_at) values \
           ('k1', 'digest', 'a@office.example', 'Сроки', MESSAGE, 'sent', 1, '2026-02-02T07:04:00.000Z', \
            '2026-02-02T07:05:00.000Z'); \
         insert into outbox_attempt (letter, attempt, started_at, finished_at, outcome) values \
           (1, 1, '2026-02-02T07:04:30.000Z', '2026-02-02T07:05:00.000Z', 'sent');",
    ),
    (
        9,
        "insert into report (id, code, period, number, fingerprint, document, created_at) values \
           ('REPORT', 'R-VPR', '2024-25', 1, 'f', '{\"rules\":\"1\",\"tables\":[{\"number\":1,\"caption\":\"Отметки\"}], \
            \"cells\":{\"1!B2\":{\"printed\":\"7\",\"sources\":[0]}},\"sources\":[{\"key\":\"KEY\",\"unit\":\"school-1\", \
            \"value\":\"7\",\"file\":\"a.xlsx\",\"place\":\"Классы!F1\",\"snapshot\":\"ONE\", \
            \"received\":\"2026-02-02T10:01:00+03:00\"}],\"conclusions\":[],\"hidden\":[]}', '2026-02-02T07:01:30.000Z');",
    ),
];

/// Makes a database as a program of that schema left it.
async fn left_by(schema: usize, url: &str, [one, two]: &[String; 2]) {
    let added = HELD.iter().filter(|(since, _)| *since <= schema);
    let text: String = added.map(|(_, text)| *text).collect();
    let (text, is_file) = (text.replace("ONE", one).replace("TWO", two), url.starts_with("sqlite:"));
    let message = if is_file { "x'6f6e65'" } else { "'\\x6f6e65'" };
    let text = text
        .replace("MESSAGE", message)
        .replace("REPORT", REPORT)
        .replace("KEY", KEY);
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    if is_file {
        let options: sqlx::sqlite::SqliteConnectOptions = url.parse().expect("an address");
        let options = options.create_if_missing(true);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
        let old = first_migrations("sqlite", schema);
        old.run_direct(None, &mut connection, false).await.expect("an old file");
        text.execute(&mut connection).await.expect("filled");
        connection.close().await.expect("closed");
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("connected");
        let empty = sqlx::raw_sql("drop schema public cascade; create schema public");
        empty.execute(&mut connection).await.expect("emptied");
        let old = first_migrations("postgres", schema);
        old.run_direct(None, &mut connection, false)
            .await
            .expect("an old database");
        text.execute(&mut connection).await.expect("filled");
    }
}

/// Marks «2» and «3» of a territory.
async fn sums(district: &District, territory: &str) -> Vec<i64> {
    let query = SumQuery {
        territory: UnitId(territory.to_owned()),
        children: false,
        rounds: vec![ROUND.to_owned()],
        measures: Vec::new(),
        subjects: Vec::new(),
    };
    let found = district.warehouse.territory_sums(&query).await.expect("read");
    found.iter().map(|sum| sum.value.units).collect()
}

async fn sums_are(district: &District, expected: [i64; 2]) {
    for territory in ["ru", "r", "vg"] {
        assert_eq!(sums(district, territory).await, expected, "{territory}");
    }
}

/// What the executable says of the warehouse.
fn explained(district: &District, words: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_msoko"))
        .arg("--config")
        .arg(configured(district))
        .args(["--format", "json", "explain"])
        .args(words)
        .output()
        .expect("the executable");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn nothing_is_lost(schema: usize, url: String) {
    let dir = tempfile::tempdir().expect("a folder");
    let url = if url.is_empty() {
        format!("sqlite:{}", dir.path().join("msoko.db").display())
    } else {
        url
    };
    let store = dir.path().join("snapshots");
    let hashes = ["one", "two"].map(|bytes| msoko::snapshot::keep(&store, bytes.as_bytes()).expect("kept").hash);
    left_by(schema, &url, &hashes).await;
    let warehouse = open(&url, Access::Hold).await.expect("upgraded");
    let district = District {
        dir,
        warehouse,
        url,
        server: None,
    };
    let warehouse = &district.warehouse;

    // The cut-off load is gone, what held holds.
    assert_eq!(district.history(1, 2).await, [7, 8], "{schema}");
    assert_eq!(district.values().await.len(), 3);
    assert!(warehouse.has_stale_sums().await.expect("read"));
    sums_are(&district, [14, 5]).await;
    while warehouse.refresh_sums().await.expect("refreshed") {}
    sums_are(&district, [14, 5]).await;
    let verdict = warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!(
        (verdict.findings, verdict.loads, verdict.without_digest),
        (vec![], 0, 2)
    );

    // It goes on: a correction, with its sums and its record.
    let rows = vec![number(1, 2, 9, 1), number(1, 3, 5, 2), number(2, 2, 6, 3)];
    let again = district.load("a.xlsx", rows).await;
    assert_eq!((again.observations_changed, again.observations_unchanged), (1, 2));
    sums_are(&district, [15, 5]).await;
    let verdict = warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!(
        (verdict.findings, verdict.loads, verdict.without_digest),
        (vec![], 1, 2)
    );
    let records = warehouse.audit((at(-10), at(9000)), 0, 10).await.expect("read");
    let told: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(told, ["load_published"]);
    let corrections = warehouse.corrections(&Corrected::Everywhere, 10).await.expect("read");
    assert_eq!(corrections.len(), 2);
    explains(&district, schema, &hashes).await;
}

/// Every version of the number, what was corrected, and the document that printed the first one.
async fn explains(district: &District, schema: usize, [one, _]: &[String; 2]) {
    let number = explained(district, &[KEY]);
    let versions = number["versions"].as_array().expect("a list");
    let values: Vec<_> = versions.iter().map(|version| version["value"].as_i64()).collect();
    assert_eq!(values, [Some(7), Some(8), Some(9)], "{number}");
    assert_eq!(number["versions"][0]["snapshot"].as_str(), Some(one.as_str()));
    let told = explained(district, &["--diff", KEY]);
    let first = &told[1];
    assert_eq!(
        (&first["old"]["value"], &first["new"]["value"]),
        (&7.into(), &8.into()),
        "{told}"
    );
    if schema < 9 {
        return;
    }
    assert_eq!(first["documents"][0]["id"], REPORT, "{told}");
    assert_eq!(first["documents"][0]["cells"], serde_json::json!(["1!B2"]));
    assert_eq!(district.warehouse.reports_on(one).await.expect("read"), [REPORT]);
    let cell = explained(district, &[REPORT, "Таблица 1", "B2"]);
    assert_eq!(cell["sources"][0]["place"], "Классы!F1", "{cell}");
}

#[tokio::test]
async fn a_file_of_an_earlier_program_goes_on_with_all_its_numbers() {
    for schema in SCHEMAS {
        nothing_is_lost(schema, String::new()).await;
    }
}

#[tokio::test]
async fn a_server_of_an_earlier_program_goes_on_with_all_its_numbers() {
    let Some(server) = Server::start(false) else { return };
    for schema in SCHEMAS {
        nothing_is_lost(schema, server.url()).await;
    }
}
