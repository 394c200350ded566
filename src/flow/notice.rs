//! What stops or goes by itself → one letter to the administrator: roadmaps that ended, gaps of the calendar, stale
//! sources, refused rows that will be removed, nodes that fell silent.

use chrono::{DateTime, Utc};

use super::alert::title;
use super::context::Context;
use super::deliver::{enqueue, keep_first};
use super::remind::board;
use super::retain::{announced_before, leaves_at};
use super::status::{SilentNode, is_stale, silent_nodes};
use crate::config::{LetterKind, Recipient};
use crate::domain::number::date_short;
use crate::letters::Frame;
use crate::letters::notice::{NodeSilent, Notice, Stale};
use crate::message::Problem;
use crate::warehouse::outbox::AlertMark;

/// Problems of the board that no other letter tells: phrases without a date stand in every digest.
const TOLD: [&str; 5] = ["MSK-DDL-08", "MSK-DDL-09", "MSK-DDL-10", "MSK-CAL-01", "MSK-CAL-02"];
/// Begins the causes of these letters.
const NOTICE: &str = "notice/";

/// Something to tell and what its mark says.
struct News<T> {
    cause: String,
    stage: String,
    what: T,
}

/// Tells each recipient of source letters once about each thing; gives the number of letters queued.
///
/// # Errors
/// The first of what templates, addresses or the warehouse refuse; the other recipients have their letters.
pub async fn write_notices(context: &Context) -> Result<u64, Problem> {
    let problems = problems(context).await?;
    let stale = stale(context).await?;
    let before = announced_before(context);
    let leaving = leaving(context, before).await?;
    let (mut queued, mut refused) = (0, None);
    let recipients = context.config.recipients.iter();
    for recipient in recipients.filter(|recipient| recipient.wants(LetterKind::Source)) {
        match write(context, recipient, [&problems, &leaving], &stale).await {
            Ok(new) => queued += new,
            Err(problem) => keep_first(&mut refused, problem),
        }
    }
    if let Some(problem) = refused {
        return Err(problem);
    }
    if !leaving.is_empty() {
        for news in &leaving {
            tracing::warn!(code = news.what.code(), "{}", news.what);
        }
        context.warehouse.announce_leaving(before, context.clock.now()).await?;
    }
    Ok(queued)
}

/// Refused rows are announced once; the mark is set when every letter about them is queued.
async fn leaving(context: &Context, before: DateTime<Utc>) -> Result<Vec<News<Problem>>, Problem> {
    let day = |at| date_short(local(context, at).date_naive());
    let found = context.warehouse.leaving(before).await?;
    Ok(found
        .into_iter()
        .map(|leaving| News {
            cause: format!("{NOTICE}leaving/{}", leaving.source),
            stage: format!("{}/{}", leaving.since.timestamp(), leaving.rows),
            what: Problem::new("MSK-KEEP-15")
                .arg("source", leaving.source)
                .arg("rows", leaving.rows)
                .arg("since", day(leaving.since))
                .arg("date", day(leaves_at(context, leaving.since))),
        })
        .collect())
}

async fn problems(context: &Context) -> Result<Vec<News<Problem>>, Problem> {
    let board = board(context).await?;
    let told = board
        .problems
        .into_iter()
        .filter(|problem| TOLD.contains(&problem.code()));
    Ok(told
        .map(|problem| News {
            cause: format!("{NOTICE}{}", problem.code()),
            stage: problem.ru_brief(),
            what: problem,
        })
        .collect())
}

/// Of a source that never loaded nobody knows since when it should have.
async fn stale(context: &Context) -> Result<Vec<News<Stale>>, Problem> {
    let loads = context.warehouse.last_loads().await?;
    let records = context.warehouse.source_records().await?;
    let enabled = context.config.sources.iter().filter(|source| source.enabled);
    Ok(enabled
        .filter_map(|source| {
            let at = *loads.get(&source.id)?;
            // One that fails has letters of its own.
            let fails = records
                .iter()
                .any(|record| record.source == source.id && record.failures > 0);
            (!fails && is_stale(context, source, Some(at))).then(|| News {
                cause: format!("{NOTICE}stale/{}", source.id),
                stage: at.timestamp().to_string(),
                what: Stale {
                    id: source.id.clone(),
                    title: title(context, &source.id),
                    last_load: local(context, at),
                },
            })
        })
        .collect())
}

