//! The reader of DOCX: the body of `word/document.xml` as paragraphs and tables.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::document::{Block, Cell, Line};
use crate::message::Problem;

/// An ordinary document has under fifty parts; pictures add some.
const MAX_ENTRIES: usize = 5_000;
/// The concept's body is 0.25 MB; a hundred times that is not a roadmap.
const MAX_BODY: u64 = 32 << 20;
/// Word nests some twenty elements deep; more is an attack on whoever keeps a stack.
const MAX_DEPTH: usize = 200;
const BODY: &str = "word/document.xml";

pub(super) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, Problem> {
    let xml = body(bytes)?;
    let mut reader = Reader::from_str(&xml);
    let mut parts = Parts::default();
    let mut depth = 0usize;
    loop {
        match reader.read_event().map_err(|error| broken().because(error))? {
            Event::Start(start) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(too_much("вложенность разметки", MAX_DEPTH));
                }
                parts.open(&start);
            }
            Event::Empty(start) => {
                parts.open(&start);
                parts.close(start.name().as_ref());
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                parts.close(end.name().as_ref());
            }
            Event::Text(text) => parts.text(&text.xml10_content()),
            Event::CData(text) => parts.text(&text.xml10_content()),
            Event::GeneralRef(reference) => parts.text(&resolved(&reference)),
            Event::DocType(_) => return Err(broken().because("DOCTYPE")),
            Event::Eof if depth == 0 => return Ok(parts.blocks),
            Event::Eof => return Err(broken().because("document.xml обрывается")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn body(bytes: &[u8]) -> Result<String, Problem> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken().because(error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(too_much("число частей", MAX_ENTRIES));
    }
    if archive.index_for_name(BODY).is_none() {
        let format = if archive.index_for_name("xl/workbook.xml").is_some() {
            "XLSX"
        } else if archive.index_for_name("content.xml").is_some() {
            "ODT"
        } else {
            "архив ZIP"
        };
        return Err(Problem::new("MSK-RDM-02").arg("format", format));
    }
    let part = archive.by_name(BODY).map_err(|error| broken().because(error))?;
    let mut xml = Vec::new();
    part.take(MAX_BODY + 1)
        .read_to_end(&mut xml)
        .map_err(|error| broken().because(error))?;
    if u64::try_from(xml.len()).unwrap_or(u64::MAX) > MAX_BODY {
        return Err(too_much("размер текста", format!("{} МиБ", MAX_BODY >> 20)));
    }
    String::from_utf8(xml).map_err(|_| broken().because("document.xml не в UTF-8"))
}

fn broken() -> Problem {
    Problem::new("MSK-RDM-01")
}

fn too_much(what: &str, bound: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-RDM-03").arg("what", what).arg("bound", bound)
}

fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return letter.to_string();
    }
    match reference.xml10_content().as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        // Without a DOCTYPE no other entity can be declared.
        _ => "",
    }
    .to_owned()
}

/// What has been read so far. A table inside a cell is flattened into the text of that cell.
#[derive(Debug, Default)]
struct Parts {
    blocks: Vec<Block>,
    tables: usize,
    table: Vec<Line>,
    line: Line,
    column: usize,
    cell: Cell,
    span: usize,
    in_text: bool,
    fallback: usize,
    paragraph: String,
}

impl Parts {
    fn open(&mut self, start: &BytesStart<'_>) {
        match start.name().as_ref() {
            // Word keeps a second copy of each text box for old programs.
            "mc:Fallback" => self.fallback += 1,
            "w:tbl" => {
                if self.tables == 0 {
                    self.flush();
                    self.table.clear();
                }
                self.tables += 1;
            }
            "w:tr" if self.tables == 1 => {
                self.line.clear();
                self.column = 0;
            }
            "w:tc" if self.tables == 1 => {
                self.cell = Cell {
                    column: self.column,
                    ..Cell::default()
                };
                self.span = 1;
            }
            "w:gridSpan" if self.tables == 1 => {
                self.span = value(start)
                    .and_then(|span| span.parse().ok())
                    .unwrap_or(1)
                    .clamp(1, 64);
            }
            "w:vMerge" if self.tables == 1 => {
                self.cell.merged = value(start).is_none_or(|kind| kind != "restart");
            }
            "w:p" => self.flush(),
            "w:t" => self.in_text = true,
            "w:br" | "w:tab" | "w:cr" => self.paragraph.push(' '),
            "w:noBreakHyphen" => self.paragraph.push('-'),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "mc:Fallback" => self.fallback = self.fallback.saturating_sub(1),
            "w:t" => self.in_text = false,
            "w:p" => self.flush(),
            "w:tc" if self.tables == 1 => {
                self.column += self.span;
                self.line.push(std::mem::take(&mut self.cell));
            }
            "w:tr" if self.tables == 1 => self.table.push(std::mem::take(&mut self.line)),
            "w:tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.blocks.push(Block::Table(std::mem::take(&mut self.table)));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.fallback == 0 {
            self.paragraph.push_str(text);
        }
    }

    fn flush(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if paragraph.trim().is_empty() {
            return;
        }
        if self.tables > 0 {
            self.cell.paragraphs.push(paragraph);
        } else {
            self.blocks.push(Block::Paragraph(paragraph));
        }
    }
}

fn value(start: &BytesStart<'_>) -> Option<String> {
    let attribute = start.try_get_attribute("w:val").ok()??;
    Some(attribute.value.into_owned())
}
