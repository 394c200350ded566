//! Finding the header of a table among the rows above it.

use crate::domain::subjects::fold_text;
use crate::manifest::Header;
use crate::message::Problem;
use crate::table::{Cell, Column, Row, Table};

/// Widest table; the widest real export has some 250 columns.
pub(super) const MAX_COLUMNS: usize = 2_000;
/// Longest text of a cell in bytes; the longest real ones are skills of some 600 letters.
pub(super) const MAX_CELL_BYTES: usize = 64 << 10;

/// A merged range of a sheet, all numbers from one, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) top: u32,
    pub(super) bottom: u32,
    pub(super) left: u32,
    pub(super) right: u32,
}

impl Merge {
    fn holds(&self, row: u32, column: u32) -> bool {
        (self.top..=self.bottom).contains(&row) && (self.left..=self.right).contains(&column)
    }
}

/// What became of a row.
pub(super) enum Step {
    /// Kept back: it stands above the header or belongs to it.
    Taken,
    /// The header is complete with this row.
    Header(Table),
    /// A row of the table.
    Row(Row),
}

/// Takes the rows of one sheet from the top.
pub(super) struct HeaderFinder<'h> {
    rule: &'h Header,
    anchors: Vec<String>,
    sheet: Option<String>,
    merges: Vec<Merge>,
    above: Vec<Row>,
    header: Vec<Row>,
    rows: u32,
    done: bool,
    first_row: bool,
}

impl<'h> HeaderFinder<'h> {
    pub(super) fn new(rule: &'h Header, sheet: Option<String>, merges: Vec<Merge>) -> Self {
        Self {
            rule,
            anchors: rule.anchors.iter().map(|anchor| fold_text(anchor)).collect(),
            sheet,
            merges,
            above: Vec::new(),
            header: Vec::new(),
            rows: rule.rows,
            done: false,
            first_row: false,
        }
    }

    /// True once the header has been read.
    pub(super) fn is_found(&self) -> bool {
        self.done
    }

    /// True while rows above the header may still come.
    pub(super) fn is_looking(&self) -> bool {
        !self.done && self.header.is_empty()
    }

    /// Rows must come in order; a row of blanks may be left out.
    pub(super) fn offer(&mut self, row: Row) -> Step {
        if self.done {
            let numbering = std::mem::take(&mut self.first_row) && numbers_the_columns(&row);
            return if numbering || row.cells.iter().all(Cell::is_blank) {
                Step::Taken
            } else {
                Step::Row(row)
            };
        }
        if self.header.is_empty() {
            let Some(anchor) = self.anchor_of(&row) else {
                if row.cells.iter().any(|cell| !cell.is_blank()) && self.above.len() < 1000 {
                    self.above.push(row);
                }
                return Step::Taken;
            };
            let merged = self.merges.iter().find(|merge| merge.holds(row.number, anchor));
            let span = merged.map_or(1, |merge| merge.bottom - merge.top + 1);
            self.rows = self.rows.max(span.min(5));
        }
        let top = self.header.first().map_or(row.number, |first| first.number);
        let last = row.number + 1 >= top + self.rows;
        self.header.push(row);
        if !last {
            return Step::Taken;
        }
        self.done = true;
        self.first_row = true;
        Step::Header(self.table())
    }

    /// The problem of a sheet that ended without a header.
    pub(super) fn missing(&self) -> Problem {
        let anchor = self.rule.anchors.join("», «");
        Problem::new("MSK-DEC-04")
            .arg("anchor", anchor)
            .arg("rows", self.rule.within_rows)
    }

    /// Position from one of the cell that marks the header.
    fn anchor_of(&self, row: &Row) -> Option<u32> {
        if row.number > self.rule.within_rows {
            return None;
        }
        let fits = |cell: &Cell| {
            if self.anchors.is_empty() {
                !cell.is_blank()
            } else {
                matches!(cell, Cell::Text(text) if self.anchors.contains(&fold_text(text)))
            }
        };
        (1..)
            .zip(&row.cells)
            .find(|(_, cell)| fits(cell))
            .map(|(position, _)| position)
    }

    fn table(&self) -> Table {
        let width = self.header.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut columns = Vec::new();
        for position in (1..).take(width) {
            let mut path: Vec<String> = Vec::new();
            for (level, row) in self.header.iter().enumerate() {
                let text = self.header_text(level, row, position);
                if !text.is_empty() && path.last() != Some(&text) {
                    path.push(text);
                }
            }
            if !path.is_empty() {
                columns.push(Column { position, path });
            }
        }
        let above = self.above.iter().flat_map(|row| &row.cells);
        Table {
            sheet: self.sheet.clone(),
            columns,
            above: above.filter(|cell| !cell.is_blank()).map(Cell::text).collect(),
        }
    }

    /// Text of a header cell; a merged or, in a text file, an empty upper cell repeats what it belongs to.
    fn header_text(&self, level: usize, row: &Row, position: u32) -> String {
        let own = text_at(row, position);
        if !own.is_empty() {
            return own;
        }
        if let Some(merge) = self.merges.iter().find(|merge| merge.holds(row.number, position)) {
            let top = self.header.iter().find(|row| row.number == merge.top);
            return top.map_or_else(String::new, |row| text_at(row, merge.left));
        }
        if self.sheet.is_some() || level + 1 == self.header.len() {
            return String::new();
        }
        let left = (1..position).rev().map(|position| text_at(row, position));
        left.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }
}

fn text_at(row: &Row, position: u32) -> String {
    let index = usize::try_from(position).unwrap_or(usize::MAX) - 1;
    let text = row.cells.get(index).map(Cell::text).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Printed forms number their columns under the header: 1, 2, 3…
fn numbers_the_columns(row: &Row) -> bool {
    let filled: Vec<String> = row
        .cells
        .iter()
        .filter(|cell| !cell.is_blank())
        .map(Cell::text)
        .collect();
    filled.len() > 2
        && (1..)
            .zip(&filled)
            .all(|(number, text): (u32, &String)| *text == number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32, cells: &[&str]) -> Row {
        let cell = |text: &&str| {
            if text.is_empty() {
                Cell::Empty
            } else {
                Cell::Text((*text).to_owned())
            }
        };
        Row {
            number,
            cells: cells.iter().map(cell).collect(),
        }
    }

    #[test]
    fn a_header_of_two_rows_is_read_as_paths() {
        let rule = Header {
            anchors: vec!["Школа".into()],
            within_rows: 10,
            rows: 2,
        };
        let merge = |top, bottom, left, right| Merge {
            top,
            bottom,
            left,
            right,
        };
        let merges = vec![merge(2, 3, 1, 1), merge(2, 2, 2, 3)];
        let mut finder = HeaderFinder::new(&rule, Some("Свод".into()), merges);
        assert!(matches!(finder.offer(row(1, &["Результаты ЕГЭ"])), Step::Taken));
        assert!(matches!(finder.offer(row(2, &["Школа", "Физика", ""])), Step::Taken));
        let Step::Header(table) = finder.offer(row(3, &["", "участники", "средний балл"])) else {
            panic!("the header is complete");
        };
        let paths: Vec<String> = table.columns.iter().map(|column| column.path.join(" / ")).collect();
        assert_eq!(paths, ["Школа", "Физика / участники", "Физика / средний балл"]);
        assert_eq!(table.above, ["Результаты ЕГЭ"]);
        assert!(
            matches!(finder.offer(row(4, &["1", "2", "3"])), Step::Taken),
            "column numbers"
        );
        assert!(matches!(finder.offer(row(5, &["Школа № 1", "2", "3"])), Step::Row(_)));
    }
}
