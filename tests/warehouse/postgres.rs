//! What only a server has: the tables of the migrations, nodes that come and go.

use sqlx::{Connection, PgConnection};

use crate::district::{District, Engine, at, batch, number, open};
use msoko::warehouse::Access;
use msoko::warehouse::sources::PullOutcome;

#[tokio::test]
async fn the_migrations_give_both_databases_the_same_tables() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    let mut columns: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns \
         where table_schema = 'public' and table_name not like '\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("read");
    columns.sort();
    let sqlite = sqlite_columns().await;
    assert!(!sqlite.is_empty());
    assert_eq!(columns, sqlite);
    connection.close().await.expect("closed");
}

async fn sqlite_columns() -> Vec<(String, String)> {
    let district = District::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(district.warehouse.name());
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("opened");
    let mut columns: Vec<(String, String)> = sqlx::query_as(
        "select t.name, c.name from sqlite_schema t join pragma_table_info(t.name) c \
         where t.type in ('table', 'view') and t.name not like '\\_%' escape '\\'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("read");
    columns.sort();
    columns
}

#[tokio::test]
async fn a_node_leaves_the_work_of_the_living_alone_and_takes_over_that_of_the_dead() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let second = open(&district.url, Access::Hold).await.expect("a second node");
    let mut run = district.begin("a.xlsx", "a").await;
    let rows = (0..9000usize).map(|row| number(row % 12, row / 12, 1, 9)).collect();
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    district
        .warehouse
        .source_started("vpr", None, at(1))
        .await
        .expect("free");

    // Alive: neither its source nor its load is taken.
    let held = second.source_started("vpr", None, at(2)).await.expect_err("held");
    assert_eq!(held.code(), "MSK-DB-23");
    assert!(held.get("node").expect("a name").starts_with("msoko test, "), "{held}");
    second.take_over(at(2)).await.expect("nothing to do");
    let own = district.warehouse.source_records().await.expect("read");
    assert_eq!(own[0].last_started, Some(at(1)));

    // Silent: both are.
    let mut connection = PgConnection::connect(&district.url).await.expect("connected");
    let first = second.other_nodes().await.expect("listed").remove(0);
    sqlx::query("update node set seen_at = '2026-01-01T00:00:00.000Z' where id = $1")
        .bind(first)
        .execute(&mut connection)
        .await
        .expect("silenced");
    assert!(second.other_nodes().await.expect("listed").is_empty());
    second.take_over(at(3)).await.expect("taken over");
    second.source_started("vpr", None, at(3)).await.expect("free again");
    let late = district
        .warehouse
        .publish(run, true, at(4))
        .await
        .expect_err("taken back");
    assert_eq!(late.code(), "MSK-BUG-01");
    assert!(district.values().await.is_empty());
}

#[tokio::test]
async fn a_source_that_another_node_pulled_meanwhile_is_not_pulled_again() {
    let Some(district) = District::on(Engine::Postgres).await else {
        return;
    };
    let second = open(&district.url, Access::Hold).await.expect("a second node");
    district
        .warehouse
        .source_started("vpr", Some(None), at(1))
        .await
        .expect("due");
    let well = PullOutcome::Well { rows: Some(1) };
    district
        .warehouse
        .source_finished("vpr", well, None, at(2))
        .await
        .expect("ended");
    let late = second
        .source_started("vpr", Some(None), at(3))
        .await
        .expect_err("no longer due");
    assert_eq!(late.code(), "MSK-DB-23");
    second
        .source_started("vpr", Some(Some(at(1))), at(4))
        .await
        .expect("due again");
}
