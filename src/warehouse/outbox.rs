//! The outbox's tables: queue, claim, record, look. When to try again is decided elsewhere.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::audit::{Action, Entry};
use super::nodes;
use super::sql::{Record, Session, sql};
use super::store::Warehouse;
use super::text::{ProblemColumns, moment, read_moment, unreadable};
use crate::failpoint;
use crate::message::Problem;

/// A letter to be queued, composed to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLetter {
    /// Unique per cause and recipient.
    pub key: String,
    /// Kind of the letter.
    pub kind: String,
    /// Address of the recipient.
    pub to: String,
    /// Subject, for lists.
    pub subject: String,
    /// The message as it goes out.
    pub bytes: Vec<u8>,
    /// Not before this moment.
    pub not_before: DateTime<Utc>,
}

/// A note that a letter about a cause went to a recipient (отметка об уведомлении).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertMark {
    /// Id of the deadline, report or source.
    pub cause: String,
    /// Stage of the alert, such as `month` or `overdue`.
    pub stage: String,
    /// Address of the recipient.
    pub recipient: String,
    /// Key of the letter.
    pub letter: String,
}

/// A letter taken out of the queue, its attempt already recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedLetter {
    /// Row of the outbox.
    pub id: i64,
    /// Key of the letter.
    pub key: String,
    /// Number of this attempt, from one.
    pub attempt: u32,
    /// Address of the recipient.
    pub to: String,
    /// The message.
    pub bytes: Vec<u8>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The server took the letter, with these words.
    Sent(String),
    /// Queued again for a moment.
    Later(DateTime<Utc>, Problem),
    /// Waits for a person, tried again by itself at a moment; does not count as an attempt.
    Held(DateTime<Utc>, Problem),
    /// Given up until somebody asks for it again.
    Failed(Problem),
}

/// A letter as lists show it (письмо в очереди).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRecord {
    /// Number that people type.
    pub id: i64,
    /// Key.
    pub key: String,
    /// Kind.
    pub kind: String,
    /// Address of the recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// `queued`, `sending`, `sent`, `failed` or `held`.
    pub state: String,
    /// Attempts so far.
    pub attempt: u32,
    /// When the next one is due; absent when the letter is sent or given up.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it was sent or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// Last problem.
    pub problem: Option<Problem>,
}

/// How many letters stand in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting or in flight.
    pub queued: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Given up.
    pub failed: u64,
    /// Taken by the server.
    pub sent: u64,
    /// When the oldest waiting letter was queued.
    pub oldest: Option<DateTime<Utc>>,
}

/// A letter is due when its moment has come; that of a letter in flight is the end of its claimer's lease, and a letter
/// that is sent or given up has none.
const DUE: &str = "next_at <= $1";

impl Warehouse {
    /// Queues letters together with the marks of their cause, all or nothing. A key that is queued already stays as it
    /// is; gives the number of new letters.
    ///
    /// # Errors
    /// When the database refuses; then there is neither mark nor letter.
    pub async fn enqueue(
        &self,
        letters: Vec<NewLetter>,
        marks: Vec<AlertMark>,
        now: DateTime<Utc>,
    ) -> Result<u64, Problem> {
        let what = "queue letters";
        let queued = self
            .write(what, move |connection| {
                Box::pin(async move {
                    let mut queued = 0;
                    for letter in letters {
                        let hash = blake3::hash(&letter.bytes).to_hex();
                        queued += sql(
                            what,
                            "insert into outbox (key, kind, recipient, subject, message, message_hash, next_at, \
                             created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (key) do nothing",
                        )
                        .bind(letter.key)
                        .bind(letter.kind)
                        .bind(letter.to)
                        .bind(letter.subject)
                        .bind(letter.bytes)
                        .bind(hash.as_str())
                        .bind(moment(letter.not_before))
                        .bind(moment(now))
                        .execute(&mut *connection)
                        .await?;
                    }
                    failpoint::hit("letters-unmarked");
                    for mark in marks {
                        sql(
                            what,
                            "insert into alert_mark (cause, stage, recipient, letter, marked_at) \
                             values ($1, $2, $3, $4, $5) on conflict (cause, stage, recipient) do nothing",
                        )
                        .bind(mark.cause)
                        .bind(mark.stage)
                        .bind(mark.recipient)
                        .bind(mark.letter)
                        .bind(moment(now))
                        .execute(&mut *connection)
                        .await?;
                    }
                    Ok(queued)
                })
            })
            .await?;
        failpoint::hit("letters-enqueued");
        Ok(queued)
    }

