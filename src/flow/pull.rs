//! The line for one source: fetch → snapshot → decode → normalise → validate → load.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::context::{Context, Stop, stopped};
use super::delivery::{Delivery, arrive};
use super::load::Load;
use super::site;
use super::sums;
use crate::config::{Origin, Source};
use crate::domain::vocabulary::SourceState;
use crate::failpoint;
use crate::fetch::{Validators, retry_after};
use crate::manifest::Connector;
use crate::message::{Problem, Problems};
use crate::schedule::back_off;
use crate::warehouse::load::LoadSummary;
use crate::warehouse::sources::{PullOutcome, Validators as Remembered};

/// Failures in a row after which a source counts as failing, not merely suspect.
pub const FAILING_AFTER: u32 = 3;

/// What a pull is asked for besides the source.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Take this file instead of the source's folder or address.
    pub file: Option<std::path::PathBuf>,
    /// The administrator confirms a delivery that is much smaller than the one before.
    pub confirmed: bool,
    /// The start that was the last one when the source was found due: of several nodes one pulls it. Absent when a
    /// person asks.
    pub seen: Option<Option<DateTime<Utc>>>,
}

/// What a pull did (итог загрузки источника).
#[derive(Debug, Default)]
pub struct Pulled {
    /// Id of the source.
    pub source: String,
    /// Deliveries that were loaded.
    pub snapshots: u64,
    /// Deliveries that were accepted, loaded now or known before.
    pub accepted: u64,
    /// Rows of all deliveries.
    pub rows_read: u64,
    /// Numbers and facts not known before.
    pub new: u64,
    /// Numbers and facts with another value.
    pub changed: u64,
    /// Numbers and facts that say what is known.
    pub unchanged: u64,
    /// Numbers that are no longer in the delivery and stopped to hold.
    pub closed: u64,
    /// Refused rows.
    pub quarantined: u64,
    /// State of the source afterwards.
    pub state: Option<SourceState>,
    /// Deliveries that were refused and requests that failed.
    pub refused: Problems,
    /// What deserves attention and stopped nothing.
    pub warnings: Problems,
}

impl Pulled {
    fn add(&mut self, summary: &LoadSummary) {
        self.snapshots += 1;
        self.rows_read += summary.rows_read;
        self.new += summary.observations_new + summary.facts_new;
        self.changed += summary.observations_changed + summary.facts_changed;
        self.unchanged += summary.observations_unchanged + summary.facts_unchanged;
        self.closed += summary.observations_closed;
        self.quarantined += summary.quarantined;
    }
}

/// Pulls one source and remembers how it went; a file given by hand says nothing about the source.
///
/// # Errors
/// When the warehouse refuses or the pull was asked to stop; what the source itself did wrong stands in
/// [`Pulled::refused`].
pub async fn pull(context: &Arc<Context>, source: &Source, options: &Options, stop: &Stop) -> Result<Pulled, Problem> {
    let warehouse = &context.warehouse;
    let mut pulled = Pulled {
        source: source.id.clone(),
        ..Pulled::default()
    };
    if options.file.is_none() {
        warehouse
            .source_started(&source.id, options.seen, context.clock.now())
            .await?;
    }
    if let Err(problem) = deliveries(context, source, options, stop, &mut pulled).await {
        if stop.asked() {
            return Err(problem);
        }
        pulled.refused.push(problem);
    }
    if options.file.is_none() {
        finish(context, source, &pulled).await?;
    }
    if let Err(problem) = sums::refresh(context, stop).await {
        // The pull is over; what is left is computed for every question and brought up to date by the next pulse.
        tracing::warn!(code = problem.code(), "sums of territories wait: {problem}");
    }
    let records = warehouse.source_records().await?;
    let record = records.iter().find(|record| record.source == source.id);
    let last_load = warehouse.last_loads().await?.get(&source.id).copied();
    pulled.state = record.map(|record| super::status::state_of(context, source, record, last_load));
    report(&pulled);
    Ok(pulled)
}

