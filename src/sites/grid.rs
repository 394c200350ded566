//! Tables of a page as rows of cell texts.

use super::text::inner;
use super::tree::{NodeId, Page};
use super::words::{flat, tight};

const MAX_TABLES: usize = 50;
const MAX_ROWS: usize = 3_000;
const MAX_COLUMNS: usize = 40;

/// A table with its header row.
#[derive(Debug)]
pub(crate) struct Grid {
    /// Folded headings without blanks.
    pub(crate) head: Vec<String>,
    /// Rows below: line of the source and cells; a spanning cell is repeated over its columns.
    pub(crate) rows: Vec<(u32, Vec<String>)>,
}

impl Grid {
    /// Position of the first column whose heading holds one of the stems (given without blanks).
    pub(crate) fn column(&self, stems: &[&str]) -> Option<usize> {
        self.head
            .iter()
            .position(|head| stems.iter().any(|stem| head.contains(stem)))
    }
}

/// Tables of the page that hold no other table, each with its first row as header.
pub(crate) fn grids(page: &Page) -> Vec<Grid> {
    let tables = page.all(Page::ROOT, &["table"]).filter(|table| !page.is_hidden(*table));
    tables
        .filter(|table| page.all(*table, &["table"]).nth(1).is_none())
        .take(MAX_TABLES)
        .filter_map(|table| grid(page, table))
        .collect()
}

fn grid(page: &Page, table: NodeId) -> Option<Grid> {
    let mut rows = page
        .all(table, &["tr"])
        .take(MAX_ROWS)
        .map(|row| (page.line(row), cells(page, row)))
        .filter(|(_, cells)| cells.len() > 1);
    let (_, head) = rows.next()?;
    let head = head.iter().map(|cell| tight(cell)).collect();
    Some(Grid {
        head,
        rows: rows.collect(),
    })
}

fn cells(page: &Page, row: NodeId) -> Vec<String> {
    let mut cells = Vec::new();
    for cell in page.children(row).filter(|id| page.is(*id, &["td", "th"])) {
        let span = page
            .attr(cell, "colspan")
            .and_then(|span| span.trim().parse::<usize>().ok())
            .unwrap_or(1);
        let text = flat(&inner(page, cell, 600));
        for _ in 0..span.clamp(1, MAX_COLUMNS) {
            if cells.len() < MAX_COLUMNS {
                cells.push(text.clone());
            }
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_its_header_and_spans() {
        let page =
            Page::parse("<table><tr><th colspan=2>Класс<th>Вакантных мест<tr><td>5<td>а<td>3</table>").expect("small");
        let grids = grids(&page);
        assert_eq!(grids[0].column(&["вакант"]), Some(2));
        assert_eq!(grids[0].rows[0].1, ["5", "а", "3"]);
    }
}
