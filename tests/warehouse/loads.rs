//! Loads: nothing lost, nothing doubled, nothing seen too early.

use msoko::domain::observation::{Amount, Observation};
use msoko::domain::unit::{UnitId, UnitRef};
use msoko::domain::vocabulary::{Measure, Procedure};
use msoko::message::Problem;
use msoko::warehouse::corrections::Corrected;
use msoko::warehouse::load::NewSnapshot;
use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::reports::{NewReport, ReportKey};
use std::sync::Arc;

use crate::district::{District, ROUND, at, batch, number, on_both};

on_both! {
    a_second_load_of_the_same_numbers_writes_nothing,
    a_corrected_value_keeps_the_old_one_with_its_file_and_place,
    corrections_are_found_by_source_load_number_and_document,
    nobody_sees_a_load_before_it_is_published_and_a_killed_one_is_gone,
    a_dropped_load_is_taken_back_when_its_series_is_loaded_again,
    two_loads_of_the_same_numbers_at_once_do_not_mix,
    a_load_that_began_beside_a_refused_one_is_taken_back_whole,
    the_same_bytes_of_another_connector_are_another_delivery,
    a_key_that_stands_twice_keeps_its_first_value_and_the_second_waits_in_quarantine,
    the_first_of_two_values_stays_in_a_file_of_fewer_rows_than_units,
    an_empty_or_halved_delivery_is_held_back_until_confirmed,
    equal_bytes_under_the_same_manifest_need_no_parsing,
    a_row_without_a_recognised_unit_is_refused_and_not_loaded_under_no_name,
    a_cancelled_stage_cuts_no_transaction_and_its_load_cannot_be_published,
    a_load_that_was_taken_back_meanwhile_writes_and_publishes_nothing,
}

async fn a_second_load_of_the_same_numbers_writes_nothing(district: District) {
    let rows = || {
        (0..10)
            .flat_map(|unit| (2..=5).map(move |mark| number(unit, mark, 7, 1)))
            .collect::<Vec<_>>()
    };
    let first = district.load("a.xlsx", rows()).await;
    assert_eq!(
        (first.observations_new, first.observations_unchanged, first.rows_read),
        (40, 0, 40)
    );
    let second = district.load("a.xlsx", rows()).await;
    assert_eq!(
        (
            second.observations_new,
            second.observations_changed,
            second.observations_unchanged
        ),
        (0, 0, 40)
    );
    assert_eq!(district.values().await.len(), 40);
    assert_eq!(district.history(3, 2).await, [7]);
}

async fn a_corrected_value_keeps_the_old_one_with_its_file_and_place(district: District) {
    district.load("a.xlsx", vec![number(1, 2, 7, 11)]).await;
    let summary = district.load("a-fixed.xlsx", vec![number(1, 2, 8, 12)]).await;
    assert_eq!((summary.observations_new, summary.observations_changed), (0, 1));
    let key = {
        let query = ObservationQuery {
            rounds: vec![ROUND.to_owned()],
            units: vec![UnitId("school-1".to_owned())],
            measures: vec![Measure::MarkCount],
            subjects: vec!["ru".to_owned()],
        };
        let mut found = district
            .warehouse
            .observations(&query, chrono_tz::Europe::Moscow)
            .await
            .expect("read");
        let stored = found.remove(0);
        assert_eq!(
            (&*stored.file, stored.place.as_str(), stored.value.units),
            ("a-fixed.xlsx", "Классы!F12", 8)
        );
        assert_eq!(stored.received.to_rfc3339(), "2026-02-02T10:01:00+03:00");
        stored.key
    };
    let history = district.warehouse.history(&key).await.expect("read");
    let told: Vec<_> = history
        .iter()
        .map(|old| {
            (
                old.value.units,
                old.file.as_str(),
                old.place.as_str(),
                old.superseded.map(|(run, _)| run),
            )
        })
        .collect();
    let second = Some(history[1].run);
    assert_eq!(
        told,
        [
            (7, "a.xlsx", "Классы!F11", second),
            (8, "a-fixed.xlsx", "Классы!F12", None)
        ]
    );
}

