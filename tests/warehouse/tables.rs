//! Everything beside the numbers: refused rows, facts, register, sources, letters, deadlines, reports.

use msoko::domain::fact::{Fact, FactValue};
use msoko::domain::observation::{Amount, Batch};
use msoko::domain::unit::{Alias, UnitId};
use msoko::domain::vocabulary::AliasSystem;
use msoko::message::Problem;
use msoko::warehouse::outbox::{AlertMark, AttemptOutcome, NewLetter};
use msoko::warehouse::reports::{NewReport, ReportKey};
use msoko::warehouse::sources::{PullOutcome, Validators};
use std::collections::HashMap;

use crate::district::{District, at, batch, fact, number, on_both, refused_row, school, text};

on_both! {
    refused_rows_are_answered_by_a_replay_or_a_newer_delivery_and_never_vanish,
    refused_rows_of_a_refused_file_stay_readable_and_those_of_a_broken_load_go,
    facts_of_a_site_have_a_history_and_the_more_certain_page_wins,
    the_register_is_imported_renamed_and_never_led_astray,
    the_state_of_sources_survives_failures_and_remembers_what_servers_said,
    a_letter_is_queued_once_with_its_mark_and_claimed_by_one,
    deadlines_are_closed_by_evidence_and_reports_keep_their_numbers,
    the_store_of_snapshots_is_named_once_by_whoever_asks_first,
}

async fn the_store_of_snapshots_is_named_once_by_whoever_asks_first(district: District) {
    let warehouse = &district.warehouse;
    assert_eq!(warehouse.known_store().await.expect("read"), None);
    let tried = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let put = |refuses: bool| {
        let tried = tried.clone();
        move |mark: &str| {
            tried.lock().expect("alone").push(mark.to_owned());
            if refuses {
                Err(Problem::new("MSK-SNP-07"))
            } else {
                Ok(())
            }
        }
    };
    let failed = warehouse.store_mark(put(true)).await;
    assert_eq!(failed.expect_err("not marked").code(), "MSK-SNP-07");
    assert_eq!(warehouse.known_store().await.expect("read"), None, "not put yet");
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (warehouse, put) = (warehouse.clone(), put(false));
        asking.spawn(async move { warehouse.store_mark(put).await.expect("named") });
    }
    let names = asking.join_all().await;
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    assert_eq!(warehouse.known_store().await.expect("read").as_ref(), Some(&names[0]));
    // The mark of a start that was cut off is the one that the next start puts; the others find it there.
    assert_eq!(*tried.lock().expect("alone"), [names[0].clone(), names[0].clone()]);
}

async fn refused_rows_are_answered_by_a_replay_or_a_newer_delivery_and_never_vanish(district: District) {
    let warehouse = &district.warehouse;
    let load = async |bytes: &str, places: &[&str]| {
        let mut run = district.begin("a.xlsx", bytes).await;
        let mut rows = batch(vec![number(1, 2, 7, 1)]);
        rows.quarantined = places.iter().map(|place| refused_row(place)).collect();
        rows.rows_read = 3;
        let before = warehouse.quarantine(None, true, 10).await.expect("listed");
        warehouse.stage(&mut run, rows).await.expect("staged");
        // Enough for a chunk: the refused rows are in the file now.
        let many = (0..9000usize)
            .map(|row| number(row % 12, 10 + row / 12, 1, 9))
            .collect();
        warehouse.stage(&mut run, batch(many)).await.expect("staged");
        let during = warehouse.quarantine(None, true, 10).await.expect("listed");
        assert_eq!(during, before, "seen before it is published");
        warehouse.publish(run, false, at(2)).await.expect("published");
        let rows = warehouse.quarantine(None, true, 10).await.expect("listed");
        rows.iter()
            .map(|row| format!("{} {} {}", row.id, row.problem.place().unwrap_or("?"), row.state))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        load("one", &["C!2", "C!3", "C!4"]).await,
        ["3 C!4 open", "2 C!3 open", "1 C!2 open"]
    );
    warehouse
        .drop_quarantined(3, "специалист", at(3))
        .await
        .expect("dropped");
    assert_eq!(
        warehouse
            .drop_quarantined(3, "специалист", at(3))
            .await
            .expect_err("closed")
            .code(),
        "MSK-DB-18"
    );
    // The same bytes again: the mended row is answered, the others keep their numbers, the dropped one stays dropped.
    assert_eq!(
        load("one", &["C!3", "C!4"]).await,
        ["3 C!4 dropped", "2 C!3 open", "1 C!2 replayed"]
    );
    assert_eq!(
        warehouse.unknown_names("MSK-DEC-03").await.expect("listed"),
        [("СОШ № 77".to_owned(), 1)]
    );
    let shown = warehouse.quarantine_row(2).await.expect("shown");
    assert_eq!(
        (shown.unit.as_deref(), shown.column.as_deref(), shown.file.as_str()),
        (Some("СОШ № 77"), Some("Код"), "a.xlsx")
    );
    let last = load("two", &["C!3"]).await;
    assert_eq!(&last[1..], ["3 C!4 dropped", "2 C!3 superseded", "1 C!2 replayed"]);
    assert_eq!(
        warehouse.quarantine_row(999).await.expect_err("absent").code(),
        "MSK-DB-18"
    );
}

