//! The sum of the hashes of the rows a load added: equal for equal rows in any order.

use super::sql::Record;
use crate::domain::fact::Fact;
use crate::domain::observation::{Breakdown, Observation};

/// A sum that rows are added to and taken from again; wrapping, so that the order does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    pub(super) fn add(&mut self, row: Hash) {
        self.0 = self.0.wrapping_add(row.0);
    }

    /// Adds what another sum holds.
    pub(super) fn add_all(&mut self, rows: Self) {
        self.0 = self.0.wrapping_add(rows.0);
    }

    pub(super) fn remove(&mut self, row: Hash) {
        self.0 = self.0.wrapping_sub(row.0);
    }

    /// 32 hexadecimal digits.
    pub(super) fn text(self) -> String {
        format!("{:032x}", self.0)
    }
}

/// The first half of the BLAKE3 of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u128);

/// Puts the columns of a row together; kept from row to row for its memory.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<u8>);

impl Columns {
    /// Texts end with NUL, which no stored text holds (see [`super::sql::storable`]).
    pub(super) fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.0.extend_from_slice(text.replace('\0', "\u{fffd}").as_bytes());
        } else {
            self.0.extend_from_slice(text.as_bytes());
        }
        self.0.push(0);
    }

    /// An absent text differs from an empty one.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    pub(super) fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn maybe_number(&mut self, number: Option<i64>) {
        self.0.push(u8::from(number.is_some()));
        self.number(number.unwrap_or(0));
    }

    /// The hash of what was put together; the next row begins.
    pub(super) fn hash(&mut self) -> Hash {
        let hash = blake3::hash(&self.0);
        self.0.clear();
        let mut half = [0; 16];
        half.copy_from_slice(&hash.as_bytes()[..16]);
        Hash(u128::from_le_bytes(half))
    }

    /// A row of `observation` as it is inserted, columns in the order of [`OBSERVATION`].
    pub(super) fn observation(&mut self, row: &Observation, snapshot: i64) -> Hash {
        self.text(super::chunk::unit(row));
        self.text(row.procedure.as_str());
        self.text(&row.round);
        self.text(row.measure.as_str());
        self.text(row.subject.as_deref().unwrap_or_default());
        self.number(i64::from(row.grade.unwrap_or(0)));
        self.breakdown(&row.breakdown);
        self.number(row.value.units);
        self.number(i64::from(row.value.scale));
        self.maybe_number(row.n);
        self.text(row.place.as_str());
        self.number(snapshot);
        self.hash()
    }

    /// The sum over rows as they are inserted.
    pub(super) fn observations(&mut self, rows: &[Observation], snapshot: i64) -> Digest {
        let mut sum = Digest::default();
        rows.iter().for_each(|row| sum.add(self.observation(row, snapshot)));
        sum
    }

    /// The written form, without making the text.
    fn breakdown(&mut self, breakdown: &Breakdown) {
        let start = self.0.len();
        for (position, (key, value)) in breakdown.iter().enumerate() {
            if position > 0 {
                self.0.push(b';');
            }
            self.0.extend_from_slice(key.as_bytes());
            self.0.push(b'=');
            self.0.extend_from_slice(value.as_bytes());
        }
        if self.0[start..].contains(&0) {
            self.0.truncate(start);
            return self.text(&breakdown.to_string());
        }
        self.0.push(0);
    }

    /// A row of `fact` as it is inserted, columns in the order of [`FACT`] but for what the table encodes.
    pub(super) fn fact(&mut self, fact: &Fact, encoded: [Option<&str>; 5], snapshot: i64) -> Hash {
        self.text(fact.unit.id.as_ref().map_or("", |id| id.0.as_str()));
        self.text(fact.code);
        for text in encoded {
            self.maybe_text(text);
        }
        self.maybe_text(fact.url.as_deref());
        self.number(i64::from(fact.confidence));
        self.text(fact.source_kind);
        self.text(fact.place.as_str());
        self.number(snapshot);
        self.hash()
    }
}

/// What a hash covers of a stored number, after id and run.
pub(super) const OBSERVATION: &str = "id, run, unit, procedure, round, measure, subject, grade, breakdown, value, \
                                      scale, n, place, snapshot";

/// What a hash covers of a stored fact, after id and run. `last_seen` moves and stays outside.
pub(super) const FACT: &str = "id, run, unit, code, value, value_type, state, unit_of_measure, as_of, url, \
                               confidence, source_kind, place, snapshot";

impl Columns {
    /// A row of [`OBSERVATION`].
    pub(super) fn stored_observation(&mut self, row: &Record) -> Result<Hash, sqlx::Error> {
        for column in ["unit", "procedure", "round", "measure", "subject"] {
            self.text(row.get(column)?);
        }
        self.number(row.get("grade")?);
        self.text(row.get("breakdown")?);
        self.number(row.get("value")?);
        self.number(row.get("scale")?);
        self.maybe_number(row.get("n")?);
        self.text(row.get("place")?);
        self.number(row.get("snapshot")?);
        Ok(self.hash())
    }

    /// A row of [`FACT`].
    pub(super) fn stored_fact(&mut self, row: &Record) -> Result<Hash, sqlx::Error> {
        self.text(row.get("unit")?);
        self.text(row.get("code")?);
        for column in ["value", "value_type", "state", "unit_of_measure", "as_of", "url"] {
            self.maybe_text(row.get(column)?);
        }
        self.number(row.get("confidence")?);
        self.text(row.get("source_kind")?);
        self.text(row.get("place")?);
        self.number(row.get("snapshot")?);
        Ok(self.hash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(columns: &mut Columns, texts: &[&str]) -> Hash {
        texts.iter().for_each(|text| columns.text(text));
        columns.hash()
    }

    #[test]
    fn the_sum_knows_no_order_and_gives_back_what_was_added() {
        let columns = &mut Columns::default();
        let rows = [["a", "bc"], ["ab", "c"], ["", "abc"]].map(|row| hash(columns, &row));
        let (mut one, mut other) = (Digest::default(), Digest::default());
        rows.iter().for_each(|row| one.add(*row));
        rows.iter().rev().for_each(|row| other.add(*row));
        assert_eq!(one, other);
        other.remove(rows[1]);
        assert_ne!(one, other);
        other.add(rows[1]);
        assert_eq!(one.text(), other.text());
        // Columns do not run into each other.
        assert_ne!(rows[0].0, rows[1].0);
        assert_ne!(rows[1].0, rows[2].0);
    }
}
