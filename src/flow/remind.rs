//! deadlines → letters → outbox: the weekly digest and single reminders.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::context::Context;
use super::deliver::{enqueue, keep_first};
use crate::config::{LetterKind, Recipient};
use crate::deadlines::{self, Request, Stage, digest_due, stage, stage_since};
use crate::domain::letter::{Attachment, Letter};
use crate::domain::number::{NBSP, date_long, date_short};
use crate::domain::roadmap::Deadline;
use crate::domain::text::after_colon;
use crate::domain::unit::{Register, UnitId};
use crate::domain::vocabulary::{DeadlineState, UnitKind};
use crate::letters::digest::{Change, Digest};
use crate::letters::reminder::{self, Reminder};
use crate::letters::{Frame, Left, Office, Term};
use crate::message::{Problem, Problems};
use crate::paper::{Entry, ics};
use crate::warehouse::outbox::AlertMark;
use crate::warehouse::sources::PullOutcome;

/// Name under which the warehouse remembers when letters were last written.
pub const JOB: &str = "jobs/letters";

/// Cause of the mark of a weekly digest.
const DIGEST: &str = "digest";

/// Working days of the section «ближайшие».
const NEAR_DAYS: i32 = 7;

/// Deadlines that become calendar entries of one digest.
const MAX_ENTRIES: usize = 60;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Digests queued.
    pub digests: u64,
    /// Reminders queued.
    pub reminders: u64,
}

/// All deadlines as of today with their states.
pub struct Board {
    /// The day.
    pub today: NaiveDate,
    /// Deadlines by date, those without a date last.
    pub deadlines: Vec<Deadline>,
    /// Phrases and roadmaps a person has to look at.
    pub problems: Problems,
    /// Units, for titles.
    pub register: Register,
}

/// Puts the roadmaps, the evidence and the calendar together.
///
/// # Errors
/// When the warehouse refuses.
pub async fn board(context: &Context) -> Result<Board, Problem> {
    let register = context.warehouse.register().await?;
    let units: Vec<UnitId> = register
        .units()
        .iter()
        .filter(|unit| {
            matches!(
                unit.kind,
                UnitKind::General | UnitKind::Preschool | UnitKind::Additional
            )
        })
        .map(|unit| unit.id.clone())
        .collect();
    let evidence = context.warehouse.evidence().await?;
    let done: BTreeMap<String, String> = evidence
        .into_iter()
        .map(|(id, evidence)| (id, evidence.document))
        .collect();
    let today = context.clock.today();
    let (deadlines, problems) = deadlines::deadlines(&Request {
        roadmaps: &context.roadmaps,
        today,
        calendar: &context.calendar,
        units: &units,
        done: &done,
        known: &context.known,
    });
    Ok(Board {
        today,
        deadlines,
        problems,
        register,
    })
}

/// Writes the deadline letters of the day: at most one per recipient. Nothing on a day off.
///
/// # Errors
/// The first of what templates, addresses or the warehouse refuse; the other recipients have their letters.
pub async fn write_letters(context: &Context) -> Result<Written, Problem> {
    let board = board(context).await?;
    let mut written = Written::default();
    if !context.calendar.is_working(board.today) {
        return Ok(written);
    }
    let scribe = Scribe::new(context, &board).await?;
    let mut refused = None;
    for recipient in &context.config.recipients {
        match scribe.write(recipient).await {
            Ok(new) => {
                written.digests += new.digests;
                written.reminders += new.reminders;
            }
            Err(problem) => keep_first(&mut refused, problem),
        }
    }
    if let Some(problem) = refused {
        return Err(problem);
    }
    let now = context.clock.now();
    context.warehouse.source_started(JOB, None, now).await?;
    let outcome = PullOutcome::Well { rows: None };
    context.warehouse.source_finished(JOB, outcome, None, now).await?;
    Ok(written)
}

/// Writes the letters of one day.
struct Scribe<'a> {
    context: &'a Context,
    board: &'a Board,
    office: Office,
    marks: HashSet<AlertMark>,
    /// Day of the last pass; stages since then are caught up once.
    last: NaiveDate,
    closed: Vec<Closed>,
}

