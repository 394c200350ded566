//! Small cells: what a reader outside the warehouse may see (data-protection rule 5, the only table).
//!
//! Takes: who reads, whose figure it is, how many participants stand behind it, and the lines of a table with a
//! printed total. Gives: what may be shown of each line, and which further lines must go so that the hidden ones
//! cannot be solved from the rest. Never: changes or words a number.
//!
//! ```
//! use msoko::domain::unit::UnitId;
//! use msoko::privacy::suppress::{Audience, Limits, Shown, shown};
//! let school = UnitId("a".to_owned());
//! assert_eq!(shown(&Audience::Office, &school, 9, &Limits::default()), Shown::CountsOnly);
//! assert_eq!(shown(&Audience::Public, &school, 9, &Limits::default()), Shown::Below(10));
//! assert_eq!(shown(&Audience::School(school.clone()), &school, 9, &Limits::default()), Shown::Everything);
//! ```

use crate::domain::unit::UnitId;

/// Who reads the document (адресат документа).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The school itself; it sees its own figures whole and nobody else's.
    School(UnitId),
    /// Specialist or head of the authority.
    Office,
    /// Another school or the region.
    Other,
    /// Anybody.
    Public,
}

/// Bounds of the table (границы малых чисел). An administrator may raise them freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fewer participants: nothing but «менее …» for the office.
    pub counts: i64,
    /// Fewer participants: no shares, means or conclusions.
    pub shares: i64,
    /// Fewer participants: «малая выборка».
    pub small: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            counts: 5,
            shares: 10,
            small: 20,
        }
    }
}

/// What may be shown of one line (что показывается).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Everything.
    Everything,
    /// Everything, marked «малая выборка», never «системно».
    SmallSample,
    /// Shares only; those at the ends as «≤ 10 %» and «≥ 90 %».
    Softened,
    /// Participants and counts per mark; no shares, means, conclusions.
    CountsOnly,
    /// «менее N» and nothing else.
    Below(i64),
    /// The line is not in the document at all.
    NotPrinted,
}

impl Shown {
    /// True when the number of participants and the counts stay out of the document.
    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::Below(_) | Self::NotPrinted)
    }

    /// True when shares, means and conclusions are allowed.
    #[must_use]
    pub const fn has_shares(self) -> bool {
        matches!(self, Self::Everything | Self::SmallSample | Self::Softened)
    }

    /// True when counts per mark are allowed.
    #[must_use]
    pub const fn has_counts(self) -> bool {
        matches!(self, Self::Everything | Self::SmallSample | Self::CountsOnly)
    }
}

/// The table of rule 5: what `audience` may see of a figure of `unit` made of `n` participants.
#[must_use]
pub fn shown(audience: &Audience, unit: &UnitId, n: i64, limits: &Limits) -> Shown {
    match audience {
        Audience::School(own) if own == unit => Shown::Everything,
        Audience::School(_) => Shown::NotPrinted,
        Audience::Office => match n {
            n if n < limits.counts => Shown::Below(limits.counts),
            n if n < limits.shares => Shown::CountsOnly,
            n if n < limits.small => Shown::SmallSample,
            _ => Shown::Everything,
        },
        Audience::Other if n < limits.counts => Shown::Below(limits.counts),
        Audience::Other | Audience::Public => match n {
            n if n < limits.shares => Shown::Below(limits.shares),
            n if n < limits.small => Shown::Softened,
            _ => Shown::Everything,
        },
    }
}

/// A line of a table whose last line is the sum of all (строка таблицы с итогом).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the table of rule 5 allows.
    pub shown: Shown,
    /// Participants.
    pub n: i64,
    /// Counts of the columns that have a total.
    pub counts: Vec<i64>,
    /// Hidden in an earlier version or another table of the same document: stays hidden.
    pub hidden_before: bool,
}

/// What is left out of a table (план скрытия).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// For each line: it goes, though rule 5 alone would show it.
    pub complementary: Vec<bool>,
    /// The total has to go as well: no further line could protect the hidden ones.
    pub total: bool,
}