async fn write(
    context: &Context,
    recipient: &Recipient,
    [problems, leaving]: [&[News<Problem>]; 2],
    stale: &[News<Stale>],
) -> Result<u64, Problem> {
    let address = &recipient.mailbox.address;
    let known = context.warehouse.marks_of(NOTICE, address).await?;
    let is_new = |cause: &str, stage: &str| !known.iter().any(|(mark, _)| mark.cause == cause && mark.stage == stage);
    let [problems, leaving] = [problems, leaving].map(|told| {
        let news = told.iter().filter(|news| is_new(&news.cause, &news.stage));
        news.collect::<Vec<_>>()
    });
    let stale: Vec<_> = stale.iter().filter(|news| is_new(&news.cause, &news.stage)).collect();
    if problems.is_empty() && leaving.is_empty() && stale.is_empty() {
        return Ok(0);
    }
    let key = format!("{NOTICE}{}/{address}", context.clock.now().timestamp());
    let causes = problems.iter().chain(&leaving).map(|news| (&news.cause, &news.stage));
    let marks = causes
        .chain(stale.iter().map(|news| (&news.cause, &news.stage)))
        .map(|(cause, stage)| AlertMark {
            cause: cause.clone(),
            stage: stage.clone(),
            recipient: address.clone(),
            letter: key.clone(),
        })
        .collect();
    let office = context.office();
    let letter = Notice {
        frame: Frame {
            key,
            to: recipient.mailbox.clone(),
            office: &office,
            written_at: context.clock.local(),
            attachments: Vec::new(),
        },
        problems: problems.iter().map(|news| news.what.clone()).collect(),
        stale: stale.iter().map(|news| news.what.clone()).collect(),
        leaving: leaving.iter().map(|news| news.what.clone()).collect(),
    }
    .render()?;
    enqueue(context, &[letter], marks).await
}

/// Tells each recipient of source letters once about each silence of a node that has sources of its own; gives the
/// number of letters queued.
///
/// # Errors
/// The first of what templates, addresses or the warehouse refuse; the other recipients have their letters.
pub async fn about_silent_nodes(context: &Context) -> Result<u64, Problem> {
    let silent = silent_nodes(context).await?;
    let (mut queued, mut refused) = (0, None);
    let recipients = context.config.recipients.iter();
    for recipient in recipients.filter(|recipient| recipient.wants(LetterKind::Source)) {
        for node in &silent {
            match about_node(context, recipient, node).await {
                Ok(new) => queued += new,
                Err(problem) => keep_first(&mut refused, problem),
            }
        }
    }
    refused.map_or(Ok(queued), Err)
}

async fn about_node(context: &Context, recipient: &Recipient, node: &SilentNode) -> Result<u64, Problem> {
    let address = &recipient.mailbox.address;
    let cause = format!("{NOTICE}node/{}", node.name);
    let stage = node
        .seen_at
        .map_or_else(|| "never".to_owned(), |at| at.timestamp().to_string());
    let known = context.warehouse.marks_of(&cause, address).await?;
    if known.iter().any(|(mark, _)| mark.cause == cause && mark.stage == stage) {
        return Ok(0);
    }
    // Several nodes miss it at once: one key for all of them.
    let key = format!("{cause}/{stage}/{address}");
    let office = context.office();
    let letter = NodeSilent {
        frame: Frame {
            key: key.clone(),
            to: recipient.mailbox.clone(),
            office: &office,
            written_at: context.clock.local(),
            attachments: Vec::new(),
        },
        node: node.name.clone(),
        problem: node.problem(context),
    }
    .render()?;
    let mark = AlertMark {
        cause,
        stage,
        recipient: address.clone(),
        letter: key,
    };
    enqueue(context, &[letter], vec![mark]).await
}

