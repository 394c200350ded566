//! Delimited text. Raw bytes go through the reader, only the fields kept are decoded: that is a third cheaper than
//! turning the whole file into UTF-8 first.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::Encoding;

use super::budget::{Allowance, Budgeted};
use super::header::{HeaderFinder, MAX_CELL_BYTES, MAX_COLUMNS, Step};
use super::xml::fill;
use super::{encoding, too_much};
use crate::domain::subjects::fold_text;
use crate::manifest::Csv;
use crate::message::Problem;
use crate::table::{Cell, Row, TableSink};

/// Longest record: an unclosed quote must not swallow the file.
const MAX_RECORD_BYTES: usize = 4 << 20;

pub(super) fn decode(
    source: Box<dyn Read>,
    head: &[u8],
    options: &Csv,
    sink: &mut dyn TableSink,
) -> Result<(), Problem> {
    let mut encoding = encoding::detect(head, &options.encodings);
    let sample = encoding.decode(head).0;
    let delimiter = options
        .delimiter
        .unwrap_or_else(|| delimiter_of(&sample, &options.header.anchors));
    let allowance = Allowance::new(MAX_RECORD_BYTES);
    let mut source: Box<dyn Read> = Box::new(Budgeted::new(source, allowance.clone()));
    if encoding::is_wide(encoding) {
        // Two bytes a letter: the reader would see delimiters inside letters.
        let decoder = encoding_rs_io::DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .build(source);
        source = Box::new(decoder);
        encoding = encoding_rs::UTF_8;
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(64 << 10)
        .from_reader(source);
    let mut finder = HeaderFinder::new(&options.header, None, Vec::new());
    let mut record = ByteRecord::new();
    let mut width = 0;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) if allowance.is_spent() => return Err(too_much("длина строки", "4 MiB")),
            Err(error) => return Err(Problem::new("MSK-DEC-16").because(error)),
        }
        allowance.renew();
        let line = line_of(&record)?;
        if finder.is_found() && record.len() != width && !is_same_width(&record, width) {
            let problem = Problem::new("MSK-DEC-11")
                .arg("found", record.len())
                .arg("expected", width);
            put_aside(&record, encoding, sink);
            sink.broken_row(line, problem.at(format!("строка {line}")))?;
            continue;
        }
        let row = match row_of(&record, line, encoding, sink.spare()) {
            Ok(row) => row,
            Err(problem) if finder.is_found() && problem.code() == "MSK-DEC-09" => {
                put_aside(&record, encoding, sink);
                sink.broken_row(line, problem)?;
                continue;
            }
            Err(problem) => return Err(problem),
        };
        match finder.offer(row) {
            Step::Taken if finder.is_looking() && line >= options.header.within_rows => break,
            Step::Taken => {}
            Step::Header(table) => {
                width = record.len();
                sink.table(table)?;
            }
            Step::Row(row) => sink.row(row)?,
        }
    }
    if finder.is_found() {
        Ok(())
    } else {
        Err(finder.missing().at("строка 1"))
    }
}

fn line_of(record: &ByteRecord) -> Result<u32, Problem> {
    let line = record.position().map_or(0, csv::Position::line);
    u32::try_from(line).map_err(|_| too_much("число строк", u32::MAX))
}

/// Some programs end each row with a delimiter, some only the header.
fn is_same_width(record: &ByteRecord, width: usize) -> bool {
    let blank = |field: &[u8]| field.trim_ascii().is_empty();
    let extra = record.iter().skip(width).all(blank);
    extra && (record.len() + 1 >= width || record.iter().all(blank))
}

fn put_aside(record: &ByteRecord, encoding: &'static Encoding, sink: &mut dyn TableSink) {
    for field in record {
        sink.unseen(&encoding.decode_without_bom_handling(field).0);
    }
}

fn row_of(record: &ByteRecord, line: u32, encoding: &'static Encoding, mut cells: Vec<Cell>) -> Result<Row, Problem> {
    if record.len() > MAX_COLUMNS {
        return Err(too_much("число столбцов", MAX_COLUMNS).at(format!("строка {line}")));
    }
    cells.resize(record.len(), Cell::Empty);
    for (cell, field) in cells.iter_mut().zip(record) {
        if field.len() > MAX_CELL_BYTES {
            return Err(too_much("длина поля", "64 KiB").at(format!("строка {line}")));
        }
        if field.is_empty() {
            *cell = Cell::Empty;
            continue;
        }
        // Most fields are digits: the encodings of such files write them like ASCII.
        if encoding.is_ascii_compatible()
            && field.is_ascii()
            && let Ok(text) = str::from_utf8(field)
        {
            fill(cell, text);
            continue;
        }
        let (text, faulty) = encoding.decode_without_bom_handling(field);
        if faulty {
            let problem = Problem::new("MSK-DEC-10").arg("encoding", encoding.name());
            return Err(problem.at(format!("строка {line}")));
        }
        fill(cell, text.strip_prefix('\u{feff}').unwrap_or(&text));
    }
    Ok(Row { number: line, cells })
}

/// The delimiter that splits the header line into the most fields; the header is the first line with an anchor.
fn delimiter_of(sample: &str, anchors: &[String]) -> u8 {
    let anchors: Vec<String> = anchors.iter().map(|anchor| fold_text(anchor)).collect();
    let has_anchor = |line: &&str| {
        let folded = fold_text(line);
        anchors.iter().any(|anchor| folded.contains(anchor.as_str()))
    };
    let line = sample.lines().find(has_anchor);
    let line = line
        .or_else(|| sample.lines().find(|line| !line.trim().is_empty()))
        .unwrap_or("");
    let mut best = (0, b';');
    for delimiter in [b';', b'\t', b',', b'|'] {
        let mut quoted = false;
        let count = line
            .bytes()
            .filter(|byte| {
                quoted ^= *byte == b'"';
                !quoted && *byte == delimiter
            })
            .count();
        if count > best.0 {
            best = (count, delimiter);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_of_the_header() {
        let anchor = ["ОО".to_owned()];
        for (text, delimiter) in [
            ("a, b, c, d\nКод ОО;Балл\n", b';'),
            ("Код ОО\tБалл, чел.\tЕщё\n", b'\t'),
            ("\"Код; ОО\",\"Балл\"\n", b','),
        ] {
            assert_eq!(delimiter_of(text, &anchor), delimiter, "{text}");
        }
    }
}
