//! Many observations in one statement of `SQLite`: rows of values.

use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::Found;
use crate::domain::observation::Observation;
use crate::message::Problem;
use crate::warehouse::chunk::unit;
use crate::warehouse::load::Loading;
use crate::warehouse::store::refused;

/// Binds the columns of the key in the order of the index.
fn push_key(tuple: &mut Separated<'_, Sqlite, &'static str>, row: &Observation) {
    tuple.push_bind(row.round.clone());
    tuple.push_bind(unit(row));
    tuple.push_bind(row.measure.as_str());
    match &row.subject {
        Some(subject) => tuple.push_bind(subject.clone()),
        None => tuple.push("''"),
    };
    tuple.push_bind(i64::from(row.grade.unwrap_or(0)));
    if row.breakdown.is_empty() {
        tuple.push("''");
    } else {
        tuple.push_bind(row.breakdown.to_string());
    }
}

/// Inserts rows whose key has no open row; gives the ids of those that went in.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    loading: &Loading,
    rows: &[Observation],
    positions: &[usize],
) -> Result<Vec<i64>, Problem> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into observation (round, unit, measure, subject, grade, breakdown, procedure, value, scale, n, place, \
         snapshot, run) ",
    );
    query.push_values(positions, |mut tuple, position| {
        let row = &rows[*position];
        push_key(&mut tuple, row);
        tuple.push_bind(row.procedure.as_str());
        tuple.push_bind(row.value.units);
        tuple.push_bind(i64::from(row.value.scale));
        tuple.push_bind(row.n);
        tuple.push_bind(row.place.as_str());
        tuple.push_bind(loading.snapshot);
        tuple.push_bind(loading.run);
    });
    query.push(" on conflict (round, unit, measure, subject, grade, breakdown) where superseded_by is null do nothing");
    let done = query
        .build()
        .execute(connection)
        .await
        .map_err(|error| refused("insert observations", &error))?;
    // The one writer gives neighbouring row ids inside a statement.
    let end = done.last_insert_rowid() + 1;
    Ok((end - done.rows_affected().cast_signed()..end).collect())
}

/// The open row of each key, whoever wrote it.
pub(super) async fn look_up(connection: &mut SqliteConnection, rows: &[Observation]) -> Result<Vec<Found>, Problem> {
    let mut query = QueryBuilder::<Sqlite>::new("select v.column1, o.id, o.run, o.value, o.scale, o.n from (");
    query.push_values(rows.iter().enumerate(), |mut tuple, (position, row)| {
        tuple.push_bind(position.cast_signed() as i64);
        push_key(&mut tuple, row);
    });
    // A cross join, so that the list is the outer side and the key's index is asked once a row.
    query.push(
        ") v cross join observation o where o.round = v.column2 and o.unit = v.column3 and o.measure = v.column4 \
         and o.subject = v.column5 and o.grade = v.column6 and o.breakdown = v.column7 and o.superseded_by is null",
    );
    let found = query
        .build_query_as()
        .fetch_all(connection)
        .await
        .map_err(|error| refused("look observations up", &error))?;
    Ok(found)
}
