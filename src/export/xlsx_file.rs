//! XLSX, a row at a time: rows go to a temporary file in the folder of the export, not into memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chrono::NaiveDateTime;
use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::file::{PartFile, unwritten};
use super::text::is_dangerous;
use super::{Cell, Column, Table};
use crate::message::Problem;

/// Rows of a sheet under its header; Excel ends at 1 048 576.
pub(super) const SHEET_ROWS: u32 = 1_048_575;
/// Excel refuses longer texts.
const LONGEST: usize = 32_000;
/// What stands at the end of a text that was longer.
const CUT: &str = "… (полностью — в CSV и JSON Lines)";
/// A4.
const PAPER: u8 = 9;
/// A binary number of a sheet keeps so many digits.
const EXACT: u64 = 999_999_999_999_999;

/// A workbook under way.
pub(super) struct XlsxFile {
    book: Workbook,
    table: Table,
    formats: Formats,
    sheet_rows: u32,
    /// Rows of the sheet under way, without its header.
    rows: u32,
    sheets: u32,
}

struct Formats {
    head: Format,
    quoted: Format,
    moment: Format,
}

impl XlsxFile {
    /// Begins with the header of the first sheet.
    pub(super) fn begin(path: &Path, table: Table, sheet_rows: u32) -> Result<Self, Problem> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut book = Workbook::new();
        book.set_tempdir(folder.unwrap_or(Path::new(".")))
            .map_err(|error| unwritten(path, error))?;
        let mut file = Self {
            book,
            table,
            formats: Formats::new(),
            sheet_rows,
            rows: 0,
            sheets: 0,
        };
        file.guarded(path, Self::add_sheet)?;
        Ok(file)
    }

    pub(super) fn row(&mut self, path: &Path, cells: &[Cell<'_>]) -> Result<(), Problem> {
        self.guarded(path, |file| {
            if file.rows == file.sheet_rows {
                file.end_sheet()?;
                file.add_sheet()?;
            }
            file.rows += 1;
            let (row, formats) = (file.rows, &file.formats);
            let sheet = file.book.worksheet_from_index(sheet_index(file.sheets))?;
            for (column, cell) in (0u16..).zip(cells) {
                write(sheet, row, column, cell, formats)?;
            }
            Ok(())
        })
    }

    /// Adds a sheet of texts, then writes the workbook.
    pub(super) fn finish(
        mut self,
        out: &mut PartFile,
        name: &str,
        columns: &[Column],
        lines: &[Vec<String>],
    ) -> Result<(), Problem> {
        let path = out.path().to_owned();
        self.guarded(&path, |file| {
            file.end_sheet()?;
            let formats = &file.formats;
            let sheet = file.book.add_worksheet_with_constant_memory()?;
            head(sheet, name, columns, formats)?;
            for (row, line) in (1u32..).zip(lines) {
                for (column, text) in (0u16..).zip(line) {
                    write(sheet, row, column, &Cell::text(text.as_str()), formats)?;
                }
            }
            filter(sheet, u32::try_from(lines.len()).unwrap_or(u32::MAX), columns.len())?;
            file.book.save_to_writer(&mut *out)
        })
    }

    fn add_sheet(&mut self) -> Result<(), XlsxError> {
        self.sheets += 1;
        self.rows = 0;
        let name = match self.sheets {
            1 => self.table.title.to_owned(),
            later => format!("{} {later}", self.table.title),
        };
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        head(sheet, &name, self.table.columns, &self.formats)
    }

    fn end_sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.book.worksheet_from_index(sheet_index(self.sheets))?;
        filter(sheet, self.rows, self.table.columns.len())
    }

    /// The library takes a full disk for the end of the world; here it is a file that could not be written.
    fn guarded(&mut self, path: &Path, work: impl FnOnce(&mut Self) -> Result<(), XlsxError>) -> Result<(), Problem> {
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(done) => done.map_err(|error| unwritten(path, error)),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                Err(unwritten(
                    path,
                    said.unwrap_or("the temporary file of a sheet cannot be written"),
                ))
            }
        }
    }
}

