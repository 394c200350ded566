//! What is due and what is running.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};
use tokio::task::{Id, JoinSet};

use crate::app::sees_store;
use crate::config::Source;
use crate::domain::number::{Forms, agree, date_short};
use crate::domain::vocabulary::{DeadlineState, SourceState};
use crate::failpoint;
use crate::flow::context::{Context, Stop};
use crate::flow::pull::{Options, pull};
use crate::flow::status::SilentNode;
use crate::flow::{alert, deliver, notice, remind, report, retain, status, sums};
use crate::message::{Disposition, Problem};
use crate::outbox::pause_after_outages;
use crate::schedule::{Cadence, Due, Runs, due};
use crate::warehouse::sources::{PullOutcome, SourceRecord};

/// Pulls at the same time; each of them uses a reader's thread and waits for the one writer.
const PULLS_AT_ONCE: usize = 2;

/// Hour and minute at which old things go.
const RETAIN_AT: (u32, u32) = (3, 30);

/// How long a job waits that another node was found to be at.
const BESIDE: chrono::Duration = chrono::Duration::seconds(5);

/// How long a job waits for the store of snapshots to come back.
const OUT_OF_SIGHT: chrono::Duration = chrono::Duration::minutes(5);

/// A job of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    Pull(String),
    Letters,
    SilentNodes,
    Report,
    TakeOver,
    Sums,
    Retain,
    Deliver,
}

impl Job {
    fn name(&self) -> String {
        match self {
            Self::Pull(source) => format!("pull {source}"),
            Self::Letters => "letters".to_owned(),
            Self::SilentNodes => "letters about silent nodes".to_owned(),
            Self::Report => "report".to_owned(),
            Self::TakeOver => "take over".to_owned(),
            Self::Sums => "sums".to_owned(),
            Self::Retain => "retain".to_owned(),
            Self::Deliver => "deliver".to_owned(),
        }
    }
}

/// How a task ends: its id with what it said, or its death.
type Ended = Result<(Id, (Job, Result<Outcome, Problem>)), tokio::task::JoinError>;

/// Jobs under way and the context they were started with.
pub(super) struct Work {
    context: Arc<Context>,
    stop: Stop,
    tasks: JoinSet<(Job, Result<Outcome, Problem>)>,
    names: BTreeMap<Id, Job>,
    running: HashSet<Job>,
    /// Passes of the outbox in a row that ended with an outage, and when the next may begin.
    outages: u32,
    deliver_after: DateTime<Utc>,
    /// Nodes that the administrators were told about; a letter is looked for again when another one falls silent.
    told_silent: Vec<SilentNode>,
    /// Jobs that ended with a problem of ours, how often in a row, and when they may be tried again.
    resting: HashMap<Job, (u32, DateTime<Utc>)>,
    /// The last look did not see what is due.
    is_blind: bool,
}

/// What a job says when it ends well.
enum Outcome {
    Nothing,
    /// The way letters leave is closed.
    Outage(bool),
    /// The administrators know of these nodes.
    Told(Vec<SilentNode>),
}

impl Work {
    pub(super) fn new(context: Arc<Context>, stop: Stop) -> Self {
        Self {
            context,
            stop,
            tasks: JoinSet::new(),
            names: BTreeMap::new(),
            running: HashSet::new(),
            outages: 0,
            deliver_after: DateTime::UNIX_EPOCH,
            told_silent: Vec::new(),
            resting: HashMap::new(),
            is_blind: false,
        }
    }

    pub(super) fn context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// Jobs that start from now on see the new context; those under way finish with the old one. What failed under the
    /// old one is tried again at once.
    pub(super) fn take_over(&mut self, context: Arc<Context>) {
        self.context = context;
        self.resting.clear();
        self.told_silent.clear();
    }

    /// Starts everything that is due. While the database is away nothing is.
    ///
    /// # Errors
    /// What does not pass by itself.
    pub(super) async fn look(&mut self) -> Result<(), Problem> {
        match self.look_now().await {
            Err(problem) if problem.disposition() == Disposition::Retry => {
                if !self.is_blind {
                    tracing::warn!(code = problem.code(), "nothing is started until this passes: {problem}");
                }
                self.is_blind = true;
                Ok(())
            }
            looked => {
                self.is_blind = false;
                looked
            }
        }
    }

