//! Loading into `SQLite` beside its bare limit: the same generated rows through the warehouse, and through a plain
//! multi-row upsert of the same columns into a table with the same key.
//!
//! `cargo bench --bench loading -- 1000000` prints rows a second for a first load, the same rows again and a
//! correction of one row in a thousand, then the highest resident size. Nothing is asserted: machines differ.

#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use msoko::domain::observation::{Amount, Batch, Breakdown, Observation};
use msoko::domain::place::Place;
use msoko::domain::unit::{Unit, UnitId, UnitRef};
use msoko::domain::vocabulary::{Measure, Procedure, UnitKind};
use msoko::warehouse::load::{LoadSummary, NewRun, NewSnapshot};
use msoko::warehouse::{Access, Warehouse};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

const UNITS: usize = 200;
/// Rows a decoder hands on at once.
const BATCH: usize = 1000;
/// Rows of a transaction and of a statement on the bare side.
const BARE_CHUNK: usize = 8192;
const BARE_PIECE: usize = 128;

/// Rows as a feed brings them: unit by unit, inside it subject, grade, mark, round.
struct Feed {
    units: Vec<Arc<UnitRef>>,
    rounds: Vec<Arc<str>>,
    subjects: Vec<Arc<str>>,
    marks: Vec<Arc<Breakdown>>,
    rows: usize,
    corrected: bool,
}

impl Feed {
    fn new(rows: usize) -> Self {
        let unit = |number| UnitRef {
            id: Some(UnitId(format!("oo-99{number:04}"))),
            ..UnitRef::default()
        };
        let per_unit = 12 * 8 * 4;
        Self {
            units: (0..UNITS).map(|number| Arc::new(unit(number))).collect(),
            rounds: (0..=rows / (UNITS * per_unit))
                .map(|year| format!("rop/{}-x/spring", 1000 + year).into())
                .collect(),
            subjects: (0..12).map(|number| format!("subject-{number}").into()).collect(),
            marks: (2..=5)
                .map(|mark| Arc::new(Breakdown::none().with("mark", mark.to_string())))
                .collect(),
            rows,
            corrected: false,
        }
    }

