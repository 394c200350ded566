//! From folded statistics to observations.
//!
//! Bands of a test score (`band` of `band_count`): `0-min` below the minimum of the subject, `min-60`, `61-80`,
//! `81-100`, and `100`, which lies inside `81-100`.
//!
//! Marks and bands are given all four, zeros included: they were counted. `score_count` and `journal_count` name only
//! the scores and pairs that occur. By sex and category nothing is published: such numbers stay in the snapshot.

use std::sync::Arc;

use super::folded::{Column, Folded, Group, Score, TaskTally};
use crate::domain::observation::{Amount, Breakdown, Observation};
use crate::domain::participant::Work;
use crate::domain::scale::Scales;
use crate::domain::vocabulary::{Measure, Procedure};

impl Folded {
    /// The numbers of the file. Marks the file does not have are derived where the scale of the work is known.
    pub fn observations<'f>(&'f self, scales: &'f Scales) -> impl Iterator<Item = Observation> + 'f {
        self.groups
            .iter()
            .flat_map(|group| Publisher::new(group, &self.works, scales).all())
    }
}

/// True for a measure whose numbers, when they come from a fold, are cells of its joint table of primary score, mark
/// and journal mark (DESIGN decision 9): class internal, they never leave the warehouse.
#[must_use]
pub const fn is_internal(measure: Measure) -> bool {
    matches!(measure, Measure::ScoreCount | Measure::JournalCount)
}

struct Publisher<'f> {
    group: &'f Group,
    works: &'f [Work],
    /// Joint table with the marks of the scale filled in.
    scores: Vec<(Score, u64)>,
    minimum: Option<u16>,
    given: Vec<Observation>,
}

impl<'f> Publisher<'f> {
    fn new(group: &'f Group, works: &'f [Work], scales: &Scales) -> Self {
        let bounds = scales
            .scale(&group.round, &group.subject, group.grade)
            .map(|scale| scale.bounds);
        let marked = |score: &Score| {
            let derived = || bounds.filter(|_| score.test.is_none())?.mark(score.primary?);
            Score {
                mark: score.mark.or_else(derived),
                ..*score
            }
        };
        Self {
            group,
            works,
            scores: group
                .scores
                .iter()
                .map(|(score, count)| (marked(score), *count))
                .collect(),
            minimum: scales.minimum(&group.round, &group.subject),
            given: Vec::new(),
        }
    }

    fn all(mut self) -> Vec<Observation> {
        let (participants, absent) = (self.group.participants, self.group.absent);
        self.give(
            Measure::Participants,
            Breakdown::none(),
            participants,
            None,
            Column::Primary,
        );
        self.give(Measure::Absent, Breakdown::none(), absent, None, Column::Primary);
        self.marks();
        self.journal();
        self.primary_scores();
        self.tasks();
        self.test_scores();
        self.given
    }

    fn marks(&mut self) {
        let marked = self.count(|score| score.mark.is_some());
        if marked == 0 {
            return;
        }
        for mark in 2..=5 {
            let count = self.count(|score| score.mark == Some(mark));
            let breakdown = Breakdown::none().with("mark", mark.to_string());
            self.give(
                Measure::MarkCount,
                breakdown,
                count,
                Some(marked),
                Column::Named("mark"),
            );
        }
        let exam = matches!(self.group.procedure, Procedure::Gia9 | Procedure::Gia11);
        if exam && !self.group.has_test_scores() {
            let failed = self.count(|score| score.mark == Some(2));
            self.give(
                Measure::BelowMinimum,
                Breakdown::none(),
                failed,
                Some(marked),
                Column::Named("mark"),
            );
        }
    }

    fn journal(&mut self) {
        let both = self.count(|score| score.mark.is_some() && score.journal.is_some());
        for mark in 2..=5u8 {
            for journal in 2..=5u8 {
                let count = self.count(|score| (score.mark, score.journal) == (Some(mark), Some(journal)));
                if count > 0 {
                    let breakdown = Breakdown::none()
                        .with("mark", mark.to_string())
                        .with("journal", journal.to_string());
                    self.give(
                        Measure::JournalCount,
                        breakdown,
                        count,
                        Some(both),
                        Column::Named("journal"),
                    );
                }
            }
        }
    }

