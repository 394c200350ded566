//! CSV by RFC 4180; a variant for spreadsheets that cut at semicolons and read decimal commas.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use super::file::unwritten;
use super::{Cell, Column, neutral, spreadsheet_safe};
use crate::message::Problem;

/// Tells a spreadsheet that the text is UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A CSV under way.
pub(super) struct CsvFile<W: Write> {
    out: csv::Writer<W>,
    for_spreadsheet: bool,
}

impl<W: Write> CsvFile<W> {
    /// Begins with the header: technical names, or Russian titles for a spreadsheet.
    pub(super) fn begin(mut out: W, path: &Path, columns: &[Column], for_spreadsheet: bool) -> Result<Self, Problem> {
        if for_spreadsheet {
            out.write_all(BOM).map_err(|error| unwritten(path, error))?;
        }
        let mut out = csv::WriterBuilder::new()
            .delimiter(if for_spreadsheet { b';' } else { b',' })
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        let names = columns
            .iter()
            .map(|column| if for_spreadsheet { column.title } else { column.name });
        out.write_record(names).map_err(|error| unwritten(path, error))?;
        Ok(Self { out, for_spreadsheet })
    }

    pub(super) fn row(&mut self, path: &Path, cells: &[Cell<'_>]) -> Result<(), Problem> {
        for cell in cells {
            self.out
                .write_field(field(cell, self.for_spreadsheet).as_bytes())
                .map_err(|error| unwritten(path, error))?;
        }
        self.out
            .write_record(None::<&[u8]>)
            .map_err(|error| unwritten(path, error))
    }

    pub(super) fn finish(self, path: &Path) -> Result<W, Problem> {
        self.out.into_inner().map_err(|error| unwritten(path, error.error()))
    }
}

fn field<'c>(cell: &'c Cell<'_>, for_spreadsheet: bool) -> Cow<'c, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) if for_spreadsheet => spreadsheet_safe(text),
        Cell::Text(text) => neutral(text),
        Cell::Number(amount) if for_spreadsheet => Cow::Owned(amount.to_string().replace('.', ",")),
        Cell::Number(amount) => Cow::Owned(amount.to_string()),
        Cell::Moment(at) if for_spreadsheet => Cow::Owned(at.format("%Y-%m-%d %H:%M:%S").to_string()),
        Cell::Moment(at) => Cow::Owned(at.to_rfc3339()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::Amount;
    use crate::export::{Kind, column};
    use proptest::prelude::*;

    fn written(cells: &[Cell<'_>], for_spreadsheet: bool) -> Vec<u8> {
        let columns: Vec<Column> = cells
            .iter()
            .map(|_| column("name", "Имя", Kind::Mixed, 9, ""))
            .collect();
        let path = Path::new("a.csv");
        let mut file = CsvFile::begin(Vec::new(), path, &columns, for_spreadsheet).expect("begun");
        file.row(path, cells).expect("written");
        file.finish(path).expect("finished")
    }

    #[test]
    fn numbers_stay_numbers_and_codes_stay_codes() {
        let cells = [
            Cell::Number(Amount { units: -125, scale: 2 }),
            Cell::text("0012"),
            Cell::text("1027700000000"),
            Cell::text("=1+1"),
            Cell::text("СОШ \"№ 2\"; лицей, гимназия\nдва"),
            Cell::Empty,
        ];
        assert_eq!(
            String::from_utf8(written(&cells, false)).expect("UTF-8"),
            "name,name,name,name,name,name\r\n-1.25,0012,1027700000000,'=1+1,\"СОШ \"\"№ 2\"\"; лицей, гимназия\nдва\",\r\n"
        );
        assert_eq!(
            String::from_utf8(written(&cells, true)).expect("UTF-8"),
            "\u{feff}Имя;Имя;Имя;Имя;Имя;Имя\r\n-1,25;'0012;'1027700000000;'=1+1;\"СОШ \"\"№ 2\"\"; лицей, гимназия\nдва\";\r\n"
        );
    }

    proptest! {
        #[test]
        fn no_cell_of_any_csv_begins_as_a_formula_whatever_a_program_cuts_at(
            texts in prop::collection::vec("[-=+@'\"\t\r\n;, ＝0-9a-zа-я]{0,8}", 1..6),
            for_spreadsheet: bool,
        ) {
            let cells: Vec<Cell<'_>> = texts.iter().map(|text| Cell::text(text.as_str())).collect();
            let bytes = written(&cells, for_spreadsheet);
            let bytes = bytes.strip_prefix(BOM).unwrap_or(&bytes);
            let delimiter = if for_spreadsheet { b';' } else { b',' };
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
            let record = reader.records().next().expect("a line").expect("CSV");
            for (read, cell) in record.iter().zip(&cells) {
                prop_assert_eq!(read, field(cell, for_spreadsheet));
            }
            let raw = std::str::from_utf8(bytes).expect("UTF-8");
            for piece in raw.split([';', ',', '\t', '\r', '\n']) {
                let piece = piece.trim_start_matches('"');
                prop_assert!(!piece.starts_with(['=', '+', '-', '@', '＝']), "{raw:?}");
            }
        }
    }
}
