//! Letters to the administrator about a source: it fails, it works again.

use chrono::{DateTime, FixedOffset};

use super::blocks::{Block, Tone};
use super::frame::Frame;
use super::wording::{after_colon, cut, day_month, line, sentence};
use crate::domain::letter::Letter;
use crate::domain::number::{Forms, agree, moment};
use crate::message::{Problem, find};

const DAY: Forms<'_> = Forms::new("день", "дня", "дней", "дня");
const HOUR: Forms<'_> = Forms::new("час", "часа", "часов", "часа");
/// Refusals that are named one by one.
const REFUSALS: usize = 20;
const TAKEN: Forms<'_> = Forms::new(
    "поступление принято",
    "поступления приняты",
    "поступлений принято",
    "поступления принято",
);
const MINUTE: Forms<'_> = Forms::new("минуту", "минуты", "минут", "минуты");

/// A source (источник) as the administrator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceName {
    /// Id in the configuration.
    pub id: String,
    /// Title of its connector.
    pub title: String,
}

/// A source that does not load (сбой источника).
#[derive(Debug, Clone)]
pub struct SourceFailing<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// Key of the thread that failure and recovery form.
    pub thread: String,
    /// The source.
    pub source: SourceName,
    /// First failure of this row of failures.
    pub since: DateTime<FixedOffset>,
    /// Last load that went well.
    pub last_success: Option<DateTime<FixedOffset>>,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong.
    pub problem: Problem,
    /// What else was refused in the same pull.
    pub more: Vec<Problem>,
    /// Deliveries of the same pull that were accepted.
    pub accepted: u64,
    /// When it is tried again by itself; none when a person has to act first.
    pub next_try: Option<DateTime<FixedOffset>>,
    /// What goes on working, ready sentences.
    pub still_works: Vec<String>,
}

impl SourceFailing<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let since = day_month(self.since.date_naive(), self.frame.today());
        let title = cut(&self.source.title, 60);
        let subject = if self.accepted > 0 {
            format!("Источник загружен не полностью: «{title}»")
        } else {
            format!("Сбой источника «{title}» с {since}")
        };
        let blocks = self.blocks();
        self.frame
            .letter("source_failing", &subject, Some(self.thread), &blocks)
    }

    fn blocks(&self) -> Vec<Block> {
        let title = line(&self.source.title);
        let lead = if self.accepted > 0 {
            let refused = i64::try_from(self.more.len() + 1).unwrap_or(i64::MAX);
            let taken = i64::try_from(self.accepted).unwrap_or(i64::MAX);
            format!(
                "Источник «{title}» {} загружен не полностью: {}, отклонено {refused}",
                moment(self.since),
                agree(taken, TAKEN)
            )
        } else {
            format!(
                "Источник «{title}» не загружается с {}: {}",
                moment(self.since),
                self.problem.ru()
            )
        };
        let entry = find(self.problem.code());
        let action = entry.map_or("обратитесь к разработчикам", |entry| {
            entry.action
        });
        let mut blocks = vec![
            Block::Lead(Tone::Alarm, sentence(&lead)),
            Block::Heading(Tone::Plain, "Что сделать".to_owned()),
            Block::Paragraph(sentence(action)),
            Block::Note(format!(
                "Обычная причина: {} Подробнее: msoko explain {}",
                sentence_after_colon(entry.map_or("не описана", |entry| entry.cause)),
                self.problem.code()
            )),
        ];
        if self.accepted > 0 {
            blocks.push(Block::Heading(Tone::Plain, "Что отклонено".to_owned()));
            let all = std::iter::once(&self.problem).chain(&self.more).take(REFUSALS);
            blocks.push(Block::List(all.map(|problem| cut(&problem.ru_brief(), 400)).collect()));
        }
        blocks.push(self.facts());
        if !self.still_works.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Что продолжает работать".to_owned()));
            blocks.push(Block::List(
                self.still_works.iter().map(|text| cut(text, 300)).collect(),
            ));
        }
        blocks
    }

    fn facts(&self) -> Block {
        let plain = |label, value| (label, value, Tone::Plain);
        let mut rows = vec![
            plain("Источник", line(&self.source.id)),
            plain("Код", self.problem.code().to_owned()),
        ];
        rows.extend(self.problem.place().map(|place| plain("Место", line(place))));
        rows.extend(
            self.problem
                .detail()
                .map(|detail| plain("Подробности", cut(detail, 400))),
        );
        if self.failures > 0 {
            rows.push(plain("Неудачных попыток подряд", self.failures.to_string()));
        }
        rows.push(plain(
            "Последняя удачная загрузка",
            self.last_success.map_or_else(|| "не было".to_owned(), moment),
        ));
        rows.push(plain(
            "Следующая попытка",
            self.next_try.map_or_else(|| "по расписанию".to_owned(), moment),
        ));
        Block::Facts {
            caption: "Сведения о сбое".to_owned(),
            rows,
        }
    }
}

