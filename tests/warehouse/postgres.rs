//! What only a server has: the tables of the migrations, nodes that come and go.

use sqlx::{Connection, PgConnection};

use crate::district::{District, Engine};

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
