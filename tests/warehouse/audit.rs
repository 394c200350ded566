//! The audit log: every deed has its record, no record changes, several processes share a chain.

use msoko::domain::unit::{Alias, UnitId};
use msoko::domain::vocabulary::AliasSystem;
use msoko::warehouse::Access;
use msoko::warehouse::audit::{Action, AuditRecord, Entry};
use msoko::warehouse::outbox::AttemptOutcome;
use msoko::warehouse::reports::{NewReport, ReportKey};
use serde_json::json;
use std::collections::BTreeSet;

use crate::district::{District, at, batch, number, on_both, open, refused_row};
use crate::tables::letter;

on_both! {
    every_deed_leaves_one_record_with_its_counts_in_one_chain,
    a_deed_that_fails_leaves_no_record,
    no_record_is_changed_removed_or_put_between_others,
    several_processes_of_one_name_share_a_chain,
}

async fn records(district: &District) -> Vec<AuditRecord> {
    district
        .warehouse
        .audit((at(-10), at(9000)), 0, 10_000)
        .await
        .expect("read")
}

/// What people would be told: action, object, recipient.
fn told(records: &[AuditRecord]) -> Vec<String> {
    records
        .iter()
        .map(|record| {
            let recipient = record.recipient.as_deref().unwrap_or("—");
            format!("{} {} {recipient}", record.action, record.object)
        })
        .collect()
}

async fn every_deed_leaves_one_record_with_its_counts_in_one_chain(district: District) {
    let warehouse = &district.warehouse;
    let mut run = district.begin("a.xlsx", "a").await;
    let mut rows = batch(vec![number(1, 2, 7, 1), number(2, 2, 7, 2), number(3, 2, 7, 3)]);
    rows.quarantined = vec![refused_row("C!2")];
    warehouse.stage(&mut run, rows).await.expect("staged");
    warehouse.publish(run, false, at(2)).await.expect("published");
    let mut run = district.begin("a.xlsx", "b").await;
    warehouse
        .stage(&mut run, batch(vec![number(1, 2, 8, 1)]))
        .await
        .expect("staged");
    warehouse.publish(run, true, at(3)).await.expect("confirmed");
    let alias = Alias {
        system: AliasSystem::Title,
        value: "Школа на горе".to_owned(),
        from: None,
        to: None,
    };
    let school = UnitId("school-1".to_owned());
    warehouse.add_alias(school, alias, at(4)).await.expect("added");
    warehouse
        .close_deadline("1/20@2026-03-01", "приказ", "специалист", at(5))
        .await
        .expect("closed");
    let report = NewReport {
        key: ReportKey {
            code: "R-VPR".to_owned(),
            period: "2025-26".to_owned(),
            unit: String::new(),
            fingerprint: "f".to_owned(),
        },
        document: "{}".to_owned(),
        snapshots: BTreeSet::new(),
    };
    for minute in [6, 7] {
        let kept = warehouse.save_report(report.clone(), at(minute));
        kept.await.expect("kept");
    }
    warehouse
        .enqueue(vec![letter("k1", "a@office.example")], Vec::new(), at(8))
        .await
        .expect("queued");
    let claimed = warehouse
        .claim_letter(at(8), at(20))
        .await
        .expect("claimed")
        .expect("due");
    warehouse
        .record_attempt(claimed.id, 1, AttemptOutcome::Sent("250".to_owned()), at(9))
        .await
        .expect("recorded");
    let found = records(&district).await;
    assert_eq!(
        told(&found),
        [
            "register_changed units —",
            "load_published vpr/a.xlsx —",
            "delivery_confirmed vpr/a.xlsx —",
            "load_published vpr/a.xlsx —",
            "register_changed school-1 —",
            "deadline_closed 1/20@2026-03-01 —",
            "report_made R-VPR/2025-26/1 —",
            "report_made R-VPR/2025-26/1 —",
            "letter_sent k1 a@office.example",
        ]
    );
    assert!(
        found
            .iter()
            .zip(1..)
            .all(|(record, seq)| record.seq == seq && record.chain == found[0].chain)
    );
    assert!(found.iter().all(|record| record.actor == "msoko test"));
    let counts =
        |position: usize| -> serde_json::Value { serde_json::from_str(&found[position].counts).expect("JSON") };
    assert_eq!(
        (
            &counts(1)["new"],
            &counts(1)["quarantined"],
            &counts(3)["changed"],
            &counts(3)["quarantine_closed"]
        ),
        (&json!(3), &json!(1), &json!(1), &json!(1))
    );
    let message = blake3::hash(&claimed.bytes).to_hex().to_string();
    assert_eq!(counts(8), json!({ "kind": "digest", "attempt": 1, "message": message }));
    let page = warehouse.audit((at(2), at(4)), 1, 10).await.expect("read");
    assert_eq!(
        told(&page),
        ["delivery_confirmed vpr/a.xlsx —", "load_published vpr/a.xlsx —"]
    );
}

