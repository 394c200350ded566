//! Failing sources → letters to the administrator: once per outage, once when it is over.

use chrono::DateTime;

use super::context::Context;
use super::deliver::enqueue;
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

/// Writes what the administrator has to know after a pull. A failure that only a person can mend is told at once, one
/// that may pass after three failures in a row.
///
/// # Errors
/// When a template fails or the warehouse refuses.
pub async fn about_source(context: &Context, source: &Source, pulled: &Pulled) -> Result<u64, Problem> {
    let records = context.warehouse.source_records().await?;
    let Some(record) = records.iter().find(|record| record.source == source.id) else {
        return Ok(0);
    };
    let mut queued = 0;
    let office = context.office();
    for recipient in recipients(context, source) {
        let written = match pulled.refused.first() {
            Some(problem) => failing(context, source, record, (pulled, problem), &office, &recipient).await?,
            None => recovered(context, source, record, pulled, &office, &recipient).await?,
        };
        if let Some((letter, mark)) = written {
            queued += enqueue(context, std::slice::from_ref(&letter), vec![mark]).await?;
        }
    }
    Ok(queued)
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

/// Identifies the outage: everything since the last success is one. Of a source that works in part each set of
/// refusals is one.
fn cause(source: &Source, record: &SourceRecord, pulled: &Pulled) -> String {
    if pulled.accepted > 0 {
        let refused: Vec<String> = pulled
            .refused
            .iter()
            .map(|problem| format!("{}@{}", problem.code(), problem.place().unwrap_or("")))
            .collect();
        let set = blake3::hash(refused.join("\n").as_bytes()).to_hex();
        return format!("source/{}/refused-{}", source.id, &set[..16]);
    }
    let since = record
        .last_success
        .map_or_else(|| "start".to_owned(), |moment| moment.timestamp().to_string());
    format!("source/{}/{since}", source.id)
}

async fn failing(
    context: &Context,
    source: &Source,
    record: &SourceRecord,
    (pulled, problem): (&Pulled, &Problem),
    office: &Office,
    recipient: &Recipient,
) -> Result<Option<(Letter, AlertMark)>, Problem> {
    let may_pass = pulled
        .refused
        .iter()
        .all(|problem| problem.disposition() == Disposition::Retry);
    if may_pass && record.failures < FAILING_AFTER {
        return Ok(None);
    }
    let cause = cause(source, record, pulled);
    if is_marked(context, &cause, FAILING, recipient).await? {
        return Ok(None);
    }
    let key = format!("{cause}/{FAILING}/{}", recipient.mailbox.address);
    let local = |moment: DateTime<chrono::Utc>| moment.with_timezone(&context.zone()).fixed_offset();
    let still_works = sources(context)
        .await?
        .into_iter()
        .filter(|other| other.id != source.id && other.state == SourceState::Ok)
        .map(|other| format!("источник «{}»", title(context, &other.id)))
        .chain(["письма о сроках и ранее загруженные данные".to_owned()])
        .collect();
    let letter = SourceFailing {
        frame: frame(context, office, recipient, &key),
        source: name(context, source),
        since: local(record.last_finished.unwrap_or_else(|| context.clock.now())),
        last_success: record.last_success.map(local),
        failures: record.failures,
        problem: problem.clone(),
        more: pulled.refused.iter().skip(1).cloned().collect(),
        accepted: pulled.accepted,
        next_try: record.next_due.map(local),
        still_works,
    }
    .render()?;
    let mark = mark(&cause, FAILING, recipient, &key);
    Ok(Some((letter, mark)))
}

async fn recovered(
    context: &Context,
    source: &Source,
    record: &SourceRecord,
    pulled: &Pulled,
    office: &Office,
    recipient: &Recipient,
) -> Result<Option<(Letter, AlertMark)>, Problem> {
    // The record's last success is this pull; the outage was named after the success before it.
    let Some(open) = open_outage(context, source, recipient).await? else {
        return Ok(None);
    };
    let key = format!("{}/{RECOVERED}/{}", open.cause, recipient.mailbox.address);
    let local = |moment: DateTime<chrono::Utc>| moment.with_timezone(&context.zone()).fixed_offset();
    let now = record.last_success.unwrap_or_else(|| context.clock.now());
    let brought = (pulled.rows_read > 0).then(|| format!("принято строк: {}", pulled.rows_read));
    let letter = SourceRecovered {
        frame: frame(context, office, recipient, &key),
        source: name(context, source),
        since: local(open.since.unwrap_or(now)),
        at: local(now),
        brought,
    }
    .render()?;
    let mark = mark(&open.cause, RECOVERED, recipient, &key);
    Ok(Some((letter, mark)))
}

/// An outage that was told and whose end was not.
struct Outage {
    cause: String,
    since: Option<DateTime<chrono::Utc>>,
}

async fn open_outage(context: &Context, source: &Source, recipient: &Recipient) -> Result<Option<Outage>, Problem> {
    let prefix = format!("source/{}/", source.id);
    let marks = context.warehouse.marks_of(&prefix, &recipient.mailbox.address).await?;
    let told = |stage: &str, cause: &str| marks.iter().any(|(mark, _)| mark.stage == stage && mark.cause == cause);
    let open = marks
        .iter()
        .find(|(mark, _)| mark.stage == FAILING && !told(RECOVERED, &mark.cause));
    Ok(open.map(|(mark, at)| Outage {
        cause: mark.cause.clone(),
        since: Some(*at),
    }))
}

async fn is_marked(context: &Context, cause: &str, stage: &str, recipient: &Recipient) -> Result<bool, Problem> {
    let marks = context.warehouse.alert_marks(&[cause.to_owned()]).await?;
    Ok(marks
        .iter()
        .any(|mark| mark.stage == stage && mark.recipient == recipient.mailbox.address))
}

fn mark(cause: &str, stage: &str, recipient: &Recipient, letter: &str) -> AlertMark {
    AlertMark {
        cause: cause.to_owned(),
        stage: stage.to_owned(),
        recipient: recipient.mailbox.address.clone(),
        letter: letter.to_owned(),
    }
}

fn frame<'a>(context: &Context, office: &'a Office, recipient: &Recipient, key: &str) -> Frame<'a> {
    Frame {
        key: key.to_owned(),
        to: recipient.mailbox.clone(),
        office,
        written_at: context.clock.local(),
        attachments: Vec::new(),
    }
}

fn name(context: &Context, source: &Source) -> SourceName {
    SourceName {
        id: source.id.clone(),
        title: title(context, &source.id),
    }
}

/// What people call a source: the title of its first connector.
fn title(context: &Context, id: &str) -> String {
    let source = context.config.sources.iter().find(|source| source.id == id);
    source
        .and_then(|source| source.connectors.value.first())
        .and_then(|connector| context.connector(connector).ok())
        .map_or_else(|| id.to_owned(), |connector| connector.title.clone())
}
