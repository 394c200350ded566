//! The audit log (журнал учёта): what came in, left, was changed or removed; each record linked to the one before it.
//!
//! A record is written in the transaction of what it tells, as its last statement: whoever holds the head of a chain
//! waits for nobody. It holds ids, counts and hashes, never a value and nothing about a pupil (data protection, rule 9).

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::sql::{Record, Session, sql, storable};
use super::store::{Warehouse, bug};
use super::text::{moment, read_moment, unreadable};
use crate::message::Problem;

/// Chain of an embedded database, which moves from machine to machine with its file.
pub(super) const EMBEDDED: &str = "local";

/// Attempts to append behind a head that others move too; each loser waits for the winner, then holds the head.
const ATTEMPTS: u32 = 5;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// A configuration came into force; the object is its hash.
    ConfigurationAccepted,
    /// Where the chains of the other nodes end: their records up to there cannot be changed without this one.
    HeadsSeen,
    /// A load was published; the object is source and file or page.
    LoadPublished,
    /// A delivery that was empty or had shrunk was let through by a person.
    DeliveryConfirmed,
    /// A refused row was dropped by a person.
    QuarantineDropped,
    /// Units or aliases were written.
    RegisterChanged,
    /// Evidence closed a deadline.
    DeadlineClosed,
    /// A document was made or handed out again; the object is its id.
    ReportMade,
    /// A mail server took a letter; the object is its key.
    LetterSent,
    /// Tables were written for analysts; the object is the folder, the recipient who will read them.
    Exported,
    /// The database was copied; the object is the file.
    BackupMade,
    /// The database was put back from a copy.
    Restored,
    /// Something was kept long enough; the object is its class.
    Removed,
    /// The oldest records of a chain were removed; the object is the chain.
    AuditCut,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::ConfigurationAccepted,
        Self::HeadsSeen,
        Self::LoadPublished,
        Self::DeliveryConfirmed,
        Self::QuarantineDropped,
        Self::RegisterChanged,
        Self::DeadlineClosed,
        Self::ReportMade,
        Self::LetterSent,
        Self::Exported,
        Self::BackupMade,
        Self::Restored,
        Self::Removed,
        Self::AuditCut,
    ];

    /// The word of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationAccepted => "configuration_accepted",
            Self::HeadsSeen => "heads_seen",
            Self::LoadPublished => "load_published",
            Self::DeliveryConfirmed => "delivery_confirmed",
            Self::QuarantineDropped => "quarantine_dropped",
            Self::RegisterChanged => "register_changed",
            Self::DeadlineClosed => "deadline_closed",
            Self::ReportMade => "report_made",
            Self::LetterSent => "letter_sent",
            Self::Exported => "exported",
            Self::BackupMade => "backup_made",
            Self::Restored => "restored",
            Self::Removed => "removed",
            Self::AuditCut => "audit_cut",
        }
    }
}

/// Something to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was done.
    pub action: Action,
    /// With what: an id, never a name of a person.
    pub object: String,
    /// Who received it, when something left.
    pub recipient: Option<String>,
    /// Counts and hashes, as a JSON object.
    pub counts: Json,
}

impl Entry {
    /// An entry about what nobody received.
    #[must_use]
    pub fn new(action: Action, object: impl Into<String>, counts: Json) -> Self {
        Self {
            action,
            object: object.into(),
            recipient: None,
            counts,
        }
    }
}

/// A record of the log (запись журнала).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Node whose chain it stands in.
    pub chain: String,
    /// Number in the chain, from one.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Verb or service, `msoko run`.
    pub actor: String,
    /// Word of the [`Action`].
    pub action: String,
    /// With what.
    pub object: String,
    /// Who received it.
    pub recipient: Option<String>,
    /// Counts and hashes, JSON text.
    pub counts: String,
}

/// The text columns of a record that its hash covers.
pub(super) struct Sealed<'a> {
    pub(super) chain: &'a str,
    pub(super) seq: i64,
    pub(super) at: &'a str,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) object: &'a str,
    pub(super) recipient: Option<&'a str>,
    pub(super) counts: &'a str,
    pub(super) previous: &'a str,
}

impl Sealed<'_> {
    /// BLAKE3 of the columns as one JSON list: no two records have the same text.
    pub(super) fn hash(&self) -> String {
        let text = serde_json::json!([
            self.chain,
            self.seq,
            self.at,
            self.actor,
            self.action,
            self.object,
            self.recipient,
            self.counts,
            self.previous,
        ]);
        blake3::hash(text.to_string().as_bytes()).to_hex().to_string()
    }
}

/// Where a chain ends: number and hash of its last record, 0 and nothing when it has none.
pub(super) type Head = (i64, String);

/// The writer of one chain.
#[derive(Debug)]
pub(super) struct Audit {
    chain: String,
    actor: String,
    /// The head as this process saw it last; only a guess, since others write too and transactions roll back.
    head: Mutex<Option<Head>>,
}

