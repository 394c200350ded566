//! The audit log: each chain links from its cut to its head, and where one chain saw the head of another, it stands.

use std::collections::HashMap;

use crate::message::{Problem, Problems};
use crate::warehouse::audit::{Action, Sealed};
use crate::warehouse::sql::{Record, sql};
use crate::warehouse::store::Warehouse;
use crate::warehouse::text::unreadable;

/// Records read at once.
const PAGE: i64 = 2000;

/// A chain as its row knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chain {
    name: String,
    head: (i64, String),
    cut: (i64, String),
}

/// One chain saw that another had come so far.
struct Seen {
    by: String,
    at: i64,
    chain: String,
    seq: i64,
    hash: String,
}

impl Warehouse {
    pub(super) async fn chain_findings(&self) -> Result<Problems, Problem> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for chain in self.chains().await? {
            let (mut of_chain, heads) = self.findings_of(&chain).await?;
            if !of_chain.is_empty() {
                // It may have been cut while it was read.
                let again = self.chains().await?.into_iter().find(|other| other.name == chain.name);
                if let Some(again) = again.filter(|again| again.cut != chain.cut) {
                    of_chain = self.findings_of(&again).await?.0;
                }
            }
            found.extend(of_chain);
            seen.extend(heads);
        }
        found.extend(self.order_findings(&seen).await?);
        Ok(found)
    }

    async fn chains(&self) -> Result<Vec<Chain>, Problem> {
        let rows: Vec<(String, i64, String, i64, String)> = sql(
            "list the chains of the audit log",
            "select chain, head_seq, head_hash, cut_seq, cut_hash from audit_chain order by chain",
        )
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(name, head_seq, head_hash, cut_seq, cut_hash)| Chain {
                name,
                head: (head_seq, head_hash),
                cut: (cut_seq, cut_hash),
            })
            .collect())
    }

    /// Walks a chain; what was written behind the head meanwhile is left for the next time.
    async fn findings_of(&self, chain: &Chain) -> Result<(Problems, Vec<Seen>), Problem> {
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        let mut last = chain.cut.clone();
        loop {
            let rows = sql(
                "read the audit log",
                "select seq, at, actor, action, object, recipient, counts, previous, hash from audit \
                 where chain = $1 and seq > $2 and seq <= $3 order by seq limit $4",
            )
            .bind(&chain.name)
            .bind(last.0)
            .bind(chain.head.0)
            .bind(PAGE)
            .records(&self.readers)
            .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let wrong = |error: sqlx::Error| unreadable("audit", &chain.name, error);
                last = follow(chain, row, &last, &mut found, &mut seen).map_err(wrong)?;
            }
        }
        if last != chain.head {
            found.push(
                Problem::new("MSK-KEEP-08")
                    .arg("chain", &chain.name)
                    .arg("found", last.0)
                    .arg("expected", chain.head.0),
            );
        }
        Ok((found, seen))
    }

    /// A record that another chain saw stands as it stood, and no chain saw another one go back.
    async fn order_findings(&self, seen: &[Seen]) -> Result<Problems, Problem> {
        let mut found = Vec::new();
        let mut before: HashMap<(&str, &str), i64> = HashMap::new();
        for head in seen {
            let stands: Option<String> = sql(
                "read the audit log",
                "select hash from audit where chain = $1 and seq = $2 \
                 union all select $3 from audit_chain where chain = $1 and cut_seq >= $2",
            )
            .bind(&head.chain)
            .bind(head.seq)
            .bind(&head.hash)
            .first_scalar(&self.readers)
            .await?;
            let last = before.insert((&head.by, &head.chain), head.seq);
            if stands.as_ref() != Some(&head.hash) || last.is_some_and(|last| last > head.seq) {
                found.push(
                    Problem::new("MSK-KEEP-09")
                        .arg("witness", &head.by)
                        .arg("at", head.at)
                        .arg("chain", &head.chain)
                        .arg("seq", head.seq),
                );
            }
        }
        Ok(found)
    }
}

/// Compares a record with its own hash and with the record before it; gives number and hash of the record.
fn follow(
    chain: &Chain,
    row: &Record,
    last: &(i64, String),
    found: &mut Problems,
    seen: &mut Vec<Seen>,
) -> Result<(i64, String), sqlx::Error> {
    let (seq, hash, previous): (i64, String, &str) = (row.get("seq")?, row.get("hash")?, row.get("previous")?);
    let sealed = Sealed {
        chain: &chain.name,
        seq,
        at: row.get("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        object: row.get("object")?,
        recipient: row.get("recipient")?,
        counts: row.get("counts")?,
        previous,
    };
    if sealed.hash() != hash {
        found.push(Problem::new("MSK-KEEP-06").arg("seq", seq).arg("chain", &chain.name));
    }
    if seq != last.0 + 1 || previous != last.1 {
        found.push(
            Problem::new("MSK-KEEP-07")
                .arg("seq", seq)
                .arg("chain", &chain.name)
                .arg("before", last.0),
        );
    }
    if sealed.action == Action::HeadsSeen.as_str() {
        seen.extend(heads_of(&chain.name, seq, sealed.counts));
    }
    Ok((seq, hash))
}

/// Heads that a record names; what cannot be read has a wrong hash anyway.
fn heads_of(by: &str, at: i64, counts: &str) -> Vec<Seen> {
    let heads: HashMap<String, (i64, String)> = serde_json::from_str(counts).unwrap_or_default();
    heads
        .into_iter()
        .map(|(chain, (seq, hash))| Seen {
            by: by.to_owned(),
            at,
            chain,
            seq,
            hash,
        })
        .collect()
}
