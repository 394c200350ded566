//! The service: tick, due jobs, signals, readiness, watchdog, reload, stop.
//!
//! Takes: what the files say. Gives: an orderly end, or the problem that ended it. Never: holds a rule of the line.
//!
//! One loop owns everything: it wakes every fifteen seconds, feeds the watchdog, looks at what is due and starts it
//! as a task. A task that panics ends the process with a non-zero code, so that the supervisor restarts it.

mod control;
mod notify;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler};

pub use control::{Answer, ask_reload, socket_path};

use crate::app::{Knowledge, database_url, learn};
use crate::clock::Clock;
use crate::flow::context::{Context, Stop};
use crate::message::{Problem, Problems};
use crate::warehouse::Access;
use crate::warehouse::audit::{Action, Entry};
use control::Request;
use work::Work;

/// The loop wakes this often at least.
const PULSE: Duration = Duration::from_secs(15);

/// A stop waits this long for the chunk a pull is at, or the letter a server is being given; a server that is silent
/// is left. With what the runtime needs to end, the process is gone within ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long the warehouse may take to close; a server that has gone must not hold the stop up.
const CLOSING: Duration = Duration::from_secs(2);

/// Runs the service until it is asked to stop.
///
/// # Errors
/// What keeps it from starting, or `MSK-RUN-28` when a task died.
pub async fn run(path: &Path, knowledge: Knowledge) -> Result<(), Problem> {
    for warning in &knowledge.warnings {
        tracing::warn!(code = warning.code(), "{warning}");
    }
    let clock = Clock::system(knowledge.config.authority.zone);
    let socket = socket_path(&knowledge.config);
    let fingerprint = knowledge.fingerprint();
    let context = Arc::new(knowledge.open(clock, Access::Hold, "msoko run").await?);
    note_accepted(&context, fingerprint).await?;
    context.warehouse.note_heads(context.clock.now()).await?;
    let mut signals = Signals::new()?;
    let (asking, mut asked) = mpsc::channel::<Request>(4);
    let listener = control::listen(&socket)?;
    let mut serving = tokio::spawn(control::serve(listener, asking));
    let (ticking, mut ticks) = mpsc::channel::<()>(1);
    let scheduler = minute_tick(ticking).await?;
    let mut work = Work::new(context, Stop::default());
    notify::ready(&work.state_line().await);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "msoko is ready");
    let ended = tokio::select! {
        ended = heart(path, &mut work, &mut signals, &mut ticks, &mut asked) => ended,
        dead = &mut serving => Err(died("control socket", dead.err())),
    };
    notify::stopping();
    serving.abort();
    drop(scheduler);
    let _socket_gone = std::fs::remove_file(&socket);
    let warehouse = work.context().warehouse.clone();
    let finished = tokio::select! {
        finished = work.finish(PATIENCE) => finished,
        () = stop_asked(&mut signals.terminate, &mut signals.interrupt) => {
            tracing::warn!("asked to stop a second time: running jobs are left");
            Ok(())
        }
    };
    // The log goes back into the file; other nodes need not wait until this one has been silent for long.
    let closed = tokio::time::timeout(CLOSING, warehouse.close()).await;
    ended.and(finished).and(closed.unwrap_or(Ok(())))
}

/// A task that never ends has ended.
fn died(task: &str, error: Option<tokio::task::JoinError>) -> Problem {
    let problem = Problem::new("MSK-RUN-28").arg("task", task);
    match error {
        Some(error) => problem.because(error),
        None => problem,
    }
}

/// The loop. Only here may the watchdog be fed.
async fn heart(
    path: &Path,
    work: &mut Work,
    signals: &mut Signals,
    ticks: &mut mpsc::Receiver<()>,
    asked: &mut mpsc::Receiver<Request>,
) -> Result<(), Problem> {
    let pulse = notify::watchdog().map_or(PULSE, |limit| PULSE.min(limit / 2));
    let mut pulses = tokio::time::interval(pulse);
    pulses.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = pulses.tick() => {
                notify::alive();
                work.look().await?;
            }
            tick = ticks.recv() => {
                tick.ok_or_else(|| died("minute tick", None))?;
                work.look().await?;
                notify::state(&work.state_line().await);
            }
            Some(request) = asked.recv() => {
                let answer = match reload(path, work).await {
                    Ok(()) => Answer::Applied,
                    Err(problems) => Answer::Rejected(problems.iter().map(Problem::ru_line).collect()),
                };
                let _asker_gone = request.answer.send(answer);
            }
            left = work.next_end() => {
                if left? {
                    // What waited for the place need not wait for the next pulse too.
                    work.look().await?;
                }
            }
            // Refused problems stand in the journal already.
            _ = signals.hang_up.recv() => drop(reload(path, work).await),
            () = stop_asked(&mut signals.terminate, &mut signals.interrupt) => {
                tracing::info!("asked to stop");
                return Ok(());
            }
        }
    }
}

