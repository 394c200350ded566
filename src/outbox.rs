//! The rules of the queue of letters: when a letter goes out, when it goes out again, when we stop.
//!
//! Takes: claimed letters from a store, the transport and the clock. Gives: one [`Outcome`] per letter, recorded before
//! the next is claimed. Never: renders a letter, writes SQL, decides who gets one.
//!
//! States: `queued` → `sending` (attempt counted, lease set, before the first byte leaves) → `sent`, `failed`, `held`,
//! or `queued` again for later. A lease that ran out makes a letter claimable again: whoever held it died, and whether
//! the server has the letter is unknown. It goes out once more with the same Message-ID and body, because a second
//! copy is better than a lost deadline.
//!
//! A server that is away concerns no letter: the session is opened before the first claim, so that an outage costs no
//! attempts, however many letters wait and however long it lasts.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};

use crate::clock::Clock;
use crate::domain::number::moment;
use crate::mail::{Envelope, Receipt, Session, Transport};
use crate::message::{Disposition, Problem};

/// Pauses after the first, second … refused attempt, in minutes; eight attempts take a day and twenty minutes.
/// One minute: a busy server. Five and fifteen: grey lists let in after 5–15 minutes. One hour: limits per hour.
/// Three, six and fourteen hours: a full mailbox that somebody empties within a working day, or the next morning.
const PAUSES: [i64; 7] = [1, 5, 15, 60, 180, 360, 840];

/// Attempts that a server's refusals use up.
pub const ATTEMPTS: u32 = 8;

/// Minutes until a letter that waits for the administrator is tried by itself: a mended server needs no command.
const HELD_MINUTES: i64 = 60;

/// How long a claimed letter belongs to its claimer: longer than all limits of one transaction together.
const LEASE_MINUTES: i64 = 15;

/// A letter taken out of the queue, its attempt already recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Row of the store.
    pub id: i64,
    /// Key of the letter, for the journal.
    pub key: String,
    /// Number of this attempt, from one.
    pub attempt: u32,
    /// Address of the recipient.
    pub to: String,
    /// The message as [`compose()`](crate::mail::compose()) made it.
    pub bytes: Vec<u8>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server took the letter: state `sent`.
    Sent {
        /// What it said.
        receipt: Receipt,
    },
    /// Not now: state `queued`, due again at a moment.
    Later {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        problem: Problem,
    },
    /// Not before a person has acted: state `held`, tried again by itself at a moment.
    Held {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        problem: Problem,
    },
    /// Never: state `failed`, until `mail retry` queues it again.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// What the queue asks of its store; each method is one short transaction.
pub trait OutboxStore: Sync {
    /// True when a letter is due: `queued` or `held` with its moment reached, or `sending` with its lease run out.
    fn has_due(&self, now: DateTime<Utc>) -> impl Future<Output = Result<bool, Problem>> + Send;

