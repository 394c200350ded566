//! DOCX by GOST R 7.0.97-2016: margins, fonts, real styles, repeated table headers, landscape sections.

use docx_rs::{
    AlignmentType, Docx, FieldCharType, Footer, Header, InstrPAGE, InstrText, LineSpacing, LineSpacingType, Paragraph,
    Pic, Run, RunFonts, SectionProperty, Shading, SpecialIndentType, Style, StyleType, Tab, TabValueType,
    Table as DocxTable, TableCell, TableCellMargins, TableLayoutType, TableRow, VAlignType, WidthType,
};

use super::{chart, clean, package, parts};
use crate::domain::document::{Block, Cell, Column, Conclusion, Document, Figure, Requisites, Row, Table};
use crate::domain::number::date_long;
use crate::message::Problem;

/// The family officials expect; where it is absent, office programs put a free twin of the same widths in its place.
const FONT: &str = "Times New Roman";
/// Half-points: 12 pt in the text, 10 pt in tables and notes.
const TEXT: usize = 24;
const SMALL: usize = 20;
/// Twentieths of a point: 1.25 cm.
const INDENT: i32 = 709;
/// A4 less the margins of 20 and 10 mm.
const PORTRAIT: usize = 10_205;
const LANDSCAPE: usize = 15_138;

/// Writes the document with its figures.
///
/// # Errors
/// `MSK-DOC-04` when a library refuses, `MSK-DOC-05` for a figure that cannot be drawn.
pub fn docx(document: &Document) -> Result<Vec<u8>, Problem> {
    let mut docx = styled(Docx::new());
    docx = furniture(docx, document);
    for paragraph in requisites(&document.requisites) {
        docx = docx.add_paragraph(paragraph);
    }
    let mut sections = Vec::new();
    let mut wide = false;
    for (block, is_wide) in oriented(&document.blocks) {
        if is_wide != wide {
            docx = docx.add_paragraph(section_end());
            sections.push(wide);
            wide = is_wide;
        }
        docx = add(docx, document, block, wide)?;
    }
    if wide {
        docx = docx.add_paragraph(section_end());
        sections.push(wide);
    }
    sections.push(false);
    let alts: Vec<String> = document.figures().map(|figure| clean(&figure.alt)).collect();
    let parts = parts::finish(docx.build(), document, &sections, &alts)?;
    package::pack("DOCX", &parts)
}

/// Each block with the orientation of its page: a wide table takes its heading and introduction along.
fn oriented(blocks: &[Block]) -> Vec<(&Block, bool)> {
    let mut oriented: Vec<(&Block, bool)> = blocks
        .iter()
        .map(|block| (block, matches!(block, Block::Table(table) if table.is_wide())))
        .collect();
    for position in (1..oriented.len()).rev() {
        let leads = matches!(oriented[position - 1].0, Block::Heading(..) | Block::Paragraph(_));
        let continues = !matches!(oriented[position].0, Block::Heading(..)) || oriented[position - 1].1;
        if oriented[position].1 && leads && continues {
            oriented[position - 1].1 = true;
        }
    }
    oriented
}

fn styled(docx: Docx) -> Docx {
    let fonts = RunFonts::new().ascii(FONT).hi_ansi(FONT).cs(FONT).east_asia(FONT);
    let spacing = |line: i32, before: u32, after: u32| {
        LineSpacing::new()
            .line_rule(LineSpacingType::Auto)
            .line(line)
            .before(before)
            .after(after)
    };
    let paragraph = |id: &str, name: &str| Style::new(id, StyleType::Paragraph).name(name).based_on("Normal");
    let heading = |level: usize, size: usize| {
        paragraph(&format!("Heading{level}"), &format!("heading {level}"))
            .next("BodyText")
            .size(size)
            .bold()
            .outline_lvl(level - 1)
            .line_spacing(spacing(240, 240, 120))
            .q_format(true)
    };
    docx.default_fonts(fonts)
        .default_size(TEXT)
        .add_style(Style::new("Normal", StyleType::Paragraph).name("Normal").q_format(true))
        .add_style(heading(1, 26))
        .add_style(heading(2, TEXT))
        .add_style(heading(3, TEXT).italic())
        .add_style(
            paragraph("BodyText", "Body Text")
                .align(AlignmentType::Both)
                .indent(None, Some(SpecialIndentType::FirstLine(INDENT)), None, None)
                .line_spacing(spacing(276, 0, 60))
                .q_format(true),
        )
        .add_style(
            paragraph("Title", "Title")
                .align(AlignmentType::Center)
                .bold()
                .size(28)
                .line_spacing(spacing(240, 0, 0)),
        )
        .add_style(paragraph("Caption", "caption").line_spacing(spacing(240, 160, 80)))
        .add_style(
            paragraph("TableText", "Table Text")
                .size(SMALL)
                .line_spacing(spacing(240, 0, 0)),
        )
        .add_style(
            paragraph("TableNote", "Table Note")
                .size(SMALL)
                .line_spacing(spacing(240, 40, 40)),
        )
}

