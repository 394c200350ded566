//! Numbers, dates, years and contacts out of the text of a cell or a title.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};
use regex::Regex;

use super::words::fold;
use crate::domain::fact::FactValue;
use crate::domain::observation::Amount;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("patterns of this file are constants and its tests run them all")
}

/// A number of a cell: the whole text, or digits with a unit after them («4 места», «12 лет»).
#[must_use]
pub(crate) fn number(text: &str) -> Option<Amount> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(\d{1,3}(?:[ \x{a0}\x{202f}]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)\s*(?:[а-яёА-ЯЁa-zA-Z][а-яёА-ЯЁa-zA-Z .]{0,30})?$",
        )
    });
    let text = text.trim();
    if let Some(amount) = Amount::parse(text) {
        return (amount.units >= 0).then_some(amount);
    }
    Amount::parse(NUMBER.captures(text)?.get(1)?.as_str())
}

/// A date with the precision the page gives: a whole day as a date, a year or month as ISO text of that length.
#[must_use]
pub(crate) fn date(text: &str) -> Option<FactValue> {
    static NUMERIC: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b"));
    static ISO: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(\d{4})-(\d{2})-(\d{2})\b"));
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:(\d{1,2})\s+)?(январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр)[а-я]*\s+(\d{4})",
        )
    });
    static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|\D)(1[789]\d{2}|20\d{2})(?:\D|$)"));
    let text = fold(text);
    let part = |text: Option<regex::Match<'_>>| text.and_then(|found| found.as_str().parse::<u32>().ok());
    let day =
        |year: u32, month, day| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).map(FactValue::Date);
    if let Some(found) = NUMERIC.captures(&text) {
        return day(part(found.get(3))?, part(found.get(2))?, part(found.get(1))?);
    }
    if let Some(found) = ISO.captures(&text) {
        return day(part(found.get(1))?, part(found.get(2))?, part(found.get(3))?);
    }
    if let Some(found) = WORDS.captures(&text) {
        let month = month(found.get(2)?.as_str())?;
        let year = part(found.get(3))?;
        return match part(found.get(1)) {
            Some(number) => day(year, month, number),
            None => Some(FactValue::Text(format!("{year}-{month:02}"))),
        };
    }
    YEAR.captures(&text)
        .and_then(|found| found.get(1))
        .map(|year| FactValue::Text(year.as_str().to_owned()))
}

fn month(stem: &str) -> Option<u32> {
    const STEMS: [&str; 12] = [
        "январ",
        "феврал",
        "март",
        "апрел",
        "ма",
        "июн",
        "июл",
        "август",
        "сентябр",
        "октябр",
        "ноябр",
        "декабр",
    ];
    let exact = STEMS.iter().position(|known| *known == stem);
    exact
        .or_else(|| stem.starts_with("ма").then_some(4))
        .and_then(|position| u32::try_from(position + 1).ok())
}

/// The day of «по состоянию на 1 сентября 2025 года», as ISO text.
#[must_use]
pub(crate) fn as_of(text: &str) -> Option<String> {
    let text = fold(text);
    let (_, after) = text.split_once("по состоянию на")?;
    let near: String = after.chars().take(60).collect();
    match date(&near)? {
        FactValue::Date(day) => Some(day.to_string()),
        FactValue::Text(text) => Some(text),
        _ => None,
    }
}

/// The school year a text names («2025-2026», «2025/26 учебный год»), as `2025-26`.
#[must_use]
pub(crate) fn school_year(text: &str) -> Option<String> {
    static YEARS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(20\d{2})\s?[-/_]\s?((?:20)?\d{2})\b"));
    let text = fold(text);
    YEARS.captures_iter(&text).find_map(|found| {
        let first: i32 = found.get(1)?.as_str().parse().ok()?;
        let second: i32 = found.get(2)?.as_str().parse().ok()?;
        (second % 100 == (first + 1) % 100).then(|| format!("{first}-{:02}", (first + 1) % 100))
    })
}

