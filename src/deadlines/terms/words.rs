//! The words of terms in all their cases.

/// The month a word names, from one. A bare stem is enough: months are not confused with anything in a term.
pub(super) fn month(word: &str) -> Option<u32> {
    const STEMS: [(&str, u32); 12] = [
        ("январ", 1),
        ("феврал", 2),
        ("март", 3),
        ("апрел", 4),
        ("ма", 5),
        ("июн", 6),
        ("июл", 7),
        ("август", 8),
        ("сентябр", 9),
        ("октябр", 10),
        ("ноябр", 11),
        ("декабр", 12),
    ];
    const SHORT: [(&str, u32); 10] = [
        ("янв", 1),
        ("фев", 2),
        ("мар", 3),
        ("апр", 4),
        ("авг", 8),
        ("сент", 9),
        ("сен", 9),
        ("окт", 10),
        ("нояб", 11),
        ("дек", 12),
    ];
    if let Some((_, month)) = SHORT.iter().find(|(short, _)| *short == word) {
        return Some(*month);
    }
    STEMS.iter().find_map(|(stem, month)| {
        let ending = word.strip_prefix(stem)?;
        let fits = match *month {
            5 => matches!(ending, "й" | "я" | "е" | "ю" | "ем"),
            3 | 8 => matches!(ending, "" | "а" | "е" | "у" | "ом"),
            _ => matches!(ending, "ь" | "я" | "е" | "ю" | "ем"),
        };
        fits.then_some(*month)
    })
}

/// `первый`, `II`, `четвёртого`: an ordinal or a Roman number up to four.
pub(super) fn ordinal(word: &str) -> Option<u32> {
    let roman = word.replace('і', "i");
    match roman.as_str() {
        "i" => return Some(1),
        "ii" => return Some(2),
        "iii" => return Some(3),
        "iv" => return Some(4),
        _ => {}
    }
    const STEMS: [(&str, u32); 4] = [("перв", 1), ("втор", 2), ("трет", 3), ("четверт", 4)];
    STEMS.iter().find_map(|(stem, number)| {
        let ending = word.strip_prefix(stem)?;
        let fits = ending.chars().count() <= 4 && !(*number == 4 && matches!(ending, "ь" | "и" | "ей" | "ям"));
        fits.then_some(*number)
    })
}

/// A count written as a word, in the cases terms use.
pub(super) fn count(word: &str) -> Option<u32> {
    let number = match word {
        "один" | "одного" | "одной" | "одну" | "одна" => 1,
        "два" | "две" | "двух" | "дважды" => 2,
        "три" | "трех" | "трижды" => 3,
        "четыре" | "четырех" => 4,
        "пять" | "пяти" => 5,
        "шесть" | "шести" => 6,
        "семь" | "семи" => 7,
        "восемь" | "восьми" => 8,
        "девять" | "девяти" => 9,
        "десять" | "десяти" => 10,
        "пятнадцать" | "пятнадцати" => 15,
        "двадцать" | "двадцати" => 20,
        "тридцать" | "тридцати" => 30,
        _ => return None,
    };
    Some(number)
}

/// Words that change nothing in a term.
pub(super) fn is_noise(word: &str) -> bool {
    const NOISE: [&str; 39] = [
        "г",
        "начиная",
        "гг",
        "год",
        "года",
        "году",
        "годы",
        "годов",
        "годах",
        "и",
        "в",
        "во",
        "на",
        "далее",
        "затем",
        "также",
        "включительно",
        "обновление",
        "обновлением",
        "пополнение",
        "пополнением",
        "актуализация",
        "корректировка",
        "срок",
        "сроки",
        "течение",
        "течении",
        "период",
        "месяц",
        "месяца",
        "месяце",
        "числа",
        "число",
        "не",
        "реже",
        "квартала",
        "календарного",
        "всего",
        "текущего",
    ];
    NOISE.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_in_all_cases_and_nothing_else_is_a_month() {
        for (word, expected) in [
            ("январь", Some(1)),
            ("марта", Some(3)),
            ("мая", Some(5)),
            ("маем", Some(5)),
            ("июнем", Some(6)),
            ("августе", Some(8)),
            ("октябрю", Some(10)),
            ("дек", Some(12)),
            ("мастер", None),
            ("мартовский", None),
            ("май", Some(5)),
            ("маю", Some(5)),
            ("майский", None),
        ] {
            assert_eq!(month(word), expected, "{word}");
        }
    }

    #[test]
    fn ordinals_are_not_confused_with_school_quarters() {
        assert_eq!(ordinal("четвертый"), Some(4));
        assert_eq!(ordinal("четверть"), None);
        assert_eq!(ordinal("iii"), Some(3));
        assert_eq!(ordinal("второго"), Some(2));
    }
}
