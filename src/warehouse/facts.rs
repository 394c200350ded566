//! Facts of official sites given back.

use super::fact_chunk::decode;
use super::sql::{Record, sql};
use super::store::Warehouse;
use super::text::{read_moment, unreadable};
use crate::domain::place::Place;
pub use crate::domain::stored::StoredFact;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::FactState;
use crate::message::Problem;

const SELECT: &str = "select f.unit, f.code, f.value, f.value_type, f.state, f.unit_of_measure, f.as_of, f.url, \
     f.confidence, f.place, f.first_seen, f.last_seen, s.hash from ";

impl Warehouse {
    /// The latest published facts of one unit or of all, in the order of unit and code.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn facts(&self, unit: Option<&UnitId>) -> Result<Vec<StoredFact>, Problem> {
        let mut query = sql("read facts", SELECT).push("current_fact f join snapshot s on s.id = f.snapshot");
        if let Some(unit) = unit {
            query = query.push(" where f.unit = ").push_bind(&unit.0);
        }
        let rows = query.push(" order by f.unit, f.code").records(&self.readers).await?;
        rows.iter().map(read).collect()
    }

    /// Every published version of one fact, oldest first.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn fact_history(&self, unit: &UnitId, code: &str) -> Result<Vec<StoredFact>, Problem> {
        // Twice the key, because facts that hold and facts that were replaced have an index each.
        let rows = sql("read a fact's history", SELECT)
            .push(
                "(select * from fact where unit = $1 and code = $2 and superseded_by is null \
                 union all select * from fact where unit = $1 and code = $2 and superseded_by is not null) f \
                 join snapshot s on s.id = f.snapshot join run r on r.id = f.run and r.state = 'published' \
                 order by f.id",
            )
            .bind(&unit.0)
            .bind(code)
            .records(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }
}

pub(super) fn read(row: &Record) -> Result<StoredFact, Problem> {
    let wrong = |error: sqlx::Error| unreadable("fact", "—", error);
    let text = |column: &str| row.get::<String>(column).map_err(wrong);
    let maybe = |column: &str| row.get::<Option<String>>(column).map_err(wrong);
    let code = text("code")?;
    let value = match (maybe("value")?, maybe("value_type")?) {
        (Some(value), Some(kind)) => Some(decode(&value, &kind).ok_or_else(|| unreadable("fact", &code, &value))?),
        _ => None,
    };
    let state = match maybe("state")? {
        Some(word) => Some(FactState::parse(&word).ok_or_else(|| unreadable("fact", &code, &word))?),
        None => None,
    };
    Ok(StoredFact {
        unit: UnitId(text("unit")?),
        value,
        state,
        unit_of_measure: maybe("unit_of_measure")?,
        as_of: maybe("as_of")?,
        url: maybe("url")?,
        confidence: u8::try_from(row.get::<i64>("confidence").map_err(wrong)?).unwrap_or(100),
        place: Place::path(text("place")?),
        snapshot: text("hash")?,
        first_seen: read_moment("fact", &text("first_seen")?)?,
        last_seen: read_moment("fact", &text("last_seen")?)?,
        code,
    })
}
