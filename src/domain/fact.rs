//! What an official site says.

use std::sync::Arc;

use chrono::NaiveDate;

use super::observation::Amount;
use super::place::Place;
use super::unit::UnitRef;
use super::vocabulary::FactState;

/// Value of a fact (значение).
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue {
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(Amount),
    /// Text as the page has it.
    Text(String),
    /// A whole date.
    Date(NaiveDate),
    /// Several values.
    List(Vec<FactValue>),
}

/// A fact of a school site (факт сайта): value or state, with address and place. Codes: `docs/site-facts.md`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Whose site it is.
    pub unit: Arc<UnitRef>,
    /// Stable code such as `doc_charter_present`.
    pub code: &'static str,
    /// The value, when there is one.
    pub value: Option<FactValue>,
    /// Present, declared absent, missing or unknown.
    pub state: Option<FactState>,
    /// `person`, `place`, `percent`, `thousand_rub`…
    pub unit_of_measure: Option<&'static str>,
    /// The day or year the page itself names.
    pub as_of: Option<String>,
    /// Address of the page.
    pub url: Option<String>,
    /// From 0 to 100: 90 and more for marks, 50–80 for headings and labels.
    pub confidence: u8,
    /// `microdata`, `fallback` or `file`.
    pub source_kind: &'static str,
    /// Where on the page.
    pub place: Place,
}
