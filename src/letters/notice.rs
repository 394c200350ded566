//! Letters to the administrator about what stops by itself: roadmaps that ended, sources that nothing comes from, nodes
//! that fell silent.

use chrono::{DateTime, FixedOffset};

use super::blocks::{Block, Tone};
use super::frame::Frame;
use super::wording::{cut, line, sentence};
use crate::domain::letter::Letter;
use crate::domain::number::moment;
use crate::message::{Problem, find};

/// A source that nothing new came from for longer than promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Id in the configuration.
    pub id: String,
    /// Title of its connector.
    pub title: String,
    /// The last load.
    pub last_load: DateTime<FixedOffset>,
}

/// What needs a person although nothing failed (уведомление).
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// What the roadmaps and the calendar lack.
    pub problems: Vec<Problem>,
    /// Sources without news.
    pub stale: Vec<Stale>,
    /// Refused rows that will be removed.
    pub leaving: Vec<Problem>,
}

impl Notice<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let subject = match (self.problems.is_empty(), self.stale.is_empty(), self.leaving.is_empty()) {
            (false, true, true) => "Сроки требуют внимания администратора",
            (true, false, true) => "Источники давно не обновлялись",
            (true, true, _) => "Строки карантина скоро будут удалены",
            (false, false, true) => "Сроки и источники требуют внимания администратора",
            (false, true, false) => "Сроки и карантин требуют внимания администратора",
            (true, false, false) => "Источники и карантин требуют внимания администратора",
            (false, false, false) => "Сроки, источники и карантин требуют внимания администратора",
        };
        let blocks = self.blocks();
        self.frame.letter("notice", subject, None, &blocks)
    }

    fn blocks(&self) -> Vec<Block> {
        let lead = "Сбоя нет, но без вашего участия часть писем или данных перестанет поступать";
        let mut blocks = vec![Block::Lead(Tone::Warn, sentence(lead))];
        if !self.problems.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Дорожные карты и календарь".to_owned()));
            blocks.push(Block::List(self.problems.iter().map(told).collect()));
        }
        if !self.stale.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Источники".to_owned()));
            let told = |source: &Stale| {
                format!(
                    "«{}» ({}): последняя загрузка {}, с тех пор ничего нового не поступало",
                    cut(&source.title, 100),
                    line(&source.id),
                    moment(source.last_load)
                )
            };
            blocks.push(Block::List(self.stale.iter().map(told).collect()));
            blocks.push(Block::Paragraph(
                "Проверьте, выкладывают ли данные на прежнее место. Если они и должны поступать реже, увеличьте freshness источника."
                    .to_owned(),
            ));
        }
        if !self.leaving.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Карантин".to_owned()));
            blocks.push(Block::List(self.leaving.iter().map(told).collect()));
        }
        blocks
    }
}

/// A node fell silent that alone pulls some sources.
#[derive(Debug, Clone)]
pub struct NodeSilent<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// Its name.
    pub node: String,
    /// Since when, and what it alone pulls.
    pub problem: Problem,
}

impl NodeSilent<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let lead = "Письма и остальные источники ведут другие узлы, но источники этого узла не загружаются";
        let blocks = [
            Block::Lead(Tone::Warn, sentence(lead)),
            Block::Paragraph(told(&self.problem)),
        ];
        let subject = format!("Не отвечает узел «{}»", line(&self.node));
        self.frame.letter("notice", &subject, None, &blocks)
    }
}

fn told(problem: &Problem) -> String {
    let action = find(problem.code()).map_or_else(String::new, |entry| format!(" {}", sentence(entry.action)));
    format!("{}{action}", sentence(&cut(&problem.ru_brief(), 400)))
}
