//! A district of twelve schools with a warehouse of its own, and short words for what tests do with it.

use chrono::{DateTime, Duration, Utc};
use msoko::domain::fact::{Fact, FactValue};
use msoko::domain::observation::{Amount, Batch, Breakdown, Observation, Quarantined, Scope};
use msoko::domain::place::Place;
use msoko::domain::stored::ObservationKey;
use msoko::domain::unit::{Alias, Unit, UnitId, UnitRef};
use msoko::domain::vocabulary::{AliasSystem, FactState, Measure, Procedure, UnitKind};
use msoko::message::Problem;
use msoko::warehouse::load::{HALF, LoadSummary, NewRun, NewSnapshot, Run, SnapshotId};
use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::{Access, Warehouse};
use proptest::prelude::*;
use sqlx::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

use crate::server::Server;

pub(crate) const ROUND: &str = "vpr/2024-25/spring";

/// 2 February 2026, 07:00 UTC, and so many minutes later.
pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_770_015_600, 0).expect("a moment") + Duration::minutes(minutes)
}

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// How a load of a random life ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Publish,
    Abandon,
    Kill,
}

pub(crate) fn ends() -> impl Strategy<Value = End> {
    prop_oneof![4 => Just(End::Publish), 1 => Just(End::Abandon), 1 => Just(End::Kill)]
}

pub(crate) struct District {
    pub(crate) dir: TempDir,
    pub(crate) warehouse: Warehouse,
    pub(crate) url: String,
    /// Stopped when dropped, after the warehouse.
    pub(crate) server: Option<Server>,
}

/// A delivery replaces what a subject of a school had.
pub(crate) const OF_SUBJECT: Scope = Scope {
    organisation: true,
    subject: true,
    grade: true,
};
/// A delivery is the whole round.
pub(crate) const WHOLE: Scope = Scope {
    organisation: false,
    subject: false,
    grade: false,
};

/// A load of a delivery as a connector begins it that says nothing of its own.
pub(crate) fn new_run(source: &str, series: &str, snapshot: SnapshotId, scope: Option<Scope>) -> NewRun {
    NewRun {
        source: source.to_owned(),
        series: series.to_owned(),
        snapshot,
        manifest: "m1".to_owned(),
        scope,
        least_of_previous: HALF,
        references: Vec::new(),
    }
}

impl District {
    /// A new embedded database with twelve schools.
    pub(crate) async fn new() -> Self {
        Self::on(Engine::Sqlite).await.expect("embedded")
    }

