//! What was kept long enough goes on either database; the times themselves are the flow's.

use chrono::Duration;
use msoko::domain::observation::Batch;
use msoko::message::Problem;
use msoko::warehouse::load::{HALF, NewRun};
use msoko::warehouse::outbox::AttemptOutcome;
use msoko::warehouse::retention::{Class, Limit};
use msoko::warehouse::verify::Depth;
use sqlx::Connection;

use crate::district::{District, Engine, at, batch, fact, number, on_both, refused_row, text};
use crate::tables::letter;

on_both! {
    old_letters_refused_rows_snapshots_and_records_go_class_by_class,
    an_old_snapshot_stays_while_a_fact_a_refused_row_or_a_load_needs_it,
}

/// Everything older than so many minutes of the story goes.
fn limit(minutes: i64) -> Limit {
    Limit {
        before: at(minutes),
        announced: at(minutes),
        held: at(minutes),
    }
}

async fn old_letters_refused_rows_snapshots_and_records_go_class_by_class(district: District) {
    let warehouse = &district.warehouse;
    // More than one transaction takes.
    let letters = (0..250).map(|number| letter(&format!("k{number:03}"), "a@office.example"));
    warehouse
        .enqueue(letters.collect(), Vec::new(), at(1))
        .await
        .expect("queued");
    while let Some(claimed) = warehouse.claim_letter(at(2), at(9)).await.expect("asked") {
        let outcome = AttemptOutcome::Sent("250".to_owned());
        warehouse
            .record_attempt(claimed.id, 1, outcome, at(3))
            .await
            .expect("recorded");
    }
    warehouse
        .enqueue(vec![letter("waiting", "b@office.example")], Vec::new(), at(1))
        .await
        .expect("queued");
    // One of an earlier version, which kept no hash.
    district
        .raw("update outbox set message_hash = '' where key = 'k007'")
        .await
        .expect("forgotten");
    let hash = "select message_hash from outbox where key = 'k008'";
    let before = district.column(hash).await;

    let mut run = district.begin("a.xlsx", "one").await;
    let rows = Batch {
        quarantined: vec![refused_row("C!2"), refused_row("C!3")],
        ..batch(vec![number(1, 2, 7, 1)])
    };
    warehouse.stage(&mut run, rows).await.expect("staged");
    warehouse.publish(run, true, at(2)).await.expect("published");
    warehouse
        .drop_quarantined(1, "специалист", at(3))
        .await
        .expect("dropped");
    let mut run = district.begin("a.xlsx", "two").await;
    let rows = Batch {
        quarantined: vec![refused_row("C!9")],
        ..batch(vec![number(1, 2, 8, 1)])
    };
    warehouse.stage(&mut run, rows).await.expect("staged");
    warehouse.publish(run, true, at(2)).await.expect("published");

    let now = at(100);
    let mut gone = Vec::new();
    let mut everything = async |minutes: i64| {
        let mut counts = Vec::new();
        for class in Class::ALL {
            let foreseen = warehouse.count_old(class, &limit(minutes)).await.expect("counted");
            let mut removed = Vec::new();
            loop {
                let some = warehouse.remove_old(class, limit(minutes), now).await.expect("removed");
                if some == 0 {
                    break;
                }
                removed.push(some);
            }
            // The log has its last record always, and one more with every deed.
            if class != Class::Audit {
                assert_eq!(removed.iter().sum::<u64>(), foreseen, "{class:?}");
            }
            counts.push(removed);
        }
        gone.push(counts);
    };
    everything(0).await;
    for emptied in [200, 50, 0] {
        let done = warehouse.remove_old(Class::LetterBodies, limit(50), now).await;
        assert_eq!(done, Ok(emptied));
    }
    assert_eq!(district.column(hash).await, before, "the hash outlives the body");
    let late = district
        .column("select message_hash from outbox where key = 'k007'")
        .await;
    let body = blake3::hash(&letter("k007", "a@office.example").bytes);
    assert_eq!(late, [body.to_hex().as_str()]);
    let leaving = warehouse.leaving(at(50)).await.expect("listed");
    assert_eq!(
        (
            leaving.len(),
            leaving[0].source.as_str(),
            leaving[0].rows,
            leaving[0].since
        ),
        (1, "vpr", 1, at(1))
    );
    everything(50).await;
    warehouse.announce_leaving(at(50), at(51)).await.expect("noted");
    assert!(warehouse.leaving(at(50)).await.expect("listed").is_empty());
    everything(51).await;
    everything(52).await;
    assert_eq!(gone[0], vec![Vec::<u64>::new(); 5]);
    // Closed rows go, open ones wait for their notice.
    assert_eq!(gone[1][..4], [vec![], vec![200, 50], vec![2], vec![1]]);
    assert_eq!(gone[2][2], [0u64; 0], "announced, but not long ago");
    assert_eq!(gone[3][2], [1]);
    assert_eq!(district.column("select key from outbox").await, ["waiting"]);
    assert_eq!(warehouse.removed_snapshots(at(99)).await.expect("listed").len(), 1);
    let kept = warehouse.kept_snapshots("", 10).await.expect("listed");
    assert_eq!(kept.len(), 1, "{kept:?}");
    warehouse.forget().await.expect("forgotten");
    let verdict = warehouse.verify(Depth::Full).await.expect("looked");
    assert_eq!(verdict.findings, Vec::new());
    let span = (at(0) - Duration::days(1), at(1000));
    let records = warehouse.audit(span, 0, 1000).await.expect("read");
    let told: Vec<&str> = records.iter().map(|record| record.action.as_str()).collect();
    assert!(
        told.contains(&"audit_cut") && !told.contains(&"letter_sent"),
        "{told:?}"
    );
    // The same bytes come again: their snapshot is there again.
    district.snapshot("a.xlsx", "one").await;
    assert_eq!(warehouse.kept_snapshots("", 10).await.expect("listed").len(), 1);
    assert!(warehouse.removed_snapshots(at(99)).await.expect("listed").is_empty());
}

