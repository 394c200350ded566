//! corrected numbers → the documents that printed what they were before, and who received those.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::context::Context;
use super::report::{SENT, cause};
use crate::domain::document::CellAddress;
use crate::message::Problem;
use crate::warehouse::corrections::{Corrected, Correction};
use crate::warehouse::reports::ReportRecord;

/// A correction with the documents that stand on what it replaced.
#[derive(Debug, Clone)]
pub struct Told {
    /// The old and the new number.
    pub correction: Correction,
    /// Documents, oldest first.
    pub documents: Vec<Standing>,
}

/// How a document stands on a number.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// `R-VPR/2024-25/1`.
    pub report: String,
    /// Cells made of the number, in the order of the document.
    pub cells: Vec<CellAddress>,
    /// Numbers of the conclusions that stand on those cells.
    pub conclusions: Vec<u64>,
    /// The number was withheld in this document: it may have been one of several of its kind.
    pub withheld: bool,
    /// The newest version, when that is another one.
    pub newest: Option<String>,
    /// Addresses that the document was mailed to.
    pub recipients: Vec<String>,
}

/// Finds at most `limit` corrections, the newest first. Those under a document are only the ones it stands on.
///
/// # Errors
/// When the database refuses or a kept document cannot be read.
pub async fn find(context: &Context, of: &Corrected, limit: u32) -> Result<Vec<Told>, Problem> {
    // Of a document's deliveries most numbers are not printed in it: those are left out before the limit counts.
    let asked = match of {
        Corrected::UnderReport(_) => u32::MAX,
        _ => limit,
    };
    let corrections = context.warehouse.corrections(of, asked).await?;
    let mut told: Vec<Told> = corrections
        .into_iter()
        .map(|correction| Told {
            correction,
            documents: Vec::new(),
        })
        .collect();
    let only = match of {
        Corrected::UnderReport(report) => Some(report),
        _ => None,
    };
    for (report, snapshots) in reports(context, &told, only).await? {
        let Some(record) = context.warehouse.report(&report).await? else {
            continue;
        };
        stand(context, &record, &snapshots, &mut told).await?;
    }
    if only.is_some() {
        told.retain(|one| !one.documents.is_empty());
        told.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(told)
}

/// The documents that stand on deliveries of the old numbers, each with those deliveries.
async fn reports(
    context: &Context,
    told: &[Told],
    only: Option<&String>,
) -> Result<BTreeMap<String, BTreeSet<String>>, Problem> {
    let snapshots: BTreeSet<&String> = told.iter().map(|one| &one.correction.old.snapshot).collect();
    let mut reports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for snapshot in snapshots {
        for report in context.warehouse.reports_on(snapshot).await? {
            if only.is_none_or(|only| *only == report) {
                reports.entry(report).or_default().insert(snapshot.clone());
            }
        }
    }
    Ok(reports)
}

/// Notes a document beside every correction whose old number it stands on.
async fn stand(
    context: &Context,
    record: &ReportRecord,
    snapshots: &BTreeSet<String>,
    told: &mut [Told],
) -> Result<(), Problem> {
    let kept: Value = serde_json::from_str(&record.document)
        .map_err(|error| Problem::new("MSK-BUG-01").arg("what", "a stored report").because(error))?;
    let newest = context.warehouse.newest_version(&record.key).await?;
    let newest = newest.filter(|newest| *newest != record.id);
    let marks = context.warehouse.alert_marks(&[cause(&record.id)]).await?;
    let sent = marks.into_iter().filter(|mark| mark.stage == SENT);
    let recipients: BTreeSet<String> = sent.map(|mark| mark.recipient).collect();
    for one in told.iter_mut() {
        if !snapshots.contains(&one.correction.old.snapshot) {
            continue;
        }
        if let Some(standing) = standing(&kept, &one.correction) {
            one.documents.push(Standing {
                report: record.id.clone(),
                newest: newest.clone(),
                recipients: recipients.iter().cloned().collect(),
                ..standing
            });
        }
    }
    Ok(())
}

/// Where a kept document has the old number of a correction.
fn standing(kept: &Value, correction: &Correction) -> Option<Standing> {
    let (key, kind) = (correction.key.to_string(), correction.key.kind());
    let value = correction.old.value.to_string();
    let is = |source: &Value, name: &str, text: &str| source[name].as_str() == Some(text);
    let sources = kept["sources"].as_array()?;
    let of_delivery = |source: &&Value| is(source, "snapshot", &correction.old.snapshot);
    let printed = sources
        .iter()
        .position(|source| of_delivery(&source) && is(source, "key", &key) && is(source, "value", &value));
    let Some(position) = printed else {
        let withheld = sources
            .iter()
            .filter(of_delivery)
            .any(|source| is(source, "key", &kind) && source["value"].is_null());
        return withheld.then(|| Standing {
            withheld,
            ..Standing::default()
        });
    };
    let made_of = |cell: &Value| {
        let numbers = cell["sources"].as_array();
        numbers.is_some_and(|numbers| numbers.iter().any(|number| number.as_u64() == Some(position as u64)))
    };
    let mut cells: Vec<CellAddress> = kept["cells"]
        .as_object()?
        .iter()
        .filter(|(_, cell)| made_of(cell))
        .filter_map(|(key, _)| {
            let (table, cell) = key.split_once('!')?;
            CellAddress::parse(table, cell)
        })
        .collect();
    cells.sort();
    let keys: BTreeSet<String> = cells.iter().map(key_of).collect();
    let on_cells = |conclusion: &&Value| {
        let stands_on = conclusion["cells"].as_array();
        stands_on.is_some_and(|stands_on| {
            let mut stands_on = stands_on.iter().filter_map(Value::as_str);
            stands_on.any(|cell| keys.contains(cell))
        })
    };
    let conclusions = kept["conclusions"].as_array().map_or(&[][..], Vec::as_slice);
    Some(Standing {
        conclusions: conclusions
            .iter()
            .filter(on_cells)
            .filter_map(|conclusion| conclusion["number"].as_u64())
            .collect(),
        cells,
        ..Standing::default()
    })
}

/// The key under which a kept document has a cell: table 2, cell G2 is `2!G2`.
#[must_use]
pub fn key_of(cell: &CellAddress) -> String {
    format!("{}!{}", cell.table, cell.cell())
}
