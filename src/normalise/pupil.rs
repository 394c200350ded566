//! One row about a pupil → a participant, alive only until the fold. A total that differs from its tasks is the
//! fold's to report: both numbers go there.

use std::collections::HashMap;
use std::sync::Arc;

use super::keys::{Key, slot};
use super::value::shorten;
use super::{Outcome, Places, position};
use crate::domain::participant::{Attendance, Participant, Task, TaskResult, Work};
use crate::domain::subjects::fold_text;
use crate::domain::value::Value;
use crate::manifest::{Connector, ParticipantRule};
use crate::message::Problem;
use crate::table::{Cell, Row};

/// Highest points of one task: the longest real one gives 30.
const MAX_POINTS: i64 = 100;
/// Highest total: the longest real work gives 90.
const MAX_TOTAL: i64 = 1000;

/// The rule with its columns looked up.
#[derive(Debug)]
pub(super) struct Pupils {
    code: Option<usize>,
    variant: Option<usize>,
    total: Option<usize>,
    mark: Option<usize>,
    journal: Option<usize>,
    test_score: Option<usize>,
    sex: Option<usize>,
    category: Option<usize>,
    uploaded_at: Option<usize>,
    absent: Vec<String>,
    skipped: Vec<String>,
    not_taught: Vec<String>,
    works: HashMap<WorkKey, Arc<Work>>,
    /// The work before: rows of one work often follow one another.
    last: Option<(Option<String>, Arc<Work>)>,
}

/// Round, subject, grade, sheet.
type WorkKey = (Arc<str>, Arc<str>, Option<u8>, Option<String>);

impl Pupils {
    pub(super) fn new(connector: &Connector, rule: &ParticipantRule) -> Self {
        let at = |name: &Option<String>| slot(connector, name.as_deref()?);
        let fold = |words: &[String]| words.iter().map(|word| fold_text(word)).collect();
        Self {
            code: at(&rule.code),
            variant: at(&rule.variant),
            total: at(&rule.total),
            mark: at(&rule.mark),
            journal: at(&rule.journal),
            test_score: at(&rule.test_score),
            sex: at(&rule.sex),
            category: at(&rule.category),
            uploaded_at: at(&rule.uploaded_at),
            absent: fold(&rule.absent),
            skipped: fold(&rule.skipped),
            not_taught: fold(&rule.not_taught),
            works: HashMap::new(),
            last: None,
        }
    }

    pub(super) fn row(
        &mut self,
        key: &Key,
        values: &[Option<Value>],
        row: &Row,
        places: &Places<'_>,
        outcome: &mut Outcome,
    ) {
        match self.participant(key, values, row, places) {
            Ok(participant) => outcome.participant = Some(participant),
            Err((cell, slot, problem)) => {
                let mut quarantined = places.quarantine(slot, problem, row);
                if let Some(cell) = cell {
                    quarantined.problem = quarantined.problem.at(places.of_cell(cell));
                    quarantined.column = places.binding.headers.get(cell).cloned();
                }
                quarantined.unit = Some(Arc::clone(&key.unit));
                outcome.quarantined.push(quarantined);
            }
        }
    }

