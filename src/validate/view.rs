//! A row as the checks see it.

use std::borrow::Cow;

use crate::domain::observation::Observation;
use crate::domain::participant::{Participant, TaskResult};
use crate::domain::scale::{Scales, parts_of_round};
use crate::domain::school_year::SchoolYear;
use crate::domain::value::Value;
use crate::domain::vocabulary::Measure;
use crate::manifest::{Bound, ColumnRule, Connector, NOT_SHOWN};

/// What an operand of the manifest refers to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand<'c> {
    Column(usize, &'c ColumnRule),
    Measure(Measure),
    /// A number of the manifest itself.
    Number(f64),
}

impl<'c> Operand<'c> {
    /// A declared column goes before a measure of the same name.
    pub(super) fn of(connector: &'c Connector, name: &'c str) -> Option<Self> {
        let mut columns = connector.columns.iter().enumerate();
        let found = columns.find(|(_, column)| column.name == name);
        let column = found.map(|(slot, column)| Self::Column(slot, column));
        column.or_else(|| Measure::parse(name).map(Self::Measure))
    }

    pub(super) fn name(&self) -> Cow<'c, str> {
        match self {
            Self::Column(_, column) => Cow::Borrowed(column.name.as_str()),
            Self::Measure(measure) => Cow::Borrowed(measure.as_str()),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }

    /// A value of the operand as a message may tell it.
    pub(super) fn shown(&self, value: impl std::fmt::Display) -> String {
        match self {
            Self::Column(_, column) if !column.class.is_shown() => NOT_SHOWN.to_owned(),
            _ => value.to_string(),
        }
    }
}

/// Values of one row with the numbers of one subject made of it, or the pupil.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'v> {
    pub(super) values: &'v [Option<Value>],
    pub(super) numbers: &'v [&'v Observation],
    pub(super) participant: Option<&'v Participant>,
}

impl<'v> View<'v> {
    pub(super) fn value(&self, operand: Operand<'_>) -> Option<&'v Value> {
        match operand {
            Operand::Column(slot, _) => self.values.get(slot)?.as_ref(),
            Operand::Measure(_) | Operand::Number(_) => None,
        }
    }

    pub(super) fn text(&self, operand: Operand<'_>) -> Option<Cow<'v, str>> {
        match operand {
            Operand::Column(..) => self.value(operand).map(Value::text),
            _ => self.number(operand).map(|number| number.to_string().into()),
        }
    }

    /// Measures of one row and subject are added up over their own breakdown. Of a pupil's row there is one: the sum
    /// of the tasks, `score_sum`.
    pub(super) fn number(&self, operand: Operand<'_>) -> Option<f64> {
        match (operand, self.participant) {
            (Operand::Number(number), _) => Some(number),
            (Operand::Column(..), _) => Some(self.value(operand)?.number()?.to_f64()),
            (Operand::Measure(Measure::ScoreSum), Some(participant)) => points(participant),
            (Operand::Measure(measure), _) => {
                let of_measure = |number: &&&Observation| number.measure == measure;
                let mut found = self.numbers.iter().filter(of_measure).peekable();
                found.peek()?;
                Some(found.map(|number| number.value.to_f64()).sum())
            }
        }
    }

    /// The round of the row.
    pub(super) fn round(&self) -> Option<&'v str> {
        let of_pupil = self.participant.map(|participant| &*participant.work.round);
        of_pupil.or_else(|| self.numbers.first().map(|number| &*number.round))
    }

    /// What a reference document allows at most.
    pub(super) fn bound(&self, bound: Bound, scales: &Scales) -> Option<f64> {
        let (subject, grade) = match (self.participant, self.numbers.first()) {
            (Some(participant), _) => (&*participant.work.subject, participant.work.grade),
            (None, Some(number)) => (number.subject.as_deref()?, number.grade),
            (None, None) => return None,
        };
        match bound {
            Bound::Scale => {
                let scale = scales.scale(self.round()?, subject, grade)?;
                Some(f64::from(scale.bounds.max()))
            }
            Bound::Tasks => {
                let tasks = &self.participant?.work.tasks;
                let most: Option<u32> = tasks.iter().map(|task| task.max.map(u32::from)).sum();
                most.filter(|_| !tasks.is_empty()).map(f64::from)
            }
        }
    }

    /// True when a date may belong to the round of the row: its school year, and its half where the round names one.
    pub(super) fn is_in_round(&self, date: chrono::NaiveDate) -> bool {
        let Some((_, year, season)) = self.round().and_then(parts_of_round) else {
            return true;
        };
        let autumn = chrono::Datelike::month(&date) >= 9;
        let in_season = match season {
            Some("autumn") => autumn,
            Some("spring") => !autumn,
            _ => true,
        };
        SchoolYear::of(date) == year && in_season
    }
}

fn points(participant: &Participant) -> Option<f64> {
    let points = participant.tasks.iter().filter_map(|task| match task {
        TaskResult::Points(points) => Some(f64::from(*points)),
        TaskResult::Skipped | TaskResult::NotTaught | TaskResult::Blank => None,
    });
    let points: Vec<f64> = points.collect();
    (!points.is_empty()).then(|| points.iter().sum())
}
