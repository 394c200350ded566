//! Strict reading of TOML files that people write.
//!
//! Takes: a file name and its bytes. Gives: typed values and every problem of the file in one go, each with file,
//! line, column, reason and the nearest known key. Never: stops at the first problem, guesses a value.
//!
//! The getters of a [`Section`] are its grammar: a key nobody asked for is an error that lists the keys asked for.
//!
//! ```
//! use msoko::strict_toml::Document;
//! let document = Document::parse("a.toml", "name = 'x'\ncolour = 1\n").expect("valid TOML");
//! let root = document.root();
//! assert_eq!(root.need_string("name"), "x");
//! root.done();
//! let problems = document.problems();
//! assert_eq!(problems[0].code(), "MSK-CFG-01");
//! assert_eq!(problems[0].place(), Some("a.toml:2:1"));
//! ```

mod units;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::message::{Problem, Problems};
pub use units::{parse_duration, parse_size};

/// Decodes what an editor saved: UTF-8 with or without a byte-order mark, any line ends.
///
/// # Errors
/// `MSK-CFG-06` names the encoding the file seems to have.
pub fn decode(file: &str, bytes: &[u8]) -> Result<String, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        let looks_like = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            "UTF-16"
        } else {
            "windows-1251"
        };
        return Err(Problem::new("MSK-CFG-06").arg("encoding", looks_like).at(file));
    };
    Ok(text.replace("\r\n", "\n"))
}

/// A parsed file and the problems found in it so far.
#[derive(Debug)]
pub struct Document<'t> {
    file: String,
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    problems: RefCell<Problems>,
}

impl<'t> Document<'t> {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// Every fault of writing in one go: `MSK-CFG-04` with line and column, or `MSK-CFG-07` when a bare key holds a
    /// letter of another alphabet.
    pub fn parse(file: &str, text: &'t str) -> Result<Self, Problems> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(|error| syntax_problem(file, text, error)).collect());
        }
        Ok(Self {
            file: file.to_owned(),
            text,
            root,
            problems: RefCell::new(Vec::new()),
        })
    }

    /// The top level of the file.
    #[must_use]
    pub fn root(&self) -> Section<'_> {
        Section::new(self, String::new(), self.root.get_ref(), self.root.span())
    }

    /// Every problem noted so far, in the order of the file.
    #[must_use]
    pub fn problems(self) -> Problems {
        self.problems.into_inner()
    }

    fn place(&self, start: usize) -> String {
        place(&self.file, self.text, start)
    }
}