    fn participant(
        &mut self,
        key: &Key,
        values: &[Option<Value>],
        row: &Row,
        places: &Places<'_>,
    ) -> Result<Participant, (Option<usize>, Option<usize>, Problem)> {
        let text = |slot: Option<usize>| slot.and_then(|slot| values[slot].as_ref()).map(|value| value.text());
        let within = |slot: Option<usize>, top: i64| {
            let number = slot.and_then(|slot| values[slot].as_ref()).and_then(Value::number)?;
            (number.scale == 0 && (0..=top).contains(&number.units)).then_some(number.units)
        };
        let Some(subject) = &key.subject else {
            return Err((None, None, Problem::new("MSK-NRM-02").arg("column", "subject")));
        };
        let mut tasks = Vec::with_capacity(places.binding.tasks.len());
        for task in &places.binding.tasks {
            let cell = row.cells.get(task.cell).unwrap_or(&Cell::Empty);
            tasks.push(
                self.task(cell, task.max)
                    .map_err(|problem| (Some(task.cell), None, problem))?,
            );
        }
        let absent = text(self.variant).is_some_and(|word| self.absent.contains(&fold_text(&word)));
        let total = within(self.total, MAX_TOTAL);
        let test_score = within(self.test_score, 100);
        let mark = within(self.mark, 5).filter(|mark| *mark >= 2);
        let answered = tasks.iter().any(|task| *task != TaskResult::Blank);
        if !absent && !answered && total.is_none() && test_score.is_none() && mark.is_none() {
            return Err((None, None, Problem::new("MSK-NRM-15")));
        }
        let mark_of = |mark: i64| u8::try_from(mark).unwrap_or_default();
        let points = |points: i64| u16::try_from(points).unwrap_or_default();
        Ok(Participant {
            work: self.work(key, subject, places),
            unit: Arc::clone(&key.unit),
            row: row.number,
            code: text(self.code).map(std::borrow::Cow::into_owned),
            uploaded_at: match self.uploaded_at.and_then(|slot| values[slot].as_ref()) {
                Some(Value::Moment(moment)) => Some(*moment),
                _ => None,
            },
            attendance: if absent { Attendance::Absent } else { Attendance::Took },
            tasks,
            total: total.map(points),
            mark: mark.map(mark_of),
            journal: within(self.journal, 5).filter(|mark| *mark >= 2).map(mark_of),
            test_score: test_score.map(points),
            sex: text(self.sex).and_then(|word| match fold_text(&word).as_str() {
                "м" => Some("m"),
                "ж" => Some("f"),
                _ => None,
            }),
            category: text(self.category).map(|word| Arc::from(word.as_ref())),
        })
    }

    fn task(&self, cell: &Cell, max: Option<u16>) -> Result<TaskResult, Problem> {
        if cell.is_blank() {
            return Ok(TaskResult::Blank);
        }
        if let Cell::Broken(why) = cell {
            return Err(Problem::new("MSK-NRM-10").arg("column", "задание").arg("why", why));
        }
        let text = cell.text();
        let limit = max.map_or(MAX_POINTS, i64::from);
        match text.parse::<i64>() {
            Ok(points) if (0..=limit).contains(&points) => {
                return Ok(TaskResult::Points(u16::try_from(points).unwrap_or_default()));
            }
            Ok(points) => return Err(Problem::new("MSK-NRM-14").arg("found", points).arg("max", limit)),
            Err(_) => {}
        }
        let word = fold_text(&text);
        if self.skipped.contains(&word) {
            Ok(TaskResult::Skipped)
        } else if self.not_taught.contains(&word) {
            Ok(TaskResult::NotTaught)
        } else {
            Err(Problem::new("MSK-NRM-14")
                .arg("found", shorten(&text))
                .arg("max", limit))
        }
    }

    fn work(&mut self, key: &Key, subject: &Arc<str>, places: &Places<'_>) -> Arc<Work> {
        if let Some((sheet, last)) = &self.last
            && Arc::ptr_eq(&last.round, &key.round)
            && Arc::ptr_eq(&last.subject, subject)
            && last.grade == key.grade
            && *sheet == places.table.sheet
        {
            return Arc::clone(last);
        }
        let sheet = places.table.sheet.clone();
        let id = (Arc::clone(&key.round), Arc::clone(subject), key.grade, sheet.clone());
        if let Some(known) = self.works.get(&id) {
            self.last = Some((sheet, Arc::clone(known)));
            return Arc::clone(known);
        }
        let tasks = places.binding.tasks.iter().map(|task| Task {
            label: task.label.clone(),
            max: task.max,
            column: position(task.cell),
        });
        let named = [
            ("total", self.total),
            ("mark", self.mark),
            ("journal", self.journal),
            ("test_score", self.test_score),
            ("variant", self.variant),
        ];
        let columns = named.into_iter().filter_map(|(name, slot)| {
            let cell = slot.and_then(|slot| places.binding.columns[slot])?;
            Some((name, position(cell), places.binding.headers[cell].clone()))
        });
        let work = Arc::new(Work {
            procedure: key.procedure,
            round: Arc::clone(&key.round),
            subject: Arc::clone(subject),
            grade: key.grade,
            sheet: sheet.as_deref().map(Arc::from),
            tasks: tasks.collect(),
            columns: columns.collect(),
        });
        self.works.insert(id, Arc::clone(&work));
        work
    }
}
