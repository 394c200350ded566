//! Counts and sums → indicator values (показатели): M-ACH, M-QUAL, M-AVG, M-COV, M-JRN, M-TASK, M-DYN.
//!
//! Takes: counts, each with the stored numbers it was added up from. Gives: exact ratios with `k`, `n` and the same
//! stored numbers, 95 % intervals, and the verdict whether a difference or a change is notable.
//! Never: rounds, reads SQL, words a sentence.
//!
//! ```
//! use msoko::indicators::{Counted, Marks, achievement};
//! let marks = Marks::of([5, 7, 4, 2].map(Counted::bare));
//! let value = achievement(&marks).expect("18 participants");
//! assert_eq!((value.k, value.n), (13, 18));
//! ```

mod interval;
mod journal;
mod notable;

pub use interval::{Interval, newcombe, wilson};
pub use journal::{Journal, JournalCell, journal};
pub use notable::{Change, Difference, Thresholds, Verdict, change, difference};

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::number::Ratio;
use crate::domain::stored::{ObservationKey, StoredObservation};

/// A count (число) together with the stored numbers it was added up from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// The sum.
    pub value: i64,
    /// Where its parts stand.
    pub sources: Vec<Arc<StoredObservation>>,
}

impl Counted {
    /// A count without origin: the nought that a file leaves out, and figures of examples.
    #[must_use]
    pub const fn bare(value: i64) -> Self {
        Self {
            value,
            sources: Vec::new(),
        }
    }

    /// One stored count; `None` when it is no whole number.
    #[must_use]
    pub fn stored(observation: &Arc<StoredObservation>) -> Option<Self> {
        (observation.value.scale == 0).then(|| Self {
            value: observation.value.units,
            sources: vec![Arc::clone(observation)],
        })
    }

    /// Adds another count.
    pub fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.sources.extend(other.sources.iter().cloned());
    }

    /// The sum of several counts.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for part in parts {
            sum.add(part);
        }
        sum
    }
}

/// An indicator value (значение показателя): `k` of `n`, exact, with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What stands above the line: participants, or a sum of marks or points.
    pub k: i64,
    /// What stands below the line: participants, or the highest possible sum.
    pub n: i64,
    /// Stored numbers of both.
    pub sources: Vec<Arc<StoredObservation>>,
    ratio: Ratio,
}

impl Value {
    /// `k / n`; `None` when `n` is nought.
    #[must_use]
    pub fn of(k: &Counted, n: &Counted) -> Option<Self> {
        let mut known: HashSet<&ObservationKey> = k.sources.iter().map(|source| &source.key).collect();
        let more = n.sources.iter().filter(|source| known.insert(&source.key));
        let sources = k.sources.iter().chain(more).map(Arc::clone).collect();
        Some(Self {
            k: k.value,
            n: n.value,
            sources,
            ratio: Ratio::of(k.value, n.value)?,
        })
    }

    /// The exact ratio.
    #[must_use]
    pub const fn ratio(&self) -> Ratio {
        self.ratio
    }
}

/// Participants per mark (распределение отметок) 2, 3, 4, 5.
#[derive(Debug, Clone, PartialEq)]
pub struct Marks {
    counts: [Counted; 4],
    total: Counted,
}

impl Marks {
    /// Counts of the marks 2, 3, 4, 5 in this order.
    #[must_use]
    pub fn of(counts: [Counted; 4]) -> Self {
        Self {
            total: Counted::sum(&counts),
            counts,
        }
    }

    /// Everybody who has a mark.
    #[must_use]
    pub const fn total(&self) -> &Counted {
        &self.total
    }

    /// Counts of the marks 2, 3, 4, 5.
    #[must_use]
    pub const fn counts(&self) -> &[Counted; 4] {
        &self.counts
    }

    /// Marks of several units together.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut counts: [Counted; 4] = Default::default();
        for part in parts {
            for (sum, count) in counts.iter_mut().zip(&part.counts) {
                sum.add(count);
            }
        }
        Self::of(counts)
    }

    /// Share of one mark 2…5 (доля отметки).
    #[must_use]
    pub fn share(&self, mark: u8) -> Option<Value> {
        let count = self.counts.get(usize::from(mark.checked_sub(2)?))?;
        Value::of(count, &self.total)
    }
}

