//! Schedules and events that phrases refer to.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::message::Problems;
use crate::strict_toml::{Document, Section};

/// Dates of schedules (планы-графики) and days of events, by name.
///
/// ```
/// use msoko::deadlines::terms::Known;
/// let text = "[plan]\n\"План-график\" = [\"2026-04-20\", \"2026-10-12\"]\n[event]\n\"НИКО\" = \"2026-03-15\"\n";
/// assert!(Known::from_toml("plan.toml", text).is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Dates of each schedule.
    pub plans: BTreeMap<String, Vec<NaiveDate>>,
    /// Days on which each event took or takes place.
    pub events: BTreeMap<String, Vec<NaiveDate>>,
}

impl Known {
    /// Reads the sections `[plan]` and `[event]`: a name and a date or a list of dates.
    ///
    /// # Errors
    /// Every problem of the file in one go.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file, text)?;
        let root = document.root();
        let known = Self {
            plans: root.section("plan").map(dated).unwrap_or_default(),
            events: root.section("event").map(dated).unwrap_or_default(),
        };
        root.done();
        let problems = document.problems();
        if problems.is_empty() { Ok(known) } else { Err(problems) }
    }

    pub(super) fn plan(&self, name: &str) -> &[NaiveDate] {
        find(&self.plans, name)
    }

    /// The days of an event by its name in the phrase.
    pub(super) fn event(&self, name: &str) -> &[NaiveDate] {
        find(&self.events, name)
    }

    /// The days of the only event that a subject mentions.
    pub(super) fn mentioned(&self, subject: &str) -> &[NaiveDate] {
        let mentioned = self.events.iter().filter(|(key, _)| covers(subject, key));
        only(mentioned.map(|(_, days)| days.as_slice()))
    }
}

fn dated(section: Section<'_>) -> BTreeMap<String, Vec<NaiveDate>> {
    let mut names = BTreeMap::new();
    for key in section.free_keys() {
        let days: Option<Vec<NaiveDate>> = section
            .strings(&key)
            .map(|texts| texts.iter().map(|text| text.parse().ok()).collect())
            .unwrap_or_default();
        match days {
            Some(days) => {
                names.insert(key, days);
            }
            None => section.refuse(&key, "дата записывается как \"2026-03-01\""),
        }
    }
    section.done();
    names
}

/// The entry whose words all stand in the name, the one with the most words; else the only entry that holds all words
/// of the name. Nothing when two entries are equally good.
fn find<'k>(names: &'k BTreeMap<String, Vec<NaiveDate>>, wanted: &str) -> &'k [NaiveDate] {
    let covered: Vec<(usize, &[NaiveDate])> = names
        .iter()
        .filter(|(key, _)| covers(wanted, key))
        .map(|(key, days)| (words(key).len(), days.as_slice()))
        .collect();
    if let Some(most) = covered.iter().map(|(count, _)| *count).max() {
        return only(
            covered
                .iter()
                .filter(|(count, _)| *count == most)
                .map(|(_, days)| *days),
        );
    }
    only(
        names
            .iter()
            .filter(|(key, _)| covers(key, wanted))
            .map(|(_, days)| days.as_slice()),
    )
}

fn only<'k>(mut found: impl Iterator<Item = &'k [NaiveDate]>) -> &'k [NaiveDate] {
    match (found.next(), found.next()) {
        (Some(days), None) => days,
        _ => &[],
    }
}

/// True when every word of `part` stands in `whole`, in any case of the language.
fn covers(whole: &str, part: &str) -> bool {
    let (whole, part) = (words(whole), words(part));
    !part.is_empty() && part.iter().all(|word| whole.iter().any(|other| same(word, other)))
}

fn words(name: &str) -> Vec<String> {
    name.to_lowercase()
        .replace('ё', "е")
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() >= 3 || word.contains(|letter: char| letter.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// Two forms of one word: short words differ only by an ending, long ones share all but three letters. A number has
/// one form.
fn same(one: &str, other: &str) -> bool {
    if [one, other]
        .iter()
        .any(|word| word.contains(|letter: char| letter.is_ascii_digit()))
    {
        return one == other;
    }
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let shorter = one.chars().count().min(other.chars().count());
    let longer = one.chars().count().max(other.chars().count());
    let needed = if shorter <= 4 { shorter } else { (shorter - 3).max(4) };
    shared >= needed && longer - shared <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let text = "[plan]\n\"План-график\" = '2026-04-20'\n\"График ВПР\" = ['2026-03-16', '2026-05-15']\n[event]\n\"НИКО\" = '2026-03-15'\n";
        Known::from_toml("a.toml", text).expect("a good file")
    }

    #[test]
    fn names_are_found_in_any_case_of_the_language() {
        assert_eq!(known().plan("планом графиком").len(), 1);
        assert_eq!(known().plan("графиком проведения впр").len(), 2);
        assert_eq!(known().plan("графиком проведения нико").len(), 0);
        assert_eq!(known().event("нико").len(), 1);
        assert_eq!(known().event("участия").len(), 0);
        assert_eq!(known().mentioned("Анализ по результатам НИКО").len(), 1);
        assert_eq!(known().mentioned("Анализ по результатам олимпиады").len(), 0);
    }

    #[test]
    fn names_that_differ_in_a_number_are_different_events() {
        let text = "[event]\n'ГИА-9' = '2026-07-05'\n'ГИА-11' = '2026-06-30'\n";
        let known = Known::from_toml("a.toml", text).expect("a good file");
        let day = |name: &str| known.event(name).first().map(ToString::to_string);
        assert_eq!(day("проведения гиа-11").as_deref(), Some("2026-06-30"));
        assert_eq!(day("проведения гиа-9").as_deref(), Some("2026-07-05"));
        assert_eq!(day("проведения гиа"), None);
        assert_eq!(known.mentioned("Анализ итогов ГИА-9").len(), 1);
        assert_eq!(known.mentioned("Анализ итогов ГИА-9 и ГИА-11").len(), 0);
    }

    #[test]
    fn two_equally_good_names_give_no_date() {
        let text = "[event]\n'олимпиада школьников' = '2026-02-06'\n'олимпиада района' = '2026-03-06'\n";
        let known = Known::from_toml("a.toml", text).expect("a good file");
        assert_eq!(known.event("олимпиады школьников района").len(), 0);
    }

    #[test]
    fn a_bad_date_is_named() {
        let problems =
            Known::from_toml("a.toml", "[plan]\n'График' = ['20.04.2026']\n[events]\n").expect_err("two faults");
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code()).collect();
        assert_eq!(codes, ["MSK-CFG-05", "MSK-CFG-01"]);
    }
}
