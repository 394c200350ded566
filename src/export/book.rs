//! The files of one export: a file for each table, the dictionary beside them or in them.

use std::path::{Path, PathBuf};

use super::csv_file::CsvFile;
use super::dictionary::{self, Dictionary};
use super::file::{PartFile, Sealed, unwritten};
use super::xlsx_file::{SHEET_ROWS, XlsxFile};
use super::{Cell, Row, Table, json_file};
use crate::message::Problem;

/// How the tables are written (вид файлов).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 4180: UTF-8, commas, decimal points, technical names.
    Csv,
    /// For spreadsheets: byte order mark, semicolons, decimal commas, Russian titles.
    SpreadsheetCsv,
    /// JSON Lines.
    Jsonl,
    /// XLSX with the dictionary as its last sheet.
    Xlsx,
}

impl Form {
    const fn ending(self) -> &'static str {
        match self {
            Self::Csv | Self::SpreadsheetCsv => "csv",
            Self::Jsonl => "jsonl",
            Self::Xlsx => "xlsx",
        }
    }

    /// File of the dictionary, when it has one of its own.
    const fn dictionary(self) -> Option<&'static str> {
        match self {
            Self::Csv | Self::SpreadsheetCsv => Some("csv"),
            Self::Jsonl => Some("json"),
            Self::Xlsx => None,
        }
    }
}

/// A whole file (готовый файл).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its path.
    pub path: PathBuf,
    /// The table; none for the dictionary.
    pub table: Option<&'static str>,
    /// Rows without header.
    pub rows: u64,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the bytes.
    pub hash: String,
}

/// An export under way (выгрузка): nothing is in its place before [`SealedBook::place`].
pub struct Book {
    form: Form,
    replaces: bool,
    dictionary: Dictionary,
    dictionary_file: Option<PartFile>,
    sheets: Vec<Sheet>,
}

/// Whole files that are not yet in their places (готовая выгрузка): dropped, they are removed.
pub struct SealedBook {
    replaces: bool,
    files: Vec<Written>,
    parts: Vec<Sealed>,
}

struct Sheet {
    table: Table,
    path: PathBuf,
    writer: Writer,
    rows: u64,
}

enum Writer {
    Csv(Box<CsvFile<PartFile>>),
    Jsonl(PartFile),
    Xlsx(Box<XlsxFile>, PartFile),
}

impl Book {
    /// Begins all files in a folder, which is made when it is not there. `replaces` lets them take the place of
    /// files of the same name.
    ///
    /// # Errors
    /// `MSK-FIL-04` when one of them exists, `MSK-FIL-05` when another export is writing it, `MSK-FIL-02` otherwise.
    pub fn create(
        folder: &Path,
        form: Form,
        replaces: bool,
        tables: &[Table],
        dictionary: Dictionary,
    ) -> Result<Self, Problem> {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
        let part = |stem: &str, ending: &str| PartFile::create(folder.join(format!("{stem}.{ending}")), replaces);
        let files: Vec<PartFile> = tables
            .iter()
            .map(|table| part(table.name, form.ending()))
            .collect::<Result<_, _>>()?;
        let dictionary_file = form
            .dictionary()
            .map(|ending| part(dictionary::NAME, ending))
            .transpose()?;
        let sheets = tables
            .iter()
            .zip(files)
            .map(|(table, file)| Sheet::begin(*table, form, file))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            form,
            replaces,
            dictionary,
            dictionary_file,
            sheets,
        })
    }

    /// Writes a line of a table.
    ///
    /// # Errors
    /// `MSK-FIL-02` when the disk refuses, `MSK-BUG-01` for a table that was not begun.
    pub fn row(&mut self, table: &Table, row: &impl Row) -> Result<(), Problem> {
        let sheet = self.sheets.iter_mut().find(|sheet| sheet.table.name == table.name);
        let sheet = sheet.ok_or_else(|| Problem::new("MSK-BUG-01").arg("what", "a table that was not begun"))?;
        sheet.rows += 1;
        match &mut sheet.writer {
            Writer::Csv(file) => file.row(&sheet.path, &row.cells()),
            Writer::Jsonl(file) => json_file::line(file, &sheet.path, row.json()),
            Writer::Xlsx(file, _) => file.row(&sheet.path, &row.cells()),
        }
    }

    /// Writes the dictionary and ends every file.
    ///
    /// # Errors
    /// `MSK-FIL-02` when the disk refuses.
    pub fn seal(self) -> Result<SealedBook, Problem> {
        let tables: Vec<Table> = self.sheets.iter().map(|sheet| sheet.table).collect();
        let lines = self.dictionary.lines(&tables);
        let mut done = Vec::new();
        for sheet in self.sheets {
            let own: Vec<Vec<String>> = match self.form {
                Form::Xlsx => self.dictionary.lines(&[sheet.table]),
                _ => Vec::new(),
            };
            done.push((
                Some(sheet.table.name),
                sheet.rows,
                sheet.writer.finish(&sheet.path, &own)?,
            ));
        }
        if let Some(file) = self.dictionary_file {
            let file = match self.form {
                Form::Jsonl => dictionary_json(file, &self.dictionary, &tables)?,
                _ => dictionary_csv(file, &lines, self.form == Form::SpreadsheetCsv)?,
            };
            done.push((None, lines.len() as u64, file));
        }
        let mut sealed = SealedBook {
            replaces: self.replaces,
            files: Vec::new(),
            parts: Vec::new(),
        };
        for (table, rows, file) in done {
            let part = file.seal()?;
            sealed.files.push(Written {
                path: part.path().to_owned(),
                table,
                rows,
                size: part.size(),
                hash: part.hash().to_owned(),
            });
            sealed.parts.push(part);
        }
        Ok(sealed)
    }
}

