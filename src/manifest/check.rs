//! `[[check]]`: the closed list of rules about rows, and the one about a delivery as a whole.

use super::grammar::{Connector, Contract, Kind, MeasureOf, ObservationRule};
use super::read::percent;
use super::read_parts::Known;
use crate::domain::vocabulary::Measure;
use crate::strict_toml::Section;

/// A check of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The rule.
    pub rule: Rule,
    /// Operands: names of declared columns or, where the header names the measures, measures; then the rule holds
    /// within one row and subject.
    pub columns: Vec<String>,
    /// Name for people; the rule's own name when absent.
    pub name: Option<String>,
    /// What a failure does.
    pub severity: Severity,
}

/// The closed list of rules.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The columns add up to the total.
    SumEquals(Total),
    /// The columns add up to no more than the total.
    SumAtMost(Total),
    /// Each column lies within the bounds.
    Between {
        /// Smallest value allowed.
        min: Option<f64>,
        /// Largest value allowed.
        max: Option<f64>,
    },
    /// Each column is at most another one.
    AtMostColumn {
        /// The other operand.
        limit: String,
    },
    /// No two rows share the columns.
    Unique,
    /// Each column holds one of the values.
    OneOf {
        /// The values.
        values: Vec<String>,
    },
    /// ИНН and ОГРН have their check digits.
    CheckDigits,
    /// Each column is at most what a reference document allows; not checked where there is none.
    AtMostReference(Bound),
    /// Each column is a date of the row's round.
    DateInRound,
}

/// What a reference document bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Highest primary score of the work by its scale in `config/scales.toml`.
    Scale,
    /// Sum of the highest points of the tasks as the header prints them.
    Tasks,
}

impl Rule {
    /// The word of the manifest.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SumEquals(_) => "sum_equals",
            Self::SumAtMost(_) => "sum_at_most",
            Self::Between { .. } => "between",
            Self::AtMostColumn { .. } => "at_most_column",
            Self::Unique => "unique",
            Self::OneOf { .. } => "one_of",
            Self::CheckDigits => "check_digits",
            Self::AtMostReference(_) => "at_most_reference",
            Self::DateInRound => "date_in_round",
        }
    }
}

/// What columns must add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// What holds the total.
    pub of: TotalOf,
    /// Difference allowed: shares rounded to two digits may sum to 99.99.
    pub tolerance: f64,
}

/// Where a total comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum TotalOf {
    /// An operand of the row.
    Operand(String),
    /// The same number in every row: shares add up to 100.
    Number(f64),
}

/// What a failed check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The row is loaded, the problem is reported.
    Warning,
    /// The row goes to quarantine.
    QuarantineRow,
    /// The file is refused.
    RefuseFile,
}

pub(super) fn checks<'d>(
    sections: impl Iterator<Item = Section<'d>>,
    known: &Known,
    contract: &mut Contract,
) -> Vec<Check> {
    sections.filter_map(|section| check(section, known, contract)).collect()
}

fn check(section: Section<'_>, known: &Known, contract: &mut Contract) -> Option<Check> {
    let word = section.need_string("rule");
    if word == NOT_FEWER {
        contract.least_of_previous = least(&section);
        section.done();
        return None;
    }
    let name = section.string("name");
    let severity = section
        .choice(
            "severity",
            &[
                ("warning", Severity::Warning),
                ("quarantine_row", Severity::QuarantineRow),
                ("refuse_file", Severity::RefuseFile),
            ],
        )
        .unwrap_or(Severity::QuarantineRow);
    let columns = operands(&section, known, "columns");
    let rule = rule(&section, &word, known);
    section.done();
    Some(Check {
        rule: rule?,
        columns,
        name,
        severity,
    })
}

/// The rule about a delivery as a whole: it bounds what the contract lets through without confirmation.
const NOT_FEWER: &str = "not_fewer_than_previous";

/// `least` of that rule in percent.
fn least(section: &Section<'_>) -> u8 {
    let percent = percent(section, "least");
    if percent.is_none() && !section.has("least") {
        section.missing("least", "наименьшая доля прежнего вида \"90%\"");
    }
    let whole = percent.filter(|percent| percent.fract() == 0.0);
    if percent.is_some() && whole.is_none() {
        section.refuse("least", "целое число процентов вида \"90%\"");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 100"
    )]
    let least = whole.unwrap_or_default() as u8;
    least
}