/// The calendar year a title speaks of: «за 2025 год», «на 2016 год», else the only year that is no date and no citation.
#[must_use]
pub(crate) fn title_year(title: &str) -> Option<i32> {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:за|на)\s+(20\d{2})\b"));
    static CITED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:от|с|по|до)\s+\d{1,2}(?:[./]\d{1,2}[./]|\s+\p{L}+\s+)\d{4}|№\s?\S+|\b\d{1,2}[./]\d{1,2}[./]\d{4}",
        )
    });
    static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|[^\d])(20\d{2})(?:[^\d]|$)"));
    let title = fold(title);
    let year = |found: regex::Captures<'_>| found.get(1).and_then(|year| year.as_str().parse().ok());
    if let Some(found) = NAMED.captures(&title) {
        return year(found);
    }
    year(YEAR.captures(&CITED.replace_all(&title, " "))?)
}

/// The year in the name of a file: `Otchet_FHD_2025.pdf`, `PFHD-2016_20.01.16.rar`.
#[must_use]
pub(crate) fn file_year(name: &str) -> Option<i32> {
    static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|\D)(20[0-4]\d)(?:\D|$)"));
    YEAR.captures(name)?.get(1)?.as_str().parse().ok()
}

/// Pieces of a text that look like telephone numbers, as written; an incomplete one («3-55-37») counts.
#[must_use]
pub(crate) fn phones(text: &str) -> Vec<String> {
    static PHONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\+?\(?\d[\d\s()\x{a0}\-–‑]{3,}\d"));
    let mut found = Vec::new();
    for piece in text.split([';', ',', '\n']) {
        for phone in PHONE.find_iter(piece) {
            let phone = super::words::flat(phone.as_str());
            let digits = phone.chars().filter(char::is_ascii_digit).count();
            // Four digits in a row without separators are a year, more than eleven an account.
            if (5..=12).contains(&digits) && !found.contains(&phone) {
                found.push(phone);
            }
        }
    }
    found
}

/// Addresses of mail in a text.
#[must_use]
pub(crate) fn emails(text: &str) -> Vec<String> {
    static EMAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{L}\d._%+-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+"));
    unique(EMAIL.find_iter(text).map(|found| found.as_str().to_owned()))
}

/// Addresses of sites in a text, as written.
#[must_use]
pub(crate) fn sites(text: &str) -> Vec<String> {
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?:https?://|www\.)[^\s<>;,]+|\b[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.(?:ru|su|рф|example)\b[^\s<>;,]*")
    });
    let without_mail: String = text
        .split_whitespace()
        .filter(|word| !word.contains('@'))
        .collect::<Vec<_>>()
        .join(" ");
    unique(SITE.find_iter(&without_mail).map(|found| found.as_str().to_owned()))
}

