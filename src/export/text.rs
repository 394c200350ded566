//! What a spreadsheet must not take for a formula, a number or a date.

use std::borrow::Cow;

/// Signs that begin a formula or a command of a spreadsheet, in both widths, and the apostrophe itself, so that one
/// apostrophe taken away always gives the text back.
const DANGEROUS: [char; 12] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Months as Russian and English spreadsheets read them, whole or cut after three letters or more.
#[rustfmt::skip]
const MONTHS: [&str; 36] = [
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
    "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря",
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
];

/// Where some program may cut a cell: it guesses the delimiter, or takes a line break for the end of a row.
const SEPARATORS: [char; 5] = [';', ',', '\t', '\r', '\n'];

/// True when text begins as a formula does.
pub(super) fn is_dangerous(text: &str) -> bool {
    text.starts_with(DANGEROUS)
}

/// Text for a cell of any CSV: an apostrophe stands before a dangerous sign that begins the text or follows a
/// separator, quotation marks not counted.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    apart(text, false)
}

/// Text for a cell of a CSV that a spreadsheet opens: an apostrophe also stands before what the spreadsheet would turn
/// into a number or a date, such as `0012`, `1027700000000`, `1.1`, `5-9`.
#[must_use]
pub fn spreadsheet_safe(text: &str) -> Cow<'_, str> {
    apart(text, reads_as_a_number(text) || reads_as_a_date(text))
}

fn apart(text: &str, is_marked: bool) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut copied = 0;
    let mut begins = true;
    for (position, letter) in text.char_indices() {
        if begins && (DANGEROUS.contains(&letter) || (is_marked && position == 0)) {
            safe.push_str(&text[copied..position]);
            safe.push('\'');
            copied = position;
            begins = false;
        }
        begins = SEPARATORS.contains(&letter) || (begins && letter == '"');
    }
    if safe.is_empty() {
        return Cow::Borrowed(text);
    }
    safe.push_str(&text[copied..]);
    Cow::Owned(safe)
}

fn reads_as_a_number(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.contains(|letter: char| letter.is_ascii_digit())
        && trimmed
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter.is_whitespace() || ".,:;/-+()%eEеЕ$€₽".contains(letter))
}

fn reads_as_a_date(text: &str) -> bool {
    /// Longer texts are sentences.
    const LONGEST: usize = 24;
    let has_digit = text.contains(|letter: char| letter.is_ascii_digit());
    has_digit
        && text.chars().count() <= LONGEST
        && text
            .to_lowercase()
            .split(|letter: char| !letter.is_alphabetic())
            .any(|word| word.chars().count() >= 3 && MONTHS.iter().any(|month| month.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_and_what_looks_like_a_date_stay_text_in_a_spreadsheet() {
        for text in [
            "0012",
            "1027700000000",
            "1.1",
            "5-9",
            "81-100",
            "1/20",
            "12:30",
            "1E5",
            "7,5 %",
            "1 мая",
            "май 2025",
            "2025-03-01",
        ] {
            assert_eq!(spreadsheet_safe(text), format!("'{text}"), "{text}");
            assert_eq!(neutral(text), text);
        }
        for text in [
            "vg-01",
            "vpr/2024-25/spring",
            "СОШ № 2",
            "mark=2",
            "",
            "0-min",
            "Протокол!F2:F17",
        ] {
            assert_eq!(spreadsheet_safe(text), text);
        }
    }

    #[test]
    fn a_formula_behind_a_separator_stays_text_whatever_the_program_cuts_at() {
        for (text, safe) in [
            ("Школа;=HYPERLINK(1)", "Школа;'=HYPERLINK(1)"),
            ("Школа\n+7", "Школа\n'+7"),
            ("a,\"=1+1;", "a,\"'=1+1;"),
            ("a;\t=1", "a;'\t'=1"),
            ("a;'=1", "a;''=1"),
            ("a; b-c", "a; b-c"),
        ] {
            assert_eq!(neutral(text), safe);
        }
    }

    /// What the manual tells a reader to do.
    fn read_back(safe: &str) -> String {
        let mut begins = true;
        let mut text = String::new();
        for letter in safe.chars() {
            if begins && letter == '\'' {
                begins = false;
                continue;
            }
            text.push(letter);
            begins = SEPARATORS.contains(&letter) || (begins && letter == '"');
        }
        text
    }

    proptest! {
        #[test]
        fn no_piece_of_text_begins_as_a_formula_and_one_apostrophe_less_in_each_gives_it_back(
            text in "[-=+@\t\r\n;,\"' ＝＋－＠а-яa-z0-9]{0,8}",
        ) {
            for safe in [neutral(&text), spreadsheet_safe(&text)] {
                for piece in safe.split(SEPARATORS) {
                    let piece = piece.trim_start_matches('"');
                    prop_assert!(!piece.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{safe:?}");
                }
                prop_assert!(!safe.starts_with(['\t', '\r', '\n']), "{safe:?}");
                prop_assert_eq!(read_back(&safe), text.as_str());
            }
        }
    }
}