/// Header with «ПРОЕКТ» and the page number from the second page on, footer with the id.
fn furniture(docx: Docx, document: &Document) -> Docx {
    let draft = || Run::new().add_text(if document.requisites.draft { "ПРОЕКТ" } else { "" });
    let first = Paragraph::new()
        .align(AlignmentType::Right)
        .add_run(draft().bold().size(SMALL));
    let number = Run::new()
        .add_field_char(FieldCharType::Begin, false)
        .add_instr_text(InstrText::PAGE(InstrPAGE::new()))
        .add_field_char(FieldCharType::Separate, false)
        .add_text("2")
        .add_field_char(FieldCharType::End, false);
    let following = Paragraph::new().align(AlignmentType::Center).add_run(number);
    let mark = Paragraph::new()
        .align(AlignmentType::Right)
        .add_run(draft().bold().size(SMALL));
    let footer = || {
        Footer::new().add_paragraph(
            Paragraph::new()
                .align(AlignmentType::Right)
                .add_run(text_run(&document.id).size(SMALL).color("595959")),
        )
    };
    docx.header(Header::new().add_paragraph(following).add_paragraph(mark))
        .first_header(Header::new().add_paragraph(first))
        .footer(footer())
        .first_footer(footer())
}

fn requisites(requisites: &Requisites) -> Vec<Paragraph> {
    let centred = |text: &str| Paragraph::new().align(AlignmentType::Center).add_run(text_run(text));
    let mut paragraphs = vec![
        Paragraph::new()
            .align(AlignmentType::Center)
            .add_run(text_run(&requisites.authority).bold()),
        Paragraph::new(),
        Paragraph::new()
            .style("Title")
            .add_run(text_run(&requisites.kind.to_uppercase())),
        Paragraph::new()
            .style("Title")
            .add_run(text_run(&requisites.title).size(TEXT)),
        Paragraph::new(),
        Paragraph::new()
            .add_tab(Tab::new().val(TabValueType::Right).pos(PORTRAIT))
            .add_run(text_run(&date_long(requisites.date)))
            .add_run(Run::new().add_tab().add_text("№\u{a0}____________")),
        centred(&requisites.place),
        Paragraph::new(),
        Paragraph::new()
            .align(AlignmentType::Center)
            .add_run(text_run(&requisites.freshness).italic().size(22)),
    ];
    if let Some(reason) = &requisites.preliminary {
        let plate = Shading::new().fill("FBE3E0");
        paragraphs.push(
            Paragraph::new()
                .align(AlignmentType::Center)
                .line_spacing(LineSpacing::new().before(120).after(60))
                .add_run(text_run(reason).bold().color("9C1C10").shading(plate)),
        );
    }
    paragraphs
}

fn signature(requisites: &Requisites) -> Vec<Paragraph> {
    let name = requisites.signatory.as_deref().unwrap_or("_______________________");
    let tabs = [
        Tab::new().val(TabValueType::Left).pos(5200),
        Tab::new().val(TabValueType::Right).pos(PORTRAIT),
    ];
    let line = Run::new().add_tab().add_text("______________").add_tab();
    let mut paragraphs = vec![
        Paragraph::new()
            .keep_next(true)
            .line_spacing(LineSpacing::new().before(480)),
        Paragraph::new()
            .tabs(&tabs)
            .add_run(text_run(&requisites.signatory_post))
            .add_run(line)
            .add_run(text_run(name)),
    ];
    if let Some(executor) = &requisites.executor {
        paragraphs.push(Paragraph::new());
        paragraphs.push(Paragraph::new().add_run(text_run(executor).size(SMALL)));
    }
    paragraphs
}

fn add(docx: Docx, document: &Document, block: &Block, wide: bool) -> Result<Docx, Problem> {
    Ok(match block {
        Block::Heading(level, text) => docx.add_paragraph(
            Paragraph::new()
                .style(&format!("Heading{}", (*level).clamp(1, 3)))
                .keep_next(true)
                .add_run(text_run(text)),
        ),
        Block::Paragraph(text) => docx.add_paragraph(body(text)),
        Block::List(items) => items.iter().zip(1..).fold(docx, |docx, (item, number): (_, u32)| {
            docx.add_paragraph(body(&format!("{number})\u{a0}{item}")))
        }),
        Block::Conclusion(conclusion) => docx.add_paragraph(conclusion_paragraph(conclusion)),
        Block::Table(table) => add_table(docx, table, wide),
        Block::Figure(figure) => add_figure(docx, figure)?,
        Block::Signature => signature(&document.requisites)
            .into_iter()
            .fold(docx, Docx::add_paragraph),
    })
}

