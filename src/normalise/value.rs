//! Text of a cell → typed value: marks of emptiness, transforms, the map of values, the type.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::observation::Amount;
use crate::domain::school_year::SchoolYear;
use crate::domain::subjects::{Subjects, fold_text};
use crate::domain::value::Value;
use crate::domain::vocabulary::{Measure, Procedure};
use crate::manifest::{Kind, NOT_SHOWN, Reading, Transform};
use crate::message::Problem;
use crate::table::{Cell, trimmed};

/// Texts remembered per column; a column of free text must not grow with the file.
const MAX_MEMORY: usize = 20_000;

/// Reads the cells of one column. Repeated texts are read once and shared.
#[derive(Debug)]
pub(super) struct ValueReader {
    name: String,
    kind: Kind,
    transforms: Vec<Transform>,
    empty: Vec<String>,
    values: BTreeMap<String, String>,
    /// False for pseudonyms and other columns whose values no message may repeat.
    may_show: bool,
    /// True when digits are simply a number here.
    plain: bool,
    /// True when no two rows share a text, so that remembering it only costs.
    unshared: bool,
    /// True when the column names an organisation by a code.
    code: bool,
    /// Digits of a code whose leading zeros are put back.
    digits: Option<usize>,
    /// A code as it stood and as it is, until the warning about it is taken.
    restored: Option<(String, String)>,
    memory: HashMap<String, Option<Value>>,
    last: Option<(String, Option<Value>)>,
}

impl ValueReader {
    pub(super) fn new(name: &str, reading: &Reading, may_show: bool) -> Self {
        let plain = reading.transforms.is_empty()
            && reading.values.is_empty()
            && !reading.empty.iter().any(|mark| digits(mark).is_some());
        Self {
            plain: plain && matches!(reading.kind, Kind::Integer | Kind::Decimal),
            unshared: false,
            code: false,
            digits: reading.digits.map(usize::from),
            restored: None,
            name: name.to_owned(),
            kind: reading.kind,
            transforms: reading.transforms.clone(),
            empty: reading.empty.iter().map(|text| fold_text(text)).collect(),
            values: reading
                .values
                .iter()
                .map(|(from, to)| (fold_text(from), to.clone()))
                .collect(),
            may_show,
            memory: HashMap::new(),
            last: None,
        }
    }

    /// Says that texts do not repeat: codes of pupils.
    pub(super) fn unshared(mut self) -> Self {
        self.unshared = true;
        self
    }

    /// Says that the texts are codes of organisations: what a spreadsheet has made an amount of is refused.
    pub(super) fn code(mut self) -> Self {
        self.code = true;
        self
    }

    /// The warning about a code whose zeros were just put back; each code gives one.
    pub(super) fn warning(&mut self) -> Option<Problem> {
        let (found, whole) = self.restored.take()?;
        let problem = Problem::new("MSK-NRM-16").arg("column", &self.name);
        Some(problem.arg("found", found).arg("whole", whole))
    }

    /// The value of a cell; nothing for an empty cell or a mark of emptiness.
    pub(super) fn cell(&mut self, cell: &Cell, subjects: &Subjects) -> Result<Option<Value>, Problem> {
        match cell {
            Cell::Empty => Ok(None),
            Cell::Broken(why) => Err(Problem::new("MSK-NRM-10").arg("column", &self.name).arg("why", why)),
            Cell::Text(text) => self.text(trimmed(text), subjects),
            Cell::Number(_) | Cell::Bool(_) | Cell::Date(_) => self.text(&cell.text(), subjects),
        }
    }

    /// The value of a text found anywhere.
    pub(super) fn text(&mut self, text: &str, subjects: &Subjects) -> Result<Option<Value>, Problem> {
        if text.is_empty() {
            return Ok(None);
        }
        if self.plain
            && let Some(amount) = digits(text)
        {
            return Ok(Some(Value::Number(amount)));
        }
        if self.unshared {
            return self.read(text, subjects);
        }
        if let Some((last, value)) = &self.last
            && last == text
        {
            return Ok(value.clone());
        }
        let value = match self.memory.get(text) {
            Some(value) => value.clone(),
            None => {
                let value = self.read(text, subjects)?;
                if self.memory.len() >= MAX_MEMORY {
                    self.memory.clear();
                }
                self.memory.insert(text.to_owned(), value.clone());
                value
            }
        };
        match &mut self.last {
            Some((last, known)) => {
                last.clear();
                last.push_str(text);
                known.clone_from(&value);
            }
            None => self.last = Some((text.to_owned(), value.clone())),
        }
        Ok(value)
    }

