//! Documents that were made, with the sources of every cell.

use chrono::{DateTime, Utc};

use super::nodes;
use super::sql::sql;
use super::store::Warehouse;
use super::text::{moment, read_moment};
use crate::message::Problem;

/// What a report is about; the same four give the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportKey {
    /// Code, `R-VPR`.
    pub code: String,
    /// Period as ids write it, `2025-26`.
    pub period: String,
    /// The unit, empty for the district.
    pub unit: String,
    /// Fingerprint of the data and rules the document is made of.
    pub fingerprint: String,
}

/// A report that was made (документ).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRecord {
    /// `R-VPR/2025-26/3`.
    pub id: String,
    /// What it is about.
    pub key: ReportKey,
    /// Number within code and period.
    pub number: u32,
    /// The view model as JSON, cells with their sources.
    pub document: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

type Columns = (String, String, String, i64, String, String, String, String);

const SELECT: &str = "select id, code, period, number, unit, fingerprint, document, created_at from report";

impl Warehouse {
    /// Keeps a document under the next number of its code and period. `document` receives the id and gives the JSON;
    /// the same report of the same data keeps its number and its first document.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_report(
        &self,
        key: ReportKey,
        document: impl FnOnce(&str) -> String + Send + 'static,
        now: DateTime<Utc>,
    ) -> Result<ReportRecord, Problem> {
        let what = "keep a report";
        self.write(what, move |connection| {
            Box::pin(async move {
                nodes::take_turn(connection).await?;
                let known: Option<String> = sql(
                    what,
                    "select id from report where code = $1 and period = $2 and unit = $3 and fingerprint = $4",
                )
                .bind(&key.code)
                .bind(&key.period)
                .bind(&key.unit)
                .bind(&key.fingerprint)
                .first_scalar(&mut *connection)
                .await?;
                if let Some(id) = known {
                    let row: Columns = sql(
                        what,
                        "select id, code, period, number, unit, fingerprint, document, created_at \
                         from report where id = $1",
                    )
                    .bind(id)
                    .one(connection)
                    .await?;
                    return read(row);
                }
                let number: i64 = sql(
                    what,
                    "select coalesce(max(number), 0) + 1 from report where code = $1 and period = $2",
                )
                .bind(&key.code)
                .bind(&key.period)
                .scalar(&mut *connection)
                .await?;
                let id = format!("{}/{}/{number}", key.code, key.period);
                let document = document(&id);
                sql(
                    what,
                    "insert into report (id, code, period, number, unit, fingerprint, document, created_at) \
                     values ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(&id)
                .bind(&key.code)
                .bind(&key.period)
                .bind(number)
                .bind(&key.unit)
                .bind(&key.fingerprint)
                .bind(&document)
                .bind(moment(now))
                .execute(connection)
                .await?;
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                Ok(ReportRecord {
                    id,
                    key,
                    number,
                    document,
                    created_at: now,
                })
            })
        })
        .await
    }

    /// The report of an id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn report(&self, id: &str) -> Result<Option<ReportRecord>, Problem> {
        let row: Option<Columns> = sql("read a report", SELECT)
            .push(" where id = ")
            .push_bind(id)
            .first(&self.readers)
            .await?;
        row.map(read).transpose()
    }

    /// Reports of a code or of all, newest first, without the documents themselves.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reports(&self, code: Option<&str>, limit: u32) -> Result<Vec<ReportRecord>, Problem> {
        let rows: Vec<Columns> = sql(
            "list reports",
            "select id, code, period, number, unit, fingerprint, '', created_at from report \
             where $1 is null or code = $1 order by created_at desc, id desc limit $2",
        )
        .bind(code)
        .bind(i64::from(limit))
        .all(&self.readers)
        .await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Columns) -> Result<ReportRecord, Problem> {
    let (id, code, period, number, unit, fingerprint, document, created_at) = row;
    Ok(ReportRecord {
        id,
        key: ReportKey {
            code,
            period,
            unit,
            fingerprint,
        },
        number: u32::try_from(number).unwrap_or(u32::MAX),
        document,
        created_at: read_moment("report", &created_at)?,
    })
}
