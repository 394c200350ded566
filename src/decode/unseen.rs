//! What of a workbook stands in no table: sheets nobody asked for, comments, properties, caches.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use calamine::{Reader, SheetType, Xlsx as Workbook, XlsxError};
use quick_xml::escape::unescape;
use zip::ZipArchive;

use super::Seekable;
use super::xlsx::value_of;
use crate::table::{Cell, TableSink};

/// Longest piece of markup looked at in one go.
const MAX_PIECE: u64 = 64 << 10;

/// Texts and attributes of every part but the cells, which come as tables, and looks.
pub(super) fn parts(archive: &mut ZipArchive<&mut Box<dyn Seekable>>, sink: &mut dyn TableSink) -> std::io::Result<()> {
    for index in 0..archive.len() {
        let part = archive.by_index(index)?;
        let name = part.name()?.to_ascii_lowercase();
        let cells = name.starts_with("xl/worksheets/") && name.ends_with(".xml") || name == "xl/sharedstrings.xml";
        let looks = name == "xl/styles.xml" || name.starts_with("xl/theme/");
        let text = [".xml", ".vml", ".rels"].iter().any(|ending| name.ends_with(ending));
        if text && !cells && !looks {
            part_of(part, sink)?;
        }
    }
    Ok(())
}

/// Markup is split, not parsed: drawings of old programs are not well-formed.
fn part_of(part: impl Read, sink: &mut dyn TableSink) -> std::io::Result<()> {
    let mut reader = BufReader::new(part);
    let mut piece = Vec::new();
    while reader.by_ref().take(MAX_PIECE).read_until(b'<', &mut piece)? > 0 {
        for text in String::from_utf8_lossy(&piece).split(['<', '>', '"']) {
            sink.unseen(&unescape(text).unwrap_or(Cow::Borrowed(text)));
        }
        piece.clear();
    }
    Ok(())
}

/// Name and cells of a sheet that gives no table.
pub(super) fn sheet(
    book: &mut Workbook<Box<dyn Seekable>>,
    sheet: &str,
    sink: &mut dyn TableSink,
) -> Result<(), XlsxError> {
    sink.unseen(sheet);
    let known = book.sheets_metadata().iter().find(|known| known.name == sheet);
    if known.is_none_or(|known| known.typ != SheetType::WorkSheet) {
        return Ok(());
    }
    let mut cells = book.worksheet_cells_reader(sheet)?;
    while sink.wants_unseen()
        && let Some(cell) = cells.next_cell_with_formula_metadata()?
    {
        match value_of(cell.value, false) {
            Cell::Empty | Cell::Bool(_) | Cell::Date(_) | Cell::Broken(_) => {}
            Cell::Text(text) => sink.unseen(&text),
            number @ Cell::Number(_) => sink.unseen(&number.text()),
        }
    }
    Ok(())
}
