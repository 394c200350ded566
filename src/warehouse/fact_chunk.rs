//! The facts of a chunk. Two pages of one load may speak of the same fact: the more certain one stays.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use super::digest;
use super::load::Loading;
use super::sql::{Session, Value as Column, sql};
use super::text::{moment, unreadable};
use crate::domain::fact::{Fact, FactValue};
use crate::domain::observation::Amount;
use crate::message::Problem;

/// A fact as its columns have it.
type Says = (Option<String>, Option<&'static str>, Option<String>, Option<String>);

fn says(fact: &Fact) -> (Says, Option<String>) {
    let (value, value_type) = fact.value.as_ref().map(encode).unzip();
    let state = fact.state.map(|state| state.as_str());
    (
        (
            value,
            state,
            fact.unit_of_measure.map(str::to_owned),
            fact.as_of.clone(),
        ),
        value_type,
    )
}

/// JSON of the printed shape, and how to read it back: `bool`, `number`, `text`, `date`, or `list.` of one of them.
fn encode(value: &FactValue) -> (String, String) {
    let json = to_json(value).to_string();
    let kind = match value {
        FactValue::List(items) => format!("list.{}", items.first().map_or("text", kind)),
        FactValue::Number(amount) => return (amount.to_string(), "number".to_owned()),
        single => kind(single).to_owned(),
    };
    (json, kind)
}

fn kind(value: &FactValue) -> &'static str {
    match value {
        FactValue::Bool(_) => "bool",
        FactValue::Number(_) => "number",
        FactValue::Text(_) => "text",
        FactValue::Date(_) => "date",
        FactValue::List(_) => "list",
    }
}

fn to_json(value: &FactValue) -> Value {
    match value {
        FactValue::Bool(value) => Value::Bool(*value),
        // Through text: a number of JSON is binary and would not always come back the same.
        FactValue::Number(amount) => Value::String(amount.to_string()),
        FactValue::Text(text) => Value::String(text.clone()),
        FactValue::Date(date) => Value::String(date.to_string()),
        FactValue::List(items) => Value::Array(items.iter().map(to_json).collect()),
    }
}

/// Reads what was stored; `None` for what this program never writes.
pub(super) fn decode(value: &str, kind: &str) -> Option<FactValue> {
    if kind == "number" {
        return Amount::parse(value).map(FactValue::Number);
    }
    let json: Value = serde_json::from_str(value).ok()?;
    match (kind.strip_prefix("list."), json) {
        (Some(kind), Value::Array(items)) => items
            .into_iter()
            .map(|item| from_json(item, kind))
            .collect::<Option<_>>()
            .map(FactValue::List),
        (None, json) => from_json(json, kind),
        _ => None,
    }
}

fn from_json(json: Value, kind: &str) -> Option<FactValue> {
    match (kind, json) {
        ("bool", Value::Bool(value)) => Some(FactValue::Bool(value)),
        ("number", Value::String(text)) => Amount::parse(&text).map(FactValue::Number),
        ("date", Value::String(text)) => text.parse::<NaiveDate>().ok().map(FactValue::Date),
        ("text", Value::String(text)) => Some(FactValue::Text(text)),
        _ => None,
    }
}

/// The open row of a fact.
#[derive(Debug, Clone)]
struct Stored {
    id: i64,
    run: i64,
    says: (Option<String>, Option<String>, Option<String>, Option<String>),
    confidence: i64,
}

impl Stored {
    fn agrees(&self, other: &Says) -> bool {
        let (value, state, unit_of_measure, as_of) = &self.says;
        (value, state.as_deref(), unit_of_measure, as_of) == (&other.0, other.1, &other.2, &other.3)
    }
}

/// Writes a piece of facts: one look-up for all, one insert for what is new or changed.
pub(super) async fn stage_piece(
    connection: &mut Session<'_>,
    loading: &mut Loading,
    others: &[i64],
    facts: &[Fact],
) -> Result<(), Problem> {
    let facts = most_certain(loading, facts);
    let stored = look_up(connection, &facts).await?;
    let mut inserted = Vec::new();
    let mut superseded = Vec::new();
    for (fact, stored) in facts.into_iter().zip(stored) {
        let Some(stored) = stored else {
            loading.summary.facts_new += 1;
            inserted.push(fact);
            continue;
        };
        if others.contains(&stored.run) {
            return Err(Problem::new("MSK-DB-12").arg("source", &loading.source));
        }
        let own = stored.run == loading.run;
        let heard = own || loading.confirmed_facts.contains(stored.id);
        if stored.agrees(&says(fact).0) {
            if heard {
                loading.summary.duplicates += 1;
            } else {
                loading.confirmed_facts.insert(stored.id);
                loading.summary.facts_unchanged += 1;
            }
        } else if heard && stored.confidence >= i64::from(fact.confidence) {
            loading.summary.duplicates += 1;
        } else if own {
            remove_own(connection, loading, stored.id).await?;
            loading.summary.duplicates += 1;
            inserted.push(fact);
        } else {
            loading.summary.facts_changed += 1;
            superseded.push(stored.id);
            inserted.push(fact);
        }
    }
    supersede(connection, loading.run, &superseded).await?;
    insert(connection, loading, &inserted).await?;
    for fact in inserted {
        let ((value, state, unit_of_measure, as_of), value_type) = says(fact);
        let encoded = [
            value.as_deref(),
            value_type.as_deref(),
            state,
            unit_of_measure.as_deref(),
            as_of.as_deref(),
        ];
        let hash = loading.columns.fact(fact, encoded, loading.snapshot);
        loading.digest.add(hash);
    }
    Ok(())
}

