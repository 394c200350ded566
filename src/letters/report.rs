//! The letter a report comes with (письмо со справкой): a few lines, one table, one chart, the documents attached.

pub use super::blocks::Column;
use super::blocks::{Block, Tone};
use super::frame::Frame;
use super::render::MAX_HTML;
use super::wording::{count, cut, line, sentence};
use crate::domain::letter::{Attachment, Letter};
use crate::domain::number::{Forms, NBSP, agree, whole};
use crate::message::Problem;

/// Lines of the summary: more is the document's business.
const SUMMARY: usize = 7;
/// Rows of the first try; a table of long cells gets fewer.
const ROWS: usize = 24;
/// Content id of the chart.
const CHART: &str = "chart@msoko";

/// The one table of the letter; its cells have passed the suppression of small numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Columns; the first names the row. More than six do not fit a telephone.
    pub columns: Vec<Column>,
    /// Cells, ready as text.
    pub rows: Vec<Vec<String>>,
    /// Source and footnotes.
    pub notes: Vec<String>,
}

/// The one chart of the letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Picture on an opaque ground.
    pub png: Vec<u8>,
    /// What the chart shows, in one sentence: the alternative text, so that a letter without pictures says the same.
    pub conclusion: String,
    /// `Рисунок 1 — …`
    pub caption: String,
}

/// A report as a letter.
#[derive(Debug, Clone)]
pub struct ReportLetter<'a> {
    /// Who, to whom, when; the documents as attachments.
    pub frame: Frame<'a>,
    /// Number of the report: `R-VPR/2025-26/3`.
    pub number: String,
    /// `Справка по итогам ВПР, 2025/26 учебный год`
    pub title: String,
    /// Sources are old or organisations are missing: «предварительно» stands in the title.
    pub preliminary: bool,
    /// `Данные на 20.05.2026 06:10 МСК. Охват: 10 из 10 ОО. Версия правил 3.`
    pub as_of: String,
    /// Three to seven ready sentences.
    pub summary: Vec<String>,
    /// The table.
    pub table: Option<Table>,
    /// The chart.
    pub chart: Option<Chart>,
}

impl ReportLetter<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(mut self) -> Result<Letter, Problem> {
        let chart = self.chart.as_mut().map(|chart| Attachment {
            name: "график.png".to_owned(),
            media_type: "image/png".to_owned(),
            content_id: Some(CHART.to_owned()),
            bytes: std::mem::take(&mut chart.png),
        });
        let (subject, thread) = (self.full_title(), format!("report/{}", self.number));
        let mut rows = ROWS;
        loop {
            let frame = self.frame.clone();
            let mut letter = frame.letter("report", &subject, Some(thread.clone()), &self.blocks(rows))?;
            if letter.html.len() <= MAX_HTML || rows <= 4 {
                letter.attachments.extend(chart);
                return Ok(letter);
            }
            rows -= 4;
        }
    }

    fn full_title(&self) -> String {
        let title = line(&self.title);
        if self.preliminary {
            format!("{title} (предварительно)")
        } else {
            title
        }
    }

    fn blocks(&self, rows: usize) -> Vec<Block> {
        let mut blocks = vec![Block::Lead(Tone::Plain, self.full_title())];
        blocks.push(Block::Note(sentence(&self.as_of)));
        blocks.push(Block::Note(format!("Документ {}", line(&self.number))));
        if self.preliminary {
            blocks.push(Block::Heading(
                Tone::Warn,
                "Данные неполны: выводы предварительные".to_owned(),
            ));
        }
        blocks.push(Block::List(self.summary()));
        blocks.extend(self.table.as_ref().map(|whole| table(whole, rows)));
        blocks.extend(self.chart.as_ref().map(|chart| Block::Picture {
            content_id: CHART.to_owned(),
            alt: sentence(&chart.conclusion),
            caption: sentence(&chart.caption),
        }));
        if !self.frame.attachments.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Во вложении".to_owned()));
            blocks.push(Block::List(self.frame.attachments.iter().map(attached).collect()));
            blocks.push(Block::Note(
                "Документы — проект: до подписи они не являются официальными.".to_owned(),
            ));
        }
        blocks
    }

    fn summary(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .summary
            .iter()
            .take(SUMMARY)
            .map(|text| sentence(&conclusion(text)))
            .collect();
        if self.summary.len() > SUMMARY {
            lines.push("Остальные выводы — в справке.".to_owned());
        }
        lines
    }
}

/// A conclusion fit for a letter; a long enumeration ends after a whole item and refers to the document.
fn conclusion(text: &str) -> String {
    const REST: &str = "; остальное — в справке";
    let short = cut(text, 400);
    match short.strip_suffix('…').and_then(|head| head.rfind("; ")) {
        Some(end) if line(text) != short => format!("{}{REST}", &short[..end]),
        _ => short,
    }
}

fn table(table: &Table, most: usize) -> Block {
    let mut notes = table.notes.clone();
    if let Some(rest) = table.rows.len().checked_sub(most).filter(|rest| *rest > 0) {
        let row = Forms::new("строка", "строки", "строк", "строки");
        notes.insert(0, format!("и ещё {} — во вложении.", agree(count(rest), row)));
    }
    let cells = |row: &Vec<String>| row.iter().map(|cell| cut(cell, 120)).collect();
    Block::Table {
        caption: table.caption.clone(),
        columns: table.columns.clone(),
        rows: table.rows.iter().take(most).map(cells).collect(),
        notes,
    }
}

fn attached(attachment: &Attachment) -> String {
    let kilobytes = count(attachment.bytes.len().div_ceil(1024));
    format!("{} ({}{NBSP}КБ)", line(&attachment.name), whole(kilobytes))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_report_comes_with_its_summary_table_and_chart() {
        let office = samples::office();
        let letter = samples::report(&office).render().expect("a template");
        insta::assert_snapshot!("report", samples::shown(&letter));
        assert!(letter.html.contains("src=\"cid:chart@msoko\""));
        let pictures = letter
            .attachments
            .iter()
            .filter(|attachment| attachment.content_id.is_some());
        assert_eq!(pictures.count(), 1);
    }

    #[test]
    fn old_data_make_the_report_preliminary_and_a_long_table_is_cut() {
        let office = samples::office();
        let mut report = samples::report(&office);
        report.preliminary = true;
        if let Some(table) = &mut report.table {
            table.rows = vec![table.rows[0].clone(); ROWS + 21];
        }
        let mut heavy = report.clone();
        let letter = report.render().expect("a template");
        assert!(letter.subject.ends_with("(предварительно)"));
        assert!(letter.text.contains("и ещё 21\u{a0}строка — во вложении."));
        for row in heavy.table.iter_mut().flat_map(|table| &mut table.rows) {
            *row = vec!["«".repeat(200); 12];
        }
        if let Some(table) = &mut heavy.table {
            table.columns = vec![table.columns[1].clone(); 12];
        }
        assert!(heavy.render().expect("a template").html.len() <= MAX_HTML);
    }

    #[test]
    fn a_long_enumeration_ends_after_a_whole_item() {
        let items = ["МКОУ «Ореховская СОШ» (русский язык, 5 класс)"; 12].join("; ");
        let short = conclusion(&format!("Признаки необъективности: {items}"));
        assert!(short.ends_with("5 класс); остальное — в справке"), "{short}");
        assert!(short.chars().count() < 430);
        assert_eq!(conclusion("Всё; в порядке…"), "Всё; в порядке…");
        assert_eq!(conclusion(&"слово ".repeat(100)), cut(&"слово ".repeat(100), 400));
    }
}
