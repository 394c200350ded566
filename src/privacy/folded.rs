//! What the fold leaves of a pupil-level file: sufficient statistics per organisation and work (DESIGN decision 9).
//!
//! Class internal: kept in the snapshot of a folded source, never exported and never put in a letter as it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::participant::Work;
use crate::domain::place::{Place, column_letters};
use crate::domain::scale::Scales;
use crate::domain::unit::{UnitId, UnitRef, normalise_alias};
use crate::domain::vocabulary::{AliasSystem, Procedure};
use crate::message::{Problem, Problems};

/// Places named before «…»: an organisation spread over more sheets than this is one sheet a class.
const PLACES: usize = 3;

/// Scores of one kind of participant: key of the joint table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Score {
    pub(super) primary: Option<u16>,
    pub(super) mark: Option<u8>,
    pub(super) journal: Option<u8>,
    pub(super) test: Option<u16>,
}

/// Results of one task by participants of one primary score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TaskTally {
    pub(super) points: u64,
    pub(super) answered: u64,
    pub(super) skipped: u64,
    pub(super) not_taught: u64,
    pub(super) blank: u64,
}

/// A part of the participants, by sex or by category, with their outcome. The exact score is kept only where the
/// file has no mark, because a mark or a band is derived from it later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Side {
    pub(super) kind: String,
    pub(super) value: String,
    pub(super) mark: Option<u8>,
    pub(super) primary: Option<u16>,
    pub(super) test: Option<u16>,
}

/// Rows of one organisation in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) count: u64,
}

/// Statistics of one organisation and work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) unit: Arc<UnitRef>,
    pub(super) procedure: Procedure,
    pub(super) round: Arc<str>,
    pub(super) subject: Arc<str>,
    pub(super) grade: Option<u8>,
    /// Index of the work in [`Folded::works`] → rows.
    pub(super) spans: BTreeMap<usize, Span>,
    pub(super) participants: u64,
    pub(super) absent: u64,
    pub(super) excluded: BTreeMap<String, u64>,
    pub(super) repeated: u64,
    /// Rows whose total in the file differs from the sum of their tasks.
    pub(super) totals_differ: u64,
    /// Sum of the totals as the file has them.
    pub(super) total_given: u64,
    pub(super) scores: BTreeMap<Score, u64>,
    pub(super) tasks: BTreeMap<String, BTreeMap<Option<u16>, TaskTally>>,
    pub(super) sides: BTreeMap<Side, u64>,
}

/// A folded file. Equal inputs give equal values, whatever the order of their rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    pub(super) works: Vec<Work>,
    pub(super) groups: Vec<Group>,
}

impl Folded {
    /// Organisations and works, in a fixed order.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Rows of the file behind the statistics, repeated uploads included.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(Group::rows).sum()
    }

    /// Puts the own id to every unit that `find` knows, and adds up what turns out to be one unit under two names.
    /// Call it before [`Folded::observations`]; a snapshot is written as the file names its units.
    pub fn recognise(&mut self, find: impl Fn(&UnitRef) -> Option<UnitId>) {
        for group in &mut self.groups {
            if let Some(id) = find(&group.unit) {
                Arc::make_mut(&mut group.unit).id = Some(id);
            }
        }
        let mut merged: BTreeMap<_, Group> = BTreeMap::new();
        for group in self.groups.drain(..) {
            let key = (
                identity(&group.unit),
                Arc::clone(&group.round),
                Arc::clone(&group.subject),
                group.grade,
            );
            match merged.get_mut(&key) {
                Some(known) => known.absorb(group),
                None => drop(merged.insert(key, group)),
            }
        }
        self.groups = merged.into_values().collect();
    }

    /// What people should know about the file: totals that differ, repeated uploads, missing scales and minimums.
    #[must_use]
    pub fn problems(&self, scales: &Scales) -> Problems {
        let mut problems = Vec::new();
        for group in &self.groups {
            let place = group.place(&self.works, Column::Named("total"));
            if group.totals_differ > 0 {
                problems.push(
                    group
                        .about("MSK-PRV-13")
                        .arg("count", group.totals_differ)
                        .arg("given", group.total_given)
                        .arg("recomputed", group.score_sum())
                        .at(place.clone()),
                );
            }
            if group.repeated > 0 {
                problems.push(group.about("MSK-PRV-14").arg("count", group.repeated).at(place));
            }
        }
        let mut missing: BTreeMap<(&'static str, &str, &str, Option<u8>), ()> = BTreeMap::new();
        for group in &self.groups {
            if group.needs_scale() && scales.scale(&group.round, &group.subject, group.grade).is_none() {
                missing.insert(("MSK-PRV-15", &group.round, &group.subject, group.grade), ());
            }
            if group.has_test_scores() && scales.minimum(&group.round, &group.subject).is_none() {
                missing.insert(("MSK-PRV-16", &group.round, &group.subject, group.grade), ());
            }
        }
        problems.extend(missing.into_keys().map(|(code, round, subject, grade)| {
            Problem::new(code)
                .arg("round", round)
                .arg("subject", subject)
                .arg("grade", grade.map_or_else(|| "—".to_owned(), |grade| grade.to_string()))
        }));
        problems
    }
}

