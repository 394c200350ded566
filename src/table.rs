//! What a decoder gives: tables of cells with their positions, one row at a time.

use serde::{Deserialize, Serialize};

use crate::message::Problem;

/// One cell as the file has it. A dash is text, an empty cell is `Empty`, a zero is a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Nothing in it.
    Empty,
    /// Text, untrimmed.
    Text(String),
    /// A number of a workbook or of JSON.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A date and time of a workbook, ISO text.
    Date(String),
    /// A formula whose result the file does not hold, or an error value.
    Broken(String),
}

impl Cell {
    /// The cell as text, trimmed of blanks of every kind; whole numbers without a decimal point.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Date(text) | Self::Broken(text) => trimmed(text).to_owned(),
            Self::Number(number) => format!("{number}"),
            Self::Bool(value) => value.to_string(),
        }
    }

    /// True for an empty cell and for text of blanks.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => trimmed(text).is_empty(),
            _ => false,
        }
    }
}

/// Without blanks of every kind at the ends.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}')
}

/// A column of a table: its position from one and the path of its header cells, top to bottom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Position from one.
    pub position: u32,
    /// Header texts from the top row down; merged cells are repeated over their range.
    pub path: Vec<String>,
}

/// A table (таблица) inside a file: a sheet, a text file, a list of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Sheet name, or nothing for text files and records.
    pub sheet: Option<String>,
    /// Columns that have a header.
    pub columns: Vec<Column>,
    /// Texts of the cells above the header, in reading order.
    pub above: Vec<String>,
}

/// A row: its number in the file from one and its cells, `cells[position - 1]` under the column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Line of a text file, row of a sheet, number of a record.
    pub number: u32,
    /// The cells; a short row ends early.
    pub cells: Vec<Cell>,
}

/// Receives what a decoder reads, in the order of the file. An error stops the decoder.
pub trait TableSink {
    /// A new table starts; rows that follow belong to it.
    ///
    /// # Errors
    /// When the table cannot be read by the manifest: the file is refused.
    fn table(&mut self, table: Table) -> Result<(), Problem>;

    /// One row of the table that started last.
    ///
    /// # Errors
    /// Only what stops the file; a bad row is quarantined by the receiver.
    fn row(&mut self, row: Row) -> Result<(), Problem>;

    /// A row that cannot be laid under the columns: too many fields, a field too long.
    ///
    /// # Errors
    /// The problem itself, unless the receiver can put the row aside.
    fn broken_row(&mut self, number: u32, problem: Problem) -> Result<(), Problem> {
        let _ = number;
        Err(problem)
    }

    /// A text of the file that comes in no table and no row: of a field nobody declared, of a sheet nobody asked for,
    /// of a comment. Whoever keeps the bytes of the file keeps it too.
    fn unseen(&mut self, text: &str) {
        let _ = text;
    }

    /// False when no [`TableSink::unseen`] matters any more: looking for them costs time.
    fn wants_unseen(&self) -> bool {
        false
    }

    /// Cells of an earlier row whose memory may be used again. A feed of a million rows allocates nothing per cell
    /// when the receiver gives its rows back.
    fn spare(&mut self) -> Vec<Cell> {
        Vec::new()
    }
}
