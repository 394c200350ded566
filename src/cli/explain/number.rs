//! `explain KEY`: every version of one number, each with its file, place, delivery, load and connector.

use serde_json::{Value, json};

use super::super::output::Output;
use crate::domain::number::moment;
use crate::domain::stored::ObservationKey;
use crate::flow::context::Context;
use crate::message::Problem;
use crate::warehouse::observations::Revision;

/// Prints the versions of a number, oldest first; false when it was never loaded.
pub(super) async fn run(out: &mut Output, context: &Context, key: &ObservationKey) -> Result<bool, Problem> {
    let revisions = context.warehouse.history(key).await?;
    if revisions.is_empty() {
        return Ok(false);
    }
    out.line(key.to_string());
    for revision in &revisions {
        let held = match revision.superseded {
            Some((run, _)) => format!("действовало до загрузки {run}"),
            None => "действует".to_owned(),
        };
        out.line(format!("  {} — {held}", revision.value));
        out.line(format!("      {}", place(revision)));
        out.line(format!("      {}", origin(context, revision)));
        if let Some(address) = &revision.address {
            out.line(format!("      откуда: {address}"));
        }
    }
    let versions: Vec<Value> = revisions
        .iter()
        .map(|revision| revision_json(context, revision))
        .collect();
    out.object(&json!({ "key": key.to_string(), "versions": versions }));
    Ok(true)
}

/// `файл «a.xlsx», место Лист!C5`.
pub(super) fn place(revision: &Revision) -> String {
    format!("файл «{}», место {}", revision.file, revision.place)
}

/// `получен 02.02.2026 10:00, снимок 1a2b…, загрузка 3, источник vpr-inbox, соединитель vpr-protocol (описание 9f8e…)`.
pub(super) fn origin(context: &Context, revision: &Revision) -> String {
    let received = moment(revision.received.with_timezone(&context.zone()).fixed_offset());
    let snapshot = short(&revision.snapshot);
    format!("получен {received}, снимок {snapshot}, загрузка {}", load(revision))
}

/// `3, источник vpr-inbox, соединитель vpr-protocol (описание 9f8e…)`.
pub(super) fn load(revision: &Revision) -> String {
    let version = match &revision.manifest {
        Some(version) => format!(" (описание {})", short(version)),
        None => String::new(),
    };
    format!(
        "{}, источник {}, соединитель {}{version}",
        revision.run, revision.source, revision.connector
    )
}

/// `explain описание 9f8e…`: the text that a load was made with; false when no such one was kept.
pub(super) async fn version(out: &mut Output, context: &Context, version: &str) -> Result<bool, Problem> {
    let Some(kept) = context.warehouse.reference(version).await? else {
        return Ok(false);
    };
    let first_used = kept.first_used.with_timezone(&context.zone());
    let kind = match kept.kind.as_str() {
        "connector" => "соединитель",
        "subjects" => "предметы",
        _ => "шкалы",
    };
    out.line(format!(
        "# {kind} {}, версия {}, загружали с {}",
        kept.name,
        kept.hash,
        moment(first_used.fixed_offset())
    ));
    out.line(kept.text.trim_end());
    out.object(&json!({
        "version": kept.hash,
        "kind": kept.kind,
        "name": kept.name,
        "first_used": first_used.to_rfc3339(),
        "text": kept.text,
    }));
    Ok(true)
}

/// The first letters of a hash, enough to find the file in the store.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

pub(super) fn revision_json(context: &Context, revision: &Revision) -> Value {
    let told = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&context.zone()).to_rfc3339();
    json!({
        "value": revision.value.to_string().parse::<serde_json::Number>().ok(),
        "n": revision.n,
        "file": revision.file,
        "place": revision.place.as_str(),
        "address": revision.address,
        "snapshot": revision.snapshot,
        "received": told(revision.received),
        "source": revision.source,
        "connector": revision.connector,
        "manifest": revision.manifest,
        "run": revision.run,
        "loaded": told(revision.loaded),
        "superseded_by": revision.superseded.map(|(run, _)| run),
        "superseded_at": revision.superseded.map(|(_, at)| told(at)),
    })
}
