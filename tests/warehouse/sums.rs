//! Sums of territories: random lives of a region against a plain addition of what holds.

use msoko::domain::observation::{Amount, Breakdown, Observation};
use msoko::domain::unit::{Unit, UnitId, UnitRef};
use msoko::domain::vocabulary::{Measure, UnitKind};
use msoko::warehouse::observations::ObservationQuery;
use msoko::warehouse::territories::SumQuery;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::district::{District, End, Engine, at, batch, ends, number, on_both, school};

const ROUNDS: [&str; 2] = ["vpr/2023-24/spring", "vpr/2024-25/spring"];
/// Two regions with two districts each; a district may move to the other region.
const TERRITORIES: [(&str, UnitKind, Option<&str>); 7] = [
    ("ru", UnitKind::Country, None),
    ("r0", UnitKind::Region, Some("ru")),
    ("r1", UnitKind::Region, Some("ru")),
    ("m0", UnitKind::Municipality, Some("r0")),
    ("m1", UnitKind::Municipality, Some("r0")),
    ("m2", UnitKind::Municipality, Some("r1")),
    ("m3", UnitKind::Municipality, Some("r1")),
];
const SCHOOLS: usize = 12;

/// What one number is about: school or territory, round, measure, mark; its value, scale and participants.
type Row = (usize, usize, usize, usize, i64, u8, Option<i64>);

