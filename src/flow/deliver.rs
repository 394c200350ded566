//! outbox → smtp: queue letters with their causes, send what is due.

use chrono::{DateTime, Utc};

use super::context::{Context, Stop};
use crate::domain::letter::Letter;
use crate::failpoint;
use crate::mail::compose;
use crate::message::Problem;
use crate::outbox::{Claimed, Courier, OutboxStore, Outcome, Pass};
use crate::warehouse::Warehouse;
use crate::warehouse::outbox::{AlertMark, AttemptOutcome, NewLetter};

/// Puts letters and the marks of their causes into the outbox in one transaction. A letter whose key is known is not
/// queued again. Gives the number queued.
///
/// # Errors
/// When a letter cannot be composed or the warehouse refuses.
pub async fn enqueue(context: &Context, letters: &[Letter], marks: Vec<AlertMark>) -> Result<u64, Problem> {
    let sender = context.sender();
    let now = context.clock.now();
    let rows = letters
        .iter()
        .map(|letter| {
            Ok(NewLetter {
                key: letter.key.clone(),
                kind: letter.kind.to_owned(),
                to: letter.to.address.clone(),
                subject: letter.subject.clone(),
                bytes: compose(letter, &sender)?,
                not_before: now,
            })
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    context.warehouse.enqueue(rows, marks, now).await
}

/// Keeps the first problem of a pass over recipients for its caller and tells the journal of the others: what cannot be
/// written to one recipient must not cost the rest their letters.
pub fn keep_first(first: &mut Option<Problem>, problem: Problem) {
    match first {
        None => *first = Some(problem),
        Some(_) => tracing::error!(code = problem.code(), "a letter could not be queued: {problem}"),
    }
}

/// Sends every letter that is due.
///
/// # Errors
/// When the warehouse refuses; what servers refuse stands in the rows of the letters.
pub async fn deliver_due(context: &Context, stop: &Stop) -> Result<Pass, Problem> {
    let courier = Courier {
        transport: &context.transport,
        from: &context.config.mail.from.address,
        clock: &context.clock,
    };
    let pass = courier.deliver_due(&context.warehouse, || !stop.asked()).await?;
    if let Some(outage) = &pass.outage {
        tracing::warn!(code = outage.code(), "letters wait: {outage}");
    }
    Ok(pass)
}

impl OutboxStore for Warehouse {
    async fn has_due(&self, now: DateTime<Utc>) -> Result<bool, Problem> {
        self.has_due_letter(now).await
    }

    async fn claim(&self, now: DateTime<Utc>, lease_until: DateTime<Utc>) -> Result<Option<Claimed>, Problem> {
        let claimed = self.claim_letter(now, lease_until).await?;
        Ok(claimed.map(|letter| Claimed {
            id: letter.id,
            key: letter.key,
            attempt: letter.attempt,
            to: letter.to,
            bytes: letter.bytes,
        }))
    }

    async fn record(&self, claimed: &Claimed, outcome: &Outcome, now: DateTime<Utc>) -> Result<(), Problem> {
        // Behind the transport's answer, before the note of it: what happened to the letter is unknown after a kill here.
        failpoint::hit("letter-accepted");
        let outcome = match outcome.clone() {
            Outcome::Sent { receipt } => AttemptOutcome::Sent(receipt.text),
            Outcome::Later { at, problem } => AttemptOutcome::Later(at, problem),
            Outcome::Held { at, problem } => AttemptOutcome::Held(at, problem),
            Outcome::Failed { problem } => AttemptOutcome::Failed(problem),
        };
        self.record_attempt(claimed.id, claimed.attempt, outcome, now).await
    }
}
