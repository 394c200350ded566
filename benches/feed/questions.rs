//! Ten million observations of an invented country (1,500 organisations, ten years), loaded by the product, and what is
//! asked of them: by the product's own query, and by the database's own command line, whose own clock counts.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use msoko::domain::observation::{Amount, Batch, Breakdown, Observation};
use msoko::domain::place::Place;
use msoko::domain::unit::{Unit, UnitId, UnitRef};
use msoko::domain::vocabulary::{Measure, Procedure, UnitKind};
use msoko::warehouse::load::{HALF, NewRun, NewSnapshot};
use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::territories::SumQuery;
use msoko::warehouse::{Access, Warehouse};

use crate::server::Server;

const YEARS: u64 = 10;
const REGIONS: u64 = 5;
const DISTRICTS: u64 = 30;
const SCHOOLS: u64 = 1500;
const SUBJECTS: u64 = 14;
const GRADES: std::ops::Range<u8> = 4..10;
const BATCH: usize = 1024;
/// Asked so many times; the best counts, because the machine is shared.
const TIMES: usize = 5;

/// Builds the warehouse on the engines asked for and asks.
pub(super) fn ask([sqlite, postgres]: [bool; 2], both: bool) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if sqlite || both {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("msoko.db").display().to_string();
        runtime.block_on(asked("SQLite", &format!("sqlite:{file}"), &Shell::Sqlite(file)));
    }
    if (postgres || both)
        && let Some(server) = Server::start(true)
    {
        let shell = Shell::Postgres(server.url());
        runtime.block_on(asked("PostgreSQL", &server.url(), &shell));
    }
}

fn round(year: u64) -> String {
    format!("rop/{}-{:02}/spring", 2015 + year, 16 + year)
}

fn unit(id: String, kind: UnitKind, parent: Option<String>) -> Unit {
    Unit {
        title: id.clone(),
        short_title: id.clone(),
        id: UnitId(id),
        kind,
        parent: parent.map(UnitId),
        branch: false,
        email: None,
        aliases: Vec::new(),
    }
}

fn register() -> Vec<Unit> {
    let country = unit("ru".to_owned(), UnitKind::Country, None);
    let regions = (0..REGIONS).map(|region| unit(format!("r-{region}"), UnitKind::Region, Some("ru".to_owned())));
    let districts = (0..DISTRICTS).map(|district| {
        let region = district * REGIONS / DISTRICTS;
        unit(
            format!("mo-{district:02}"),
            UnitKind::Municipality,
            Some(format!("r-{region}")),
        )
    });
    let schools = (0..SCHOOLS).map(|school| {
        let district = school * DISTRICTS / SCHOOLS;
        unit(
            format!("oo-{school:04}"),
            UnitKind::General,
            Some(format!("mo-{district:02}")),
        )
    });
    [country]
        .into_iter()
        .chain(regions)
        .chain(districts)
        .chain(schools)
        .collect()
}

/// The numbers of a year: participants, enrolled, absent, four marks and the sum of scores of every work.
fn numbers(year: u64) -> impl Iterator<Item = Observation> {
    let round: Arc<str> = round(year).into();
    let subjects: Vec<Arc<str>> = (0..SUBJECTS)
        .map(|subject| format!("subject-{subject:02}").into())
        .collect();
    let none = Arc::new(Breakdown::none());
    let marks: Vec<Arc<Breakdown>> = (2..6)
        .map(|mark| Arc::new(Breakdown::none().with("mark", mark.to_string())))
        .collect();
    let mut measures = vec![
        (Measure::Participants, none.clone()),
        (Measure::Enrolled, none.clone()),
        (Measure::Absent, none.clone()),
        (Measure::ScoreSum, none),
    ];
    measures.extend(marks.into_iter().map(|mark| (Measure::MarkCount, mark)));
    let works = (0..SCHOOLS).flat_map(move |school| {
        let unit = Arc::new(UnitRef {
            id: Some(UnitId(format!("oo-{school:04}"))),
            ..UnitRef::default()
        });
        let subjects = subjects.clone();
        subjects.into_iter().flat_map(move |subject| {
            let unit = unit.clone();
            GRADES.map(move |grade| (unit.clone(), subject.clone(), grade))
        })
    });
    let mut number = 0i64;
    works.flat_map(move |(unit, subject, grade)| {
        let round = round.clone();
        let first = number;
        number += 8;
        let measures = measures.clone();
        (first..)
            .zip(measures)
            .map(move |(number, (measure, breakdown))| Observation {
                unit: unit.clone(),
                procedure: Procedure::Rop,
                round: round.clone(),
                measure,
                subject: Some(subject.clone()),
                grade: Some(grade),
                breakdown,
                value: Amount::whole(number * 7 % 120),
                n: None,
                place: Place::path(format!("/rsoko/observation[{number}]/@value")),
            })
    })
}

