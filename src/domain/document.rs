//! The document model: DOCX and XLSX are written from the same value, and every number can be walked back.
//!
//! Tables are numbered through the document; a cell has the address that a spreadsheet would give it, the header
//! being row 1: `Таблица 2`, `C5`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use super::number::{Ratio, decimal, mean, percent_bare, points, signed_points, whole};
use super::place::column_letters;
use super::stored::{ObservationKey, StoredObservation};

/// Stored number behind a printed one: its key, value, file and place (происхождение ячейки).
pub type CellSource = Arc<StoredObservation>;

/// Stands for the place of a source that is withheld, and in the workbook for its value.
pub const WITHHELD: &str = "скрыто";

/// A document (документ) ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Footer id: `R-VPR/2025-26/1`.
    pub id: String,
    /// Letterhead, kind, date, title, signature.
    pub requisites: Requisites,
    /// Version of the rules that made the conclusions.
    pub rules: String,
    /// Body, in order.
    pub blocks: Vec<Block>,
    /// Sources that would give away a hidden cell: files leave out their unit, breakdown and value, and the place, whose
    /// rows tell how many pupils stand in them.
    pub withheld: BTreeSet<ObservationKey>,
}

/// Реквизиты of GOST R 7.0.97-2016.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requisites {
    /// Authority that issues the document.
    pub authority: String,
    /// Kind: «Аналитическая справка».
    pub kind: String,
    /// Heading «о чём».
    pub title: String,
    /// Day of the document; also the date inside the file.
    pub date: NaiveDate,
    /// Place where it is drawn up.
    pub place: String,
    /// Post of the person who signs.
    pub signatory_post: String,
    /// Name of the person who signs; an empty line is printed when absent.
    pub signatory: Option<String>,
    /// «Исполнитель»: name and telephone, when configured.
    pub executor: Option<String>,
    /// Not signed yet: «ПРОЕКТ» in the header.
    pub draft: bool,
    /// Data stale or incomplete: «предварительно» in the title and a plate.
    pub preliminary: Option<String>,
    /// The line «Данные на …».
    pub freshness: String,
}

/// A piece of the body.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Heading of level 1, 2 or 3, numbered by the author.
    Heading(u8, String),
    /// Ordinary paragraph.
    Paragraph(String),
    /// Items of a list.
    List(Vec<String>),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Figure),
    /// A numbered conclusion.
    Conclusion(Conclusion),
    /// Place of the signature; what follows are appendices.
    Signature,
}

/// A table (таблица) with its caption; the first column holds labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Number through the document.
    pub number: u32,
    /// Caption without «Таблица N — ».
    pub caption: String,
    /// Name of the sheet in the workbook, at most 31 characters.
    pub sheet: String,
    /// Headers.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: Vec<Row>,
    /// Lines under the table: source, meaning of dashes.
    pub notes: Vec<String>,
}

/// A column (столбец).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Header.
    pub title: String,
    /// Width relative to its neighbours; a hundred fills a portrait page, 120 and more ask for a landscape one.
    pub weight: u16,
    /// Text is set to the left, numbers to the right.
    pub is_text: bool,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub fn text(title: &str, weight: u16) -> Self {
        Self {
            title: title.to_owned(),
            weight,
            is_text: true,
        }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(title: &str, weight: u16) -> Self {
        Self {
            is_text: false,
            ..Self::text(title, weight)
        }
    }
}

impl Table {
    /// Too wide for a portrait page: more than eight columns, or columns that ask for more room.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        const MOST_COLUMNS: usize = 8;
        const MOST_WEIGHT: u32 = 120;
        let weight: u32 = self.columns.iter().map(|column| u32::from(column.weight)).sum();
        self.columns.len() > MOST_COLUMNS || weight >= MOST_WEIGHT
    }
}

/// A row (строка).
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Cells, one per column.
    pub cells: Vec<Cell>,
    /// Total or reference: set in bold.
    pub strong: bool,
}

/// A cell with its origin (ячейка).
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What is printed.
    pub content: Content,
    /// The stored numbers it was made of; empty for words.
    pub sources: Vec<CellSource>,
}

/// What a cell holds (содержание ячейки).
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Words.
    Text(String),
    /// A whole number.
    Count(i64),
    /// A share, one digit; `k` and `n` when it was counted and not taken ready-made.
    Share {
        /// The share as a fraction of one.
        ratio: Ratio,
        /// Participants above and below the line.
        of: Option<(i64, i64)>,
    },
    /// A mean, two digits.
    Mean(Ratio),
    /// A change of a share in п.п., with its sign.
    Points(Ratio),
    /// A change of a mean, two digits, with its sign.
    MeanChange(Ratio),
    /// «н/д»: nobody gave the number.
    NotAvailable,
    /// «—»: not worked out because too few stand behind it.
    TooFew,
    /// Hidden, with the words printed instead: «менее 5», «скрыто», «≤ 10».
    Hidden(String),
}

impl Cell {
    /// Words.
    #[must_use]
    pub fn text(words: impl Into<String>) -> Self {
        Self::bare(Content::Text(words.into()))
    }

    /// A cell without origin.
    #[must_use]
    pub const fn bare(content: Content) -> Self {
        Self {
            content,
            sources: Vec::new(),
        }
    }