/// Columns a folded number can point to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'c> {
    /// `total`, `mark`, `journal` or `test_score`; where the file has none, the scores stand for it.
    Named(&'c str),
    /// One task.
    Task(&'c str),
    /// The primary score: all tasks, or the total where there are none.
    Primary,
}

impl Group {
    pub(super) fn new(unit: Arc<UnitRef>, work: &Work) -> Self {
        Self {
            unit,
            procedure: work.procedure,
            round: Arc::clone(&work.round),
            subject: Arc::clone(&work.subject),
            grade: work.grade,
            spans: BTreeMap::new(),
            participants: 0,
            absent: 0,
            excluded: BTreeMap::new(),
            repeated: 0,
            totals_differ: 0,
            total_given: 0,
            scores: BTreeMap::new(),
            tasks: BTreeMap::new(),
            sides: BTreeMap::new(),
        }
    }

    /// The organisation as the file names it.
    #[must_use]
    pub fn unit(&self) -> &Arc<UnitRef> {
        &self.unit
    }

    /// Rows of the file behind the group, repeated uploads included.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.participants + self.absent + self.excluded.values().sum::<u64>() + self.repeated
    }

    /// Sum of the primary scores.
    #[must_use]
    pub fn score_sum(&self) -> u64 {
        self.scores
            .iter()
            .map(|(score, count)| u64::from(score.primary.unwrap_or(0)) * count)
            .sum()
    }

    pub(super) fn has_test_scores(&self) -> bool {
        self.scores.keys().any(|score| score.test.is_some())
    }

    fn needs_scale(&self) -> bool {
        self.scores
            .keys()
            .any(|score| score.mark.is_none() && score.test.is_none() && score.primary.is_some())
    }

    fn about(&self, code: &'static str) -> Problem {
        Problem::new(code)
            .arg("unit", shown(&self.unit))
            .arg("subject", &self.subject)
            .arg(
                "grade",
                self.grade.map_or_else(|| "—".to_owned(), |grade| grade.to_string()),
            )
    }

    fn absorb(&mut self, other: Self) {
        for (work, span) in other.spans {
            let known = self.spans.entry(work).or_insert(Span { count: 0, ..span });
            known.first = known.first.min(span.first);
            known.last = known.last.max(span.last);
            known.count += span.count;
        }
        self.participants += other.participants;
        self.absent += other.absent;
        self.repeated += other.repeated;
        self.totals_differ += other.totals_differ;
        self.total_given += other.total_given;
        for (reason, count) in other.excluded {
            *self.excluded.entry(reason).or_default() += count;
        }
        for (score, count) in other.scores {
            *self.scores.entry(score).or_default() += count;
        }
        for (side, count) in other.sides {
            *self.sides.entry(side).or_default() += count;
        }
        for (label, by_primary) in other.tasks {
            let known = self.tasks.entry(label).or_default();
            for (primary, tally) in by_primary {
                known.entry(primary).or_default().add(tally);
            }
        }
    }

    /// Rows of the group and the column of a number, as a person finds them in the file.
    pub(super) fn place(&self, works: &[Work], column: Column<'_>) -> Place {
        let mut text = String::new();
        let known = self
            .spans
            .iter()
            .filter_map(|(work, span)| Some((works.get(*work)?, span)));
        for (number, (work, span)) in known.enumerate() {
            if number == PLACES {
                text.push_str("; …");
                break;
            }
            if number > 0 {
                text.push_str("; ");
            }
            text.push_str(&span_place(work, *span, column));
        }
        Place::path(text)
    }
}