    /// Marks of the given causes.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn alert_marks(&self, causes: &[String]) -> Result<HashSet<AlertMark>, Problem> {
        let mut marks = HashSet::new();
        for causes in causes.chunks(1000) {
            let rows: Vec<(String, String, String, String)> = sql(
                "read alert marks",
                "select cause, stage, recipient, letter from alert_mark where cause in ",
            )
            .push_list(causes)
            .all(&self.readers)
            .await?;
            marks.extend(rows.into_iter().map(|(cause, stage, recipient, letter)| AlertMark {
                cause,
                stage,
                recipient,
                letter,
            }));
        }
        Ok(marks)
    }

    /// Marks of one recipient whose cause begins with a prefix, with the moment they were set, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn marks_of(&self, prefix: &str, recipient: &str) -> Result<Vec<(AlertMark, DateTime<Utc>)>, Problem> {
        let rows: Vec<(String, String, String, String)> = sql(
            "read alert marks",
            "select cause, stage, letter, marked_at from alert_mark \
             where cause >= $1 and cause < $1 || '\u{10ffff}' and recipient = $2 order by marked_at, stage",
        )
        .bind(prefix)
        .bind(recipient)
        .all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(cause, stage, letter, at)| {
                let mark = AlertMark {
                    cause,
                    stage,
                    recipient: recipient.to_owned(),
                    letter,
                };
                Ok((mark, read_moment("alert_mark", &at)?))
            })
            .collect()
    }

    /// True when a letter is due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_due_letter(&self, now: DateTime<Utc>) -> Result<bool, Problem> {
        let found: Option<i64> = sql("look for letters that are due", "select id from outbox where ")
            .push(DUE)
            .push(" limit 1")
            .bind(moment(now))
            .first_scalar(&self.readers)
            .await?;
        Ok(found.is_some())
    }

    /// Takes the letter that is due longest: state `sending`, attempt counted and lease set before it returns.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_letter(
        &self,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
    ) -> Result<Option<ClaimedLetter>, Problem> {
        let what = "claim a letter";
        let claimed = self
            .write(what, move |connection| {
                Box::pin(async move {
                    let row: Option<(i64, String, i64, String, Vec<u8>)> = sql(
                        what,
                        "update outbox set state = 'sending', attempt = attempt + 1, next_at = $2 \
                         where id = (select id from outbox where ",
                    )
                    .push(DUE)
                    .push(" order by next_at, id limit 1")
                    .push(nodes::skip_taken(connection))
                    .push(") and ")
                    .push(DUE)
                    .push(" returning id, key, attempt, recipient, message")
                    .bind(moment(now))
                    .bind(moment(lease_until))
                    .first(&mut *connection)
                    .await?;
                    let Some((id, key, attempt, to, bytes)) = row else {
                        return Ok(None);
                    };
                    sql(
                        what,
                        "insert into outbox_attempt (letter, attempt, started_at) values ($1, $2, $3)",
                    )
                    .bind(id)
                    .bind(attempt)
                    .bind(moment(now))
                    .execute(connection)
                    .await?;
                    let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
                    Ok(Some(ClaimedLetter {
                        id,
                        key,
                        attempt,
                        to,
                        bytes,
                    }))
                })
            })
            .await?;
        if claimed.is_some() {
            failpoint::hit("attempt-recorded");
        }
        Ok(claimed)
    }

    /// Records the outcome of an attempt. When another claimer has the letter by now, only the attempt's own line is
    /// filled in.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_attempt(
        &self,
        letter: i64,
        attempt: u32,
        outcome: AttemptOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let what = "record an attempt";
        let audit = self.audit.clone();
        self.write(what, move |connection| {
            Box::pin(async move {
                let (state, next, problem, receipt) = match outcome {
                    AttemptOutcome::Sent(receipt) => ("sent", None, None, Some(receipt)),
                    AttemptOutcome::Later(at, problem) => ("queued", Some(at), Some(problem), None),
                    AttemptOutcome::Held(at, problem) => ("held", Some(at), Some(problem), None),
                    AttemptOutcome::Failed(problem) => ("failed", None, Some(problem), None),
                };
                let problem = ProblemColumns::of(problem.as_ref());
                sql(
                    what,
                    "update outbox_attempt set finished_at = $3, outcome = $4, receipt = $5, problem_code = $6, \
                     problem_args = $7, problem_detail = $8 \
                     where id = (select max(id) from outbox_attempt where letter = $1 and attempt = $2) \
                     and finished_at is null",
                )
                .bind(letter)
                .bind(i64::from(attempt))
                .bind(moment(now))
                .bind(state)
                .bind(receipt)
                .bind(&problem.code)
                .bind(&problem.args)
                .bind(&problem.detail)
                .execute(&mut *connection)
                .await?;
                sql(
                    what,
                    "update outbox set state = $3, next_at = $4, \
                     attempt = attempt - case when $3 = 'held' then 1 else 0 end, \
                     problem_code = $5, problem_args = $6, problem_place = $7, problem_detail = $8, \
                     finished_at = case when $3 in ('sent', 'failed') then $9 end \
                     where id = $1 and attempt = $2 and state = 'sending'",
                )
                .bind(letter)
                .bind(i64::from(attempt))
                .bind(state)
                .bind(next.map(moment))
                .bind(problem.code)
                .bind(problem.args)
                .bind(problem.place)
                .bind(problem.detail)
                .bind(moment(now))
                .execute(&mut *connection)
                .await?;
                if state == "sent" {
                    // Whoever has the letter by now: it has left once more.
                    let entry = sent(connection, letter, attempt).await?;
                    audit.append(connection, &entry, now).await?;
                }
                Ok(())
            })
        })
        .await?;
        failpoint::hit("outcome-recorded");
        Ok(())
    }

    /// Queues a letter again that failed or is held, or all of them; attempts count from one again.
    ///
    /// # Errors
    /// `MSK-DB-21` when the one asked for cannot be sent again.
    pub async fn retry_letters(&self, letter: Option<i64>, now: DateTime<Utc>) -> Result<u64, Problem> {
        let what = "queue letters again";
        self.write(what, move |connection| {
            Box::pin(async move {
                let done = sql(
                    what,
                    "update outbox set state = 'queued', attempt = 0, next_at = $2, finished_at = null \
                     where state in ('failed', 'held') and body_removed = 0 and ($1 is null or id = $1)",
                )
                .bind(letter)
                .bind(moment(now))
                .execute(connection)
                .await?;
                match letter {
                    Some(id) if done == 0 => Err(Problem::new("MSK-DB-21").arg("id", id)),
                    _ => Ok(done),
                }
            })
        })
        .await
    }

    /// Letters, newest first, of one state or of all.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn letters(&self, state: Option<&str>, limit: u32) -> Result<Vec<LetterRecord>, Problem> {
        let rows = sql(
            "list letters",
            "select id, key, kind, recipient, subject, state, attempt, next_at, created_at, finished_at, \
             problem_code, problem_args, problem_place, problem_detail from outbox \
             where $1 is null or state = $1 order by id desc limit $2",
        )
        .bind(state)
        .bind(i64::from(limit))
        .records(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// The message of a letter, for a preview.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn letter_message(&self, letter: i64) -> Result<Option<Vec<u8>>, Problem> {
        sql("read a letter", "select message from outbox where id = $1")
            .bind(letter)
            .first_scalar(&self.readers)
            .await
    }

    /// How many letters stand in which state.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, Problem> {
        let rows: Vec<(String, i64, String)> = sql(
            "count letters",
            "select state, count(*), min(created_at) from outbox group by state",
        )
        .all(&self.readers)
        .await?;
        let mut counts = OutboxCounts::default();
        for (state, count, oldest) in rows {
            let count = count.cast_unsigned();
            match state.as_str() {
                "sent" => counts.sent = count,
                "failed" => counts.failed = count,
                waiting => {
                    if waiting == "held" {
                        counts.held = count;
                    } else {
                        counts.queued += count;
                    }
                    let oldest = read_moment("outbox", &oldest)?;
                    counts.oldest = Some(counts.oldest.map_or(oldest, |known| known.min(oldest)));
                }
            }
        }
        Ok(counts)
    }
}

