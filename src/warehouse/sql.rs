//! Statements: one text for both databases, values bound once, rows read once. What the engines do differently stands
//! in [`super::store`] and in the bulk rooms.

use sqlx::database::HasStatementCache;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Database, Decode, Encode, FromRow, IntoArguments, Postgres, Row, SqlSafeStr, Sqlite, Type};

use super::store::{bug, refused};
use crate::message::Problem;

/// A transaction under way on either database.
#[derive(Debug)]
pub(super) enum Session<'t> {
    Sqlite(&'t mut SqliteConnection),
    Postgres(&'t mut PgConnection),
}

/// Connections for reading.
#[derive(Debug, Clone)]
pub(super) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Where a statement runs.
pub(super) enum On<'a> {
    Sqlite(&'a mut SqliteConnection),
    SqlitePool(&'a SqlitePool),
    Postgres(&'a mut PgConnection),
    PostgresPool(&'a PgPool),
}

impl<'a> From<&'a mut Session<'_>> for On<'a> {
    fn from(session: &'a mut Session<'_>) -> Self {
        match session {
            Session::Sqlite(connection) => Self::Sqlite(connection),
            Session::Postgres(connection) => Self::Postgres(connection),
        }
    }
}

impl<'a> From<&'a Readers> for On<'a> {
    fn from(readers: &'a Readers) -> Self {
        match readers {
            Readers::Sqlite(pool) => Self::SqlitePool(pool),
            Readers::Postgres(pool) => Self::PostgresPool(pool),
        }
    }
}

/// A value of a column. The schema knows no others: moments and days are text, truth is 0 or 1.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(storable))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map(str::to_owned).into()
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        text.clone().into()
    }
}

/// Text as both databases can hold it: `PostgreSQL` refuses NUL, hence neither of them gets one.
pub(super) fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Sql {
    what: &'static str,
    text: Text,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Text {
    Fixed(&'static str),
    Made(String),
}

/// Begins a statement; `what` says in errors what was being done.
pub(super) fn sql(what: &'static str, text: &'static str) -> Sql {
    Sql {
        what,
        text: Text::Fixed(text),
        values: Vec::new(),
    }
}

impl Sql {
    /// Gives the next value of a text that names it, `$1` first.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds to the text.
    pub(super) fn push(mut self, text: &'static str) -> Self {
        self.append(text);
        self
    }

    /// Adds a value to the text, under the next number.
    pub(super) fn push_bind(mut self, value: impl Into<Value>) -> Self {
        let number = self.values.len() + 1;
        self.append(&format!("${number}"));
        self.bind(value)
    }

    /// Adds `(…, …)`; no value is in an empty list, and every value is outside it.
    pub(super) fn push_list<T: Into<Value>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        let mut between = "(";
        for value in values {
            self = self.push(between).push_bind(value);
            between = ", ";
        }
        if between == "(" {
            return self.push("(select null where 1 = 0)");
        }
        self.push(")")
    }

    /// Adds `(…), (…)`, one row of values each.
    pub(super) fn push_rows<R: IntoIterator<Item = Value>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        let mut between = "";
        for row in rows {
            self = self.push(between).push_list(row);
            between = ", ";
        }
        self
    }

    /// Adds `(…, …)` of row ids, as digits: the number of values of a statement is limited, its length hardly.
    pub(super) fn push_ids(mut self, ids: &[i64]) -> Self {
        let digits: Vec<String> = ids.iter().map(i64::to_string).collect();
        self.append(&format!(
            "({})",
            if ids.is_empty() {
                "null".to_owned()
            } else {
                digits.join(", ")
            }
        ));
        self
    }

    fn append(&mut self, text: &str) {
        match &mut self.text {
            Text::Fixed(fixed) => self.text = Text::Made(format!("{fixed}{text}")),
            Text::Made(made) => made.push_str(text),
        }
    }

    /// Runs the statement; gives the number of rows it changed.
    pub(super) async fn execute<'a>(self, on: impl Into<On<'a>>) -> Result<u64, Problem> {
        let what = self.what;
        let done = match on.into() {
            On::Sqlite(connection) => self
                .made::<Sqlite>()
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
            On::SqlitePool(pool) => self
                .made::<Sqlite>()
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
            On::Postgres(connection) => self
                .made::<Postgres>()
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
            On::PostgresPool(pool) => self
                .made::<Postgres>()
                .execute(pool)
                .await
                .map(|done| done.rows_affected()),
        };
        done.map_err(|error| refused(what, &error))
    }

    /// All rows, to be read by name.
    pub(super) async fn records<'a>(self, on: impl Into<On<'a>>) -> Result<Vec<Record>, Problem> {
        let what = self.what;
        let of_sqlite = |rows: Vec<SqliteRow>| rows.into_iter().map(Record::Sqlite).collect();
        let of_postgres = |rows: Vec<PgRow>| rows.into_iter().map(Record::Postgres).collect();
        let found = match on.into() {
            On::Sqlite(connection) => self.made::<Sqlite>().fetch_all(connection).await.map(of_sqlite),
            On::SqlitePool(pool) => self.made::<Sqlite>().fetch_all(pool).await.map(of_sqlite),
            On::Postgres(connection) => self.made::<Postgres>().fetch_all(connection).await.map(of_postgres),
            On::PostgresPool(pool) => self.made::<Postgres>().fetch_all(pool).await.map(of_postgres),
        };
        found.map_err(|error| refused(what, &error))
    }

    /// All rows as tuples.
    pub(super) async fn all<'a, T: Columns>(self, on: impl Into<On<'a>>) -> Result<Vec<T>, Problem> {
        let what = self.what;
        let records = self.records(on).await?;
        records
            .iter()
            .map(|record| record.columns().map_err(|error| refused(what, &error)))
            .collect()
    }

    /// The first row.
    pub(super) async fn first<'a, T: Columns>(self, on: impl Into<On<'a>>) -> Result<Option<T>, Problem> {
        Ok(self.all(on).await?.into_iter().next())
    }

    /// The one row of a statement that always has one.
    pub(super) async fn one<'a, T: Columns>(self, on: impl Into<On<'a>>) -> Result<T, Problem> {
        let what = self.what;
        self.first(on).await?.ok_or_else(|| bug(format!("{what}: no row")))
    }

    /// The first column of all rows.
    pub(super) async fn scalars<'a, T>(self, on: impl Into<On<'a>>) -> Result<Vec<T>, Problem>
    where
        (T,): Columns,
    {
        Ok(self.all::<(T,)>(on).await?.into_iter().map(|(value,)| value).collect())
    }

    /// The first column of the first row.
    pub(super) async fn first_scalar<'a, T>(self, on: impl Into<On<'a>>) -> Result<Option<T>, Problem>
    where
        (T,): Columns,
    {
        Ok(self.first::<(T,)>(on).await?.map(|(value,)| value))
    }

    /// The first column of the one row of a statement that always has one.
    pub(super) async fn scalar<'a, T>(self, on: impl Into<On<'a>>) -> Result<T, Problem>
    where
        (T,): Columns,
    {
        Ok(self.one::<(T,)>(on).await?.0)
    }

    fn made<D>(self) -> Query<'static, D, D::Arguments>
    where
        D: Database<Arguments: IntoArguments<D>> + HasStatementCache,
        for<'q> Option<i64>: Encode<'q, D> + Type<D>,
        for<'q> Option<String>: Encode<'q, D> + Type<D>,
        for<'q> Vec<u8>: Encode<'q, D> + Type<D>,
    {
        let mut query = match self.text {
            Text::Fixed(text) => sqlx::query(text.into_sql_str()),
            // Made of our own words, numbers of parameters and digits; values are bound. Not kept for next time.
            Text::Made(text) => sqlx::query(AssertSqlSafe(text).into_sql_str()).persistent(false),
        };
        for value in self.values {
            query = match value {
                Value::Int(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }
}

/// A row of either database.
#[derive(Debug)]
pub(super) enum Record {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a row can be read as: a tuple of columns.
pub(super) trait Columns: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl<T> Columns for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

impl Record {
    /// A column by its name.
    pub(super) fn get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    fn columns<T: Columns>(&self) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => T::from_row(row),
            Self::Postgres(row) => T::from_row(row),
        }
    }
}
