//! Is the warehouse as it was left (проверка базы)? Findings name what, where and the next step.
//!
//! Three depths: `quick` asks the engine and looks for leftovers; `structure` also follows every reference, every key
//! and the chains of the audit log; `full` also adds up the rows of every load. The files of the snapshots are compared
//! by [`crate::flow::verify`]. Nothing is changed, and others go on reading and writing meanwhile.

mod chains;
mod digests;
mod structure;

use super::sql::{Readers, sql};
use super::store::Warehouse;
use crate::message::{Problem, Problems};

/// Findings of one kind that are told; more of them say no more.
const MOST: usize = 1000;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What the engine itself knows at once, and loads that were left half-way.
    Quick,
    /// Also every page, reference and key, and the audit log.
    Structure,
    /// Also the rows of every load, and the bytes of every snapshot.
    Full,
}

impl Depth {
    /// The word of the command line and of JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Structure => "structure",
            Self::Full => "full",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Damage, each with its place.
    pub findings: Problems,
    /// Loads whose rows were added up.
    pub loads: u64,
    /// Loads of earlier versions, which kept no digest.
    pub without_digest: u64,
}

impl Verdict {
    /// Takes findings over, the first [`MOST`] of a kind.
    fn tell(&mut self, what: &str, mut found: Problems) {
        if found.len() > MOST {
            found.truncate(MOST);
            found.push(Problem::new("MSK-KEEP-11").arg("limit", MOST).arg("what", what));
        }
        self.findings.extend(found);
    }

    /// A check that the database refused is a finding itself when the data are to blame for it.
    fn tell_result(&mut self, what: &str, result: Result<Problems, Problem>) -> Result<(), Problem> {
        match result {
            Ok(found) => self.tell(what, found),
            Err(problem) if matches!(problem.code(), "MSK-DB-08" | "MSK-DB-16") => {
                let detail = problem.detail().map_or_else(|| problem.ru(), str::to_owned);
                self.tell(what, vec![damaged(format!("{what}: {detail}"))]);
            }
            Err(problem) => return Err(problem),
        }
        Ok(())
    }
}

fn damaged(what: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-KEEP-01").arg("what", what)
}

impl Warehouse {
    /// Looks for damage.
    ///
    /// # Errors
    /// When the database does not answer; what it holds is told in the verdict.
    pub async fn verify(&self, depth: Depth) -> Result<Verdict, Problem> {
        let mut verdict = Verdict::default();
        verdict.tell_result("engine", self.engine_findings(depth).await)?;
        verdict.tell_result("load", self.leftovers().await)?;
        if depth >= Depth::Structure {
            for check in structure::CHECKS {
                verdict.tell_result(check.what, check.findings(self).await)?;
            }
            verdict.tell_result("audit", self.chain_findings().await)?;
        }
        if depth >= Depth::Full {
            let (loads, without) = self.digested_loads().await?;
            (verdict.loads, verdict.without_digest) = (loads.len() as u64, without);
            verdict.tell_result("digest", self.digest_findings(loads).await)?;
        }
        Ok(verdict)
    }

    /// What the engine says of its own pages and indexes.
    async fn engine_findings(&self, depth: Depth) -> Result<Problems, Problem> {
        let what = "check the database's pages";
        let lines: Vec<String> = match (&self.readers, depth) {
            (Readers::Sqlite(_), Depth::Quick) => sql(what, "pragma quick_check(1001)").scalars(&self.readers).await?,
            (Readers::Sqlite(_), _) => sql(what, "pragma integrity_check(1001)").scalars(&self.readers).await?,
            // A server checks its pages when it reads them, if its cluster was made with check sums.
            (Readers::Postgres(_), _) => {
                sql(
                    what,
                    "select 'index ' || indexrelid::regclass || ' is not valid' from pg_index where not indisvalid \
                     union all select checksum_failures || ' pages with a wrong check sum' from pg_stat_database \
                     where datname = current_database() and checksum_failures > 0",
                )
                .scalars(&self.readers)
                .await?
            }
        };
        Ok(lines.into_iter().filter(|line| line != "ok").map(damaged).collect())
    }

    /// Loads that were begun and belong to nobody who lives.
    async fn leftovers(&self) -> Result<Problems, Problem> {
        let mut alive = self.other_nodes().await?;
        alive.extend(Some(self.node.id().to_owned()).filter(|own| !own.is_empty()));
        let held = self.is_held();
        let rows: Vec<(i64, String, String, String)> = sql(
            "look for leftovers",
            "select id, source, started_at, node from run where state = 'loading' order by id limit 1001",
        )
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .filter(|(.., node)| !held && !alive.contains(node))
            .map(|(run, source, at, _)| {
                Problem::new("MSK-KEEP-02")
                    .arg("run", run)
                    .arg("source", source)
                    .arg("at", at)
            })
            .collect())
    }
}
