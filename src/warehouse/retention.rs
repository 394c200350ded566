//! What has been kept long enough goes (сроки хранения), some rows a transaction, each of them told in the audit log.
//!
//! How long is decided by the configuration; a class comes here with the moment before which it goes.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audit::{Action, Audit, Entry};
use super::load::SnapshotId;
use super::nodes;
use super::sql::{On, Readers, Session, sql};
use super::store::Warehouse;
use super::text::{moment, read_moment};
use crate::message::Problem;

/// Rows of one transaction; a letter may weigh a megabyte.
const ROWS: i64 = 200;
/// Records of the audit log that one cut takes.
const RECORDS: i64 = 2000;

/// What is kept for a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Bodies of letters that were sent or given up.
    LetterBodies,
    /// Letters without their bodies, and their attempts.
    Letters,
    /// Refused rows; open ones only after they were announced.
    Quarantine,
    /// Bytes of snapshots on which no number stands.
    Snapshots,
    /// Records of the audit log.
    Audit,
}

impl Class {
    /// Every class, in the order in which they go.
    pub const ALL: [Self; 5] = [
        Self::LetterBodies,
        Self::Letters,
        Self::Quarantine,
        Self::Snapshots,
        Self::Audit,
    ];

    /// The word of the audit log and of JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LetterBodies => "letter_bodies",
            Self::Letters => "letters",
            Self::Quarantine => "quarantine",
            Self::Snapshots => "snapshots",
            Self::Audit => "audit",
        }
    }
}

/// The end of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What goes is older than this.
    pub before: DateTime<Utc>,
    /// An open refused row was announced before this.
    pub announced: DateTime<Utc>,
    /// An old snapshot that numbers stood on is looked at again when it was last looked at or loaded before this.
    pub held: DateTime<Utc>,
}

/// Refused rows of a source that will go (строки, которые скоро удалят).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Id of the source.
    pub source: String,
    /// How many.
    pub rows: u64,
    /// When the oldest of them was refused.
    pub since: DateTime<Utc>,
}

const OLD_BODIES: &str = "from outbox where finished_at < $1 and body_removed = 0";
const OLD_LETTERS: &str = "from outbox where finished_at < $1";
const OLD_REFUSED: &str = "from quarantine where created_at < $1 and (state <> 'open' or announced_at < $2)";
const OPEN_AND_OLD: &str = "from quarantine where state = 'open' and announced_at is null and created_at < $1 \
                            and run not in (select id from run where state = 'loading')";

