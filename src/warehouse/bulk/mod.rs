//! Many observations in one statement: what the two databases do fastest is not the same.

mod postgres;
mod sqlite;

use std::collections::HashSet;

use super::chunk::unit;
use super::load::Loading;
use super::sql::{Session, sql};
use super::store::bug;
use crate::domain::observation::{Amount, Observation};
use crate::message::Problem;

/// The open row of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) run: i64,
    pub(super) value: Amount,
    pub(super) n: Option<i64>,
}

impl Stored {
    pub(super) fn says(&self, row: &Observation) -> bool {
        self.value == row.value && self.n == row.n
    }
}

/// Position of the row that was asked for, then id, run, value, scale and participants of the open row.
type Found = (i64, i64, i64, i64, i64, Option<i64>);

/// Makes sure that the register holds the units of rows, each asked for once a load: on the server no foreign key does.
///
/// # Errors
/// When a row came past the stage that recognises units.
pub(super) async fn known_units(
    session: &mut Session<'_>,
    known: &mut HashSet<String>,
    rows: &[Observation],
) -> Result<(), Problem> {
    if let Session::Sqlite(_) = session {
        return Ok(());
    }
    let mut asked: Vec<&str> = rows.iter().map(unit).collect();
    asked.dedup();
    asked.retain(|unit| !known.contains(*unit));
    if asked.is_empty() {
        return Ok(());
    }
    let found: Vec<String> = sql("list units", "select id from unit where id in ")
        .push_list(asked.iter().copied())
        .scalars(session)
        .await?;
    known.extend(found);
    match asked.iter().find(|unit| !known.contains(**unit)) {
        None => Ok(()),
        Some(unit) => Err(bug(format!("a row of unit `{unit}`, which the register does not hold"))),
    }
}

/// Inserts rows whose key has no open row; gives the ids of those that went in, ascending.
pub(super) async fn insert(
    session: &mut Session<'_>,
    loading: &Loading,
    rows: &[Observation],
    positions: &[usize],
) -> Result<Vec<i64>, Problem> {
    match session {
        Session::Sqlite(connection) => sqlite::insert(connection, loading, rows, positions).await,
        Session::Postgres(connection) => postgres::insert(connection, loading, rows, positions).await,
    }
}

/// The open row of each key, whoever wrote it.
pub(super) async fn look_up(session: &mut Session<'_>, rows: &[Observation]) -> Result<Vec<Option<Stored>>, Problem> {
    let found = match session {
        Session::Sqlite(connection) => sqlite::look_up(connection, rows).await?,
        Session::Postgres(connection) => postgres::look_up(connection, rows).await?,
    };
    let mut stored = vec![None; rows.len()];
    for (position, id, run, units, scale, n) in found {
        let scale = u8::try_from(scale).unwrap_or(u8::MAX);
        if let Some(place) = usize::try_from(position)
            .ok()
            .and_then(|position| stored.get_mut(position))
        {
            *place = Some(Stored {
                id,
                run,
                value: Amount { units, scale },
                n,
            });
        }
    }
    Ok(stored)
}