impl SealedBook {
    /// The files that are to be placed.
    #[must_use]
    pub fn files(&self) -> &[Written] {
        &self.files
    }

    /// Puts every file in its place.
    ///
    /// # Errors
    /// `MSK-FIL-02` when the disk refuses, `MSK-FIL-04` when a file appeared meanwhile.
    pub fn place(self) -> Result<(), Problem> {
        self.parts.into_iter().try_for_each(|part| part.place(self.replaces))
    }
}

impl Sheet {
    fn begin(table: Table, form: Form, file: PartFile) -> Result<Self, Problem> {
        let path = file.path().to_owned();
        let writer = match form {
            Form::Csv | Form::SpreadsheetCsv => {
                let for_spreadsheet = form == Form::SpreadsheetCsv;
                Writer::Csv(Box::new(CsvFile::begin(file, &path, table.columns, for_spreadsheet)?))
            }
            Form::Jsonl => Writer::Jsonl(file),
            Form::Xlsx => Writer::Xlsx(Box::new(XlsxFile::begin(&path, table, SHEET_ROWS)?), file),
        };
        Ok(Self {
            table,
            path,
            writer,
            rows: 0,
        })
    }
}

impl Writer {
    fn finish(self, path: &Path, lines: &[Vec<String>]) -> Result<PartFile, Problem> {
        match self {
            Self::Csv(file) => file.finish(path),
            Self::Jsonl(file) => Ok(file),
            Self::Xlsx(file, mut out) => {
                file.finish(&mut out, dictionary::SHEET, dictionary::COLUMNS, lines)?;
                Ok(out)
            }
        }
    }
}

fn dictionary_csv(file: PartFile, lines: &[Vec<String>], for_spreadsheet: bool) -> Result<PartFile, Problem> {
    let path = file.path().to_owned();
    let mut out = CsvFile::begin(file, &path, dictionary::COLUMNS, for_spreadsheet)?;
    for line in lines {
        let cells: Vec<Cell<'_>> = line.iter().map(|text| Cell::text(text.as_str())).collect();
        out.row(&path, &cells)?;
    }
    out.finish(&path)
}

fn dictionary_json(mut file: PartFile, dictionary: &Dictionary, tables: &[Table]) -> Result<PartFile, Problem> {
    let path = file.path().to_owned();
    json_file::line(&mut file, &path, dictionary.json(tables))?;
    Ok(file)
}
