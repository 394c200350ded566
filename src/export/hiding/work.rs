//! Numbers of one round: how many people stand behind each, and which further lines go with a hidden one.
//!
//! A work is a subject and a grade, and of other breakdowns than marks, scores, tasks and bands their values. A line is
//! an organisation in a work. Two layers are decided one after the other: counts, then shares and means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::territory::{by_territory, hide_above, hide_above_hidden, hide_shares_that_solve};
use super::{Hidden, people, why_no_counts, why_no_shares};
use crate::domain::observation::Breakdown;
use crate::domain::stored::{ObservationKey, TracedObservation};
use crate::domain::unit::{Register, UnitId};
use crate::domain::vocabulary::Measure;
use crate::privacy::is_internal;
use crate::privacy::suppress::{Audience, Limits, Line, Shown, plan, shown};

/// Keys that split the participants of a work, and the one that says what a mean is of; other keys choose among them.
const SPLITS: [&str; 6] = ["mark", "journal", "task", "primary", "band", "of"];
/// Choosing a season makes no group of people, unlike sex or category.
const SEASON: &str = "written_in";

/// What leaves of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The number.
    Shown,
    /// Its line without the number.
    Hidden(Hidden),
    /// Nothing: statistics of a fold, or a line whose being there tells what is hidden.
    LeftOut,
}

/// What of the numbers of one round stays out (скрытие чисел одного проведения).
#[derive(Debug)]
pub struct RoundScreen {
    audience: Audience,
    limits: Limits,
    works: BTreeMap<Work, BTreeMap<UnitId, Tally>>,
    /// Counts that add up to a total, by measure and breakdown, numbered as they came.
    columns: HashMap<(Measure, Arc<Breakdown>), usize>,
    decided: HashMap<Work, HashMap<UnitId, [Option<Hidden>; 2]>>,
    /// Lines with a share per mark or band that is near an end, in any revision.
    near_an_end: HashMap<Work, BTreeSet<UnitId>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Work {
    /// Finer works stand before the ones that hold them.
    is_coarse: u8,
    subject: Option<Arc<str>>,
    grade: Option<u8>,
    part: String,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    participants: Option<i64>,
    /// Largest number of people that a share, mean or count names behind itself.
    named: Option<i64>,
    /// Other counts of people, the largest.
    counted: Option<i64>,
    /// The smallest that any revision told: what was hidden once stays hidden.
    least: Option<i64>,
    /// By how much each run changed the sum of the counts per mark.
    marks: BTreeMap<i64, i64>,
    /// By the number of the column; what is not there is nought.
    counts: Vec<i64>,
}

impl Tally {
    /// People behind the line.
    pub(super) fn n(&self) -> Option<i64> {
        let summed = Some(self.marks.values().sum()).filter(|marks| *marks > 0);
        self.participants
            .or(self.named)
            .or(summed)
            .or(self.counted)
            .or(self.least())
    }

    fn smallest(&self) -> Option<i64> {
        self.n().map(|n| self.least().map_or(n, |least| least.min(n)))
    }

    /// The smallest of all revisions; where none tells its participants, the smallest sum of the marks.
    fn least(&self) -> Option<i64> {
        let sums = self.marks.values().scan(0, |sum, change| {
            *sum += change;
            Some(*sum)
        });
        self.least.or_else(|| sums.filter(|sum| *sum > 0).min())
    }
}

/// What a measure says of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Counts,
    /// Sums and finer counts: with the participants they give means.
    Sums,
    Shares,
}

const fn says(measure: Measure) -> Says {
    match measure {
        Measure::Participants
        | Measure::Enrolled
        | Measure::Absent
        | Measure::MarkCount
        | Measure::BelowMinimum
        | Measure::BandCount
        | Measure::Winners
        | Measure::PrizeWinners => Says::Counts,
        Measure::ScoreCount
        | Measure::ScoreSum
        | Measure::JournalCount
        | Measure::TaskPoints
        | Measure::TaskMax
        | Measure::TestScoreSum
        | Measure::TaskAnswered
        | Measure::TaskSkipped
        | Measure::TaskNotTaught => Says::Sums,
        Measure::Share | Measure::Mean | Measure::Index => Says::Shares,
    }
}

/// Measures that tell how many people stand behind a line.
pub const TELLING: [Measure; 11] = [
    Measure::Participants,
    Measure::Enrolled,
    Measure::Absent,
    Measure::MarkCount,
    Measure::BelowMinimum,
    Measure::BandCount,
    Measure::Winners,
    Measure::PrizeWinners,
    Measure::Share,
    Measure::Mean,
    Measure::Index,
];

impl RoundScreen {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(audience: Audience, limits: Limits) -> Self {
        Self {
            audience,
            limits,
            works: BTreeMap::new(),
            columns: HashMap::new(),
            decided: HashMap::new(),
            near_an_end: HashMap::new(),
        }
    }

