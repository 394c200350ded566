//! The digest of the week (сводка сроков): on a digest day it is the deadline letter of the day.

use chrono::NaiveDate;

use super::blocks::{Block, Tone};
use super::frame::Frame;
use super::render::MAX_HTML;
use super::terms::Term;
use super::wording::{TERM, count, cut, day_month, line};
use crate::domain::letter::Letter;
use crate::domain::number::{Forms, NBSP, agree};
use crate::message::Problem;

/// Rows of the first try; the letter is written again with fewer while it is too heavy.
const ROWS: usize = 48;
/// Changes that are named one by one.
const CHANGES: usize = 12;

/// What changed since the last letter (изменение).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The activity, with its item.
    pub what: String,
    /// `срок 1 марта 2026 г.`
    pub was: String,
    /// `выполнено, приказ от 10.02.2026 № 14`
    pub now: String,
}

/// Deadlines of one recipient in the order of reading.
#[derive(Debug, Clone)]
pub struct Digest<'a> {
    /// Who, to whom, when.
    pub frame: Frame<'a>,
    /// Overdue, oldest first.
    pub overdue: Vec<Term>,
    /// Due today.
    pub today: Vec<Term>,
    /// Due within the next seven working days.
    pub next: Vec<Term>,
    /// Last of those days.
    pub next_until: NaiveDate,
    /// Later: this month, or further when today is a day of reminding about it.
    pub later: Vec<Term>,
    /// Rows whose phrase gives no date.
    pub unclear: Vec<Term>,
    /// Changed since the last letter.
    pub changed: Vec<Change>,
    /// All other deadlines.
    pub quiet: u32,
}

impl Digest<'_> {
    /// The letter, or nothing when there is nothing to say.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(&self) -> Result<Option<Letter>, Problem> {
        if self.total() == 0 && self.changed.is_empty() {
            return Ok(None);
        }
        let mut rows = ROWS;
        loop {
            let letter = self
                .frame
                .clone()
                .letter("digest", &self.subject(), None, &self.blocks(rows))?;
            if letter.html.len() <= MAX_HTML || rows <= 5 {
                return Ok(Some(letter));
            }
            rows -= 5;
        }
    }

    fn sections(&self) -> [(Tone, String, &[Term]); 5] {
        let until = day_month(self.next_until, self.frame.today());
        [
            (Tone::Alarm, "Просрочено".to_owned(), &self.overdue),
            (Tone::Warn, "Срок сегодня".to_owned(), &self.today),
            (
                Tone::Plain,
                format!("Ближайшие семь рабочих дней, до {until}"),
                &self.next,
            ),
            (Tone::Plain, "Позже".to_owned(), &self.later),
            (Tone::Warn, "Нужно уточнить дату".to_owned(), &self.unclear),
        ]
    }

    fn total(&self) -> usize {
        self.sections().iter().map(|(_, _, terms)| terms.len()).sum()
    }

    fn subject(&self) -> String {
        let facts = self.facts();
        if facts.is_empty() {
            return format!("Сроки: {}", agree(count(self.changed.len()), CHANGE));
        }
        let is_far = self.overdue.is_empty() && self.today.is_empty() && self.next.is_empty();
        let what = if is_far {
            "Сроки"
        } else {
            "Сроки на неделю"
        };
        format!("{what}: {}", facts.join(", "))
    }

    /// `2 просрочено`, `1 сегодня`, `4 до 25 февраля`; of the quieter sections only when these are empty.
    fn facts(&self) -> Vec<String> {
        let until = day_month(self.next_until, self.frame.today());
        let passed = Forms::new("просрочен", "просрочено", "просрочено", "просрочено");
        let mut facts = Vec::new();
        if !self.overdue.is_empty() {
            facts.push(agree(count(self.overdue.len()), passed));
        }
        for (terms, when) in [(&self.today, "сегодня"), (&self.next, &format!("до {until}"))] {
            if !terms.is_empty() {
                facts.push(format!("{}{NBSP}{when}", terms.len()));
            }
        }
        if facts.is_empty() {
            for (terms, when) in [
                (&self.later, format!("после {until}")),
                (&self.unclear, "без даты".to_owned()),
            ] {
                if !terms.is_empty() {
                    facts.push(format!("{}{NBSP}{when}", terms.len()));
                }
            }
        }
        facts
    }

    fn lead(&self) -> (Tone, String) {
        let until = day_month(self.next_until, self.frame.today());
        let [overdue, today, next] = [&self.overdue, &self.today, &self.next].map(|terms| count(terms.len()));
        let passed = Forms::new("Просрочен", "Просрочено", "Просрочено", "Просрочено");
        let come = Forms::new("наступает", "наступают", "наступают", "наступают");
        let demand = Forms::new("Требует", "Требуют", "Требуют", "Требуют");
        let all = overdue + today + next;
        let text = match (overdue, today, next) {
            (0, 0, 0) if self.later.is_empty() && self.unclear.is_empty() => {
                format!("До {until} сроков нет. Ниже — что изменилось с прошлого письма.")
            }
            (0, 0, 0) => format!("До {until} сроков нет. Ниже — то, что нужно знать заранее."),
            (_, 0, 0) => format!("{} {}.", passed.with(overdue), agree(overdue, TERM)),
            (0, _, 0) => format!("Сегодня {} {}.", come.with(today), agree(today, TERM)),
            (0, 0, _) => format!("До {until} {} {}.", come.with(next), agree(next, TERM)),
            _ => format!(
                "{} внимания {}: {}.",
                demand.with(all),
                agree(all, TERM),
                self.facts().join(", ")
            ),
        };
        let tone = match (overdue, all) {
            (0, 0) => Tone::Good,
            (0, _) => Tone::Plain,
            _ => Tone::Alarm,
        };
        (tone, text)
    }

    fn blocks(&self, most: usize) -> Vec<Block> {
        let (tone, lead) = self.lead();
        let mut blocks = vec![Block::Lead(tone, lead)];
        let mut room = most;
        for (tone, title, terms) in self.sections() {
            if !terms.is_empty() {
                let shown = terms.len().min(room);
                room -= shown;
                let title = format!("{title} ({})", terms.len());
                blocks.push(self.section(tone, title, terms, shown));
            }
        }
        if !self.changed.is_empty() {
            blocks.push(Block::Heading(Tone::Plain, "Изменилось с прошлого письма".to_owned()));
            blocks.push(Block::List(self.changes()));
        }
        if self.quiet > 0 {
            let need = Forms::new("не требует", "не требуют", "не требуют", "не требуют");
            let rest = i64::from(self.quiet);
            blocks.push(Block::Note(format!(
                "Ещё {} действий пока {}.",
                agree(rest, TERM),
                need.with(rest)
            )));
        }
        blocks.extend(self.frame.attached());
        blocks.push(Block::Paragraph(
            "Чтобы отметить срок, ответьте на это письмо: приложение, пункт и одно из слов — ВЫПОЛНЕНО, \
             ПРОДЛИТЬ ДД.ММ или НЕ МОЁ."
                .to_owned(),
        ));
        blocks
    }

    fn section(&self, tone: Tone, title: String, terms: &[Term], shown: usize) -> Block {
        let today = self.frame.today();
        let rest = count(terms.len() - shown);
        let hidden = if shown == 0 { "" } else { "и ещё " };
        Block::Terms {
            tone,
            title,
            rows: terms[..shown].iter().map(|term| term.row(today)).collect(),
            rest: (rest > 0).then(|| {
                format!(
                    "{hidden}{}: полный список покажет команда msoko deadlines list",
                    agree(rest, TERM)
                )
            }),
        }
    }

    fn changes(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .changed
            .iter()
            .take(CHANGES)
            .map(|change| {
                format!(
                    "{}: было — {}, стало — {}",
                    cut(&change.what, 160),
                    line(&change.was),
                    line(&change.now)
                )
            })
            .collect();
        if let Some(rest) = self.changed.len().checked_sub(CHANGES).filter(|rest| *rest > 0) {
            lines.push(format!("и ещё {}", agree(count(rest), CHANGE)));
        }
        lines
    }
}

