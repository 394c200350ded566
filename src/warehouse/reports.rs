//! Documents that were made, with the sources of every cell.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::audit::{Action, Entry};
use super::chunk::PIECE;
use super::nodes;
use super::sql::{Session, Value, sql};
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

/// A document to be kept.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// What it is about.
    pub key: ReportKey,
    /// The view model as JSON, cells with their sources.
    pub document: String,
    /// Hashes of the deliveries that its numbers, printed and withheld, were read from.
    pub snapshots: BTreeSet<String>,
}

type Columns = (String, String, String, i64, String, String, String, String);

const SELECT: &str = "select id, code, period, number, unit, fingerprint, document, created_at from report";

impl Warehouse {
    /// Keeps a document under the next number of its code and period, and which deliveries it stands on; the same
    /// report of the same data keeps its number and its first document.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save_report(&self, new: NewReport, now: DateTime<Utc>) -> Result<ReportRecord, Problem> {
        let audit = self.audit.clone();
        self.write("keep a report", move |session| {
            Box::pin(async move {
                nodes::take_turn(session).await?;
                let known = known(session, &new.key).await?;
                let again = known.is_some();
                let record = match known {
                    Some(record) => record,
                    None => insert(session, new, now).await?,
                };
                audit.append(session, &made(&record, again), now).await?;
                Ok(record)
            })
        })
        .await
    }

    /// Documents that stand on a delivery with this hash, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reports_on(&self, snapshot: &str) -> Result<Vec<String>, Problem> {
        sql(
            "list reports on a delivery",
            "select r.id from report_input i join report r on r.id = i.report where i.snapshot = $1 \
             order by r.created_at, r.id",
        )
        .bind(snapshot)
        .scalars(&self.readers)
        .await
    }

    /// The newest version of a document of this code, period and unit.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_version(&self, key: &ReportKey) -> Result<Option<String>, Problem> {
        sql(
            "look for the newest version",
            "select id from report where code = $1 and period = $2 and unit = $3 order by number desc limit 1",
        )
        .bind(&key.code)
        .bind(&key.period)
        .bind(&key.unit)
        .first_scalar(&self.readers)
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

async fn known(session: &mut Session<'_>, key: &ReportKey) -> Result<Option<ReportRecord>, Problem> {
    let row: Option<Columns> = sql("look for a report", SELECT)
        .push(" where code = $1 and period = $2 and unit = $3 and fingerprint = $4")
        .bind(&key.code)
        .bind(&key.period)
        .bind(&key.unit)
        .bind(&key.fingerprint)
        .first(session)
        .await?;
    row.map(read).transpose()
}

async fn insert(session: &mut Session<'_>, new: NewReport, now: DateTime<Utc>) -> Result<ReportRecord, Problem> {
    let what = "keep a report";
    let NewReport {
        key,
        document,
        snapshots,
    } = new;
    let number: i64 = sql(
        what,
        "select coalesce(max(number), 0) + 1 from report where code = $1 and period = $2",
    )
    .bind(&key.code)
    .bind(&key.period)
    .scalar(&mut *session)
    .await?;
    let id = format!("{}/{}/{number}", key.code, key.period);
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
    .execute(&mut *session)
    .await?;
    let snapshots: Vec<String> = snapshots.into_iter().collect();
    for piece in snapshots.chunks(PIECE) {
        let rows = piece.iter().map(|snapshot| [Value::from(snapshot), Value::from(&id)]);
        sql(what, "insert into report_input (snapshot, report) values ")
            .push_rows(rows)
            .execute(&mut *session)
            .await?;
    }
    Ok(ReportRecord {
        id,
        key,
        number: u32::try_from(number).unwrap_or(u32::MAX),
        document,
        created_at: now,
    })
}

/// A document that is handed out once more is told too: its files leave again.
fn made(record: &ReportRecord, again: bool) -> Entry {
    let counts = serde_json::json!({
        "unit": record.key.unit,
        "document": blake3::hash(record.document.as_bytes()).to_hex().as_str(),
        "again": again,
    });
    Entry::new(Action::ReportMade, record.id.clone(), counts)
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
