//! What a newer delivery no longer holds stops to hold, and nothing else does.

use msoko::domain::observation::{Batch, Observation, Quarantined, Scope};
use msoko::message::Problem;
use msoko::warehouse::corrections::Corrected;
use msoko::warehouse::load::{LoadSummary, NewRun, NewSnapshot};

use crate::district::{District, OF_SUBJECT, WHOLE, at, batch, new_run, number, on_both, refused_row};

on_both! {
    a_number_that_a_newer_delivery_lacks_is_closed_and_kept,
    a_delivery_closes_nothing_of_what_it_does_not_speak_of,
    a_delivery_of_another_connector_or_source_closes_nothing,
    a_delivery_below_the_share_its_connector_asks_for_waits,
    where_rows_were_refused_nothing_is_closed,
    a_delivery_that_lost_more_than_it_keeps_waits_for_confirmation,
    a_killed_or_refused_load_closes_nothing,
    a_whole_round_closes_units_that_are_no_longer_in_it,
}

async fn load(district: &District, scope: Scope, file: &str, rows: Vec<Observation>) -> Result<LoadSummary, Problem> {
    let mut run = district.begin_within(Some(scope), file, &format!("{rows:?}")).await;
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    district.warehouse.publish(run, false, at(3)).await
}

fn marks(unit: usize, marks: impl IntoIterator<Item = usize>) -> Vec<Observation> {
    marks.into_iter().map(|mark| number(unit, mark, 7, 1)).collect()
}

async fn a_number_that_a_newer_delivery_lacks_is_closed_and_kept(district: District) {
    load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=5))
        .await
        .expect("loaded");
    let again = load(&district, OF_SUBJECT, "b.xlsx", marks(1, 2..=4))
        .await
        .expect("loaded");
    assert_eq!((again.observations_unchanged, again.observations_closed), (3, 1));
    assert_eq!(district.values().await.len(), 3);
    let told = district.warehouse.corrections(&Corrected::Everywhere, 10).await;
    let [closed] = told.expect("read").try_into().expect("one");
    assert_eq!(closed.key.breakdown.to_string(), "mark=5");
    assert_eq!((closed.old.value.units, closed.new), (7, None));
    assert_eq!(closed.old.superseded.map(|(run, _)| run), Some(again.run));

    // It comes back: a new version with the old one in its history.
    let back = load(&district, OF_SUBJECT, "c.xlsx", marks(1, 2..=5))
        .await
        .expect("loaded");
    assert_eq!((back.observations_new, back.observations_closed), (1, 0));
    assert_eq!(district.history(1, 5).await, [7, 7]);
}

async fn a_delivery_closes_nothing_of_what_it_does_not_speak_of(district: District) {
    let mut rows = marks(1, 2..=5);
    rows.extend(marks(2, 2..=5));
    rows.extend(marks(1, 2..=5).into_iter().map(|row| Observation {
        subject: Some("fr".into()),
        ..row
    }));
    rows.extend(
        marks(1, 2..=5)
            .into_iter()
            .map(|row| Observation { grade: Some(9), ..row }),
    );
    rows.extend(marks(1, 2..=5).into_iter().map(|row| Observation {
        round: "vpr/2023-24/spring".into(),
        ..row
    }));
    load(&district, OF_SUBJECT, "a.xlsx", rows).await.expect("loaded");
    let again = load(&district, OF_SUBJECT, "b.xlsx", marks(1, 2..=4))
        .await
        .expect("loaded");
    assert_eq!(again.observations_closed, 1);
    let wider = Scope {
        subject: false,
        grade: false,
        ..OF_SUBJECT
    };
    let mut run = district.begin_within(Some(wider), "c.xlsx", "c").await;
    let rows = batch(marks(1, 2..=4));
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    let wide = district.warehouse.publish(run, true, at(3)).await.expect("published");
    assert_eq!(
        wide.observations_closed, 8,
        "another subject and another grade of the school"
    );
}

async fn a_delivery_of_another_connector_or_source_closes_nothing(district: District) {
    load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=5))
        .await
        .expect("loaded");
    for (source, connector) in [("vpr", "vpr-marks"), ("another", "vpr-protocol")] {
        let snapshot = NewSnapshot {
            hash: format!("{source}{connector}"),
            source: source.to_owned(),
            connector: connector.to_owned(),
            file: "b.xlsx".to_owned(),
            ..NewSnapshot::default()
        };
        let recorded = district.warehouse.record_snapshot(snapshot, at(2)).await;
        let new = new_run(source, "b.xlsx", recorded.expect("recorded"), Some(OF_SUBJECT));
        let mut run = district.warehouse.begin_run(new, at(2)).await.expect("begun");
        let rows = batch(marks(1, 2..=4));
        district.warehouse.stage(&mut run, rows).await.expect("staged");
        let done = district.warehouse.publish(run, false, at(3)).await.expect("published");
        assert_eq!(done.observations_closed, 0, "{source} {connector}");
    }
}

