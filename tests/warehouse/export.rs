//! What leaves the warehouse: the same text from either database, what holds and what held, and nothing that a reader
//! may not see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use msoko::app::learn;
use msoko::clock::Clock;
use msoko::domain::fact::{Fact, FactValue};
use msoko::domain::observation::{Amount, Batch, Breakdown, Observation};
use msoko::domain::unit::{Alias, Unit, UnitId, UnitRef};
use msoko::domain::vocabulary::{AliasSystem, Measure, UnitKind};
use msoko::export::{FACTS, Form, OBSERVATIONS};
use msoko::flow::context::Context;
use msoko::flow::export::{Exported, Order, export};
use msoko::message::Problem;
use msoko::privacy::suppress::Audience;
use msoko::warehouse::Access;
use msoko::warehouse::audit::Action;
use msoko::warehouse::export::RoundQuery;
use msoko::warehouse::load::{HALF, NewRun, NewSnapshot};
use msoko::warehouse::observations::ObservationQuery;
use serde_json::Value;
use std::sync::Arc;

use crate::district::{District, Engine, ROUND, at, batch, fact, number, on_both, school, text};

on_both! {
    csv_and_json_lines_say_what_the_warehouse_says,
    a_load_under_way_changes_no_line_and_its_correction_is_told_by_the_history,
    a_view_stays_at_its_moment,
    a_small_school_is_hidden_with_its_neighbour_and_nothing_solves_it,
    statistics_of_a_fold_never_leave,
    a_refused_order_leaves_no_file,
    no_file_is_in_its_place_before_the_record_of_the_export,
}

const TASKS: usize = 120;

fn about(unit: &str, measure: Measure, breakdown: Breakdown, value: i64) -> Observation {
    Observation {
        unit: Arc::new(UnitRef {
            id: Some(UnitId(unit.to_owned())),
            ..UnitRef::default()
        }),
        measure,
        breakdown: Arc::new(breakdown),
        value: Amount::whole(value),
        ..number(0, 2, 0, 5)
    }
}

/// Participants of school 0 are below five, of school 1 below ten.
const PARTICIPANTS: [i64; 12] = [3, 7, 11, 14, 20, 21, 22, 25, 30, 31, 40, 41];

fn marks(participants: i64) -> [i64; 4] {
    let three = participants / 3;
    [1, three, three, participants - 1 - 2 * three]
}

/// A work of twelve schools with the total of their district: participants, marks, sums, tasks.
fn work() -> Vec<Observation> {
    let mut rows = Vec::new();
    let mut total = [0; 5];
    for (number, participants) in PARTICIPANTS.into_iter().enumerate() {
        let unit = format!("school-{number}");
        let none = Breakdown::none;
        rows.push(about(&unit, Measure::Participants, none(), participants));
        rows.push(about(&unit, Measure::ScoreSum, none(), participants * 9));
        for (mark, count) in (2..).zip(marks(participants)) {
            rows.push(about(
                &unit,
                Measure::MarkCount,
                none().with("mark", mark.to_string()),
                count,
            ));
            total[mark - 2] += count;
        }
        for task in 0..TASKS {
            let task = none().with("task", format!("{task:03}"));
            rows.push(about(&unit, Measure::TaskPoints, task, participants));
        }
        total[4] += participants;
    }
    rows.push(about("vg", Measure::Participants, Breakdown::none(), total[4]));
    for mark in 2..=5 {
        let breakdown = Breakdown::none().with("mark", mark.to_string());
        rows.push(about("vg", Measure::MarkCount, breakdown, total[mark - 2]));
    }
    rows
}

