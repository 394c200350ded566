//! Opening, locking, copying and refusing databases.

use std::path::{Path, PathBuf};

use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::{Access, Warehouse};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, SqlSafeStr};

use crate::district::{District, ROUND, at, number, open};
use crate::server::Server;

#[tokio::test]
async fn a_backup_holds_everything_and_never_replaces_a_file() {
    let district = District::new().await;
    district.load("a.xlsx", vec![number(1, 2, 7, 1)]).await;
    let target = district.dir.path().join("copy.db");
    district.warehouse.backup(&target).await.expect("copied");
    assert_eq!(
        district.warehouse.backup(&target).await.expect_err("exists").code(),
        "MSK-DB-13"
    );
    let url = format!("sqlite:{}", target.display());
    let copy = Warehouse::open(&url, Access::Read, "msoko test", at(0))
        .await
        .expect("opened");
    let query = ObservationQuery {
        rounds: vec![ROUND.to_owned()],
        ..ObservationQuery::default()
    };
    assert_eq!(
        copy.observations(&query, chrono_tz::Europe::Moscow)
            .await
            .expect("read")
            .len(),
        1
    );
    let written = copy
        .close_deadline("x", "y", "z", at(1))
        .await
        .expect_err("reading only");
    assert_eq!(written.code(), "MSK-BUG-01");
    district.warehouse.close().await.expect("closed");
}

#[tokio::test]
async fn verbs_work_beside_the_daemon_and_a_second_daemon_leaves() {
    let district = District::new().await;
    let problem = open(&district.url, Access::Hold).await.expect_err("held");
    assert_eq!(problem.code(), "MSK-DB-05");
    assert!(problem.ru().contains("msoko test (pid "), "{}", problem.ru());
    let verb = open(&district.url, Access::Write).await.expect("opened");
    verb.close_deadline("1/1@?", "письмо", "специалист", at(1))
        .await
        .expect("closed");
    let reader = open(&district.url, Access::Read).await.expect("opened");
    assert_eq!(reader.evidence().await.expect("read").len(), 1);
}

#[tokio::test]
async fn addresses_and_files_that_are_no_warehouse_are_refused_by_name() {
    let refused = async |url: &str, access| {
        Warehouse::open(url, access, "msoko test", at(0))
            .await
            .expect_err("refused")
    };
    let silent = refused("postgres://user:secret@127.0.0.1:1/msoko", Access::Hold).await;
    assert_eq!(silent.code(), "MSK-DB-01");
    assert!(!silent.ru_line().contains("secret"), "{silent}");
    let other = refused("mysql://user:secret@db.example/msoko", Access::Hold).await;
    assert_eq!(
        other.ru_line(),
        "MSK-DB-02: адрес базы вида «mysql» не читается (допустимы sqlite:ФАЙЛ и postgres://ИМЯ@УЗЕЛ/БАЗА)"
    );
    let dir = tempfile::tempdir().expect("folder");
    let absent = format!("sqlite:{}", dir.path().join("absent.db").display());
    assert_eq!(refused(&absent, Access::Read).await.code(), "MSK-DB-03");
    let text = dir.path().join("text.db");
    std::fs::write(&text, "not a database, but long enough to look like one".repeat(40)).expect("written");
    assert_eq!(
        refused(&format!("sqlite:{}", text.display()), Access::Hold)
            .await
            .code(),
        "MSK-DB-03"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", dir.path().join("msoko.db").display());
    open(&url, Access::Hold)
        .await
        .expect("made")
        .close()
        .await
        .expect("closed");
    let path = dir.path().join("msoko.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                 values (9001, 'later', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut connection).await.expect("written");
    drop(connection);
    for access in [Access::Hold, Access::Write, Access::Read] {
        let problem = open(&url, access).await.expect_err("refused");
        assert_eq!((problem.code(), problem.get("found")), ("MSK-DB-04", Some("9001")));
    }
}

/// The first so many migrations of a folder.
pub(crate) fn first_migrations(folder: &str, count: usize) -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let migrations = files.iter().zip(1..).take(count).map(|(file, number)| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = AssertSqlSafe(std::fs::read_to_string(file).expect("text")).into_sql_str();
        Migration::new(number, name.into(), MigrationType::Simple, text, false)
    });
    Migrator::with_migrations(migrations.collect())
}

const UNIT: &str = "insert into unit (id, kind, title, short_title, changed_at) \
                    values ('school-1', 'general', 'СОШ № 1', 'СОШ № 1', '2026-02-02T07:00:00.000Z')";

#[tokio::test]
async fn a_file_of_any_earlier_schema_is_copied_and_brought_up_to_date_with_what_it_holds() {
    let dir = tempfile::tempdir().expect("folder");
    let newest = std::fs::read_dir("migrations/sqlite").expect("a folder").count();
    for schema in 1..newest {
        let path = dir.path().join(format!("{schema}.db"));
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
        let old = first_migrations("sqlite", schema);
        old.run_direct(None, &mut connection, false).await.expect("an old file");
        sqlx::query(UNIT).execute(&mut connection).await.expect("a unit");
        connection.close().await.expect("closed");
        let url = format!("sqlite:{}", path.display());
        let early = open(&url, Access::Read).await.expect_err("too old to be read");
        assert_eq!(early.code(), "MSK-DB-19");
        let warehouse = open(&url, Access::Hold).await.expect("upgraded");
        assert_eq!(warehouse.register().await.expect("read").units().len(), 1, "{schema}");
        assert!(dir.path().join(format!("{schema}.db.before-{newest:04}")).exists());
    }
}

#[tokio::test]
async fn a_server_of_any_earlier_schema_is_brought_up_to_date_with_what_it_holds() {
    let Some(server) = Server::start(false) else { return };
    let newest = std::fs::read_dir("migrations/postgres").expect("a folder").count();
    for schema in 1..newest {
        let mut connection = sqlx::PgConnection::connect(&server.url()).await.expect("connected");
        sqlx::raw_sql("drop schema public cascade; create schema public")
            .execute(&mut connection)
            .await
            .expect("emptied");
        let old = first_migrations("postgres", schema);
        old.run_direct(None, &mut connection, false)
            .await
            .expect("an old database");
        sqlx::query(UNIT).execute(&mut connection).await.expect("a unit");
        let verb = open(&server.url(), Access::Write)
            .await
            .expect_err("a verb changes no schema");
        assert_eq!(verb.code(), "MSK-DB-19");
        let warehouse = open(&server.url(), Access::Hold).await.expect("upgraded");
        assert_eq!(warehouse.register().await.expect("read").units().len(), 1, "{schema}");
    }
}