fn unit(fact: &Fact) -> &str {
    fact.unit.id.as_ref().map_or("", |id| id.0.as_str())
}

/// One fact a key; the first of the most certain ones.
fn most_certain<'a>(loading: &mut Loading, facts: &'a [Fact]) -> Vec<&'a Fact> {
    let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
    let mut kept: Vec<&Fact> = Vec::with_capacity(facts.len());
    for fact in facts {
        match positions.get(&(unit(fact), fact.code)) {
            Some(position) => {
                loading.summary.duplicates += 1;
                if kept[*position].confidence < fact.confidence {
                    kept[*position] = fact;
                }
            }
            None => {
                positions.insert((unit(fact), fact.code), kept.len());
                kept.push(fact);
            }
        }
    }
    kept
}

async fn look_up(connection: &mut Session<'_>, facts: &[&Fact]) -> Result<Vec<Option<Stored>>, Problem> {
    let keys = facts.iter().enumerate().map(|(position, fact)| {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        [Column::from(position), unit(fact).into(), fact.code.into()]
    });
    type Found = (
        i64,
        i64,
        i64,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        i64,
    );
    let found: Vec<Found> = sql(
        "look facts up",
        "select v.column1, f.id, f.run, f.value, f.state, f.unit_of_measure, f.as_of, f.confidence from (values ",
    )
    .push_rows(keys)
    .push(") v cross join fact f where f.unit = v.column2 and f.code = v.column3 and f.superseded_by is null")
    .all(connection)
    .await?;
    let mut stored = vec![None; facts.len()];
    for (position, id, run, value, state, unit_of_measure, as_of, confidence) in found {
        if let Some(place) = usize::try_from(position)
            .ok()
            .and_then(|position| stored.get_mut(position))
        {
            *place = Some(Stored {
                id,
                run,
                says: (value, state, unit_of_measure, as_of),
                confidence,
            });
        }
    }
    Ok(stored)
}

async fn remove_own(connection: &mut Session<'_>, loading: &mut Loading, id: i64) -> Result<(), Problem> {
    let removed = sql(
        "replace a fact of the same load",
        "delete from fact where id = $1 returning ",
    )
    .bind(id)
    .push(digest::FACT)
    .records(connection)
    .await?;
    for row in removed {
        let hash = loading.columns.stored_fact(&row);
        loading
            .digest
            .remove(hash.map_err(|error| unreadable("fact", id, error))?);
    }
    Ok(())
}

async fn supersede(connection: &mut Session<'_>, run: i64, ids: &[i64]) -> Result<(), Problem> {
    if ids.is_empty() {
        return Ok(());
    }
    sql("revise facts", "update fact set superseded_by = $1 where id in ")
        .bind(run)
        .push_ids(ids)
        .execute(connection)
        .await
        .map(|_| ())
}

async fn insert(connection: &mut Session<'_>, loading: &Loading, facts: &[&Fact]) -> Result<(), Problem> {
    if facts.is_empty() {
        return Ok(());
    }
    let seen = moment(loading.now);
    let rows = facts.iter().map(|fact| {
        let ((value, state, unit_of_measure, as_of), value_type) = says(fact);
        [
            Column::from(unit(fact)),
            fact.code.into(),
            value.into(),
            value_type.into(),
            state.into(),
            unit_of_measure.into(),
            as_of.into(),
            fact.url.clone().into(),
            i64::from(fact.confidence).into(),
            fact.source_kind.into(),
            fact.place.as_str().into(),
            loading.snapshot.into(),
            loading.run.into(),
            (&seen).into(),
            (&seen).into(),
        ]
    });
    sql(
        "insert facts",
        "insert into fact (unit, code, value, value_type, state, unit_of_measure, as_of, url, confidence, \
         source_kind, place, snapshot, run, first_seen, last_seen) values ",
    )
    .push_rows(rows)
    .execute(connection)
    .await
    .map(|_| ())
}

/// Facts that the published load confirmed were seen once more.
pub(super) async fn move_last_seen(
    connection: &mut Session<'_>,
    loading: &Loading,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let ids: Vec<i64> = loading.confirmed_facts.iter().collect();
    for ids in ids.chunks(1000) {
        sql("mark facts as seen", "update fact set last_seen = $1 where id in ")
            .bind(moment(now))
            .push_ids(ids)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back_as_it_was() {
        let date = NaiveDate::from_ymd_opt(2025, 9, 1).expect("a date");
        for value in [
            FactValue::Bool(true),
            FactValue::Number(Amount { units: 453, scale: 1 }),
            FactValue::Text("45.3".to_owned()),
            FactValue::Date(date),
            FactValue::List(vec![FactValue::Date(date)]),
            FactValue::List(vec![
                FactValue::Number(Amount::whole(7)),
                FactValue::Number(Amount::whole(8)),
            ]),
            FactValue::List(vec![]),
        ] {
            let (text, kind) = encode(&value);
            assert_eq!(decode(&text, &kind), Some(value), "{text} {kind}");
        }
        assert_eq!(decode("{}", "text"), None);
    }
}
