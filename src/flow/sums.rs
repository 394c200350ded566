//! Sums of territories: brought up to date after loads, told to the office under the rule of small numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::{Context, Stop};
use super::export::first;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::Measure;
use crate::message::Problem;
use crate::privacy::suppress::{Audience, Limits, Line, Shown, plan, shown};
use crate::reports::Rules;
use crate::warehouse::territories::{SumQuery, TerritorySum};

/// Further keys that leave the warehouse; joint tables with the journal, scores one by one, sex and categories stay.
const TOLD_KEYS: [&str; 4] = ["band", "mark", "task", "written_in"];

/// Brings the sums of territories up to date, one short transaction each; a stop ends it between two of them. What is
/// left is computed for every question, and brought up to date by the next pull or pulse of the daemon.
///
/// # Errors
/// When the warehouse refuses.
pub async fn refresh(context: &Context, stop: &Stop) -> Result<(), Problem> {
    while !stop.asked() && context.warehouse.refresh_sums().await? {}
    Ok(())
}

/// What the office is told (что сообщается).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A sum.
    Sum(TerritorySum),
    /// Everything about a subject and grade of a territory is withheld: few participants stand behind it, or it would
    /// tell those of a neighbour.
    Withheld {
        /// Where it belongs.
        group: Group,
        /// Fewer participants than this; absent when it protects a neighbour.
        below: Option<i64>,
    },
}

/// The participants that figures share (группа участников): territory, round, subject, grade, when it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The territory.
    pub territory: UnitId,
    /// The round.
    pub round: Arc<str>,
    /// Subject slug.
    pub subject: Option<Arc<str>>,
    /// Grade of the work.
    pub grade: Option<u8>,
    /// Key `written_in` of the breakdown.
    pub written_in: Option<String>,
}

impl Group {
    fn of(sum: &TerritorySum) -> Self {
        Self {
            territory: sum.territory.clone(),
            round: sum.round.clone(),
            subject: sum.subject.clone(),
            grade: sum.grade,
            written_in: sum.breakdown.get("written_in").map(str::to_owned),
        }
    }

    /// The same participants of all territories together.
    fn everywhere(&self) -> Self {
        Self {
            territory: UnitId(String::new()),
            ..self.clone()
        }
    }
}

/// Sums as the office may see them (rule 5 of data protection), in the order of the key.
///
/// # Errors
/// When the warehouse refuses.
pub async fn told(context: &Context, query: &SumQuery) -> Result<Vec<Told>, Problem> {
    let mut asked = query.clone();
    if !asked.measures.is_empty() && !asked.measures.contains(&Measure::Participants) {
        // How many stand behind a figure decides what is told of it.
        asked.measures.push(Measure::Participants);
    }
    let sums = context.warehouse.territory_sums(&asked).await?;
    // A total may be what gives away a territory below it.
    let below = if asked.children {
        Vec::new()
    } else {
        asked.children = true;
        context.warehouse.territory_sums(&asked).await?
    };
    let limits = Rules::shipped().map_err(first)?.limits;
    let is_wanted = |sum: &TerritorySum| query.measures.is_empty() || query.measures.contains(&sum.measure);
    Ok(withhold(sums, below, limits)
        .into_iter()
        .filter(|told| match told {
            Told::Sum(sum) => is_wanted(sum),
            Told::Withheld { .. } => true,
        })
        .collect())
}

type Groups = BTreeMap<Group, Vec<TerritorySum>>;

/// What may be told of `sums`, when those of the territories below theirs are `below`.
fn withhold(sums: Vec<TerritorySum>, below: Vec<TerritorySum>, limits: Limits) -> Vec<Told> {
    let groups = grouped(sums);
    let children = grouped(below);
    let [own, parts] = [&groups, &children].map(|groups| Protection::of(groups, limits));
    let goes = |layer: usize, group: &Group| {
        own.lines[layer].contains(group) || parts.totals[layer].contains(&group.everywhere())
    };
    let mut told = Vec::new();
    for (group, sums) in &groups {
        match verdict(group, sums, limits).0 {
            Shown::Below(bound) => told.push(Told::Withheld {
                group: group.clone(),
                below: Some(bound),
            }),
            _ if goes(0, group) => told.push(Told::Withheld {
                group: group.clone(),
                below: None,
            }),
            shown => {
                let has_points = shown.has_shares() && !goes(1, group);
                let sums = sums.iter().filter(|sum| has_points || is_count(sum.measure));
                told.extend(sums.cloned().map(Told::Sum));
            }
        }
    }
    told
}

