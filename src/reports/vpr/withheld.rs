//! Values and places that the list of origins may not name, because a hidden cell could be read or solved from them.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::Work;
use super::{Input, WorkKey};
use crate::domain::stored::{ObservationKey, StoredObservation};
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::{Measure, UnitKind};

/// Keys whose file is named without the value and its place.
pub(super) fn withheld(input: &Input<'_>, rounds: &[String; 3], works: &[Work<'_>]) -> BTreeSet<ObservationKey> {
    let open = open_now(works);
    let quiet_past = quiet_past(rounds, works);
    let is_open = |observation: &StoredObservation| {
        let Some(work) = work_of(observation) else { return true };
        let unit = &observation.key.unit;
        if input
            .register
            .get(unit)
            .is_none_or(|unit| unit.kind != UnitKind::General)
        {
            return true;
        }
        if *observation.key.round == *rounds[0] {
            let printed = is_printed(observation.key.measure);
            return open
                .get(&work)
                .is_some_and(|open| open.contains(unit) && (printed || open.is_whole));
        }
        quiet_past.contains(&(&*observation.key.round, &work))
    };
    input
        .observations
        .iter()
        .filter(|observation| !is_open(observation))
        .map(|observation| observation.key.clone())
        .collect()
}

/// Organisations whose counts the tables of this year print.
struct Open {
    units: BTreeSet<UnitId>,
    /// Nobody is hidden in the work, and everybody has counts and shares.
    is_whole: bool,
}

impl Open {
    fn contains(&self, unit: &UnitId) -> bool {
        self.units.contains(unit)
    }
}

fn open_now(works: &[Work<'_>]) -> BTreeMap<WorkKey, Open> {
    works
        .iter()
        .map(|work| {
            let printed = |school: &&super::gather::School<'_>| !school.is_hidden() && school.shown.has_counts();
            let units: BTreeSet<UnitId> = work
                .schools
                .iter()
                .filter(printed)
                .map(|school| school.unit.id.clone())
                .collect();
            let is_whole = work
                .schools
                .iter()
                .all(|school| printed(&school) && school.shown.has_shares());
            (work.key.clone(), Open { units, is_whole })
        })
        .collect()
}

/// Points, scores and pairs with the journal stand in no table per organisation, so that no table protects the small
/// ones among them.
const fn is_printed(measure: Measure) -> bool {
    matches!(
        measure,
        Measure::Participants | Measure::Enrolled | Measure::Absent | Measure::MarkCount
    )
}

/// Earlier works in which nobody was hidden: only their values may be named one by one.
fn quiet_past<'w>(rounds: &'w [String; 3], works: &'w [Work<'_>]) -> BTreeSet<(&'w str, &'w WorkKey)> {
    works
        .iter()
        .flat_map(|work| {
            rounds[1..]
                .iter()
                .zip(&work.before)
                .map(move |(round, past)| (round, past, work))
        })
        .filter(|(_, past, _)| past.as_ref().is_some_and(|past| past.is_whole))
        .map(|(round, _, work)| (round.as_str(), &work.key))
        .collect()
}

fn work_of(observation: &StoredObservation) -> Option<WorkKey> {
    Some(WorkKey {
        subject: observation.key.subject.as_ref()?.to_string(),
        grade: observation.key.grade?,
    })
}