    /// A new database with twelve schools; none when no server is installed, and then it says so.
    pub(crate) async fn on(engine: Engine) -> Option<Self> {
        let dir = tempfile::tempdir().expect("folder");
        let server = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Server::start(false)?),
        };
        let url = match &server {
            Some(server) => server.url(),
            None => format!("sqlite:{}", dir.path().join("msoko.db").display()),
        };
        let warehouse = open(&url, Access::Hold).await.expect("opened");
        let units = (0..12).map(|number| school(number, None)).collect();
        warehouse.import_units(units, at(0)).await.expect("imported");
        Some(Self {
            dir,
            warehouse,
            url,
            server,
        })
    }

    /// The process dies and starts again; on a server the others have waited until it was surely dead.
    pub(crate) async fn kill(self) -> Self {
        let Self {
            dir,
            warehouse,
            url,
            server,
        } = self;
        drop(warehouse);
        if server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&url).await.expect("connected");
            sqlx::query("delete from node")
                .execute(&mut connection)
                .await
                .expect("silent for long");
        }
        // The lock goes with the last connection, which closes on a thread of its own.
        let warehouse = open(&url, Access::Hold).await.expect("opened again");
        Self {
            dir,
            warehouse,
            url,
            server,
        }
    }

    /// Ends a load in one of three ways; what it brought, when it was published.
    pub(crate) async fn end(self, run: Run, end: End) -> (Self, Option<LoadSummary>) {
        match end {
            End::Publish => {
                let done = self.warehouse.publish(run, true, at(2)).await.expect("published");
                (self, Some(done))
            }
            End::Abandon => {
                let problem = Problem::new("MSK-SNP-05");
                self.warehouse.abandon(run, &problem, at(2)).await.expect("abandoned");
                (self, None)
            }
            End::Kill => {
                drop(run);
                (self.kill().await, None)
            }
        }
    }

    pub(crate) async fn begin(&self, file: &str, bytes: &str) -> Run {
        self.begin_within(None, file, bytes).await
    }

    pub(crate) async fn begin_within(&self, scope: Option<Scope>, file: &str, bytes: &str) -> Run {
        let snapshot = self.snapshot(file, bytes).await;
        let new = new_run("vpr", file, snapshot, scope);
        self.warehouse.begin_run(new, at(1)).await.expect("begun")
    }

    pub(crate) async fn snapshot(&self, file: &str, bytes: &str) -> SnapshotId {
        let kept = msoko::snapshot::keep(&self.dir.path().join("snapshots"), bytes.as_bytes()).expect("kept");
        let new = NewSnapshot {
            hash: kept.hash,
            size: kept.size,
            source: "vpr".to_owned(),
            connector: "vpr-protocol".to_owned(),
            file: file.to_owned(),
            ..NewSnapshot::default()
        };
        self.warehouse.record_snapshot(new, at(1)).await.expect("recorded")
    }

    /// Loads a file of numbers and publishes it without asking back.
    pub(crate) async fn load(&self, file: &str, rows: Vec<Observation>) -> LoadSummary {
        let mut run = self.begin(file, &format!("{rows:?}")).await;
        self.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
        self.warehouse.publish(run, true, at(2)).await.expect("published")
    }

    /// What somebody does in the database's own shell: rows changed, or the refusal.
    pub(crate) async fn raw(&self, statement: &str) -> Result<u64, String> {
        let text = sqlx::AssertSqlSafe(statement.to_owned());
        let done = if self.server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connected");
            let done = sqlx::query(text).execute(&mut connection).await;
            done.map(|done| done.rows_affected())
        } else {
            // Without foreign keys, as the shell opens it.
            let options = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(self.warehouse.name())
                .foreign_keys(false);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
            let done = sqlx::query(text).execute(&mut connection).await;
            done.map(|done| done.rows_affected())
        };
        done.map_err(|error| error.to_string())
    }

    /// The first column of a query, as text.
    pub(crate) async fn column(&self, query: &str) -> Vec<String> {
        let text = sqlx::AssertSqlSafe(query.to_owned());
        if self.server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connected");
            sqlx::query_scalar(text).fetch_all(&mut connection).await.expect("read")
        } else {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.warehouse.name());
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
            sqlx::query_scalar(text).fetch_all(&mut connection).await.expect("read")
        }
    }

    /// Takes the laws of the audit log away, as somebody would who wants to rewrite it.
    pub(crate) async fn without_laws(&self) {
        let statements: &[&str] = if self.server.is_some() {
            &["alter table audit disable trigger user"]
        } else {
            &[
                "drop trigger audit_stays",
                "drop trigger audit_is_cut",
                "drop trigger audit_grows",
            ]
        };
        for statement in statements {
            self.raw(statement).await.expect("taken away");
        }
    }

    pub(crate) async fn values(&self) -> BTreeMap<(String, String), i64> {
        let query = ObservationQuery {
            rounds: vec![ROUND.to_owned()],
            ..ObservationQuery::default()
        };
        let found = self
            .warehouse
            .observations(&query, chrono_tz::Europe::Moscow)
            .await
            .expect("read");
        found
            .into_iter()
            .map(|stored| {
                (
                    (stored.key.unit.0, stored.key.breakdown.to_string()),
                    stored.value.units,
                )
            })
            .collect()
    }

    pub(crate) async fn history(&self, unit: usize, mark: usize) -> Vec<i64> {
        let key = ObservationKey {
            unit: UnitId(format!("school-{unit}")),
            procedure: Procedure::Vpr,
            round: ROUND.into(),
            measure: Measure::MarkCount,
            subject: Some("ru".into()),
            grade: Some(5),
            breakdown: Arc::new(Breakdown::none().with("mark", mark.to_string())),
        };
        let revisions = self.warehouse.history(&key).await.expect("read");
        revisions.into_iter().map(|revision| revision.value.units).collect()
    }
}

