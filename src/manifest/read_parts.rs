//! The sections of a manifest that refer to its columns by name.

use std::collections::BTreeSet;

use super::grammar::*;
use super::read::{reading, regex, words};
use crate::domain::observation::Scope;
use crate::domain::vocabulary::Measure;
use crate::strict_toml::Section;

/// What a newer file replaces: the round, narrowed to what the file speaks of.
pub(super) fn scope(section: Section<'_>) -> Scope {
    const WORDS: [&str; 4] = ["round", "organisation", "subject", "grade"];
    let words = section.strings("replaces").unwrap_or_default();
    if let Some(wrong) = words.iter().find(|word| !WORDS.contains(&word.as_str())) {
        section.refuse("replaces", &format!("«{wrong}» не из списка: {}", WORDS.join(", ")));
    } else if !words.iter().any(|word| word == "round") {
        section.refuse(
            "replaces",
            "файл заменяет числа одного проведения: в списке нужно \"round\"",
        );
    }
    section.done();
    let narrowed = |word: &str| words.iter().any(|known| known == word);
    Scope {
        organisation: narrowed("organisation"),
        subject: narrowed("subject"),
        grade: narrowed("grade"),
    }
}

/// Names of the columns that may be referred to; pseudonyms only where a pupil's code is asked for.
pub(super) struct Known {
    columns: BTreeSet<String>,
    pseudonyms: BTreeSet<String>,
}

impl Known {
    pub(super) fn new(columns: &[ColumnRule]) -> Self {
        let of = |wanted: &dyn Fn(Class) -> bool| {
            columns
                .iter()
                .filter(|column| wanted(column.class))
                .map(|column| column.name.clone())
                .collect()
        };
        Self {
            columns: of(&|class| !matches!(class, Class::Drop | Class::Pseudonym)),
            pseudonyms: of(&|class| class == Class::Pseudonym),
        }
    }

    fn code(&self, section: &Section<'_>, key: &str) -> Option<String> {
        let name = section.string(key)?;
        if !self.pseudonyms.contains(&name) {
            section.refuse(key, "код участника берётся из столбца с class = \"pseudonym\"");
        }
        Some(name)
    }

    fn column(&self, section: &Section<'_>, key: &str) -> Option<String> {
        let name = section.string(key)?;
        self.check(section, key, &name);
        Some(name)
    }

    fn columns(&self, section: &Section<'_>, key: &str) -> Vec<String> {
        let names = section.strings(key).unwrap_or_default();
        for name in &names {
            self.check(section, key, name);
        }
        names
    }

    pub(super) fn check(&self, section: &Section<'_>, key: &str, name: &str) {
        if !self.columns.contains(name) {
            let known: Vec<&str> = self.columns.iter().map(String::as_str).collect();
            section.refuse(
                key,
                &format!("столбец «{name}» не объявлен; объявлены: {}", known.join(", ")),
            );
        }
    }
}

pub(super) fn context(section: Section<'_>, known: &Known) -> ContextRule {
    let name = section.need_string("name");
    let mut from = Vec::new();
    for word in section.strings("from").unwrap_or_default() {
        match word.split_once(':') {
            Some(("first_row", column)) => {
                // The grade is the first digit of a pupil's code: the pattern takes that digit and no more.
                let a_part = known.pseudonyms.contains(column) && section.has("pattern");
                if !a_part {
                    known.check(&section, "from", column);
                }
                from.push(ContextPlace::FirstRow(column.to_owned()));
            }
            None if word == "sheet_name" => from.push(ContextPlace::SheetName),
            None if word == "file_name" => from.push(ContextPlace::FileName),
            None if word == "above_header" => from.push(ContextPlace::AboveHeader),
            _ => section.refuse(
                "from",
                "допустимы: sheet_name, file_name, above_header, first_row:СТОЛБЕЦ",
            ),
        }
    }
    let value = section.string("value");
    if value.is_some() != from.is_empty() {
        section.refuse("value", "нужно ровно одно из двух: from или value");
    }
    let rule = ContextRule {
        name,
        from,
        pattern: regex(&section, "pattern", &["v"]),
        reading: reading(&section),
        value,
        required: section.boolean("required").unwrap_or(true),
    };
    section.done();
    rule
}