    /// Takes the letter that is due longest: by conditional update its state becomes `sending`, its attempt grows by
    /// one, its lease ends at `lease_until`. Durable before it returns.
    fn claim(
        &self,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Claimed>, Problem>> + Send;

    /// Records the outcome of the attempt; does nothing when another claimer has the letter by now.
    fn record(
        &self,
        claimed: &Claimed,
        outcome: &Outcome,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// The rule for a failed attempt.
///
/// `Retry` waits by the schedule and fails after the eighth attempt; `NeedsAdministrator` waits without counting;
/// `GiveUp` fails at once.
#[must_use]
pub fn decide(attempt: u32, problem: &Problem, now: DateTime<FixedOffset>) -> Outcome {
    let after = |minutes: i64| now + chrono::Duration::minutes(minutes);
    match problem.disposition() {
        Disposition::GiveUp => Outcome::Failed {
            problem: problem.clone(),
        },
        Disposition::NeedsAdministrator => Outcome::Held {
            at: after(HELD_MINUTES).to_utc(),
            problem: problem.clone(),
        },
        Disposition::Retry => {
            let pause = usize::try_from(attempt.saturating_sub(1))
                .ok()
                .and_then(|refused| PAUSES.get(refused));
            let Some(at) = pause.map(|minutes| after(*minutes)) else {
                let problem = Problem::new("MSK-MAIL-11")
                    .arg("limit", ATTEMPTS)
                    .arg("reason", reason(problem));
                return Outcome::Failed { problem };
            };
            let problem = Problem::new("MSK-MAIL-05")
                .arg("attempt", attempt)
                .arg("limit", ATTEMPTS)
                .arg("reason", reason(problem))
                .arg("next", moment(at));
            Outcome::Later {
                at: at.to_utc(),
                problem,
            }
        }
    }
}

/// The server's words, or the code and the step when it said nothing: the same in both languages, and without the
/// addresses that the journal must not hold.
fn reason(problem: &Problem) -> String {
    match (problem.get("reply"), problem.get("stage")) {
        (Some(reply), _) => reply.to_owned(),
        (None, Some(stage)) => format!("{} {stage}", problem.code()),
        (None, None) => problem.code().to_owned(),
    }
}

/// Pause before the next pass after so many passes in a row that ended with an outage: 1, 2, 4, 8, then 15 minutes.
/// The last bounds how long letters wait after a server has come back.
#[must_use]
pub fn pause_after_outages(outages: u32) -> Duration {
    let minutes = 1u64 << outages.saturating_sub(1).min(4);
    Duration::from_secs(60 * minutes.min(15))
}

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// Letters taken by the server.
    pub sent: u32,
    /// Put off.
    pub later: u32,
    /// Waiting for the administrator.
    pub held: u32,
    /// Given up.
    pub failed: u32,
    /// Why the pass ended early: the way out is closed for all letters alike.
    pub outage: Option<Problem>,
}

/// The way letters leave in a pass.
#[derive(Debug, Clone, Copy)]
pub struct Courier<'a> {
    /// Server or folder.
    pub transport: &'a Transport,
    /// Address of the envelope, where refusals return to.
    pub from: &'a str,
    /// Now.
    pub clock: &'a Clock,
}

impl Courier<'_> {
    /// Delivers what is due, one letter after another over one session, until nothing is due, the way out is closed or
    /// `may_continue` says no. Several passes may run at once, on one machine or several.
    ///
    /// # Errors
    /// Those of the store. A letter in flight then stays `sending` and goes out again when its lease has run out.
    pub async fn deliver_due(
        &self,
        store: &impl OutboxStore,
        may_continue: impl Fn() -> bool,
    ) -> Result<Pass, Problem> {
        let mut pass = Pass::default();
        let mut open: Option<Session> = None;
        while may_continue() && pass.outage.is_none() && store.has_due(self.clock.now()).await? {
            let mut session = match open.take().filter(Session::usable) {
                Some(session) => session,
                None => match self.transport.open().await {
                    Ok(session) => session,
                    Err(problem) => {
                        pass.outage = Some(problem);
                        break;
                    }
                },
            };
            self.deliver_next(store, &mut session, &mut pass).await?;
            open = Some(session);
        }
        if let Some(session) = open {
            session.close().await;
        }
        Ok(pass)
    }

