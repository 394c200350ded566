//! What has been kept long enough → gone, once a day: rows in the warehouse, files of snapshots, told in the audit log.

use chrono::{DateTime, Duration, Utc};

use super::context::{Context, Stop, stopped};
use crate::message::Problem;
use crate::snapshot;
use crate::warehouse::retention::{Class, Limit};
use crate::warehouse::sources::PullOutcome;

/// Name under which the warehouse remembers when this was last done.
pub const JOB: &str = "jobs/retain";

/// A refused row is announced at least this long before it goes.
const NOTICE: Duration = Duration::days(14);
/// How long before its end a refused row is announced: the notice, and two weeks in which nobody may be at work.
const AHEAD: Duration = Duration::days(28);
/// Old snapshots that numbers stand on are looked at again after this.
const HELD: Duration = Duration::days(90);
/// Files of snapshots that were removed in these days are looked for once more: a kill may have left them.
const SWEPT: Duration = Duration::days(30);
/// A file that was written just now may be that of a delivery whose row is still to come.
const FRESH: Duration = Duration::hours(1);

/// What became of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    /// The class.
    pub class: Class,
    /// Rows, snapshots or records that went, or would go.
    pub count: u64,
    /// What goes is older than this.
    pub before: DateTime<Utc>,
}

/// The moment before which refused rows are announced now.
#[must_use]
pub fn announced_before(context: &Context) -> DateTime<Utc> {
    context.clock.now() - context.config.retention.quarantine + AHEAD
}

/// The first day on which rows that are announced now may go.
#[must_use]
pub fn leaves_at(context: &Context, since: DateTime<Utc>) -> DateTime<Utc> {
    (since + context.config.retention.quarantine).max(context.clock.now() + NOTICE)
}

fn limit(context: &Context, class: Class) -> Limit {
    let (kept, now) = (&context.config.retention, context.clock.now());
    let time = match class {
        Class::LetterBodies => kept.letter_bodies,
        Class::Letters => kept.letters,
        Class::Quarantine => kept.quarantine,
        Class::Snapshots => kept.snapshots,
        Class::Audit => kept.audit,
    };
    Limit {
        before: now - time,
        announced: now - NOTICE,
        held: now - HELD.min(kept.snapshots),
    }
}

/// Counts what would go, changing nothing.
///
/// # Errors
/// When the warehouse refuses.
pub async fn foresee(context: &Context) -> Result<Vec<Retained>, Problem> {
    let mut seen = Vec::new();
    for class in Class::ALL {
        let limit = limit(context, class);
        let count = context.warehouse.count_old(class, &limit).await?;
        seen.push(Retained {
            class,
            count,
            before: limit.before,
        });
    }
    Ok(seen)
}

/// Removes what has been kept long enough, and ends between two transactions when it is asked to stop.
///
/// # Errors
/// `MSK-RUN-11` when it was asked to stop, else when the warehouse or the store of snapshots refuses; the rest goes the
/// next time.
pub async fn retain(context: &Context, stop: &Stop) -> Result<Vec<Retained>, Problem> {
    let (warehouse, now) = (&context.warehouse, context.clock.now());
    warehouse.source_started(JOB, None, now).await?;
    let done = remove(context, stop, now).await;
    let outcome = match &done {
        Ok(_) => PullOutcome::Well { rows: None },
        Err(problem) => PullOutcome::Failed {
            problem: problem.clone(),
        },
    };
    let noted = warehouse.source_finished(JOB, outcome, None, now).await;
    done.and_then(|gone| noted.map(|()| gone))
}