impl TaskTally {
    pub(super) fn add(&mut self, other: Self) {
        self.points += other.points;
        self.answered += other.answered;
        self.skipped += other.skipped;
        self.not_taught += other.not_taught;
        self.blank += other.blank;
    }
}

fn span_place(work: &Work, span: Span, column: Column<'_>) -> String {
    let (first, last) = column_range(work, column);
    let mut place = match (&work.sheet, first, last) {
        (Some(sheet), Some((from, _)), Some((to, _))) if from != to => format!(
            "{sheet}!{}{}:{}{}",
            column_letters(from),
            span.first,
            column_letters(to),
            span.last
        ),
        (Some(sheet), Some((from, _)), _) => Place::cells(sheet, span.first, span.last, from).to_string(),
        (Some(sheet), None, _) => format!("{sheet}!{}:{}", span.first, span.last),
        (None, Some((from, header)), Some((to, end))) if from != to => {
            format!("строки {}–{}, столбцы «{header}» – «{end}»", span.first, span.last)
        }
        (None, Some((_, header)), _) => Place::fields(span.first, span.last, header).to_string(),
        (None, None, _) => format!("строки {}–{}", span.first, span.last),
    };
    if u64::from(span.last - span.first) + 1 != span.count {
        place.push_str(&format!(" (строк: {})", span.count));
    }
    place
}

type At<'w> = Option<(u32, &'w str)>;

fn column_range<'w>(work: &'w Work, column: Column<'_>) -> (At<'w>, At<'w>) {
    let named = |name: &str| {
        work.columns
            .iter()
            .find(|(known, _, _)| *known == name)
            .map(|(_, position, header)| (*position, header.as_str()))
    };
    let scores = || {
        let tasks = || work.tasks.iter().map(|task| (task.column, task.label.as_str()));
        match (tasks().min(), tasks().max()) {
            (None, _) => (named("total").or_else(|| named("test_score")), None),
            range => range,
        }
    };
    match column {
        Column::Primary => scores(),
        Column::Named(name) => named(name).map_or_else(scores, |found| (Some(found), None)),
        Column::Task(label) => {
            let task = work.tasks.iter().find(|task| task.label == label);
            (task.map(|task| (task.column, task.label.as_str())), None)
        }
    }
}

/// The strongest name of a unit: one organisation in one file is one group, however its title is spelt.
pub(super) fn identity(unit: &UnitRef) -> (u8, String) {
    let alias = |system, value: &String| normalise_alias(system, value);
    if let Some(id) = &unit.id {
        return (0, id.0.clone());
    }
    [
        (AliasSystem::FisOko, &unit.login),
        (AliasSystem::Ogrn, &unit.ogrn),
        (AliasSystem::Inn, &unit.inn),
        (AliasSystem::RcoiOge, &unit.code),
        (AliasSystem::Site, &unit.site),
        (AliasSystem::Title, &unit.name),
    ]
    .into_iter()
    .zip(1..)
    .find_map(|((system, value), rank)| {
        let value = value.as_ref().filter(|value| !value.trim().is_empty())?;
        Some((rank, alias(system, value)))
    })
    .unwrap_or_default()
}

fn shown(unit: &UnitRef) -> String {
    [&unit.name, &unit.login, &unit.code, &unit.ogrn, &unit.inn]
        .into_iter()
        .flatten()
        .map(|text| text.trim())
        .find(|text| !text.is_empty())
        .unwrap_or("—")
        .to_owned()
}