async fn refused_rows_of_a_refused_file_stay_readable_and_those_of_a_broken_load_go(district: District) {
    for (problem, left) in [
        (Problem::new("MSK-SNP-05"), 0),
        (Problem::new("MSK-DB-09").arg("source", "vpr").arg("series", "a"), 1),
    ] {
        let mut run = district.begin("a.xlsx", "one").await;
        let rows = Batch {
            quarantined: vec![refused_row("C!2")],
            rows_read: 1,
            ..Batch::default()
        };
        district.warehouse.stage(&mut run, rows).await.expect("staged");
        let many: Vec<_> = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
        district.warehouse.stage(&mut run, batch(many)).await.expect("staged");
        district
            .warehouse
            .abandon(run, &problem, at(3))
            .await
            .expect("abandoned");
        assert_eq!(
            district
                .warehouse
                .quarantine(None, false, 10)
                .await
                .expect("listed")
                .len(),
            left
        );
        assert!(district.values().await.is_empty());
    }
}

async fn facts_of_a_site_have_a_history_and_the_more_certain_page_wins(district: District) {
    let load = async |facts: Vec<Fact>, minutes: i64| {
        let mut run = district.begin("school-1", &format!("{facts:?}")).await;
        let rows = Batch {
            rows_read: facts.len() as u64,
            facts,
            ..Batch::default()
        };
        district.warehouse.stage(&mut run, rows).await.expect("staged");
        district
            .warehouse
            .publish(run, true, at(minutes))
            .await
            .expect("published")
    };
    let first = load(
        vec![
            fact(1, "org_email", text("a@school.example"), 60),
            fact(1, "students_total", FactValue::Number(Amount::whole(250)), 90),
            fact(1, "org_email", text("b@school.example"), 90),
        ],
        2,
    )
    .await;
    assert_eq!((first.facts_new, first.duplicates), (2, 1));
    let second = load(
        vec![
            fact(1, "org_email", text("c@school.example"), 90),
            fact(1, "students_total", FactValue::Number(Amount::whole(250)), 90),
        ],
        50,
    )
    .await;
    assert_eq!((second.facts_changed, second.facts_unchanged), (1, 1));
    let unit = UnitId("school-1".to_owned());
    let facts = district.warehouse.facts(Some(&unit)).await.expect("read");
    let told: Vec<_> = facts
        .iter()
        .map(|fact| (fact.code.as_str(), fact.value.clone(), fact.last_seen))
        .collect();
    assert_eq!(
        told,
        [
            ("org_email", Some(text("c@school.example")), at(1)),
            ("students_total", Some(FactValue::Number(Amount::whole(250))), at(50)),
        ]
    );
    let history = district.warehouse.fact_history(&unit, "org_email").await.expect("read");
    let told: Vec<_> = history.into_iter().filter_map(|fact| fact.value).collect();
    assert_eq!(told, [text("b@school.example"), text("c@school.example")]);
    assert_eq!(district.warehouse.facts(None).await.expect("read").len(), 2);
}