async fn a_deed_that_fails_leaves_no_record(district: District) {
    let before = records(&district).await;
    let run = district.begin("a.xlsx", "a").await;
    district.warehouse.publish(run, false, at(2)).await.expect_err("empty");
    let refused = district.warehouse.drop_quarantined(99, "специалист", at(3)).await;
    assert_eq!(refused.expect_err("absent").code(), "MSK-DB-18");
    assert_eq!(records(&district).await, before);
    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    assert_eq!(records(&district).await.len(), before.len() + 1);
}

async fn no_record_is_changed_removed_or_put_between_others(district: District) {
    for minute in 1..4 {
        let entry = Entry::new(Action::BackupMade, format!("{minute}.db"), json!({}));
        district.warehouse.note(entry, at(minute)).await.expect("noted");
    }
    let before = records(&district).await;
    for statement in [
        "update audit set object = 'x' where seq = 2",
        "delete from audit where seq = 1",
        "delete from audit where seq = 4",
        "delete from audit_chain",
        "update audit_chain set head_seq = 3",
        "update audit_chain set cut_seq = 2, cut_hash = 'x'",
        "update audit_chain set cut_seq = head_seq, cut_hash = head_hash",
    ] {
        let refused = district.raw(statement).await.expect_err(statement);
        assert!(refused.contains("the audit log only grows"), "{statement}: {refused}");
    }
    // What does not link is left out.
    let chain = &before[0].chain;
    for (seq, previous) in [
        (5, "''"),
        (9, "''"),
        (1, "''"),
        (5, "(select hash from audit where seq = 3)"),
    ] {
        let put = format!(
            "insert into audit (chain, seq, at, actor, action, object, counts, previous, hash) \
             values ('{chain}', {seq}, '', '', '', '', '', {previous}, 'h')"
        );
        assert_eq!(district.raw(&put).await, Ok(0), "{put}");
    }
    assert_eq!(records(&district).await, before);
    // A cut lets the records before it go, and only those.
    let cut = "update audit_chain set cut_seq = 2, cut_hash = (select hash from audit where seq = 2)";
    assert_eq!(district.raw(cut).await, Ok(1));
    assert_eq!(district.raw("delete from audit where seq <= 2").await, Ok(2));
    assert!(district.raw("delete from audit where seq = 3").await.is_err());
    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    let mut left: Vec<i64> = records(&district).await.iter().map(|record| record.seq).collect();
    left.sort_unstable();
    assert_eq!(left, [3, 4, 5]);
}

async fn several_processes_of_one_name_share_a_chain(district: District) {
    const NOTES: i64 = 25;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let url = district.url.clone();
        writers.spawn(async move {
            let warehouse = open(&url, Access::Write).await.expect("opened");
            for note in 0..NOTES {
                let entry = Entry::new(Action::BackupMade, format!("{writer}-{note}"), json!({}));
                warehouse.note(entry, at(note)).await.expect("noted");
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("no panic");
    }
    let mut found = records(&district).await;
    found.sort_by_key(|record| record.seq);
    let count = 4 * NOTES + 1;
    assert_eq!(
        found.iter().map(|record| record.seq).collect::<Vec<_>>(),
        (1..=count).collect::<Vec<_>>()
    );
    let mut objects: Vec<&str> = found.iter().map(|record| record.object.as_str()).collect();
    objects.sort_unstable();
    objects.dedup();
    assert_eq!(
        objects.len(),
        usize::try_from(count).expect("few"),
        "a record stands twice"
    );
}