fn conclusion_paragraph(conclusion: &Conclusion) -> Paragraph {
    /// More cells than this are named in the workbook only.
    const NAMED: usize = 4;
    let mut cells: Vec<String> = conclusion.cells.iter().map(ToString::to_string).collect();
    let more = if cells.len() > NAMED { " и др." } else { "" };
    cells.truncate(NAMED);
    let origin = if cells.is_empty() {
        format!(" [{}]", conclusion.rule)
    } else {
        format!(" [{}: {}{more}]", conclusion.rule, cells.join("; "))
    };
    Paragraph::new()
        .style("BodyText")
        .add_run(text_run(&format!("{}.\u{a0}{}", conclusion.number, conclusion.text)))
        .add_run(text_run(&origin).size(SMALL).color("595959"))
}

fn add_table(docx: Docx, table: &Table, wide: bool) -> Docx {
    /// Last rows that stay with the notes, so that no page holds notes alone.
    const KEPT: usize = 2;
    let width = if wide { LANDSCAPE } else { PORTRAIT };
    let weight: usize = table.columns.iter().map(|column| usize::from(column.weight)).sum();
    let widths: Vec<usize> = table
        .columns
        .iter()
        .map(|column| width * usize::from(column.weight) / weight.max(1))
        .collect();
    // A row that may be split is a header to `parts::finish`, which gives it the mark the library lacks.
    let mut rows = vec![TableRow::new(
        table
            .columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| header_cell(column, *width))
            .collect(),
    )];
    let last = table.rows.len().saturating_sub(KEPT);
    rows.extend(
        (0..)
            .zip(&table.rows)
            .map(|(number, row): (usize, _)| table_row(table, row, &widths, number >= last)),
    );
    let grid = DocxTable::new(rows)
        .set_grid(widths)
        .layout(TableLayoutType::Fixed)
        .width(width, WidthType::Dxa)
        .margins(TableCellMargins::new().margin(20, 60, 20, 60));
    let caption = format!("Таблица\u{a0}{} — {}", table.number, table.caption);
    let mut docx = docx
        .add_paragraph(
            Paragraph::new()
                .style("Caption")
                .keep_next(true)
                .add_run(text_run(&caption)),
        )
        .add_table(grid);
    for note in &table.notes {
        docx = docx.add_paragraph(Paragraph::new().style("TableNote").add_run(text_run(note).italic()));
    }
    if table.notes.is_empty() {
        docx = docx.add_paragraph(Paragraph::new().style("TableNote"));
    }
    docx
}

fn header_cell(column: &Column, width: usize) -> TableCell {
    TableCell::new()
        .width(width, WidthType::Dxa)
        .vertical_align(VAlignType::Center)
        .shading(Shading::new().fill("E7EBF0"))
        .add_paragraph(
            Paragraph::new()
                .style("TableText")
                .align(AlignmentType::Center)
                .keep_next(true)
                .add_run(text_run(&column.title).bold()),
        )
}

fn table_row(table: &Table, row: &Row, widths: &[usize], keep: bool) -> TableRow {
    let cells = row.cells.iter().zip(&table.columns).zip(widths);
    TableRow::new(
        cells
            .map(|((cell, column), width)| table_cell(cell, column, *width, row.strong, keep))
            .collect(),
    )
    .cant_split()
}

fn table_cell(cell: &Cell, column: &Column, width: usize, strong: bool, keep: bool) -> TableCell {
    let mut run = text_run(&cell.printed());
    if strong {
        run = run.bold();
    }
    let align = if column.is_text {
        AlignmentType::Left
    } else {
        AlignmentType::Right
    };
    TableCell::new()
        .width(width, WidthType::Dxa)
        .vertical_align(VAlignType::Center)
        .add_paragraph(
            Paragraph::new()
                .style("TableText")
                .align(align)
                .keep_next(keep)
                .add_run(run),
        )
}