fn facts() -> Vec<Fact> {
    let fact = |code, value, unit_of_measure| Fact {
        unit_of_measure,
        as_of: Some("2026".to_owned()),
        ..fact(2, code, value, 95)
    };
    let count = |count| FactValue::Number(Amount::whole(count));
    vec![
        fact("org_full_name", text("=cmd|' /C calc'!A0"), None),
        fact("org_phone", text("+7 000 000-00-00"), None),
        fact(
            "org_email",
            FactValue::List(vec![text("a@school.example"), text("-b")]),
            None,
        ),
        fact("students_total", count(250), Some("person")),
        fact("students_noo", count(120), Some("person")),
        fact("students_ooo", count(127), Some("person")),
        fact("students_soo", count(3), Some("person")),
        fact("students_do", count(0), Some("person")),
    ]
}

/// A district with a register, one work and the facts of one site.
async fn fill(district: &District) {
    let mut units = vec![Unit {
        kind: UnitKind::Municipality,
        aliases: Vec::new(),
        id: UnitId("vg".to_owned()),
        ..school(0, None)
    }];
    for number in 0..12 {
        let mut unit = school(number, None);
        unit.parent = Some(UnitId("vg".to_owned()));
        unit.aliases.push(Alias {
            system: AliasSystem::Ogrn,
            value: format!("10277000000{number:02}"),
            from: None,
            to: None,
        });
        unit.aliases.push(Alias {
            system: AliasSystem::Inn,
            value: format!("00770000{number:02}"),
            from: None,
            to: None,
        });
        if number == 3 {
            unit.short_title = "@СОШ, \"третья\"".to_owned();
        }
        units.push(unit);
    }
    district.warehouse.import_units(units, at(0)).await.expect("imported");
    district.load("a.xlsx", work()).await;
    let mut run = district.begin("school-2", "facts").await;
    let facts = Batch {
        rows_read: 1,
        facts: facts(),
        ..Batch::default()
    };
    district.warehouse.stage(&mut run, facts).await.expect("staged");
    district.warehouse.publish(run, true, at(2)).await.expect("published");
}

const MAIN: &str = "[authority]\nname = \"Управление\"\nmunicipality = \"Учебный район\"\nregion = \"Учебный край\"\n\
                    zone = \"Europe/Moscow\"\ncontact_address = \"office@uo.example\"\n\n\
                    [mail]\nfrom_address = \"msoko@uo.example\"\ntransport = \"file\"\n\n[database]\nurl = ";

/// Writes a configuration of the district beside its snapshots; gives its path.
pub(crate) fn configured(district: &District) -> PathBuf {
    let folder = district.dir.path();
    let text = format!("{MAIN}\"{}\"\nsingle_node = true\n", district.url);
    for (name, text) in [
        ("msoko.toml", text.as_str()),
        ("sources.toml", ""),
        ("recipients.toml", ""),
    ] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    folder.join("msoko.toml")
}

async fn office(district: &District) -> Context {
    let knowledge = learn(&configured(district)).expect("a valid configuration");
    let clock = Clock::fixed(at(60), knowledge.config.authority.zone);
    knowledge.open(clock, Access::Write, "test").await.expect("opened")
}

fn order(folder: PathBuf, form: Form) -> Order {
    Order {
        tables: vec![OBSERVATIONS, FACTS],
        folder,
        form,
        audience: Audience::Office,
        rounds: Vec::new(),
        units: Vec::new(),
        with_history: false,
        replaces: false,
    }
}

type Line = BTreeMap<String, String>;

/// The text without the apostrophes that keep it from being a formula.
fn plain(field: &str) -> String {
    let mut begins = true;
    let mut text = String::new();
    for letter in field.chars() {
        if begins && letter == '\'' {
            begins = false;
            continue;
        }
        text.push(letter);
        begins = ";,\t\r\n".contains(letter) || (begins && letter == '"');
    }
    text
}

/// Lines of a CSV by the names of its columns.
fn read_csv(path: &Path) -> Vec<Line> {
    let mut reader = csv::Reader::from_path(path).expect("a file");
    let names = reader.headers().expect("a header").clone();
    reader
        .records()
        .map(|record| {
            let record = record.expect("CSV");
            names.iter().map(str::to_owned).zip(record.iter().map(plain)).collect()
        })
        .collect()
}

