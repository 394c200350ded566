//! The one Russian formatter: numbers, shares, dates and the agreement of nouns. Letters, documents, charts and
//! text cells of workbooks all speak through it.
//!
//! Takes exact integers and ratios, rounds once, for display, half away from zero. Never computes an indicator.
//!
//! ```
//! use msoko::domain::number::{Forms, Ratio, agree, percent};
//! assert_eq!(percent(Ratio::of(5, 18).expect("18 participants")), "27,8\u{a0}%");
//! assert_eq!(agree(21, Forms::new("школа", "школы", "школ", "школы")), "21\u{a0}школа");
//! ```

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};

use super::observation::Amount;

/// No-break space: before «%», «чел.», «п.п.», «г.» and between a number and its noun.
pub const NBSP: char = '\u{a0}';
/// Narrow no-break space between groups of three digits.
const GROUP: char = '\u{202f}';
/// Minus sign; a hyphen is none.
const MINUS: char = '\u{2212}';
/// Numbers of five digits and more are grouped, as Russian typesetting does.
const GROUPED_FROM: i128 = 10_000;

/// An exact fraction (отношение) with a positive denominator.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    /// `over / under`; `None` when nothing stands below the line. Denominators are counts, hence never negative.
    #[must_use]
    pub fn of(over: i64, under: i64) -> Option<Self> {
        (under > 0).then_some(Self {
            over: i128::from(over),
            under: i128::from(under),
        })
    }

    /// `over / under` of counts known not to be nought; nothing below the line counts as one.
    #[must_use]
    pub fn of_counts(over: i64, under: i64) -> Self {
        Self {
            over: i128::from(over),
            under: i128::from(under.max(1)),
        }
    }

    /// The fraction of one behind a ready-made share in percent.
    #[must_use]
    pub fn of_percent(percent: Amount) -> Self {
        let value = Self::of_amount(percent);
        Self {
            under: value.under * 100,
            ..value
        }
    }

    /// The exact value of a decimal.
    #[must_use]
    pub fn of_amount(amount: Amount) -> Self {
        Self {
            over: i128::from(amount.units),
            under: 10i128.pow(u32::from(amount.scale.min(18))),
        }
    }

    /// Exact difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            over: self.over * other.under - other.over * self.under,
            under: self.under * other.under,
        }
        .reduced()
    }

    /// Distance from zero.
    #[must_use]
    pub fn abs(self) -> Self {
        Self {
            over: self.over.abs(),
            under: self.under,
        }
    }

    /// `self` compared with `over / under`.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        (self.over * other.under).cmp(&(other.over * self.under))
    }

    /// Nearest floating-point number, for intervals and charts only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of a country stay far below 2^52")]
    pub fn to_f64(self) -> f64 {
        self.over as f64 / self.under as f64
    }

    /// The value times `factor`, rounded half away from zero to `digits` after the point, without its point.
    #[must_use]
    pub fn rounded(self, factor: i64, digits: u8) -> Amount {
        let scaled = self.over * i128::from(factor) * 10i128.pow(u32::from(digits));
        let magnitude = (scaled.abs() * 2 + self.under) / (self.under * 2);
        let units = i64::try_from(magnitude).unwrap_or(i64::MAX);
        Amount {
            units: if scaled < 0 { -units } else { units },
            scale: digits,
        }
    }

    fn reduced(self) -> Self {
        let (mut large, mut small) = (self.over.abs(), self.under);
        while small != 0 {
            (large, small) = (small, large % small);
        }
        Self {
            over: self.over / large.max(1),
            under: self.under / large.max(1),
        }
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

/// A whole number: `12 345`, `−7`.
#[must_use]
pub fn whole(value: i64) -> String {
    decimal(Amount::whole(value))
}

/// A decimal with all digits of its scale: `3,65`, `−0,50`.
#[must_use]
pub fn decimal(value: Amount) -> String {
    let divisor = 10i128.pow(u32::from(value.scale));
    let magnitude = i128::from(value.units).abs();
    let mut text = String::new();
    if value.units < 0 {
        text.push(MINUS);
    }
    text.push_str(&grouped(magnitude / divisor));
    if value.scale > 0 {
        let part = magnitude % divisor;
        text.push_str(&format!(",{part:0width$}", width = usize::from(value.scale)));
    }
    text
}

/// A share without its sign, one digit, for table cells: `45,3`.
#[must_use]
pub fn percent_bare(share: Ratio) -> String {
    decimal(share.rounded(100, 1))
}

/// A share: `45,3 %`.
#[must_use]
pub fn percent(share: Ratio) -> String {
    format!("{}{NBSP}%", percent_bare(share))
}

/// A difference of shares without direction: `17,3 п.п.`, `−3,2 п.п.`.
#[must_use]
pub fn points(difference: Ratio) -> String {
    format!("{}{NBSP}п.п.", percent_bare(difference))
}

/// A difference of shares with its sign, also for growth: `+17,3 п.п.`.
#[must_use]
pub fn signed_points(difference: Ratio) -> String {
    let rounded = difference.rounded(100, 1);
    let sign = if rounded.units > 0 { "+" } else { "" };
    format!("{sign}{}{NBSP}п.п.", decimal(rounded))
}

/// A mean with two digits: `3,65`.
#[must_use]
pub fn mean(value: Ratio) -> String {
    decimal(value.rounded(1, 2))
}

/// A date in running text: `1 марта 2026 г.`.
#[must_use]
pub fn date_long(date: NaiveDate) -> String {
    const MONTHS: [&str; 12] = [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ];
    let month = MONTHS[date.month0() as usize];
    format!("{}{NBSP}{month}{NBSP}{}{NBSP}г.", date.day(), date.year())
}

/// A date in a table: `01.03.2026`.
#[must_use]
pub fn date_short(date: NaiveDate) -> String {
    date.format("%d.%m.%Y").to_string()
}

/// Two letters of the day of the week: `вс`.
#[must_use]
pub fn weekday_short(date: NaiveDate) -> &'static str {
    ["пн", "вт", "ср", "чт", "пт", "сб", "вс"][date.weekday().num_days_from_monday() as usize]
}

