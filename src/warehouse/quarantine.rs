//! Refused rows: staged with their load, listed, shown, dropped.

use chrono::{DateTime, Utc};

use super::audit::{Action, Entry};
use super::chunk::PIECE;
use super::load::{Loading, SnapshotId};
use super::sql::{Record, Session, Value, sql};
use super::store::Warehouse;
use super::text::{ProblemColumns, moment, read_moment, unreadable};
use crate::domain::observation::Quarantined;
use crate::domain::unit::UnitRef;
use crate::message::Problem;

/// A row of the quarantine (строка карантина).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Number that people type.
    pub id: i64,
    /// Source that brought the row.
    pub source: String,
    /// File name.
    pub file: String,
    /// The delivery, for a replay.
    pub snapshot: SnapshotId,
    /// Hash of the delivery's bytes.
    pub hash: String,
    /// Code, arguments, place.
    pub problem: Problem,
    /// Column the problem speaks of.
    pub column: Option<String>,
    /// Rule of the manifest.
    pub rule: Option<String>,
    /// The unit as the row names it.
    pub unit: Option<String>,
    /// The row without personal data, as JSON text.
    pub cleaned: String,
    /// `open`, `replayed`, `superseded` or `dropped`.
    pub state: String,
    /// When it was refused.
    pub created_at: DateTime<Utc>,
}

const COLUMNS: &str = "select q.id, q.source, s.file, q.snapshot, s.hash, q.code, q.args, q.place, q.detail, \
     q.column_name, q.rule, q.unit_name, q.cleaned, q.state, q.created_at \
     from quarantine q join snapshot s on s.id = q.snapshot join run r on r.id = q.run \
     where r.state <> 'loading'";

/// Writes refused rows of a load.
pub(super) async fn stage(
    connection: &mut Session<'_>,
    loading: &mut Loading,
    rows: impl Iterator<Item = Quarantined>,
) -> Result<(), Problem> {
    let rows: Vec<Quarantined> = rows.collect();
    for piece in rows.chunks(PIECE) {
        let rows = piece.iter().map(|row| {
            let problem = ProblemColumns::of(Some(&row.problem));
            [
                Value::from(loading.run),
                loading.snapshot.into(),
                (&loading.source).into(),
                (&loading.series).into(),
                problem.place.unwrap_or_default().into(),
                row.problem.code().into(),
                problem.args.unwrap_or_default().into(),
                problem.detail.into(),
                row.column.clone().into(),
                row.rule.clone().into(),
                row.unit.as_deref().and_then(named).into(),
                (&row.cleaned).into(),
                moment(loading.now).into(),
            ]
        });
        sql(
            "write refused rows",
            "insert into quarantine (run, snapshot, source, series, place, code, args, detail, column_name, rule, \
             unit_name, cleaned, created_at) values ",
        )
        .push_rows(rows)
        .execute(&mut *connection)
        .await?;
        loading.summary.quarantined += piece.len() as u64;
    }
    Ok(())
}

/// What an official recognises first: the title, else any code.
fn named(unit: &UnitRef) -> Option<String> {
    let id = unit.id.as_ref().map(|id| &id.0);
    [
        unit.name.as_ref(),
        unit.login.as_ref(),
        unit.code.as_ref(),
        unit.ogrn.as_ref(),
        unit.inn.as_ref(),
        unit.site.as_ref(),
        id,
    ]
    .into_iter()
    .flatten()
    .next()
    .cloned()
}

