//! A delivery that is loaded again never puts its numbers over what newer ones say.

use msoko::domain::observation::{Batch, Observation, Quarantined, Scope};
use msoko::message::Problem;
use msoko::warehouse::Access;
use msoko::warehouse::again::Newer;
use msoko::warehouse::load::{LoadSummary, NewSnapshot, Run};
use msoko::warehouse::quarantine::QuarantineRow;
use msoko::warehouse::sources::PullOutcome;

use crate::district::{
    District, Engine, OF_SUBJECT, WHOLE, at, batch, new_run, number, on_both, open, refused_row, unit_ref,
};

on_both! {
    what_newer_files_say_is_left_alone,
    nothing_changes_when_nothing_was_changed,
    a_kill_between_or_inside_leaves_the_newest_numbers,
    a_number_that_a_newer_file_closed_stays_closed,
    an_older_file_closes_nothing_of_what_a_newer_one_holds,
    a_whole_round_speaks_for_units_it_does_not_hold,
    rows_that_waited_are_loaded_and_those_of_newer_files_go_on_waiting,
    a_refused_replay_leaves_nothing_behind,
    behind_a_file_that_cannot_be_read_only_unknown_numbers_are_added,
    a_number_that_another_source_brought_later_stays,
    a_newer_file_speaks_of_its_slice_whatever_becomes_of_its_numbers,
}

/// Numbers of the first school, by mark.
fn marks(values: &[(usize, i64)]) -> Vec<Observation> {
    values.iter().map(|(mark, value)| number(1, *mark, *value, 1)).collect()
}

/// Marks from the first to the last, seven pupils each.
fn sevens(marks: std::ops::RangeInclusive<usize>) -> Vec<Observation> {
    marks.map(|mark| number(1, mark, 7, 1)).collect()
}

/// A refused row of a known school.
fn refused_of(unit: usize) -> Quarantined {
    Quarantined {
        unit: Some(unit_ref(unit)),
        ..refused_row("C!2")
    }
}

async fn load(district: &District, scope: Option<Scope>, file: &str, rows: Batch) -> LoadSummary {
    let mut run = district.begin_within(scope, file, file).await;
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    district.warehouse.publish(run, true, at(2)).await.expect("published")
}

async fn begin_again(district: &District, newer: &Newer, scope: Option<Scope>, file: &str) -> Run {
    // The same bytes as before are the same delivery.
    let snapshot = district.snapshot(file, file).await;
    let new = new_run("vpr", file, snapshot, scope);
    district
        .warehouse
        .begin_again(new, newer, at(5))
        .await
        .expect("begun again")
}

async fn again(district: &District, newer: &Newer, scope: Option<Scope>, file: &str, rows: Batch) -> LoadSummary {
    let mut run = begin_again(district, newer, scope, file).await;
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    district.warehouse.publish(run, true, at(6)).await.expect("published")
}

/// New, changed, closed, left.
fn counts(summary: &LoadSummary) -> [u64; 4] {
    [
        summary.observations_new,
        summary.observations_changed,
        summary.observations_closed,
        summary.observations_left,
    ]
}

/// The marks of the first school that hold, with their values.
async fn held(district: &District) -> Vec<(usize, i64)> {
    let values = district.values().await.into_iter();
    let of_first = values.filter(|((unit, _), _)| unit == "school-1");
    let marks = of_first.map(|((_, breakdown), value)| {
        let mark = breakdown.strip_prefix("mark=").expect("a mark");
        (mark.parse().expect("a number"), value)
    });
    marks.collect()
}

