//! What the warehouse keeps of a report, so that `explain` can walk back from it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::domain::document::WITHHELD;
use crate::domain::place::column_letters;
use crate::domain::stored::{ObservationKey, StoredObservation};
use crate::domain::unit::UnitId;
use crate::reports::vpr::{Rendered, WorkKey};

/// Lines that a version hid.
pub(super) type Hidden = BTreeSet<(WorkKey, UnitId)>;

/// What a kept version hid.
pub(super) fn hidden_of(document: &str) -> Hidden {
    let kept: Value = serde_json::from_str(document).unwrap_or_default();
    let lines = kept["hidden"].as_array().cloned().unwrap_or_default();
    let read = |line: &Value| {
        let key = WorkKey {
            subject: line["subject"].as_str()?.to_owned(),
            grade: u8::try_from(line["grade"].as_u64()?).ok()?,
        };
        Some((key, UnitId(line["unit"].as_str()?.to_owned())))
    };
    lines.iter().filter_map(read).collect()
}

/// What the warehouse keeps of a report: each source once, each printed cell with the numbers of its sources from
/// nought, each conclusion with its cells.
pub(super) fn to_json(rendered: &Rendered, number: u32) -> Value {
    let document = &rendered.document;
    let mut cells = serde_json::Map::new();
    let mut sources = Vec::new();
    let mut known: HashMap<&ObservationKey, usize> = HashMap::new();
    for table in document.tables() {
        for (row_number, row) in (2u32..).zip(&table.rows) {
            for (column, cell) in (1u32..).zip(&row.cells) {
                if cell.sources.is_empty() {
                    continue;
                }
                let address = format!("{}!{}{row_number}", table.number, column_letters(column));
                let made = cell.made_of();
                let numbers: Vec<usize> = cell
                    .sources
                    .iter()
                    .map(|source| {
                        *known.entry(&source.key).or_insert_with(|| {
                            sources.push(source_json(source, !document.withheld.contains(&source.key)));
                            sources.len() - 1
                        })
                    })
                    .collect();
                cells.insert(
                    address,
                    json!({ "printed": cell.printed(), "made_of": made, "sources": numbers }),
                );
            }
        }
    }
    let tables: Vec<Value> = document
        .tables()
        .map(|table| json!({ "number": table.number, "caption": table.caption, "sheet": table.sheet }))
        .collect();
    let conclusions: Vec<Value> = document
        .conclusions()
        .map(|conclusion| {
            let addresses: Vec<String> = conclusion
                .cells
                .iter()
                .map(|cell| format!("{}!{}", cell.table, cell.cell()))
                .collect();
            json!({
                "number": conclusion.number,
                "rule": conclusion.rule,
                "text": conclusion.text,
                "cells": addresses,
            })
        })
        .collect();
    let hidden: Vec<Value> = rendered
        .hidden
        .iter()
        .map(|(work, unit)| json!({ "subject": &*work.subject, "grade": work.grade, "unit": unit.0 }))
        .collect();
    json!({
        "number": number,
        "rules": document.rules,
        "tables": tables,
        "cells": cells,
        "sources": sources,
        "conclusions": conclusions,
        "hidden": hidden,
    })
}

fn source_json(source: &StoredObservation, open: bool) -> Value {
    let mut value = json!({
        "key": source.key.kind(),
        "file": &*source.file,
        "place": WITHHELD,
        "snapshot": &*source.snapshot,
        "received": source.received.to_rfc3339(),
    });
    if open {
        value["key"] = source.key.to_string().into();
        value["unit"] = source.key.unit.0.clone().into();
        value["value"] = source.value.to_string().into();
        value["place"] = source.place.as_str().into();
    }
    value
}