async fn deliveries(
    context: &Arc<Context>,
    source: &Source,
    options: &Options,
    stop: &Stop,
    pulled: &mut Pulled,
) -> Result<(), Problem> {
    let connectors = context.connectors_of(source)?;
    if let (Origin::EachSite, [connector], None) = (&source.origin, connectors.as_slice(), &options.file) {
        return sites(context, source, connector, options.confirmed, stop, pulled).await;
    }
    let register = context.warehouse.register().await?;
    let load = Load::new(context, source, register, options.confirmed, stop);
    let arrived = arrive(&load, &connectors, options.file.as_deref()).await?;
    pulled.refused.extend(arrived.problems);
    for delivery in arrived.deliveries.into_iter().map(Arc::new) {
        if stop.asked() {
            return Err(stopped());
        }
        match load.delivery(Arc::clone(&delivery), &connectors).await {
            Ok(loaded) => {
                pulled.accepted += 1;
                pulled.warnings.extend(
                    loaded
                        .warnings
                        .into_iter()
                        .map(|problem| named(problem, &delivery.shown)),
                );
                if let Some(summary) = &loaded.summary {
                    pulled.add(summary);
                }
                remember(context, source, &delivery).await?;
            }
            Err(problem) if stop.asked() => return Err(problem),
            Err(problem) => pulled.refused.push(named(problem, &delivery.shown)),
        }
    }
    Ok(())
}

async fn sites(
    context: &Arc<Context>,
    source: &Source,
    connector: &Connector,
    confirmed: bool,
    stop: &Stop,
    pulled: &mut Pulled,
) -> Result<(), Problem> {
    for walked in site::walk_all(context, source, connector, confirmed, stop).await? {
        if let Some(summary) = &walked.summary {
            pulled.add(summary);
        }
        pulled.accepted += u64::from(walked.failed.is_none());
        pulled
            .refused
            .extend(walked.failed.map(|problem| named(problem, &walked.title)));
        pulled.warnings.extend(walked.warnings);
    }
    Ok(())
}

/// Puts the name of the file or organisation in front of the place.
fn named(problem: Problem, name: &str) -> Problem {
    let place = match problem.place() {
        Some(place) if place.contains(name) => place.to_owned(),
        Some(place) => format!("{name}, {place}"),
        None => name.to_owned(),
    };
    problem.at(place)
}

/// Validators count only once the delivery is loaded: otherwise a kill in between would hide it for ever.
async fn remember(context: &Context, source: &Source, delivery: &Delivery) -> Result<(), Problem> {
    if delivery.validators == Validators::default() {
        return Ok(());
    }
    let validators = Remembered {
        etag: delivery.validators.etag.clone(),
        last_modified: delivery.validators.last_modified.clone(),
        body_hash: delivery.validators.hash.clone(),
    };
    let given = vec![(delivery.address.clone(), validators)];
    context
        .warehouse
        .remember_validators(&source.id, given, context.clock.now())
        .await
}

/// A source that brought something and refused some of it is under suspicion; one that only refused fails.
async fn finish(context: &Context, source: &Source, pulled: &Pulled) -> Result<(), Problem> {
    let now = context.clock.now();
    let warehouse = &context.warehouse;
    let rows = (pulled.snapshots > 0).then_some(pulled.rows_read);
    let (outcome, next) = match pulled.refused.first() {
        None => (PullOutcome::Well { rows }, None),
        Some(problem) if pulled.accepted > 0 => {
            let problem = problem.clone();
            (PullOutcome::Partly { rows, problem }, None)
        }
        Some(problem) => {
            let before = warehouse.source_records().await?;
            let failures = before
                .iter()
                .find(|record| record.source == source.id)
                .map_or(0, |record| record.failures);
            let pause = retry_after(problem).unwrap_or_else(|| back_off(failures + 1, &source.id));
            let next = chrono::Duration::from_std(pause).ok().map(|pause| now + pause);
            (
                PullOutcome::Failed {
                    problem: problem.clone(),
                },
                next,
            )
        }
    };
    warehouse.source_finished(&source.id, outcome, next, now).await?;
    failpoint::hit("pull-recorded");
    Ok(())
}

fn report(pulled: &Pulled) {
    for problem in &pulled.refused {
        tracing::warn!(
            source.id = pulled.source,
            code = problem.code(),
            "source `{}`: {problem}",
            pulled.source
        );
    }
    tracing::info!(
        source.id = pulled.source,
        snapshots = pulled.snapshots,
        rows = pulled.rows_read,
        new = pulled.new,
        changed = pulled.changed,
        closed = pulled.closed,
        quarantined = pulled.quarantined,
        refused = pulled.refused.len(),
        "source `{}` pulled",
        pulled.source
    );
}
