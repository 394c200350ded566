//! One figure and what may be shown of it → a cell.

use super::gather::{Figures, School, Share, Work};
use crate::domain::document::{Cell, Content};
use crate::domain::number::Ratio;
use crate::indicators::{Counted, Marks, Value};
use crate::privacy::suppress::Shown;

/// Stands in a hidden cell; the note under the table explains it.
pub(super) const HIDDEN: &str = "×";

/// A group of participants (группа участников).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Country,
    Region,
    Municipality,
    /// Position among the schools of the work.
    School(usize),
}

/// Figures of one group and how much of them is shown.
pub(super) struct Lens<'w> {
    pub figures: Option<&'w Figures>,
    pub shown: Shown,
    /// Hidden only to protect another line.
    pub complementary: bool,
}

impl<'w> Lens<'w> {
    /// Groups of a work in the order of the table: country, region, municipality, schools by name.
    pub(super) fn groups(work: &'w Work<'_>) -> Vec<(Who, Self)> {
        let open = |figures: Option<&'w Figures>| Self {
            figures,
            shown: Shown::Everything,
            complementary: false,
        };
        let mut groups = vec![
            (Who::Country, open(work.country.as_ref())),
            (Who::Region, open(work.region.as_ref())),
            (Who::Municipality, Self::municipality(work)),
        ];
        for (position, school) in work.schools.iter().enumerate() {
            if school.shown != Shown::NotPrinted {
                groups.push((Who::School(position), Self::school(school)));
            }
        }
        groups
    }

    pub(super) fn municipality(work: &'w Work<'_>) -> Self {
        Self {
            figures: Some(&work.municipality),
            shown: Shown::Everything,
            complementary: work.total_hidden,
        }
    }

    /// The municipality in three years, the newest first; too few marks for shares are shown as counts only.
    pub(super) fn years(work: &'w Work<'_>, least: i64) -> [Self; 3] {
        let year = |figures: Option<&'w Figures>, is_hidden: bool| {
            let marks = figures.and_then(|figures| figures.marks.as_ref());
            Self {
                figures,
                shown: match marks {
                    Some(marks) if marks.total().value < least => Shown::CountsOnly,
                    _ => Shown::Everything,
                },
                complementary: is_hidden,
            }
        };
        let past = |index: usize| {
            let past = work.before[index].as_ref();
            year(
                past.map(|past| &past.municipality),
                past.is_some_and(|past| past.total_hidden),
            )
        };
        [year(Some(&work.municipality), work.total_hidden), past(0), past(1)]
    }

    pub(super) fn has_marks(&self) -> bool {
        self.figures.is_some_and(|figures| figures.marks.is_some())
    }

    /// Marks whose shares may be told.
    pub(super) fn marks(&self) -> Option<&'w Marks> {
        let marks = self.figures?.marks.as_ref()?;
        (!self.is_hidden() && self.shown.has_shares()).then_some(marks)
    }

    pub(super) fn school(school: &'w School<'_>) -> Self {
        Self {
            figures: Some(&school.figures),
            shown: school.shown,
            complementary: school.complementary,
        }
    }

    /// Number of participants: a hidden line says «менее N».
    pub(super) fn participants(&self) -> Cell {
        match self.shown {
            Shown::Below(bound) => Cell::bare(Content::Hidden(format!("менее\u{a0}{bound}"))),
            _ if self.is_hidden() => hidden(),
            _ => count(self.figures.and_then(Figures::participants)),
        }
    }

    /// People that are no result: enrolled, absent.
    pub(super) fn people(&self, pick: impl Fn(&Figures) -> Option<Counted>) -> Cell {
        if self.is_hidden() {
            return hidden();
        }
        count(self.figures.and_then(pick).as_ref())
    }

    /// A count per mark or of another result.
    pub(super) fn count(&self, pick: impl Fn(&Figures) -> Option<&Counted>) -> Cell {
        if self.is_hidden() || !self.shown.has_counts() {
            return hidden();
        }
        count(self.figures.and_then(pick))
    }

    /// A share.
    pub(super) fn share(&self, pick: impl Fn(&Figures) -> Option<Share>) -> Cell {
        if self.is_hidden() {
            return hidden();
        }
        if !self.shown.has_shares() {
            return Cell::bare(Content::TooFew);
        }
        let Some(share) = self.figures.and_then(pick) else {
            return Cell::bare(Content::NotAvailable);
        };
        let end = |text: &str| Cell::bare(Content::Hidden(text.to_owned()));
        match share.of {
            Some((0, _)) if self.shown == Shown::Softened => end("≤\u{a0}10"),
            Some((k, n)) if self.shown == Shown::Softened && k == n => end("≥\u{a0}90"),
            of => Cell {
                content: Content::Share { ratio: share.ratio, of },
                sources: share.sources,
            },
        }
    }

    /// A mean; for softened lines it stays out, because it would give away a share of nought or of everybody.
    pub(super) fn mean(&self, pick: impl Fn(&Figures) -> Option<Value>) -> Cell {
        if self.is_hidden() || self.shown == Shown::Softened {
            return hidden();
        }
        if !self.shown.has_shares() {
            return Cell::bare(Content::TooFew);
        }
        self.figures.and_then(pick).map_or_else(
            || Cell::bare(Content::NotAvailable),
            |value| Cell {
                content: Content::Mean(value.ratio()),
                sources: value.sources,
            },
        )
    }

    pub(super) const fn is_hidden(&self) -> bool {
        self.shown.is_hidden() || self.complementary
    }
}

/// A whole number with its origin, or «н/д».
pub(super) fn count(counted: Option<&Counted>) -> Cell {
    counted.map_or_else(
        || Cell::bare(Content::NotAvailable),
        |counted| Cell {
            content: Content::Count(counted.value),
            sources: counted.sources.clone(),
        },
    )
}

/// A share with its origin, or «н/д».
pub(super) fn share(value: Option<Value>) -> Cell {
    value.map_or_else(
        || Cell::bare(Content::NotAvailable),
        |value| Cell {
            content: Content::Share {
                ratio: value.ratio(),
                of: Some((value.k, value.n)),
            },
            sources: value.sources,
        },
    )
}

/// A change of two values with the origin of both.
pub(super) fn change(now: &Value, before: &Value, is_mean: bool) -> Cell {
    let delta: Ratio = now.ratio().minus(before.ratio());
    let mut sources = now.sources.clone();
    sources.extend(before.sources.iter().cloned());
    Cell {
        content: if is_mean {
            Content::MeanChange(delta)
        } else {
            Content::Points(delta)
        },
        sources,
    }
}

fn hidden() -> Cell {
    Cell::bare(Content::Hidden(HIDDEN.to_owned()))
}
