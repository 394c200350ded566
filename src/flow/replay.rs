//! Loads again from snapshots: after the register, a manifest or a scale has changed.

use std::sync::Arc;

use super::context::{Context, Stop};
use super::load::{Load, Replay};
use crate::config::{Origin, Source};
use crate::message::{Problem, Problems};
use crate::privacy::detect::Exempt;

/// What a replay did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Snapshots loaded again.
    pub snapshots: u64,
    /// Numbers not known before.
    pub new: u64,
    /// Numbers with another value.
    pub changed: u64,
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
    let register = Arc::new(context.warehouse.register().await?);
    let load = Load {
        context: Arc::clone(context),
        source: Arc::new(source.clone()),
        exempt: Arc::new(Exempt::new(&register)),
        register,
        // The same bytes as before: a smaller outcome is what the administrator asked for.
        confirmed: true,
        stop: Stop::default(),
    };
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
                replayed.quarantined += summary.quarantined;
            }
            Err(problem) => replayed.refused.push(problem.at(last.file)),
        }
    }
    Ok(replayed)
}
