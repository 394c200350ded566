//! What is told of a published load ever after.

use serde_json::json;

use super::audit::{Action, Entry};
use super::load::Loading;
use super::sql::{Session, sql};
use crate::message::Problem;

/// Keeps the digest of the rows a load added, for [`super::verify`].
pub(super) async fn seal(session: &mut Session<'_>, loading: &Loading) -> Result<(), Problem> {
    sql("keep the digest of a load", "update run set digest = $2 where id = $1")
        .bind(loading.run)
        .bind(loading.digest.text())
        .execute(session)
        .await
        .map(|_| ())
}

/// The records of the audit log about a load: one more when a person let an emptier delivery through. `closed` is how
/// many refused rows it has answered.
pub(super) async fn entries(
    session: &mut Session<'_>,
    loading: &Loading,
    is_confirmed: bool,
    closed: u64,
) -> Result<Vec<Entry>, Problem> {
    let hash: String = sql("read a snapshot", "select hash from snapshot where id = $1")
        .bind(loading.snapshot)
        .scalar(session)
        .await?;
    let object = format!("{}/{}", loading.source, loading.series);
    let summary = &loading.summary;
    let mut entries = Vec::new();
    if is_confirmed {
        let counts = json!({ "run": summary.run, "rows_read": summary.rows_read });
        entries.push(Entry::new(Action::DeliveryConfirmed, object.clone(), counts));
    }
    let counts = json!({
        "run": summary.run,
        "snapshot": hash,
        "rows_read": summary.rows_read,
        "new": summary.observations_new + summary.facts_new,
        "changed": summary.observations_changed + summary.facts_changed,
        "unchanged": summary.observations_unchanged + summary.facts_unchanged,
        "closed": summary.observations_closed,
        "quarantined": summary.quarantined,
        "quarantine_closed": closed,
    });
    entries.push(Entry::new(Action::LoadPublished, object, counts));
    Ok(entries)
}