/// A deadline that a document closed.
struct Closed {
    unit: Option<UnitId>,
    roadmap: u32,
    at: DateTime<Utc>,
    change: Change,
}

impl<'a> Scribe<'a> {
    async fn new(context: &'a Context, board: &'a Board) -> Result<Self, Problem> {
        let causes: Vec<String> = board.deadlines.iter().map(|deadline| deadline.id.clone()).collect();
        let marks = context.warehouse.alert_marks(&causes).await?;
        let records = context.warehouse.source_records().await?;
        let yesterday = board.today.pred_opt().unwrap_or(board.today);
        let last = records
            .iter()
            .find(|record| record.source == JOB)
            .and_then(|record| record.last_success)
            .map_or(yesterday, |moment| moment.with_timezone(&context.zone()).date_naive());
        let closed = closed(context, board).await?;
        Ok(Self {
            context,
            board,
            office: context.office(),
            marks,
            last,
            closed,
        })
    }

    async fn write(&self, recipient: &Recipient) -> Result<Written, Problem> {
        let last_digest = self.last_digest(recipient).await?;
        let Some((letter, marks)) = self.letter_for(recipient, last_digest)? else {
            return Ok(Written::default());
        };
        let queued = enqueue(self.context, std::slice::from_ref(&letter), marks).await?;
        let (digests, reminders) = if letter.kind == "digest" {
            (queued, 0)
        } else {
            (0, queued)
        };
        Ok(Written { digests, reminders })
    }

    fn letter_for(
        &self,
        recipient: &Recipient,
        last_digest: Option<DateTime<Utc>>,
    ) -> Result<Option<(Letter, Vec<AlertMark>)>, Problem> {
        let mine = self.deadlines_of(recipient);
        let last_day = last_digest.map(|at| at.with_timezone(&self.context.zone()).date_naive());
        if recipient.wants(LetterKind::Digest) && digest_due(last_day, self.board.today, &self.context.calendar) {
            let since = last_digest.unwrap_or_else(|| self.context.clock.now() - TimeDelta::days(7));
            return self.digest(recipient, &mine, since);
        }
        if recipient.wants(LetterKind::Reminder) {
            return self.reminders(recipient, &mine);
        }
        Ok(None)
    }

    /// When the last weekly digest of a recipient was written. What a clock that was wrong dated ahead does not count.
    async fn last_digest(&self, recipient: &Recipient) -> Result<Option<DateTime<Utc>>, Problem> {
        let (warehouse, now) = (&self.context.warehouse, self.context.clock.now());
        let marks = warehouse.marks_of(DIGEST, &recipient.mailbox.address).await?;
        let unit = recipient.unit.as_ref().map(|unit| unit.0.as_str());
        let mine = marks.into_iter().filter(|(mark, at)| {
            let of = mark.stage.split_once('#').map(|(_, unit)| unit);
            mark.cause == DIGEST && of == unit && *at <= now
        });
        Ok(mine.map(|(_, at)| at).max())
    }

