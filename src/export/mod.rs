//! Rows of the warehouse → files that analysts take further: CSV, JSON Lines, XLSX, with a dictionary of their columns.
//!
//! Takes: stored rows one by one, the register, who will read ([`hiding`]). Gives: files that are whole or not there.
//! Never: chooses a row, touches the database, holds a table in memory.
//!
//! A further table is a [`Table`] with its columns and a [`Row`] for its lines.
//!
//! ```
//! use msoko::export::{FACTS, OBSERVATIONS};
//! assert!(OBSERVATIONS.columns.iter().any(|column| column.name == "value"));
//! assert_eq!(FACTS.columns[0].title, "Код организации");
//! ```

mod book;
mod csv_file;
mod dictionary;
pub mod facts;
mod file;
pub mod hiding;
mod json_file;
pub mod observations;
mod origin;
mod text;
mod units;
mod words;
mod xlsx_file;

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset};

pub use book::{Book, Form, SealedBook, Written};
pub use dictionary::Dictionary;
pub use facts::FACTS;
pub use observations::OBSERVATIONS;
pub use text::{neutral, spreadsheet_safe};
pub use units::Units;

use crate::domain::observation::Amount;

/// What is exported (таблица выгрузки): one file each.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Stem of the file.
    pub name: &'static str,
    /// Title for people, name of the sheet.
    pub title: &'static str,
    /// Columns, left to right.
    pub columns: &'static [Column],
}

/// A column (столбец).
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Technical name, the header of CSV.
    pub name: &'static str,
    /// Russian title, the header of what a spreadsheet opens.
    pub title: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
    /// Width in a spreadsheet, in letters.
    pub width: u8,
}

/// What stands in a column (вид значений).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, also codes that look like numbers.
    Text,
    /// A number.
    Number,
    /// Day and time.
    Moment,
    /// A number or text, row by row.
    Mixed,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'r> {
    /// Nothing.
    Empty,
    /// Text.
    Text(Cow<'r, str>),
    /// A number.
    Number(Amount),
    /// A moment in the zone of the municipality.
    Moment(DateTime<FixedOffset>),
}

impl<'r> Cell<'r> {
    pub(crate) fn text(text: impl Into<Cow<'r, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn maybe(text: Option<impl Into<Cow<'r, str>>>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    pub(crate) fn whole(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(Amount::whole(number)))
    }
}

/// One line of a table.
pub trait Row {
    /// One value for each column of the table.
    fn cells(&self) -> Vec<Cell<'_>>;
    /// The same as an object of JSON Lines; absent values are null here and left out when written.
    fn json(&self) -> serde_json::Value;
}

const fn column(name: &'static str, title: &'static str, kind: Kind, width: u8, about: &'static str) -> Column {
    Column {
        name,
        title,
        kind,
        about,
        width,
    }
}

/// Lists of columns, one after another.
const fn joined<const N: usize>(lists: &[&[Column]]) -> [Column; N] {
    let mut all = [column("", "", Kind::Text, 0, ""); N];
    let mut next = 0;
    let mut list = 0;
    while list < lists.len() {
        let mut position = 0;
        while position < lists[list].len() {
            all[next] = lists[list][position];
            next += 1;
            position += 1;
        }
        list += 1;
    }
    assert!(next == N, "as many columns as are named");
    all
}
