//! `explain`: from a code to cause and action; from a printed number, a conclusion or a stored number back to the
//! cells of files; with `--diff`, what was corrected and which documents printed what was there before.

mod diff;
mod number;

use std::path::Path;

use serde_json::{Value, json};

use super::exit::Exit;
use super::output::Output;
use super::{Ended, open};
use crate::domain::document::CellAddress;
use crate::domain::stored::ObservationKey;
use crate::flow::context::Context;
use crate::message::{Problem, filled, find};
use crate::warehouse::Access;
use crate::warehouse::observations::Revision;

/// Sources of one number that are printed one by one.
const SHOWN: usize = 40;

pub(super) async fn run(out: &mut Output, path: &Path, what: &[String], diff: bool) -> Ended {
    let joined = what.join(" ");
    if diff {
        let context = open(path, Access::Read, "explain").await?;
        return diff::run(out, &context, &joined).await;
    }
    let unclear = || Problem::new("MSK-RUN-23").arg("what", &joined);
    if let [code] = what
        && code.to_uppercase().starts_with("MSK-")
    {
        return Ok(code_text(out, &code.to_uppercase()).ok_or_else(unclear)?);
    }
    if let Some(key) = ObservationKey::parse(&joined) {
        let context = open(path, Access::Read, "explain").await?;
        let found = number::run(out, &context, &key).await?;
        return if found { Ok(Exit::Fine) } else { Err(unclear().into()) };
    }
    if let [word, version] = joined.split_whitespace().collect::<Vec<_>>().as_slice()
        && word.to_lowercase() == "описание"
    {
        let context = open(path, Access::Read, "explain").await?;
        let found = number::version(out, &context, version).await?;
        return if found { Ok(Exit::Fine) } else { Err(unclear().into()) };
    }
    // The whole address may come as one quoted word.
    let words: Vec<&str> = joined.split_whitespace().collect();
    let Some((id, rest)) = words.split_first() else {
        return Err(unclear().into());
    };
    let context = open(path, Access::Read, "explain").await?;
    let record = context.warehouse.report(id).await?.ok_or_else(unclear)?;
    let kept: Value = serde_json::from_str(&record.document)
        .map_err(|error| Problem::new("MSK-BUG-01").arg("what", "a stored report").because(error))?;
    match rest {
        ["вывод" | "Вывод", number] => {
            Ok(conclusion(out, &context, &kept, number).await.ok_or_else(unclear)?)
        }
        ["Таблица" | "таблица", table, cell] => {
            let address = CellAddress::parse(&format!("Таблица {table}"), cell).ok_or_else(unclear)?;
            let key = format!("{}!{}", address.table, address.cell());
            let Some(found) = cell_of(&kept, &key) else {
                return Err(no_number(id, &address, &kept).into());
            };
            out.line(format!("{id}, Таблица {}, ячейка {}", address.table, address.cell()));
            cell_text(out, &context, &found).await?;
            out.object(&found);
            Ok(Exit::Fine)
        }
        [] => {
            contents(out, id, &kept);
            Ok(Exit::Fine)
        }
        _ => Err(unclear().into()),
    }
}

/// A printed cell with its sources in place of their numbers.
fn cell_of(kept: &Value, address: &str) -> Option<Value> {
    let mut cell = kept["cells"].get(address)?.clone();
    let source = |number: &Value| kept["sources"].get(usize::try_from(number.as_u64()?).ok()?).cloned();
    cell["sources"] = list(&cell["sources"]).iter().filter_map(source).collect();
    Some(cell)
}

/// Cells named beside one that holds no number.
const NEAR: usize = 6;

/// Says which cells of the same row, or else of the same table, can be walked back from.
fn no_number(id: &str, address: &CellAddress, kept: &Value) -> Problem {
    let cells = kept["cells"].as_object();
    let table = format!("{}!", address.table);
    let of_table = || {
        cells
            .into_iter()
            .flatten()
            .filter_map(|(key, _)| key.strip_prefix(&table))
    };
    let row = address.row.to_string();
    let in_row = |cell: &&str| cell.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()) == row;
    let mut near: Vec<&str> = of_table().filter(in_row).take(NEAR).collect();
    if near.is_empty() {
        near = of_table().take(NEAR).collect();
    }
    Problem::new("MSK-RUN-32")
        .arg("id", id)
        .arg("table", address.table)
        .arg("cell", address.cell())
        .arg(
            "near",
            if near.is_empty() {
                "нет".to_owned()
            } else {
                near.join(", ")
            },
        )
}