    fn read(&mut self, text: &str, subjects: &Subjects) -> Result<Option<Value>, Problem> {
        if !self.empty.is_empty() && self.empty.contains(&fold_text(text)) {
            return Ok(None);
        }
        let mut text = Cow::Borrowed(text);
        for transform in &self.transforms {
            match apply(*transform, &text) {
                Some(next) => text = Cow::Owned(next),
                None => return Err(self.wrong(&text)),
            }
        }
        if !self.values.is_empty()
            && let Some(ours) = self.values.get(&fold_text(&text))
        {
            text = Cow::Borrowed(ours);
        }
        if text.is_empty() {
            return Ok(None);
        }
        if self.code && is_an_amount(&text) {
            let problem = Problem::new("MSK-NRM-17").arg("column", &self.name);
            return Err(problem.arg("found", self.shown(&text)));
        }
        if let Some(digits) = self.digits
            && text.len() < digits
            && text.bytes().all(|byte| byte.is_ascii_digit())
        {
            let whole = format!("{text:0>digits$}");
            self.restored = Some((self.shown(&text), self.shown(&whole)));
            text = Cow::Owned(whole);
        }
        self.typed(&text, subjects).map(Some)
    }

    fn typed(&self, text: &str, subjects: &Subjects) -> Result<Value, Problem> {
        let value = match self.kind {
            Kind::Text => Some(Value::Text(Arc::from(text))),
            Kind::Integer => Amount::parse(text)
                .filter(|amount| amount.scale == 0)
                .map(Value::Number),
            Kind::Decimal => Amount::parse(text).map(Value::Number),
            Kind::Date => parse_moment(text).map(Value::Moment),
            Kind::SchoolYear => SchoolYear::parse(text).map(Value::Year),
            Kind::Procedure => Procedure::parse(text).map(Value::Procedure),
            Kind::Measure => Measure::parse(text).map(Value::Measure),
            Kind::Grade => Amount::parse(text)
                .filter(|grade| grade.scale == 0 && (1..=12).contains(&grade.units))
                .map(Value::Number),
            Kind::Subject => {
                let subject = subjects.find(text).map(Value::Text);
                return subject.ok_or_else(|| Problem::new("MSK-NRM-03").arg("found", self.shown(text)));
            }
        };
        value.ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, text: &str) -> Problem {
        let expected = match self.kind {
            Kind::Text | Kind::Subject => "текст, к которому применимо преобразование столбца",
            Kind::Integer => "целое число",
            Kind::Decimal => "число",
            Kind::Date => "дата вида 17.03.2022",
            Kind::SchoolYear => "учебный год вида 2024-25",
            Kind::Procedure => "известная процедура",
            Kind::Measure => "известная мера",
            Kind::Grade => "класс от 1 до 12",
        };
        let problem = Problem::new("MSK-NRM-01")
            .arg("column", &self.name)
            .arg("expected", expected);
        problem.arg("found", self.shown(text))
    }

    fn shown(&self, text: &str) -> String {
        if self.may_show {
            shorten(text)
        } else {
            NOT_SHOWN.to_owned()
        }
    }
}

/// At most forty letters of a foreign text.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The common case without an allocation: up to eighteen ASCII digits.
fn digits(text: &str) -> Option<Amount> {
    let bytes = text.as_bytes();
    if bytes.len() > 18 || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.parse().ok().map(Amount::whole)
}

/// `1,02E+12`: a spreadsheet has shown a long code as an amount and saved what it showed; the digits are gone.
fn is_an_amount(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e', 'Е', 'е']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.replacen([',', '.'], "", 1);
    digits(&mantissa) && digits(exponent.strip_prefix('+').unwrap_or(exponent))
}

