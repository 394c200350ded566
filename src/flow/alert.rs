//! Failing sources → letters to the administrator: once per outage, once when it is over.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, Utc};

use super::context::Context;
use super::deliver::{enqueue, keep_first};
use super::pull::{FAILING_AFTER, Pulled};
use super::status::sources;
use crate::config::{LetterKind, Recipient, Source};
use crate::domain::letter::Letter;
use crate::domain::vocabulary::SourceState;
use crate::letters::source::{SourceFailing, SourceName, SourceRecovered};
use crate::letters::{Frame, Office};
use crate::message::{Disposition, Problem};
use crate::warehouse::outbox::AlertMark;
use crate::warehouse::sources::SourceRecord;

/// Stage of the mark of an outage.
const FAILING: &str = "failing";
/// Stage of the mark of its end.
const RECOVERED: &str = "recovered";
/// Stage of the mark of a day on which refusals that may pass were seen, before the day.
const SEEN: &str = "seen/";
/// How the outage of a source that works in part is named, before the hash of its refusals.
const IN_PART: &str = "refused-";

/// Writes what the administrator has to know after a pull. A failure that only a person can mend is told at once, one
/// that may pass after three failures in a row, and of a source that works in part on the third day it is seen.
///
/// # Errors
/// The first of what templates, addresses or the warehouse refuse; the other recipients have their letters.
pub async fn about_source(context: &Context, source: &Source, pulled: &Pulled) -> Result<u64, Problem> {
    let records = context.warehouse.source_records().await?;
    let Some(record) = records.iter().find(|record| record.source == source.id) else {
        return Ok(0);
    };
    let case = Case {
        context,
        source,
        record,
        pulled,
        office: context.office(),
    };
    let (mut queued, mut refused) = (0, None);
    for recipient in recipients(context, source) {
        match case.tell(&recipient).await {
            Ok(new) => queued += new,
            Err(problem) => keep_first(&mut refused, problem),
        }
    }
    refused.map_or(Ok(queued), Err)
}

/// Recipients of source letters; the source's owner too, when it is somebody else.
fn recipients(context: &Context, source: &Source) -> Vec<Recipient> {
    let mut found: Vec<Recipient> = context
        .config
        .recipients
        .iter()
        .filter(|recipient| recipient.wants(LetterKind::Source))
        .cloned()
        .collect();
    if let Some(owner) = &source.owner
        && !found.iter().any(|recipient| recipient.mailbox.address == *owner)
    {
        found.push(Recipient {
            mailbox: crate::domain::letter::Mailbox {
                name: String::new(),
                address: owner.clone(),
            },
            post: String::new(),
            roadmaps: Vec::new(),
            letters: vec![LetterKind::Source],
            unit: None,
        });
    }
    found
}

/// A pull and what is remembered of its source.
struct Case<'a> {
    context: &'a Context,
    source: &'a Source,
    record: &'a SourceRecord,
    pulled: &'a Pulled,
    office: Office,
}