    /// Deadlines a recipient follows. Rows about every organisation come to the office once, to a head for its own.
    fn deadlines_of(&self, recipient: &Recipient) -> Vec<&'a Deadline> {
        let mut seen = BTreeSet::new();
        self.board
            .deadlines
            .iter()
            .filter(|deadline| recipient.follows(deadline.roadmap))
            .filter(|deadline| match (&recipient.unit, &deadline.unit) {
                (Some(mine), Some(theirs)) => mine == theirs,
                (Some(_), None) => false,
                (None, Some(_)) => seen.insert((
                    deadline.roadmap,
                    deadline.number.clone(),
                    deadline.date,
                    deadline.state.as_str(),
                )),
                (None, None) => true,
            })
            .collect()
    }

    fn digest(
        &self,
        recipient: &Recipient,
        mine: &[&Deadline],
        since: DateTime<Utc>,
    ) -> Result<Option<(Letter, Vec<AlertMark>)>, Problem> {
        let day = self.digest_stage(recipient);
        let key = format!("{DIGEST}/{day}/{}", recipient.mailbox.address);
        let mut digest = self.sections(recipient, &key, mine);
        digest.changed = self.changed_for(recipient, since);
        let mut marks = vec![self.mark(DIGEST, &day, recipient, &key)];
        for deadline in mine {
            if let Some(stage) = self.stage_of(deadline) {
                marks.push(self.mark(&deadline.id, &stage.to_string(), recipient, &key));
            }
        }
        Ok(digest.render()?.map(|letter| (letter, marks)))
    }

    /// On other days one due stage is a reminder, several together are one short digest.
    fn reminders(
        &self,
        recipient: &Recipient,
        mine: &[&Deadline],
    ) -> Result<Option<(Letter, Vec<AlertMark>)>, Problem> {
        let due: Vec<(&Deadline, Stage)> = mine
            .iter()
            .filter_map(|deadline| Some((*deadline, self.stage_of(deadline)?)))
            .filter(|(deadline, stage)| !self.is_marked(&deadline.id, &stage.to_string(), recipient))
            .collect();
        let (key, letter) = match due.as_slice() {
            [] => return Ok(None),
            [(deadline, stage)] => {
                let key = format!("reminder/{}/{stage}/{}", deadline.id, recipient.mailbox.address);
                let letter = self.reminder(recipient, &key, deadline, *stage).render()?;
                (key, letter)
            }
            several => {
                let key = format!(
                    "{DIGEST}/{}/{}",
                    self.digest_stage(recipient),
                    recipient.mailbox.address
                );
                let rows: Vec<&Deadline> = several.iter().map(|(deadline, _)| *deadline).collect();
                let Some(letter) = self.sections(recipient, &key, &rows).render()? else {
                    return Ok(None);
                };
                (key, letter)
            }
        };
        let marks = due
            .iter()
            .map(|(deadline, stage)| self.mark(&deadline.id, &stage.to_string(), recipient, &key))
            .collect();
        Ok(Some((letter, marks)))
    }

    fn sections(&self, recipient: &Recipient, key: &str, mine: &[&Deadline]) -> Digest<'_> {
        let today = self.board.today;
        let near = self.context.calendar.add_working_days(today, NEAR_DAYS);
        let mut digest = Digest {
            frame: self.frame(recipient, key, Vec::new()),
            overdue: Vec::new(),
            today: Vec::new(),
            next: Vec::new(),
            next_until: near,
            later: Vec::new(),
            unclear: Vec::new(),
            changed: Vec::new(),
            quiet: 0,
        };
        let mut dated = Vec::new();
        for deadline in mine {
            let term = self.term(recipient, deadline);
            match (deadline.state, deadline.date) {
                (DeadlineState::Done | DeadlineState::NotApplicable, _) => continue,
                (DeadlineState::Overdue, _) => digest.overdue.push(term),
                (_, None) => {
                    digest.unclear.push(term);
                    continue;
                }
                (_, Some(date)) if date == today => digest.today.push(term),
                // A term on days off has to be met by the working day before it.
                (_, Some(date)) => match deadline.last_working_day.unwrap_or(date) {
                    day if day <= near => digest.next.push(term),
                    day if (day.year(), day.month()) == (today.year(), today.month()) => digest.later.push(term),
                    // What today is a day of reminding about is named, however far it is.
                    _ if self.stage_of(deadline).is_some() => digest.later.push(term),
                    _ => {
                        digest.quiet += 1;
                        continue;
                    }
                },
            }
            if deadline.date.is_some_and(|date| date >= today) {
                dated.push(*deadline);
            }
        }
        dated.truncate(MAX_ENTRIES);
        digest.frame.attachments = self.calendar("sroki.ics", &dated).into_iter().collect();
        digest
    }

    fn reminder(&self, recipient: &Recipient, key: &str, deadline: &Deadline, stage: Stage) -> Reminder<'_> {
        let attachments = self.calendar("srok.ics", &[deadline]).into_iter().collect();
        let wanted = if deadline.indicator.trim().is_empty() {
            "подтвердите выполнение документом".to_owned()
        } else {
            format!("обеспечьте результат: {}", after_colon(deadline.indicator.trim()))
        };
        Reminder {
            frame: self.frame(recipient, key, attachments),
            term: self.term(recipient, deadline),
            to_do: format!("Проверьте, что сделано, и {wanted}"),
            stage: match stage {
                Stage::Before(days) => reminder::Stage::Ahead(days),
                Stage::Today => reminder::Stage::Today,
                Stage::Overdue(1) => reminder::Stage::After(1),
                Stage::Overdue(_) => reminder::Stage::Weekly,
            },
        }
    }

    fn frame(&self, recipient: &Recipient, key: &str, attachments: Vec<Attachment>) -> Frame<'_> {
        Frame {
            key: key.to_owned(),
            to: recipient.mailbox.clone(),
            office: &self.office,
            written_at: self.context.clock.local(),
            attachments,
        }
    }

    fn term(&self, recipient: &Recipient, deadline: &Deadline) -> Term {
        let calendar = &self.context.calendar;
        let today = self.board.today;
        let left = match deadline.date {
            None => Left::Unclear,
            Some(date) if date < today => Left::Overdue(calendar.working_days_after(date, today)),
            Some(date) => Left::WorkingDays(calendar.working_days_after(today, date)),
        };
        let title = |id| self.board.register.get(id).map(|unit| unit.short_title.clone());
        Term {
            deadline: deadline.clone(),
            // The office reads one row for all organisations.
            unit_title: recipient.unit.as_ref().and(deadline.unit.as_ref()).and_then(title),
            left,
        }
    }

    /// Alarms at the time of letters on the working days of the stages, as far as they lie ahead.
    fn calendar(&self, name: &str, deadlines: &[&Deadline]) -> Option<Attachment> {
        let entries: Vec<Entry> = deadlines.iter().filter_map(|deadline| self.entry(deadline)).collect();
        (!entries.is_empty()).then(|| Attachment {
            name: name.to_owned(),
            media_type: "text/calendar; charset=utf-8; method=PUBLISH".to_owned(),
            content_id: None,
            bytes: ics(&entries).into_bytes(),
        })
    }

    fn entry(&self, deadline: &Deadline) -> Option<Entry> {
        let date = deadline.date?;
        let last = deadline.last_working_day.unwrap_or(date);
        let at = self.context.config.jobs.letters_at;
        let alarms = [-5, -2, 0].into_iter().filter_map(|days| {
            let day = self.context.calendar.add_working_days(last, days);
            let moment = self
                .context
                .clock
                .at(day, chrono::Timelike::hour(&at), chrono::Timelike::minute(&at))?;
            (moment > self.context.clock.now()).then_some(moment.with_timezone(&Utc))
        });
        let host = self
            .context
            .config
            .mail
            .from
            .address
            .split('@')
            .nth(1)
            .unwrap_or("msoko");
        Some(Entry {
            uid: format!("{}@{host}", deadline.id.replace(['/', '@', '#'], "-")),
            date,
            summary: deadline.activity.clone(),
            description: format!(
                "Дорожная карта {}, пункт {}. Что считается выполнением: {}. Ответственный: {}.",
                deadline.roadmap, deadline.number, deadline.indicator, deadline.assignee
            ),
            alarms: alarms.collect(),
            written: self.board.today,
            sequence: 0,
        })
    }

    fn stage_of(&self, deadline: &Deadline) -> Option<Stage> {
        let calendar = &self.context.calendar;
        if self.last >= self.board.today {
            return stage(deadline, self.board.today, calendar);
        }
        stage_since(deadline, self.last, self.board.today, calendar)
    }

    fn changed_for(&self, recipient: &Recipient, since: DateTime<Utc>) -> Vec<Change> {
        let mine = self.closed.iter().filter(|closed| {
            closed.at > since
                && recipient.follows(closed.roadmap)
                && (recipient.unit.is_none() || recipient.unit == closed.unit)
        });
        mine.map(|closed| closed.change.clone()).collect()
    }

    /// One address may head an organisation and read for the office: each has a digest of its own.
    fn digest_stage(&self, recipient: &Recipient) -> String {
        let today = self.board.today;
        match &recipient.unit {
            Some(unit) => format!("{today}#{}", unit.0),
            None => today.to_string(),
        }
    }

    fn is_marked(&self, cause: &str, stage: &str, recipient: &Recipient) -> bool {
        self.marks
            .iter()
            .any(|mark| mark.cause == cause && mark.stage == stage && mark.recipient == recipient.mailbox.address)
    }

    fn mark(&self, cause: &str, stage: &str, recipient: &Recipient, letter: &str) -> AlertMark {
        AlertMark {
            cause: cause.to_owned(),
            stage: stage.to_owned(),
            recipient: recipient.mailbox.address.clone(),
            letter: letter.to_owned(),
        }
    }
}

