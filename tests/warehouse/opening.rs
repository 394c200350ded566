//! Opening, locking, copying and refusing databases.

use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::{Access, Warehouse};
use sqlx::Connection;

use crate::district::{District, ROUND, at, number, open};

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