impl Case<'_> {
    async fn tell(&self, recipient: &Recipient) -> Result<u64, Problem> {
        let prefix = format!("source/{}/", self.source.id);
        let marks = self
            .context
            .warehouse
            .marks_of(&prefix, &recipient.mailbox.address)
            .await?;
        let told = Told::of(marks);
        let (letter, marks) = match self.pulled.refused.first() {
            Some(problem) => self.failing(problem, &told, recipient).await?,
            None => self.recovered(&told, recipient)?,
        };
        if marks.is_empty() {
            return Ok(0);
        }
        enqueue(self.context, letter.as_slice(), marks).await
    }

    /// What fails: everything since the last success is one outage, and of a source that works in part each set of
    /// refusals is one. The cause of a letter adds how often it was told: the same outage a month later is another.
    fn outage(&self) -> String {
        if self.pulled.accepted > 0 {
            let refused: Vec<String> = self
                .pulled
                .refused
                .iter()
                .map(|problem| format!("{}@{}", problem.code(), problem.place().unwrap_or("")))
                .collect();
            let set = blake3::hash(refused.join("\n").as_bytes()).to_hex();
            return format!("source/{}/{IN_PART}{}", self.source.id, &set[..16]);
        }
        let since = self
            .record
            .last_success
            .map_or_else(|| "start".to_owned(), |moment| moment.timestamp().to_string());
        format!("source/{}/{since}", self.source.id)
    }

    async fn failing(
        &self,
        problem: &Problem,
        told: &Told,
        recipient: &Recipient,
    ) -> Result<(Option<Letter>, Vec<AlertMark>), Problem> {
        let (record, pulled) = (self.record, self.pulled);
        let may_pass = pulled
            .refused
            .iter()
            .all(|problem| problem.disposition() == Disposition::Retry);
        let outage = self.outage();
        if told.is_open(&outage) {
            return Ok((None, Vec::new()));
        }
        let cause = format!("{outage}/{}", told.times(&outage) + 1);
        let key = format!("{cause}/{FAILING}/{}", recipient.mailbox.address);
        let seen = told.seen(&cause);
        if may_pass && pulled.accepted > 0 {
            let today = format!("{SEEN}{}", self.context.clock.today());
            let days = seen.iter().filter(|(stage, _)| *stage != today).count() + 1;
            if days < FAILING_AFTER as usize {
                return Ok((None, vec![mark(&cause, &today, recipient, &key)]));
            }
        } else if may_pass && record.failures < FAILING_AFTER {
            return Ok((None, Vec::new()));
        }
        let first = record.failing_since.filter(|_| record.failures > 0);
        let since = first
            .or(seen.first().map(|(_, at)| *at))
            .or(record.last_finished)
            .unwrap_or_else(|| self.context.clock.now());
        let still_works = sources(self.context)
            .await?
            .into_iter()
            .filter(|other| other.id != self.source.id && other.state == SourceState::Ok)
            .map(|other| format!("источник «{}»", title(self.context, &other.id)))
            .chain(["письма о сроках и ранее загруженные данные".to_owned()])
            .collect();
        let letter = SourceFailing {
            frame: self.frame(recipient, &key),
            thread: cause.clone(),
            source: name(self.context, self.source),
            since: self.local(since),
            last_success: record.last_success.map(|moment| self.local(moment)),
            failures: record.failures,
            problem: problem.clone(),
            more: pulled.refused.iter().skip(1).cloned().collect(),
            accepted: pulled.accepted,
            next_try: record.next_due.map(|moment| self.local(moment)),
            still_works,
        }
        .render()?;
        Ok((Some(letter), vec![mark(&cause, FAILING, recipient, &key)]))
    }

    /// One letter ends every open outage: nothing was refused any more. What was only seen ends without a letter.
    fn recovered(&self, told: &Told, recipient: &Recipient) -> Result<(Option<Letter>, Vec<AlertMark>), Problem> {
        let ends = |cause: &String| {
            let key = format!("{cause}/{RECOVERED}/{}", recipient.mailbox.address);
            mark(cause, RECOVERED, recipient, &key)
        };
        let Some((first, told_at)) = told.open.first() else {
            return Ok((None, told.waiting().map(ends).collect()));
        };
        let key = format!("{first}/{RECOVERED}/{}", recipient.mailbox.address);
        let now = self.record.last_success.unwrap_or_else(|| self.context.clock.now());
        let part = format!("source/{}/{IN_PART}", self.source.id);
        let in_part = told.open.iter().all(|(cause, _)| cause.starts_with(&part));
        let failing_since = self.record.failing_since.filter(|_| !in_part);
        let letter = SourceRecovered {
            frame: self.frame(recipient, &key),
            thread: first.clone(),
            source: name(self.context, self.source),
            since: self.local(failing_since.map_or(*told_at, |since| since.min(*told_at))),
            at: self.local(now),
            in_part,
            brought: (self.pulled.rows_read > 0).then(|| format!("принято строк: {}", self.pulled.rows_read)),
        }
        .render()?;
        let open = told
            .open
            .iter()
            .map(|(cause, _)| mark(cause, RECOVERED, recipient, &key));
        Ok((Some(letter), open.chain(told.waiting().map(ends)).collect()))
    }

    fn local(&self, moment: DateTime<Utc>) -> DateTime<FixedOffset> {
        moment.with_timezone(&self.context.zone()).fixed_offset()
    }

    fn frame(&self, recipient: &Recipient, key: &str) -> Frame<'_> {
        Frame {
            key: key.to_owned(),
            to: recipient.mailbox.clone(),
            office: &self.office,
            written_at: self.context.clock.local(),
            attachments: Vec::new(),
        }
    }
}

/// What one recipient was told of a source.
struct Told {
    /// Causes of all outages that were told or ended.
    causes: BTreeSet<String>,
    /// Those whose end was not told, with the moment of their letter, oldest first.
    open: Vec<(String, DateTime<Utc>)>,
    /// Cause, stage and moment of the days of refusals that were seen, oldest first.
    seen: Vec<(String, String, DateTime<Utc>)>,
}

