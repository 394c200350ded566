//! `quarantine` and `units`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{Alias as AliasArgs, Quarantine, Units};
use super::exit::Exit;
use super::output::Output;
use super::{Ended, all_but_last, open};
use crate::decode::Input;
use crate::domain::unit::{Alias, UnitId, normalise_alias};
use crate::domain::vocabulary::AliasSystem;
use crate::flow::{replay, units as register};
use crate::message::Problem;
use crate::warehouse::Access;
use crate::warehouse::quarantine::QuarantineRow;

/// Rows of a list for a person; scripts ask for JSON.
const SHOWN: u32 = 200;

/// Code of rows whose organisation nobody knows.
const UNKNOWN_UNIT: &str = "MSK-NRM-04";

pub(super) async fn quarantine(out: &mut Output, path: &Path, verb: Quarantine) -> Ended {
    match verb {
        Quarantine::List => {
            let context = open(path, Access::Read, "quarantine list").await?;
            let rows = context.warehouse.quarantine(None, false, SHOWN).await?;
            let mut table = vec![
                ["номер", "источник", "файл", "место", "причина"]
                    .map(str::to_owned)
                    .to_vec(),
            ];
            for row in &rows {
                let place = row.problem.place().unwrap_or("—").to_owned();
                let reason = format!("{}: {}", row.problem.code(), row.problem.ru());
                table.push(vec![
                    row.id.to_string(),
                    row.source.clone(),
                    row.file.clone(),
                    place,
                    reason,
                ]);
            }
            if rows.is_empty() {
                out.line("Карантин пуст.");
            } else {
                out.table(&table);
            }
            out.list(&rows.iter().map(row_json).collect::<Vec<_>>());
            Ok(Exit::Fine)
        }
        Quarantine::Show { id } => {
            let context = open(path, Access::Read, "quarantine show").await?;
            let row = context.warehouse.quarantine_row(id).await?;
            out.line(format!("Запись {}: {}", row.id, row.problem.ru_line()));
            out.line(format!("Источник {}, файл {}", row.source, row.file));
            out.line(format!("Строка без личных данных: {}", row.cleaned));
            out.line(format!("Состояние: {}", row.state));
            out.object(&row_json(&row));
            Ok(Exit::Fine)
        }
        Quarantine::Replay { source } => replay_sources(out, path, source.as_deref()).await,
    }
}

fn row_json(row: &QuarantineRow) -> Value {
    json!({
        "id": row.id,
        "source": row.source,
        "file": row.file,
        "code": row.problem.code(),
        "place": row.problem.place(),
        "reason": row.problem.ru(),
        "column": row.column,
        "rule": row.rule,
        "unit": row.unit,
        "cleaned": row.cleaned,
        "state": row.state,
    })
}

async fn replay_sources(out: &mut Output, path: &Path, only: Option<&str>) -> Ended {
    let context = Arc::new(open(path, Access::Hold, "quarantine replay").await?);
    let mut values = Vec::new();
    let mut exit = Exit::Fine;
    let known: Vec<&str> = context.config.sources.iter().map(|source| source.id.as_str()).collect();
    if let Some(only) = only
        && !known.contains(&only)
    {
        return Err(Problem::new("MSK-RUN-17")
            .arg("id", only)
            .arg("known", known.join(", "))
            .into());
    }
    for source in context
        .config
        .sources
        .iter()
        .filter(|source| only.is_none_or(|only| only == source.id))
    {
        let replayed = replay::source(&context, source).await?;
        if replayed.snapshots == 0 && replayed.refused.is_empty() {
            continue;
        }
        out.line(format!(
            "{}: снимков {}, новых чисел {}, изменённых {}, снятых {}, оставлено по более новым файлам {}, осталось в карантине {}",
            source.id,
            replayed.snapshots,
            replayed.new,
            replayed.changed,
            replayed.closed,
            replayed.left,
            replayed.quarantined
        ));
        out.problems(&replayed.refused);
        if !replayed.refused.is_empty() {
            exit = Exit::Partly;
        }
        values.push(json!({
            "source": source.id,
            "snapshots": replayed.snapshots,
            "new": replayed.new,
            "changed": replayed.changed,
            "closed": replayed.closed,
            "left": replayed.left,
            "quarantined": replayed.quarantined,
        }));
    }
    out.list(&values);
    Ok(exit)
}

