//! `report` and `status`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Report as Args;
use super::exit::Exit;
use super::output::Output;
use super::{Ended, open};
use crate::domain::number::moment;
use crate::domain::school_year::SchoolYear;
use crate::domain::vocabulary::{DeadlineState, SourceState};
use crate::flow::context::Context;
use crate::flow::remind::board;
use crate::flow::report::{CODE, vpr, write};
use crate::flow::status::{outbox, sources};
use crate::message::Problem;
use crate::warehouse::Access;

/// Reports of a list for a person.
const SHOWN: u32 = 100;

pub(super) async fn report(out: &mut Output, path: &Path, verb: Args) -> Ended {
    match verb {
        Args::List => list(out, path).await,
        Args::Render {
            code,
            period,
            out: folder,
        } => {
            if code != CODE {
                return Err(Problem::new("MSK-USE-05").arg("code", code).arg("known", CODE).into());
            }
            let year = SchoolYear::parse(&period).ok_or_else(|| Problem::new("MSK-RUN-18").arg("period", &period))?;
            let context = open(path, Access::Write, "report render").await?;
            let report = vpr(&context, year).await?;
            let files: Vec<String> = write(&report, &folder)?
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            out.line(format!("Готов документ {}:", report.id));
            for file in &files {
                out.line(format!("  {file}"));
            }
            if let Some(example) = report.example() {
                out.line(format!("Откуда взялось число: msoko explain {} {example}", report.id));
            }
            out.object(&json!({ "id": report.id, "files": files }));
            Ok(Exit::Fine)
        }
    }
}

async fn list(out: &mut Output, path: &Path) -> Ended {
    let context = open(path, Access::Read, "report list").await?;
    let records = context.warehouse.reports(None, SHOWN).await?;
    let mut table = vec![["документ", "период", "составлен"].map(str::to_owned).to_vec()];
    let mut values = Vec::new();
    for record in &records {
        let local = record.created_at.with_timezone(&context.zone()).fixed_offset();
        table.push(vec![record.id.clone(), record.key.period.clone(), moment(local)]);
        values.push(json!({ "id": record.id, "code": record.key.code, "period": record.key.period, "created_at": record.created_at }));
    }
    if records.is_empty() {
        out.line("Документов ещё нет: msoko report render R-VPR --period 2024-25 --out папка");
    } else {
        out.table(&table);
    }
    out.list(&values);
    Ok(Exit::Fine)
}

pub(super) async fn status(out: &mut Output, path: &Path) -> Ended {
    let context = open(path, Access::Read, "status").await?;
    let value = show(out, &context).await?;
    out.object(&value);
    Ok(Exit::Fine)
}

/// Prints the state for a person and gives the printed shape (DESIGN 8).
pub(super) async fn show(out: &mut Output, context: &Context) -> Result<Value, Problem> {
    let now = context.clock.now();
    let mut table = vec![
        ["источник", "состояние", "последняя загрузка", "строк", "в карантине"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut values = Vec::new();
    for source in sources(context).await? {
        let local = |at: chrono::DateTime<chrono::Utc>| moment(at.with_timezone(&context.zone()).fixed_offset());
        let last = source.last_success.map_or_else(|| "ещё не было".to_owned(), local);
        let state = state_ru(source.state);
        table.push(vec![
            source.id.clone(),
            state.to_owned(),
            last,
            source.rows.to_string(),
            source.quarantined.to_string(),
        ]);
        let mut value = json!({
            "id": source.id,
            "state": source.state.as_str(),
            "rows": source.rows,
            "quarantined": source.quarantined,
        });
        if let Some(last) = source.last_success {
            value["last_success"] = json!(last);
            value["age_seconds"] = json!((now - last).num_seconds());
        }
        values.push(value);
    }
    if values.is_empty() {
        out.line("Включённых источников нет: исправьте sources.toml.");
    } else {
        out.table(&table);
    }
    let counts = outbox(context).await?;
    let oldest = counts.oldest.map_or(0, |oldest| (now - oldest).num_seconds());
    out.line(format!(
        "Письма: в очереди {}, отложено {}, не доставлено {}, отправлено {}",
        counts.queued, counts.held, counts.failed, counts.sent
    ));
    let board = board(context).await?;
    let count = |state| {
        board
            .deadlines
            .iter()
            .filter(|deadline| deadline.state == state)
            .count()
    };
    let deadlines = json!({
        "upcoming": count(DeadlineState::Upcoming),
        "soon": count(DeadlineState::Soon),
        "overdue": count(DeadlineState::Overdue),
        "done": count(DeadlineState::Done),
        "needs_date": count(DeadlineState::NeedsDate),
    });
    out.line(format!(
        "Сроки: просрочено {}, скоро {}, предстоит {}, выполнено {}, уточнить {}",
        deadlines["overdue"], deadlines["soon"], deadlines["upcoming"], deadlines["done"], deadlines["needs_date"]
    ));
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "sources": values,
        "outbox": { "queued": counts.queued + counts.held, "failed": counts.failed, "oldest_seconds": oldest },
        "deadlines": deadlines,
    }))
}

pub(super) const fn state_ru(state: SourceState) -> &'static str {
    match state {
        SourceState::Ok => "в норме",
        SourceState::Suspect => "под вопросом",
        SourceState::Failing => "не работает",
        SourceState::Stale => "данные устарели",
    }
}
