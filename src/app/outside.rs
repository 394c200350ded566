//! What lies outside the files: the store that nodes share, the mail server, the addresses of the sources.

use std::time::Duration;

use super::Knowledge;
use crate::clock::Clock;
use crate::config::{Config, Origin};
use crate::fetch::{Fetcher, HttpOptions, Request, Traffic};
use crate::flow::delivery::http_options;
use crate::message::{Problem, Problems};
use crate::snapshot;
use crate::warehouse::{Access, Warehouse};

/// What another node may still be writing has been touched within this time.
const UNTOUCHED: Duration = Duration::from_secs(24 * 3600);

/// Makes sure that the nodes that share the warehouse share its snapshots too, and clears what was left half-written.
pub(super) async fn settle(config: &Config, warehouse: &Warehouse) -> Result<(), Problem> {
    let store = config.paths.snapshots();
    if config.is_shared() {
        let folder = store.clone();
        let put = move |mark: &str| snapshot::put_mark(&folder, mark);
        warehouse.store_mark(put).await?;
    } else if let Some(other) = warehouse.named_nodes().await?.into_iter().find(|node| {
        // A node that was killed and started again is no other one.
        node.lives && node.name != config.node.name
    }) {
        return Err(Problem::new("MSK-DB-25").arg("node", other.name));
    }
    sees_store(config, warehouse).await?;
    let untouched = match warehouse.other_nodes().await?.is_empty() {
        // Nobody else writes here now: what is half-written belongs to a process that is gone.
        true => Duration::ZERO,
        false => UNTOUCHED,
    };
    for folder in [store, config.paths.incoming()] {
        snapshot::sweep(&folder, untouched)?;
    }
    Ok(())
}

/// Makes sure that this node still sees the store of snapshots that the others use: a mount may go at any time, and
/// what is kept in the empty folder under it nobody else would find. A node that takes itself for the only one compares
/// too, once others have marked theirs.
///
/// # Errors
/// `MSK-SNP-06` when it does not.
pub async fn sees_store(config: &Config, warehouse: &Warehouse) -> Result<(), Problem> {
    compare(config, warehouse.known_store().await?.as_deref())
}

fn compare(config: &Config, mark: Option<&str>) -> Result<(), Problem> {
    mark.map_or(Ok(()), |mark| snapshot::expect_mark(&config.paths.snapshots(), mark))
}

/// Reaches the mail server and the address of every source that is switched on; the online half of `check`.
///
/// Holds no warehouse: the check must go on beside a daemon that does.
pub async fn reach(knowledge: &Knowledge) -> Problems {
    let mut problems = Problems::new();
    if knowledge.config.is_shared()
        && let Err(problem) = reach_store(knowledge).await
    {
        problems.push(problem.at(knowledge.config.path.display()));
    }
    let traffic = Traffic::default();
    match knowledge.transport.open().await {
        Ok(session) => session.close().await,
        Err(problem) => problems.push(problem),
    }
    let config = &knowledge.config;
    let enabled = config.sources.iter().filter(|source| source.enabled);
    for source in enabled.filter(|source| config.is_ours(source)) {
        match &source.origin {
            Origin::Folder(folder) if !folder.is_dir() => {
                problems.push(
                    Problem::new("MSK-FET-40")
                        .arg("path", folder.display())
                        .at(&source.place),
                );
            }
            Origin::Address(address) => {
                let tried = async {
                    let options = http_options(&knowledge.config, source, HttpOptions::feed)?;
                    let fetcher = Fetcher::new(options, traffic.clone())?;
                    fetcher.stream(&Request::new(address), std::io::sink()).await
                };
                if let Err(problem) = tried.await {
                    problems.push(problem.at(&source.place));
                }
            }
            Origin::Folder(_) | Origin::EachSite => {}
        }
    }
    problems
}

/// Looks whether this node sees the store of snapshots that the others use; before the first start there is none.
async fn reach_store(knowledge: &Knowledge) -> Result<(), Problem> {
    let now = Clock::system(knowledge.config.authority.zone).now();
    let known = async {
        let warehouse = knowledge.warehouse(Access::Read, "msoko check", now).await?;
        let known = warehouse.known_store().await;
        warehouse.close().await?;
        known
    };
    match known.await {
        Ok(mark) => compare(&knowledge.config, mark.as_deref()),
        // No tables yet, or not those of this version: the start brings them.
        Err(problem) if problem.code() == "MSK-DB-19" => Ok(()),
        Err(problem) => Err(problem),
    }
}
