//! The shipped roadmaps against the rhythm of the year they were written for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use msoko::calendar::Calendar;
use msoko::deadlines::terms::{Known, TermKind, parse};
use msoko::deadlines::{Request, deadlines};
use msoko::domain::roadmap::{Deadline, Level, Roadmap};
use msoko::roadmap::{SHIPPED, carry, from_toml};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn shipped() -> Vec<Roadmap> {
    SHIPPED
        .iter()
        .map(|(file, text)| from_toml(file, text).expect("a good file"))
        .collect()
}

fn of(roadmaps: &[Roadmap], today: &str) -> Vec<Deadline> {
    let request = Request {
        roadmaps,
        today: day(today),
        calendar: &Calendar::federal(),
        units: &[],
        done: &BTreeMap::new(),
        known: &Known::default(),
    };
    deadlines(&request).0
}

/// Rows by the day of the year in one year, in the order of the documents.
fn rhythm(deadlines: &[Deadline], year: i32) -> BTreeMap<String, Vec<String>> {
    let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for deadline in deadlines {
        let Some(date) = deadline.date.filter(|date| date.year() == year) else {
            continue;
        };
        let row = format!("{}/{}", deadline.roadmap, deadline.number);
        days.entry(date.format("%d.%m").to_string()).or_default().push(row);
    }
    days
}

#[test]
fn the_rhythm_of_the_year_is_the_one_of_the_concept() {
    let all = of(&shipped(), "2020-01-01");
    let effects = ["1/20", "2/17", "3/12", "4/8", "5/8", "6/7", "7/6"];
    let expected: [(&str, &[&str]); 10] = [
        ("28.02", &["3/1"]),
        ("01.03", &effects),
        ("31.03", &["3/4", "3/5.1"]),
        ("30.04", &["2/3"]),
        ("01.07", &["6/2"]),
        ("31.08", &["2/14"]),
        ("30.09", &["1/2", "1/3"]),
        ("31.10", &["2/4", "2/6", "2/15"]),
        ("30.11", &["4/3", "7/2"]),
        ("15.12", &["5/2"]),
    ];
    let mut of_2021 = rhythm(&all, 2021);
    let last_day = of_2021.remove("31.12").expect("the last day of the year");
    let found: BTreeSet<(&str, Vec<&str>)> = of_2021
        .iter()
        .map(|(day, rows)| (day.as_str(), rows.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        found,
        expected.iter().map(|(day, rows)| (*day, rows.to_vec())).collect()
    );
    assert_eq!(last_day.len(), 18, "{last_day:?}");
    assert_eq!(rhythm(&all, 2022)["31.12"].len(), 31, "ends of the periods come on top");
    assert_eq!(
        rhythm(&all, 2023),
        BTreeMap::from([("01.03".to_owned(), effects.map(str::to_owned).to_vec())])
    );
}

#[test]
fn the_year_of_the_approval_has_its_own_dates() {
    let of_2020 = rhythm(&of(&shipped(), "2020-01-01"), 2020);
    for (day, rows) in [
        ("30.06", vec!["2/1"]),
        ("31.07", vec!["4/2"]),
        ("01.08", vec!["2/2"]),
        ("30.09", vec!["1/2", "1/3", "2/3"]),
        ("31.10", vec!["2/4", "2/6", "6/1"]),
    ] {
        assert_eq!(of_2020[day], rows, "{day}");
    }
    assert!(!of_2020.contains_key("01.03"));
}

#[test]
fn eighty_rows_and_thirty_eight_phrases_are_all_understood() {
    let roadmaps = shipped();
    let counts: Vec<usize> = roadmaps.iter().map(|roadmap| roadmap.activities.len()).collect();
    assert_eq!(counts, [20, 17, 14, 7, 8, 8, 6]);
    let rows: Vec<_> = roadmaps.iter().flat_map(|roadmap| &roadmap.activities).collect();
    assert_eq!(rows.iter().filter(|row| row.level == Level::Heading).count(), 4);
    assert_eq!(
        rows.iter().filter(|row| row.indicator.starts_with("Наличие")).count(),
        67
    );
    assert_eq!(rows.iter().filter(|row| row.indicator.is_empty()).count(), 7);
    let phrases: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.term.as_str())
        .filter(|term| !term.is_empty())
        .collect();
    assert_eq!(phrases.len(), 38);
    for phrase in phrases {
        assert_ne!(parse(phrase).kind, TermKind::Unspecified, "{phrase}");
    }
    let asked: Vec<String> = of(&roadmaps, "2020-01-01")
        .iter()
        .filter(|deadline| deadline.date.is_none())
        .map(|deadline| deadline.id.clone())
        .collect();
    assert_eq!(
        asked,
        [
            "1/1@?", "1/4@?", "1/5@?", "1/6@?", "1/7@?", "1/8@?", "1/9@?", "1/11@?", "1/12@?", "1/13@?", "7/3@?"
        ]
    );
}

#[test]
fn the_roadmaps_carried_into_other_years_keep_their_rhythm() {
    let original = of(&shipped(), "2020-01-01");
    let carried: Vec<Roadmap> = shipped().iter().map(|roadmap| carry(roadmap, 4)).collect();
    let carried = of(&carried, "2024-01-01");
    assert_eq!(carried.len(), original.len());
    for year in 2020..=2023 {
        assert_eq!(rhythm(&carried, year + 4), rhythm(&original, year), "{year}");
    }
}