async fn closed(context: &Context, board: &Board) -> Result<Vec<Closed>, Problem> {
    let evidence = context.warehouse.evidence().await?;
    let zone = context.zone();
    let closed = board.deadlines.iter().filter_map(|deadline| {
        let proof = evidence.get(&deadline.id)?;
        let day = proof.done_at.with_timezone(&zone).date_naive();
        let was = deadline
            .date
            .map_or_else(|| "без даты".to_owned(), |date| format!("срок {}", date_long(date)));
        Some(Closed {
            unit: deadline.unit.clone(),
            roadmap: deadline.roadmap,
            at: proof.done_at,
            change: Change {
                what: format!(
                    "{} (карта {}, пункт{NBSP}{})",
                    deadline.activity, deadline.roadmap, deadline.number
                ),
                was,
                now: format!("выполнено {}: {}", date_short(day), proof.document),
            },
        })
    });
    Ok(closed.collect())
}

#[cfg(test)]
mod tests {
    use super::super::samples::Desk;
    use super::*;
    use crate::domain::unit::Unit;

    const RECIPIENTS: &str = "[[recipient]]\naddress = \"first@uo.example\"\nletters = [\"digest\", \"reminder\"]\n\n\
                              [[recipient]]\naddress = \"second@uo.example\"\nletters = [\"digest\", \"reminder\"]\n";

