//! State of the sources, the outbox and the deadlines, for people and monitoring.

use chrono::{DateTime, Utc};

use super::context::Context;
use super::pull::FAILING_AFTER;
use crate::config::Source;
use crate::domain::vocabulary::SourceState;
use crate::message::Problem;
use crate::warehouse::outbox::OutboxCounts;
use crate::warehouse::sources::SourceRecord;

/// A source and how it is (состояние источника).
#[derive(Debug, Clone)]
pub struct SourceStatus {
    /// Id.
    pub id: String,
    /// State.
    pub state: SourceState,
    /// Last pull that went well.
    pub last_success: Option<DateTime<Utc>>,
    /// Rows of the last load.
    pub rows: u64,
    /// Refused rows that wait.
    pub quarantined: u64,
    /// The last problem.
    pub problem: Option<Problem>,
    /// Failures in a row.
    pub failures: u32,
    /// Next try, while it fails.
    pub next_due: Option<DateTime<Utc>>,
}

/// State of a source: failing after three failures in a row, stale when nothing new came for longer than it promised.
/// A pull that found nothing new is no news: freshness counts from the last load.
#[must_use]
pub fn state_of(
    context: &Context,
    source: &Source,
    record: &SourceRecord,
    last_load: Option<DateTime<Utc>>,
) -> SourceState {
    match record.failures {
        0 if is_stale(context, source, last_load) => SourceState::Stale,
        0 if record.problem.is_some() => SourceState::Suspect,
        0 => SourceState::Ok,
        failures if failures < FAILING_AFTER => SourceState::Suspect,
        _ => SourceState::Failing,
    }
}

/// True when nothing was loaded from a source for longer than it promised, whether it answers or not.
#[must_use]
pub fn is_stale(context: &Context, source: &Source, last_load: Option<DateTime<Utc>>) -> bool {
    let freshness = source.freshness.or_else(|| {
        let first = source.connectors.value.first()?;
        context.connector(first).ok()?.defaults.freshness
    });
    let promised = freshness.and_then(|freshness| chrono::Duration::from_std(freshness).ok());
    promised.is_some_and(|promised| last_load.is_none_or(|last| context.clock.now() - last > promised))
}

/// Every source that is switched on, in the order of the configuration.
///
/// # Errors
/// When the warehouse refuses.
pub async fn sources(context: &Context) -> Result<Vec<SourceStatus>, Problem> {
    let records = context.warehouse.source_records().await?;
    let loads = context.warehouse.last_loads().await?;
    let enabled = context.config.sources.iter().filter(|source| source.enabled);
    Ok(enabled
        .map(|source| {
            let record = records.iter().find(|record| record.source == source.id);
            SourceStatus {
                id: source.id.clone(),
                state: record.map_or(SourceState::Stale, |record| {
                    state_of(context, source, record, loads.get(&source.id).copied())
                }),
                last_success: record.and_then(|record| record.last_success),
                rows: record.map_or(0, |record| record.rows),
                quarantined: record.map_or(0, |record| record.quarantined),
                problem: record.and_then(|record| record.problem.clone()),
                failures: record.map_or(0, |record| record.failures),
                next_due: record.and_then(|record| record.next_due),
            }
        })
        .collect())
}

/// The outbox in numbers.
///
/// # Errors
/// When the warehouse refuses.
pub async fn outbox(context: &Context) -> Result<OutboxCounts, Problem> {
    context.warehouse.outbox_counts().await
}