impl Formats {
    fn new() -> Self {
        Self {
            head: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
                .set_background_color("E7EBF0"),
            quoted: Format::new().set_quote_prefix(),
            moment: Format::new().set_num_format("dd.mm.yyyy hh:mm:ss"),
        }
    }
}

const fn sheet_index(sheets: u32) -> usize {
    sheets as usize - 1
}

fn head(sheet: &mut Worksheet, name: &str, columns: &[Column], formats: &Formats) -> Result<(), XlsxError> {
    sheet
        .set_name(name)?
        .set_paper_size(PAPER)
        .set_landscape()
        .set_print_fit_to_pages(1, 0)
        .set_repeat_rows(0, 0)?
        .set_freeze_panes(1, 0)?;
    for (position, column) in (0u16..).zip(columns) {
        sheet.set_column_width(position, column.width)?;
        sheet.write_string_with_format(0, position, column.title, &formats.head)?;
    }
    Ok(())
}

fn filter(sheet: &mut Worksheet, rows: u32, columns: usize) -> Result<(), XlsxError> {
    let last = u16::try_from(columns.saturating_sub(1)).unwrap_or(u16::MAX);
    if rows > 0 {
        sheet.autofilter(0, 0, rows, last)?;
    }
    Ok(())
}

fn write(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell<'_>, formats: &Formats) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Number(amount) if amount.units.unsigned_abs() <= EXACT => {
            sheet.write_number(row, column, amount.to_f64())?;
        }
        Cell::Number(amount) => {
            sheet.write_string(row, column, amount.to_string())?;
        }
        Cell::Moment(at) => {
            let local: NaiveDateTime = at.naive_local();
            let shown = local.format("%Y-%m-%dT%H:%M:%S").to_string();
            let moment = rust_xlsxwriter::ExcelDateTime::parse_from_str(&shown)?;
            sheet.write_datetime_with_format(row, column, &moment, &formats.moment)?;
        }
        Cell::Text(text) => {
            let text = fit(text);
            if is_dangerous(&text) {
                sheet.write_string_with_format(row, column, text, &formats.quoted)?;
            } else {
                sheet.write_string(row, column, text)?;
            }
        }
    }
    Ok(())
}

