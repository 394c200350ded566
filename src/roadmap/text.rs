//! The reader of plain text: Word's «обычный текст», where a tab starts a cell, and CSV.

use super::document::{Block, Cell, Line, one_line};

/// UTF-8 with or without a mark, else windows-1251: the two a Russian Word saves.
pub(super) fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1251
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

pub(super) fn blocks(text: &str) -> Vec<Block> {
    let text = text.replace("\r\n", "\n");
    match delimiter(&text) {
        Some(delimiter) => separated(&text, delimiter),
        None => tabbed(&text),
    }
}

/// The delimiter of a CSV: the one of the line that names the columns.
fn delimiter(text: &str) -> Option<u8> {
    let header = text.lines().find(|line| {
        let line = line.to_lowercase();
        line.contains("мероприят") && line.contains("срок")
    })?;
    [b';', b'\t', b','].into_iter().find(|delimiter| {
        let cells: Vec<&str> = header.split(char::from(*delimiter)).collect();
        cells.len() >= 3
            && cells
                .iter()
                .filter(|cell| cell.to_lowercase().contains("мероприят"))
                .count()
                == 1
            && cells
                .iter()
                .any(|cell| cell.trim_matches(['"', ' ']).starts_with(['№', 'N']))
    })
}

fn separated(text: &str, delimiter: u8) -> Vec<Block> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut blocks = Vec::new();
    let mut table: Vec<Line> = Vec::new();
    for record in reader.records().map_while(Result::ok) {
        let filled: Vec<&str> = record.iter().filter(|cell| !cell.trim().is_empty()).collect();
        if let ([title], true) = (filled.as_slice(), table.is_empty()) {
            blocks.push(Block::Paragraph(one_line(title)));
            continue;
        }
        table.push(
            record
                .iter()
                .enumerate()
                .map(|(column, cell)| Cell {
                    column,
                    paragraphs: cell.lines().map(str::to_owned).collect(),
                    merged: false,
                })
                .collect(),
        );
    }
    blocks.push(Block::Table(table));
    blocks
}

/// A line that starts with a tab is a cell; a line without one right after it goes on with the cell; blank lines part
/// rows, but may also stand inside a row.
fn tabbed(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut table: Vec<Line> = Vec::new();
    let mut width = 0;
    let mut gap = true;
    for line in text.lines() {
        if let Some(cell) = line.strip_prefix('\t') {
            if gap && starts_row(&table, cell, width) {
                if let Some(last) = table.last().filter(|last| names_columns(last)) {
                    width = last.len();
                }
                table.push(Vec::new());
            }
            push_cell(&mut table, cell);
            gap = false;
        } else if line.trim().is_empty() {
            gap = true;
        } else if let (false, Some(cell)) = (gap, table.last_mut().and_then(|last| last.last_mut())) {
            cell.paragraphs.push(line.to_owned());
        } else {
            close(&mut table, &mut blocks);
            width = 0;
            blocks.push(Block::Paragraph(line.to_owned()));
        }
    }
    close(&mut table, &mut blocks);
    blocks
}

/// After a gap a row starts when the row before has all its cells, or when the cell is a row number.
fn starts_row(table: &[Line], cell: &str, width: usize) -> bool {
    let Some(last) = table.last() else { return true };
    let cell = cell.trim();
    let numbered = cell.starts_with('№')
        || (!cell.is_empty()
            && cell.chars().count() <= 6
            && cell.starts_with(|letter: char| letter.is_ascii_digit())
            && cell.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
            && !(cell.len() == 4 && cell.starts_with("20")));
    let width = if width == 0 { MIN_WIDTH } else { width };
    numbered || last.len() >= width
}

/// Columns of a roadmap without a row number or an assignee.
const MIN_WIDTH: usize = 4;

fn names_columns(line: &Line) -> bool {
    line.iter().any(|cell| cell.text().to_lowercase().contains("мероприят"))
        && line.first().is_some_and(|cell| cell.text().starts_with('№'))
}

fn push_cell(table: &mut Vec<Line>, text: &str) {
    if table.is_empty() {
        table.push(Vec::new());
    }
    if let Some(line) = table.last_mut() {
        line.push(Cell {
            column: line.len(),
            paragraphs: vec![text.to_owned()],
            merged: false,
        });
    }
}

fn close(table: &mut Vec<Line>, blocks: &mut Vec<Block>) {
    if !table.is_empty() {
        blocks.push(Block::Table(std::mem::take(table)));
    }
}