impl Audit {
    pub(super) fn new(chain: &str, actor: &str) -> Self {
        Self {
            chain: storable(chain.to_owned()),
            actor: storable(actor.to_owned()),
            head: Mutex::new(None),
        }
    }

    pub(super) fn chain(&self) -> &str {
        &self.chain
    }

    /// Writes a record in the transaction under way, to be its last statement.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn append(
        &self,
        session: &mut Session<'_>,
        entry: &Entry,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let guess = self.head.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut head = match guess {
            Some(head) => head,
            None => self.head_of_chain(session).await?,
        };
        for _ in 0..ATTEMPTS {
            if let Some(next) = self.append_behind(session, &head, entry, now).await? {
                *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
                return Ok(());
            }
            head = self.head_of_chain(session).await?;
        }
        Err(bug(format!("the audit chain `{}` takes no record", self.chain)))
    }

    /// Gives the new head, nothing when another record stands behind this one already.
    async fn append_behind(
        &self,
        session: &mut Session<'_>,
        (last, previous): &Head,
        entry: &Entry,
        now: DateTime<Utc>,
    ) -> Result<Option<Head>, Problem> {
        let seq = last + 1;
        let (at, counts) = (moment(now), storable(entry.counts.to_string()));
        let object = storable(entry.object.clone());
        let recipient = entry.recipient.clone().map(storable);
        let hash = Sealed {
            chain: &self.chain,
            seq,
            at: &at,
            actor: &self.actor,
            action: entry.action.as_str(),
            object: &object,
            recipient: recipient.as_deref(),
            counts: &counts,
            previous,
        }
        .hash();
        let written = sql(
            "write the audit log",
            "insert into audit (chain, seq, at, actor, action, object, recipient, counts, previous, hash) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&self.chain)
        .bind(seq)
        .bind(at)
        .bind(&self.actor)
        .bind(entry.action.as_str())
        .bind(object)
        .bind(recipient)
        .bind(counts)
        .bind(previous)
        .bind(&hash)
        .execute(session)
        .await?;
        Ok((written > 0).then_some((seq, hash)))
    }

    /// The head as it is now, held until the transaction ends; begins the chain when there is none.
    async fn head_of_chain(&self, session: &mut Session<'_>) -> Result<Head, Problem> {
        let what = "look for the head of the audit log";
        sql(
            what,
            "insert into audit_chain (chain) values ($1) on conflict (chain) do nothing",
        )
        .bind(&self.chain)
        .execute(&mut *session)
        .await?;
        // A writer that waits here goes on behind the one it waited for.
        let for_update = match session {
            Session::Sqlite(_) => "",
            Session::Postgres(_) => " for update",
        };
        sql(what, "select head_seq, head_hash from audit_chain where chain = $1")
            .push(for_update)
            .bind(&self.chain)
            .one(session)
            .await
    }
}

impl Warehouse {
    /// Records what was done outside a transaction of the warehouse: a configuration accepted, a file handed out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note(&self, entry: Entry, now: DateTime<Utc>) -> Result<(), Problem> {
        let audit = self.audit.clone();
        self.write("write the audit log", move |session| {
            Box::pin(async move { audit.append(session, &entry, now).await })
        })
        .await
    }

    /// Records where the chains of the other nodes end; nothing when there are none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_heads(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        let others: Vec<(String, i64, String)> = sql(
            "look for the heads of the audit log",
            "select chain, head_seq, head_hash from audit_chain where chain <> $1 and head_seq > 0 order by chain",
        )
        .bind(self.audit.chain())
        .all(&self.readers)
        .await?;
        if others.is_empty() {
            return Ok(());
        }
        let heads = others
            .into_iter()
            .map(|(chain, seq, hash)| (chain, serde_json::json!([seq, hash])));
        self.note(Entry::new(Action::HeadsSeen, "chains", heads.collect()), now)
            .await
    }

    /// Records from one moment on and before another, in the order of time, at most `limit` after the first `skip`.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn audit(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        skip: u32,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, Problem> {
        let rows = sql(
            "read the audit log",
            "select chain, seq, at, actor, action, object, recipient, counts from audit \
             where at >= $1 and at < $2 order by at, chain, seq limit $3 offset $4",
        )
        .bind(moment(from))
        .bind(moment(to))
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .records(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Record) -> Result<AuditRecord, Problem> {
    let wrong = |error: sqlx::Error| unreadable("audit", "—", error);
    let text = |column: &str| row.get::<String>(column).map_err(wrong);
    Ok(AuditRecord {
        chain: text("chain")?,
        seq: row.get("seq").map_err(wrong)?,
        at: read_moment("audit", &text("at")?)?,
        actor: text("actor")?,
        action: text("action")?,
        object: text("object")?,
        recipient: row.get("recipient").map_err(wrong)?,
        counts: text("counts")?,
    })
}