/// A source that loads again (источник восстановлен).
#[derive(Debug, Clone)]
pub struct SourceRecovered<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// Key of the thread, as in the letter about the failure.
    pub thread: String,
    /// The source.
    pub source: SourceName,
    /// First failure, as in the letter about it.
    pub since: DateTime<FixedOffset>,
    /// The load that went well.
    pub at: DateTime<FixedOffset>,
    /// True when it loaded all the time and something was refused.
    pub in_part: bool,
    /// What it brought, a ready sentence.
    pub brought: Option<String>,
}

impl SourceRecovered<'_> {
    /// The letter.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let (title, short) = (line(&self.source.title), cut(&self.source.title, 60));
        let (at, lasted) = (moment(self.at), duration(self.at - self.since));
        let (subject, lead) = if self.in_part {
            (
                format!("Источник снова загружен полностью: «{short}»"),
                format!("Источник «{title}» {at} загружен полностью. Не полностью он загружался {lasted}."),
            )
        } else {
            (
                format!("Источник «{short}» снова работает"),
                format!("Источник «{title}» снова загружается с {at}. Перерыв продолжался {lasted}."),
            )
        };
        let mut blocks = vec![Block::Lead(Tone::Good, lead)];
        if let Some(brought) = &self.brought {
            blocks.push(Block::Paragraph(sentence(&cut(brought, 300))));
        }
        blocks.push(Block::Paragraph("Делать ничего не нужно.".to_owned()));
        blocks.push(Block::Note(format!(
            "Источник: {}. Сбой начался {}.",
            line(&self.source.id),
            moment(self.since)
        )));
        self.frame
            .letter("source_recovered", &subject, Some(self.thread), &blocks)
    }
}

fn sentence_after_colon(text: &str) -> String {
    after_colon(&sentence(text))
}

/// `2 дня 3 часа`, `45 минут`.
fn duration(length: chrono::Duration) -> String {
    let (days, hours, minutes) = (length.num_days(), length.num_hours() % 24, length.num_minutes() % 60);
    match (days, hours) {
        (0, 0) => agree(minutes.max(1), MINUTE),
        (0, _) => agree(hours, HOUR),
        (_, 0) => agree(days, DAY),
        _ => format!("{} {}", agree(days, DAY), agree(hours, HOUR)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::domain::number::NBSP;

    #[test]
    fn the_administrator_reads_what_failed_what_to_do_and_what_still_works() {
        let office = samples::office();
        let letter = samples::source_failing(&office).render().expect("a template");
        insta::assert_snapshot!("source_failing", samples::shown(&letter));
    }

    #[test]
    fn a_recovery_says_how_long_the_break_was() {
        let office = samples::office();
        let recovered = samples::source_recovered(&office);
        let in_part = SourceRecovered {
            in_part: true,
            ..recovered.clone()
        };
        let whole = in_part.render().expect("a template");
        assert_eq!(whole.subject, "Источник снова загружен полностью: «Протоколы ВПР»");
        assert!(!whole.text.contains("Перерыв"), "{}", whole.text);
        let recovered = recovered.render().expect("a template");
        insta::assert_snapshot!("source_recovered", samples::shown(&recovered));
    }

    #[test]
    fn a_break_is_told_in_days_and_hours() {
        let told = |minutes| duration(chrono::Duration::minutes(minutes)).replace(NBSP, " ");
        assert_eq!(told(0), "1 минуту");
        assert_eq!(told(22), "22 минуты");
        assert_eq!(told(5 * 60 + 59), "5 часов");
        assert_eq!(told(51 * 60), "2 дня 3 часа");
        assert_eq!(told(21 * 24 * 60), "21 день");
    }
}