async fn an_old_snapshot_stays_while_a_fact_a_refused_row_or_a_load_needs_it(district: District) {
    let warehouse = &district.warehouse;
    let publish = async |file: &str, bytes: &str, rows: Batch| {
        let mut run = district.begin(file, bytes).await;
        warehouse.stage(&mut run, rows).await.expect("staged");
        warehouse.publish(run, true, at(2)).await.expect("published");
    };
    let page = |code| Batch {
        rows_read: 1,
        facts: vec![fact(1, code, text("a@school.example"), 90)],
        ..Batch::default()
    };
    let snapshots = async |state: &str| {
        let found = format!("select file || ' ' || size from snapshot where removed_at is {state} order by id");
        district.column(&found).await
    };
    // Each of the three is not the last published of its file, and no number stands on it.
    publish("page", "1", page("org_email")).await;
    publish("page", "22", page("org_phone")).await;
    publish("a.xlsx", "333", batch(vec![number(1, 2, 7, 1)])).await;
    let mut refused = district.begin("a.xlsx", "4444").await;
    let waiting = district.snapshot("a.xlsx", "4444").await;
    let rows = Batch {
        quarantined: vec![refused_row("C!2")],
        ..Batch::default()
    };
    warehouse.stage(&mut refused, rows).await.expect("staged");
    let empty = warehouse
        .publish(refused, false, at(2))
        .await
        .expect_err("no row is left");
    assert_eq!(empty.code(), "MSK-DB-09");
    publish("b.xlsx", "55555", batch(vec![number(2, 2, 7, 1)])).await;
    let loading = district.begin("b.xlsx", "666666").await;
    let first = limit(50);
    let removed = warehouse.remove_old(Class::Snapshots, first, at(60)).await;
    assert_eq!(snapshots("not null").await, [""; 0]);
    assert_eq!(removed, Ok(0));

    let broken = Problem::new("MSK-DB-20").arg("source", "vpr");
    warehouse.abandon(loading, &broken, at(61)).await.expect("taken back");
    let row = district
        .column("select code from quarantine where state = 'open'")
        .await;
    assert_eq!(row.len(), 1);
    warehouse
        .drop_quarantined(1, "специалист", at(61))
        .await
        .expect("dropped");
    let again = Batch {
        rows_read: 1,
        facts: vec![fact(1, "org_email", text("b@school.example"), 90)],
        ..Batch::default()
    };
    publish("page", "7777777", again).await;
    let late = limit(100);
    assert_eq!(warehouse.remove_old(Class::Snapshots, late, at(110)).await, Ok(3));
    assert_eq!(snapshots("not null").await, ["page 1", "a.xlsx 4", "b.xlsx 6"]);

    // Somebody who knew it before loads it once more.
    let run = NewRun {
        source: "vpr".to_owned(),
        series: "a.xlsx".to_owned(),
        snapshot: waiting,
        manifest: "m2".to_owned(),
        scope: None,
        least_of_previous: HALF,
        references: Vec::new(),
    };
    let _loading = warehouse.begin_run(run, at(111)).await.expect("begun");
    assert_eq!(snapshots("not null").await, ["page 1", "b.xlsx 6"]);
    assert_eq!(warehouse.remove_old(Class::Snapshots, late, at(112)).await, Ok(0));
}

#[tokio::test]
async fn what_another_node_takes_at_the_same_moment_does_not_go() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let warehouse = &district.warehouse;
    let mut other = sqlx::PgConnection::connect(&district.url).await.expect("connected");
    let letters = vec![letter("k1", "a@office.example")];
    warehouse.enqueue(letters, Vec::new(), at(1)).await.expect("queued");
    let claimed = warehouse.claim_letter(at(2), at(9)).await.expect("asked").expect("due");
    let failed = AttemptOutcome::Failed(Problem::new("MSK-MAIL-06"));
    warehouse
        .record_attempt(claimed.id, 1, failed, at(3))
        .await
        .expect("recorded");
    let mut retrying = other.begin().await.expect("begun");
    sqlx::query("update outbox set state = 'queued', finished_at = null, next_at = created_at")
        .execute(&mut *retrying)
        .await
        .expect("queued again");
    let removing = warehouse.remove_old(Class::LetterBodies, limit(50), at(100));
    let removed = tokio::time::timeout(std::time::Duration::from_secs(10), removing).await;
    assert_eq!(removed.expect("waits for nobody"), Ok(0));
    retrying.commit().await.expect("committed");

    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    district.load("a.xlsx", vec![number(1, 2, 8, 1)]).await;
    assert_eq!(warehouse.count_old(Class::Snapshots, &limit(50)).await, Ok(1));
    let mut loading = other.begin().await.expect("begun");
    sqlx::query("update snapshot set removed_at = null, held_at = '2026-02-02T08:00:00.000Z'")
        .execute(&mut *loading)
        .await
        .expect("taken");
    let (own, waiting) = (warehouse.clone(), "select 'waits' from pg_locks where not granted");
    let removing = tokio::spawn(async move { own.remove_old(Class::Snapshots, limit(50), at(100)).await });
    while district.column(waiting).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    loading.commit().await.expect("committed");
    removing.await.expect("no panic").expect("looked");
    assert_eq!(warehouse.removed_snapshots(at(0)).await, Ok(Vec::new()));
}
