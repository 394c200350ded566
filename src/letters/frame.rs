//! What all letters share.

use chrono::{DateTime, FixedOffset, NaiveDate};

use crate::domain::letter::{Attachment, Letter, Mailbox};
use crate::domain::number::{Forms, NBSP, agree, moment};
use crate::message::Problem;

use super::blocks::Block;
use super::render::{Page, render};
use super::wording::{count, line};

/// Attachments that are named one by one.
const FILES: usize = 6;

/// The office that writes (управление образования) and who in it answers questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Title as in letters of the office.
    pub title: String,
    /// Who answers questions; answers to the letter go there (Reply-To).
    pub contact: Mailbox,
    /// Telephone of the contact.
    pub phone: String,
    /// Name of the time zone for people: `МСК (UTC+3)`.
    pub zone: String,
    /// Version of the product.
    pub version: String,
}

/// Who writes to whom, when, and under which key (рамка письма).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Key of the letter; also its number in the footer, for `explain`.
    pub key: String,
    /// The recipient.
    pub to: Mailbox,
    /// The office.
    pub office: &'a Office,
    /// When the letter is written, in the municipality's zone. A repeat carries the same moment.
    pub written_at: DateTime<FixedOffset>,
    /// Files of the letter, ready: calendars, documents.
    pub attachments: Vec<Attachment>,
}

impl Frame<'_> {
    /// The day the letter is written on.
    pub(super) fn today(&self) -> NaiveDate {
        self.written_at.date_naive()
    }

    /// Turns blocks into a letter.
    pub(super) fn letter(
        self,
        kind: &'static str,
        subject: &str,
        thread: Option<String>,
        blocks: &[Block],
    ) -> Result<Letter, Problem> {
        let subject = line(subject);
        let page = Page {
            kind,
            subject: &subject,
            blocks,
            frame: &self,
        };
        let (text, html) = render(&page)?;
        Ok(Letter {
            reply_to: Some(self.office.contact.clone()),
            key: self.key,
            kind,
            to: self.to,
            subject,
            text,
            html,
            attachments: self.attachments,
            date: self.written_at,
            thread,
        })
    }

    /// What is attached, as one line.
    pub(super) fn attached(&self) -> Option<Block> {
        let names: Vec<_> = self
            .attachments
            .iter()
            .take(FILES)
            .map(|file| line(&file.name))
            .collect();
        let rest = self.attachments.len().saturating_sub(FILES);
        let file = Forms::new("файл", "файла", "файлов", "файла");
        let rest = (rest > 0).then(|| format!(" и ещё {}", agree(count(rest), file)));
        (!names.is_empty()).then(|| {
            Block::Note(format!(
                "Во вложении: {}{}.",
                names.join(", "),
                rest.unwrap_or_default()
            ))
        })
    }

    pub(super) fn footer_lines(&self) -> Vec<String> {
        vec![
            format!(
                "Письмо составлено автоматически {}, время {}, программа msoko{NBSP}{}.",
                moment(self.written_at),
                line(&self.office.zone),
                line(&self.office.version)
            ),
            format!(
                "Номер письма: {}. Чтобы получать такие письма реже или чаще, напишите по указанному адресу.",
                line(&self.key)
            ),
        ]
    }
}