fn unique(found: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for item in found {
        if !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

/// Requisites with right check digits: `(ИНН, КПП, ОГРН)` of the first that fit.
#[must_use]
pub(crate) fn requisites(text: &str) -> (Option<String>, Option<String>, Option<String>) {
    static INN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bинн[\s:/№]*(?:кпп[\s:/№]*)?(\d{10})\b"));
    static KPP: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bкпп[\s:/№]*(?:\d{10}\s?/\s?)?(\d{9})\b"));
    static OGRN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bогрн[\s:№]*(\d{13})\b"));
    let first = |regex: &Regex, right: fn(&str) -> bool| {
        regex
            .captures_iter(text)
            .filter_map(|found| found.get(1).map(|digits| digits.as_str().to_owned()))
            .find(|digits| right(digits))
    };
    (
        first(&INN, inn_is_right),
        first(&KPP, |_| true),
        first(&OGRN, ogrn_is_right),
    )
}

fn inn_is_right(digits: &str) -> bool {
    const WEIGHTS: [u32; 9] = [2, 4, 10, 3, 5, 9, 4, 6, 8];
    let numbers: Vec<u32> = digits.chars().filter_map(|letter| letter.to_digit(10)).collect();
    let sum: u32 = numbers.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    numbers.len() == 10 && sum % 11 % 10 == numbers[9]
}

fn ogrn_is_right(digits: &str) -> bool {
    let (Some(head), Some(last)) = (digits.get(..12), digits.get(12..13)) else {
        return false;
    };
    match (head.parse::<u64>(), last.parse::<u64>()) {
        (Ok(head), Ok(last)) => head % 11 % 10 == last,
        _ => false,
    }
}

/// The newest year in a text, for «повышение квалификации: 2021, 2024».
#[must_use]
pub(crate) fn newest_year(text: &str) -> Option<i32> {
    text.split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| digits.len() == 4)
        .filter_map(|digits| digits.parse().ok())
        .filter(|year| (1950..2100).contains(year))
        .max()
}

/// ISO text of a date value.
#[must_use]
pub(crate) fn iso(value: &FactValue) -> Option<String> {
    match value {
        FactValue::Date(day) => Some(format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())),
        FactValue::Text(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_the_precision_of_the_page() {
        for (text, iso_text) in [
            ("09.08.1959 г.", "1959-08-09"),
            ("27.04.1832", "1832-04-27"),
            ("12 июля 1930 г.", "1930-07-12"),
            ("04 Апреля 2016 года", "2016-04-04"),
            ("от «13» мая 2023 года", "2023-05-13"),
            ("май 1975 года", "1975-05"),
            ("март 1975", "1975-03"),
            ("1990 год", "1990"),
        ] {
            assert_eq!(date(text).as_ref().and_then(iso).as_deref(), Some(iso_text), "{text}");
        }
        for text in ["", "хецфы", "32.13.2020", "№ 12"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn years_of_titles_are_told_from_dates_of_acts() {
        for (title, year) in [
            (
                "План финансово-хозяйственной деятельности на 2015 год и плановый период 2016, 2017 годы",
                Some(2015),
            ),
            ("Отчёт о самообследовании за 2025 год", Some(2025)),
            ("Публичный доклад 2024", Some(2024)),
            ("Порядок, утв. приказом от 14 декабря 2017 года № 1218", None),
            ("Отчёт (приказ от 10.04.2023 № 2023-п)", None),
        ] {
            assert_eq!(title_year(title), year, "{title}");
        }
        assert_eq!(school_year("на 2025 – 2026 учебный год").as_deref(), Some("2025-26"));
        assert_eq!(school_year("2025/26"), Some("2025-26".to_owned()));
        assert_eq!(school_year("2015-2017"), None);
        assert_eq!(file_year("PFHD-2016_20.01.16.rar"), Some(2016));
        assert_eq!(newest_year("2021, 2024;2019"), Some(2024));
    }

    #[test]
    fn numbers_have_units_and_thousands_and_dashes_are_none() {
        for (text, shown) in [
            ("4 места", "4"),
            ("855 868,6 тыс.руб.", "855868.6"),
            ("0", "0"),
            ("12 лет", "12"),
        ] {
            assert_eq!(number(text).expect(text).to_string(), shown);
        }
        for text in ["—", "", "нет", "3-55-37", "-4"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn contacts_are_cut_out_of_text_and_names_stay_behind() {
        assert_eq!(phones("(812) 316-58-72; 316-49-06"), ["(812) 316-58-72", "316-49-06"]);
        assert_eq!(phones("8 (000) 123-45-67, директор"), ["8 (000) 123-45-67"]);
        assert_eq!(phones("2000"), Vec::<String>::new());
        assert_eq!(emails("почта: shkola-5@mail.example, x"), ["shkola-5@mail.example"]);
        assert_eq!(
            sites("сайт https://uo.example/ и почта a@b.ru"),
            ["https://uo.example/"]
        );
    }

    #[test]
    fn requisites_need_right_check_digits() {
        let (inn, kpp, ogrn) = requisites("ИНН/КПП 9901000010/990101001, ОГРН 1029900000019");
        assert_eq!(
            (inn.as_deref(), kpp.as_deref(), ogrn.as_deref()),
            (Some("9901000010"), Some("990101001"), Some("1029900000019"))
        );
        assert_eq!(requisites("ИНН 9901000011").0, None);
    }

    #[test]
    fn the_day_the_page_speaks_of_is_read() {
        assert_eq!(
            as_of("Вакантные места по состоянию на 1 сентября 2025 года").as_deref(),
            Some("2025-09-01")
        );
        assert_eq!(as_of("на 01.09.2025"), None);
    }
}