fn syntax_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let start = error.span().map_or(0, |span| span.start);
    let line_start = text
        .get(..start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let line = text
        .get(line_start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or("");
    let key = line.split('=').next().unwrap_or("").trim();
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'));
    let latin: String = key.chars().map(to_latin).collect();
    if let Some(letter) = key.chars().find(|letter| to_latin(*letter) != *letter)
        && bare
        && latin.is_ascii()
    {
        return Problem::new("MSK-CFG-07")
            .arg("key", key)
            .arg(
                "section",
                format!("строка {}", text[..line_start].matches('\n').count() + 1),
            )
            .arg("letter", letter)
            .arg("nearest", latin)
            .at(place(file, text, line_start));
    }
    Problem::new("MSK-CFG-04")
        .arg("reason", error.message())
        .at(place(file, text, start))
}

fn place(file: &str, text: &str, start: usize) -> String {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{file}:{line}:{column}")
}

/// One table of the file.
#[derive(Debug)]
pub struct Section<'d> {
    document: &'d Document<'d>,
    path: String,
    table: &'d DeTable<'d>,
    span: Range<usize>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'d> Section<'d> {
    fn new(document: &'d Document<'_>, path: String, table: &'d DeTable<'_>, span: Range<usize>) -> Self {
        Self {
            document,
            path,
            table,
            span,
            asked: RefCell::new(BTreeSet::new()),
        }
    }

    fn title(&self) -> String {
        if self.path.is_empty() {
            "начале файла".to_owned()
        } else {
            format!("[{}]", self.path)
        }
    }

    fn value(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table
            .iter()
            .find(|(known, _)| known.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    fn note(&self, problem: Problem, start: usize) {
        let problem = problem.at(self.document.place(start));
        self.document.problems.borrow_mut().push(problem);
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let problem = Problem::new("MSK-CFG-02")
            .arg("key", key)
            .arg("section", self.title())
            .arg("expected", expected)
            .arg("found", shown(value));
        self.note(problem, value.span().start);
    }

    fn take<T>(&self, key: &str, expected: &str, read: impl Fn(&'d DeValue<'d>) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let taken = read(value.get_ref());
        if taken.is_none() {
            self.wrong(key, value, expected);
        }
        taken
    }

    /// Notes a problem of meaning at a key: a value outside its bounds, a name that does not exist.
    pub fn refuse(&self, key: &str, reason: &str) {
        let found = self.value(key).map_or_else(|| "—".to_owned(), shown);
        self.refuse_found(key, reason, &found);
    }

    /// [`Self::refuse`] for a value that may hold a secret: it is not shown.
    pub fn refuse_hidden(&self, key: &str, reason: &str) {
        self.refuse_found(key, reason, "«…»");
    }

    fn refuse_found(&self, key: &str, reason: &str, found: &str) {
        let value = self.value(key);
        let problem = Problem::new("MSK-CFG-05")
            .arg("key", key)
            .arg("section", self.title())
            .arg("reason", reason)
            .arg("found", found);
        self.note(problem, value.map_or(self.span.start, |value| value.span().start));
    }

    /// Notes that a key is missing.
    pub fn missing(&self, key: &str, expected: &str) {
        let problem = Problem::new("MSK-CFG-03")
            .arg("key", key)
            .arg("section", self.title())
            .arg("expected", expected);
        self.note(problem, self.span.start);
    }

    /// True when the key stands in the file.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// `file:line:column` of a key, or of the section when the key is absent.
    #[must_use]
    pub fn place_of(&self, key: &str) -> String {
        let start = self.value(key).map_or(self.span.start, |value| value.span().start);
        self.document.place(start)
    }

    /// Text.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<String> {
        self.take(key, "строка в кавычках", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    /// Text that must be there and not be blank; an empty text stands for it after the problem is noted.
    #[must_use]
    pub fn need_string(&self, key: &str) -> String {
        match self.string(key) {
            Some(text) if !text.trim().is_empty() => text,
            Some(_) => {
                self.refuse(key, "пустая строка");
                String::new()
            }
            None => {
                if !self.has(key) {
                    self.missing(key, "строка в кавычках");
                }
                String::new()
            }
        }
    }

    /// One text or a list of texts.
    #[must_use]
    pub fn strings(&self, key: &str) -> Option<Vec<String>> {
        self.take(key, "строка или список строк", |value| match value {
            DeValue::String(text) => Some(vec![text.clone().into_owned()]),
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect(),
            _ => None,
        })
    }

    /// True or false.
    #[must_use]
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.take(key, "true или false", DeValue::as_bool)
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn integer(&self, key: &str, bounds: RangeInclusive<i64>) -> Option<i64> {
        let number = self.take(key, "целое число", |value| {
            let number = value.as_integer()?;
            i64::from_str_radix(number.as_str(), number.radix()).ok()
        })?;
        if bounds.contains(&number) {
            return Some(number);
        }
        self.refuse(key, &format!("допустимо от {} до {}", bounds.start(), bounds.end()));
        None
    }

    /// A number with or without a decimal point.
    #[must_use]
    pub fn decimal(&self, key: &str) -> Option<f64> {
        self.take(key, "число", |value| match value {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        })
    }

    /// True when a key holds a number.
    #[must_use]
    pub fn is_number(&self, key: &str) -> bool {
        let value = self.value(key);
        value.is_some_and(|value| matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_)))
    }

    /// A length of time: `"30s"`, `"15m"`, `"2h"`, `"45d"`.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.take(
            key,
            "длительность вида \"30s\", \"15m\", \"2h\", \"45d\"",
            |value| parse_duration(value.as_str()?),
        )
    }

    /// A size in bytes: `"64 MiB"`, `"2 GB"`, `"500 KiB"`.
    #[must_use]
    pub fn size(&self, key: &str) -> Option<u64> {
        self.take(key, "размер вида \"20 MiB\"", |value| {
            parse_size(value.as_str()?)
        })
    }

    /// A time of day: `"06:30"`.
    #[must_use]
    pub fn time(&self, key: &str) -> Option<NaiveTime> {
        self.take(key, "время вида \"06:30\"", |value| {
            NaiveTime::parse_from_str(value.as_str()?, "%H:%M").ok()
        })
    }

    /// A date, as a string or as a TOML date: `2026-03-01`.
    #[must_use]
    pub fn date(&self, key: &str) -> Option<NaiveDate> {
        self.take(key, "дата вида 2026-03-01", parse_date)
    }

    /// One word of a closed list.
    #[must_use]
    pub fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.value(key)?;
        let found = value
            .get_ref()
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(key, value, &format!("одно из: {}", known.join(", ")));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// A table inside this one.
    #[must_use]
    pub fn section(&self, key: &str) -> Option<Section<'d>> {
        let value = self.value(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(self.document, self.join(key), table, value.span()));
        }
        self.wrong(key, value, "раздел");
        None
    }

    /// A list of tables (`[[key]]`); empty when absent.
    #[must_use]
    pub fn sections(&self, key: &str) -> Vec<Section<'d>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(key, value, "список разделов [[…]]");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in items.iter().enumerate() {
            if let DeValue::Table(table) = item.get_ref() {
                let path = format!("{}[{}]", self.join(key), number + 1);
                sections.push(Section::new(self.document, path, table, item.span()));
            } else {
                self.wrong(key, item, "раздел");
            }
        }
        sections
    }

    /// Keys of a table whose names are free (a map), in the order of the file.
    #[must_use]
    pub fn free_keys(&self) -> Vec<String> {
        self.table
            .iter()
            .map(|(key, _)| {
                let key = key.get_ref().to_string();
                self.asked.borrow_mut().insert(key.clone());
                key
            })
            .collect()
    }

    /// Closes the section: every key nobody asked for becomes a problem.
    pub fn done(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if asked.contains(name) {
                continue;
            }
            let problem = unknown_key(name, &self.title(), &asked);
            self.note(problem, key.span().start);
        }
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