impl Warehouse {
    /// How many rows, snapshots or records of a class have been kept long enough.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_old(&self, class: Class, limit: &Limit) -> Result<u64, Problem> {
        let count = |text: &'static str| {
            sql("count what is old", "select count(*) ")
                .push(text)
                .bind(moment(limit.before))
        };
        let found: i64 = match class {
            Class::LetterBodies => count(OLD_BODIES).scalar(&self.readers).await?,
            Class::Letters => count(OLD_LETTERS).scalar(&self.readers).await?,
            Class::Quarantine => {
                count(OLD_REFUSED)
                    .bind(moment(limit.announced))
                    .scalar(&self.readers)
                    .await?
            }
            Class::Snapshots => return Ok(self.old_snapshots(limit).await?.0.len() as u64),
            Class::Audit => count("from audit where at < $1").scalar(&self.readers).await?,
        };
        Ok(found.cast_unsigned())
    }

    /// Removes some of what a class has kept long enough, in one transaction; gives how many, 0 when nothing is left.
    ///
    /// # Errors
    /// When the database refuses; what went before stays gone.
    pub async fn remove_old(&self, class: Class, limit: Limit, now: DateTime<Utc>) -> Result<u64, Problem> {
        match class {
            Class::Snapshots => return self.mark_snapshots(&limit, now).await,
            Class::Audit => return self.cut_audit(&limit, now).await,
            Class::LetterBodies | Class::Letters | Class::Quarantine => {}
        }
        let audit = self.audit.clone();
        self.write("remove what is old", move |session| {
            Box::pin(async move {
                let removed = match class {
                    Class::LetterBodies => empty_letters(session, &limit).await?,
                    Class::Letters => remove_letters(session, &limit).await?,
                    _ => remove_refused(session, &limit).await?,
                };
                tell(&audit, session, class, removed, &limit, now).await?;
                Ok(removed)
            })
        })
        .await
    }

    /// Open refused rows older than a moment that nobody was told of yet, by source.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leaving(&self, before: DateTime<Utc>) -> Result<Vec<Leaving>, Problem> {
        let rows: Vec<(String, i64, String)> = sql(
            "list refused rows that will go",
            "select source, count(*), min(created_at) ",
        )
        .push(OPEN_AND_OLD)
        .push(" group by source order by source")
        .bind(moment(before))
        .all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(source, rows, since)| {
                Ok(Leaving {
                    source,
                    rows: rows.cast_unsigned(),
                    since: read_moment("quarantine", &since)?,
                })
            })
            .collect()
    }

    /// Notes that people were told of those rows.
    ///
    /// # Errors
    /// When the database refuses; the rest is announced once more.
    pub async fn announce_leaving(&self, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Problem> {
        let what = "note what was announced";
        let mut noted = 1;
        while noted > 0 {
            noted = self
                .write(what, move |session| {
                    Box::pin(async move {
                        sql(what, "update quarantine set announced_at = $2 where id in (select id ")
                            .push(OPEN_AND_OLD)
                            .push(" limit $3)")
                            .bind(moment(before))
                            .bind(moment(now))
                            .bind(ROWS)
                            .execute(session)
                            .await
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// Old snapshots on which no number stands, and those that numbers hold, by hash. A snapshot also stays while a
    /// refused row of it waits, while it is being loaded, and as long as it is the last of its file: a replay reads it.
    async fn old_snapshots(&self, limit: &Limit) -> Result<(Vec<String>, Vec<String>), Problem> {
        let what = "look for old snapshots";
        let old: Vec<String> = sql(
            what,
            "select hash from snapshot where removed_at is null group by hash \
             having max(fetched_at) < $1 and max(coalesce(held_at, '')) < $2 order by hash",
        )
        .bind(moment(limit.before))
        .bind(moment(limit.held))
        .scalars(&self.readers)
        .await?;
        if old.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let holding: Vec<i64> = sql(
            what,
            "select snapshot from current_observation group by snapshot \
             union select snapshot from current_fact group by snapshot \
             union select snapshot from quarantine where state = 'open' \
             union select snapshot from run where state = 'loading' \
             union select max(r.snapshot) from run r join snapshot s on s.id = r.snapshot \
             where r.state = 'published' group by s.source, s.file",
        )
        .scalars(&self.readers)
        .await?;
        let holding: HashSet<i64> = holding.into_iter().collect();
        let mut held = HashSet::new();
        for hashes in old.chunks(1000) {
            let rows: Vec<(i64, String)> = sql(what, "select id, hash from snapshot where hash in ")
                .push_list(hashes)
                .all(&self.readers)
                .await?;
            held.extend(
                rows.into_iter()
                    .filter(|(id, _)| holding.contains(id))
                    .map(|(_, hash)| hash),
            );
        }
        Ok(old.into_iter().partition(|hash| !held.contains(hash)))
    }

    /// Marks snapshots as removed, all that are old; their files go after that, see [`Warehouse::removed_snapshots`].
    async fn mark_snapshots(&self, limit: &Limit, now: DateTime<Utc>) -> Result<u64, Problem> {
        let what = "remove old snapshots";
        let (free, held) = self.old_snapshots(limit).await?;
        let pieces = |hashes: &[String], column: &'static str| {
            let pieces = hashes.chunks(usize::try_from(ROWS).unwrap_or(1));
            pieces.map(|piece| (piece.to_vec(), column)).collect::<Vec<_>>()
        };
        let limit = *limit;
        for (hashes, column) in pieces(&free, "removed_at").into_iter().chain(pieces(&held, "held_at")) {
            let audit = self.audit.clone();
            self.write(what, move |session| {
                Box::pin(async move {
                    // Not what was delivered or began to be loaded once more since it was looked for.
                    let marked = sql(what, "update snapshot set ")
                        .push(column)
                        .push(
                            " = $1 where removed_at is null and coalesce(held_at, '') < $3 \
                               and not exists (select 1 from snapshot again \
                               where again.hash = snapshot.hash and again.fetched_at >= $2) and hash in ",
                        )
                        .bind(moment(now))
                        .bind(moment(limit.before))
                        .bind(moment(limit.held))
                        .push_list(hashes)
                        .execute(&mut *session)
                        .await?;
                    if column == "removed_at" {
                        tell(&audit, session, Class::Snapshots, marked, &limit, now).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(free.len() as u64)
    }

    /// Hashes whose snapshots were all removed since a moment: their files go, or should have gone before a kill.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn removed_snapshots(&self, since: DateTime<Utc>) -> Result<Vec<String>, Problem> {
        // Sorted here: asked for an order, the embedded database reads every snapshot in the order of its hash.
        let mut hashes: Vec<String> = sql(
            "list removed snapshots",
            "select hash from snapshot where removed_at >= $1 and not exists \
             (select 1 from snapshot other where other.hash = snapshot.hash and other.removed_at is null)",
        )
        .bind(moment(since))
        .scalars(&self.readers)
        .await?;
        hashes.sort_unstable();
        hashes.dedup();
        Ok(hashes)
    }

    /// Cuts the oldest records off one chain that has some; the record of the cut names the last of them by its hash.
    async fn cut_audit(&self, limit: &Limit, now: DateTime<Utc>) -> Result<u64, Problem> {
        let what = "cut the audit log";
        let limit = *limit;
        let audit = self.audit.clone();
        self.write(what, move |session| {
            Box::pin(async move {
                // Up to the first record that is young enough, but never the last of a chain.
                let cut: Option<(String, i64, i64)> = sql(
                    what,
                    "select c.chain, c.cut_seq, coalesce((select min(seq) from audit y where y.chain = c.chain \
                     and y.at >= $1), c.head_seq) - 1 from audit_chain c where exists (select 1 from audit o \
                     where o.chain = c.chain and o.seq = c.cut_seq + 1 and o.seq < c.head_seq and o.at < $1) \
                     order by c.chain limit 1",
                )
                .bind(moment(limit.before))
                .first(&mut *session)
                .await?;
                let Some((chain, from, to)) = cut else { return Ok(0) };
                let to = to.min(from + RECORDS);
                let hash: String = sql(what, "select hash from audit where chain = $1 and seq = $2")
                    .bind(&chain)
                    .bind(to)
                    .scalar(&mut *session)
                    .await?;
                sql(
                    what,
                    "update audit_chain set cut_seq = $2, cut_hash = $3 where chain = $1",
                )
                .bind(&chain)
                .bind(to)
                .bind(&hash)
                .execute(&mut *session)
                .await?;
                let removed = sql(what, "delete from audit where chain = $1 and seq <= $2")
                    .bind(&chain)
                    .bind(to)
                    .execute(&mut *session)
                    .await?;
                let counts = json!({ "records": removed, "up_to": to, "hash": hash });
                audit
                    .append(session, &Entry::new(Action::AuditCut, chain, counts), now)
                    .await?;
                Ok(removed)
            })
        })
        .await
    }

    /// Leaves nothing of what was removed in the files: an embedded database writes its log back, its freed pages are
    /// empty already; a server sweeps its tables.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget(&self) -> Result<(), Problem> {
        match &self.readers {
            Readers::Sqlite(_) => self.checkpoint().await,
            Readers::Postgres(pool) => {
                for statement in [
                    "vacuum outbox",
                    "vacuum outbox_attempt",
                    "vacuum quarantine",
                    "vacuum audit",
                ] {
                    sql("sweep the tables", statement)
                        .execute(On::PostgresPool(pool))
                        .await?;
                }
                Ok(())
            }
        }
    }
}

async fn tell(
    audit: &Audit,
    session: &mut Session<'_>,
    class: Class,
    removed: u64,
    limit: &Limit,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if removed == 0 {
        return Ok(());
    }
    let counts = json!({ "removed": removed, "before": moment(limit.before) });
    audit
        .append(session, &Entry::new(Action::Removed, class.as_str(), counts), now)
        .await
}

/// Letters, the oldest first, as the index of the finished ones has them.
async fn old_ids(session: &mut Session<'_>, text: &'static str, limit: &Limit) -> Result<Vec<i64>, Problem> {
    sql("look for what is old", "select id ")
        .push(text)
        .push(" order by finished_at, id limit $2")
        .push(nodes::skip_taken(session))
        .bind(moment(limit.before))
        .bind(ROWS)
        .scalars(session)
        .await
}

/// Keeps the snapshot that a load begins to read: whoever finds it too old waits for its row, and sees then that it is
/// needed again.
pub(super) async fn hold(session: &mut Session<'_>, id: SnapshotId, now: DateTime<Utc>) -> Result<(), Problem> {
    sql(
        "keep a snapshot",
        "update snapshot set removed_at = null, held_at = $2 where id = $1",
    )
    .bind(id.0)
    .bind(moment(now))
    .execute(session)
    .await
    .map(|_| ())
}

/// Letters of earlier versions get the hash of the body that goes.
async fn empty_letters(session: &mut Session<'_>, limit: &Limit) -> Result<u64, Problem> {
    let what = "remove bodies of letters";
    let ids = old_ids(session, OLD_BODIES, limit).await?;
    let unhashed: Vec<i64> = sql(what, "select id from outbox where message_hash = '' and id in ")
        .push_ids(&ids)
        .scalars(&mut *session)
        .await?;
    for id in unhashed {
        let message: Vec<u8> = sql(what, "select message from outbox where id = $1")
            .bind(id)
            .scalar(&mut *session)
            .await?;
        sql(what, "update outbox set message_hash = $2 where id = $1")
            .bind(id)
            .bind(blake3::hash(&message).to_hex().as_str())
            .execute(&mut *session)
            .await?;
    }
    sql(what, "update outbox set body_removed = 1, message = $1 where id in ")
        .bind(Vec::new())
        .push_ids(&ids)
        .execute(session)
        .await
}

async fn remove_letters(session: &mut Session<'_>, limit: &Limit) -> Result<u64, Problem> {
    let what = "remove old letters";
    let ids = old_ids(session, OLD_LETTERS, limit).await?;
    sql(what, "delete from outbox_attempt where letter in ")
        .push_ids(&ids)
        .execute(&mut *session)
        .await?;
    sql(what, "delete from outbox where id in ")
        .push_ids(&ids)
        .execute(session)
        .await
}

async fn remove_refused(session: &mut Session<'_>, limit: &Limit) -> Result<u64, Problem> {
    sql(
        "remove old refused rows",
        "delete from quarantine where id in (select id ",
    )
    .push(OLD_REFUSED)
    .push(" limit $3)")
    .bind(moment(limit.before))
    .bind(moment(limit.announced))
    .bind(ROWS)
    .execute(session)
    .await
}
