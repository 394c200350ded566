//! Numbers of one organisation, round, subject and grade that stand in rows of their own, one after another.
//!
//! A feed gives a number a row: that the marks are no more than the participants shows only when their rows stand
//! together. A series is held until its last row, and no longer than [`LONGEST`] numbers.

use std::sync::Arc;

use crate::domain::observation::Observation;

/// Numbers of one series at most; the journal table of a work has some twenty, its tasks some hundred. A longer run of
/// rows is handed on unchecked.
pub const LONGEST: usize = 1000;

/// The series being read.
#[derive(Debug, Default)]
pub struct Series {
    numbers: Vec<Observation>,
    /// True after a series has outgrown the bound.
    unchecked: bool,
}

impl Series {
    /// True when numbers carry the series on.
    #[must_use]
    pub fn goes_on_with(&self, numbers: &[Observation]) -> bool {
        let (Some(last), Some(next)) = (self.numbers.last(), numbers.first()) else {
            return true;
        };
        let same_unit = Arc::ptr_eq(&last.unit, &next.unit) || last.unit == next.unit;
        same_unit && last.round == next.round && last.subject == next.subject && last.grade == next.grade
    }

    /// Takes the numbers of a row.
    pub fn take(&mut self, numbers: &mut Vec<Observation>) {
        self.numbers.append(numbers);
    }

    /// True when no further number may be held.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.numbers.len() >= LONGEST
    }

    /// Ends the series, or cuts it because it outgrows the bound: gives its numbers and whether they are all of it.
    pub fn end(&mut self, cut: bool) -> (Vec<Observation>, bool) {
        let whole = !cut && !self.unchecked;
        self.unchecked = cut;
        (std::mem::take(&mut self.numbers), whole)
    }
}
