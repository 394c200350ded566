//! `explain --diff`: what corrections changed, and which documents printed what was there before.

use serde_json::{Value, json};

use super::super::Ended;
use super::super::exit::Exit;
use super::super::output::Output;
use super::number::{origin, place, revision_json};
use crate::domain::document::CellAddress;
use crate::domain::number::moment;
use crate::domain::stored::ObservationKey;
use crate::flow::context::Context;
use crate::flow::corrections::{Standing, Told, find, key_of};
use crate::message::Problem;
use crate::warehouse::corrections::Corrected;
use crate::warehouse::observations::Revision;

/// Corrections that are shown at once, the newest first.
const SHOWN: u32 = 200;

pub(super) async fn run(out: &mut Output, context: &Context, what: &str) -> Ended {
    let (of, cell) = asked(context, what).await?;
    let mut told = find(context, &of, SHOWN).await?;
    if let Some(cell) = &cell {
        told.retain(|one| one.documents.iter().any(|document| document.cells.contains(cell)));
    }
    if told.is_empty() {
        out.line("Исправлений нет.");
    }
    let mut last = None;
    for one in &told {
        let by = one.correction.old.superseded;
        if by != last {
            heading(out, context, one);
            last = by;
        }
        correction(out, context, one);
    }
    if told.len() >= SHOWN as usize {
        out.line(format!(
            "… показаны последние {SHOWN}; назовите источник, загрузку или документ"
        ));
    }
    out.list(&told.iter().map(|one| to_json(context, one)).collect::<Vec<_>>());
    Ok(Exit::Fine)
}

/// What the arguments name: nothing, a number by its key, a load, a document, a cell of it, a source.
async fn asked(context: &Context, what: &str) -> Result<(Corrected, Option<CellAddress>), Problem> {
    let unclear = || Problem::new("MSK-RUN-23").arg("what", what);
    if let Some(key) = ObservationKey::parse(what) {
        return Ok((Corrected::Of(key), None));
    }
    let words: Vec<&str> = what.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok((Corrected::Everywhere, None)),
        [number] if number.parse::<i64>().is_ok() => {
            Ok((Corrected::ByRun(number.parse().map_err(|_| unclear())?), None))
        }
        [id, rest @ ..] if context.warehouse.report(id).await?.is_some() => {
            let cell = match rest {
                [] => None,
                ["Таблица" | "таблица", table, cell] => {
                    Some(CellAddress::parse(table, cell).ok_or_else(unclear)?)
                }
                _ => return Err(unclear()),
            };
            Ok((Corrected::UnderReport((*id).to_owned()), cell))
        }
        [source] if context.config.sources.iter().any(|known| known.id == *source) => {
            Ok((Corrected::BySource((*source).to_owned()), None))
        }
        _ => Err(unclear()),
    }
}

fn heading(out: &mut Output, context: &Context, one: &Told) {
    if let Some((run, at)) = one.correction.old.superseded {
        let at = moment(at.with_timezone(&context.zone()).fixed_offset());
        out.line(format!("Загрузка {run}, источник {}, {at}", one.correction.source));
    }
}

fn correction(out: &mut Output, context: &Context, one: &Told) {
    let (old, new) = (&one.correction.old, one.correction.new.as_ref());
    let participants = new.is_some_and(|new| new.n != old.n);
    out.line(format!("  {}", one.correction.key));
    version(out, context, "было", old, participants);
    match new {
        Some(new) => version(out, context, "стало", new, participants),
        None => out.line("    в новой выгрузке числа нет: оно больше не действует"),
    }
    for document in &one.documents {
        out.line(format!("    старое число в документе {}", standing(document)));
    }
    if one.documents.is_empty() {
        out.line("    ни один документ на старом числе не стоит");
    }
}

fn version(out: &mut Output, context: &Context, word: &str, revision: &Revision, participants: bool) {
    let n = match revision.n {
        Some(n) if participants => format!(" (участников {n})"),
        None if participants => " (участники не названы)".to_owned(),
        _ => String::new(),
    };
    out.line(format!("    {word} {}{n}: {}", revision.value, place(revision)));
    out.line(format!("        {}", origin(context, revision)));
}

/// `R-VPR/2024-25/1: таблица 2: G2, G12; вывод 1; отправлен: a@uo.example; новая редакция R-VPR/2024-25/2`.
fn standing(document: &Standing) -> String {
    let mut parts = Vec::new();
    for piece in document.cells.chunk_by(|one, other| one.table == other.table) {
        let cells: Vec<String> = piece.iter().map(CellAddress::cell).collect();
        parts.push(format!("таблица {}: {}", piece[0].table, cells.join(", ")));
    }
    if document.withheld {
        parts.push("возможно, среди скрытых чисел".to_owned());
    }
    match document.conclusions.as_slice() {
        [] => {}
        [one] => parts.push(format!("вывод {one}")),
        several => {
            let numbers: Vec<String> = several.iter().map(u64::to_string).collect();
            parts.push(format!("выводы {}", numbers.join(", ")));
        }
    }
    if !document.recipients.is_empty() {
        parts.push(format!("отправлен: {}", document.recipients.join(", ")));
    }
    parts.push(match &document.newest {
        Some(newest) => format!("новая редакция {newest}"),
        None => "новой редакции ещё нет".to_owned(),
    });
    format!("{}: {}", document.report, parts.join("; "))
}

fn to_json(context: &Context, one: &Told) -> Value {
    let correction = &one.correction;
    let documents: Vec<Value> = one
        .documents
        .iter()
        .map(|document| {
            json!({
                "id": document.report,
                "cells": document.cells.iter().map(key_of).collect::<Vec<_>>(),
                "conclusions": document.conclusions,
                "withheld": document.withheld,
                "newest": document.newest,
                "recipients": document.recipients,
            })
        })
        .collect();
    json!({
        "key": correction.key.to_string(),
        "source": correction.source,
        "run": correction.old.superseded.map(|(run, _)| run),
        "at": correction.old.superseded.map(|(_, at)| at.with_timezone(&context.zone()).to_rfc3339()),
        "old": revision_json(context, &correction.old),
        "new": correction.new.as_ref().map(|new| revision_json(context, new)),
        "documents": documents,
    })
}
