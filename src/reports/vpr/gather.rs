//! Stored numbers of a round → works, each with its groups of participants (РФ, субъект, муниципалитет, ОО).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Input, WorkKey};
use crate::domain::number::Ratio;
use crate::domain::stored::StoredObservation;
use crate::domain::unit::{Unit, UnitId};
use crate::domain::vocabulary::{Measure, UnitKind};
use crate::indicators::{Counted, Journal, JournalCell, Marks, Value, completion, journal};
use crate::privacy::suppress::{Line, Plan, Shown, plan, shown};

/// A share that a foreign report gives ready-made, or one that was counted.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub ratio: Ratio,
    pub of: Option<(i64, i64)>,
    pub sources: Vec<Arc<StoredObservation>>,
}

impl From<Value> for Share {
    fn from(value: Value) -> Self {
        Self {
            ratio: value.ratio(),
            of: Some((value.k, value.n)),
            sources: value.sources,
        }
    }
}

/// Points, participants and highest score of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct Task {
    pub points: Counted,
    pub answered: Option<Counted>,
    pub max: Option<Counted>,
}

/// What one unit has in one work.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub took: Option<Counted>,
    pub enrolled: Option<Counted>,
    pub absent: Option<Counted>,
    pub marks: Option<Marks>,
    pub shares: BTreeMap<u8, Share>,
    pub journal: Option<Journal>,
    pub scores: BTreeMap<u16, Counted>,
    pub tasks: BTreeMap<TaskLabel, Task>,
}

/// Task label that sorts `2` before `10` and `5(1)` before `5(2)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskLabel(Vec<(u32, String)>, pub String);

impl TaskLabel {
    fn new(label: &str) -> Self {
        Self(natural(label), label.to_owned())
    }
}

impl Figures {
    /// Participants: as the file says, otherwise everybody with a mark.
    pub(super) fn participants(&self) -> Option<&Counted> {
        self.took.as_ref().or_else(|| self.marks.as_ref().map(Marks::total))
    }

    /// Those who were to take part: as a file says, otherwise participants and absent together.
    pub(super) fn expected(&self) -> Option<Counted> {
        if self.enrolled.is_some() {
            return self.enrolled.clone();
        }
        let (took, absent) = (self.participants()?, self.absent.as_ref()?);
        Some(Counted::sum([took, absent]))
    }

    pub(super) fn share(&self, mark: u8) -> Option<Share> {
        match &self.marks {
            Some(marks) => marks.share(mark).map(Share::from),
            None => self.shares.get(&mark).cloned(),
        }
    }

    pub(super) fn completion(&self, label: &TaskLabel) -> Option<Value> {
        let task = self.tasks.get(label)?;
        let answered = task.answered.as_ref().or_else(|| self.participants())?;
        completion(&task.points, task.max.as_ref()?.value, answered)
    }

    /// All schools together. Participants, enrolment and absence only when every school has them; marks, journal and
    /// tasks over the schools that have them, with their own denominator.
    fn sum(schools: &[&Self]) -> Self {
        let all = |pick: fn(&Self) -> Option<Counted>| -> Option<Counted> {
            let parts: Option<Vec<Counted>> = schools.iter().map(|school| pick(school)).collect();
            parts
                .filter(|parts| !parts.is_empty())
                .map(|parts| Counted::sum(&parts))
        };
        let marks: Vec<&Marks> = schools.iter().filter_map(|school| school.marks.as_ref()).collect();
        let journals: Vec<&Journal> = schools.iter().filter_map(|school| school.journal.as_ref()).collect();
        let mut sum = Self {
            took: all(|school| school.participants().cloned()),
            enrolled: all(|school| school.enrolled.clone()),
            absent: all(|school| school.absent.clone()),
            marks: (!marks.is_empty()).then(|| Marks::sum(marks)),
            journal: (!journals.is_empty()).then(|| Journal::sum(journals)),
            ..Self::default()
        };
        for school in schools {
            for (score, count) in &school.scores {
                sum.scores.entry(*score).or_default().add(count);
            }
            for (label, task) in &school.tasks {
                let into = sum.tasks.entry(label.clone()).or_default();
                into.points.add(&task.points);
                if let Some(answered) = task.answered.as_ref().or_else(|| school.participants()) {
                    into.answered.get_or_insert_default().add(answered);
                }
                if into.max.is_none() {
                    into.max.clone_from(&task.max);
                }
            }
        }
        sum
    }
}

