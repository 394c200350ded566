//! A set of row ids that stays small: rows loaded together have neighbouring ids.

use std::collections::HashMap;

const WORDS: usize = 16;
const PAGE: u64 = 64 * WORDS as u64;

/// Ids in pages of 1024 bits: a million neighbouring ids take about 150 kB.
#[derive(Debug, Default)]
pub(super) struct IdSet(HashMap<u64, Box<[u64; WORDS]>>);

impl IdSet {
    pub(super) fn insert(&mut self, id: i64) {
        let (page, word, bit) = split(id);
        self.0.entry(page).or_insert_with(|| Box::new([0; WORDS]))[word] |= bit;
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        let (page, word, bit) = split(id);
        self.0.get(&page).is_some_and(|words| words[word] & bit != 0)
    }

    /// Takes the ids of another set in.
    pub(super) fn extend(&mut self, other: Self) {
        for (page, words) in other.0 {
            let own = self.0.entry(page).or_insert_with(|| Box::new([0; WORDS]));
            own.iter_mut().zip(*words).for_each(|(own, word)| *own |= word);
        }
    }

    /// All ids, pages in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().flat_map(|(page, words)| {
            words.iter().enumerate().flat_map(move |(position, word)| {
                let first = page * PAGE + position as u64 * 64;
                (0..64u64)
                    .filter(move |bit| word >> bit & 1 == 1)
                    .map(move |bit| (first + bit).cast_signed())
            })
        })
    }
}

fn split(id: i64) -> (u64, usize, u64) {
    let id = id.cast_unsigned();
    let inside = id % PAGE;
    (id / PAGE, usize::try_from(inside / 64).unwrap_or(0), 1 << (inside % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_set_holds_exactly_what_was_put_in(ids in proptest::collection::btree_set(1i64..100_000, 0..200), other in 1i64..100_000) {
            let mut set = IdSet::default();
            ids.iter().for_each(|id| set.insert(*id));
            prop_assert_eq!(set.contains(other), ids.contains(&other));
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), ids);
        }

        #[test]
        fn a_set_that_takes_another_in_holds_the_ids_of_both(one in proptest::collection::btree_set(1i64..5_000, 0..200), other in proptest::collection::btree_set(1i64..5_000, 0..200)) {
            let [mut set, more] = [&one, &other].map(|ids| {
                let mut set = IdSet::default();
                ids.iter().for_each(|id| set.insert(*id));
                set
            });
            set.extend(more);
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), one.union(&other).copied().collect());
        }
    }
}