    async fn look_now(&mut self) -> Result<(), Problem> {
        let context = Arc::clone(&self.context);
        let (warehouse, now) = (&context.warehouse, context.clock.now());
        let records = warehouse.source_records().await?;
        let others = warehouse.other_nodes().await?;
        if warehouse.has_abandoned(&others).await? {
            self.start(Job::TakeOver);
        }
        for source in context.config.sources.iter().filter(|source| source.enabled) {
            let record = record_of(&records, &source.id);
            let is_taken = record.is_some_and(|record| others.contains(&record.node));
            let pulls = self.running.iter().filter(|job| matches!(job, Job::Pull(_))).count();
            if pulls < PULLS_AT_ONCE && !is_taken && is_due(&context, source, record, now) {
                self.start(Job::Pull(source.id.clone()));
            }
        }
        if letters_due(&context, &records, now) {
            self.start(Job::Letters);
        }
        if record_of(&records, report::JOB).is_none() {
            note_report(&context, now).await?;
        } else if report_due(&context, &records, now) {
            self.start(Job::Report);
        }
        let silent = status::silent_nodes(&context).await?;
        if silent != self.told_silent {
            self.start(Job::SilentNodes);
        }
        // What a kill or a change of the register has left; a pull brings its own up to date.
        if warehouse.has_stale_sums().await? {
            self.start(Job::Sums);
        }
        if retain_due(&context, &records, now) {
            self.start(Job::Retain);
        }
        if now >= self.deliver_after && warehouse.has_due_letter(now).await? {
            self.start(Job::Deliver);
        }
        Ok(())
    }

    fn start(&mut self, job: Job) {
        let rests = self
            .resting
            .get(&job)
            .is_some_and(|(_, until)| self.context.clock.now() < *until);
        if self.stop.asked() || rests || !self.running.insert(job.clone()) {
            return;
        }
        let (context, stop, task) = (Arc::clone(&self.context), self.stop.clone(), job.clone());
        let handle = self.tasks.spawn(async move {
            failpoint::panic_at(failpoint::JOB_BEGUN);
            let outcome = perform(&context, &task, &stop).await;
            (task, outcome)
        });
        self.names.insert(handle.id(), job);
    }

    /// Waits for the next job to end; true when a pull leaves its place to another. A job that failed is told to the
    /// journal; one that died ends the service.
    pub(super) async fn next_end(&mut self) -> Result<bool, Problem> {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            // Nothing runs: the loop's other branches go on.
            return std::future::pending().await;
        };
        let pulls = |work: &Self| work.running.iter().filter(|job| matches!(job, Job::Pull(_))).count();
        let before = pulls(self);
        self.end(ended)?;
        Ok(pulls(self) < before)
    }

    fn end(&mut self, ended: Ended) -> Result<(), Problem> {
        match ended {
            Ok((id, (job, outcome))) => {
                self.names.remove(&id);
                self.running.remove(&job);
                if outcome.is_ok() {
                    self.resting.remove(&job);
                }
                match outcome {
                    Ok(Outcome::Outage(closed)) => self.pause_outbox(closed),
                    Ok(Outcome::Nothing) => {}
                    Ok(Outcome::Told(silent)) => self.told_silent = silent,
                    Err(problem) if problem.code() == "MSK-DB-23" => {
                        tracing::debug!(code = problem.code(), "{}: {problem}", job.name());
                        let until = self.context.clock.now() + BESIDE;
                        self.resting.insert(job, (0, until));
                    }
                    Err(problem) if problem.code() == "MSK-SNP-06" => {
                        // The mount comes back for all sources at once; each of them need not have failed for it.
                        tracing::error!(code = problem.code(), "{} waits: {problem}", job.name());
                        let until = self.context.clock.now() + OUT_OF_SIGHT;
                        self.resting.insert(job, (0, until));
                    }
                    Err(problem) if self.stop.asked() => {
                        tracing::info!(code = problem.code(), "{} ended early", job.name());
                    }
                    Err(problem) => {
                        tracing::error!(code = problem.code(), "{} failed: {problem}", job.name());
                        self.rest(job);
                    }
                }
                Ok(())
            }
            Err(error) => {
                let job = self.names.remove(&error.id());
                let name = job.map_or_else(|| "?".to_owned(), |job| job.name());
                Err(Problem::new("MSK-RUN-28").arg("task", name).because(error))
            }
        }
    }

    /// What failed is due still; without a pause it would be started, and told to the journal, at every pulse.
    fn rest(&mut self, job: Job) {
        let failures = self
            .resting
            .get(&job)
            .map_or(1, |(failures, _)| failures.saturating_add(1));
        let pause = chrono::Duration::from_std(crate::schedule::back_off(failures, &job.name())).unwrap_or_default();
        let until = self.context.clock.now() + pause;
        self.resting.insert(job, (failures, until));
    }

    fn pause_outbox(&mut self, closed: bool) {
        self.outages = if closed { self.outages + 1 } else { 0 };
        if closed {
            let pause = chrono::Duration::from_std(pause_after_outages(self.outages)).unwrap_or_default();
            self.deliver_after = self.context.clock.now() + pause;
        }
    }

    /// Asks every job to end at its next safe point and waits for them.
    pub(super) async fn finish(mut self, patience: Duration) -> Result<(), Problem> {
        self.stop.ask();
        let waiting = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.end(ended)?;
            }
            Ok(())
        };
        tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| {
            tracing::warn!("a job did not end in time; what it had not published is removed at the next start");
            Ok(())
        })
    }

    /// One line for `systemctl status`.
    pub(super) async fn state_line(&self) -> String {
        const SOURCE: Forms<'_> = Forms::new("источник", "источника", "источников", "источника");
        let Ok(sources) = status::sources(&self.context).await else {
            return "база не отвечает".to_owned();
        };
        let fine = sources.iter().filter(|source| source.state == SourceState::Ok).count();
        let total = i64::try_from(sources.len()).unwrap_or(i64::MAX);
        let mut line = format!("{}, в норме {fine}", agree(total, SOURCE));
        if let Ok(board) = remind::board(&self.context).await {
            let next = board
                .deadlines
                .iter()
                .find(|deadline| matches!(deadline.state, DeadlineState::Soon | DeadlineState::Upcoming));
            if let Some(date) = next.and_then(|deadline| deadline.date) {
                line.push_str(&format!("; ближайший срок {}", date_short(date)));
            }
        }
        if let Ok(counts) = status::outbox(&self.context).await {
            line.push_str(&format!("; в очереди писем {}", counts.queued + counts.held));
        }
        line
    }
}