impl Warehouse {
    /// Refused rows, newest first; only waiting ones unless `closed` is wanted too.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn quarantine(
        &self,
        source: Option<&str>,
        closed: bool,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, Problem> {
        let mut query = sql("list refused rows", COLUMNS);
        if let Some(source) = source {
            query = query.push(" and q.source = ").push_bind(source);
        }
        if !closed {
            query = query.push(" and q.state = 'open'");
        }
        let rows = query
            .push(" order by q.id desc limit ")
            .push_bind(i64::from(limit))
            .records(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// One refused row, in whatever state.
    ///
    /// # Errors
    /// `MSK-DB-18` when there is none of that number.
    pub async fn quarantine_row(&self, id: i64) -> Result<QuarantineRow, Problem> {
        let rows = sql("read a refused row", COLUMNS)
            .push(" and q.id = ")
            .push_bind(id)
            .records(&self.readers)
            .await?;
        read(rows.first().ok_or_else(|| Problem::new("MSK-DB-18").arg("id", id))?)
    }

    /// Drops a waiting row for good, with the name of who decided so.
    ///
    /// # Errors
    /// `MSK-DB-18` when the row is not there or not open.
    pub async fn drop_quarantined(&self, id: i64, by: &str, now: DateTime<Utc>) -> Result<(), Problem> {
        let (by, audit) = (by.to_owned(), self.audit.clone());
        self.write("drop a refused row", move |connection| {
            Box::pin(async move {
                let dropped: Option<(String, String)> = sql(
                    "drop a refused row",
                    "update quarantine set state = 'dropped', closed_at = $2, closed_by = $3 \
                     where id = $1 and state = 'open' \
                     and run not in (select id from run where state = 'loading') returning source, code",
                )
                .bind(id)
                .bind(moment(now))
                .bind(by)
                .first(&mut *connection)
                .await?;
                let (source, code) = dropped.ok_or_else(|| Problem::new("MSK-DB-18").arg("id", id))?;
                let counts = serde_json::json!({ "row": id, "code": code });
                let entry = Entry::new(Action::QuarantineDropped, source, counts);
                audit.append(connection, &entry, now).await
            })
        })
        .await
    }

    /// Names of units that waiting rows carry, with how many rows wait for each: what nobody recognised yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unknown_names(&self, code: &str) -> Result<Vec<(String, u64)>, Problem> {
        let rows: Vec<(String, i64)> = sql(
            "list unknown names",
            "select unit_name, count(*) from quarantine where state = 'open' and code = $1 and unit_name is not null \
             and run not in (select id from run where state = 'loading') \
             group by unit_name order by count(*) desc, unit_name",
        )
        .bind(code)
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, count)| (name, count.cast_unsigned()))
            .collect())
    }
}

fn read(row: &Record) -> Result<QuarantineRow, Problem> {
    let wrong = |error: sqlx::Error| unreadable("quarantine", "—", error);
    let text = |column: &str| row.get::<String>(column).map_err(wrong);
    let maybe = |column: &str| row.get::<Option<String>>(column).map_err(wrong);
    let place = text("place")?;
    let problem = ProblemColumns {
        code: Some(text("code")?),
        args: Some(text("args")?),
        place: (!place.is_empty()).then_some(place),
        detail: maybe("detail")?,
    };
    Ok(QuarantineRow {
        id: row.get("id").map_err(wrong)?,
        source: text("source")?,
        file: text("file")?,
        snapshot: SnapshotId(row.get("snapshot").map_err(wrong)?),
        hash: text("hash")?,
        problem: problem.problem().ok_or_else(|| unreadable("quarantine", "—", "code"))?,
        column: maybe("column_name")?,
        rule: maybe("rule")?,
        unit: maybe("unit_name")?,
        cleaned: text("cleaned")?,
        state: text("state")?,
        created_at: read_moment("quarantine", &text("created_at")?)?,
    })
}

/// Rows refused again keep their old number. A published load also answers the other waiting rows of its series, those of
/// newer deliveries excepted; gives how many it has answered.
pub(super) async fn settle(connection: &mut Session<'_>, run: i64, published: bool, now: &str) -> Result<u64, Problem> {
    let what = "settle the quarantine";
    let mut closed = 0;
    if published {
        closed = sql(
            what,
            "update quarantine set closed_at = $2, closed_by = 'run ' || $1, state = case when snapshot = \
             (select snapshot from run where id = $1) then 'replayed' else 'superseded' end \
             where state = 'open' and run <> $1 and (source, series) = (select source, series from run where id = $1) \
             and snapshot <= (select snapshot from run where id = $1) \
             and not exists (select 1 from quarantine again where again.run = $1 and again.place = quarantine.place \
             and again.code = quarantine.code and again.snapshot = quarantine.snapshot)",
        )
        .bind(run)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    sql(
        what,
        "delete from quarantine where run = $1 and exists (select 1 from quarantine old \
         where old.source = quarantine.source and old.series = quarantine.series \
         and old.snapshot = quarantine.snapshot and old.place = quarantine.place \
         and old.code = quarantine.code and old.run <> $1 and old.state in ('open', 'dropped'))",
    )
    .bind(run)
    .execute(&mut *connection)
    .await
    .map(|_| closed)
}