async fn remove(context: &Context, stop: &Stop, now: DateTime<Utc>) -> Result<Vec<Retained>, Problem> {
    let warehouse = &context.warehouse;
    let mut gone = Vec::new();
    for class in Class::ALL {
        let limit = limit(context, class);
        let mut count = 0;
        loop {
            if stop.asked() {
                return Err(stopped());
            }
            let removed = warehouse.remove_old(class, limit, now).await?;
            count += removed;
            // Snapshots are marked in one go.
            if removed == 0 || class == Class::Snapshots {
                break;
            }
        }
        gone.push(Retained {
            class,
            count,
            before: limit.before,
        });
    }
    let folder = context.config.paths.snapshots();
    let mut refused = None;
    for hash in warehouse.removed_snapshots(now - SWEPT).await? {
        if let Err(problem) = snapshot::remove(&folder, &hash, (now - FRESH).into()) {
            // One file costs the others nothing; it is looked for again the next night.
            refused.get_or_insert(problem);
        }
    }
    if gone.iter().any(|retained| retained.count > 0) {
        warehouse.forget().await?;
        for retained in gone.iter().filter(|retained| retained.count > 0) {
            let (class, count) = (retained.class.as_str(), retained.count);
            tracing::info!(class, count, "removed {count} of {class}, kept long enough");
        }
    }
    warehouse.note_heads(now).await?;
    refused.map_or(Ok(gone), Err)
}

#[cfg(test)]
mod tests {
    use super::super::notice::write_notices;
    use super::super::samples::Desk;
    use super::super::verify::verify;
    use super::*;
    use crate::domain::observation::{Amount, Batch, Breakdown, Observation, Quarantined};
    use crate::domain::place::Place;
    use crate::domain::unit::{Unit, UnitId, UnitRef};
    use crate::domain::vocabulary::{Measure, Procedure, UnitKind};
    use crate::warehouse::load::{HALF, NewRun, NewSnapshot};
    use crate::warehouse::observations::ObservationQuery;
    use crate::warehouse::outbox::{AttemptOutcome, NewLetter};
    use crate::warehouse::verify::Depth;
    use std::sync::Arc;

    /// Nothing else in the files looks like this.
    const BODY: &str = "ТЕЛО-ПИСЬМА-7f3a";
    const ROW: &str = "ЗАПИСЬ-КАРАНТИНА-91bd";
    const RECIPIENTS: &str = "[[recipient]]\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n";

    async fn desk() -> Desk {
        let desk = Desk::open("2026-02-02", &[("recipients.toml", RECIPIENTS)]).await;
        let school = Unit {
            id: UnitId("school-1".to_owned()),
            kind: UnitKind::General,
            title: "СОШ № 1".to_owned(),
            short_title: "СОШ № 1".to_owned(),
            parent: None,
            branch: false,
            email: None,
            aliases: Vec::new(),
        };
        let now = desk.context.clock.now();
        desk.context
            .warehouse
            .import_units(vec![school], now)
            .await
            .expect("imported");
        desk
    }

    /// Loads a file whose bytes are its name; gives the hash of its snapshot.
    async fn load(context: &Context, file: &str, numbers: &[(&str, i64)], refused: usize) -> String {
        let (warehouse, now) = (&context.warehouse, context.clock.now());
        let kept = snapshot::keep(&context.config.paths.snapshots(), file.as_bytes()).expect("kept");
        let new = NewSnapshot {
            hash: kept.hash.clone(),
            size: kept.size,
            source: "vpr".to_owned(),
            connector: "vpr-protocol".to_owned(),
            // Deliveries of one file: only the last of them is read by a replay.
            file: "svod.csv".to_owned(),
            ..NewSnapshot::default()
        };
        let run = NewRun {
            source: "vpr".to_owned(),
            series: file.to_owned(),
            snapshot: warehouse.record_snapshot(new, now).await.expect("recorded"),
            manifest: "m".to_owned(),
            scope: None,
            least_of_previous: HALF,
            references: Vec::new(),
        };
        let mut run = warehouse.begin_run(run, now).await.expect("begun");
        let unit = Arc::new(UnitRef {
            id: Some(UnitId("school-1".to_owned())),
            ..UnitRef::default()
        });
        let number = |(mark, value): &(&str, i64)| Observation {
            unit: unit.clone(),
            procedure: Procedure::Vpr,
            round: "vpr/2024-25/spring".into(),
            measure: Measure::MarkCount,
            subject: Some("ru".into()),
            grade: Some(5),
            breakdown: Arc::new(Breakdown::none().with("mark", *mark)),
            value: Amount::whole(*value),
            n: None,
            place: Place::cell("Классы", 2, 6),
        };
        let row = |place: usize| Quarantined {
            problem: Problem::new("MSK-SNP-05").at(format!("C!{place}")),
            column: None,
            rule: None,
            unit: None,
            cleaned: format!("{{\"строка\":\"{ROW}\"}}"),
        };
        let rows = Batch {
            rows_read: 1,
            observations: numbers.iter().map(number).collect(),
            quarantined: (0..refused).map(row).collect(),
            ..Batch::default()
        };
        warehouse.stage(&mut run, rows).await.expect("staged");
        warehouse.publish(run, true, now).await.expect("published");
        kept.hash
    }

