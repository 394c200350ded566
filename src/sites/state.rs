//! What state a readable page is in: filled, empty, template, requirement text, garbage.

use super::gather::Gather;
use super::marks::{Marks, Said};
use super::names::{Holds, holds};
use super::read::Sheet;
use super::section::Section;
use super::tree::Page;
use super::values::{date, emails, number, phones, sites};
use super::words::{fold, is_requirement, tight};

/// Content state of a subsection (состояние подраздела).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentState {
    /// Information is there.
    Filled,
    /// Nothing but the heading.
    Empty,
    /// A table without values.
    EmptyTable,
    /// The words of the law instead of information.
    RequirementText,
    /// A template nobody filled.
    Template,
    /// Marks whose value is the title of the page.
    MarkupStub,
    /// Most values are not of their kind.
    Garbage,
}

impl ContentState {
    /// The word of the fact `subsection_content_state`.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Empty => "empty",
            Self::EmptyTable => "empty_table",
            Self::RequirementText => "requirement_text_only",
            Self::Template => "template_placeholder",
            Self::MarkupStub => "markup_stub",
            Self::Garbage => "garbage",
        }
    }

    /// What stands on the page, for people.
    pub(crate) const fn ru(self) -> &'static str {
        match self {
            Self::Filled => "сведения",
            Self::Empty => "только заголовок",
            Self::EmptyTable => "таблица без значений",
            Self::RequirementText => "текст требований вместо сведений",
            Self::Template => "пустой шаблон",
            Self::MarkupStub => "вместо значений повторено название",
            Self::Garbage => "значения не на своих местах",
        }
    }
}

/// Judges a page before its facts are read.
pub(super) fn of(section: Section, sheet: &Sheet<'_>, page: &Page) -> ContentState {
    let marks = Counted::of(&sheet.marks, sheet, page);
    if marks.values > 0 && marks.titles * 2 > marks.values {
        return ContentState::MarkupStub;
    }
    if marks.typed >= 2 && marks.spoilt * 2 > marks.typed {
        return ContentState::Garbage;
    }
    if placeholders(&sheet.marks, section) {
        return ContentState::Template;
    }
    if marks.values + marks.refusals > 0 || !sheet.pairs.is_empty() || !sheet.links.is_empty() {
        let only_requirement = marks.values == 0 && sheet.links.is_empty() && is_requirement(&sheet.text);
        return if only_requirement {
            ContentState::RequirementText
        } else {
            ContentState::Filled
        };
    }
    if is_requirement(&sheet.text) {
        return ContentState::RequirementText;
    }
    let beyond_title: usize = sheet
        .content
        .lines
        .iter()
        .filter(|line| !line.heading && !line.linked && !section.is_named_by(&line.text))
        .filter(|line| !page.is(line.block, &["th"]))
        .map(|line| line.text.chars().filter(|letter| letter.is_alphanumeric()).count())
        .sum();
    let has_table = page.all(Page::ROOT, &["table"]).next().is_some();
    match (beyond_title, has_table) {
        (0..20, true) if marks.all > 0 || beyond_title == 0 => ContentState::EmptyTable,
        (0..12, _) => ContentState::Empty,
        _ => ContentState::Filled,
    }
}

/// True when records of the page's main marks only repeat headings and nothing else is said by marks.
fn placeholders(marks: &Marks<'_>, section: Section) -> bool {
    let mains: &[&str] = match section {
        Section::Vacant => &["vacant"],
        Section::Employees => &["teachingstaff"],
        Section::Education => &["eduaccred", "eduop", "educhislen"],
        Section::Common => &["uchredlaw"],
        _ => &[],
    };
    let mut dropped = 0;
    for main in mains {
        let (records, headings) = marks.records(main, &[]);
        if records.iter().any(|record| !record.is_empty()) {
            return false;
        }
        dropped += headings;
    }
    let outside = marks.list.iter().any(|mark| {
        let alone = mark.parent.is_none_or(|parent| !marks.list[parent].record);
        alone && !mark.is("copy") && mark.value().is_some()
    });
    dropped > 0 && !outside
}

#[derive(Default)]
struct Counted {
    all: usize,
    values: usize,
    refusals: usize,
    titles: usize,
    typed: usize,
    spoilt: usize,
}

impl Counted {
    fn of(marks: &Marks<'_>, sheet: &Sheet<'_>, _: &Page) -> Self {
        let titles: Vec<String> = sheet.content.titles.iter().map(|title| tight(title)).collect();
        let mut counted = Self::default();
        for mark in &marks.list {
            let kind = mark
                .names
                .first()
                .map_or(Holds::Text, |name| holds(&name.to_lowercase()));
            if kind == Holds::Nothing {
                continue;
            }
            counted.all += 1;
            match mark.said() {
                Said::Value(text) => {
                    counted.values += 1;
                    counted.titles += usize::from(titles.contains(&tight(&text)) && kind != Holds::Document);
                    if let Some(right) = is_of_kind(kind, &text) {
                        counted.typed += 1;
                        counted.spoilt += usize::from(!right);
                    }
                }
                Said::Refused | Said::Dash => counted.refusals += 1,
                Said::Empty => {}
            }
        }
        counted
    }
}

/// Whether a typed value is of its kind; nothing for kinds that take any text.
fn is_of_kind(kind: Holds, text: &str) -> Option<bool> {
    match kind {
        Holds::Date => Some(date(text).is_some()),
        Holds::Phone => Some(!phones(text).is_empty()),
        Holds::Email => Some(!emails(text).is_empty()),
        Holds::Url => Some(!sites(text).is_empty() || fold(text).contains("http")),
        Holds::Count => Some(number(text).is_some()),
        _ => None,
    }
}

/// Tells the state as a fact.
pub(super) fn tell(state: ContentState, gather: &mut Gather<'_>) {
    use super::gather::{Found, line_place};
    gather.word(
        "subsection_content_state",
        state.as_str(),
        Found::Title,
        line_place(1, "страница"),
    );
}