async fn a_delivery_below_the_share_its_connector_asks_for_waits(district: District) {
    load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=5))
        .await
        .expect("loaded");
    for (least, code) in [(90, Some("MSK-DB-24")), (75, None)] {
        let snapshot = district.snapshot("b.xlsx", "b").await;
        let new = NewRun {
            least_of_previous: least,
            ..new_run("vpr", "b.xlsx", snapshot, Some(OF_SUBJECT))
        };
        let mut run = district.warehouse.begin_run(new, at(2)).await.expect("begun");
        let rows = batch(marks(1, 2..=4));
        district.warehouse.stage(&mut run, rows).await.expect("staged");
        let refused = district.warehouse.publish(run, false, at(3)).await.err();
        assert_eq!(
            refused.map(|problem| problem.code()),
            code,
            "three of four numbers are left"
        );
    }
}

async fn where_rows_were_refused_nothing_is_closed(district: District) {
    let both = |last: usize| [marks(1, 2..=last), marks(2, 2..=last)].concat();
    load(&district, OF_SUBJECT, "a.xlsx", both(6)).await.expect("loaded");
    let refused = |about: Option<usize>| {
        let row = Quarantined {
            unit: about.map(|unit| number(unit, 6, 0, 1).unit),
            ..refused_row("Классы!F6")
        };
        Batch {
            quarantined: vec![row],
            ..batch(both(5))
        }
    };
    for (about, closed) in [(None, 0), (Some(1), 1)] {
        let mut run = district
            .begin_within(Some(OF_SUBJECT), "b.xlsx", &format!("{about:?}"))
            .await;
        district
            .warehouse
            .stage(&mut run, refused(about))
            .await
            .expect("staged");
        let done = district.warehouse.publish(run, false, at(3)).await.expect("published");
        assert_eq!(done.observations_closed, closed, "{about:?}");
    }
    assert_eq!(district.history(1, 6).await, [7]);
    assert!(
        district
            .values()
            .await
            .contains_key(&("school-1".to_owned(), "mark=6".to_owned()))
    );
}

async fn a_delivery_that_lost_more_than_it_keeps_waits_for_confirmation(district: District) {
    load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=9))
        .await
        .expect("loaded");
    let before = district.values().await;
    let problem = load(&district, OF_SUBJECT, "b.xlsx", marks(1, 2..=4))
        .await
        .expect_err("held back");
    assert_eq!(
        (problem.code(), problem.get("missing"), problem.get("left")),
        ("MSK-DB-24", Some("5"), Some("3"))
    );
    assert_eq!(district.values().await, before);
    let mut run = district.begin_within(Some(OF_SUBJECT), "b.xlsx", "b").await;
    let rows = batch(marks(1, 2..=4));
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    let done = district.warehouse.publish(run, true, at(3)).await.expect("confirmed");
    assert_eq!(done.observations_closed, 5);
}

async fn a_killed_or_refused_load_closes_nothing(district: District) {
    load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=5))
        .await
        .expect("loaded");
    let before = district.values().await;
    let mut run = district.begin_within(Some(OF_SUBJECT), "b.xlsx", "b").await;
    let rows = batch(marks(1, 2..=4));
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    drop(run);
    let district = district.kill().await;
    assert_eq!(district.values().await, before);
    assert_eq!(district.history(1, 5).await, [7]);

    // One that is held back for its rows after it has closed what it lacks.
    let mut run = district.begin_within(Some(OF_SUBJECT), "a.xlsx", "more rows").await;
    let rows = Batch {
        rows_read: 20,
        ..batch(marks(1, 2..=5))
    };
    district.warehouse.stage(&mut run, rows).await.expect("staged");
    district.warehouse.publish(run, false, at(4)).await.expect("published");
    let halved = load(&district, OF_SUBJECT, "a.xlsx", marks(1, 2..=4)).await;
    assert_eq!(halved.expect_err("held back").code(), "MSK-DB-10");
    assert_eq!(district.values().await, before);
    assert_eq!(district.history(1, 5).await, [7]);
}

async fn a_whole_round_closes_units_that_are_no_longer_in_it(district: District) {
    let rows: Vec<Observation> = (0..12).flat_map(|unit| marks(unit, 2..=5)).collect();
    load(&district, WHOLE, "a.xml", rows).await.expect("loaded");
    let fewer: Vec<Observation> = (0..11).flat_map(|unit| marks(unit, 2..=5)).collect();
    let again = load(&district, WHOLE, "b.xml", fewer).await.expect("loaded");
    assert_eq!(again.observations_closed, 4);
    assert_eq!(district.values().await.len(), 44);
}