#[derive(Debug, Clone)]
enum Step {
    Load {
        rows: Vec<Row>,
        long: bool,
        end: End,
    },
    /// A school comes to another district, or to a region itself.
    Move(usize, usize),
    /// A district comes to another region.
    Join(usize, usize),
    /// A school becomes a branch, or is one no more.
    Branch(usize),
    Refresh(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = prop_oneof![Just(None), (1i64..50).prop_map(Some)];
    let row = (0..SCHOOLS + 2, 0usize..2, 0usize..3, 2usize..5, 0i64..4, 0u8..2, n);
    let load = (
        proptest::collection::vec(row, 0..60),
        proptest::bool::weighted(0.1),
        ends(),
    );
    let step = prop_oneof![
        6 => load.prop_map(|(rows, long, end)| Step::Load { rows, long, end }),
        2 => (0..SCHOOLS, 1usize..7).prop_map(|(school, to)| Step::Move(school, to)),
        1 => (3usize..7, 1usize..3).prop_map(|(district, to)| Step::Join(district, to)),
        1 => (0..SCHOOLS).prop_map(Step::Branch),
        3 => (0usize..12).prop_map(Step::Refresh),
    ];
    proptest::collection::vec(step, 1..12)
}

fn territory(position: usize) -> Unit {
    let (id, kind, parent) = TERRITORIES[position];
    Unit {
        id: UnitId(id.to_owned()),
        kind,
        title: id.to_owned(),
        short_title: id.to_owned(),
        parent: parent.map(|parent| UnitId(parent.to_owned())),
        branch: false,
        email: None,
        aliases: Vec::new(),
    }
}

/// A row as an observation; the last two units are territories, whose ready-made numbers never count.
fn observation(row: &Row) -> Observation {
    let (unit, round, measure, mark, value, scale, n) = *row;
    let id = match unit.checked_sub(SCHOOLS) {
        Some(territory) => TERRITORIES[territory + 3].0.to_owned(),
        None => format!("school-{unit}"),
    };
    Observation {
        unit: Arc::new(UnitRef {
            id: Some(UnitId(id)),
            ..UnitRef::default()
        }),
        round: ROUNDS[round].into(),
        measure: [Measure::MarkCount, Measure::ScoreSum, Measure::Mean][measure],
        value: Amount { units: value, scale },
        n,
        ..number(0, mark, 0, 1)
    }
}

/// Sum, participants and organisations, by territory, round, measure and breakdown.
type Sums = BTreeMap<(String, String, String, String), (Amount, Option<i64>, i64)>;

/// Every number that holds is added to every territory above its school.
async fn added(district: &District, register: &HashMap<UnitId, Unit>) -> Sums {
    let query = ObservationQuery {
        rounds: ROUNDS.map(str::to_owned).to_vec(),
        ..ObservationQuery::default()
    };
    let zone = chrono_tz::Europe::Moscow;
    let found = district.warehouse.observations(&query, zone).await.expect("read");
    let mut sums = Sums::new();
    for stored in found {
        let unit = &register[&stored.key.unit];
        if unit.kind.is_territory() || unit.branch || stored.key.measure == Measure::Mean {
            continue;
        }
        let mut above = unit.parent.as_ref();
        while let Some(id) = above {
            let key = (
                id.0.clone(),
                stored.key.round.to_string(),
                stored.key.measure.as_str().to_owned(),
                stored.key.breakdown.to_string(),
            );
            let none = (Amount::whole(0), Some(0), 0);
            let sum = sums.entry(key).or_insert(none);
            let scale = sum.0.scale.max(stored.value.scale);
            let units = |amount: Amount| amount.units * 10i64.pow(u32::from(scale - amount.scale));
            sum.0 = Amount {
                units: units(sum.0) + units(stored.value),
                scale,
            };
            sum.1 = sum.1.zip(stored.n).map(|(sum, n)| sum + n);
            sum.2 += 1;
            above = register[id].parent.as_ref();
        }
    }
    sums
}

async fn told(district: &District) -> Sums {
    let mut sums = Sums::new();
    for (id, _, _) in TERRITORIES {
        for children in [false, true] {
            let query = SumQuery {
                territory: UnitId(id.to_owned()),
                children,
                rounds: ROUNDS.map(str::to_owned).to_vec(),
                measures: Vec::new(),
                subjects: Vec::new(),
            };
            for sum in district.warehouse.territory_sums(&query).await.expect("read") {
                assert_eq!((sum.subject.as_deref(), sum.grade), (Some("ru"), Some(5)));
                let key = (
                    sum.territory.0,
                    sum.round.to_string(),
                    sum.measure.as_str().to_owned(),
                    sum.breakdown.to_string(),
                );
                let value = (sum.value, sum.n, sum.units);
                let before = sums.insert(key, value);
                assert!(
                    before.is_none_or(|before| before == value),
                    "told by itself and by its parent"
                );
            }
        }
    }
    sums
}

async fn live(mut district: District, steps: Vec<Step>) {
    let mut register: HashMap<UnitId, Unit> = (0..SCHOOLS)
        .map(|number| Unit {
            parent: Some(UnitId(TERRITORIES[3 + number % 4].0.to_owned())),
            ..school(number, None)
        })
        .chain((0..TERRITORIES.len()).map(territory))
        .map(|unit| (unit.id.clone(), unit))
        .collect();
    let all = register.values().cloned().collect();
    district.warehouse.import_units(all, at(0)).await.expect("imported");
    for (turn, step) in steps.into_iter().enumerate() {
        let mut changed = None;
        match step {
            Step::Load { rows, long, end } => district = load(district, turn, &rows, long, end, &register).await,
            Step::Move(school, to) => changed = Some((format!("school-{school}"), Some(to))),
            Step::Join(district, to) => changed = Some((TERRITORIES[district].0.to_owned(), Some(to))),
            Step::Branch(school) => changed = Some((format!("school-{school}"), None)),
            Step::Refresh(times) => {
                for _ in 0..times {
                    district.warehouse.refresh_sums().await.expect("refreshed");
                }
            }
        }
        if let Some((id, to)) = changed {
            let unit = register.get_mut(&UnitId(id)).expect("known");
            match to {
                Some(to) => unit.parent = Some(UnitId(TERRITORIES[to].0.to_owned())),
                None => unit.branch = !unit.branch,
            }
            let unit = unit.clone();
            district
                .warehouse
                .import_units(vec![unit], at(3))
                .await
                .expect("imported");
        }
        assert_eq!(told(&district).await, added(&district, &register).await);
    }
    while district.warehouse.refresh_sums().await.expect("refreshed") {}
    assert!(!district.warehouse.has_stale_sums().await.expect("read"));
    assert_eq!(told(&district).await, added(&district, &register).await);
}

/// Stages rows, with enough beside them to be written before the end when it is long, and ends the load.
async fn load(
    district: District,
    turn: usize,
    rows: &[Row],
    long: bool,
    end: End,
    register: &HashMap<UnitId, Unit>,
) -> District {
    let before = told(&district).await;
    let mut run = district.begin("a.xlsx", &turn.to_string()).await;
    let rows = rows.iter().map(observation).collect();
    district.warehouse.stage(&mut run, batch(rows)).await.expect("staged");
    if long {
        let many = (0..8200).map(|row| observation(&(row % SCHOOLS, 0, 0, 100 + row, turn as i64, 0, None)));
        let many = many.map(|row| Observation {
            breakdown: Arc::new(Breakdown::none().with("task", row.breakdown.to_string().replace("mark=", ""))),
            ..row
        });
        district
            .warehouse
            .stage(&mut run, batch(many.collect()))
            .await
            .expect("staged");
        // Half-way through: nobody sees it, whether sums are computed or refreshed now.
        district.warehouse.refresh_sums().await.expect("refreshed");
        assert_eq!(told(&district).await, before);
        assert_eq!(before, added(&district, register).await);
    }
    district.end(run, end).await.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn sums_of_territories_equal_a_plain_addition_at_every_moment(steps in steps()) {
        tokio::runtime::Runtime::new().expect("runtime").block_on(async {
            live(District::new().await, steps).await;
        });
    }
}

#[tokio::test]
async fn sums_of_territories_equal_a_plain_addition_on_a_server_too() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..3 {
        let steps = steps().new_tree(&mut runner).expect("steps").current();
        let Some(district) = District::on(Engine::Postgres).await else {
            return;
        };
        live(district, steps).await;
    }
}

