//! Random lives of a warehouse against a model in memory.

use msoko::domain::observation::Observation;
use msoko::warehouse::load::LoadSummary;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;

use crate::district::{District, End, Engine, batch, ends, number};

/// A number of a file: unit, mark, value.
type Row = (usize, usize, i64);

/// One step of a random life: rows of a file, and how its load ends.
#[derive(Debug, Clone)]
struct Step {
    rows: Vec<Row>,
    /// So many rows that some are in the database before the load ends.
    long: bool,
    end: End,
}

/// More than a chunk of a load, and the first of the marks they are about.
const MANY: usize = 8200;
const FIRST_OF_MANY: usize = 1000;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0usize..12, 2usize..40, 0i64..3);
    let rows = proptest::collection::vec(row, 0..400);
    let step = (rows, proptest::bool::weighted(0.3), ends());
    proptest::collection::vec(step.prop_map(|(rows, long, end)| Step { rows, long, end }), 1..6)
}

type Model = BTreeMap<(usize, usize), Vec<i64>>;

/// What a file does to the model: the first value of a key counts, a second different one is refused.
fn apply(model: &mut Model, rows: &[Row]) -> LoadSummary {
    let mut summary = LoadSummary {
        rows_read: rows.len() as u64,
        ..LoadSummary::default()
    };
    let mut in_file = BTreeMap::new();
    for (unit, mark, value) in rows {
        match in_file.get(&(*unit, *mark)) {
            Some(first) if first == value => summary.duplicates += 1,
            Some(_) => summary.quarantined += 1,
            None => {
                in_file.insert((*unit, *mark), *value);
                let history = model.entry((*unit, *mark)).or_default();
                match history.last() {
                    None => summary.observations_new += 1,
                    Some(last) if last == value => {
                        summary.observations_unchanged += 1;
                        continue;
                    }
                    Some(_) => summary.observations_changed += 1,
                }
                history.push(*value);
            }
        }
    }
    summary
}

/// The newest value of every key.
fn newest(model: &Model) -> BTreeMap<(String, String), i64> {
    let last = model.iter().filter_map(|((unit, mark), history)| {
        Some(((format!("school-{unit}"), format!("mark={mark}")), *history.last()?))
    });
    last.collect()
}

async fn live(mut district: District, steps: Vec<Step>) {
    let mut model = Model::new();
    for (turn, step) in steps.into_iter().enumerate() {
        let mut rows = step.rows;
        if step.long {
            let value = i64::try_from(turn).expect("few turns");
            rows.extend((0..MANY).map(|row| (row % 12, FIRST_OF_MANY + row / 12, value)));
        }
        let observations: Vec<Observation> = rows
            .iter()
            .map(|(unit, mark, value)| number(*unit, *mark, *value, 1))
            .collect();
        let mut run = district.begin("a.xlsx", &turn.to_string()).await;
        for piece in observations.chunks(150) {
            let staged = district.warehouse.stage(&mut run, batch(piece.to_vec())).await;
            staged.expect("staged");
        }
        if step.long {
            let staged = format!("select place from observation where run = {} limit 1", run.id());
            assert_eq!(district.column(&staged).await.len(), 1, "no row is in the database yet");
            assert_eq!(district.values().await, newest(&model), "seen before it is published");
        }
        let done;
        (district, done) = district.end(run, step.end).await;
        if let Some(done) = done {
            assert_eq!(LoadSummary { run: 0, ..done }, apply(&mut model, &rows));
        }
        assert_eq!(district.values().await, newest(&model));
    }
    // Of the many that a long load brings, some stand for all.
    let looked_at = |mark: usize| mark < FIRST_OF_MANY || mark.is_multiple_of(97);
    for ((unit, mark), history) in model.iter().filter(|((_, mark), _)| looked_at(*mark)) {
        assert_eq!(&district.history(*unit, *mark).await, history);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_sequence_of_loads_equals_the_model_of_values_and_their_revisions(steps in steps()) {
        tokio::runtime::Runtime::new().expect("runtime").block_on(async {
            live(District::new().await, steps).await;
        });
    }
}

#[tokio::test]
async fn any_sequence_of_loads_equals_the_model_on_a_server_too() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..4 {
        let steps = steps().new_tree(&mut runner).expect("steps").current();
        let Some(district) = District::on(Engine::Postgres).await else {
            return;
        };
        live(district, steps).await;
    }
}