    /// Takes note of a number of [`TELLING`], or of a revision of one; after the last [`RoundScreen::settle`] follows.
    pub fn see(&mut self, row: &TracedObservation) {
        let key = &row.stored.key;
        let value = people(row.stored.value);
        let work = work_of(key);
        if is_part_of_a_whole(key) && near_an_end(row).is_some() {
            self.near_an_end
                .entry(work.clone())
                .or_default()
                .insert(key.unit.clone());
        }
        let tally = self.works.entry(work).or_default().entry(key.unit.clone()).or_default();
        let least = |n: i64| Some(tally.least.map_or(n, |least| least.min(n)));
        match key.measure {
            Measure::Participants => tally.least = least(value),
            _ if row.stored.n.is_some() => tally.least = row.stored.n.and_then(least),
            _ => {}
        }
        if key.measure == Measure::MarkCount {
            *tally.marks.entry(row.trail.run).or_default() += value;
            if let Some((run, _)) = row.trail.replaced {
                *tally.marks.entry(run).or_default() -= value;
            }
        }
        if row.trail.replaced.is_some() {
            return;
        }
        let largest = |known: Option<i64>, n: i64| Some(known.map_or(n, |known| known.max(n)));
        if key.measure == Measure::Participants {
            tally.participants = largest(tally.participants, value);
        } else if says(key.measure) == Says::Counts {
            tally.counted = largest(tally.counted, value);
        }
        if let Some(n) = row.stored.n {
            tally.named = largest(tally.named, n);
        }
        if says(key.measure) == Says::Counts && key.measure != Measure::Participants {
            let next = self.columns.len();
            let column = *self
                .columns
                .entry((key.measure, Arc::clone(&key.breakdown)))
                .or_insert(next);
            if tally.counts.len() <= column {
                tally.counts.resize(column + 1, 0);
            }
            tally.counts[column] += value;
        }
    }

    /// Decides about every line of the round.
    pub fn settle(&mut self, register: &Register) {
        let works = std::mem::take(&mut self.works);
        for (work, lines) in &works {
            let within: Vec<&Work> = works.keys().filter(|finer| work.holds(finer)).collect();
            let before = [0, 1].map(|layer: usize| -> BTreeSet<&UnitId> {
                let finer = within.iter().filter_map(|finer| self.decided.get(*finer)).flatten();
                finer
                    .filter(|(_, hidden)| hidden[layer].is_some())
                    .filter_map(|(unit, _)| lines.get_key_value(unit))
                    .map(|(unit, _)| unit)
                    .collect()
            });
            let decided = self.decide(work, lines, &before, register);
            self.decided.insert(work.clone(), decided);
        }
    }

    /// What leaves of a number.
    #[must_use]
    pub fn verdict(&self, row: &TracedObservation) -> Verdict {
        let key = &row.stored.key;
        if row.trail.is_folded && is_internal(key.measure) {
            return Verdict::LeftOut;
        }
        let Some(hidden) = self.hidden(row) else {
            return Verdict::Shown;
        };
        let is_listed = |name: &str| key.breakdown.get(name).is_some();
        let tells = ["mark", "journal", "primary", "band"].into_iter().any(is_listed);
        let is_near_an_end = matches!(hidden, Hidden::NearNought | Hidden::NearWhole);
        // A fold gives every mark and band, zeros included; another source may list only what occurred.
        if tells && !row.trail.is_folded && !is_near_an_end {
            return Verdict::LeftOut;
        }
        Verdict::Hidden(hidden)
    }

    /// True when the number of people behind a number may stand beside it.
    #[must_use]
    pub fn tells_people(&self, row: &TracedObservation) -> bool {
        self.layers(row)[0].is_none()
    }

    fn hidden(&self, row: &TracedObservation) -> Option<Hidden> {
        let [counts, shares] = self.layers(row);
        match says(row.stored.key.measure) {
            Says::Counts => counts,
            Says::Sums => counts.or(shares),
            Says::Shares => shares.or_else(|| match counts {
                Some(Hidden::SharesOnly(_)) if row.stored.key.measure == Measure::Share => {
                    near_an_end(row).or_else(|| self.beside_an_end(&row.stored.key))
                }
                Some(Hidden::Complementary) => counts,
                _ => None,
            }),
        }
    }

    /// The shares of a line make the whole: a softened one is what the others leave.
    fn beside_an_end(&self, key: &ObservationKey) -> Option<Hidden> {
        let units = self.near_an_end.get(&work_of(key))?;
        (is_part_of_a_whole(key) && units.contains(&key.unit)).then_some(Hidden::Complementary)
    }