/// The sentence of the catalogue with dots where a real message has its values.
fn with_dots(sentence: &str) -> String {
    filled(sentence, |_| Some("…"))
}

fn code_text(out: &mut Output, code: &str) -> Option<Exit> {
    let entry = find(code)?;
    out.line(format!("{}: {}", entry.code, with_dots(entry.ru)));
    out.line(format!("Причина: {}", entry.cause));
    out.line(format!("Что делать: {}", entry.action));
    out.object(
        &json!({ "code": entry.code, "text": with_dots(entry.ru), "cause": entry.cause, "action": entry.action }),
    );
    Some(Exit::Fine)
}

fn contents(out: &mut Output, id: &str, kept: &Value) {
    out.line(format!("{id}, правила {}", text(&kept["rules"])));
    for table in list(&kept["tables"]) {
        out.line(format!("  Таблица {} — {}", table["number"], text(&table["caption"])));
    }
    for conclusion in list(&kept["conclusions"]) {
        out.line(format!(
            "  вывод {}: {}",
            conclusion["number"],
            text(&conclusion["text"])
        ));
    }
    out.object(kept);
}

async fn conclusion(out: &mut Output, context: &Context, kept: &Value, number: &str) -> Option<Exit> {
    let number: u64 = number.parse().ok()?;
    let found = list(&kept["conclusions"])
        .iter()
        .find(|one| one["number"].as_u64() == Some(number))?;
    out.line(format!(
        "Вывод {number} (правило {}): {}",
        text(&found["rule"]),
        text(&found["text"])
    ));
    for address in list(&found["cells"]) {
        let address = text(address);
        let (table, cell) = address.split_once('!').unwrap_or(("", address));
        out.line(format!("Стоит на ячейке {cell} таблицы {table}:"));
        if let Some(cell) = cell_of(kept, address) {
            cell_text(out, context, &cell).await.ok()?;
        }
    }
    out.object(found);
    Some(Exit::Fine)
}

/// Prints what a cell is made of and where each number stands in the file somebody sent.
async fn cell_text(out: &mut Output, context: &Context, cell: &Value) -> Result<(), Problem> {
    let made = cell["made_of"]
        .as_str()
        .map_or_else(String::new, |made| format!(" = {made}"));
    out.line(format!("  напечатано: {}{made}", text(&cell["printed"])));
    let sources = list(&cell["sources"]);
    for source in sources.iter().take(SHOWN) {
        let value = source["value"].as_str().unwrap_or("скрыто");
        out.line(format!("  {} = {value}", text(&source["key"])));
        out.line(format!(
            "      файл {}, место {}",
            text(&source["file"]),
            text(&source["place"])
        ));
        if let Some(revision) = revision_of(context, source).await? {
            out.line(format!("      загрузка {}", number::load(&revision)));
        }
        if let Some(row) = snapshot_of(context, source).await? {
            out.line(format!("      снимок {row}"));
        }
    }
    if sources.len() > SHOWN {
        out.line(format!(
            "  … и ещё {} (все — на листе «Источники»)",
            sources.len() - SHOWN
        ));
    }
    Ok(())
}

/// The version of a stored number that a printed one stands on.
async fn revision_of(context: &Context, source: &Value) -> Result<Option<Revision>, Problem> {
    let (Some(key), Some(snapshot)) = (
        source["key"].as_str().and_then(ObservationKey::parse),
        source["snapshot"].as_str(),
    ) else {
        return Ok(None);
    };
    let revisions = context.warehouse.history(&key).await?;
    Ok(revisions.into_iter().find(|revision| revision.snapshot == snapshot))
}

/// The file of a snapshot in the store, when it is there.
async fn snapshot_of(context: &Context, source: &Value) -> Result<Option<String>, Problem> {
    let Some(hash) = source["snapshot"].as_str() else {
        return Ok(None);
    };
    let path = crate::snapshot::path_of(&context.config.paths.snapshots(), hash);
    Ok(tokio::fs::try_exists(&path)
        .await
        .unwrap_or(false)
        .then(|| path.display().to_string()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("—")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
