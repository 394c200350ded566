//! The fold: participants in, sufficient statistics out.
//!
//! Takes: one [`Participant`] at a time, in any order. Gives: a [`Folded`] with counts and sums per organisation and
//! work. Never: keeps a row, a code or a name after [`Fold::finish`].
//!
//! Memory is bounded by organisations × works × distinct scores. The exception is the set of participant codes by
//! which repeated uploads are found: one entry with the row's results for each row that has a code, no larger than the
//! row's own text and bounded with it by the size limit of a folded file (64 MiB by default).

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;

use chrono::NaiveDateTime;

use super::folded::{Folded, Group, Score, Side, Span, TaskTally, identity};
use crate::domain::participant::{Attendance, Participant, TaskResult, Work};
use crate::domain::unit::UnitRef;
use crate::message::Problem;

/// Pairs of organisation and work in one file. A region has about 700 schools and 20 works; far above that the column
/// taken for the organisation names something else, and «totals» would be pupils.
pub const MAX_GROUPS: usize = 50_000;

/// Different works in one file: sheets × subjects × grades.
pub const MAX_WORKS: usize = 2_000;

/// Different categories or reasons of one kind; a column with more of them is free text.
const MAX_CATEGORIES: usize = 40;

/// Stands for all categories of a file that has too many of them.
const OTHER: &str = "прочие";

/// Stands for an exclusion without a reason in the file.
const UNNAMED: &str = "не указана";

/// Collects participants.
#[derive(Debug, Default)]
pub struct Fold {
    works: Vec<Arc<Work>>,
    groups: Vec<Gathered>,
    index: HashMap<Key, usize>,
    held: Vec<Held>,
    /// Where the row of a sealed code is held: small entries, because the table is moved each time it grows.
    codes: HashMap<u128, u32, BuildHasherDefault<AsItIs>>,
    seals: [RandomState; 2],
    last: Option<Last>,
}

type Key = ((u8, String), Arc<str>, Arc<str>, Option<u8>);

#[derive(Debug)]
struct Gathered {
    group: Group,
    named_in_row: u32,
}

/// The group and work of the row before: rows of one organisation follow one another.
#[derive(Debug)]
struct Last {
    unit: Arc<UnitRef>,
    work: Arc<Work>,
    group: usize,
    work_index: usize,
}

/// What counts of a row.
#[derive(Debug)]
struct Outcome {
    work: usize,
    row: u32,
    attendance: Attendance,
    score: Score,
    total: Option<u16>,
    sex: Option<&'static str>,
    category: Option<Arc<str>>,
    tasks: Box<[TaskResult]>,
}

/// A row that a newer upload may still replace.
#[derive(Debug)]
struct Held {
    group: usize,
    uploaded_at: Option<NaiveDateTime>,
    result: Outcome,
}

