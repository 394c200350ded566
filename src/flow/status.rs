//! State of the sources, the outbox and the deadlines, for people and monitoring.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::context::Context;
use super::pull::FAILING_AFTER;
use crate::config::Source;
use crate::domain::number::moment;
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

/// A node that has been silent for so long is missed: a machine that restarts is back before.
const MISSED_AFTER: TimeDelta = TimeDelta::minutes(15);

/// A node that does not answer, with the sources that nobody else pulls (молчащий узел).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentNode {
    /// Name in the configuration of the sources.
    pub name: String,
    /// When it last answered; absent when nobody ever saw it.
    pub seen_at: Option<DateTime<Utc>>,
    /// Its sources, switched on, in the order of the configuration.
    pub sources: Vec<String>,
}

impl SilentNode {
    /// `MSK-RUN-35`.
    #[must_use]
    pub fn problem(&self, context: &Context) -> Problem {
        let local = |at: DateTime<Utc>| moment(at.with_timezone(&context.zone()).fixed_offset());
        Problem::new("MSK-RUN-35")
            .arg("node", &self.name)
            .arg("since", self.seen_at.map_or_else(|| "—".to_owned(), local))
            .arg("sources", self.sources.join(", "))
    }
}

/// The nodes that are missed.
///
/// # Errors
/// When the warehouse refuses.
pub async fn silent_nodes(context: &Context) -> Result<Vec<SilentNode>, Problem> {
    let mut of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in context.config.sources.iter().filter(|source| source.enabled) {
        if let Some(node) = source.own_node().filter(|_| !context.config.is_ours(source)) {
            of.entry(node).or_default().push(source.id.clone());
        }
    }
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let known = context.warehouse.named_nodes().await?;
    let now = context.clock.now();
    let silent = of.into_iter().filter_map(|(name, sources)| {
        let node = known.iter().find(|node| node.name == name);
        let answers = node.is_some_and(|node| node.lives || now - node.seen_at < MISSED_AFTER);
        (!answers).then(|| SilentNode {
            name: name.to_owned(),
            seen_at: node.map(|node| node.seen_at),
            sources,
        })
    });
    Ok(silent.collect())
}

/// Every source that is switched on, in the order of the configuration. One whose node is missed is stale, whatever its
/// last pull said.
///
/// # Errors
/// When the warehouse refuses.
pub async fn sources(context: &Context) -> Result<Vec<SourceStatus>, Problem> {
    let silent = silent_nodes(context).await?;
    let records = context.warehouse.source_records().await?;
    let loads = context.warehouse.last_loads().await?;
    let enabled = context.config.sources.iter().filter(|source| source.enabled);
    Ok(enabled
        .map(|source| {
            let record = records.iter().find(|record| record.source == source.id);
            let missed = silent.iter().find(|node| node.sources.contains(&source.id));
            let state = match (record, missed) {
                (Some(record), None) => state_of(context, source, record, loads.get(&source.id).copied()),
                _ => SourceState::Stale,
            };
            SourceStatus {
                id: source.id.clone(),
                state,
                last_success: record.and_then(|record| record.last_success),
                rows: record.map_or(0, |record| record.rows),
                quarantined: record.map_or(0, |record| record.quarantined),
                problem: match missed {
                    Some(node) => Some(node.problem(context)),
                    None => record.and_then(|record| record.problem.clone()),
                },
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
