//! Loads again from snapshots: after the register, a manifest or a scale has changed.

use std::sync::Arc;

use super::context::{Context, Stop};
use super::load::{Load, Replay};
use super::sums;
use crate::config::{Origin, Source};
use crate::message::{Problem, Problems};
use crate::warehouse::again::Newer;
use crate::warehouse::history::LastSnapshot;
use crate::warehouse::load::LoadSummary;

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
    /// Numbers left as a newer delivery has them.
    pub left: u64,
    /// Rows refused again.
    pub quarantined: u64,
    /// Snapshots that were refused, and those that were held back because a newer one was.
    pub refused: Problems,
}

impl Replayed {
    fn add(&mut self, summary: &LoadSummary) {
        self.snapshots += 1;
        self.new += summary.observations_new;
        self.changed += summary.observations_changed;
        self.closed += summary.observations_closed;
        self.left += summary.observations_left;
        self.quarantined += summary.quarantined;
    }
}

/// Loads the last snapshot of every file of a source again, the newest first, each under what newer ones say. Sites are
/// walked anew instead: their snapshots hold facts, and no other snapshot does.
///
/// # Errors
/// `MSK-DB-23` when another node is pulling the source, else when the warehouse refuses.
pub async fn source(context: &Arc<Context>, source: &Source) -> Result<Replayed, Problem> {
    if matches!(source.origin, Origin::EachSite) {
        return Ok(Replayed::default());
    }
    let warehouse = &context.warehouse;
    // What a pull brings meanwhile would be newer than all that is known here.
    warehouse.hold_source(&source.id).await?;
    let replayed = snapshots(context, source).await;
    warehouse.free_source(&source.id).await?;
    sums::refresh(context, &Stop::default()).await?;
    replayed
}

async fn snapshots(context: &Arc<Context>, source: &Source) -> Result<Replayed, Problem> {
    let register = context.warehouse.register().await?;
    // The same bytes as before: a smaller outcome is what the administrator asked for.
    let confirmed = true;
    let load = Load::new(context, source, register, confirmed, &Stop::default());
    let mut replayed = Replayed::default();
    let newer = Newer::default();
    let mut unread: Option<String> = None;
    for last in context.warehouse.last_snapshots(&source.id).await? {
        match again(&load, &last, &newer).await {
            Ok(summary) => {
                replayed.add(&summary);
                if let (Some(unread), 1..) = (&unread, summary.observations_left) {
                    let held_back = Problem::new("MSK-RUN-37")
                        .arg("file", &last.file)
                        .arg("left", summary.observations_left)
                        .arg("newer", unread);
                    replayed.refused.push(held_back);
                }
            }
            Err(problem) => {
                newer.miss();
                unread.get_or_insert_with(|| last.file.clone());
                replayed.refused.push(problem.at(last.file));
            }
        }
    }
    Ok(replayed)
}

async fn again(load: &Load, last: &LastSnapshot, newer: &Newer) -> Result<LoadSummary, Problem> {
    let connector = load.context.connector(&last.connector)?;
    let replay = Replay {
        name: last.file.clone(),
        snapshot: last.id,
        hash: last.hash.clone(),
        original: last.original.clone(),
    };
    let loaded = load.again(&replay, connector, newer).await?;
    Ok(loaded.summary.unwrap_or_default())
}
