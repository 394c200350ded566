//! Words of the concept as types (glossary: `docs/glossary.md`). No IO, no SQL, no clock, no foreign formats.

pub mod document;
pub mod fact;
pub mod letter;
pub mod number;
pub mod observation;
pub mod participant;
pub mod place;
pub mod roadmap;
pub mod scale;
pub mod school_year;
pub mod stored;
pub mod subjects;
pub mod text;
pub mod unit;
pub mod value;
pub mod vocabulary;
