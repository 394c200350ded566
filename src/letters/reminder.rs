//! The reminder of one deadline (напоминание).

use super::blocks::{Answer, Block, Tone};
use super::frame::Frame;
use super::terms::{Left, Term};
use super::wording::{WORKING_DAY, after_colon, capital, cut, date_with_weekday, day_month, line, sentence};
use crate::domain::letter::Letter;
use crate::domain::number::{NBSP, agree};
use crate::message::Problem;

/// Letters of the activity in a subject: with the term before it some 80 in all.
const SUBJECT_LETTERS: usize = 48;

/// When a reminder goes out (этап); days are working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// So many days before the term: 20, 10, 5, 2.
    Ahead(u32),
    /// On the day.
    Today,
    /// So many days after the term.
    After(u32),
    /// Every week after that.
    Weekly,
}

/// One deadline, one recipient.
#[derive(Debug, Clone)]
pub struct Reminder<'a> {
    /// Who, to whom, when; calendar and draft as attachments.
    pub frame: Frame<'a>,
    /// The deadline.
    pub term: Term,
    /// One sentence, one action: `Проверьте черновик во вложении и пришлите подписанную справку`.
    pub to_do: String,
    /// When it goes out.
    pub stage: Stage,
}

impl Reminder<'_> {
    /// The letter. All letters of one deadline form a thread.
    ///
    /// # Errors
    /// `MSK-MAIL-15` when a template fails.
    pub fn render(self) -> Result<Letter, Problem> {
        let (subject, blocks) = (self.subject(), self.blocks());
        let thread = self.term.deadline.id.clone();
        self.frame.letter("reminder", &subject, Some(thread), &blocks)
    }

    fn subject(&self) -> String {
        let today = self.frame.today();
        let activity = cut(&after_colon(&self.term.deadline.activity), SUBJECT_LETTERS);
        let left = self.term.left_text(today);
        match (self.term.deadline.date, self.term.left) {
            (None, _) | (_, Left::Unclear) => format!("Уточните срок: {activity}"),
            (Some(_), Left::Overdue(_)) => format!("{}: {activity}", capital(&left)),
            (Some(date), Left::WorkingDays(0)) if date == today => format!("Срок сегодня: {activity}"),
            (Some(date), Left::WorkingDays(0)) if self.term.deadline.last_working_day == Some(today) => {
                format!("Последний рабочий день до {}: {activity}", day_month(date, today))
            }
            (Some(date), Left::WorkingDays(_)) => format!("До {}: {activity} — {left}", day_month(date, today)),
        }
    }

    fn lead(&self) -> String {
        let today = self.frame.today();
        let activity = after_colon(&self.term.activity());
        let left = self.term.left_text(today);
        let Some(date) = self.term.deadline.date else {
            return format!("Нужна дата: {}", full_stop(&activity));
        };
        let day = day_month(date, today);
        let lead = match self.term.left {
            Left::Overdue(0) => format!("Срок {day} прошёл: {activity}"),
            Left::Overdue(_) => format!("Срок {day} прошёл, {left}: {activity}"),
            Left::WorkingDays(0) if date == today => format!("Срок сегодня, {day}: {activity}"),
            Left::WorkingDays(0) => format!("Срок {day}, {left}: {activity}"),
            Left::WorkingDays(_) | Left::Unclear => format!("До {day} {left}: {activity}"),
        };
        format!(
            "{} Ответственный: {}",
            sentence(&lead),
            full_stop(&self.term.assignee())
        )
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Lead(self.term.tone(), self.lead())];
        blocks.push(Block::Heading(Tone::Plain, "Что сделать".to_owned()));
        blocks.push(Block::Paragraph(sentence(&self.to_do)));
        blocks.push(self.facts());
        blocks.extend(self.frame.attached());
        blocks.push(Block::Heading(Tone::Plain, "Как ответить".to_owned()));
        blocks.push(self.answers());
        blocks.push(Block::Heading(Tone::Plain, "Почему пришло это письмо".to_owned()));
        blocks.push(Block::Paragraph(self.reason()));
        blocks
    }

    fn facts(&self) -> Block {
        let today = self.frame.today();
        let deadline = &self.term.deadline;
        let mut rows = vec![("Мероприятие", capital(&self.term.activity()), Tone::Plain)];
        if let Some(title) = &self.term.unit_title {
            rows.push(("Организация", line(title), Tone::Plain));
        }
        rows.push((
            "Срок",
            deadline
                .date
                .map_or_else(|| cut(&deadline.term, 120), date_with_weekday),
            Tone::Plain,
        ));
        if let Some(day) = self.term.last_working_day() {
            rows.push(("Последний рабочий день", date_with_weekday(day), Tone::Plain));
        }
        if deadline.provisional {
            rows.push(("Дата", "предварительная, её уточнит план-график".to_owned(), Tone::Warn));
        }
        let (label, value) = self.term.left_fact(today);
        rows.push((label, value, self.term.tone()));
        rows.push(("Ответственный", self.term.assignee(), Tone::Plain));
        rows.push(("Что считается выполнением", self.term.indicator(), Tone::Plain));
        Block::Facts {
            caption: capital(&self.term.item()),
            rows,
        }
    }

    fn answers(&self) -> Block {
        let answer = |label: &str, words: &str, body: &str| Answer {
            label: label.to_owned(),
            href: mailto(
                &self.frame.office.contact.address,
                &format!("{words} [{}]", line(&self.term.deadline.id)),
                body,
            ),
        };
        Block::Answers {
            text: "Нажмите одну из кнопок или ответьте на это письмо одним словом.".to_owned(),
            plain: "Ответьте на это письмо одним словом: ВЫПОЛНЕНО, ПРОДЛИТЬ ДД.ММ или НЕ МОЁ.".to_owned(),
            answers: vec![
                answer("Выполнено", "ВЫПОЛНЕНО", "Подтверждающий документ (дата, номер): "),
                answer("Продлить до…", "ПРОДЛИТЬ ДД.ММ", "Новая дата и причина: "),
                answer("Не мой участок", "НЕ МОЁ", "Кому передать: "),
            ],
        }
    }

    fn reason(&self) -> String {
        let deadline = &self.term.deadline;
        let days = |count: u32| agree(count.into(), WORKING_DAY);
        let stage = match self.stage {
            Stage::Ahead(count) => format!("за {} до срока", days(count)),
            Stage::Today => "в день срока".to_owned(),
            Stage::After(count) => format!("через {} после срока", days(count)),
            Stage::Weekly => "раз в неделю, пока срок не закрыт".to_owned(),
        };
        format!(
            "Дорожная карта «{}», {}. Срок в ней записан так: «{}». Напоминание: {stage}.",
            line(&deadline.direction),
            self.term.item(),
            cut(&deadline.term, 120),
        )
    }
}