async fn the_register_is_imported_renamed_and_never_led_astray(district: District) {
    let warehouse = &district.warehouse;
    let again = warehouse
        .import_units(
            vec![school(0, None), school(1, Some("s1@school.example")), school(12, None)],
            at(5),
        )
        .await
        .expect("imported");
    assert_eq!((again.new, again.changed, again.unchanged), (1, 1, 1));
    let mut orphan = school(13, None);
    orphan.parent = Some(UnitId("nowhere".to_owned()));
    assert_eq!(
        warehouse
            .import_units(vec![orphan], at(5))
            .await
            .expect_err("refused")
            .code(),
        "MSK-DB-14"
    );

    let alias = |value: &str| Alias {
        system: AliasSystem::Title,
        value: value.to_owned(),
        from: None,
        to: None,
    };
    let first = UnitId("school-1".to_owned());
    warehouse
        .add_alias(first.clone(), alias("Школа на горе"), at(6))
        .await
        .expect("added");
    warehouse
        .add_alias(first.clone(), alias("Школа на горе"), at(6))
        .await
        .expect("known already");
    let second = warehouse
        .add_alias(UnitId("school-2".to_owned()), alias("школа на горе"), at(6))
        .await
        .expect_err("taken");
    assert_eq!((second.code(), second.get("owner")), ("MSK-DB-15", Some("school-1")));
    let nobody = warehouse
        .add_alias(UnitId("school-99".to_owned()), alias("x"), at(6))
        .await
        .expect_err("unknown");
    assert_eq!(nobody.code(), "MSK-DB-14");
    let register = warehouse.register().await.expect("read");
    assert_eq!(register.units().len(), 13);
    let found = register.find(AliasSystem::Title, "«Школа на горе»", None);
    assert!(
        matches!(found, msoko::domain::unit::Lookup::Found(unit) if unit.id == first && unit.email.as_deref() == Some("s1@school.example"))
    );
}

async fn the_state_of_sources_survives_failures_and_remembers_what_servers_said(district: District) {
    let warehouse = &district.warehouse;
    warehouse.source_started("vpr", None, at(1)).await.expect("noted");
    warehouse
        .source_finished("vpr", PullOutcome::Well { rows: Some(40) }, Some(at(60)), at(2))
        .await
        .expect("noted");
    warehouse.source_started("vpr", None, at(60)).await.expect("noted");
    for minutes in [61, 62] {
        let problem = Problem::new("MSK-SNP-05");
        warehouse
            .source_finished("vpr", PullOutcome::Failed { problem }, Some(at(90)), at(minutes))
            .await
            .expect("noted");
    }
    let records = warehouse.source_records().await.expect("read");
    let [record] = records.as_slice() else {
        panic!("one source: {records:?}")
    };
    assert_eq!(
        (record.failures, record.rows, record.last_success, record.next_due),
        (2, 40, Some(at(2)), Some(at(90)))
    );
    assert_eq!(record.failing_since, Some(at(61)));
    assert_eq!(record.problem.as_ref().map(Problem::code), Some("MSK-SNP-05"));
    warehouse
        .source_finished("vpr", PullOutcome::Well { rows: None }, None, at(95))
        .await
        .expect("noted");
    let record = warehouse.source_records().await.expect("read").remove(0);
    assert_eq!((record.failures, record.rows, record.problem), (0, 40, None));
    assert_eq!(record.failing_since, Some(at(61)), "kept");
    let problem = Problem::new("MSK-SNP-05");
    warehouse
        .source_finished("vpr", PullOutcome::Failed { problem }, None, at(97))
        .await
        .expect("noted");
    let record = warehouse.source_records().await.expect("read").remove(0);
    assert_eq!((record.failures, record.failing_since), (1, Some(at(97))));

    let said = Validators {
        etag: Some("\"1\"".to_owned()),
        last_modified: None,
        body_hash: Some("ab".to_owned()),
    };
    let url = "http://feed.example/rsoko.xml".to_owned();
    for etag in ["\"0\"", "\"1\""] {
        let said = Validators {
            etag: Some(etag.to_owned()),
            ..said.clone()
        };
        warehouse
            .remember_validators("vpr", vec![(url.clone(), said)], at(3))
            .await
            .expect("kept");
    }
    assert_eq!(
        warehouse.validators("vpr").await.expect("read"),
        HashMap::from([(url, said)])
    );
    assert!(warehouse.validators("other").await.expect("read").is_empty());
}