fn read_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

async fn ship(context: &Context, order: &Order) -> Exported {
    export(context, order).await.expect("exported")
}

async fn csv_and_json_lines_say_what_the_warehouse_says(district: District) {
    fill(&district).await;
    let context = office(&district).await;
    let folder = district.dir.path().join("out");
    let exported = ship(&context, &order(folder.clone(), Form::Csv)).await;
    ship(&context, &order(folder.clone(), Form::Jsonl)).await;
    let query = ObservationQuery {
        rounds: vec![ROUND.to_owned()],
        ..ObservationQuery::default()
    };
    let stored = district
        .warehouse
        .observations(&query, context.zone())
        .await
        .expect("read");
    let (csv, json) = (
        read_csv(&folder.join("observations.csv")),
        read_lines(&folder.join("observations.jsonl")),
    );
    assert!(stored.len() > 1400, "more than a page: {}", stored.len());
    assert_eq!(
        (csv.len() as u64 + exported.left_out, csv.len()),
        (stored.len() as u64, json.len())
    );
    let mut by_key: BTreeMap<(String, String, String), _> = stored
        .into_iter()
        .map(|stored| {
            let key = &stored.key;
            let name = (
                key.unit.0.clone(),
                key.measure.as_str().to_owned(),
                key.breakdown.to_string(),
            );
            (name, stored)
        })
        .collect();
    for (line, value) in csv.iter().zip(&json) {
        let key = (line["unit"].clone(), line["measure"].clone(), line["breakdown"].clone());
        let stored = by_key.remove(&key).expect("each number once");
        let is_open = line["hidden"].is_empty();
        assert_eq!(
            line["value"],
            if is_open {
                stored.value.to_string()
            } else {
                String::new()
            }
        );
        assert_eq!(value["value"].as_i64(), is_open.then_some(stored.value.units));
        assert_eq!(value["unit"]["id"], *line["unit"]);
        assert_eq!(value["origin"]["file"], "a.xlsx");
        assert_eq!(line["snapshot"], *stored.snapshot);
        assert_eq!(value["origin"]["snapshot"], *stored.snapshot);
        assert_eq!(
            (line["source"].as_str(), line["connector"].as_str()),
            ("vpr", "vpr-protocol")
        );
        assert_eq!(line["place"], if is_open { "Классы!F5" } else { "" });
        assert_eq!(line["loaded"], "2026-02-02T10:02:00+03:00");
        assert_eq!(value["origin"]["loaded"], "2026-02-02T10:02:00+03:00");
        if let Some(number) = line["unit"].strip_prefix("school-") {
            let number: usize = number.parse().expect("a number");
            assert_eq!(line["ogrn"], format!("10277000000{number:02}"));
            assert_eq!(line["inn"], format!("00770000{number:02}"), "leading zeros stay");
            assert_eq!(value["unit"]["inn"], format!("00770000{number:02}"));
        }
        if line["unit"] == "school-3" {
            assert_eq!(line["unit_title"], "@СОШ, \"третья\"");
        }
    }
    let names: BTreeSet<String> = read_csv(&folder.join("dictionary.csv"))
        .iter()
        .filter(|line| line["table"] == "observations")
        .map(|line| line["column"].clone())
        .collect();
    assert_eq!(
        names,
        csv[0].keys().cloned().collect(),
        "the dictionary tells every column"
    );
    facts_are_told(&folder);
}

