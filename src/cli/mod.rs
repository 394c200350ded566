//! The command line: one file per group of verbs. A verb reads its arguments, calls a flow, prints.

mod args;
mod audit;
mod checking;
mod connectors;
mod daemon;
mod data;
mod database;
mod demo;
mod exit;
mod explain;
mod export;
mod mail;
mod office;
mod output;
mod pulling;
mod roadmaps;
mod sums;
mod usage;

use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use self::args::{Args, LogFormat, Verb};
use self::exit::Exit;
use self::output::{Output, complain};
use crate::app::{Knowledge, config_path, learn};
use crate::clock::Clock;
use crate::config::environment;
use crate::fetch::install_tls_provider;
use crate::flow::context::Context;
use crate::message::{Problem, Problems};
use crate::telemetry;
use crate::warehouse::{Access, Warehouse};

/// How a verb ends: its exit code, or the problem that ended it.
type Ended = Result<Exit, Fault>;

/// A problem that ends a verb, with the exit code it has here.
struct Fault {
    problem: Problem,
    exit: Exit,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let exit = Exit::of(&problem);
        Self { problem, exit }
    }
}

/// Parses the arguments, runs the verb and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    install_tls_provider();
    let args = match usage::parse() {
        Ok(args) => args,
        Err(exit) => return exit.into(),
    };
    set_up_journal(&args);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&Problem::new("MSK-BUG-01").arg("what", "async runtime").because(error));
            return Exit::Bug.into();
        }
    };
    let ended = runtime.block_on(run(args));
    // Readers on blocking threads may still wait for a channel that nobody serves any more.
    runtime.shutdown_timeout(CLOSING);
    match ended {
        Ok(exit) => exit.into(),
        Err(fault) => {
            complain(&fault.problem);
            fault.exit.into()
        }
    }
}

fn set_up_journal(args: &Args) {
    let format = match args.log_format {
        LogFormat::Text => telemetry::Format::Text,
        LogFormat::Json => telemetry::Format::Json,
    };
    let daemon = matches!(args.verb, Verb::Run);
    let level = args.log.as_deref().unwrap_or(match args.verb {
        Verb::Run => "info",
        // Its refusals are planned and stand on its screen.
        Verb::Demo(_) => "off",
        _ => "warn",
    });
    telemetry::set_up(level, format, daemon && environment("JOURNAL_STREAM").is_some());
}

async fn run(args: Args) -> Ended {
    let mut out = Output::new(args.format);
    let path = config_path(args.config.as_deref());
    let ended = match args.verb {
        Verb::Demo(demo) => demo::run(&mut out, demo).await,
        Verb::Run => daemon::run(&path).await,
        Verb::Check { offline } => checking::check(&mut out, &path, offline).await,
        Verb::Init { dir } => checking::init(&mut out, &dir),
        Verb::Pull(pull) => pulling::pull(&mut out, &path, pull).await,
        Verb::Connector(verb) => connectors::run(&mut out, &path, args.config.is_some(), verb),
        Verb::Quarantine(verb) => data::quarantine(&mut out, &path, verb).await,
        Verb::Units(verb) => data::units(&mut out, &path, verb).await,
        Verb::Roadmap(verb) => roadmaps::roadmap(&mut out, &path, verb),
        Verb::Deadlines(verb) => roadmaps::deadlines(&mut out, &path, verb).await,
        Verb::Report(verb) => office::report(&mut out, &path, verb).await,
        Verb::Mail(verb) => mail::run(&mut out, &path, verb).await,
        Verb::Explain { what, diff } => explain::run(&mut out, &path, &what, diff).await,
        Verb::Status => office::status(&mut out, &path).await,
        Verb::Reload { wait } => daemon::reload(&mut out, &path, wait).await,
        Verb::Audit(verb) => audit::audit(&mut out, &path, verb).await,
        Verb::Db(verb) => database::db(&mut out, &path, verb).await,
    };
    close().await;
    let written = out.finish();
    ended.and_then(|exit| written.map(|()| exit).map_err(Fault::from))
}

/// Reads every file; several problems are printed at once and the last one ends the verb, with the exit code of the
/// configuration whatever it is about.
fn knowledge(path: &Path) -> Result<Knowledge, Fault> {
    learn(path).map_err(|problems| Fault {
        problem: all_but_last(problems),
        exit: Exit::Config,
    })
}

/// Prints all problems but the last, which becomes the verb's own.
fn all_but_last(mut problems: Problems) -> Problem {
    let last = problems.pop();
    for problem in &problems {
        output::remark(&problem.ru_line());
    }
    last.unwrap_or_else(|| Problem::new("MSK-BUG-01").arg("what", "an empty list of problems"))
}

/// The warehouse that the verb of this process holds.
static HELD: OnceLock<Warehouse> = OnceLock::new();

/// How long it may take to close; a server that has gone must not hold a verb up.
const CLOSING: Duration = Duration::from_secs(2);

/// The context of a verb that works on the warehouse.
async fn open(path: &Path, access: Access, verb: &str) -> Result<Context, Fault> {
    let knowledge = knowledge(path)?;
    let clock = Clock::system(knowledge.config.authority.zone);
    let context = knowledge.open(clock, access, &format!("msoko {verb}")).await?;
    if access == Access::Hold {
        HELD.get_or_init(|| context.warehouse.clone());
    }
    Ok(context)
}

/// Leaves the other nodes in order, however the verb ended; they would wait for the silence otherwise.
async fn close() {
    let Some(warehouse) = HELD.get() else { return };
    match tokio::time::timeout(CLOSING, warehouse.clone().close()).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::warn!(code = problem.code(), "closing the warehouse: {problem}"),
        Err(_) => tracing::warn!("the warehouse did not close in time"),
    }
}
