//! A report as a letter: conclusions, one table, one chart, the files attached.

use super::Report;
use crate::config::LetterKind;
use crate::domain::document::{Document, Row};
use crate::domain::letter::Attachment;
use crate::flow::context::Context;
use crate::flow::deliver::{enqueue, keep_first};
use crate::letters::Frame;
use crate::letters::report::{Chart, Column, ReportLetter, Table};
use crate::message::Problem;
use crate::paper::png;
use crate::warehouse::outbox::AlertMark;

/// Stage of the mark of a report that was mailed.
pub const SENT: &str = "sent";

/// Cause of the letters with a report.
#[must_use]
pub fn cause(report: &str) -> String {
    format!("report/{report}")
}

/// Mails a report to everybody who receives reports of the whole district; heads of organisations see their own
/// numbers only and get none of it. Gives the number of letters queued.
///
/// # Errors
/// The first of what templates, addresses or the warehouse refuse; the other recipients have their letters.
pub async fn mail(context: &Context, report: &Report) -> Result<u64, Problem> {
    let office = context.office();
    let (mut queued, mut refused) = (0, None);
    for recipient in &context.config.recipients {
        if !recipient.wants(LetterKind::Report) || recipient.unit.is_some() {
            continue;
        }
        let key = format!("report/{}/{}", report.id, recipient.mailbox.address);
        let frame = Frame {
            key: key.clone(),
            to: recipient.mailbox.clone(),
            office: &office,
            written_at: context.clock.local(),
            attachments: attachments(report),
        };
        let mark = AlertMark {
            cause: cause(&report.id),
            stage: SENT.to_owned(),
            recipient: recipient.mailbox.address.clone(),
            letter: key,
        };
        match queue(context, report, frame, mark).await {
            Ok(new) => queued += new,
            Err(problem) => keep_first(&mut refused, problem),
        }
    }
    refused.map_or(Ok(queued), Err)
}

async fn queue(context: &Context, report: &Report, frame: Frame<'_>, mark: AlertMark) -> Result<u64, Problem> {
    let letter = letter(report, frame)?.render()?;
    enqueue(context, std::slice::from_ref(&letter), vec![mark]).await
}

fn attachments(report: &Report) -> Vec<Attachment> {
    let stem = report.stem();
    let file = |name: String, media_type: &str, bytes: &[u8]| Attachment {
        name,
        media_type: media_type.to_owned(),
        content_id: None,
        bytes: bytes.to_vec(),
    };
    vec![
        file(
            format!("{stem}-справка.docx"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            &report.docx,
        ),
        file(
            format!("{stem}-таблицы.xlsx"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            &report.xlsx,
        ),
    ]
}

/// The short form: conclusions, the table of results, the first chart.
fn letter<'a>(report: &Report, frame: Frame<'a>) -> Result<ReportLetter<'a>, Problem> {
    let document = &report.document;
    let summary = document
        .conclusions()
        .map(|conclusion| conclusion.text.clone())
        .collect();
    let figure = document.figures().next();
    let chart = figure
        .map(|figure| {
            Ok::<_, Problem>(Chart {
                png: png(figure)?,
                conclusion: figure.alt.clone(),
                caption: format!("Рисунок {} — {}", figure.number, figure.caption),
            })
        })
        .transpose()?;
    Ok(ReportLetter {
        frame,
        number: report.id.clone(),
        title: format!("{} {}", document.requisites.kind, document.requisites.title),
        preliminary: document.requisites.preliminary.is_some(),
        as_of: document.requisites.freshness.clone(),
        summary,
        table: short_table(document),
        chart,
    })
}

/// The municipality's three years, as far as a telephone can show them.
fn short_table(document: &Document) -> Option<Table> {
    let table = document.tables().find(|table| table.sheet.contains("Динамика"))?;
    let keep: Vec<usize> = (0..table.columns.len())
        .filter(|position| !plain(&table.columns[*position].title).starts_with("Сопоставимость"))
        .collect();
    let printed = |row: &Row| {
        keep.iter()
            .map(|position| row.cells[*position].printed())
            .collect::<Vec<_>>()
    };
    let asked = |row: &&Row| row.cells.iter().any(|cell| asked_first(&cell.printed()));
    Some(Table {
        caption: format!("Таблица {} — {}", table.number, table.caption),
        columns: keep
            .iter()
            .map(|position| Column {
                title: plain(&table.columns[*position].title),
                numeric: !table.columns[*position].is_text,
            })
            .collect(),
        rows: table.rows.iter().filter(asked).map(printed).collect(),
        notes: table.notes.clone(),
    })
}

/// A header without the soft hyphens that narrow columns of a page need.
fn plain(title: &str) -> String {
    title.replace('\u{ad}', "")
}

/// The two lines an official asks for first: the share of «2» and the quality.
fn asked_first(indicator: &str) -> bool {
    indicator.contains("«2»") || indicator.starts_with("Качество обученности")
}