async fn what_newer_files_say_is_left_alone(district: District) {
    let first = [(2, 5), (3, 5), (4, 5), (6, 5)];
    load(&district, None, "week1.xlsx", batch(marks(&first))).await;
    let second = [(3, 7), (4, 5), (5, 1), (6, 5)];
    load(&district, None, "week2.xlsx", batch(marks(&second))).await;

    // The manifest now reads other values, but for the one of mark 6 in the newer file.
    let newer = Newer::default();
    let second = batch(marks(&[(3, 8), (4, 9), (5, 1), (6, 5)]));
    let done = again(&district, &newer, None, "week2.xlsx", second).await;
    assert_eq!(counts(&done), [0, 2, 0, 0]);
    let whole = [(2, 5), (3, 8), (4, 9), (5, 1), (6, 5)];
    assert_eq!(held(&district).await, whole);

    let first = batch(marks(&[(2, 6), (3, 6), (4, 6), (6, 6)]));
    let done = again(&district, &newer, None, "week1.xlsx", first).await;
    assert_eq!(counts(&done), [0, 1, 0, 3]);
    assert_eq!(held(&district).await, [(2, 6), (3, 8), (4, 9), (5, 1), (6, 5)]);
    // No correction that nobody made.
    assert_eq!(district.history(1, 3).await, [5, 7, 8]);
    assert_eq!(district.history(1, 4).await, [5, 9]);
    assert_eq!(district.history(1, 6).await, [5]);
}

async fn nothing_changes_when_nothing_was_changed(district: District) {
    // Rows that repeat each other and rows that contradict each other stay what they were, under a newer value too.
    let first = || batch(marks(&[(2, 5), (2, 5), (3, 5), (3, 6), (4, 5)]));
    let second = || batch(marks(&[(2, 9), (4, 5), (5, 1)]));
    assert_eq!(load(&district, None, "week1.xlsx", first()).await.quarantined, 1);
    load(&district, None, "week2.xlsx", second()).await;
    let (before, waiting) = (held(&district).await, open_places(&district).await);
    for _ in 0..2 {
        let newer = Newer::default();
        let done = again(&district, &newer, None, "week2.xlsx", second()).await;
        assert_eq!((counts(&done), done.observations_unchanged), ([0, 0, 0, 0], 3));
        let done = again(&district, &newer, None, "week1.xlsx", first()).await;
        assert_eq!((counts(&done), done.observations_unchanged), ([0, 0, 0, 2], 2));
        assert_eq!(held(&district).await, before);
        assert_eq!(open_places(&district).await, waiting);
    }
    assert_eq!(district.history(1, 2).await, [5, 9]);
}

async fn a_kill_between_or_inside_leaves_the_newest_numbers(district: District) {
    // More than a chunk, so that rows of the load that dies are in the database.
    let many = |value: i64| -> Vec<Observation> {
        let rows = (0..9000).map(|row| number(2, 10 + row, value, 1));
        rows.chain(marks(&[(2, value), (3, value)])).collect()
    };
    load(&district, None, "week1.xlsx", batch(many(5))).await;
    load(&district, None, "week2.xlsx", batch(marks(&[(2, 5), (3, 7)]))).await;
    let newer = Newer::default();
    let second = || batch(marks(&[(2, 5), (3, 8)]));
    again(&district, &newer, None, "week2.xlsx", second()).await;

    let district = district.kill().await;
    assert_eq!(held(&district).await, [(2, 5), (3, 8)], "killed between the files");

    let newer = Newer::default();
    let done = again(&district, &newer, None, "week2.xlsx", second()).await;
    assert_eq!(counts(&done), [0, 0, 0, 0]);
    let mut run = begin_again(&district, &newer, None, "week1.xlsx").await;
    district
        .warehouse
        .stage(&mut run, batch(many(6)))
        .await
        .expect("staged");
    let staged = "select cast(count(*) as text) from observation where value = 6";
    assert_ne!(district.column(staged).await, ["0"], "a chunk is in the database");
    drop(run);
    let district = district.kill().await;
    assert_eq!(held(&district).await, [(2, 5), (3, 8)], "killed inside the older file");
    assert_eq!(district.column(staged).await, ["0"]);

    let newer = Newer::default();
    again(&district, &newer, None, "week2.xlsx", second()).await;
    let done = again(&district, &newer, None, "week1.xlsx", batch(many(6))).await;
    assert_eq!(counts(&done), [0, 9000, 0, 2]);
    assert_eq!(held(&district).await, [(2, 5), (3, 8)]);
    assert_eq!(district.history(1, 3).await, [5, 7, 8]);
}