pub(crate) async fn open(url: &str, access: Access) -> Result<Warehouse, Problem> {
    Warehouse::open(url, access, "msoko test", at(0)).await
}

/// Runs stories about a district on the embedded database and on a server.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod sqlite {
            use crate::district::{District, Engine};
            $(#[tokio::test]
            async fn $story() {
                super::$story(District::on(Engine::Sqlite).await.expect("embedded")).await;
            })+
        }

        mod postgres {
            use crate::district::{District, Engine};
            $(#[tokio::test]
            async fn $story() {
                if let Some(district) = District::on(Engine::Postgres).await {
                    super::$story(district).await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

pub(crate) fn school(number: usize, email: Option<&str>) -> Unit {
    Unit {
        id: UnitId(format!("school-{number}")),
        kind: UnitKind::General,
        title: format!("МКОУ «Верхнегорская СОШ № {number}»"),
        short_title: format!("СОШ № {number}"),
        parent: None,
        branch: false,
        email: email.map(str::to_owned),
        aliases: vec![Alias {
            system: AliasSystem::FisOko,
            value: format!("sch99{number:04}"),
            from: None,
            to: None,
        }],
    }
}

pub(crate) fn unit_ref(number: usize) -> Arc<UnitRef> {
    Arc::new(UnitRef {
        id: Some(UnitId(format!("school-{number}"))),
        ..UnitRef::default()
    })
}

/// `value` pupils of a school have a mark; the number stands in a row of its own.
pub(crate) fn number(unit: usize, mark: usize, value: i64, row: u32) -> Observation {
    Observation {
        unit: unit_ref(unit),
        procedure: Procedure::Vpr,
        round: ROUND.into(),
        measure: Measure::MarkCount,
        subject: Some("ru".into()),
        grade: Some(5),
        breakdown: Arc::new(Breakdown::none().with("mark", mark.to_string())),
        value: Amount::whole(value),
        n: None,
        place: Place::cell("Классы", row, 6),
    }
}

pub(crate) fn batch(observations: Vec<Observation>) -> Batch {
    Batch {
        rows_read: observations.len() as u64,
        observations,
        ..Batch::default()
    }
}

/// A page of a school says so.
pub(crate) fn fact(unit: usize, code: &'static str, value: FactValue, confidence: u8) -> Fact {
    Fact {
        unit: unit_ref(unit),
        code,
        value: Some(value),
        state: Some(FactState::Present),
        unit_of_measure: None,
        as_of: None,
        url: Some("http://school.example/sveden/common".to_owned()),
        confidence,
        source_kind: "microdata",
        place: Place::path("/html/body"),
    }
}

pub(crate) fn text(text: &str) -> FactValue {
    FactValue::Text(text.to_owned())
}

pub(crate) fn refused_row(place: &str) -> Quarantined {
    Quarantined {
        problem: Problem::new("MSK-DEC-03")
            .arg("sheet", "Классы")
            .arg("column", "Код")
            .arg("found", "—")
            .at(place),
        column: Some("Код".to_owned()),
        rule: None,
        unit: Some(Arc::new(UnitRef {
            name: Some("СОШ № 77".to_owned()),
            ..UnitRef::default()
        })),
        cleaned: "{}".to_owned(),
    }
}