pub(crate) fn letter(key: &str, to: &str) -> NewLetter {
    NewLetter {
        key: key.to_owned(),
        kind: "digest".to_owned(),
        to: to.to_owned(),
        subject: "Сроки на неделю".to_owned(),
        bytes: format!("Message-ID: <{key}@msoko.example>\r\n\r\n").into_bytes(),
        not_before: at(0),
    }
}

async fn a_letter_is_queued_once_with_its_mark_and_claimed_by_one(district: District) {
    let warehouse = &district.warehouse;
    let mark = AlertMark {
        cause: "1/20@2026-03-01".to_owned(),
        stage: "month".to_owned(),
        recipient: "a@office.example".to_owned(),
        letter: "k1".to_owned(),
    };
    for queued in [2, 0] {
        let letters = vec![letter("k1", "a@office.example"), letter("k2", "b@office.example")];
        assert_eq!(
            warehouse
                .enqueue(letters, vec![mark.clone()], at(1))
                .await
                .expect("queued"),
            queued
        );
    }
    let marks = warehouse
        .alert_marks(std::slice::from_ref(&mark.cause))
        .await
        .expect("read");
    assert_eq!(marks.into_iter().collect::<Vec<_>>(), [mark]);

    let first = warehouse
        .claim_letter(at(2), at(17))
        .await
        .expect("claimed")
        .expect("one is due");
    assert_eq!(
        (first.key.as_str(), first.attempt, first.to.as_str()),
        ("k1", 1, "a@office.example")
    );
    let second = warehouse
        .claim_letter(at(2), at(17))
        .await
        .expect("claimed")
        .expect("one is due");
    assert_eq!(second.key, "k2");
    assert_eq!(warehouse.claim_letter(at(3), at(18)).await.expect("asked"), None);
    assert!(!warehouse.has_due_letter(at(16)).await.expect("asked"));

    warehouse
        .record_attempt(second.id, 1, AttemptOutcome::Sent("250 принято".to_owned()), at(4))
        .await
        .expect("recorded");
    // The first claimer died; its lease runs out and the letter goes out again, the same to the byte.
    assert!(warehouse.has_due_letter(at(17)).await.expect("asked"));
    let again = warehouse
        .claim_letter(at(17), at(30))
        .await
        .expect("claimed")
        .expect("lease ran out");
    assert_eq!((again.id, again.attempt, &again.bytes), (first.id, 2, &first.bytes));
    // A late word of the dead claimer changes nothing.
    warehouse
        .record_attempt(first.id, 1, AttemptOutcome::Failed(Problem::new("MSK-SNP-05")), at(18))
        .await
        .expect("recorded");
    let later = AttemptOutcome::Later(at(40), Problem::new("MSK-SNP-05"));
    warehouse
        .record_attempt(again.id, 2, later, at(19))
        .await
        .expect("recorded");
    assert!(!warehouse.has_due_letter(at(39)).await.expect("asked"));
    let counts = warehouse.outbox_counts().await.expect("counted");
    assert_eq!(
        (counts.queued, counts.sent, counts.failed, counts.held, counts.oldest),
        (1, 1, 0, 0, Some(at(1)))
    );

    let third = warehouse
        .claim_letter(at(40), at(55))
        .await
        .expect("claimed")
        .expect("due again");
    warehouse
        .record_attempt(
            third.id,
            3,
            AttemptOutcome::Held(at(99), Problem::new("MSK-DB-03").arg("path", "x")),
            at(41),
        )
        .await
        .expect("recorded");
    assert_eq!(warehouse.outbox_counts().await.expect("counted").held, 1);
    let held = warehouse.letters(Some("held"), 10).await.expect("listed").remove(0);
    assert_eq!(held.attempt, 2, "waiting for a person is no attempt");
    assert_eq!(
        warehouse.retry_letters(Some(third.id), at(42)).await.expect("queued"),
        1
    );
    let fourth = warehouse
        .claim_letter(at(42), at(57))
        .await
        .expect("claimed")
        .expect("queued again");
    assert_eq!(fourth.attempt, 1);
    warehouse
        .record_attempt(
            fourth.id,
            1,
            AttemptOutcome::Failed(Problem::new("MSK-DB-03").arg("path", "x")),
            at(43),
        )
        .await
        .expect("recorded");
    let shown = warehouse.letters(Some("failed"), 10).await.expect("listed").remove(0);
    assert_eq!(
        (
            shown.key.as_str(),
            shown.finished_at,
            shown.problem.map(|problem| problem.code())
        ),
        ("k1", Some(at(43)), Some("MSK-DB-03"))
    );
    assert_eq!(warehouse.letters(None, 10).await.expect("listed").len(), 2);
    assert_eq!(
        warehouse.letter_message(fourth.id).await.expect("read"),
        Some(first.bytes)
    );
    assert_eq!(
        warehouse
            .retry_letters(Some(second.id), at(44))
            .await
            .expect_err("sent already")
            .code(),
        "MSK-DB-21"
    );
    assert_eq!(warehouse.retry_letters(None, at(44)).await.expect("queued"), 1);
}