pub(super) async fn units(out: &mut Output, path: &Path, verb: Units) -> Ended {
    match verb {
        Units::List => list_units(out, path).await,
        Units::Sums(sums) => super::sums::sums(out, path, sums).await,
        Units::Import { file } => import_units(out, path, &file).await,
        Units::Alias(AliasArgs::Add { unit, system, value }) => add_alias(out, path, &unit, &system, &value).await,
        Units::Unknown => {
            let context = open(path, Access::Read, "units unknown").await?;
            let names = context.warehouse.unknown_names(UNKNOWN_UNIT).await?;
            let mut table = vec![["имя в файле", "строк"].map(str::to_owned).to_vec()];
            table.extend(names.iter().map(|(name, count)| vec![name.clone(), count.to_string()]));
            if names.is_empty() {
                out.line("Все имена узнаны.");
            } else {
                out.table(&table);
            }
            let values: Vec<Value> = names
                .iter()
                .map(|(name, rows)| json!({ "name": name, "rows": rows }))
                .collect();
            out.list(&values);
            Ok(Exit::Fine)
        }
    }
}

async fn list_units(out: &mut Output, path: &Path) -> Ended {
    let context = open(path, Access::Read, "units list").await?;
    let register = context.warehouse.register().await?;
    let mut table = vec![
        ["код", "вид", "наименование", "вышестоящая", "имена"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut values = Vec::new();
    for unit in register.units() {
        let aliases: Vec<String> = unit
            .aliases
            .iter()
            .map(|alias| format!("{}={}", alias.system.as_str(), alias.value))
            .collect();
        let parent = unit.parent.as_ref().map_or_else(String::new, |parent| parent.0.clone());
        table.push(vec![
            unit.id.0.clone(),
            unit.kind.as_str().to_owned(),
            unit.short_title.clone(),
            parent,
            aliases.join(" "),
        ]);
        values.push(json!({
            "id": unit.id.0,
            "kind": unit.kind.as_str(),
            "title": unit.title,
            "short_title": unit.short_title,
            "parent": unit.parent.as_ref().map(|parent| &parent.0),
            "aliases": unit.aliases.iter().map(|alias| json!({ "system": alias.system.as_str(), "value": alias.value })).collect::<Vec<_>>(),
        }));
    }
    out.table(&table);
    out.list(&values);
    Ok(Exit::Fine)
}

async fn import_units(out: &mut Output, path: &Path, file: &Path) -> Ended {
    let name = file.display().to_string();
    let opened =
        std::fs::File::open(file).map_err(|error| Problem::new("MSK-FIL-01").arg("path", &name).because(error))?;
    let units = match register::read(Input::file(name, opened)) {
        Ok(units) => units,
        Err(problems) => {
            super::output::complain(&all_but_last(problems));
            return Ok(Exit::Refused);
        }
    };
    let context = open(path, Access::Write, "units import").await?;
    let summary = context.warehouse.import_units(units, context.clock.now()).await?;
    out.line(format!(
        "Реестр: новых {}, изменённых {}, без изменений {}",
        summary.new, summary.changed, summary.unchanged
    ));
    out.object(&json!({ "new": summary.new, "changed": summary.changed, "unchanged": summary.unchanged }));
    Ok(Exit::Fine)
}

async fn add_alias(out: &mut Output, path: &Path, unit: &str, system: &str, value: &str) -> Ended {
    let Some(kind) = AliasSystem::parse(system) else {
        let known: Vec<&str> = AliasSystem::ALL.iter().map(|system| system.as_str()).collect();
        return Err(Problem::new("MSK-RUN-26")
            .arg("system", system)
            .arg("known", known.join(", "))
            .into());
    };
    let context = open(path, Access::Write, "units alias add").await?;
    let register = context.warehouse.register().await?;
    let id = UnitId(unit.to_owned());
    if register.get(&id).is_none() {
        return Err(Problem::new("MSK-RUN-25").arg("id", unit).into());
    }
    let alias = Alias {
        system: kind,
        value: if kind == AliasSystem::Site {
            value.to_owned()
        } else {
            normalise_alias(kind, value)
        },
        from: None,
        to: None,
    };
    context.warehouse.add_alias(id, alias, context.clock.now()).await?;
    out.line(format!(
        "{unit}: добавлено имя {system}={value}. Загрузить отклонённое снова: msoko quarantine replay"
    ));
    out.object(&json!({ "unit": unit, "system": system, "value": value }));
    Ok(Exit::Fine)
}