fn unknown_key(name: &str, section: &str, asked: &BTreeSet<String>) -> Problem {
    let latin: String = name.chars().map(to_latin).collect();
    let foreign = name.chars().find(|letter| to_latin(*letter) != *letter);
    if let (Some(letter), true) = (foreign, asked.contains(&latin)) {
        return Problem::new("MSK-CFG-07")
            .arg("key", name)
            .arg("section", section)
            .arg("letter", letter)
            .arg("nearest", latin);
    }
    let nearest = asked
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, &latin), known))
        .filter(|(distance, known)| *distance * 2 <= known.chars().count())
        .min();
    let hint = nearest.map_or_else(String::new, |(_, known)| format!("; возможно, «{known}»"));
    let known: Vec<&str> = asked.iter().map(String::as_str).collect();
    Problem::new("MSK-CFG-01")
        .arg("key", name)
        .arg("section", section)
        .arg("known", known.join(", "))
        .arg("hint", hint)
}

/// The Latin letter that looks like a Cyrillic one.
fn to_latin(letter: char) -> char {
    match letter {
        'а' => 'a',
        'в' => 'b',
        'е' => 'e',
        'к' => 'k',
        'м' => 'm',
        'н' => 'h',
        'о' => 'o',
        'р' => 'p',
        'с' => 'c',
        'т' => 't',
        'у' => 'y',
        'х' => 'x',
        'і' => 'i',
        'ѕ' => 's',
        other => other,
    }
}

fn shown(value: &Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(text) => format!("«{text}»"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) => "список".to_owned(),
        DeValue::Table(_) => "раздел".to_owned(),
    }
}

fn parse_date(value: &DeValue<'_>) -> Option<NaiveDate> {
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        _ => return None,
    };
    NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, read: impl Fn(&Section<'_>)) -> Vec<String> {
        let document = Document::parse("a.toml", text).expect("valid TOML");
        let root = document.root();
        read(&root);
        root.done();
        document.problems().iter().map(Problem::ru_line).collect()
    }

    #[test]
    fn every_problem_of_a_file_is_found_in_one_run_with_its_line_and_column() {
        let found = problems("shedule = 'x'\nsize = 5\nmode = 'b'\n", |root| {
            let _ = root.string("schedule");
            let _ = root.size("size");
            let _ = root.choice("mode", &[("a", 1), ("c", 2)]);
            let _ = root.need_string("id");
        });
        assert_eq!(
            found,
            [
                "MSK-CFG-02: a.toml:2:8: ключ «size» в начале файла: ожидается размер вида \"20 MiB\", найдено 5",
                "MSK-CFG-02: a.toml:3:8: ключ «mode» в начале файла: ожидается одно из: a, c, найдено «b»",
                "MSK-CFG-03: a.toml:1:1: в начале файла нет обязательного ключа «id» (строка в кавычках)",
                "MSK-CFG-01: a.toml:1:1: неизвестный ключ «shedule» в начале файла (допустимы: id, mode, schedule, size); возможно, «schedule»",
            ]
        );
    }

    #[test]
    fn a_cyrillic_letter_in_a_latin_key_is_shown() {
        let found = problems("\"pаth\" = 'x'\n", |root| {
            let _ = root.string("path");
        });
        assert!(
            found[0].contains("буква «а» из другого алфавита; нужно «path»"),
            "{found:?}"
        );
        let found = Document::parse("a.toml", "size = 1\npаth = 'x'\n").expect_err("a bare Cyrillic key");
        assert_eq!(
            found[0].ru_line(),
            "MSK-CFG-07: a.toml:2:1: в ключе «pаth» (строка 2) буква «а» из другого алфавита; нужно «path»"
        );
    }

    #[test]
    fn a_file_saved_by_notepad_is_read_and_windows_1251_is_named() {
        assert_eq!(decode("a.toml", b"\xef\xbb\xbfa = 1\r\n").expect("text"), "a = 1\n");
        let problem = decode("a.toml", b"a = '\xcf\xf0'").expect_err("not UTF-8");
        assert!(problem.ru_line().contains("windows-1251"));
    }

    #[test]
    fn lengths_and_sizes_carry_their_unit() {
        assert_eq!(parse_duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(parse_duration("15"), None);
        assert_eq!(parse_size("64 MiB"), Some(64 << 20));
        assert_eq!(parse_size("64"), None);
    }
}