pub(super) fn rows(section: Section<'_>, known: &Known) -> RowRules {
    let rules = RowRules {
        skip_containing: section.strings("skip_containing").unwrap_or_default(),
        fill_down: known.columns(&section, "fill_down"),
    };
    section.done();
    rules
}

pub(super) fn unit(section: Section<'_>, known: &Known) -> UnitColumns {
    let unit = UnitColumns {
        login: known.column(&section, "login"),
        ogrn: known.column(&section, "ogrn"),
        inn: known.column(&section, "inn"),
        code: known.column(&section, "code"),
        name: known.column(&section, "name"),
        site: known.column(&section, "site"),
    };
    section.done();
    unit
}

fn measure(section: &Section<'_>, key: &str) -> Option<Measure> {
    let words: Vec<(&str, Measure)> = Measure::ALL.iter().map(|word| (word.as_str(), *word)).collect();
    section.choice(key, &words)
}

pub(super) fn observation(section: Section<'_>, known: &Known) -> Option<ObservationRule> {
    let fixed = measure(&section, "measure").map(MeasureOf::Fixed);
    let measure = fixed.or_else(|| known.column(&section, "measure_column").map(MeasureOf::Column));
    if measure.is_none() && !section.has("measure") {
        section.missing("measure", "мера или measure_column");
    }
    let value = known.column(&section, "value");
    if value.is_none() && !section.has("value") {
        section.missing("value", "столбец с числом");
    }
    let n = known.column(&section, "n");
    let keys = known.columns(&section, "keys");
    let constants = section.section("breakdown").map(words).unwrap_or_default();
    section.done();
    Some(ObservationRule {
        measure: measure?,
        value: value?,
        n,
        keys,
        constants,
    })
}

pub(super) fn unpivot(section: Section<'_>) -> Option<Unpivot> {
    let header = regex(&section, "header", &["metric"]);
    if header.is_none() && !section.has("header") {
        section.missing("header", "образец заголовка с группой (?<metric>…)");
    }
    let empty = section.strings("empty").unwrap_or_default();
    let metrics: Vec<Metric> = section.sections("metric").into_iter().filter_map(metric).collect();
    if metrics.is_empty() {
        section.missing("metric", "хотя бы один раздел [[unpivot.metric]]");
    }
    section.done();
    Some(Unpivot {
        header: header?,
        empty,
        metrics,
    })
}

fn metric(section: Section<'_>) -> Option<Metric> {
    let pattern = regex(&section, "pattern", &[]);
    let found = measure(&section, "measure");
    for (key, missing) in [("pattern", pattern.is_none()), ("measure", found.is_none())] {
        if missing && !section.has(key) {
            section.missing(key, "образец показателя и его мера");
        }
    }
    let n = measure(&section, "n");
    let constants = section.section("breakdown").map(words).unwrap_or_default();
    section.done();
    Some(Metric {
        pattern: pattern?,
        measure: found?,
        constants,
        n,
    })
}

pub(super) fn participant(section: Section<'_>, known: &Known) -> ParticipantRule {
    let column = |key| known.column(&section, key);
    let words = |key| section.strings(key).unwrap_or_default();
    let rule = ParticipantRule {
        tasks: regex(&section, "tasks", &["task"]),
        code: known.code(&section, "code"),
        variant: column("variant"),
        absent: words("absent"),
        skipped: words("skipped"),
        not_taught: words("not_taught"),
        total: column("total"),
        mark: column("mark"),
        journal: column("journal"),
        test_score: column("test_score"),
        sex: column("sex"),
        category: column("category"),
        uploaded_at: column("uploaded_at"),
    };
    section.done();
    rule
}