fn apply(transform: Transform, text: &str) -> Option<String> {
    match transform {
        Transform::CollapseSpaces => Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Transform::Lowercase => Some(text.to_lowercase()),
        Transform::LoginOfCell => Some(trimmed(text.split(" | ").next().unwrap_or(text)).to_owned()),
        Transform::TitleOfCell => Some(trimmed(text.split_once(" | ").map_or(text, |(_, title)| title)).to_owned()),
        Transform::GradeOfClass => {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            Some(digits)
        }
        Transform::SpringOfYear => year(text).map(|year| SchoolYear::starting(year - 1).to_string()),
        Transform::AutumnOfYear => year(text).map(|year| SchoolYear::starting(year).to_string()),
        Transform::SchoolYearOfDate => parse_moment(text).map(|moment| SchoolYear::of(moment.date()).to_string()),
        Transform::SeasonOfDate => parse_moment(text).map(|moment| {
            let season = if moment.month() >= 9 { "autumn" } else { "spring" };
            season.to_owned()
        }),
    }
}

fn year(text: &str) -> Option<i32> {
    let text = trimmed(text);
    (text.len() == 4).then(|| text.parse().ok()).flatten()
}

/// `17.03.2022`, `17.03.2022 05:33:20`, `2022-03-17`, `2022-03-17T05:33:20`: the day first or ISO, never the month.
pub(super) fn parse_moment(text: &str) -> Option<NaiveDateTime> {
    let text = trimmed(text);
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, trimmed(time)),
        None => (text, ""),
    };
    let date = NaiveDate::parse_from_str(date, "%d.%m.%Y")
        .or_else(|_| NaiveDate::parse_from_str(date, "%Y-%m-%d"))
        .ok()
        .filter(|date| (1990..2200).contains(&date.year()))?;
    if time.is_empty() {
        return Some(date.and_time(NaiveTime::MIN));
    }
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"));
    Some(date.and_time(time.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, transforms: &[Transform], text: &str) -> Option<String> {
        let reading = Reading {
            empty: vec!["—".into(), "-".into()],
            transforms: transforms.to_vec(),
            kind,
            ..Reading::default()
        };
        let mut reader = ValueReader::new("столбец", &reading, true);
        match reader.cell(&Cell::Text(text.to_owned()), &Subjects::default()) {
            Ok(value) => Some(value.map_or_else(|| "нет".to_owned(), |value| value.text().into_owned())),
            Err(_) => None,
        }
    }

    #[test]
    fn cells_are_read_as_officials_write_them() {
        use Transform::*;
        for (kind, transforms, text, expected) in [
            (Kind::Decimal, vec![], "\u{a0}45,30 ", Some("45.3")),
            (Kind::Integer, vec![], "1 274", Some("1274")),
            (Kind::Integer, vec![], "12,5", None),
            (Kind::Integer, vec![], "0", Some("0")),
            (Kind::Integer, vec![], "—", Some("нет")),
            (Kind::Date, vec![], "03.04.2022 5:33", Some("2022-04-03T05:33:00")),
            (Kind::Date, vec![], "04/03/2022", None),
            (Kind::SchoolYear, vec![SpringOfYear], "2022", Some("2021-22")),
            (
                Kind::SchoolYear,
                vec![SchoolYearOfDate],
                "17.03.2022 05:33:20",
                Some("2021-22"),
            ),
            (Kind::Text, vec![SeasonOfDate], "20.09.2022", Some("autumn")),
            (
                Kind::Text,
                vec![LoginOfCell],
                "edu990001 | МКОУ «СОШ | 2»",
                Some("edu990001"),
            ),
            (
                Kind::Text,
                vec![TitleOfCell],
                "edu990001 | МКОУ «СОШ | 2» ",
                Some("МКОУ «СОШ | 2»"),
            ),
            (Kind::Grade, vec![GradeOfClass], "10А", Some("10")),
            (Kind::Grade, vec![GradeOfClass], "нет", Some("нет")),
            (Kind::Grade, vec![], "13", None),
        ] {
            assert_eq!(read(kind, &transforms, text).as_deref(), expected, "{text}");
        }
    }
}