/// A moment in the municipality's zone: `20.02.2026 06:10`.
#[must_use]
pub fn moment(at: DateTime<FixedOffset>) -> String {
    at.format("%d.%m.%Y\u{a0}%H:%M").to_string()
}

/// The four forms of a noun, verb or phrase (согласование): 1 школа, 2 школы, 5 школ, 1,5 школы.
#[derive(Debug, Clone, Copy)]
pub struct Forms<'a> {
    one: &'a str,
    few: &'a str,
    many: &'a str,
    other: &'a str,
}

impl<'a> Forms<'a> {
    /// Forms for 1, 2, 5 and 1,5 in this order.
    #[must_use]
    pub const fn new(one: &'a str, few: &'a str, many: &'a str, other: &'a str) -> Self {
        Self { one, few, many, other }
    }

    /// The form that agrees with a whole number.
    #[must_use]
    pub const fn with(self, count: i64) -> &'a str {
        let count = count.unsigned_abs();
        match (count % 10, count % 100) {
            (_, 11..=14) => self.many,
            (1, _) => self.one,
            (2..=4, _) => self.few,
            _ => self.many,
        }
    }

    /// The form that agrees with a decimal; a whole one is treated as whole.
    #[must_use]
    pub fn with_decimal(self, value: Amount) -> &'a str {
        if value.scale == 0 {
            self.with(value.units)
        } else {
            self.other
        }
    }
}

/// A whole number with its noun: `21 школа`.
#[must_use]
pub fn agree(count: i64, noun: Forms<'_>) -> String {
    format!("{}{NBSP}{}", whole(count), noun.with(count))
}

/// A decimal with its noun: `1,5 школы`.
#[must_use]
pub fn agree_decimal(value: Amount, noun: Forms<'_>) -> String {
    format!("{}{NBSP}{}", decimal(value), noun.with_decimal(value))
}

fn grouped(magnitude: i128) -> String {
    let digits = magnitude.to_string();
    if magnitude < GROUPED_FROM {
        return digits;
    }
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(GROUP);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(over: i64, under: i64) -> Ratio {
        Ratio::of(over, under).expect("a denominator")
    }

    #[test]
    fn numbers_are_written_as_an_official_writes_them() {
        assert_eq!(percent(ratio(453, 1000)), "45,3\u{a0}%");
        assert_eq!(points(ratio(-32, 1000)), "\u{2212}3,2\u{a0}п.п.");
        assert_eq!(signed_points(ratio(173, 1000)), "+17,3\u{a0}п.п.");
        assert_eq!(whole(12_345), "12\u{202f}345");
        assert_eq!(whole(-1_234_567), "\u{2212}1\u{202f}234\u{202f}567");
        assert_eq!(mean(ratio(208, 57)), "3,65");
        assert_eq!(decimal(Amount { units: -5, scale: 2 }), "\u{2212}0,05");
    }

    #[test]
    fn halves_are_rounded_away_from_zero_and_a_vanishing_difference_has_no_sign() {
        assert_eq!(percent_bare(ratio(1, 2000)), "0,1");
        assert_eq!(percent_bare(ratio(-1, 2000)), "\u{2212}0,1");
        assert_eq!(signed_points(ratio(-1, 9000)), "0,0\u{a0}п.п.");
    }

    #[test]
    fn dates_keep_together() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");
        assert_eq!(date_long(date), "1\u{a0}марта\u{a0}2026\u{a0}г.");
        assert_eq!(date_short(date), "01.03.2026");
        assert_eq!(weekday_short(date), "вс");
    }

    #[test]
    fn nouns_agree_with_their_number() {
        let school = Forms::new("школа", "школы", "школ", "школы");
        for (count, form) in [
            (1, "школа"),
            (2, "школы"),
            (5, "школ"),
            (11, "школ"),
            (21, "школа"),
            (22, "школы"),
            (111, "школ"),
            (0, "школ"),
        ] {
            assert_eq!(agree(count, school), format!("{count}\u{a0}{form}"));
        }
        assert_eq!(agree_decimal(Amount { units: 15, scale: 1 }, school), "1,5\u{a0}школы");
        let stay = Forms::new("остался", "осталось", "осталось", "осталось");
        let days = Forms::new("рабочий день", "рабочих дня", "рабочих дней", "рабочего дня");
        for (count, text) in [
            (1, "остался 1\u{a0}рабочий день"),
            (2, "осталось 2\u{a0}рабочих дня"),
            (5, "осталось 5\u{a0}рабочих дней"),
            (21, "остался 21\u{a0}рабочий день"),
        ] {
            assert_eq!(format!("{} {}", stay.with(count), agree(count, days)), text);
        }
    }

    proptest! {
        #[test]
        fn a_rounded_share_is_within_half_a_digit(over in 0i64..1_000_000, under in 1i64..1_000_000) {
            let exact = ratio(over, under).to_f64() * 100.0;
            let shown = ratio(over, under).rounded(100, 1).to_f64();
            prop_assert!((exact - shown).abs() <= 0.05 + 1e-6 * exact);
        }

        #[test]
        fn differences_are_exact(a in 0i64..1000, b in 1i64..1000, c in 0i64..1000, d in 1i64..1000) {
            let difference = ratio(a, b).minus(ratio(c, d));
            prop_assert!(difference == ratio(a * d - c * b, b * d));
        }
    }
}