async fn corrections_are_found_by_source_load_number_and_document(district: District) {
    district
        .load("a.xlsx", vec![number(1, 2, 7, 11), number(1, 3, 5, 12)])
        .await;
    let warehouse = &district.warehouse;
    let found = |of: Corrected, limit: u32| async move {
        let corrections = warehouse.corrections(&of, limit).await.expect("read");
        let told = corrections.iter().map(|one| {
            let new = one.new.as_ref().expect("replaced");
            (
                one.old.value.units,
                one.old.file.clone(),
                new.value.units,
                new.file.clone(),
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(found(Corrected::Everywhere, 10).await, []);
    let run = district.load("b.xlsx", vec![number(1, 2, 8, 12)]).await.run;
    district.load("c.xlsx", vec![number(1, 2, 9, 13)]).await;
    let first = (7, "a.xlsx".to_owned(), 8, "b.xlsx".to_owned());
    let second = (8, "b.xlsx".to_owned(), 9, "c.xlsx".to_owned());
    assert_eq!(found(Corrected::Everywhere, 10).await, [second.clone(), first.clone()]);
    assert_eq!(found(Corrected::Everywhere, 1).await, std::slice::from_ref(&second));
    assert_eq!(found(Corrected::ByRun(run), 10).await, std::slice::from_ref(&first));
    assert_eq!(found(Corrected::BySource("another".to_owned()), 10).await, []);
    let source = warehouse
        .corrections(&Corrected::ByRun(run), 1)
        .await
        .expect("read")
        .remove(0);
    assert_eq!(
        found(Corrected::BySource(source.source), 10).await,
        [second.clone(), first.clone()]
    );
    assert_eq!(found(Corrected::Of(source.key), 10).await, [second, first.clone()]);
    let report = NewReport {
        key: ReportKey {
            code: "R-VPR".to_owned(),
            period: "2024-25".to_owned(),
            unit: String::new(),
            fingerprint: "f".to_owned(),
        },
        document: "{}".to_owned(),
        snapshots: [source.old.snapshot].into(),
    };
    let id = warehouse.save_report(report, at(5)).await.expect("kept").id;
    assert_eq!(found(Corrected::UnderReport(id), 10).await, [first]);

    // A load that replaces it and is not published yet has corrected nothing.
    let mut run = district.begin("d.xlsx", "d").await;
    let row = number(1, 2, 10, 14);
    warehouse.stage(&mut run, batch(vec![row])).await.expect("staged");
    assert_eq!(found(Corrected::ByRun(run.id()), 10).await, []);
}

async fn nobody_sees_a_load_before_it_is_published_and_a_killed_one_is_gone(district: District) {
    district
        .load("a.xlsx", vec![number(1, 2, 7, 1), number(1, 3, 5, 2)])
        .await;
    let before = district.values().await;

    // Enough rows for several chunks, so that they are in the file when the process dies.
    let rows: Vec<_> = (0..20_000usize)
        .map(|row| number(row % 12, 10 + row / 12, 1, 9))
        .collect();
    let mut run = district.begin("b.xlsx", "b").await;
    district
        .warehouse
        .stage(&mut run, batch(vec![number(1, 2, 99, 1)]))
        .await
        .expect("staged");
    district
        .warehouse
        .stage(&mut run, batch(rows.clone()))
        .await
        .expect("staged");
    assert_eq!(district.values().await, before, "a reader sees what was not published");
    assert_eq!(district.history(1, 2).await, [7]);
    assert_eq!(district.warehouse.rounds(Procedure::Vpr).await.expect("read"), [ROUND]);

    let district = district.kill().await;
    assert_eq!(district.values().await, before);
    let summary = district.load("b.xlsx", rows).await;
    assert_eq!(summary.observations_new, 20_000, "leftovers of the killed load remain");
}

async fn a_dropped_load_is_taken_back_when_its_series_is_loaded_again(district: District) {
    let rows: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    let mut run = district.begin("a.xlsx", "a").await;
    district
        .warehouse
        .stage(&mut run, batch(rows.clone()))
        .await
        .expect("staged");
    drop(run);
    assert_eq!(district.load("a.xlsx", rows).await.observations_new, 9000);
}

async fn two_loads_of_the_same_numbers_at_once_do_not_mix(district: District) {
    let rows: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    let mut first = district.begin("a.xlsx", "a").await;
    district
        .warehouse
        .stage(&mut first, batch(rows.clone()))
        .await
        .expect("staged");
    let mut second = district.begin("b.xlsx", "b").await;
    let problem = district
        .warehouse
        .stage(&mut second, batch(rows))
        .await
        .expect_err("refused");
    assert_eq!(problem.code(), "MSK-DB-12");
    district
        .warehouse
        .abandon(second, &problem, at(3))
        .await
        .expect("abandoned");
    let summary = district
        .warehouse
        .publish(first, false, at(4))
        .await
        .expect("published");
    assert_eq!(summary.observations_new, 9000);
}

async fn a_load_that_began_beside_a_refused_one_is_taken_back_whole(district: District) {
    district.load("a.xlsx", vec![number(1, 2, 7, 11)]).await;
    let many = |mark: usize| {
        (0..9000usize)
            .map(|row| number(row % 12, mark + row / 12, 1, 9))
            .collect()
    };
    let mut refused = district.begin("b.xlsx", "b").await;
    district
        .warehouse
        .stage(&mut refused, batch(many(1000)))
        .await
        .expect("staged");
    let mut killed = district.begin("c.xlsx", "c").await;
    let problem = Problem::new("MSK-SNP-05");
    district
        .warehouse
        .abandon(refused, &problem, at(2))
        .await
        .expect("taken back");
    let mut rows: Vec<Observation> = many(5000);
    rows.push(number(1, 2, 8, 12));
    district
        .warehouse
        .stage(&mut killed, batch(rows))
        .await
        .expect("staged");
    drop(killed);
    let district = district.kill().await;
    assert_eq!(district.values().await.len(), 1);
    assert_eq!(district.history(1, 2).await, [7]);
}

async fn the_same_bytes_of_another_connector_are_another_delivery(district: District) {
    let new = |connector: &str| NewSnapshot {
        hash: "h".to_owned(),
        source: "vpr".to_owned(),
        connector: connector.to_owned(),
        file: "a.xlsx".to_owned(),
        ..NewSnapshot::default()
    };
    let mut ids = Vec::new();
    for connector in ["vpr-marks", "vpr-marks", "own"] {
        let id = district.warehouse.record_snapshot(new(connector), at(1)).await;
        ids.push(id.expect("recorded"));
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

async fn a_key_that_stands_twice_keeps_its_first_value_and_the_second_waits_in_quarantine(district: District) {
    district
        .load("a.xlsx", vec![number(1, 2, 7, 1), number(1, 3, 1, 2)])
        .await;
    // Known value first and another later; far apart, so that they are not in one piece.
    let mut rows = vec![number(1, 2, 7, 1), number(1, 3, 1, 2)];
    rows.extend((0..300usize).map(|row| number(2, row, 1, 3)));
    rows.extend([
        number(1, 2, 8, 400),
        number(1, 3, 1, 401),
        number(2, 5, 3, 402),
        number(2, 5, 1, 403),
    ]);
    let summary = district.load("b.xlsx", rows).await;
    assert_eq!(
        (summary.observations_changed, summary.duplicates, summary.quarantined),
        (0, 2, 2)
    );
    assert_eq!(district.history(1, 2).await, [7]);
    let waiting = district
        .warehouse
        .quarantine(Some("vpr"), false, 10)
        .await
        .expect("listed");
    let told: Vec<_> = waiting.iter().map(|row| row.problem.ru_line()).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    MSK-DB-11: Классы!F402: показатель «school-2 · vpr/2024-25/spring · mark_count · ru · 5 · mark=5» стоит в файле дважды с разными значениями: 1 (Классы!F3) и 3
    MSK-DB-11: Классы!F400: показатель «school-1 · vpr/2024-25/spring · mark_count · ru · 5 · mark=2» стоит в файле дважды с разными значениями: 7 (Классы!F1) и 8
    ");
}

async fn the_first_of_two_values_stays_in_a_file_of_fewer_rows_than_units(district: District) {
    let rows = [9, 5, 2].map(|unit| [number(unit, 2, 7, unit as u32), number(unit, 2, 8, 20)]);
    let summary = district.load("a.xlsx", rows.into_iter().flatten().collect()).await;
    assert_eq!((summary.observations_new, summary.quarantined), (3, 3));
    for unit in [9, 5, 2] {
        assert_eq!(district.history(unit, 2).await, [7]);
    }
}

async fn an_empty_or_halved_delivery_is_held_back_until_confirmed(district: District) {
    let rows = |count: usize| (0..count).map(|mark| number(1, mark, 1, 1)).collect::<Vec<_>>();
    district.load("a.xlsx", rows(10)).await;
    for (rows_now, code) in [(0, "MSK-DB-09"), (4, "MSK-DB-10")] {
        let mut run = district.begin("a.xlsx", &rows_now.to_string()).await;
        let changed: Vec<_> = rows(rows_now)
            .into_iter()
            .map(|row| Observation {
                value: Amount::whole(2),
                ..row
            })
            .collect();
        district
            .warehouse
            .stage(&mut run, batch(changed))
            .await
            .expect("staged");
        let problem = district
            .warehouse
            .publish(run, false, at(3))
            .await
            .expect_err("held back");
        assert_eq!(problem.code(), code);
        assert!(problem.ru().contains("прежние данные остаются в силе"));
        assert_eq!(district.history(1, 0).await, [1]);
    }
    let mut run = district.begin("a.xlsx", "half").await;
    district
        .warehouse
        .stage(&mut run, batch(rows(5)))
        .await
        .expect("staged");
    district
        .warehouse
        .publish(run, false, at(3))
        .await
        .expect("half is enough");
    let mut run = district.begin("a.xlsx", "two").await;
    district
        .warehouse
        .stage(&mut run, batch(rows(2)))
        .await
        .expect("staged");
    district.warehouse.publish(run, true, at(3)).await.expect("confirmed");
}

async fn equal_bytes_under_the_same_manifest_need_no_parsing(district: District) {
    let rows = vec![number(1, 2, 7, 1)];
    district.load("a.xlsx", rows.clone()).await;
    let kept =
        msoko::snapshot::keep(&district.dir.path().join("snapshots"), format!("{rows:?}").as_bytes()).expect("kept");
    let warehouse = &district.warehouse;
    assert!(
        warehouse
            .is_loaded("vpr", "a.xlsx", &kept.hash, "m1")
            .await
            .expect("asked")
    );
    assert!(
        !warehouse
            .is_loaded("vpr", "a.xlsx", &kept.hash, "m2")
            .await
            .expect("asked")
    );
    assert!(
        !warehouse
            .is_loaded("vpr", "b.xlsx", &kept.hash, "m1")
            .await
            .expect("asked")
    );
    let again = district.snapshot("a.xlsx", &format!("{rows:?}")).await;
    assert_eq!(
        again,
        district.snapshot("a.xlsx", &format!("{rows:?}")).await,
        "equal bytes are one delivery"
    );
}

async fn a_row_without_a_recognised_unit_is_refused_and_not_loaded_under_no_name(district: District) {
    let mut row = number(1, 2, 7, 1);
    row.unit = Arc::new(UnitRef {
        name: Some("СОШ № 5".to_owned()),
        ..UnitRef::default()
    });
    let summary = district.load("a.xlsx", vec![row]).await;
    assert_eq!((summary.observations_new, summary.quarantined), (0, 1));
}

async fn a_cancelled_stage_cuts_no_transaction_and_its_load_cannot_be_published(district: District) {
    let rows: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    let mut run = district.begin("a.xlsx", "a").await;
    {
        let mut stage = std::pin::pin!(district.warehouse.stage(&mut run, batch(rows)));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(stage.as_mut().poll(context).is_ready())).await;
        assert!(!polled, "the chunk was written before it could be cancelled");
    }
    let problem = district.warehouse.publish(run, true, at(2)).await.expect_err("refused");
    assert_eq!(problem.code(), "MSK-BUG-01");
    assert!(district.values().await.is_empty());
    assert_eq!(
        district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await.observations_new,
        1
    );
}

async fn a_load_that_was_taken_back_meanwhile_writes_and_publishes_nothing(district: District) {
    let rows: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    let mut late = district.begin("a.xlsx", "a").await;
    let empty = district.begin("b.xlsx", "b").await;
    let _newer = (district.begin("a.xlsx", "a").await, district.begin("b.xlsx", "b").await);
    let staged = district.warehouse.stage(&mut late, batch(rows)).await;
    assert_eq!(staged.expect_err("refused").code(), "MSK-BUG-01");
    let published = district.warehouse.publish(empty, true, at(2)).await;
    assert_eq!(published.expect_err("refused").code(), "MSK-BUG-01");
    assert!(district.values().await.is_empty());
}