    fn row(&self, number: usize) -> Observation {
        let (rest, mark) = (number / 4, number % 4);
        let (rest, grade) = (rest / 8, rest % 8);
        let (rest, subject) = (rest / 12, rest % 12);
        let (round, unit) = (rest / UNITS, rest % UNITS);
        let value = (number * 7 % 120) as i64 + i64::from(self.corrected && number.is_multiple_of(1000));
        Observation {
            unit: self.units[unit].clone(),
            procedure: Procedure::Rop,
            round: self.rounds[round].clone(),
            measure: Measure::MarkCount,
            subject: Some(self.subjects[subject].clone()),
            grade: u8::try_from(grade + 4).ok(),
            breakdown: self.marks[mark].clone(),
            value: Amount::whole(value),
            n: None,
            place: Place::path(format!("/rsoko/observation[{number}]/@value")),
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let rows = std::env::args()
        .filter_map(|word| word.parse().ok())
        .next()
        .unwrap_or(200_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut feed = Feed::new(rows);
    println!("{rows} rows, rows a second           warehouse      bare   ratio");
    let warehouse = opened(&dir.path().join("msoko.db")).await;
    let mut bare = opened_bare(&dir.path().join("bare.db")).await;
    for (turn, expected) in [
        ("first load", (rows, 0)),
        ("the same rows again", (0, 0)),
        ("one in a thousand corrected", (0, rows.div_ceil(1000))),
    ] {
        feed.corrected = turn.ends_with("corrected");
        let (ours, summary) = load(&warehouse, &feed, turn).await;
        let done = (summary.observations_new, summary.observations_changed);
        assert_eq!(done, (expected.0 as u64, expected.1 as u64), "{turn}");
        let resident = resident();
        let theirs = load_bare(&mut bare, &feed).await;
        let (ours, theirs) = (per_second(rows, ours), per_second(rows, theirs));
        println!(
            "{turn:<34} {ours:>12.0} {theirs:>9.0} {:>6.0} %   peak resident {resident}",
            ours / theirs * 100.0
        );
    }
}

fn per_second(rows: usize, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

/// Highest resident size so far, where the system tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "?".to_owned(), |size| size.trim().to_owned())
}

async fn opened(path: &Path) -> Warehouse {
    let now = chrono::DateTime::UNIX_EPOCH;
    let url = format!("sqlite:{}", path.display());
    let warehouse = Warehouse::open(&url, Access::Hold, "bench", now).await.expect("opened");
    let unit = |number| Unit {
        id: UnitId(format!("oo-99{number:04}")),
        kind: UnitKind::General,
        title: format!("Школа № {number}"),
        short_title: format!("Школа № {number}"),
        parent: None,
        branch: false,
        email: None,
        aliases: Vec::new(),
    };
    warehouse
        .import_units((0..UNITS).map(unit).collect(), now)
        .await
        .expect("imported");
    warehouse
}

async fn load(warehouse: &Warehouse, feed: &Feed, turn: &str) -> (Duration, LoadSummary) {
    let now = chrono::DateTime::UNIX_EPOCH;
    let text = |text: &str| text.to_owned();
    let snapshot = NewSnapshot {
        hash: text(turn),
        source: text("rsoko"),
        connector: text("rsoko-feed"),
        file: text("feed.xml"),
        ..NewSnapshot::default()
    };
    let snapshot = warehouse.record_snapshot(snapshot, now).await.expect("recorded");
    let new = NewRun {
        source: text("rsoko"),
        series: text("feed.xml"),
        snapshot,
        manifest: text("m"),
    };
    let mut run = warehouse.begin_run(new, now).await.expect("begun");
    let started = Instant::now();
    for first in (0..feed.rows).step_by(BATCH) {
        let observations: Vec<_> = (first..feed.rows.min(first + BATCH))
            .map(|number| feed.row(number))
            .collect();
        let batch = Batch {
            rows_read: observations.len() as u64,
            observations,
            ..Batch::default()
        };
        warehouse.stage(&mut run, batch).await.expect("staged");
    }
    let summary = warehouse.publish(run, false, now).await.expect("published");
    (started.elapsed(), summary)
}

async fn opened_bare(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", "4000");
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opened");
    sqlx::query(
        "create table observation (id integer not null primary key, unit text not null, procedure text not null, \
         round text not null, measure text not null, subject text not null, grade integer not null, \
         breakdown text not null, value integer not null, scale integer not null, n integer, place text not null, \
         snapshot integer not null, run integer not null) strict",
    )
    .execute(&mut connection)
    .await
    .expect("made");
    sqlx::query("create unique index observation_key on observation (round, unit, measure, subject, grade, breakdown)")
        .execute(&mut connection)
        .await
        .expect("made");
    connection
}

async fn load_bare(connection: &mut SqliteConnection, feed: &Feed) -> Duration {
    let started = Instant::now();
    for chunk in (0..feed.rows).step_by(BARE_CHUNK) {
        let end = feed.rows.min(chunk + BARE_CHUNK);
        let mut transaction = connection.begin().await.expect("begun");
        for piece in (chunk..end).step_by(BARE_PIECE) {
            upsert(&mut transaction, feed, piece..end.min(piece + BARE_PIECE)).await;
        }
        transaction.commit().await.expect("committed");
    }
    started.elapsed()
}

async fn upsert(connection: &mut SqliteConnection, feed: &Feed, rows: std::ops::Range<usize>) {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into observation (unit, procedure, round, measure, subject, grade, breakdown, value, scale, n, place, \
         snapshot, run) ",
    );
    query.push_values(rows, |mut tuple, number| {
        let row = feed.row(number);
        tuple.push_bind(row.unit.id.as_ref().map(|id| id.0.clone()).unwrap_or_default());
        tuple.push_bind(row.procedure.as_str());
        tuple.push_bind(row.round.clone());
        tuple.push_bind(row.measure.as_str());
        tuple.push_bind(row.subject.clone());
        tuple.push_bind(i64::from(row.grade.unwrap_or(0)));
        tuple.push_bind(row.breakdown.to_string());
        tuple.push_bind(row.value.units);
        tuple.push_bind(i64::from(row.value.scale));
        tuple.push_bind(row.n);
        tuple.push_bind(row.place.as_str().to_owned());
        tuple.push_bind(1i64);
        tuple.push_bind(1i64);
    });
    query.push(
        " on conflict (round, unit, measure, subject, grade, breakdown) do update set value = excluded.value, \
         scale = excluded.scale, n = excluded.n, place = excluded.place, snapshot = excluded.snapshot, \
         run = excluded.run",
    );
    query.build().execute(connection).await.expect("written");
}
