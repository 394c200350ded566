//! Letters, rendered and ready to be queued.

use chrono::{DateTime, FixedOffset};

/// A mailbox (адрес): display name and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name, may be empty.
    pub name: String,
    /// Address.
    pub address: String,
}

/// A file inside a letter (вложение).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// File name as the reader sees it.
    pub name: String,
    /// Media type, `image/png`.
    pub media_type: String,
    /// Content id for pictures shown in the text; absent for ordinary attachments.
    pub content_id: Option<String>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A letter (письмо) to one recipient: text twin, HTML, pictures and attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Unique per cause and recipient: the same cause never queues twice. Also the root of the Message-ID.
    pub key: String,
    /// What kind of letter: `digest`, `reminder`, `source_failing`, `report`, `test`.
    pub kind: &'static str,
    /// The recipient; one letter, one recipient.
    pub to: Mailbox,
    /// Who answers questions.
    pub reply_to: Option<Mailbox>,
    /// Subject line.
    pub subject: String,
    /// Plain-text twin.
    pub text: String,
    /// HTML body.
    pub html: String,
    /// Pictures and files.
    pub attachments: Vec<Attachment>,
    /// Fixed when the letter is written: a repeat carries the same date.
    pub date: DateTime<FixedOffset>,
    /// Key of the thread this letter belongs to (`References`), when it has one.
    pub thread: Option<String>,
}
