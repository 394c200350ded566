//! What no number can be, whatever the file: bounds that follow from what a measure counts.

use crate::domain::observation::Observation;
use crate::domain::vocabulary::Measure;
use crate::message::Problem;

/// Why a number cannot be: `MSK-VAL-10` for a value that its measure does not have, `MSK-VAL-11` for a part that is
/// larger than the participants beside it.
#[must_use]
pub fn impossible(number: &Observation) -> Option<Problem> {
    let value = number.value;
    let allowed = match number.measure {
        Measure::Share => "числа от 0 до 100",
        Measure::Index => return None,
        measure if measure.is_count() => "целые числа от 0",
        _ => "числа от 0",
    };
    let too_large = number.measure == Measure::Share && value.to_f64() > 100.0;
    let broken = number.measure.is_count() && value.scale > 0;
    if value.units < 0 || too_large || broken {
        let problem = Problem::new("MSK-VAL-10").arg("measure", number.measure.as_str());
        return Some(problem.arg("found", value).arg("allowed", allowed));
    }
    let n = number
        .n
        .filter(|n| *n < 0 || number.measure.is_count() && value.units > *n)?;
    let problem = Problem::new("MSK-VAL-11").arg("measure", number.measure.as_str());
    Some(problem.arg("found", value).arg("n", n))
}