async fn asked(name: &str, url: &str, shell: &Shell) {
    let now = DateTime::UNIX_EPOCH;
    let warehouse = Warehouse::open(url, Access::Hold, "msoko bench", now)
        .await
        .expect("opened");
    warehouse.import_units(register(), now).await.expect("imported");
    let started = Instant::now();
    let mut rows = 0;
    for year in 0..YEARS {
        rows += load(&warehouse, year, now).await;
    }
    let loaded = started.elapsed().as_secs_f64();
    println!("\n{rows} observations, {SCHOOLS} organisations, {YEARS} years, {name}: loaded in {loaded:.1} s");
    let asked = Questions {
        warehouse: &warehouse,
        shell,
    };
    asked.settle();
    println!(
        "{:<46} {:>11} {:>14} {:>8}",
        "question",
        "msoko, ms",
        shell.name(),
        "ratio"
    );
    asked.country("the country by region and year, sums stale").await;
    let started = Instant::now();
    let mut pairs = 0;
    while warehouse.refresh_sums().await.expect("refreshed") {
        pairs += 1;
    }
    let refreshed = started.elapsed().as_secs_f64();
    println!("{pairs} sums of a territory and round brought up to date in {refreshed:.1} s");
    asked.settle();
    asked.organisation().await;
    asked.district().await;
    asked.low_results().await;
    asked.country("the country by region and year").await;
    warehouse.close().await.expect("closed");
}

async fn load(warehouse: &Warehouse, year: u64, now: DateTime<Utc>) -> u64 {
    let snapshot = NewSnapshot {
        hash: format!("{year}"),
        source: "rsoko".to_owned(),
        connector: "rsoko-feed".to_owned(),
        file: format!("{year}.xml"),
        ..NewSnapshot::default()
    };
    let new = NewRun {
        source: "rsoko".to_owned(),
        series: format!("{year}.xml"),
        snapshot: warehouse.record_snapshot(snapshot, now).await.expect("recorded"),
        manifest: "bench".to_owned(),
        scope: None,
        least_of_previous: HALF,
        references: Vec::new(),
    };
    let mut run = warehouse.begin_run(new, now).await.expect("begun");
    let mut numbers = numbers(year);
    loop {
        let observations: Vec<Observation> = numbers.by_ref().take(BATCH).collect();
        if observations.is_empty() {
            break;
        }
        let batch = Batch {
            rows_read: observations.len() as u64,
            observations,
            ..Batch::default()
        };
        warehouse.stage(&mut run, batch).await.expect("staged");
    }
    warehouse
        .publish(run, false, now)
        .await
        .expect("published")
        .observations_new
}

struct Questions<'a> {
    warehouse: &'a Warehouse,
    shell: &'a Shell,
}

