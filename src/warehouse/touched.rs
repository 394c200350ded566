//! Which sums of territories a change makes stale: the numbers of a load, or units that moved in the register.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::sql::{Session, sql};
use crate::domain::unit::{Unit, UnitId};
use crate::message::Problem;

/// Pairs a load remembers one by one, some five megabytes; beyond them it remembers whole rounds.
const PAIRS: usize = 50_000;
/// Pairs written in one statement.
const PIECE: usize = 500;

/// Units whose numbers a load has added, changed or closed, by round.
#[derive(Debug, Default)]
pub(super) struct Touched {
    rounds: HashMap<String, Units>,
    pairs: usize,
    /// The pair noted last: neighbouring rows mostly share it.
    last: (String, String),
}

#[derive(Debug)]
enum Units {
    These(HashSet<String>),
    All,
}

impl Touched {
    /// Notes that a number of this round and unit was added, changed or closed.
    pub(super) fn note(&mut self, round: &str, unit: &str) {
        if self.last.1 == unit && self.last.0 == round {
            return;
        }
        self.last = (round.to_owned(), unit.to_owned());
        let full = self.pairs >= PAIRS;
        let units = self
            .rounds
            .entry(round.to_owned())
            .or_insert_with(|| Units::These(HashSet::new()));
        let Units::These(known) = units else { return };
        if known.contains(unit) {
            return;
        }
        if full {
            self.pairs -= known.len();
            *units = Units::All;
        } else {
            known.insert(unit.to_owned());
            self.pairs += 1;
        }
    }

    /// Marks the sums of all territories above the noted units stale: to be called in the transaction that makes the
    /// change visible, which has its turn among the loads.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn mark_stale(&self, session: &mut Session<'_>) -> Result<(), Problem> {
        if self.rounds.is_empty() {
            return Ok(());
        }
        let tree = Tree::read(session).await?;
        let mut stale = BTreeSet::new();
        for (round, units) in &self.rounds {
            let mut above = BTreeSet::new();
            match units {
                Units::These(units) => units.iter().for_each(|unit| tree.above(unit, &mut above)),
                Units::All => above.extend(tree.territories.iter().map(String::as_str)),
            }
            let territories = above.into_iter().filter(|unit| tree.territories.contains(*unit));
            stale.extend(territories.map(|territory| (round.as_str(), territory)));
        }
        mark(session, &stale).await
    }
}

/// Who lies in whom.
#[derive(Debug, Default)]
pub(super) struct Tree {
    parents: HashMap<String, String>,
    territories: HashSet<String>,
}

impl Tree {
    async fn read(session: &mut Session<'_>) -> Result<Self, Problem> {
        let rows: Vec<(String, Option<String>, i64)> = sql(
            "read the register",
            "select id, parent, case when kind in ('municipality', 'region', 'country') then cast(1 as bigint) \
             else cast(0 as bigint) end from unit",
        )
        .all(session)
        .await?;
        let mut tree = Self::default();
        for (id, parent, territory) in rows {
            if territory == 1 {
                tree.territories.insert(id.clone());
            }
            if let Some(parent) = parent {
                tree.parents.insert(id, parent);
            }
        }
        Ok(tree)
    }

    fn of<'u>(units: impl Iterator<Item = &'u Unit>) -> Self {
        let mut tree = Self::default();
        for unit in units {
            if let Some(parent) = &unit.parent {
                tree.parents.insert(unit.id.0.clone(), parent.0.clone());
            }
        }
        tree
    }

    /// Adds everything above a unit; what is known already has its own above it there too, so that a register whose
    /// units lie in each other ends as well.
    fn above<'t>(&'t self, unit: &str, found: &mut BTreeSet<&'t str>) {
        let mut below = unit;
        while let Some(parent) = self.parents.get(below) {
            if !found.insert(parent) {
                return;
            }
            below = parent;
        }
    }
}

/// Marks the sums stale that a change of the register touches: of all rounds, above the place that a unit has left and
/// above the one it has come to. A new unit has no numbers yet.
///
/// # Errors
/// When the database refuses.
pub(super) async fn mark_moved(
    session: &mut Session<'_>,
    before: &HashMap<UnitId, Unit>,
    after: &[Unit],
) -> Result<(), Problem> {
    let moved: Vec<&Unit> = after
        .iter()
        .filter(|unit| before.get(&unit.id).is_some_and(|old| has_moved(old, unit)))
        .collect();
    if moved.is_empty() {
        return Ok(());
    }
    let given: HashSet<&UnitId> = after.iter().map(|unit| &unit.id).collect();
    let stays = before.values().filter(|unit| !given.contains(&unit.id));
    let (old, new) = (Tree::of(before.values()), Tree::of(stays.chain(after)));
    let mut above = BTreeSet::new();
    for unit in moved {
        above.insert(unit.id.0.as_str());
        let (mut left, mut entered) = (BTreeSet::new(), BTreeSet::new());
        old.above(&unit.id.0, &mut left);
        new.above(&unit.id.0, &mut entered);
        above.extend(left);
        above.extend(entered);
    }
    let rounds: Vec<String> = sql(
        "list rounds",
        "with recursive jump (round) as (select min(round) from observation where superseded_by is null union all \
         select (select min(o.round) from observation o where o.superseded_by is null and o.round > jump.round) \
         from jump where jump.round is not null) select round from jump where round is not null",
    )
    .scalars(&mut *session)
    .await?;
    let every = |round| above.iter().map(move |unit| (round, *unit));
    mark(session, &rounds.iter().map(String::as_str).flat_map(every).collect()).await
}

fn has_moved(old: &Unit, new: &Unit) -> bool {
    (&old.parent, old.kind, old.branch) != (&new.parent, new.kind, new.branch)
}

async fn mark(session: &mut Session<'_>, pairs: &BTreeSet<(&str, &str)>) -> Result<(), Problem> {
    let pairs: Vec<_> = pairs.iter().collect();
    for piece in pairs.chunks(PIECE) {
        let rows = piece
            .iter()
            .map(|(round, territory)| [(*round).into(), (*territory).into()]);
        sql(
            "mark sums as stale",
            "insert into territory_stale (round, territory) values ",
        )
        .push_rows(rows)
        .push(" on conflict do nothing")
        .execute(&mut *session)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_of_too_many_units_remembers_whole_rounds() {
        let mut touched = Touched::default();
        for unit in 0..PAIRS + 2 {
            touched.note("rop/2024-25/spring", &format!("school-{unit}"));
        }
        touched.note("rop/2025-26/spring", "school-1");
        assert!(matches!(touched.rounds["rop/2024-25/spring"], Units::All));
        assert!(matches!(&touched.rounds["rop/2025-26/spring"], Units::These(units) if units.len() == 1));
        assert_eq!(touched.pairs, 1);
    }

    #[test]
    fn units_that_lie_in_each_other_end() {
        let mut tree = Tree::default();
        for (unit, parent) in [("a", "b"), ("b", "c"), ("c", "b")] {
            tree.parents.insert(unit.to_owned(), parent.to_owned());
        }
        let mut above = BTreeSet::new();
        tree.above("a", &mut above);
        assert_eq!(above, BTreeSet::from(["b", "c"]));
    }
}