/// Complementary suppression: adds the next smallest line until no hidden cell can be solved from the total and
/// the lines that remain, and until the hidden lines together reach `least` participants.
///
/// A column whose total is nought stays: it says the same of every line and singles out none.
#[must_use]
pub fn plan(lines: &[Line], least: i64) -> Plan {
    let mut plan = Plan {
        complementary: lines
            .iter()
            .map(|line| line.hidden_before && !line.shown.is_hidden())
            .collect(),
        total: false,
    };
    if !lines.iter().any(|line| line.shown.is_hidden()) && !plan.complementary.contains(&true) {
        return plan;
    }
    while let Some(need) = weakness(lines, &plan.complementary, least) {
        let next = lines
            .iter()
            .enumerate()
            .filter(|(position, line)| !line.shown.is_hidden() && !plan.complementary[*position])
            .filter(|(_, line)| line.shown != Shown::Everything || !has_not_printed(lines))
            .min_by_key(|(position, line)| (!need.is_met_by(line), line.n, *position));
        let Some((position, _)) = next else {
            plan.total = true;
            break;
        };
        plan.complementary[position] = true;
    }
    plan
}

/// In the document of one school the only printed line is its own: it is never taken away from its owner.
fn has_not_printed(lines: &[Line]) -> bool {
    lines.iter().any(|line| line.shown == Shown::NotPrinted)
}

/// Why the hidden lines are not safe yet.
enum Need {
    /// Any further line.
    AnyLine,
    /// A line with a count in this column.
    CountIn(usize),
}

impl Need {
    fn is_met_by(&self, line: &Line) -> bool {
        match self {
            Self::AnyLine => true,
            Self::CountIn(column) => line.counts.get(*column).is_some_and(|count| *count > 0),
        }
    }
}

fn weakness(lines: &[Line], complementary: &[bool], least: i64) -> Option<Need> {
    let hidden: Vec<(&Line, i64)> = lines
        .iter()
        .zip(complementary)
        .filter(|(line, also)| line.shown.is_hidden() || **also)
        .map(|(line, _)| (line, ceiling(line)))
        .collect();
    let together: i64 = hidden.iter().map(|(line, _)| line.n).sum();
    if hidden.len() < 2 || together < least {
        return Some(Need::AnyLine);
    }
    let room: i64 = hidden
        .iter()
        .fold(0i64, |sum, (_, ceiling)| sum.saturating_add(*ceiling));
    if hidden
        .iter()
        .any(|(_, ceiling)| together - (room - ceiling) >= *ceiling)
    {
        return Some(Need::AnyLine);
    }
    let columns = lines.iter().map(|line| line.counts.len()).max().unwrap_or(0);
    for column in 0..columns {
        let of = |line: &Line| line.counts.get(column).copied().unwrap_or(0);
        let left: i64 = hidden.iter().map(|(line, _)| of(line)).sum();
        if left == 0 && lines.iter().any(|line| of(line) > 0) {
            return Some(Need::CountIn(column));
        }
        let solved = |own: i64| {
            let others = room - own;
            let lowest = (left - others).max(together - others - own.min(together - left)).max(0);
            lowest >= left.min(own)
        };
        if left > 0 && hidden.iter().any(|(_, ceiling)| solved(*ceiling)) {
            return Some(Need::AnyLine);
        }
    }
    None
}