/// An operand is a declared column or a measure.
fn operands(section: &Section<'_>, known: &Known, key: &str) -> Vec<String> {
    let names = section.strings(key).unwrap_or_default();
    if names.is_empty() && !section.has(key) {
        section.missing(key, "столбец или мера");
    }
    for name in names.iter().filter(|name| Measure::parse(name).is_none()) {
        known.check(section, key, name);
    }
    names
}

fn rule(section: &Section<'_>, word: &str, known: &Known) -> Option<Rule> {
    let one = |key| operands(section, known, key).into_iter().next().unwrap_or_default();
    let total = || Total {
        of: if section.is_number("total") {
            TotalOf::Number(section.decimal("total").unwrap_or_default())
        } else {
            TotalOf::Operand(one("total"))
        },
        tolerance: section.decimal("tolerance").unwrap_or(0.0),
    };
    match word {
        "sum_equals" => Some(Rule::SumEquals(total())),
        "sum_at_most" => Some(Rule::SumAtMost(total())),
        "between" => {
            let (min, max) = (section.decimal("min"), section.decimal("max"));
            if min.is_none() && max.is_none() {
                section.missing("min", "хотя бы одна граница: min или max");
            }
            Some(Rule::Between { min, max })
        }
        "at_most_column" => Some(Rule::AtMostColumn { limit: one("limit") }),
        "at_most_reference" => {
            let bound = section.choice("reference", &[("scale", Bound::Scale), ("tasks", Bound::Tasks)]);
            if bound.is_none() && !section.has("reference") {
                section.missing("reference", "scale (шкала работы) или tasks (баллы в заголовке)");
            }
            Some(Rule::AtMostReference(bound?))
        }
        "date_in_round" => Some(Rule::DateInRound),
        "unique" => Some(Rule::Unique),
        "one_of" => Some(Rule::OneOf {
            values: section.strings("values").unwrap_or_default(),
        }),
        "check_digits" => Some(Rule::CheckDigits),
        _ => {
            let known = "sum_equals, sum_at_most, between, at_most_column, at_most_reference, date_in_round, unique, \
                         one_of, check_digits, not_fewer_than_previous";
            section.refuse("rule", &format!("такого правила нет; допустимы: {known}"));
            let _ = section.free_keys();
            None
        }
    }
}

/// Refuses rules that could never fail: they would be a promise without a check behind it.
pub(super) fn fit_together(root: &Section<'_>, connector: &Connector) {
    let column = |name: &String| connector.columns.iter().find(|column| column.name == *name);
    let a_number_a_row = |rule: &ObservationRule| matches!(rule.measure, MeasureOf::Column(_));
    let by_series = connector.observations.iter().any(a_number_a_row);
    for check in &connector.checks {
        let word = check.rule.as_str();
        let mut operands: Vec<&String> = check.columns.iter().collect();
        match &check.rule {
            Rule::SumEquals(Total { of, .. }) | Rule::SumAtMost(Total { of, .. }) => {
                if let TotalOf::Operand(name) = of {
                    operands.push(name);
                }
            }
            Rule::AtMostColumn { limit } => operands.push(limit),
            Rule::AtMostReference(Bound::Tasks) if connector.participant.is_none() => {
                root.refuse(
                    "check",
                    &format!("{word}: reference = \"tasks\" бывает только у файла с участниками"),
                );
            }
            Rule::DateInRound => {
                let is_date = |name: &&String| column(name).is_some_and(|column| column.reading.kind == Kind::Date);
                if let Some(name) = check.columns.iter().find(|name| !is_date(name)) {
                    root.refuse(
                        "check",
                        &format!("{word}: столбец «{name}» должен иметь type = \"date\""),
                    );
                }
            }
            _ => {}
        }
        let measures = operands.iter().filter(|name| column(name).is_none()).count();
        if by_series && (1..operands.len()).contains(&measures) {
            let reason = format!("{word}: где каждое число стоит в своей строке, меры не сравнивают со столбцами");
            root.refuse("check", &reason);
        }
    }
}
