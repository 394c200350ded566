//! Which encoding a text is in.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// By byte-order mark, then by validity as UTF-8, then the likeliest of the candidates.
pub(super) fn detect(head: &[u8], candidates: &[String]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return encoding;
    }
    if is_utf8(head) {
        return UTF_8;
    }
    // The first of equals wins: a sample of capitals alone reads in two tables.
    let mut best: Option<(i64, &'static Encoding)> = None;
    for encoding in candidates
        .iter()
        .filter_map(|label| Encoding::for_label(label.as_bytes()))
    {
        let score = plausibility(&encoding.decode_without_bom_handling(head).0);
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, encoding));
        }
    }
    best.map_or(UTF_8, |(_, encoding)| encoding)
}

/// A sample may end inside a letter.
fn is_utf8(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

pub(super) fn is_wide(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// How Russian a text looks: a wrong single-byte table turns letters into frames or swaps their case.
fn plausibility(text: &str) -> i64 {
    let mut score = 0;
    let mut previous = ' ';
    for letter in text.chars() {
        score += match letter {
            'А'..='Я' | 'Ё' if previous.is_lowercase() => -4,
            'а'..='я' | 'ё' | 'А'..='Я' | 'Ё' => 2,
            '\0'..='\u{7f}' | '«' | '»' | '№' | '—' | '–' | '…' | '“' | '”' | '„' | '\u{a0}' => 0,
            _ => -6,
        };
        previous = letter;
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_tables_are_told_apart_even_when_little_is_said() {
        let candidates = ["windows-1251", "koi8-r", "ibm866"].map(str::to_owned);
        for text in ["Код ОО;Предмет\n99001;Русский язык\n", "Школа № 2;5\n", "Отметка;2;3\n"]
        {
            for label in &candidates {
                let encoding = Encoding::for_label(label.as_bytes()).expect("known label");
                let (bytes, _, has_foreign_letters) = encoding.encode(text);
                if !has_foreign_letters {
                    assert_eq!(detect(&bytes, &candidates).name(), encoding.name(), "{text}");
                }
            }
            assert_eq!(detect(text.as_bytes(), &candidates), UTF_8);
        }
        let (capitals, ..) = encoding_rs::WINDOWS_1251.encode("ОО;2;3\n");
        assert_eq!(detect(&capitals, &candidates).name(), "windows-1251");
    }
}
