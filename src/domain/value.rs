//! A typed value of one column of one row, between normalisation and the checks.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDateTime;

use super::observation::Amount;
use super::school_year::SchoolYear;
use super::vocabulary::{Measure, Procedure};

/// A value (значение ячейки) after its type has been read. Texts are shared between the rows that repeat them.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, also the slug of a subject.
    Text(Arc<str>),
    /// A number.
    Number(Amount),
    /// A date, at midnight when the file gives no time.
    Moment(NaiveDateTime),
    /// A school year.
    Year(SchoolYear),
    /// A procedure.
    Procedure(Procedure),
    /// A measure.
    Measure(Measure),
}

impl Value {
    /// The number, when it is one or a text that reads as one.
    #[must_use]
    pub fn number(&self) -> Option<Amount> {
        match self {
            Self::Number(amount) => Some(*amount),
            Self::Text(text) => Amount::parse(text),
            _ => None,
        }
    }

    /// As files, keys and messages write it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(amount) => Cow::Owned(amount.to_string()),
            Self::Moment(moment) => Cow::Owned(moment.format("%Y-%m-%dT%H:%M:%S").to_string()),
            Self::Year(year) => Cow::Owned(year.to_string()),
            Self::Procedure(procedure) => Cow::Borrowed(procedure.as_str()),
            Self::Measure(measure) => Cow::Borrowed(measure.as_str()),
        }
    }
}