async fn deadlines_are_closed_by_evidence_and_reports_keep_their_numbers(district: District) {
    let warehouse = &district.warehouse;
    warehouse
        .close_deadline("1/20@2026-03-01", "приказ № 1", "специалист", at(1))
        .await
        .expect("closed");
    warehouse
        .close_deadline("1/20@2026-03-01", "приказ № 2", "специалист", at(2))
        .await
        .expect("corrected");
    let evidence = warehouse.evidence().await.expect("read");
    let closed = &evidence["1/20@2026-03-01"];
    assert_eq!((closed.document.as_str(), closed.done_at), ("приказ № 2", at(2)));

    let key = |fingerprint: &str| ReportKey {
        code: "R-VPR".to_owned(),
        period: "2025-26".to_owned(),
        unit: String::new(),
        fingerprint: fingerprint.to_owned(),
    };
    let new = |fingerprint: &str, document: &str, snapshots: &[&str]| NewReport {
        key: key(fingerprint),
        document: document.to_owned(),
        snapshots: snapshots.iter().map(|&hash| hash.to_owned()).collect(),
    };
    let first = warehouse
        .save_report(new("a", "[1]", &["x", "y"]), at(1))
        .await
        .expect("kept");
    assert_eq!((first.id.as_str(), first.document.as_str()), ("R-VPR/2025-26/1", "[1]"));
    let again = warehouse
        .save_report(new("a", "[2]", &["z"]), at(9))
        .await
        .expect("kept");
    assert_eq!(again, first);
    let other = warehouse
        .save_report(new("b", "{}", &["y"]), at(2))
        .await
        .expect("kept");
    for (snapshot, on_it) in [("x", vec!["R-VPR/2025-26/1"]), ("z", Vec::new())] {
        assert_eq!(warehouse.reports_on(snapshot).await.expect("read"), on_it);
    }
    assert_eq!(
        warehouse.reports_on("y").await.expect("read"),
        ["R-VPR/2025-26/1", "R-VPR/2025-26/2"]
    );
    assert_eq!(
        warehouse.newest_version(&key("a")).await.expect("read"),
        Some(other.id.clone())
    );
    assert_eq!(other.number, 2);
    assert_eq!(warehouse.report("R-VPR/2025-26/1").await.expect("read"), Some(first));
    assert_eq!(warehouse.report("R-VPR/2025-26/9").await.expect("read"), None);
    let listed = warehouse.reports(Some("R-VPR"), 10).await.expect("listed");
    assert_eq!(listed.iter().map(|report| report.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(warehouse.reports(None, 10).await.expect("listed").len(), 2);
}
