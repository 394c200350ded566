//! `pull`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Pull;
use super::connectors::{Subject, preview_file};
use super::exit::Exit;
use super::output::{Output, problem_json, remark};
use super::{Ended, open};
use crate::config::{Origin, Source};
use crate::domain::vocabulary::SourceState;
use crate::flow::alert;
use crate::flow::context::{Context, Stop};
use crate::flow::delivery::arrive;
use crate::flow::pull::{Options, Pulled, pull as pull_source};
use crate::message::Problem;
use crate::warehouse::Access;

/// One pass over the sources named, or over all that are switched on.
pub(super) async fn pull(out: &mut Output, path: &Path, args: Pull) -> Ended {
    let access = if args.dry_run { Access::Read } else { Access::Hold };
    let context = Arc::new(open(path, access, "pull").await?);
    let sources = chosen(&context, &args.sources)?;
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
    };
    let stop = Stop::default();
    let mut all = Vec::new();
    for source in sources {
        let pulled = pull_source(&context, source, &options, &stop).await?;
        alert::about_source(&context, source, &pulled).await?;
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

fn chosen<'c>(context: &'c Context, names: &[String]) -> Result<Vec<&'c Source>, Problem> {
    if names.is_empty() {
        return Ok(context.config.sources.iter().filter(|source| source.enabled).collect());
    }
    names
        .iter()
        .map(|name| {
            let source = context.config.sources.iter().find(|source| source.id == *name);
            source.ok_or_else(|| unknown_source(context, name))
        })
        .collect()
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
        let connectors: Vec<_> = source
            .connectors
            .value
            .iter()
            .map(|id| context.connector(id))
            .collect::<Result<_, _>>()?;
        let paths = match &args.file {
            Some(path) => vec![path.clone()],
            None => arrive(context, source, &connectors)
                .await?
                .deliveries
                .into_iter()
                .map(|one| one.address.into())
                .collect(),
        };
        for path in paths {
            for connector in &connectors {
                let subject = Subject {
                    connector,
                    options: &source.context,
                    scales: &context.scales,
                    subjects: &context.subjects,
                };
                let refused = preview_file(out, &subject, &path)?;
                if refused && connectors.len() == 1 {
                    exit = if args.file.is_some() {
                        Exit::Refused
                    } else {
                        Exit::Partly
                    };
                }
            }
        }
    }
    out.end_array();
    Ok(exit)
}

fn print(out: &mut Output, pulled: &Pulled) {
    let state = match pulled.state {
        Some(SourceState::Ok) | None => "в норме",
        Some(SourceState::Suspect) => "под вопросом",
        Some(SourceState::Failing) => "не работает",
        Some(SourceState::Stale) => "данные устарели",
    };
    out.line(format!(
        "{}: {state}; снимков {}, строк {}, новых {}, изменённых {}, без изменений {}, в карантине {}",
        pulled.source,
        pulled.snapshots,
        pulled.rows_read,
        pulled.new,
        pulled.changed,
        pulled.unchanged,
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
        "quarantined": pulled.quarantined,
        "state": pulled.state.map_or("ok", SourceState::as_str),
        "problems": problems,
    })
}