/// M-ACH, успеваемость: (N3+N4+N5)/N.
#[must_use]
pub fn achievement(marks: &Marks) -> Option<Value> {
    Value::of(&Counted::sum(&marks.counts[1..]), &marks.total)
}

/// M-QUAL, качество обученности: (N4+N5)/N.
#[must_use]
pub fn quality(marks: &Marks) -> Option<Value> {
    Value::of(&Counted::sum(&marks.counts[2..]), &marks.total)
}

/// M-AVG, средняя отметка: (2N2+3N3+4N4+5N5)/N.
#[must_use]
pub fn average(marks: &Marks) -> Option<Value> {
    let mut sum = marks.total.clone();
    sum.value = (2i64..)
        .zip(&marks.counts)
        .map(|(mark, count)| mark * count.value)
        .sum();
    Value::of(&sum, &marks.total)
}

/// M-COV, охват: участвовали/подлежали.
#[must_use]
pub fn coverage(took: &Counted, enrolled: &Counted) -> Option<Value> {
    Value::of(took, enrolled)
}

/// M-TASK, выполнение задания: сумма баллов/(N·макс). `answered` leaves out «не пройд.» and keeps «X».
#[must_use]
pub fn completion(points: &Counted, max: i64, answered: &Counted) -> Option<Value> {
    let mut possible = answered.clone();
    possible.value = possible.value.checked_mul(max)?;
    Value::of(points, &possible)
}

/// M-DYN, изменение: текущее − прошлое, exact, as a difference of ratios.
#[must_use]
pub fn dynamics(now: &Value, before: &Value) -> Ratio {
    now.ratio.minus(before.ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::{mean, percent_bare, signed_points};

    fn marks(counts: [i64; 4]) -> Marks {
        Marks::of(counts.map(Counted::bare))
    }

    #[test]
    fn the_worked_example_of_three_schools_gives_its_table() {
        let (a, b, c) = (marks([5, 7, 4, 2]), marks([1, 9, 12, 8]), marks([0, 4, 3, 2]));
        let all = Marks::sum([&a, &b, &c]);
        for (marks, shown) in [
            (&all, "57 10,5 35,1 33,3 21,1 3,65 54,4 89,5"),
            (&a, "18 27,8 38,9 22,2 11,1 3,17 33,3 72,2"),
            (&b, "30 3,3 30,0 40,0 26,7 3,90 66,7 96,7"),
        ] {
            let shares: Vec<String> = (2..=5)
                .filter_map(|mark| marks.share(mark))
                .map(|value| percent_bare(value.ratio()))
                .collect();
            let line = format!(
                "{} {} {} {} {}",
                marks.total().value,
                shares.join(" "),
                mean(average(marks).expect("a mean").ratio()),
                percent_bare(quality(marks).expect("a share").ratio()),
                percent_bare(achievement(marks).expect("a share").ratio()),
            );
            assert_eq!(line, shown);
        }
    }

    #[test]
    fn a_change_is_taken_before_rounding() {
        let now = Value::of(&Counted::bare(29), &Counted::bare(131)).expect("a share");
        let before = Value::of(&Counted::bare(14), &Counted::bare(120)).expect("a share");
        assert_eq!(signed_points(dynamics(&now, &before)), "+10,5\u{a0}п.п.");
    }

    #[test]
    fn a_task_that_was_not_taught_leaves_the_denominator() {
        let value = completion(&Counted::bare(30), 2, &Counted::bare(20)).expect("a share");
        assert_eq!(percent_bare(value.ratio()), "75,0");
        assert_eq!(completion(&Counted::bare(0), 2, &Counted::bare(0)), None);
    }

    #[test]
    fn nobody_gives_no_share() {
        assert_eq!(achievement(&marks([0; 4])), None);
        assert_eq!(coverage(&Counted::bare(3), &Counted::bare(0)), None);
    }
}