/// A run that began and never ended was cut off by a kill or a stop. It is made up for after the pause of one failure:
/// waiting for the cadence would lose a week of a weekly source, no pause at all would let one that kills the process
/// do so without end.
fn runs_of(record: Option<&SourceRecord>) -> Runs {
    let Some(record) = record else {
        return Runs::default();
    };
    let cut_off = record.last_started > record.last_finished;
    Runs {
        last_start: record.last_started,
        failures: record.failures.max(u32::from(cut_off)),
        not_before: record.next_due,
    }
}

fn record_of<'r>(records: &'r [SourceRecord], name: &str) -> Option<&'r SourceRecord> {
    records.iter().find(|record| record.source == name)
}

/// A source of another node is due there.
fn is_due(context: &Context, source: &Source, record: Option<&SourceRecord>, now: DateTime<Utc>) -> bool {
    let runs = runs_of(record);
    context.config.is_ours(source)
        && cadence(context, source)
            .is_some_and(|cadence| due(&cadence, &source.id, &runs, now, context.zone()) == Due::Now)
}

/// Letters are written once a working day, from the configured time on; a day the service slept through is caught up by
/// the next one.
fn letters_due(context: &Context, records: &[SourceRecord], now: DateTime<Utc>) -> bool {
    let clock = &context.clock;
    let at = context.config.jobs.letters_at;
    let today = clock.today();
    let Some(moment) = clock.at(today, at.hour(), at.minute()) else {
        return false;
    };
    if now < moment || !context.calendar.is_working(today) {
        return false;
    }
    let last = record_of(records, remind::JOB).and_then(|record| record.last_success);
    // A pass noted in the future was noted by a clock that was wrong.
    last.is_none_or(|last| last < moment || last > now)
}

fn report_cadence(context: &Context) -> Option<Cadence> {
    let cron = context.config.jobs.report_vpr.as_ref()?;
    Cadence::parse(&cron.value).ok()
}

fn report_due(context: &Context, records: &[SourceRecord], now: DateTime<Utc>) -> bool {
    let runs = runs_of(record_of(records, report::JOB));
    report_cadence(context).is_some_and(|cadence| due(&cadence, report::JOB, &runs, now, context.zone()) == Due::Now)
}