fn local(context: &Context, moment: DateTime<Utc>) -> DateTime<chrono::FixedOffset> {
    moment.with_timezone(&context.zone()).fixed_offset()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::context::Stop;
    use super::super::pull::{Options, pull};
    use super::super::samples::Desk;
    use super::*;
    use crate::domain::unit::{Alias, Unit, UnitId};
    use crate::domain::vocabulary::{AliasSystem, UnitKind};

    #[tokio::test]
    async fn an_ended_roadmap_is_told_to_the_administrator_once() {
        let recipients = "[[recipient]]\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n\n\
                          [[recipient]]\naddress = \"office@uo.example\"\nletters = [\"digest\"]\n";
        let map = "number = 8\ndirection = \"Заявки\"\nperiod = { from = 2024-01-01, to = 2025-12-31 }\n\n\
                   [[activity]]\nnumber = \"1\"\nlevel = \"activity\"\nactivity = \"Анализ\"\nterm = \"ежегодно\"\n\
                   indicator = \"Отчёт\"\nassignee = \"Отдел\"\n";
        let desk = Desk::open(
            "2026-02-02",
            &[("recipients.toml", recipients), ("roadmaps/8.toml", map)],
        )
        .await;
        assert_eq!(write_notices(&desk.context).await.expect("written"), 1);
        assert_eq!(write_notices(&desk.context).await.expect("written"), 0);
        let letter = desk.letters("admin@uo.example").await.remove(0);
        let told = "MSK-DDL-08: дорожная карта 8 закончилась 31.12.2025, загрузите новую.";
        assert!(letter.text.contains(told), "{}", letter.text);
        assert_eq!(desk.letters("office@uo.example").await.len(), 0);
    }
    #[tokio::test]
    async fn a_source_that_nothing_new_comes_from_is_told_once() {
        let recipients = "[[recipient]]\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n";
        let sources = "[[source]]\nid = \"feed\"\nconnector = \"rsoko-feed\"\nfolder = \"feed\"\n";
        let desk = Desk::open(
            "2026-02-02",
            &[("recipients.toml", recipients), ("sources.toml", sources)],
        )
        .await;
        let school = Unit {
            id: UnitId("school-1".to_owned()),
            kind: UnitKind::General,
            title: "МБОУ «СОШ № 1»".to_owned(),
            short_title: "МБОУ «СОШ № 1»".to_owned(),
            parent: None,
            branch: false,
            email: None,
            aliases: vec![Alias {
                system: AliasSystem::Ogrn,
                value: "1029900000019".to_owned(),
                from: None,
                to: None,
            }],
        };
        let warehouse = &desk.context.warehouse;
        warehouse
            .import_units(vec![school], desk.context.clock.now())
            .await
            .expect("imported");
        let feed = "<rsoko version=\"1\" region=\"99\" generated=\"2025-06-20T10:00:00+03:00\">\
                    <observation ogrn=\"1029900000019\" name=\"СОШ № 1\" procedure=\"vpr\" year=\"2024-25\" season=\"spring\" \
                    subject=\"math\" grade=\"5\" measure=\"participants\" value=\"42\"/></rsoko>";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("feed.xml");
        std::fs::write(&file, feed).expect("written");
        let context = &Arc::new(desk.context);
        let options = Options {
            file: Some(file),
            ..Options::default()
        };
        let pulled = pull(context, &context.config.sources[0], &options, &Stop::default())
            .await
            .expect("pulled");
        assert_eq!(pulled.accepted, 1, "{:?}", pulled.refused);
        assert_eq!(write_notices(context).await.expect("written"), 0);
        context.clock.set(context.clock.now() + chrono::Duration::days(46));
        assert_eq!(write_notices(context).await.expect("written"), 1);
        assert_eq!(write_notices(context).await.expect("written"), 0);
        let letters = context.warehouse.letters(None, 10).await.expect("readable");
        assert_eq!(letters[0].subject, "Источники давно не обновлялись");
    }
}
