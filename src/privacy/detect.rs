//! Detectors of personal data in text.
//!
//! Takes: one text (a cell, a header, the name of a sheet or file) and what is exempt. Gives: the kind of the first
//! hit, the worst kind first. Never: returns, logs or keeps the text itself.
//!
//! One school in nine is named after a person, so a name is no hit when it follows «им.» or «имени», when it belongs
//! to a registered title, or when the column is declared to hold authors of textbooks.
//!
//! ```
//! use msoko::privacy::detect::{Exempt, Kind, scan};
//! let exempt = Exempt::default();
//! assert_eq!(scan("СОШ № 3 им. Героя России Петра Петровича Громова", &exempt), None);
//! assert_eq!(scan("Громов Пётр Петрович", &exempt), Some(Kind::Name));
//! assert_eq!(scan("112-233-445 95", &exempt), Some(Kind::Snils));
//! ```

mod exempt;
mod names;
mod numbers;

use std::borrow::Cow;

pub use exempt::Exempt;

/// What a detector found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// СНИЛС with the right check digits.
    Snils,
    /// Series and number of a passport or of a birth certificate.
    Document,
    /// Name of a person.
    Name,
    /// Date of birth.
    BirthDate,
    /// Telephone number.
    Phone,
    /// Mail address that is not an office's.
    Mail,
}

impl Kind {
    /// A hit of this kind refuses the file at once (data protection, rule 3).
    #[must_use]
    pub const fn refuses_file(self) -> bool {
        matches!(self, Self::Snils | Self::Document)
    }
}

/// What a column is known to hold, and which detectors that softens. Formatted numbers, phones and mail addresses
/// are looked for everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Nothing is known: every detector.
    #[default]
    None,
    /// Amounts: ten digits in a row are money, not a passport.
    Amounts,
    /// Titles of organisations: a name in the genitive beside «школа», «лицей»… belongs to the title.
    Organisations,
    /// ИНН, ОГРН, ОКТМО, logins: digits in a row are the code itself.
    Codes,
    /// Authors and titles of textbooks: names are public.
    Authors,
}

/// Bytes below which no detector can hit; marks, grades and scores are shorter.
pub(super) const SHORTEST: usize = 8;

/// Looks at a text of which nothing is known.
#[must_use]
pub fn scan(text: &str, exempt: &Exempt) -> Option<Kind> {
    scan_trusting(text, exempt, Trust::None)
}

/// Looks at a text of a column of which something is known.
#[must_use]
pub fn scan_trusting(text: &str, exempt: &Exempt, trust: Trust) -> Option<Kind> {
    if text.len() < SHORTEST {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == text.len() && digits < 10 {
        return None;
    }
    let text = unmasked(text);
    if digits >= 6
        && let Some(kind) = numbers::refusing(&text, trust)
    {
        return Some(kind);
    }
    if trust != Trust::Authors && names::found(&text, exempt, trust) {
        return Some(Kind::Name);
    }
    if digits >= 6 && numbers::birth_date(&text) {
        return Some(Kind::BirthDate);
    }
    if digits >= 10 && numbers::phone(&text, trust) {
        return Some(Kind::Phone);
    }
    (text.contains('@') && exempt.private_mail(&text)).then_some(Kind::Mail)
}

/// Takes away what hides a name from a reader that compares letters: invisible characters, and Latin letters inside
/// Cyrillic words.
fn unmasked(text: &str) -> Cow<'_, str> {
    let invisible = |letter: char| matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let latin = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if (!latin || text.is_ascii()) && !text.contains(invisible) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut word = String::new();
    for letter in text.chars().filter(|letter| !invisible(*letter)) {
        if letter.is_alphabetic() {
            word.push(letter);
            continue;
        }
        flush(&mut word, &mut clean);
        clean.push(letter);
    }
    flush(&mut word, &mut clean);
    Cow::Owned(clean)
}