/// A report asked for now is not late for a day that passed before.
async fn note_report(context: &Context, now: DateTime<Utc>) -> Result<(), Problem> {
    if report_cadence(context).is_none() {
        return Ok(());
    }
    match context.warehouse.source_started(report::JOB, Some(None), now).await {
        Ok(()) => {
            let outcome = PullOutcome::Well { rows: None };
            context.warehouse.source_finished(report::JOB, outcome, None, now).await
        }
        // Another node has noted it.
        Err(problem) if problem.code() == "MSK-DB-23" => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Makes sure that of several nodes one performs a job that was found due; false when it is due no more.
async fn claim(
    context: &Context,
    job: &str,
    is_due: impl Fn(&Context, &[SourceRecord], DateTime<Utc>) -> bool,
) -> Result<bool, Problem> {
    let (warehouse, now) = (&context.warehouse, context.clock.now());
    let records = warehouse.source_records().await?;
    if !is_due(context, &records, now) {
        return Ok(false);
    }
    let seen = record_of(&records, job).and_then(|record| record.last_started);
    warehouse.source_started(job, Some(seen), now).await?;
    Ok(true)
}

fn cadence(context: &Context, source: &Source) -> Option<Cadence> {
    let default = source
        .connectors
        .value
        .first()
        .and_then(|id| context.connector(id).ok())
        .and_then(|connector| connector.defaults.schedule.clone());
    let text = source
        .schedule
        .as_ref()
        .map(|schedule| schedule.value.clone())
        .or(default)?;
    let cadence = Cadence::parse(&text).ok()?;
    Some(cadence.with_jitter(Cadence::USUAL_JITTER))
}

/// Old things go once a day, at night; a night the service slept through is caught up at once.
fn retain_due(context: &Context, records: &[SourceRecord], now: DateTime<Utc>) -> bool {
    let clock = &context.clock;
    let today = clock.today();
    let last_night = [today, today.pred_opt().unwrap_or(today)]
        .into_iter()
        .filter_map(|day| clock.at(day, RETAIN_AT.0, RETAIN_AT.1))
        .find(|night| *night <= now);
    let last = record_of(records, retain::JOB).and_then(|record| record.last_success);
    last_night.is_some_and(|night| last.is_none_or(|last| last < night || last > now))
}

async fn perform(context: &Arc<Context>, job: &Job, stop: &Stop) -> Result<Outcome, Problem> {
    match job {
        Job::Pull(id) => {
            if let Some(source) = context.config.sources.iter().find(|source| source.id == *id) {
                let records = context.warehouse.source_records().await?;
                let record = record_of(&records, &source.id);
                // Another node may have pulled it since.
                if is_due(context, source, record, context.clock.now()) {
                    sees_store(&context.config, &context.warehouse).await?;
                    let options = Options {
                        seen: Some(record.and_then(|record| record.last_started)),
                        ..Options::default()
                    };
                    let pulled = pull(context, source, &options, stop).await?;
                    alert::about_source(context, source, &pulled).await?;
                }
            }
            Ok(Outcome::Nothing)
        }
        Job::Letters => {
            if !claim(context, remind::JOB, letters_due).await? {
                return Ok(Outcome::Nothing);
            }
            // Before the pass is noted: what is not told yet is told by the node that makes up for it.
            let noticed = notice::write_notices(context).await;
            let written = remind::write_letters(context).await;
            noticed.and(written.map(|_| Outcome::Nothing))
        }
        Job::SilentNodes => {
            let silent = status::silent_nodes(context).await?;
            notice::about_silent_nodes(context).await?;
            Ok(Outcome::Told(silent))
        }
        Job::Report => {
            if claim(context, report::JOB, report_due).await? {
                report::yearly(context).await?;
            }
            Ok(Outcome::Nothing)
        }
        Job::TakeOver => {
            let taken = context.warehouse.take_over(context.clock.now()).await;
            taken.map(|()| Outcome::Nothing)
        }
        Job::Sums => sums::refresh(context, stop).await.map(|()| Outcome::Nothing),
        Job::Retain => {
            sees_store(&context.config, &context.warehouse).await?;
            retain::retain(context, stop).await.map(|_| Outcome::Nothing)
        }
        Job::Deliver => deliver::deliver_due(context, stop)
            .await
            .map(|pass| Outcome::Outage(pass.outage.is_some())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::learn;
    use crate::clock::Clock;
    use crate::warehouse::Access;

    /// The work of an office that wants a report every first of July.
    async fn work(folder: &std::path::Path, now: DateTime<Utc>) -> Work {
        let main = "[authority]\nname = \"Управление\"\nmunicipality = \"Учебный район\"\nregion = \"Учебный край\"\n\
                    zone = \"Europe/Moscow\"\ncontact_address = \"office@uo.example\"\n\
                    [mail]\nfrom_address = \"msoko@uo.example\"\ntransport = \"file\"\n\
                    [jobs]\nreport_vpr = \"0 9 1 7 *\"\n";
        for (name, text) in [("msoko.toml", main), ("sources.toml", ""), ("recipients.toml", "")] {
            std::fs::write(folder.join(name), text).expect("written");
        }
        let knowledge = learn(&folder.join("msoko.toml")).expect("a valid configuration");
        let clock = Clock::fixed(now, knowledge.config.authority.zone);
        let context = knowledge
            .open(clock, Access::Hold, "test")
            .await
            .expect("a new warehouse");
        Work::new(Arc::new(context), Stop::default())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[tokio::test]
    async fn a_report_asked_for_in_february_is_written_in_july() {
        let folder = tempfile::tempdir().expect("a folder");
        let work = work(folder.path(), at("2026-02-02T09:00:00+03:00")).await;
        for (moment, expected) in [
            ("2026-02-02T09:00:00+03:00", false),
            ("2026-02-03T09:00:00+03:00", false),
            ("2026-06-30T09:00:00+03:00", false),
            ("2026-07-01T09:00:00+03:00", true),
        ] {
            let records = work.context.warehouse.source_records().await.expect("readable");
            let due = match record_of(&records, report::JOB) {
                None => {
                    note_report(&work.context, at(moment)).await.expect("noted");
                    false
                }
                Some(_) => report_due(&work.context, &records, at(moment)),
            };
            assert_eq!(due, expected, "{moment}");
        }
    }

    #[tokio::test]
    async fn old_things_go_once_a_night_and_a_missed_night_is_caught_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut work = work(folder.path(), at("2026-02-02T09:00:00+03:00")).await;
        let due = async |work: &mut Work, moment: &str| {
            work.context.clock.set(at(moment));
            let records = work.context.warehouse.source_records().await.expect("readable");
            retain_due(&work.context, &records, at(moment))
        };
        assert!(due(&mut work, "2026-02-02T09:00:00+03:00").await, "never done");
        let gone = retain::retain(&work.context, &Stop::default()).await.expect("done");
        assert_eq!(gone.len(), 5);
        assert!(!due(&mut work, "2026-02-02T23:00:00+03:00").await);
        assert!(!due(&mut work, "2026-02-03T03:29:00+03:00").await);
        assert!(due(&mut work, "2026-02-03T03:30:00+03:00").await);
        assert!(
            due(&mut work, "2026-02-05T02:00:00+03:00").await,
            "the nights before were missed"
        );
        let asked = Stop::default();
        asked.ask();
        let ended = retain::retain(&work.context, &asked).await.expect_err("asked to stop");
        assert_eq!(ended.code(), "MSK-RUN-11");
        assert!(due(&mut work, "2026-02-05T02:00:00+03:00").await, "not done");
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_does_not_stop_the_letters() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = at("2026-02-02T09:00:00+03:00");
        let work = work(folder.path(), now).await;
        let warehouse = &work.context.warehouse;
        for (noted, due) in [
            ("2029-01-09T09:00:00+03:00", true),
            ("2026-02-02T08:45:00+03:00", false),
        ] {
            let outcome = PullOutcome::Well { rows: None };
            warehouse
                .source_finished(remind::JOB, outcome, None, at(noted))
                .await
                .expect("noted");
            let records = warehouse.source_records().await.expect("readable");
            assert_eq!(letters_due(&work.context, &records, now), due, "{noted}");
        }
    }

    #[test]
    fn a_run_that_a_kill_cut_off_is_made_up_for_after_minutes_not_after_the_cadence() {
        let moment = |hour: i64| DateTime::from_timestamp(1_770_000_000 + hour * 3600, 0).expect("a moment");
        let mut record = SourceRecord {
            source: "sites".to_owned(),
            last_started: Some(moment(0)),
            last_finished: None,
            last_success: None,
            failing_since: None,
            failures: 0,
            next_due: None,
            node: String::new(),
            rows: 0,
            quarantined: 0,
            problem: None,
        };
        let weekly = Cadence::parse("0 2 * * 6").expect("a cadence");
        let zone = chrono_tz::Europe::Moscow;
        let verdict = |record: &SourceRecord| due(&weekly, "sites", &runs_of(Some(record)), moment(1), zone);
        assert_eq!(verdict(&record), Due::Now, "never ended");
        record.last_finished = Some(moment(-100));
        assert_eq!(verdict(&record), Due::Now, "ended the time before only");
        record.last_started = Some(moment(1));
        assert!(matches!(verdict(&record), Due::At(at) if at > moment(1)), "at once");
        record.last_finished = Some(moment(1));
        assert!(matches!(verdict(&record), Due::At(at) if at > moment(10)), "ended well");
    }
}
