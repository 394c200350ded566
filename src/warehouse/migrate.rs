//! The list of migrations, one pair of files per number; `migrations/README.md` has the rules.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::sql::{Session, sql};
use crate::message::Problem;

/// Number, name, text for `SQLite`, text for `PostgreSQL`.
type Pair = (i64, &'static str, &'static str, &'static str);

macro_rules! pairs {
    ($($number:literal $name:literal),+ $(,)?) => {
        &[$((
            $number,
            $name,
            include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        )),+]
    };
}

const PAIRS: &[Pair] = pairs![
    1 "0001_register",
    2 "0002_snapshots_and_runs",
    3 "0003_observations",
    4 "0004_facts",
    5 "0005_quarantine",
    6 "0006_sources",
    7 "0007_deadlines",
    8 "0008_outbox",
    9 "0009_reports",
    10 "0010_nodes",
    11 "0011_report_inputs",
    12 "0012_vanished",
    13 "0013_lists",
    14 "0014_references",
    15 "0015_territory_sums",
    16 "0016_audit",
    17 "0017_digests",
    18 "0018_retention",
    19 "0019_node_names",
];

/// Schema this program works with.
pub(super) const SCHEMA: i64 = PAIRS[PAIRS.len() - 1].0;

/// The migrations for `SQLite`, in order.
fn sqlite() -> Migrator {
    migrator(|pair| pair.2)
}

/// The migrations for `PostgreSQL`, in order.
fn postgres() -> Migrator {
    migrator(|pair| pair.3)
}

fn migrator(text: impl Fn(&Pair) -> &'static str) -> Migrator {
    let migrations = PAIRS
        .iter()
        .map(|pair| {
            Migration::new(
                pair.0,
                pair.1.into(),
                MigrationType::Simple,
                text(pair).into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// Number of the last applied migration, 0 for a new database; `name` is what people call it.
///
/// # Errors
/// `MSK-DB-03` when the file is no database.
pub(super) async fn applied(session: &mut Session<'_>, name: &str) -> Result<i64, Problem> {
    let tables = match session {
        Session::Sqlite(_) => "select count(*) from sqlite_schema where name = '_sqlx_migrations'",
        Session::Postgres(_) => {
            "select count(*) from information_schema.tables \
             where table_name = '_sqlx_migrations' and table_schema = current_schema()"
        }
    };
    let unopened = |problem: Problem| match (problem.code(), problem.detail()) {
        ("MSK-DB-08", Some(detail)) => Problem::new("MSK-DB-03").arg("path", name).because(detail),
        _ => problem,
    };
    let what = "read the schema's number";
    if sql(what, tables).scalar::<i64>(&mut *session).await.map_err(unopened)? == 0 {
        return Ok(0);
    }
    sql(what, "select coalesce(max(version), 0) from _sqlx_migrations")
        .scalar(session)
        .await
        .map_err(unopened)
}

/// Refuses a database whose schema is not [`SCHEMA`].
///
/// # Errors
/// `MSK-DB-04` when it is newer, `MSK-DB-19` when it is older.
pub(super) async fn expect(session: &mut Session<'_>, name: &str) -> Result<(), Problem> {
    let found = applied(session, name).await?;
    match found.cmp(&SCHEMA) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(newer(name, found)),
        std::cmp::Ordering::Less => Err(Problem::new("MSK-DB-19")
            .arg("path", name)
            .arg("found", found)
            .arg("known", SCHEMA)),
    }
}

/// Brings the database to [`SCHEMA`], each step in a transaction of its own; several at once wait for each other.
///
/// # Errors
/// `MSK-DB-04` for a newer database, `MSK-DB-17` naming the step that failed.
pub(super) async fn apply(session: &mut Session<'_>, name: &str) -> Result<(), Problem> {
    let found = applied(session, name).await?;
    if found >= SCHEMA {
        return expect(session, name).await;
    }
    let done = match session {
        Session::Sqlite(connection) => sqlite().run_direct(None, &mut **connection, false).await,
        Session::Postgres(connection) => postgres().run_direct(None, &mut **connection, false).await,
    };
    done.map_err(|error| {
        let version = match &error {
            MigrateError::VersionMissing(version) => return newer(name, *version),
            MigrateError::ExecuteMigration(_, version)
            | MigrateError::VersionMismatch(version)
            | MigrateError::Dirty(version) => *version,
            _ => 0,
        };
        Problem::new("MSK-DB-17")
            .arg("path", name)
            .arg("version", version)
            .because(error)
    })
}

/// The refusal of a database that a newer program has changed.
fn newer(name: &str, found: i64) -> Problem {
    Problem::new("MSK-DB-04")
        .arg("path", name)
        .arg("found", found)
        .arg("known", SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_stands_on_both_sides_and_says_why() {
        for (position, (number, name, sqlite, postgres)) in PAIRS.iter().enumerate() {
            assert_eq!(*number, i64::try_from(position).expect("short") + 1);
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
            for text in [sqlite, postgres] {
                assert!(text.starts_with("-- Why: "), "{name} does not say why");
            }
            // Triggers need functions on one side only.
            for made in [
                "create table ",
                "create index ",
                "create unique index ",
                "create view ",
                "alter table ",
            ] {
                let (one, other) = (sqlite.matches(made).count(), postgres.matches(made).count());
                assert_eq!(one, other, "{name}: {made}");
            }
        }
    }
}