impl Told {
    fn of(marks: Vec<(AlertMark, DateTime<Utc>)>) -> Self {
        let (seen, told): (Vec<_>, Vec<_>) = marks.into_iter().partition(|(mark, _)| mark.stage.starts_with(SEEN));
        let causes = told.iter().map(|(mark, _)| mark.cause.clone()).collect();
        let (failing, over): (Vec<_>, Vec<_>) = told.into_iter().partition(|(mark, _)| mark.stage == FAILING);
        let is_open = |cause: &String| !over.iter().any(|(mark, _)| mark.cause == *cause);
        let open = failing.into_iter().map(|(mark, at)| (mark.cause, at));
        Self {
            causes,
            open: open.filter(|(cause, _)| is_open(cause)).collect(),
            seen: seen
                .into_iter()
                .map(|(mark, at)| (mark.cause, mark.stage, at))
                .collect(),
        }
    }

    /// Stages and moments of the days on which a cause was seen.
    fn seen(&self, cause: &str) -> Vec<(&str, DateTime<Utc>)> {
        let days = self.seen.iter().filter(|(of, _, _)| of == cause);
        days.map(|(_, stage, at)| (stage.as_str(), *at)).collect()
    }

    /// Causes that were seen, but neither told nor ended.
    fn waiting(&self) -> impl Iterator<Item = &String> {
        let seen: BTreeSet<&String> = self.seen.iter().map(|(cause, _, _)| cause).collect();
        seen.into_iter().filter(|cause| !self.causes.contains(*cause))
    }

    fn is_open(&self, outage: &str) -> bool {
        self.open.iter().any(|(cause, _)| is_of(cause, outage))
    }

    fn times(&self, outage: &str) -> usize {
        self.causes.iter().filter(|cause| is_of(cause, outage)).count()
    }
}

fn is_of(cause: &str, outage: &str) -> bool {
    cause.rsplit_once('/').is_some_and(|(of, _)| of == outage)
}

fn mark(cause: &str, stage: &str, recipient: &Recipient, letter: &str) -> AlertMark {
    AlertMark {
        cause: cause.to_owned(),
        stage: stage.to_owned(),
        recipient: recipient.mailbox.address.clone(),
        letter: letter.to_owned(),
    }
}

fn name(context: &Context, source: &Source) -> SourceName {
    SourceName {
        id: source.id.clone(),
        title: title(context, &source.id),
    }
}

