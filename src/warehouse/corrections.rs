//! Numbers that were replaced: which, by which load, what they were before and what they are after it.

use super::observations::{Revision, Shared, key_of};
use super::sql::{Sql, sql};
use super::store::Warehouse;
use super::text::unreadable;
use crate::domain::stored::ObservationKey;
use crate::message::Problem;

/// Which corrections are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Corrected {
    /// All of them.
    Everywhere,
    /// Those that the loads of a source brought.
    BySource(String),
    /// Those of one load.
    ByRun(i64),
    /// Those of numbers from deliveries that a document stands on.
    UnderReport(String),
    /// Those of one number.
    Of(ObservationKey),
}

/// A correction (исправление): a number that stopped to hold and what holds instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// The number.
    pub key: ObservationKey,
    /// Id of the source whose load replaced it.
    pub source: String,
    /// What held before; `superseded` is the load that ended it.
    pub old: Revision,
    /// What that load brought instead; nothing when the number is no longer in the delivery.
    pub new: Option<Revision>,
}

/// Begins the list of replaced rows with the load that replaced each.
const REPLACED: &str = "select o.unit, o.procedure, o.round, o.measure, o.subject, o.grade, o.breakdown, \
     o.superseded_by, o.id, d.source from observation o join run d on d.id = o.superseded_by and d.state = 'published' where ";

impl Warehouse {
    /// At most `limit` corrections, the newest first.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn corrections(&self, of: &Corrected, limit: u32) -> Result<Vec<Correction>, Problem> {
        let rows = replaced(of)
            .push(" order by d.id desc, o.id limit ")
            .push_bind(i64::from(limit))
            .records(&self.readers)
            .await?;
        let mut shared = Shared::default();
        let mut corrections = Vec::with_capacity(rows.len());
        for row in &rows {
            let wrong = |error: sqlx::Error| unreadable("observation", "—", error);
            let key = key_of(row, &mut shared)?;
            let (run, source): (i64, String) = (
                row.get("superseded_by").map_err(wrong)?,
                row.get("source").map_err(wrong)?,
            );
            let revisions = self.history(&key).await?;
            let ended_by = |revision: &&Revision| revision.superseded.is_some_and(|(by, _)| by == run);
            let Some(old) = revisions.iter().find(ended_by).cloned() else {
                continue;
            };
            let new = revisions.into_iter().find(|revision| revision.run == run);
            corrections.push(Correction { key, source, old, new });
        }
        Ok(corrections)
    }
}

fn replaced(of: &Corrected) -> Sql {
    let statement = sql("list corrections", REPLACED);
    match of {
        Corrected::Everywhere => statement.push("o.superseded_by is not null"),
        Corrected::BySource(source) => statement.push("d.source = ").push_bind(source),
        Corrected::ByRun(run) => statement.push("d.id = ").push_bind(*run),
        Corrected::UnderReport(report) => statement
            .push(
                "o.snapshot in (select s.id from report_input i join snapshot s on s.hash = i.snapshot \
                 where i.report = ",
            )
            .push_bind(report)
            .push(")"),
        Corrected::Of(key) => statement
            .push("o.superseded_by is not null and o.round = ")
            .push_bind(&*key.round)
            .push(" and o.unit = ")
            .push_bind(&key.unit.0)
            .push(" and o.measure = ")
            .push_bind(key.measure.as_str())
            .push(" and o.subject = ")
            .push_bind(key.subject.as_deref().unwrap_or_default())
            .push(" and o.grade = ")
            .push_bind(i64::from(key.grade.unwrap_or(0)))
            .push(" and o.breakdown = ")
            .push_bind(key.breakdown.to_string()),
    }
}