fn full_stop(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// A link that opens a ready answer; every letter that is not plain ASCII is written in percent form (RFC 6068).
fn mailto(address: &str, subject: &str, body: &str) -> String {
    format!(
        "mailto:{}?subject={}&body={}",
        percent(address),
        percent(subject),
        percent(body)
    )
}

fn percent(text: &str) -> String {
    let mut coded = String::new();
    for byte in text.replace(NBSP, " ").bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@') {
            coded.push(char::from(byte));
        } else {
            coded.push_str(&format!("%{byte:02X}"));
        }
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn a_reminder_says_who_must_do_what_by_when() {
        let office = samples::office();
        let letter = samples::reminder(&office).render().expect("a template");
        insta::assert_snapshot!("reminder", samples::shown(&letter));
        assert_eq!(letter.thread.as_deref(), Some("1/20@2026-03-01"));
        assert!(
            letter
                .html
                .contains("mailto:ocenka@edu.example?subject=%D0%92%D0%AB%D0%9F")
        );
    }

    #[test]
    fn an_overdue_reminder_says_by_how_much() {
        let office = samples::office();
        let letter = samples::overdue_reminder(&office).render().expect("a template");
        insta::assert_snapshot!("overdue_reminder", samples::shown(&letter));
    }

    #[test]
    fn each_stage_has_its_subject_and_first_line() {
        let office = samples::office();
        let base = samples::reminder(&office);
        let on = |day: &str, left: Left| {
            let mut reminder = base.clone();
            reminder.frame.written_at = format!("{day}T08:00:00+03:00").parse().expect("a moment");
            reminder.term.left = left;
            format!("{} | {}", reminder.subject(), reminder.lead())
        };
        let lines = [
            on("2026-02-02", Left::WorkingDays(20)),
            on("2026-02-26", Left::WorkingDays(1)),
            on("2026-02-27", Left::WorkingDays(0)),
            on("2026-03-01", Left::WorkingDays(0)),
            on("2026-03-01", Left::Overdue(0)),
            on("2026-03-02", Left::Overdue(1)),
            on("2026-03-31", Left::Overdue(21)),
        ];
        insta::assert_snapshot!("stages", lines.join("\n"));
        let mut unclear = base.clone();
        unclear.term.deadline.date = None::<NaiveDate>;
        unclear.term.left = Left::Unclear;
        assert_eq!(
            unclear.subject(),
            "Уточните срок: проведение анализа эффективности принятых мер…"
        );
    }

    #[test]
    fn text_of_a_roadmap_stays_text() {
        let office = samples::office();
        let mut reminder = samples::reminder(&office);
        reminder.term.deadline.activity = "<script>alert(1)</script> & \"мера\"\r\nBcc: all@x.example".to_owned();
        reminder.term.deadline.id = "1/20\"><b>".to_owned();
        let letter = reminder.render().expect("a template");
        assert!(!letter.html.contains("<script>") && !letter.html.contains("\"><b>"));
        assert!(letter.html.contains("&lt;script&gt;"));
        assert!(!letter.subject.contains(['\r', '\n']));
    }
}
