//! What a reader may not see (data-protection rule 5): the table, and what could be solved from the rest.
//!
//! Nothing is decided here about the bounds themselves: [`crate::privacy::suppress`] knows them.

mod facts;
mod territory;
#[cfg(test)]
mod tests;
mod work;

use std::fmt;

pub use facts::FactScreen;
pub use work::{RoundScreen, TELLING, Verdict};

use crate::domain::observation::Amount;
use crate::privacy::suppress::Shown;

/// Why a number does not leave (причина скрытия).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Fewer people than this stand behind it.
    Below(i64),
    /// Fewer people than this: counts, but no sums, shares and means.
    NoShares(i64),
    /// Fewer people than this: ready-made shares only.
    SharesOnly(i64),
    /// Another hidden number could be solved from it.
    Complementary,
    /// Nobody knows how many people stand behind it.
    Unknown,
    /// A share near nought.
    NearNought,
    /// A share near the whole.
    NearWhole,
}

impl fmt::Display for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(bound) => write!(out, "скрыто: менее {bound}"),
            Self::NoShares(bound) => write!(out, "скрыто: менее {bound}, суммы, доли и средние не показываются"),
            Self::SharesOnly(bound) => write!(out, "скрыто: менее {bound}, показываются только доли"),
            Self::Complementary => out.write_str("скрыто: иначе вычисляется другое скрытое число"),
            Self::Unknown => out.write_str("скрыто: число участников неизвестно"),
            Self::NearNought => out.write_str("не более 10 %"),
            Self::NearWhole => out.write_str("не менее 90 %"),
        }
    }
}

/// A count of people, which has no part behind a point.
fn people(count: Amount) -> i64 {
    count.units / 10i64.pow(u32::from(count.scale.min(18)))
}

/// Why counts of people stay out, when they do.
const fn why_no_counts(shown: Shown, small: i64) -> Option<Hidden> {
    match shown {
        Shown::Below(bound) => Some(Hidden::Below(bound)),
        Shown::NotPrinted => Some(Hidden::Complementary),
        Shown::Softened => Some(Hidden::SharesOnly(small)),
        Shown::Everything | Shown::SmallSample | Shown::CountsOnly => None,
    }
}

/// Why shares and means stay out, when they do.
const fn why_no_shares(shown: Shown, shares: i64) -> Option<Hidden> {
    match shown {
        Shown::Below(bound) => Some(Hidden::Below(bound)),
        Shown::NotPrinted => Some(Hidden::Complementary),
        Shown::CountsOnly => Some(Hidden::NoShares(shares)),
        Shown::Everything | Shown::SmallSample | Shown::Softened => None,
    }
}