fn flush(word: &mut String, clean: &mut String) {
    if word.is_ascii() {
        clean.push_str(word);
    } else {
        clean.extend(word.chars().map(to_cyrillic));
    }
    word.clear();
}

fn to_cyrillic(letter: char) -> char {
    const PAIRS: &str = "AАBВCСEЕHНKКMМOОPРTТXХYУaаcсeеoоpрxхyу";
    let mut letters = PAIRS.chars();
    while let (Some(latin), Some(cyrillic)) = (letters.next(), letters.next()) {
        if latin == letter {
            return cyrillic;
        }
    }
    letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::unit::{Register, Unit, UnitId};
    use crate::domain::vocabulary::UnitKind;

    fn exempt() -> Exempt {
        let unit = |id: &str, title: &str| Unit {
            id: UnitId(id.to_owned()),
            kind: UnitKind::General,
            title: title.to_owned(),
            short_title: title.to_owned(),
            parent: None,
            branch: false,
            email: Some(format!("{id}-post@mail.example")),
            aliases: Vec::new(),
        };
        Exempt::new(&Register::new(vec![
            unit("a", "МКОУ «Гимназия Аркадия Львовича Лучкина»"),
            unit("b", "МБОУ \"Дальнинская СОШ Лучкиной М. П.\""),
        ]))
    }

    #[test]
    fn names_are_found_in_every_order_case_and_form() {
        for text in [
            "Лучкин Аркадий Львович",
            "аркадий львович лучкин",
            "Лучкин аркадий львович",
            "ЛУЧКИНА МАРИЯ ПЕТРОВНА",
            "Мария Петровна",
            "Приказ о зачислении Лучкина Аркадия Львовича в 1 класс",
            "выдать Лучкиной Марии Петровне",
            "Лучкин-Дальний Аркадий Ильич",
            "Мамедли Али Гасан оглы",
            "Лучкин А. Л.",
            "Лучкин А.Л.",
            "А.Л. Лучкин",
            "ЛУЧКИН А. Л., 9 класс",
            "Лучкин А.",
            "Львович",
            "Лучкин_Аркадий_Львович.xlsx",
            "Лучкин; Аркадий; Львович",
            "{\"фамилия\":\"Лучкин\",\"отчество\":\"Львович\"}",
            "Luchkin Arkady Lvovich",
            "Лучкин Аркaдий Львoвич",
            "Луч\u{ad}кин Аркадий Льво\u{200b}вич",
            "Школа им. Гагарина, директор Лучкин Аркадий Львович",
            "СОШ имени Юрия Алексеевича Гагарина Лучкин Аркадий Львович",
            "СОШ имени Гагарина, учителя Лучкина А. Л.",
            "Лучкин А. Л. и Громов П. П.",
        ] {
            assert_eq!(scan(text, &exempt()), Some(Kind::Name), "{text}");
        }
    }

    #[test]
    fn titles_and_ordinary_words_are_no_names() {
        for text in [
            "МКОУ «СОШ № 3 им. Героя Советского Союза Магомеда Гаджиевича Громова» с. Верхнее",
            "Лицей имени А. С. Пушкина",
            "СОШ имени Героев Советского Союза А. С. Громова и Л.А. Дальнего",
            "«Школа № 5 имени Героя Советского Союза, генерал-майора И.В. Громова»",
            "Гимназия им.А.С.Пушкина",
            "ул. Юрия Алексеевича Гагарина, д. 5",
            "МКОУ «Гимназия Аркадия Львовича Лучкина»",
            "edu993379 | МКОУ \"Гимназия Аркадия Львовича Лучкина\"",
            "Лучкиной М. П.",
            "Основной Период Государственной Итоговой Аттестации",
            "ОСНОВНОЙ ПЕРИОД",
            "Школа в Деревне Верхняя",
            "Русский Язык",
            "Всероссийские Проверочные Работы",
            "Красногорский муниципальный район",
            "Вариант А. Б.",
            "Часть А. Задание 5",
            "Барановичский Район Область",
            "не пройд.",
            "отсутствовал",
            "Царевна Лебедь",
            "Класс № (список формируется из листа \"Классы\")",
        ] {
            assert_eq!(scan(text, &exempt()), None, "{text}");
        }
    }

    #[test]
    fn a_column_of_titles_lets_a_namesake_pass_and_a_head_not() {
        let check = |text| scan_trusting(text, &exempt(), Trust::Organisations);
        assert_eq!(check("Школа Магомеда Гаджиевича Громова"), None);
        assert_eq!(check("СОШ А.С. Пушкина"), None);
        assert_eq!(check("Школа Громов Магомед Гаджиевич"), Some(Kind::Name));
        assert_eq!(check("Громова Магомеда Гаджиевича"), Some(Kind::Name));
        assert_eq!(
            scan_trusting("Громов М. Г., Лучкина М. П.", &exempt(), Trust::Authors),
            None
        );
    }

    #[test]
    fn numbers_are_told_apart_by_shape_and_check_digits() {
        for (text, kind) in [
            ("112-233-445 95", Some(Kind::Snils)),
            ("11223344595", Some(Kind::Snils)),
            ("снилс 112 233 445 95 есть", Some(Kind::Snils)),
            ("112-233-445 96", None),
            ("паспорт 8205123456", Some(Kind::Document)),
            ("82 05 123456", Some(Kind::Document)),
            ("8205 № 123456", Some(Kind::Document)),
            ("серия 8205 номер 123456", Some(Kind::Document)),
            ("II-БД № 123456", Some(Kind::Document)),
            ("7707083893", None),
            ("1020500000001", None),
            ("2022 123456", None),
            ("vpr_2022_123456.xlsx", None),
            ("17.03.2022 05:33:20", None),
            ("2022-03-17 05:33:20", None),
            ("0.11223344595", None),
            ("+7 928 123-45-67", Some(Kind::Phone)),
            ("8 (8722) 12-34-56", Some(Kind::Phone)),
            ("89281234567", Some(Kind::Phone)),
            ("тел.: (928) 123-45-67", Some(Kind::Phone)),
            ("1 234 567 890,50", None),
            ("12 345 678 901", None),
            ("родился 12.05.2010", Some(Kind::BirthDate)),
            ("Лучкин Аркадий 12.05.2010", Some(Kind::BirthDate)),
            ("Верхнегорский Район 12.05.2022", None),
            ("Русский Язык 12.05.2022", None),
            ("ivanov@mail.example", Some(Kind::Mail)),
            ("a-post@mail.example", None),
            ("school3@mail.example", None),
        ] {
            assert_eq!(scan(text, &exempt()), kind, "{text}");
        }
        assert_eq!(
            scan_trusting("8205123457", &exempt(), Trust::None),
            Some(Kind::Document)
        );
        for trust in [Trust::Amounts, Trust::Codes] {
            assert_eq!(scan_trusting("8205123457", &exempt(), trust), None);
        }
        assert_eq!(scan_trusting("11223344595", &exempt(), Trust::Codes), None);
        assert_eq!(
            scan_trusting("112-233-445 95", &exempt(), Trust::Codes),
            Some(Kind::Snils)
        );
    }

    /// Each would run for minutes if the work grew with the square of the length.
    #[test]
    fn a_long_text_costs_no_more_than_many_short_ones() {
        for (part, trust) in [
            ("Аа ", Trust::None),
            ("1 2 3 4 ", Trust::None),
            ("12.05.2022 ", Trust::None),
            ("Русский Язык 12.05.2022 ", Trust::None),
            ("82050000001 ", Trust::Codes),
            ("Школе Магомеда Гаджиевича Громова, ", Trust::Organisations),
        ] {
            let text = part.repeat((1 << 20) / part.len());
            assert_eq!(scan_trusting(&text, &exempt(), trust), None, "{part}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_detector_fail(text in "[ -я№«»@]{0,60}") {
            let _ = scan(&text, &Exempt::default());
        }
    }
}
