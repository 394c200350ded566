//! Turns of Russian text that several rooms share.

/// The text as it stands after a colon or inside a sentence: a small letter first, unless it starts with an
/// abbreviation, initials or a name in quotes.
#[must_use]
pub fn after_colon(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second.is_whitespace() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_keep_their_capitals_after_a_colon() {
        for (text, expected) in [
            ("Подготовка справки", "подготовка справки"),
            ("В школах проведены совещания", "в школах проведены совещания"),
            ("ВПР проведены", "ВПР проведены"),
            ("«Точка роста»", "«Точка роста»"),
            ("И", "И"),
            ("", ""),
        ] {
            assert_eq!(after_colon(text), expected);
        }
    }
}