    async fn deliver_next(
        &self,
        store: &impl OutboxStore,
        session: &mut Session,
        pass: &mut Pass,
    ) -> Result<(), Problem> {
        let lease_until = self.clock.now() + chrono::Duration::minutes(LEASE_MINUTES);
        let Some(claimed) = store.claim(self.clock.now(), lease_until).await? else {
            return Ok(()); // Another pass was faster.
        };
        let envelope = Envelope {
            from: self.from.to_owned(),
            to: claimed.to.clone(),
        };
        let outcome = match session.deliver(&envelope, &claimed.bytes).await {
            Ok(receipt) => Outcome::Sent { receipt },
            Err(problem) => decide(claimed.attempt, &problem, self.clock.local()),
        };
        store.record(&claimed, &outcome, self.clock.now()).await?;
        match outcome {
            Outcome::Sent { .. } => {
                pass.sent += 1;
                tracing::info!(letter.id = claimed.id, letter.attempt = claimed.attempt, "letter sent");
            }
            Outcome::Later { problem, .. } => {
                pass.later += 1;
                tracing::warn!(
                    letter.id = claimed.id,
                    code = problem.code(),
                    reason = reason(&problem),
                    "letter put off"
                );
            }
            Outcome::Failed { problem } => {
                pass.failed += 1;
                tracing::error!(
                    letter.id = claimed.id,
                    code = problem.code(),
                    reason = reason(&problem),
                    "letter given up"
                );
            }
            Outcome::Held { problem, .. } => {
                pass.held += 1;
                tracing::error!(
                    letter.id = claimed.id,
                    code = problem.code(),
                    reason = reason(&problem),
                    "letter held for the administrator"
                );
                pass.outage = Some(problem);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::mail::SmtpSettings;
    use crate::mail::scripted_server::{Action, ScriptedServer};

    #[derive(Debug, Clone)]
    struct Row {
        claimed: Claimed,
        due: Option<DateTime<Utc>>,
        outcome: Option<Outcome>,
    }

    /// The store as the warehouse keeps it, in memory; `forgetful` loses the note after the server's answer.
    #[derive(Debug, Default)]
    struct Memory {
        rows: Mutex<Vec<Row>>,
        forgetful: bool,
    }

    impl Memory {
        fn of(recipients: &[&str]) -> Self {
            let row = |(id, to): (usize, &&str)| Row {
                claimed: Claimed {
                    id: i64::try_from(id).expect("a small number"),
                    key: (*to).to_owned(),
                    attempt: 0,
                    to: format!("{to}@edu.example"),
                    bytes: format!("Message-ID: <{to}@edu.example>\r\n\r\ntext\r\n").into_bytes(),
                },
                due: Some(DateTime::UNIX_EPOCH),
                outcome: None,
            };
            Self {
                rows: Mutex::new(recipients.iter().enumerate().map(row).collect()),
                forgetful: false,
            }
        }

        fn outcome(&self, id: usize) -> Option<Outcome> {
            self.rows.lock().expect("no panic")[id].outcome.clone()
        }

        fn attempts(&self, id: usize) -> u32 {
            self.rows.lock().expect("no panic")[id].claimed.attempt
        }
    }

    impl OutboxStore for Memory {
        async fn has_due(&self, now: DateTime<Utc>) -> Result<bool, Problem> {
            let rows = self.rows.lock().expect("no panic");
            Ok(rows.iter().any(|row| row.due.is_some_and(|due| due <= now)))
        }

        async fn claim(&self, now: DateTime<Utc>, lease_until: DateTime<Utc>) -> Result<Option<Claimed>, Problem> {
            let mut rows = self.rows.lock().expect("no panic");
            let row = rows.iter_mut().find(|row| row.due.is_some_and(|due| due <= now));
            Ok(row.map(|row| {
                row.claimed.attempt += 1;
                row.due = Some(lease_until);
                row.claimed.clone()
            }))
        }

        async fn record(&self, claimed: &Claimed, outcome: &Outcome, _now: DateTime<Utc>) -> Result<(), Problem> {
            if self.forgetful {
                return Err(Problem::new("MSK-BUG-01").arg("what", "killed"));
            }
            let mut rows = self.rows.lock().expect("no panic");
            let row = &mut rows[usize::try_from(claimed.id).expect("an index")];
            row.due = match outcome {
                Outcome::Later { at, .. } | Outcome::Held { at, .. } => Some(*at),
                Outcome::Sent { .. } | Outcome::Failed { .. } => None,
            };
            row.outcome = Some(outcome.clone());
            Ok(())
        }
    }

    fn clock() -> Clock {
        Clock::fixed(
            "2026-02-16T06:00:00Z".parse().expect("a moment"),
            chrono_tz::Europe::Moscow,
        )
    }

    fn smtp(port: u16) -> Transport {
        Transport::Smtp(Box::new(SmtpSettings {
            step_limit: Duration::from_millis(500),
            end_limit: Duration::from_millis(500),
            ..SmtpSettings::loopback(port)
        }))
    }

    async fn pass(store: &Memory, port: u16, clock: &Clock) -> Result<Pass, Problem> {
        let transport = smtp(port);
        let courier = Courier {
            transport: &transport,
            from: "msoko@edu.example",
            clock,
        };
        courier.deliver_due(store, || true).await
    }

    #[test]
    fn refusals_use_up_eight_attempts_in_about_a_day() {
        let problem = Problem::new("MSK-MAIL-04")
            .arg("stage", "RCPT TO")
            .arg("reply", "451 later");
        let start = clock().local();
        let mut now = start;
        for attempt in 1..ATTEMPTS {
            let Outcome::Later { at, .. } = decide(attempt, &problem, now) else {
                panic!("attempt {attempt} is not the last");
            };
            assert!(at > now);
            now = at.with_timezone(now.offset());
        }
        assert!((24..=25).contains(&(now - start).num_hours()));
        let Outcome::Failed { problem } = decide(ATTEMPTS, &problem, now) else {
            panic!("the last attempt");
        };
        assert_eq!(
            problem.ru_line(),
            "MSK-MAIL-11: письмо не отправлено, попытки исчерпаны (8): 451 later"
        );
    }

    #[test]
    fn a_put_off_letter_says_when_it_goes_out_again() {
        let problem = Problem::new("MSK-MAIL-04")
            .arg("stage", "RCPT TO")
            .arg("reply", "451 ящик занят");
        let Outcome::Later { problem, .. } = decide(3, &problem, clock().local()) else {
            panic!("not the last");
        };
        assert_eq!(
            problem.ru_line(),
            "MSK-MAIL-05: письмо отложено, попытка 3 из 8: 451 ящик занят; следующая 16.02.2026\u{a0}09:15"
        );
    }

    #[tokio::test]
    async fn while_the_server_is_away_no_letter_is_touched_and_then_each_goes_once() {
        let store = Memory::of(&["a", "b", "c"]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let closed = listener.local_addr().expect("an address").port();
        drop(listener);
        let clock = clock();
        for _ in 0..20 {
            let pass = pass(&store, closed, &clock).await.expect("the store works");
            assert_eq!(pass.outage.expect("an outage").code(), "MSK-MAIL-02");
        }
        assert_eq!(store.attempts(0), 0);
        let server = ScriptedServer::start(|_, _| Action::Go).await;
        let pass = pass(&store, server.port, &clock).await.expect("the store works");
        assert_eq!((pass.sent, pass.outage), (3, None));
        assert_eq!(server.letters().len(), 3);
        assert_eq!(server.connections(), 1);
    }

    #[tokio::test]
    async fn a_bad_address_and_a_hanging_one_do_not_keep_the_others_waiting() {
        let server = ScriptedServer::start(|command, _| match command {
            "RCPT TO:<nobody@edu.example>" => Action::Say("550 5.1.1 unknown"),
            "RCPT TO:<full@edu.example>" => Action::Say("452 4.2.2 full"),
            "END silent@edu.example" => Action::Hang,
            _ => Action::Go,
        })
        .await;
        let store = Memory::of(&["nobody", "full", "silent", "good"]);
        let pass = pass(&store, server.port, &clock()).await.expect("the store works");
        assert_eq!((pass.sent, pass.later, pass.failed, pass.outage), (1, 2, 1, None));
        assert_eq!(server.letters().len(), 1);
        assert_eq!(server.connections(), 2);
    }

    #[tokio::test]
    async fn a_refused_sender_holds_one_letter_and_stops_the_pass() {
        let server = ScriptedServer::start(|command, before| {
            if command.starts_with("MAIL") && before == 0 {
                Action::Say("550 5.7.1 not yours")
            } else {
                Action::Go
            }
        })
        .await;
        let (store, clock) = (Memory::of(&["a", "b"]), clock());
        let first = pass(&store, server.port, &clock).await.expect("the store works");
        assert_eq!((first.sent, first.held), (0, 1));
        assert_eq!(store.attempts(1), 0);
        clock.set(clock.now() + chrono::Duration::minutes(61));
        let second = pass(&store, server.port, &clock).await.expect("the store works");
        assert_eq!((second.sent, second.held), (2, 0));
    }

    #[tokio::test]
    async fn a_kill_between_acceptance_and_note_makes_one_copy_with_the_same_bytes() {
        let server = ScriptedServer::start(|_, _| Action::Go).await;
        let clock = clock();
        let mut store = Memory::of(&["a"]);
        store.forgetful = true;
        pass(&store, server.port, &clock).await.expect_err("killed");
        store.forgetful = false;
        let early = pass(&store, server.port, &clock).await.expect("the store works");
        assert_eq!(early, Pass::default());
        clock.set(clock.now() + chrono::Duration::minutes(LEASE_MINUTES));
        let pass = pass(&store, server.port, &clock).await.expect("the store works");
        assert_eq!(pass.sent, 1);
        let letters = server.letters();
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[0], letters[1]);
        assert_eq!(store.attempts(0), 2);
        assert!(matches!(store.outcome(0), Some(Outcome::Sent { .. })));
    }

    #[test]
    fn the_pause_after_outages_is_bounded() {
        let minutes: Vec<_> = [0, 1, 2, 3, 4, 5, 99]
            .map(|outages| pause_after_outages(outages).as_secs() / 60)
            .into();
        assert_eq!(minutes, [1, 1, 2, 4, 8, 15, 15]);
    }
}