/// Text that a sheet can hold.
fn fit(text: &str) -> String {
    let is_xml = |letter: &char| {
        matches!(letter, '\n' | '\t') || (!letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
    };
    // Excel counts in units of UTF-16.
    if text.encode_utf16().count() <= LONGEST {
        return text.chars().filter(is_xml).collect();
    }
    let mut left = LONGEST;
    let fits = |letter: &char| {
        left = left.saturating_sub(letter.len_utf16());
        left > 0
    };
    let mut cut: String = text.chars().take_while(fits).filter(is_xml).collect();
    cut.push_str(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::Amount;
    use crate::export::{Kind, column};
    use calamine::{Data, DataType, Reader, Xlsx, open_workbook};
    use chrono::DateTime;
    use proptest::prelude::*;

    const COLUMNS: &[Column] = &[
        column("a", "Первый", Kind::Text, 9, ""),
        column("b", "Второй", Kind::Mixed, 9, ""),
    ];
    const TABLE: Table = Table {
        name: "a",
        title: "Данные",
        columns: COLUMNS,
    };

    fn read(rows: &[[Cell<'_>; 2]], sheet_rows: u32) -> Xlsx<std::io::BufReader<std::fs::File>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xlsx");
        let mut file = XlsxFile::begin(&path, TABLE, sheet_rows).expect("begun");
        for row in rows {
            file.row(&path, row).expect("written");
        }
        let mut out = PartFile::create(path.clone(), false).expect("new");
        file.finish(&mut out, "Словарь", COLUMNS, &[vec!["код".to_owned(), "=1".to_owned()]])
            .expect("finished");
        out.seal().and_then(|sealed| sealed.place(false)).expect("placed");
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1);
        open_workbook(&path).expect("a workbook")
    }

    #[test]
    fn numbers_are_numbers_and_codes_are_text() {
        let moment = DateTime::parse_from_rfc3339("2026-02-16T09:30:00+03:00").expect("a moment");
        let mut book = read(
            &[
                [Cell::text("0012"), Cell::Number(Amount { units: -125, scale: 2 })],
                [Cell::text("1027700000000"), Cell::Moment(moment)],
                [Cell::Number(Amount::whole(i64::MAX)), Cell::Empty],
            ],
            SHEET_ROWS,
        );
        assert_eq!(book.sheet_names(), ["Данные", "Словарь"]);
        let sheet = book.worksheet_range("Данные").expect("a sheet");
        let at = |row, column| sheet.get_value((row, column)).expect("a cell").clone();
        assert_eq!(at(1, 0), Data::String("0012".to_owned()));
        assert_eq!(at(1, 1), Data::Float(-1.25));
        assert_eq!(at(2, 0), Data::String("1027700000000".to_owned()));
        assert!(
            matches!(&at(2, 1), Data::DateTime(at) if at.as_datetime().is_some_and(|at| at == moment.naive_local()))
        );
        assert_eq!(
            at(3, 0),
            Data::String("9223372036854775807".to_owned()),
            "no digit is lost"
        );
        let dictionary = book.worksheet_range("Словарь").expect("a sheet");
        assert_eq!(dictionary.get_value((1, 1)), Some(&Data::String("=1".to_owned())));
    }

    #[test]
    fn rows_beyond_the_last_of_a_sheet_go_on_in_the_next() {
        let rows: Vec<[Cell<'_>; 2]> = (0..7).map(|row| [Cell::text("a"), Cell::whole(Some(row))]).collect();
        let mut book = read(&rows, 3);
        assert_eq!(book.sheet_names(), ["Данные", "Данные 2", "Данные 3", "Словарь"]);
        let mut found = Vec::new();
        for name in ["Данные", "Данные 2", "Данные 3"] {
            let sheet = book.worksheet_range(name).expect("a sheet");
            assert_eq!(
                sheet.get_value((0, 0)),
                Some(&Data::String("Первый".to_owned())),
                "{name}"
            );
            found.extend(sheet.rows().skip(1).filter_map(|row| row[1].as_f64()));
        }
        assert_eq!(found, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_text_longer_than_a_cell_says_where_the_rest_is() {
        let long = "я".repeat(40_000);
        let mut book = read(&[[Cell::text(long), Cell::Empty]], SHEET_ROWS);
        let sheet = book.worksheet_range("Данные").expect("a sheet");
        let text = sheet.get_value((1, 0)).expect("a cell").to_string();
        assert!(
            text.ends_with(CUT) && text.chars().count() < 32_767,
            "{}",
            text.chars().count()
        );
    }

    #[test]
    fn a_disk_that_refuses_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.xlsx");
        let mut file = XlsxFile::begin(&path, TABLE, SHEET_ROWS).expect("begun");
        let refused = file
            .guarded(&path, |_| {
                panic!("{}", "Couldn't write to xml file: No space left on device")
            })
            .expect_err("refused");
        assert_eq!((refused.code(), refused.get("path")), ("MSK-FIL-02", path.to_str()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_text_is_read_back_as_text_and_never_as_a_formula(
            texts in prop::collection::vec("[-=+@'\"<&;, ＝0-9a-zа-я]{1,8}", 1..20),
        ) {
            let rows: Vec<[Cell<'_>; 2]> = texts.iter().map(|text| [Cell::text(text.as_str()), Cell::Empty]).collect();
            let mut book = read(&rows, SHEET_ROWS);
            let formulas = book.worksheet_formula("Данные").expect("a sheet");
            prop_assert_eq!(formulas.used_cells().count(), 0);
            let sheet = book.worksheet_range("Данные").expect("a sheet");
            for (row, text) in (1u32..).zip(&texts) {
                prop_assert_eq!(sheet.get_value((row, 0)), Some(&Data::String(text.clone())));
            }
        }
    }
}