    async fn send(context: &Context, key: &str) {
        let (warehouse, now) = (&context.warehouse, context.clock.now());
        let letter = NewLetter {
            key: key.to_owned(),
            kind: "digest".to_owned(),
            to: "office@uo.example".to_owned(),
            subject: "Сроки".to_owned(),
            bytes: format!("Message-ID: <{key}@uo.example>\r\n\r\n{BODY}").into_bytes(),
            not_before: now,
        };
        warehouse.enqueue(vec![letter], Vec::new(), now).await.expect("queued");
        let claimed = warehouse
            .claim_letter(now, now + Duration::minutes(9))
            .await
            .expect("asked")
            .expect("due");
        let sent = AttemptOutcome::Sent("250".to_owned());
        warehouse
            .record_attempt(claimed.id, claimed.attempt, sent, now)
            .await
            .expect("recorded");
    }

    fn pass(context: &Context, days: i64) {
        context.clock.set(context.clock.now() + Duration::days(days));
    }

    async fn counts(context: &Context) -> [u64; 5] {
        let foreseen = foresee(context).await.expect("counted");
        let gone = retain(context, &Stop::default()).await.expect("removed");
        assert_eq!(foreseen, gone, "a dry run tells what will go");
        let counts: Vec<u64> = gone.iter().map(|retained| retained.count).collect();
        counts.try_into().expect("five classes")
    }

