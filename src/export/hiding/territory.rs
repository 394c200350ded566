//! Lines under the territories whose totals they add up to.

use std::collections::{BTreeMap, HashMap};

use super::Hidden;
use super::work::Tally;
use crate::domain::unit::{Register, UnitId};

type Members<'l> = Vec<(&'l UnitId, &'l Tally)>;

/// Organisations of which people are counted, under the territory whose total they add up to.
pub(super) fn by_territory<'l>(
    lines: &'l BTreeMap<UnitId, Tally>,
    register: &'l Register,
) -> BTreeMap<Option<&'l UnitId>, Members<'l>> {
    let mut groups: BTreeMap<Option<&UnitId>, Members<'_>> = BTreeMap::new();
    let counted = lines.iter().filter(|(_, tally)| tally.n().is_some());
    for (unit, tally) in counted.filter(|(unit, _)| !is_territory(unit, register)) {
        groups
            .entry(territory_of(unit, register))
            .or_default()
            .push((unit, tally));
    }
    groups
}

fn is_territory(unit: &UnitId, register: &Register) -> bool {
    register.get(unit).is_some_and(|unit| unit.kind.is_territory())
}

/// The territory nearest above a unit. A register has no circles that a person would write; a long one ends anyway.
fn territory_of<'r>(unit: &UnitId, register: &'r Register) -> Option<&'r UnitId> {
    above(unit, register).find(|unit| is_territory(unit, register))
}

fn above<'r>(unit: &UnitId, register: &'r Register) -> impl Iterator<Item = &'r UnitId> {
    /// Branch, school, district, region, country, and some to spare.
    const DEEPEST: usize = 16;
    let parent = |unit: &UnitId| register.get(unit).and_then(|unit| unit.parent.as_ref());
    std::iter::successors(parent(unit), move |unit| parent(unit)).take(DEEPEST)
}

/// With the participants and the mean of a territory the means of two organisations give the participants of both.
pub(super) fn hide_shares_that_solve(
    territory: Option<&UnitId>,
    members: &Members<'_>,
    register: &Register,
    decided: &mut HashMap<UnitId, [Option<Hidden>; 2]>,
) {
    let is_shares_only = |unit: &&UnitId| matches!(decided[*unit], [Some(Hidden::SharesOnly(_)), None]);
    let only: Vec<&UnitId> = members.iter().map(|(unit, _)| *unit).filter(is_shares_only).collect();
    let mut totals = territory
        .into_iter()
        .flat_map(|own| std::iter::once(own).chain(above(own, register)));
    if only.len() < 2 || !totals.any(|total| decided.contains_key(total)) {
        return;
    }
    for unit in only {
        if let Some(own) = decided.get_mut(unit) {
            own[1] = Some(Hidden::Complementary);
        }
    }
}

/// A total that could give a line away goes, and so do the totals that hold it.
pub(super) fn hide_above(
    territory: Option<&UnitId>,
    layer: usize,
    register: &Register,
    decided: &mut HashMap<UnitId, [Option<Hidden>; 2]>,
) {
    let Some(territory) = territory else { return };
    for total in std::iter::once(territory).chain(above(territory, register)) {
        if let Some(own) = decided.get_mut(total) {
            own[layer].get_or_insert(Hidden::Complementary);
        }
    }
}

/// What holds a hidden territory goes as well: it minus the others is the territory.
pub(super) fn hide_above_hidden(
    lines: &BTreeMap<UnitId, Tally>,
    layer: usize,
    register: &Register,
    decided: &mut HashMap<UnitId, [Option<Hidden>; 2]>,
) {
    let hidden: Vec<&UnitId> = lines
        .keys()
        .filter(|unit| is_territory(unit, register) && decided.get(*unit).is_some_and(|own| own[layer].is_some()))
        .collect();
    for territory in hidden {
        hide_above(Some(territory), layer, register, decided);
    }
}
