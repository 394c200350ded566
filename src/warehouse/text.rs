//! How moments, problems and words stand in text columns.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::message::{Problem, find};

const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// A moment as text that sorts by time.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format(MOMENT).to_string()
}

/// Reads what [`moment`] wrote.
///
/// # Errors
/// `MSK-DB-16` naming table and text.
pub(super) fn read_moment(table: &'static str, text: &str) -> Result<DateTime<Utc>, Problem> {
    NaiveDateTime::parse_from_str(text, MOMENT)
        .map(|moment| moment.and_utc())
        .map_err(|_| unreadable(table, "—", text))
}

/// The problem of a column that holds what this program never writes.
pub(super) fn unreadable(table: &'static str, id: impl std::fmt::Display, what: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-DB-16")
        .arg("table", table)
        .arg("id", id)
        .arg("what", what)
}

/// A problem taken apart for its four columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProblemColumns {
    pub(super) code: Option<String>,
    pub(super) args: Option<String>,
    pub(super) place: Option<String>,
    pub(super) detail: Option<String>,
}

impl ProblemColumns {
    /// Takes a problem apart; the names of the arguments come from the catalogue.
    pub(super) fn of(problem: Option<&Problem>) -> Self {
        let Some(problem) = problem else { return Self::default() };
        let args: serde_json::Map<String, serde_json::Value> = names(problem.code())
            .filter_map(|name| Some((name.to_owned(), problem.get(name)?.into())))
            .collect();
        Self {
            code: Some(problem.code().to_owned()),
            args: Some(serde_json::Value::Object(args).to_string()),
            place: problem.place().map(str::to_owned),
            detail: problem.detail().map(str::to_owned),
        }
    }

    /// Puts the problem together again; a code that this version does not know becomes `MSK-DB-16`.
    pub(super) fn problem(&self) -> Option<Problem> {
        let code = self.code.as_deref()?;
        let Some(entry) = find(code) else {
            return Some(unreadable("problem", "—", code));
        };
        let args: serde_json::Map<String, serde_json::Value> = self
            .args
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let mut problem = Problem::new(entry.code);
        for name in names(entry.code) {
            if let Some(value) = args.get(name).and_then(serde_json::Value::as_str) {
                problem = problem.arg(name, value);
            }
        }
        if let Some(place) = &self.place {
            problem = problem.at(place);
        }
        if let Some(detail) = &self.detail {
            problem = problem.because(detail);
        }
        Some(problem)
    }
}

/// Names of the arguments in the texts of a code.
fn names(code: &str) -> impl Iterator<Item = &'static str> {
    let text = find(code).map_or("", |entry| entry.ru);
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_survives_its_columns() {
        let problem = Problem::new("MSK-DEC-03")
            .arg("sheet", "Классы")
            .arg("column", "Код")
            .arg("found", "Логин")
            .at("a.xlsx")
            .because("EOF");
        let columns = ProblemColumns::of(Some(&problem));
        assert_eq!(columns.problem(), Some(problem));
        assert_eq!(ProblemColumns::of(None).problem(), None);
    }

    #[test]
    fn a_code_of_another_version_is_named_and_not_lost() {
        let columns = ProblemColumns {
            code: Some("MSK-XYZ-99".to_owned()),
            ..ProblemColumns::default()
        };
        let problem = columns.problem().expect("a problem");
        assert_eq!((problem.code(), problem.get("what")), ("MSK-DB-16", Some("MSK-XYZ-99")));
    }

    #[test]
    fn moments_sort_as_text() {
        let early = read_moment("run", "2026-02-02T07:00:00.000Z").expect("read");
        assert_eq!(moment(early), "2026-02-02T07:00:00.000Z");
        assert_eq!(
            read_moment("run", "yesterday").expect_err("refused").code(),
            "MSK-DB-16"
        );
    }
}