    /// A roadmap with one activity for each term.
    fn roadmap(terms: &[&str]) -> String {
        let mut text =
            "number = 8\ndirection = \"Заявки\"\nperiod = { from = 2026-01-01, to = 2026-12-31 }\n".to_owned();
        for (number, term) in (1..).zip(terms) {
            text.push_str(&format!(
                "\n[[activity]]\nnumber = \"{number}\"\nlevel = \"activity\"\nactivity = \"Мероприятие {number}\"\n\
                 term = \"{term}\"\nindicator = \"Отчёт\"\nassignee = \"Отдел оценки\"\n"
            ));
        }
        text
    }

    async fn desk(today: &str, terms: &[&str]) -> Desk {
        Desk::open(
            today,
            &[("recipients.toml", RECIPIENTS), ("roadmaps/8.toml", &roadmap(terms))],
        )
        .await
    }

    /// Two schools.
    async fn register(desk: &Desk) {
        let unit = |number: u32| Unit {
            id: UnitId(format!("school-{number}")),
            kind: UnitKind::General,
            title: format!("МБОУ «СОШ № {number}»"),
            short_title: format!("МБОУ «СОШ № {number}»"),
            parent: None,
            branch: false,
            email: None,
            aliases: Vec::new(),
        };
        let units = vec![unit(1), unit(2)];
        desk.context
            .warehouse
            .import_units(units, desk.context.clock.now())
            .await
            .expect("imported");
    }

    #[tokio::test]
    async fn several_stages_of_the_next_month_on_one_day_are_told_in_one_letter() {
        let desk = desk("2026-01-29", &["до 28.02.2026", "до 01.03.2026", "до 20.04.2026"]).await;
        let written = write_letters(&desk.context).await.expect("written");
        assert_eq!((written.digests, written.reminders), (2, 0));
        let letter = desk.letters("first@uo.example").await.remove(0).text;
        for told in ["Мероприятие 1", "Мероприятие 2"] {
            assert!(letter.contains(told), "{letter}");
        }
        assert!(!letter.contains("Мероприятие 3"), "{letter}");
        assert_eq!(write_letters(&desk.context).await.expect("written"), Written::default());
    }

