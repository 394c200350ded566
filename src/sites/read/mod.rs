//! Facts of each subsection: what a page that has been confirmed says.

mod common;
mod documents;
mod education;
mod employees;
mod vacant;

use url::Url;

use super::gather::Gather;
use super::label::{Pair, pairs};
use super::link::{DocumentLink, documents as links};
use super::marks::{Marks, Record};
use super::section::Section;
use super::text::Content;
use super::tree::Page;

/// Everything that the readers of subsections look at.
pub(super) struct Sheet<'p> {
    pub(super) page: &'p Page,
    pub(super) content: &'p Content,
    pub(super) marks: Marks<'p>,
    pub(super) pairs: Vec<Pair>,
    pub(super) links: Vec<DocumentLink>,
    /// Main content as text.
    pub(super) text: String,
}

/// Longest text of a page that sentences are looked for in, characters.
const MAX_PAGE_TEXT: usize = 300_000;

impl<'p> Sheet<'p> {
    /// True for pages made after the lists of orders No. 785 and No. 831: they asked for less.
    pub(super) fn is_of_older_order(&self) -> bool {
        let marks = &self.marks;
        ["fax", "fullnameuchred", "addressplace"]
            .into_iter()
            .any(|name| marks.has(name))
            || ["№785", "№ 785"].into_iter().any(|act| self.text.contains(act))
    }

    /// Looks at a page once for all readers.
    pub(super) fn of(page: &'p Page, content: &'p Content, base: &Url) -> Self {
        let marks = Marks::of(page);
        let links = links(page, content, &marks, base);
        Self {
            page,
            content,
            pairs: pairs(page, content),
            links,
            text: content.text(MAX_PAGE_TEXT),
            marks,
        }
    }
}

/// The name of a field as the page writes it.
fn written<'m>(record: &'m Record<'_>, name: &'m str) -> &'m str {
    record
        .mark(name)
        .and_then(|mark| mark.names.first())
        .map_or(name, String::as_str)
}

/// Reads one subsection. What this version does not read there is named in a problem.
pub(super) fn section(section: Section, sheet: &Sheet<'_>, gather: &mut Gather<'_>) {
    match section {
        Section::Common => common::read(sheet, gather),
        Section::Education => education::read(sheet, gather),
        Section::Employees => employees::read(sheet, gather),
        Section::Vacant => vacant::read(sheet, gather),
        Section::Struct => common::branches(sheet, gather),
        Section::Document => {}
        Section::Standards
        | Section::Managers
        | Section::Objects
        | Section::Grants
        | Section::Paid
        | Section::Budget
        | Section::Inter
        | Section::Catering => {
            gather.problem(section.problem("MSK-SITE-12"));
        }
    }
    documents::read(section, sheet, gather);
}
