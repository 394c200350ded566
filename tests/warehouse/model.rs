//! Random lives of a warehouse against a model in memory.

use msoko::message::Problem;
use msoko::warehouse::load::LoadSummary;
use proptest::prelude::*;
use std::collections::BTreeMap;

use crate::district::{District, at, batch, number};

/// One step of a random life: rows of a file, and how its load ends.
#[derive(Debug, Clone)]
struct Step {
    rows: Vec<(usize, usize, i64)>,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Publish,
    Abandon,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0usize..12, 2usize..40, 0i64..3);
    let end = prop_oneof![4 => Just(End::Publish), 1 => Just(End::Abandon), 1 => Just(End::Kill)];
    let step = (proptest::collection::vec(row, 0..400), end).prop_map(|(rows, end)| Step { rows, end });
    proptest::collection::vec(step, 1..6)
}

type Model = BTreeMap<(usize, usize), Vec<i64>>;

/// What a file does to the model: the first value of a key counts, a second different one is refused.
fn apply(model: &mut Model, rows: &[(usize, usize, i64)]) -> LoadSummary {
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

async fn live(steps: Vec<Step>) {
    let mut district = District::new().await;
    let mut model = Model::new();
    for (turn, step) in steps.into_iter().enumerate() {
        let rows: Vec<_> = step
            .rows
            .iter()
            .map(|(unit, mark, value)| number(*unit, *mark, *value, 1))
            .collect();
        let mut run = district.begin("a.xlsx", &turn.to_string()).await;
        for piece in rows.chunks(150) {
            district
                .warehouse
                .stage(&mut run, batch(piece.to_vec()))
                .await
                .expect("staged");
        }
        match step.end {
            End::Publish => {
                let done = district.warehouse.publish(run, true, at(2)).await.expect("published");
                assert_eq!(LoadSummary { run: 0, ..done }, apply(&mut model, &step.rows));
            }
            End::Abandon => {
                let problem = Problem::new("MSK-SNP-05");
                district
                    .warehouse
                    .abandon(run, &problem, at(2))
                    .await
                    .expect("abandoned");
            }
            End::Kill => {
                drop(run);
                district = district.kill().await;
            }
        }
        let expected: BTreeMap<_, _> = model
            .iter()
            .filter_map(|((unit, mark), history)| {
                Some(((format!("school-{unit}"), format!("mark={mark}")), *history.last()?))
            })
            .collect();
        assert_eq!(district.values().await, expected);
    }
    for ((unit, mark), history) in &model {
        assert_eq!(&district.history(*unit, *mark).await, history);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_sequence_of_loads_equals_the_model_of_values_and_their_revisions(steps in steps()) {
        tokio::runtime::Runtime::new().expect("runtime").block_on(live(steps));
    }
}