    #[tokio::test]
    async fn a_digest_names_the_far_term_whose_stage_it_takes_the_place_of() {
        // A Monday, twenty working days before the term.
        let desk = desk("2026-02-02", &["до 03.03.2026"]).await;
        assert_eq!(write_letters(&desk.context).await.expect("written").digests, 2);
        let letter = desk.letters("first@uo.example").await.remove(0).text;
        assert!(letter.contains("Мероприятие 1"), "{letter}");
    }

    #[tokio::test]
    async fn a_row_about_every_organisation_names_none_of_them_to_the_office() {
        let head = format!(
            "{RECIPIENTS}\n[[recipient]]\naddress = \"head@uo.example\"\nletters = [\"digest\"]\nunit = \"school-2\"\n"
        );
        let map = roadmap(&["1 раз в год для каждой школы"]);
        let desk = Desk::open("2026-12-28", &[("recipients.toml", &head), ("roadmaps/8.toml", &map)]).await;
        register(&desk).await;
        write_letters(&desk.context).await.expect("written");
        let office = desk.letters("first@uo.example").await.remove(0).text;
        assert!(office.contains("Мероприятие 1") && !office.contains("№ 1»"), "{office}");
        let head = desk.letters("head@uo.example").await.remove(0).text;
        assert!(head.contains("№ 2»"), "{head}");
    }

    impl Desk {
        /// Writes the letters of a day at nine o'clock.
        async fn write_on(&self, day: &str) -> Written {
            let clock = &self.context.clock;
            clock.set(clock.at(day.parse().expect("a date"), 9, 0).expect("a moment"));
            write_letters(&self.context).await.expect("written")
        }
    }

    #[tokio::test]
    async fn what_was_closed_in_the_week_stands_in_the_next_digest_once() {
        let desk = desk("2026-02-02", &["до 15.12.2026", "до 16.12.2026", "по согласованию"]).await;
        assert_eq!(desk.write_on("2026-02-02").await.digests, 2);
        let closed = desk.context.clock.now() + TimeDelta::hours(1);
        let warehouse = &desk.context.warehouse;
        warehouse
            .close_deadline("8/1@2026-12-15", "справка № 4", "test", closed)
            .await
            .expect("closed");
        assert_eq!(desk.write_on("2026-02-03").await, Written::default());
        assert_eq!(desk.write_on("2026-02-06").await, Written::default());
        assert_eq!(desk.write_on("2026-02-09").await.digests, 2);
        assert_eq!(desk.write_on("2026-02-16").await.digests, 2);
        let told: Vec<bool> = desk
            .letters("first@uo.example")
            .await
            .iter()
            .map(|letter| letter.text.contains("справка № 4"))
            .collect();
        assert_eq!(told, [false, true, false]);
    }

    #[tokio::test]
    async fn a_digest_the_service_slept_through_goes_out_later_in_the_week() {
        let desk = desk("2026-02-02", &["по согласованию"]).await;
        assert_eq!(desk.write_on("2026-02-02").await.digests, 2);
        assert_eq!(desk.write_on("2026-02-11").await.digests, 2);
        assert_eq!(desk.write_on("2026-02-12").await, Written::default());
        assert_eq!(desk.write_on("2026-02-16").await.digests, 2);
    }

    #[tokio::test]
    async fn an_address_with_two_duties_has_a_digest_for_each() {
        let head = "[[recipient]]\naddress = \"both@uo.example\"\nletters = [\"digest\"]\n\n\
                    [[recipient]]\naddress = \"both@uo.example\"\nletters = [\"digest\"]\nunit = \"school-2\"\n";
        let map = roadmap(&["1 раз в год для каждой школы"]);
        let desk = Desk::open("2026-12-28", &[("recipients.toml", head), ("roadmaps/8.toml", &map)]).await;
        register(&desk).await;
        assert_eq!(write_letters(&desk.context).await.expect("written").digests, 2);
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_written_to_costs_the_others_nothing() {
        let mut desk = desk("2026-01-29", &["до 01.03.2026"]).await;
        desk.context.config.recipients[0].mailbox.address = "отдел@школа.рф".to_owned();
        let problem = write_letters(&desk.context).await.expect_err("one of two");
        assert_eq!(problem.code(), "MSK-MAIL-01");
        assert_eq!(desk.letters("second@uo.example").await.len(), 1);
    }
}