fn facts_are_told(folder: &Path) {
    let facts = read_csv(&folder.join("facts.csv"));
    let told = |code: &str| {
        let line = facts.iter().find(|line| line["code"] == code).expect("a fact");
        (
            line["value"].as_str(),
            line["value_type"].as_str(),
            line["hidden"].as_str(),
        )
    };
    assert_eq!(told("org_full_name"), ("=cmd|' /C calc'!A0", "text", ""));
    assert_eq!(told("org_email"), ("[\"a@school.example\",\"-b\"]", "list", ""));
    assert_eq!(told("students_total"), ("250", "number", ""));
    assert_eq!(told("students_do"), ("0", "number", ""));
    assert_eq!(told("students_soo"), ("", "", "скрыто: менее 5"));
    let neighbour = "скрыто: иначе вычисляется другое скрытое число";
    assert_eq!(
        told("students_noo"),
        ("", "", neighbour),
        "250 − 127 − 120 is the hidden 3"
    );
    assert_eq!(told("students_ooo"), ("127", "number", ""));
    let raw = std::fs::read_to_string(folder.join("facts.csv")).expect("a file");
    assert!(
        raw.contains(",'=cmd|' /C calc'!A0,") && raw.contains(",'+7 000 000-00-00,"),
        "{raw}"
    );
    let json = read_lines(&folder.join("facts.jsonl"));
    let email = json.iter().find(|line| line["code"] == "org_email").expect("a fact");
    assert_eq!(email["value"], serde_json::json!(["a@school.example", "-b"]));
}

async fn a_load_under_way_changes_no_line_and_its_correction_is_told_by_the_history(district: District) {
    fill(&district).await;
    let context = office(&district).await;
    let out = |name: &str| district.dir.path().join(name);
    let text = |name: &str| std::fs::read_to_string(out(name).join("observations.csv")).expect("a file");
    ship(&context, &order(out("before"), Form::Csv)).await;

    let corrected = about("school-9", Measure::ScoreSum, Breakdown::none(), 300);
    let mut run = district.begin("b.xlsx", "a correction").await;
    let mut rows: Vec<Observation> = (0..9000usize)
        .map(|row| Observation {
            round: "vpr/2025-26/spring".into(),
            ..number(row % 12, row / 12, 1, 9)
        })
        .collect();
    rows.insert(0, corrected);
    let number_of_run = run.id();
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    ship(&context, &order(out("during"), Form::Csv)).await;
    assert_eq!(text("during"), text("before"));

    district.warehouse.publish(run, true, at(30)).await.expect("published");
    let mut whole = order(out("history"), Form::Csv);
    whole.with_history = true;
    whole.rounds = vec![ROUND.to_owned()];
    ship(&context, &whole).await;
    let told: Vec<Line> = read_csv(&out("history").join("observations.csv"))
        .into_iter()
        .filter(|line| line["unit"] == "school-9" && line["measure"] == "score_sum")
        .collect();
    let told: Vec<[&str; 3]> = told
        .iter()
        .map(|line| ["value", "replaced_by", "replaced_at"].map(|name| line[name].as_str()))
        .collect();
    let run = number_of_run.to_string();
    assert_eq!(told, [["279", &run, "2026-02-02T10:30:00+03:00"], ["300", "", ""]]);

    let mut part = order(out("part"), Form::Csv);
    part.units = vec![UnitId("school-9".to_owned())];
    part.rounds = vec![ROUND.to_owned()];
    ship(&context, &part).await;
    let lines = read_csv(&out("part").join("observations.csv"));
    assert_eq!(lines.len(), TASKS + 6);
    assert!(
        lines
            .iter()
            .all(|line| line["replaced_by"].is_empty() && line["unit"] == "school-9")
    );
}

async fn a_view_stays_at_its_moment(district: District) {
    fill(&district).await;
    let mut view = district.warehouse.view().await.expect("opened");
    let corrected = about("school-9", Measure::ScoreSum, Breakdown::none(), 300);
    district.load("b.xlsx", vec![corrected]).await;
    let query = RoundQuery {
        round: ROUND.to_owned(),
        measures: vec![Measure::ScoreSum],
        ..RoundQuery::default()
    };
    let mut rows = view.observations(query, chrono_tz::Europe::Moscow);
    let mut sums = Vec::new();
    while let Some(row) = rows.next(&mut view).await.expect("read") {
        sums.push((row.stored.key.unit.0, row.stored.value.units));
    }
    assert_eq!(sums.len(), 12);
    assert!(sums.contains(&("school-9".to_owned(), 279)), "{sums:?}");
    view.close().await.expect("closed");
}