fn add_figure(docx: Docx, figure: &Figure) -> Result<Docx, Problem> {
    /// 16 cm in EMU.
    const WIDTH: u32 = 5_760_000;
    let picture = Pic::new_with_dimensions(chart::png(figure)?, chart::WIDTH, chart::HEIGHT)
        .id(format!("rIdImage{}", figure.number))
        .size(WIDTH, WIDTH / chart::WIDTH * chart::HEIGHT);
    let caption = format!("Рисунок\u{a0}{} — {}", figure.number, figure.caption);
    Ok(docx
        .add_paragraph(
            Paragraph::new()
                .align(AlignmentType::Center)
                .keep_next(true)
                .line_spacing(LineSpacing::new().before(160))
                .add_run(Run::new().add_image(picture)),
        )
        .add_paragraph(
            Paragraph::new()
                .style("Caption")
                .align(AlignmentType::Center)
                .keep_next(true)
                .add_run(text_run(&caption)),
        ))
}

fn body(text: &str) -> Paragraph {
    Paragraph::new().style("BodyText").add_run(text_run(text))
}

fn text_run(text: &str) -> Run {
    Run::new().add_text(clean(text).replace("№ ", "№\u{a0}"))
}

/// Ends a section; `parts::finish` writes what kind it is.
fn section_end() -> Paragraph {
    Paragraph::new()
        .line_spacing(LineSpacing::new().line_rule(LineSpacingType::Exact).line(20))
        .section_property(SectionProperty::new())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::domain::document::{BarChart, Content};
    use crate::domain::number::Ratio;

    fn document() -> Document {
        let column = |number: u16| Column::number(&format!("Столбец {number}"), 10);
        Document {
            id: "R-VPR/2025-26/1".to_owned(),
            requisites: Requisites {
                authority: "Управление <образования> & спорта".to_owned(),
                kind: "Справка".to_owned(),
                title: "о проверке".to_owned(),
                date: chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date"),
                place: "с. Верхнегорское".to_owned(),
                signatory_post: "Начальник".to_owned(),
                signatory: None,
                executor: None,
                draft: true,
                preliminary: None,
                freshness: "Данные на 01.03.2026.".to_owned(),
            },
            rules: "1".to_owned(),
            blocks: vec![
                Block::Heading(1, "1. Начало".to_owned()),
                Block::Paragraph("Текст\u{0}.".to_owned()),
                Block::Heading(1, "2. Широкая таблица".to_owned()),
                Block::Table(Table {
                    number: 1,
                    caption: "Широкая".to_owned(),
                    sheet: "1 Широкая".to_owned(),
                    columns: (0..9).map(column).collect(),
                    rows: vec![Row {
                        cells: (0..9).map(|number| Cell::bare(Content::Count(number))).collect(),
                        strong: false,
                    }],
                    notes: Vec::new(),
                }),
                Block::Figure(Figure {
                    number: 1,
                    caption: "Доли".to_owned(),
                    alt: "Доля «2» — 10,5\u{a0}%".to_owned(),
                    chart: BarChart {
                        axis: "%".to_owned(),
                        categories: vec!["«2»".to_owned()],
                        series: vec![("2025/26".to_owned(), vec![Ratio::of(6, 57)])],
                    },
                }),
                Block::Signature,
            ],
            withheld: std::collections::BTreeSet::new(),
        }
    }

    fn part(bytes: &[u8], name: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a package");
        let mut text = String::new();
        archive
            .by_name(name)
            .expect(name)
            .read_to_string(&mut text)
            .expect("UTF-8");
        text
    }

    #[test]
    fn a_document_has_what_the_standard_asks_for() {
        let bytes = docx(&document()).expect("a document");
        let body = part(&bytes, "word/document.xml");
        for mark in [
            "<w:tblHeader />",
            "<w:cantSplit />",
            "w:orient=\"landscape\"",
            "<w:titlePg/>",
            "descr=\"Доля «2» — 10,5\u{a0}%\"",
            "w:val=\"Heading1\"",
            "Таблица\u{a0}1 — Широкая",
            "Управление &lt;образования&gt; &amp; спорта",
        ] {
            assert!(body.contains(mark), "{mark}");
        }
        assert!(!body.contains('\u{0}'));
        assert_eq!(body.matches("<w:sectPr>").count(), 3);
        assert!(part(&bytes, "word/styles.xml").contains("w:lang w:val=\"ru-RU\""));
        assert!(part(&bytes, "docProps/core.xml").contains("2026-03-01T00:00:00Z"));
        let heads = part(&bytes, "word/header1.xml") + &part(&bytes, "word/header2.xml");
        assert!(heads.contains("ПРОЕКТ") && heads.contains("PAGE"));
    }

    #[test]
    fn a_wide_table_takes_its_heading_to_the_landscape_page() {
        let document = document();
        let wide: Vec<bool> = oriented(&document.blocks).into_iter().map(|(_, wide)| wide).collect();
        assert_eq!(wide, [false, false, true, true, false, false]);
    }
}