    /// Why counts stay out, and why shares and means do.
    fn layers(&self, row: &TracedObservation) -> [Option<Hidden>; 2] {
        let key = &row.stored.key;
        let work = work_of(key);
        let limits = work.limits(self.limits);
        let line = self.decided.get(&work).and_then(|lines| lines.get(&key.unit));
        let own = row.stored.n.map(|n| {
            let own = shown(&self.audience, &key.unit, n, &limits);
            [why_no_counts(own, limits.small), why_no_shares(own, limits.shares)]
        });
        match (line, own) {
            (Some(line), Some(own)) => [line[0].or(own[0]), line[1].or(own[1])],
            (Some(known), None) => *known,
            (None, Some(known)) => known,
            (None, None) if key.measure == Measure::Index => [None; 2],
            (None, None) => [Some(Hidden::Unknown); 2],
        }
    }

    /// Both layers of one work, organisation by organisation.
    fn decide(
        &self,
        work: &Work,
        lines: &BTreeMap<UnitId, Tally>,
        before: &[BTreeSet<&UnitId>; 2],
        register: &Register,
    ) -> HashMap<UnitId, [Option<Hidden>; 2]> {
        let limits = work.limits(self.limits);
        let mut decided: HashMap<UnitId, [Option<Hidden>; 2]> = HashMap::new();
        for (unit, tally) in lines {
            let Some(n) = tally.smallest() else { continue };
            let shown = shown(&self.audience, unit, n, &limits);
            let mut own = [why_no_counts(shown, limits.small), why_no_shares(shown, limits.shares)];
            for (own, before) in own.iter_mut().zip(before) {
                if before.contains(unit) {
                    own.get_or_insert(Hidden::Complementary);
                }
            }
            decided.insert(unit.clone(), own);
        }
        for (territory, members) in by_territory(lines, register) {
            hide_shares_that_solve(territory, &members, register, &mut decided);
        }
        for layer in [0, 1] {
            for (territory, members) in by_territory(lines, register) {
                let of_layer: Vec<Line> = members
                    .iter()
                    .map(|(unit, tally)| {
                        let own = decided[*unit];
                        Line {
                            shown: as_the_plan_knows(own[layer], limits),
                            n: tally.n().unwrap_or(0),
                            counts: if layer == 0 { tally.counts.clone() } else { Vec::new() },
                            hidden_before: own[layer] == Some(Hidden::Complementary),
                        }
                    })
                    .collect();
                let found = plan(&of_layer, least(&of_layer));
                for ((unit, _), also) in members.iter().zip(&found.complementary) {
                    if *also && let Some(own) = decided.get_mut(*unit) {
                        own[layer].get_or_insert(Hidden::Complementary);
                    }
                }
                if found.total {
                    hide_above(territory, layer, register, &mut decided);
                }
            }
            hide_above_hidden(lines, layer, register, &mut decided);
        }
        decided
    }
}

impl Work {
    /// ОВЗ, categories, sex: one row of the table stricter.
    fn limits(&self, limits: Limits) -> Limits {
        if self.part.is_empty() {
            return limits;
        }
        Limits {
            counts: limits.shares,
            shares: limits.small,
            small: limits.small,
        }
    }

    /// True when the people of the other work are among those of this one: all grades of a subject, all subjects.
    fn holds(&self, other: &Self) -> bool {
        self != other
            && self.part == other.part
            && (self.subject.is_none() || self.subject == other.subject)
            && (self.grade.is_none() || self.grade == other.grade)
    }
}

fn work_of(key: &ObservationKey) -> Work {
    let part = key
        .breakdown
        .iter()
        .filter(|(name, _)| !SPLITS.contains(name) && *name != SEASON)
        .fold(Breakdown::none(), |part, (name, value)| part.with(name, value));
    Work {
        is_coarse: u8::from(key.subject.is_none()) + u8::from(key.grade.is_none()),
        subject: key.subject.clone(),
        grade: key.grade,
        part: part.to_string(),
    }
}

/// What a reader knows of a line: that it is below a bound, or nothing.
const fn as_the_plan_knows(why: Option<Hidden>, limits: Limits) -> Shown {
    match why {
        Some(Hidden::Below(bound) | Hidden::NoShares(bound) | Hidden::SharesOnly(bound)) => Shown::Below(bound),
        Some(Hidden::Unknown | Hidden::NearNought | Hidden::NearWhole) => Shown::Below(limits.small),
        Some(Hidden::Complementary) | None => Shown::Everything,
    }
}

/// The hidden lines together must not be smaller than the largest bound that hides one of them.
pub(super) fn least(lines: &[Line]) -> i64 {
    lines
        .iter()
        .map(|line| match line.shown {
            Shown::Below(bound) => bound,
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// A share per mark or band: together they are the whole.
fn is_part_of_a_whole(key: &ObservationKey) -> bool {
    let is_split = ["mark", "band"]
        .into_iter()
        .any(|name| key.breakdown.get(name).is_some());
    key.measure == Measure::Share && is_split
}

/// A share of a small group that says «nobody» or «all», or nearly so.
fn near_an_end(row: &TracedObservation) -> Option<Hidden> {
    match row.stored.value.to_f64() {
        share if share <= 10.0 => Some(Hidden::NearNought),
        share if share >= 90.0 => Some(Hidden::NearWhole),
        _ => None,
    }
}
