//! Stored numbers → documents (справки).
//!
//! Takes: stored numbers with their origin, the register, the rules as data, who reads. Gives: a
//! [`crate::domain::document::Document`] whose every number keeps its cells of origin and whose every conclusion has
//! a rule and cells. Never: touches the database, reads the clock, draws, ranks organisations.
//!
//! Only R-VPR is built here; any other code of the list of reports is refused by name.

mod rules;
pub mod vpr;

pub use rules::Rules;

use crate::message::Problem;

/// Reports that can be rendered, with their Russian titles.
pub const KNOWN: &[(&str, &str)] = &[("R-VPR", "справка с анализом результатов ВПР")];

/// Checks the code of a report.
///
/// # Errors
/// `MSK-DOC-03` names the codes that can be rendered.
pub fn known(code: &str) -> Result<&'static str, Problem> {
    let known: Vec<&str> = KNOWN.iter().map(|(code, _)| *code).collect();
    KNOWN
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(code))
        .map(|(own, _)| *own)
        .ok_or_else(|| {
            Problem::new("MSK-DOC-03")
                .arg("code", code)
                .arg("known", known.join(", "))
        })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_report_that_is_not_built_is_refused_by_name() {
        assert_eq!(super::known("r-vpr"), Ok("R-VPR"));
        let problem = super::known("R-GIA9").expect_err("not built");
        assert!(problem.ru().contains("R-GIA9") && problem.ru().contains("R-VPR"));
    }
}
