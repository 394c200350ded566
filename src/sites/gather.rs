//! Facts of one page as they are found: one door through which every fact goes.

use std::sync::Arc;

use super::codes;
use super::words::names_a_person;
use crate::domain::fact::{Fact, FactValue};
use crate::domain::observation::Amount;
use crate::domain::place::Place;
use crate::domain::unit::UnitRef;
use crate::domain::vocabulary::FactState;
use crate::message::{Problem, Problems};

/// Longest text of a fact, in characters.
const MAX_VALUE: usize = 1_000;

/// How a fact was found; the confidence follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// By a mark.
    Mark,
    /// By a mark, but part of the rows says nothing.
    PartOfMarks,
    /// By the title of a link or a heading.
    Title,
    /// By a label or a column heading.
    Label,
    /// In running text.
    Text,
    /// By the answer of the server.
    Answer,
}

impl Found {
    fn confidence(self) -> u8 {
        match self {
            Self::Answer => 99,
            Self::Mark => 95,
            Self::PartOfMarks => 70,
            Self::Title => 75,
            Self::Label => 70,
            Self::Text => 55,
        }
    }

    fn source_kind(self) -> &'static str {
        match self {
            Self::Mark | Self::PartOfMarks => "microdata",
            Self::Answer => "answer",
            Self::Title | Self::Label | Self::Text => "fallback",
        }
    }
}

/// Gathers facts and problems of one page.
#[derive(Debug)]
pub(crate) struct Gather<'a> {
    unit: &'a Arc<UnitRef>,
    pub(crate) url: &'a str,
    /// The day the page itself names; every fact of the page carries it.
    pub(crate) as_of: Option<String>,
    /// Found so far.
    pub(crate) facts: Vec<Fact>,
    /// What could not be read.
    pub(crate) problems: Problems,
}

impl<'a> Gather<'a> {
    /// Nothing found yet.
    pub(crate) fn new(unit: &'a Arc<UnitRef>, url: &'a str) -> Self {
        Self {
            unit,
            url,
            as_of: None,
            facts: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// True when the page has already given this fact a value.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.facts.iter().any(|fact| fact.code == code)
    }

    /// A value; the first one of a code stays.
    pub(crate) fn value(&mut self, code: &'static str, value: FactValue, found: Found, place: Place) {
        self.add(code, Some(value), Some(FactState::Present), found, place);
    }

    /// A number that is whole.
    pub(crate) fn count(&mut self, code: &'static str, number: usize, found: Found, place: Place) {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.value(code, FactValue::Number(Amount::whole(number)), found, place);
    }

    /// Text; a list when there are several. Nothing when there is none.
    pub(crate) fn texts(&mut self, code: &'static str, texts: Vec<String>, found: Found, place: Place) {
        let mut values: Vec<FactValue> = texts
            .into_iter()
            .map(|text| FactValue::Text(text.chars().take(MAX_VALUE).collect()))
            .collect();
        match values.len() {
            0 => {}
            1 => self.value(code, values.remove(0), found, place),
            _ => self.value(code, FactValue::List(values), found, place),
        }
    }

    /// Text that may name a person (a head of the founder, a secretary): then it stays on the page.
    pub(crate) fn impersonal(&mut self, code: &'static str, text: String, found: Found, place: Place) {
        if !names_a_person(&text) {
            self.texts(code, vec![text], found, place);
        }
    }

    /// Presence of a document.
    pub(crate) fn present(&mut self, code: &'static str, found: Found, place: Place) {
        self.value(code, FactValue::Bool(true), found, place);
    }

    /// A state without a value.
    pub(crate) fn state(&mut self, code: &'static str, state: FactState, found: Found, place: Place) {
        self.add(code, None, Some(state), found, place);
    }

    /// The item is not on the readable page.
    pub(crate) fn missing(&mut self, code: &'static str) {
        self.state(code, FactState::Missing, Found::Label, Place::path("страница"));
    }

    /// A word about the page itself (an enumeration), without a state of its own.
    pub(crate) fn word(&mut self, code: &'static str, word: &str, found: Found, place: Place) {
        self.add(code, Some(FactValue::Text(word.to_owned())), None, found, place);
    }

    /// A cell that should hold a number. Words are not repeated: a shifted row may hold a name there.
    pub(crate) fn no_number(&mut self, code: &'static str, text: &str, place: Place) {
        let found: String = if text.chars().any(char::is_alphabetic) {
            "слова".to_owned()
        } else {
            text.chars().take(20).collect()
        };
        self.problem(codes::problem("MSK-SITE-14", code).arg("found", found).at(place));
    }

    /// Something that could not be read.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn add(
        &mut self,
        code: &'static str,
        value: Option<FactValue>,
        state: Option<FactState>,
        found: Found,
        place: Place,
    ) {
        if self.has(code) {
            return;
        }
        self.facts.push(Fact {
            unit: Arc::clone(self.unit),
            code,
            value,
            state,
            unit_of_measure: codes::unit_of(code),
            as_of: self.as_of.clone(),
            url: Some(self.url.to_owned()),
            confidence: found.confidence(),
            source_kind: found.source_kind(),
            place,
        });
    }
}

/// A mark on a line of the source.
pub(crate) fn mark_place(line: u32, name: &str) -> Place {
    Place::path(format!("строка {line}, itemprop={name}"))
}

/// A label, link or heading on a line of the source.
pub(crate) fn line_place(line: u32, what: &str) -> Place {
    Place::path(format!("строка {line}, {what}"))
}