async fn a_small_school_is_hidden_with_its_neighbour_and_nothing_solves_it(district: District) {
    fill(&district).await;
    let context = office(&district).await;
    for (audience, hidden) in [
        (Audience::Office, ["school-0", "school-1"].as_slice()),
        (Audience::Other, &["school-0", "school-1", "school-2", "school-3"]),
        (Audience::Public, &["school-0", "school-1", "school-2", "school-3"]),
    ] {
        let folder = district.dir.path().join(format!("{audience:?}"));
        let mut order = order(folder.clone(), Form::Csv);
        order.audience = audience;
        ship(&context, &order).await;
        let lines = read_csv(&folder.join("observations.csv"));
        let withheld: BTreeSet<&str> = lines
            .iter()
            .filter(|line| line["measure"] == "participants" && !line["hidden"].is_empty())
            .map(|line| line["unit"].as_str())
            .collect();
        assert_eq!(withheld, hidden.iter().copied().collect(), "{order:?}");
        let of_hidden = |line: &&Line| withheld.contains(line["unit"].as_str());
        for line in lines.iter().filter(of_hidden) {
            assert_eq!((line["value"].as_str(), line["place"].as_str()), ("", ""), "{line:?}");
            assert_ne!(line["measure"], "mark_count", "which marks there are would tell");
        }
    }
    let lines = read_csv(&district.dir.path().join("Office/observations.csv"));
    let why = |unit: &str, measure: &str| {
        let line = lines
            .iter()
            .find(|line| line["unit"] == unit && line["measure"] == measure);
        line.map(|line| line["hidden"].clone())
    };
    assert_eq!(why("school-0", "participants").as_deref(), Some("скрыто: менее 5"));
    let neighbour = "скрыто: иначе вычисляется другое скрытое число";
    assert_eq!(why("school-1", "participants").as_deref(), Some(neighbour));
    assert_eq!(why("school-2", "score_sum").as_deref(), Some(""), "eleven participants");
    assert_eq!(why("vg", "participants").as_deref(), Some(""));
}

async fn statistics_of_a_fold_never_leave(district: District) {
    fill(&district).await;
    let kept = msoko::snapshot::keep(&district.dir.path().join("snapshots"), &b"folded"[..]).expect("kept");
    let snapshot = NewSnapshot {
        hash: kept.hash,
        size: kept.size,
        source: "vpr".to_owned(),
        connector: "vpr-marks".to_owned(),
        file: "folded.xlsx".to_owned(),
        original_hash: Some("original".to_owned()),
        ..NewSnapshot::default()
    };
    let snapshot = district
        .warehouse
        .record_snapshot(snapshot, at(1))
        .await
        .expect("recorded");
    let new = NewRun {
        source: "vpr".to_owned(),
        series: "folded.xlsx".to_owned(),
        snapshot,
        manifest: "m1".to_owned(),
        scope: None,
        least_of_previous: HALF,
        references: Vec::new(),
    };
    let mut run = district.warehouse.begin_run(new, at(1)).await.expect("begun");
    let cell = |measure, name: &str| about("school-11", measure, Breakdown::none().with(name, "4"), 6);
    let journal = Breakdown::none().with("mark", "4").with("journal", "5");
    let rows = vec![
        cell(Measure::ScoreCount, "primary"),
        about("school-11", Measure::JournalCount, journal, 6),
        cell(Measure::TaskSkipped, "task"),
    ];
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    district.warehouse.publish(run, true, at(2)).await.expect("published");
    let context = office(&district).await;
    let folder = district.dir.path().join("out");
    let exported = ship(&context, &order(folder.clone(), Form::Csv)).await;
    let measures: BTreeSet<String> = read_csv(&folder.join("observations.csv"))
        .into_iter()
        .filter(|line| line["file"] == "folded.xlsx")
        .map(|line| line["measure"].clone())
        .collect();
    assert_eq!(measures.into_iter().collect::<Vec<_>>(), ["task_skipped"]);
    // Two cells of the joint table, and the marks of the two hidden schools.
    assert_eq!(exported.left_out, 2 + 8);
}

