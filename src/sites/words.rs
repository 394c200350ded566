//! Small judgements about words of a page: folding, refusals, dashes, fillers.

use std::sync::LazyLock;

use regex::Regex;

/// Text for comparing: small letters, е for ё, single blanks, no quotes, no invisible signs, one kind of dash.
#[must_use]
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '«' | '»' | '"' | '„' | '“' | '”' | '\'' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => {}
            '–' | '—' | '‑' | '‐' | '−' => out.push('-'),
            'ё' | 'Ё' => out.push('е'),
            letter if letter.is_whitespace() => {
                if !out.ends_with(' ') && !out.is_empty() {
                    out.push(' ');
                }
            }
            letter => out.extend(letter.to_lowercase()),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Folded without any blank: templates glue words («Формаобучения»).
#[must_use]
pub(crate) fn tight(text: &str) -> String {
    fold(text)
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, ':' | '.' | '*'))
        .collect()
}

/// Blanks of every kind to one space, trimmed; invisible signs dropped.
#[must_use]
pub(crate) fn flat(text: &str) -> String {
    text.split(|letter: char| letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// True for words by which a site says that there is none: «нет», «отсутствует», «не предусмотрено»…
#[must_use]
pub(crate) fn is_refusal(text: &str) -> bool {
    // The text is folded, and spelt-out classes of letters keep the automaton small: the Unicode ones take megabytes.
    static REFUSAL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^(?:[а-яa-z ,()-]{0,80}[ ,()-])?(?:нет|отсутству[еюя][а-я]*|не име[ею][а-я]*|не предусмотрен[а-я]*|не заключ[а-я]*|не реализу[а-я]*|не осуществля[а-я]*|не выдавал[а-я]*)(?: в наличии)?(?:[ ,()-][а-яa-z ,()-]{0,60})?[.;!]*$",
        )
        .expect("the pattern is a constant and a test runs it")
    });
    let text = fold(text);
    !text.is_empty() && text.chars().count() <= 160 && REFUSAL.is_match(&text)
}

/// True for a dash, «н/д», «х»: not applicable, never zero.
#[must_use]
pub(crate) fn is_dash(text: &str) -> bool {
    let text = fold(text);
    !text.is_empty()
        && (text.chars().all(|letter| matches!(letter, '-' | '_' | '.'))
            || matches!(text.as_str(), "н/д" | "x" | "х" | "н/п"))
}

/// True for what builders of sites leave in hidden cells: «non», «X», «???».
#[must_use]
pub(crate) fn is_filler(text: &str) -> bool {
    let text = fold(text);
    matches!(text.as_str(), "non" | "x" | "х") || text.len() >= 2 && text.chars().all(|letter| letter == '?')
}

/// True when the page repeats what the law asks for instead of answering.
#[must_use]
pub(crate) fn is_requirement(text: &str) -> bool {
    const SIGNS: &[&str] = &[
        "данный подраздел должен содержать",
        "подраздел должен содержать информацию",
        "страница подраздела должна содержать",
        "главная страница подраздела должна содержать",
        "на основании п. 3.4 требований",
        "должен содержать следующую информацию",
        "в данном подразделе размещается информация",
    ];
    let text = fold(text);
    SIGNS.iter().any(|sign| text.contains(sign))
}

/// True when the text names a person by patronymic or by initials.
#[must_use]
pub(crate) fn names_a_person(text: &str) -> bool {
    static PERSON: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"\b[А-ЯЁ][а-яё]+\s+[А-ЯЁ][а-яё-]*(?:ович|евич|ьич|мич|овн|евн|ичн|инишн)[а-яё]{0,3}\b|\b[А-ЯЁ][а-яё]+\s+[А-ЯЁ]\.\s?[А-ЯЁ]\.|\b[А-ЯЁ]\.\s?[А-ЯЁ]\.\s?[А-ЯЁ][а-яё]+",
        )
        .expect("the pattern is a constant and a test runs it")
    });
    PERSON.is_match(text)
}