impl Questions<'_> {
    /// A server learns what its tables hold, as its own housekeeping would within minutes.
    fn settle(&self) {
        if matches!(self.shell, Shell::Postgres(_)) {
            self.shell.run("vacuum analyze");
        }
    }

    async fn told(&self, what: &str, ask: impl AsyncFn() -> usize, twin: &str) {
        let mut best = f64::INFINITY;
        for _ in 0..TIMES {
            let started = Instant::now();
            let rows = ask().await;
            best = best.min(started.elapsed().as_secs_f64() * 1000.0);
            assert!(rows > 0, "{what}: nothing found");
        }
        let other = (0..TIMES).map(|_| self.shell.run(twin)).fold(f64::INFINITY, f64::min);
        println!("{what:<46} {best:>11.1} {other:>14.1} {:>8.2}", best / other);
    }

    async fn numbers(&self, query: &ObservationQuery) -> Vec<msoko::domain::stored::StoredObservation> {
        let zone = chrono_tz::Europe::Moscow;
        self.warehouse.observations(query, zone).await.expect("read")
    }

    async fn sums(&self, territory: &str, children: bool, rounds: Vec<String>, measures: Vec<Measure>) -> usize {
        let query = SumQuery {
            territory: UnitId(territory.to_owned()),
            children,
            rounds,
            measures,
            subjects: Vec::new(),
        };
        self.warehouse.territory_sums(&query).await.expect("read").len()
    }

    async fn organisation(&self) {
        let query = ObservationQuery {
            rounds: vec![round(5)],
            units: vec![UnitId("oo-0700".to_owned())],
            ..ObservationQuery::default()
        };
        let twin = format!(
            "select o.*, s.file, s.hash, s.fetched_at from observation o join snapshot s on s.id = o.snapshot \
             where o.round = '{}' and o.unit = 'oo-0700' and o.superseded_by is null \
             order by o.measure, o.subject, o.grade, o.breakdown",
            round(5)
        );
        self.told("one organisation", async || self.numbers(&query).await.len(), &twin)
            .await;
    }

    async fn district(&self) {
        let rounds = vec![round(5)];
        let ask = async || {
            let marks = vec![Measure::Participants, Measure::MarkCount];
            let district = self.sums("mo-07", false, rounds.clone(), marks.clone()).await;
            district + self.sums("r-1", false, rounds.clone(), marks).await
        };
        let twin = format!(
            "select u.parent, o.measure, o.subject, o.grade, o.breakdown, sum(o.value) from unit u \
             join observation o on o.unit = u.id where u.parent = 'mo-07' and o.round = '{0}' \
             and o.measure in ('participants', 'mark_count') and o.superseded_by is null group by 1, 2, 3, 4, 5 \
             union all select m.parent, o.measure, o.subject, o.grade, o.breakdown, sum(o.value) from unit m \
             join unit u on u.parent = m.id join observation o on o.unit = u.id where m.parent = 'r-1' \
             and o.round = '{0}' and o.measure in ('participants', 'mark_count') and o.superseded_by is null \
             group by 1, 2, 3, 4, 5",
            round(5)
        );
        self.told("district against region", ask, &twin).await;
    }

    /// Works in one subject where three of ten participants or more have a two, in the region.
    async fn low_results(&self) {
        let schools = (SCHOOLS / REGIONS..SCHOOLS / REGIONS * 2).map(|school| UnitId(format!("oo-{school:04}")));
        let query = ObservationQuery {
            rounds: vec![round(5)],
            units: schools.collect(),
            measures: vec![Measure::Participants, Measure::MarkCount],
            subjects: vec!["subject-03".to_owned()],
        };
        let ask = async || {
            let mut works: BTreeMap<(UnitId, Option<u8>), (i64, i64)> = BTreeMap::new();
            for stored in self.numbers(&query).await {
                let work = works.entry((stored.key.unit, stored.key.grade)).or_default();
                match (stored.key.measure, stored.key.breakdown.get("mark")) {
                    (Measure::Participants, _) => work.0 = stored.value.units,
                    (_, Some("2")) => work.1 = stored.value.units,
                    _ => {}
                }
            }
            works
                .into_values()
                .filter(|(participants, twos)| twos * 10 >= participants * 3)
                .count()
        };
        let twin = format!(
            "select t.unit, t.grade, t.value, p.value from unit m join unit u on u.parent = m.id \
             join observation t on t.unit = u.id join observation p on p.unit = t.unit and p.round = t.round \
             and p.subject = t.subject and p.grade = t.grade and p.measure = 'participants' and p.breakdown = '' \
             and p.superseded_by is null where m.parent = 'r-1' and t.round = '{}' and t.measure = 'mark_count' \
             and t.breakdown = 'mark=2' and t.subject = 'subject-03' and t.superseded_by is null \
             and t.value * 10 >= p.value * 3",
            round(5)
        );
        self.told("list of low results", ask, &twin).await;
    }

    async fn country(&self, what: &str) {
        let rounds: Vec<String> = (0..YEARS).map(round).collect();
        let ask = async || {
            let participants = vec![Measure::Participants];
            self.sums("ru", true, rounds.clone(), participants).await
        };
        let twin = "select m.parent, o.round, o.subject, o.grade, sum(o.value) from observation o \
                    join unit u on u.id = o.unit join unit m on m.id = u.parent where o.measure = 'participants' \
                    and o.superseded_by is null group by 1, 2, 3, 4";
        self.told(what, ask, twin).await;
    }
}

/// The command line of a database; it says itself how long a statement took.
enum Shell {
    Sqlite(String),
    Postgres(String),
}

impl Shell {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite3, ms",
            Self::Postgres(_) => "psql, ms",
        }
    }

    /// Milliseconds of a statement, its rows thrown away.
    fn run(&self, statement: &str) -> f64 {
        let (mut command, words, mark, factor) = match self {
            Self::Sqlite(file) => {
                let mut command = Command::new("sqlite3");
                command.args(["-readonly", file]);
                (command, ".timer on\n.output /dev/null", "real ", 1000.0)
            }
            Self::Postgres(url) => {
                let mut command = Command::new("psql");
                command.args(["-q", "-X", url]);
                (command, "set jit = off;\n\\timing on\n\\o /dev/null", "Time: ", 1.0)
            }
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sqlite3 and psql are installed");
        let mut input = child.stdin.take().expect("piped");
        writeln!(input, "{words}\n{statement};").expect("written");
        drop(input);
        let ended = child.wait_with_output().expect("ended");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(
            ended.status.success(),
            "{statement}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
        let time = said
            .rsplit_once(mark)
            .and_then(|(_, time)| time.split_whitespace().next()?.parse::<f64>().ok());
        time.unwrap_or_else(|| panic!("no time in: {said}")) * factor
    }
}