async fn a_number_that_a_newer_file_closed_stays_closed(district: District) {
    let scope = Some(OF_SUBJECT);
    load(&district, scope, "week1.xlsx", batch(sevens(2..=5))).await;
    let done = load(&district, scope, "week2.xlsx", batch(sevens(2..=4))).await;
    assert_eq!(done.observations_closed, 1);
    let school = |mark| number(2, mark, 7, 1);

    // Read anew the older file holds one mark more, and a school of which the newer file does not speak.
    let first = || batch([sevens(2..=6), vec![school(2)]].concat());
    let newer = Newer::default();
    let done = again(&district, &newer, scope, "week2.xlsx", batch(sevens(2..=4))).await;
    assert_eq!(counts(&done), [0, 0, 0, 0]);
    let done = again(&district, &newer, scope, "week1.xlsx", first()).await;
    assert_eq!(counts(&done), [1, 0, 0, 2]);
    assert_eq!(held(&district).await, [(2, 7), (3, 7), (4, 7)]);
    assert_eq!(district.history(1, 5).await, [7]);
    assert_eq!(district.history(1, 6).await, [] as [i64; 0]);
    assert_eq!(district.history(2, 2).await, [7]);

    // Read anew the newer file loses a mark and finds the one that it had closed.
    let newer = Newer::default();
    let second = batch(marks(&[(3, 7), (4, 7), (5, 7)]));
    let done = again(&district, &newer, scope, "week2.xlsx", second).await;
    assert_eq!(counts(&done), [1, 0, 1, 0]);
    let done = again(&district, &newer, scope, "week1.xlsx", first()).await;
    assert_eq!(counts(&done), [0, 0, 0, 2]);
    assert_eq!(held(&district).await, [(3, 7), (4, 7), (5, 7)]);

    // Where rows of the newer file are refused, it does not say what is missing.
    let newer = Newer::default();
    let mut second = batch(marks(&[(3, 7), (4, 7), (5, 7)]));
    second.quarantined = vec![refused_of(1)];
    again(&district, &newer, scope, "week2.xlsx", second).await;
    let done = again(&district, &newer, scope, "week1.xlsx", first()).await;
    assert_eq!(counts(&done), [1, 0, 0, 1], "mark 6 comes in, mark 2 was closed later");
    assert_eq!(held(&district).await, [(3, 7), (4, 7), (5, 7), (6, 7)]);
}

async fn an_older_file_closes_nothing_of_what_a_newer_one_holds(district: District) {
    let scope = Some(OF_SUBJECT);
    load(&district, scope, "week1.xlsx", batch(sevens(2..=4))).await;
    // Repeats marks 2 to 4, which stay numbers of the older file, and brings mark 5.
    load(&district, scope, "week2.xlsx", batch(sevens(2..=5))).await;
    let newer = Newer::default();
    again(&district, &newer, scope, "week2.xlsx", batch(sevens(2..=5))).await;
    let done = again(&district, &newer, scope, "week1.xlsx", batch(sevens(2..=2))).await;
    assert_eq!(counts(&done), [0, 0, 0, 0]);
    assert_eq!(held(&district).await, [(2, 7), (3, 7), (4, 7), (5, 7)]);

    // What it brought itself and nobody repeats does close.
    let scope = Some(Scope {
        subject: false,
        ..OF_SUBJECT
    });
    let school = |marks: std::ops::RangeInclusive<usize>| marks.map(|mark| number(3, mark, 7, 1)).collect::<Vec<_>>();
    load(&district, scope, "week0.xlsx", batch(school(2..=5))).await;
    let done = again(&district, &Newer::default(), scope, "week0.xlsx", batch(school(2..=3))).await;
    assert_eq!(counts(&done), [0, 0, 2, 0]);
}

async fn a_whole_round_speaks_for_units_it_does_not_hold(district: District) {
    let scope = Some(WHOLE);
    let of = |unit: usize| number(unit, 2, 7, 1);
    load(&district, scope, "a.xml", batch(vec![of(1), of(2)])).await;
    load(&district, scope, "b.xml", batch(vec![of(1)])).await;
    let newer = Newer::default();
    let mut second = batch(vec![of(1)]);
    second.quarantined = vec![refused_of(4)];
    again(&district, &newer, scope, "b.xml", second).await;
    // School 2 was closed, school 3 was never known, rows of school 4 were refused in the newer file.
    let first = batch(vec![of(1), of(2), of(3), of(4)]);
    let done = again(&district, &newer, scope, "a.xml", first).await;
    assert_eq!(counts(&done), [1, 0, 0, 2]);
    let units: Vec<String> = district.values().await.into_keys().map(|(unit, _)| unit).collect();
    assert_eq!(units, ["school-1", "school-4"]);
}

