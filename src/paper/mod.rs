//! Documents → DOCX, XLSX, PNG and ICS files.
//!
//! Takes: a [`crate::domain::document::Document`], or a calendar entry. Gives: bytes, the same for the same value: the
//! only date inside is the document's own. Never: chooses a number, words a sentence, reads the clock or a system font.
//!
//! ```
//! use chrono::NaiveDate;
//! use msoko::paper::{Entry, ics};
//! let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a date");
//! let entry = Entry {
//!     uid: "P1-20/2026@district.example".to_owned(),
//!     date: date(2026, 3, 1),
//!     summary: "Анализ эффективности мер".to_owned(),
//!     description: "Приложение 1, пункт 20".to_owned(),
//!     alarms: Vec::new(),
//!     written: date(2026, 2, 20),
//!     sequence: 0,
//! };
//! assert!(ics(&[entry]).contains("DTSTART;VALUE=DATE:20260301"));
//! ```

mod chart;
mod docx;
mod ics;
mod package;
mod parts;
mod xlsx;

pub use chart::png;
pub use docx::docx;
pub use ics::{Entry, ics};
pub use xlsx::xlsx;

/// Text of a source made fit for XML: control characters go, line breaks and tabs become blanks. Escaping is the
/// writers' own.
fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '\n' | '\r' | '\t' => Some(' '),
            // Not characters for XML 1.0; a file with one of them does not open.
            '\u{fffe}' | '\u{ffff}' => None,
            letter if letter.is_control() => None,
            letter => Some(letter),
        })
        .collect()
}

/// Text for places that know no optional hyphen.
fn plain(text: &str) -> String {
    clean(text).replace('\u{ad}', "")
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_of_a_source_never_reach_a_file() {
        assert_eq!(super::clean("МКОУ\u{0}\u{b} «СОШ»\nдва\u{ffff}"), "МКОУ «СОШ» два");
        assert_eq!(super::plain("Отсутст\u{ad}вовали"), "Отсутствовали");
    }
}
