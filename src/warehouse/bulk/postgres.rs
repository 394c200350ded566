//! Many observations in one statement of `PostgreSQL`: an array a column.

use sqlx::PgConnection;

use super::Found;
use crate::domain::observation::Observation;
use crate::message::Problem;
use crate::warehouse::chunk::unit;
use crate::warehouse::load::Loading;
use crate::warehouse::sql::storable;
use crate::warehouse::store::refused;

/// The columns of the key, in the order of the index.
#[derive(Default)]
struct Keys<'a> {
    rounds: Vec<&'a str>,
    units: Vec<&'a str>,
    measures: Vec<&'static str>,
    subjects: Vec<&'a str>,
    grades: Vec<i64>,
    breakdowns: Vec<String>,
}

impl<'a> Keys<'a> {
    fn of(rows: impl Iterator<Item = &'a Observation>) -> Self {
        let mut keys = Self::default();
        for row in rows {
            keys.rounds.push(&row.round);
            keys.units.push(unit(row));
            keys.measures.push(row.measure.as_str());
            keys.subjects.push(row.subject.as_deref().unwrap_or_default());
            keys.grades.push(i64::from(row.grade.unwrap_or(0)));
            keys.breakdowns.push(storable(row.breakdown.to_string()));
        }
        keys
    }
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    loading: &Loading,
    rows: &[Observation],
    positions: &[usize],
) -> Result<Vec<i64>, Problem> {
    let chosen = || positions.iter().map(|position| &rows[*position]);
    let keys = Keys::of(chosen());
    let mut ids: Vec<i64> = sqlx::query_scalar(
        "insert into observation (round, unit, measure, subject, grade, breakdown, procedure, value, scale, n, place, \
         snapshot, run) \
         select v.*, $12, $13 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], \
         $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[]) as v (round, unit) \
         on conflict (round, unit, measure, subject, grade, breakdown) where superseded_by is null do nothing \
         returning id",
    )
    .bind(keys.rounds)
    .bind(keys.units)
    .bind(keys.measures)
    .bind(keys.subjects)
    .bind(keys.grades)
    .bind(keys.breakdowns)
    .bind(chosen().map(|row| row.procedure.as_str()).collect::<Vec<_>>())
    .bind(chosen().map(|row| row.value.units).collect::<Vec<_>>())
    .bind(chosen().map(|row| i64::from(row.value.scale)).collect::<Vec<_>>())
    .bind(chosen().map(|row| row.n).collect::<Vec<_>>())
    .bind(chosen().map(|row| storable(row.place.to_string())).collect::<Vec<_>>())
    .bind(loading.snapshot)
    .bind(loading.run)
    .fetch_all(connection)
    .await
    .map_err(|error| refused("insert observations", &error))?;
    ids.sort_unstable();
    Ok(ids)
}

pub(super) async fn look_up(connection: &mut PgConnection, rows: &[Observation]) -> Result<Vec<Found>, Problem> {
    let keys = Keys::of(rows.iter());
    // Lateral, so that the list is the outer side and the key's index is asked once a row.
    sqlx::query_as(
        "select v.position - 1, o.id, o.run, o.value, o.scale, o.n from \
         unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[]) with ordinality \
         as v (round, unit, measure, subject, grade, breakdown, position) \
         cross join lateral (select * from observation o where o.round = v.round and o.unit = v.unit \
         and o.measure = v.measure and o.subject = v.subject and o.grade = v.grade and o.breakdown = v.breakdown \
         and o.superseded_by is null limit 1) o",
    )
    .bind(keys.rounds)
    .bind(keys.units)
    .bind(keys.measures)
    .bind(keys.subjects)
    .bind(keys.grades)
    .bind(keys.breakdowns)
    .fetch_all(connection)
    .await
    .map_err(|error| refused("look observations up", &error))
}
