//! XLSX: one sheet per table with real numbers, then «Выводы и правила» and «Источники».

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::plain;
use crate::domain::document::{Cell, CellAddress, Content, Document, Table, WITHHELD};
use crate::domain::number::{Ratio, date_short};
use crate::message::Problem;

/// Sheet of the origins.
const SOURCES: &str = "Источники";
/// Sheet of the conclusions with their rules.
const RULES: &str = "Правила";
/// Rows of the sheet of origins; the rest is left to `msoko explain`, and a row says so. Excel ends at 1 048 576.
const MOST_SOURCES: u32 = 200_000;
/// Characters that a spreadsheet would take for the start of a formula.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];
/// Excel refuses longer texts.
const LONGEST: usize = 32_000;

/// Writes the tables.
///
/// # Errors
/// `MSK-DOC-04` when the library refuses.
pub fn xlsx(document: &Document) -> Result<Vec<u8>, Problem> {
    write(document).map_err(|error| Problem::new("MSK-DOC-04").arg("what", "XLSX").because(error))
}

fn write(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let date = document.requisites.date.format("%Y-%m-%d").to_string();
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(plain(&format!(
                "{} {}",
                document.requisites.kind, document.requisites.title
            )))
            .set_author(plain(&document.requisites.authority))
            .set_comment(plain(&document.id))
            .set_creation_datetime(&ExcelDateTime::parse_from_str(&date)?),
    );
    for table in document.tables() {
        write_table(workbook.add_worksheet(), document, table)?;
    }
    write_rules(workbook.add_worksheet(), document)?;
    write_sources(workbook.add_worksheet(), document)?;
    workbook.save_to_buffer()
}

fn write_table(sheet: &mut Worksheet, document: &Document, table: &Table) -> Result<(), XlsxError> {
    let titles: Vec<(&str, f64)> = table
        .columns
        .iter()
        .map(|column| (column.title.as_str(), f64::from(column.weight).clamp(8.0, 60.0) * 1.3))
        .collect();
    let caption = format!("Таблица {} — {}", table.number, table.caption);
    frame(sheet, document, &table.sheet, &caption, &titles)?;
    sheet.set_landscape();
    let mut line = 0;
    for row in &table.rows {
        line += 1;
        let texts = row.cells.iter().map(Cell::printed);
        set_height(sheet, line, texts.zip(titles.iter().map(|(_, width)| *width)))?;
        for (column, cell) in (0u16..).zip(&row.cells) {
            write_cell(sheet, line, column, cell, row.strong)?;
        }
    }
    filter(sheet, line, titles.len())?;
    line += 1;
    let width: f64 = titles.iter().map(|(_, width)| width).sum();
    for note in [&caption].into_iter().chain(&table.notes) {
        line += 1;
        write_note(sheet, line, titles.len(), width, &plain(note))?;
    }
    Ok(())
}

/// Height for the longest of the wrapped texts, each with the width of its column in letters; only Excel would find
/// it by itself. One letter of a column stays free for its margins.
fn set_height(
    sheet: &mut Worksheet,
    row: u32,
    texts: impl IntoIterator<Item = (String, f64)>,
) -> Result<(), XlsxError> {
    /// Points of one line of text, and the highest row that Excel takes.
    const LINE: f64 = 15.0;
    const HIGHEST: f64 = 409.0;
    let lines = texts
        .into_iter()
        .map(|(text, width)| {
            let letters = u32::try_from(plain(&text).chars().count()).unwrap_or(u32::MAX);
            (f64::from(letters) / (width - 1.0)).ceil()
        })
        .fold(1.0, f64::max);
    sheet.set_row_height(row, (LINE * lines).min(HIGHEST))?;
    Ok(())
}

/// A note under the table over its whole width; merged, because an overlong line would shrink the print.
fn write_note(sheet: &mut Worksheet, row: u32, columns: usize, width: f64, note: &str) -> Result<(), XlsxError> {
    let format = Format::new().set_italic().set_text_wrap().set_align(FormatAlign::Top);
    set_height(sheet, row, [(note.to_owned(), width)])?;
    match u16::try_from(columns) {
        Ok(columns) if columns > 1 => sheet.merge_range(row, 0, row, columns - 1, note, &format)?,
        _ => sheet.write_string_with_format(row, 0, note, &format)?,
    };
    Ok(())
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, strong: bool) -> Result<(), XlsxError> {
    let mut format = Format::new()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter);
    if strong {
        format = format.set_bold();
    }
    let (value, pattern) = match &cell.content {
        Content::Count(count) => (number(Ratio::of_counts(*count, 1), 1), "#,##0"),
        Content::Share { ratio, .. } => (number(*ratio, 100), "0.0"),
        Content::Mean(ratio) => (number(*ratio, 1), "0.00"),
        Content::Points(ratio) => (number(*ratio, 100), "+0.0;\u{2212}0.0;0.0"),
        Content::MeanChange(ratio) => (number(*ratio, 1), "+0.00;\u{2212}0.00;0.00"),
        Content::Text(_) | Content::NotAvailable | Content::TooFew | Content::Hidden(_) => {
            let format = if matches!(cell.content, Content::Text(_)) {
                format
            } else {
                format.set_align(FormatAlign::Right)
            };
            return write_text(sheet, row, column, &cell.printed(), format.set_text_wrap());
        }
    };
    sheet.write_number_with_format(row, column, value, &format.set_num_format(pattern))?;
    Ok(())
}

