//! Turns of phrase that several letters share. Numbers and their nouns come from the one formatter.

use chrono::{Datelike, NaiveDate};

use crate::domain::number::{Forms, NBSP, agree, date_long, weekday_short};

/// рабочий день.
pub(super) const WORKING_DAY: Forms<'_> = Forms::new("рабочий день", "рабочих дня", "рабочих дней", "рабочего дня");
/// срок.
pub(super) const TERM: Forms<'_> = Forms::new("срок", "срока", "сроков", "срока");

/// One line of visible text: what a cell or a title brought along (line ends, control characters, marks that turn the
/// direction of writing) goes; no-break spaces stay.
pub(super) fn line(text: &str) -> String {
    let mut clean = String::new();
    for letter in text.chars() {
        match letter {
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {}
            letter if letter.is_control() || letter.is_whitespace() && !matches!(letter, NBSP | '\u{202f}') => {
                if !clean.is_empty() && !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            letter => clean.push(letter),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// The text cut at a word to at most so many letters, with an ellipsis.
pub(super) fn cut(text: &str, letters: usize) -> String {
    let text = line(text);
    if text.chars().count() <= letters {
        return text;
    }
    let head: String = text.chars().take(letters).collect();
    let end = head
        .rfind(' ')
        .filter(|end| *end > head.len() / 2)
        .unwrap_or(head.len());
    format!(
        "{}…",
        head[..end].trim_end_matches([' ', ',', ';', ':', '.', '–', '—', '('])
    )
}

/// The text as a sentence: a capital first, a full stop last unless it ends with a mark of its own.
pub(super) fn sentence(text: &str) -> String {
    let mut sentence = capital(&line(text));
    if sentence.is_empty() {
        return sentence;
    }
    if !sentence.ends_with(['.', '!', '?', '…', ':']) {
        sentence.push('.');
    }
    sentence
}

/// The text with a capital first.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The text of a cell after a colon.
pub(super) fn after_colon(text: &str) -> String {
    crate::domain::text::after_colon(&line(text))
}

/// `1 марта`, and `1 марта 2027 г.` in another year than the letter's.
pub(super) fn day_month(date: NaiveDate, today: NaiveDate) -> String {
    let long = date_long(date);
    if date.year() != today.year() {
        return long;
    }
    // The year and «г.» are its last two words.
    long.rsplitn(3, NBSP).last().unwrap_or_default().to_owned()
}

/// `1 марта 2026 г. (вс)`.
pub(super) fn date_with_weekday(date: NaiveDate) -> String {
    format!("{}{NBSP}({})", date_long(date), weekday_short(date))
}

/// `осталось 4 рабочих дня`, `остался 21 рабочий день`.
pub(super) fn left(days: u32) -> String {
    let stays = Forms::new("остался", "осталось", "осталось", "осталось");
    format!("{} {}", stays.with(days.into()), agree(days.into(), WORKING_DAY))
}

/// `просрочено на 3 рабочих дня`; on the first days off after the term nothing can be counted yet.
pub(super) fn overdue(days: u32) -> String {
    if days == 0 {
        "срок прошёл".to_owned()
    } else {
        format!("просрочено на {}", agree(days.into(), WORKING_DAY))
    }
}

/// A length as the formatter takes it.
pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_agree_with_their_numbers() {
        for (days, stays, passed) in [
            (1, "остался 1 рабочий день", "просрочено на 1 рабочий день"),
            (2, "осталось 2 рабочих дня", "просрочено на 2 рабочих дня"),
            (5, "осталось 5 рабочих дней", "просрочено на 5 рабочих дней"),
            (11, "осталось 11 рабочих дней", "просрочено на 11 рабочих дней"),
            (21, "остался 21 рабочий день", "просрочено на 21 рабочий день"),
            (22, "осталось 22 рабочих дня", "просрочено на 22 рабочих дня"),
            (111, "осталось 111 рабочих дней", "просрочено на 111 рабочих дней"),
        ] {
            assert_eq!(left(days).replace(NBSP, " "), stays);
            assert_eq!(overdue(days).replace(NBSP, " "), passed);
        }
        assert_eq!(overdue(0), "срок прошёл");
    }

    #[test]
    fn a_phrase_is_cut_at_a_word_and_keeps_its_abbreviations() {
        assert_eq!(
            cut("Проведение анализа эффективности принятых мер", 30),
            "Проведение анализа…"
        );
        assert_eq!(cut("Коротко", 30), "Коротко");
        assert_eq!(sentence("проверьте адрес"), "Проверьте адрес.");
        assert_eq!(line("а\r\n\tб\u{202e} \u{a0}в"), "а б \u{a0}в");
    }

    #[test]
    fn a_day_of_another_year_names_it() {
        let day = |year| NaiveDate::from_ymd_opt(year, 3, 1).expect("a date");
        assert_eq!(day_month(day(2026), day(2026)), "1\u{a0}марта");
        assert_eq!(day_month(day(2027), day(2026)), "1\u{a0}марта\u{a0}2027\u{a0}г.");
    }
}
