//! The list of migrations, one pair of files per number; `migrations/README.md` has the rules.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

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
];

/// Schema this program works with.
pub const SCHEMA: i64 = PAIRS[PAIRS.len() - 1].0;

/// The migrations for `SQLite`, in order.
pub(super) fn sqlite() -> Migrator {
    migrator(|pair| pair.2)
}

/// The migrations for `PostgreSQL`, in order; the statements follow in the next version.
#[must_use]
pub fn postgres() -> Migrator {
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

/// Number of the last applied migration, 0 for a new file.
///
/// # Errors
/// `MSK-DB-03` when the file is no database.
pub(super) async fn applied(connection: &mut SqliteConnection, path: &Path) -> Result<i64, Problem> {
    let unopened = |error: sqlx::Error| Problem::new("MSK-DB-03").arg("path", path.display()).because(error);
    let known: i64 = sqlx::query_scalar("select count(*) from sqlite_schema where name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await
        .map_err(unopened)?;
    if known == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(unopened)
}

/// Brings the database to [`SCHEMA`], each step in a transaction of its own.
///
/// # Errors
/// `MSK-DB-04` for a newer database, `MSK-DB-17` naming the step that failed.
pub(super) async fn apply(connection: &mut SqliteConnection, path: &Path) -> Result<(), Problem> {
    sqlite().run_direct(None, connection, false).await.map_err(|error| {
        let version = match &error {
            MigrateError::VersionMissing(version) => return newer(path, *version),
            MigrateError::ExecuteMigration(_, version)
            | MigrateError::VersionMismatch(version)
            | MigrateError::Dirty(version) => *version,
            _ => 0,
        };
        Problem::new("MSK-DB-17")
            .arg("path", path.display())
            .arg("version", version)
            .because(error)
    })
}

/// The refusal of a database that a newer program has changed.
pub(super) fn newer(path: &Path, found: i64) -> Problem {
    Problem::new("MSK-DB-04")
        .arg("path", path.display())
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
            assert_eq!(
                sqlite.matches("create ").count(),
                postgres.matches("create ").count(),
                "{name}"
            );
        }
    }
}
