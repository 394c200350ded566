//! What was kept long enough goes on either database; the times themselves are the flow's.

use chrono::Duration;
use msoko::domain::observation::Batch;
use msoko::warehouse::outbox::AttemptOutcome;
use msoko::warehouse::retention::{Class, Limit};
use msoko::warehouse::verify::Depth;

use crate::district::{District, at, batch, number, on_both, refused_row};
use crate::tables::letter;

on_both! {
    old_letters_refused_rows_snapshots_and_records_go_class_by_class,
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
