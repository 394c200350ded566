//! Loads again from snapshots: after the register, a manifest or a scale has changed.

use std::sync::Arc;

use super::context::{Context, Stop};
use super::load::{Load, Replay};
use super::sums;
use crate::config::{Origin, Source};
use crate::message::{Problem, Problems};

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Snapshots loaded again.
    pub snapshots: u64,
    /// Numbers not known before.
    pub new: u64,
    /// Numbers with another value.
    pub changed: u64,
    /// Numbers that the snapshot does not hold any more and that stopped to hold.
    pub closed: u64,
    /// Rows refused again.
    pub quarantined: u64,
    /// Snapshots that were refused.
    pub refused: Problems,
}

/// Loads the last snapshot of every file of a source again. Sites are walked anew instead: their snapshots hold facts.
///
/// # Errors
/// When the warehouse refuses.
pub async fn source(context: &Arc<Context>, source: &Source) -> Result<Replayed, Problem> {
    let mut replayed = Replayed::default();
    if matches!(source.origin, Origin::EachSite) {
        return Ok(replayed);
    }
    let register = context.warehouse.register().await?;
    // The same bytes as before: a smaller outcome is what the administrator asked for.
    let confirmed = true;
    let load = Load::new(context, source, register, confirmed, &Stop::default());
    for last in context.warehouse.last_snapshots(&source.id).await? {
        let connector = match context.connector(&last.connector) {
            Ok(connector) => connector,
            Err(problem) => {
                replayed.refused.push(problem.at(last.file));
                continue;
            }
        };
        let replay = Replay {
            name: last.file.clone(),
            snapshot: last.id,
            hash: last.hash,
            original: last.original,
        };
        match load.again(&replay, connector).await {
            Ok(loaded) => {
                let summary = loaded.summary.unwrap_or_default();
                replayed.snapshots += 1;
                replayed.new += summary.observations_new;
                replayed.changed += summary.observations_changed;
                replayed.closed += summary.observations_closed;
                replayed.quarantined += summary.quarantined;
            }
            Err(problem) => replayed.refused.push(problem.at(last.file)),
        }
    }
    sums::refresh(context, &Stop::default()).await?;
    Ok(replayed)
}