async fn a_refused_order_leaves_no_file(district: District) {
    fill(&district).await;
    let context = office(&district).await;
    let folder = district.dir.path().join("out");
    let code = async |order: &Order| export(&context, order).await.map_err(|problem: Problem| problem.code());
    let mut wrong = order(folder.clone(), Form::Csv);
    wrong.rounds = vec!["vpr/1999-00/spring".to_owned()];
    assert_eq!(code(&wrong).await, Err("MSK-USE-10"));
    wrong.rounds.clear();
    wrong.units = vec![UnitId("nowhere".to_owned())];
    assert_eq!(code(&wrong).await, Err("MSK-RUN-25"));
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 0);
    std::fs::write(folder.join("facts.csv"), "mine").expect("written");
    wrong.units.clear();
    assert_eq!(code(&wrong).await, Err("MSK-FIL-04"));
    assert_eq!(std::fs::read_to_string(folder.join("facts.csv")).expect("read"), "mine");
    wrong.replaces = true;
    assert!(code(&wrong).await.is_ok());
    assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 3);
}

async fn no_file_is_in_its_place_before_the_record_of_the_export(district: District) {
    fill(&district).await;
    let context = office(&district).await;
    let folder = district.dir.path().join("out");
    std::fs::create_dir_all(folder.join("facts.csv")).expect("a folder where the second file belongs");
    let mut order = order(folder.clone(), Form::Csv);
    order.replaces = true;
    let refused = export(&context, &order).await.expect_err("no place for a file");
    assert_eq!(refused.code(), "MSK-FIL-02");
    assert!(folder.join("observations.csv").is_file());
    let records = district
        .warehouse
        .audit((at(0), at(9000)), 0, 1000)
        .await
        .expect("read");
    assert!(
        records.iter().any(|record| record.action == Action::Exported.as_str()),
        "{records:?}"
    );
}

#[tokio::test]
async fn both_databases_are_exported_as_the_same_text() {
    let Some(server) = District::on(Engine::Postgres).await else {
        return;
    };
    let embedded = District::new().await;
    let mut texts: Vec<BTreeMap<String, String>> = Vec::new();
    for district in [&embedded, &server] {
        fill(district).await;
        // A correction, so that there is a history.
        district
            .load(
                "b.xlsx",
                vec![about("school-9", Measure::ScoreSum, Breakdown::none(), 300)],
            )
            .await;
        let context = office(district).await;
        let folder = district.dir.path().join("out");
        for form in [Form::Csv, Form::Jsonl, Form::SpreadsheetCsv] {
            let mut order = order(folder.join(format!("{form:?}")), form);
            order.with_history = true;
            ship(&context, &order).await;
        }
        let mut text = BTreeMap::new();
        for form in ["Csv", "Jsonl", "SpreadsheetCsv"] {
            for entry in std::fs::read_dir(folder.join(form)).expect("a folder").flatten() {
                let name = format!("{form}/{}", entry.file_name().to_string_lossy());
                text.insert(name, std::fs::read_to_string(entry.path()).expect("a text"));
            }
        }
        texts.push(text);
    }
    assert_eq!(texts[0].len(), 9);
    for (name, text) in &texts[0] {
        assert!(texts[1][name] == *text, "{name} differs");
    }
}
