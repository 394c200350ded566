//! One error value for the whole product: a code, its arguments and the place it speaks of.

use std::fmt;

use super::catalogue::{Disposition, Entry, find};

/// Problems found in one go; a stage returns a value and a list of these.
pub type Problems = Vec<Problem>;

/// A code with typed arguments. `Display` is the English sentence for the journal, [`Problem::ru`] the Russian one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: &'static str,
    args: Vec<(&'static str, String)>,
    place: Option<String>,
    detail: Option<String>,
}

impl Problem {
    /// Starts a problem with a code of the catalogue.
    ///
    /// # Panics
    /// In debug builds when the code is not in the catalogue; release builds print the code alone.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        debug_assert!(find(code).is_some(), "code {code} is not in the catalogue");
        Self {
            code,
            args: Vec::new(),
            place: None,
            detail: None,
        }
    }

    /// Adds an argument named in the texts of the catalogue.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// Says an argument otherwise, when there is one of this name.
    #[must_use]
    pub fn instead(mut self, name: &str, other: impl Fn(&str) -> String) -> Self {
        for (known, value) in &mut self.args {
            if *known == name {
                *value = other(value);
            }
        }
        self
    }

    /// Names the place: `config/sources.toml:14:1`, `Протокол!F17`.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Keeps the technical cause (an operating-system or library error) apart from the sentence.
    #[must_use]
    pub fn because(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The place, when the problem has one.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The technical cause, when there is one.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The value of one argument.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.args
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What the caller should do next; an unknown code needs a person.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        find(self.code).map_or(Disposition::NeedsAdministrator, |entry| entry.disposition)
    }

    /// The Russian sentence without code and place.
    #[must_use]
    pub fn ru(&self) -> String {
        self.fill(|entry| entry.ru)
    }

    /// The Russian line for people who read letters: code, place unless the sentence names it, sentence.
    #[must_use]
    pub fn ru_brief(&self) -> String {
        let sentence = self.ru();
        match &self.place {
            Some(place) if !sentence.contains(place) => format!("{}: {place}: {sentence}", self.code),
            _ => format!("{}: {sentence}", self.code),
        }
    }

    /// [`Problem::ru_brief`] with the technical cause, which is often a library's English.
    #[must_use]
    pub fn ru_line(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{} ({detail})", self.ru_brief()),
            None => self.ru_brief(),
        }
    }

    fn fill(&self, side: impl Fn(&Entry) -> &'static str) -> String {
        find(self.code).map_or_else(
            || self.code.to_owned(),
            |entry| filled(side(entry), |name| self.get(name)),
        )
    }
}

/// A sentence of the catalogue with its `{names}` replaced in one pass; a name without a value stays as it is.
#[must_use]
pub fn filled<'v>(sentence: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut text = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{')
        && let Some((name, behind)) = after.split_once('}')
    {
        text.push_str(before);
        match value(name) {
            Some(value) => text.push_str(value),
            None => text.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.code)?;
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        write!(out, "{}", self.fill(|entry| entry.en))?;
        if let Some(detail) = &self.detail {
            write!(out, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_come_from_one_code_and_the_same_arguments() {
        let problem = Problem::new("MSK-DEC-03")
            .arg("sheet", "Классы")
            .arg("column", "Код")
            .arg("found", "Логин, Класс")
            .at("a.xlsx");
        assert_eq!(
            problem.to_string(),
            "MSK-DEC-03: a.xlsx: sheet `Классы` has no column `Код` (found: Логин, Класс)"
        );
        assert_eq!(
            problem.ru_line(),
            "MSK-DEC-03: a.xlsx: на листе «Классы» нет столбца «Код» (есть: Логин, Класс); сравните форму с прошлогодней"
        );
    }

    #[test]
    fn braces_in_a_value_stay_as_they_came() {
        let problem = Problem::new("MSK-DEC-03")
            .arg("sheet", "{column}{found}")
            .arg("column", "{sheet}")
            .arg("found", "{");
        assert_eq!(
            problem.to_string(),
            "MSK-DEC-03: sheet `{column}{found}` has no column `{sheet}` (found: {)"
        );
        assert_eq!(
            filled("{known}, {unknown} and {", |name| (name == "known").then_some("1")),
            "1, {unknown} and {"
        );
    }

    #[test]
    fn a_place_that_the_sentence_names_is_not_said_twice() {
        let problem = Problem::new("MSK-RUN-14")
            .arg("file", "a.xlsx")
            .arg("reasons", "нет листа")
            .at("a.xlsx")
            .because("os error 2");
        let brief = "MSK-RUN-14: файл «a.xlsx» не подходит ни одному соединителю источника (нет листа)";
        assert_eq!(problem.ru_brief(), brief);
        assert_eq!(problem.ru_line(), format!("{brief} (os error 2)"));
    }
}
