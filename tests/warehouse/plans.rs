//! Every statement of the product finds its rows by an index: the plans of both databases are read.
//!
//! The demonstration, the verbs and what no verb does run as processes that log their statements; each of these is then
//! explained on the database that was left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqlSafeStr, SqliteConnection};

use crate::life;
use crate::server::Server;

/// Tables that grow for as long as the service runs.
const GROWING: [&str; 15] = [
    "observation",
    "fact",
    "quarantine",
    "run",
    "snapshot",
    "outbox",
    "outbox_attempt",
    "alert_mark",
    "report",
    "report_input",
    "http_validator",
    "audit",
    "run_reference",
    "territory_sum",
    "territory_stale",
];

/// Statements that read a whole table on purpose, by a piece of their text, with the reason.
const WHOLE: [(&str, &str); 12] = [
    (
        "(select max(id) from observation)",
        "the last row of a table, found at once",
    ),
    (
        "created_at from report where $1 is null",
        "documents, newest first, some hundreds a year",
    ),
    ("from outbox where $1 is null", "newest first, ends at the limit"),
    ("from outbox group by state", "along the index alone"),
    (
        "where i.report = $1) order by d.id desc",
        "loads, newest first, ends at the limit",
    ),
    (
        "from run where state = 'loading'",
        "an index of the few loads under way",
    ),
    (
        "where o.superseded_by is not null order by d.id desc",
        "loads, newest first, ends at the limit",
    ),
    (
        "from territory_stale s where not exists",
        "what waits to be computed; nothing after a pull",
    ),
    ("limit 1001", "`db verify` follows every reference and every key"),
    (
        "select id, digest from run where state = 'published'",
        "`db verify --full` adds up every load",
    ),
    (
        "having max(fetched_at) < $1",
        "the last delivery of equal bytes, once a night",
    ),
    (
        "select snapshot from current_observation group by snapshot",
        "what numbers stand on, once a night and only when a snapshot is old",
    ),
];

/// Indexes that hold only the rows that still wait: reading all of one is what is asked for.
const FEW: [&str; 3] = ["quarantine_open", "quarantine_waiting", "run_loading"];

/// Verbs that work with the warehouse of the demonstration.
const VERBS: [&[&str]; 25] = [
    &["status"],
    &["units", "list"],
    &["units", "unknown"],
    &["quarantine", "list"],
    &["quarantine", "show", "1"],
    &["quarantine", "replay"],
    &["deadlines", "list"],
    &["deadlines", "done", "1/20@2026-03-01", "--evidence", "приказ № 1"],
    &["mail", "outbox"],
    &["mail", "preview", "1"],
    &["mail", "retry"],
    &["report", "list"],
    &["report", "render", "R-VPR", "--period", "2024-25", "--out", "again"],
    &["explain", "R-VPR/2024-25/1", "Таблица 4", "D20"],
    &["explain", "--diff", "vpr-inbox"],
    &["explain", "--diff", "R-VPR/2024-25/1"],
    &["explain", "--diff"],
    &["explain", "--diff", "1"],
    &["units", "sums", "vg", "--round", "vpr/2024-25/spring"],
    &["units", "sums", "ru-99", "--children", "--round", "vpr/2024-25/spring"],
    &["audit", "period", "--from", "2026-01-01", "--to", "2026-12-31"],
    &["db", "export", "--out", "out", "--history"],
    &["db", "export", "--out", "part", "--unit", "vg-01"],
    &["db", "verify", "--full"],
    &["db", "retain"],
];

/// The distinct statements of the demonstration, the verbs and a life that no verb leads.
fn statements(dir: &Path, database: Option<&str>) -> BTreeSet<String> {
    let mut said = String::new();
    let mut demo = vec!["demo", "--dir", "demo"];
    demo.extend(database.iter().flat_map(|url| ["--database", url]));
    said.push_str(&logged(dir, &demo));
    for verb in VERBS {
        let words = [&["--config", "demo/config/msoko.toml"], verb].concat();
        said.push_str(&logged(dir, &words));
    }
    let embedded = format!("sqlite:{}", dir.join("demo/msoko.db").display());
    said.push_str(&life::logged(database.unwrap_or(&embedded)));
    let texts = said.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).ok()?;
        let fields = &event["fields"];
        let whole = fields["db.statement"]
            .as_str()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let text = whole.or_else(|| fields["summary"].as_str())?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let reads = ["select", "update", "delete", "with", "insert"];
        reads.iter().any(|word| text.starts_with(word)).then_some(text)
    });
    texts
        .filter(|text| !text.contains("sqlite_schema") && !text.contains("_sqlx_"))
        .collect()
}

fn logged(dir: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_msoko"))
        .current_dir(dir)
        .args(["--log", "trace", "--log-format", "json"])
        .args(words)
        .output()
        .expect("the program starts");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{words:?} ended with {}", output.status);
    said
}