    /// True when a text stands anywhere in the files of the database, free pages and log included.
    fn stands(context: &Context, text: &str) -> bool {
        ["", "-wal"].iter().any(|ending| {
            #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
            let bytes = std::fs::read(format!("{}{ending}", context.warehouse.name())).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }

    #[tokio::test]
    async fn what_was_kept_long_enough_is_gone_from_tables_pages_and_log() {
        let desk = desk().await;
        let context = &desk.context;
        send(context, "k1").await;
        load(context, "a", &[("2", 7)], 3).await;
        assert!(stands(context, BODY) && stands(context, ROW));
        assert_eq!(counts(context).await, [0; 5]);
        pass(context, 181);
        // Nobody was told of the refused rows yet: they stay.
        assert_eq!(counts(context).await, [1, 0, 0, 0, 0]);
        assert!(!stands(context, BODY), "the body is in the files still");
        assert!(stands(context, ROW));
        let letters = context.warehouse.letters(None, 10).await.expect("listed");
        assert_eq!(
            (letters.len(), letters[0].key.as_str()),
            (1, "k1"),
            "the envelope stays"
        );
        assert_eq!(
            context.warehouse.letter_message(letters[0].id).await.expect("read"),
            Some(Vec::new())
        );
        assert_eq!(
            context
                .warehouse
                .retry_letters(None, context.clock.now())
                .await
                .expect("asked"),
            0
        );

        assert_eq!(write_notices(context).await.expect("told"), 1);
        assert_eq!(write_notices(context).await.expect("told"), 0, "once");
        let notice = desk.letters("admin@uo.example").await.remove(0);
        let told =
            "MSK-KEEP-15: строки карантина источника «vpr» (3) ждут с 02.02.2026, с 16.08.2026 они будут удалены.";
        assert!(notice.text.contains(told), "{}", notice.text);
        pass(context, 13);
        assert_eq!(counts(context).await, [0; 5]);
        pass(context, 2);
        assert_eq!(counts(context).await, [0, 0, 3, 0, 0]);
        assert!(!stands(context, ROW), "the refused row is in the files still");
        pass(context, 3 * 365);
        assert_eq!(counts(context).await[1], 1, "the envelope");
        assert!(
            context
                .warehouse
                .letters(Some("sent"), 10)
                .await
                .expect("listed")
                .is_empty()
        );
        let copy = context.config.paths.state.join("copy.db");
        context.warehouse.backup(&copy).await.expect("copied");
        #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
        let bytes = std::fs::read(&copy).expect("read");
        for text in [BODY, ROW] {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
        }
    }

    #[tokio::test]
    async fn a_snapshot_stays_while_a_number_stands_on_it_and_every_number_stays_explained() {
        let desk = desk().await;
        let context = &desk.context;
        let folder = context.config.paths.snapshots();
        let there = |hash: &str| snapshot::path_of(&folder, hash).exists();
        let replaced = load(context, "replaced", &[("2", 7)], 0).await;
        let holding = load(context, "holding", &[("2", 8), ("3", 1)], 0).await;
        pass(context, 700);
        let last = load(context, "last", &[("2", 9)], 0).await;
        pass(context, 500);
        assert_eq!(counts(context).await[3], 1);
        assert!(!there(&replaced) && there(&holding) && there(&last));
        let (verdict, snapshots) = verify(context, Depth::Full).await.expect("looked");
        assert_eq!((verdict.findings, snapshots), (Vec::new(), 2));
        let query = ObservationQuery {
            rounds: vec!["vpr/2024-25/spring".to_owned()],
            ..ObservationQuery::default()
        };
        let stored = context
            .warehouse
            .observations(&query, context.zone())
            .await
            .expect("read");
        let key = stored
            .into_iter()
            .find(|number| number.value.units == 9)
            .expect("a number")
            .key;
        let history = context.warehouse.history(&key).await.expect("read");
        let told: Vec<_> = history
            .iter()
            .map(|old| (old.value.units, old.snapshot.clone()))
            .collect();
        assert_eq!(
            told,
            [(7, replaced.clone()), (8, holding.clone()), (9, last)],
            "the origin of what is gone"
        );

        // Held ones are not looked for every day; when their numbers are replaced they go, and the last of a file never.
        load(context, "newest", &[("3", 2)], 0).await;
        pass(context, 1);
        assert_eq!(counts(context).await[3], 0);
        pass(context, 90);
        assert_eq!(counts(context).await[3], 1);
        assert!(!there(&holding));
        // The same bytes come again: they are back, and stay.
        load(context, "replaced", &[("4", 1)], 0).await;
        pass(context, 1);
        counts(context).await;
        assert!(there(&replaced));
    }

    #[tokio::test]
    async fn a_file_that_a_kill_left_behind_is_swept_the_next_time() {
        let desk = desk().await;
        let context = &desk.context;
        let folder = context.config.paths.snapshots();
        let old = load(context, "old", &[("2", 7)], 0).await;
        load(context, "new", &[("2", 8)], 0).await;
        pass(context, 1200);
        let limit = limit(context, Class::Snapshots);
        let now = context.clock.now();
        assert_eq!(context.warehouse.remove_old(Class::Snapshots, limit, now).await, Ok(1));
        assert!(
            snapshot::path_of(&folder, &old).exists(),
            "killed between the mark and the file"
        );
        assert_eq!(counts(context).await, [0; 5]);
        assert!(!snapshot::path_of(&folder, &old).exists());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_removed_costs_the_others_nothing_and_is_remembered() {
        let desk = desk().await;
        let context = &desk.context;
        let folder = context.config.paths.snapshots();
        let mut old = Vec::new();
        for (file, value) in [("one", 1), ("two", 2)] {
            let hash = load(context, file, &[("2", value)], 0).await;
            old.push(snapshot::path_of(&folder, &hash));
        }
        load(context, "new", &[("2", 8)], 0).await;
        pass(context, 1200);
        old.sort();
        std::fs::remove_file(&old[0]).expect("removed");
        std::fs::create_dir_all(old[0].join("in the way")).expect("made");
        let problem = retain(context, &Stop::default()).await.expect_err("in the way");
        assert_eq!(problem.code(), "MSK-SNP-01");
        assert!(!old[1].exists(), "the others are gone");
        let record = async || {
            let mut records = context.warehouse.source_records().await.expect("read");
            records.retain(|record| record.source == JOB);
            records.remove(0)
        };
        let failed = record().await;
        assert_eq!(
            (failed.failures, failed.problem, failed.last_success),
            (1, Some(problem), None)
        );
        std::fs::remove_dir_all(&old[0]).expect("removed");
        assert_eq!(counts(context).await, [0; 5]);
        assert_eq!(record().await.failures, 0);
    }

    #[tokio::test]
    async fn a_refused_letter_doubles_no_other_and_no_row_goes_without_one() {
        let mut desk = desk().await;
        let recipients = &mut desk.context.config.recipients;
        let mut refusing = recipients[0].clone();
        refusing.mailbox.address = "нет@uo.example".to_owned();
        recipients.push(refusing);
        let first = desk.context.clock.now();
        load(&desk.context, "a", &[("2", 7)], 3).await;
        desk.context.clock.set(first + Duration::hours(25));
        load(&desk.context, "b", &[("3", 7)], 2).await;
        for days in [152, 153] {
            desk.context
                .clock
                .set(first + Duration::days(days) + Duration::minutes(30));
            let problem = write_notices(&desk.context).await.expect_err("no such address");
            assert_eq!(problem.code(), "MSK-MAIL-01");
            assert_eq!(desk.letters("admin@uo.example").await.len(), 1, "told on the first day");
        }
        desk.context.config.recipients.pop();
        assert_eq!(write_notices(&desk.context).await, Ok(0));
        // Later on the same day the other rows are due.
        desk.context.clock.set(desk.context.clock.now() + Duration::hours(1));
        assert_eq!(write_notices(&desk.context).await, Ok(1));
        let notice = desk.letters("admin@uo.example").await.remove(1);
        assert!(notice.text.contains("«vpr» (2) ждут с 03.02.2026"), "{}", notice.text);
    }

    #[tokio::test]
    async fn the_audit_log_is_cut_behind_its_last_old_record_and_links_on() {
        let desk = desk().await;
        let context = &desk.context;
        for _ in 0..30 {
            pass(context, 100);
            send(context, &format!("k{}", context.clock.now().timestamp())).await;
            counts(context).await;
        }
        let all = (DateTime::UNIX_EPOCH, context.clock.now() + Duration::days(1));
        let records = context.warehouse.audit(all, 0, 10_000).await.expect("read");
        let limit = context.clock.now() - Duration::days(5 * 365);
        assert!(records.iter().all(|record| record.at >= limit), "an old record is left");
        let cuts = records.iter().filter(|record| record.action == "audit_cut").count();
        assert!(cuts > 5, "{cuts}");
        let bodies = records
            .iter()
            .filter(|record| (&*record.action, &*record.object) == ("removed", "letter_bodies"));
        assert!(bodies.count() > 10, "every removal is told");
        let (verdict, _) = verify(context, Depth::Full).await.expect("looked");
        assert_eq!(verdict.findings, Vec::new());
    }
}