/// Unrounded, so that a person may reckon on; the format rounds for the eye.
fn number(ratio: Ratio, factor: i32) -> f64 {
    ratio.to_f64() * f64::from(factor)
}

fn write_text(sheet: &mut Worksheet, row: u32, column: u16, text: &str, mut format: Format) -> Result<(), XlsxError> {
    let text: String = plain(text).chars().take(LONGEST).collect();
    if text.starts_with(FORMULA) {
        format = format.set_quote_prefix();
    }
    sheet.write_string_with_format(row, column, text, &format)?;
    Ok(())
}

/// Name, frozen header, print set-up.
fn frame(
    sheet: &mut Worksheet,
    document: &Document,
    name: &str,
    caption: &str,
    titles: &[(&str, f64)],
) -> Result<(), XlsxError> {
    /// A4.
    const PAPER: u8 = 9;
    let head = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_background_color("E7EBF0");
    // «&» starts a command in a running head.
    let caption = plain(caption).replace('&', "&&");
    let id = plain(&document.id).replace('&', "&&");
    sheet
        .set_name(name)?
        .set_paper_size(PAPER)
        .set_print_fit_to_pages(1, 0)
        .set_margins(0.79, 0.39, 0.79, 0.79, 0.39, 0.39)
        .set_header(format!(
            "&C{caption}{}",
            if document.requisites.draft {
                "&RПРОЕКТ"
            } else {
                ""
            }
        ))
        .set_footer(format!("&L{id}&Cстр. &P из &N"))
        .set_freeze_panes(1, 0)?
        .set_repeat_rows(0, 0)?;
    set_height(
        sheet,
        0,
        titles.iter().map(|(title, width)| ((*title).to_owned(), *width)),
    )?;
    for (column, (title, width)) in (0u16..).zip(titles) {
        sheet.set_column_width(column, *width)?;
        sheet.write_string_with_format(0, column, plain(title), &head)?;
    }
    Ok(())
}

fn filter(sheet: &mut Worksheet, last_row: u32, columns: usize) -> Result<(), XlsxError> {
    let last = u16::try_from(columns.saturating_sub(1)).unwrap_or(u16::MAX);
    if last_row > 0 {
        sheet.autofilter(0, 0, last_row, last)?;
    }
    Ok(())
}

fn write_rules(sheet: &mut Worksheet, document: &Document) -> Result<(), XlsxError> {
    let titles = [
        ("Вывод", 8.0),
        ("Правило", 12.0),
        ("Версия правил", 12.0),
        ("Текст", 90.0),
        ("Ячейки", 40.0),
    ];
    frame(sheet, document, RULES, "Правила и выводы", &titles)?;
    let format = || {
        Format::new()
            .set_border(FormatBorder::Thin)
            .set_text_wrap()
            .set_align(FormatAlign::Top)
    };
    let mut row = 0;
    for conclusion in document.conclusions() {
        row += 1;
        let cells: Vec<String> = conclusion.cells.iter().map(ToString::to_string).collect();
        sheet.write_number_with_format(row, 0, conclusion.number, &format())?;
        write_text(sheet, row, 1, conclusion.rule, format())?;
        write_text(sheet, row, 2, &document.rules, format())?;
        write_text(sheet, row, 3, &conclusion.text, format())?;
        write_text(sheet, row, 4, &cells.join("; "), format())?;
    }
    filter(sheet, row, titles.len())
}

fn write_sources(sheet: &mut Worksheet, document: &Document) -> Result<(), XlsxError> {
    let titles = [
        ("Таблица", 9.0),
        ("Адрес", 8.0),
        ("Лист", 26.0),
        ("Напечатано", 12.0),
        ("Получено из", 14.0),
        ("Показатель хранилища", 60.0),
        ("Значение", 10.0),
        ("Файл", 34.0),
        ("Место", 26.0),
        ("Снимок", 18.0),
        ("Получен", 12.0),
    ];
    frame(sheet, document, SOURCES, "Источники чисел", &titles)?;
    sheet.set_landscape();
    let mut row = 0;
    'all: for table in document.tables() {
        for (cell, address) in addressed(table) {
            for source in &cell.sources {
                if row == MOST_SOURCES {
                    let rest = "продолжение: msoko explain с номером справки и адресом ячейки";
                    sheet.write_string(row + 1, 0, rest)?;
                    break 'all;
                }
                row += 1;
                sheet.write_number(row, 0, table.number)?;
                sheet.write_string(row, 1, address.cell())?;
                sheet.write_string(row, 2, plain(&table.sheet))?;
                write_text(sheet, row, 3, &cell.printed(), Format::new())?;
                write_text(sheet, row, 4, &cell.made_of().unwrap_or_default(), Format::new())?;
                write_text(sheet, row, 7, &source.file, Format::new())?;
                if document.withheld.contains(&source.key) {
                    write_text(sheet, row, 5, &source.key.kind(), Format::new())?;
                    sheet.write_string(row, 6, WITHHELD)?;
                    sheet.write_string(row, 8, WITHHELD)?;
                } else {
                    write_text(sheet, row, 5, &source.key.to_string(), Format::new())?;
                    sheet.write_number(row, 6, source.value.to_f64())?;
                    write_text(sheet, row, 8, source.place.as_str(), Format::new())?;
                }
                let snapshot: String = source.snapshot.chars().take(16).collect();
                write_text(sheet, row, 9, &snapshot, Format::new())?;
                sheet.write_string(row, 10, date_short(source.received.date_naive()))?;
            }
        }
    }
    filter(sheet, row, titles.len())
}