/// A letter that left, for the audit log: its recipient, and the hash of what they hold in their hands.
async fn sent(session: &mut Session<'_>, letter: i64, attempt: u32) -> Result<Entry, Problem> {
    let (key, kind, recipient, hash): (String, String, String, String) = sql(
        "read a letter",
        "select key, kind, recipient, message_hash from outbox where id = $1",
    )
    .bind(letter)
    .one(session)
    .await?;
    let counts = serde_json::json!({ "kind": kind, "attempt": attempt, "message": hash });
    Ok(Entry {
        recipient: Some(recipient),
        ..Entry::new(Action::LetterSent, key, counts)
    })
}

fn read(row: &Record) -> Result<LetterRecord, Problem> {
    let wrong = |error: sqlx::Error| unreadable("outbox", "—", error);
    let text = |column: &str| row.get::<String>(column).map_err(wrong);
    let maybe = |column: &str| row.get::<Option<String>>(column).map_err(wrong);
    let problem = ProblemColumns {
        code: maybe("problem_code")?,
        args: maybe("problem_args")?,
        place: maybe("problem_place")?,
        detail: maybe("problem_detail")?,
    };
    let attempt: i64 = row.get("attempt").map_err(wrong)?;
    Ok(LetterRecord {
        id: row.get("id").map_err(wrong)?,
        key: text("key")?,
        kind: text("kind")?,
        to: text("recipient")?,
        subject: text("subject")?,
        state: text("state")?,
        attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
        next_at: maybe("next_at")?.map(|at| read_moment("outbox", &at)).transpose()?,
        created_at: read_moment("outbox", &text("created_at")?)?,
        finished_at: maybe("finished_at")?.map(|at| read_moment("outbox", &at)).transpose()?,
        problem: problem.problem(),
    })
}