/// An address up to the person named after it. Streets bear names too: after «улица», «имени» no person stands.
#[must_use]
pub(crate) fn before_a_person(text: &str) -> &str {
    const STREETS: &[&str] = &[
        "ул",
        "улица",
        "улице",
        "им",
        "имени",
        "пер",
        "переулок",
        "пр",
        "пр-т",
        "проспект",
        "пл",
        "площадь",
        "наб",
        "набережная",
        "бульвар",
        "б-р",
        "проезд",
        "шоссе",
    ];
    const POSTS: &[&str] = &["директор", "заведующ", "руководител", "начальник", "и.о", "врио"];
    static PERSON: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:[А-ЯЁ][а-яё-]+\s+){1,2}[А-ЯЁ][а-яё-]*(?:ович|евич|ьич|мич|овн|евн|ичн|инишн)[а-яё]{0,3}(?:[^а-яё]|$)",
        )
        .expect("the pattern is a constant and a test runs it")
    });
    fn last_word(text: &str) -> (&str, String) {
        let text = text.trim_end_matches(|letter: char| !letter.is_alphanumeric());
        let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        (text, fold(text.get(start..).unwrap_or_default()))
    }
    let is_street = |before: &str| STREETS.contains(&last_word(before).1.as_str());
    let Some(person) = PERSON
        .find_iter(text)
        .find(|person| !is_street(&text[..person.start()]))
    else {
        return text;
    };
    let (mut kept, mut word) = last_word(&text[..person.start()]);
    while POSTS.iter().any(|post| word.starts_with(post)) {
        let start = kept.rfind(char::is_whitespace).unwrap_or(0);
        (kept, word) = last_word(&kept[..start]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_information() {
        for text in [
            "нет",
            "Отсутствует",
            "Филиалы отсутствуют",
            "не предусмотрено",
            "Предписаний нет.",
            "Коллективный договор не заключен",
            "Не имеется",
            "Места проведения практики отсутствуют",
            "Филиалов (представительств) не имеют",
            "Ещё нет, готовится",
        ] {
            assert!(is_refusal(text), "{text}");
        }
        for text in [
            "",
            "0",
            "Нетипичная школа № 5",
            "https://net.example/",
            "Интернет-приёмная: 8 (000) 000-00-00",
            "Школьный интернет",
            "Нет 5 мест",
        ] {
            assert!(!is_refusal(text), "{text}");
        }
    }

    #[test]
    fn a_dash_is_no_zero_and_a_filler_is_no_value() {
        for text in ["-", "—", "–––", "н/д", "Х", "x"] {
            assert!(is_dash(text), "{text}");
        }
        assert!(!is_dash("0") && !is_dash(""));
        assert!(is_filler("non") && is_filler("???") && !is_filler("?") && !is_filler("0"));
    }

    #[test]
    fn persons_are_seen_by_patronymic_and_by_initials() {
        for text in [
            "Директор Образцова Анна Примеровна",
            "глава Образцов П. И.",
            "П.И. Образцов",
        ] {
            assert!(names_a_person(text), "{text}");
        }
        for text in [
            "Администрация района Примерного",
            "МБОУ СОШ № 5 г. Образцов",
            "Пн.–Пт. 8.00–17.00",
        ] {
            assert!(!names_a_person(text), "{text}");
        }
    }

    #[test]
    fn an_address_ends_before_a_person_but_not_inside_a_street() {
        for (text, expected) in [
            ("ул. Школьная, 1. Директор Образцова Анна Примеровна", "ул. Школьная, 1"),
            ("ул. Школьная, 1; Анна Примеровна Образцова, тел. 1", "ул. Школьная, 1"),
            ("Директор Образцова Анна Примеровна", ""),
            ("ул. Анны Примеровны Образцовой, 5", "ул. Анны Примеровны Образцовой, 5"),
            (
                "ул. Образцова Петра Примеровича, 5, директор Образцова Анна Примеровна",
                "ул. Образцова Петра Примеровича, 5",
            ),
            ("ул. П.И. Образцова, д. 3", "ул. П.И. Образцова, д. 3"),
        ] {
            assert_eq!(before_a_person(text), expected, "{text}");
        }
    }

    #[test]
    fn requirement_text_is_seen() {
        assert!(is_requirement(
            "Данный подраздел должен содержать информацию о количестве мест"
        ));
        assert!(!is_requirement("Количество вакантных мест по классам"));
    }
}