fn addressed(table: &Table) -> impl Iterator<Item = (&Cell, CellAddress)> {
    (2u32..).zip(&table.rows).flat_map(move |(row, line)| {
        (1u32..).zip(&line.cells).map(move |(column, cell)| {
            let address = CellAddress {
                table: table.number,
                row,
                column,
            };
            (cell, address)
        })
    })
}

#[cfg(test)]
mod tests {
    use calamine::{Data, Reader, Xlsx};

    use super::*;
    use crate::domain::document::{Block, Column, Requisites, Row};

    fn document(cells: Vec<Cell>) -> Document {
        Document {
            id: "R-VPR/2025-26/1".to_owned(),
            requisites: Requisites {
                authority: "Управление".to_owned(),
                kind: "Справка".to_owned(),
                title: "о проверке".to_owned(),
                date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date"),
                place: String::new(),
                signatory_post: String::new(),
                signatory: None,
                executor: None,
                draft: true,
                preliminary: None,
                freshness: String::new(),
            },
            rules: "1".to_owned(),
            blocks: vec![Block::Table(Table {
                number: 1,
                caption: "Проба & ошибка".to_owned(),
                sheet: "1 Проба".to_owned(),
                columns: cells.iter().map(|_| Column::text("Столбец", 20)).collect(),
                rows: vec![Row { cells, strong: false }],
                notes: Vec::new(),
            })],
            withheld: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn a_withheld_source_names_neither_its_unit_nor_its_value_nor_its_rows() {
        let source = crate::domain::stored::StoredObservation {
            key: crate::domain::stored::ObservationKey {
                unit: crate::domain::unit::UnitId("s1".to_owned()),
                procedure: crate::domain::vocabulary::Procedure::Vpr,
                round: "vpr/2025-26/spring".into(),
                measure: crate::domain::vocabulary::Measure::Participants,
                subject: None,
                grade: None,
                breakdown: crate::domain::observation::Breakdown::none().into(),
            },
            value: crate::domain::observation::Amount::whole(3),
            n: None,
            file: "Протокол.xlsx".into(),
            place: crate::domain::place::Place::cells("Протокол", 228, 230, 9),
            snapshot: "b3c4".into(),
            received: chrono::DateTime::UNIX_EPOCH.fixed_offset(),
        };
        let key = source.key.clone();
        let mut document = document(vec![Cell {
            content: Content::Count(40),
            sources: vec![source.into()],
        }]);
        document.withheld.insert(key);
        let bytes = xlsx(&document).expect("a workbook");
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).expect("a workbook");
        let range = book.worksheet_range(SOURCES).expect("the sheet");
        let row: Vec<String> = range
            .rows()
            .nth(1)
            .expect("the row")
            .iter()
            .map(Data::to_string)
            .collect();
        let kind = "vpr/2025-26/spring · participants";
        assert_eq!(row[5..9], [kind, WITHHELD, "Протокол.xlsx", WITHHELD]);
    }

    #[test]
    fn numbers_are_numbers_and_what_looks_like_a_formula_stays_text() {
        let formula = "=HYPERLINK(\"http://a.example\")";
        let bytes = xlsx(&document(vec![
            Cell::text(formula),
            Cell::text("+7"),
            Cell::bare(Content::Count(12_345)),
            Cell::bare(Content::Share {
                ratio: Ratio::of_counts(1, 8),
                of: None,
            }),
            Cell::bare(Content::NotAvailable),
        ]))
        .expect("a workbook");
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).expect("a workbook");
        assert_eq!(book.sheet_names(), ["1 Проба", RULES, SOURCES]);
        let range = book.worksheet_range("1 Проба").expect("the sheet");
        let found: Vec<Data> = range.rows().nth(1).expect("the row").to_vec();
        assert_eq!(
            found,
            [
                Data::String(formula.to_owned()),
                Data::String("+7".to_owned()),
                Data::Float(12_345.0),
                Data::Float(12.5),
                Data::String("н/д".to_owned()),
            ]
        );
        assert!(book.worksheet_formula("1 Проба").expect("the sheet").is_empty());
    }
}
