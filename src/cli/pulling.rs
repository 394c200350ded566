//! `pull`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Pull;
use super::connectors::{preview_refusal, preview_rows};
use super::exit::Exit;
use super::office::state_ru;
use super::output::{Output, problem_json, remark};
use super::{Ended, open};
use crate::config::{Origin, Source};
use crate::domain::vocabulary::SourceState;
use crate::flow::alert;
use crate::flow::context::{Context, Stop};
use crate::flow::delivery::{Delivery, arrive};
use crate::flow::load::{Load, choose};
use crate::flow::pull::{Options, Pulled, pull as pull_source};
use crate::flow::read::Reading;
use crate::manifest::Connector;
use crate::message::Problem;
use crate::warehouse::Access;

/// One pass over the sources named, or over all that are switched on.
pub(super) async fn pull(out: &mut Output, path: &Path, args: Pull) -> Ended {
    let access = if args.dry_run { Access::Read } else { Access::Hold };
    let context = Arc::new(open(path, access, "pull").await?);
    let sources = chosen(&context, &args.sources, args.file.is_some())?;
    if args.file.is_some() && sources.len() != 1 {
        return Err(Problem::new("MSK-USE-07")
            .arg("what", "имя источника, которому принадлежит файл")
            .into());
    }
    if args.dry_run {
        return dry_run(out, &context, &sources, &args).await;
    }
    let options = Options {
        file: args.file.clone(),
        confirmed: args.confirm,
        seen: None,
    };
    let stop = Stop::default();
    let mut all = Vec::new();
    for source in sources {
        let pulled = pull_source(&context, source, &options, &stop).await?;
        if args.file.is_none() {
            alert::about_source(&context, source, &pulled).await?;
        }
        print(out, &pulled);
        all.push(pulled);
    }
    let values: Vec<Value> = all.iter().map(pulled_json).collect();
    out.list(&values);
    let refused = all.iter().find_map(|pulled| pulled.refused.first());
    Ok(match (refused, args.file.is_some()) {
        (None, _) => Exit::Fine,
        (Some(problem), true) => of_file(problem),
        (Some(_), false) => Exit::Partly,
    })
}

/// The one file given is missing, cannot be read, or was refused for what it holds.
fn of_file(problem: &Problem) -> Exit {
    match Exit::of(problem) {
        exit @ (Exit::NoInput | Exit::Permission | Exit::Io) => exit,
        _ => Exit::Refused,
    }
}

fn chosen<'c>(context: &'c Context, names: &[String], given: bool) -> Result<Vec<&'c Source>, Problem> {
    if names.is_empty() {
        let enabled = context.config.sources.iter().filter(|source| source.enabled);
        let (ours, others): (Vec<_>, Vec<_>) = enabled.partition(|source| context.config.is_ours(source));
        for source in others {
            remark(&foreign(context, source).ru_line());
        }
        return Ok(ours);
    }
    names
        .iter()
        .map(|name| {
            let source = context.config.sources.iter().find(|source| source.id == *name);
            let source = source.ok_or_else(|| unknown_source(context, name))?;
            // A file given by hand lies where the person is.
            if given || context.config.is_ours(source) {
                Ok(source)
            } else {
                Err(foreign(context, source))
            }
        })
        .collect()
}

fn foreign(context: &Context, source: &Source) -> Problem {
    Problem::new("MSK-RUN-36")
        .arg("source", &source.id)
        .arg("node", source.own_node().unwrap_or_default())
        .arg("own", &context.config.node.name)
}

fn unknown_source(context: &Context, name: &str) -> Problem {
    let known: Vec<&str> = context.config.sources.iter().map(|source| source.id.as_str()).collect();
    Problem::new("MSK-RUN-17")
        .arg("id", name)
        .arg("known", known.join(", "))
}

/// Shows what would be loaded; writes nothing.
async fn dry_run(out: &mut Output, context: &Arc<Context>, sources: &[&Source], args: &Pull) -> Ended {
    let mut exit = Exit::Fine;
    for source in sources {
        if matches!(source.origin, Origin::EachSite) && args.file.is_none() {
            remark(&format!("{}: сайты обходятся только при настоящей загрузке", source.id));
            continue;
        }
        let mut refused = None;
        if let Err(problem) = preview(out, context, source, args.file.as_deref(), &mut refused).await {
            preview_refusal(out, problem.clone());
            refused = Some(problem);
        }
        exit = match (refused, &args.file) {
            (None, _) => exit,
            (Some(problem), Some(_)) => of_file(&problem),
            (Some(_), None) => Exit::Partly,
        };
    }
    out.end_array();
    Ok(exit)
}

/// Shows what a source has now; the last refusal goes to `refused`.
async fn preview(
    out: &mut Output,
    context: &Arc<Context>,
    source: &Source,
    file: Option<&Path>,
    refused: &mut Option<Problem>,
) -> Result<(), Problem> {
    let connectors = context.connectors_of(source)?;
    let register = context.warehouse.register().await?;
    let load = Load::new(context, source, register, false, &Stop::default());
    let arrived = arrive(&load, &connectors, file).await?;
    if arrived.not_modified {
        remark(&format!("{}: с прошлой загрузки ничего не изменилось", source.id));
    }
    for problem in arrived.problems {
        preview_refusal(out, problem.clone());
        *refused = Some(problem);
    }
    for delivery in arrived.deliveries {
        let found = preview_delivery(out, &load, &delivery, &connectors).unwrap_or_else(|problem| {
            preview_refusal(out, problem.clone());
            Some(problem)
        });
        *refused = found.or(refused.take());
    }
    Ok(())
}

fn preview_delivery(
    out: &mut Output,
    load: &Load,
    delivery: &Delivery,
    connectors: &[&Connector],
) -> Result<Option<Problem>, Problem> {
    out.line(format!("{}: {}", load.source.id, delivery.shown));
    let connector = choose(load, delivery, connectors)?;
    let reading = Reading {
        batch: 1,
        ..load.reading(connector)
    };
    preview_rows(out, &reading, delivery.open()?, &delivery.shown)
}

fn print(out: &mut Output, pulled: &Pulled) {
    let state = state_ru(pulled.state.unwrap_or(SourceState::Ok));
    out.line(format!(
        "{}: {state}; снимков {}, строк {}, новых {}, изменённых {}, без изменений {}, снятых {}, в карантине {}",
        pulled.source,
        pulled.snapshots,
        pulled.rows_read,
        pulled.new,
        pulled.changed,
        pulled.unchanged,
        pulled.closed,
        pulled.quarantined
    ));
    for problem in pulled.refused.iter().chain(&pulled.warnings) {
        out.line(format!("  {}", problem.ru_line()));
    }
}

/// The printed shape of a pull (DESIGN 8).
fn pulled_json(pulled: &Pulled) -> Value {
    let problems: Vec<Value> = pulled
        .refused
        .iter()
        .chain(&pulled.warnings)
        .map(problem_json)
        .collect();
    json!({
        "source": pulled.source,
        "snapshots": pulled.snapshots,
        "rows_read": pulled.rows_read,
        "new": pulled.new,
        "changed": pulled.changed,
        "unchanged": pulled.unchanged,
        "closed": pulled.closed,
        "quarantined": pulled.quarantined,
        "state": pulled.state.map_or("ok", SourceState::as_str),
        "problems": problems,
    })
}
