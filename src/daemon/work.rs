//! What is due and what is running.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};
use tokio::task::{Id, JoinSet};

use crate::config::Source;
use crate::domain::number::{Forms, agree, date_short};
use crate::domain::vocabulary::{DeadlineState, SourceState};
use crate::failpoint;
use crate::flow::context::{Context, Stop};
use crate::flow::pull::{Options, pull};
use crate::flow::{alert, deliver, notice, remind, report, retain, status, sums};
use crate::message::Problem;
use crate::outbox::pause_after_outages;
use crate::schedule::{Cadence, Due, Runs, due};
use crate::warehouse::sources::{PullOutcome, SourceRecord};

/// Pulls at the same time; each of them uses a reader's thread and waits for the one writer.
const PULLS_AT_ONCE: usize = 2;

/// Hour and minute at which old things go.
const RETAIN_AT: (u32, u32) = (3, 30);

/// A job of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    Pull(String),
    Letters,
    Report,
    Sums,
    Retain,
    Deliver,
}

impl Job {
    fn name(&self) -> String {
        match self {
            Self::Pull(source) => format!("pull {source}"),
            Self::Letters => "letters".to_owned(),
            Self::Report => "report".to_owned(),
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
    /// Whether old things have to go is not asked before this.
    retain_after: DateTime<Utc>,
    /// Jobs that ended with a problem of ours, how often in a row, and when they may be tried again.
    resting: HashMap<Job, (u32, DateTime<Utc>)>,
}

/// What a job says when it ends well.
enum Outcome {
    Nothing,
    /// The way letters leave is closed.
    Outage(bool),
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
            retain_after: DateTime::UNIX_EPOCH,
            resting: HashMap::new(),
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
    }

    /// Starts everything that is due.
    pub(super) async fn look(&mut self) -> Result<(), Problem> {
        let now = self.context.clock.now();
        self.context.warehouse.take_over(now).await?;
        for source in self.due_sources(now).await? {
            let pulls = self.running.iter().filter(|job| matches!(job, Job::Pull(_))).count();
            if pulls < PULLS_AT_ONCE {
                self.start(Job::Pull(source));
            }
        }
        if self.letters_due(now).await? {
            self.start(Job::Letters);
        }
        if self.report_due(now).await? {
            self.start(Job::Report);
        }
        // What a kill or a change of the register has left; a pull brings its own up to date.
        if self.context.warehouse.has_stale_sums().await? {
            self.start(Job::Sums);
        }
        if now >= self.retain_after && self.retain_due(now).await? {
            self.start(Job::Retain);
        }
        if now >= self.deliver_after && self.context.warehouse.has_due_letter(now).await? {
            self.start(Job::Deliver);
        }
        Ok(())
    }

    async fn due_sources(&self, now: DateTime<Utc>) -> Result<Vec<String>, Problem> {
        let records = self.context.warehouse.source_records().await?;
        let sources = self.context.config.sources.iter().filter(|source| source.enabled);
        let found = sources.filter(|source| is_due(&self.context, source, record_of(&records, source), now));
        Ok(found.map(|source| source.id.clone()).collect())
    }

    /// Letters are written once a working day, from the configured time on; a day the service slept through is caught
    /// up by the next one.
    async fn letters_due(&self, now: DateTime<Utc>) -> Result<bool, Problem> {
        let clock = &self.context.clock;
        let at = self.context.config.jobs.letters_at;
        let today = clock.today();
        let Some(moment) = clock.at(today, at.hour(), at.minute()) else {
            return Ok(false);
        };
        if now < moment || !self.context.calendar.is_working(today) {
            return Ok(false);
        }
        let records = self.context.warehouse.source_records().await?;
        let last = records
            .iter()
            .find(|record| record.source == remind::JOB)
            .and_then(|record| record.last_success);
        // A pass noted in the future was noted by a clock that was wrong.
        Ok(last.is_none_or(|last| last < moment || last > now))
    }

    /// Old things go once a day, at night; a night the service slept through is caught up at once.
    async fn retain_due(&mut self, now: DateTime<Utc>) -> Result<bool, Problem> {
        let clock = &self.context.clock;
        let night = |day| clock.at(day, RETAIN_AT.0, RETAIN_AT.1);
        let today = clock.today();
        let yesterday = today.pred_opt().unwrap_or(today);
        let Some(last_night) = [today, yesterday]
            .into_iter()
            .filter_map(night)
            .find(|night| *night <= now)
        else {
            return Ok(false);
        };
        let records = self.context.warehouse.source_records().await?;
        let last = records
            .iter()
            .find(|record| record.source == retain::JOB)
            .and_then(|record| record.last_success);
        let is_due = last.is_none_or(|last| last < last_night || last > now);
        if !is_due {
            self.retain_after = last_night + chrono::Duration::days(1);
        }
        Ok(is_due)
    }

    async fn report_due(&self, now: DateTime<Utc>) -> Result<bool, Problem> {
        let Some(cron) = &self.context.config.jobs.report_vpr else {
            return Ok(false);
        };
        let Ok(cadence) = Cadence::parse(&cron.value) else {
            return Ok(false);
        };
        let warehouse = &self.context.warehouse;
        let records = warehouse.source_records().await?;
        let runs = runs_of(records.iter().find(|record| record.source == report::JOB));
        if runs.last_start.is_none() {
            // A report asked for now is not late for a day that passed before.
            match warehouse.source_started(report::JOB, Some(None), now).await {
                Ok(()) => {}
                // Another node has noted it.
                Err(problem) if problem.code() == "MSK-DB-23" => return Ok(false),
                Err(problem) => return Err(problem),
            }
            let outcome = PullOutcome::Well { rows: None };
            warehouse.source_finished(report::JOB, outcome, None, now).await?;
            return Ok(false);
        }
        Ok(due(&cadence, report::JOB, &runs, now, self.context.zone()) == Due::Now)
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

    /// Waits for the next job to end. A job that failed is told to the journal; one that died ends the service.
    pub(super) async fn next_end(&mut self) -> Result<(), Problem> {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            // Nothing runs: the loop's other branches go on.
            return std::future::pending().await;
        };
        self.end(ended)
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
                    Err(problem) if problem.code() == "MSK-DB-23" => {
                        tracing::debug!(code = problem.code(), "{}: {problem}", job.name());
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

fn record_of<'r>(records: &'r [SourceRecord], source: &Source) -> Option<&'r SourceRecord> {
    records.iter().find(|record| record.source == source.id)
}

fn is_due(context: &Context, source: &Source, record: Option<&SourceRecord>, now: DateTime<Utc>) -> bool {
    let runs = runs_of(record);
    cadence(context, source).is_some_and(|cadence| due(&cadence, &source.id, &runs, now, context.zone()) == Due::Now)
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

async fn perform(context: &Arc<Context>, job: &Job, stop: &Stop) -> Result<Outcome, Problem> {
    match job {
        Job::Pull(id) => {
            if let Some(source) = context.config.sources.iter().find(|source| source.id == *id) {
                let records = context.warehouse.source_records().await?;
                let record = record_of(&records, source);
                // Another node may have pulled it since.
                if is_due(context, source, record, context.clock.now()) {
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
            let written = remind::write_letters(context).await;
            notice::write_notices(context).await?;
            written.map(|_| Outcome::Nothing)
        }
        Job::Report => report::yearly(context).await.map(|()| Outcome::Nothing),
        Job::Sums => sums::refresh(context, stop).await.map(|()| Outcome::Nothing),
        Job::Retain => retain::retain(context, stop).await.map(|_| Outcome::Nothing),
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
            assert_eq!(
                work.report_due(at(moment)).await.expect("readable"),
                expected,
                "{moment}"
            );
        }
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
            assert_eq!(work.letters_due(now).await.expect("readable"), due, "{noted}");
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
