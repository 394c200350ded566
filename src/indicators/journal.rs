//! M-JRN: marks of the work against marks of the journal.

use super::{Counted, Value};

/// Participants with one pair of marks (ячейка сравнения с журналом).
#[derive(Debug, Clone, PartialEq)]
pub struct JournalCell {
    /// Mark of the work, 2…5.
    pub mark: u8,
    /// Mark of the journal, 2…5.
    pub journal: u8,
    /// How many participants.
    pub count: Counted,
}

/// Marks against the journal (соответствие журналу). The denominator is everybody with a journal mark 2…5.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// Понизили: mark below the journal.
    pub lowered: Counted,
    /// Подтвердили.
    pub confirmed: Counted,
    /// Повысили: mark above the journal.
    pub raised: Counted,
    /// M-JRN2: differ by two and more, counted in `lowered` or `raised` as well.
    pub by_two: Counted,
    /// Everybody compared.
    pub total: Counted,
}

impl Journal {
    /// Share of those who lowered, confirmed or raised, in this order.
    #[must_use]
    pub fn shares(&self) -> [Option<Value>; 3] {
        [&self.lowered, &self.confirmed, &self.raised].map(|count| Value::of(count, &self.total))
    }

    /// Several units together.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for part in parts {
            sum.lowered.add(&part.lowered);
            sum.confirmed.add(&part.confirmed);
            sum.raised.add(&part.raised);
            sum.by_two.add(&part.by_two);
            sum.total.add(&part.total);
        }
        sum
    }
}

/// Sorts the pairs; a pair with a mark outside 2…5 is left out, as procedures.md 8.1 says.
#[must_use]
pub fn journal(cells: &[JournalCell]) -> Journal {
    let mut sum = Journal::default();
    let known = |mark: u8| (2..=5).contains(&mark);
    for cell in cells.iter().filter(|cell| known(cell.mark) && known(cell.journal)) {
        match cell.mark.cmp(&cell.journal) {
            std::cmp::Ordering::Less => sum.lowered.add(&cell.count),
            std::cmp::Ordering::Equal => sum.confirmed.add(&cell.count),
            std::cmp::Ordering::Greater => sum.raised.add(&cell.count),
        }
        if cell.mark.abs_diff(cell.journal) >= 2 {
            sum.by_two.add(&cell.count);
        }
        sum.total.add(&cell.count);
    }
    // A nought is known from the pairs that are there.
    for count in [&mut sum.lowered, &mut sum.confirmed, &mut sum.raised, &mut sum.by_two] {
        if count.sources.is_empty() {
            count.sources.clone_from(&sum.total.sources);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::percent_bare;

    fn cell(mark: u8, journal: u8, count: i64) -> JournalCell {
        JournalCell {
            mark,
            journal,
            count: Counted::bare(count),
        }
    }

    #[test]
    fn marks_are_compared_with_the_journal_and_garbage_is_left_out() {
        let sum = journal(&[
            cell(2, 3, 2),
            cell(3, 3, 5),
            cell(5, 4, 1),
            cell(2, 4, 1),
            cell(3, 0, 40),
        ]);
        let shares = sum.shares().map(|share| percent_bare(share.expect("a share").ratio()));
        assert_eq!(shares, ["33,3", "55,6", "11,1"]);
        assert_eq!((sum.by_two.value, sum.total.value), (1, 9));
        assert_eq!(Journal::sum([&sum, &sum]).total.value, 18);
    }
}