    fn primary_scores(&mut self) {
        let mut by_primary = std::collections::BTreeMap::<u16, u64>::new();
        for (score, count) in &self.scores {
            if let Some(primary) = score.primary {
                *by_primary.entry(primary).or_default() += count;
            }
        }
        let scored = by_primary.values().sum();
        if scored == 0 {
            return;
        }
        let sum = self.group.score_sum();
        self.give(Measure::ScoreSum, Breakdown::none(), sum, Some(scored), Column::Primary);
        for (primary, count) in by_primary {
            let breakdown = Breakdown::none().with("primary", primary.to_string());
            self.give(Measure::ScoreCount, breakdown, count, Some(scored), Column::Primary);
        }
    }

    fn tasks(&mut self) {
        let mut known = std::collections::BTreeSet::new();
        let works: Vec<&'f Work> = self
            .group
            .spans
            .keys()
            .filter_map(|work| self.works.get(*work))
            .collect();
        for task in works.iter().flat_map(|work| &work.tasks) {
            if !known.insert(task.label.as_str()) {
                continue;
            }
            let mut sum = TaskTally::default();
            for tally in self
                .group
                .tasks
                .get(&task.label)
                .into_iter()
                .flat_map(|by_primary| by_primary.values())
            {
                sum.add(*tally);
            }
            let reached = sum.answered + sum.skipped + sum.blank;
            if sum.answered + sum.skipped + sum.not_taught == 0 {
                // An empty column says nothing about the task.
                continue;
            }
            let column = Column::Task(&task.label);
            let breakdown = Breakdown::none().with("task", task.label.as_str());
            let n = Some(reached);
            self.give(Measure::TaskPoints, breakdown.clone(), sum.points, n, column);
            self.give(Measure::TaskAnswered, breakdown.clone(), reached, None, column);
            self.give(Measure::TaskSkipped, breakdown.clone(), sum.skipped, n, column);
            self.give(Measure::TaskNotTaught, breakdown.clone(), sum.not_taught, None, column);
            let max = works
                .iter()
                .flat_map(|work| &work.tasks)
                .filter(|other| other.label == task.label)
                .find_map(|other| other.max);
            if let Some(max) = max {
                self.give(Measure::TaskMax, breakdown, u64::from(max), None, column);
            }
        }
    }

    fn test_scores(&mut self) {
        let tested = self.count(|score| score.test.is_some());
        if tested == 0 {
            return;
        }
        let column = Column::Named("test_score");
        let sum = self
            .scores
            .iter()
            .map(|(score, count)| u64::from(score.test.unwrap_or(0)) * count)
            .sum();
        self.give(Measure::TestScoreSum, Breakdown::none(), sum, Some(tested), column);
        let Some(minimum) = self.minimum else { return };
        let failed = self.count(|score| score.test.is_some_and(|test| test < minimum));
        self.give(Measure::BelowMinimum, Breakdown::none(), failed, Some(tested), column);
        let bands = [
            ("0-min", 0, minimum.saturating_sub(1)),
            ("min-60", minimum, 60),
            ("61-80", 61, 80),
            ("81-100", 81, 100),
            ("100", 100, 100),
        ];
        for (band, from, to) in bands {
            let count = self.count(|score| score.test.is_some_and(|test| (from..=to).contains(&test)));
            let breakdown = Breakdown::none().with("band", band);
            self.give(Measure::BandCount, breakdown, count, Some(tested), column);
        }
    }

    fn count(&self, counts: impl Fn(&Score) -> bool) -> u64 {
        self.scores
            .iter()
            .filter(|(score, _)| counts(score))
            .map(|(_, count)| count)
            .sum()
    }

    fn give(&mut self, measure: Measure, breakdown: Breakdown, value: u64, n: Option<u64>, column: Column<'_>) {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.given.push(Observation {
            unit: Arc::clone(&self.group.unit),
            procedure: self.group.procedure,
            round: Arc::clone(&self.group.round),
            measure,
            subject: Some(Arc::clone(&self.group.subject)),
            grade: self.group.grade,
            breakdown: Arc::new(breakdown),
            value: Amount::whole(whole(value)),
            n: n.map(whole),
            place: self.group.place(self.works, column),
        });
    }
}
