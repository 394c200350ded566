//! A roadmap carried into other years, for demonstrations and for a first draft of the next one.

use chrono::{Datelike, NaiveDate};

use crate::domain::roadmap::{Period, Roadmap};

/// The roadmap with its period, its approval and every year inside its terms moved by a number of years.
/// Titles, activities and indicators stay as they are.
#[must_use]
pub fn carry(roadmap: &Roadmap, years: i32) -> Roadmap {
    let mut carried = roadmap.clone();
    carried.period = roadmap.period.map(|period| Period {
        from: move_date(period.from, years),
        to: move_date(period.to, years),
    });
    carried.approved = roadmap.approved.map(|day| move_date(day, years));
    for activity in &mut carried.activities {
        activity.term = move_years(&activity.term, years);
    }
    carried
}

/// 29 February becomes the 28th where there is none.
fn move_date(date: NaiveDate, years: i32) -> NaiveDate {
    let year = date.year().saturating_add(years);
    date.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
        .unwrap_or(date)
}

/// Moves every year of a phrase: four digits from 1990 to 2099, also two of them without a blank (`20202022`), and the
/// short second year of `2024/25`.
fn move_years(phrase: &str, years: i32) -> String {
    let mut out = String::new();
    let mut rest = phrase;
    let mut after_year = false;
    while let Some(letter) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let year = rest.get(..4).and_then(|text| text.parse::<i32>().ok());
        let short = rest.get(1..3).and_then(|text| text.parse::<i32>().ok());
        if let Some(year) = year.filter(|year| digits >= 4 && (1990..2100).contains(year)) {
            out.push_str(&(year + years).to_string());
            rest = &rest[4..];
            after_year = true;
        } else if let Some(short) = short.filter(|_| after_year && is_short_year(rest)) {
            out.push(letter);
            out.push_str(&format!("{:02}", (short + years).rem_euclid(100)));
            rest = &rest[3..];
            after_year = false;
        } else {
            // A longer run of digits is no year: it passes whole.
            let taken = digits.max(letter.len_utf8());
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
            after_year = false;
        }
    }
    out
}

/// True for `/25` and `-25` that no digit follows.
fn is_short_year(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    matches!(bytes.first(), Some(b'/' | b'-'))
        && bytes.get(1..3).is_some_and(|pair| pair.iter().all(u8::is_ascii_digit))
        && !bytes.get(3).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_year_of_a_phrase_moves() {
        for (phrase, carried) in [
            ("2020-2022 гг.", "2024-2026 гг."),
            ("20202022 гг.", "20242026 гг."),
            ("январь 2021г.-июнь 2022 г.", "январь 2025г.-июнь 2026 г."),
            ("до 15.10.2020", "до 15.10.2024"),
            ("2020/2021 учебный год", "2024/2025 учебный год"),
            ("2020/21 учебный год", "2024/25 учебный год"),
            ("ежегодно, с 1 квартала 2021 г.", "ежегодно, с 1 квартала 2025 г."),
            ("1 раз в 3 года", "1 раз в 3 года"),
            ("приказ № 12021", "приказ № 12021"),
            ("", ""),
        ] {
            assert_eq!(move_years(phrase, 4), carried);
        }
    }

    #[test]
    fn a_leap_day_lands_on_the_last_of_february() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a date");
        assert_eq!(move_date(day(2020, 2, 29), 5), day(2025, 2, 28));
        assert_eq!(move_date(day(2020, 12, 31), 4), day(2024, 12, 31));
    }

    proptest! {
        #[test]
        fn carrying_there_and_back_changes_nothing(phrase in "[а-я 0-9.,/-]{0,40}", years in -3i32..4) {
            prop_assume!(!phrase.contains("199") && !phrase.contains("209"));
            let there = move_years(&phrase, years);
            prop_assert_eq!(move_years(&there, -years), phrase);
        }
    }
}