    /// What is printed, in Russian.
    #[must_use]
    pub fn printed(&self) -> String {
        match &self.content {
            Content::Text(words) | Content::Hidden(words) => words.clone(),
            Content::Count(count) => whole(*count),
            Content::Share { ratio, .. } => percent_bare(*ratio),
            Content::Mean(ratio) => mean(*ratio),
            Content::Points(ratio) => signed_points(*ratio).replace("\u{a0}п.п.", ""),
            Content::MeanChange(ratio) => {
                let rounded = ratio.rounded(1, 2);
                let sign = if rounded.units > 0 { "+" } else { "" };
                format!("{sign}{}", decimal(rounded))
            }
            Content::NotAvailable => "н/д".to_owned(),
            Content::TooFew => "—".to_owned(),
        }
    }

    /// How the number was made, for `explain` and the sheet «Источники»: `5 из 18`.
    #[must_use]
    pub fn made_of(&self) -> Option<String> {
        match &self.content {
            Content::Share { of: Some((k, n)), .. } => Some(format!("{} из {}", whole(*k), whole(*n))),
            Content::Points(ratio) => Some(points(*ratio)),
            _ => None,
        }
    }

    /// True for a number, false for words, «н/д», dashes and hidden cells.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(
            self.content,
            Content::Count(_) | Content::Share { .. } | Content::Mean(_) | Content::Points(_) | Content::MeanChange(_)
        )
    }
}

/// A figure (рисунок).
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Number through the document.
    pub number: u32,
    /// Caption without «Рисунок N — ».
    pub caption: String,
    /// States the conclusion in words for those who do not see the picture.
    pub alt: String,
    /// What is drawn.
    pub chart: BarChart,
}

/// Bars of shares (столбчатая диаграмма) from nought, at most twelve categories.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    /// Name of the vertical axis.
    pub axis: String,
    /// Categories along the axis.
    pub categories: Vec<String>,
    /// Series with one share, or none, per category.
    pub series: Vec<(String, Vec<Option<Ratio>>)>,
}

/// A conclusion (вывод): coded sentences that stand on cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// Number through the document.
    pub number: u32,
    /// Code of the rule: `C-VPR-2`.
    pub rule: &'static str,
    /// The sentences.
    pub text: String,
    /// Cells it stands on.
    pub cells: Vec<CellAddress>,
}

/// Address of a cell as a reader would write it (адрес ячейки).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellAddress {
    /// Number of the table.
    pub table: u32,
    /// Row counted from one; the header is row 1.
    pub row: u32,
    /// Column counted from one.
    pub column: u32,
}

impl CellAddress {
    /// Reads `Таблица 2` (or `2`) and `C5`; Cyrillic letters that look Latin are taken for Latin.
    #[must_use]
    pub fn parse(table: &str, cell: &str) -> Option<Self> {
        let digits = table.trim().trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let cell: String = cell.trim().to_uppercase().chars().map(latin).collect();
        let split = cell.find(|letter: char| letter.is_ascii_digit())?;
        let (letters, row) = cell.split_at(split);
        if letters.is_empty() || letters.len() > 2 {
            return None;
        }
        let mut column = 0;
        for letter in letters.chars() {
            let position = letter
                .is_ascii_uppercase()
                .then(|| u32::from(letter) - u32::from('A') + 1)?;
            column = column * 26 + position;
        }
        Some(Self {
            table: digits.parse().ok()?,
            row: row.parse().ok()?,
            column,
        })
    }

    /// `C5`.
    #[must_use]
    pub fn cell(&self) -> String {
        format!("{}{}", column_letters(self.column), self.row)
    }
}

/// `таблица 2, C5`.
impl std::fmt::Display for CellAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "таблица {}, {}", self.table, self.cell())
    }
}

fn latin(letter: char) -> char {
    match letter {
        'А' => 'A',
        'В' => 'B',
        'С' => 'C',
        'Е' => 'E',
        'Н' => 'H',
        'К' => 'K',
        other => other,
    }
}

impl Document {
    /// Tables in order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }

    /// Figures in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }

    /// Conclusions in order.
    pub fn conclusions(&self) -> impl Iterator<Item = &Conclusion> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Conclusion(conclusion) => Some(conclusion),
            _ => None,
        })
    }

    /// The table that a sheet of the workbook was written from.
    #[must_use]
    pub fn table_of_sheet(&self, sheet: &str) -> Option<&Table> {
        self.tables().find(|table| table.sheet == sheet)
    }

    /// The cell at an address; the header row has no cells.
    #[must_use]
    pub fn cell(&self, address: &CellAddress) -> Option<&Cell> {
        let table = self.tables().find(|table| table.number == address.table)?;
        let row = table.rows.get(usize::try_from(address.row.checked_sub(2)?).ok()?)?;
        row.cells.get(usize::try_from(address.column.checked_sub(1)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let address = CellAddress {
            table: 2,
            row: 5,
            column: 3,
        };
        for (table, cell) in [("Таблица 2", "C5"), ("2", "c5"), ("таблица 2", "С5")] {
            assert_eq!(CellAddress::parse(table, cell), Some(address.clone()), "{table} {cell}");
        }
        assert_eq!(
            CellAddress::parse("Таблица 2", "AA10").map(|found| found.column),
            Some(27)
        );
        for cell in ["", "5", "C", "5C", "Я5", "ABC1"] {
            assert_eq!(CellAddress::parse("2", cell), None, "{cell}");
        }
        assert_eq!(address.to_string(), "таблица 2, C5");
    }

    #[test]
    fn a_dash_a_gap_and_a_nought_are_three_different_things() {
        let shown: Vec<String> = [Content::TooFew, Content::NotAvailable, Content::Count(0)]
            .into_iter()
            .map(|content| Cell::bare(content).printed())
            .collect();
        assert_eq!(shown, ["—", "н/д", "0"]);
    }
}