fn grouped(sums: Vec<TerritorySum>) -> Groups {
    let mut groups = Groups::new();
    for sum in sums {
        if sum.breakdown.iter().all(|(key, _)| TOLD_KEYS.contains(&key)) {
            groups.entry(Group::of(&sum)).or_default().push(sum);
        }
    }
    groups
}

/// What the table of rule 5 says of a group, and its participants.
fn verdict(group: &Group, sums: &[TerritorySum], limits: Limits) -> (Shown, i64) {
    let n = participants(sums);
    (shown(&Audience::Office, &group.territory, n, &limits), n)
}

/// Participants of a group; where no file tells them, at least as many as the largest of its counts.
fn participants(sums: &[TerritorySum]) -> i64 {
    let told = sums.iter().filter(|sum| sum.measure == Measure::Participants);
    let counted = sums.iter().filter(|sum| is_count(sum.measure));
    let most = |sums: &mut dyn Iterator<Item = &TerritorySum>| sums.map(|sum| sum.value.units).max();
    most(&mut told.into_iter())
        .or_else(|| most(&mut counted.into_iter()))
        .unwrap_or(0)
}

/// What goes because a withheld group could be solved from the rest, counts and then sums of points (план скрытия).
#[derive(Debug, Default)]
struct Protection {
    /// Further groups.
    lines: [BTreeSet<Group>; 2],
    /// The group of all territories together, by [`Group::everywhere`].
    totals: [BTreeSet<Group>; 2],
}

impl Protection {
    fn of(groups: &Groups, limits: Limits) -> Self {
        let mut tables: BTreeMap<Group, Vec<&Group>> = BTreeMap::new();
        for group in groups.keys() {
            tables.entry(group.everywhere()).or_default().push(group);
        }
        let mut found = Self::default();
        for (everywhere, lines) in tables {
            let columns = columns(groups, &lines);
            for (layer, least) in [limits.counts, limits.shares].into_iter().enumerate() {
                let line = |group: &&Group| {
                    let (shown, n) = verdict(group, &groups[*group], limits);
                    let has_no_points = layer == 1 && shown == Shown::CountsOnly;
                    Line {
                        shown: if has_no_points {
                            Shown::Below(limits.shares)
                        } else {
                            shown
                        },
                        n,
                        counts: match layer {
                            0 => columns.iter().map(|column| count(&groups[*group], column)).collect(),
                            _ => Vec::new(),
                        },
                        hidden_before: found.lines[0].contains(*group),
                    }
                };
                let table: Vec<Line> = lines.iter().map(line).collect();
                let plan = plan(&table, least);
                let also = lines.iter().zip(plan.complementary).filter(|(_, goes)| *goes);
                let also: Vec<Group> = also.map(|(group, _)| (*group).clone()).collect();
                found.lines[layer].extend(also);
                if plan.total {
                    found.totals[layer].insert(everywhere.clone());
                }
            }
        }
        found
    }
}

type CountColumn = (Measure, String);

fn columns(groups: &Groups, lines: &[&Group]) -> BTreeSet<CountColumn> {
    lines
        .iter()
        .flat_map(|group| &groups[*group])
        .filter(|sum| is_count(sum.measure) && sum.measure != Measure::Participants)
        .map(|sum| (sum.measure, sum.breakdown.to_string()))
        .collect()
}

fn count(sums: &[TerritorySum], (measure, breakdown): &CountColumn) -> i64 {
    let mut own = sums.iter();
    let sum = own.find(|sum| sum.measure == *measure && sum.breakdown.to_string() == *breakdown);
    sum.map_or(0, |sum| sum.value.units)
}