/// A school in a work: figures and what may be shown of them.
#[derive(Debug, Clone)]
pub(super) struct School<'a> {
    pub unit: &'a Unit,
    pub figures: Figures,
    /// What rule 5 allows.
    pub shown: Shown,
    /// Hidden only to protect another one.
    pub complementary: bool,
}

impl School<'_> {
    pub(super) fn is_hidden(&self) -> bool {
        self.shown.is_hidden() || self.complementary
    }

    /// True when a sentence may be said about this school: a softened share would be told exactly by its sentence.
    pub(super) fn may_be_judged(&self) -> bool {
        matches!(self.shown, Shown::Everything | Shown::SmallSample) && !self.complementary
    }
}

/// A work (работа): subject and grade with all groups of participants.
#[derive(Debug, Clone)]
pub(super) struct Work<'a> {
    pub key: WorkKey,
    pub schools: Vec<School<'a>>,
    pub municipality: Figures,
    pub region: Option<Figures>,
    pub country: Option<Figures>,
    /// The municipal line would give away a hidden school.
    pub total_hidden: bool,
    /// The same work one and two years before: municipality and schools.
    pub before: [Option<Past>; 2],
}

/// A work of an earlier year.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub municipality: Figures,
    /// The municipal line would give away a school that was hidden then.
    pub total_hidden: bool,
    /// Nobody was hidden then.
    pub is_whole: bool,
    /// Schools about which a sentence might be said then.
    pub schools: BTreeMap<UnitId, Figures>,
}

type ByUnit = BTreeMap<UnitId, Figures>;

/// Collects the works of the round, sorted by subject title and grade.
pub(super) fn gather<'a>(input: &Input<'a>, rounds: &[String; 3]) -> Vec<Work<'a>> {
    let mut years: [BTreeMap<WorkKey, ByUnit>; 3] = Default::default();
    let mut journals: [BTreeMap<(WorkKey, UnitId), Vec<JournalCell>>; 3] = Default::default();
    for observation in input.observations {
        let Some(year) = rounds.iter().position(|round| **round == *observation.key.round) else {
            continue;
        };
        let (Some(subject), Some(grade)) = (&observation.key.subject, observation.key.grade) else {
            continue;
        };
        let key = WorkKey {
            subject: subject.to_string(),
            grade,
        };
        let unit = observation.key.unit.clone();
        if let Some(cell) = journal_cell(observation) {
            journals[year].entry((key, unit)).or_default().push(cell);
        } else {
            take(
                years[year].entry(key).or_default().entry(unit).or_default(),
                observation,
            );
        }
    }
    for (year, cells) in years.iter_mut().zip(journals) {
        for ((key, unit), cells) in cells {
            year.entry(key).or_default().entry(unit).or_default().journal = Some(journal(&cells));
        }
        for figures in year.values_mut().flat_map(BTreeMap::values_mut) {
            finish(figures);
        }
    }
    let [now, before, earlier] = years;
    let mut works: Vec<Work<'a>> = now
        .into_iter()
        .map(|(key, units)| {
            let past = [before.get(&key), earlier.get(&key)].map(|units| units.map(|units| past(input, units)));
            work(input, key, &units, past)
        })
        .collect();
    works.sort_by_key(|work| (natural(&input.subject_title(&work.key.subject)), work.key.grade));
    works
}

fn work<'a>(input: &Input<'a>, key: WorkKey, units: &ByUnit, before: [Option<Past>; 2]) -> Work<'a> {
    let hidden_before: BTreeSet<&UnitId> = input
        .hidden_before
        .iter()
        .filter(|(work, _)| *work == key)
        .map(|(_, unit)| unit)
        .collect();
    let (schools, total_hidden) = schools(input, units, &hidden_before);
    Work {
        municipality: municipality(input, units, &schools),
        region: of_kind(input, units, UnitKind::Region),
        country: of_kind(input, units, UnitKind::Country),
        key,
        schools,
        total_hidden,
        before,
    }
}