on_both! {
    fresh_sums_are_read_and_not_added_again,
}

/// A sum that somebody has falsified is told as it stands until something below it changes.
async fn fresh_sums_are_read_and_not_added_again(district: District) {
    let units = [1, 2].map(|number| Unit {
        parent: Some(UnitId("m0".to_owned())),
        ..school(number, None)
    });
    let units = (0..TERRITORIES.len()).map(territory).chain(units).collect();
    district.warehouse.import_units(units, at(0)).await.expect("imported");
    let value = async || {
        let sums = told(&district).await;
        let of = |id: &str| {
            let mut own = sums.iter().filter(|((territory, ..), _)| territory == id);
            own.next().map(|(_, (value, ..))| value.units)
        };
        (of("m0"), of("ru"), of("m1"))
    };
    district
        .load("a.xlsx", vec![number(1, 2, 7, 1), number(2, 2, 5, 2)])
        .await;
    assert_eq!(value().await, (Some(12), Some(12), None));
    assert!(district.warehouse.has_stale_sums().await.expect("read"));
    while district.warehouse.refresh_sums().await.expect("refreshed") {}
    let falsify = "update territory_sum set value = 1000 where territory = 'm0'";
    assert_eq!(district.raw(falsify).await, Ok(1));
    assert_eq!(value().await, (Some(1000), Some(12), None));
    district.load("b.xlsx", vec![number(1, 2, 8, 1)]).await;
    assert_eq!(value().await, (Some(13), Some(13), None));
    district.load("c.xlsx", vec![number(1, 2, 8, 1)]).await;
    while district.warehouse.refresh_sums().await.expect("refreshed") {}
    assert_eq!(value().await, (Some(13), Some(13), None));
}