/// Places of the rows that wait.
async fn open_places(district: &District) -> Vec<String> {
    let rows = district.warehouse.quarantine(None, false, 10).await.expect("listed");
    let place = |row: &QuarantineRow| row.problem.place().unwrap_or("?").to_owned();
    rows.iter().map(place).collect()
}

async fn rows_that_waited_are_loaded_and_those_of_newer_files_go_on_waiting(district: District) {
    let waiting = |places: &[&str], rows| Batch {
        quarantined: places.iter().map(|place| refused_row(place)).collect(),
        ..batch(rows)
    };
    load(
        &district,
        None,
        "week1.xlsx",
        waiting(&["C!2", "C!3"], marks(&[(2, 5)])),
    )
    .await;
    load(&district, None, "week2.xlsx", waiting(&["D!2"], marks(&[(3, 5)]))).await;
    // A newer delivery of the first file, refused as a whole: its rows wait, too.
    let mut run = district.begin("week1.xlsx", "later").await;
    let rows = waiting(&["E!2"], many_of_school(2));
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    let problem = Problem::new("MSK-RUN-31").arg("file", "week1.xlsx");
    district.warehouse.abandon(run, &problem, at(3)).await.expect("refused");
    assert_eq!(open_places(&district).await, ["E!2", "D!2", "C!3", "C!2"]);

    let snapshots = district.warehouse.last_snapshots("vpr").await.expect("listed");
    let files: Vec<&str> = snapshots.iter().map(|last| last.file.as_str()).collect();
    assert_eq!(files, ["week2.xlsx", "week1.xlsx"], "published ones, the newest first");
    let new = new_run("vpr", "week1.xlsx", snapshots[1].id, None);
    let begun = district.warehouse.begin_again(new, &Newer::default(), at(5)).await;
    let mut run = begun.expect("begun");
    let rows = waiting(&["C!3"], marks(&[(2, 5), (4, 5)]));
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    let done = district.warehouse.publish(run, true, at(6)).await.expect("published");
    assert_eq!(counts(&done), [1, 0, 0, 0]);
    assert_eq!(open_places(&district).await, ["E!2", "D!2", "C!3"]);
}

/// More than a chunk.
fn many_of_school(unit: usize) -> Vec<Observation> {
    (0..9000).map(|row| number(unit, 10 + row, 3, 9)).collect()
}

async fn a_refused_replay_leaves_nothing_behind(district: District) {
    load(&district, None, "week1.xlsx", batch(marks(&[(2, 5)]))).await;
    let mut run = begin_again(&district, &Newer::default(), None, "week1.xlsx").await;
    let mut rows = batch(many_of_school(2));
    rows.quarantined = vec![refused_row("C!2")];
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    let staged = "select cast(count(*) as text) from quarantine";
    assert_eq!(district.column(staged).await, ["1"], "the row is in the database");
    let problem = Problem::new("MSK-RUN-31").arg("file", "week1.xlsx");
    district.warehouse.abandon(run, &problem, at(3)).await.expect("refused");
    assert_eq!(district.column(staged).await, ["0"]);
    assert_eq!(district.values().await.len(), 1);
}

async fn behind_a_file_that_cannot_be_read_only_unknown_numbers_are_added(district: District) {
    let scope = Some(OF_SUBJECT);
    load(&district, scope, "week1.xlsx", batch(sevens(2..=6))).await;
    load(&district, scope, "week2.xlsx", batch(sevens(2..=5))).await;
    load(&district, scope, "week3.xlsx", batch(sevens(2..=5))).await;
    let newer = Newer::default();
    newer.miss();
    // Mark 2 may be the unread file's, mark 3 is missing, mark 6 was closed, mark 7 is unknown to all.
    let rows = batch(marks(&[(2, 8), (4, 7), (5, 7), (6, 7), (7, 7)]));
    let done = again(&district, &newer, scope, "week2.xlsx", rows).await;
    assert_eq!(counts(&done), [1, 0, 0, 2]);
    assert_eq!(held(&district).await, [(2, 7), (3, 7), (4, 7), (5, 7), (7, 7)]);
}

