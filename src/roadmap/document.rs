//! What every reader of a document gives: paragraphs and tables in the order of the document.

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph(String),
    Table(Vec<Line>),
}

/// A row of a table.
pub(super) type Line = Vec<Cell>;

/// A cell: its paragraphs and where it starts in the grid of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// Grid column from zero.
    pub(super) column: usize,
    /// Paragraphs, blank ones included.
    pub(super) paragraphs: Vec<String>,
    /// Continues the cell above (a vertical merge).
    pub(super) merged: bool,
}

impl Cell {
    /// The paragraphs on one line, blanks of every kind single.
    pub(super) fn text(&self) -> String {
        one_line(&self.paragraphs.join(" "))
    }
}

/// Text on one line with single blanks.
pub(super) fn one_line(text: &str) -> String {
    let text = text.replace(['\u{feff}', '\u{200b}', '\u{ad}'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
