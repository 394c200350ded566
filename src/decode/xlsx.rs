//! Workbooks, cell by cell: a dense range of a sparse sheet can ask for half a terabyte.

use calamine::{DataRef, Reader, SheetVisible, Xlsx as Workbook, XlsxError};

use super::header::{HeaderFinder, MAX_CELL_BYTES, MAX_COLUMNS, Merge, Step};
use super::{Seekable, too_much, unseen};
use crate::manifest::{Sheets, Xlsx};
use crate::message::Problem;
use crate::table::{Cell, Row, TableSink};

/// A workbook of an office has some twenty entries.
const MAX_ENTRIES: usize = 2_000;
/// Inflated size of all entries: the largest real export (30 000 rows of 40 columns) inflates to some 60 MB.
const MAX_INFLATED: u64 = 1 << 30;
/// Inflated size of one entry: shared strings and styles are held in memory as a whole, and so is a single cell.
const MAX_PART: u64 = 128 << 20;
/// Real sheets deflate some ten to forty times; bombs a thousand.
const MAX_RATIO: u64 = 200;
/// Below this size the ratio says nothing.
const RATIO_FROM: u64 = 8 << 20;
/// Cells of one sheet, empty ones not counted.
const MAX_CELLS: u64 = 50_000_000;

pub(super) fn decode(mut source: Box<dyn Seekable>, options: &Xlsx, sink: &mut dyn TableSink) -> Result<(), Problem> {
    inspect(&mut source, sink)?;
    source.rewind().map_err(super::unreadable)?;
    let mut book = Workbook::new(source).map_err(|error| damaged(&error))?;
    let sheets = chosen(&book, &options.sheets)?;
    let must_have_header = !matches!(options.sheets, Sheets::Any);
    let mut missing = None;
    let mut tables = Vec::new();
    for sheet in &sheets {
        match read_sheet(&mut book, sheet, options, sink)? {
            None => tables.push(sheet),
            Some(problem) if must_have_header => return Err(problem),
            Some(problem) => missing = missing.or(Some(problem)),
        }
    }
    if let (Some(problem), []) = (missing, tables.as_slice()) {
        return Err(problem);
    }
    for sheet in book.sheet_names() {
        if sink.wants_unseen() && !tables.contains(&&sheet) {
            let place = place_of(&book, &sheet);
            unseen::sheet(&mut book, &sheet, sink).map_err(|error| damaged(&error).at(place))?;
        }
    }
    Ok(())
}

/// Sizes are looked at before anything is inflated; an entry that is larger than it says ends with an error when it
/// is read.
fn inspect(source: &mut Box<dyn Seekable>, sink: &mut dyn TableSink) -> Result<(), Problem> {
    let broken = |error: zip::result::ZipError| Problem::new("MSK-DEC-12").because(error);
    let over = |what: &str, limit: &str| Problem::new("MSK-DEC-02").arg("what", what).arg("limit", limit);
    let mut archive = zip::ZipArchive::new(source).map_err(broken)?;
    if archive.len() > MAX_ENTRIES {
        return Err(over("число частей", "2000"));
    }
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let (packed, inflated) = (entry.compressed_size(), entry.size());
        total = total.saturating_add(inflated);
        if total > MAX_INFLATED {
            return Err(over("размер после распаковки", "1 GiB"));
        }
        if inflated > RATIO_FROM && inflated / packed.max(1) > MAX_RATIO {
            return Err(over("степень сжатия", "200"));
        }
        if inflated > MAX_PART {
            return Err(over("размер одной части", "128 MiB"));
        }
    }
    if sink.wants_unseen() {
        unseen::parts(&mut archive, sink).map_err(|error| Problem::new("MSK-DEC-12").because(error))?;
    }
    Ok(())
}

fn damaged(error: &XlsxError) -> Problem {
    Problem::new("MSK-DEC-12").because(error)
}

/// The name of a sheet may be a person's, and until the sink has seen it no problem may repeat it.
fn place_of(book: &Workbook<Box<dyn Seekable>>, sheet: &str) -> String {
    let number = book.sheets_metadata().iter().position(|known| known.name == sheet);
    format!("лист {}", number.map_or(0, |index| index + 1))
}

fn chosen(book: &Workbook<Box<dyn Seekable>>, wanted: &Sheets) -> Result<Vec<String>, Problem> {
    let sheets = book.sheets_metadata();
    let visible = || sheets.iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = match wanted {
        Sheets::Any => visible().map(|sheet| sheet.name.clone()).collect(),
        Sheets::Pattern(pattern) => {
            let fits = visible().filter(|sheet| pattern.is_match(&sheet.name));
            fits.map(|sheet| sheet.name.clone()).collect()
        }
        Sheets::Named(names) => {
            let find = |name: &String| sheets.iter().find(|sheet| sheet.name.trim() == name);
            if let Some(absent) = names.iter().find(|name| find(name).is_none()) {
                return Err(no_sheet(book, absent));
            }
            names.iter().filter_map(find).map(|sheet| sheet.name.clone()).collect()
        }
    };
    if names.is_empty() {
        let asked = match wanted {
            Sheets::Pattern(pattern) => pattern.as_str(),
            _ => "видимый лист",
        };
        return Err(no_sheet(book, asked));
    }
    Ok(names)
}

