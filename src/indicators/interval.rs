//! Intervals of 95 % for shares: Wilson for one, Newcombe for a difference of two.

/// Quantile of the normal distribution for 95 %.
const Z: f64 = 1.96;

/// Bounds of an interval (доверительный интервал), as fractions of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// True when the value lies inside, bounds included.
    #[must_use]
    pub fn covers(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Wilson's interval for `k` of `n`; `None` when `n` is nought or `k` does not fit.
#[must_use]
pub fn wilson(k: i64, n: i64) -> Option<Interval> {
    if n <= 0 || !(0..=n).contains(&k) {
        return None;
    }
    let (share, n) = (fraction(k, n), to_f64(n));
    let spread = Z * Z / n;
    let centre = (share + spread / 2.0) / (1.0 + spread);
    let half = Z * (share * (1.0 - share) / n + spread / (4.0 * n)).sqrt() / (1.0 + spread);
    Some(Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    })
}

/// Newcombe's interval for the difference `k1/n1 − k2/n2`.
#[must_use]
pub fn newcombe((k1, n1): (i64, i64), (k2, n2): (i64, i64)) -> Option<Interval> {
    let (first, second) = (wilson(k1, n1)?, wilson(k2, n2)?);
    let (p1, p2) = (fraction(k1, n1), fraction(k2, n2));
    Some(Interval {
        low: p1 - p2 - (p1 - first.low).hypot(second.high - p2),
        high: p1 - p2 + (first.high - p1).hypot(p2 - second.low),
    })
}

fn fraction(k: i64, n: i64) -> f64 {
    to_f64(k) / to_f64(n)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a country stay far below 2^52")]
fn to_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(interval: Option<Interval>) -> String {
        let interval = interval.expect("an interval");
        format!("{:.1} {:.1}", interval.low * 100.0, interval.high * 100.0)
    }

    #[test]
    fn intervals_are_those_of_the_worked_examples() {
        for ((k, n), text) in [
            ((3, 10), "10.8 60.3"),
            ((0, 6), "0.0 39.0"),
            ((30, 100), "21.9 39.6"),
            ((1, 82), "0.2 6.6"),
            ((5, 18), "12.5 50.9"),
            ((1, 30), "0.6 16.7"),
        ] {
            assert_eq!(shown(wilson(k, n)), text, "{k} of {n}");
        }
        assert_eq!(shown(newcombe((29, 131), (14, 120))), "1.1 19.6");
        assert_eq!(shown(newcombe((5, 18), (2, 20))), "-7.5 42.0");
        assert_eq!(wilson(1, 0), None);
        assert_eq!(wilson(3, 2), None);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_own_share(n in 1i64..5000, part in 0.0f64..=1.0) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 5000")]
            let k = (to_f64(n) * part) as i64;
            let interval = wilson(k, n).expect("k fits n");
            prop_assert!(interval.low <= fraction(k, n) + 1e-12 && fraction(k, n) <= interval.high + 1e-12);
            prop_assert!(newcombe((k, n), (k, n)).expect("an interval").covers(0.0));
        }
    }
}