const CHANGE: Forms<'_> = Forms::new("изменение", "изменения", "изменений", "изменения");

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_digest_leads_from_overdue_to_quiet() {
        let office = samples::office();
        let letter = samples::digest(&office)
            .render()
            .expect("a template")
            .expect("a letter");
        insta::assert_snapshot!("digest", samples::shown(&letter));
    }

    #[test]
    fn an_empty_digest_is_not_sent() {
        let office = samples::office();
        let empty = Digest {
            overdue: vec![],
            today: vec![],
            next: vec![],
            later: vec![],
            unclear: vec![],
            changed: vec![],
            ..samples::digest(&office)
        };
        assert_eq!(empty.render().expect("a template"), None);
    }

    #[test]
    fn the_subject_says_the_fact_within_what_a_phone_shows() {
        let office = samples::office();
        let full = samples::digest(&office);
        let one = |many: &[Term]| many[..1].to_vec();
        let only_next = Digest {
            overdue: vec![],
            today: vec![],
            ..full.clone()
        };
        let single = Digest {
            overdue: one(&full.overdue),
            today: vec![],
            next: vec![],
            ..full.clone()
        };
        let far = Digest {
            next: vec![],
            ..only_next.clone()
        };
        let changes = Digest {
            later: vec![],
            unclear: vec![],
            ..far.clone()
        };
        let lines: Vec<_> = [full, only_next, single, far, changes]
            .iter()
            .map(|digest| format!("{} | {}", digest.subject(), digest.lead().1))
            .collect();
        insta::assert_snapshot!("digest_subjects", lines.join("\n"));
    }

    #[test]
    fn a_digest_of_any_length_stays_below_what_mail_programs_cut() {
        let office = samples::office();
        let mut digest = samples::digest(&office);
        let mut long = digest.overdue[0].clone();
        long.deadline.activity = "проведение анализа эффективности ".repeat(40);
        long.deadline.indicator = "аналитическая справка ".repeat(40);
        long.unit_title = Some("МКОУ «Верхнегорская средняя общеобразовательная школа № 2»".to_owned());
        digest.overdue = vec![long.clone(); 300];
        digest.next = vec![long; 21];
        let letter = digest.render().expect("a template").expect("a letter");
        assert!(letter.html.len() <= MAX_HTML, "{}", letter.html.len());
        let hidden = letter
            .text
            .lines()
            .find(|line| line.contains("и ещё"))
            .expect("the rest is named");
        assert!(hidden.contains("срок"), "{hidden}");
        assert!(letter.text.contains("21\u{a0}срок: полный список"));
    }
}