/// Schools of one year of a work and what may be shown of them; and whether the municipal line has to go as well.
fn schools<'a>(input: &Input<'a>, units: &ByUnit, hidden_before: &BTreeSet<&UnitId>) -> (Vec<School<'a>>, bool) {
    let mut schools: Vec<School<'a>> = input
        .schools()
        .into_iter()
        .filter_map(|unit| {
            let figures = units.get(&unit.id)?.clone();
            let n = figures.participants()?.value;
            Some(School {
                unit,
                figures,
                shown: shown(&input.audience, &unit.id, n, &input.rules.limits),
                complementary: false,
            })
        })
        .collect();
    let lines: Vec<Line> = schools
        .iter()
        .map(|school| line(school, hidden_before.contains(&school.unit.id)))
        .collect();
    let Plan { complementary, total } = plan(&lines, least(&lines, input));
    for (school, also) in schools.iter_mut().zip(complementary) {
        school.complementary = also;
    }
    (schools, total)
}

/// All schools together; without any, what a file says of the municipality itself.
fn municipality(input: &Input<'_>, units: &ByUnit, schools: &[School<'_>]) -> Figures {
    match units.get(input.municipality) {
        Some(own) if schools.is_empty() => own.clone(),
        _ => Figures::sum(&schools.iter().map(|school| &school.figures).collect::<Vec<_>>()),
    }
}