/// What people call a source: the title of its first connector.
pub(super) fn title(context: &Context, id: &str) -> String {
    let source = context.config.sources.iter().find(|source| source.id == id);
    source
        .and_then(|source| source.connectors.value.first())
        .and_then(|connector| context.connector(connector).ok())
        .map_or_else(|| id.to_owned(), |connector| connector.title.clone())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Desk, Queued};
    use super::*;
    use crate::warehouse::sources::PullOutcome;

    const SOURCES: &str = "[[source]]\nid = \"feed\"\nconnector = \"rsoko-feed\"\nfolder = \"feed\"\n";
    const RECIPIENTS: &str = "[[recipient]]\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n";

    async fn desk() -> Desk {
        let files = [("sources.toml", SOURCES), ("recipients.toml", RECIPIENTS)];
        Desk::open("2026-02-02", &files).await
    }

    /// A pull at a moment of February that accepted so many deliveries and refused the files named.
    async fn pull(desk: &Desk, (day, hour): (i64, i64), accepted: u64, refused: &[&str]) -> u64 {
        let context = &desk.context;
        let start: DateTime<Utc> = "2026-02-01T00:00:00Z".parse().expect("a moment");
        let now = start + chrono::Duration::days(day - 1) + chrono::Duration::hours(hour);
        context.clock.set(now);
        let code = |name: &str| match accepted {
            0 => "MSK-SNP-05",
            _ if name.starts_with("https:") => "MSK-FET-04",
            _ => "MSK-DEC-03",
        };
        let pulled = Pulled {
            source: "feed".to_owned(),
            accepted,
            refused: refused.iter().map(|name| Problem::new(code(name)).at(name)).collect(),
            ..Pulled::default()
        };
        let rows = None;
        let outcome = match pulled.refused.first().cloned() {
            None => PullOutcome::Well { rows },
            Some(problem) if accepted > 0 => PullOutcome::Partly { rows, problem },
            Some(problem) => PullOutcome::Failed { problem },
        };
        let warehouse = &context.warehouse;
        warehouse
            .source_finished("feed", outcome, None, now)
            .await
            .expect("noted");
        about_source(context, &context.config.sources[0], &pulled)
            .await
            .expect("told")
    }

    async fn told(desk: &Desk) -> Vec<Queued> {
        desk.letters("admin@uo.example").await
    }

    #[tokio::test]
    async fn a_partial_outage_that_comes_again_after_its_end_is_told_again() {
        let desk = desk().await;
        assert_eq!(pull(&desk, (2, 6), 1, &["a.xlsx"]).await, 1);
        assert_eq!(pull(&desk, (3, 6), 1, &["a.xlsx"]).await, 0, "told already");
        assert_eq!(pull(&desk, (4, 6), 2, &[]).await, 1);
        assert_eq!(pull(&desk, (20, 6), 1, &["a.xlsx"]).await, 1);
        assert_eq!(pull(&desk, (21, 6), 2, &[]).await, 1);
        let threads: Vec<_> = told(&desk).await.into_iter().map(|letter| letter.thread).collect();
        assert!(threads[0].is_some() && threads[0] == threads[1] && threads[2] == threads[3]);
        assert_ne!(threads[0], threads[2]);
    }

    #[tokio::test]
    async fn a_refusal_that_may_pass_is_told_on_the_third_day_in_a_row() {
        let desk = desk().await;
        let down = ["https://school-1.example/"];
        assert_eq!(pull(&desk, (2, 6), 5, &down).await, 0);
        assert_eq!(pull(&desk, (2, 9), 5, &down).await, 0, "the same day");
        assert_eq!(pull(&desk, (3, 6), 5, &down).await, 0);
        assert_eq!(pull(&desk, (4, 6), 5, &[]).await, 0, "passed before it was told");
        assert_eq!(pull(&desk, (5, 6), 5, &down).await, 0);
        assert_eq!(pull(&desk, (6, 6), 5, &down).await, 0);
        assert_eq!(pull(&desk, (7, 6), 5, &down).await, 1);
        assert_eq!(pull(&desk, (8, 6), 5, &down).await, 0, "told already");
        assert_eq!(pull(&desk, (9, 6), 5, &[]).await, 1);
        assert_eq!(pull(&desk, (10, 6), 5, &[]).await, 0);
        let kinds: Vec<String> = told(&desk).await.into_iter().map(|letter| letter.kind).collect();
        assert_eq!(kinds, ["source_failing", "source_recovered"]);
    }

    #[tokio::test]
    async fn one_good_pull_ends_every_open_outage_with_one_letter() {
        let desk = desk().await;
        assert_eq!(pull(&desk, (2, 6), 1, &["a.xlsx"]).await, 1);
        assert_eq!(pull(&desk, (3, 6), 1, &["b.xlsx"]).await, 1);
        assert_eq!(pull(&desk, (5, 6), 2, &[]).await, 1);
        assert_eq!(pull(&desk, (6, 6), 2, &[]).await, 0);
        assert_eq!(pull(&desk, (7, 6), 2, &[]).await, 0);
        let last = told(&desk).await.remove(2);
        assert_eq!(last.kind, "source_recovered");
        for part in ["Не полностью он загружался 3 дня", "Сбой начался 02.02.2026 09:00"]
        {
            assert!(last.text.contains(part), "{}", last.text);
        }
    }

    #[tokio::test]
    async fn an_outage_is_told_from_its_first_failure_to_its_end_in_one_thread() {
        let desk = desk().await;
        assert_eq!(pull(&desk, (2, 6), 1, &[]).await, 0);
        assert_eq!(pull(&desk, (3, 6), 0, &["feed"]).await, 0);
        assert_eq!(pull(&desk, (3, 7), 0, &["feed"]).await, 0);
        assert_eq!(pull(&desk, (3, 9), 0, &["feed"]).await, 1);
        assert_eq!(pull(&desk, (3, 12), 0, &["feed"]).await, 0);
        assert_eq!(pull(&desk, (5, 8), 1, &[]).await, 1);
        let [failing, recovered] = <[Queued; 2]>::try_from(told(&desk).await).ok().expect("two letters");
        assert_eq!(failing.thread, recovered.thread);
        let since = "не загружается с 03.02.2026 09:00";
        assert!(failing.text.contains(since), "{}", failing.text);
        let lasted = "Перерыв продолжался 2 дня 2 часа";
        assert!(recovered.text.contains(lasted), "{}", recovered.text);
    }
}