/// Sums of points tell means; of few participants only counts are told.
const fn is_count(measure: Measure) -> bool {
    measure.is_additive() && !matches!(measure, Measure::ScoreSum | Measure::TaskPoints | Measure::TestScoreSum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::{Amount, Breakdown};

    fn sum(territory: &str, measure: Measure, key: &str, value: i64) -> TerritorySum {
        TerritorySum {
            territory: UnitId(territory.to_owned()),
            round: "vpr/2024-25/spring".into(),
            measure,
            subject: Some("ma".into()),
            grade: Some(5),
            breakdown: Arc::new(Breakdown::parse(key).expect("a breakdown")),
            value: Amount::whole(value),
            n: None,
            units: 2,
        }
    }

    fn lines(told: &[Told]) -> Vec<String> {
        let line = |told: &Told| match told {
            Told::Sum(sum) => format!(
                "{} {} {} {}",
                sum.territory.0,
                sum.measure.as_str(),
                sum.breakdown,
                sum.value
            ),
            Told::Withheld { group, below } => format!("{} below {below:?}", group.territory.0),
        };
        told.iter().map(line).collect()
    }

    fn listed(sums: Vec<TerritorySum>) -> Vec<Told> {
        withhold(sums, Vec::new(), Limits::default())
    }

    fn district(id: &str, twos: i64, fives: i64) -> Vec<TerritorySum> {
        vec![
            sum(id, Measure::Participants, "", twos + fives),
            sum(id, Measure::MarkCount, "mark=2", twos),
            sum(id, Measure::MarkCount, "mark=5", fives),
            sum(id, Measure::ScoreSum, "", 100),
        ]
    }

    #[test]
    fn a_district_of_few_pupils_is_withheld_with_the_next_smallest_beside_it() {
        let told = listed([district("a", 1, 2), district("b", 20, 30), district("c", 200, 300)].concat());
        assert_eq!(
            lines(&told),
            [
                "a below Some(5)",
                "b below None",
                "c participants  500",
                "c mark_count mark=2 200",
                "c mark_count mark=5 300",
                "c score_sum  100",
            ]
        );
        assert_eq!(lines(&listed(district("a", 1, 2))), ["a below Some(5)"]);
    }

    #[test]
    fn of_few_pupils_counts_are_told_and_sums_of_points_are_not() {
        let told = lines(&listed(district("a", 3, 6)));
        assert_eq!(
            told,
            ["a participants  9", "a mark_count mark=2 3", "a mark_count mark=5 6"]
        );
    }

    #[test]
    fn points_of_few_pupils_are_withheld_with_the_next_smallest_beside_them() {
        let told = lines(&listed(
            [district("a", 3, 6), district("b", 20, 30), district("c", 200, 300)].concat(),
        ));
        let points: Vec<&String> = told.iter().filter(|line| line.contains("score_sum")).collect();
        assert_eq!(points, ["c score_sum  100"]);
        assert_eq!(told.len(), 3 * 3 + 1, "counts are told of all three");
    }

    #[test]
    fn a_total_is_withheld_when_nothing_else_protects_a_district_below() {
        let told = |below: Vec<TerritorySum>| lines(&withhold(district("r", 20, 30), below, Limits::default()));
        assert_eq!(told(district("a", 1, 2)), ["r below None"]);
        assert_eq!(told(district("a", 3, 6)).len(), 3, "counts without points");
        assert_eq!(told([district("a", 3, 6), district("b", 20, 21)].concat()).len(), 4);
        assert_eq!(told(district("a", 20, 30)).len(), 4);
    }

    #[test]
    fn joint_tables_and_categories_are_never_told_and_unknown_participants_are_taken_for_few() {
        let sums = vec![
            sum("a", Measure::JournalCount, "journal=3;mark=2", 40),
            sum("a", Measure::MarkCount, "mark=2;sex=f", 40),
            sum("a", Measure::BelowMinimum, "", 3),
        ];
        assert_eq!(lines(&listed(sums)), ["a below Some(5)"]);
    }
}
