//! Thresholds of the reports as data: `config/reports/rules.toml`, its version printed in every document.

use crate::domain::number::Ratio;
use crate::indicators::Thresholds;
use crate::message::Problems;
use crate::privacy::suppress::Limits;
use crate::strict_toml::{Document, Section};

/// The rules that ship with the product.
const SHIPPED: &str = include_str!("../../config/reports/rules.toml");
const SHIPPED_NAME: &str = "config/reports/rules.toml";

/// Thresholds of conclusions (правила выводов).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Printed in the document.
    pub version: String,
    /// When a difference or a change is notable.
    pub comparison: Thresholds,
    /// Small cells.
    pub limits: Limits,
    /// Coverage below this makes the report preliminary.
    pub coverage: Ratio,
    /// Growth of the share of «2» that is named negative dynamics.
    pub twos_growth: Ratio,
    /// Share of lowered or raised marks that is a marker.
    pub journal: Ratio,
    /// Organisations with a task not done that make it a matter of the district.
    pub skill_units: usize,
    /// Bounds for tasks of the basic level: enough, lacking.
    pub basic: (Ratio, Ratio),
    /// Bounds for tasks above the basic level.
    pub advanced: (Ratio, Ratio),
}

impl Rules {
    /// The rules that ship with the product.
    ///
    /// # Errors
    /// Never in a tested build: a test reads the same text.
    pub fn shipped() -> Result<Self, Problems> {
        Self::parse(SHIPPED_NAME, SHIPPED)
    }

    /// Reads a file of rules.
    ///
    /// # Errors
    /// Every fault of the file in one go (`MSK-CFG-…`). Bounds of small cells below the shipped ones are refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file, text)?;
        let root = document.root();
        let version = root.need_string("version");
        let comparison = read(&root, "comparison", |section| Thresholds {
            notable: percent(section, "notable_points"),
            least: whole(section, "least", 10),
            small: whole(section, "small", 20),
        });
        let cells = read(&root, "small_cells", |section| {
            (whole(section, "counts", 5), whole(section, "shares", 10))
        });
        let vpr = read(&root, "vpr", |section| {
            (
                percent(section, "coverage_percent"),
                percent(section, "twos_growth_points"),
                percent(section, "journal_percent"),
                whole(section, "skill_units", 1),
            )
        });
        let tasks = read(&root, "tasks", |section| {
            let bounds = |section: &Section<'_>| (percent(section, "enough"), percent(section, "lacking"));
            Some((read(section, "basic", bounds)?, read(section, "advanced", bounds)?))
        });
        root.done();
        let problems = document.problems();
        let (Some(comparison), Some(cells), Some(vpr), Some(Some(tasks)), true) =
            (comparison, cells, vpr, tasks, problems.is_empty())
        else {
            return Err(problems);
        };
        Ok(Self {
            version,
            comparison,
            limits: Limits {
                counts: cells.0,
                shares: cells.1,
                small: comparison.small,
            },
            coverage: vpr.0,
            twos_growth: vpr.1,
            journal: vpr.2,
            skill_units: usize::try_from(vpr.3).unwrap_or(usize::MAX),
            basic: tasks.0,
            advanced: tasks.1,
        })
    }
}

fn read<T>(parent: &Section<'_>, key: &str, with: impl Fn(&Section<'_>) -> T) -> Option<T> {
    let Some(section) = parent.section(key) else {
        if !parent.has(key) {
            parent.missing(key, "раздел");
        }
        return None;
    };
    let value = with(&section);
    section.done();
    Some(value)
}

fn percent(section: &Section<'_>, key: &str) -> Ratio {
    if !section.has(key) {
        section.missing(key, "число процентов, до одного знака после точки");
    }
    let value = section.decimal(key).unwrap_or_default();
    if !(0.0..=100.0).contains(&value) {
        section.refuse(key, "допустимо от 0 до 100");
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between 0 and 1000 after the check above"
    )]
    let permille = (value.clamp(0.0, 100.0) * 10.0).round() as i64;
    Ratio::of_counts(permille, 1000)
}

fn whole(section: &Section<'_>, key: &str, least: i64) -> i64 {
    if !section.has(key) {
        section.missing(key, "целое число");
    }
    section.integer(key, least..=1000).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_are_sound() {
        let rules = Rules::shipped().expect("the shipped file");
        assert_eq!(rules.limits, Limits::default());
        assert_eq!(rules.advanced.1, Ratio::of_counts(285, 1000));
    }

    #[test]
    fn small_cells_cannot_be_shown_by_lowering_a_bound() {
        let text = SHIPPED.replace("counts = 5", "counts = 2").replace("least = 10", "");
        let problems = Rules::parse("rules.toml", &text).expect_err("two faults");
        let lines: Vec<String> = problems.iter().map(|problem| problem.ru()).collect();
        assert!(
            lines
                .iter()
                .any(|line| line.contains("counts") && line.contains("от 5 до")),
            "{lines:?}"
        );
        assert!(lines.iter().any(|line| line.contains("«least»")), "{lines:?}");
    }
}