/// Hasher of sealed codes, which are keyed hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.0 ^= bytes.chunks(8).map(word).fold(0, |left, right| left ^ right);
    }

    fn write_u128(&mut self, code: u128) {
        self.0 = code as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Fold {
    /// An empty fold.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row.
    ///
    /// # Errors
    /// `MSK-PRV-12` when the rows name more organisations or works than any real file: the file is refused.
    pub fn add(&mut self, participant: Participant) -> Result<(), Problem> {
        let (group, work) = self.place(&participant)?;
        let code = participant.code.as_ref().map(|code| self.seal(group, code));
        let uploaded_at = participant.uploaded_at;
        let result = Outcome::of(participant, work);
        let Some(code) = code else {
            self.groups[group].group.take(&self.works, &result);
            return Ok(());
        };
        let fresh = Held {
            group,
            uploaded_at,
            result,
        };
        match self.codes.entry(code) {
            Entry::Vacant(free) => {
                free.insert(u32::try_from(self.held.len()).unwrap_or(u32::MAX));
                self.held.push(fresh);
            }
            Entry::Occupied(known) => {
                self.groups[group].group.repeated += 1;
                let known = &mut self.held[*known.get() as usize];
                // Without a newer upload the later row wins, so that the outcome does not depend on the order.
                let age = |held: &Held| (held.uploaded_at, held.result.row);
                if age(known) < age(&fresh) {
                    *known = fresh;
                }
            }
        }
        Ok(())
    }

    /// Drops the codes and gives the statistics.
    #[must_use]
    pub fn finish(mut self) -> Folded {
        for held in std::mem::take(&mut self.held) {
            self.groups[held.group].group.take(&self.works, &held.result);
        }
        let mut order: Vec<usize> = (0..self.works.len()).collect();
        order.sort_by_key(|work| sort_key(&self.works[*work]));
        let mut places = vec![0; order.len()];
        for (place, work) in order.iter().enumerate() {
            places[*work] = place;
        }
        let mut keyed: Vec<(Key, usize)> = self.index.into_iter().collect();
        keyed.sort();
        let mut gathered: Vec<Option<Group>> = self.groups.into_iter().map(|known| Some(known.group)).collect();
        let mut groups: Vec<Group> = keyed.into_iter().filter_map(|(_, at)| gathered[at].take()).collect();
        for group in &mut groups {
            group.spans = group.spans.iter().map(|(work, span)| (places[*work], *span)).collect();
        }
        limit_categories(&mut groups);
        Folded {
            works: order.iter().map(|work| Work::clone(&self.works[*work])).collect(),
            groups,
        }
    }

    /// A code is kept as two keyed hashes with keys of this run: 128 bits, useless to anybody afterwards.
    fn seal(&self, group: usize, code: &str) -> u128 {
        let [left, right] = &self.seals;
        u128::from(left.hash_one((group, code))) << 64 | u128::from(right.hash_one((group, code)))
    }

    fn place(&mut self, participant: &Participant) -> Result<(usize, usize), Problem> {
        if let Some(last) = &self.last
            && Arc::ptr_eq(&last.unit, &participant.unit)
            && Arc::ptr_eq(&last.work, &participant.work)
        {
            let gathered = &mut self.groups[last.group];
            if gathered.group.unit.as_ref() == participant.unit.as_ref() {
                gathered.named_in_row = gathered.named_in_row.min(participant.row);
                return Ok((last.group, last.work_index));
            }
        }
        let work_index = self.work(&participant.work)?;
        let group = self.group(participant)?;
        self.last = Some(Last {
            unit: Arc::clone(&participant.unit),
            work: Arc::clone(&participant.work),
            group,
            work_index,
        });
        Ok((group, work_index))
    }

    fn work(&mut self, work: &Arc<Work>) -> Result<usize, Problem> {
        let same = |known: &Arc<Work>| Arc::ptr_eq(known, work) || known == work;
        if let Some(known) = self.works.iter().position(same) {
            return Ok(known);
        }
        if self.works.len() == MAX_WORKS {
            return Err(Problem::new("MSK-PRV-12").arg("limit", MAX_WORKS));
        }
        self.works.push(Arc::clone(work));
        Ok(self.works.len() - 1)
    }

    fn group(&mut self, participant: &Participant) -> Result<usize, Problem> {
        let work = &participant.work;
        let key = (
            identity(&participant.unit),
            Arc::clone(&work.round),
            Arc::clone(&work.subject),
            work.grade,
        );
        if let Some(known) = self.index.get(&key) {
            let gathered = &mut self.groups[*known];
            // The spelling of the first row stands for all of them.
            if participant.row < gathered.named_in_row {
                gathered.named_in_row = participant.row;
                gathered.group.unit = Arc::clone(&participant.unit);
            }
            return Ok(*known);
        }
        if self.groups.len() == MAX_GROUPS {
            return Err(Problem::new("MSK-PRV-12").arg("limit", MAX_GROUPS));
        }
        self.groups.push(Gathered {
            group: Group::new(Arc::clone(&participant.unit), work),
            named_in_row: participant.row,
        });
        self.index.insert(key, self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }
}

impl Outcome {
    fn of(participant: Participant, work: usize) -> Self {
        let school_mark = |mark: &u8| (2..=5).contains(mark);
        Self {
            work,
            row: participant.row,
            attendance: participant.attendance,
            score: Score {
                primary: primary_score(&participant.tasks, participant.total),
                mark: participant.mark.filter(school_mark),
                journal: participant.journal.filter(school_mark),
                test: participant.test_score,
            },
            total: participant.total,
            sex: participant.sex,
            category: participant.category,
            tasks: participant.tasks.into_boxed_slice(),
        }
    }
}

/// The sum of the tasks where the row has any result of a task, else the total of the file: totals of the file differ
/// from the sums in up to 43 % of the rows of real files.
fn primary_score(tasks: &[TaskResult], total: Option<u16>) -> Option<u16> {
    if tasks.iter().all(|result| *result == TaskResult::Blank) {
        return total;
    }
    let sum: u32 = tasks
        .iter()
        .map(|result| match result {
            TaskResult::Points(points) => u32::from(*points),
            TaskResult::Skipped | TaskResult::NotTaught | TaskResult::Blank => 0,
        })
        .sum();
    Some(u16::try_from(sum).unwrap_or(u16::MAX))
}

impl Group {
    fn take(&mut self, works: &[Arc<Work>], result: &Outcome) {
        let row = result.row;
        let span = self.spans.entry(result.work).or_insert(Span {
            first: row,
            last: row,
            count: 0,
        });
        span.first = span.first.min(row);
        span.last = span.last.max(row);
        span.count += 1;
        match result.attendance {
            Attendance::Took => self.take_results(&works[result.work], result),
            Attendance::Absent => self.absent += 1,
            Attendance::Excluded => {
                let reason = result.category.as_deref().unwrap_or(UNNAMED);
                *self.excluded.entry(reason.to_owned()).or_default() += 1;
            }
        }
    }

    fn take_results(&mut self, work: &Work, result: &Outcome) {
        let score = result.score;
        self.participants += 1;
        *self.scores.entry(score).or_default() += 1;
        if let Some(total) = result.total {
            self.total_given += u64::from(total);
            self.totals_differ += u64::from(score.primary != Some(total));
        }
        for (task, outcome) in work.tasks.iter().zip(&result.tasks) {
            if !self.tasks.contains_key(&task.label) {
                self.tasks.insert(task.label.clone(), BTreeMap::new());
            }
            if let Some(by_primary) = self.tasks.get_mut(&task.label) {
                by_primary
                    .entry(score.primary)
                    .or_default()
                    .add(TaskTally::of(*outcome));
            }
        }
        let sides = [
            result.sex.map(|sex| ("sex", sex)),
            result.category.as_deref().map(|category| ("category", category)),
        ];
        for (kind, value) in sides.into_iter().flatten() {
            let side = Side {
                kind: kind.to_owned(),
                value: value.to_owned(),
                mark: score.mark,
                primary: score.primary.filter(|_| score.mark.is_none() && score.test.is_none()),
                test: score.test,
            };
            *self.sides.entry(side).or_default() += 1;
        }
    }
}

impl TaskTally {
    fn of(result: TaskResult) -> Self {
        let mut tally = Self::default();
        match result {
            TaskResult::Points(points) => {
                tally.points = u64::from(points);
                tally.answered = 1;
            }
            TaskResult::Skipped => tally.skipped = 1,
            TaskResult::NotTaught => tally.not_taught = 1,
            TaskResult::Blank => tally.blank = 1,
        }
        tally
    }
}

/// Free text in the column of categories could name a child: then no category is kept apart.
fn limit_categories(groups: &mut [Group]) {
    let categories: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| {
            let sides = group.sides.keys().filter(|side| side.kind == "category");
            sides
                .map(|side| side.value.as_str())
                .chain(group.excluded.keys().map(String::as_str))
        })
        .collect();
    if categories.len() <= MAX_CATEGORIES {
        return;
    }
    for group in groups {
        let excluded: u64 = group.excluded.values().sum();
        if excluded > 0 {
            group.excluded = BTreeMap::from([(OTHER.to_owned(), excluded)]);
        }
        for (mut side, count) in std::mem::take(&mut group.sides) {
            if side.kind == "category" {
                OTHER.clone_into(&mut side.value);
            }
            *group.sides.entry(side).or_default() += count;
        }
    }
}

/// A fixed order of works, whichever row came first.
fn sort_key(work: &Work) -> impl Ord + use<> {
    let shape = format!("{:?}{:?}", work.tasks, work.columns);
    (
        work.sheet.clone(),
        Arc::clone(&work.round),
        Arc::clone(&work.subject),
        work.grade,
        shape,
    )
}

#[cfg(test)]
mod tests;