/// The hidden lines together must not be smaller than the largest bound that hides one of them.
fn least(lines: &[Line], input: &Input<'_>) -> i64 {
    lines
        .iter()
        .map(|line| match line.shown {
            Shown::Below(bound) => bound,
            Shown::NotPrinted => input.rules.limits.shares,
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

fn line(school: &School<'_>, hidden_before: bool) -> Line {
    let figures = &school.figures;
    let mut counts = Vec::new();
    let value = |count: Option<&Counted>| count.map_or(0, |count| count.value);
    for mark in 0..4 {
        counts.push(value(figures.marks.as_ref().map(|marks| &marks.counts()[mark])));
    }
    counts.push(value(figures.absent.as_ref()));
    let journal = figures.journal.as_ref();
    counts.push(value(journal.map(|journal| &journal.lowered)));
    counts.push(value(journal.map(|journal| &journal.confirmed)));
    counts.push(value(journal.map(|journal| &journal.raised)));
    Line {
        shown: school.shown,
        n: figures.participants().map_or(0, |took| took.value),
        counts,
        hidden_before,
    }
}

fn past(input: &Input<'_>, units: &ByUnit) -> Past {
    let (schools, total_hidden) = schools(input, units, &BTreeSet::new());
    Past {
        municipality: municipality(input, units, &schools),
        total_hidden,
        is_whole: schools
            .iter()
            .all(|school| !school.is_hidden() && school.shown.has_counts()),
        schools: schools
            .into_iter()
            .filter(School::may_be_judged)
            .map(|school| (school.unit.id.clone(), school.figures))
            .collect(),
    }
}

fn of_kind(input: &Input<'_>, units: &ByUnit, kind: UnitKind) -> Option<Figures> {
    let unit = input.register.units().iter().find(|unit| unit.kind == kind)?;
    units.get(&unit.id).cloned()
}

fn mark_of(text: Option<&str>) -> Option<u8> {
    text?.parse().ok().filter(|mark| (2..=5).contains(mark))
}

fn journal_cell(observation: &Arc<StoredObservation>) -> Option<JournalCell> {
    if observation.key.measure != Measure::JournalCount || !has_only(observation, &["mark", "journal"]) {
        return None;
    }
    let breakdown = &observation.key.breakdown;
    Some(JournalCell {
        mark: breakdown.get("mark")?.parse().ok()?,
        journal: breakdown.get("journal")?.parse().unwrap_or(0),
        count: Counted::stored(observation)?,
    })
}

/// True when the observation is split by these keys and no other; counts by sex or category are parts of the same
/// people. `written_in` says when, not who.
fn has_only(observation: &StoredObservation, keys: &[&str]) -> bool {
    let split: Vec<&str> = observation
        .key
        .breakdown
        .iter()
        .map(|(key, _)| key)
        .filter(|key| *key != "written_in")
        .collect();
    split.len() == keys.len() && keys.iter().all(|key| split.contains(key))
}

fn take(figures: &mut Figures, observation: &Arc<StoredObservation>) {
    let breakdown = &observation.key.breakdown;
    let only = |keys: &[&str]| has_only(observation, keys);
    match observation.key.measure {
        Measure::Participants if only(&[]) => figures.took = Counted::stored(observation),
        Measure::Enrolled if only(&[]) => figures.enrolled = Counted::stored(observation),
        Measure::Absent if only(&[]) => figures.absent = Counted::stored(observation),
        Measure::MarkCount if only(&["mark"]) => {
            let (Some(mark), Some(count)) = (mark_of(breakdown.get("mark")), Counted::stored(observation)) else {
                return;
            };
            let mut counts = figures
                .marks
                .take()
                .map_or_else(Default::default, |marks| marks.counts().clone());
            counts[usize::from(mark - 2)] = count;
            figures.marks = Some(Marks::of(counts));
        }
        Measure::Share if only(&["mark"]) => {
            if let Some(mark) = mark_of(breakdown.get("mark")) {
                let share = Share {
                    ratio: Ratio::of_percent(observation.value),
                    of: None,
                    sources: vec![Arc::clone(observation)],
                };
                figures.shares.insert(mark, share);
            }
        }
        Measure::ScoreCount if only(&["primary"]) => {
            let score = breakdown.get("primary").and_then(|text| text.parse().ok());
            if let (Some(score), Some(count)) = (score, Counted::stored(observation)) {
                figures.scores.insert(score, count);
            }
        }
        Measure::TaskPoints | Measure::TaskAnswered | Measure::TaskMax if only(&["task"]) => {
            let (Some(label), Some(count)) = (breakdown.get("task"), Counted::stored(observation)) else {
                return;
            };
            let task = figures.tasks.entry(TaskLabel::new(label)).or_default();
            match observation.key.measure {
                Measure::TaskPoints => task.points = count,
                Measure::TaskAnswered => task.answered = Some(count),
                _ => task.max = Some(count),
            }
        }
        _ => {}
    }
}

/// Marks that add up to nobody are no marks: the scale was missing when the file was loaded. A mark that nobody has
/// and the file leaves out is known from the marks that are there.
fn finish(figures: &mut Figures) {
    figures.marks = figures
        .marks
        .take()
        .filter(|marks| marks.total().value > 0)
        .map(|marks| {
            let known = &marks.total().sources;
            let counts = marks.counts().clone().map(|mut count| {
                if count.sources.is_empty() {
                    count.sources.clone_from(known);
                }
                count
            });
            Marks::of(counts)
        });
}

/// Sort key that compares numbers as numbers: «СОШ № 2» before «СОШ № 10»; ё is е.
pub(super) fn natural(text: &str) -> Vec<(u32, String)> {
    let mut parts = Vec::new();
    let (mut number, mut word) = (String::new(), String::new());
    let close = |number: &mut String, word: &mut String, parts: &mut Vec<(u32, String)>| {
        if !number.is_empty() || !word.is_empty() {
            parts.push((number.parse().unwrap_or(0), std::mem::take(word)));
            number.clear();
        }
    };
    for letter in text.to_lowercase().chars() {
        match letter {
            '0'..='9' => {
                if !word.is_empty() {
                    close(&mut number, &mut word, &mut parts);
                }
                number.push(letter);
            }
            'ё' => word.push('е'),
            '«' | '»' | '"' => {}
            other => word.push(other),
        }
    }
    close(&mut number, &mut word, &mut parts);
    parts
}
