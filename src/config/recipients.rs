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
        root.sections("recipient")
            .into_iter()
            .map(|section| Self::read(section))
            .collect()
    }

    fn read(section: Section<'_>) -> Self {
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
        let recipient = Self {
            mailbox: Mailbox {
                name: section.string("name").unwrap_or_default(),
                address: need_address(&section, "address"),
            },
            post: section.string("post").unwrap_or_default(),
            roadmaps: numbers,
            letters,
            unit: section.string("unit").map(UnitId),
        };
        section.done();
        recipient
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