/// What the reader knows about the participants of a hidden line: «менее N» says at most N − 1.
fn ceiling(line: &Line) -> i64 {
    /// No school has more pupils in a year than this; it only keeps the sums from overflowing.
    const UNKNOWN: i64 = 1_000_000;
    match line.shown {
        Shown::Below(bound) => bound - 1,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn lines(audience: &Audience, counts: &[Vec<i64>]) -> Vec<Line> {
        counts
            .iter()
            .enumerate()
            .map(|(position, counts)| {
                let n = counts.iter().sum();
                Line {
                    shown: shown(audience, &UnitId(position.to_string()), n, &Limits::default()),
                    n,
                    counts: counts.clone(),
                    hidden_before: false,
                }
            })
            .collect()
    }

    /// An attacker with pencil and patience: every split of the hidden sums that fits what is printed.
    fn solutions(lines: &[Line], hidden: &[usize]) -> Vec<BTreeSet<i64>> {
        let columns = lines[0].counts.len();
        let sums: Vec<i64> = (0..columns)
            .map(|column| hidden.iter().map(|position| lines[*position].counts[column]).sum())
            .collect();
        let ceilings: Vec<i64> = hidden.iter().map(|position| ceiling(&lines[*position])).collect();
        let mut seen = vec![BTreeSet::new(); hidden.len() * columns];
        let mut grid = vec![vec![0; columns]; hidden.len()];
        fill(&sums, &ceilings, 0, 0, sums[0], &mut grid, &mut seen);
        seen
    }

    fn fill(
        sums: &[i64],
        ceilings: &[i64],
        column: usize,
        line: usize,
        left: i64,
        grid: &mut Vec<Vec<i64>>,
        seen: &mut [BTreeSet<i64>],
    ) {
        let last = line + 1 == ceilings.len();
        for value in if last { left..=left } else { 0..=left } {
            grid[line][column] = value;
            if grid[line][..=column].iter().sum::<i64>() > ceilings[line] {
                break;
            }
            if !last {
                fill(sums, ceilings, column, line + 1, left - value, grid, seen);
            } else if column + 1 < sums.len() {
                fill(sums, ceilings, column + 1, 0, sums[column + 1], grid, seen);
            } else {
                for (row, cells) in grid.iter().enumerate() {
                    for (position, cell) in cells.iter().enumerate() {
                        seen[row * sums.len() + position].insert(*cell);
                    }
                }
            }
        }
    }

    #[test]
    fn the_table_of_rule_five_decides_by_reader_and_number() {
        let (own, other) = (UnitId("a".to_owned()), UnitId("b".to_owned()));
        let limits = Limits::default();
        for (n, office, neighbour, public) in [
            (4, Shown::Below(5), Shown::Below(5), Shown::Below(10)),
            (5, Shown::CountsOnly, Shown::Below(10), Shown::Below(10)),
            (9, Shown::CountsOnly, Shown::Below(10), Shown::Below(10)),
            (10, Shown::SmallSample, Shown::Softened, Shown::Softened),
            (19, Shown::SmallSample, Shown::Softened, Shown::Softened),
            (20, Shown::Everything, Shown::Everything, Shown::Everything),
        ] {
            assert_eq!(shown(&Audience::Office, &own, n, &limits), office, "{n}");
            assert_eq!(shown(&Audience::Other, &own, n, &limits), neighbour, "{n}");
            assert_eq!(shown(&Audience::Public, &own, n, &limits), public, "{n}");
            assert_eq!(
                shown(&Audience::School(own.clone()), &own, n, &limits),
                Shown::Everything
            );
            assert_eq!(
                shown(&Audience::School(own.clone()), &other, n, &limits),
                Shown::NotPrinted
            );
        }
    }

    #[test]
    fn the_next_smallest_school_goes_with_a_single_hidden_one() {
        let table = lines(
            &Audience::Other,
            &[vec![5, 7, 4, 2], vec![1, 9, 12, 8], vec![0, 4, 3, 2]],
        );
        let found = plan(&table, 10);
        assert_eq!(found.complementary, [true, false, false]);
        assert!(!found.total);
        assert_eq!(
            plan(&lines(&Audience::Office, &[vec![5, 7], vec![9, 8]]), 5).complementary,
            [false; 2]
        );
    }

    #[test]
    fn without_a_second_school_the_total_goes() {
        let table = lines(&Audience::Office, &[vec![2, 1]]);
        assert!(plan(&table, 5).total);
        let school = Audience::School(UnitId("0".to_owned()));
        assert!(plan(&lines(&school, &[vec![20, 5], vec![3, 1]]), 5).total);
        let three = plan(&lines(&school, &[vec![20, 5], vec![3, 1], vec![4, 6]]), 5);
        assert_eq!((three.total, three.complementary), (false, vec![false; 3]));
    }

    #[test]
    fn what_was_hidden_once_stays_hidden() {
        let mut table = lines(&Audience::Office, &[vec![12, 14], vec![20, 30], vec![9, 9]]);
        table[2].hidden_before = true;
        assert_eq!(plan(&table, 5).complementary, [true, false, true]);
    }

    #[test]
    fn the_attacker_of_these_tests_does_solve_an_unprotected_table() {
        let table = lines(&Audience::Office, &[vec![3, 1, 0], vec![9, 9, 9]]);
        assert!(solutions(&table, &[0]).iter().all(|values| values.len() == 1));
    }

    proptest! {
        #[test]
        fn no_hidden_cell_can_be_solved_from_what_is_printed(
            counts in prop::collection::vec(prop::collection::vec(0i64..5, 3), 2..5)
        ) {
            let table = lines(&Audience::Office, &counts);
            let found = plan(&table, 5);
            let hidden: Vec<usize> = (0..table.len())
                .filter(|position| table[*position].shown.is_hidden() || found.complementary[*position])
                .collect();
            if hidden.is_empty() || found.total {
                return Ok(());
            }
            let seen = solutions(&table, &hidden);
            for (row, position) in hidden.iter().enumerate() {
                for column in 0..3 {
                    let everywhere_nought = table.iter().all(|line| line.counts[column] == 0);
                    if table[*position].shown.is_hidden() && !everywhere_nought {
                        prop_assert!(seen[row * 3 + column].len() > 1, "{table:?} {found:?}");
                    }
                }
            }
        }
    }
}
