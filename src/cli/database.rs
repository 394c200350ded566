//! `db migrate · verify · retain · backup · restore`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Db;
use super::exit::Exit;
use super::output::{Output, action, problem_json};
use super::{Ended, knowledge, open};
use crate::app::sees_store;
use crate::clock::Clock;
use crate::domain::number::date_short;
use crate::flow::context::Stop;
use crate::flow::retain::{Retained, foresee, retain as remove_old};
use crate::flow::verify::verify;
use crate::warehouse::Access;
use crate::warehouse::audit::{Action, Entry};
use crate::warehouse::retention::Class;
use crate::warehouse::verify::Depth;

pub(super) async fn db(out: &mut Output, path: &Path, verb: Db) -> Ended {
    match verb {
        Db::Migrate => {
            let context = open(path, Access::Hold, "db migrate").await?;
            out.line(format!("Схема базы {} в порядке.", context.warehouse.name()));
            out.object(&json!({ "database": context.warehouse.name() }));
            Ok(Exit::Fine)
        }
        Db::Verify { quick, full } => {
            let depth = match (quick, full) {
                (true, _) => Depth::Quick,
                (_, true) => Depth::Full,
                _ => Depth::Structure,
            };
            check(out, path, depth).await
        }
        Db::Retain { dry_run } => retain(out, path, dry_run).await,
        Db::Backup { file } => {
            let context = open(path, Access::Read, "db backup").await?;
            context.warehouse.backup(&file).await?;
            // The copy is made whatever state the original is in; only the note of it needs a database of today.
            let writing = open(path, Access::Write, "db backup").await?;
            let entry = Entry::new(Action::BackupMade, file.display().to_string(), json!({}));
            writing.warehouse.note(entry, writing.clock.now()).await?;
            out.line(format!("Копия базы: {}", file.display()));
            out.object(&json!({ "backup": file.display().to_string() }));
            Ok(Exit::Fine)
        }
        Db::Restore { file, force } => restore(out, path, &file, force).await,
        Db::Export(args) => super::export::run(out, path, args).await,
    }
}

async fn retain(out: &mut Output, path: &Path, dry_run: bool) -> Ended {
    let access = if dry_run { Access::Read } else { Access::Write };
    let context = open(path, access, "db retain").await?;
    let gone = if dry_run {
        foresee(&context).await?
    } else {
        sees_store(&context.config, &context.warehouse).await?;
        remove_old(&context, &Stop::default()).await?
    };
    let day = |retained: &Retained| retained.before.with_timezone(&context.zone()).date_naive();
    let count = if dry_run {
        "будет удалено"
    } else {
        "удалено"
    };
    let mut table = vec![["что", "старше", count].map(str::to_owned).to_vec()];
    for retained in &gone {
        let class = match retained.class {
            Class::LetterBodies => "тексты писем",
            Class::Letters => "письма без текстов",
            Class::Quarantine => "строки карантина",
            Class::Snapshots => "снимки",
            Class::Audit => "записи журнала учёта",
        };
        let before = date_short(day(retained));
        table.push(vec![class.to_owned(), before, retained.count.to_string()]);
    }
    out.table(&table);
    let values: Vec<Value> = gone
        .iter()
        .map(|retained| {
            json!({ "class": retained.class.as_str(), "before": day(retained), "removed": retained.count, "dry_run": dry_run })
        })
        .collect();
    out.list(&values);
    Ok(Exit::Fine)
}

async fn restore(out: &mut Output, path: &Path, file: &Path, force: bool) -> Ended {
    let knowledge = knowledge(path)?;
    let clock = Clock::system(knowledge.config.authority.zone);
    let kept = knowledge.restore(clock, file, force, "msoko db restore").await?;
    out.line(format!("База возвращена из копии {}.", file.display()));
    if let Some(kept) = &kept {
        out.line(format!("Прежняя лежит рядом: {}", kept.display()));
    }
    out.line("Снимки копия не содержит; на месте ли они, покажет msoko db verify --full.");
    let context = open(path, Access::Read, "db restore").await?;
    let counts = context.warehouse.outbox_counts().await?;
    let waiting = counts.queued + counts.held;
    out.line(format!(
        "Ждут отправки письма из копии: {waiting}. Служба отправит их, и те, что уже ушли после того, как сделана копия."
    ));
    out.line("Напоминания, ушедшие после того, как сделана копия, повторятся.");
    let kept = kept.map(|kept| kept.display().to_string());
    out.object(&json!({ "restored": file.display().to_string(), "kept": kept, "waiting": waiting }));
    Ok(Exit::Fine)
}

async fn check(out: &mut Output, path: &Path, depth: Depth) -> Ended {
    let context = open(path, Access::Read, "db verify").await?;
    let (verdict, snapshots) = verify(&context, depth).await?;
    for finding in &verdict.findings {
        out.line(finding.ru_line());
        out.line(action(finding).unwrap_or_default());
    }
    let name = context.warehouse.name();
    if depth == Depth::Full {
        out.line(format!("Сверено: снимков {snapshots}, загрузок {}.", verdict.loads));
        if verdict.without_digest > 0 {
            out.line(format!(
                "Загрузок прежних версий программы, строки которых сверить не с чем: {}.",
                verdict.without_digest
            ));
        }
    }
    out.line(match verdict.findings.len() {
        0 => format!("База {name}: повреждений не найдено."),
        count => format!("База {name}: найдено повреждений: {count}."),
    });
    let findings: Vec<Value> = verdict.findings.iter().map(problem_json).collect();
    out.object(&json!({
        "database": name,
        "depth": depth.as_str(),
        "findings": findings,
        "loads": verdict.loads,
        "without_digest": verdict.without_digest,
        "snapshots": snapshots,
    }));
    Ok(if verdict.findings.is_empty() {
        Exit::Fine
    } else {
        Exit::Refused
    })
}