/// Which table a name in a statement stands for.
fn tables(text: &str) -> BTreeMap<&str, &str> {
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    // A view is read under the name of its table; a table that is not named is looked at for its references alone.
    let is_named = |name: &str| {
        words
            .iter()
            .any(|word| word.strip_prefix("current_").unwrap_or(word) == name)
    };
    let named = GROWING.into_iter().filter(|name| is_named(name));
    let mut tables: BTreeMap<&str, &str> = named.map(|name| (name, name)).collect();
    for (position, word) in words.iter().enumerate() {
        if GROWING.contains(word)
            && let Some(alias) = words.get(position + 1)
        {
            tables.entry(alias).or_insert(*word);
        }
    }
    tables
}

fn on_purpose(text: &str) -> bool {
    WHOLE.iter().any(|(piece, _)| text.contains(piece))
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index_in_the_embedded_database() {
    let dir = tempfile::tempdir().expect("a folder");
    let statements = statements(dir.path(), None);
    assert!(statements.len() > 150, "only {} statements", statements.len());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("demo/msoko.db"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opened");
    let mut slow = Vec::new();
    for text in &statements {
        let explained = AssertSqlSafe(format!("explain query plan {text}")).into_sql_str();
        let plan = sqlx::query(explained).fetch_all(&mut connection).await.expect(text);
        let names = tables(text);
        for step in plan {
            let detail: String = step.get("detail");
            let few = FEW.iter().any(|index| detail.ends_with(index));
            let scanned = detail
                .strip_prefix("SCAN ")
                .filter(|_| !few)
                .and_then(|rest| rest.split(' ').next());
            if let Some(table) = scanned.and_then(|name| names.get(name)) {
                slow.push(format!("{table}: {detail}\n    {text}"));
            }
        }
    }
    slow.retain(|line| !on_purpose(line));
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index_on_a_server() {
    let Some(server) = Server::start(false) else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let statements = statements(dir.path(), Some(&server.url()));
    assert!(statements.len() > 150, "only {} statements", statements.len());
    let mut connection = PgConnection::connect(&server.url()).await.expect("connected");
    // Small tables are read whole whatever there is: forbidden, a plan does so only for want of an index.
    sqlx::query("set enable_seqscan = off")
        .execute(&mut connection)
        .await
        .expect("set");
    let mut slow = Vec::new();
    for text in &statements {
        for node in plan(&mut connection, text).await {
            slow.push(format!("{node}\n    {text}"));
        }
    }
    slow.retain(|line| !on_purpose(line));
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// Nodes of a plan that read a growing table from end to end.
async fn plan(connection: &mut PgConnection, text: &str) -> Vec<String> {
    let run = async |connection: &mut PgConnection, text: String| {
        let text = AssertSqlSafe(text.clone()).into_sql_str();
        sqlx::raw_sql(text).fetch_all(connection).await
    };
    let values = (1..).take_while(|number| text.contains(&format!("${number}"))).count();
    let nulls = vec!["null"; values].join(", ");
    let call = if values == 0 {
        "asked".to_owned()
    } else {
        format!("asked({nulls})")
    };
    run(connection, "set plan_cache_mode = force_generic_plan".to_owned())
        .await
        .expect("set");
    // The program gives types with its values; here one that does not follow is a text or else a number.
    let mut types = vec!["unknown"; values];
    while let Err(error) = run(connection, prepared(&types, text)).await {
        let said = error.to_string();
        let unclear = said.split_once("data type of parameter $").and_then(|(_, rest)| {
            let number: usize = rest.split(' ').next()?.parse().ok()?;
            Some(number - 1)
        });
        match unclear {
            Some(position) => types[position] = "text",
            None if types.contains(&"text") => types
                .iter_mut()
                .filter(|kind| **kind == "text")
                .for_each(|kind| *kind = "bigint"),
            None => panic!("{text}: {said}"),
        }
    }
    let rows = run(connection, format!("explain (format json) execute {call}"))
        .await
        .expect(text);
    run(connection, "deallocate asked".to_owned()).await.expect("freed");
    let told: String = rows[0].try_get_unchecked(0).expect("a plan");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let mut found = Vec::new();
    read(&told[0]["Plan"], &mut found);
    found
}

fn prepared(types: &[&str], text: &str) -> String {
    if types.is_empty() {
        format!("prepare asked as {text}")
    } else {
        format!("prepare asked ({}) as {text}", types.join(", "))
    }
}

fn read(node: &Value, found: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let table = node["Relation Name"].as_str().unwrap_or_default();
    if GROWING.contains(&table) && kind == "Seq Scan" {
        found.push(format!("{kind} on {table}"));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        read(child, found);
    }
}
