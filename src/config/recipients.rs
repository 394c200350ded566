//! `recipients.toml`: who receives which letters.

use super::mail::need_address;
use crate::domain::letter::Mailbox;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::words;
use crate::strict_toml::Section;

words! {
    /// Kinds of letters a recipient may be given (вид письма).
    LetterKind {
        /// Weekly digest of deadlines.
        Digest = "digest",
        /// Reminder about one deadline.
        Reminder = "reminder",
        /// Generated documents.
        Report = "report",
        /// Failing sources, for the administrator.
        Source = "source",
    }
}

/// A recipient (адресат).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Name and address.
    pub mailbox: Mailbox,
    /// Post, as letters print it.
    pub post: String,
    /// Numbers of roadmaps; empty means all.
    pub roadmaps: Vec<u32>,
    /// Kinds of letters.
    pub letters: Vec<LetterKind>,
    /// The organisation, when the recipient is its head: sees its own numbers only.
    pub unit: Option<UnitId>,
}

impl Recipient {
    pub(super) fn read_all(root: &Section<'_>) -> Vec<Self> {
        let mut recipients: Vec<Self> = Vec::new();
        for section in root.sections("recipient") {
            let recipient = Self::read(&section);
            if recipients.iter().any(|other| other.repeats(&recipient)) {
                section.refuse("address", "адресат уже есть выше: объедините разделы");
            }
            section.done();
            recipients.push(recipient);
        }
        recipients
    }

    /// Two letters of one day about the same deadlines would go to one address.
    fn repeats(&self, other: &Self) -> bool {
        let follows_terms = |of: &Self| of.wants(LetterKind::Digest) || of.wants(LetterKind::Reminder);
        self.mailbox.address == other.mailbox.address
            && self.unit == other.unit
            && follows_terms(self)
            && follows_terms(other)
    }

    fn read(section: &Section<'_>) -> Self {
        let roadmaps = section.strings("roadmaps").unwrap_or_default();
        let mut numbers = Vec::new();
        for roadmap in roadmaps {
            match roadmap.parse() {
                Ok(number) => numbers.push(number),
                Err(_) => section.refuse("roadmaps", "нужны номера дорожных карт, например [\"1\", \"2\"]"),
            }
        }
        let mut letters = Vec::new();
        for slug in section.strings("letters").unwrap_or_default() {
            match LetterKind::parse(&slug) {
                Some(kind) => letters.push(kind),
                None => section.refuse(
                    "letters",
                    &format!(
                        "нет вида писем «{slug}» (есть: {})",
                        LetterKind::ALL
                            .iter()
                            .map(|kind| kind.as_str())
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                ),
            }
        }
        if letters.is_empty() && !section.has("letters") {
            section.missing("letters", "список видов писем");
        }
        Self {
            mailbox: Mailbox {
                name: section.string("name").unwrap_or_default(),
                address: need_address(section, "address"),
            },
            post: section.string("post").unwrap_or_default(),
            roadmaps: numbers,
            letters,
            unit: section.string("unit").map(UnitId),
        }
    }

    /// True when the recipient wants this kind of letter.
    #[must_use]
    pub fn wants(&self, kind: LetterKind) -> bool {
        self.letters.contains(&kind)
    }

    /// True when the recipient follows this roadmap.
    #[must_use]
    pub fn follows(&self, roadmap: u32) -> bool {
        self.roadmaps.is_empty() || self.roadmaps.contains(&roadmap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict_toml::Document;

    #[test]
    fn an_address_is_named_once_for_each_unit() {
        let block = |unit: &str, letters: &str| {
            format!("[[recipient]]\naddress = \"a@uo.example\"\nletters = [\"{letters}\"]\n{unit}\n")
        };
        let refused = |blocks: &[String]| {
            let text = blocks.concat();
            let document = Document::parse("a.toml", &text).expect("valid TOML");
            let _ = Recipient::read_all(&document.root());
            document
                .problems()
                .iter()
                .filter_map(|problem| problem.place().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        assert_eq!(refused(&[block("", "digest"), block("", "reminder")]), ["a.toml:6:11"]);
        let head = block("unit = \"school-1\"", "digest");
        assert_eq!(refused(&[block("", "digest"), head, block("", "source")]), [""; 0]);
    }
}