#[tokio::test]
async fn a_source_that_is_loaded_again_is_pulled_by_no_other_node() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let (first, second) = (
        &district.warehouse,
        open(&district.url, Access::Hold).await.expect("a node"),
    );
    first.hold_source("vpr").await.expect("nobody pulls it");
    first.source_started("vpr", None, at(1)).await.expect("free");
    let held = second.hold_source("vpr").await.expect_err("pulled by the first");
    assert_eq!((held.code(), held.get("source")), ("MSK-DB-23", Some("vpr")));
    let well = PullOutcome::Well { rows: Some(1) };
    first.source_finished("vpr", well, None, at(2)).await.expect("ended");
    let before = first.source_records().await.expect("read");

    first.hold_source("vpr").await.expect("free");
    let held = second.source_started("vpr", None, at(3)).await.expect_err("held");
    assert_eq!(held.code(), "MSK-DB-23");
    second.free_source("vpr").await.expect("not its own");
    let held = second.source_started("vpr", None, at(3)).await.expect_err("held");
    assert_eq!(held.code(), "MSK-DB-23");
    first.free_source("vpr").await.expect("freed");
    assert_eq!(first.source_records().await.expect("read"), before, "no pull is told");
    second.source_started("vpr", None, at(3)).await.expect("free again");
}

/// Loads numbers of another source.
async fn load_feed(district: &District, rows: Vec<Observation>) {
    let snapshot = NewSnapshot {
        hash: "feed".to_owned(),
        source: "rsoko".to_owned(),
        connector: "rsoko-feed".to_owned(),
        file: "feed.xml".to_owned(),
        ..NewSnapshot::default()
    };
    let recorded = district.warehouse.record_snapshot(snapshot, at(2)).await;
    let new = new_run("rsoko", "feed.xml", recorded.expect("recorded"), None);
    let mut run = district.warehouse.begin_run(new, at(2)).await.expect("begun");
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    district.warehouse.publish(run, true, at(2)).await.expect("published");
}

async fn a_number_that_another_source_brought_later_stays(district: District) {
    load(&district, None, "week1.xlsx", batch(marks(&[(2, 5), (3, 5)]))).await;
    load_feed(&district, marks(&[(2, 9)])).await;
    let rows = batch(marks(&[(2, 6), (3, 6)]));
    let done = again(&district, &Newer::default(), None, "week1.xlsx", rows).await;
    assert_eq!(counts(&done), [0, 1, 0, 1]);
    assert_eq!(held(&district).await, [(2, 9), (3, 6)]);
}

async fn a_newer_file_speaks_of_its_slice_whatever_becomes_of_its_numbers(district: District) {
    let scope = Some(OF_SUBJECT);
    load_feed(&district, marks(&[(4, 9)])).await;
    load(&district, scope, "week1.xlsx", batch(marks(&[(3, 5)]))).await;
    load(&district, scope, "week2.xlsx", batch(marks(&[(3, 7)]))).await;
    let mut later = district.begin_within(None, "week3.xlsx", "later").await;
    let rows = batch(marks(&[(3, 8)]));
    district.warehouse.stage(&mut later, rows).await.expect("staged");
    district.warehouse.publish(later, true, at(3)).await.expect("published");

    // Its one number is the latest file's, and still the older file has nothing to add to the school: neither a mark
    // that nobody knows nor another value for one that an older source brought.
    let newer = Newer::default();
    let done = again(&district, &newer, scope, "week2.xlsx", batch(marks(&[(3, 7)]))).await;
    assert_eq!(counts(&done), [0, 0, 0, 1]);
    let rows = batch(marks(&[(2, 5), (3, 5), (4, 5)]));
    let done = again(&district, &newer, scope, "week1.xlsx", rows).await;
    assert_eq!(counts(&done), [0, 0, 0, 3]);
    assert_eq!(held(&district).await, [(3, 8), (4, 9)]);
}