/// Reads the files again; the new context takes over only when every file is right. The journal hears both.
async fn reload(path: &Path, work: &mut Work) -> Result<(), Problems> {
    let replaced = learn(path).and_then(|knowledge| {
        let fingerprint = knowledge.fingerprint();
        let replaced = replace(knowledge, work);
        replaced.map(|()| fingerprint).map_err(|problem| vec![problem])
    });
    match &replaced {
        Ok(fingerprint) => {
            tracing::info!("the changed configuration is in force");
            if let Err(problem) = note_accepted(&work.context(), fingerprint.clone()).await {
                tracing::error!(
                    code = problem.code(),
                    "the configuration is in force, but not recorded: {problem}"
                );
            }
        }
        Err(problems) => {
            for problem in problems {
                tracing::error!(
                    code = problem.code(),
                    "the changed configuration is rejected: {problem}"
                );
            }
        }
    }
    replaced.map(|_| ())
}

/// The audit log keeps the hash of a configuration that came into force.
async fn note_accepted(context: &Context, fingerprint: String) -> Result<(), Problem> {
    let counts = serde_json::json!({ "version": env!("CARGO_PKG_VERSION") });
    let entry = Entry::new(Action::ConfigurationAccepted, fingerprint, counts);
    context.warehouse.note(entry, context.clock.now()).await
}

fn replace(knowledge: Knowledge, work: &mut Work) -> Result<(), Problem> {
    let old = work.context();
    let (before, after) = (&old.config, &knowledge.config);
    // What the other nodes were told at the start, and what was compared with them.
    let fixed = [
        ("url", "[database]", database_url(before) == database_url(after)),
        ("single_node", "[database]", before.is_shared() == after.is_shared()),
        (
            "snapshots",
            "[paths]",
            before.paths.snapshots() == after.paths.snapshots(),
        ),
        (
            "name",
            "[node]",
            before.paths.database.starts_with("sqlite:") || before.node == after.node,
        ),
    ];
    if let Some((key, section, _)) = fixed.into_iter().find(|(_, _, same)| !same) {
        return Err(Problem::new("MSK-CFG-05")
            .arg("key", key)
            .arg("section", section)
            .arg("reason", "значение меняется только при перезапуске службы")
            .arg("found", "«…»")
            .at(after.path.display()));
    }
    let clock = Clock::system(knowledge.config.authority.zone);
    let context = knowledge.around(clock, old.warehouse.clone(), old.traffic.clone());
    work.take_over(Arc::new(context));
    Ok(())
}

/// The scheduler gives a tick once a minute and nothing else: it has no catch-up, and its jobs with a time zone are an
/// hour off after a clock change.
async fn minute_tick(ticking: mpsc::Sender<()>) -> Result<JobScheduler, Problem> {
    let fault = |error: tokio_cron_scheduler::JobSchedulerError| {
        Problem::new("MSK-BUG-01").arg("what", "the minute tick").because(error)
    };
    let scheduler = JobScheduler::new().await.map_err(fault)?;
    let job = Job::new("0 * * * * *", move |_, _| {
        let _a_tick_waits_already = ticking.try_send(());
    })
    .map_err(fault)?;
    scheduler.add(job).await.map_err(fault)?;
    scheduler.start().await.map_err(fault)?;
    Ok(scheduler)
}

/// Signals of the supervisor and of a terminal.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, Problem> {
        let listen =
            |kind| signal(kind).map_err(|error| Problem::new("MSK-BUG-01").arg("what", "signals").because(error));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }
}

async fn stop_asked(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