fn no_sheet(book: &Workbook<Box<dyn Seekable>>, asked: &str) -> Problem {
    Problem::new("MSK-DEC-05")
        .arg("sheet", asked)
        .arg("count", book.sheets_metadata().len())
}

/// The problem of a sheet without the header, when that is what it is.
fn read_sheet(
    book: &mut Workbook<Box<dyn Seekable>>,
    sheet: &str,
    options: &Xlsx,
    sink: &mut dyn TableSink,
) -> Result<Option<Problem>, Problem> {
    let place = place_of(book, sheet);
    let merges = if options.header.rows > 1 {
        merges(book, sheet).map_err(|error| damaged(&error).at(&place))?
    } else {
        Vec::new()
    };
    let mut finder = HeaderFinder::new(&options.header, Some(sheet.to_owned()), merges);
    let mut cells = book
        .worksheet_cells_reader(sheet)
        .map_err(|error| damaged(&error).at(&place))?;
    let mut row = empty(sink);
    let mut count: u64 = 0;
    while let Some(cell) = cells
        .next_cell_with_formula_metadata()
        .map_err(|error| damaged(&error).at(&place))?
    {
        count += 1;
        if count > MAX_CELLS {
            return Err(too_much("число ячеек", MAX_CELLS).at(&place));
        }
        let number = cell.pos.0 + 1;
        let column = usize::try_from(cell.pos.1).unwrap_or(usize::MAX);
        if number < row.number || column >= MAX_COLUMNS && !matches!(cell.value, DataRef::Empty) {
            let problem = if number < row.number {
                Problem::new("MSK-DEC-12").because("rows out of order")
            } else {
                too_much("число столбцов", MAX_COLUMNS)
            };
            return Err(problem.at(&place));
        }
        if column >= MAX_COLUMNS {
            continue;
        }
        if number > row.number && row.number > 0 {
            let number = row.number;
            hand_on(&mut finder, std::mem::replace(&mut row, empty(sink)), sink)?;
            if finder.is_looking() && number >= options.header.within_rows {
                return Ok(Some(finder.missing().at(&place)));
            }
        }
        row.number = number;
        let value = value_of(cell.value, cell.formula.is_some());
        if matches!(value, Cell::Empty) {
            continue;
        }
        if row.cells.get(column).is_some_and(|cell| *cell != Cell::Empty) {
            return Err(Problem::new("MSK-DEC-12").because("a cell stands twice").at(&place));
        }
        if let Cell::Text(text) = &value
            && text.len() > MAX_CELL_BYTES
        {
            return Err(too_much("длина текста ячейки", "64 KiB").at(&place));
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, Cell::Empty);
        }
        row.cells[column] = value;
    }
    if row.number > 0 {
        hand_on(&mut finder, row, sink)?;
    }
    Ok((!finder.is_found()).then(|| finder.missing().at(&place)))
}

fn empty(sink: &mut dyn TableSink) -> Row {
    let mut cells = sink.spare();
    cells.clear();
    Row { number: 0, cells }
}

fn hand_on(finder: &mut HeaderFinder<'_>, row: Row, sink: &mut dyn TableSink) -> Result<(), Problem> {
    match finder.offer(row) {
        Step::Taken => Ok(()),
        Step::Header(table) => sink.table(table),
        Step::Row(row) => sink.row(row),
    }
}

pub(super) fn value_of(value: DataRef<'_>, formula: bool) -> Cell {
    match value {
        DataRef::Empty if formula => Cell::Broken("формула без сохранённого значения".to_owned()),
        DataRef::Empty => Cell::Empty,
        #[expect(clippy::cast_precision_loss, reason = "workbooks hold 53 bits by themselves")]
        DataRef::Int(number) => Cell::Number(number as f64),
        DataRef::Float(number) => Cell::Number(number),
        DataRef::String(text) if text.is_empty() => Cell::Empty,
        DataRef::String(text) => Cell::Text(text),
        DataRef::SharedString("") => Cell::Empty,
        DataRef::SharedString(text) => Cell::Text(text.to_owned()),
        DataRef::Bool(value) => Cell::Bool(value),
        DataRef::DateTime(moment) => match moment.as_datetime() {
            Some(moment) => Cell::Date(moment.format("%Y-%m-%dT%H:%M:%S").to_string()),
            None => Cell::Broken("дата вне календаря".to_owned()),
        },
        // Whatever the file calls a date is text until it has been read.
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Text(text),
        DataRef::Error(error) => Cell::Broken(error.to_string()),
    }
}

fn merges(book: &mut Workbook<Box<dyn Seekable>>, sheet: &str) -> Result<Vec<Merge>, XlsxError> {
    let found = book.merge_cells_by_sheet_name(sheet)?;
    let merge = |range: calamine::Dimensions| Merge {
        top: range.start.0 + 1,
        bottom: range.end.0 + 1,
        left: range.start.1 + 1,
        right: range.end.1 + 1,
    };
    Ok(found.into_iter().map(merge).collect())
}
