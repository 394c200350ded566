//! Rules 1.5.3 and 1.5.4 of the reports page: when a difference or a change is worth a sentence.

use std::cmp::Ordering;

use super::interval::{newcombe, wilson};
use super::{Interval, Value, dynamics};
use crate::domain::number::Ratio;

/// Thresholds of both rules (пороги), as fractions of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Smallest difference worth a sentence: 5 п.п.
    pub notable: Ratio,
    /// Fewer participants give no conclusion: 10.
    pub least: i64,
    /// Fewer participants are a small sample: 20.
    pub small: i64,
}

/// What may be said about two shares (суждение).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Notably above, or grown.
    Above,
    /// On a level, or within chance.
    Level,
    /// Notably below, or fallen.
    Below,
    /// Too few participants for any conclusion.
    TooFew,
}

/// A share against a reference (отличие от ориентира).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Share − reference, exact.
    pub delta: Ratio,
    /// Wilson's interval of the share.
    pub interval: Interval,
    /// The verdict.
    pub verdict: Verdict,
    /// Fewer participants than the threshold of a small sample.
    pub small_sample: bool,
}

/// A share against the same share a year before (изменение за год).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Now − before, exact.
    pub delta: Ratio,
    /// Newcombe's interval of the difference.
    pub interval: Interval,
    /// The verdict.
    pub verdict: Verdict,
    /// One of the two years is a small sample.
    pub small_sample: bool,
}

/// Compares a share with a reference: notable when |Δ| reaches the threshold and Wilson's interval leaves the
/// reference out. `None` when the value is no share of participants.
#[must_use]
pub fn difference(value: &Value, reference: Ratio, rules: &Thresholds) -> Option<Difference> {
    let interval = wilson(value.k, value.n)?;
    let delta = value.ratio().minus(reference);
    let chance = interval.covers(reference.to_f64());
    Some(Difference {
        delta,
        interval,
        verdict: verdict(delta, chance, value.n, rules),
        small_sample: value.n < rules.small,
    })
}

/// Compares a share with itself a year before: notable when |Δ| reaches the threshold and Newcombe's interval of
/// the difference leaves nought out.
#[must_use]
pub fn change(now: &Value, before: &Value, rules: &Thresholds) -> Option<Change> {
    let interval = newcombe((now.k, now.n), (before.k, before.n))?;
    let delta = dynamics(now, before);
    let fewer = now.n.min(before.n);
    Some(Change {
        delta,
        interval,
        verdict: verdict(delta, interval.covers(0.0), fewer, rules),
        small_sample: fewer < rules.small,
    })
}

fn verdict(delta: Ratio, chance: bool, n: i64, rules: &Thresholds) -> Verdict {
    if n < rules.least {
        return Verdict::TooFew;
    }
    if chance || delta.abs().compare(rules.notable) == Ordering::Less {
        return Verdict::Level;
    }
    match delta.compare(delta.minus(delta)) {
        Ordering::Greater => Verdict::Above,
        _ => Verdict::Below,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::Counted;

    fn rules() -> Thresholds {
        Thresholds {
            notable: Ratio::of(5, 100).expect("five points"),
            least: 10,
            small: 20,
        }
    }

    fn value(k: i64, n: i64) -> Value {
        Value::of(&Counted::bare(k), &Counted::bare(n)).expect("a share")
    }

    #[test]
    fn the_worked_example_names_school_a_and_nobody_else() {
        let district = Ratio::of(6, 57).expect("57 participants");
        for ((k, n), verdict, small) in [
            ((5, 18), Verdict::Above, true),
            ((1, 30), Verdict::Level, false),
            ((0, 9), Verdict::TooFew, true),
        ] {
            let found = difference(&value(k, n), district, &rules()).expect("a share");
            assert_eq!((found.verdict, found.small_sample), (verdict, small), "{k} of {n}");
        }
    }

    #[test]
    fn a_change_counts_only_when_chance_does_not_explain_it() {
        let grown = change(&value(29, 131), &value(14, 120), &rules()).expect("shares");
        assert_eq!((grown.verdict, grown.small_sample), (Verdict::Above, false));
        let chance = change(&value(5, 18), &value(2, 20), &rules()).expect("shares");
        assert_eq!((chance.verdict, chance.small_sample), (Verdict::Level, true));
        let fallen = change(&value(14, 120), &value(29, 131), &rules()).expect("shares");
        assert_eq!(fallen.verdict, Verdict::Below);
    }

    #[test]
    fn a_certain_but_tiny_difference_is_on_a_level() {
        let reference = Ratio::of(10, 100).expect("a share");
        let found = difference(&value(1400, 10_000), reference, &rules()).expect("a share");
        assert!(!found.interval.covers(0.1));
        assert_eq!(found.verdict, Verdict::Level);
    }
}
